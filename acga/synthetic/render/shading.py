"""Shaded rendering, the look of the second edition: light, rounded parts, textured surfaces, soft edges, motion blur and soft shadows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .shapes import Part, fill_part
from .textures import TEXTURE_SIDE, Field, Textures

SHADED_SUPERSAMPLING = 2
SHADE_LEVELS = ((1.0, 1.0, 138), (0.92, 0.7, 182), (0.78, 0.36, 220))  # size along and across a part, shade
NEUTRAL = 185.0  # of these shades
STRIPE = 0.085  # period of stripes and spots in standing heights


@dataclass(frozen=True)
class Light:
    """The light of a scene and the camera's answer to it."""

    direction: npt.NDArray[np.float64]  # (2,) unit vector in the picture towards the light, y down
    strength: float  # of shading: 0 none
    shadow: float  # darkness of shadows on the ground
    table: npt.NDArray[np.uint8]  # (1, 256, 3) tone curve: colour of the light, exposure, gamma
    fall: npt.NDArray[np.float32]  # (2,) fall of the light over the frame, along x and y
    softness: float  # sigma of the edges in pixels
    shutter: float  # share of a frame's time that the shutter is open

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Light:
        """A random light, mostly from above."""
        angle = rng.normal(-np.pi / 2, 0.7)
        gamma, exposure, tint = np.exp(rng.normal(0, 0.18)), rng.uniform(0.9, 1.3), 1 + rng.normal(0, 0.035, 3)
        curve = 255 * np.clip(exposure * tint * ((np.arange(256) / 255) ** gamma)[:, None], 0, 1)  # (256, 3)
        return cls(
            direction=np.array([np.cos(angle), np.sin(angle)]),
            strength=float(rng.uniform(0.35, 1.15)),
            shadow=float(rng.uniform(0.15, 0.55)),
            table=np.round(curve).astype(np.uint8)[None],
            fall=rng.normal(0, 0.1, 2).astype(np.float32),
            softness=float(rng.uniform(0.25, 0.9)),
            shutter=float(rng.uniform(0.0, 0.7)),
        )

    def relief(self, height: int, width: int) -> npt.NDArray[np.uint8]:
        """The brightness of each place of the frame, (height, width, 3), 128 being neutral."""
        ramp = 1 + self.fall[1] * np.linspace(-1, 1, height)[:, None] + self.fall[0] * np.linspace(-1, 1, width)[None]
        return np.repeat(np.clip(128 * ramp, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@dataclass(frozen=True)
class Material:
    """The surface of one actor: a texture that moves with it, and its own tint of the colours it is drawn in."""

    texture: Field  # (256, 256)
    scale: float  # texture pixels a pixel of the frame
    angle: float  # of the texture's grain
    offset: npt.NDArray[np.float64]  # (2,) in texture pixels
    contrast: float
    fade: float  # towards gray
    tint: npt.NDArray[np.float32]  # (3,)

    @classmethod
    def sample(cls, rng: np.random.Generator, textures: Textures, kind: str) -> Material:
        """A random surface for an actor of a kind: fur for animals, smoother for balls and cars."""
        weights = {"cat": (2, 4, 1), "dog": (2, 4, 1), "bird": (2, 2, 2), "car": (3, 0, 1), "ball": (3, 0, 1)}.get(kind, (2, 1, 3))
        top = 0.16 if kind in ("car", "ball") else 0.3
        return cls(
            texture=textures.pick(rng, weights),
            scale=float(rng.uniform(0.5, 1.3)),
            angle=float(rng.uniform(-0.6, 0.6)),
            offset=rng.uniform(0, TEXTURE_SIDE, 2),
            contrast=float(rng.uniform(0.08, top)),
            fade=float(rng.uniform(0.0, 0.45)),
            tint=(rng.uniform(0.82, 1.08) * (1 + rng.normal(0, 0.03, 3))).astype(np.float32),
        )

    def field(self, origin: npt.NDArray[np.float64], spin: float, size: tuple[int, int]) -> Field:
        """The texture over a window of (width, height) `size`; `origin` is where the actor's own origin lies in it, in pixels."""
        turn = self.angle - spin
        cos, sin = self.scale * np.cos(turn), self.scale * np.sin(turn)
        matrix = np.array([[cos, -sin, 0.0], [sin, cos, 0.0]])
        matrix[:, 2] = self.offset - matrix[:, :2] @ origin
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(self.texture, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT), np.float32)


def render_shaded(
    frame: np.ndarray,
    parts: Sequence[Part],
    matrix: np.ndarray,
    light: Light,
    material: Material,
    *,
    height: float,
    origin: np.ndarray,
    spin: float = 0.0,
    motion: np.ndarray | None = None,
    outlined: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `parts` onto `frame` (H, W, 3) uint8 in place, through the (2, 3) affine from world to pixels, shaded and textured.

    `height` is the actor's in pixels, `origin` (2,) its place in pixels, which with `spin` carries the texture; `motion` (2,) is how far
    it moves while the shutter is open, in pixels. Returns two (H, W) bool masks: the actor itself, and everything drawn.
    """
    actor, covered = np.zeros(frame.shape[:2], bool), np.zeros(frame.shape[:2], bool)
    if not parts:
        return actor, covered
    everything = np.concatenate([part.points for part in parts]) @ matrix[:, :2].T + matrix[:, 2]
    window = _window(everything, frame.shape, margin=3 + round(0.0 if motion is None else float(np.abs(motion).max()) / 2))
    if window is None:
        return actor, covered
    left, top, right, bottom = window
    small, size = (right - left, bottom - top), ((bottom - top) * SHADED_SUPERSAMPLING, (right - left) * SHADED_SUPERSAMPLING)
    layer = np.zeros((*size, 3), np.uint8)
    drawn, own, shade = (np.zeros(size, np.uint8) for _ in range(3))
    points = (everything - (left, top)) * SHADED_SUPERSAMPLING
    starts = np.cumsum([0, *(len(part.points) for part in parts[:-1])])
    fixed, nested = (np.round(16 * values).astype(np.int32) for values in (points, _rounded(points, starts, light)))
    for part, start in zip(parts, starts.tolist(), strict=True):
        span = slice(start, start + len(part.points))
        corners = fixed[span]
        fill_part(layer, corners, part, size, period=max(5.0, STRIPE * height * SHADED_SUPERSAMPLING))
        if outlined:
            cv2.polylines(layer, [corners], True, (25, 25, 25), 1, shift=4)
        cv2.fillPoly(drawn, [corners], 255, shift=4)
        cv2.fillPoly(own, [corners], 255 if part.of_actor else 0, shift=4)
        for level, (_, _, value) in zip(nested, SHADE_LEVELS, strict=True):
            cv2.fillPoly(shade, [level[span]], value, shift=4)
    opacity = np.asarray(cv2.resize(drawn, small, interpolation=cv2.INTER_AREA), np.float32) / 255
    colour = np.asarray(cv2.resize(layer, small, interpolation=cv2.INTER_AREA), np.float32)  # multiplied by opacity
    relief = np.asarray(cv2.resize(cv2.blur(shade, (3, 3)), small, interpolation=cv2.INTER_AREA), np.float32)
    blurred, weight = (cv2.GaussianBlur(values, (0, 0), max(0.6, 0.012 * height)) for values in (relief, opacity))
    relief = np.asarray(blurred / np.maximum(weight, 0.05), np.float32)
    level = 1 + light.strength * (relief / NEUTRAL - 1) + material.contrast * material.field(origin - (left, top), spin, small)
    gray = colour.mean(axis=2, keepdims=True)
    level = np.maximum(level, 0.1)[..., None] * material.tint  # (h, w, 3)
    colour = np.asarray((colour + material.fade * (gray - colour)) * level, np.float32)
    actor[top:bottom, left:right] = np.asarray(cv2.resize(own, small, interpolation=cv2.INTER_AREA)) > 127
    covered[top:bottom, left:right] = opacity > 0.5
    composite(frame[top:bottom, left:right], np.dstack([np.minimum(colour, 255 * opacity[..., None]), opacity]), light, motion)
    return actor, covered


def composite(window: np.ndarray, layer: np.ndarray, light: Light, motion: np.ndarray | None) -> None:
    """Lay `layer` (H, W, 4) float32, colours multiplied by their opacity, over `window` (H, W, 3) in place: soft and blurred by motion."""
    layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), light.softness), np.float32)
    if motion is not None and (kernel := line_kernel(motion)) is not None:
        layer = np.asarray(cv2.filter2D(layer, -1, kernel), np.float32)
    window[:] = np.clip(window * (1 - layer[..., 3:]) + layer[..., :3], 0, 255)


def line_kernel(motion: np.ndarray) -> npt.NDArray[np.float32] | None:
    """The kernel of a blur along a motion (2,) in pixels; None where it is too short to be seen.

    >>> line_kernel(np.array([0.3, 0.0])) is None, line_kernel(np.array([4.0, 0.0])).shape
    (True, (5, 5))
    """
    reach = min(float(np.abs(motion).max()), 24.0)
    if reach < 1.2:
        return None
    half = int(np.ceil(reach / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.uint8)
    step = np.round(16 * (np.asarray(motion) / np.abs(motion).max() * reach / 2)).astype(int)
    centre = 16 * half
    cv2.line(kernel, tuple((centre - step).tolist()), tuple((centre + step).tolist()), 255, 1, cv2.LINE_AA, 4)
    return np.asarray(kernel / kernel.sum(dtype=np.float32), np.float32)


def cast_shadow(frame: np.ndarray, centre: tuple[float, float], radius: float, light: Light, lift: float) -> None:
    """A soft dark spot on the ground in place, at `centre` with `radius` in pixels; fainter the higher the actor is lifted."""
    coarse = 4
    x, y = centre[0] - 0.35 * radius * light.direction[0], centre[1]
    left, top = max(0, int(x - 1.6 * radius)), max(0, int(y - 0.6 * radius))
    right, bottom = min(frame.shape[1], int(x + 1.6 * radius) + 1), min(frame.shape[0], int(y + 0.6 * radius) + 1)
    if right - left < coarse or bottom - top < coarse or radius < 1:
        return
    spot = np.zeros(((bottom - top) // coarse + 1, (right - left) // coarse + 1), np.uint8)
    place = (round((x - left) / coarse * 16), round((y - top) / coarse * 16))
    axes = (max(8, round(radius / coarse * 16)), max(6, round(0.2 * radius / coarse * 16)))
    cv2.ellipse(spot, place, axes, 0, 0, 360, 255, -1, cv2.LINE_AA, 4)
    spot = cv2.GaussianBlur(spot, (0, 0), 0.6 + 0.05 * radius / coarse + 2 * lift)
    dark = np.asarray(cv2.resize(spot, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR), np.float32)
    window = frame[top:bottom, left:right]
    window[:] = window * (1 - light.shadow / (1 + 4 * lift) / 255 * dark[..., None])


def _window(points: np.ndarray, shape: tuple[int, ...], margin: int) -> tuple[int, int, int, int] | None:
    """The left, top, right and bottom of the part of a frame that points (N, 2) and a margin around them cover, if any."""
    left, top = np.maximum(np.floor(points.min(0)).astype(int) - margin, 0).tolist()
    right, bottom = np.minimum(np.ceil(points.max(0)).astype(int) + margin + 1, (shape[1], shape[0])).tolist()
    return (left, top, right, bottom) if left < right and top < bottom else None


def _rounded(points: np.ndarray, starts: np.ndarray, light: Light) -> np.ndarray:
    """The copies (levels, N, 2) of polygons, each smaller and nearer to the light, that make them look round when filled in turn.

    `points` (N, 2) are those of all polygons, which begin at `starts`.
    """
    counts = np.diff([*starts, len(points)])
    centres = np.repeat(np.add.reduceat(points, starts) / counts[:, None], counts, axis=0)
    x, y = (points - centres).T
    moments = [np.add.reduceat(values, starts) for values in (x * y, x * x - y * y, x * x + y * y)]
    angles = np.repeat(0.5 * np.arctan2(2 * moments[0], moments[1]), counts)  # of their long axes
    cos, sin = np.cos(angles), np.sin(angles)
    elongated = np.minimum(1, 1.7 * np.hypot(2 * moments[0], moments[1]) / np.maximum(moments[2], 1e-9))  # a circle has no long axis
    along, across = x * cos + y * sin, y * cos - x * sin
    thick = np.repeat(np.maximum.reduceat(np.abs(across), starts), counts)
    long, short = (np.array([level[k] for level in SHADE_LEVELS])[:, None] for k in (0, 1))
    long = short + (long - short) * np.repeat(elongated, counts)  # (levels, N)
    a, b, shift = long * along, short * across, 0.45 * (1 - short) * thick  # (levels, N)
    nested = np.stack([a * cos - b * sin + shift * light.direction[0], a * sin + b * cos + shift * light.direction[1]], axis=-1)
    return nested + centres
