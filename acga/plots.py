"""Pictures: masks painted over frames, and the figures that the notebooks and the command line show, one call each.

Colours are told apart by colour-blind readers too (Okabe and Ito, 2008). Every figure is returned and none is left open, so that a
notebook shows it once; titles that state a finding are the caller's.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .language import plain
from .metrics import intersection_over_union
from .video import undo_pad_resize

PALETTE = ("#56B4E9", "#E69F00", "#CC79A7", "#F0E442", "#009E73", "#0072B2", "#D55E00")
OPACITY = 0.5  # of a mask over its frame
LEGIBLE = 320  # pixels: smaller pictures are enlarged, so that a legend can be read
FONT = cv2.FONT_HERSHEY_SIMPLEX


def colour(number: int) -> tuple[int, int, int]:
    """RGB of the query with this number; after seven queries colours come again.

    >>> colour(0), colour(7)
    ((86, 180, 233), (86, 180, 233))
    """
    code = PALETTE[number % len(PALETTE)]
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def paint(frame: np.ndarray, masks: Iterable[np.ndarray], *, fill: bool = True) -> np.ndarray:
    """A frame `(H, W, 3)` uint8 with bool masks `(H, W)` over it, each in its colour and outlined, or only outlined.

    >>> frame, mask = np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32), bool)
    >>> mask[:8, :8] = True
    >>> painted = paint(frame, [mask])
    >>> painted[2, 2].any(), painted[31, 31].any()
    (np.True_, np.False_)
    """
    painted = frame.copy()
    thickness = max(1, round(max(frame.shape[:2]) / 400))
    for number, mask in enumerate(masks):
        if fill:
            painted[mask] = (OPACITY * np.array(colour(number)) + (1 - OPACITY) * painted[mask]).astype(np.uint8)
        contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(painted, contours, -1, (255, 255, 255), thickness + 2)  # or a mask would drown in clothes of its colour
        cv2.drawContours(painted, contours, -1, colour(number), thickness)
    return painted


class Overlay:
    """Pictures of one size with a legend: the masks of each query in its colour, the queries' words below.

    Frames under 320 pixels are enlarged by a whole number, narrow ones get black sides.

    >>> overlay = Overlay(["dog on the left"], (100, 150))
    >>> overlay.picture(np.zeros((100, 150, 3), np.uint8), [np.zeros((100, 150), bool)]).shape == (*overlay.size, 3)
    True
    """

    def __init__(self, queries: Sequence[str], size: tuple[int, int]) -> None:
        """`size` is (h, w) of the frames."""
        height, width = size
        self._scale = max(1, LEGIBLE // max(size))
        self._width = max(width * self._scale, LEGIBLE)
        self._left = (self._width - width * self._scale) // 2
        legend = _legend(queries, self._width)
        self._canvas = np.zeros((height * self._scale + len(legend), self._width, 3), np.uint8)
        self._canvas[height * self._scale :] = legend
        self.size = self._canvas.shape[:2]  # (h, w) of the pictures

    def picture(self, frame: np.ndarray, masks: Iterable[np.ndarray]) -> np.ndarray:
        """Frame `(H, W, 3)` uint8 and bool masks `(H, W)` to a picture `(*size, 3)` uint8."""
        if self._scale > 1:
            frame = self._enlarge(frame, cv2.INTER_CUBIC)
            masks = [self._enlarge(mask.astype(np.uint8), cv2.INTER_NEAREST).astype(bool) for mask in masks]
        painted = paint(frame, masks)
        picture = self._canvas.copy()
        picture[: len(painted), self._left : self._left + painted.shape[1]] = painted
        return picture

    def _enlarge(self, picture: np.ndarray, interpolation: int) -> np.ndarray:
        return cv2.resize(picture, None, fx=self._scale, fy=self._scale, interpolation=interpolation)


def _legend(queries: Sequence[str], width: int) -> np.ndarray:
    """One line of text a query, beside a spot of its colour; a line that is too long is cut short."""
    scale = max(0.45, min(width / 900, 1.6))
    line = round(40 * scale)
    strip = np.full((line * len(queries), width, 3), 24, np.uint8)
    for number, query in enumerate(queries):
        text = plain(query).encode("ascii", "replace").decode()  # all that OpenCV's font has
        room = width - 2 * line
        while cv2.getTextSize(text, FONT, scale, 1)[0][0] > room:
            text = f"{text.removesuffix('...')[:-1]}..."
        middle, height = line * number + line // 2, cv2.getTextSize(text, FONT, scale, 1)[0][1]
        cv2.circle(strip, (line * 3 // 4, middle), line // 4, colour(number), -1, cv2.LINE_AA)
        cv2.putText(strip, text, (line * 3 // 2, middle + height * 2 // 5), FONT, scale, (235, 235, 235), 1, cv2.LINE_AA)
    return strip


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
