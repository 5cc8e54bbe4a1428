"""The exercises of 10: right answers, wrong ones, and ones of another shape."""

import pytest

from acga.teaching.exercises import check
from acga.teaching.tasks import task


@pytest.mark.parametrize(
    ("number", "right", "wrong"), [("10.1", 90.6, 45.3), ("10.2", 12, 8), ("10.3", 1.67, 2.5)], ids=["operations", "width", "at most"]
)
def test_exercises(number, right, wrong, capsys):
    for answer in (right, wrong, [right, right]):
        check(answer, task(number))
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "right"
    assert second == f'not yet: hint("{number}") helps'
    assert third == "not yet: one number is wanted, not 2 numbers"
