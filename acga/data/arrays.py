"""Arrays of numbers out of the files of others: HDF5 and MATLAB."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import h5py
import numpy as np
import scipy.io

from ..errors import DatasetError
from .budget import MOST_BYTES, excess_of_array

PACKED = 15  # the type of an element of a MATLAB file that is compressed (miCOMPRESSED)
MATLAB_TYPES = {"double": 8, "single": 4, "logical": 1} | {f"{sign}int{bits}": bits // 8 for sign in ("u", "") for bits in (8, 16, 32, 64)}


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
    with open(path, "rb") as file:  # SciPy would look for the name with .mat added
        declared = {name: (shape, kind) for name, shape, kind in scipy.io.whosmat(file)}
        for name in names:
            if name not in declared:
                raise _Unsuitable(f"there is no {name} in it")
            shape, kind = declared[name]
            _check(name, shape, MATLAB_TYPES.get(kind, 1), numeric=kind in MATLAB_TYPES)
        _check_unpacked(file)
        file.seek(0)
        arrays: Mapping[str, np.ndarray] = scipy.io.loadmat(file, variable_names=list(names))
    for name in names:  # a header may say something else than what follows
        _check(name, arrays[name].shape, arrays[name].dtype.itemsize, numeric=arrays[name].dtype.kind in "buif")
    return {name: arrays[name] for name in names}


def _check_unpacked(file: BinaryIO) -> None:
    """Unpack what is packed in a MATLAB file of version 5, a little at a time: SciPy takes as much as comes, whatever the header says."""
    file.seek(126)
    mark = file.read(2)
    order: Literal["little", "big"] = "little" if mark == b"IM" else "big"
    while mark in (b"IM", b"MI") and len(tag := file.read(8)) == 8:
        kind, size = int.from_bytes(tag[:4], order), int.from_bytes(tag[4:], order)
        if kind != PACKED:
            file.seek(size, os.SEEK_CUR)
            continue
        unpacked, unpacker, packed = 0, zlib.decompressobj(), file.read(min(size, MOST_BYTES))
        while packed and not unpacker.eof:
            unpacked += len(unpacker.decompress(packed, 1 << 20))
            packed = unpacker.unconsumed_tail
            if unpacked > MOST_BYTES:
                raise _Unsuitable(f"it unpacks to more than {MOST_BYTES >> 20} MB")


def _check(name: str, shape: Sequence[int] | None, itemsize: int, *, numeric: bool) -> None:
    if not numeric or shape is None:
        raise _Unsuitable(f"{name} must be numbers")
    excess = excess_of_array(shape, itemsize)
    if excess is not None:
        raise _Unsuitable(f"{name} has {excess}")
