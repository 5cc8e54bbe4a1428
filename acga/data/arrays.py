"""Arrays of numbers out of the files of others: HDF5 and MATLAB."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from ..errors import DatasetError
from .budget import MOST_BYTES, excess_of_array

# MATLAB's numbers of the types of elements, of numbers as they are stored, and of the classes of arrays
MATRIX, PACKED = 14, 15
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
MATLAB_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX = 0x800  # a flag of arrays


def read_arrays(path: str | Path, names: Sequence[str], what: str) -> dict[str, np.ndarray]:
    """The arrays of these names in an HDF5 (`.h5`) or MATLAB (`.mat`) file, real finite numbers all; `what` the file is to be, in words.

    Types and sizes are looked at before anything is read. Raises `DatasetError` when the file is missing, damaged or something else.
    """
    path = Path(path)
    read = _read_matlab if path.suffix == ".mat" else _read_hdf5
    try:
        arrays = read(path, names)
    except _Unsuitable as error:
        reason = str(error)
    except Exception as error:  # the parsers raise whatever they stumble on: OSError, ValueError, TypeError, zlib.error, RuntimeError …
        reason = " ".join(str(error).split())[:120] or type(error).__name__
    else:
        infinite = next((name for name, array in arrays.items() if array.dtype.kind == "f" and not np.isfinite(array).all()), None)
        if infinite is None:
            return arrays
        reason = f"{infinite} holds values that are not finite"
    raise DatasetError(f"{path} cannot be read as {what} ({reason}); restore it from the release.")


class _Unsuitable(Exception):
    """A fault of an array, in words."""


def _read_hdf5(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    with h5py.File(path, "r") as file:
        for name in names:
            entry = file.get(name)
            if not isinstance(entry, h5py.Dataset):
                raise _Unsuitable(f"there is no array {name} in it")
            _check(name, entry.shape, entry.dtype.itemsize, numeric=entry.dtype.kind in "buif")
            _check(name, entry.chunks or (), entry.dtype.itemsize, numeric=True)  # unpacked whole, however little of one is used
        return {name: np.asarray(file[name]) for name in names}


def _read_matlab(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Arrays out of a file of version 5, which is what J-HMDB is in. SciPy's reader crashes on some that are damaged."""
    if path.stat().st_size > MOST_BYTES:
        raise _Unsuitable(f"it has more than {MOST_BYTES >> 20} MB")
    content = path.read_bytes()
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None:
        raise _Unsuitable("it is no MATLAB file of version 5")
    arrays = {}
    for kind, element in _elements(content[128:], order):
        if kind == PACKED:
            unpacked = zlib.decompressobj().decompress(element, MOST_BYTES + 1)
            if len(unpacked) > MOST_BYTES:
                raise _Unsuitable(f"it unpacks to more than {MOST_BYTES >> 20} MB")
            kind, element = next(_elements(unpacked, order), (0, b""))
        if kind == MATRIX:
            flags, shape, name, *parts = _elements(element, order)
            called = name[1].decode("latin-1")
            if called in names:
                arrays[called] = _matrix(called, flags[1], shape[1], parts, order)
    missing = next((name for name in names if name not in arrays), None)
    if missing is not None:
        raise _Unsuitable(f"there is no {missing} in it")
    return arrays


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """The elements that follow each other in a part of a MATLAB file: type and content."""
    place = 0
    while place + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, place)
        start, end = place + 8, place + 8 + size + (0 if kind == PACKED else -size % 8)
        if kind >> 16:  # a small element: type, size and content in eight bytes
            kind, size, start, end = kind & 0xFFFF, kind >> 16, place + 4, place + 8
        if size > len(content) - start:
            raise _Unsuitable("it is cut off")
        yield kind, content[start : start + size]
        place = end


def _matrix(name: str, flags: bytes, dimensions: bytes, parts: Sequence[tuple[int, bytes]], order: str) -> np.ndarray:
    """An array of MATLAB, whose numbers may be stored in a smaller type than its own."""
    (flag,) = struct.unpack_from(f"{order}I", flags)
    shape = tuple(np.frombuffer(dimensions, f"{order}i4").tolist())
    kind = MATLAB_CLASSES.get(flag & 0xFF)
    stored = STORED.get(parts[0][0]) if len(parts) == 1 and not flag & COMPLEX else None
    _check(name, shape, np.dtype(kind).itemsize, numeric=kind is not None and stored is not None and min(shape, default=-1) >= 0)
    values = np.frombuffer(parts[0][1], f"{order}{stored}")
    return values.reshape(shape, order="F").astype(kind)


def _check(name: str, shape: Sequence[int] | None, itemsize: int, *, numeric: bool) -> None:
    if not numeric or shape is None:
        raise _Unsuitable(f"{name} must be numbers")
    excess = excess_of_array(shape, itemsize)
    if excess is not None:
        raise _Unsuitable(f"{name} has {excess}")
