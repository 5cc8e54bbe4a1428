"""Attention over frames: a light over the darkened frame where the weight is, outlines, framed cells, and the weights of words.

A frame here is the network's square, uint8 (S, S, 3); a map has a value for every cell of it, (h, w), whatever its resolution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from ..output.overlay import FONT, PALETTE, colour, paint_masks
from .images import image_grid

LIGHT = 3  # of overlay.PALETTE: yellow, which is brighter than anything in a darkened frame
DARKENED = 0.65  # brightness of the frame
MAX_OPACITY = 0.6  # of the light over the frame, at the largest value: colours of actors stay to be seen
ENLARGED = 256  # pixels of a square once enlarged
Cell = tuple[int, int]  # row and column of a map


def map_over_frame(
    frame: np.ndarray, values: np.ndarray, *, highest: float | None = None, mask: np.ndarray | None = None, cell: Cell | None = None
) -> np.ndarray:
    """A picture (256, 256, 3) uint8: the darkened frame under a map (h, w) of values from 0 to `highest`, by default the map's own maximum.

    `mask`, bool (S, S), is outlined, `cell` of the map framed.

    >>> map_over_frame(np.zeros((128, 128, 3), np.uint8), np.eye(8), cell=(1, 2)).shape
    (256, 256, 3)
    """
    highest = float(values.max()) if highest is None else highest
    opacity = MAX_OPACITY * np.clip(_enlarged(np.asarray(values, np.float64) / max(highest, 1e-12)), 0, 1)[..., None]
    picture = (opacity * colour(LIGHT) + (1 - opacity) * DARKENED * _enlarged(frame, cv2.INTER_CUBIC)).astype(np.uint8)
    if mask is not None:
        picture = paint_masks(picture, [_enlarged(mask.astype(np.uint8)) > 0], fill=False)
    return picture if cell is None else _framed(picture, cell, values.shape)


def maps_over_frame(
    frame: np.ndarray | Sequence[np.ndarray],
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

    `mask` is outlined: one for all, or one for each; `cells` frames a cell in each. `label` says what the light means, with its unit.
    """
    top = max(float(values.max()) for values in maps.values()) if highest is None else highest
    frames = [frame] * len(maps) if isinstance(frame, np.ndarray) else frame
    masks = [mask] * len(maps) if mask is None or isinstance(mask, np.ndarray) else mask
    pictures = {
        caption: map_over_frame(frames[number], values, highest=top, mask=masks[number], cell=cells[number] if cells else None)
        for number, (caption, values) in enumerate(maps.items())
    }
    figure = image_grid(pictures, columns=columns, width=width)
    scale = LinearSegmentedColormap.from_list("light", ["#404040", PALETTE[LIGHT]])
    figure.colorbar(ScalarMappable(Normalize(0, top), scale), ax=figure.axes, label=label, fraction=0.03, pad=0.01)
    return figure


def word_bars(frame: np.ndarray, cell: Cell, size: Cell, words: Sequence[str], weights: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 for a `Scrubber`: the frame with one cell of (h, w) framed, beside it the weight (L,) of every word there.

    >>> word_bars(np.zeros((128, 128, 3), np.uint8), (1, 2), (8, 8), ["a", "dog"], np.array([0.2, 0.8])).shape
    (256, 512, 3)
    """
    panel = np.full((ENLARGED, ENLARGED, 3), 24, np.uint8)
    line = min(24, ENLARGED // len(words))
    for number, (word, weight) in enumerate(zip(words, weights, strict=True)):
        bottom = (number + 1) * line
        length = round(float(weight) * (ENLARGED - 118))
        cv2.rectangle(panel, (110, bottom - line + 3), (110 + length, bottom - 3), colour(0), -1)
        cv2.putText(panel, word[:14], (6, bottom - line // 4), FONT, min(0.42, line / 36), (235, 235, 235), 1, cv2.LINE_AA)
    return np.hstack([_framed(_enlarged(frame, cv2.INTER_CUBIC), cell, size), panel])


def _enlarged(picture: np.ndarray, interpolation: int = cv2.INTER_NEAREST) -> np.ndarray:
    return cv2.resize(picture, (ENLARGED, ENLARGED), interpolation=interpolation)


def _framed(picture: np.ndarray, cell: Cell, size: tuple[int, ...]) -> np.ndarray:
    """The picture with a frame around a cell of (h, w)."""
    height, width = picture.shape[0] / size[0], picture.shape[1] / size[1]
    top_left = round(cell[1] * width), round(cell[0] * height)
    bottom_right = round((cell[1] + 1) * width) - 1, round((cell[0] + 1) * height) - 1
    cv2.rectangle(picture, top_left, bottom_right, (0, 0, 0), 5)
    cv2.rectangle(picture, top_left, bottom_right, (255, 255, 255), 3)
    return picture
