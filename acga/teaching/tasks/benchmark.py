"""Exercises of 08, 08b and 09: metrics, claims, questions of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, permutations
from typing import Any

import numpy as np

from ...metrics import SegmentationMetrics, intersection_over_union
from ...study.bootstrap import probability_of_more
from ...study.records import Study
from ..exercises import NotYet
from .registry import Wanted, need_function, register


@register("08.1", "IoUs first: 0.5, 0.9, 0, 0.5; for oIoU add the pixels before you divide.", tolerance=0.002)
def _four_answers() -> list[float]:
    four = SegmentationMetrics.from_areas([4, 9, 0, 50], [8, 10, 30, 100]).compute()
    return [four[name] for name in ("P@0.5", "mIoU", "oIoU")]


@register("08.2", "One huge actor answered perfectly, several tiny ones missed.")
def _far_apart() -> Any:
    def right(pairs: list[tuple[np.ndarray, np.ndarray]]) -> bool:
        metrics = SegmentationMetrics()
        for predicted, target in pairs:
            metrics.update(predicted, target)
        found = metrics.compute()
        return found["oIoU"] > 0.9 and found["mIoU"] < 0.5

    return right


@register("08.3", "The surer, the worse.")
def _as_small_as_possible(coco_map: Callable[[np.ndarray, np.ndarray], float]) -> Any:
    def right(scores: Sequence[float]) -> bool:
        if len(set(scores)) != 5:
            raise NotYet(f"five different scores are wanted, not {len(set(scores))}")
        found = np.array([0.95, 0.80, 0.65, 0.30, 0.10])
        least = min(coco_map(found, np.array(order)) for order in permutations(range(5)))
        return bool(np.isclose(coco_map(found, np.array(scores)), least))

    return right


@register("08.4", "A mask of False with the box True, its IoU with each target, then the mean.", tolerance=0.005)
def _middle_box(targets: Sequence[np.ndarray]) -> float:
    found = []
    for target in targets:
        box, (h, w) = np.zeros_like(target), target.shape
        box[h // 4 : h - h // 4, w // 4 : w - w // 4] = True
        found.append(intersection_over_union(box, target))
    return float(np.mean(found))


@register("08b.1", "Zero lies inside the interval, and so does 1.4.")
def _verdict() -> tuple[str, bool]:
    return "undecided", True


@register("08b.2", 'study.difference("+ weighted loss", "+ vision guided language", where="same_kind=1"), times 100.', tolerance=0.05)
def _gain(study: Study) -> float:
    found = study.difference("+ weighted loss", "+ vision guided language", where="same_kind=1")
    assert found is not None
    return 100 * found.mean


@register("08b.3", "Tags of questions name the number of actors in the scene.")
def _lone() -> str:
    return "actors_in_scene=1"


@register("09.1", "Sigmoid first, then its maximum.")
def _rule(logits: np.ndarray) -> Any:
    probability = 1 / (1 + np.exp(-logits.astype(np.float64)))

    def right(rule: Callable[[np.ndarray, float], np.ndarray]) -> bool:
        need_function(rule)
        for ratio in (0.3, 0.5):
            found = np.asarray(rule(logits, ratio))
            if found.shape != logits.shape or found.dtype != bool:
                raise NotYet(f"a bool mask {logits.shape} is wanted, yours is {found.dtype} {found.shape}")
            if not (found == (probability > ratio * probability.max())).all():
                if (found == (logits > ratio * logits.max())).all():
                    raise NotYet("that is a share of the largest logit; the rule speaks of probabilities")
                if (found == (probability > ratio)).all():
                    raise NotYet("that is a share of one, whatever the map's own maximum is")
                return False
        return True

    return right


@register("09.2", "Three pairs: A with B share 2 of 6 pixels; A with C?", tolerance=0.001)
def _agreement() -> Wanted:
    covers = [{0, 1, 2, 3}, {2, 3, 4, 5}, {0, 1, 2, 3, 4, 5}]
    ious = [len(one & other) / len(one | other) for one, other in combinations(covers, 2)]
    return Wanted(np.mean(ious), {f"{iou:.3f} is the IoU of a single pair": iou for iou in sorted(set(ious))}, share=True)


@register("09.3", "np.subtract.outer(present, absent) holds all differences.", tolerance=0.005)
def _told_apart(present: Sequence[float], absent: Sequence[float]) -> Wanted:
    slips = {"that is the share in which the one that is not there has the higher peak": probability_of_more(absent, present)}
    return Wanted(probability_of_more(present, absent), slips, share=True)
