"""The eight tests of the study's plan (docs/STUDY.md): one outcome a claim, each with a p-value, all corrected together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .bootstrap import Interval, Totals, bootstrap, holm, p_value, ratio, replicates_of_totals
from .claims import BESIDE, BESIDE_RESIDUAL, BOTH, FUSION, LOSS, ONE, REPORTED, TRANSFER, TUNED_DYNAMIC, Pair, more_than_overall
from .phrasings import RIGHT, totals_of_every_phrasing
from .records import Study
from .tables import reported_gain

LEVEL_OF_ALL = 0.05  # the chance that any of the tests holds where nothing is true


@dataclass(frozen=True)
class PlannedTest:
    """An outcome that the second variant of a pair should have more of, by a claim of the paper."""

    claim: str
    words: str
    pair: Pair
    totals: Callable[[Study, str, str], Totals]


def gain_in_iou(study: Study, first: str, second: str, *, test: str = "a2d") -> Totals:
    """Of second minus first in mean IoU."""
    seeds = study.seeds(first, second, test=test)
    one, other = (study.scores(name, test=test, seeds=seeds) for name in (first, second))  # (R, N) each
    values = np.stack([one, other, np.ones_like(one)], axis=1)
    return Totals(values, study.videos(test) if one.size else [], lambda sums: ratio(sums[1] - sums[0], sums[2]))


def both_of_a_pair(study: Study, first: str, second: str) -> Totals:
    """Of second minus first in the share of minimal pairs of which both sentences are answered right."""
    seeds = study.seeds(first, second)
    rows, videos = minimal_pairs(study, first, seeds[0])
    one, other = ((study.scores(name, seeds=seeds) >= RIGHT)[:, rows].all(axis=2).astype(float) for name in (first, second))  # (R, N) each
    values = np.stack([one, other, np.ones_like(one)], axis=1)
    return Totals(values, videos, lambda sums: ratio(sums[1] - sums[0], sums[2]))


def share_of_pairs(study: Study, variant: str) -> Interval:
    """The share of minimal pairs of which a variant answers both sentences right."""
    seeds = study.seeds(variant)
    rows, videos = minimal_pairs(study, variant, seeds[0])
    return bootstrap((study.scores(variant, seeds=seeds) >= RIGHT)[:, rows].all(axis=2).astype(float), videos)


def minimal_pairs(study: Study, variant: str, seed: int) -> tuple[np.ndarray, list[str]]:
    """The rows (N, 2) of a test set's sentences that differ in a place word alone and mean two actors, and their videos."""
    answers = study.answers_of(variant, seed)
    partners = answers["partner"] if "partner" in answers else [None] * len(answers)
    frames = list(zip(answers["video"], answers["frame"], strict=True))
    found = rows_of_partners(frames, answers["query"], partners)
    return np.array(found, dtype=int).reshape(-1, 2), [frames[row][0] for row, _ in found]


def rows_of_partners(frames: Sequence[tuple[str, int]], queries: Iterable[str], partners: Iterable[str | None]) -> list[tuple[int, int]]:
    """The rows of sentences about a frame that are each other's partner, each pair once.

    >>> rows_of_partners([("a", 1)] * 3, ["left", "red", "right"], ["right", None, "left"])
    [(0, 2)]
    """
    row_of = {(*frame, query): row for row, (frame, query) in enumerate(zip(frames, queries, strict=True))}
    others = (row_of.get((*frame, str(partner))) for frame, partner in zip(frames, partners, strict=True))
    return [(row, other) for row, other in enumerate(others) if other is not None and row < other]


PLAN = (
    PlannedTest("C1", "mean IoU", FUSION, gain_in_iou),
    PlannedTest("C2", "mean IoU more than overall IoU", LOSS, more_than_overall),
    PlannedTest("C3", "mean IoU", BOTH, gain_in_iou),
    PlannedTest("C3", "mean IoU", TUNED_DYNAMIC, gain_in_iou),
    PlannedTest("C4", "every phrasing right, given one is", ONE, partial(totals_of_every_phrasing, given_one=True)),
    PlannedTest("C5", "both of a minimal pair right", BESIDE, both_of_a_pair),
    PlannedTest("C5", "both of a minimal pair right", BESIDE_RESIDUAL, both_of_a_pair),
    PlannedTest("C6", TRANSFER, TUNED_DYNAMIC, partial(gain_in_iou, test="jhmdb")),
)


def decide(*studies: Study, tests: int = 0) -> list[dict[str, Any]]:
    """The tests of the plan, each by the first study that has its variants: interval, p-value, the same corrected, and the verdict.

    A claim holds, or does not, if the corrected p-value is below 5 %; otherwise it is undecided. Tests without an answer are left out.
    They are corrected as so many `tests`, or as the number that was made if that is larger.
    """
    found: list[dict[str, Any]] = []
    for test in PLAN:
        first, second = test.pair.first, test.pair.second
        asked = [study for study in studies if {first, second} <= set(study.variants) and study.seeds(first, second)]
        if not asked:
            continue
        study = asked[0]
        totals = test.totals(study, first, second)
        if not totals.values.size:
            continue
        about = {"claim": test.claim, "outcome": test.words, "difference": test.pair.words, "first": first, "second": second}
        mean, replicates = replicates_of_totals(*totals)
        found.append(
            {
                **about,
                "paper": reported_gain(*REPORTED[test.words], first, second) if test.words in REPORTED else None,
                "interval": Interval.of_replicates(mean, replicates)._asdict(),
                "by_seed": [float(totals.statistic(of_seed.sum(axis=-1))) for of_seed in totals.values],
                "p": p_value(replicates),
                "seeds": len(totals.values),
            }
        )
    for one, corrected in zip(found, holm([one["p"] for one in found], tests=tests), strict=True):
        decided = corrected < LEVEL_OF_ALL
        one["corrected p"] = corrected
        one["verdict"] = ("holds" if one["interval"]["mean"] > 0 else "does not hold") if decided else "undecided"
    return found
