"""Textures as natural pictures have them: noise whose amplitude falls as 1 / frequency, and dead leaves (shapes that hide each other).

>>> import numpy as np
>>> textures = Textures(np.random.default_rng(0))
>>> textures.pink.shape, textures.leaves.dtype
((256, 256), dtype('float32'))
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]

TEXTURE_SIDE = 256  # pixels of a texture
LEAVES = 420
SMALLEST, LARGEST = 3.0, 70.0  # radii of leaves in pixels; their number falls with the cube of the radius


class Textures:
    """The textures of one scene, each (256, 256) of mean 0 and standard deviation 1: `pink`, `fur`, `leaves`."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.pink = pink_noise(rng)
        self.leaves = dead_leaves(rng)
        self.fur = _standard(
            cv2.resize(self.pink[:, : TEXTURE_SIDE // 5], (TEXTURE_SIDE, TEXTURE_SIDE), interpolation=cv2.INTER_LINEAR)
        )  # along x

    def pick(self, rng: np.random.Generator, weights: tuple[float, float, float]) -> Field:
        """One of pink, fur and leaves, as often as the weights say."""
        return (self.pink, self.fur, self.leaves)[rng.choice(3, p=np.divide(weights, sum(weights)))]


def pink_noise(rng: np.random.Generator, slope: float = 1.15) -> Field:
    """Noise (256, 256) of mean 0 and standard deviation 1 whose amplitude falls as frequency to the power -`slope`."""
    rows, columns = np.fft.fftfreq(TEXTURE_SIDE)[:, None], np.fft.rfftfreq(TEXTURE_SIDE)[None]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((TEXTURE_SIDE, TEXTURE_SIDE), dtype=np.float32)) * frequency**-slope
    spectrum[0, 0] = 0.0
    return _standard(np.fft.irfft2(spectrum, (TEXTURE_SIDE, TEXTURE_SIDE)))


def dead_leaves(rng: np.random.Generator) -> Field:
    """Overlapping ellipses and quadrangles of all sizes, (256, 256) of mean 0 and standard deviation 1."""
    picture = np.full((TEXTURE_SIDE, TEXTURE_SIDE), 128, np.uint8)
    share = np.linspace(0, 1, LEAVES)
    radii = 1 / np.sqrt(SMALLEST**-2 * (1 - share) + LARGEST**-2 * share)
    radii = np.concatenate([np.sort(radii)[::-1][:60], rng.permutation(radii)])  # large ones first, so that nothing is left bare
    centres, levels = rng.uniform(0, TEXTURE_SIDE, (len(radii), 2)), rng.integers(20, 236, len(radii))
    angles, flat, corners = rng.uniform(0, 180, len(radii)), rng.uniform(0.35, 1, len(radii)), rng.random(len(radii)) < 0.4
    for centre, level, radius, angle, ratio, cornered in zip(centres, levels, radii, angles, flat, corners, strict=True):
        if cornered:
            quadrangle = cv2.boxPoints(((float(centre[0]), float(centre[1])), (2 * radius, 2 * ratio * radius), float(angle)))
            cv2.fillConvexPoly(picture, quadrangle.astype(np.int32), int(level), cv2.LINE_AA)
        else:
            axes = (max(1, round(radius)), max(1, round(ratio * radius)))
            cv2.ellipse(picture, (round(centre[0]), round(centre[1])), axes, float(angle), 0, 360, int(level), -1, cv2.LINE_AA)
    return _standard(picture)


def _standard(values: npt.NDArray[np.generic]) -> Field:
    field = np.asarray(values, np.float32)
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6), np.float32)
