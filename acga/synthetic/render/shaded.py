"""Frames and masks of a scene of the second edition: its light, background, figures, shutter and sensor."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from ...errors import DatasetError
from ..scene import Actor, Scene
from . import things
from .backgrounds import CANVAS, paint
from .camera import Camera, Sensor
from .clutter import enrich
from .cutouts import CutoutFolder, patch, placement, render_cutout
from .motion import pose
from .shading import Light, Material, cast_shadow, line_kernel, render_shaded
from .textures import Textures

ActorMasks = tuple[np.ndarray, np.ndarray]  # of an actor itself and of everything drawn with it, (H, W) bool


def draw_shaded(scene: Scene, cutouts: CutoutFolder | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """`renderer.draw` for scenes of the second edition.

    Raises `DatasetError` when an actor is a photograph that `cutouts` has not.
    """
    rng = np.random.default_rng(scene.seed)
    height, width = scene.height, scene.width
    textures, light, camera = Textures(rng), Light.sample(rng), Camera(scene)
    canvas = enrich(paint(scene.background, round(CANVAS * height), round(CANVAS * width), rng), height, textures, light, rng)
    relief, sensor = light.relief(height, width), Sensor(scene, light.table, rng)
    figures: list[DrawnFigure | PhotographedFigure] = [
        PhotographedFigure(actor, scene, textures, light, cutouts) if actor.cutout else DrawnFigure(actor, scene, textures, light)
        for actor in scene.actors
    ]
    for index in range(scene.frames):
        time, matrix = float(index - scene.frames // 2), camera.matrix(index)
        pan = light.shutter * camera.motion(index)
        frame = camera.background(canvas, index)
        if (kernel := line_kernel(pan)) is not None:
            frame = np.asarray(cv2.filter2D(frame, -1, kernel), np.uint8)
        masks = np.zeros((len(figures), height, width), bool)
        for number, figure in enumerate(figures):
            masks[number], covered = figure.paint(frame, time, matrix, pan)
            masks[:number] &= ~covered
        yield sensor.expose(np.asarray(cv2.multiply(frame, relief, scale=1 / 128), np.uint8)), masks


class _Figure:
    """An actor with the surface and the light that it has throughout its video."""

    def __init__(self, actor: Actor, scene: Scene, textures: Textures, light: Light) -> None:
        self.actor, self.aspect, self.light = actor, scene.width / scene.height, light
        # of what it climbs, and of itself; the same for all who look alike
        self.support_material, self.material = (
            Material.sample(np.random.default_rng([actor.look or 0, number]), textures, kind)
            for number, kind in enumerate(("", actor.kind))
        )

    def motion(self, time: float, matrix: np.ndarray, pan: np.ndarray) -> np.ndarray:
        """The distance (2,) that it moves in the picture while the shutter is open, in pixels."""
        before, after = (things.place(self.actor, time + step, self.aspect) for step in (-0.5, 0.5))
        return np.asarray(pan + self.light.shutter * (matrix[:, :2] @ (after - before)))

    def shadow(self, frame: np.ndarray, points: np.ndarray, matrix: np.ndarray) -> None:
        """Cast the shadow of a body that reaches to all of the points (N, 2) of the world."""
        ground = self.actor.y
        lift = max(0.0, ground - points[:, 1].max())
        x, y = matrix @ (points[:, 0].mean(), ground, 1.0)
        cast_shadow(frame, (float(x), float(y)), float(0.45 * np.ptp(points[:, 0]) * matrix[0, 0]), self.light, lift)


class DrawnFigure(_Figure):
    """An actor made of parts."""

    def __init__(self, actor: Actor, scene: Scene, textures: Textures, light: Light) -> None:
        super().__init__(actor, scene, textures, light)
        self.support, self.outlined = things.support(actor, self.aspect), scene.style == "shaded sketch"

    def paint(self, frame: np.ndarray, time: float, matrix: np.ndarray, pan: np.ndarray) -> ActorMasks:
        """Draw the actor and what it climbs onto `frame` (H, W, 3) uint8 in place, at a time, through the camera's matrix."""
        actor, height = self.actor, self.actor.height * matrix[0, 0]
        parts = things.parts(actor, time, self.aspect)
        self.shadow(frame, np.concatenate([part.points for part in parts if part.of_actor]), matrix)
        foot = matrix @ (actor.x * self.aspect, actor.y, 1.0)
        options = {"height": height, "outlined": self.outlined}
        hidden = render_shaded(frame, self.support, matrix, self.light, self.support_material, origin=foot, motion=pan, **options)[1]
        centre = matrix @ (*(things.place(actor, time, self.aspect) - (0.0, 0.5 * actor.height)), 1.0)
        spin, motion = -pose(actor, time).spin * actor.heading, self.motion(time, matrix, pan)
        mask, covered = render_shaded(frame, parts, matrix, self.light, self.material, origin=centre, spin=spin, motion=motion, **options)
        return mask, hidden | covered


class PhotographedFigure(_Figure):
    """An actor that is a cut-out photograph, which moves as a rigid piece."""

    def __init__(self, actor: Actor, scene: Scene, textures: Textures, light: Light, cutouts: CutoutFolder | None) -> None:
        super().__init__(actor, scene, textures, light)
        if cutouts is None or actor.cutout not in cutouts.pictures:
            raise DatasetError(f"The cut-out {actor.cutout} is needed to draw {scene.name}; give the folder that it comes from.")
        self.patch = patch(cutouts.pictures[actor.cutout], actor, scene.height)

    def paint(self, frame: np.ndarray, time: float, matrix: np.ndarray, pan: np.ndarray) -> ActorMasks:
        """Draw the actor onto `frame` (H, W, 3) uint8 in place, at a time, through the camera's matrix."""
        place, turn = things.place(self.actor, time, self.aspect), placement(self.actor, time, self.patch.shape[1::-1])
        half = 0.5 * self.patch.shape[1] * np.hypot(turn[0, 0], turn[1, 0])
        self.shadow(frame, place + np.array([[-half, 0.0], [half, 0.0]]), matrix)
        onto = np.column_stack([matrix[:, :2] @ turn[:, :2], matrix @ (*(place + turn[:, 2]), 1.0)])
        mask = render_cutout(frame, self.patch, onto, self.light, self.material.tint, self.motion(time, matrix, pan))
        return mask, mask
