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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
import torch
from torch import Tensor

from .data.text import UNKNOWN, tokenise
from .data.video import VideoInfo, probe, read_frames
from .devices import choose_device
from .errors import ConfigError, QueryError, WeightsError
from .model.checkpoints import load_model as load
from .model.decoder import Decoder
from .model.folding import fold
from .model.network import ACGA
from .session import ClipSession, sliding_clips

__all__ = ["FrameResult", "Segmenter", "VideoHandle", "load"]

SIMILARITY = 0.65  # of the spelling of a word that is offered in place of an unknown one, from 0 to 1


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
        self.config, self.source = model.config, model.source
        self.minimum_peak = minimum_peak
        self.device = choose_device(device)
        self.model = (fold(model) if isinstance(model.decoder, Decoder) else model).eval().to(self.device)
        self.model.backbone.channels_last()

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
        self.word_vectors(queries)  # refuses what cannot be used before the video is opened
        return self._stream(path, list(queries), every)

    def unknown(self, query: str) -> list[str]:
        """The words of a query that mean nothing to the model: not in its vocabulary, or without a vector."""
        ids = self.vocabulary.encode(query, self.config.max_query_length).tolist()
        blank = (self.word_table.weight == 0).all(dim=1)
        without_vector = [word for word, index in zip(tokenise(query), ids, strict=False) if index > UNKNOWN and blank[index]]
        return list(dict.fromkeys(self.vocabulary.unknown(query) + without_vector))

    def suggest(self, word: str, most: int = 3) -> list[str]:
        """Known words that are spelled much like `word`, the likest first."""
        return difflib.get_close_matches(word, self.vocabulary.words, n=most, cutoff=SIMILARITY)

    def word_vectors(self, queries: Sequence[str]) -> Tensor:
        """The word vectors of queries, (Q, L, D), zero past their words. Raises `QueryError` if one cannot be used or is given twice."""
        if not queries:
            raise QueryError('There is no query; describe at least one actor, for example "dog running on the left".')
        twice = next((query for query in queries if list(queries).count(query) > 1), None)
        if twice is not None:
            raise QueryError(f"The query {twice!r} is given twice; give each once.")
        tokens = np.stack([self.vocabulary.encode(query, self.config.max_query_length) for query in queries])  # (Q, L)
        with torch.inference_mode():
            return self.model.embed(torch.from_numpy(tokens).to(self.device))  # (Q, L, D)

    def _stream(self, path: str | Path, queries: list[str], every: int) -> Iterator[FrameResult]:
        latest: _ClipResult | None = None
        waiting: list[tuple[int, np.ndarray]] = []  # frames nearer to the next clip than to the latest
        clips = sliding_clips(read_frames(path), size=self.config.size, clip_length=self.config.clip_length)
        for index, (frame, clip) in enumerate(clips):
            since = index % every
            if since == 0:
                latest = self._predict(index, clip, queries, frame.shape[:2])
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

    def _predict(self, index: int, clip: Sequence[np.ndarray], queries: list[str], size: tuple[int, int]) -> _ClipResult:
        session = ClipSession(self, {index: clip}, size)  # of this clip alone, so that memory does not grow with the video
        session.predict(queries, [index])
        found = {query: session.responses[query][index] for query in queries}
        return _ClipResult(
            source=index,
            masks={query: session.mask(query, index) for query in queries},
            responses={query: response.logits for query, response in found.items()},
            peaks={query: response.peak for query, response in found.items()},
        )


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


class _ClipResult(NamedTuple):
    """What one clip gave."""

    source: int
    masks: dict[str, np.ndarray]
    responses: dict[str, np.ndarray]
    peaks: dict[str, float]

    def of(self, index: int, frame: np.ndarray) -> FrameResult:
        return FrameResult(index=index, source=self.source, frame=frame, masks=self.masks, responses=self.responses, peaks=self.peaks)
