"""Figures of pictures: frames, masks over frames, grids of pictures, and contact sheets of answers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from ..data.geometry import undo_pad_resize
from ..metrics import intersection_over_union
from ..output.overlay import PALETTE, paint_masks
from .style import DIVERGING, SEQUENTIAL, new_figure


def image_grid(
    pictures: Mapping[str, np.ndarray],
    *,
    columns: int | None = None,
    width: float = 9,
    limits: tuple[float, float] | None = None,
    label: str = "",
) -> Figure:
    """Pictures (H, W[, 3]) with their captions, in rows of so many columns; `width` in inches.

    Those without colours are gray; with `limits` they are maps on that one scale, and `label` says what the colours mean.
    """
    columns = columns or len(pictures)
    rows = -(-len(pictures) // columns)
    captions = [textwrap.fill(caption, int(13 * width / columns)) for caption in pictures]
    height, breadth = np.max([picture.shape[:2] for picture in pictures.values()], axis=0)
    each = width / columns * min(max(height / breadth, 0.2), 3) + 0.16 + 0.15 * max(caption.count("\n") + 1 for caption in captions)
    figure, axes = new_figure(rows, columns, width=width, height=rows * each)
    low, high = limits or (None, None)
    colours = "gray" if limits is None else DIVERGING if limits[0] < 0 else SEQUENTIAL
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, caption, picture in zip(axes.flat, captions, pictures.values(), strict=False):
        axis.imshow(picture, cmap=colours, vmin=low, vmax=high)
        axis.set_title(caption, fontsize=8)
    if limits is not None:
        figure.colorbar(ScalarMappable(Normalize(low, high), colours), ax=axes, label=label, fraction=0.03, pad=0.01)
    return figure


def paint_enlarged(
    frame: np.ndarray, masks: Sequence[np.ndarray], *, times: int = 3, fill: bool = True, numbers: Sequence[int] = ()
) -> np.ndarray:
    """A small frame (H, W, 3) uint8 enlarged so many times, with bool masks (H, W) over it, outlined as thick as its pixels are.

    >>> paint_enlarged(np.zeros((4, 6, 3), np.uint8), [np.ones((4, 6), bool)]).shape
    (12, 18, 3)
    """
    large = cv2.resize(frame, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    enlarged = [mask.repeat(times, axis=0).repeat(times, axis=1) for mask in masks]
    return paint_masks(large, enlarged, fill=fill, numbers=numbers, thickness=times)


def mask_overlay(frame: np.ndarray, masks: Mapping[str, np.ndarray]) -> Figure:
    """One frame (H, W, 3) with the masks (H, W) of its queries, and a legend."""
    figure = image_grid({"": paint_masks(frame, masks.values(), fill=False)}, width=6)
    for number, query in enumerate(masks):
        figure.axes[0].plot([], [], "o", color=PALETTE[number % len(PALETTE)], label=query)
    if masks:
        figure.axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, 0), frameon=False)
    return figure


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
    height, width = examples[0].frame.shape[:2]
    figure, axes = new_figure(len(examples), columns, width=10, height=len(examples) * (10 / columns * height / width + 0.35))
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (row, example) in enumerate(zip(axes, examples, strict=True)):
        probability = 1 / (1 + np.exp(-np.clip(np.asarray(example.response, np.float64), -60, 60)))  # (S, S)
        row[0].imshow(example.frame)
        row[0].set_title(textwrap.fill(example.query, 32), fontsize=9, loc="left")
        # The response is on the square: take it to the frame as masks are taken.
        on_frame = undo_pad_resize((255 * probability).astype(np.uint8), example.frame.shape[:2])
        row[1].imshow(on_frame, vmin=0, vmax=255, cmap=SEQUENTIAL)
        row[1].set_title(f"probability, at most {probability.max():.2f}", fontsize=9)
        row[2].imshow(paint_masks(example.frame, [example.predicted], fill=False, numbers=[number]))
        row[2].set_title("mask", fontsize=9)
        if example.target is not None:
            row[3].imshow(paint_masks(example.frame, [example.target], fill=False, numbers=[number]))
            row[3].set_title(f"truth, IoU {intersection_over_union(example.predicted, example.target):.2f}", fontsize=9)
    return figure
