"""The masks of all samples, one bit a pixel: opening an annotation file takes longer than it should in every training step."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .cache import Entry, digest, digest_file, prepare
from .dataset import Dataset
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
        bits = np.unpackbits(self._bits[self._rows[indices]], axis=1, count=self.size * self.size)
        return torch.from_numpy(bits.reshape(len(indices), self.size, self.size)).float()  # (B, S, S)


def _packed(dataset: Dataset, video_id: str, frame: int, instance: int) -> Entry:
    """A pad-resized mask, packed into bits (ceil(S * S / 8),)."""
    target = pad_resize(dataset.mask(video_id, frame, instance).astype(np.uint8), dataset.size)
    return {"masks": np.packbits(target.astype(bool).ravel())}
