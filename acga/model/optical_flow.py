"""Optical flow by the method of Lucas and Kanade (1981), from coarse to fine (Bouguet, 2000), for all pairs of a batch at once.

In a window around each pixel, the flow is the displacement d that best explains the change of brightness, by least squares:
sum over the window of (I_x d_x + I_y d_y + I_t)^2 + ridge |d|^2. The ridge keeps it near zero where nothing is to be seen.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

WINDOW = 7  # pixels
RIDGE = 0.015  # for brightness in [-1, 1]
LEVELS, ITERATIONS = 3, 2  # of the pyramid, each half the size of the one before; of the solution at each
LONGEST_STEP = 2.0  # pixels, of an iteration: linear brightness holds no farther


def optical_flow(first: Tensor, second: Tensor) -> Tensor:
    """The displacement (N, 2, H, W), x and y in pixels, of what is at each pixel of `first` (N, 1, H, W) until `second`.

    Brightness is in [-1, 1]; H and W are multiples of 4.

    >>> x = torch.linspace(0, 12, 64).sin().repeat(64, 1)
    >>> picture = (x + x.mT)[None, None] / 2
    >>> optical_flow(picture, picture.roll(2, dims=3))[0, :, 32, 32].round(decimals=1)
    tensor([2., 0.])
    """
    pyramid = [(first, second)]
    for _ in range(LEVELS - 1):
        pyramid.append((F.avg_pool2d(pyramid[-1][0], 2), F.avg_pool2d(pyramid[-1][1], 2)))
    flow = torch.zeros_like(pyramid[-1][0]).repeat(1, 2, 1, 1)
    for one, other in reversed(pyramid):
        if flow.shape[2:] != one.shape[2:]:
            flow = 2 * F.interpolate(flow, size=one.shape[2:], mode="bilinear", align_corners=False)
        gradient = _gradient(one)  # (N, 2, H, W)
        tensor = _window(torch.cat([gradient**2, gradient[:, :1] * gradient[:, 1:]], dim=1))  # xx, yy, xy
        xx, yy, xy = (tensor + tensor.new_tensor([RIDGE, RIDGE, 0]).view(3, 1, 1)).unbind(1)
        determinant = xx * yy - xy**2
        for _ in range(ITERATIONS):
            change = warp(other, flow) - one
            x, y = _window(gradient * change).unbind(1)
            step = torch.stack([xy * y - yy * x, xy * x - xx * y], dim=1) / determinant[:, None]
            flow = flow + step.clamp(-LONGEST_STEP, LONGEST_STEP)
    return flow


def motion(frames: Tensor) -> Tensor:
    """The motion in windows of T frames (N, 3, T, H, W) in [-1, 1], as maps (N, 12 (T - 1), H/16, W/16).

    Of each two successive frames: the flow in excess of the median flow, which is the camera's, and how far it fails to explain the
    second frame; computed at half of the resolution, averaged at stride 8, four cells of which are channels of one at stride 16.

    >>> motion(torch.zeros(1, 3, 4, 64, 96)).shape
    torch.Size([1, 36, 4, 6])
    """
    number, pairs = len(frames), frames.shape[2] - 1
    brightness = F.avg_pool2d(rearrange(frames.mean(dim=1), "n t h w -> (n t) 1 h w"), 2)
    brightness = rearrange(brightness, "(n t) 1 h w -> n t 1 h w", n=number)
    first, second = brightness[:, :-1].flatten(0, 1), brightness[:, 1:].flatten(0, 1)  # (N (T - 1), 1, H/2, W/2)
    flow = optical_flow(first, second)
    error = (warp(second, flow) - first).abs()
    flow = flow - flow.flatten(2).median(dim=2).values[:, :, None, None]
    cells = F.avg_pool2d(torch.cat([flow, error], dim=1), 4)  # (N (T - 1), 3, H/8, W/8)
    return rearrange(F.pixel_unshuffle(cells, 2), "(n t) c h w -> n (t c) h w", n=number, t=pairs)


def warp(picture: Tensor, flow: Tensor) -> Tensor:
    """The values of `picture` (N, C, H, W) where `flow` (N, 2, H, W) leads from each pixel, bilinear; the border goes on outside.

    >>> warp(torch.arange(3.0).view(1, 1, 1, 3), torch.tensor([0.5, 0]).view(1, 2, 1, 1).expand(1, 2, 1, 3)).flatten()
    tensor([0.5000, 1.5000, 2.0000])
    """
    height, width = picture.shape[2:]
    x = torch.arange(width, device=flow.device) + flow[:, 0]  # (N, H, W)
    y = torch.arange(height, device=flow.device)[:, None] + flow[:, 1]
    places = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)
    return F.grid_sample(picture, places, padding_mode="border", align_corners=False)


def _gradient(picture: Tensor) -> Tensor:
    """Central differences along x and y, (N, 2, H, W)."""
    padded = F.pad(picture, (1, 1, 1, 1), mode="replicate")
    return torch.cat([padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2], padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]], dim=1) / 2


def _window(maps: Tensor) -> Tensor:
    """Means over the window around each pixel; outside the picture there is nothing."""
    return F.avg_pool2d(maps, WINDOW, stride=1, padding=WINDOW // 2)
