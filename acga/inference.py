"""From a video and sentences to masks, in memory that does not grow with the video.

>>> from acga.config import ACGAConfig
>>> from acga.data.text import Vocabulary
>>> segmenter = Segmenter(ACGA(ACGAConfig.mini(), Vocabulary(["dog", "left"])), device="cpu")
>>> segmenter.unknown("brown dog on the left")
['brown', 'on', 'the']
"""

from __future__ import annotations

import copy
import difflib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
import torch
from torch import Tensor

from .data.geometry import pad_resize, to_clip
from .data.text import UNKNOWN, tokenise
from .data.video import VideoInfo, probe, read_frames
from .devices import choose_device
from .errors import ConfigError, QueryError, WeightsError
from .metrics import binarise
from .model.checkpoints import load_model as load
from .model.decoder import Decoder
from .model.folding import fold
from .model.network import ACGA

__all__ = ["FrameResult", "Segmenter", "VideoHandle", "load", "sliding_clips"]

QUERIES_AT_ONCE = 4  # faster than one by one, in memory that does not grow with the number of queries


@dataclass(frozen=True, kw_only=True)
class FrameResult:
    """What was found in one frame."""

    index: int  # of the frame, from 0
    source: int  # the frame whose clip was looked at: `index` itself, or with every > 1 the nearest one that was
    frame: np.ndarray  # uint8 (H, W, 3)
    masks: dict[str, np.ndarray]  # by query, bool (H, W); masks of several queries may overlap
    responses: dict[str, np.ndarray]  # by query, the finest logits, float32 (S, S), on the network's square
    peaks: dict[str, float]  # by query, the largest probability of any pixel: low where nothing was found


class Segmenter:
    """Segments the actors that sentences describe.

    Args:
        weights: an embedded name ("mini"), a file that `load` reads, or a model, which is copied and left as it is.
        device: "auto" (a GPU if there is one), "cpu" or "cuda".
        minimum_peak: frames in which no pixel reaches this probability get an empty mask. The official rule, 0, always finds
            something, as its threshold is relative to the map's own maximum.

    Raises `WeightsError` and `ConfigError`.
    """

    def __init__(self, weights: str | Path | ACGA = "mini", device: str = "auto", *, minimum_peak: float = 0.0) -> None:
        if not 0 <= minimum_peak <= 1:
            raise ConfigError(f"minimum_peak is a probability between 0 and 1, not {minimum_peak}.")
        model = copy.deepcopy(weights) if isinstance(weights, ACGA) else load(weights)
        if model.vocabulary is None or model.word_table is None:
            raise WeightsError('These weights came without word vectors: load them with words="vectors.bin", a word2vec file.')
        self.vocabulary, self.word_table = model.vocabulary, model.word_table
        self.config = model.config
        self.minimum_peak = minimum_peak
        self.device = choose_device(device)
        self.model = (fold(model) if isinstance(model.decoder, Decoder) else model).eval().to(self.device)
        self.model.backbone.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # twice as fast on a CPU

    def open(self, path: str | Path) -> VideoHandle:
        """A video file, gif or folder of frames, ready to be segmented. Raises `VideoError`."""
        return VideoHandle(self, path)

    def stream(self, path: str | Path, queries: Sequence[str], *, every: int = 1) -> Iterator[FrameResult]:
        """The frames of a video one by one, each with a mask for every query. Holds about 16 small and 8 + every / 2 whole frames.

        Each frame is the middle of its clip, f-8 ... f+7, the edge frames repeated past the ends. With `every` = n, only each n-th
        frame's clip is looked at, and frames between take the masks of the nearest one.

        Raises `QueryError` at once, `VideoError` when it comes to it.
        """
        if every < 1:
            raise ConfigError(f"every must be at least 1, not {every}.")
        return self._stream(path, list(queries), self._word_vectors(queries), every)

    def unknown(self, query: str) -> list[str]:
        """The words of a query that mean nothing to the model: not in its vocabulary, or without a vector."""
        ids = self.vocabulary.encode(query, self.config.max_query_length).tolist()
        blank = (self.word_table.weight == 0).all(dim=1)
        without_vector = [word for word, index in zip(tokenise(query), ids, strict=False) if index > UNKNOWN and blank[index]]
        return list(dict.fromkeys(self.vocabulary.unknown(query) + without_vector))

    def suggest(self, word: str, most: int = 3) -> list[str]:
        """Known words that are spelled much like `word`, the likest first."""
        return difflib.get_close_matches(word, self.vocabulary.words, n=most, cutoff=0.75)

    def _word_vectors(self, queries: Sequence[str]) -> Tensor:
        if not queries:
            raise QueryError('There is no query; describe at least one actor, for example "dog running on the left".')
        twice = next((query for query in queries if list(queries).count(query) > 1), None)
        if twice is not None:
            raise QueryError(f"The query {twice!r} is given twice; give each once.")
        tokens = np.stack([self.vocabulary.encode(query, self.config.max_query_length) for query in queries])  # (Q, L)
        with torch.inference_mode():
            return self.model.embed(torch.from_numpy(tokens).to(self.device))  # (Q, L, D)

    def _stream(self, path: str | Path, queries: list[str], word_vectors: Tensor, every: int) -> Iterator[FrameResult]:
        latest: _Found | None = None
        waiting: list[tuple[int, np.ndarray]] = []  # frames nearer to the next clip than to the latest
        clips = sliding_clips(read_frames(path), size=self.config.size, clip_length=self.config.clip_length)
        for index, (frame, clip) in enumerate(clips):
            since = index % every
            if since == 0:
                latest = self._find(index, frame.shape[:2], clip, queries, word_vectors)
            if latest is None or since > every // 2:
                waiting.append((index, frame))
                continue
            for earlier in waiting:
                yield latest.of(*earlier)
            waiting.clear()
            yield latest.of(index, frame)
        for rest in waiting:
            if latest is not None:
                yield latest.of(*rest)

    @torch.inference_mode()
    def _find(self, index: int, size: tuple[int, int], clip: Sequence[np.ndarray], queries: list[str], word_vectors: Tensor) -> _Found:
        batch = to_clip(np.stack(clip))[None].to(self.device)  # (1, 3, T, S, S)
        features = self.model.features(batch.contiguous(memory_format=torch.channels_last_3d))  # once, for all queries
        masks, responses, peaks = {}, {}, {}
        few = [self.model.from_features(features.expand(len(v), -1, -1, -1, -1), v).large for v in word_vectors.split(QUERIES_AT_ONCE)]
        for query, response in zip(queries, torch.cat(few).float().cpu(), strict=True):  # (S, S)
            if not response.isfinite().all():
                raise WeightsError("The model answers with values that are not numbers; its file of weights is damaged.")
            peaks[query] = float(response.max().sigmoid())
            responses[query] = response.numpy()
            masks[query] = binarise(response, size) & (peaks[query] >= self.minimum_peak)
        return _Found(index, masks, responses, peaks)


class VideoHandle:
    """One video, opened by `Segmenter.open`; `info` has its size and speed."""

    def __init__(self, segmenter: Segmenter, path: str | Path) -> None:
        self.segmenter, self.path = segmenter, Path(path)
        self.info: VideoInfo = probe(path)

    @overload
    def segment(self, queries: str, *, every: int = 1) -> np.ndarray: ...  # type: ignore[overload-overlap]
    @overload
    def segment(self, queries: Sequence[str], *, every: int = 1) -> dict[str, np.ndarray]: ...
    def segment(self, queries: str | Sequence[str], *, every: int = 1) -> np.ndarray | dict[str, np.ndarray]:
        """The masks of all frames, bool `(T, H, W)`: of the one query, or by query if there are several. `stream` long videos instead."""
        several = [queries] if isinstance(queries, str) else list(queries)
        results = [result.masks for result in self.stream(several, every=every)]
        masks = {query: np.stack([found[query] for found in results]) for query in several}
        return masks[queries] if isinstance(queries, str) else masks

    def stream(self, queries: Sequence[str], *, every: int = 1) -> Iterator[FrameResult]:
        """As `Segmenter.stream`, for this video."""
        return self.segmenter.stream(self.path, queries, every=every)


class _Found(NamedTuple):
    """What one clip gave."""

    source: int
    masks: dict[str, np.ndarray]
    responses: dict[str, np.ndarray]
    peaks: dict[str, float]

    def of(self, index: int, frame: np.ndarray) -> FrameResult:
        return FrameResult(index=index, source=self.source, frame=frame, masks=self.masks, responses=self.responses, peaks=self.peaks)


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
