"""The notebooks' exercises check themselves: `check(answer, expected)` says one of three things and never stops the notebook."""

from __future__ import annotations

from typing import Any

import numpy as np

UNANSWERED, RIGHT, WRONG = "not answered yet", "right", "not yet"


def check(answer: Any, expected: Any, hint: str = "", *, tolerance: float = 1e-6) -> None:
    """Print whether an answer is right: "not answered yet" while it is `...`, "right", or "not yet" with the hint.

    `expected` is the value itself (numbers and arrays may differ by `tolerance`) or a function that says of an answer whether it is
    right, for answers that are functions or of which there are many. An answer that breaks is "not yet", with what broke.

    >>> check(..., 16)
    not answered yet
    >>> check([1, 2], np.array([1, 2]))
    right
    >>> check(8, 16, "a clip has twice as many")
    not yet: a clip has twice as many
    >>> check(lambda mask: mask.turned, lambda answer: answer(np.ones(2)).all())
    not yet: AttributeError: 'numpy.ndarray' object has no attribute 'turned'
    """
    if answer is ...:
        print(UNANSWERED)
        return
    try:
        right = bool(expected(answer)) if callable(expected) else same(answer, expected, tolerance)
    except Exception as error:  # whatever a reader's code may raise
        right, hint = False, f"{type(error).__name__}: {error}"
    print(RIGHT if right else f"{WRONG}: {hint}" if hint else WRONG)


def same(answer: Any, expected: Any, tolerance: float) -> bool:
    """Whether two values agree: of one shape, numbers within the tolerance, all else equal.

    >>> same((3, 16), [3, 16], 0), same(0.501, 0.5, 0.01), same("left", "right", 0), same([1], [1, 2], 0)
    (True, True, False, False)
    """
    given, wanted = np.asarray(answer), np.asarray(expected)
    if given.shape != wanted.shape:
        return False
    if given.dtype.kind in "biuf" and wanted.dtype.kind in "biuf":
        return bool(np.allclose(given.astype(float), wanted.astype(float), rtol=0, atol=tolerance))
    return bool((given == wanted).all())
