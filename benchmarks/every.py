"""What `--every n` saves and costs: seconds a frame, and masks held against those of every frame's own clip, and against the truth.

    python benchmarks/every.py FILM

FILM is that of `real_pictures.py`; of its part for choices every third film is asked one sentence, in all of its frames.
Writes results/mini/every.json.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from PIL import Image
from real_pictures import read_questions
from tqdm import tqdm

from acga.inference import Segmenter
from acga.metrics import intersection_over_union
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance

RESULT = Path(__file__).resolve().parents[1] / "results" / "mini" / "every.json"
TRIED = (1, 2, 3, 5, 8)


def mean_iou(masks: np.ndarray, targets: np.ndarray) -> float:
    """The mean IoU of two films' masks (T, H, W), frame by frame."""
    return float(np.mean([intersection_over_union(*pair) for pair in zip(masks, targets, strict=True)]))


def measure(film: Path, weights: str) -> dict[str, dict[str, float]]:
    """By n: mean IoU with the masks of n = 1 and with the truth, over all frames of all films, and seconds a frame."""
    segmenter = Segmenter(weights, "cpu")
    questions = {question.clip: question for question in reversed(read_questions(film, "train"))}.values()
    found: dict[int, list[tuple[float, ...]]] = defaultdict(list)
    for question in tqdm(list(questions)[::3], unit="film"):
        truth = np.stack([np.array(Image.open(path)) > 0 for path in sorted((film / "masks" / question.clip).glob("*.png"))])
        exact = np.zeros(0)
        for every in TRIED:
            started = time.perf_counter()
            masks = segmenter.open(film / "frames" / question.clip).segment(question.query, every=every)
            seconds = (time.perf_counter() - started) / len(masks)
            exact = masks if every == 1 else exact
            found[every].append((mean_iou(masks, exact), mean_iou(masks, truth), seconds))
    names = ("mIoU with the masks of every frame's own clip", "mIoU with the truth", "seconds a frame")
    return {str(every): dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True)) for every, rows in found.items()}


def main(film: tyro.conf.Positional[Path], /, weights: str = "mini") -> None:
    """Measure."""
    found: dict[str, Any] = {"every": measure(film, weights), **provenance(seed=0)}
    write_json(RESULT, rounded(found))
    print(json.dumps(rounded(found["every"]), indent=1))


if __name__ == "__main__":
    tyro.cli(main)
