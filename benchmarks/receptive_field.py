"""How far does a cell of F_V (eq. 2) see, before any attention? The gradient of its features before they are normalised, by distance.

    python benchmarks/receptive_field.py data/a2d --out results/receptive_field.json

By its kernels a cell depends on 235 x 235 pixels; what reaches it in practice is less (Luo et al., "Understanding the effective receptive
field", NeurIPS 2016). For middle and corner cells of test clips: how much of the gradient of a random mixture of the cell's channels,
by absolute value and summed over colours and frames, lies further away than so many pixels, and what would if all pixels counted alike.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import tyro
from torch import Tensor

import acga
from acga.config import STRIDE
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance

DISTANCES = (16, 32, 48, 64, 96)  # pixels of the network's square
CELLS = {"middle": (3, 3), "corner": (0, 0)}  # of the 8 x 8


def gradient(model: acga.ACGA, clip: Tensor, cell: tuple[int, int], channels: Tensor) -> np.ndarray:
    """|d (channels . mean over time of mixed_4f at the cell) / d clip|, summed over colours and frames: (S, S)."""
    clip = clip[None].requires_grad_()
    mixed_4f = model.backbone.mixed_4f(model.backbone.stem(clip))  # (1, C, T/4, h, w)
    (channels @ mixed_4f.mean(dim=2)[0, :, *cell]).backward()
    assert clip.grad is not None
    return clip.grad.abs().sum(dim=(0, 1, 2)).numpy()


def beyond(weights: np.ndarray, cell: tuple[int, int]) -> dict[str, float]:
    """The share of the weights (S, S) further from the centre of a cell than each distance, by rows or columns, whichever is more."""
    places = np.arange(len(weights)) + 0.5
    rows, columns = (np.abs(places - (index + 0.5) * STRIDE) for index in cell)
    distance = np.maximum(rows[:, None], columns[None])  # (S, S)
    return {str(limit): float(weights[distance > limit].sum() / weights.sum()) for limit in DISTANCES if limit < distance.max()}


def main(data: tyro.conf.Positional[Path], /, *, out: Path, clips: int = 32, seed: int = 0) -> None:
    """Measure it on the shipped weights and write the table."""
    model = acga.load("thin_residual").requires_grad_(False)
    dataset = acga.A2DSentences(data, "test", size=model.config.size, clip_length=model.config.clip_length)
    every = len(dataset.annotated_frames) // clips
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, cell in CELLS.items():
        total = np.zeros((dataset.size, dataset.size))
        for key in dataset.annotated_frames[: every * clips : every]:
            channels = torch.randn(model.config.vision_widths[0], generator=generator)
            one = gradient(model, dataset.clip(*key), cell, channels)
            total += one / one.sum()
        found[name] = {"measured": beyond(total, cell), "all pixels alike": beyond(np.ones_like(total), cell)}
        print(name, rounded(found[name], 3))
    write_json(out, rounded({**provenance(seed=seed), "clips": clips, "share_beyond_pixels": found}, 4))


if __name__ == "__main__":
    tyro.cli(main)
