"""The masks of all samples, one bit a pixel: opening an annotation file takes longer than it should in every training step."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .cache import Entry, prepare
from .dataset import Dataset
from .digests import digest, digest_file
from .geometry import pad_resize


class MaskCache:
    """The pad-resized masks of a data set, each kept once however many sentences speak of it: `cache[indices]` is float (B, S, S).

    With a folder, they are cached there and read by memory map.
    Raises `DatasetError` when the folder holds something else, such as masks of other annotations, or cannot be written.
    """

    def __init__(self, dataset: Dataset, folder: str | Path | None = None) -> None:
        self.size = dataset.size
        masks = [(sample.video_id, sample.frame, sample.instance) for sample in dataset.samples]
        rows = {mask: row for row, mask in enumerate(dict.fromkeys(masks))}
        self._rows = np.array([rows[mask] for mask in masks])
        self._in_frame: dict[tuple[str, int], list[int]] = {}
        for (video_id, frame, _), row in rows.items():
            self._in_frame.setdefault((video_id, frame), []).append(row)
        self._frames = [(video_id, frame) for video_id, frame, _ in rows]
        make = partial(_packed, dataset)
        if folder is None:
            self._bits = np.stack([make(*mask)["masks"] for mask in rows])
            return
        annotations = [digest_file(dataset.annotation_path(*frame)) for frame in dataset.annotated_frames]
        cache = prepare(
            folder,
            "masks",
            fingerprint=digest("masks", self.size, list(rows), annotations),
            keys=list(rows),
            arrays={"masks": ("uint8", (-(-self.size * self.size // 8),))},
        )
        cache.fill(make)
        self._bits = cache.array("masks")

    def __getitem__(self, indices: np.ndarray) -> Tensor:
        return self._unpacked(self._bits[self._rows[indices]])

    def others(self, indices: np.ndarray) -> Tensor:
        """Masks of the other instances of the samples' frames that sentences speak of, float (B, S, S)."""
        neighbours = ([other for other in self._in_frame[self._frames[row]] if other != row] for row in self._rows[indices])
        return self._unpacked(np.stack([np.bitwise_or.reduce(self._bits[rows], axis=0) for rows in neighbours]))

    def _unpacked(self, bits: np.ndarray) -> Tensor:
        pixels = np.unpackbits(bits, axis=1, count=self.size * self.size)
        return torch.from_numpy(pixels.reshape(len(bits), self.size, self.size)).float()  # (B, S, S)


def _packed(dataset: Dataset, video_id: str, frame: int, instance: int) -> Entry:
    """A pad-resized mask, packed into bits (ceil(S * S / 8),)."""
    target = pad_resize(dataset.mask(video_id, frame, instance).astype(np.uint8), dataset.size)
    return {"masks": np.packbits(target.astype(bool).ravel())}
