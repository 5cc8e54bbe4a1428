"""What it brings to keep only the heaviest connected part of a mask, on validation: mean IoU and P@0.5 with all parts, and with one.

    python benchmarks/one_piece.py DRAWN FILM

DRAWN and FILM are those of `calibrate.py`. Writes results/mini/one_piece.json.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import tyro
from calibrate import answers_on_film, answers_on_release

from acga.inference import load
from acga.metrics import binarise, intersection_over_union
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance

RESULT = Path(__file__).resolve().parents[1] / "results" / "mini" / "one_piece.json"


def main(drawn: tyro.conf.Positional[Path], film: tyro.conf.Positional[Path], /, *, weights: str = "mini", samples: int = 150) -> None:
    """Measure."""
    model, found = load(weights), {}
    for name, answers in {"film": answers_on_film(model, film), "drawn": answers_on_release(model, drawn, samples)}.items():
        for how, one_piece in (("all parts", False), ("one piece", True)):
            ious = [intersection_over_union(binarise(a.response, a.mask.shape, one_piece=one_piece), a.mask) for a in answers]
            found[f"{name}, {how}"] = {"mIoU": float(np.mean(ious)), "P@0.5": float(np.mean(np.array(ious) >= 0.5)), "samples": len(ious)}
    write_json(RESULT, rounded({**found, "about": provenance(weights=weights)}))
    print(json.dumps(rounded(found), indent=1))


if __name__ == "__main__":
    tyro.cli(main)
