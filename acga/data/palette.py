"""Pictures of 256 colours, chosen for each picture alone, as gif wants them."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

FILTERS = {  # of FFmpeg, and their settings
    "split": None,
    "palettegen": "stats_mode=single",
    "paletteuse": "new=1:dither=bayer:bayer_scale=4",  # a dither that stays where it is: what does not move does not flicker
    "buffersink": None,
}


class Palette:
    """A converter for pictures of one size.

    >>> Palette((4, 6)).reduce(np.zeros((4, 6, 3), np.uint8)).format.name
    'pal8'
    """

    def __init__(self, size: tuple[int, int]) -> None:
        """`size` is (h, w)."""
        height, width = size
        self._graph = av.filter.Graph()
        source = self._graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=Fraction(1, 25))  # any
        split, choose, use, sink = (self._graph.add(name, settings) for name, settings in FILTERS.items())
        source.link_to(split)
        split.link_to(choose, 0, 0)
        split.link_to(use, 1, 0)
        choose.link_to(use, 0, 1)
        use.link_to(sink)
        self._graph.configure()

    def reduce(self, picture: np.ndarray) -> av.VideoFrame:
        """A picture `(H, W, 3)` uint8 RGB with 256 colours."""
        self._graph.push(av.VideoFrame.from_ndarray(picture, format="rgb24"))
        return self._graph.vpull()
