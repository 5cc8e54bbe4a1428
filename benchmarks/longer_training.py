"""Whether networks of the study catch up when they learn for longer: mean IoU on validation after more passes, calibrated.

    python benchmarks/longer_training.py DATA --out runs/longer --passes 1 2 4 --seeds 1 --only "ACGA" "dynamic convolution" OPTIONS

It takes the options of `acga ablate`, but for the number of epochs; no test video is looked at. Each number of passes is a training of its
own, whose learning rate falls to zero at its end, and whose last weights are calibrated. Seeds are counted from 100, as the study does not
use those. OUT/scores.json has what there is, beside it are the trainings; calls with other networks, passes or seeds may share OUT.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import tyro
from learning_rates import SEED, calibrated
from tqdm import tqdm

from acga.options import AblateOptions
from acga.study.run import choose, run_name, training_options, with_rates
from acga.system.files import lock_folder, read_json, rounded, write_json
from acga.system.provenance import provenance
from acga.training.sentences import train


def runs_in(path: Path) -> list[dict[str, Any]]:
    """What there is; none if there is no such file yet."""
    return read_json(path)["runs"] if path.is_file() else []


def main(options: Annotated[AblateOptions, tyro.conf.arg(name="")], *, passes: tuple[int, ...] = (1, 2, 4)) -> None:
    """Train what is missing."""
    variants = choose(options.grid, options.only)
    variants = variants if options.rates is None else with_rates(variants, options.rates)
    path = options.out / "scores.json"
    seeds = range(SEED + options.first_seed, SEED + options.first_seed + options.seeds)
    for seed, epochs, variant in tqdm([(seed, epochs, one) for seed in seeds for epochs in passes for one in variants.values()]):
        about = {"network": variant.name, "passes": epochs, "seed": seed}
        if any(about.items() <= run.items() for run in runs_in(path)):
            continue
        folder = options.out / run_name(f"{variant.name} {epochs} passes", seed)
        asked = replace(options, recipe=replace(options.recipe, epochs=epochs))
        training = training_options(asked, variant, seed, folder)
        train(training)
        score = calibrated(folder / "last.safetensors", training)
        lock = lock_folder(options.out, wait=True)  # another process may be adding runs
        runs = [*runs_in(path), about | rounded(score, 5)]
        write_json(path, {**provenance(), "runs": sorted(runs, key=lambda run: (run["seed"], run["passes"]))})
        lock.release()


if __name__ == "__main__":
    tyro.cli(main)
