"""Long work beside the kernel: one job at a time, in steps, and the latest one wins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

Steps = Iterator[Callable[[], None]]


class Latest:
    """Runs jobs beside the kernel. A job is an iterator of small functions: it computes between them, and they tell what it found.

    Whoever starts a job, or stops them all, can rely on it that no earlier job tells anything from then on; it ends at its next step.
    What a job raises goes to `failed`, if it is still the latest.

    >>> told = []
    >>> latest = Latest(failed=print)
    >>> latest.start(lambda number=number: told.append(number) for number in (1, 2))
    >>> latest.wait(10), told
    (True, [1, 2])
    """

    def __init__(self, *, failed: Callable[[Exception], None]) -> None:
        self._failed = failed
        self.telling = threading.RLock()  # so that `start`, `stop` and whoever holds it come before or after a step, not within it
        self._working = threading.Lock()  # held by the one job at work
        self._generation = 0
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a job is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, job: Steps) -> None:
        """Let `job` take the place of the one before."""
        with self.telling:
            self._generation += 1
            thread = threading.Thread(target=self._run, args=(job, self._generation), name="acga")
            thread.start()
            self._thread = thread  # started: `wait` takes a thread that is not alive for one that has ended

    def stop(self) -> None:
        """Let the job end at its next step."""
        with self.telling:
            self._generation += 1

    def wait(self, seconds: float) -> bool:
        """Wait for the latest job; whether it has ended in time."""
        end = time.monotonic() + seconds
        while (thread := self._thread) is not None and thread.is_alive():  # a job may have started another
            thread.join(max(end - time.monotonic(), 0))
            if thread.is_alive():
                return False
        return True

    def _run(self, job: Steps, generation: int) -> None:
        with self._working:
            try:
                while self._wanted(generation) and (step := next(job, None)) is not None:
                    self._tell(step, generation)
            except Exception as error:  # whatever it is, the page must say it, and go on working
                self._tell(partial(self._failed, error), generation)

    def _tell(self, step: Callable[[], None], generation: int) -> None:
        with self.telling:
            if self._wanted(generation):
                step()

    def _wanted(self, generation: int) -> bool:
        """Whether a job is the latest one, and Python is not about to end, which waits for its threads."""
        return generation == self._generation and threading.main_thread().is_alive()
