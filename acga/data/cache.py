"""One cache for what is computed once and read often: features, clips and masks.

A cache is a folder of arrays with one entry of fixed shape for every key, and it says what it was made from:

    index.json   version, kind, fingerprint, keys, and the type and shape of an entry in every array
    NAME.npy     (N, …): the entries, in the order of the keys; read by memory map
    done.npy     uint8 (N,): 1 where an entry is there

Space is reserved first, so a disk that is too small is known before any work. An entry counts as done only when it has reached the disk,
so filling a cache may be killed at any time and goes on from there; the result is the same.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypedDict

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from ..errors import ConfigError, DatasetError
from ..system.files import read_json, write_json
from ..system.processes import map_in_processes
from ..system.schema import Range
from .digests import VERSION

DONE = "done"  # the array of flags

Key = tuple[Any, ...]  # video id, frame, perhaps instance
Entry = Mapping[str, np.ndarray]  # what belongs to a key, by array


class _Index(TypedDict):
    version: int
    kind: str
    fingerprint: str
    keys: list[list[str | int]]
    arrays: dict[str, tuple[str, list[Annotated[int, Range(1)]]]]


class Cache:
    """The entries in a folder, mapped into memory when they are asked for, by each process for itself.

    Raises `DatasetError` when the folder holds no cache of this kind, one with another fingerprint, or (unless `incomplete`) not all of it.
    """

    def __init__(self, folder: str | Path, kind: str, *, fingerprint: str | None = None, incomplete: bool = False) -> None:
        self.folder, self.kind = Path(folder), kind
        path = self.folder / "index.json"
        if not path.exists():
            raise DatasetError(f"{self.folder} holds no {kind}; make them first.")
        try:
            index = read_json(path, _Index)
            found, self.fingerprint = index["kind"], index["fingerprint"]
            self.rows: dict[Key, int] = {tuple(key): row for row, key in enumerate(index["keys"])}
            self._layout = {name: (np.dtype(dtype), (len(self), *shape)) for name, (dtype, shape) in index["arrays"].items()}
        except (ConfigError, TypeError) as error:
            raise DatasetError(f"{path} is damaged; delete {self.folder}, and it will be made anew.") from error
        if index["version"] != VERSION:
            raise DatasetError(f"{self.folder} was made by another version of ACGA; delete it, and it will be made anew.")
        if found != kind:
            raise DatasetError(f"{self.folder} holds {found}, not {kind}; choose another folder.")
        if fingerprint not in (None, self.fingerprint):
            raise DatasetError(f"{self.folder} holds {kind} of other weights, data or settings; delete it or choose another folder.")
        self._maps: dict[str, np.memmap] = {}
        absent = 0 if incomplete else len(self) - np.count_nonzero(self.array(DONE))
        if absent:
            raise DatasetError(f"{self.folder} lacks {absent} of {len(self)} {kind}; run the command that makes them again, it will go on.")

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, key: object) -> bool:
        return key in self.rows

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_maps": {}}  # a memory map would travel to another process as the whole of its content

    def array(self, name: str) -> np.memmap:
        """All entries (N, …) of an array, by memory map. Raises `DatasetError` when the file is damaged."""
        if name not in self._maps:
            path = self.folder / f"{name}.npy"
            try:
                found = np.lib.format.open_memmap(path, mode="r")
            except (OSError, ValueError, EOFError):
                found = None
            if found is None or (found.dtype, found.shape) != self._layout.get(name):
                raise DatasetError(f"{path} is missing or damaged; delete {self.folder}, and it will be made anew.")
            self._maps[name] = found
        return self._maps[name]

    def fill(
        self,
        make: Callable[..., Entry],
        *,
        compute: Callable[[Entry], Entry] = lambda entries: entries,
        batch_size: int | None = None,
        workers: int = 0,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        """Write the entries that are not there yet; runs that want the same at the same time wait for each other.

        Args:
            make: gives what belongs to a key, in one of the `workers`, processes that end with this one.
            compute: makes the entries of a batch of what was made for its keys, stacked.
            batch_size: so many keys in a row; by default those of a video, which is opened once. A key is always computed in the same
                company, so that an interruption changes nothing.
            part: (k, n) does every n-th batch from the k-th on, for n processes.

        Raises what `make` raises, `DatasetError` when the folder cannot be written, and `AcgaError` when a worker is killed.
        """
        if not self._missing(batch_size, part):
            return  # also in a folder that can only be read
        lock = FileLock(self.folder / f".part-{part[0]}.lock")
        with _writing(self.folder):
            lock.acquire()
        try:
            missing = self._missing(batch_size, part)  # by now another run may have written them
            keys = list(self.rows)
            batches = [[keys[row] for row in rows] for rows in missing]
            with (
                tqdm(total=sum(map(len, missing)), desc=f"caching {self.kind}", delay=1, leave=False) as progress,
                closing(map_in_processes(partial(_make_batch, make), batches, workers)) as made,
            ):
                for rows, batch in zip(missing, made, strict=True):
                    self._write(rows, compute(batch))
                    progress.update(len(rows))
        finally:
            lock.release()

    def _missing(self, batch_size: int | None, part: tuple[int, int]) -> list[list[int]]:
        """The batches of a part, as rows, of which some entry is not there yet."""
        batches: dict[Any, list[int]] = {}
        for row, (video_id, *_) in enumerate(self.rows):
            batches.setdefault(row // batch_size if batch_size else video_id, []).append(row)
        return [rows for rows in list(batches.values())[part[0] :: part[1]] if not self.array(DONE)[rows].all()]

    def _write(self, rows: Sequence[int], entries: Entry) -> None:
        """Write entries, stacked, then their flags. Files are not mapped for it, as a full disk would end the process without a word."""
        flags = np.ones(len(rows), np.uint8)
        with _writing(self.folder):
            for name, values in {**entries, DONE: flags}.items():
                array = self.array(name)
                if (values.dtype, values.shape[1:]) != (array.dtype, array.shape[1:]):
                    raise ValueError(f"expected {array.dtype} {array.shape[1:]} for {name}, got {values.dtype} {values.shape[1:]}")
                with open(self.folder / f"{name}.npy", "r+b") as file:
                    for row, value in zip(rows, values, strict=True):
                        file.seek(array.offset + row * value.nbytes)
                        file.write(value.tobytes())
                    file.flush()
                    os.fsync(file.fileno())  # a flag must not be on the disk before its entry


def prepare(
    folder: str | Path, kind: str, *, fingerprint: str, keys: Sequence[Key], arrays: Mapping[str, tuple[str, Sequence[int]]]
) -> Cache:
    """The cache in a folder, whole or in part; if there is none, an empty one with space for an entry (type, shape) per key and array.

    Raises `DatasetError` when the folder holds something else, or there is no space or permission to write.
    """
    folder, described = Path(folder), Path(folder) / "index.json"
    if not keys:
        raise DatasetError(f"The data set has no annotated frame, so there are no {kind} to be made.")
    if not described.exists():
        arrays = {**arrays, DONE: ("uint8", ())}
        index = {"version": VERSION, "kind": kind, "fingerprint": fingerprint, "arrays": arrays, "keys": keys}
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock"):
                if not described.exists():  # by now another process may have made it
                    for leftover in folder.glob(".index.json.*"):  # of a process that was killed
                        leftover.unlink()
                    _reserve(folder, len(keys), arrays)
                    write_json(described, index, indent=None)
    return Cache(folder, kind, fingerprint=fingerprint, incomplete=True)


def _reserve(folder: Path, count: int, arrays: Mapping[str, tuple[str, Sequence[int]]]) -> None:
    """Write arrays of zeros whose space the disk has really given."""
    sizes = {name: np.dtype(dtype).itemsize * math.prod((count, *shape)) for name, (dtype, shape) in arrays.items()}
    try:
        for name, (dtype, shape) in arrays.items():
            with open(folder / f"{name}.npy", "wb") as file:
                header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (count, *shape)}
                np.lib.format.write_array_header_2_0(file, header)  # type: ignore[arg-type]
                end = file.tell() + sizes[name]
                if hasattr(os, "posix_fallocate"):
                    file.flush()
                    os.posix_fallocate(file.fileno(), 0, end)
                while file.tell() < end and not hasattr(os, "posix_fallocate"):  # macOS
                    file.write(bytes(min(end - file.tell(), 1 << 24)))
    except OSError as error:
        for name in arrays:
            (folder / f"{name}.npy").unlink(missing_ok=True)
        size = f"{sum(sizes.values()) / 1e6:,.1f} MB"
        raise DatasetError(f"{folder} cannot be given {size} of space ({error.strerror}); make room or choose another folder.") from error


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """A full disk or a forbidden folder, said in one sentence."""
    try:
        yield
    except OSError as error:
        raise DatasetError(f"{folder} cannot be written ({error.strerror}); mend that, then run the same command to go on.") from error


def _make_batch(make: Callable[..., Entry], batch: Sequence[Key]) -> Entry:
    """Stacked entries that `make` gives for the keys."""
    entries = [make(*key) for key in batch]
    return {name: np.stack([entry[name] for entry in entries]) for name in entries[0]}
