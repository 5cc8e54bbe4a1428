"""Masks as COCO has them, in run lengths: the files that its tools read, and its average precision."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .system.files import write_json

RunLengths = dict[str, Any]  # "size" [H, W] and "counts", packed, as text


class EncodedPair(NamedTuple):
    """A predicted mask and its target."""

    predicted: RunLengths
    target: RunLengths


def run_lengths(mask: np.ndarray) -> RunLengths:
    """A bool mask `(H, W)` as pycocotools reads it: the lengths of the runs of background and foreground in turn, down the columns.

    >>> run_lengths(np.array([[False, True], [False, True]]))
    {'size': [2, 2], 'counts': '22'}
    """
    pixels = mask.ravel(order="F").astype(np.int8)
    borders = np.flatnonzero(np.diff(pixels, prepend=0))  # of the runs; the first one is background, and may be empty
    lengths = np.diff(borders, prepend=0, append=pixels.size).tolist()
    # From the fourth on, what is written is the difference from the length before the last.
    steps = [length - (lengths[place - 2] if place > 2 else 0) for place, length in enumerate(lengths)]
    return {"size": list(mask.shape), "counts": "".join(letter for step in steps for letter in _letters(step))}


def _letters(number: int) -> Iterator[str]:
    """A whole number in groups of five bits, the lowest first, each a letter from "0" on; a sixth bit says that another follows."""
    more = True
    while more:
        group, number = number & 31, number >> 5
        more = number != (-1 if group & 16 else 0)
        yield chr(ord("0") + group + 32 * more)


def decode(encoded: RunLengths) -> np.ndarray:
    """The bool mask `(H, W)` of run lengths.

    >>> decode({"size": [2, 2], "counts": "22"})
    array([[False,  True],
           [False,  True]])
    """
    from pycocotools import mask as coco

    return coco.decode(encoded).astype(bool)


def coco_tables(
    masks: Sequence[EncodedPair], scores: Sequence[float], about: Sequence[Mapping[str, Any]] | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """COCO's two tables of samples that are an image each, with one object and one detection: the targets, and the predictions.

    `about` has further entries of the images, such as the sentence.
    """
    from pycocotools import mask as coco

    images, targets, predictions = [], [], []
    for number, (pair, score) in enumerate(zip(masks, scores, strict=True), start=1):
        height, width = pair.target["size"]
        images.append({"id": number, "height": height, "width": width, **(about[number - 1] if about else {})})
        common = {"image_id": number, "category_id": 1}
        area, box = float(coco.area(pair.target)), coco.toBbox(pair.target).tolist()
        targets.append({"id": number, **common, "segmentation": pair.target, "area": area, "bbox": box, "iscrowd": 0})
        predictions.append({**common, "segmentation": pair.predicted, "score": float(score)})
    return {"info": {}, "images": images, "categories": [{"id": 1, "name": "actor"}], "annotations": targets}, predictions


def write_coco(folder: Path, masks: Sequence[EncodedPair], scores: Sequence[float], about: Sequence[Mapping[str, Any]]) -> None:
    """Write `targets.json` and `predictions.json`: `COCO("targets.json").loadRes("predictions.json")` reads them."""
    targets, predictions = coco_tables(masks, scores, about)
    write_json(folder / "targets.json", targets, indent=None)
    write_json(folder / "predictions.json", predictions, indent=None)


def coco_average_precision(masks: Sequence[EncodedPair], scores: Sequence[float]) -> float:
    """COCO `segm` AP over IoU 0.50:0.05:0.95. Raises ValueError when all scores are the same, as there is nothing to rank by."""
    if len(set(scores)) == 1:
        raise ValueError("coco_mAP ranks samples by score, and all scores are the same; give varying scores or none")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    targets, predictions = coco_tables(masks, scores)
    ground_truth = COCO()
    ground_truth.dataset = targets
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        ground_truth.createIndex()
        evaluation = COCOeval(ground_truth, ground_truth.loadRes(predictions), iouType="segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])
