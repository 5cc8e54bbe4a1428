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
from einops import rearrange, reduce
from tqdm import tqdm

from ..errors import DatasetError
from ..synthetic.taxonomy import ACTIONS, ACTORS, COLOURS
from ..video import pad_resize
from ..weights import written_whole
from .records import Dataset

CELL = 4  # pixels of the square per label
LABELS = ("instance", "actor", "action", "colour")  # 0: none; instance: 1 + position in the frame's list; others: 1 + index in taxonomy


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
        folder, frames = Path(folder), [(video_id, int(frame)) for video_id, frame in dataset.frames]
        if not frames:
            raise DatasetError("The data set has no annotated frame, so there is nothing to decode.")
        side = dataset.size // CELL
        shapes = {
            "clips": (len(frames), dataset.length, dataset.size, dataset.size, 3),
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
            with written_whole(described) as temporary:
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


def dense_labels(masks: np.ndarray, classes: Iterable[int], colours: Iterable[str | None], *, size: int) -> np.ndarray:
    """Labels (4, size/4, size/4) uint8 of one frame, from masks (N, H, W) bool, A2D's class ids, and colours where known.

    A cell belongs to an instance if most of it is foreground, and then to the one that covers most of it.

    >>> labels = dense_labels(np.ones((1, 8, 8), bool), [18], ["red"], size=8)  # adult, walk
    >>> labels[:, 0, 0].tolist()
    [1, 1, 8, 1]
    """
    squares = np.stack([pad_resize(mask.astype(np.uint8), size) for mask in masks])  # (N, S, S)
    covered = reduce(squares.astype(np.float32), "n (h a) (w b) -> n h w", "mean", a=CELL, b=CELL)
    instance = np.where(covered.sum(axis=0) >= 0.5, covered.argmax(axis=0) + 1, 0)  # (S/4, S/4)
    # Row 0 of the table is "none"; A2D's ids are 10 * actor + action, both from 1.
    table = np.zeros((len(masks) + 1, len(LABELS)), dtype=np.uint8)
    names = list(COLOURS)
    for number, (identity, colour) in enumerate(zip(classes, colours, strict=True), start=1):
        actor, action = divmod(int(identity), 10)
        if not (1 <= actor <= len(ACTORS) and 1 <= action <= len(ACTIONS)):
            raise DatasetError(f"{int(identity)} is no class of A2D: its tens should be an actor (1 to 7), its units an action (1 to 9).")
        table[number] = number, actor, action, 0 if colour is None else names.index(colour) + 1
    return rearrange(table[instance], "h w labels -> labels h w")


def actor_colours(root: str | Path) -> dict[tuple[str, int], str]:
    """The colour of every (video_id, instance) of a drawn data set, from its `scenes.json`; empty for a real one, which has no such file.

    Raises `DatasetError` when the file is damaged.
    """
    path = Path(root) / "scenes.json"
    if not path.exists():
        return {}
    try:
        scenes = json.loads(path.read_text(encoding="utf-8"))
        found = {(scene["name"], index): actor["colour"] for scene in scenes for index, actor in enumerate(scene["actors"])}
    except (ValueError, TypeError, KeyError) as error:
        raise DatasetError(f"{path} does not list scenes with their actors' colours ({error!r}); draw the data set again.") from error
    unknown = next((colour for colour in found.values() if colour not in COLOURS), None)
    if unknown is not None:
        raise DatasetError(f"{path} has the colour {unknown!r}; the known ones are {', '.join(COLOURS)}.")
    return found
