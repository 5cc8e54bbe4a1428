"""The most that is decoded at once: one budget for pictures, gifs, films and arrays, held against what a file declares and what comes out.

A small file may declare or unpack to any size, so what exceeds the budget is refused before memory is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MOST_PIXELS = 1 << 24  # of a picture or frame: 4096 x 4096, 50 MB as RGB
MOST_BYTES = 1 << 28  # of an array, a file of a picture, or a clip that is held whole: some hundred times what a release holds


def excess_of_picture(height: int, width: int) -> str | None:
    """An excess of pixels, in words; None if it fits.

    >>> excess_of_picture(480, 640), excess_of_picture(20000, 20000)
    (None, '20000 x 20000 pixels are more than the 16.8 million that are decoded')
    """
    if height * width <= MOST_PIXELS:
        return None
    return f"{width} x {height} pixels are more than the {MOST_PIXELS / 1e6:.1f} million that are decoded"


def excess_of_array(shape: Sequence[int], itemsize: int) -> str | None:
    """An excess of bytes, in words; None if it fits.

    >>> excess_of_array((4, 6), 8), excess_of_array((1 << 20, 1 << 10), 1)
    (None, 'the shape (1048576, 1024), more than 256 MB')
    """
    if math.prod(shape) * itemsize <= MOST_BYTES:
        return None
    return f"the shape {tuple(shape)}, more than {MOST_BYTES >> 20} MB"
