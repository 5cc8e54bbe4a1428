"""Decoders tried out in seconds: what comes before eq. 10 is computed once for every question, and the decoder alone is trained.

For the notebooks on fusion and on the loss. This is no training of the network (`acga.training.sentences`): attention, backbone and words
stay as they were learned together with another decoder.

>>> from acga.config import ACGAConfig
>>> from acga.model.network import build_decoder
>>> maps = AttendedMaps(torch.rand(6, 208, 4, 4), torch.rand(6, 96, 4, 4), torch.ones(6, 64, 64), [np.ones((40, 30), bool)] * 6)
>>> decoder = build_decoder(ACGAConfig.thin_residual())
>>> losses = train_decoder(decoder, maps, steps=2)
>>> found = masks_of(respond(decoder, maps).large, maps)
>>> len(losses), sorted(measure(found, maps))[-3:]
(2, ['oIoU', 'precision', 'recall'])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..config import COORDINATES
from ..data.dataset import Dataset
from ..data.geometry import undo_pad_resize
from ..losses import WeightedSegmentationLoss
from ..metrics import SegmentationMetrics, binarise, round_trip
from ..model.decoder import Decoder, Responses
from ..model.folding import FoldedDecoder
from ..model.network import ACGA
from .minimise import minimise


@dataclass(frozen=True)
class AttendedMaps:
    """Inputs of a decoder for each of N questions, and the targets."""

    vision: Tensor  # F_VA without its coordinates (N, C, h, w)
    language: Tensor  # F_TA (N, D, h, w)
    targets: Tensor  # masks on the square (N, S, S), 0 or 1
    masks: Sequence[np.ndarray]  # the same in their frames, bool (H, W) each

    @classmethod
    @torch.no_grad()
    def of(cls, model: ACGA, dataset: Dataset, *, batch_size: int = 32) -> AttendedMaps:
        """Eq. 1-9 of every sample of a data set with tokens; each clip goes through the backbone once."""
        features = {key: model.features(dataset.clip(*key)[None]) for key in dataset.annotated_frames}
        labels = [dataset.labels(index) for index in range(len(dataset))]
        vision, language = [], []
        for start in range(0, len(dataset), batch_size):
            rows = slice(start, start + batch_size)
            seen = torch.cat([features[sample.video_id, sample.frame] for sample in dataset.samples[rows]])
            attended = model.attend(seen, model.embed(torch.stack([label["tokens"] for label in labels[rows]])))
            vision.append(attended.vision[:, :-COORDINATES])
            language.append(attended.language)
        targets = torch.stack([label["target"] for label in labels])
        return cls(torch.cat(vision), torch.cat(language), targets, [label["mask"].numpy() for label in labels])

    def __len__(self) -> int:
        return len(self.targets)


def train_decoder(
    decoder: Decoder,
    maps: AttendedMaps,
    *,
    steps: int,
    loss: WeightedSegmentationLoss | None = None,
    batch_size: int = 8,
    learning_rate: float = 5e-3,
    seed: int = 0,
) -> list[float]:
    """Train a decoder on attended maps by Adam, the rate falling along a cosine; gives the loss of every step.

    The seed decides the order of the questions, not the decoder's first weights, which are as they were built.
    """
    loss = loss or WeightedSegmentationLoss()
    folded = FoldedDecoder(decoder)  # the same parameters and outputs, in less than half of the time
    return minimise(
        decoder.parameters(),
        lambda rows: loss(folded(maps.vision[rows], maps.language[rows]), maps.targets[rows]),
        len(maps),
        steps=steps,
        learning_rate=learning_rate,
        batch_size=min(batch_size, len(maps)),
        seed=seed,
    )


@torch.no_grad()
def respond(decoder: Decoder, maps: AttendedMaps, *, batch_size: int = 16) -> Responses:
    """A decoder's responses to all questions."""
    folded = FoldedDecoder(decoder)
    parts = [folded(*rows) for rows in zip(maps.vision.split(batch_size), maps.language.split(batch_size), strict=True)]
    return Responses(*(torch.cat(of_all) for of_all in zip(*parts, strict=True)))


def masks_of(large: Tensor, maps: AttendedMaps, *, threshold: float | None = None) -> list[np.ndarray]:
    """Masks in their frames, from logits (N, S, S): by the official rule, half of each map's maximum, or above a fixed probability."""
    sizes = [(mask.shape[0], mask.shape[1]) for mask in maps.masks]
    if threshold is None:
        return [binarise(response, size) for response, size in zip(large, sizes, strict=True)]
    above = (large.sigmoid() > threshold).numpy().astype(np.uint8)
    return [undo_pad_resize(square, size).astype(bool) for square, size in zip(above, sizes, strict=True)]


def measure(found: Sequence[np.ndarray], maps: AttendedMaps) -> dict[str, float]:
    """The metrics of the paper, and precision and recall over the pixels of all questions together (NaN where nothing was found)."""
    metrics = SegmentationMetrics()
    wanted = [round_trip(mask, maps.targets.shape[-1]) for mask in maps.masks]
    for mask, target in zip(found, wanted, strict=True):
        metrics.update(mask, target)
    right, marked, real = sum(area for area, _ in metrics.areas), sum(mask.sum() for mask in found), sum(mask.sum() for mask in wanted)
    return {**metrics.compute(), "precision": float(right / marked) if marked else float("nan"), "recall": float(right / real)}
