"""The paper's claims (docs/PAPER.md) as differences between two variants that should be above zero, and what a study says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from .bootstrap import Interval, Totals, bootstrap_of_totals, ratio
from .perturbations import PERTURBATIONS
from .records import Study, tagged
from .tables import reported_gain

TITLES = {
    "C1": "fusing three resolutions helps",
    "C2": "the weighted loss lifts mean IoU more than overall IoU",
    "C3": "attention helps",
    "C4": "with vision guided language attention, phrasing matters less",
    "C5": "language guided vision attention brings context",
    "C6": "the gain transfers to J-HMDB, without fine-tuning",
    "Controls": "it reads, and sees motion",
}
Role = Literal["primary", "headline", "exploratory"]  # the one that a claim is judged by, those shown beside it, and all others
Measure = Callable[[Study, str, str, str | None], Interval | None]  # of two variants, over the questions with a tag


@dataclass(frozen=True)
class Pair:
    """Two variants, and in words what the second has that the first has not."""

    first: str
    second: str
    words: str


@dataclass(frozen=True)
class Claim:
    """A difference, second variant minus first, that a claim of the paper says is above zero."""

    claim: str  # of `TITLES`
    measure: str  # of `MEASURES`
    pair: Pair
    where: str | None = None  # the tag of the questions that are meant
    role: Role = "exploratory"

    @property
    def statement(self) -> str:
        """The comparison, in words."""
        return " ".join(filter(None, (self.measure, WHERE[self.where]))) + f", {self.pair.words}"

    @property
    def paper(self) -> float | None:
        """The gain that the paper reports for the same step on real videos, in points; None where it reports none."""
        if self.where is not None or self.measure not in REPORTED:
            return None
        return reported_gain(*REPORTED[self.measure], self.pair.first.removesuffix(f", {OWN_RATE}"), self.pair.second)


OWN_RATE = "learning rate 0.001"  # the one at which dynamic convolution is trained well
WHERE = {
    None: "",
    "actors_in_scene=1": "of a lone actor",
    "not actors_in_scene=1": "of several actors",
    "same_kind=1": "beside an actor of the same kind",
    "mentions=relation": "where a relation is mentioned",
    "not mentions=relation": "where none is mentioned",
    "decided_by=relation": "where a relation decides",
    "decided_by=motion": "where only motion decides",
}
BASELINE, LANGUAGE, VISION = "+ weighted loss", "+ vision guided language", "+ language guided vision"
FUSION = Pair("concatenation", "+ fusion", "fusion")
WEIGHTED_FUSION = Pair("+ weighted loss, 1 fused", BASELINE, "fusion with the weighted loss")
ACGA_FUSION = Pair("ACGA, 1 fused", "ACGA", "fusion in ACGA")
LOSS = Pair("+ fusion", BASELINE, "weighted loss")
BOTH = Pair(BASELINE, "ACGA", "both attentions")
ONE = Pair(BASELINE, LANGUAGE, "vision guided language alone")
OTHER = Pair(BASELINE, VISION, "language guided vision alone")
BESIDE = Pair(LANGUAGE, "ACGA", "language guided vision added")
BESIDE_RESIDUAL = Pair(LANGUAGE, "ACGA, residual", "language guided vision added with a residual")
ONE_BESIDE = Pair(VISION, "ACGA", "vision guided language added")
DYNAMIC = Pair("dynamic convolution", "ACGA", "over dynamic convolution")
TUNED_DYNAMIC = Pair(DYNAMIC.first, "ACGA", "over dynamic convolution at its own rate")  # where each variant has a rate of its own
DYNAMIC_OWN_RATE = Pair(f"dynamic convolution, {OWN_RATE}", "ACGA", "over dynamic convolution at its own rate")
RESIDUAL_OWN_RATE = Pair(DYNAMIC_OWN_RATE.first, "ACGA, residual", "with residual, over dynamic convolution at its own rate")
DYNAMIC_RESIDUAL = Pair("dynamic convolution", "ACGA, residual", "with residual, over dynamic convolution")
TRANSFER = "mean IoU on J-HMDB's twin"
NEW_ORDERS = "mean IoU on new orders of words, less that on known ones"
NEW_WORDINGS = "mean IoU on new wordings, less that on known ones"


def _gain(study: Study, first: str, second: str, where: str | None, *, score: str = "IoU", test: str = "a2d") -> Interval | None:
    """In the mean of a score of the answers."""
    return study.difference(first, second, score, test=test, where=where)


def _probe(study: Study, first: str, second: str, _: str | None, *, name: str, less: str | None = None) -> Interval | None:
    """In a probe, or in what it exceeds another one by."""
    return study.probe_difference(first, second, name, less=less)


def _on_new_orders(study: Study, first: str, second: str, _: str | None) -> Interval | None:
    """In mean IoU over questions in an order of words that no training sentence has, beyond the same over those that are not new at all."""
    seeds = study.seeds(first, second)
    if not seeds:
        return None
    gains = study.scores(second, seeds=seeds) - study.scores(first, seeds=seeds)  # (R, N)
    answers = study.answers_of(first, seeds[0])
    new, known = (tagged(answers, tag) for tag in ("novelty=phrasing", "not novelty"))
    if not (new.any() and known.any()):
        return None
    columns = [np.where(chosen, of, 0) for chosen in (new, known) for of in (gains, np.ones_like(gains))]
    return bootstrap_of_totals(np.stack(columns, axis=1), study.videos(), lambda s: ratio(s[0], s[1]) - ratio(s[2], s[3]))


def _more_than_overall(study: Study, first: str, second: str, _: str | None) -> Interval | None:
    """In mean IoU minus the same in overall IoU, which large actors dominate."""
    return bootstrap_of_totals(*more_than_overall(study, first, second)) if study.seeds(first, second) else None


def more_than_overall(study: Study, first: str, second: str) -> Totals:
    """The totals of it."""
    seeds = study.seeds(first, second)
    areas = [study.scores(name, column, seeds=seeds) for name in (first, second) for column in ("IoU", "intersection", "union")]
    values = np.stack([*areas, np.ones_like(areas[0])], axis=1)  # (R, 7, N)

    def difference(sums: np.ndarray) -> np.ndarray:
        iou, inside, union, other_iou, other_inside, other_union, count = sums
        return ratio(other_iou - iou, count) - (ratio(other_inside, other_union) - ratio(inside, union))

    return Totals(values, study.videos(), difference)


def _loss_by(perturbation: str) -> str:
    """The measure of what a perturbation of the query costs."""
    return f"mean IoU when perturbed ({perturbation}), less that as asked"


MEASURES: dict[str, Measure] = {
    "mean IoU": _gain,
    **{f"P@{threshold}": partial(_gain, score=f"P@{threshold}") for threshold in (0.5, 0.6, 0.7, 0.8)},
    TRANSFER: partial(_gain, test="jhmdb"),
    "mean IoU more than overall IoU": _more_than_overall,
    "consistency over phrasings": partial(_probe, name="consistency"),
    "mean IoU on new wordings": partial(_probe, name="new wordings"),
    NEW_WORDINGS: partial(_probe, name="new wordings", less="known wordings"),
    NEW_ORDERS: _on_new_orders,
    **{_loss_by(name): partial(_probe, name=name, less="as asked") for name in PERTURBATIONS},
    **{f"agreement, {name}": partial(_probe, name=f"agreement, {name}") for name in PERTURBATIONS},
}
REPORTED = {  # the paper's columns that a measure is compared with: the benchmark, the metric, and the one that is subtracted
    "mean IoU": ("A2D Sentences", "mIoU", None),
    **{f"P@{threshold}": ("A2D Sentences", f"P@{threshold}", None) for threshold in (0.5, 0.6, 0.7, 0.8)},
    "mean IoU more than overall IoU": ("A2D Sentences", "mIoU", "oIoU"),
    TRANSFER: ("J-HMDB Sentences", "mIoU", None),
}


def _claims() -> Iterator[Claim]:
    """Every difference that is tested, by claim; what is measured was fixed before the runs were looked at, but for what the roles say."""
    yield Claim("C1", "mean IoU", FUSION, role="primary")
    yield Claim("C1", "P@0.5", FUSION)
    yield Claim("C1", "P@0.8", FUSION, role="headline")
    for where in ("actors_in_scene=1", "not actors_in_scene=1"):
        yield Claim("C1", "mean IoU", FUSION, where)
    for pair in (WEIGHTED_FUSION, ACGA_FUSION):
        for measure in ("mean IoU", "P@0.8"):
            yield Claim("C1", measure, pair, role="headline")
    yield Claim("C2", "mean IoU", LOSS)
    yield Claim("C2", "mean IoU more than overall IoU", LOSS, role="primary")
    yield Claim("C3", "mean IoU", BOTH, role="primary")
    for threshold in (0.5, 0.6, 0.7):
        yield Claim("C3", f"P@{threshold}", BOTH)
    yield Claim("C3", "P@0.8", BOTH, role="headline")
    yield Claim("C3", "mean IoU", ONE, role="headline")
    yield Claim("C3", "P@0.8", ONE)
    for where in ("mentions=relation", "same_kind=1"):
        yield Claim("C3", "mean IoU", ONE, where)
    for pair in (OTHER, BESIDE, BESIDE_RESIDUAL, DYNAMIC, DYNAMIC_OWN_RATE, RESIDUAL_OWN_RATE):
        yield Claim("C3", "mean IoU", pair, role="headline")
    for pair in (
        Pair(BASELINE, "ACGA, residual", "both attentions, with residual"),
        Pair("ACGA", "ACGA, residual", "the residual itself"),
        DYNAMIC_RESIDUAL,
        Pair("ACGA, unit-norm features", "ACGA", "rescaled features"),
    ):
        yield Claim("C3", "mean IoU", pair)
    reordered = _loss_by("reordered")
    for pair in (ONE, ONE_BESIDE):
        for measure in ("consistency over phrasings", "mean IoU on new wordings", NEW_WORDINGS, NEW_ORDERS):
            role: Role = "primary" if measure == NEW_ORDERS else "headline" if measure == NEW_WORDINGS else "exploratory"
            yield Claim("C4", measure, pair, role=role if pair == ONE else "exploratory")
    for name in PERTURBATIONS:
        measure = _loss_by(name)
        yield Claim("C4", measure, ONE, role="headline" if measure == reordered else "exploratory")
    for name in PERTURBATIONS:
        yield Claim("C4", f"agreement, {name}", ONE_BESIDE)
    for pair in (OTHER, BESIDE, BESIDE_RESIDUAL):
        yield Claim("C5", "mean IoU", pair, "decided_by=relation", role="primary" if pair == BESIDE else "headline")
        for where in ("mentions=relation", "not mentions=relation"):
            yield Claim("C5", "mean IoU", pair, where)
    yield Claim("C6", TRANSFER, Pair("concatenation", "ACGA", "over concatenation"), role="headline")
    yield Claim("C6", TRANSFER, DYNAMIC, role="headline")
    yield Claim("C6", TRANSFER, DYNAMIC_OWN_RATE, role="primary")
    yield Claim("C6", TRANSFER, DYNAMIC_RESIDUAL)
    yield Claim("Controls", "mean IoU", Pair("blind to text", "ACGA", "seeing the query"), role="headline")
    yield Claim("Controls", "mean IoU", Pair("blind to motion", "ACGA", "seeing motion"), "decided_by=motion", role="headline")


CLAIMS = tuple(_claims())


def measure_claims(study: Study) -> list[dict[str, Any]]:
    """The measurements of every claim whose variants a study has, as it is written to summary.json.

    "by_seed" holds each seed's own difference: few seeds that disagree are a warning, whatever the interval.
    """
    alone = {str(seed): study.with_seeds([seed]) for seed in sorted(study.runs["seed"].unique())}
    found = []
    for claim in CLAIMS:
        asked = claim.pair.first, claim.pair.second, claim.where
        interval = MEASURES[claim.measure](study, *asked)
        if interval is not None:
            each = {seed: MEASURES[claim.measure](of, *asked) for seed, of in alone.items()}
            by_seed = {seed: one.mean for seed, one in each.items() if one is not None}
            about = {name: getattr(claim, name) for name in ("claim", "statement", "measure", "where", "role", "paper")}
            about |= {"first": claim.pair.first, "second": claim.pair.second}
            found.append({**about, "interval": interval._asdict(), "verdict": verdict_of(interval, len(by_seed)), "by_seed": by_seed})
    return found


def verdict_of(interval: Interval, seeds: int) -> str:
    """Whether a difference is above zero, and whether that rests on a single seed, whose interval knows nothing of others.

    >>> verdict_of(Interval(0.1, 0.05, 0.15), 1), verdict_of(Interval(0.1, -0.05, 0.15), 5)
    ('holds, one seed', 'undecided')
    """
    verdict = "undecided" if not interval.excludes_zero else "holds" if interval.low > 0 else "does not hold"
    return verdict + ", one seed" * (seeds == 1)
