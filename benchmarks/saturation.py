"""Has the softmax of language guided vision attention saturated? The largest weight that pixels give to one cell, in two trainings.

    python benchmarks/saturation.py DATA RUN [RUN …] --features FEATURES --out results/saturation.json

DATA is the release that the runs were trained on, RUN the folder of a training whose checkpoint is there, FEATURES those of its backbone.
The held-out training videos are asked. Even attention over the 8 x 8 cells would give 0.016 to each; 1 is a single cell that takes all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import tyro

from acga.config import ACGAConfig
from acga.data import A2DSentences
from acga.data.features import FeatureCache
from acga.data.splits import split_validation
from acga.data.text import Vocabulary
from acga.model import ACGA
from acga.study.probes import attention_distance
from acga.system.files import read_json, rounded, write_json
from acga.system.provenance import provenance

EVERY = 20  # so many held-out samples are skipped for one that is asked


def largest_weight(run: Path, data: Path, features: Path) -> dict[str, float]:
    """Of the checkpoint of a run: its step, its factor of the attention's learning rate, and the mean largest weight."""
    settings = read_json(run / "config.json")
    config = ACGAConfig.from_dict(settings["model"])
    dataset = A2DSentences(data, "train", size=config.size, clip_length=config.clip_length)
    training, held_out = split_validation(dataset)
    words = Vocabulary.from_queries((dataset.samples[index].query for index in training), size=config.vocabulary_size)
    model = ACGA(config, words)
    checkpoint = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["states"]["model"])
    asked = dataset.replaced([dataset.samples[index] for index in held_out[::EVERY]])
    reach = attention_distance(model.eval(), asked, FeatureCache(features))
    assert reach is not None, "the network has no language guided vision attention"
    return {
        "attention_rate": settings["train"]["attention_rate"],
        "step": checkpoint["step"],
        "largest_weight": float(np.nanmean(reach.largest)),
        "samples": len(asked),
    }


def main(data: tyro.conf.Positional[Path], runs: tyro.conf.Positional[tuple[Path, ...]], /, *, features: Path, out: Path) -> None:
    """Measure every run and write the table."""
    found = {run.name: largest_weight(run, data, features) for run in runs}
    write_json(out, rounded({**provenance(), "runs": found}, 4))
    for name, row in found.items():
        print(name, row)


if __name__ == "__main__":
    tyro.cli(main)
