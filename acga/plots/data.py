"""The figures of the data notebook, one call each; `titled` puts over any figure what it shows."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from ..data.taxonomy import ACTIONS, ACTORS
from ..overlay import PALETTE, paint
from .images import _closed, _grid, _label

GROUP_COLOURS = {"actor": "#0072B2", "action": "#D55E00", "colour": "#CC79A7", "place": "#009E73", "other": "#999999"}


def save_as_jpeg() -> None:
    """Let this notebook keep its figures as JPEG: pictures of textured scenes take a fifth of what they take as PNG."""
    from IPython import get_ipython
    from matplotlib_inline.config import InlineBackend

    shell = get_ipython()
    if shell is not None:  # there is none where a test runs the cells
        inline = InlineBackend.instance(parent=shell)
        inline.print_figure_kwargs = {"bbox_inches": "tight", "pil_kwargs": {"quality": 76}}  # type: ignore[dict-item]
        inline.figure_formats = {"jpeg"}


def titled(figure: Figure, finding: str) -> Figure:
    """The figure with what it shows written over it."""
    figure.suptitle(finding, fontsize=11, fontweight="bold")
    return figure


def taxonomy(pictures: Mapping[tuple[str, str], np.ndarray]) -> Figure:
    """A row an actor, a column an action; a picture (H, W, 3) where the pair is valid, a hatched field where it is not."""
    figure, axes = plt.subplots(len(ACTORS), len(ACTIONS), figsize=(8.4, 6.8), layout="constrained")
    for row, actor in enumerate(ACTORS):
        for column, action in enumerate(ACTIONS):
            axis = axes[row, column]
            axis.set(xticks=[], yticks=[])
            if (actor, action) in pictures:
                axis.imshow(pictures[actor, action])
            else:
                axis.set_aspect("equal")
                axis.add_patch(Rectangle((0, 0), 1, 1, hatch="///", facecolor="#f4f4f4", edgecolor="#cccccc"))
            axis.spines[:].set_visible(False)
        axes[row, 0].set_ylabel(actor)
    for column, action in enumerate(ACTIONS):
        axes[0, column].set_title(action, fontsize=10)
    return _closed(figure)


def pictures(shown: Mapping[str, np.ndarray], *, columns: int | None = None, width: float = 9) -> Figure:
    """Pictures (H, W[, 3]) with their captions, in rows of so many columns; without colours in black and white. `width` in inches."""
    columns = columns or len(shown)
    rows = -(-len(shown) // columns)
    largest = np.max([picture.shape[:2] for picture in shown.values()], axis=0)
    captions = [textwrap.fill(caption, int(14 * width / columns)) for caption in shown]
    above = 0.16 + 0.14 * max(caption.count("\n") + 1 for caption in captions)
    figure, axes = _grid(rows, columns, (int(largest[0]), int(largest[1])), width=width, above=above)
    for axis, caption, picture in zip(axes.flat, captions, shown.values(), strict=False):
        axis.imshow(picture, cmap="gray")
        axis.set_title(caption, fontsize=8)
    return _closed(figure)


def marked(frame: np.ndarray, masks: Sequence[np.ndarray], *, times: int = 3, fill: bool = True) -> np.ndarray:
    """A small frame (H, W, 3) uint8 enlarged so many times, bool masks (H, W) painted over it with fine outlines, or only outlined.

    >>> marked(np.zeros((4, 6, 3), np.uint8), [np.ones((4, 6), bool)]).shape
    (12, 18, 3)
    """
    large = cv2.resize(frame, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    return paint(large, [mask.repeat(times, axis=0).repeat(times, axis=1) for mask in masks], fill=fill)


def spread(groups: Mapping[str, Sequence[float]], *, x_label: str, line: float | None = None) -> Figure:
    """A dot for each value, a row for each group with its median as a tick; a logarithmic scale. `line` marks the median of all."""
    figure, axis = plt.subplots(figsize=(7, 0.42 * len(groups) + 1.1), layout="constrained")
    for row, values in enumerate(groups.values()):
        height = row + 0.25 * np.sin(2.4 * np.arange(len(values)))  # so that dots do not hide each other
        axis.scatter(values, height, s=14, color=PALETTE[5], alpha=0.6, linewidths=0)
        axis.plot([np.median(values)] * 2, [row - 0.38, row + 0.38], color="black", linewidth=2)
    axis.set_yticks(range(len(groups)), [f"{name} ({len(values)})" for name, values in groups.items()])
    axis.invert_yaxis()
    _logarithmic(axis)
    if line is not None:
        axis.axvline(line, color=PALETTE[6], linestyle="--", linewidth=1)
    _label(axis, x_label, "")
    return _closed(figure)


def histogram(values: Sequence[int], *, x_label: str, y_label: str, limit: int | None = None) -> Figure:
    """How often each whole number occurs, up to `limit`, with the median as a dashed line."""
    figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
    axis.hist(values, bins=[number + 0.5 for number in range((limit or max(values)) + 1)], color=PALETTE[5], rwidth=0.85)
    axis.axvline(float(np.median(values)), color=PALETTE[6], linestyle="--")
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(MaxNLocator(integer=True))
    _label(axis, x_label, y_label)
    return _closed(figure)


def counts(values: Mapping[str, int], groups: Mapping[str, str], *, x_label: str) -> Figure:
    """A bar for each word, coloured by the group that `groups` puts it in (a key of `GROUP_COLOURS`; without one, other)."""
    figure, axis = plt.subplots(figsize=(7, 0.19 * len(values) + 0.9), layout="constrained")
    colours = [GROUP_COLOURS[groups.get(word, "other")] for word in values]
    axis.barh(list(values), list(values.values()), color=colours)
    axis.invert_yaxis()
    axis.tick_params(axis="y", labelsize=8)
    axis.margins(y=0.01)
    axis.legend(handles=[Patch(color=shade, label=name) for name, shade in GROUP_COLOURS.items()], frameon=False, loc="lower right")
    _label(axis, x_label, "")
    return _closed(figure)


def side_by_side(values: Mapping[str, Mapping[str, float]], *, y_label: str) -> Figure:
    """For each name (outer) a group of bars, one for each series (inner), with the values over them."""
    series = list(next(iter(values.values())))
    figure, axis = plt.subplots(figsize=(max(5, 1.5 * len(values) + 1), 3.2), layout="constrained")
    width = 0.8 / len(series)
    for number, name in enumerate(series):
        places = np.arange(len(values)) + (number - (len(series) - 1) / 2) * width
        drawn = axis.bar(places, [group[name] for group in values.values()], width, color=PALETTE[(5, 1)[number % 2]], label=name)
        axis.bar_label(drawn, fmt="%.2f", fontsize=8)
    axis.set_xticks(range(len(values)), list(values))
    axis.legend(frameon=False, fontsize=9, ncols=len(series), loc="lower center", bbox_to_anchor=(0.5, 1))  # above: bars may be high
    _label(axis, "", y_label)
    return _closed(figure)


def scatter(series: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, x_label: str, y_label: str) -> Figure:
    """Points (x, y) by name over a logarithmic x, each series with its own marker."""
    figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for number, (name, (x, y)) in enumerate(series.items()):
        axis.scatter(
            x, y, s=22, marker="osD^v"[number % 5], color=PALETTE[(5, 1, 2, 4, 0)[number % 5]], alpha=0.7, linewidths=0, label=name
        )
    _logarithmic(axis)
    axis.legend(frameon=False, fontsize=9)
    _label(axis, x_label, y_label)
    return _closed(figure)


def labelled(series: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, x_label: str, y_label: str) -> Figure:
    """Lines (x, y), each with its name at its right end."""
    figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
    shades = [PALETTE[number] for number in (5, 1, 4, 2, 6, 0)]
    ends: list[float] = []
    for number, (name, (x, y)) in enumerate(sorted(series.items(), key=lambda item: item[1][1][-1])):
        axis.plot(x, y, color=shades[number % 6], linestyle=("-", "--")[number % 2])
        ends.append(max(y[-1], ends[-1] + 0.055 * (axis.dataLim.ymax - axis.dataLim.ymin)) if ends else y[-1])  # names keep apart
        axis.annotate(name, (x[-1], ends[-1]), xytext=(5, 0), textcoords="offset points", va="center", color=shades[number % 6])
    _label(axis, x_label, y_label)
    return _closed(figure)


def difference(kept: np.ndarray, original: np.ndarray, *, margin: int = 6) -> np.ndarray:
    """A picture (h, w, 3) uint8 of two bool masks (H, W): white in both, orange lost, blue gained; cut out with a margin in pixels.

    >>> difference(np.array([[True, False]]), np.array([[False, True]])).tolist()
    [[[0, 114, 178], [230, 159, 0]]]
    """
    picture = np.zeros((*original.shape, 3), np.uint8)
    picture[kept & original] = 255
    picture[original & ~kept] = 230, 159, 0
    picture[kept & ~original] = 0, 114, 178
    rows, columns = (np.flatnonzero((kept | original).any(axis)) for axis in (1, 0))
    return picture[max(rows[0] - margin, 0) : rows[-1] + margin + 1, max(columns[0] - margin, 0) : columns[-1] + margin + 1]


def _logarithmic(axis: Axes) -> None:
    """A logarithmic x with plain numbers, 1, 2, 5, 10 and so on, however few powers of ten there are."""
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
