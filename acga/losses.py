"""Eq. 14-16: binary cross-entropy, with the foreground weighted, summed over three resolutions; and two additions of ours."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .model.decoder import Responses


class WeightedSegmentationLoss(nn.Module):
    """L = sum over resolutions of lambda * mean over pixels of -(P y log p + (1 - y) log(1 - p)), with p = sigmoid(response).

    Args:
        foreground_weight: P, in eq. 14; 1 turns the weighting off.
        resolution_weights: lambda of small, medium and large, in eq. 16.
        dice: ours, weight of a Dice loss (Milletari et al., 2016) beside it, so that small actors count as much as large ones.
        other_actors_weight: ours, of background pixels on other actors, onto which masks leak.

    >>> loss = WeightedSegmentationLoss(foreground_weight=1.0)
    >>> responses = Responses(torch.zeros(1, 4, 6), torch.zeros(1, 16, 24), torch.zeros(1, 64, 96))
    >>> round(loss(responses, torch.ones(1, 64, 96)).item(), 4)  # 3 log 2
    2.0794
    """

    def __init__(
        self,
        *,
        foreground_weight: float = 1.5,
        resolution_weights: Sequence[float] = (1.0, 1.0, 1.0),
        dice: float = 0.0,
        other_actors_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if len(resolution_weights) != 3:
            raise ValueError(f"There are three resolutions, but {len(resolution_weights)} weights for them.")
        self.foreground_weight, self.dice, self.other_actors_weight = foreground_weight, dice, other_actors_weight
        self.resolution_weights = tuple(resolution_weights)

    def forward(self, responses: Responses, mask: Tensor, others: Tensor | None = None) -> Tensor:
        """The scalar L for responses and a mask (B, 16h, 16w) of 0 and 1, bool or float; `others`, alike, is where other actors are."""
        losses = self.per_resolution(responses, mask, others)
        return torch.stack([weight * loss for weight, loss in zip(self.resolution_weights, losses, strict=True)]).sum()

    def per_resolution(self, responses: Sequence[Tensor], mask: Tensor, others: Tensor | None = None) -> list[Tensor]:
        """L_S, L_M and L_L, or the first of these, before their lambdas.

        The smaller targets are soft: the mask made smaller by bilinear interpolation.
        """
        if len(responses) == 3 and mask.shape != responses[2].shape:
            raise ValueError(f"The mask is {tuple(mask.shape)}, but the large response is {tuple(responses[2].shape)}.")
        return [self._one(response, mask, others) for response in responses]

    @property
    def resolutions(self) -> int:
        """The number of resolutions that count, from the coarsest: those after the last weight that is not zero cost nothing."""
        return max((number for number, weight in enumerate(self.resolution_weights, start=1) if weight), default=1)

    def _one(self, response: Tensor, mask: Tensor, others: Tensor | None) -> Tensor:
        response = response.to(torch.promote_types(response.dtype, torch.float32))  # a mean over many pixels needs it under autocast
        target = _resized(mask, response)
        weight = torch.as_tensor(self.foreground_weight, dtype=response.dtype, device=response.device)
        of_pixels = None
        if others is not None and self.other_actors_weight != 1:
            of_pixels = 1 + (self.other_actors_weight - 1) * _resized(others, response) * (1 - target)
        loss = F.binary_cross_entropy_with_logits(response, target, weight=of_pixels, pos_weight=weight)
        return loss + self.dice * dice_loss(response, target) if self.dice else loss


def dice_loss(response: Tensor, target: Tensor) -> Tensor:
    """1 - Dice between sigmoid(response) and a target (B, H, W) in [0, 1], the mean over samples; one pixel is added to both areas.

    >>> round(dice_loss(torch.full((1, 2, 2), 20.0), torch.ones(1, 2, 2)).item(), 4)
    0.0
    """
    probability = torch.sigmoid(response)
    common, areas = (probability * target).sum(dim=(1, 2)), (probability + target).sum(dim=(1, 2))
    return 1 - ((2 * common + 1) / (areas + 1)).mean()


def _resized(mask: Tensor, like: Tensor) -> Tensor:
    """A mask (B, 16h, 16w) at the size and in the type of a response."""
    resized = mask[:, None].to(like.dtype)  # (B, 1, 16h, 16w)
    if like.shape != mask.shape:
        resized = F.interpolate(resized, size=like.shape[-2:], mode="bilinear", align_corners=False)
    return resized[:, 0]
