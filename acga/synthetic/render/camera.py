"""The camera that films a drawn scene: how the world moves through the frame, and what the lens and sensor do to the picture.

World coordinates are frame heights, the origin being the frame's left upper corner at the reference frame (the middle one). Actors and
background go through the same matrix, so that they move together.

>>> from acga.synthetic.scene import Scene
>>> looks = {"background": "lawn", "surface": "grass", "actors": (), "annotated": (9,)}
>>> scene = Scene(name="a", seed=0, height=100, width=160, frames=16, pan=(0.01, 0), **looks)
>>> camera = Camera(scene)
>>> (camera.matrix(camera.reference) @ (1.6, 1.0, 1.0)).tolist()  # the right lower corner, in pixels
[160.0, 100.0]
>>> (camera.matrix(camera.reference + 5) @ (1.6, 1.0, 1.0)).round(6).tolist()  # the camera went right, so things go left
[155.0, 100.0]
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ..scene import Scene
from .backgrounds import CANVAS

Image = npt.NDArray[np.uint8]

FLICKER = 0.012  # standard deviation of a frame's relative brightness
GAMMA_FLICKER = 0.02  # and of its gamma
GRAIN_ROOM = 64  # pixels by which a field of noise is larger than a frame, each of which takes another part of it


def canvas_size(scene: Scene) -> tuple[int, int]:
    """Height and width in pixels of the background to paint for a scene."""
    return round(CANVAS * scene.height), round(CANVAS * scene.width)


class Camera:
    """The view of every frame of a scene: pan, zoom and shake, the same whenever it is built anew."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.reference = scene.frames // 2  # 0-indexed; here the world is seen as it was laid out
        elapsed = np.arange(scene.frames) - self.reference
        self._zoom = np.exp(scene.zoom * elapsed)  # (frames,)
        self._offset = elapsed[:, None] * np.array(scene.pan) + self._shake()  # (frames, 2)

    def _shake(self) -> npt.NDArray[np.float64]:
        """Offsets (frames, 2) of a hand that wanders and returns, zero at the reference frame."""
        steps = np.random.default_rng([self.scene.seed, 1]).normal(size=(self.scene.frames + 2, 2))
        kernel = np.array([0.5, 1.0, 0.5]) / np.sqrt(1.5)  # keeps the variance, makes neighbouring frames alike
        wander = np.stack([np.convolve(axis, kernel, mode="valid") for axis in steps.T], axis=1)
        return self.scene.shake * (wander - wander[self.reference])

    def matrix(self, frame: int) -> npt.NDArray[np.float64]:
        """Affine (2, 3) from world coordinates (x, y) to pixels in a frame (0-indexed): zoom about the centre of what the camera sees."""
        height, zoom = self.scene.height, self._zoom[frame]
        centre = np.array([self.scene.width / height, 1.0]) / 2
        shift = height * (centre - zoom * (centre + self._offset[frame]))  # pixels
        return np.array([[zoom * height, 0, shift[0]], [0, zoom * height, shift[1]]])

    def motion(self, frame: int) -> npt.NDArray[np.float64]:
        """The motion (2,) in pixels a frame of what stands still in the middle of the picture."""
        before, after = max(frame - 1, 0), min(frame + 1, self.scene.frames - 1)
        centre = np.array([self.scene.width / self.scene.height / 2, 0.5, 1.0])
        return np.asarray((self.matrix(after) - self.matrix(before)) @ centre / max(after - before, 1))

    def background(self, canvas: Image, frame: int) -> Image:
        """The part of a canvas that a frame shows; its middle lies on that of the reference frame, and it is mirrored past its borders.

        `canvas` is (height, width, 3), one of its pixels as large as one of the reference frame; the result is (H, W, 3).
        """
        height, width = self.scene.height, self.scene.width
        matrix = self.matrix(frame)
        matrix[:, :2] /= height  # from pixels of the reference frame
        margin = np.array([canvas.shape[1] - width, canvas.shape[0] - height]) / 2
        matrix[:, 2] -= matrix[:, :2] @ margin
        return np.asarray(cv2.warpAffine(canvas, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.uint8)


def degrade(frame: Image, scene: Scene, rng: np.random.Generator) -> Image:
    """Degrade a frame (H, W, 3) as lens and sensor do: blur, a slight flicker of brightness and gamma, and pixel noise."""
    if scene.blur > 0:
        frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), scene.blur), np.uint8)
    brightness, gamma = 1 + FLICKER * rng.standard_normal(), np.exp(GAMMA_FLICKER * rng.standard_normal())
    curve = 255 * brightness * (np.arange(256) / 255) ** gamma  # (256,)
    if scene.noise <= 0:
        return np.clip(np.round(curve), 0, 255).astype(np.uint8)[frame]
    # Signed noise in bytes: drawing a float for every pixel would cost several times as much.
    bright = np.clip(np.round(curve), 0, 255).astype(np.int16)[frame]
    pool = np.round(scene.noise * rng.standard_normal(8192)).astype(np.int16)
    noise = pool[rng.integers(0, len(pool), frame.shape, dtype=np.uint16)]
    return np.clip(bright + noise, 0, 255).astype(np.uint8)


class Sensor:
    """Lens and sensor of the second edition: `degrade` at a fraction of its cost, after a tone curve (1, 256, 3) of bytes."""

    def __init__(self, scene: Scene, table: Image, rng: np.random.Generator) -> None:
        self.scene, self.table, self.rng = scene, table, rng
        size = (scene.height + GRAIN_ROOM, scene.width + GRAIN_ROOM, 3)
        self.grain = np.round(scene.noise * rng.standard_normal(size, dtype=np.float32)).astype(np.int16)

    def expose(self, frame: Image) -> Image:
        """The frame (H, W, 3) as it is recorded."""
        if self.scene.blur > 0:
            frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), self.scene.blur), np.uint8)
        brightness, gamma = 1 + FLICKER * self.rng.standard_normal(), np.exp(GAMMA_FLICKER * self.rng.standard_normal())
        curve = 255 * brightness * (self.table / 255) ** gamma
        bright = cv2.LUT(frame, np.clip(np.round(curve), 0, 255).astype(np.uint8))
        top, left = self.rng.integers(GRAIN_ROOM, size=2)
        grain = self.grain[top : top + self.scene.height, left : left + self.scene.width]
        return np.asarray(cv2.add(bright, grain, dtype=cv2.CV_8U), np.uint8)
