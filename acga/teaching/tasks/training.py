"""Exercises of 06 and 07: the loss and the training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ...config import TrainConfig
from ...losses import WeightedSegmentationLoss
from ...model.network import ACGA
from ...training.sentences import learning_rate
from ..exercises import NotYet
from .registry import Wanted, need_function, one_of, register


@register("06.1", "F.binary_cross_entropy_with_logits has pos_weight; F.interpolate makes the mask (B, 1, H, W) smaller, bilinearly.")
def _loss() -> Any:
    def right(function: Callable[..., Any]) -> bool:
        responses, mask = [torch.randn(2, size, size) for size in (2, 8, 32)], (torch.rand(2, 32, 32) > 0.5).float()
        for weight in (1.0, 1.5):
            found = torch.as_tensor(function(responses, mask, weight))
            if found.shape != ():
                raise NotYet(f"one number is wanted, yours has the shape {tuple(found.shape)}")
            wanted = torch.stack(WeightedSegmentationLoss(foreground_weight=weight).per_resolution(responses, mask)).sum()
            if not torch.isclose(found, wanted, rtol=1e-4):
                raise NotYet(f"with P = {weight:g} your loss is {found.item():.3f}, the package's {wanted.item():.3f}")
        return True

    return right


@register("06.2", "p is one half; put p, y and P into the formula.")
def _pull() -> float:
    response = torch.zeros(1, requires_grad=True)
    F.binary_cross_entropy_with_logits(response, torch.tensor([0.5]), pos_weight=torch.tensor(1.5)).backward()
    assert response.grad is not None
    return response.grad.item()


@register("06.3", "1 / (1 + P)")
def _plain_threshold() -> float:
    return 1 / (1 + 1.5)


@register("06.4", "The largest p is 2/3, so the cut is at p = 1/3; which q gives p = 1/3?", tolerance=1e-3)
def _official_threshold() -> float:
    surest = 2 * 0.5 / (2 * 0.5 + 1 - 0.5)
    return (surest / 2) / (surest / 2 + 2 * (1 - surest / 2))


@register("06.5", "A larger b marks more: recall goes up. Halve an interval, from -6 to 6, again and again.")
def _balanced(scores: Callable[[float], dict[str, float]]) -> Any:
    def right(shift: float) -> bool:
        of_all = scores(shift)
        return abs(of_all["precision"] - of_all["recall"]) < 0.01

    return right


@register("07.1", "np.random.default_rng([seed, step]) is a new generator that depends on both.")
def _resumable() -> Any:
    def drawn(batch: Callable[[int, int, int, int], Any], step: int, seed: int = 0) -> tuple[int, ...]:
        rows = np.asarray(batch(step, 50, 8, seed))
        if rows.dtype.kind not in "iu" or rows.shape != (8,):
            raise NotYet(f"8 whole numbers are wanted in a step, not an array of {rows.dtype} with the shape {rows.shape}")
        if rows.min() < 0 or rows.max() >= 50:
            raise NotYet(f"of 50 samples the indices are 0 to 49, yours are {rows.min()} to {rows.max()}")
        if len(set(rows.tolist())) < 8:
            raise NotYet("a step of yours holds a sample twice")
        return tuple(rows.tolist())

    def right(batch: Callable[[int, int, int, int], Any]) -> bool:
        need_function(batch)
        steps = [drawn(batch, step) for step in range(6)]
        if steps != [drawn(batch, step) for step in reversed(range(6))][::-1]:  # in another order, as after a resume
            raise NotYet("asked in another order, your steps show other samples")
        if len(set(steps)) < 6:
            raise NotYet("different steps of yours show the same samples")
        if drawn(batch, 0, seed=1) in steps:
            raise NotYet("with another seed your steps show the same samples")
        return True

    return right


@register("07.2", "All, less those never seen, (1 - p)^n, less those seen once, n p (1 - p)^(n - 1).", tolerance=0.01)
def _seen_twice() -> Wanted:
    rng = np.random.default_rng(0)
    visits = np.bincount(np.concatenate([rng.choice(16_000, 16, replace=False) for _ in range(1000)]), minlength=16_000)
    slips = {
        "those seen once are in it too": (visits >= 1).mean(),
        "that is the share never seen, and nearly that of those seen once": (visits == 0).mean(),
        "that is the share seen twice; those seen more often belong to it": (visits == 2).mean(),
    }
    return Wanted((visits >= 2).mean(), slips, share=True)


@register("07.3", "Epochs 1 to 8 have the full rate.", tolerance=1e-8)
def _rates() -> Wanted:
    def rates(epochs: Sequence[int]) -> list[float]:
        return [learning_rate(epoch * 100, 2000, 100, TrainConfig()) for epoch in epochs]

    asked = [epoch - 1 for epoch in (1, 8, 9, 12, 16, 17)]  # steps are counted from 0
    slips = {
        "yours falls an epoch too early": rates([epoch + 1 for epoch in asked]),
        "yours falls an epoch too late": rates([max(0, epoch - 1) for epoch in asked]),
        "the rate falls every 8 epochs, so more than once": rates([min(epoch, 8) for epoch in asked]),
    }
    return Wanted(rates(asked), slips)


@register("07.4", "What is trained now, less the parameters of mixed_4f: part.parameters(), parameter.numel().")
def _without_mixed_4f(model: ACGA) -> Wanted:
    named = {name: parameter for name, parameter in model.named_parameters()}
    trained = {name: parameter for name, parameter in named.items() if parameter.requires_grad}
    left = [parameter for name, parameter in trained.items() if "mixed_4f" not in name]

    def count(parameters: Iterable[torch.nn.Parameter]) -> int:
        return sum(parameter.numel() for parameter in parameters)

    slips = {
        "that is mixed_4f alone": count(named.values()) - count(p for name, p in named.items() if "mixed_4f" not in name),
        "that is what is trained now, with mixed_4f": count(trained.values()),
        "the parameters before mixed_4f are frozen already": count(p for name, p in named.items() if "mixed_4f" not in name),
        "these are tensors; each holds many parameters": len(left),
    }
    return Wanted(count(left), slips)


@register("07.5", "Compare the two figures: whose curve is the lower one in the end?")
def _lower_curve() -> Any:
    return one_of("Y", "X", otherwise="its curve is the higher one in the end")
