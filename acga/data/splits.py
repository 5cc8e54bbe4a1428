"""The validation split: a fixed tenth of the training videos, held out for every choice, so that the test split is touched once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .dataset import Dataset

VALIDATION_SHARE = 0.1


def validation_videos(video_ids: Iterable[str], share: float = VALIDATION_SHARE) -> frozenset[str]:
    """The videos to hold out: the last `share` by a hash of the id, so that neither order nor numbering matters; at least one of two.

    >>> sorted(validation_videos([f"video{n}" for n in range(20)]))
    ['video19', 'video2']
    """
    ordered = sorted(set(video_ids), key=lambda video_id: hashlib.sha256(video_id.encode()).hexdigest())
    count = max(round(len(ordered) * share), 1) if len(ordered) > 1 else 0
    return frozenset(ordered[len(ordered) - count :])


def split_validation(dataset: Dataset) -> tuple[list[int], list[int]]:
    """Indices of the samples to train on, and of those to validate on; no video is in both."""
    held_out = validation_videos(sample.video_id for sample in dataset.samples)
    training = [index for index, sample in enumerate(dataset.samples) if sample.video_id not in held_out]
    validation = [index for index, sample in enumerate(dataset.samples) if sample.video_id in held_out]
    return training, validation
