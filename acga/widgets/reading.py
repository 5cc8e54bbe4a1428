"""What a segmenter finds in one clip, kept: the backbone sees each frame's clip once, and every further sentence only costs the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from ..config import COORDINATES
from ..data.geometry import clip_indices, pad_resize, to_clip
from ..data.text import tokenise
from ..errors import WeightsError
from ..inference import Segmenter
from ..metrics import binarise, intersection_over_union
from .clips import Clip


@dataclass(frozen=True, kw_only=True)
class FrameResponse:
    """What a sentence gave in one frame."""

    response: np.ndarray  # logits float32 (S, S), on the network's square
    words: np.ndarray | None  # weights (L, h, w) of the sentence's words at each place of the square; None without that branch

    @property
    def peak(self) -> float:
        """The largest probability of any pixel."""
        return float(1 / (1 + np.exp(-self.response.max())))


class Reading:
    """One clip, as far as it has been read, and the answers so far: `responses[query][frame]`.

    >>> from acga.model import ACGA
    >>> from acga.config import ACGAConfig
    >>> from acga.data.text import Vocabulary
    >>> segmenter = Segmenter(ACGA(ACGAConfig.mini(), Vocabulary(["dog", "left"])), device="cpu")
    >>> reading = Reading(segmenter, Clip(frames=np.zeros((16, 36, 48, 3), np.uint8), frames_per_second=12))
    >>> reading.ask("dog on the left", [8])
    1
    >>> reading.mask("dog on the left", 8).shape, reading.responses["dog on the left"][8].words.shape
    ((36, 48), (4, 8, 8))
    """

    def __init__(self, segmenter: Segmenter, clip: Clip) -> None:
        self.segmenter, self.clip = segmenter, clip
        self.responses: dict[str, dict[int, FrameResponse]] = {}
        self._squares = np.stack([pad_resize(frame, segmenter.config.size) for frame in clip.frames])  # (T, S, S, 3)
        self._features: dict[int, Tensor] = {}  # mixed_4e (C, T', h, w) by frame

    @torch.inference_mode()
    def read(self, frames: Sequence[int]) -> int:
        """Give the backbone the clips around these frames unless it has seen them; returns how many were new."""
        new = [frame for frame in frames if frame not in self._features]
        if new:
            length = self.segmenter.config.clip_length
            clips = [to_clip(self._squares[clip_indices(frame, len(self._squares), length)]) for frame in new]  # (3, T, S, S) each
            batch = torch.stack(clips).to(self.segmenter.device).contiguous(memory_format=torch.channels_last_3d)
            self._features.update(zip(new, self.segmenter.model.features(batch), strict=True))
        return len(new)

    @torch.inference_mode()
    def ask(self, query: str, frames: Sequence[int]) -> int:
        """FrameResponse a sentence in these frames, together; returns in how many it was not answered yet.

        Raises `QueryError` and `WeightsError`.
        """
        known = self.responses.setdefault(query, {})
        new = [frame for frame in frames if frame not in known]
        if not new:
            return 0
        vectors = self._vectors(query)
        self.read(new)
        features = torch.stack([self._features[frame] for frame in new])  # (B, C, T', h, w)
        model = self.segmenter.model
        attended = model.attend(features, vectors.expand(len(new), -1, -1))
        responses = model.decoder(attended.vision[:, :-COORDINATES], attended.language).large.float().cpu()  # (B, S, S)
        if not responses.isfinite().all():
            raise WeightsError("The model answers with values that are not numbers; its file of weights is damaged.")
        weights: list[np.ndarray | None] = [None] * len(new)
        if attended.word_weights is not None:
            said = attended.word_weights[..., : len(tokenise(query))].float().cpu()  # (B, N, L), the padding left out
            weights = list(rearrange(said, "b (h w) l -> b l h w", h=attended.language.shape[2]).numpy())
        for frame, response, words in zip(new, responses.numpy(), weights, strict=True):
            known[frame] = FrameResponse(response=response, words=words)
        return len(new)

    def mask(self, query: str, frame: int, *, threshold_ratio: float = 0.5) -> np.ndarray:
        """Foreground bool (H, W) of an answered sentence: above this share of the map's own maximum, officially one half."""
        return binarise(self.responses[query][frame].response, self.clip.size, threshold_ratio=threshold_ratio)

    def agreement(self, queries: Sequence[str], *, threshold_ratio: float = 0.5) -> list[float]:
        """In each frame, the mean IoU of each two answered sentences' masks; nothing for a single sentence."""
        if len(queries) < 2:
            return []
        masks = [[self.mask(query, frame, threshold_ratio=threshold_ratio) for query in queries] for frame in range(len(self.clip.frames))]
        return [float(np.mean([intersection_over_union(*pair) for pair in combinations(found, 2)])) for found in masks]

    @torch.inference_mode()
    def attention_from(self, query: str, frame: int, place: tuple[int, int]) -> np.ndarray | None:
        """How much one place (row, column) of the h x w places takes from each place, (h, w); None without that branch (eq. 8)."""
        self.read([frame])
        attended = self.segmenter.model.attend(self._features[frame][None], self._vectors(query))
        if attended.pixel_weights is None:
            return None
        height, width = attended.vision.shape[2:]
        row, column = (min(max(at, 0), most - 1) for at, most in zip(place, (height, width), strict=True))
        return attended.pixel_weights[0, row * width + column].float().cpu().numpy().reshape(height, width)

    def _vectors(self, query: str) -> Tensor:
        """Word vectors (1, L, D). Raises `QueryError`."""
        tokens = self.segmenter.vocabulary.encode(query, self.segmenter.config.max_query_length)[None]
        return self.segmenter.model.embed(torch.from_numpy(tokens).to(self.segmenter.device))
