"""The data set that both releases are read as: its samples, and the item made of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import numpy as np
import torch
import torch.utils.data
from torch import Tensor

from ..errors import DatasetError
from .digests import digest_file
from .geometry import clip_indices, pad_resize, same_proportions, to_clip
from .text import Vocabulary

_Value = TypeVar("_Value")
MISSING_FRAMES = 2  # by which a decoder may find fewer than the annotators did


@dataclass(frozen=True)
class Sample:
    """One question to the model: which pixels of this frame does the sentence describe?"""

    video_id: str
    frame: int  # 1-indexed, as in the names of the files
    instance: int  # number of the actor in the video
    query: str


class Dataset(torch.utils.data.Dataset, ABC):
    """Sentences with a clip and a mask; the two releases differ only in where these are found.

    An item is a dictionary:
        "clip": float (3, T, S, S) in [-1, 1], the annotated frame at index T // 2, edge frames repeated past the ends of the video;
        "mask": bool (H, W), as annotated;  "size": its (h, w);  "target": float (S, S), the mask pad-resized, 0 or 1;
        "query": the sentence;  "tokens": int64 (20,), when there is a vocabulary;  "index": which sample it is.
    Videos and annotations are opened when an item is asked for and closed again, so any number of workers can read one dataset.
    """

    samples: list[Sample]
    sentences_path: Path  # the table of sentences
    returned: bool = False  # whether masks have been sent to the network's square and back, as for official scores

    def __init__(self, samples: Sequence[Sample], *, size: int, clip_length: int, vocabulary: Vocabulary | None) -> None:
        self.samples = list(samples)
        self.size = size
        self.clip_length = clip_length
        self.vocabulary = vocabulary
        self._tokens: dict[str, Tensor] = {}
        if vocabulary is not None:
            self._tokens = {query: torch.from_numpy(vocabulary.encode(query)) for query in {sample.query for sample in self.samples}}
        # Samples of one frame or video follow each other, so it is enough to keep the last few things read.
        self._videos: LRUCache[np.ndarray] = LRUCache(2)
        self._labels: LRUCache[tuple[np.ndarray, np.ndarray, np.ndarray]] = LRUCache(8)

    @property
    def samples_fingerprint(self) -> str:
        """Which sentences these are, about what, in 16 letters."""
        return sha256(repr(self.samples).encode()).hexdigest()[:16]

    @abstractmethod
    def video_path(self, video_id: str) -> Path:
        """The path of a video: a file or a folder of pictures."""

    def digest_video(self, video_id: str) -> str:
        """A digest of a video's file or files."""
        return digest_file(self.video_path(video_id))

    @abstractmethod
    def read_video(self, video_id: str) -> np.ndarray:
        """All frames of a video, uint8 RGB (T, H, W, 3). Raises `VideoError` or `DatasetError`."""

    @abstractmethod
    def annotation_path(self, video_id: str, frame: int) -> Path:
        """The file with the masks of a frame, and perhaps those of others."""

    @abstractmethod
    def read_labels(self, video_id: str, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Masks bool (N, H, W) of all annotated instances of a frame, the instances' numbers (N,), and their class ids (N,)."""

    @property
    def annotated_frames(self) -> list[tuple[str, int]]:
        """The annotated frames (video_id, frame) that samples ask about, each once, in order."""
        return list(dict.fromkeys((sample.video_id, sample.frame) for sample in self.samples))

    def frame_masks(self, video_id: str, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Dense labels of a frame: masks bool (N, H, W), instances int64 (N,), A2D class ids int64 (N,) (`taxonomy.class_id`)."""
        return self._labels.get((video_id, frame), lambda: self.read_labels(video_id, frame))

    def mask(self, video_id: str, frame: int, instance: int) -> np.ndarray:
        """The mask of one instance in a frame, bool (H, W)."""
        masks, instances, _ = self.frame_masks(video_id, frame)
        mask: np.ndarray = masks[instances.tolist().index(instance)]
        return mask

    def clip(self, video_id: str, frame: int, *, repeat_frame: bool = False) -> Tensor:
        """The clip around a 1-indexed frame: float (3, T, S, S) in [-1, 1]; with `repeat_frame`, T copies of that frame."""
        return to_clip(self.clip_pixels(video_id, frame, repeat_frame=repeat_frame))

    def clip_pixels(self, video_id: str, frame: int, *, repeat_frame: bool = False) -> np.ndarray:
        """The same clip as it is kept: uint8 (T, S, S, 3)."""
        video = self._videos.get(video_id, lambda: self.read_video(video_id))
        self.check_frame(video_id, frame, len(video))
        middle = min(frame, len(video)) - 1
        if self.annotation_path(video_id, frame).is_file():
            for mask, instance in zip(*self.frame_masks(video_id, frame)[:2], strict=True):
                self.check_shape(video_id, frame, int(instance), mask.shape, video.shape[1:3])
        indices = clip_indices(middle, len(video), self.clip_length)
        if repeat_frame:
            indices = np.full_like(indices, middle)
        squares = {index: pad_resize(video[index], self.size) for index in set(indices.tolist())}
        return np.stack([squares[index] for index in indices.tolist()])

    def picture(self, video_id: str, frame: int) -> np.ndarray:
        """A 1-indexed frame as the network sees it: uint8 (S, S, 3)."""
        video = self._videos.get(video_id, lambda: self.read_video(video_id))
        self.check_frame(video_id, frame, len(video))
        return pad_resize(video[min(frame, len(video)) - 1], self.size)

    def check_frame(self, video_id: str, frame: int, count: int) -> None:
        """Raise `DatasetError` for an annotated frame that a video of `count` frames does not have."""
        if not 1 <= frame <= count + MISSING_FRAMES:
            raise DatasetError(
                f"{self.annotation_path(video_id, frame)}: frame {frame} is not among the {count} frames of the video; remove the "
                "annotation or restore the video."
            )

    @staticmethod
    def check_shape(video_id: str, frame: int, instance: int, mask: tuple[int, ...], video: tuple[int, ...]) -> None:
        """Raise `DatasetError` for a mask (h, w) of other proportions than its video (H, W)."""
        if not same_proportions(mask, video):
            raise DatasetError(
                f"The mask of instance {instance} in frame {frame} of {video_id} is {mask[1]} x "
                f"{mask[0]}, its video {video[1]} x {video[0]}; write reMask as (N, W, H)."
            )

    def labels(self, index: int) -> dict[str, Any]:
        """An item without its clip, which is all that training from cached features needs."""
        sample = self.samples[index]
        mask = self.mask(sample.video_id, sample.frame, sample.instance)  # (H, W)
        target = pad_resize(mask.astype(np.uint8), self.size)  # (S, S)
        item = {
            "mask": torch.tensor(mask),
            "size": mask.shape,
            "target": torch.from_numpy(target).float(),
            "query": sample.query,
            "index": index,
        }
        return item if self.vocabulary is None else item | {"tokens": self._tokens[sample.query]}

    def replaced(self, samples: Sequence[Sample]) -> Self:
        """The same videos and masks with other samples: some of these, or other questions about them."""
        other = copy(self)
        other.samples = list(samples)
        if self.vocabulary is not None:
            other._tokens = {query: torch.from_numpy(self.vocabulary.encode(query)) for query in {sample.query for sample in samples}}
        return other

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = self.samples[index]
        return self.labels(index) | {"clip": self.clip(sample.video_id, sample.frame)}

    def __len__(self) -> int:
        return len(self.samples)


def collate(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A batch of items: clips, targets and tokens are stacked; masks, which differ in size, and the rest become lists."""
    stacked = ("clip", "target", "tokens")
    return {name: torch.stack([item[name] for item in items]) if name in stacked else [item[name] for item in items] for name in items[0]}


class LRUCache(Generic[_Value]):
    """A least-recently-used cache of a few values, by key; empty again in another process.

    >>> cache: LRUCache[int] = LRUCache(1)
    >>> cache.get("a", lambda: 1), cache.get("a", lambda: 2), cache.get("b", lambda: 3), cache.get("a", lambda: 4)
    (1, 1, 3, 4)
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._values: OrderedDict[Hashable, _Value] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], _Value]) -> _Value:
        """The value of `key`, made now if it is not kept."""
        if key not in self._values:
            self._values[key] = make()
            if len(self._values) > self.capacity:
                self._values.popitem(last=False)
        self._values.move_to_end(key)
        return self._values[key]

    def __getstate__(self) -> dict[str, Any]:
        return {"capacity": self.capacity, "_values": OrderedDict()}
