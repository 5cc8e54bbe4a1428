"""The gain, on validation, of more looks at a frame: at a second size, and at the frames beside it (`acga segment --second-size --smooth`).

    python benchmarks/more_looks.py DRAWN FILM

DRAWN and FILM are those of `calibrate.py`; of DRAWN, held-out videos are asked about. Writes results/mini/more_looks.json.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import tyro
from calibrate import answers_on_film, answers_on_release
from refinement import refined, score

from acga.inference import load
from acga.metrics import binarise
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance

RESULT = Path(__file__).resolve().parents[1] / "results" / "mini" / "more_looks.json"
SIZES = (0, 256)  # 0: the size of the network alone; others, mirrored frames, and frames farther away brought less in trials


def main(drawn: tyro.conf.Positional[Path], film: tyro.conf.Positional[Path], /, *, weights: str = "mini", samples: int = 150) -> None:
    """Measure."""
    model, found = load(weights), {}
    for size, smooth in product(SIZES, (False, True)):
        for name, answers in {
            "film": answers_on_film(model, film, second_size=size, smooth=smooth),
            "drawn": answers_on_release(model, drawn, samples, second_size=size, smooth=smooth),
        }.items():
            how = ", ".join(["one look"] * (not size and not smooth) + [f"second size {size}"] * (size > 0) + ["smooth"] * smooth)
            found[f"{name}, {how}, official rule"] = score(answers, lambda a: binarise(a.response, a.mask.shape))
            found[f"{name}, {how}, refined"] = score(answers, refined)
    write_json(RESULT, rounded({**found, "about": provenance(weights=weights)}))
    print(json.dumps(rounded(found), indent=1))


if __name__ == "__main__":
    tyro.cli(main)
