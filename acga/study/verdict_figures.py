"""Figures of the verdicts on the paper's claims: differences that should be above zero, with intervals, and strokes for single seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..overlay import PALETTE
from .figures import finished

VERDICT_COLOURS = {"holds": PALETTE[4], "undecided": "#888888", "does not hold": PALETTE[6]}


def verdicts(found: Sequence[dict[str, Any]]) -> Figure:
    """The claims as differences with their intervals (percentage points), strokes for single seeds: what is right of zero holds."""
    figure, axes = plt.subplots(figsize=(10, 0.3 * len(found) + 1.2), layout="constrained")
    for place, claim in enumerate(found):
        _verdict(axes, place, claim)
        if place and claim["claim"] != found[place - 1]["claim"]:
            axes.axhline(place - 0.5, color="#dddddd", linewidth=0.8)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(
        yticks=range(len(found)),
        yticklabels=[f"{claim['claim']}  {claim['what']}" for claim in found],
        xlabel="difference (percentage points)",
    )
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.set_ylim(len(found) - 0.5, -0.5)
    _verdict_legend(figure, axes)
    return finished(figure, axes)


def forest_plot(found: Sequence[dict[str, Any]]) -> Figure:
    """The claims in short (`acga.study_headlines.headlines`): each difference under its claim, a diamond where the paper reports it."""
    rows: list[str | dict[str, Any]] = []
    for number, one in enumerate(found):
        rows += [one] if number and one["claim"] == found[number - 1]["claim"] else [one["claim"], one]
    figure, axes = plt.subplots(figsize=(9, 0.24 * len(rows) + 1), layout="constrained")
    axes.axvline(0, color="black", linewidth=0.8)
    for place, row in enumerate(rows):
        if isinstance(row, dict):
            _verdict(axes, place, row)
            if row["paper"] is not None:
                axes.plot(row["paper"], place, "D", markeredgecolor="black", markerfacecolor="none", markersize=7)
    axes.set(
        yticks=range(len(rows)),
        yticklabels=[row["what"] if isinstance(row, dict) else row for row in rows],
        xlabel="difference (percentage points)",
        ylim=(len(rows) - 0.5, -0.5),
    )
    axes.tick_params(axis="y", labelsize=9, length=0)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("normal" if isinstance(row, dict) else "bold")
    axes.plot([], [], "D", markeredgecolor="black", markerfacecolor="none", label="paper, real videos")
    _verdict_legend(figure, axes)
    return finished(figure, axes)


def _verdict(axes: Axes, place: float, claim: Mapping[str, Any]) -> None:
    """One difference with its interval, strokes for single seeds, in the colour of its verdict; hollow where there is a single seed."""
    interval, shade, seeds = claim["interval"], VERDICT_COLOURS[claim["verdict"]], [100 * one for one in claim["by_seed"].values()]
    several = len(seeds) > 1
    axes.plot([100 * interval["low"], 100 * interval["high"]], [place, place], color=shade, linewidth=2)
    if several:
        axes.plot(seeds, [place] * len(seeds), "|", color=shade, markersize=9)
    axes.plot(100 * interval["mean"], place, "o", color=shade, markersize=5, markerfacecolor=shade if several else "white")


def _verdict_legend(figure: Figure, axes: Axes) -> None:
    """What the colours mean, below the rows, where no line can run through it; of one seed the interval is over videos alone."""
    for verdict, shade in VERDICT_COLOURS.items():
        axes.plot([], [], "o-", color=shade, label=verdict)
    axes.plot([], [], "o-", color="black", markerfacecolor="white", label="one seed")
    figure.legend(*axes.get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=5)
