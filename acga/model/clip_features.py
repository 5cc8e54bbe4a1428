"""The stem's features of the clips of a film, what neighbouring clips share being computed once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ..data.geometry import pad_resize, to_clip
from .image_stem import ImageStem
from .network import ACGA
from .optical_flow import motion

KEPT = 64  # maps of frames: those of two clips and the frames between; 92 MB at 384 px
AT_ONCE = 4  # clips: faster than one by one, in memory that does not grow with their number

Squares = tuple[np.ndarray, ...]
# By the ids of squares, which are kept with their map, so that no other array gets the id.
Maps = OrderedDict[tuple[int, ...], tuple[Squares, Tensor]]


class ClipFeatures:
    """A network's stem for the clips of one film.

    An image stem sees each frame by itself, and the motion from each to the next, so both are kept and serve all clips that the frames are
    in, which is exact. I3D mixes the frames of a clip from its first layer on, so its clips share nothing.

    >>> from acga.config import ACGAConfig
    >>> features = ClipFeatures(ACGA(ACGAConfig.thin_residual()))
    >>> features.of([[np.zeros((64, 96, 3), np.uint8)] * 16])[0].shape
    torch.Size([132, 4, 4, 6])
    """

    def __init__(self, model: ACGA, device: torch.device | str = "cpu", *, size: int | None = None) -> None:
        self.model, self.device, self.size = model, torch.device(device), size  # the side that squares are resized to; None: as they are
        self._appearance: Maps = OrderedDict()  # of frames
        self._motion: Maps = OrderedDict()  # of pairs of frames

    @torch.inference_mode()
    def of(self, clips: Sequence[Sequence[np.ndarray]]) -> list[Tensor]:
        """The features (C, T/4, h, w) of clips, each of T squares (S, S, 3) uint8; a frame is known again if it is the same array."""
        found: list[Tensor] = []
        for start in range(0, len(clips), AT_ONCE):
            few = clips[start : start + AT_ONCE]
            stem = self.model.backbone.stem
            found += self._shared(stem, few) if isinstance(stem, ImageStem) else self._whole(few)
        return found

    def _whole(self, clips: Sequence[Sequence[np.ndarray]]) -> list[Tensor]:
        batch = torch.stack([self._to_clip(clip) for clip in clips]).to(self.device)  # (B, 3, T, S, S)
        return list(self.model.features(batch.contiguous(memory_format=torch.channels_last_3d)))

    def _shared(self, stem: ImageStem, clips: Sequence[Sequence[np.ndarray]]) -> list[Tensor]:
        windows = [[[clip[index] for index in window] for window in stem.windows(len(clip))] for clip in clips]
        each = [window for few in windows for window in few]
        self._compute(self._appearance, [(window[0],) for window in each], lambda frames: stem.appearance(frames[:, :, 0]))
        self._compute(self._motion, [pair for window in each for pair in pairwise(window)], motion)
        features = [torch.stack([self._of_window(window) for window in few], dim=1) for few in windows]
        for kept in (self._appearance, self._motion):
            while len(kept) > KEPT:
                kept.popitem(last=False)
        return features

    def _compute(self, kept: Maps, asked: Sequence[Squares], compute: Callable[[Tensor], Tensor]) -> None:
        """Compute the maps of squares that are not kept, and remember that these were asked for last."""
        by_key = {_key(squares): squares for squares in asked}
        new = {key: squares for key, squares in by_key.items() if key not in kept}
        if new:
            frames = torch.stack([self._to_clip(squares) for squares in new.values()]).to(self.device)  # (N, 3, n, S, S)
            kept.update(zip(new, zip(new.values(), compute(frames), strict=True), strict=True))
        for key in by_key:
            kept.move_to_end(key)

    def _to_clip(self, squares: Sequence[np.ndarray]) -> Tensor:
        """Squares (S, S, 3) uint8 as (3, n, S, S) in [-1, 1], at the side that is looked at."""
        return to_clip(np.stack([square if self.size is None else pad_resize(square, self.size) for square in squares]))

    def _of_window(self, window: Sequence[np.ndarray]) -> Tensor:
        """The kept maps (C, h, w) of a frame and of the motion from each frame of its window to the next."""
        pairs = [self._motion[_key(pair)][1] for pair in pairwise(window)]
        return torch.cat([self._appearance[_key(window[:1])][1], *pairs])


def _key(squares: Sequence[np.ndarray]) -> tuple[int, ...]:
    return tuple(id(square) for square in squares)
