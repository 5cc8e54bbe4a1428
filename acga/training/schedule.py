"""The order of samples and the learning rate of a training run, functions of the seed and the step alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ConfigError

if TYPE_CHECKING:
    from accelerate import Accelerator


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Whole batches in `count` samples, at least one; the few samples left over differ from epoch to epoch."""
    return max(1, count // batch_size)


def batch_at(step: int, count: int, batch_size: int, *, seed: int) -> np.ndarray:
    """The samples of one step, int64 (B,): every epoch goes through `count` samples in a new random order.

    >>> np.concatenate([batch_at(step, 6, 2, seed=0) for step in range(3)]).tolist()
    [3, 2, 5, 4, 0, 1]
    """
    epoch, position = divmod(step, steps_per_epoch(count, batch_size))
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return order[position * batch_size : (position + 1) * batch_size]


def drawn_batch_at(step: int, count: int, batch_size: int, *, seed: int) -> np.ndarray:
    """The samples of one step, int64 (B,), drawn among all as the official code does: an epoch shows some twice and some not at all.

    >>> drawn_batch_at(0, 6, 2, seed=0).tolist(), drawn_batch_at(1, 6, 2, seed=0).tolist()
    ([4, 3], [2, 5])
    """
    return np.random.default_rng([seed, step]).choice(count, min(batch_size, count), replace=False)


def own_share(batch: np.ndarray, accelerator: Accelerator) -> np.ndarray:
    """The part of a batch that falls to this process. Raises `ConfigError` when it cannot be shared out evenly."""
    if len(batch) % accelerator.num_processes:
        raise ConfigError(f"{len(batch)} samples cannot be shared out evenly to {accelerator.num_processes} processes; change batch_size.")
    return batch[accelerator.process_index :: accelerator.num_processes]


def cosine_with_warm_up(step: int, steps: int, *, warm_up: float = 0.05) -> float:
    """The share of the full learning rate at a step: linearly up during the first `warm_up` of the run, then down a cosine to zero.

    >>> [round(cosine_with_warm_up(step, 100), 2) for step in (0, 4, 52, 99)]
    [0.2, 1.0, 0.51, 0.0]
    """
    rising = max(1, round(steps * warm_up))
    if step < rising:
        return (step + 1) / rising
    return (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising))) / 2
