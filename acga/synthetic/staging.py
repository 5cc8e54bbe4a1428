"""The stage: where the actors of a cast are, how large, and how the camera moves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .render import things
from .render.cutouts import WIDEST
from .render.motion import SPEED
from .scene import Actor, Rng

# Second edition: heights beside an adult that is 1 tall, and the largest that still fits into the frame.
RELATIVE_HEIGHT = {"adult": 1.0, "baby": 0.72, "ball": 0.45, "bird": 0.68, "car": 0.6, "cat": 0.68, "dog": 0.72}
GREATEST_HEIGHT = {"adult": 0.8, "baby": 0.65, "ball": 0.45, "bird": 0.6, "car": 0.36, "cat": 0.52, "dog": 0.55}
SMALLEST = 0.15
REACH = (0.24, 1.0)  # height of an adult in the frame, before the depth is taken into account


@dataclass(frozen=True, kw_only=True)
class Staging:
    """The spread of actors in an edition."""

    attempts: tuple[int, int]  # at a place free of others, mostly and seldom
    careful: float  # how often it is the first
    nearness: tuple[float, float]  # size of the farthest, and what the nearest are larger by
    levels: tuple[float, float]  # of the ground between horizon and lower border: the farthest, and from there to the nearest
    aloft: tuple[float, float]  # y of birds and cars that fly
    margin: float  # from the left and right border
    room: float  # radius that is kept free, in heights
    bounded: bool  # whether heights are kept between `SMALLEST` and `GREATEST_HEIGHT`


FIRST = Staging(
    attempts=(12, 1), careful=0.9, nearness=(0.85, 0.3), levels=(0.3, 0.62), aloft=(0.3, 0.62), margin=0.14, room=0.35, bounded=False
)
SECOND = Staging(
    attempts=(14, 2), careful=0.85, nearness=(0.8, 0.35), levels=(0.15, 0.78), aloft=(0.25, 0.65), margin=0.1, room=0.4, bounded=True
)


def place_actors(rng: Rng, cast: list[Actor], horizon: float, aspect: float, stage: Staging = FIRST) -> list[Actor]:
    """Spread the cast over the stage, far ones higher, smaller and drawn first, seldom on top of each other."""
    crowd = 1.0 if stage.bounded else {1: 1.0, 2: 0.95, 3: 0.85}.get(len(cast), 0.72)
    placed: list[Actor] = []
    for actor in cast:
        best, distance = actor, -np.inf
        for _ in range(stage.attempts[0] if rng.random() < stage.careful else stage.attempts[1]):
            depth = rng.uniform(0, 1)
            height = actor.height * crowd * (stage.nearness[0] + stage.nearness[1] * depth)
            if stage.bounded:
                height = float(np.clip(height, SMALLEST, GREATEST_HEIGHT[actor.kind]))
            y = horizon + (1 - horizon) * (stage.levels[0] + stage.levels[1] * depth)
            if actor.kind in ("bird", "car") and actor.action == "fly":
                y = rng.uniform(*stage.aloft)
            if actor.kind in ("bird", "car") and actor.action == "jump" and rng.random() < 0.5:
                y = rng.uniform(0.5, 0.8)  # high on the screen too: the place must not give flying away
            y = max(y, 0.55 * height + 0.12) if actor.action == "fly" else max(y, 1.02 * height)
            candidate = replace(actor, x=float(rng.uniform(stage.margin, 1 - stage.margin)), y=float(y), height=float(height))
            gap = min(
                (np.hypot((candidate.x - p.x) * aspect, candidate.y - p.y) - stage.room * (candidate.height + p.height) for p in placed),
                default=1.0,
            )
            if gap > distance:
                best, distance = candidate, float(gap)
        placed.append(best)
    return sorted(placed, key=lambda actor: actor.y)


def sample_camera(rng: Rng, actors: list[Actor]) -> tuple[tuple[float, float], float, float]:
    """Half of the cameras stand still; others pan, zoom, shake, or follow the first actor."""
    if rng.random() < 0.5:
        return (0.0, 0.0), 0.0, 0.0
    pan = (float(rng.uniform(-0.008, 0.008)), float(rng.uniform(-0.003, 0.003)))
    if rng.random() < 0.4:
        chosen = actors[rng.integers(len(actors))]
        speed = SPEED.get(chosen.action, 0.0) * chosen.tempo * chosen.height * chosen.heading
        pan = (float(np.clip(speed * rng.uniform(0.4, 0.9), -0.02, 0.02)), 0.0)
    return pan, float(rng.uniform(-0.003, 0.004)), float(rng.uniform(0, 0.003))


def resize(rng: Rng, cast: list[Actor], reach: float) -> list[Actor]:
    """The cast as it is seen from a distance at which an adult is `reach` tall; who was of one height stays so."""
    sizes: dict[float, float] = {}
    resized = []
    for actor in cast:
        spread = sizes.setdefault(actor.height, float(rng.uniform(0.85, 1.15)))
        young = 0.75 if actor.noun in ("boy", "girl", "kitten", "puppy") else 1.0
        height = reach * RELATIVE_HEIGHT[actor.kind] * young * spread
        resized.append(replace(actor, height=float(np.clip(height, SMALLEST, GREATEST_HEIGHT[actor.kind]))))
    return resized


def line_up(rng: Rng, row: list[Actor], gaps: list[float], horizon: float, aspect: float) -> list[Actor]:
    """Actors in a row from left to right on one level, `gaps` apart in frame heights; smaller where they would not fit in."""
    spans = [_span(actor) for actor in row]
    room = 0.96 * aspect
    scale = min(1.0, (room - sum(gaps)) / sum((high - low) for low, high in spans))
    row = [replace(actor, height=scale * actor.height) for actor in row]
    left = [scale * (high - low) for low, high in spans]
    start = (aspect - sum(left) - sum(gaps)) * rng.uniform(0.1, 0.9)
    y = max(float(rng.uniform(horizon + 0.25 * (1 - horizon), 0.96)), 1.03 * max(actor.height for actor in row))
    placed = []
    for actor, (low, _), wide, gap in zip(row, spans, left, [*gaps, 0.0], strict=True):
        placed.append(replace(actor, x=float((start - scale * low) / aspect), y=y))
        start += wide + gap
    return placed


def _span(actor: Actor) -> tuple[float, float]:
    """The reach of an actor to the left and to the right of its place at time 0, in frame heights."""
    if actor.cutout:
        half = 0.5 * actor.height * min(actor.cutout_aspect, WIDEST)
        return -half, half
    points = np.concatenate([part.points for part in things.parts(replace(actor, x=0.0, y=0.0), 0.0, 1.0) if part.of_actor])
    return float(points[:, 0].min()), float(points[:, 0].max())
