"""Choose a learning rate for every network of the study's plan, on held-out training videos.

    python benchmarks/learning_rates.py TRAIN --backbone EFFICIENTNET.pth --features runs/study/features/train --out runs/rates

Each network is trained briefly with each rate, by the recipe of the study and a seed that the study does not use. The rate with the highest
mean IoU on validation is its own. OUT gets a folder a run, in which an interrupted one goes on; and, when all are there, rates.json, as
`acga ablate --rates` reads it, and scores.json. Calls with other networks (`--only`) may run side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import tyro
from tqdm import tqdm

from acga.config import ACGAConfig, TrainConfig
from acga.options import TrainOptions
from acga.study.decisions import PLAN
from acga.study.variants import VARIANTS
from acga.system.files import write_json
from acga.system.provenance import provenance
from acga.training.run import read_log
from acga.training.sentences import train

RATES = (8e-4, 2e-3, 5e-3)
SEED = 100
PLANNED = [name for name in VARIANTS if any(name in (test.pair.first, test.pair.second) for test in PLAN)]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Choose a learning rate for every network of the study's plan."""

    root: tyro.conf.Positional[Path]  # the release to learn from
    backbone: Path  # EfficientNet-Lite0
    features: Path  # folder for the extracted features
    out: Path
    size: int = 128  # side in pixels of what the networks see
    epochs: float = 1.0  # of each run
    validation_samples: int = 400  # sentences of held-out training videos
    only: tuple[str, ...] = tuple(PLANNED)  # networks


def validation(folder: Path) -> float | None:
    """The mean IoU on validation at the end of a run; None if it has not ended."""
    entries = [entry for entry in read_log(folder) if "validation" in entry]
    return entries[-1]["validation"]["mIoU"] if entries else None


def folder_of(options: Options, name: str, rate: float) -> Path:
    """The folder of a run."""
    return options.out / f"{name} {rate:g}".replace(" ", "_")


def run(options: Options, name: str, rate: float) -> float:
    """Train a network with a rate, unless that was done, and give its score."""
    folder = folder_of(options, name, rate)
    score = validation(folder)
    if score is None:
        variant = replace(VARIANTS[name], learning_rate=rate)
        train(
            TrainOptions(
                root=options.root,
                out=folder,
                backbone=options.backbone,
                config=variant.config(replace(ACGAConfig.mini(), residual=False, size=options.size)),
                recipe=variant.recipe(SEED, replace(TrainConfig.short(), epochs=options.epochs, sentences_per_clip=4)),
                words=Path("glove"),
                features=options.features,
                validation_samples=options.validation_samples,
                workers=0,
            )
        )
        score = validation(folder)
        assert score is not None
    for path in folder.glob("*"):  # the log stays
        if path.suffix in {".safetensors", ".pt"}:
            path.unlink()
    return score


def main(options: Options) -> None:
    """Train what is missing, and choose when all is there."""
    for rate in RATES:
        for name in tqdm(options.only, desc=f"learning rate {rate:g}"):
            run(options, name, rate)
    scores = {name: {rate: validation(folder_of(options, name, rate)) for rate in RATES} for name in PLANNED}
    best = {name: max(((score, rate) for rate, score in of.items() if score is not None), default=None) for name, of in scores.items()}
    if any(score is None for of in scores.values() for score in of.values()):
        return
    write_json(options.out / "rates.json", {name: of[1] for name, of in best.items() if of is not None})
    write_json(options.out / "scores.json", {"about": provenance(seed=SEED), "epochs": options.epochs, "validation mIoU": scores})


if __name__ == "__main__":
    main(tyro.cli(Options))
