"""Items computed ahead: the same ones, few at a time, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acga.system.ahead import ahead


@given(items=st.lists(st.integers()), depth=st.integers(1, 5))
def test_the_items_are_the_same_in_the_same_order(items: list[int], depth: int) -> None:
    assert list(ahead(iter(items), depth)) == items


def counted(made: list[int], count: int = 100) -> Iterator[int]:
    try:
        for number in range(count):
            made.append(number)
            yield number
    finally:
        made.append(-1)


def test_no_more_than_asked_for_are_computed_before() -> None:
    made: list[int] = []
    items = ahead(counted(made), 3)
    for number in range(10):
        assert next(items) == number
        assert len(made) <= number + 1 + 3
    items.close()
    assert made[-1] == -1 and len(made) <= 15  # closed, and no thread goes on
    assert not any(thread.name.startswith("ahead") for thread in threading.enumerate())


def test_an_exception_comes_where_its_item_would() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("the second is damaged")

    items = ahead(failing(), 4)
    assert next(items) == 1
    with pytest.raises(ValueError, match="the second is damaged"):
        next(items)
    assert list(items) == []
