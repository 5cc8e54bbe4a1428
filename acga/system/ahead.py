"""Items computed ahead of their use, in a thread of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterator[Item], depth: int) -> Iterator[Item]:
    """The same items in the same order, at most `depth` of them computed before they are asked for.

    An exception comes where its item would. Whoever stops early leaves nothing running, and a generator is closed.

    >>> list(ahead(iter("abc"), 2))
    ['a', 'b', 'c']
    """
    end = object()
    executor = ThreadPoolExecutor(1, "ahead")
    try:
        waiting: deque[Future] = deque(executor.submit(next, items, end) for _ in range(depth))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(executor.submit(next, items, end))
            yield item
    finally:
        executor.shutdown(cancel_futures=True)
        if hasattr(items, "close"):
            items.close()
