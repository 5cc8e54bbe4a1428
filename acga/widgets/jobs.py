"""Long work in a thread beside the kernel: one job at a time, in steps, and the latest one wins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

Steps = Iterator[Callable[[], None]]


class JobRunner:
    """Run jobs in a thread, the latest alone. A job is an iterator of small functions: it computes between them, and they publish results.

    Once a job is started, or all are stopped, no earlier job publishes anything; it ends at its next step. What a job raises goes to
    `failed`, if it is still the latest.

    >>> published = []
    >>> runner = JobRunner(failed=print)
    >>> runner.start(lambda number=number: published.append(number) for number in (1, 2))
    >>> runner.wait(10), published
    (True, [1, 2])
    """

    def __init__(self, *, failed: Callable[[Exception], None]) -> None:
        self._failed = failed
        self.publishing = threading.RLock()  # so that `start`, `stop` and whoever holds it come before or after a step, not within it
        self._working = threading.Lock()  # held by the one job that runs
        self._generation = 0
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, job: Steps) -> None:
        """Let `job` take the place of the one before."""
        with self.publishing:
            self._generation += 1
            thread = threading.Thread(target=self._run, args=(job, self._generation), name="acga")
            thread.start()
            self._thread = thread  # started: `wait` takes a thread that is not alive for one that has ended

    def stop(self) -> None:
        """Let the job end at its next step."""
        with self.publishing:
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
                    self._publish(step, generation)
            except Exception as error:  # whatever it is, the page must say it, and go on working
                self._publish(partial(self._failed, error), generation)

    def _publish(self, step: Callable[[], None], generation: int) -> None:
        with self.publishing:
            if self._wanted(generation):
                step()

    def _wanted(self, generation: int) -> bool:
        """Whether a job is the latest one, and Python is not about to end, which waits for its threads."""
        return generation == self._generation and threading.main_thread().is_alive()
