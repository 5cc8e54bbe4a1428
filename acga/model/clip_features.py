"""The stem's features of the clips of a film, what neighbouring clips share being computed once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..data.geometry import to_clip
from .image_stem import ImageStem
from .network import ACGA

KEPT = 64  # maps of frames: those of two clips and the frames between; 39 MB at 256 px
AT_ONCE = 4  # clips: faster than one by one, in memory that does not grow with their number


class ClipFeatures:
    """A network's stem for the clips of one film.

    An image stem sees each frame by itself, or with three that follow, so its map is kept and serves all clips that the frame is in, which
    is exact. I3D mixes the frames of a clip from its first layer on, so its clips share nothing.

    >>> from acga.config import ACGAConfig
    >>> features = ClipFeatures(ACGA(ACGAConfig.thin_residual()))
    >>> features.of([[np.zeros((64, 96, 3), np.uint8)] * 16])[0].shape
    torch.Size([132, 4, 4, 6])
    """

    def __init__(self, model: ACGA, device: torch.device | str = "cpu") -> None:
        self.model, self.device = model, torch.device(device)
        # By the ids of squares, which are kept with their map, so that no other array gets the id.
        self._maps: OrderedDict[tuple[int, ...], tuple[list[np.ndarray], Tensor]] = OrderedDict()

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
        batch = torch.stack([to_clip(np.stack(clip)) for clip in clips]).to(self.device)  # (B, 3, T, S, S)
        return list(self.model.features(batch.contiguous(memory_format=torch.channels_last_3d)))

    def _shared(self, stem: ImageStem, clips: Sequence[Sequence[np.ndarray]]) -> list[Tensor]:
        windows = [[[clip[index] for index in window] for window in stem.windows(len(clip))] for clip in clips]
        keys = [[tuple(id(square) for square in window) for window in few] for few in windows]
        asked = {key: window for few, names in zip(windows, keys, strict=True) for window, key in zip(few, names, strict=True)}
        new = {key: window for key, window in asked.items() if key not in self._maps}
        if new:
            frames = torch.stack([to_clip(np.stack(window)) for window in new.values()]).to(self.device)  # (N, 3, n, S, S)
            self._maps.update(zip(new, zip(new.values(), stem.maps(frames), strict=True), strict=True))
        features = [torch.stack([self._maps[key][1] for key in names], dim=1) for names in keys]
        for key in asked:
            self._maps.move_to_end(key)
        while len(self._maps) > KEPT:
            self._maps.popitem(last=False)
        return features
