"""The renderer: frames and masks of a `Scene`."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from ...errors import DatasetError
from ..scene import Actor, Box, Scene
from . import things
from .backgrounds import CANVAS, paint
from .camera import Camera, Sensor, degrade
from .clutter import enrich
from .cutouts import CutoutFolder, patch, placement, render_cutout
from .motion import pose
from .shading import Light, Material, cast_shadow, line_kernel, render_shaded
from .shapes import Part, ellipse, render
from .textures import Textures

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
        yield from _draw_shaded(scene, cutouts)
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


def _draw_shaded(scene: Scene, cutouts: CutoutFolder | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """`draw` in the look of the second edition."""
    rng = np.random.default_rng(scene.seed)
    height, width = scene.height, scene.width
    textures, light, camera, aspect = Textures(rng), Light.sample(rng), Camera(scene), width / height
    canvas = enrich(paint(scene.background, round(CANVAS * height), round(CANVAS * width), rng), height, textures, light, rng)
    relief, outlined = light.relief(height, width), scene.style == "shaded sketch"
    surfaces = [[Material.sample(np.random.default_rng([a.look or 0, n]), textures, ("", a.kind)[n]) for n in (0, 1)] for a in scene.actors]
    supports = [things.support(actor, aspect) for actor in scene.actors]
    patches = {n: patch(_picture(cutouts, actor), actor, height) for n, actor in enumerate(scene.actors) if actor.cutout}
    sensor = Sensor(scene, light.table, rng)
    for index in range(scene.frames):
        time, matrix = float(index - scene.frames // 2), camera.matrix(index)
        pan = light.shutter * camera.motion(index)
        frame = camera.background(canvas, index)
        if (kernel := line_kernel(pan)) is not None:
            frame = np.asarray(cv2.filter2D(frame, -1, kernel), np.uint8)
        masks = np.zeros((len(scene.actors), height, width), bool)
        for number, actor in enumerate(scene.actors):
            place = things.place(actor, time, aspect)
            motion = pan + light.shutter * matrix[:, :2] @ (
                things.place(actor, time + 0.5, aspect) - things.place(actor, time - 0.5, aspect)
            )
            origin = matrix @ (*place, 1.0)
            if number in patches:
                layer = patches[number]
                move = placement(actor, time, layer.shape[1::-1])
                onto = np.column_stack([matrix[:, :2] @ move[:, :2], matrix[:, :2] @ move[:, 2] + origin])
                width_seen = actor.height * min(1.0, actor.cutout_aspect)
                _soft_shadow(frame, place + np.array([[-0.5], [0.5]]) * (width_seen, 0), matrix, actor.y, light)
                masks[number] = render_cutout(frame, layer, onto, light, surfaces[number][1].tint, motion)
                masks[:number] &= ~masks[number]
                continue
            parts = things.parts(actor, time, aspect)
            look = {"light": light, "height": actor.height * matrix[0, 0], "outlined": outlined}
            _soft_shadow(frame, np.concatenate([part.points for part in parts if part.of_actor]), matrix, actor.y, light)
            foot = matrix @ (actor.x * aspect, actor.y, 1.0)
            hidden = render_shaded(frame, supports[number], matrix, material=surfaces[number][0], origin=foot, motion=pan, **look)[1]
            spin = -pose(actor, time).spin * actor.heading
            mask, covered = render_shaded(
                frame, parts, matrix, material=surfaces[number][1], origin=origin, spin=spin, motion=motion, **look
            )
            masks[:number] &= ~(hidden | covered)
            masks[number] = mask
        yield sensor.expose(np.asarray(cv2.multiply(frame, relief, scale=1 / 128), np.uint8)), masks


def _picture(cutouts: CutoutFolder | None, actor: Actor) -> np.ndarray:
    if cutouts is None or actor.cutout not in cutouts.pictures:
        raise DatasetError(f"The cut-out {actor.cutout} is needed to draw this scene; give the folder that it comes from.")
    return cutouts.pictures[actor.cutout]


def _soft_shadow(frame: np.ndarray, points: np.ndarray, matrix: np.ndarray, ground: float, light: Light) -> None:
    lift = max(0.0, ground - points[:, 1].max())
    x, y = matrix @ (points[:, 0].mean(), ground, 1.0)
    cast_shadow(frame, (float(x), float(y)), float(0.45 * np.ptp(points[:, 0]) * matrix[0, 0]), light, lift)


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


def box(mask: np.ndarray) -> Box | None:
    """The box of a mask (H, W), or None when too little of the actor is seen.

    >>> import numpy as np
    >>> box(np.ones((4, 4), bool))
    Box(left=0.0, top=0.0, right=1.0, bottom=1.0, area=1.0)
    """
    area = float(mask.mean())
    if area < VISIBLE:
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
