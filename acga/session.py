"""What a network finds in the frames of a video: its stem reads the clip around each frame once, and every query costs the rest alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from .config import COORDINATES
from .data.geometry import pad_resize, to_clip
from .data.text import tokenise
from .errors import WeightsError
from .metrics import binarise, intersection_over_union

if TYPE_CHECKING:
    from .inference import Segmenter

AT_ONCE = 4  # clips, or pairs of frame and query: faster than one by one, in memory that does not grow with their number


@dataclass(frozen=True, kw_only=True)
class FrameResponse:
    """The response to a query in one frame."""

    logits: np.ndarray  # the finest response, float32 (S, S), on the network's square
    peak: float  # the largest probability of any pixel: low where nothing was found
    word_weights: np.ndarray | None  # (L, h, w): how much each word is attended to from each place; None without that attention


class ClipSession:
    """The clips around some frames of one video, and the responses to queries so far: `responses[query][frame]`.

    Features and responses are kept as long as the session: one for a whole short video makes further queries cheap, and one for a single
    clip after the other keeps memory constant.

    Args:
        segmenter: what finds.
        clips: by frame, the squares `(S, S, 3)` uint8 of the clip around it; see `sliding_clips`.
        size: (h, w) of the frames.

    >>> from acga import ACGA, ACGAConfig, Segmenter, Vocabulary
    >>> segmenter = Segmenter(ACGA(ACGAConfig.mini(), Vocabulary(["dog", "left"])), device="cpu")
    >>> session = ClipSession.from_frames(segmenter, np.zeros((16, 36, 48, 3), np.uint8))
    >>> session.predict(["dog on the left"], [8])
    1
    >>> session.mask("dog on the left", 8).shape, session.responses["dog on the left"][8].word_weights.shape
    ((36, 48), (4, 8, 8))
    """

    def __init__(self, segmenter: Segmenter, clips: Mapping[int, Sequence[np.ndarray]], size: tuple[int, int]) -> None:
        self.segmenter, self.clips, self.size = segmenter, clips, size
        self.responses: dict[str, dict[int, FrameResponse]] = {}
        self._features: dict[int, Tensor] = {}  # mixed_4e (C, T', h, w) by frame

    @classmethod
    def from_frames(cls, segmenter: Segmenter, frames: np.ndarray) -> ClipSession:
        """A session for all frames of a short video, uint8 `(T, H, W, 3)`."""
        config = segmenter.config
        clips = sliding_clips(frames, size=config.size, clip_length=config.clip_length)
        return cls(segmenter, {index: clip for index, (_, clip) in enumerate(clips)}, (frames.shape[1], frames.shape[2]))

    @torch.inference_mode()
    def run_stem(self, frames: Iterable[int]) -> int:
        """Compute the features of the clips around these frames unless they are known; gives how many were new."""
        new = [frame for frame in dict.fromkeys(frames) if frame not in self._features]
        for start in range(0, len(new), AT_ONCE):
            few = new[start : start + AT_ONCE]
            batch = torch.stack([to_clip(np.stack(self.clips[frame])) for frame in few]).to(self.segmenter.device)  # (B, 3, T, S, S)
            features = self.segmenter.model.features(batch.contiguous(memory_format=torch.channels_last_3d))
            self._features.update(zip(few, features, strict=True))
        return len(new)

    @torch.inference_mode()
    def predict(self, queries: Sequence[str], frames: Sequence[int]) -> int:
        """Compute the responses to these queries in these frames unless they are known; gives how many were new.

        Raises `QueryError` and `WeightsError`.
        """
        vectors = dict(zip(queries, self.segmenter.word_vectors(queries), strict=True))  # (L, D) each
        pairs = [(query, frame) for frame in frames for query in queries if frame not in self.responses.get(query, ())]
        self.run_stem(frame for _, frame in pairs)
        model = self.segmenter.model
        for start in range(0, len(pairs), AT_ONCE):
            few = pairs[start : start + AT_ONCE]
            features = torch.stack([self._features[frame] for _, frame in few])  # (B, C, T', h, w)
            attended = model.attend(features, torch.stack([vectors[query] for query, _ in few]))
            logits = model.decoder(attended.vision[:, :-COORDINATES], attended.language).large.float().cpu()  # (B, S, S)
            if not logits.isfinite().all():
                raise WeightsError("The model answers with values that are not numbers; its file of weights is damaged.")
            word_maps: list[np.ndarray | None] = [None] * len(few)
            if attended.word_weights is not None:
                rows = attended.language.shape[2]
                word_maps = list(rearrange(attended.word_weights, "b (h w) l -> b l h w", h=rows).float().cpu().numpy())
            for (query, frame), response, words in zip(few, logits, word_maps, strict=True):
                weights = None if words is None else words[: len(tokenise(query))]  # the padding left out
                found = FrameResponse(logits=response.numpy(), peak=float(response.max().sigmoid()), word_weights=weights)
                self.responses.setdefault(query, {})[frame] = found
        return len(pairs)

    def mask(self, query: str, frame: int, *, threshold_ratio: float = 0.5) -> np.ndarray:
        """Foreground bool (H, W) of a known response, as `binarise` decides; empty if its peak is below the segmenter's minimum."""
        found = self.responses[query][frame]
        return binarise(found.logits, self.size, threshold_ratio=threshold_ratio) & (found.peak >= self.segmenter.minimum_peak)

    def agreement(self, queries: Sequence[str], *, threshold_ratio: float = 0.5) -> list[float]:
        """In each frame, the mean IoU of each two queries' masks, from known responses; nothing for a single query."""
        if len(queries) < 2:
            return []
        masks = [[self.mask(query, frame, threshold_ratio=threshold_ratio) for query in queries] for frame in self.clips]
        return [float(np.mean([intersection_over_union(*pair) for pair in combinations(found, 2)])) for found in masks]

    @torch.inference_mode()
    def attention_from(self, query: str, frame: int, place: tuple[int, int]) -> np.ndarray | None:
        """How much one place (row, column) of the h x w places takes from each place, (h, w); None without that attention (eq. 8)."""
        self.run_stem([frame])
        attended = self.segmenter.model.attend(self._features[frame][None], self.segmenter.word_vectors([query]))
        if attended.pixel_weights is None:
            return None
        height, width = attended.vision.shape[2:]
        row, column = (min(max(at, 0), most - 1) for at, most in zip(place, (height, width), strict=True))
        return attended.pixel_weights[0, row * width + column].float().cpu().numpy().reshape(height, width)


def sliding_clips(frames: Iterable[np.ndarray], *, size: int, clip_length: int = 16) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Each frame `(H, W, 3)` with the clip around it: `clip_length` squares `(size, size, 3)` as `clip_indices` picks them.

    The end of a stream is known only once it is reached, so a frame comes out when the half clip after it has been read.

    >>> frames = (np.full((4, 4, 3), number, np.uint8) for number in range(3))
    >>> [[int(square.max()) for square in clip] for _, clip in sliding_clips(frames, size=16, clip_length=4)]
    [[0, 0, 0, 1], [0, 0, 1, 2], [0, 1, 2, 2]]
    """
    window: deque[np.ndarray] = deque(maxlen=clip_length)
    waiting: deque[np.ndarray] = deque()
    for frame in frames:
        waiting.append(frame)
        square = pad_resize(frame, size)
        window.extend([square] if window else [square] * (clip_length // 2 + 1))
        if len(window) == clip_length:
            yield waiting.popleft(), list(window)
    while waiting:
        window.append(window[-1])
        if len(window) == clip_length:
            yield waiting.popleft(), list(window)
