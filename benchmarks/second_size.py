"""The gain, on validation, of looking at frames in squares of two sizes and averaging the responses (`acga segment --second-size`).

    python benchmarks/second_size.py DRAWN FILM

DRAWN and FILM are those of `calibrate.py`; of DRAWN, held-out videos are asked about. Writes results/mini/second_size.json.
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

RESULT = Path(__file__).resolve().parents[1] / "results" / "mini" / "second_size.json"
SIZES = (0, 256)  # 0: the size of the network alone; others, and mirrored frames, brought less in a trial on the film


def main(drawn: tyro.conf.Positional[Path], film: tyro.conf.Positional[Path], /, *, weights: str = "mini", samples: int = 150) -> None:
    """Measure."""
    model, found = load(weights), {}
    for size in SIZES:
        for name, answers in {
            "film": answers_on_film(model, film, second_size=size),
            "drawn": answers_on_release(model, drawn, samples, second_size=size),
        }.items():
            found[f"{name}, {size}, official rule"] = score(answers, lambda a: binarise(a.response, a.mask.shape))
            found[f"{name}, {size}, refined"] = score(answers, refined)
    write_json(RESULT, rounded({**found, "about": provenance(weights=weights)}))
    print(json.dumps(rounded(found), indent=1))


if __name__ == "__main__":
    tyro.cli(main)
