"""How well weights tell what is there from what is not, on the test split of a drawn release.

Each sentence is asked of its frame, and so is another one of the release, about a kind of actor that the frame does not show.

    python benchmarks/presence.py ROOT --out results/mini/presence.json
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import tyro
from tqdm import tqdm

from acga.data.a2d import A2DSentences
from acga.data.absent import AbsentQueries
from acga.inference import ClipSession, Segmenter
from acga.model.presence import Verdict
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance


def confidences(segmenter: Segmenter, dataset: A2DSentences, *, every: int, seed: int) -> dict[str, list[float]]:
    """The confidence of sentences about each `every`-th annotated frame, and of as many about what it does not show."""
    absent, rng = AbsentQueries(dataset), np.random.default_rng(seed)
    rows_of: dict[tuple[str, int], list[int]] = {frame: [] for frame in dataset.annotated_frames}
    for row, sample in enumerate(dataset.samples):
        rows_of[sample.video_id, sample.frame].append(row)
    found: dict[str, list[float]] = {"present": [], "absent": []}
    for (video, frame), rows in tqdm(list(rows_of.items())[::every], unit="frame"):
        pairs = [(row, other) for row in rows if (other := absent.draw(row, rng)) is not None]
        asked = {kind: [dataset.samples[row].query for row in which] for kind, which in zip(found, zip(*pairs, strict=True), strict=False)}
        clip = list(dataset.clip_pixels(video, frame))
        session = ClipSession(segmenter, {frame: clip}, (dataset.size, dataset.size), refine=False)
        session.predict(list(dict.fromkeys(query for queries in asked.values() for query in queries)), [frame])
        for kind, queries in asked.items():
            found[kind] += [session.responses[query][frame].confidence for query in queries]
    return found


def main(root: tyro.conf.Positional[Path], /, *, out: Path, weights: str = "mini", every: int = 1, seed: int = 0) -> None:
    """Measure."""
    segmenter = Segmenter(weights, "cpu")
    dataset = A2DSentences(root, "test", size=segmenter.config.size, clip_length=segmenter.config.clip_length)
    found = confidences(segmenter, dataset, every=every, seed=seed)
    pairs = np.subtract.outer(found["present"], found["absent"])
    auroc = float((pairs > 0).mean() + (pairs == 0).mean() / 2)
    said = {kind: [segmenter.verdict(value) for value in values] for kind, values in found.items()}
    shares = {kind: {verdict: of.count(verdict) / len(of) for verdict in get_args(Verdict)} for kind, of in said.items()}
    about = provenance(weights=weights, seed=seed, every=every)
    scores = {"present told from absent (AUROC)": auroc, "verdicts": shares, "sentences": len(found["present"])}
    write_json(out, rounded({**scores, "about": about}))
    print(scores)


if __name__ == "__main__":
    tyro.cli(main)
