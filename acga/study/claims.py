"""A study summed up: the table of variants, the paper's claims as paired differences with their intervals, and what the runs took."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..files import rounded, write_json
from ..metrics import METRICS
from .bootstrap import Interval, bootstrap, bootstrap_of_totals
from .contrasts import ORDERS, tag_contrast
from .perturbations import PERTURBATIONS
from .records import Study, above, iou_of, itself

SLOWLY = "learning rate 0.001"  # what is added to the names of variants that were trained at a third of the recipe's


@dataclass(frozen=True)
class Summary:
    """What a study comes to: by grid a row for each variant, the verdicts on the claims, and what it took."""

    grids: dict[str, dict[str, dict[str, Any]]]
    claims: list[dict[str, Any]]
    cost: dict[str, Any]

    def lines(self, grid: str) -> list[str]:
        """A table of one grid, and the verdicts, to print."""
        rows = [
            f"{name:28s} {row['seeds']} seeds  "
            + "  ".join(f"{test} mIoU {_percent(row[test]['mIoU'])}" for test in ("a2d", "jhmdb") if test in row)
            for name, row in self.grids.get(grid, {}).items()
        ]
        told = [f"{one['claim']}: {verdict_in_words(one)}; {one['what']}: {_percent(one['interval'])}" for one in self.claims]
        return rows + told


def verdict_in_words(claim: Mapping[str, Any]) -> str:
    """The verdict on a claim, and whether it rests on a single seed, whose interval knows nothing of others.

    >>> verdict_in_words({"verdict": "holds", "by_seed": {"0": 0.1}})
    'holds, one seed'
    """
    return claim["verdict"] + ", one seed" * (len(claim["by_seed"]) == 1)


def _percent(interval: Mapping[str, float]) -> str:
    return str(Interval(interval["mean"], interval["low"], interval["high"]))


def summarise(folder: str | Path) -> Summary:
    """Sum up the runs in `folder`, and write `folder`/summary.json."""
    study = Study.read(folder)
    grids = {grid: {variant: variant_row(study, grid, variant) for variant in variants} for grid, variants in study.runs.items()}
    summary = Summary(grids, claims(study), cost(study))
    write_json(Path(folder) / "summary.json", rounded({"grids": grids, "claims": summary.claims, "cost": summary.cost}, 6))
    return summary


def cost(study: Study) -> dict[str, Any]:
    """What the runs took: how many were trained (a copy of another grid's was not), in how many hours, by which commands and commits."""
    every = [run for variants in study.runs.values() for runs in variants.values() for run in runs]
    trained = [run for run in every if "copy_of" not in run]
    return {
        "runs": len(trained),
        "hours": sum(sum(run["seconds"].values()) for run in trained) / 3600,
        "threads": sorted({run["about"]["threads"] for run in trained}),
        "commands": sorted({run["about"]["command"] for run in trained}),
        "commits": sorted({str(run["about"]["commit"]) for run in trained}),
    }


def variant_row(study: Study, grid: str, variant: str) -> dict[str, Any]:
    """A variant's metrics: mean and spread over seeds; for mean IoU and P@0.5 the interval over videos and seeds."""
    runs = study.of(grid, variant)
    row: dict[str, Any] = {"seeds": len(runs), "seconds": float(np.mean([run["seconds"]["training"] for run in runs]))}
    for test in ("a2d", "jhmdb"):
        if all(test in run for run in runs):
            scores = {name: np.array([run[test]["metrics"][name] for run in runs]) for name in METRICS}
            row[test] = {
                name: {"mean": float(of.mean()), "spread": float(of.std(ddof=1)) if len(of) > 1 else None} for name, of in scores.items()
            }
            for name, value in (("mIoU", itself), ("P@0.5", above(0.5))):
                row[test][name] |= bootstrap(value(study.ious(grid, variant, test)), study.videos[test])._asdict()
    for name in ("precision", "recall"):
        row[name] = bootstrap(np.stack([study.scores(run)[name] for run in runs]), study.videos["a2d"])._asdict()
    presence_auroc = [run["questions"]["presence_auroc"] for run in runs if "questions" in run]
    if presence_auroc:
        row["told apart"] = {"mean": float(np.mean(presence_auroc))}
    for name, path in _BY_VIDEO.items():
        values = study.by_video(grid, variant, *path)
        if values.size:
            row[name] = bootstrap(values, study.videos_of(path))._asdict()
    return row


_BY_VIDEO = {
    "consistency": ("paraphrases", "consistency"),
    "paraphrases": ("paraphrases", "iou"),
    "new wordings": ("paraphrases", "iou_new"),
    "known wordings": ("paraphrases", "iou_known"),
    **{name: ("questions", name, "iou") for name in ("as asked", *PERTURBATIONS, "about something absent")},
    **{f"agreement, {name}": ("questions", name, "agreement") for name in PERTURBATIONS},
    **{
        f"{topic}, {what}": ("attention", "words", topic, what)
        for topic in ("actor", "action", "colour", "place")
        for what in ("inside", "chance")
    },
    **{
        f"pixels, {what}": ("attention", "pixels", what)
        for base in ("on_actor", "chance", "distance", "uniform_distance", "neighbourhood", "largest")
        for what in (base, f"{base}, related")
    },
}


def claims(study: Study) -> list[dict[str, Any]]:
    """C1 to C6 (docs/PAPER.md) and the blind controls: differences that should be above zero, and whether their intervals say so.

    "by_seed" holds each seed's own difference: few seeds that disagree are a warning, whatever the interval.
    """
    found = []
    seeds = sorted({run["seed"] for variants in study.runs.values() for runs in variants.values() for run in runs})
    alone = {seed: study.with_seeds([seed]) for seed in seeds}

    def ask(claim: str, what: str, first: str, second: str, measure: Measure, *, grid: str = "claims") -> None:
        interval = measure(study, grid, first, second)
        if interval is not None:
            verdict = "undecided" if not interval.excludes_zero else "holds" if interval.low > 0 else "does not hold"
            each = {str(seed): measure(of, grid, first, second) for seed, of in alone.items()}
            by_seed = {seed: one.mean for seed, one in each.items() if one is not None}
            found.append({"claim": claim, "what": what, "interval": interval._asdict(), "verdict": verdict, "by_seed": by_seed})

    base, vision_guided, language_guided = "+ weighted loss", "+ vision guided language", "+ language guided vision"
    ask("C1", "mean IoU, fusion", "concatenation", "+ fusion", gain())
    for threshold in (0.5, 0.8):
        ask("C1", f"P@{threshold}, fusion", "concatenation", "+ fusion", gain(above(threshold)))
    for what, tag in (("a lone actor", "actors_in_scene=1"), ("several actors", "not actors_in_scene=1")):
        ask("C1", f"mean IoU of {what}, fusion", "concatenation", "+ fusion", gain(only=tag))
    for grid, first, second, where in (
        ("weighted_fusion", "weighted loss, 1 fused", "weighted loss, 3 fused", "with the weighted loss"),
        ("resolutions", "1 fused", "3 fused", "in ACGA"),
    ):
        for name, value in (("mean IoU", itself), ("P@0.8", above(0.8))):
            ask("C1", f"{name}, fusion {where}", first, second, gain(value), grid=grid)
    ask("C2", "mean IoU, weighted loss", "+ fusion", base, gain())
    ask("C2", "mean IoU more than overall IoU, weighted loss", "+ fusion", base, _more_than_overall)
    for name, value in (("mean IoU", itself), *((f"P@{k}", above(k)) for k in (0.5, 0.6, 0.7, 0.8))):
        ask("C3", f"{name}, both attentions", base, "ACGA", gain(value))
    ask("C3", "mean IoU, vision guided language alone", base, vision_guided, gain())
    ask("C3", "P@0.8, vision guided language alone", base, vision_guided, gain(above(0.8)))
    for what, tag in (("where a relation is mentioned", "mentions=relation"), ("beside an actor of the same kind", "same_kind=1")):
        ask("C3", f"mean IoU {what}, vision guided language alone", base, vision_guided, gain(only=tag))
    ask("C3", "mean IoU, language guided vision alone", base, language_guided, gain())
    ask("C3", "mean IoU, both attentions over vision guided language alone", vision_guided, "ACGA", gain())
    ask("C3", "mean IoU, over dynamic convolution", "dynamic convolution", "ACGA", gain())
    ask("C3", f"mean IoU, over dynamic convolution, {SLOWLY}", f"dynamic convolution, {SLOWLY}", "ACGA", gain())
    ask("C3", "mean IoU, both attentions, the second with a residual", base, "ACGA, residual", gain())
    ask("C3", "mean IoU, with that residual rather than without", "ACGA", "ACGA, residual", gain())
    ask("C3", "mean IoU, both attentions over vision guided language alone, with that residual", vision_guided, "ACGA, residual", gain())
    ask("C3", "mean IoU, over dynamic convolution, with that residual", "dynamic convolution", "ACGA, residual", gain())
    ask("C3", "mean IoU, features of order one, not of unit norm", "ACGA, unit-norm features", "ACGA", gain())
    for first, second in ((base, vision_guided), (language_guided, "ACGA")):
        for what, measure in (
            ("consistency over phrasings", by_video("paraphrases", "consistency")),
            ("mean IoU on new wordings", by_video("paraphrases", "iou_new")),
            ("mean IoU on new wordings less that on known ones", by_video("paraphrases", "iou_new", less=("paraphrases", "iou_known"))),
            ("mean IoU on new orders of words less that on known ones", _on_new_orders),
        ):
            ask("C4", f"{what}, {first} -> {second}", first, second, measure)
    for name in PERTURBATIONS:
        what = f"mean IoU when perturbed ({name}) less that as asked, {base} -> {vision_guided}"
        ask("C4", what, base, vision_guided, by_video("questions", name, "iou", less=("questions", "as asked", "iou")))
    for name in PERTURBATIONS:
        what = f"agreement under perturbation ({name}), {language_guided} -> ACGA"
        ask("C4", what, language_guided, "ACGA", by_video("questions", name, "agreement"))
    for first, second in ((base, language_guided), (vision_guided, "ACGA"), (vision_guided, "ACGA, residual")):
        for what, tag in (
            ("where a relation decides", "decided_by=relation"),
            ("where a relation is mentioned", "mentions=relation"),
            ("where none is", "not mentions=relation"),
        ):
            ask("C5", f"mean IoU {what}, {first} -> {second}", first, second, gain(only=tag))
    for what, first, second in (
        ("over the concatenation baseline", "concatenation", "ACGA"),
        ("over dynamic convolution", "dynamic convolution", "ACGA"),
        (f"over dynamic convolution, {SLOWLY}", f"dynamic convolution, {SLOWLY}", "ACGA"),
        ("over dynamic convolution, with a residual", "dynamic convolution", "ACGA, residual"),
    ):
        ask("C6", f"mean IoU on J-HMDB, not fine-tuned, {what}", first, second, gain(test="jhmdb"))
    for what, first, only in (
        ("reading, on all queries", "blind to text", None),
        ("seeing motion, where only motion decides", "blind to motion", "decided_by=motion"),
    ):
        ask("controls", f"mean IoU, {what}: {first} -> ACGA", first, "ACGA", gain(only=only, second_grid="claims"), grid="controls")
    return found


Measure = Callable[[Study, str, str, str], Interval | None]  # of a study, a grid and two of its variants


def gain(value: Callable[[np.ndarray], np.ndarray] = itself, **more: Any) -> Measure:
    """Second minus first in a score of IoUs; what else `Study.difference` takes may be given."""
    return lambda study, grid, first, second: study.difference(grid, first, second, value, **more)


def by_video(*path: str, less: tuple[str, ...] = ()) -> Measure:
    """Second minus first in values by video, as `Study.difference_by_video`."""
    return lambda study, grid, first, second: study.difference_by_video(grid, first, second, *path, less=less)


def _on_new_orders(study: Study, grid: str, first: str, second: str) -> Interval | None:
    """(second - first) in mean IoU on the A2D twin's questions in an order of words that no training had, beyond that on usual ones."""
    return tag_contrast(study, grid, first, second, ORDERS["as in no training"], "not novelty")


def _more_than_overall(study: Study, grid: str, first: str, second: str) -> Interval | None:
    """(second - first) in mean IoU minus the same in overall IoU, which large actors dominate."""
    pairs = study.pairs(grid, first, second)
    if not pairs:
        return None
    everyone = np.ones(len(study.videos["a2d"]))
    values = [[*_iou_inside_union(one), *_iou_inside_union(other), everyone] for one, other in pairs]  # (R, 7, N)

    def difference(sums: np.ndarray) -> np.ndarray:
        iou, inside, union, other_iou, other_inside, other_union, count = sums
        return (other_iou - iou) / np.maximum(count, 1) - (other_inside / np.maximum(other_union, 1) - inside / np.maximum(union, 1))

    return bootstrap_of_totals(np.array(values), study.videos["a2d"], difference)


def _iou_inside_union(run: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every sample of the A2D test set, (N,) each."""
    inside, union = (np.asarray(run["a2d"][name], np.float64) for name in ("intersection", "union"))
    return iou_of(run["a2d"]), inside, union
