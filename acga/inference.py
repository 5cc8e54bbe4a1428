"""From a video and sentences to masks: a `Segmenter` streams in memory that does not grow.

>>> from acga.config import ACGAConfig
>>> from acga.data.text import Vocabulary
>>> segmenter = Segmenter(ACGA(ACGAConfig.thin_residual(), Vocabulary(["dog", "left"])), device="cpu")
>>> segmenter.unknown("brown dog on the left")
['brown', 'on', 'the']
"""

from __future__ import annotations

import copy
import difflib
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
import torch
from torch import Tensor

from .clip_session import AT_ONCE, ClipSession, FrameResponse
from .config import STRIDE, Precision
from .data.geometry import sliding_clips
from .data.text import UNKNOWN, check_queries, tokenise
from .data.video import ShownFrame, VideoInfo, probe, read_shown_frames
from .errors import ConfigError, WeightsError
from .guided_filter import GuidedFilter
from .metrics import binarise
from .model.checkpoints import load_model as load
from .model.clip_features import ClipFeatures
from .model.decoder import Decoder
from .model.folding import fold
from .model.network import ACGA
from .model.presence import Verdict
from .system.ahead import ahead
from .system.computing import autocast, channels_last, choose_device
from .temporal_average import temporal_average

__all__ = ["AT_ONCE", "ClipSession", "FrameResponse", "FrameResult", "Segmenter", "VideoHandle", "load", "sliding_clips"]

DECODED_AHEAD = 4  # frames of a film, while the network is at work
LONGEST_CORRECTED, SIMILARITY = 50, 0.65  # letters of an unknown word that others are offered for; how alike in spelling, from 0 to 1


@dataclass(frozen=True, kw_only=True)
class FrameResult:
    """The result in one frame."""

    index: int  # of the frame, from 0
    time: float  # seconds at which it is shown
    source: int  # the frame whose clip was looked at: `index` itself, or with every > 1 the nearest one that was; peaks are its
    frame: np.ndarray  # uint8 (H, W, 3)
    masks: dict[str, np.ndarray]  # by query, bool (H, W); masks of several queries may overlap
    responses: dict[str, np.ndarray]  # by query, the finest logits, float32 (S, S), on the network's square, refined or not
    peaks: dict[str, float]  # by query, the largest probability of any pixel
    confidences: dict[str, float]  # by query, how well small and medium response agree, from 0 to 1


class Segmenter:
    """Segments the actors that sentences describe.

    Args:
        weights: an embedded name ("mini"), a file that `load` reads, or a model, which is copied and left as it is.
        device: "auto" (an NVIDIA GPU if there is one), "cpu", "cuda" or "mps".
        minimum_peak: frames in which no pixel reaches this probability get an empty mask. The official rule, 0, always finds
            something, as its threshold is relative to the map's own maximum.
        threshold_ratio: a pixel belongs to the actor above this share of the map's maximum; officially half.
        one_piece: keep only the heaviest connected part of a mask, as a sentence describes one actor; officially all parts stay.
        refine: draw outlines to the edges of the picture (`acga.guided_filter`); officially they stay as the network gives them.
        smooth: average the response in each frame of a film with those in the frames beside it (`acga.temporal_average`); its peak and
            confidence stay its own.
        precision: "bf16" rounds the inputs of convolutions and products; faster, where the processor has it (docs/SPEED.md).
        second_size: frames are looked at in squares of this side, too, whose response counts a quarter; a multiple of 16, 0 for one size
            alone, None for what the weights were calibrated with.

    Raises `WeightsError` and `ConfigError`.
    """

    def __init__(
        self,
        weights: str | Path | ACGA = "mini",
        device: str = "auto",
        *,
        minimum_peak: float = 0.0,
        threshold_ratio: float = 0.5,
        one_piece: bool = True,
        refine: bool = True,
        smooth: bool = False,
        precision: Precision = "fp32",
        second_size: int | None = None,
    ) -> None:
        for name, value in {"minimum_peak": minimum_peak, "threshold_ratio": threshold_ratio}.items():
            if not 0 <= value <= 1:
                raise ConfigError(f"{name} is between 0 and 1, not {value}.")
        if second_size is not None and (second_size % STRIDE or second_size < 0):
            raise ConfigError(f"second_size is a multiple of {STRIDE}, or 0, not {second_size}.")
        model = copy.deepcopy(weights) if isinstance(weights, ACGA) else load(weights)
        if model.vocabulary is None or model.word_table is None:
            raise WeightsError('These weights came without word vectors: load them with words="vectors.bin", a word2vec file.')
        self.vocabulary, self.word_table = model.vocabulary, model.word_table
        self.config, self.source, self.presence = model.config, model.source, model.presence
        self.minimum_peak, self.threshold_ratio, self.one_piece = minimum_peak, threshold_ratio, one_piece
        self.refine, self.smooth, self.precision = refine, smooth, precision
        self.second_size = self.config.second_size if second_size is None else second_size
        self.device = choose_device(device)
        self.model = (fold(model) if isinstance(model.decoder, Decoder) else model).eval().to(self.device)
        channels_last(self.model.backbone)
        self.rounding()  # refuses what there cannot be

    def clip_features(self) -> tuple[ClipFeatures, ...]:
        """A `ClipFeatures` of one film for each size that is looked at."""
        sizes = (None, self.second_size) if self.second_size else (None,)
        return tuple(ClipFeatures(self.model, self.device, size=size) for size in sizes)

    def rounding(self) -> torch.autocast:
        """A context in which the network computes in `precision`."""
        return autocast(self.precision, self.device, clip_length=self.config.clip_length)

    def open(self, path: str | Path) -> VideoHandle:
        """A video file, gif or folder of frames, ready to be segmented. Raises `VideoError`."""
        return VideoHandle(self, path)

    def stream(self, path: str | Path, queries: Sequence[str], *, every: int = 1) -> Iterator[FrameResult]:
        """The frames of a video one by one, each with a mask for every query. Holds about 20 small and 12 + every whole frames.

        Each frame is the middle of its clip, f-8 ... f+7, the edge frames repeated past the ends. With `every` = n, only each n-th
        frame's clip is looked at; in frames between, responses are interpolated and drawn to the edges of their own picture.

        Raises `QueryError` at once, `VideoError` when it comes to it.
        """
        if every < 1:
            raise ConfigError(f"every must be at least 1, not {every}.")
        if every > 1 and self.smooth:
            raise ConfigError(f"smooth needs the response in each frame, but every is {every}; leave out one of the two.")
        self.word_vectors(queries)  # refuses what cannot be used before the video is opened
        return self._stream(path, list(queries), every)

    def unknown(self, query: str) -> list[str]:
        """The words of a query that mean nothing to the model: not in its vocabulary, or without a vector."""
        ids = self.vocabulary.encode(query, self.config.max_query_length).tolist()
        words = zip(tokenise(query), ids, strict=False)
        without_vector = [word for word, index in words if index > UNKNOWN and not self.word_table.weight[index].any()]
        return list(dict.fromkeys(self.vocabulary.unknown(query) + without_vector))

    def reads(self, query: str) -> bool:
        """Whether any word of a query means something to the model."""
        return not set(tokenise(query)) <= set(self.unknown(query))

    def verdict(self, confidences: float | Sequence[float]) -> Verdict | None:
        """Whether a frame, or a film by the median of its frames, shows what was asked for; None from weights not calibrated for that."""
        return None if self.presence is None else self.presence.verdict(float(np.median(confidences)))

    def suggest(self, word: str, most: int = 3) -> list[str]:
        """Known words that are spelled much like `word`, the likest first."""
        if len(word) > LONGEST_CORRECTED:
            return []  # comparing takes time with the square of the length
        return difflib.get_close_matches(word, self.vocabulary.words, n=most, cutoff=SIMILARITY)

    def word_vectors(self, queries: Sequence[str]) -> Tensor:
        """The word vectors of queries, (Q, L, D), zero past their words. Raises `QueryError` if one cannot be used or is given twice."""
        check_queries(queries)
        tokens = np.stack([self.vocabulary.encode(query, self.config.max_query_length) for query in queries])  # (Q, L)
        with torch.inference_mode():
            return self.model.embed(torch.from_numpy(tokens).to(self.device))  # (Q, L, D)

    def _stream(self, path: str | Path, queries: list[str], every: int) -> Iterator[FrameResult]:
        before: _ClipResult | None = None
        waiting: list[_Frame] = []  # those after it, until the next clip is looked at
        results = self._clip_results(path, queries, every)
        for frame, after in _smoothed(results) if self.smooth else results:
            if after is None:
                waiting.append(frame)
                continue
            yield from (self._result(between, before or after, after) for between in waiting)
            waiting.clear()
            yield self._result(frame, after, after)
            before = after
        if before is not None:
            yield from (self._result(rest, before, before) for rest in waiting)

    def _clip_results(self, path: str | Path, queries: list[str], every: int) -> Iterator[tuple[_Frame, _ClipResult | None]]:
        """The frames of a video, each `every`-th with the result of its clip."""
        times: deque[float] = deque()  # of the frames that are read ahead
        frames = _pictures(read_shown_frames(path), times)
        clips = ahead(sliding_clips(frames, size=self.config.size, clip_length=self.config.clip_length), DECODED_AHEAD)
        clip_features = self.clip_features()
        for index, (picture, clip) in enumerate(clips):
            frame = _Frame(index, times.popleft(), picture, clip[self.config.clip_length // 2])
            yield frame, None if index % every else self._predict(index, clip, queries, picture.shape[:2], clip_features)

    def _predict(
        self, index: int, clip: Sequence[np.ndarray], queries: list[str], size: tuple[int, int], clip_features: tuple[ClipFeatures, ...]
    ) -> _ClipResult:
        # A session of this clip alone, so that memory does not grow with the video.
        session = ClipSession(self, {index: clip}, size, clip_features=clip_features, refine=False)
        session.predict(queries, [index])
        return _ClipResult(index, {query: session.responses[query][index] for query in queries})

    def _result(self, frame: _Frame, before: _ClipResult, after: _ClipResult) -> FrameResult:
        """The result in a frame between two that were looked at, its responses interpolated and drawn to its own edges."""
        apart = after.number - before.number  # 0: it was looked at itself, or is past the last that was
        share = (frame.number - before.number) / apart if apart else 0.0
        nearest = before if share <= 0.5 else after
        guide = GuidedFilter(frame.square) if self.refine else None
        responses, masks = {}, {}
        for query, found in nearest.responses.items():
            first, second = before.responses[query].logits, after.responses[query].logits
            logits = first + np.float32(share) * (second - first)  # (S, S)
            responses[query] = logits if guide is None else guide(logits)
            masks[query] = self.mask(responses[query], frame.picture.shape[:2], peak=found.peak)
        return FrameResult(
            index=frame.number,
            time=frame.time,
            source=nearest.number,
            frame=frame.picture,
            masks=masks,
            responses=responses,
            peaks={query: found.peak for query, found in nearest.responses.items()},
            confidences={query: found.confidence for query, found in nearest.responses.items()},
        )

    def mask(self, logits: np.ndarray, size: tuple[int, int], *, peak: float, threshold_ratio: float | None = None) -> np.ndarray:
        """Foreground bool (H, W) of logits (S, S), as `binarise` decides; empty if their peak is below the minimum.

        `threshold_ratio` stands for the segmenter's own.
        """
        ratio = self.threshold_ratio if threshold_ratio is None else threshold_ratio
        return binarise(logits, size, threshold_ratio=ratio, one_piece=self.one_piece) & (peak >= self.minimum_peak)


class VideoHandle:
    """One video, opened by `Segmenter.open`; `info` has its size and speed, `verdicts` what `segment` found out about each query."""

    def __init__(self, segmenter: Segmenter, path: str | Path) -> None:
        self.segmenter, self.path = segmenter, Path(path)
        self.info: VideoInfo = probe(path)
        self.verdicts: dict[str, Verdict | None] = {}

    @overload
    def segment(self, queries: str, *, every: int = 1) -> np.ndarray: ...  # type: ignore[overload-overlap]
    @overload
    def segment(self, queries: Sequence[str], *, every: int = 1) -> dict[str, np.ndarray]: ...
    def segment(self, queries: str | Sequence[str], *, every: int = 1) -> np.ndarray | dict[str, np.ndarray]:
        """The masks of all frames, bool `(T, H, W)`: of the one query, or by query if there are several. `stream` long videos instead.

        Warns of words that mean nothing to the model. Masks come whatever the verdict is.
        """
        several = [queries] if isinstance(queries, str) else list(queries)
        results = [(result.masks, result.confidences) for result in self.stream(several, every=every)]
        for query in several:
            self.verdicts[query] = self.segmenter.verdict([confidences[query] for _, confidences in results])
            if unknown := self.segmenter.unknown(query):
                warnings.warn(f"The model does not know {', '.join(map(repr, unknown))} in {query!r}.", stacklevel=2)
        masks = {query: np.stack([found[query] for found, _ in results]) for query in several}
        return masks[queries] if isinstance(queries, str) else masks

    def stream(self, queries: Sequence[str], *, every: int = 1) -> Iterator[FrameResult]:
        """As `Segmenter.stream`, for this video."""
        return self.segmenter.stream(self.path, queries, every=every)


class _Frame(NamedTuple):
    """A frame of a film."""

    number: int
    time: float
    picture: np.ndarray
    square: np.ndarray  # the picture as the network sees it, uint8 (S, S, 3)


def _pictures(frames: Iterable[ShownFrame], times: deque[float]) -> Iterator[np.ndarray]:
    """The pictures of frames, whose times are left in `times`."""
    for frame in frames:
        times.append(frame.time)
        yield frame.picture


class _ClipResult(NamedTuple):
    """The result of the clip around a frame."""

    number: int  # of the frame
    responses: dict[str, FrameResponse]  # by query, not refined

    def logits(self) -> Tensor:
        """The finest responses, (Q, S, S)."""
        return torch.from_numpy(np.stack([found.logits for found in self.responses.values()]))


def _smoothed(results: Iterable[tuple[_Frame, _ClipResult | None]]) -> Iterator[tuple[_Frame, _ClipResult]]:
    """Results of every frame of a film, each averaged with those of the frames before and after it."""
    before = current = None
    for following in chain(((frame, found) for frame, found in results if found is not None), [None]):
        if current is not None:
            yield current[0], _averaged(*current, [one for one in (before, following) if one is not None])
        before, current = current, following


def _averaged(frame: _Frame, found: _ClipResult, neighbours: Sequence[tuple[_Frame, _ClipResult]]) -> _ClipResult:
    others = [(beside.logits(), other.square) for other, beside in neighbours]
    average = temporal_average(found.logits(), frame.square, others).numpy()  # (Q, S, S)
    responses = {query: replace(own, logits=logits) for (query, own), logits in zip(found.responses.items(), average, strict=True)}
    return found._replace(responses=responses)
