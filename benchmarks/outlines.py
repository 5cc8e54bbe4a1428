"""What holds the outlines back? Ceilings and comparisons, where a single actor is in the scene, so that nothing has to be read.

    python benchmarks/outlines.py TWIN LEARNED --weights FILE --features TWIN_FEATURES LEARNED_FEATURES --out results/outlines.json

TWIN is the drawn twin, whose test split is looked at, LEARNED the scenes that the weights were trained on. For each actor: the IoU of its
true mask after it went through a grid of n x n cells (the best that any network could do whose last map were so coarse and smooth), and
that of the network's answer, in scenes it has learned from and in new ones, by size of the actor; and what the same weights answer when
the same clips come larger, in 12 x 12 cells instead of 8 x 8, which they were never trained for.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import tyro

from acga.data import A2DSentences
from acga.data.dataset import Dataset
from acga.data.features import FeatureCache
from acga.data.masks import MaskCache
from acga.data.splits import split_validation
from acga.data.tags import read_tags
from acga.evaluation import evaluate, sentence_key
from acga.model import load_model
from acga.study.probes import mask_iou, segment_all
from acga.study.questions import middle_frames
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance

GRIDS = (8, 16, 32, 64)
LARGE = 0.05  # share of the square from which an actor counts as large
LARGER = 192  # pixels of a side
EVERY = 4  # so many of the learned scenes are skipped for one that is asked about


def alone(dataset: A2DSentences, root: Path) -> list[int]:
    """The first sentence of each frame that shows a single actor."""
    tags = read_tags(root)
    rows: dict[tuple[str, int], int] = {}
    for index, sample in enumerate(dataset.samples):
        if tags[sentence_key(sample)]["actors_in_scene"] == 1:
            rows.setdefault((sample.video_id, sample.frame), index)
    return list(rows.values())


def through_grid(masks: np.ndarray, cells: int) -> np.ndarray:
    """Masks (N, S, S) averaged over n x n cells, interpolated back, and cut at a half."""
    values = torch.from_numpy(masks).float()[:, None]
    coarse = F.adaptive_avg_pool2d(values, cells)
    return (F.interpolate(coarse, size=masks.shape[-2:], mode="bilinear", align_corners=False) > 0.5)[:, 0].numpy()


def by_size(ious: np.ndarray, masks: np.ndarray) -> dict[str, float]:
    """Mean IoU of all, and of small and large actors; and the share of IoUs above 0.8."""
    large = masks.mean(axis=(1, 2)) >= LARGE
    means = {"all": ious.mean(), "small": ious[~large].mean(), "large": ious[large].mean(), "P@0.8": (ious > 0.8).mean()}
    return {name: float(mean) for name, mean in means.items()} | {"actors": len(ious)}


def main(
    twin: tyro.conf.Positional[Path],
    learned: tyro.conf.Positional[Path],
    /,
    *,
    weights: Path,
    features: tuple[Path, Path],
    out: Path,
) -> None:
    """Measure and write the table."""
    model = load_model(weights).eval()
    size, frames = model.config.size, model.config.clip_length
    test, larger = (middle_frames(A2DSentences(twin, "test", size=side, clip_length=frames)) for side in (size, LARGER))
    asked = alone(test, twin)
    new: Dataset = test.replaced([test.samples[index] for index in asked])
    scenes = A2DSentences(learned, "train", size=size, clip_length=frames)
    training = set(split_validation(scenes)[0])
    rows = [index for index in alone(scenes, learned) if index in training][::EVERY]
    seen: Dataset = scenes.replaced([scenes.samples[index] for index in rows])

    masks = MaskCache(new)[np.arange(len(new))].numpy().astype(bool)
    found = {f"true masks through {n} x {n} cells": by_size(mask_iou(through_grid(masks, n), masks), masks) for n in GRIDS}
    for name, dataset, place in (("network, new scenes", new, features[0]), ("network, scenes it learned from", seen, features[1])):
        answers = segment_all(model, dataset, FeatureCache(place))
        found[name] = by_size(answers.ious, answers.target)
    given = evaluate(model, larger, indices=asked, progress=False).predictions  # in the order of the samples
    found[f"network, new scenes, at {LARGER} px"] = by_size(np.array([answer.iou for answer in given]), masks)
    write_json(out, rounded({**provenance(), "large_from": LARGE, "mean_iou": found}, 4))
    for name, row in found.items():
        print(name, row)


if __name__ == "__main__":
    tyro.cli(main)
