"""Responses averaged with those of the frames before and after, brought along the optical flow: what flickers is mostly error.

Neighbouring frames are the middles of different clips, of which an image stem sees different frames, so their errors differ, while their
actors hardly do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .data.geometry import to_clip
from .model.optical_flow import optical_flow, warp


@torch.inference_mode()
def temporal_average(responses: Tensor, square: np.ndarray, neighbours: Sequence[tuple[Tensor, np.ndarray]]) -> Tensor:
    """Responses (Q, S, S) to queries in a frame, averaged with those of its neighbours, brought to its places.

    Each frame is given with its square, uint8 (S, S, 3), S a multiple of 16. What moved out of the picture takes the value at the border.

    >>> ramp = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    >>> square = np.repeat(ramp[:, :, None], 3, axis=2)
    >>> temporal_average(torch.zeros(1, 64, 64), square, [(torch.ones(1, 64, 64), square)])[0, 0, 0]
    tensor(0.5000)
    """
    if not neighbours:
        return responses
    first = _brightness([square] * len(neighbours))  # (N, 1, S / 2, S / 2)
    flow = optical_flow(first, _brightness([other for _, other in neighbours]))  # (N, 2, S / 2, S / 2)
    flow = 2 * F.interpolate(flow, size=square.shape[:2], mode="bilinear", align_corners=False)  # (N, 2, S, S)
    brought = warp(torch.stack([other for other, _ in neighbours]), flow)  # (N, Q, S, S)
    return (responses + brought.sum(dim=0)) / (1 + len(neighbours))


def _brightness(squares: Sequence[np.ndarray]) -> Tensor:
    """Squares (S, S, 3) as brightness from -1 to 1 at half of their size, where the flow is computed: (N, 1, S / 2, S / 2)."""
    return F.avg_pool2d(to_clip(np.stack(squares)).mean(dim=0)[:, None], 2)
