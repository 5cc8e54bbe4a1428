"""Stored pictures and the way to show them: the shape of their pixels, their orientation and the standard of their colours."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

BT709, UNTOLD = 1, 2  # numbers of a standard of colours, and of none, as in H.273 and FFmpeg
HD = (576, 1279)  # (h, w) of the largest frames that are not HD
HALF = (False, (True, True))
TURNS = {0: (False, (False, False)), 90: (True, (True, False)), -90: (True, (False, True)), 180: HALF, -180: HALF}  # by degrees to the left


@dataclass(frozen=True)
class StoredPicture:
    """A picture as a file stores it: to be stretched to square pixels, then transposed, then mirrored.

    >>> StoredPicture(4, 6, transposed=True).shown_size
    (6, 4)
    """

    height: int  # pixels
    width: int
    pixel_aspect: Fraction = Fraction(1)  # width of a stored pixel, as shown, by its height
    transposed: bool = False
    flipped: tuple[bool, bool] = (False, False)  # top to bottom, left to right

    @property
    def stretched_size(self) -> tuple[int, int]:
        """(h, w) with square pixels; no side becomes shorter."""
        one = Fraction(1)
        return round(self.height / min(self.pixel_aspect, one)), round(self.width * max(self.pixel_aspect, one))

    @property
    def shown_size(self) -> tuple[int, int]:
        """(h, w) of the frame."""
        height, width = self.stretched_size
        return (width, height) if self.transposed else (height, width)

    def turn(self, picture: np.ndarray) -> np.ndarray:
        """A picture (h, w, 3) with square pixels as it is shown."""
        picture = picture.transpose(1, 0, 2) if self.transposed else picture
        rows, columns = (slice(None, None, -1 if flip else 1) for flip in self.flipped)
        return np.ascontiguousarray(picture[rows, columns])


def orientation(frame: av.VideoFrame) -> tuple[bool, tuple[bool, bool]]:
    """Tell whether a frame is to be transposed, then flipped (top to bottom, left to right), to the next quarter turn.

    The display matrix [[a, b, u], [c, d, v], [x, y, w]], fixed-point numbers, moves (column, row) to (a column + c row, b column + d row).
    A singular one, as some programs write where they mean none, is none.
    """
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV does not know every kind of side data, and then gives none at all; the angle it reads by another way
        return TURNS.get(frame.rotation, TURNS[0])
    found = b"" if data is None else bytes(data)  # type: ignore[call-overload]
    if len(found) < 36:
        return TURNS[0]
    a, b, _, c, d, *_ = struct.unpack("=9i", found[:36])
    if a * d == b * c:
        return TURNS[0]
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, (d < 0, a < 0)
    return True, (b < 0, c < 0)


def standard_of_colours(frame: av.VideoFrame) -> int | None:
    """The standard that a frame's colours are to be read by where the file does not say one: BT.709 for HD, as players choose."""
    untold = frame.colorspace == UNTOLD and frame.format.name.startswith(("yuv", "nv", "p0"))
    return BT709 if untold and (frame.height > HD[0] or frame.width > HD[1]) else None
