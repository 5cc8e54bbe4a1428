"""The renderer: frames and masks of a `Scene`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..scene import Box, Scene
from . import things
from .backgrounds import CANVAS, paint
from .camera import Camera, degrade
from .cutouts import CutoutFolder
from .shaded import draw_shaded
from .shapes import Part, ellipse, render

VISIBLE = 0.0025  # share of the frame below which an actor counts as absent: 100 pixels of 160 x 256


def draw(scene: Scene, cutouts: CutoutFolder | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw every frame of a scene (H, W, 3) uint8 with the visible masks of its actors (N, H, W) bool, occlusion taken off.

    `cutouts` is the folder that actors which are photographs come from.

    >>> from acga.synthetic.sampling import sample_scene
    >>> scene = sample_scene("example", seed=0, split=0, index=0, frames=4)
    >>> frame, masks = next(draw(scene))
    >>> masks.shape == (len(scene.actors), *frame.shape[:2])
    True
    """
    if scene.style.startswith("shaded"):
        yield from draw_shaded(scene, cutouts)
        return
    rng = np.random.default_rng(scene.seed)
    canvas = paint(scene.background, round(CANVAS * scene.height), round(CANVAS * scene.width), rng)
    camera = Camera(scene)
    aspect = scene.width / scene.height
    supports = [things.support(actor, aspect) for actor in scene.actors]
    for index in range(scene.frames):
        time = float(index - scene.frames // 2)
        frame, matrix = camera.background(canvas, index), camera.matrix(index)
        masks = np.zeros((len(scene.actors), scene.height, scene.width), bool)
        for number, actor in enumerate(scene.actors):
            parts = things.parts(actor, time, aspect)
            _shadow(frame, parts, matrix, actor.y)
            hidden = render(frame, supports[number], matrix, scene.style)[1]
            mask, covered = render(frame, parts, matrix, scene.style)
            masks[:number] &= ~(hidden | covered)
            masks[number] = mask
        yield degrade(frame, scene, rng), masks


def _shadow(frame: np.ndarray, parts: list[Part], matrix: np.ndarray, ground: float) -> None:
    """A dark spot on the ground, smaller and fainter the higher the actor is above it."""
    points = np.concatenate([part.points for part in parts if part.of_actor])
    lift = max(0.0, ground - points[:, 1].max())
    radius = 0.42 * np.ptp(points[:, 0]) / (1 + 4 * lift)
    spot = Part(ellipse((points[:, 0].mean(), ground), radius, 0.16 * radius), (0, 0, 0))
    before = frame.copy()
    _, covered = render(frame, [spot], matrix)
    frame[covered] = (0.35 * frame + 0.65 * before)[covered] if lift < 0.02 else (0.2 * frame + 0.8 * before)[covered]
    frame[~covered] = before[~covered]


def box(mask: np.ndarray, least: float = VISIBLE) -> Box | None:
    """The box of a mask (H, W), or None when it covers less than a share `least` of the frame.

    >>> import numpy as np
    >>> box(np.ones((4, 4), bool))
    Box(left=0.0, top=0.0, right=1.0, bottom=1.0, area=1.0)
    """
    area = float(mask.mean())
    if area < least:
        return None
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    (top, bottom), (left, right) = ((float(line[0]), float(line[-1] + 1)) for line in (rows, columns))
    return Box(left=left / width, top=top / height, right=right / width, bottom=bottom / height, area=area)


def mean_box(boxes: list[Box]) -> Box:
    """The average of an actor's boxes over the annotated frames, which is what its sentences' places speak of."""
    left, top, right, bottom, area = (
        float(np.mean([getattr(b, name) for b in boxes])) for name in ("left", "top", "right", "bottom", "area")
    )
    return Box(left=left, top=top, right=right, bottom=bottom, area=area)
