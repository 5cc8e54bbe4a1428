"""The figures of the notebooks on encoders and attention: maps over frames, tables of weights, what grows with the number of pixels.

A frame here is the network's square, uint8 (S, S, 3); a map has a value for every cell of it, (h, w), whatever its resolution.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import cv2
import matplotlib
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from ..overlay import FONT, PALETTE, colour
from .images import _closed, _grid, _label

COLOURS = "viridis"  # of values from zero; it grows lighter, so it can be read without seeing colours
SIGNED = "PuOr"  # of values to both sides of zero
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of red, green and blue
STRENGTH = 0.4, 0.75  # of a map over its frame, where its values are lowest and highest
SIDE = 256  # pixels of a square once enlarged
Cell = tuple[int, int]  # row and column of a map


def outlined(square: np.ndarray, masks: Mapping[int, np.ndarray], *, times: int = 3) -> np.ndarray:
    """The frame enlarged so many times, with the outline of each bool mask (S, S) in its number's colour; what is inside keeps its own.

    >>> outlined(np.zeros((4, 6, 3), np.uint8), {1: np.ones((4, 6), bool)}).shape
    (12, 18, 3)
    """
    picture = cv2.resize(square, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    for number, mask in masks.items():
        large = mask.astype(np.uint8).repeat(times, axis=0).repeat(times, axis=1)
        contours, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, (0, 0, 0), 7)
        cv2.drawContours(picture, contours, -1, (255, 255, 255), 5)
        cv2.drawContours(picture, contours, -1, colour(number), 3)
    return picture


def tint(square: np.ndarray, values: np.ndarray, *, highest: float | None = None, mask: np.ndarray | None = None) -> np.ndarray:
    """A picture (256, 256, 3) uint8: the frame in gray under a map (h, w) of values from 0 to `highest`, by default the map's own
    maximum, with the outline of a bool mask (S, S).

    >>> tint(np.zeros((128, 128, 3), np.uint8), np.eye(8)).shape
    (256, 256, 3)
    """
    top = float(values.max()) if highest is None else highest
    levels = np.clip(np.asarray(values, np.float64) / max(top, 1e-12), 0, 1)
    colours = (255 * matplotlib.colormaps[COLOURS](levels)[..., :3]).astype(np.uint8)  # (h, w, 3)
    large = cv2.resize(colours, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    gray = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).mean(axis=2, keepdims=True)
    strength = np.interp(cv2.resize(levels, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST), (0, 1), STRENGTH)[..., None]
    picture = (strength * large + (1 - strength) * gray).astype(np.uint8)
    return picture if mask is None else _outlined(picture, mask)


def over_frame(
    square: np.ndarray | Sequence[np.ndarray],
    maps: Mapping[str, np.ndarray],
    *,
    label: str,
    mask: np.ndarray | Sequence[np.ndarray] | None = None,
    cells: Sequence[Cell] = (),
    columns: int | None = None,
    highest: float | None = None,
    width: float = 9,
) -> Figure:
    """Maps (h, w) by caption over a frame, or each over its own, on one scale from 0 to `highest` (by default the largest value).

    `mask` is outlined: one for all, or one for each; `cells` marks a cell in each. `label` says what the colours mean, with its unit.
    """
    columns = columns or len(maps)
    rows = -(-len(maps) // columns)
    top = max(float(values.max()) for values in maps.values()) if highest is None else highest
    squares = [square] * len(maps) if isinstance(square, np.ndarray) else square
    masks = [mask] * len(maps) if mask is None or isinstance(mask, np.ndarray) else mask
    captions = [textwrap.fill(caption, int(13 * width / columns)) for caption in maps]
    above = 0.16 + 0.15 * max(caption.count("\n") + 1 for caption in captions)
    figure, axes = _grid(rows, columns, (9, 10), width=width, above=above)  # a tenth of the width is the scale's
    for number, (axis, values) in enumerate(zip(axes.flat, maps.values(), strict=False)):
        picture = tint(squares[number], values, highest=top, mask=masks[number])
        axis.imshow(_marked(picture, cells[number], values.shape) if cells else picture)
        axis.set_title(captions[number], fontsize=8)
    figure.colorbar(ScalarMappable(Normalize(0, top), COLOURS), ax=axes, label=label, fraction=0.03, aspect=14 * rows, pad=0.01)
    return _closed(figure)


def heat(
    values: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, label: str, digits: int | None = 2, signed: bool = False
) -> Figure:
    """A table (R, C) in colours, each value written into its field unless `digits` is None; `signed` centres the colours on zero."""
    reach = float(np.abs(values).max())
    longest = max(len(name) for name in rows)
    figure, axis = plt.subplots(
        figsize=(min(10.5, 0.46 * len(columns) + 0.085 * longest + 1.6), 0.3 * len(rows) + 1.3), layout="constrained"
    )
    image = axis.imshow(
        values, cmap=SIGNED if signed else COLOURS, vmin=-reach if signed else min(0, values.min()), vmax=reach, aspect="auto"
    )
    axis.set_xticks(range(len(columns)), columns, rotation=45 if max(len(name) for name in columns) > 4 else 0, ha="right")
    axis.set_yticks(range(len(rows)), rows)
    axis.tick_params(labelsize=8, length=0)
    for row, column in np.ndindex(*values.shape) if digits is not None else ():
        ink = "black" if LUMINANCE @ image.cmap(image.norm(values[row, column]))[:3] > 0.5 else "white"
        axis.text(column, row, f"{values[row, column]:.{digits}f}", ha="center", va="center", fontsize=7, color=ink)
    figure.colorbar(image, ax=axis, label=label, pad=0.02)
    return _closed(figure)


def signed_maps(maps: Mapping[str, np.ndarray], *, label: str, columns: int | None = None) -> Figure:
    """Maps (h, w) by caption without a frame, on one scale that is centred on zero."""
    columns = columns or len(maps)
    reach = max(float(np.abs(values).max()) for values in maps.values())
    figure, axes = _grid(-(-len(maps) // columns), columns, (1, 1), width=8, above=0.3)
    for axis, (caption, values) in zip(axes.flat, maps.items(), strict=False):
        axis.imshow(values, cmap=SIGNED, vmin=-reach, vmax=reach)
        axis.set_title(caption, fontsize=8)
    figure.colorbar(ScalarMappable(Normalize(-reach, reach), SIGNED), ax=axes, label=label, fraction=0.03, pad=0.01)
    return _closed(figure)


def growth(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, x_label: str, y_label: str, marks: Mapping[str, float] | None = None
) -> Figure:
    """Lines (x, y) on logarithmic scales, where a power is a straight line; dotted verticals at `marks`, by name."""
    figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for number, (name, (x, y)) in enumerate(series.items()):
        axis.plot(x, y, marker="osD^v"[number % 5], markersize=4, color=PALETTE[(5, 6, 4, 2, 1)[number % 5]], label=name)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(x, [f"{value:g}" for value in x])  # those of the last line
    axis.minorticks_off()
    for name, place in (marks or {}).items():
        axis.axvline(place, color="#777777", linestyle=":", linewidth=1)
        axis.annotate(
            name, (place, 0.03), xycoords=("data", "axes fraction"), xytext=(3, 0), textcoords="offset points", fontsize=8, color="#555555"
        )
    axis.legend(frameon=False, fontsize=9)
    _label(axis, x_label, y_label)
    return _closed(figure)


def words_at(square: np.ndarray, cell: Cell, size: Cell, words: Sequence[str], weights: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 for a `Scrubber`: the frame with one cell of (h, w) marked, beside it the weight (L,) of every word there.

    >>> words_at(np.zeros((128, 128, 3), np.uint8), (1, 2), (8, 8), ["a", "dog"], np.array([0.2, 0.8])).shape
    (256, 512, 3)
    """
    frame = _marked(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), cell, size)
    panel = np.full((SIDE, SIDE, 3), 24, np.uint8)
    line = min(24, SIDE // len(words))
    for number, (word, weight) in enumerate(zip(words, weights, strict=True)):
        bottom = (number + 1) * line
        length = round(float(weight) * (SIDE - 118))
        cv2.rectangle(panel, (110, bottom - line + 3), (110 + length, bottom - 3), (86, 180, 233), -1)
        size_of_text = min(0.42, line / 36)
        cv2.putText(panel, word[:14], (6, bottom - line // 4), FONT, size_of_text, (235, 235, 235), 1, cv2.LINE_AA)
    return np.hstack([frame, panel])


def maps_at(square: np.ndarray, cell: Cell, maps: Sequence[np.ndarray], *, mask: np.ndarray | None = None) -> np.ndarray:
    """A picture (H, W, 3) uint8 for a `Scrubber`: what one cell attends to, a map (h, w) for each query side by side, each on its scale.

    >>> maps_at(np.zeros((128, 128, 3), np.uint8), (1, 2), [np.eye(8), np.ones((8, 8))]).shape
    (256, 512, 3)
    """
    return np.hstack([_marked(tint(square, values, mask=mask), cell, values.shape) for values in maps])


def _outlined(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    outlines, _ = cv2.findContours(
        cv2.resize(mask.astype(np.uint8), picture.shape[:2], interpolation=cv2.INTER_NEAREST), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    cv2.drawContours(picture, outlines, -1, (0, 0, 0), 4)
    cv2.drawContours(picture, outlines, -1, (255, 255, 255), 2)
    return picture


def _marked(picture: np.ndarray, cell: Cell, size: tuple[int, ...]) -> np.ndarray:
    """The picture with a frame around a cell of (h, w)."""
    height, width = picture.shape[0] / size[0], picture.shape[1] / size[1]
    top_left = round(cell[1] * width), round(cell[0] * height)
    bottom_right = round((cell[1] + 1) * width) - 1, round((cell[0] + 1) * height) - 1
    cv2.rectangle(picture, top_left, bottom_right, (0, 0, 0), 5)
    cv2.rectangle(picture, top_left, bottom_right, (230, 159, 0), 3)
    return picture
