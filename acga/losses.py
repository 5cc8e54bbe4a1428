"""Eq. 14-16: binary cross-entropy, with the foreground weighted, summed over three resolutions."""

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

    >>> loss = WeightedSegmentationLoss(foreground_weight=1.0)
    >>> responses = Responses(torch.zeros(1, 4, 6), torch.zeros(1, 16, 24), torch.zeros(1, 64, 96))
    >>> round(loss(responses, torch.ones(1, 64, 96)).item(), 4)  # 3 log 2
    2.0794
    """

    def __init__(self, *, foreground_weight: float = 1.5, resolution_weights: Sequence[float] = (1.0, 1.0, 1.0)) -> None:
        super().__init__()
        if len(resolution_weights) != 3:
            raise ValueError(f"There are three resolutions, but {len(resolution_weights)} weights for them.")
        self.foreground_weight = foreground_weight
        self.resolution_weights = tuple(resolution_weights)

    def forward(self, responses: Responses, mask: Tensor) -> Tensor:
        """The scalar L for responses and a mask (B, 16h, 16w) of 0 and 1, bool or float."""
        losses = self.per_resolution(responses, mask)
        return torch.stack([weight * loss for weight, loss in zip(self.resolution_weights, losses, strict=True)]).sum()

    def per_resolution(self, responses: Responses, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """L_S, L_M and L_L, before their lambdas; the smaller targets are soft: the mask made smaller by bilinear interpolation."""
        if mask.shape != responses.large.shape:
            raise ValueError(f"The mask is {tuple(mask.shape)}, but the large response is {tuple(responses.large.shape)}.")
        small, medium, large = (self._one(response, mask) for response in responses)
        return small, medium, large

    def _one(self, response: Tensor, mask: Tensor) -> Tensor:
        response = response.to(torch.promote_types(response.dtype, torch.float32))  # a mean over many pixels needs it under autocast
        target = mask[:, None].to(response.dtype)  # (B, 1, 16h, 16w)
        if response.shape != mask.shape:
            target = F.interpolate(target, size=response.shape[-2:], mode="bilinear", align_corners=False)
        weight = torch.as_tensor(self.foreground_weight, dtype=response.dtype, device=response.device)
        return F.binary_cross_entropy_with_logits(response, target[:, 0], pos_weight=weight)
