"""Features at mixed_4e, computed once for every annotated frame: the frozen part of the network need not run again in training."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..config import FeatureKind, Precision
from ..errors import DatasetError
from ..system.computing import autocast, send
from .cache import Cache, Entry, prepare
from .dataset import Dataset
from .digests import digest
from .geometry import to_clip


def fingerprint(stem: nn.Module, dataset: Dataset, kind: FeatureKind = "plain", precision: Precision = "fp32") -> str:
    """A digest of all that decides the features: the weights, the frames, their geometry, the videos, and a precision other than fp32."""
    weights = {}
    for name, value in stem.state_dict().items():
        values = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        weights[name] = (str(value.dtype), tuple(value.shape), hashlib.sha256(values).hexdigest())
    frames = dataset.annotated_frames
    videos = {video_id: dataset.digest_video(video_id) for video_id in dict(frames)}
    rounded = () if precision == "fp32" else (precision,)
    return digest("features", kind, dataset.size, dataset.clip_length, frames, videos, weights, *rounded)


def extract_features(
    stem: nn.Module,
    dataset: Dataset,
    folder: str | Path,
    kind: FeatureKind = "plain",
    *,
    device: str | torch.device = "cpu",
    precision: Precision = "fp32",
    batch_size: int = 4,
    workers: int = 0,
    part: tuple[int, int] = (0, 1),
    forward: Callable[[Tensor], Tensor] | None = None,
) -> None:
    """Run `stem`, (B, 3, T, S, S) -> (B, C, T', h, w), on the clip of every frame in `dataset.annotated_frames`, into a cache in `folder`.

    `stem` is moved to `device` and left in evaluation mode. `workers` decode in processes of their own. Clips are "mirrored" left to right,
    or "still": copies of the annotated frame. `part` (k, n) does every n-th batch from the k-th on, for n processes.
    `forward` computes what the stem does, if it is not the stem itself.
    Raises `DatasetError` when the folder holds something else or cannot be written, and what reading a video raises.
    """
    stem.to(device).eval()
    cache = prepare(
        folder,
        "features",
        fingerprint=fingerprint(stem, dataset, kind, precision),
        keys=dataset.annotated_frames,
        arrays={"features": ("float16", _shape(stem, dataset))},
    )
    rounding = autocast(precision, torch.device(device), clip_length=dataset.clip_length)
    compute = partial(_features, stem if forward is None else forward, device, rounding)
    cache.fill(partial(_pixels, dataset, kind), compute=compute, batch_size=batch_size, workers=workers, part=part)


def _pixels(dataset: Dataset, kind: FeatureKind, video_id: str, frame: int) -> Entry:
    """The clip (T, S, S, 3) to be looked at."""
    pixels = dataset.clip_pixels(video_id, frame, repeat_frame=kind == "still")
    return {"pixels": pixels[:, :, ::-1] if kind == "mirrored" else pixels}


@torch.no_grad()
def _features(stem: Callable[[Tensor], Tensor], device: str | torch.device, rounding: torch.autocast, batch: Entry) -> Entry:
    """Features fp16 (B, C, T', h, w) of clips (B, T, S, S, 3)."""
    clips = to_clip(send(torch.from_numpy(np.ascontiguousarray(batch["pixels"])), torch.device(device)))  # (B, 3, T, S, S)
    with rounding:
        features = stem(clips).half().cpu()
    if not features.isfinite().all():
        raise DatasetError("The features exceed what 16 bits hold or are not numbers; check the weights.")
    return {"features": features.numpy()}


def _shape(stem: nn.Module, dataset: Dataset) -> tuple[int, ...]:
    """The shape (C, T', h, w) of a clip's features, without computing them."""
    state = {name: value.to("meta") for name, value in stem.state_dict().items()}
    clip = torch.empty(1, 3, dataset.clip_length, dataset.size, dataset.size, device="meta")
    return tuple(functional_call(stem, state, clip).shape[1:])


class FeatureCache(Cache):
    """The features in a folder: `cache[video_id, frame]` is a float16 tensor (C, T', h, w), read from disk when asked for.

    `fingerprint` (of the same name's function) refuses a cache that was made with other weights or data.
    Raises `DatasetError` when there is no cache, it is not complete, or not the one wanted.
    """

    def __init__(self, folder: str | Path, *, fingerprint: str | None = None) -> None:
        super().__init__(folder, "features", fingerprint=fingerprint)

    def __getitem__(self, frame: tuple[str, int]) -> Tensor:
        if frame not in self:
            raise DatasetError(f"{self.folder} has no features of frame {frame[1]} of {frame[0]}; extract those of this data set.")
        # Mapped for this read alone: the pages of a mapping that lasts count as this process's memory, in the end the whole file.
        features = self.array("features")
        place = features.offset + self.rows[frame] * features[0].nbytes
        return torch.from_numpy(np.array(np.memmap(self.folder / "features.npy", features.dtype, "r", place, features.shape[1:])))
