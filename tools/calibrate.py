"""Calibrate weights to say when what is asked for is not there, on the held-out training videos of a release, and keep that in their file.

    python tools/calibrate.py drawn --weights runs/mini/model.safetensors --out runs/mini/calibrated.safetensors --half

Each sentence is asked of its own frame and, as an absent one, of a frame without such an actor.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import tyro
from tqdm import tqdm

from acga.data import A2DSentences
from acga.data.absent import AbsentQueries
from acga.data.splits import split_validation
from acga.evaluation import group_by_frame
from acga.inference import load
from acga.model import ACGA, fold
from acga.model.checkpoints import save_model
from acga.model.presence import Presence


@torch.inference_mode()
def peaks(model: ACGA, dataset: A2DSentences, indices: list[int], *, seed: int) -> tuple[list[float], list[float]]:
    """The peaks of sentences in their own frames, and of as many others that speak of no actor there."""
    assert model.vocabulary is not None
    network, absent, rng = fold(model).eval(), AbsentQueries(dataset), np.random.default_rng(seed)
    network.backbone.channels_last()
    present, away = [], []
    for group in tqdm(group_by_frame(dataset, indices, 1), unit="frame"):
        sample = dataset.samples[group[0]]
        others = [other for index in group if (other := absent.draw(index, rng)) is not None]
        tokens = np.stack([model.vocabulary.encode(dataset.samples[index].query) for index in [*group, *others]])
        features = network.features(dataset.clip(sample.video_id, sample.frame)[None])
        clips = torch.zeros(len(tokens), dtype=torch.int64)
        found = network.from_features(features, network.embed(torch.from_numpy(tokens)), clips).large.flatten(1).amax(dim=1).sigmoid()
        present += found[: len(group)].tolist()
        away += found[len(group) :].tolist()
    return present, away


def main(root: tyro.conf.Positional[Path], /, *, weights: Path, out: Path, samples: int = 600, half: bool = False, seed: int = 0) -> None:
    """Write the same weights with their two thresholds."""
    model = load(weights)
    dataset = A2DSentences(root, "train", size=model.config.size, clip_length=model.config.clip_length)
    held_out = split_validation(dataset)[1]
    present, away = peaks(model, dataset, held_out[:: -(-len(held_out) // samples)], seed=seed)
    model.presence = Presence.calibrate(present, away)
    told = np.mean(np.subtract.outer(present, away) > 0) + np.mean(np.subtract.outer(present, away) == 0) / 2
    provenance = {} if model.source is None else dict(model.source.provenance)
    verdicts = {name: [model.presence.verdict(peak) for peak in values] for name, values in (("present", present), ("absent", away))}
    shares = {name: {verdict: said.count(verdict) / len(said) for verdict in set(said)} for name, said in verdicts.items()}
    calibration = {"seed": seed, "samples": len(present), "present told from absent": round(float(told), 4), "verdicts": shares}
    save_model(model, out, provenance={**provenance, "calibration": calibration}, half=half)
    print(model.presence, calibration)


if __name__ == "__main__":
    tyro.cli(main)
