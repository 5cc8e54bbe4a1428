"""What language guided vision attention makes of two actors that are alike, and of which a sentence means one by its place alone.

    python benchmarks/alike_actors.py DATA TRAINING [TRAINING …] --features FEATURES --out results/study_third/alike.json

DATA is a release of the second drawn edition, TRAINING a folder with last.safetensors, FEATURES those of the test split by the
weights' stem. Every minimal pair of sentences is asked: "left of" and "right of", about two actors that nothing else tells apart. Features
are the visual ones that the decoder gets, without coordinates.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import tyro
from torch import Tensor

from acga.config import COORDINATES
from acga.data import A2DSentences
from acga.data.features import FeatureCache
from acga.data.geometry import pad_resize
from acga.data.tags import read_tags
from acga.evaluation import sentence_key
from acga.metrics import binarise, intersection_over_union
from acga.model.checkpoints import load_model
from acga.study.decisions import rows_of_partners
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance


def likeness(features: Tensor, actors: list[Tensor]) -> float:
    """Cosine similarity of two actors' mean features (C, h, w), beside the mean of the frame; `actors` are their cells, (h, w) each."""
    centred = features - features.mean(dim=(1, 2), keepdim=True)
    one, other = ((centred * cells).sum(dim=(1, 2)) / cells.sum() for cells in actors)
    return float(F.cosine_similarity(one, other, dim=0))


@torch.no_grad()
def measure(weights: Path, root: Path, features: Path) -> dict[str, float]:
    """Means over all pairs: how alike the actors are before and after the second attention, and what the masks do."""
    model = load_model(weights).eval()
    config = model.config
    assert model.vocabulary is not None
    dataset, cache = A2DSentences(root, "test", size=config.size, clip_length=config.clip_length), FeatureCache(features)
    tags, rows = read_tags(root), list[dict[str, float]]()
    frames = [(sample.video_id, sample.frame) for sample in dataset.samples]
    partners = [tags[sentence_key(sample)].get("partner") for sample in dataset.samples]
    for pair in rows_of_partners(frames, [sample.query for sample in dataset.samples], partners):
        samples = [dataset.samples[row] for row in pair]
        visual = model.encode(cache[samples[0].video_id, samples[0].frame][None].float())  # (1, C, h, w)
        tokens = np.stack([model.vocabulary.encode(sample.query, config.max_query_length) for sample in samples])
        attended = model.guide(visual, model.embed(torch.from_numpy(tokens)), torch.zeros(2, dtype=torch.int64))
        targets = [dataset.labels(row)["mask"].numpy() for row in pair]
        squares = [torch.from_numpy(pad_resize(target.astype(np.uint8), config.size)).float() for target in targets]
        cells = [F.adaptive_avg_pool2d(square[None], (visual.shape[2], visual.shape[3]))[0] for square in squares]
        found = [binarise(response, target.shape) for response, target in zip(model.decode(attended).large, targets, strict=True)]
        covered = [[(mask & target).sum() / target.sum() for target in targets] for mask in found]
        rows.append(
            {
                "likeness before": likeness(visual[0], cells),
                "likeness after": float(np.mean([likeness(one, cells) for one in attended.vision[:, :-COORDINATES]])),
                "masks on both": float(np.mean([min(shares) > 0.5 for shares in covered])),
                "IoU of the two masks": intersection_over_union(*found),
            }
        )
    return {"pairs": len(rows), **{name: float(np.mean([row[name] for row in rows])) for name in rows[0]}}


def main(data: tyro.conf.Positional[Path], trainings: tyro.conf.Positional[tuple[Path, ...]], /, *, features: Path, out: Path) -> None:
    """Measure every network and write the table."""
    found = {training.name: measure(training / "last.safetensors", data, features) for training in trainings}
    write_json(out, rounded({**provenance(), "networks": found}, 4))
    for name, row in found.items():
        print(name, row)


if __name__ == "__main__":
    tyro.cli(main)
