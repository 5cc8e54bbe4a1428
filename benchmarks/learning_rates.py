"""Choose a learning rate for every network of the study, on held-out training videos.

    python benchmarks/learning_rates.py DATA --out runs/rates --only "ACGA" "dynamic convolution" OPTIONS

It takes the options of `acga ablate`; no test video is looked at. Each network is trained with each rate by the recipe that is given, with
a seed that the study does not use. Its own rate is the one with the highest mean IoU on validation. OUT gets the log of every run; an
interrupted one goes on; calls with other networks may share OUT. Then there are OUT/rates.json, as `acga ablate --rates` reads it, and
OUT/scores.json, for the networks that have been tried with all rates.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import tyro
from tqdm import tqdm

from acga.data.a2d import A2DSentences
from acga.model.checkpoints import load_model
from acga.options import AblateOptions, TrainOptions
from acga.study.calibration import calibrate_on_validation
from acga.study.run import choose, training_options
from acga.study.variants import Variant
from acga.system.files import read_json, rounded, write_json
from acga.system.provenance import provenance
from acga.training.run import read_log
from acga.training.sentences import train

RATES = (4e-4, 1e-3, 2.5e-3, 6e-3)
SEED = 100
SCORE = "score.json"  # of a run, once it has ended


def folder_of(options: AblateOptions, name: str, rate: float) -> Path:
    """The folder of a run."""
    return options.out / f"{name} {rate:g}".replace(" ", "_")


def validation(folder: Path) -> float | None:
    """The best mean IoU on validation of a run, as a study tests the best weights; None if it has not ended."""
    return read_json(folder / SCORE)["mIoU"] if (folder / SCORE).is_file() else None


def calibrated(weights: Path, training: TrainOptions) -> dict[str, float]:
    """What weights come to on the videos that a training held out, once they are calibrated there."""
    dataset = A2DSentences(training.root, "train", size=training.config.size, clip_length=training.config.clip_length)
    assert training.features is not None
    return calibrate_on_validation(load_model(weights), dataset, training.features, training.validation_samples, training.device)


def run(options: AblateOptions, variant: Variant, rate: float) -> None:
    """Train a network with a rate, unless that was done."""
    folder = folder_of(options, variant.name, rate)
    if validation(folder) is None:
        training = training_options(options, replace(variant, learning_rate=rate), SEED, folder)
        weights = train(training)
        score = {"mIoU": max(entry["validation"]["mIoU"] for entry in read_log(folder) if "validation" in entry)}
        if options.calibrated:
            score = calibrated(weights, training)
        write_json(folder / SCORE, rounded(score))
    for path in folder.glob("*"):  # the log stays
        if path.suffix in {".safetensors", ".pt"}:
            path.unlink()


def main(options: AblateOptions) -> None:
    """Train what is missing, and choose."""
    for rate in RATES:
        for variant in tqdm(choose(options.grid, options.only).values(), desc=f"learning rate {rate:g}"):
            run(options, variant, rate)
    scores = {}
    for name in choose(options.grid):
        found = {rate: validation(folder_of(options, name, rate)) for rate in RATES}
        of_rates = {rate: score for rate, score in found.items() if score is not None}
        if len(of_rates) == len(RATES):
            scores[name] = of_rates
    write_json(options.out / "rates.json", {name: max(of, key=of.__getitem__) for name, of in scores.items()})
    write_json(options.out / "scores.json", {"about": provenance(seed=SEED), "validation mIoU": scores})


if __name__ == "__main__":
    main(tyro.cli(AblateOptions))
