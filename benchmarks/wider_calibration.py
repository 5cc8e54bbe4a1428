"""What calibration gains with lower shifts than a study tries: mean IoU on validation of the networks that a study has kept.

    python benchmarks/wider_calibration.py TRAIN NETWORKS --features FEATURES --out results/study_third/wider.json

TRAIN is what the networks of the folder NETWORKS (`acga ablate --networks`) learned from, FEATURES those of its clips, by encoder.
At the lowest of the shifts probabilities are small and go with exp(R), so that still lower ones give nearly the same masks.
"""

from __future__ import annotations

from pathlib import Path

import tyro

from acga.data import A2DSentences
from acga.model.checkpoints import load_model
from acga.study.calibration import calibrate_on_validation
from acga.study.run import VALIDATION
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance

SHIFTS = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0)


def main(root: tyro.conf.Positional[Path], networks: tyro.conf.Positional[Path], /, *, features: Path, out: Path) -> None:
    """Calibrate every network and write what that gains."""
    found = {}
    for training in sorted(networks.iterdir()):
        model = load_model(training / "model.safetensors")
        dataset = A2DSentences(root, "train", size=model.config.size, clip_length=model.config.clip_length)
        found[training.name] = calibrate_on_validation(model, dataset, features, VALIDATION, shifts=SHIFTS)
        print(training.name, rounded(found[training.name], 4), flush=True)
    write_json(out, rounded({**provenance(), "shifts": SHIFTS, "networks": found}, 4))


if __name__ == "__main__":
    tyro.cli(main)
