"""Work in several processes: in order, a little ahead, noticed when a process dies, never outliving its parent, told of by one."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext, redirect_stdout
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, TypeVar

from ..errors import AcgaError

_Item = TypeVar("_Item")
_Value = TypeVar("_Value")
_function: Callable[[Any], Any]  # in a worker, what it was started for
ENDED_WITHIN = 30.0  # seconds in which a launcher surely ends what it has started when one process has failed


def map_in_processes(function: Callable[[_Item], _Value], items: Sequence[_Item], workers: int) -> Generator[_Value, None, None]:
    """`function` of every item, in order, by `workers` processes, at most a few items ahead; with none, in this process when asked for.

    The function is sent to each process once, so what it remembers stays. Close the iterator to end the processes before its end.
    Raises what the function raises, and `AcgaError` when a process is killed.

    >>> list(map_in_processes(abs, [-1, 2], workers=0))
    [1, 2]
    """
    if not workers:
        yield from map(function, items)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(function,))
    ahead: deque[Future[_Value]] = deque()
    try:
        for item in items:
            ahead.append(pool.submit(_work, item))
            if len(ahead) > 2 * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    except BrokenProcessPool as error:
        raise AcgaError(
            "A worker process was killed, perhaps for want of memory; run the command again with fewer workers, it will go on."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(function: Callable[[Any], Any]) -> None:
    """Prepare a worker: on one thread, as the workers share the cores; deaf to Ctrl-C, which its parent hears; gone with its parent."""
    import cv2
    import torch

    global _function
    _function = function
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _work(item: Any) -> Any:
    return _function(item)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def is_first() -> bool:
    """Whether this is the first of the processes that a launcher has started to work together, or the only one."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def ending_together() -> Iterator[None]:
    """Of several processes that work together, let the one that fails tell why, and the others nothing.

    When a process has ended, PyTorch raises a RuntimeError in those that wait for it. Their launcher then terminates them, so that is
    waited for, and the error is only raised if it does not come.
    """
    try:
        yield
    except RuntimeError:
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            time.sleep(ENDED_WITHIN)
        raise


@contextmanager
def one_voice() -> Iterator[None]:
    """Of several processes that work together, let the first alone say what is done; each tells of its errors."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, nullcontext() if is_first() else redirect_stdout(nowhere):
        yield
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
