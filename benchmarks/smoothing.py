"""The gain, on validation, of averaging a frame's response with those in the frames beside it (`acga segment --smooth`).

    python benchmarks/smoothing.py DRAWN FILM

DRAWN and FILM are those of `calibrate.py`; of DRAWN, held-out videos are asked about. Frames are looked at in one size.
Writes results/mini/smoothing.json.
"""

from __future__ import annotations

import json
from pathlib import Path

import tyro
from calibrate import answers_on_film, answers_on_release
from refinement import refined, score

from acga.inference import load
from acga.metrics import binarise
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance

RESULT = Path(__file__).resolve().parents[1] / "results" / "mini" / "smoothing.json"


def main(drawn: tyro.conf.Positional[Path], film: tyro.conf.Positional[Path], /, *, weights: str = "mini", samples: int = 150) -> None:
    """Measure."""
    model, found = load(weights), {}
    for how, smooth in {"one look": False, "smooth": True}.items():
        for name, answers in {
            "film": answers_on_film(model, film, smooth=smooth),
            "drawn": answers_on_release(model, drawn, samples, smooth=smooth),
        }.items():
            found[f"{name}, {how}, official rule"] = score(answers, lambda a: binarise(a.response, a.mask.shape))
            found[f"{name}, {how}, refined"] = score(answers, refined)
    write_json(RESULT, rounded({**found, "about": provenance(weights=weights)}))
    print(json.dumps(rounded(found), indent=1))


if __name__ == "__main__":
    tyro.cli(main)
