"""Exercises by number: what an answer is held against, out of the reader's sight, and hints on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...errors import ConfigError
from ..exercises import Expected


class Task(NamedTuple):
    """An exercise."""

    expected: Callable[..., Any]  # from things of the notebook to a value, or to a function that says of an answer whether it is right
    hint: str
    tolerance: float


TASKS: dict[str, Task] = {}


def register(number: str, hint: str, *, tolerance: float = 1e-6) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a function be the exercise of a number."""

    def keep(function: Callable[..., Any]) -> Callable[..., Any]:
        TASKS[number] = Task(function, hint, tolerance)
        return function

    return keep


def task(number: str, **given: Any) -> Expected:
    """The exercise of that number, notebook before the dot, for `check`; `given` are things of the notebook that its check needs."""
    found = _find(number)
    return Expected(found.expected(**given), number, found.tolerance)


def hint(number: str) -> None:
    """Print a hint to the exercise of that number."""
    try:
        print(_find(number).hint)
    except ConfigError as error:
        print(error)


def _find(number: str) -> Task:
    if number not in TASKS:
        raise ConfigError(f"There is no exercise {number!r}: take one of {', '.join(sorted(TASKS))}.")
    return TASKS[number]
