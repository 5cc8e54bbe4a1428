"""The final response of a trained network made as sure as suits the official rule, on validation.

A mask is what reaches half of the response's largest probability, so a network that is overconfident leaves all but the surest pixels out.
Networks that are not calibrated are compared by how sure they are, too, not by what they find alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from ..config import Blindness
from ..data.dataset import Dataset
from ..data.features import FeatureCache
from ..data.splits import split_validation
from ..frame_groups import group_by_frame, group_responses
from ..metrics import binarise, intersection_over_union, round_trip
from ..model.decoder import Decoder, rescale_response
from ..model.folding import fold
from ..model.network import ACGA
from ..system.computing import choose_accelerator
from ..training.batches import kind_for
from .probes import BATCH

SCALES = (1.0, 0.7, 0.5, 0.35, 0.25)
SHIFTS = (-1.0, 0.0, 1.0)


def mean_iou_rescaled(answers: Iterable[tuple[Tensor, np.ndarray]], scale: float, shift: float) -> float:
    """Mean IoU, by the official rule, of responses (S, S) with their masks (H, W), had the responses been rescaled."""
    return float(np.mean([intersection_over_union(binarise(scale * one + shift, mask.shape), mask) for one, mask in answers]))


@torch.no_grad()
def calibrate(
    model: ACGA,
    dataset: Dataset,
    samples: Sequence[int],
    features: FeatureCache,
    device: torch.device,
    *,
    blind_to: Blindness = "none",
    shifts: Sequence[float] = SHIFTS,
) -> dict[str, float]:
    """Rescale a model's final response R to a R + b (Platt, 1999), with the mean IoU on `samples` that is best.

    Every a of `SCALES` is tried with every b of `shifts`. Gives "scale" a, "shift" b, and mean IoU before and after; of equal scores the
    first is taken, beginning with the model as it is.
    """
    network, pairs = fold(model).eval().to(device), []
    for group in group_by_frame(dataset, samples, BATCH):
        for index, response in group_responses(network, dataset, group, features, BATCH, device, blind_to):
            pairs.append((response, round_trip(dataset.labels(index)["mask"].numpy(), dataset.size)))
    tried = {
        (scale, shift): mean_iou_rescaled(pairs, scale, shift)
        for scale, shift in sorted(product(SCALES, shifts), key=lambda pair: pair != (1.0, 0.0))
    }
    scale, shift = max(tried, key=tried.__getitem__)
    rescale_response(cast(Decoder, model.decoder), scale, shift)
    return {"scale": scale, "shift": shift, "mIoU as trained": tried[1.0, 0.0], "mIoU": tried[scale, shift]}


def calibrate_on_validation(
    model: ACGA,
    dataset: Dataset,
    features: Path,
    most: int,
    device: str = "auto",
    *,
    blind_to: Blindness = "none",
    shifts: Sequence[float] = SHIFTS,
) -> dict[str, float]:
    """`calibrate` on the held-out videos of the data set that the model was trained on, at most about `most` sentences, evenly spread."""
    _, held_out = split_validation(dataset)
    cache = FeatureCache(features / kind_for(blind_to))
    samples = held_out[:: -(-len(held_out) // most)]
    return calibrate(model, dataset, samples, cache, choose_accelerator(device).device, blind_to=blind_to, shifts=shifts)
