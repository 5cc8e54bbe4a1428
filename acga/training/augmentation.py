"""Augmentation of clips and their dense labels, for pretraining the backbone."""

from __future__ import annotations

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from ..config import PretrainConfig
from ..data.dense_labels import CELL, LABELS


def augment(clips: np.ndarray, labels: np.ndarray, config: PretrainConfig, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Mirror, move, and change contrast and brightness of clips (B, T, S, S, 3) uint8 with labels (B, 4, S/4, S/4) uint8.

    Gives floats (B, 3, T, S, S) in [-1, 1], channels last in memory, and int64 labels. What leaves the square is lost, black comes in.
    """
    moved_clips, moved_labels = np.zeros_like(clips), np.zeros_like(labels)
    for index in range(len(clips)):
        clip, label = clips[index], labels[index]
        if rng.random() < 0.5:
            clip, label = clip[:, :, ::-1], label[:, :, ::-1]
        down, right = rng.integers(-(config.shift // CELL), config.shift // CELL + 1, size=2)
        _move(clip, moved_clips[index], down * CELL, right * CELL, rows=1)
        _move(label, moved_labels[index], down, right, rows=1)
    gain = torch.from_numpy(rng.uniform(1 - config.contrast, 1 + config.contrast, len(clips))).float()
    offset = torch.from_numpy(rng.uniform(-config.brightness, config.brightness, len(clips))).float()
    values = as_input(moved_clips).mul_(gain.view(-1, 1, 1, 1, 1)).add_(offset.view(-1, 1, 1, 1, 1)).clamp_(-1, 1)
    return values, torch.from_numpy(moved_labels).long()


def close_up(clips: np.ndarray, labels: np.ndarray, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Of clips (B, T, S, S, 3) and labels (B, 4, S/4, S/4), a square of side `size` with some actor's cell inside.

    Most of a frame is background, and most of what a network must learn is not: a step on close-ups costs a fraction of a whole one.
    """
    batch, frames, side = clips.shape[:3]
    cells, last = size // CELL, (side - size) // CELL
    near_clips = np.empty((batch, frames, size, size, 3), clips.dtype)
    near_labels = np.empty((batch, labels.shape[1], cells, cells), labels.dtype)
    for index in range(batch):
        occupied = np.argwhere(labels[index, LABELS.index("instance")] > 0)
        centre = occupied[rng.integers(len(occupied))] if len(occupied) else rng.integers(side // CELL, size=2)
        top, left = np.clip(centre - rng.integers(cells, size=2), 0, last)
        rows, columns = slice(top * CELL, top * CELL + size), slice(left * CELL, left * CELL + size)
        near_clips[index] = clips[index, :, rows, columns]
        near_labels[index] = labels[index, :, top : top + cells, left : left + cells]
    return near_clips, near_labels


def as_input(clips: np.ndarray) -> Tensor:
    """Clips (B, T, S, S, 3) uint8 to floats (B, 3, T, S, S) in [-1, 1], channels last in memory (twice as fast on a CPU)."""
    return rearrange(torch.from_numpy(clips).float(), "b t h w c -> b c t h w").mul_(1 / 127.5).sub_(1)


def _move(source: np.ndarray, target: np.ndarray, down: int, right: int, *, rows: int) -> None:
    """Copy `source` into the zeros of `target`, moved along the axes `rows` and `rows + 1`."""

    def overlap(shift: int, length: int) -> tuple[slice, slice]:
        shift = min(max(shift, -length), length)
        return slice(max(-shift, 0), length - max(shift, 0)), slice(max(shift, 0), length - max(-shift, 0))

    (from_y, to_y), (from_x, to_x) = overlap(down, source.shape[rows]), overlap(right, source.shape[rows + 1])
    before = (slice(None),) * rows
    target[(*before, to_y, to_x)] = source[(*before, from_y, from_x)]
