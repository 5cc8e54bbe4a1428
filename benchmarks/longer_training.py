"""Whether networks of the study catch up when they learn for longer: mean IoU on validation after more passes, calibrated.

    python benchmarks/longer_training.py DATA --out runs/longer --only "ACGA" "dynamic convolution" OPTIONS

It takes the options of `acga ablate`, but for the number of epochs and of seeds; no test video is looked at. Each number of passes is a
training of its own, whose learning rate falls to zero at its end, and whose last weights are calibrated. The seed is one that the study
does not use. OUT/scores.json has what there is; calls with other networks may share OUT.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import tyro
from learning_rates import SEED, calibrated
from tqdm import tqdm

from acga.options import AblateOptions
from acga.study.run import choose, run_name, training_options, with_rates
from acga.system.files import lock_folder, read_json, rounded, write_json
from acga.system.provenance import provenance
from acga.training.sentences import train

PASSES = (1, 2, 4)


def scores_in(path: Path) -> dict[str, dict[str, Any]]:
    """By network and number of passes; none if there is no such file yet."""
    return read_json(path)["networks"] if path.is_file() else {}


def main(options: AblateOptions) -> None:
    """Train what is missing."""
    variants = choose(options.grid, options.only)
    variants = variants if options.rates is None else with_rates(variants, options.rates)
    path = options.out / "scores.json"
    for passes in PASSES:
        asked = replace(options, recipe=replace(options.recipe, epochs=passes))
        for variant in tqdm(variants.values(), desc=f"{passes} passes"):
            if str(passes) in scores_in(path).get(variant.name, {}):
                continue
            folder = options.out / run_name(f"{variant.name} {passes} passes", SEED)
            training = training_options(asked, variant, SEED, folder)
            train(training)
            score = calibrated(folder / "last.safetensors", training)
            lock = lock_folder(options.out, wait=True)  # another process may be adding networks
            scores = scores_in(path)
            scores.setdefault(variant.name, {})[str(passes)] = score
            write_json(path, rounded({**provenance(seed=SEED), "networks": scores}, 5))
            lock.release()
            shutil.rmtree(folder)


if __name__ == "__main__":
    main(tyro.cli(AblateOptions))
