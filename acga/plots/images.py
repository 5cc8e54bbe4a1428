"""Pictures: masks painted over frames, and the figures that the notebooks and the command line show, one call each.

Colours are told apart by colour-blind readers too (Okabe and Ito, 2008). Every figure is returned and none is left open, so that a
notebook shows it once; titles that state a finding are the caller's.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..data.geometry import undo_pad_resize
from ..metrics import intersection_over_union
from ..overlay import PALETTE, paint


def overlay(frame: np.ndarray, masks: Mapping[str, np.ndarray]) -> Figure:
    """One frame `(H, W, 3)` with the masks `(H, W)` of its queries, and a legend."""
    figure, axes = _grid(1, 1, frame.shape[:2], width=6)
    axes[0, 0].imshow(paint(frame, masks.values()))
    for number, query in enumerate(masks):
        axes[0, 0].plot([], [], "o", color=PALETTE[number % len(PALETTE)], label=query)
    if masks:
        axes[0, 0].legend(loc="upper center", bbox_to_anchor=(0.5, 0), frameon=False)
    return _closed(figure)


def strip(frames: Sequence[np.ndarray], masks: Sequence[Sequence[np.ndarray]] | None = None, *, titles: Sequence[str] = ()) -> Figure:
    """Frames `(H, W, 3)` side by side, the masks `(H, W)` of each over it."""
    figure, axes = _grid(1, len(frames), frames[0].shape[:2], width=max(6, 1.6 * len(frames)))
    for number, (axis, frame) in enumerate(zip(axes[0], frames, strict=True)):
        axis.imshow(frame if masks is None else paint(frame, masks[number]))
        axis.set_title(titles[number] if titles else "", fontsize=8)
    return _closed(figure)


def response_maps(responses: Mapping[str, np.ndarray]) -> Figure:
    """Probabilities of logits `(h, w)` side by side, by name, such as the small, medium and large response; one scale from 0 to 1."""
    figure, axes = plt.subplots(1, len(responses), figsize=(2.6 * len(responses) + 0.6, 2.7), squeeze=False, layout="constrained")
    for axis, (name, response) in zip(axes[0], responses.items(), strict=True):
        image = axis.imshow(_probability(response), vmin=0, vmax=1, cmap="viridis")
        axis.set_title(name, fontsize=9)
        axis.set_axis_off()
    figure.colorbar(image, ax=axes[0, -1], label="probability of foreground", fraction=0.05)
    return _closed(figure)


@dataclass(frozen=True, kw_only=True)
class Example:
    """A row of a contact sheet."""

    query: str
    frame: np.ndarray  # uint8 (H, W, 3)
    response: np.ndarray  # logits (S, S)
    predicted: np.ndarray  # bool (H, W)
    target: np.ndarray | None = None  # bool (H, W)


def contact_sheet(examples: Sequence[Example]) -> Figure:
    """A row an example: frame, response, mask and, where it is known, the truth with the IoU; above each row its query."""
    columns = 3 if all(example.target is None for example in examples) else 4
    figure, axes = _grid(len(examples), columns, examples[0].frame.shape[:2], width=10, above=0.35)
    for number, (row, example) in enumerate(zip(axes, examples, strict=True)):
        size = example.frame.shape[:2]
        empty = np.zeros(size, bool)
        others = [empty] * (number % len(PALETTE))  # so that the mask gets the colour of its query
        row[0].imshow(example.frame)
        row[0].set_title(textwrap.fill(example.query, 32), fontsize=9, loc="left")
        # The response is on the square: take it to the frame as masks are taken.
        row[1].imshow(undo_pad_resize((255 * _probability(example.response)).astype(np.uint8), size), vmin=0, vmax=255, cmap="viridis")
        row[1].set_title(f"response, at most {_probability(example.response).max():.2f}", fontsize=9)
        row[2].imshow(paint(example.frame, [*others, example.predicted]))
        row[2].set_title("mask", fontsize=9)
        if example.target is not None:
            row[3].imshow(paint(example.frame, [*others, example.target]))
            row[3].set_title(f"truth, IoU {intersection_over_union(example.predicted, example.target):.2f}", fontsize=9)
    return _closed(figure)


def curves(series: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, x_label: str, y_label: str) -> Figure:
    """Lines (x, y) by name, such as the losses of a run's log over its steps."""
    figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
    for number, (name, (x, y)) in enumerate(series.items()):
        axis.plot(x, y, color=PALETTE[number % len(PALETTE)], label=name)
    _label(axis, x_label, y_label)
    if len(series) > 1:
        axis.legend(frameon=False)
    return _closed(figure)


def bars(values: Mapping[str, float], *, y_label: str, errors: Mapping[str, float] | None = None) -> Figure:
    """A bar for each name, with its value above it and, where given, a symmetric error."""
    figure, axis = plt.subplots(figsize=(max(4, 0.9 * len(values) + 1), 3.4), layout="constrained")
    drawn = axis.bar(
        list(values), list(values.values()), color=PALETTE[5], yerr=None if errors is None else [errors[name] for name in values]
    )
    axis.bar_label(drawn, fmt="%.3g", fontsize=8)
    _label(axis, "", y_label)
    return _closed(figure)


def _label(axis: Axes, x_label: str, y_label: str) -> None:
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)
    axis.spines[["top", "right"]].set_visible(False)


def _probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(np.asarray(logits, np.float64), -60, 60)))


def _grid(rows: int, columns: int, size: tuple[int, int], *, width: float, above: float = 0.2) -> tuple[Figure, np.ndarray]:
    """Axes without frames for pictures of `size` (h, w); lengths in inches, `above` each row for its title."""
    shape = min(max(size[0] / size[1], 0.2), 3)
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, rows * (width / columns * shape + above)), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.set_axis_off()
    return figure, axes


def _closed(figure: Figure) -> Figure:
    plt.close(figure)  # of pyplot's figures; it can still be shown and saved
    return figure
