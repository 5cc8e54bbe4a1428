"""The runs of a study: every variant of a grid trained and probed with several seeds.

A run is one line of `runs.jsonl` (configuration, seed, commit, command, seconds, metrics, every answer's intersection and union), so a
study that was interrupted goes on where it stopped, and everything said about it is computed from this file (`acga.study.records`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any

from tqdm import tqdm

from ..config import Blindness
from ..data.a2d import A2DSentences
from ..errors import ConfigError
from ..model.checkpoints import load_model
from ..model.network import ACGA
from ..options import AblateOptions, TrainOptions
from ..system.files import git_blob_id, lock_folder, read_json, rounded
from ..system.provenance import provenance
from ..training.run import read_log
from ..training.sentences import train
from .calibration import calibrate_on_validation
from .probes import probe_model
from .questions import Questions
from .records import append_run, read_runs
from .variants import GRIDS, LADDER, VARIANTS, Variant

SHARED = ("backbone", "train_data", "calibrated", "last", "words")  # settings that all runs of a study have in common
EARLIER = {"calibrated": False, "last": False, "words": None}  # of runs that do not say
VALIDATION = 400  # sentences of held-out training videos, looked at after every epoch


@dataclass(frozen=True)
class Experiment:
    """The common settings of a study's runs."""

    options: AblateOptions
    questions: Questions
    training: A2DSentences
    features: Path

    @classmethod
    def open(cls, options: AblateOptions) -> Experiment:
        """Read the data, and write which samples are asked about. Raises what the readers raise."""
        config = options.config
        questions = Questions.open(options.root, config, jhmdb=options.jhmdb, paraphrases=options.paraphrases)
        lock = lock_folder(options.out, wait=True)  # another process may be adding test sets
        questions.save(options.out)
        lock.release()
        training = A2DSentences(options.learn_from or options.root, "train", size=config.size, clip_length=config.clip_length)
        return cls(options, questions, training, options.features or options.out / "features")

    def settings(self, variant: Variant, seed: int) -> dict[str, Any]:
        """The settings of a run, as it is read from its record."""
        settings = {
            "config": variant.config(self.options.config).to_dict(),
            "recipe": asdict(variant.recipe(seed, self.options.recipe)),
            "backbone": self.backbone,
            "train_data": self.training.samples_fingerprint,
            "calibrated": self.options.calibrated,
            "last": self.options.last,
            "words": self.words,
        }
        return json.loads(json.dumps(settings))

    @cached_property
    def backbone(self) -> str:
        """The git blob of the backbone's file."""
        return git_blob_id(self.options.backbone)

    @cached_property
    def words(self) -> str | None:
        """Which word vectors are given: the name of the embedded ones, or of a file, with its git blob."""
        words = self.options.words
        return None if words is None else f"{words.name} {git_blob_id(words)}" if words.is_file() else words.name

    def record(self, variant: Variant, seed: int) -> dict[str, Any] | None:
        """The run that was made before; None if there is none.

        Raises `ConfigError` when it, a run of this variant with another seed, or what all runs share had other settings, and when it was
        not asked all test sets.
        """
        out, wanted = self.options.out, self.settings(variant, seed)
        runs = read_runs(out)
        for run in runs:
            names = wanted if run["variant"] == variant.name else SHARED
            different = next((name for name in names if _but_seed((EARLIER | run).get(name)) != _but_seed(wanted[name])), None)
            if different is not None:
                raise ConfigError(f"{out} holds {run['variant']!r} of seed {run['seed']} with another {different}; choose another folder.")
        found = next((run for run in runs if (run["variant"], run["seed"]) == (variant.name, seed)), None)
        if found is not None and self.questions.jhmdb is not None and variant.blind_to == "none" and "jhmdb" not in found["answers"]:
            raise ConfigError(f"{out} holds {variant.name!r} of seed {seed}, which was not asked about J-HMDB; choose another folder.")
        return found

    def calibrate(self, model: ACGA, blind_to: Blindness) -> dict[str, float]:
        """Calibrate a trained model on the held-out training videos that it was validated on."""
        return calibrate_on_validation(model, self.training, self.features / "train", VALIDATION, self.options.device, blind_to=blind_to)

    def run(self, variant: Variant, seed: int) -> dict[str, Any]:
        """Train and probe a variant and save its record. Its training stays in `out`/weights until then, or in `networks` for good."""
        folder = (self.options.networks or self.options.out / "weights") / run_name(variant.name, seed)
        lock = lock_folder(folder)  # until the record is there: another process may share `out`, but not this run
        made = self.record(variant, seed)
        if made is not None:  # meanwhile, by another process
            self.leave(folder)
            lock.release()
            return made
        train(training_options(self.options, variant, seed, folder))
        entries = read_log(folder)
        validated = [entry for entry in entries if "validation" in entry]
        asked = validated[-1] if self.options.last else max(validated, key=lambda entry: entry["validation"]["mIoU"])
        started = monotonic()
        model = load_model(folder / ("last.safetensors" if self.options.last else "model.safetensors"))
        how: dict[str, Any] = {"precision": self.options.recipe.precision, "workers": self.options.workers, "device": self.options.device}
        calibration = {"calibration": self.calibrate(model, variant.blind_to)} if self.options.calibrated else {}
        whole = self.options.probes and variant.name in {one.name for one in LADDER}
        probed = probe_model(model, self.questions, self.features, variant.blind_to, whole=whole, **how)
        record = {
            "variant": variant.name,
            "seed": seed,
            "about": provenance(seed=seed),
            **self.settings(variant, seed),
            "seconds": {"training": entries[-1]["seconds"], "probing": round(monotonic() - started, 1)},
            "validation": asked["validation"],
            "validations": [[entry["step"], entry["validation"]["mIoU"]] for entry in validated],
            "loss": [[entry["step"], entry["loss"]] for entry in entries if "loss" in entry],
            **calibration,
            **probed,
        }
        append_run(self.options.out, rounded(record, 5) | self.settings(variant, seed))  # which are compared exactly
        self.leave(folder)
        lock.release()
        return record

    def leave(self, folder: Path) -> None:
        """Remove the folder of a training, unless trainings are to be kept."""
        if self.options.networks is None:
            shutil.rmtree(folder)


def _but_seed(setting: Any) -> Any:
    """A setting without the seed, in which the runs of a variant may differ."""
    return {name: value for name, value in setting.items() if name != "seed"} if isinstance(setting, dict) else setting


def training_options(options: AblateOptions, variant: Variant, seed: int, out: Path) -> TrainOptions:
    """The training of a variant with a seed, in the folder `out`."""
    return TrainOptions(
        root=options.learn_from or options.root,
        out=out,
        backbone=options.backbone,
        config=variant.config(options.config),
        recipe=variant.recipe(seed, options.recipe),
        words=options.words,
        features=(options.features or options.out / "features") / "train",
        validation_samples=VALIDATION,
        workers=options.workers,
        device=options.device,
    )


def run_name(variant: str, seed: int) -> str:
    """The name of a run's files.

    >>> run_name("P = 1.5", 0)
    'P_1.5_seed_0'
    """
    return f"{variant} seed {seed}".replace(" ", "_").replace("=_", "")


def ablate(options: AblateOptions) -> list[dict[str, Any]]:
    """Train and probe every variant of a grid with every seed, seed by seed; gives their records, of which `out`/runs.jsonl has all.

    Runs that are there are left alone, if they have the same settings. Two calls with different seeds or variants may share `out`.

    Raises `ConfigError` for an unknown grid or variant and for a folder with runs of other settings or data, and what `train` and the
    readers raise.
    """
    variants = choose(options.grid, options.only)
    if options.rates is not None:
        variants = with_rates(variants, options.rates)
    experiment = Experiment.open(options)
    jobs = [(variant, seed) for seed in range(options.first_seed, options.first_seed + options.seeds) for variant in variants.values()]
    return [experiment.record(*job) or experiment.run(*job) for job in tqdm(jobs, desc=options.grid, unit="run")]


def with_rates(variants: Mapping[str, Variant], path: Path) -> Mapping[str, Variant]:
    """Variants with their own learning rates, from a file. Raises `ConfigError` when it is none, or names a variant that there is not."""
    rates = read_json(path, dict[str, float])
    unknown = [name for name in rates if name not in VARIANTS]
    if unknown:
        raise ConfigError(f"{path} has a learning rate of {unknown[0]!r}, which is no variant; choose among {', '.join(VARIANTS)}.")
    return {label: replace(one, learning_rate=rates.get(one.name, one.learning_rate)) for label, one in variants.items()}


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
