"""Copy-paste augmentation (Ghiasi et al., 2021): cut-outs of other photographs move through a view, in surroundings new to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .render.cutouts import Cutout, CutoutFolder, render_cutout, resize_cutout
from .render.shading import Light
from .scene import Rng

if TYPE_CHECKING:
    from .photographs import PhotographView

MOST_PASTED = 2
HEIGHTS, SMALLEST_FEET = (0.18, 0.65), 0.45  # of a piece, and of its lower edge, as shares of the view's height
SPEED, MOVING = 3.0, 0.7  # pixels a frame along x, a third of it along y; share of the pieces that move


def paste(view: PhotographView, cutouts: CutoutFolder, annotated: int, rng: Rng) -> tuple[PhotographView, dict[int, str]]:
    """A view with one or two cut-outs pasted into it, and their numbers in it with their classes; `annotated` is the frame of the masks.

    The lower edge of a cut-out that is nearer is lower, so it covers one that is farther; both cover what the photograph shows.
    """
    frames, instances = view.frames.copy(), view.instances.copy()
    height, width = instances.shape
    number = max(int(instances[instances < 255].max(initial=0)), 0)
    pasted = {}
    feet = np.sort(rng.uniform(SMALLEST_FEET, 1.0, int(rng.integers(1, MOST_PASTED + 1))))
    for lower_edge in feet:
        piece = _choose(cutouts, rng)
        picture = cutouts.pictures[piece.name]
        layer = resize_cutout(picture if rng.random() < 0.5 else picture[:, ::-1], rng.uniform(*HEIGHTS) * height)
        rows, columns = layer.shape[:2]
        place = np.array([rng.uniform(-0.2, 0.8) * (width - 0.5 * columns), lower_edge * height - rows])
        speed = rng.uniform(-1, 1, 2) * (SPEED, SPEED / 3) * (rng.random() < MOVING)
        light, tint = Light.sample(rng), rng.uniform(0.75, 1.1) * (1 + rng.normal(0, 0.03, 3))
        number += 1
        for time, frame in enumerate(frames):
            matrix = np.column_stack([np.eye(2), place + speed * (time - annotated)])
            mask = render_cutout(frame, layer, matrix, light, tint, speed * light.shutter)
            if time == annotated:
                instances[mask] = number
        pasted[number] = piece.noun
    return replace(view, frames=frames, instances=instances), pasted


def _choose(cutouts: CutoutFolder, rng: Rng) -> Cutout:
    """A cut-out of the training split, of a class with four times as many cut-outs twice as often."""
    usable = [cutout for cutout in cutouts.cutouts if cutout.split == 0]
    counts = Counter(cutout.noun for cutout in usable)
    weights = np.array([counts[cutout.noun] ** -0.5 for cutout in usable])
    return usable[int(rng.choice(len(usable), p=weights / weights.sum()))]
