"""Figures of the study of the paper's claims, all numbers from its runs and their summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..metrics import METRICS
from ..plots.charts import bar_chart, forest_plot, line_chart, point_plot
from .bootstrap import Interval
from .claims import OWN_RATE, TITLES
from .perturbations import PERTURBATIONS
from .probes import TOPICS
from .records import Study
from .variants import GRIDS

POINTS = "difference (percentage points)"


def about(study: Study, grid: str) -> str:
    """The source of a grid's numbers, in a sentence: its seeds, the length of training, the size of the test."""
    names = [variant.name for variant in GRIDS[grid].values() if variant.name in study.variants]
    runs, seeds = study.runs[study.runs["variant"].isin(names)], len(study.seeds(*names))
    recipe, videos = runs.iloc[0], study.videos()
    return (
        f"{seeds} seed{'s' * (seeds > 1)} a variant; {recipe['epochs']:g} epochs in steps of {recipe['batch_size']} sentences; "
        f"tested on {len(videos):,} questions about {len(set(videos))} videos"
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
    """A forest plot of claims as a summary has them, with diamonds where the paper reports the same difference."""
    reference = "paper, real videos"
    rows = [
        {
            "group": f"{one['claim']}: {TITLES[one['claim']]}",
            "name": one["statement"],
            "interval": Interval.of(one["interval"]),
            "seeds": list(one["by_seed"].values()),
            reference: one["paper"],
        }
        for one in claims
    ]
    return forest_plot(pd.DataFrame(rows), x_label=POINTS, reference=reference if any(row[reference] for row in rows) else "")


def sweep(study: Study, grid: str, *, x_label: str, names: Sequence[str] = ("mIoU", "oIoU", "P@0.5", "P@0.7")) -> Figure:
    """Scores on the A2D twin over the values of a grid, such as the foreground weight: means, and seeds as pale dots.

    `names` are metrics, or scores of the answers (`Study.scores`), such as their precision.
    """
    seeds = study.seeds(*(variant.name for variant in GRIDS[grid].values()))
    runs = study.runs[study.runs["seed"].isin(seeds)].set_index("variant")

    def values(variant: str, name: str) -> list[float]:
        if name in METRICS:
            return runs.loc[[variant], f"a2d {name}"].tolist()
        return study.scores(variant, name, seeds=seeds).mean(axis=1).tolist()

    series = {name: {label: values(variant.name, name) for label, variant in GRIDS[grid].items()} for name in names}
    return point_plot(series, x_label=x_label, y_label="%", line=None, joined=True)


def robustness(study: Study, variants: Sequence[str]) -> Figure:
    """The agreement of masks when the same actor is described otherwise: over phrasings, and when a query is perturbed."""
    probes = {"5+ phrasings": "consistency"} | {name: f"agreement, {name}" for name in PERTURBATIONS}
    bars = {label: {name: study.probe_mean(name, probe) for name in variants} for label, probe in probes.items()}
    return bar_chart(bars, y_label="IoU of the masks with each other (%)")


def attention_chart(study: Study, variants: Sequence[str] = ("+ vision guided language", "ACGA")) -> Figure:
    """The share of the attention on a word that lies inside the actor that is meant, against that of looking everywhere alike."""
    bars = {
        f"word of the {topic}": {name: study.probe_mean(name, f"{topic}, inside") for name in variants}
        | {"chance: everywhere alike, padding too": study.probe_mean(variants[0], f"{topic}, chance")}
        for topic in TOPICS
    }
    return bar_chart(bars, y_label="attention inside the actor (%)")


def loss_instability(study: Study) -> Figure:
    """The losses of dynamic convolution at both learning rates and of ACGA, and the mean IoU that each seed came to."""
    names = ("dynamic convolution", f"dynamic convolution, {OWN_RATE}", "ACGA")
    series = {}
    for name in names:
        log = study.losses[study.losses["variant"] == name]
        gap = [pd.DataFrame({"step": [np.nan], "loss": [np.nan]})]  # between the lines of a variant's seeds, which share a colour
        lines = pd.concat([part for _, of_seed in log.groupby("seed") for part in (of_seed, *gap)])
        means = ", ".join(f"{100 * mean:.0f}" for mean in study.scores(name).mean(axis=1))
        series[f"{name}: {means}"] = (lines["step"].to_numpy(), lines["loss"].to_numpy())
    return line_chart(series, x_label="step", y_label="loss (eq. 16)", legend_title="mean IoU of each seed, in %")
