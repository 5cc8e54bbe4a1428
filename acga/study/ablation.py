"""The paper's claims, measured: grids of variants that differ from ACGA in a field or two, trained with several seeds and examined alike.

A run leaves one JSON file (configuration, seed, commit, command, seconds, metrics, every sample's intersection and union), so a study
that was interrupted goes on where it stopped, and everything said about it is computed from these files (`acga.study`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

from tqdm import tqdm

from ..config import ACGAConfig, Blindness, LossConfig, TrainConfig
from ..data.a2d import A2DSentences
from ..errors import ConfigError
from ..files import git_blob_id, read_json, rounded, write_json
from ..model.checkpoints import load_model
from ..options import AblateOptions, TrainOptions, studied_network
from ..provenance import provenance
from ..run import Run
from ..training import train
from .examination import Benchmarks, examine

BASE = studied_network()  # eq. 1-13 as published, but for features of order one, without which little is learned
RECIPE = TrainConfig.short()


@dataclass(frozen=True)
class Variant:
    """A network and its training, by what differs from `BASE` and `RECIPE`."""

    name: str
    network: Mapping[str, Any] = field(default_factory=dict)
    foreground_weight: float = LossConfig().foreground_weight  # P, eq. 14
    blind_to: Blindness = "none"

    def config(self, base: ACGAConfig = BASE) -> ACGAConfig:
        """The network."""
        return replace(base, **self.network)

    def recipe(self, seed: int, recipe: TrainConfig = RECIPE) -> TrainConfig:
        """The training."""
        return replace(recipe, seed=seed, blind_to=self.blind_to, loss=LossConfig(foreground_weight=self.foreground_weight))


_CONCATENATION = {"matching": "concatenation"}
GRIDS: dict[str, tuple[Variant, ...]] = {
    "claims": (  # each row adds one thing to an earlier one, as in the paper's ablation
        Variant("dynamic convolution", {"matching": "dynamic_convolution"}),
        Variant("concatenation", {**_CONCATENATION, "fused_resolutions": 1}, foreground_weight=1.0),
        Variant("+ fusion", _CONCATENATION, foreground_weight=1.0),
        Variant("+ weighted loss", _CONCATENATION),
        Variant("+ vision guided language", {"language_guided_vision": False}),
        Variant("+ language guided vision", {"vision_guided_language": False}),
        Variant("ACGA"),
        Variant("ACGA, residual", {"residual": True}),
        Variant("ACGA, unit-norm features", {"rescale_features": False}),
    ),
    "controls": (Variant("blind to text", blind_to="text"), Variant("blind to motion", blind_to="motion")),
    "foreground_weight": tuple(Variant(f"P = {weight:g}", foreground_weight=weight) for weight in (1.0, 1.5, 2.0, 3.0, 4.0)),
    "resolutions": tuple(Variant(f"{count} fused", {"fused_resolutions": count}) for count in (1, 2, 3)),
    "weighted_fusion": tuple(  # the baseline's fusion again, now with the weighted loss: is that what it lacks beside ACGA's?
        Variant(f"weighted loss, {count} fused", {**_CONCATENATION, "fused_resolutions": count}) for count in (1, 3)
    ),
}
VALIDATION = 100  # sentences of held-out training videos: a glance, since nothing is chosen by it
PROBED = ("claims",)  # the grids whose runs are also asked other phrasings and perturbed questions, and whose attention is looked at


def ablate(options: AblateOptions) -> list[Path]:
    """Train and examine every variant of a grid with every seed, seed by seed; gives the files, one a run, in `out`/`grid`.

    Runs whose file is there are left alone, if they have the same settings; one that another grid has already is copied. Weights stay in
    `out`/weights until a run is examined.

    Raises `ConfigError` for an unknown grid or variant and for a folder with runs of other settings or data, and what `train` and the
    readers raise.
    """
    out, grid, base, recipe = options.out, options.grid, options.config, options.recipe
    features, learn_from = options.features or out / "features", options.learn_from or options.root
    if grid not in GRIDS:
        raise ConfigError(f"There is no grid {grid!r}; choose {', '.join(GRIDS)}.")
    variants = {variant.name: variant for variant in GRIDS[grid]}
    unknown = [name for name in options.only if name not in variants]
    if unknown:
        raise ConfigError(f"The grid {grid} has no variant {unknown[0]!r}; choose among {', '.join(variants)}.")
    benchmarks = Benchmarks.open(options.root, base, jhmdb=options.jhmdb, paraphrases=options.paraphrases)
    benchmarks.save(out)
    training = A2DSentences(learn_from, "train", size=base.size, clip_length=base.clip_length)
    train_data = training.samples_fingerprint
    jobs = [
        (variants[name], seed)
        for seed in range(options.first_seed, options.first_seed + options.seeds)
        for name in options.only or variants
    ]
    paths = []
    for variant, seed in tqdm(jobs, desc=grid, unit="run"):
        path = out / grid / f"{variant.name} seed {seed}.json".replace(" ", "_").replace("=_", "")
        paths.append(path)
        chosen = variant.recipe(seed, recipe)
        settings = {
            "config": variant.config(base).to_dict(),
            "recipe": asdict(chosen),
            "backbone": git_blob_id(options.backbone),
            "train_data": train_data,
        }
        settings = json.loads(json.dumps(settings))  # as they are read
        if path.exists():
            different = _first_difference(read_json(path), settings)
            if different is not None:
                raise ConfigError(f"{path} is a run with another {different}; choose another folder for the study, or delete it.")
            continue
        named = {"grid": grid, "variant": variant.name, "seed": seed}
        same = _same_run(out, settings, grid)
        if same is not None:
            write_json(path, same | named | {"copy_of": f"{same['grid']}/{same['variant']}"}, indent=None)
            continue
        folder = out / "weights" / grid / path.stem
        train(
            TrainOptions(
                root=learn_from,
                out=folder,
                backbone=options.backbone,
                config=variant.config(base),
                recipe=chosen,
                features=features / "train",
                validation_samples=VALIDATION,
                workers=options.workers,
                device=options.device,
            )
        )
        run = Run(folder, read_json(folder / "config.json"))
        entries = run.entries()
        started = monotonic()
        model = load_model(folder / "last.safetensors")
        examined = examine(
            model,
            benchmarks,
            features,
            variant.blind_to,
            probe=grid in PROBED,
            precision=recipe.precision,
            workers=options.workers,
            device=options.device,
        )
        content = {
            **named,
            "about": provenance(seed=seed),
            **settings,
            "seconds": {"training": entries[-1]["seconds"], "examining": round(monotonic() - started, 1)},
            "validation": entries[-1].get("validation"),
            "loss": [[entry["step"], entry["loss"]] for entry in entries if "loss" in entry],
            **examined,
        }
        write_json(path, rounded(content, 5), indent=None)
        shutil.rmtree(folder)
    return paths


def _first_difference(run: Mapping[str, Any], settings: Mapping[str, Any]) -> str | None:
    """The first of the settings that the run was not made with."""
    return next((name for name in settings if run.get(name) != settings[name]), None)


def _same_run(out: Path, settings: Mapping[str, Any], grid: str) -> dict[str, Any] | None:
    """A run of another grid with the same settings, such as ACGA, which is also "3 fused"; for a probed grid only one that was probed."""
    others = [
        path
        for other in GRIDS
        if other != grid and (other in PROBED or grid not in PROBED)
        for path in sorted((out / other).glob("*.json"))
    ]
    return next((run for run in map(read_json, others) if _first_difference(run, settings) is None), None)
