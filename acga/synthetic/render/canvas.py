"""The canvas a background is painted on: antialiased shapes, noise, and a ground plane in perspective.

Lengths are fractions of the canvas height, with x from the left, y from the top; colours are RGB, 0 to 255.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from .shapes import Colour

Point = tuple[float, float]

SUBPIXEL = 4  # fractional bits of OpenCV's fixed-point coordinates


def tone(colour: Colour, factor: float) -> Colour:
    """A lighter (factor above 1) or darker colour.

    >>> tone((100, 200, 40), 1.5)
    (150, 255, 60)
    """
    red, green, blue = (min(255, max(0, round(channel * factor))) for channel in colour)
    return red, green, blue


class Canvas:
    """An image to paint on, with a ground in perspective; `image` is (height, width, 3) uint8.

    The ground ends at y = `horizon`. Its lines meet at the height of the eye: at the horizon itself under an open sky, `wall` above it
    where a wall cuts the ground short.
    """

    def __init__(self, height: int, width: int, *, horizon: float, wall: float, rng: np.random.Generator) -> None:
        self.image = np.zeros((height, width, 3), np.uint8)
        self.rng = rng
        self.right = width / height  # x of the right border
        self.horizon = horizon
        self.eye = horizon - wall
        self.farthest = (1 - self.eye) / wall if wall else 60.0  # depth at which the ground ends
        self.vanishing = self.right * rng.uniform(0.38, 0.62)  # x of the vanishing point

    def vary(self, colour: Colour, spread: float = 0.12) -> Colour:
        """The colour, a little brighter or darker and of another tint."""
        level, *tints = self.rng.standard_normal(4).tolist()
        red, green, blue = (
            min(255, max(0, round(channel * (1 + spread * level + spread / 4 * tint)))) for channel, tint in zip(colour, tints, strict=True)
        )
        return red, green, blue

    def pick(self, *colours: Colour) -> Colour:
        """One of the colours, varied."""
        return self.vary(colours[self.rng.integers(len(colours))])

    # Shapes

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon."""
        fixed = np.round(np.asarray(points) * (len(self.image) << SUBPIXEL)).astype(np.int32)
        cv2.fillPoly(self.image, [fixed], colour, cv2.LINE_AA, SUBPIXEL)

    def rectangle(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle, given by its left upper corner."""
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw connected segments."""
        fixed = np.round(np.asarray(points) * (len(self.image) << SUBPIXEL)).astype(np.int32)
        cv2.polylines(self.image, [fixed], False, colour, max(1, round(width * len(self.image))), cv2.LINE_AA, SUBPIXEL)

    def ellipse(self, x: float, y: float, radii: Point, colour: Colour, *, angle: float = 0.0) -> None:
        """Fill an ellipse, rotated by `angle` degrees."""
        scale = len(self.image) << SUBPIXEL
        axes = (max(8, round(radii[0] * scale)), max(8, round(radii[1] * scale)))
        cv2.ellipse(self.image, (round(x * scale), round(y * scale)), axes, angle, 0, 360, colour, -1, cv2.LINE_AA, SUBPIXEL)

    # Noise and areas

    def noise(self, *cells: float, stretch: float = 1.0) -> npt.NDArray[np.float32]:
        """Smooth noise of mean 0 and standard deviation near 1, (height, width): one octave per cell size, widened by `stretch`."""
        height, width = self.image.shape[:2]
        total = np.zeros((height, width), np.float32)
        for cell in cells:
            grid = self.rng.standard_normal((int(1 / cell) + 2, int(self.right / (cell * stretch)) + 2), dtype=np.float32)
            total += cv2.resize(grid * np.float32(cell**0.3), (width, height), interpolation=cv2.INTER_CUBIC)
        return total / max(float(cv2.meanStdDev(total)[1][0, 0]), 1e-3)

    def fill(self, top: float, bottom: float, colours: tuple[Colour, Colour], texture: npt.NDArray[np.float32], contrast: float) -> None:
        """Cover the rows from `top` to `bottom` by a vertical gradient of two colours, modulated by a texture (height, width)."""
        rows = slice(round(top * len(self.image)), round(bottom * len(self.image)))
        count = rows.stop - rows.start
        if count <= 0:
            return
        share = np.linspace(0, 1, count, dtype=np.float32)[:, None, None]
        base = np.array(colours[0], np.float32) * (1 - share) + np.array(colours[1], np.float32) * share  # (rows, 1, 3)
        self.image[rows] = np.clip(base * (1 + contrast * texture[rows, :, None]), 0, 255)

    # The ground plane: a point is at (across, depth), across in canvas heights at depth 1, which is the lower border

    def point(self, across: float, depth: float) -> Point:
        """The place in the image of a point of the ground."""
        return self.vanishing + across / depth, self.eye + (1 - self.eye) / depth

    def quad(self, across: tuple[float, float], depth: tuple[float, float], colour: Colour) -> None:
        """Fill a rectangle of the ground."""
        (left, right), (near, far) = across, (min(depth[0], self.farthest), min(depth[1], self.farthest))
        self.polygon([self.point(left, near), self.point(right, near), self.point(right, far), self.point(left, far)], colour)

    def along(self, step: float, width: float, colour: Colour, *, farthest: float = 16.0) -> None:
        """Lines that run to the vanishing point, `step` apart."""
        reach = self.right * min(farthest, self.farthest)
        for across in np.arange(-round(reach / step) * step, reach, step):
            self.quad((across, across + width), (0.95, farthest), colour)

    def crossing(self, step: float, width: float, colour: Colour, *, farthest: float = 9.0) -> None:
        """Lines parallel to the horizon, `step` apart in depth."""
        for depth in np.arange(0.95 + self.rng.uniform(0, step), min(farthest, self.farthest), step):
            self.quad((-40, 40), (depth, depth + width), colour)

    def ground(self, far: Colour, near: Colour, *, contrast: float = 0.16, stretch: float = 1.0, grain: float = 0.02) -> None:
        """Cover everything below the horizon by a plane whose texture shrinks with distance."""
        height, width = self.image.shape[:2]
        top = round(self.horizon * height)
        if height - top < 2:
            return
        size = 192
        tile = np.zeros((size, size), np.float32)
        for cells in (12, 48, 120):
            grid = self.rng.standard_normal((cells, max(2, round(cells / stretch))), dtype=np.float32)
            tile += cv2.resize(grid, (size, size), interpolation=cv2.INTER_LINEAR)
        rows = (np.arange(top, height, dtype=np.float32) + 0.5) / height - self.eye
        depth = ((1 - self.eye) / np.maximum(rows, 0.5 / height))[:, None]  # (rows, 1)
        across = (np.arange(width, dtype=np.float32)[None] / height - self.vanishing) * depth  # (rows, width)
        scale = size * 0.45
        furthest = 2.0**14  # remap counts pixels in 16 bits
        columns, lines = np.clip(across * scale, -furthest, furthest), np.minimum(depth * scale * 1.5, furthest)
        plane = cv2.remap(tile, columns, np.repeat(lines, width, axis=1), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        texture = np.zeros((height, width), np.float32)
        texture[top:] = plane / 1.7 * np.minimum(1, 1.4 / np.sqrt(depth)) + 0.6 * self.noise(grain, stretch=stretch)[top:]
        self.fill(self.horizon, 1, (far, near), texture, contrast * 0.75)

    def light(self) -> npt.NDArray[np.uint8]:
        """Lay light, shadow, tint and grain over everything: the finished image."""
        height, width = self.image.shape[:2]
        slope = self.rng.normal(0, 0.12, 2)
        ramp = slope[0] * np.linspace(-1, 1, height)[:, None] + slope[1] * np.linspace(-1, 1, width)[None]
        level = self.rng.uniform(0.72, 1.1) * (1 + ramp.astype(np.float32) + 0.05 * self.noise(0.5, 0.2))  # (height, width)
        level += 0.025 * self.rng.standard_normal((height, width), dtype=np.float32)
        tint = np.float32(1 + self.rng.normal(0, 0.035, 3))
        fade = np.float32(self.rng.uniform(0, 0.35))  # towards gray
        gray = cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY)
        lit = (self.image * (1 - fade) + (fade * gray)[..., None]) * (level[..., None] * tint)
        return np.clip(lit, 0, 255, out=lit).astype(np.uint8)
