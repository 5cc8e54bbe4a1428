"""Figures of the study of the paper's claims (`acga.study`), one call each; all numbers come from the study's runs.

Bars and points are means; lines through them are 95 % intervals over videos and seeds, strokes and small dots are single seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, TypeVar

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..metrics import METRICS
from ..overlay import PALETTE
from ..plots.data import titled
from .bootstrap import Interval
from .claims import SLOWLY, Summary, variant_row
from .records import Study

TEST_SETS = {"a2d": "A2D twin", "jhmdb": "J-HMDB twin, not fine-tuned"}
RESULTS = Path(__file__).parents[1] / "results" / "study"
LONGER = RESULTS.with_name("study_long")  # trained until they read
GENTLE = RESULTS.with_name("study_gentle")  # the same, at a third of the learning rate
NARROW = RESULTS.with_name("study_narrow")  # the same, from sentences in a single order of words
RELATIONAL = RESULTS.with_name("study_half_relational")  # the same, where relations decide more often, in training and test
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


def changes(
    found: Mapping[str, Mapping[str, Interval]], *, x_label: str = "", y_label: str = "difference (points)", joined: bool = False
) -> Figure:
    """Differences with their intervals: a colour for each name (outer), side by side at each place (inner).

    `joined` where the places are in an order, such as thresholds; kinds have none, and a line from one to the next would say nothing.
    """
    places = list(dict.fromkeys(place for of_name in found.values() for place in of_name))
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for number, (name, of_name) in enumerate(found.items()):
        x = np.array([places.index(place) for place in of_name]) + 0.12 * (number - (len(found) - 1) / 2)
        means, low, high = 100 * np.array(list(of_name.values())).T
        axes.errorbar(
            x,
            means,
            yerr=[means - low, high - means],
            fmt="o-" if joined else "o",
            color=PALETTE[(5, 1, 4, 6)[number % 4]],
            label=name,
            markersize=4,
            linewidth=1,
        )
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(
        xticks=range(len(places)),
        xticklabels=[fill(place, 16) for place in places],
        xlim=(-0.5, len(places) - 0.5),
        xlabel=x_label,
        ylabel=y_label,
    )
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))  # where no line can run through it
    return finished(figure, axes)


def ladder(study: Study, grid: str = "claims") -> Figure:
    """Mean IoU of every variant of a grid, on both test sets."""
    variants = list(study.runs[grid])
    tests = [test for test in TEST_SETS if all(test in run for name in variants for run in study.of(grid, name))]
    figure, axes = plt.subplots(figsize=(8, 0.55 * len(variants) + 1.2), layout="constrained")
    for number, test in enumerate(tests):
        rows = [variant_row(study, grid, name)[test]["mIoU"] for name in variants]
        places = np.arange(len(variants)) + 0.18 * (2 * number - len(tests) + 1)
        _points(axes, places, rows, PALETTE[5 - number], TEST_SETS[test])
        for place, name in zip(places, variants, strict=True):
            seeds = [100 * run[test]["metrics"]["mIoU"] for run in study.of(grid, name)]
            axes.plot(seeds, [place] * len(seeds), "|", color=PALETTE[5 - number], markersize=9)
    axes.set(yticks=range(len(variants)), yticklabels=variants, xlabel="mean IoU (%)")
    axes.invert_yaxis()
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    return finished(figure, axes)


def losses(study: Study, variants: Sequence[str], grid: str = "claims") -> Figure:
    """The training loss of every seed of some variants, which share a colour."""
    figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
    for number, name in enumerate(variants):
        for seed, run in enumerate(study.of(grid, name)):
            steps, loss = zip(*run["loss"], strict=True)
            axes.plot(steps, loss, color=PALETTE[(6, 5, 4, 1)[number % 4]], linewidth=1, label=None if seed else name)
    axes.set(xlabel="step", ylabel="loss (eq. 16)")
    axes.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)  # where no line can run through it
    return finished(figure, axes)


def loss_instability(both: Study) -> Figure:
    """The losses of dynamic convolution at both learning rates (`at_both_rates`) and of ACGA, and what each seed came to."""
    names = ("dynamic convolution", f"dynamic convolution, {SLOWLY}", "ACGA")
    means = {name: ", ".join(f"{100 * of.mean():.1f}" for of in both.ious("claims", name)) for name in names}
    return titled(losses(both, names), "\n".join(f"{name}: mean IoU {each}" for name, each in means.items()))


def sweep(
    study: Study, grid: str, *, x_label: str, names: Sequence[str] = ("mIoU", "oIoU", "P@0.5", "P@0.7"), answers: bool = False
) -> Figure:
    """Metrics on the A2D twin over the values of a grid, such as the foreground weight: means, and seeds as dots.

    With `answers` also the mean precision and the mean recall of the answers.
    """
    variants = list(study.runs[grid])
    scores = {name: [[run["a2d"]["metrics"][name] for run in study.of(grid, variant)] for variant in variants] for name in names}
    if answers:
        for name in ("precision", "recall"):
            scores[name] = [[study.scores(run)[name].mean() for run in study.of(grid, variant)] for variant in variants]
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for number, (name, seeds) in enumerate(scores.items()):
        shade = PALETTE[(5, 4, 1, 2, 6, 0)[number % 6]]
        axes.plot(range(len(variants)), [100 * np.mean(one) for one in seeds], "o-", color=shade, label=name, markersize=4)
        for place, one in enumerate(seeds):
            axes.plot([place] * len(one), 100 * np.asarray(one), ".", color=shade, alpha=0.4, markersize=4)
    axes.set(xticks=range(len(variants)), xticklabels=variants, xlabel=x_label, ylabel="%")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))  # where no line can run through it
    return finished(figure, axes)


def robustness(study: Study, variants: Sequence[str] | None = None, grid: str = "claims") -> Figure:
    """How alike the masks stay when the same actor is described otherwise: over phrasings, and when a query is perturbed."""
    chosen = [name for name in (variants or study.runs[grid]) if study.of(grid, name)]
    rows = {name: variant_row(study, grid, name) for name in chosen}
    questions = {"consistency": "5+ phrasings"} | {
        name: name.removeprefix("agreement, ") for name in next(iter(rows.values())) if name.startswith("agreement, ")
    }
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    width = 0.8 / len(chosen)
    for number, name in enumerate(chosen):
        found = [rows[name][key] for key in questions]
        places = np.arange(len(questions)) + width * (number - (len(chosen) - 1) / 2)
        means = np.array([100 * one["mean"] for one in found])
        errors = [means - [100 * one["low"] for one in found], [100 * one["high"] for one in found] - means]
        shade, hatch = PALETTE[(5, 1, 4, 2, 6, 0, 3)[number % 7]], "//" * (number // 7)  # hatched where colours begin anew
        axes.bar(places, means, width, yerr=errors, color=shade, hatch=hatch, label=name, error_kw={"linewidth": 1})
    axes.set(xticks=range(len(questions)), xticklabels=questions.values(), ylabel="IoU of the masks with each other (%)", ylim=(0, 100))
    axes.legend(frameon=False, fontsize=8, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))  # above: bars are high
    return finished(figure, axes)


def pointing(study: Study, variants: Sequence[str] = ("+ vision guided language", "ACGA"), grid: str = "claims") -> Figure:
    """The share of the attention on a word that lies inside the actor that is meant, against that of looking everywhere alike."""
    rows = {name: variant_row(study, grid, name) for name in variants if study.of(grid, name)}
    topics = ("actor", "action", "colour", "place")
    figure, axes = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
    width = 0.8 / (len(rows) + 1)
    columns = {name: [found[f"{topic}, inside"] for topic in topics] for name, found in rows.items()}
    first = next(iter(rows.values()))
    columns["chance: everywhere alike, padding too"] = [first[f"{topic}, chance"] for topic in topics]
    for number, (name, found) in enumerate(columns.items()):
        means = np.array([100 * one["mean"] for one in found])
        errors = [means - [100 * one["low"] for one in found], [100 * one["high"] for one in found] - means]
        shade = "#bbbbbb" if number == len(rows) else PALETTE[(5, 1, 4)[number % 3]]
        places = np.arange(len(topics)) + width * (number - len(rows) / 2)
        axes.bar(places, means, width, yerr=errors, color=shade, label=name, error_kw={"linewidth": 1})
    axes.set(xticks=range(len(topics)), xticklabels=[f"word of the {topic}" for topic in topics])
    axes.set(ylabel="attention inside the actor (%)", ylim=(0, None))  # a share, though an interval of few seeds may reach below
    axes.legend(frameon=False, fontsize=8)
    return finished(figure, axes)


def gains_by_tag(study: Study, first: str, second: str, tags: Sequence[str], grid: str = "claims") -> Figure:
    """Second minus first in mean IoU (percentage points), over the queries with each tag of the drawn world."""
    found = [(tag, study.difference(grid, first, second, only=tag)) for tag in tags]
    shown = [(tag, interval) for tag, interval in found if interval is not None]
    figure, axes = plt.subplots(figsize=(7, 0.4 * len(shown) + 1), layout="constrained")
    _points(axes, np.arange(len(shown)), [interval._asdict() for _, interval in shown], PALETTE[5], None)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(yticks=range(len(shown)), yticklabels=[tag for tag, _ in shown], xlabel="difference in mean IoU (percentage points)")
    axes.invert_yaxis()
    return finished(figure, axes)


def trials(scores: Mapping[str, Sequence[float]], *, x_label: str) -> Figure:
    """Scores in percent by variant, of runs that were made in the notebook itself: a dot for each seed, their mean as a line."""
    figure, axes = plt.subplots(figsize=(6.5, 0.45 * len(scores) + 1), layout="constrained")
    for place, values in enumerate(scores.values()):
        axes.plot(values, [place] * len(values), "o", color=PALETTE[5], markersize=6)
        axes.plot([np.mean(values)] * 2, [place - 0.3, place + 0.3], color="black", linewidth=2)
    axes.set(yticks=range(len(scores)), yticklabels=list(scores), xlabel=x_label)
    axes.invert_yaxis()
    return finished(figure, axes)


def contrast(series: Mapping[str, Mapping[str, Sequence[float]]], x: Sequence[float], *, x_label: str, y_label: str = "%") -> Figure:
    """Lines over x: a colour for each name (outer), a style for each way it was found (inner), such as trained and foretold."""
    figure, axes = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
    for number, (name, of_ways) in enumerate(series.items()):
        for way, (kind, y) in enumerate(of_ways.items()):
            shade, style = PALETTE[(5, 1, 4, 6)[number % 4]], ("-", "--", ":")[way % 3]
            axes.plot(x, y, style, color=shade, marker="o", markersize=4, linewidth=2 - 0.7 * way, label=f"{name}, {kind}")
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))  # where no line can run through it
    return finished(figure, axes)


def table(summary: Summary, grid: str, test: str = "a2d") -> list[list[str]]:
    """A grid as rows of text: the variant, then the metrics in percent with their spread over seeds."""
    rows = [["", *METRICS]]
    for name, found in summary.grids[grid].items():
        if test in found:
            cells = [found[test][metric] for metric in METRICS]
            rows.append(
                [
                    name,
                    *(f"{100 * one['mean']:.1f}" + (f" ± {100 * one['spread']:.1f}" if one["spread"] is not None else "") for one in cells),
                ]
            )
    return rows


def _points(axes: Axes, places: np.ndarray, rows: Sequence[dict[str, Any]], shade: str, label: str | None) -> None:
    """Means with their intervals, in percent, one above another."""
    means = np.array([100 * one["mean"] for one in rows])
    errors = np.array([means - [100 * one["low"] for one in rows], [100 * one["high"] for one in rows] - means])
    axes.errorbar(means, places, xerr=errors.clip(0), fmt="o", color=shade, markersize=6, linewidth=1.5, label=label)


def finished(figure: Figure, axes: Axes) -> Figure:
    """Without the frame, and closed, so that a notebook shows it once."""
    sns.despine(ax=axes)
    plt.close(figure)
    return figure
