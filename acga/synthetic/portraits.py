"""Every actor-action pair by itself: for contact sheets and the table of the taxonomy."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np

from ..data.taxonomy import PAIRS
from .render.renderer import draw
from .sampling import sample_scene
from .scene import Scene

PORTRAIT_SIDE = 160  # pixels
PORTRAIT_HEIGHT = {"cat": 0.42, "dog": 0.42, "car": 0.32}  # so that what is longer than it is tall fits in; others 0.62


def portraits(seed: int = 0) -> dict[tuple[str, str], Scene]:
    """For each of the 43 pairs the first scene in which it is alone, with the actor in the middle before a still camera.

    >>> scenes = portraits()
    >>> len(scenes), scenes["dog", "run"].actors[0].action
    (43, 'run')
    """
    found: dict[tuple[str, str], Scene] = {}
    for index in count():
        scene = sample_scene("portrait", seed, 0, index, frames=24)
        actor = scene.actors[0]
        pair = (actor.kind, actor.action)
        if len(scene.actors) == 1 and pair not in found:
            height = min(1.15 * actor.height, PORTRAIT_HEIGHT.get(actor.kind, 0.62))
            y = actor.y if actor.action == "fly" else max(actor.y, 1.1 * height)
            middle = replace(actor, x=0.5, y=y, height=height)
            found[pair] = replace(
                scene, height=PORTRAIT_SIDE, width=PORTRAIT_SIDE, actors=(middle,), pan=(0.0, 0.0), zoom=0.0, shake=0.0, blur=0.0
            )
        if len(found) == len(PAIRS):
            return {pair: found[pair] for pair in PAIRS}
    raise AssertionError("unreachable: scenes are endless")


def stills(seed: int = 0) -> dict[tuple[str, str], np.ndarray]:
    """The middle frame (160, 160, 3) uint8 of each portrait."""
    alone = {pair: replace(scene, frames=1, annotated=(1,)) for pair, scene in portraits(seed).items()}
    return {pair: next(draw(scene))[0] for pair, scene in alone.items()}
