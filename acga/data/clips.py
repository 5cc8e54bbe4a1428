"""Decoded clips with dense labels: what the backbone is pretrained on. Decoding takes longer than a training step, so it is done once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from .cache import Entry, prepare
from .dataset import Dataset
from .dense_labels import CELL, LABELS, dense_labels
from .digests import digest, digest_file

Colours = Mapping[tuple[str, int], str]  # of (video_id, instance)


@dataclass(frozen=True)
class ClipCache:
    """Every annotated frame of a data set, memory-mapped.

    Attributes:
        frames: (video_id, frame) of each row.
        clips: uint8 (N, T, S, S, 3).
        labels: uint8 (N, 4, S/4, S/4), in the order of `LABELS`.
        fingerprint: a digest of all that these were made from.
    """

    frames: Sequence[tuple[str, int]]
    clips: np.ndarray
    labels: np.ndarray
    fingerprint: str

    @classmethod
    def build(cls, dataset: Dataset, folder: str | Path, *, colours: Colours | None = None, workers: int = 2) -> ClipCache:
        """Decode `dataset` into `folder`, or go on where that was interrupted, or just open what is there.

        `colours` names the colour of (video_id, instance), where it is known; with no `workers`, nothing else is started.
        Raises `DatasetError` when the folder holds something else or cannot be written, and what reading the data raises.
        """
        frames, size, length = dataset.annotated_frames, dataset.size, dataset.clip_length
        videos = {video_id: digest_file(dataset.video_path(video_id)) for video_id in dict(frames)}
        annotations = [digest_file(dataset.annotation_path(*frame)) for frame in frames]
        known = {key: colour for key, colour in (colours or {}).items() if key[0] in videos}
        cache = prepare(
            folder,
            "clips",
            fingerprint=digest("clips", size, length, frames, videos, annotations, sorted(known.items())),
            keys=frames,
            arrays={"clips": ("uint8", (length, size, size, 3)), "labels": ("uint8", (len(LABELS), size // CELL, size // CELL))},
        )
        cache.fill(partial(_clip_and_labels, dataset, known), workers=workers)
        return cls(frames, cache.array("clips"), cache.array("labels"), cache.fingerprint)


def _clip_and_labels(dataset: Dataset, colours: Colours, video_id: str, frame: int) -> Entry:
    """A clip (T, S, S, 3) and its labels (4, S/4, S/4)."""
    masks, instances, classes = dataset.frame_masks(video_id, frame)
    known = [colours.get((video_id, int(instance))) for instance in instances]
    labels = dense_labels(np.asarray(masks), classes, known, size=dataset.size)
    return {"clips": dataset.clip_pixels(video_id, frame), "labels": labels}
