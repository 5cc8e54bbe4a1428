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

from acga.options import AblateOptions, TrainOptions
from acga.study.run import VALIDATION, choose
from acga.study.variants import Variant
from acga.system.files import write_json
from acga.system.provenance import provenance
from acga.training.run import read_log
from acga.training.sentences import train

RATES = (4e-4, 1e-3, 2.5e-3, 6e-3)
SEED = 100


def folder_of(options: AblateOptions, name: str, rate: float) -> Path:
    """The folder of a run."""
    return options.out / f"{name} {rate:g}".replace(" ", "_")


def validation(folder: Path, recipe_epochs: float) -> float | None:
    """The best mean IoU on validation of a run, as a study tests the best weights; None if it has not ended."""
    entries = [entry for entry in read_log(folder) if "validation" in entry]
    return max(entry["validation"]["mIoU"] for entry in entries) if entries and entries[-1]["epoch"] >= recipe_epochs else None


def run(options: AblateOptions, variant: Variant, rate: float) -> None:
    """Train a network with a rate, unless that was done."""
    folder = folder_of(options, variant.name, rate)
    if validation(folder, options.recipe.epochs) is None:
        train(
            TrainOptions(
                root=options.learn_from or options.root,
                out=folder,
                backbone=options.backbone,
                config=variant.config(options.config),
                recipe=replace(variant, learning_rate=rate).recipe(SEED, options.recipe),
                words=options.words,
                features=None if options.features is None else options.features / "train",
                validation_samples=VALIDATION,
                workers=options.workers,
                device=options.device,
            )
        )
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
        found = {rate: validation(folder_of(options, name, rate), options.recipe.epochs) for rate in RATES}
        of_rates = {rate: score for rate, score in found.items() if score is not None}
        if len(of_rates) == len(RATES):
            scores[name] = of_rates
    write_json(options.out / "rates.json", {name: max(of, key=of.__getitem__) for name, of in scores.items()})
    write_json(options.out / "scores.json", {"about": provenance(seed=SEED), "validation mIoU": scores})


if __name__ == "__main__":
    main(tyro.cli(AblateOptions))
