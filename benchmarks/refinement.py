"""What masks gain by more than the official rule, on validation: by one piece, and by outlines drawn to the edges of the picture.

    python benchmarks/refinement.py DRAWN FILM

DRAWN and FILM are those of `calibrate.py`. Writes results/mini/refinement.json, with the windows and ridges that were tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import tyro
from calibrate import Answer, answers_on_film, answers_on_release

from acga.guided_filter import EDGE_RIDGE, EDGE_WINDOW, GuidedFilter
from acga.inference import load
from acga.metrics import binarise, intersection_over_union
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance

RESULT = Path(__file__).resolve().parents[1] / "results" / "mini" / "refinement.json"
WINDOWS = (8 / 320, 10 / 320, EDGE_WINDOW, 16 / 320, 20 / 320)
RIDGES = (1e-5, EDGE_RIDGE, 1e-3)


def score(answers: Sequence[Answer], rule: Callable[[Answer], np.ndarray]) -> dict[str, float]:
    """Metrics of the masks that a rule gives."""
    ious = np.array([intersection_over_union(rule(answer), answer.mask) for answer in answers])
    return {"mIoU": float(ious.mean()), **{f"P@{k}": float((ious >= k).mean()) for k in (0.5, 0.8)}, "samples": len(ious)}


def refined(answer: Answer, window: float = EDGE_WINDOW, ridge: float = EDGE_RIDGE) -> np.ndarray:
    """The mask of one piece, drawn to the edges of the picture."""
    response = GuidedFilter(answer.picture, window=window, ridge=ridge)(answer.response.numpy())
    return binarise(response, answer.mask.shape, one_piece=True)


def main(drawn: tyro.conf.Positional[Path], film: tyro.conf.Positional[Path], /, *, weights: str = "mini", samples: int = 150) -> None:
    """Measure."""
    model, found = load(weights), {}
    for name, answers in {"film": answers_on_film(model, film), "drawn": answers_on_release(model, drawn, samples)}.items():
        found[f"{name}, official rule"] = score(answers, lambda a: binarise(a.response, a.mask.shape))
        found[f"{name}, one piece"] = score(answers, lambda a: binarise(a.response, a.mask.shape, one_piece=True))
        found[f"{name}, one piece, refined"] = score(answers, refined)
        for window, ridge in product(WINDOWS, RIDGES):
            tried = score(answers, lambda a, window=window, ridge=ridge: refined(a, window, ridge))  # type: ignore[misc]
            found[f"{name}, window {window:.4f}, ridge {ridge:g}"] = tried
    write_json(RESULT, rounded({**found, "about": provenance(weights=weights)}))
    print(json.dumps(rounded(found), indent=1))


if __name__ == "__main__":
    tyro.cli(main)
