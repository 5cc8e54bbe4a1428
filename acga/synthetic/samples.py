"""Clips drawn to be shown: two people and a dog on a lawn, and that of `acga demo`; with a sentence for each actor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..data.video import VideoWriter
from .render.renderer import draw
from .scene import FRAMES_PER_SECOND, Actor, Scene

WALKER = Actor(
    kind="adult",
    action="walk",
    noun="man",
    colour="red",
    garment="shirt",
    lower_colour="blue",
    lower_garment="pants",
    height=0.54,
    x=0.23,
    y=0.72,
    heading=1,
)
DOG = Actor(kind="dog", action="walk", noun="dog", colour="white", height=0.3, x=0.82, y=0.68, heading=-1, phase=0.3)
RUNNER = Actor(
    kind="adult",
    action="run",
    noun="man",
    colour="green",
    garment="shirt",
    lower_colour="black",
    lower_garment="shorts",
    height=0.58,
    x=0.5,
    y=0.94,
    heading=-1,
    tempo=0.85,
    phase=0.5,
)
SCENE = Scene(
    name="demo",
    seed=5,
    height=144,
    width=192,
    frames=32,
    background="lawn",
    surface="grass",
    actors=(DOG, WALKER, RUNNER),
    annotated=(),
    noise=2.0,
)
QUERIES = {"white dog on the right": 0, "man in red walking": 1, "man in green running": 2}  # and the actor that each describes
# What `acga demo` draws: the second edition's light, and a ball in place of the runner.
LIT_SCENE = replace(
    SCENE,
    seed=12,
    height=256,
    width=340,
    frames=16,
    style="shaded",
    noise=1.0,
    actors=(
        replace(DOG, height=0.27, x=0.8, y=0.64, look=1),
        replace(WALKER, height=0.52, x=0.17, y=0.74, look=8),
        Actor(kind="ball", action="roll", noun="ball", colour="orange", height=0.2, x=0.5, y=0.92, heading=1, look=5),
    ),
)
LIT_QUERIES = {"white dog on the right": 0, "man in red walking": 1, "orange ball rolling": 2}


def write_clip(path: Path, scene: Scene = SCENE) -> np.ndarray:
    """Draw a scene into an mp4 file; gives the masks of its actors, bool (N, T, H, W)."""
    masks = []
    with VideoWriter(path, FRAMES_PER_SECOND, (scene.height, scene.width)) as video:
        for frame, visible in draw(scene):
            video.write(frame)
            masks.append(visible)
    return np.stack(masks, axis=1)
