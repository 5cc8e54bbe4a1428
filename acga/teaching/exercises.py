"""The notebooks' exercises check themselves: `check(answer, expected)` says one of three things and never stops the notebook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

UNANSWERED, RIGHT, WRONG = "not answered yet", "right", "not yet"


class NotYet(Exception):
    """A sentence for the reader on what is wrong with an answer."""


@dataclass(frozen=True)
class Expected:
    """A value, or a function that says of an answer whether it is right, with a hint that is shown on demand."""

    of: Any
    number: str = ""
    tolerance: float = 1e-6


def check(answer: Any, expected: Any, hint: str = "", *, tolerance: float = 1e-6) -> None:
    """Print whether an answer is right: "not answered yet" while it is `...`, "right", or "not yet" with the hint.

    `expected` is the value itself (numbers and arrays may differ by `tolerance`) or a function that says of an answer whether it is
    right, for answers that are functions or of which there are many; or one of `acga.teaching.tasks`. An answer that breaks is "not
    yet", with what broke, and so is one of another shape.

    >>> check(..., 16)
    not answered yet
    >>> check([1, 2], np.array([1, 2]))
    right
    >>> check(8, 16, "a clip has twice as many")
    not yet: a clip has twice as many
    >>> check([1, 2, 3], [1, 2])
    not yet: the answer's shape is (3,), wanted is (2,)
    >>> check(lambda mask: mask.turned, lambda answer: answer(np.ones(2)).all())
    not yet: AttributeError: 'numpy.ndarray' object has no attribute 'turned'
    """
    if isinstance(expected, Expected):
        hint, tolerance = hint or f'hint("{expected.number}") helps', expected.tolerance
        expected = expected.of
    if answer is ...:
        print(UNANSWERED)
        return
    try:
        right = bool(expected(answer)) if callable(expected) else same(answer, expected, tolerance)
    except NotYet as error:
        right, hint = False, str(error)
    except Exception as error:  # whatever a reader's code may raise
        right, hint = False, f"{type(error).__name__}: {error}"
    print(RIGHT if right else f"{WRONG}: {hint}" if hint else WRONG)


def same(answer: Any, expected: Any, tolerance: float) -> bool:
    """Whether two values agree: numbers within the tolerance, all else equal. Another shape raises `NotYet`.

    >>> same((3, 16), [3, 16], 0), same(0.501, 0.5, 0.01), same("left", "right", 0)
    (True, True, False)
    """
    given, wanted = np.asarray(answer), np.asarray(expected)
    if given.shape != wanted.shape:
        raise NotYet(f"the answer's shape is {given.shape}, wanted is {wanted.shape}")
    if given.dtype.kind in "biuf" and wanted.dtype.kind in "biuf":
        return bool(np.allclose(given.astype(float), wanted.astype(float), rtol=0, atol=tolerance))
    return bool((given == wanted).all())


def like_layer(layer: nn.Module, *inputs: Tensor) -> Callable[[nn.Module], bool]:
    """A check of a module that the reader wrote: it takes the parameters of `layer`, and then must give what that gives.

    >>> layer = nn.Linear(3, 2)
    >>> check(nn.Linear(3, 2), like_layer(layer, torch.ones(4, 3)))
    right
    >>> check(nn.Sequential(nn.Linear(3, 2)), like_layer(layer, torch.ones(4, 3)))
    not yet: the trained layer has parameters bias (2,), weight (2, 3); yours has 0.bias (2,), 0.weight (2, 3)
    >>> check(nn.Linear(3, 2).requires_grad_(False), like_layer(layer, torch.ones(4, 3)))
    right
    """

    def right(written: nn.Module) -> bool:
        if not isinstance(written, nn.Module):
            raise NotYet(f"a module is wanted, made of your class with its sizes, not {type(written).__name__}")
        ours, yours = _parameters(layer), _parameters(written)
        if ours != yours:
            raise NotYet(f"the trained layer has parameters {ours}; yours has {yours}")
        written.load_state_dict(layer.state_dict())
        with torch.no_grad():
            found, wanted = _first(written.to(inputs[0].dtype)(*inputs)), _first(layer(*inputs))
        if not isinstance(found, Tensor):
            raise NotYet(f"with the trained weights your layer gives {type(found).__name__}, not a tensor")
        if found.shape != wanted.shape:
            raise NotYet(f"with the trained weights your layer gives {tuple(found.shape)}, the package's {tuple(wanted.shape)}")
        apart = (found - wanted).abs().max().item()
        if not apart <= 1e-4 * max(wanted.abs().max().item(), 1):
            raise NotYet(f"the shapes are right; the numbers are up to {apart:.2g} away from the package's")
        return True

    return right


def _parameters(layer: nn.Module) -> str:
    return ", ".join(sorted(f"{name} {tuple(value.shape)}" for name, value in layer.state_dict().items())) or "none"


def _first(output: Any) -> Any:
    """The map that a layer gives; some give their weights with it."""
    return output[0] if isinstance(output, tuple) else output
