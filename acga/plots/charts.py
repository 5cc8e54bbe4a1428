"""The figures of the notebooks on training and on the benchmark, one call each; `plots_data.titled` puts over any of them what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ..overlay import PALETTE
from ..study.bootstrap import Interval
from .images import _closed, _label

Line = tuple[Sequence[float] | np.ndarray, Sequence[float] | np.ndarray]  # x, y
SHADES = tuple(PALETTE[number] for number in (5, 1, 4, 2, 6, 0))  # in the order of need; yellow lines are lost on white
RIGHT, MISSED, WRONG = PALETTE[5], PALETTE[0], PALETTE[1]  # pixels in both masks, in the truth alone, in the answer alone


def grids(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Tiny masks (answer, truth), each bool (H, W), cell by cell: in both, in the truth alone, in the answer alone, in neither."""
    figure, axes = plt.subplots(1, len(pairs), figsize=(2.3 * len(pairs) + 1.6, 2.5), squeeze=False, layout="constrained")
    for axis, (name, (answer, truth)) in zip(axes[0], pairs.items(), strict=True):
        for (row, column), present in np.ndenumerate(truth):
            shade, letter = {(1, 1): (RIGHT, "both"), (0, 1): (MISSED, "truth"), (1, 0): (WRONG, "answer")}.get(
                (int(answer[row, column]), int(present)), ("#f4f4f4", "")
            )
            axis.add_patch(Rectangle((column, row), 1, 1, facecolor=shade, edgecolor="white", linewidth=2))
            ink = "white" if shade == RIGHT else "black"
            axis.text(column + 0.5, row + 0.5, letter, ha="center", va="center", fontsize=7, color=ink)
        axis.set(xlim=(0, truth.shape[1]), ylim=(truth.shape[0], 0), xticks=[], yticks=[], aspect="equal")
        axis.set_title(name, fontsize=10)
        axis.spines[:].set_visible(False)
    return _closed(figure)


def lines(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, x_label: str, y_label: str, dashed: Sequence[str] = ()
) -> Figure:
    """Lines (x, y) by name, those named in `dashed` thin and dashed, such as other people's results."""
    figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for number, (name, (x, y)) in enumerate(series.items()):
        thin = name in dashed
        axis.plot(x, y, color=SHADES[number % 6], linestyle="--" if thin else "-", linewidth=1.3 if thin else 2.2, label=name)
    axis.legend(frameon=False, fontsize=8)
    _label(axis, x_label, y_label)
    return _closed(figure)


def smoothed(values: Sequence[float], width: int) -> np.ndarray:
    """A running mean over `width` neighbours, fewer at the ends: (N,) -> (N,).

    >>> smoothed([0, 3, 6, 9], 3).tolist()
    [1.5, 3.0, 6.0, 7.5]
    """
    ones = np.ones(min(width, len(values)))
    return np.convolve(values, ones, "same") / np.convolve(np.ones(len(values)), ones, "same")


def losses(
    runs: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, y_label: str, width: int = 9, logarithmic: bool = False
) -> Figure:
    """The loss of each run over its steps: pale as it was logged, and its running mean over `width` entries."""
    figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for number, (name, (steps, values)) in enumerate(runs.items()):
        shade = SHADES[number % 6]
        axis.plot(steps, values, color=shade, alpha=0.3, linewidth=1)
        axis.plot(steps, smoothed(values, width), color=shade, linewidth=2, label=name, linestyle=("-", "--")[number % 2])
    if logarithmic:
        axis.set_yscale("log")
    axis.legend(frameon=False, fontsize=9)
    _label(axis, "step", y_label)
    return _closed(figure)


def moment(
    pictures: Mapping[str, tuple[np.ndarray, np.ndarray]], series: Mapping[str, Line], *, at: float, x_label: str, y_label: str
) -> np.ndarray:
    """A picture (H, W, 3) uint8 for a `Scrubber`: pictures by caption with the true outline, below them lines with a marker at `at`.

    Each picture is a frame, uint8 (H, W, 3), or a map of probabilities, float (H, W); each truth is bool (H, W).

    >>> shown = np.zeros((8, 8)), np.eye(8) > 0
    >>> moment({"a map": shown}, {"loss": ([1, 2], [4, 3])}, at=2, x_label="step", y_label="loss").shape
    (430, 480, 3)
    """
    figure = plt.figure(figsize=(4.8, 4.3), dpi=100, layout="constrained")
    grid = figure.add_gridspec(2, len(pictures), height_ratios=(1.3, 1))
    below = figure.add_subplot(grid[1, :])
    for column, (name, (picture, truth)) in enumerate(pictures.items()):
        axis = figure.add_subplot(grid[0, column])
        axis.imshow(picture, vmin=0, vmax=1, cmap="viridis")
        for shade, width in (("black", 2.4), ("white", 1.2)):
            axis.contour(truth, [0.5], colors=shade, linewidths=width)
        axis.set_title(name, fontsize=9)
        axis.set_axis_off()
    for number, (name, (x, y)) in enumerate(series.items()):
        below.plot(x, y, color=SHADES[number % 6], label=name)
        below.plot(at, np.interp(at, x, y), "o", color=SHADES[number % 6], markersize=8)
    below.axvline(at, color="#777777", linestyle=":", linewidth=1)
    below.legend(frameon=False, fontsize=8, ncols=len(series), loc="lower center", bbox_to_anchor=(0.5, 1))  # never in the way
    _label(below, x_label, y_label)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    _closed(figure)
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def panels(tables: Mapping[str, Mapping[str, Line]], *, x_label: str, shared: bool = False) -> Figure:
    """A panel a quantity, named over it, with lines (x, y) by run; every panel from zero on, in its own scale unless it is `shared`."""
    size = 2.7 * len(tables) + 0.4, 2.9
    figure, axes = plt.subplots(1, len(tables), figsize=size, squeeze=False, sharey=shared, layout="constrained")
    for axis, (title, series) in zip(axes[0], tables.items(), strict=True):
        for number, (name, (x, y)) in enumerate(series.items()):
            axis.plot(x, y, color=SHADES[number % 6], marker="os^D"[number % 4], markersize=3, label=name)
        axis.set_title(title, fontsize=10)
        _label(axis, x_label, "")
    for axis in axes[0]:  # when all is drawn, or a shared scale would be the first one's
        axis.set_ylim(bottom=0)
    if len(next(iter(tables.values()))) > 1:
        axes[0, 0].legend(frameon=False, fontsize=8)
    return _closed(figure)


def breakdown(groups: Mapping[str, Mapping[str, tuple[Interval, int]]], *, x_label: str, line: float) -> Figure:
    """A panel for each way to group samples: the mean of each group with its interval and its size; `line` is the mean of all."""
    columns = 2
    rows = -(-len(groups) // columns)
    heights = [max(len(table) for table in list(groups.values())[row * columns : (row + 1) * columns]) for row in range(rows)]
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(9, 0.27 * sum(heights) + 0.75 * rows),
        squeeze=False,
        sharex=True,
        layout="constrained",
        gridspec_kw={"height_ratios": heights},
    )
    for axis, (title, table) in zip(axes.flat, groups.items(), strict=False):
        for row, (interval, _) in enumerate(table.values()):
            axis.plot([interval.low, interval.high], [row, row], color=PALETTE[5], linewidth=2, alpha=0.6)
            axis.plot(interval.mean, row, "o", color=PALETTE[5], markersize=6)
        axis.axvline(line, color=PALETTE[6], linestyle="--", linewidth=1)
        axis.set_yticks(range(len(table)), [f"{name} ({count:,})" for name, (_, count) in table.items()], fontsize=9)
        axis.set_ylim(len(table) - 0.4, -0.6)
        axis.set_title(title, fontsize=10)
        _label(axis, "", "")
    for axis in list(axes.flat)[len(groups) :]:
        axis.set_axis_off()
    for axis in list(axes.flat)[max(len(groups) - columns, 0) : len(groups)]:  # the lowest one of each column
        axis.tick_params(labelbottom=True)
        axis.set_xlabel(x_label)
    return _closed(figure)


def shares(rows: Mapping[str, Mapping[str, int]], *, x_label: str) -> Figure:
    """For each row a bar cut into the shares of its parts, which all rows have in one order, with the percentages in them."""
    figure, axis = plt.subplots(figsize=(8, 0.5 * len(rows) + 1.4), layout="constrained")
    parts = list(next(iter(rows.values())))
    names = [f"{name} ({sum(counts.values()):,})" for name, counts in rows.items()]
    left = np.zeros(len(rows))
    for number, part in enumerate(parts):
        width = np.array([100 * counts[part] / max(sum(counts.values()), 1) for counts in rows.values()])
        drawn = axis.barh(names, width, left=left, color=SHADES[number % 6], edgecolor="white")
        labels = [f"{value:.0f}" if value >= 4 else "" for value in width]
        axis.bar_label(drawn, labels, label_type="center", fontsize=8, color="white" if number in (0, 2, 4) else "black")
        left += width
    axis.invert_yaxis()
    handles = [Patch(color=SHADES[number % 6], label=part) for number, part in enumerate(parts)]
    axis.legend(handles=handles, frameon=False, fontsize=8, ncols=len(parts), loc="lower center", bbox_to_anchor=(0.5, 1))
    _label(axis, x_label, "")
    return _closed(figure)
