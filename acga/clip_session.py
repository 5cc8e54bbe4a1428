"""The clips around some frames of one video, and the responses to queries so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from .data.dataset import LRUCache
from .data.geometry import sliding_clips
from .data.text import tokenise
from .errors import WeightsError
from .guided_filter import GuidedFilter
from .metrics import intersection_over_union
from .model.clip_features import AT_ONCE, ClipFeatures
from .model.decoder import Responses, average_large
from .model.presence import confidence

if TYPE_CHECKING:
    from .inference import Segmenter


@dataclass(frozen=True, kw_only=True)
class FrameResponse:
    """The response to a query in one frame."""

    logits: np.ndarray  # the finest response, float32 (S, S), on the network's square; refined if the segmenter refines
    peak: float  # the largest probability of any pixel
    confidence: float  # how well small and medium response agree; 0 below the minimum peak, and where no word is known
    word_weights: np.ndarray | None  # (L, h, w): how much each word is attended to from each place; None without that attention


class ClipSession:
    """The clips around some frames of one video, and the responses to queries so far: `responses[query][frame]`.

    Visual features and responses are kept as long as the session: one for a whole short video makes further queries cheap, and one for a
    single clip after the other keeps memory constant.

    Args:
        segmenter: what finds.
        clips: by frame, the squares `(S, S, 3)` uint8 of the clip around it; see `sliding_clips`.
        size: (h, w) of the frames.
        clip_features: `Segmenter.clip_features`, to be shared by sessions of one film.
        refine: whether responses are refined; None: as the segmenter's are.

    >>> from acga import ACGA, ACGAConfig, Segmenter, Vocabulary
    >>> segmenter = Segmenter(ACGA(ACGAConfig.thin_residual(), Vocabulary(["dog", "left"])), device="cpu")
    >>> session = ClipSession.from_frames(segmenter, np.zeros((16, 36, 48, 3), np.uint8))
    >>> session.predict(["dog on the left"], [8])
    1
    >>> session.mask("dog on the left", 8).shape, session.responses["dog on the left"][8].word_weights.shape
    ((36, 48), (4, 8, 8))
    """

    def __init__(
        self,
        segmenter: Segmenter,
        clips: Mapping[int, Sequence[np.ndarray]],
        size: tuple[int, int],
        *,
        clip_features: tuple[ClipFeatures, ...] | None = None,
        refine: bool | None = None,
    ) -> None:
        self.segmenter, self.clips, self.size = segmenter, clips, size
        self.refine = segmenter.refine if refine is None else refine
        self.clip_features = segmenter.clip_features() if clip_features is None else clip_features
        self.responses: dict[str, dict[int, FrameResponse]] = {}
        self._visual: dict[int, tuple[Tensor, ...]] = {}  # by frame, F_V (C, h, w) at each size: all that no query changes
        self._filters: LRUCache[GuidedFilter] = LRUCache(1)  # queries about one frame follow each other

    @classmethod
    def from_frames(cls, segmenter: Segmenter, frames: np.ndarray) -> ClipSession:
        """A session for all frames of a short video, uint8 `(T, H, W, 3)`."""
        clips = sliding_clips(frames, size=segmenter.config.size, clip_length=segmenter.config.clip_length)
        return cls(segmenter, {index: clip for index, (_, clip) in enumerate(clips)}, (frames.shape[1], frames.shape[2]))

    @torch.inference_mode()
    def run_stem(self, frames: Iterable[int]) -> int:
        """Compute the visual features of the clips around these frames unless they are known; gives how many were new."""
        new = [frame for frame in dict.fromkeys(frames) if frame not in self._visual]
        for start in range(0, len(new), AT_ONCE):
            few = new[start : start + AT_ONCE]
            with self.segmenter.rounding():
                clips = [self.clips[frame] for frame in few]
                visual = [self.segmenter.model.encode(torch.stack(features.of(clips))) for features in self.clip_features]
                self._visual.update(zip(few, zip(*visual, strict=True), strict=True))
        return len(new)

    @torch.inference_mode()
    def predict(self, queries: Sequence[str], frames: Sequence[int]) -> int:
        """Compute the responses to these queries in these frames unless they are known; gives how many were new.

        Raises `QueryError` and `WeightsError`.
        """
        vectors = dict(zip(queries, self.segmenter.word_vectors(queries), strict=True))  # (L, D) each
        read, lowest = {query: self.segmenter.reads(query) for query in queries}, self.segmenter.minimum_peak
        pairs = [(query, frame) for frame in frames for query in queries if frame not in self.responses.get(query, ())]
        self.run_stem(frame for _, frame in pairs)
        model = self.segmenter.model
        for start in range(0, len(pairs), AT_ONCE):
            few = pairs[start : start + AT_ONCE]
            asked = torch.stack([vectors[query] for query, _ in few])  # (B, L, D)
            with self.segmenter.rounding():
                visual = (torch.stack(maps) for maps in zip(*(self._visual[frame] for _, frame in few), strict=True))  # (B, C, h, w)
                sizes = [model.guide(maps, asked, with_pixel_weights=False) for maps in visual]
                answers = [Responses(*(response.float() for response in model.decode(attended))) for attended in sizes]
            attended, logits = sizes[0], average_large(answers).cpu()  # (B, S, S)
            sure = torch.stack([confidence(one) for one in answers]).mean(dim=0).tolist()  # (B,)
            if not logits.isfinite().all():
                raise WeightsError("The model answers with values that are not numbers; its file of weights is damaged.")
            word_maps: list[np.ndarray | None] = [None] * len(few)
            if (of_words := attended.word_weights) is not None:
                word_maps = list(rearrange(of_words, "b (h w) l -> b l h w", h=attended.language.shape[2]).float().cpu().numpy())
            for (query, frame), response, certain, words in zip(few, logits, sure, word_maps, strict=True):
                weights = None if words is None else words[: len(tokenise(query))]  # the padding left out
                peak = float(response.max().sigmoid())
                refined = self._refine(frame, response.numpy()) if self.refine else response.numpy()
                certain *= peak >= lowest and read[query]
                found = FrameResponse(logits=refined, peak=peak, confidence=certain, word_weights=weights)
                self.responses.setdefault(query, {})[frame] = found
        return len(pairs)

    def _refine(self, frame: int, response: np.ndarray) -> np.ndarray:
        picture = self.clips[frame][self.segmenter.config.clip_length // 2]  # the frame itself
        return self._filters.get(frame, lambda: GuidedFilter(picture))(response)

    def mask(self, query: str, frame: int, *, threshold_ratio: float | None = None) -> np.ndarray:
        """The mask of a known response, bool (H, W), as `Segmenter.mask` makes it; the ratio is by default the segmenter's."""
        found = self.responses[query][frame]
        return self.segmenter.mask(found.logits, self.size, peak=found.peak, threshold_ratio=threshold_ratio)

    def agreement(self, queries: Sequence[str], *, threshold_ratio: float | None = None) -> list[float]:
        """In each frame, the mean IoU of each two queries' masks, from known responses; nothing for a single query."""
        if len(queries) < 2:
            return []
        masks = [[self.mask(query, frame, threshold_ratio=threshold_ratio) for query in queries] for frame in self.clips]
        return [float(np.mean([intersection_over_union(*pair) for pair in combinations(found, 2)])) for found in masks]

    @torch.inference_mode()
    def attention_from(self, query: str, frame: int, place: tuple[int, int]) -> np.ndarray | None:
        """Attention of one place (row, column) of the h x w places to each place, (h, w); None without that attention (eq. 8)."""
        self.run_stem([frame])
        with self.segmenter.rounding():
            attended = self.segmenter.model.guide(self._visual[frame][0][None], self.segmenter.word_vectors([query]))
        if attended.pixel_weights is None:
            return None
        height, width = attended.vision.shape[2:]
        row, column = (min(max(at, 0), most - 1) for at, most in zip(place, (height, width), strict=True))
        return attended.pixel_weights[0, row * width + column].float().cpu().numpy().reshape(height, width)
