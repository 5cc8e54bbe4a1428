"""Calibrate weights to say when what is asked for is not there, and keep the two thresholds in their file.

    python benchmarks/real_pictures.py FILM --part train --weights runs/large/last.safetensors --out film_train.json
    python tools/calibrate.py film_train.json --weights runs/large/last.safetensors --out runs/mini.safetensors --half

The answers are what `benchmarks/real_pictures.py` writes: each frame is asked for an actor of its own and for an absent one.
"""

from __future__ import annotations

from pathlib import Path

import tyro

from acga.files import read_json
from acga.inference import load
from acga.model.checkpoints import save_model
from acga.model.presence import CERTAINTY, Presence


def main(answers: tyro.conf.Positional[Path], /, *, weights: Path, out: Path, half: bool = False) -> None:
    """Write the same weights with their two thresholds."""
    rows = read_json(answers)["answers"]
    model = load(weights)
    known = {"present": [row["confidence"] for row in rows], "absent": [row["confidence of absent"] for row in rows]}
    model.presence = Presence.calibrate(known["present"], known["absent"])
    verdicts = {name: [model.presence.verdict(value) for value in values] for name, values in known.items()}
    shares = {name: {verdict: round(said.count(verdict) / len(said), 3) for verdict in set(said)} for name, said in verdicts.items()}
    provenance = {} if model.source is None else dict(model.source.provenance)
    calibration = {"answers": answers.name, "certainty": CERTAINTY, "verdicts": shares}
    save_model(model, out, provenance={**provenance, "calibration": calibration}, half=half)
    print(model.presence, calibration)


if __name__ == "__main__":
    tyro.cli(main)
