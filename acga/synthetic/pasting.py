"""Copy-paste augmentation (Ghiasi et al., 2021): cut-outs of other photographs move through a view, in surroundings new to them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from .render.cutouts import Cutout, CutoutFolder, render_cutout, resize_cutout
from .render.shading import Light
from .scene import Rng

MOST_PASTED = 2
HEIGHTS, SMALLEST_FEET = (0.18, 0.65), 0.45  # of a piece, and of its lower edge, as shares of the view's height
SPEED, MOVING = 3.0, 0.7  # pixels a frame along x, a third of it along y; share of the pieces that move


def paste(
    frames: npt.NDArray[np.uint8], instances: npt.NDArray[np.uint8], cutouts: CutoutFolder, annotated: int, first: int, rng: Rng
) -> dict[int, str]:
    """Draw one or two cut-outs onto frames (T, H, W, 3) in place; gives the classes of their numbers, which are counted from `first`.

    `instances` (H, W) are the numbers in frame `annotated`; they are changed in place, too. The lower edge of a cut-out that is nearer is
    lower, so it covers one that is farther; both cover what the photograph shows.
    """
    height, width = instances.shape
    pasted: dict[int, str] = {}
    feet = np.sort(rng.uniform(SMALLEST_FEET, 1.0, int(rng.integers(1, MOST_PASTED + 1))))
    for number, lower_edge in enumerate(feet, start=first):
        piece = _choose(cutouts, rng)
        picture = cutouts.pictures[piece.name]
        layer = resize_cutout(picture if rng.random() < 0.5 else picture[:, ::-1], rng.uniform(*HEIGHTS) * height)
        rows, columns = layer.shape[:2]
        place = np.array([rng.uniform(-0.2, 0.8) * (width - 0.5 * columns), lower_edge * height - rows])
        speed = rng.uniform(-1, 1, 2) * (SPEED, SPEED / 3) * (rng.random() < MOVING)
        light, tint = Light.sample(rng), rng.uniform(0.75, 1.1) * (1 + rng.normal(0, 0.03, 3))
        for time, frame in enumerate(frames):
            matrix = np.column_stack([np.eye(2), place + speed * (time - annotated)])
            mask = render_cutout(frame, layer, matrix, light, tint, speed * light.shutter)
            if time == annotated:
                instances[mask] = number
        pasted[number] = piece.noun
    return pasted


def _choose(cutouts: CutoutFolder, rng: Rng) -> Cutout:
    """A cut-out of the training split, of a class with four times as many cut-outs twice as often."""
    usable = [cutout for cutout in cutouts.cutouts if cutout.split == 0]
    counts = Counter(cutout.noun for cutout in usable)
    weights = np.array([counts[cutout.noun] ** -0.5 for cutout in usable])
    return usable[int(rng.choice(len(usable), p=weights / weights.sum()))]
