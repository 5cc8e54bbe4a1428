"""Decoded clips with a label for every fourth pixel, read by memory map: what the backbone is pretrained on.

Decoding takes longer than a training step, so every annotated frame's clip is decoded once, by the geometry of the evaluation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from einops import rearrange
from tqdm import tqdm

from ..errors import DatasetError
from ..files import atomic_write
from .dataset import Dataset
from .dense_labels import CELL, LABELS, dense_labels


@dataclass(frozen=True)
class ClipCache:
    """Every annotated frame of a data set.

    Attributes:
        frames: (video_id, frame) of each row.
        clips: uint8 (N, T, S, S, 3), memory-mapped.
        labels: uint8 (N, 4, S/4, S/4), in the order of `LABELS`.
    """

    frames: Sequence[tuple[str, int]]
    clips: np.ndarray
    labels: np.ndarray

    @property
    def fingerprint(self) -> str:
        """A digest of which frames and labels these are."""
        digest = hashlib.sha256(json.dumps([self.frames, self.clips.shape]).encode())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()[:16]

    @classmethod
    def build(
        cls, dataset: Dataset, folder: str | Path, *, colours: Mapping[tuple[str, int], str] | None = None, workers: int = 2
    ) -> ClipCache:
        """Decode `dataset` into `folder`, or go on where that was interrupted, or just open what is there.

        `colours` names the colour of (video_id, instance), where it is known; with no `workers`, nothing else is started.
        Raises `DatasetError` when the folder holds the clips of another data set.
        """
        folder, frames = Path(folder), [(video_id, int(frame)) for video_id, frame in dataset.annotated_frames]
        if not frames:
            raise DatasetError("The data set has no annotated frame, so there is nothing to decode.")
        side = dataset.size // CELL
        shapes = {
            "clips": (len(frames), dataset.clip_length, dataset.size, dataset.size, 3),
            "labels": (len(frames), len(LABELS), side, side),
            "done": (len(frames),),
        }
        index = json.dumps({"frames": frames, "shapes": shapes})
        described = folder / "index.json"
        if described.exists() and described.read_text(encoding="utf-8") != index:
            raise DatasetError(f"{folder} holds the clips of another data set or size; choose another folder or delete it.")
        if not described.exists():
            folder.mkdir(parents=True, exist_ok=True)
            for name, shape in shapes.items():
                np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.uint8, shape=shape)
            with atomic_write(described) as temporary:
                temporary.write_text(index, encoding="utf-8")
        done = np.load(folder / "done.npy", mmap_mode="r+")
        rows_of_video: dict[str, list[int]] = {}
        for row, (video_id, _) in enumerate(frames):
            if not done[row]:
                rows_of_video.setdefault(video_id, []).append(row)
        work = partial(_decode, dataset, folder, frames, dict(colours or {}))
        jobs = list(rows_of_video.values())
        for rows in tqdm(_map(work, jobs, workers), total=len(jobs), desc="decoding", disable=not jobs):
            done[rows] = 1
        return cls(frames, np.load(folder / "clips.npy", mmap_mode="r"), np.load(folder / "labels.npy"))


def _map(work: Any, jobs: Sequence[list[int]], workers: int) -> Iterable[list[int]]:
    if workers == 0 or not jobs:
        yield from map(work, jobs)
        return
    with get_context("spawn").Pool(workers, initializer=_one_thread) as pool:
        yield from pool.imap_unordered(work, jobs, chunksize=4)


def _one_thread() -> None:
    """The workers share the cores by video; each one's libraries are to use a single thread."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def _decode(
    dataset: Dataset, folder: Path, frames: Sequence[tuple[str, int]], colours: Mapping[tuple[str, int], str], rows: list[int]
) -> list[int]:
    """Write the clips and labels of some rows, and give them back."""
    clips, labels = np.load(folder / "clips.npy", mmap_mode="r+"), np.load(folder / "labels.npy", mmap_mode="r+")
    for row in rows:
        video_id, frame = frames[row]
        clip = rearrange(dataset.clip(video_id, frame), "c t h w -> t h w c")
        clips[row] = clip.add(1).mul(127.5).round().byte().numpy()
        masks, instances, classes = dataset.frame_masks(video_id, frame)
        known = [colours.get((video_id, int(instance))) for instance in instances]
        labels[row] = dense_labels(np.asarray(masks), classes, known, size=dataset.size)
    return rows
