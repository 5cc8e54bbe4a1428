"""Exercises of the notebook on the benchmark: what is right, what is not yet, and what is said of an answer of another kind."""

import numpy as np
import pytest

from acga.metrics import MEAN_OVER
from acga.teaching.exercises import check
from acga.teaching.tasks import hint, task


def coco_map(ious, scores):
    """A stand-in that ranks as COCO does, coarsely: the mean precision at the right answers."""
    found = []
    for threshold in MEAN_OVER:
        right = ious[np.argsort(-scores)] >= threshold
        found.append((np.cumsum(right) / np.arange(1, 6) * right).sum() / 5)
    return float(np.mean(found))


def pair(size, here):
    answer, truth = np.zeros((size, size), bool), np.zeros((size, size), bool)
    answer[0, 0], truth[(0, 0) if here else (size - 1, size - 1)] = True, True
    return answer, truth


HUGE = (np.ones((20, 20), bool), np.ones((20, 20), bool))
TARGETS = [np.ones((8, 8), bool), np.eye(8, dtype=bool)]
CASES = {
    "08.1": ({}, (0.75, 0.475, 63 / 148), (0.75, 0.475, 0.5), (1, 2)),
    "08.2": ({}, [HUGE, pair(20, False), pair(20, False)], [HUGE, pair(20, True)], 3),
    "08.3": ({"coco_map": coco_map}, [1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [1, 1, 2, 3, 4]),
    "08.4": ({"targets": TARGETS}, (16 / 64 + 4 / 20) / 2, 0.5, [0.2, 0.2]),
}


@pytest.mark.parametrize("number", CASES)
def test_right_wrong_and_of_another_kind(number, capsys):
    given, right, wrong, other = CASES[number]
    for answer, begins in ((..., "not answered yet"), (right, "right"), (wrong, "not yet: hint("), (other, "not yet: ")):
        check(answer, task(number, **given))
        assert capsys.readouterr().out.startswith(begins)
    hint(number)
    assert len(capsys.readouterr().out) > 10
