"""Exercises of 06 and 07: the loss and the training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ...config import TrainConfig
from ...losses import WeightedSegmentationLoss
from ...model.network import ACGA
from ...training import learning_rate
from ..exercises import NotYet
from .registry import register


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
    def right(batch: Callable[[int, int, int, int], Any]) -> bool:
        drawn = [list(batch(step, 50, 8, 0)) for step in range(6)]
        again = [list(batch(step, 50, 8, 0)) for step in reversed(range(6))][::-1]  # in another order, as after a resume
        if drawn != again:
            raise NotYet("asked in another order, your steps show other samples")
        valid = all(len(set(one)) == 8 and min(one) >= 0 and max(one) < 50 for one in drawn)
        return valid and len({tuple(one) for one in drawn}) == 6 and list(batch(0, 50, 8, 1)) != drawn[0]

    return right


@register("07.2", "All, less those never seen, (1 - p)^n, less those seen once, n p (1 - p)^(n - 1).", tolerance=0.01)
def _seen_twice() -> float:
    rng = np.random.default_rng(0)
    drawn = [rng.choice(16_000, 16, replace=False) for _ in range(1000)]
    return float((np.bincount(np.concatenate(drawn), minlength=16_000) >= 2).mean())


@register("07.3", "Epochs 1 to 8 have the full rate.", tolerance=1e-8)
def _rates() -> list[float]:
    return [learning_rate((epoch - 1) * 100, 2000, 100, TrainConfig()) for epoch in (1, 8, 9, 12, 16, 17)]


@register("07.4", "What is trained now, less the parameters of mixed_4f: part.parameters(), parameter.numel().")
def _without_mixed_4f(model: ACGA) -> int:
    return sum(p.numel() for name, p in model.named_parameters() if p.requires_grad and "mixed_4f" not in name)


@register("07.5", "Compare the two figures: whose curve is the lower one in the end?")
def _lower_curve() -> str:
    return "Y"
