"""Charts of numbers: lines, bars, points, distributions, and estimates with their intervals.

An `Interval` is drawn in percent, as it is printed; other numbers as they are. Legends stand above the axes, where nothing can run
through them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from ..output.overlay import PALETTE
from ..study.bootstrap import Interval
from .images import paint_enlarged
from .style import DIVERGING, SEQUENTIAL, SERIES_COLOURS, new_figure

Line = tuple[Sequence[float] | np.ndarray, Sequence[float] | np.ndarray]  # x, y
Height = float | Interval
MARKERS = "osD^v"  # of series of points
ABOVE, UNDECIDED, BELOW = PALETTE[4], "#888888", PALETTE[6]  # where an interval lies
SNAPSHOT_SIDE = 200  # pixels of the longer side of a picture in a snapshot, at least


def new_axes(width: float = 7, height: float = 3.6, *, x_label: str = "", y_label: str = "") -> tuple[Figure, Axes]:
    """A figure of `width` by `height` inches with one pair of axes, to draw on; a notebook shows it where a cell ends with it."""
    figure, axes = new_figure(width=width, height=height)
    axes[0, 0].set(xlabel=x_label, ylabel=y_label)
    return figure, axes[0, 0]


def line_chart(
    series: Mapping[str, Line], *, x_label: str, y_label: str, dashed: Sequence[str] = (), smoothing: int = 1, legend_title: str = ""
) -> Figure:
    """Lines (x, y) by name, those named in `dashed` thin and dashed, such as other people's results.

    With `smoothing` each is pale as it is, and over it the running mean of so many neighbours.
    """
    figure, axis = new_axes(x_label=x_label, y_label=y_label)
    for number, (name, (x, y)) in enumerate(series.items()):
        style, width = ("--", 1.3) if name in dashed else ("-", 2)
        colour = SERIES_COLOURS[number % len(SERIES_COLOURS)]
        if smoothing > 1:
            axis.plot(x, y, color=colour, alpha=0.3, linewidth=1)
        axis.plot(x, running_mean(y, smoothing), style, color=colour, linewidth=width, label=name)
    if len(series) > 1:
        _legend(axis, title=legend_title)
    return figure


def running_mean(values: Sequence[float] | np.ndarray, width: int) -> np.ndarray:
    """The mean over `width` neighbours, fewer at the ends: (N,) -> (N,).

    >>> running_mean([0, 3, 6, 9], 3).tolist()
    [1.5, 3.0, 6.0, 7.5]
    """
    ones = np.ones(min(width, len(values)))
    return np.convolve(values, ones, "same") / np.convolve(np.ones(len(values)), ones, "same")


def bar_chart(values: Mapping[str, Height | Mapping[str, Height]], *, y_label: str) -> Figure:
    """A bar for each name, or where values are mappings themselves, a group of bars, one of each series.

    Over each bar stands its value; an `Interval` has a bar for its mean and a line from its low to its high end instead.
    """
    groups = {name: of if isinstance(of, Mapping) else {"": of} for name, of in values.items()}
    series = list(next(iter(groups.values())))
    figure, axis = new_axes(np.clip((0.6 + 0.45 * len(series)) * len(groups) + 1, 4, 10), 3.4, y_label=y_label)
    width = 0.8 / len(series)
    for number, name in enumerate(series):
        places = np.arange(len(groups)) + (number - (len(series) - 1) / 2) * width
        found = [of[name] for of in groups.values()]
        intervals = [one for one in found if isinstance(one, Interval)]
        if intervals:
            means, errors = _in_percent(intervals)
            axis.bar(places, means, width, yerr=errors, error_kw={"linewidth": 1}, label=name)
        else:
            axis.bar_label(axis.bar(places, np.array(found), width, label=name), fmt=_rounded, fontsize=8)
    axis.set_xticks(range(len(groups)), list(groups))
    if len(series) > 1:
        _legend(axis)
    return figure


def scatter_plot(series: Mapping[str, Line], *, x_label: str, y_label: str) -> Figure:
    """Points (x, y) by name over a logarithmic x, each series with its own marker."""
    figure, axis = new_axes(x_label=x_label, y_label=y_label)
    for number, (name, (x, y)) in enumerate(series.items()):
        axis.scatter(x, y, s=22, marker=MARKERS[number % len(MARKERS)], alpha=0.7, linewidths=0, label=name)
    _logarithmic(axis)
    _legend(axis)
    return figure


def strip_plot(groups: Mapping[str, Sequence[float] | np.ndarray], *, x_label: str, line: float | None = None, log: bool = False) -> Figure:
    """A dot for each value, a row for each group with its median as a stroke; `line` is dashed, such as the median of all."""
    figure, axis = new_axes(7, 0.42 * len(groups) + 1.1, x_label=x_label)
    for row, values in enumerate(groups.values()):
        height = row + 0.25 * np.sin(2.4 * np.arange(len(values)))  # so that dots do not hide each other
        axis.scatter(values, height, s=18, color=SERIES_COLOURS[0], alpha=0.6, linewidths=0)
        axis.plot([np.median(values)] * 2, [row - 0.38, row + 0.38], color="black", linewidth=2)
    axis.set_yticks(range(len(groups)), [f"{name} ({len(values)})" for name, values in groups.items()])
    axis.invert_yaxis()
    if log:
        _logarithmic(axis)
    if line is not None:
        axis.axvline(line, color=BELOW, linestyle="--", linewidth=1)
    return figure


def point_plot(
    series: Mapping[str, Mapping[str, Interval | Sequence[float]]],
    *,
    y_label: str,
    x_label: str = "",
    line: float | None = 0,
    joined: bool = False,
) -> Figure:
    """Estimates in percent: a colour for each name (outer), side by side at each place (inner).

    An `Interval` is a dot with its ends; several values, such as one of each seed, are pale dots around their mean. `joined` where the
    places are in an order, such as thresholds. `line` is where a horizontal line is drawn.
    """
    places = list(dict.fromkeys(place for of_name in series.values() for place in of_name))
    figure, axis = new_axes(max(7, 1.2 * len(places) + 1), 3.6, x_label=x_label, y_label=y_label)
    for number, (name, found) in enumerate(series.items()):
        colour = SERIES_COLOURS[number % len(SERIES_COLOURS)]
        x = np.array([places.index(place) for place in found]) + 0.12 * (number - (len(series) - 1) / 2)
        intervals = [one for one in found.values() if isinstance(one, Interval)]
        if intervals:
            means, errors = _in_percent(intervals)
        else:
            means, errors = np.array([100 * np.mean(one) for one in found.values()]), None
            for at, values in zip(x, found.values(), strict=True):
                axis.plot([at] * len(values), 100 * np.asarray(values), ".", color=colour, alpha=0.4, markersize=5)
        axis.errorbar(x, means, errors, fmt="o-" if joined else "o", color=colour, markersize=4, linewidth=1, label=name)
    if line is not None:
        axis.axhline(line, color="black", linewidth=0.8)
    axis.set_xticks(range(len(places)), [place.replace(": ", ":\n") for place in places])
    axis.set_xlim(-0.5, len(places) - 0.5)
    _legend(axis)
    return figure


def forest_plot(table: pd.DataFrame, *, x_label: str, line: float = 0, reference: str = "") -> Figure:
    """A row for each estimate, in percent: its mean and its interval, green above the line, red below it, gray where it holds the line.

    `table` has the columns "name" and "interval" (`Interval`); it may have "group", a heading over rows, "seeds", what single seeds gave
    (as strokes; where there is one alone, the dot is hollow), and a column named as in `reference`, numbers for diamonds, NaN for none.
    """
    rows = table.to_dict("records")
    names: list[str] = []  # of rows and headings
    at: list[int] = []  # where each estimate stands among them
    for number, row in enumerate(rows):
        if "group" in row and (number == 0 or row["group"] != rows[number - 1]["group"]):
            names.append(row["group"])
        at.append(len(names))
        names.append(row["name"])
    figure, axis = new_axes(min(12, 5.5 + 0.07 * max(map(len, names))), 0.24 * len(names) + 1, x_label=x_label)
    axis.axvline(line, color="black", linewidth=0.8)
    for place, row in zip(at, rows, strict=True):
        mean, low, high = (100 * value for value in row["interval"])
        colour = ABOVE if low > line else BELOW if high < line else UNDECIDED
        seeds = [100 * value for value in row.get("seeds", ())]
        axis.plot([low, high], [place, place], color=colour, linewidth=2)
        if len(seeds) > 1:
            axis.plot(seeds, [place] * len(seeds), "|", color=colour, markersize=9)
        axis.plot(mean, place, "o", color=colour, markersize=5, markerfacecolor="white" if len(seeds) == 1 else colour)
        if reference:
            axis.plot(row[reference], place, "D", color="black", markerfacecolor="none", markersize=7)
    axis.set_yticks(range(len(names)), names, fontsize=9)
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(len(names) - 0.5, -0.5)
    for place, text in enumerate(axis.get_yticklabels()):
        text.set_fontweight("normal" if place in at else "bold")
    for name, colour in {"above": ABOVE, "undecided": UNDECIDED, "below": BELOW}.items():
        axis.plot([], [], "o-", color=colour, label=name)
    if any(len(row.get("seeds", ())) == 1 for row in rows):
        axis.plot([], [], "o-", color="black", markerfacecolor="white", label="one seed")
    if reference:
        axis.plot([], [], "D", color="black", markerfacecolor="none", label=reference)
    _legend(axis, right=True)  # to the left there is room above the names
    return figure


def heatmap(table: pd.DataFrame, *, label: str, digits: int = 2, diverging: bool = False) -> Figure:
    """A table in colours, each value written into its field; `diverging` centres the colours on zero."""
    longest = max(len(str(name)) for name in table.index)
    figure, axis = new_axes(min(10.5, 0.46 * len(table.columns) + 0.085 * longest + 1.6), 0.3 * len(table) + 1.3)
    reach = table.abs().to_numpy().max()
    limits = {"cmap": DIVERGING, "vmin": -reach, "vmax": reach} if diverging else {"cmap": SEQUENTIAL}
    sns.heatmap(table, ax=axis, annot=True, fmt=f".{digits}f", annot_kws={"fontsize": 7}, cbar_kws={"label": label}, **limits)
    axis.tick_params(labelsize=8, length=0)
    axis.tick_params(axis="y", rotation=0)
    return figure


def snapshot(
    pictures: Mapping[str, tuple[np.ndarray, np.ndarray]], series: Mapping[str, Line], *, at: float, x_label: str, y_label: str
) -> np.ndarray:
    """A picture (H, W, 3) uint8 for a `Scrubber`: pictures by caption with the true outline, below them lines with a marker at `at`.

    Each picture is a frame, uint8 (H, W, 3), or a map of probabilities, float (H, W); each truth is bool (H, W).

    >>> shown = np.zeros((8, 8)), np.eye(8) > 0
    >>> snapshot({"a map": shown}, {"loss": ([1, 2], [4, 3])}, at=2, x_label="step", y_label="loss").shape
    (430, 480, 3)
    """
    figure, axes = new_figure(2, len(pictures), width=4.8, height=4.3, dpi=100, height_ratios=(1.3, 1))
    for axis, (name, (picture, truth)) in zip(axes[0], pictures.items(), strict=True):
        coloured = picture if picture.ndim == 3 else (255 * colormaps[SEQUENTIAL](picture)[..., :3]).astype(np.uint8)
        axis.imshow(paint_enlarged(coloured, [truth], times=-(-SNAPSHOT_SIDE // max(truth.shape)), fill=False))
        axis.set_title(name, fontsize=9)
        axis.set_axis_off()
    for axis in axes[1]:
        axis.remove()
    below = figure.add_subplot(axes[0, 0].get_gridspec()[1, :], xlabel=x_label, ylabel=y_label)
    for (name, (x, y)), colour in zip(series.items(), SERIES_COLOURS, strict=False):
        below.plot(x, y, color=colour, label=name)
        below.plot(at, np.interp(at, x, y), "o", color=colour, markersize=8)
    below.axvline(at, color=UNDECIDED, linestyle=":", linewidth=1)
    _legend(below)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _in_percent(intervals: Sequence[Interval]) -> tuple[np.ndarray, np.ndarray]:
    """Means (N,) and their distances (2, N) to the low and the high end."""
    means, low, high = 100 * np.array(intervals).T
    return means, np.array([means - low, high - means])


def _rounded(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 1 else f"{value:.3g}"


def _legend(axis: Axes, *, right: bool = False, title: str = "") -> None:
    names = axis.get_legend_handles_labels()[1]
    columns = max(1, int(22 * axis.bbox.width / axis.figure.dpi / (max(map(len, names)) + 6)))
    place: Literal["lower right", "lower center"] = "lower right" if right else "lower center"
    axis.legend(loc=place, bbox_to_anchor=(1 if right else 0.5, 1), ncols=columns, frameon=False, fontsize=8, title=title, title_fontsize=8)


def _logarithmic(axis: Axes) -> None:
    """A logarithmic x with plain numbers, 1, 2, 5, 10 and so on, however few powers of ten there are."""
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
