"""Exercises by number: what an answer is held against, out of the reader's sight, and hints on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ...errors import ConfigError
from ..exercises import Expected, NotYet, same


class Task(NamedTuple):
    """An exercise."""

    expected: Callable[..., Any]  # from things of the notebook to a value, or to a function that says of an answer whether it is right
    hint: str
    tolerance: float


@dataclass(frozen=True)
class Wanted:
    """The value of an exercise, and the slips that lead to other values: the sentence that says what went wrong, and what it comes to.

    >>> right = Wanted(0.25, {"that is the rest": 0.75}, share=True).by(tolerance=0.01)
    >>> right(0.25), right(0.5)
    (True, False)
    >>> right(0.75)
    Traceback (most recent call last):
    acga.teaching.exercises.NotYet: that is the rest
    >>> right(25)
    Traceback (most recent call last):
    acga.teaching.exercises.NotYet: a share lies between 0 and 1, and not every number of yours does
    >>> right([0.25, 0.25])
    Traceback (most recent call last):
    acga.teaching.exercises.NotYet: one number is wanted, not 2 numbers
    """

    value: Any
    slips: Mapping[str, Any] = field(default_factory=dict)
    share: bool = False

    def by(self, tolerance: float) -> Callable[[Any], bool]:
        """Whether an answer is the value; raises `NotYet` where it can be said what is wrong."""
        wanted = np.asarray(self.value)

        def right(answer: Any) -> bool:
            if wanted.dtype.kind in "biuf":
                given = _numbers(answer, wanted)
                if self.share and not ((given >= 0) & (given <= 1)).all():
                    raise NotYet("a share lies between 0 and 1, and not every number of yours does")
            if same(answer, self.value, tolerance):
                return True
            for sentence, slip in self.slips.items():
                if same(answer, slip, tolerance):
                    raise NotYet(sentence)
            return False

        return right


def one_of(wanted: str, *others: str, otherwise: str) -> Callable[[Any], bool]:
    """A check of a choice between a few words; `otherwise` is said of the others.

    >>> one_of("A", "B", otherwise="its wheels stand still")("a")
    Traceback (most recent call last):
    acga.teaching.exercises.NotYet: "A" or "B" is wanted, not 'a'
    """

    def right(answer: Any) -> bool:
        if not isinstance(answer, str) or answer not in (wanted, *others):
            choices = " or ".join(f'"{word}"' for word in sorted([wanted, *others]))
            raise NotYet(f"{choices} is wanted, not {repr(answer) if isinstance(answer, str) else type(answer).__name__}")
        if answer != wanted:
            raise NotYet(otherwise)
        return True

    return right


def need_function(answer: Any) -> None:
    """Raise `NotYet` unless the answer can be called.

    >>> need_function(3)
    Traceback (most recent call last):
    acga.teaching.exercises.NotYet: a function is wanted, without a call, not int
    """
    if not callable(answer):
        raise NotYet(f"a function is wanted, without a call, not {type(answer).__name__}")


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
    expected = found.expected(**given)
    if not callable(expected):
        expected = (expected if isinstance(expected, Wanted) else Wanted(expected)).by(found.tolerance)
    return Expected(expected, number, found.tolerance)


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


def _numbers(answer: Any, wanted: np.ndarray) -> np.ndarray:
    """An answer as an array of numbers of the shape that is wanted."""
    try:
        given = np.asarray(answer)
    except Exception:  # lists of lists of different lengths, tensors that need gradients
        given = np.asarray(None)
    if given.dtype.kind not in "biuf":
        found = "something else in a list" if isinstance(answer, list | tuple) else type(answer).__name__
        raise NotYet(f"{_are_wanted(wanted)}, not {found}")
    if given.shape != wanted.shape:
        raise NotYet(f"{_are_wanted(wanted)}, not {_count(given)}")
    return given


def _count(numbers: np.ndarray) -> str:
    if numbers.ndim > 1:
        return f"an array {numbers.shape}"
    if numbers.shape == (1,):
        return "a list of one number"
    return "one number" if numbers.ndim == 0 else f"{len(numbers)} numbers"


def _are_wanted(numbers: np.ndarray) -> str:
    return f"{_count(numbers)} {'are' if numbers.ndim == 1 and len(numbers) > 1 else 'is'} wanted"
