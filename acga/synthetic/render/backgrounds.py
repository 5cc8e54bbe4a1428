"""The backgrounds of drawn videos, each with the words for its surface.

A background is painted larger than the frame, `CANVAS` times in each direction, so that the camera can move over it.

>>> import numpy as np
>>> paint("beach", 156, 208, np.random.default_rng(0)).shape
(156, 208, 3)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ...errors import ConfigError
from . import indoors, outdoors
from .canvas import Canvas

CANVAS = 1.3  # side of a background over the side of the frame in its middle
EYE_ABOVE_WALL = 0.2  # how far above the foot of a wall the lines of the ground would meet, in canvas heights


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of background."""

    surfaces: tuple[str, ...]  # words for what actors are on, the plainest first
    horizon: float  # y where the ground ends, a fraction of the frame (not of the canvas)
    above: Literal["sky", "wall"]  # what is above the ground
    draw: Callable[[Canvas], None]


def paint(family: str, height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Paint a background, a key of `BACKGROUNDS`: RGB (height, width, 3), the frame being its middle 1 / `CANVAS`.

    Raises `ConfigError` when there is no such background.
    """
    if family not in BACKGROUNDS:
        raise ConfigError(f"There is no background {family!r}; there are {', '.join(BACKGROUNDS)}.")
    kind = BACKGROUNDS[family]
    canvas = Canvas(
        height, width, horizon=0.5 + (kind.horizon - 0.5) / CANVAS, wall=EYE_ABOVE_WALL if kind.above == "wall" else 0.0, rng=rng
    )
    kind.draw(canvas)
    return canvas.light()


BACKGROUNDS: dict[str, Family] = {
    "lawn": Family(surfaces=("grass", "lawn", "yard"), horizon=0.36, above="sky", draw=outdoors.lawn),
    "field": Family(surfaces=("field", "grass", "hill"), horizon=0.38, above="sky", draw=outdoors.field),
    "forest": Family(surfaces=("ground", "forest"), horizon=0.4, above="sky", draw=outdoors.forest),
    "dirt": Family(surfaces=("ground", "dirt"), horizon=0.36, above="sky", draw=outdoors.dirt),
    "beach": Family(surfaces=("sand", "beach"), horizon=0.3, above="sky", draw=outdoors.beach),
    "snow": Family(surfaces=("snow",), horizon=0.4, above="sky", draw=outdoors.snow),
    "water": Family(surfaces=("water", "river", "sea"), horizon=0.34, above="sky", draw=outdoors.water),
    "pool": Family(surfaces=("water", "pool"), horizon=0.28, above="wall", draw=indoors.pool),
    "street": Family(surfaces=("street", "road"), horizon=0.44, above="sky", draw=outdoors.street),
    "road": Family(surfaces=("road",), horizon=0.38, above="sky", draw=outdoors.road),
    "racetrack": Family(surfaces=("track",), horizon=0.34, above="sky", draw=outdoors.racetrack),
    "parking": Family(surfaces=("parking lot", "ground"), horizon=0.38, above="sky", draw=outdoors.parking),
    "sidewalk": Family(surfaces=("ground", "sidewalk"), horizon=0.42, above="wall", draw=indoors.sidewalk),
    "room": Family(surfaces=("floor", "room"), horizon=0.4, above="wall", draw=indoors.room),
    "carpet": Family(surfaces=("carpet", "floor", "room"), horizon=0.4, above="wall", draw=indoors.carpet),
    "kitchen": Family(surfaces=("floor", "kitchen"), horizon=0.4, above="wall", draw=indoors.kitchen),
    "bed": Family(surfaces=("bed",), horizon=0.34, above="wall", draw=indoors.bed),
    "table": Family(surfaces=("table",), horizon=0.4, above="wall", draw=indoors.table),
    "court": Family(surfaces=("court", "floor", "gym"), horizon=0.36, above="wall", draw=indoors.court),
    "sky": Family(surfaces=("sky", "air"), horizon=0.94, above="sky", draw=outdoors.heavens),
}
