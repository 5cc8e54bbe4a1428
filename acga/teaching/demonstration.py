"""`acga demo`: a clip drawn for the purpose, segmented from its sentences and held against the drawn truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..inference import Segmenter
from ..metrics import intersection_over_union
from ..output import write_segmentation
from ..plots.images import Example, contact_sheet
from ..synthetic.samples import QUERIES, SCENE, write_clip


def demonstrate(segmenter: Segmenter, folder: Path) -> dict[str, float]:
    """Write clip.mp4, what `write_segmentation` does, and demo.png with the frame in the middle; gives the mean IoU by query."""
    truth = write_clip(folder / "clip.mp4")  # (N, T, H, W)
    overlaps: dict[str, list[float]] = {query: [] for query in QUERIES}
    for result in write_segmentation(segmenter, folder / "clip.mp4", list(QUERIES), folder):
        targets = {query: truth[actor, result.index] for query, actor in QUERIES.items()}
        for query, target in targets.items():
            overlaps[query].append(intersection_over_union(result.masks[query], target))
        if result.index == SCENE.frames // 2:
            examples = [
                Example(
                    query=query,
                    frame=result.frame,
                    response=result.responses[query],
                    predicted=result.masks[query],
                    target=target,
                )
                for query, target in targets.items()
            ]
            contact_sheet(examples).savefig(folder / "demo.png", dpi=120)
    return {query: float(np.mean(values)) for query, values in overlaps.items()}
