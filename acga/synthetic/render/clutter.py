"""Backgrounds of the second edition: stronger textures, and things lying about that are drawn as actors are but are none of their kinds."""

from __future__ import annotations

import cv2
import numpy as np

from ...data.taxonomy import COLOURS
from .camera import Image
from .shading import Light, Material, render_shaded
from .shapes import Part, capsule, ellipse, rotate, shade
from .textures import TEXTURE_SIDE, Textures

MOST_THINGS = 6
GROUND = 0.45  # of the canvas height; things lie below it, and a few hang above


def enrich(canvas: Image, unit: float, textures: Textures, light: Light, rng: np.random.Generator) -> Image:
    """A background (H, W, 3) with more colour and texture, and with clutter; `unit` is the height of the frame in pixels."""
    height, width = canvas.shape[:2]
    gray = cv2.cvtColor(cv2.cvtColor(canvas, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    vivid = rng.uniform(0.8, 2.1)
    image = cv2.addWeighted(canvas, vivid, gray, 1 - vivid, 0)
    level = np.full((height, width), 128, np.float32)
    for texture, most in ((textures.pink, 0.14), (textures.leaves, 0.1)):
        zoom, angle = rng.uniform(0.5, 1.1), rng.uniform(0, 360)
        matrix = cv2.getRotationMatrix2D((TEXTURE_SIDE / 2, TEXTURE_SIDE / 2), angle, zoom)
        laid = cv2.warpAffine(
            texture, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT
        )
        level += np.float32(128 * rng.uniform(0, most)) * laid
    relief = cv2.merge([np.clip(level, 0, 255).astype(np.uint8)] * 3)
    image = np.asarray(cv2.multiply(image, relief, scale=1 / 128), np.uint8)
    matrix = np.array([[unit, 0, 0], [0, unit, 0.0]])
    for y in np.sort(rng.uniform(GROUND, 1, int(rng.integers(MOST_THINGS + 1)))) * height:
        x = rng.uniform(0, width)
        tall = rng.uniform(0.06, 0.28) * (0.4 + (y / height - GROUND) / (1 - GROUND))
        spot = np.array([x, y if rng.random() < 0.85 else rng.uniform(0.1, 0.4) * height])
        parts = [part._replace(points=part.points * (tall, -tall) + spot / unit) for part in thing(rng)]
        material = Material.sample(rng, textures, "thing")
        render_shaded(image, parts, matrix, light, material, height=tall * unit, origin=spot)
    return np.asarray(image, np.uint8)


def thing(rng: np.random.Generator) -> list[Part]:
    """A pile of one to four random bodies about 1 high, x to the right, y up, standing on the origin."""
    parts: list[Part] = []
    base = 0.0
    colours = [COLOURS[str(name)] for name in rng.choice(list(COLOURS), 2)]
    for _ in range(rng.integers(1, 5)):
        wide, tall, lean = rng.uniform(0.15, 0.6), rng.uniform(0.2, 0.7), rng.normal(0, 0.15)
        centre = np.array([rng.normal(0, 0.1), base + tall / 2])
        match rng.integers(4):
            case 0:
                points = rotate(np.array([(-wide, -tall / 2), (wide, -tall / 2), (wide, tall / 2), (-wide, tall / 2)]), lean) + centre
            case 1:
                points = ellipse(centre, wide, tall / 2, lean)
            case 2:
                points = capsule(
                    centre - np.array([0.7 * wide, 0.3 * tall]), centre + np.array([0.7 * wide, 0.2 * tall]), 0.35 * tall, 0.25 * tall
                )
            case _:
                points = np.array([(-wide, -tall / 2), (wide, -tall / 2), (0.35 * wide * rng.normal(), tall / 2)]) + centre
        pattern = str(rng.choice(["plain", "plain", "striped", "spotted"]))
        parts.append(Part(points, shade(colours[rng.integers(2)], rng.uniform(0.6, 1.1)), pattern=pattern))
        base += 0.7 * tall
    return parts
