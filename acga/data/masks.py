"""The masks of all samples, one bit a pixel: opening an annotation file takes longer than it should in every training step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..files import atomic_write
from .dataset import Dataset


class MaskCache:
    """The pad-resized masks of a data set, each kept once however many sentences speak of it: `cache[indices]` is float (B, S, S).

    With a path, they are written to that file and read by memory map; a file that is there is taken to be of this data set.
    """

    def __init__(self, dataset: Dataset, path: str | Path | None = None) -> None:
        self.size = dataset.size
        masks = [(sample.video_id, sample.frame, sample.instance) for sample in dataset.samples]
        first = {mask: index for index, mask in reversed(list(enumerate(masks)))}  # a sample for every mask
        position = {mask: row for row, mask in enumerate(first)}
        self._row = np.array([position[mask] for mask in masks])
        if path is None:
            self._packed = self._pack(dataset, list(first.values()))
            return
        if not Path(path).exists():
            with atomic_write(path) as temporary, open(temporary, "wb") as file:
                np.save(file, self._pack(dataset, list(first.values())))
        self._packed = np.load(path, mmap_mode="r")

    def _pack(self, dataset: Dataset, indices: list[int]) -> np.ndarray:
        """Bits (M, ceil(S * S / 8)) of the masks of some samples."""
        packed = np.empty((len(indices), -(-self.size * self.size // 8)), dtype=np.uint8)
        # In the order of the samples, those of a frame follow each other, and its file is read once.
        for row in tqdm(np.argsort(indices), desc="reading masks", delay=2, leave=False):
            packed[row] = np.packbits(dataset.labels(indices[row])["target"].numpy().astype(bool).ravel())
        return packed

    def __getitem__(self, indices: np.ndarray) -> Tensor:
        bits = np.unpackbits(self._packed[self._row[indices]], axis=1, count=self.size * self.size)
        return torch.from_numpy(bits.reshape(len(indices), self.size, self.size)).float()  # (B, S, S)
