"""The masks of a query in a file for each frame (png), or in one file: an array (npz) or COCO's run lengths (json).

Masks are written as they come; what is kept of each until the end is a few kilobytes.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from ..coco import run_lengths
from ..data.pictures import encode_picture
from ..options import MaskFormat


class MaskWriter(ABC):
    """Base: take the masks of one query frame by frame, then close."""

    suffix = ""  # of the file; a folder has none

    def __init__(self, path: Path, category: int) -> None:
        """`category` is the number of the query, from 1."""
        self.path, self.category = path, category
        path.parent.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def add(self, index: int, mask: np.ndarray, peak: float) -> None:
        """Take the bool mask `(H, W)` of the next frame, and its largest probability."""

    @abstractmethod
    def close(self) -> None:
        """Write what is not written yet."""


class MaskPictures(MaskWriter):
    """A folder of pictures `<frame:05d>.png`, 0 / 255."""

    def add(self, index: int, mask: np.ndarray, peak: float) -> None:
        self.path.mkdir(exist_ok=True)
        write_mask(self.path / f"{index:05d}.png", mask)

    def close(self) -> None:
        pass  # all is written


class MaskArray(MaskWriter):
    """An npz file with the array `masks`, bool `(T, H, W)`: `np.load(path)["masks"]`."""

    suffix = ".npz"

    def __init__(self, path: Path, category: int) -> None:
        super().__init__(path, category)
        self._size: tuple[int, ...] = ()
        self._packed: list[bytes] = []

    def add(self, index: int, mask: np.ndarray, peak: float) -> None:
        self._size = mask.shape
        self._packed.append(zlib.compress(mask.tobytes(), level=1))

    def close(self) -> None:
        header = {"descr": "|b1", "fortran_order": False, "shape": (len(self._packed), *self._size)}
        with (
            zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("masks.npy", "w", force_zip64=True) as array,
        ):
            np.lib.format.write_array_header_1_0(array, header)
            for packed in self._packed:
                array.write(zlib.decompress(packed))


class MaskRunLengths(MaskWriter):
    """A json file in COCO's format of results: image_id is the frame, category_id the query's number, score the largest probability."""

    suffix = ".json"

    def __init__(self, path: Path, category: int) -> None:
        super().__init__(path, category)
        self._results: list[dict[str, Any]] = []

    def add(self, index: int, mask: np.ndarray, peak: float) -> None:
        found = {"image_id": index, "category_id": self.category, "segmentation": run_lengths(mask), "score": round(peak, 4)}
        self._results.append(found)

    def close(self) -> None:
        self.path.write_text(json.dumps(self._results) + "\n", encoding="utf-8")


MASK_WRITERS: dict[MaskFormat, type[MaskWriter]] = {"png": MaskPictures, "npz": MaskArray, "json": MaskRunLengths}


def write_mask(path: Path, mask: np.ndarray) -> None:
    """Write a bool mask `(H, W)` as a PNG of 0 and 255."""
    path.write_bytes(encode_mask(mask))


def encode_mask(mask: np.ndarray) -> bytes:
    """A PNG file of 0 and 255 from a bool mask `(H, W)`."""
    return encode_picture(np.where(mask, 255, 0).astype(np.uint8))
