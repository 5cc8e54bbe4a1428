"""The runs of a study: every variant of a grid trained and probed with several seeds.

A run is one line of `runs.jsonl` (configuration, seed, commit, command, seconds, metrics, every answer's intersection and union), so a
study that was interrupted goes on where it stopped, and everything said about it is computed from this file (`acga.study.records`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from tqdm import tqdm

from ..config import ACGAConfig, TrainConfig
from ..data.a2d import A2DSentences
from ..errors import ConfigError
from ..files import git_blob_id, read_json, rounded
from ..model.checkpoints import load_model
from ..provenance import provenance
from ..run import Run
from ..training import train
from .probes import probe
from .questions import Questions
from .records import append_run, read_runs
from .variants import BASE, GRIDS, LADDER, RECIPE, Variant

VALIDATION = 100  # sentences of held-out training videos: a glance, since nothing is chosen by it


@dataclass(frozen=True)
class Experiment:
    """What all runs of a study share: data, backbone, folders, and the network and recipe that variants change."""

    out: Path
    questions: Questions
    learn_from: Path
    train_data: str  # fingerprint of the training samples
    backbone: Path
    features: Path
    base: ACGAConfig = BASE
    recipe: TrainConfig = RECIPE
    workers: int = 2
    device: str = "auto"

    def settings(self, variant: Variant, seed: int) -> dict[str, Any]:
        """What a run is made with, as it is read from its record."""
        settings = {
            "config": variant.config(self.base).to_dict(),
            "recipe": asdict(variant.recipe(seed, self.recipe)),
            "backbone": git_blob_id(self.backbone),
            "train_data": self.train_data,
        }
        return json.loads(json.dumps(settings))

    def record(self, variant: Variant, seed: int) -> dict[str, Any] | None:
        """The run that was made before; None if there is none. Raises `ConfigError` when it had other settings."""
        named = {"variant": variant.name, "seed": seed}
        run = next((run for run in read_runs(self.out) if named.items() <= run.items()), None)
        settings = self.settings(variant, seed)
        different = None if run is None else next((name for name in settings if run.get(name) != settings[name]), None)
        if different is not None:
            raise ConfigError(f"{self.out} holds {variant.name!r} of seed {seed} with another {different}; choose another folder.")
        return run

    def run(self, variant: Variant, seed: int) -> dict[str, Any]:
        """Train and probe a variant and save its record. Weights stay in `out`/weights until then."""
        folder = self.out / "weights" / f"{variant.name} seed {seed}".replace(" ", "_").replace("=_", "")
        train(
            self.learn_from,
            folder,
            variant.config(self.base),
            variant.recipe(seed, self.recipe),
            backbone=self.backbone,
            features=self.features / "train",
            validation_samples=VALIDATION,
            workers=self.workers,
            device=self.device,
        )
        entries = Run(folder, read_json(folder / "config.json")).entries()
        started = monotonic()
        probed = probe(
            load_model(folder / "last.safetensors"),
            self.questions,
            self.features,
            variant.blind_to,
            whole=variant in LADDER,
            precision=self.recipe.precision,
            workers=self.workers,
            device=self.device,
        )
        record = {
            "variant": variant.name,
            "seed": seed,
            "about": provenance(seed=seed),
            **self.settings(variant, seed),
            "seconds": {"training": entries[-1]["seconds"], "probing": round(monotonic() - started, 1)},
            "validation": entries[-1].get("validation"),
            "loss": [[entry["step"], entry["loss"]] for entry in entries if "loss" in entry],
            **probed,
        }
        append_run(self.out, rounded(record, 5))
        shutil.rmtree(folder)
        return record


def ablate(
    root: str | Path,
    out: str | Path,
    *,
    backbone: str | Path,
    grid: str = "claims",
    only: Sequence[str] = (),
    seeds: int = 5,
    first_seed: int = 0,
    learn_from: str | Path | None = None,
    features: str | Path | None = None,
    jhmdb: str | Path | None = None,
    paraphrases: str | Path | None = None,
    base: ACGAConfig = BASE,
    recipe: TrainConfig = RECIPE,
    workers: int = 2,
    device: str = "auto",
) -> list[dict[str, Any]]:
    """Train and probe every variant of a grid with every seed, seed by seed; gives their records, of which `out`/runs.jsonl has all.

    Runs that are there are left alone, if they have the same settings.
    Two calls with different seeds or variants may share `out` and `features`, to use two processes.

    Args:
        only: names of variants; by default all of the grid.
        learn_from: the release to train on, such as crowded scenes, when it is not `root`, whose test split is asked about in any case.

    Raises `ConfigError` for an unknown grid or variant and for a folder with runs of other settings or data, and what `train` and the
    readers raise.
    """
    variants = choose(grid, only)
    out, learn_from = Path(out), Path(learn_from or root)
    questions = Questions.open(
        Path(root), base, jhmdb=Path(jhmdb) if jhmdb else None, paraphrases=Path(paraphrases) if paraphrases else None
    )
    questions.save(out)
    train_data = A2DSentences(learn_from, "train", size=base.size, clip_length=base.clip_length).samples_fingerprint
    experiment = Experiment(
        out, questions, learn_from, train_data, Path(backbone), Path(features or out / "features"), base, recipe, workers, device
    )
    jobs = [(variant, seed) for seed in range(first_seed, first_seed + seeds) for variant in variants.values()]
    return [experiment.record(*job) or experiment.run(*job) for job in tqdm(jobs, desc=grid, unit="run")]


def choose(grid: str, only: Sequence[str] = ()) -> Mapping[str, Variant]:
    """The variants of a grid, or some of them. Raises `ConfigError` for names that there are not.

    >>> list(choose("resolutions", ["3 fused"]))
    ['3 fused']
    """
    if grid not in GRIDS:
        raise ConfigError(f"There is no grid {grid!r}; choose {', '.join(GRIDS)}.")
    unknown = [name for name in only if name not in GRIDS[grid]]
    if unknown:
        raise ConfigError(f"The grid {grid} has no variant {unknown[0]!r}; choose among {', '.join(GRIDS[grid])}.")
    return {name: GRIDS[grid][name] for name in only or GRIDS[grid]}
