"""The encoders of text (eq. 1) and video (eq. 2), and the coordinates that every map is given."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn


class TextEncoder(nn.Module):
    """Eq. 1: F_T = tanh(Conv1d(S)), each word seen together with its two neighbours.

    `word_width` are the channels of S, if they differ from those of F_T.

    >>> TextEncoder(300)(torch.zeros(2, 20, 300)).shape
    torch.Size([2, 20, 300])
    """

    def __init__(self, width: int, word_width: int = 0) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(word_width or width, width, kernel_size=3, padding=1)

    def forward(self, word_vectors: Tensor) -> Tensor:
        """Word vectors (B, L, word_width), zero-padded, to F_T (B, L, width)."""
        text = self.convolution(rearrange(word_vectors, "b l d -> b d l"))  # (B, D, L)
        return rearrange(torch.tanh(text), "b d l -> b l d")


def encode_video(mixed_4f: Tensor, *, rescale: bool = False) -> Tensor:
    """Eq. 2: F_V (B, C, h, w), the mean over time of mixed_4f's output (B, C, T, h, w), of unit length at every pixel.

    With `rescale` (ours) the length is sqrt(C), so that each channel is of order one.

    >>> encode_video(torch.ones(1, 4, 3, 2, 2))[0, :, 0, 0]
    tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """
    visual = F.normalize(mixed_4f.mean(dim=2), dim=1)  # (B, C, h, w)
    return visual * math.sqrt(visual.shape[1]) if rescale else visual


def coordinates(height: int, width: int, *, like: Tensor | None = None) -> Tensor:
    """C (8, height, width): xmin, ymin, xmax, ymax, xctr, yctr of every cell in [-1, 1], and the constants 1/width, 1/height.

    `like` gives the device and type; the default is fp32 on the CPU.

    >>> coordinates(1, 2)[:, 0, 1]
    tensor([ 0.0000, -1.0000,  1.0000,  1.0000,  0.5000,  0.0000,  0.5000,  1.0000])
    """
    device = None if like is None or like.device.type == "mps" else like.device  # Apple's GPUs have no double precision
    # Computed in double precision, as the official numpy code does, then rounded once.
    x = torch.arange(width + 1, dtype=torch.float64, device=device) / width * 2 - 1  # edges of the columns
    y = torch.arange(height + 1, dtype=torch.float64, device=device) / height * 2 - 1
    ones = torch.ones(height, width, dtype=torch.float64, device=device)
    columns = [x[:-1], x[1:], (x[:-1] + x[1:]) / 2]
    rows = [y[:-1], y[1:], (y[:-1] + y[1:]) / 2]
    (xmin, xmax, xctr), (ymin, ymax, yctr) = [ones * x for x in columns], [ones * y[:, None] for y in rows]
    stacked = torch.stack([xmin, ymin, xmax, ymax, xctr, yctr, ones / width, ones / height])  # (8, height, width)
    return stacked.to(torch.get_default_dtype()) if like is None else stacked.to(like)


def with_coordinates(visual: Tensor) -> Tensor:
    """F_VC (B, C + 8, h, w): F_V (B, C, h, w) and its coordinates."""
    places = coordinates(*visual.shape[-2:], like=visual)
    return torch.cat([visual, places.expand(len(visual), -1, -1, -1)], dim=1)
