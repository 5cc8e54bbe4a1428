"""Masks painted over frames, with a legend of their queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

import cv2
import numpy as np

from ..data.text import plain

PALETTE = ("#56B4E9", "#E69F00", "#CC79A7", "#F0E442", "#009E73", "#0072B2", "#D55E00")
OPACITY = 0.3  # of a mask over its frame
LEGIBLE = 320  # pixels: up to half of it pictures are enlarged, and all are at least as wide, so that a legend can be read
TILES, COLUMNS, TILE = 12, 4, 320  # of a contact sheet: most of them, in a row, and their longer side in pixels
FONT = cv2.FONT_HERSHEY_SIMPLEX


def colour(number: int) -> tuple[int, int, int]:
    """RGB of the query with this number; after seven queries colours come again.

    >>> colour(0), colour(7)
    ((86, 180, 233), (86, 180, 233))
    """
    code = PALETTE[number % len(PALETTE)]
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def paint_masks(
    frame: np.ndarray, masks: Iterable[np.ndarray], *, fill: bool | Sequence[bool] = True, numbers: Sequence[int] = (), thickness: int = 0
) -> np.ndarray:
    """A frame `(H, W, 3)` uint8 with bool masks `(H, W)` over it, each in its colour and outlined, or only outlined.

    `fill` may differ from mask to mask; the outlined ones are drawn first. `numbers` are those of the masks' colours, by default 0, 1, …
    Outlines are as many pixels thick as `thickness` says, by default as suits the frame's size.

    >>> frame, mask = np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32), bool)
    >>> mask[:8, :8] = True
    >>> painted = paint_masks(frame, [mask])
    >>> painted[2, 2].any(), painted[31, 31].any()
    (np.True_, np.False_)
    """
    painted = frame.copy()
    _paint(painted, masks, fill=fill, numbers=numbers, thickness=thickness)
    return painted


def _paint(
    painted: np.ndarray,
    masks: Iterable[np.ndarray],
    *,
    fill: bool | Sequence[bool] = True,
    numbers: Sequence[int] = (),
    thickness: int = 0,
) -> None:
    """Paint over a picture in place: large ones fill the memory."""
    thickness = thickness or max(1, round(max(painted.shape[:2]) / 400))
    several = list(masks)
    filled = [fill] * len(several) if isinstance(fill, bool) else fill
    for position in sorted(range(len(several)), key=filled.__getitem__):
        mask, number = several[position], numbers[position] if numbers else position
        foreground = mask.view(np.uint8)
        if filled[position]:
            left, top, width, height = cv2.boundingRect(foreground)
            inside = painted[top : top + height, left : left + width]
            if inside.size:
                np.copyto(inside, cv2.LUT(inside, _blend(number)), where=mask[top : top + height, left : left + width, None])
        contours, _ = cv2.findContours(foreground, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(painted, contours, -1, (255, 255, 255), thickness + 2)  # or a mask would drown in clothes of its colour
        cv2.drawContours(painted, contours, -1, colour(number), thickness)


def _blend(number: int) -> np.ndarray:
    """Table of the colours under the mask of the query with this number: from each level of red, green and blue, (1, 256, 3) uint8."""
    return (OPACITY * np.array(colour(number)) + (1 - OPACITY) * np.arange(256)[:, None]).astype(np.uint8)[None]


class Overlay:
    """Pictures of one size with a legend: the masks of each query in its colour, the queries' words below.

    Frames of up to 160 pixels are enlarged by a whole number, those under 320 pixels wide get black sides.

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

    def picture(self, frame: np.ndarray, masks: Iterable[np.ndarray], *, fill: bool | Sequence[bool] = True) -> np.ndarray:
        """Frame `(H, W, 3)` uint8 and bool masks `(H, W)` to a picture `(*size, 3)` uint8; `fill` as `paint_masks` takes it."""
        if self._scale > 1:
            frame = self._enlarge(frame, cv2.INTER_CUBIC)
            masks = [self._enlarge(mask.astype(np.uint8), cv2.INTER_NEAREST).astype(bool) for mask in masks]
        picture = self._canvas.copy()
        inside = picture[: frame.shape[0], self._left : self._left + frame.shape[1]]
        inside[...] = frame
        _paint(inside, masks, fill=fill)
        return picture

    def _enlarge(self, picture: np.ndarray, interpolation: int) -> np.ndarray:
        return cv2.resize(picture, None, fx=self._scale, fy=self._scale, interpolation=interpolation)


class ContactSheet:
    """One picture of up to twelve frames, evenly over a video whose length need not be known, with their times and a legend.

    >>> sheet = ContactSheet(["dog"], (60, 80))
    >>> for number in range(100):
    ...     sheet.add(np.zeros((60, 80, 3), np.uint8), [], number / 25)
    >>> sheet.picture().shape
    (777, 1280, 3)
    """

    def __init__(self, queries: Sequence[str], size: tuple[int, int]) -> None:
        """`size` is (h, w) of the frames."""
        height, width = size
        scale = TILE / max(size)
        self._queries, self._size = queries, (max(1, round(height * scale)), max(1, round(width * scale)))
        self._tiles: list[np.ndarray] = []
        self._step, self._seen = 1, 0  # every `step`-th frame is kept, fewer the longer the video turns out to be

    def add(self, frame: np.ndarray, masks: Iterable[np.ndarray], time: float, *, fill: bool | Sequence[bool] = True) -> None:
        """Take the next frame `(H, W, 3)` uint8, its bool masks `(H, W)`, and its time in seconds; `fill` as `paint_masks` takes it."""
        if self._seen % self._step == 0:
            tile = cv2.resize(paint_masks(frame, masks, fill=fill), self._size[::-1], interpolation=cv2.INTER_AREA)
            for shade, thickness in ((0, 3), (255, 1)):  # white letters with a black outline
                cv2.putText(tile, f"{time:.1f} s", (6, self._size[0] - 8), FONT, 0.45, (shade,) * 3, thickness, cv2.LINE_AA)
            self._tiles.append(tile)
        if len(self._tiles) == 4 * TILES:
            self._tiles, self._step = self._tiles[::2], 2 * self._step
        self._seen += 1

    def picture(self, verdicts: Sequence[str | None] = ()) -> np.ndarray:
        """The sheet `(H, W, 3)` uint8 of what was added so far, with the verdict on each query, if given, before its words."""
        chosen = sorted({round(place) for place in np.linspace(0, len(self._tiles) - 1, TILES)})
        height, width = self._size
        sheet = np.zeros((-(-len(chosen) // COLUMNS) * height, min(len(chosen), COLUMNS) * width, 3), np.uint8)
        for place, number in enumerate(chosen):
            row, column = divmod(place, COLUMNS)
            sheet[row * height :, column * width :][:height, :width] = self._tiles[number]
        labels = [f"{verdict}: {query}" if verdict else query for query, verdict in zip_longest(self._queries, verdicts)]
        return np.concatenate([sheet, _legend(labels, sheet.shape[1])])


def _legend(queries: Sequence[str], width: int) -> np.ndarray:
    """One line of text a query, beside a spot of its colour; a line that is too long is cut short."""
    scale = max(0.45, min(width / 900, 1.6))
    line = round(40 * scale)
    strip = np.full((line * len(queries), width, 3), 24, np.uint8)
    for number, query in enumerate(queries):
        text = plain(query).encode("ascii", "replace").decode()  # all that OpenCV's font has
        room = width - 2 * line
        text = text[: width + 1]  # no letter is narrower than a pixel
        while text and cv2.getTextSize(text, FONT, scale, 1)[0][0] > room:
            shorter = text.removesuffix("...")[:-1]
            text = f"{shorter}..." if shorter else ""  # there may be no room for a letter
        middle, height = line * number + line // 2, cv2.getTextSize(text, FONT, scale, 1)[0][1]
        cv2.circle(strip, (line * 3 // 4, middle), line // 4, colour(number), -1, cv2.LINE_AA)
        cv2.putText(strip, text, (line * 3 // 2, middle + height * 2 // 5), FONT, scale, (235, 235, 235), 1, cv2.LINE_AA)
    return strip
