"""Polygons, and drawing lists of them with antialiasing onto a frame together with their mask.

A `Part` is one filled polygon in world coordinates (frame heights, y down). Actors are rendered on a small layer of three times the
resolution and then averaged down, so edges are smooth and the mask is where at least half a pixel is covered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike

Colour = tuple[int, int, int]
SUPERSAMPLING = 3
_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 20, endpoint=False)), np.sin(np.linspace(0, 2 * np.pi, 20, endpoint=False))], axis=1)
_HALF = np.linspace(-np.pi / 2, np.pi / 2, 7)


class Part(NamedTuple):
    """One filled polygon."""

    points: np.ndarray  # (N, 2)
    colour: Colour
    of_actor: bool = True  # props such as a bowl are drawn but not part of the mask
    pattern: str = "plain"  # stripes or spots on top


def capsule(a: ArrayLike, b: ArrayLike, radius_a: float, radius_b: float | None = None) -> np.ndarray:
    """A limb: two half circles around `a` and `b`, joined; (14, 2)."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    radius_b = radius_a if radius_b is None else radius_b
    angle = np.arctan2(b[1] - a[1], b[0] - a[0])
    end = np.stack([np.cos(angle + _HALF), np.sin(angle + _HALF)], axis=1) * radius_b + b
    start = np.stack([np.cos(angle + np.pi + _HALF), np.sin(angle + np.pi + _HALF)], axis=1) * radius_a + a
    return np.concatenate([end, start])


def ellipse(centre: ArrayLike, rx: float, ry: float | None = None, angle: float = 0.0) -> np.ndarray:
    """An ellipse as a polygon; (20, 2)."""
    ry = rx if ry is None else ry
    points = _CIRCLE * (rx, ry)
    return rotate(points, angle) + np.asarray(centre)


def rotate(points: np.ndarray, angle: float, centre: ArrayLike = (0.0, 0.0)) -> np.ndarray:
    """Rotate (N, 2) points counter-clockwise (y up) about `centre`."""
    c, s, pivot = np.cos(angle), np.sin(angle), np.asarray(centre)
    return (points - pivot) @ np.array([[c, s], [-s, c]]) + pivot


def shade(colour: Colour, factor: float) -> Colour:
    """A darker (factor < 1) or lighter version of a colour.

    >>> shade((100, 200, 40), 0.5)
    (50, 100, 20)
    """
    red, green, blue = (int(np.clip(channel * factor, 0, 255)) for channel in colour)
    return red, green, blue


def render(frame: np.ndarray, parts: Sequence[Part], matrix: np.ndarray, style: str = "flat") -> tuple[np.ndarray, np.ndarray]:
    """Draw `parts` onto `frame` (H, W, 3) uint8 in place, through the (2, 3) affine from world to pixels.

    Returns two (H, W) bool masks: the actor itself, and everything drawn, which hides what was drawn before.
    """
    height, width = frame.shape[:2]
    actor, covered = np.zeros((height, width), bool), np.zeros((height, width), bool)
    if not parts:
        return actor, covered
    polygons = [part.points @ matrix[:, :2].T + matrix[:, 2] for part in parts]
    everything = np.concatenate(polygons)
    left, top = np.maximum(np.floor(everything.min(0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(everything.max(0)).astype(int) + 2, (width, height))
    if left >= right or top >= bottom:
        return actor, covered
    size = ((bottom - top) * SUPERSAMPLING, (right - left) * SUPERSAMPLING)
    layer = np.zeros((*size, 3), np.uint8)
    drawn, own = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    for part, polygon in zip(parts, polygons, strict=True):
        corners = np.round((polygon - (left, top)) * (SUPERSAMPLING * 16)).astype(np.int32)
        fill_part(layer, corners, part, size)
        if style == "sketch":
            cv2.polylines(layer, [corners], True, (25, 25, 25), 2, shift=4)
        cv2.fillPoly(drawn, [corners], 255, shift=4)
        cv2.fillPoly(own, [corners], 255 if part.of_actor else 0, shift=4)
    small = (right - left, bottom - top)
    alpha = cv2.resize(drawn, small, interpolation=cv2.INTER_AREA)[..., None].astype(np.float32) / 255
    layer = cv2.resize(layer, small, interpolation=cv2.INTER_AREA).astype(np.float32)  # already multiplied by alpha: empty is 0
    light = np.linspace(1.06, 0.9, small[1], dtype=np.float32)[:, None, None]  # lit from above
    window = frame[top:bottom, left:right]
    window[:] = np.clip(window * (1 - alpha) + layer * light, 0, 255)
    actor[top:bottom, left:right] = cv2.resize(own, small, interpolation=cv2.INTER_AREA) > 127
    covered[top:bottom, left:right] = alpha[..., 0] > 0.5
    return actor, covered


def fill_part(layer: np.ndarray, corners: np.ndarray, part: Part, size: tuple[int, int], period: float = 12.0) -> None:
    """Fill a part in place with its colour and pattern; `corners` (N, 2) are in 16ths of a pixel, `period` is the pattern's in pixels."""
    if part.pattern == "plain":
        cv2.fillPoly(layer, [corners], part.colour, shift=4)
        return
    left, top = np.clip(corners.min(0) // 16, 0, (size[1], size[0]))
    right, bottom = np.clip(corners.max(0) // 16 + 2, 0, (size[1], size[0]))
    if left >= right or top >= bottom:
        return
    y, x = np.mgrid[top:bottom, left:right]
    x, y = x - corners[:, 0].mean() / 16, y - corners[:, 1].mean() / 16  # the pattern moves with the part
    pace = 0.7 * (12.0 / period)
    dark = (y % period) < period / 2 if part.pattern == "striped" else (np.sin(x * pace) * np.sin(y * pace)) > 0.35
    inside = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(inside, [corners - np.array([left, top], np.int32) * 16], 1, shift=4)
    bright = sum(part.colour) > 200
    other = shade(part.colour, 0.35) if bright else (200, 200, 200)
    window = layer[top:bottom, left:right]
    window[inside > 0] = part.colour
    window[(inside > 0) & dark] = other
