"""Features at mixed_4e, computed once for every annotated frame: the frozen part of the network need not run again in training.

A cache is a folder with `index.json` and shards `features-00000.npy`, …: fp16 (n, C, T', h, w), n frames each. It holds one entry for
every (video, frame), not for every sentence, and is read by memory map. Each shard is written whole or not at all, so an extraction
may be killed at any time and goes on from the shards that are there; the result is the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from ..errors import AcgaError, DatasetError
from ..files import atomic_write
from .dataset import Dataset


def fingerprint(stem: nn.Module, dataset: Dataset, *, repeat_frame: bool = False) -> str:
    """What decides the features, in 16 letters: the weights, the frames, their geometry, and the sizes in bytes of the videos."""
    digest = hashlib.sha256()
    for name, value in stem.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    frames = dataset.annotated_frames
    videos = {video_id: _bytes_in(dataset.video_path(video_id)) for video_id, _ in frames}
    digest.update(json.dumps([dataset.size, dataset.clip_length, repeat_frame, frames, videos]).encode())
    return digest.hexdigest()[:16]


def _bytes_in(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size


def extract_features(
    stem: nn.Module,
    dataset: Dataset,
    folder: str | Path,
    *,
    device: str | torch.device = "cpu",
    batch_size: int = 4,
    shard_size: int = 32,
    workers: int = 0,
    repeat_frame: bool = False,
    part: tuple[int, int] = (0, 1),
) -> None:
    """Run `stem`, (B, 3, T, S, S) -> (B, C, T', h, w), on the clip of every frame in `dataset.annotated_frames`, into a cache in `folder`.

    `stem` is moved to `device` and left in evaluation mode. `workers` decode in processes of their own. With `repeat_frame` a clip is
    copies of the annotated frame, so that nothing moves. `part` (k, n) does every n-th shard from the k-th on, for n processes.
    Runs that want the same features at the same time wait for each other.
    Raises `DatasetError` when the folder holds the features of other weights or data, or cannot be written.
    """
    folder, frames = Path(folder), dataset.annotated_frames
    index = {"fingerprint": fingerprint(stem, dataset, repeat_frame=repeat_frame), "shard_size": shard_size, "frames": frames}
    if (folder / "index.json").exists():
        found = _read_index(folder)
        if found != json.loads(json.dumps(index)):
            raise DatasetError(f"{folder} holds features of other weights, data or shards; choose another folder or delete it.")
    else:
        with _writing(folder / "index.json") as temporary:
            temporary.write_text(json.dumps(index))
    if not _missing(folder, len(frames), shard_size, part):
        return  # also from a folder that can only be read
    with FileLock(folder / f".part-{part[0]}.lock"):
        missing = _missing(folder, len(frames), shard_size, part)  # by now another run may have done it
        # Batches never cross shards, so that a frame meets the same neighbours whether or not there was an interruption.
        batches = [list(rows[start : start + batch_size]) for rows in missing.values() for start in range(0, len(rows), batch_size)]
        clips = DataLoader(
            _Clips(dataset, repeat_frame),  # type: ignore[arg-type]
            batch_sampler=batches,
            collate_fn=_stack,
            num_workers=workers,
            multiprocessing_context="spawn" if workers else None,
        )
        stem.to(device).eval()
        with tqdm(total=sum(map(len, missing.values())), desc="extracting features", unit="frame", disable=not missing) as progress:
            features = _run(stem, clips, device, progress)
            for shard, rows in missing.items():
                _write_shard(_shard_path(folder, shard), features, len(rows))


def _missing(folder: Path, count: int, shard_size: int, part: tuple[int, int]) -> dict[int, range]:
    """The rows of every shard of a part that is not there yet."""
    shards = [shard for shard in range(part[0], -(-count // shard_size), part[1]) if not _shard_path(folder, shard).exists()]
    return {shard: range(shard * shard_size, min((shard + 1) * shard_size, count)) for shard in shards}


@torch.no_grad()
def _run(stem: nn.Module, clips: DataLoader, device: str | torch.device, progress: tqdm) -> Iterator[np.ndarray]:
    """Features fp16 (B, C, T', h, w) of each batch."""
    for clip in clips:
        if isinstance(clip, AcgaError):
            raise clip
        features = stem(clip.to(device)).half().cpu().numpy()
        if not np.isfinite(features).all():
            raise DatasetError("The features exceed what 16 bits hold or are not numbers; check the weights.")
        yield features
        progress.update(len(features))


def _write_shard(path: Path, batches: Iterator[np.ndarray], rows: int) -> None:
    """Write the next `rows` entries of `batches` as one `.npy`, a batch at a time."""
    for leftover in path.parent.glob(f".{path.name}.*"):  # of an extraction that was killed
        leftover.unlink()
    with _writing(path) as temporary, open(temporary, "wb") as file:
        written = 0
        while written < rows:
            features = next(batches)
            if not written:
                header = {"descr": features.dtype.str, "fortran_order": False, "shape": (rows, *features.shape[1:])}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(features.tobytes())
            written += len(features)


@contextmanager
def _writing(path: Path) -> Iterator[Path]:
    """`atomic_write`, with a full disk or a forbidden folder said in one sentence."""
    try:
        with atomic_write(path) as temporary:
            yield temporary
    except OSError as error:
        raise DatasetError(f"{path} cannot be written ({error.strerror}); mend that, then run the same command to go on.") from error


class _Clips(torch.utils.data.Dataset):
    """The clips of the annotated frames, without their sentences."""

    def __init__(self, dataset: Dataset, repeat_frame: bool) -> None:
        self.dataset, self.frames, self.repeat_frame = dataset, dataset.annotated_frames, repeat_frame

    def __getitem__(self, index: int) -> Tensor | AcgaError:
        try:
            return self.dataset.clip(*self.frames[index], repeat_frame=self.repeat_frame)
        except AcgaError as error:
            return error  # raised in a worker, its sentence would arrive inside a traceback


def _stack(clips: list[Tensor | AcgaError]) -> Tensor | AcgaError:
    """One batch (B, 3, T, S, S), or the first thing that is wrong with it."""
    wrong = [clip for clip in clips if isinstance(clip, AcgaError)]
    return wrong[0] if wrong else torch.stack([clip for clip in clips if isinstance(clip, Tensor)])


class FeatureCache:
    """The features in a folder: `cache[video_id, frame]` is a float16 tensor (C, T', h, w), read from disk when asked for.

    `fingerprint` (of the same name's function) refuses a cache that was made with other weights or data.
    Raises `DatasetError` when there is no cache, it is not complete, or not the one wanted.
    """

    def __init__(self, folder: str | Path, *, fingerprint: str | None = None) -> None:
        self.folder = Path(folder)
        index = _read_index(self.folder)
        if fingerprint not in (None, index["fingerprint"]):
            raise DatasetError(f"{self.folder} holds features of other weights or data; extract them again into another folder.")
        self.fingerprint: str = index["fingerprint"]
        self.frames = [(video_id, frame) for video_id, frame in index["frames"]]
        self._shard_size: int = index["shard_size"]
        self._rows = {frame: row for row, frame in enumerate(self.frames)}
        self._shards: dict[int, np.ndarray] = {}
        absent = [s for s in range(-(-len(self.frames) // self._shard_size)) if not _shard_path(self.folder, s).exists()]
        if absent:
            raise DatasetError(f"{self.folder} lacks {_shard_path(self.folder, absent[0]).name}; run the extraction again, it will go on.")

    def __len__(self) -> int:
        return len(self.frames)

    def __contains__(self, frame: object) -> bool:
        return frame in self._rows

    def __getitem__(self, frame: tuple[str, int]) -> Tensor:
        if frame not in self._rows:
            raise DatasetError(f"{self.folder} has no features of frame {frame[1]} of {frame[0]}; extract those of this data set.")
        shard, row = divmod(self._rows[frame], self._shard_size)
        if shard not in self._shards:
            self._shards[shard] = _open_shard(_shard_path(self.folder, shard))
        return torch.from_numpy(self._shards[shard][row].copy())  # (C, T', h, w)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_shards": {}}  # a memory map would travel to another process as the whole of its content


def _shard_path(folder: Path, shard: int) -> Path:
    return folder / f"features-{shard:05d}.npy"


def _open_shard(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read ({error}); delete it and run the extraction again.") from error


def _read_index(folder: Path) -> dict[str, Any]:
    try:
        index: dict[str, Any] = json.loads((folder / "index.json").read_text())
        if {"fingerprint", "shard_size", "frames"} <= index.keys():
            return index
    except FileNotFoundError as error:
        raise DatasetError(f"{folder} is no cache of features; extract them first.") from error
    except (OSError, ValueError, AttributeError):
        pass
    raise DatasetError(f"{folder / 'index.json'} is no index of features; delete the folder and extract them again.")
