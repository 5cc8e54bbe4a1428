"""`acga demo`: a clip drawn for the purpose, segmented from its sentences and held against the drawn truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..data.video import VideoWriter
from ..inference import Segmenter
from ..metrics import intersection_over_union
from ..output.overlay import Overlay
from ..output.segmentation import is_earlier_output, write_segmentation
from ..plots.images import Example, contact_sheet
from ..synthetic.samples import LIT_QUERIES, LIT_SCENE, write_clip
from ..synthetic.scene import FRAMES_PER_SECOND

CLIP = "clip.mp4"


def is_earlier_demo(folder: Path) -> bool:
    """Whether a folder holds what an earlier demo left there, which another may replace."""
    return is_earlier_output(folder, CLIP, list(LIT_QUERIES))


def demonstrate(segmenter: Segmenter, folder: Path) -> dict[str, float]:
    """Write clip.mp4, what `write_segmentation` does, demo.png of the frame in the middle, and demo.gif; gives the mean IoU by query."""
    truth = write_clip(folder / CLIP, LIT_SCENE)  # (N, T, H, W)
    overlaps: dict[str, list[float]] = {query: [] for query in LIT_QUERIES}
    overlay = Overlay(list(LIT_QUERIES), (LIT_SCENE.height, LIT_SCENE.width))
    moving = []  # pictures of demo.gif
    for result in write_segmentation(segmenter, folder / CLIP, list(LIT_QUERIES), folder):
        moving.append(overlay.picture(result.frame, result.masks.values()))
        targets = {query: truth[actor, result.index] for query, actor in LIT_QUERIES.items()}
        for query, target in targets.items():
            overlaps[query].append(intersection_over_union(result.masks[query], target))
        if result.index == LIT_SCENE.frames // 2:
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
    with VideoWriter(folder / "demo.gif", FRAMES_PER_SECOND, overlay.size, codec="gif") as gif:
        for picture in moving:
            gif.write(picture)
    return {query: float(np.mean(values)) for query, values in overlaps.items()}
