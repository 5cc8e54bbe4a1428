"""Differences in a study by kind of question: by threshold, by size of the actor, alone or not, by order of words, by what decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import ConfigError
from .bootstrap import Interval, bootstrap, bootstrap_of_totals
from .records import Study, above, iou_of

ORDERS = {  # of words, and the tag of the A2D twin's test sentences that have them; the first is that of `--sentence-style one-order`
    "as in the narrow training": "phrasing=participle",
    'with "is"': "phrasing=is",
    "as in no training": "novelty=phrasing",
}
SCORES = ("mean IoU", "precision", "recall")
FUSIONS = {  # where three responses are compared with one: the grid and its two variants
    "concatenation": ("claims", "concatenation", "+ fusion"),
    "concatenation, weighted loss": ("weighted_fusion", "weighted loss, 1 fused", "weighted loss, 3 fused"),
    "ACGA": ("resolutions", "1 fused", "3 fused"),
}
DECISIONS = {  # what tells the actor that is meant from the others
    "a relation decides": "decided_by=relation",
    "all other questions": "not decided_by=relation",
    "of these, a lone actor": "actors_in_scene=1",
}


def threshold_gains(
    study: Study, grid: str, first: str, thresholds: Sequence[float] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
) -> dict[str, dict[str, Interval]]:
    """Each variant of a grid minus the first in P@K, by variant and K: whether more actors are found, or better outlines drawn."""
    found = {
        name: {f"{threshold:g}": study.difference(grid, first, name, above(threshold)) for threshold in thresholds}
        for name in study.runs[grid]
        if name != first
    }
    return {name: {key: one for key, one in of.items() if one is not None} for name, of in found.items() if any(of.values())}


def size_gains(study: Study, grid: str, first: str, second: str, scores: Sequence[str] = SCORES) -> dict[str, dict[str, Interval]]:
    """Second minus first in scores of the answers (`Study.scores`), by third of the questions by area of their actor.

    Raises `ConfigError` when the two share no seed.
    """
    third = np.searchsorted(np.quantile(study.samples["target_areas"], [1 / 3, 2 / 3]), study.samples["target_areas"])
    names = ("smallest third of the actors", "middle third", "largest third")
    return _gains(study, grid, first, second, scores, {name: third == number for number, name in enumerate(names)})


def scene_gains(study: Study, grid: str, first: str, second: str, scores: Sequence[str] = SCORES) -> dict[str, dict[str, Interval]]:
    """The same where the actor is alone in its scene, so that only its outline counts, and where it has to be told from others."""
    alone = study.tagged("actors_in_scene=1")
    return _gains(study, grid, first, second, scores, {"a lone actor": alone, "several actors": ~alone})


def _gains(
    study: Study, grid: str, first: str, second: str, scores: Sequence[str], kinds: Mapping[str, np.ndarray]
) -> dict[str, dict[str, Interval]]:
    """By score and kind of question; `kinds` says which questions, bool (N,), are of each."""
    pairs = [(study.scores(one), study.scores(other)) for one, other in study.pairs(grid, first, second)]
    if not pairs:
        raise ConfigError(f"No seed of the grid {grid} has both {first!r} and {second!r}; run both with the same one.")
    found: dict[str, dict[str, Interval]] = {}
    for what in scores:
        gains = np.stack([after[what] - before[what] for before, after in pairs])  # (R, N)
        found[what] = {kind: bootstrap(np.where(of, gains, np.nan), study.videos["a2d"]) for kind, of in kinds.items() if of.any()}
    return found


def gains_by_decision(study: Study, pairs: Sequence[tuple[str, str]], grid: str = "claims") -> dict[str, dict[str, Interval]]:
    """Second minus first of each pair in mean IoU, by what tells the actor from the others; pairs that were not run are left out."""
    found = {
        f"{second} over {first}": {what: study.difference(grid, first, second, only=tag) for what, tag in DECISIONS.items()}
        for first, second in pairs
        if study.pairs(grid, first, second)
    }
    return {name: {what: one for what, one in of.items() if one is not None} for name, of in found.items()}


def tag_contrast(study: Study, grid: str, first: str, second: str, tag: str, others: str) -> Interval | None:
    """Second minus first in mean IoU over the questions with a tag, beyond the same over those with another (`Study.tagged`).

    None where there are no runs of both, or no such questions.
    """
    gains = [iou_of(other["a2d"]) - iou_of(one["a2d"]) for one, other in study.pairs(grid, first, second)]
    chosen, known = study.tagged(tag), study.tagged(others)
    return _contrast(np.stack(gains), chosen, known, study.videos["a2d"]) if gains and chosen.any() and known.any() else None


def cost_of_orders(narrow: Study, wide: Study, variant: str, *, less: str | None = None, grid: str = "claims") -> dict[str, Interval]:
    """What orders of words cost a variant that was trained with one alone (`narrow`) and not with many (`wide`), by order.

    That is how much lower its mean IoU is than after training with many, beyond what it is lower for the one order itself. `less` is a
    variant whose cost is subtracted: below zero, the first minds new orders less. Raises `ConfigError` when the studies asked different
    questions, or share no seed.
    """
    both = wide.merge(narrow, "one order")
    names = [variant] if less is None else [variant, less]
    ious = [both.ious_by_seed(grid, f"{name}{note}") for name in names for note in ("", ", one order")]
    seeds = sorted(set.intersection(*(set(of) for of in ious)))
    if not seeds:
        raise ConfigError(f"No seed of {' and '.join(names)} is in both studies.")
    lost = np.array([ious[0][seed] - ious[1][seed] for seed in seeds])  # (R, N)
    if less is not None:
        lost -= np.array([ious[2][seed] - ious[3][seed] for seed in seeds])
    (_, known), *others = [(order, narrow.tagged(tag)) for order, tag in ORDERS.items()]
    return {order: _contrast(lost, new, known, narrow.videos["a2d"]) for order, new in others if new.any() and known.any()}


def _contrast(values: np.ndarray, first: np.ndarray, second: np.ndarray, videos: Sequence[str]) -> Interval:
    """The mean of values (R, N) over some samples minus that over others, bool (N,) each."""
    columns = [np.where(chosen, of, 0) for chosen in (first, second) for of in (values, np.ones_like(values))]
    return bootstrap_of_totals(np.stack(columns, axis=1), videos, lambda s: s[0] / np.maximum(s[1], 1) - s[2] / np.maximum(s[3], 1))
