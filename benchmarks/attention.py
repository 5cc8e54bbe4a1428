"""What the attentions of weights look at, on a release: does the question move eq. 8, and does a word of eq. 4 find its actor?

    python benchmarks/attention.py ROOT FEATURES [--weights mini] [--split test]

FEATURES is a folder for the features of the release, computed unless they are there. Writes results/mini/attention.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from acga.data.a2d import A2DSentences
from acga.inference import load
from acga.study.probes import attention_distance, attention_moved, attention_on_target
from acga.system.computing import choose_accelerator
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance
from acga.training.batches import extract

RESULT = Path(__file__).resolve().parents[1] / "results" / "mini" / "attention.json"


def main(
    root: tyro.conf.Positional[Path],
    features: tyro.conf.Positional[Path],
    /,
    *,
    weights: str = "mini",
    split: Literal["train", "test"] = "test",
) -> None:
    """Measure."""
    model = load(weights).requires_grad_(False)
    dataset = A2DSentences(root, split, size=model.config.size, clip_length=model.config.clip_length)
    cache = extract(model, dataset, features, accelerator=choose_accelerator("auto"))
    found: dict[str, object] = {"questions": len(dataset)}
    if moved := attention_moved(model, dataset, cache):
        found["eq. 8: moved by another question (total variation)"] = {"pairs": len(moved), "mean": float(np.mean(moved))}
    if looked := attention_distance(model, dataset, cache):
        found["eq. 8: of an actor's cells, on the actor"] = {
            "share": float(np.mean(looked.on_actor)),
            "chance": float(np.mean(looked.chance)),
        }
    found["eq. 3: attention on a word, inside the actor"] = {
        each.topic: {
            "words": len(each.inside),
            "share": float(np.mean(each.inside)),
            "chance": float(np.mean(each.chance)),
            "times chance": float(np.mean(each.inside) / np.mean(each.chance)),
            "of the attention of the actor's pixels": float(np.mean(each.on_actor)),
            "of the attention of all pixels": float(np.mean(each.everywhere)),
        }
        for each in attention_on_target(model, dataset, cache)
        if each.inside
    }
    write_json(RESULT, rounded({**found, "about": provenance(weights=weights)}))
    print(json.dumps(rounded(found), indent=1))


if __name__ == "__main__":
    tyro.cli(main)
