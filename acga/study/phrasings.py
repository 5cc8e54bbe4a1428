"""The share of actors that a network finds by every phrasing (claim C4), and by every one if by one.

The first rises with accuracy alone: who answers more sentences right, answers more often all of an actor's right. The second, of actors for
which at least one sentence succeeds, is nearer to what the claim says: that it does not matter how an actor is described.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .bootstrap import Interval, Totals, bootstrap_of_totals, ratio
from .records import Study, tagged

RIGHT = 0.5  # IoU from which an answer is right
SEVERAL = "not actors_in_scene=1"  # a lone actor is found by any sentence


class Phrasings(NamedTuple):
    """Of R runs, for each of N actors: whether any and whether every sentence about it was answered right (R, N); and its video (N,)."""

    any_right: np.ndarray
    all_right: np.ndarray
    videos: list[str]


def phrasings(study: Study, variant: str, *, seeds: list[int], where: str = SEVERAL) -> Phrasings:
    """The actors with at least two sentences of the kind `where`, and how a variant answers these."""
    answers = study.answers_of(variant, seeds[0])
    chosen = np.flatnonzero(tagged(answers, where))
    keys = answers.iloc[chosen][["video", "frame", "instance"]].apply(tuple, axis=1).tolist()
    rows: dict[tuple[str, int, int], list[int]] = {}
    for row, key in zip(chosen.tolist(), keys, strict=True):
        rows.setdefault(key, []).append(row)
    actors = {key: of for key, of in rows.items() if len(of) > 1}
    right = study.scores(variant, seeds=seeds) >= RIGHT  # (R, N)
    any_right, all_right = np.zeros((2, len(seeds), len(actors)))
    for number, of in enumerate(actors.values()):
        any_right[:, number], all_right[:, number] = right[:, of].any(axis=1), right[:, of].all(axis=1)
    return Phrasings(any_right, all_right, [video for video, _, _ in actors])


def _successes_and_cases(found: Phrasings, given_one: bool) -> list[np.ndarray]:
    return [found.all_right, found.any_right if given_one else np.ones_like(found.any_right)]


def gain_in_every_phrasing(study: Study, first: str, second: str, *, given_one: bool) -> Interval:
    """Second minus first in the share of actors that every phrasing finds: of all actors, or of those that one phrasing finds."""
    return bootstrap_of_totals(*totals_of_every_phrasing(study, first, second, given_one=given_one))


def totals_of_every_phrasing(study: Study, first: str, second: str, *, given_one: bool) -> Totals:
    """The totals of `gain_in_every_phrasing`."""
    seeds = study.seeds(first, second)
    one, other = (phrasings(study, variant, seeds=seeds) for variant in (first, second))
    totals = np.stack([*_successes_and_cases(one, given_one), *_successes_and_cases(other, given_one)], axis=1)
    return Totals(totals, one.videos, lambda sums: ratio(sums[2], sums[3]) - ratio(sums[0], sums[1]))


def share_by_every_phrasing(study: Study, variant: str, *, given_one: bool) -> Interval:
    """The share of actors that every phrasing finds: of all actors, or of those that one phrasing finds."""
    found = phrasings(study, variant, seeds=study.seeds(variant))
    totals = np.stack(_successes_and_cases(found, given_one), axis=1)
    return bootstrap_of_totals(totals, found.videos, lambda sums: ratio(sums[0], sums[1]))
