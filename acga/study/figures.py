"""Figures of the study of the paper's claims, all numbers from its runs; `committed` shows them where the runs are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..plots.charts import bar_chart, forest_plot, line_chart, point_plot
from ..plots.style import titled
from .bootstrap import Interval
from .claims import SLOWLY, variant_row
from .records import Study

RESULTS = Path(__file__).parents[2] / "results" / "study"
LONGER = RESULTS.with_name("study_long")  # trained until they read
GENTLE = RESULTS.with_name("study_gentle")  # the same, at a third of the learning rate
NARROW = RESULTS.with_name("study_narrow")  # the same, from sentences in a single order of words
HALF_RELATIONAL = RESULTS.with_name("study_half_relational")  # the same, where relations decide more often, in training and test
POINTS = "difference (percentage points)"
Shown = TypeVar("Shown")


def committed(grid: str, show: Callable[[Study], Shown], *, variants: Sequence[str] = (), folder: str | Path | None = None) -> Shown | None:
    """What `show` makes of the study in `folder` (by default results/study), or where `grid` was not run, a printed sentence that says so.

    `variants` are those that `show` compares: where no seed has all of them, that is said. Raises `ConfigError` when a file is damaged.
    """
    folder = Path(folder or RESULTS)
    if not any(folder.glob(f"{grid}/*.json")):
        print(f'The grid "{grid}" of the study has not been run; benchmarks/study.sh makes it, in some hours on two cores.')
        return None
    study = Study.read(folder)
    if variants and not set.intersection(*({run["seed"] for run in study.of(grid, name)} for name in variants)):
        print(
            f'The grid "{grid}" of the study has no seed with {" and ".join(map(repr, variants))} yet; benchmarks/study.sh goes on with it.'
        )
        return None
    return show(study)


def at_both_rates() -> Study:
    """The longer runs beside the gentle ones, where these have been made. Raises `ConfigError` when there are no longer runs."""
    longer = Study.read(LONGER)
    return longer.merge(Study.read(GENTLE), SLOWLY) if any(GENTLE.glob("claims/*.json")) else longer


def about(study: Study, grid: str) -> str:
    """What the numbers of a grid come from, in a sentence: its seeds, how long was trained, on how much was tested."""
    runs = [run for of_variant in study.runs[grid].values() for run in of_variant]
    counts = sorted({len(of_variant) for of_variant in study.runs[grid].values()})
    seeds = "-".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    recipe = runs[0]["recipe"]
    steps = max((step for step, _ in runs[0]["loss"]), default=0)
    return (
        f"{seeds} seed{'s' * (counts[-1] > 1)} a variant; about {steps:,} steps of {recipe['batch_size']} sentences, {recipe['epochs']:g}"
        f" epochs; tested on {len(study.samples['a2d']):,} questions about {len(set(study.videos['a2d']))} videos"
    )


def in_words(interval: Interval | None, what: str = "mean IoU") -> str:
    """A difference with its interval and what follows from it.

    >>> in_words(Interval(0.02, 0.01, 0.03)), in_words(Interval(0.02, -0.01, 0.05), "recall")
    ('mean IoU +2.0 [1.0, 3.0]: higher', 'recall +2.0 [-1.0, 5.0]: undecided')
    """
    if interval is None:
        return f"{what} was not compared"
    verdict = "undecided" if not interval.excludes_zero else "higher" if interval.low > 0 else "lower"
    return f"{what} {'+' * (interval.mean >= 0)}{interval}: {verdict}"


def claims_plot(claims: Sequence[Mapping[str, Any]]) -> Figure:
    """A forest plot of the claims as differences that should be above zero, with diamonds where the paper reports one ("paper")."""
    reference = "paper, real videos"
    rows = [
        {
            "group": one["claim"],
            "name": one["what"],
            "interval": Interval(**one["interval"]),
            "seeds": list(one["by_seed"].values()),
            reference: one.get("paper"),
        }
        for one in claims
    ]
    return forest_plot(pd.DataFrame(rows), x_label=POINTS, reference=reference if any(row[reference] for row in rows) else "")


def gains_by_tag(study: Study, first: str, second: str, tags: Sequence[str], grid: str = "claims") -> Figure:
    """Second minus first in mean IoU, over the queries with each tag of the drawn world."""
    found = {tag: study.difference(grid, first, second, only=tag) for tag in tags}
    rows = [{"name": tag, "interval": interval} for tag, interval in found.items() if interval is not None]
    return forest_plot(pd.DataFrame(rows), x_label=POINTS)


def sweep(study: Study, grid: str, *, x_label: str, names: Sequence[str] = ("mIoU", "oIoU", "P@0.5", "P@0.7")) -> Figure:
    """Scores on the A2D twin over the values of a grid, such as the foreground weight: means, and seeds as pale dots.

    `names` are metrics, or scores of the answers (`Study.scores`), such as their precision.
    """

    def score(run: Mapping[str, Any], name: str) -> float:
        metrics = run["a2d"]["metrics"]
        return metrics[name] if name in metrics else float(study.scores(run)[name].mean())

    series = {name: {variant: [score(run, name) for run in study.of(grid, variant)] for variant in study.runs[grid]} for name in names}
    return point_plot(series, x_label=x_label, y_label="%", line=None, joined=True)


def robustness(study: Study, variants: Sequence[str], grid: str = "claims") -> Figure:
    """How alike the masks stay when the same actor is described otherwise: over phrasings, and when a query is perturbed."""
    rows = {name: variant_row(study, grid, name) for name in variants if study.of(grid, name)}
    measures = ["consistency", *(name for name in next(iter(rows.values())) if name.startswith("agreement, "))]
    bars = {measure.removeprefix("agreement, "): {name: Interval(**row[measure]) for name, row in rows.items()} for measure in measures}
    return bar_chart(bars, y_label="IoU of the masks with each other (%)")


def attention_on_target(study: Study, variants: Sequence[str] = ("+ vision guided language", "ACGA"), grid: str = "claims") -> Figure:
    """The share of the attention on a word that lies inside the actor that is meant, against that of looking everywhere alike."""
    rows = {name: variant_row(study, grid, name) for name in variants if study.of(grid, name)}
    bars = {
        f"word of the {topic}": {name: Interval(**row[f"{topic}, inside"]) for name, row in rows.items()}
        | {"chance: everywhere alike, padding too": Interval(**next(iter(rows.values()))[f"{topic}, chance"])}
        for topic in ("actor", "action", "colour", "place")
    }
    return bar_chart(bars, y_label="attention inside the actor (%)")


def loss_instability(both: Study) -> Figure:
    """The losses of dynamic convolution at both learning rates (`at_both_rates`) and of ACGA, and what each seed came to."""
    names = ("dynamic convolution", f"dynamic convolution, {SLOWLY}", "ACGA")
    gap = [(np.nan, np.nan)]  # between the lines of a variant's seeds, which share a colour
    series = {name: np.transpose([point for run in both.of("claims", name) for point in [*run["loss"], *gap]]) for name in names}
    means = {name: ", ".join(f"{100 * of.mean():.1f}" for of in both.ious("claims", name)) for name in names}
    figure = line_chart({name: (line[0], line[1]) for name, line in series.items()}, x_label="step", y_label="loss (eq. 16)")
    return titled(figure, "\n".join(f"{name}: mean IoU {each}" for name, each in means.items()))
