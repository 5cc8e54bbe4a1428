"""The stage: where the actors of a cast are, how large, and how the camera moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .render import things
from .render.cutouts import WIDEST
from .render.motion import SPEED
from .scene import Actor

Rng = np.random.Generator

# Second edition: heights beside an adult that is 1 tall, and the largest that still fits into the frame.
RELATIVE_HEIGHT = {"adult": 1.0, "baby": 0.72, "ball": 0.45, "bird": 0.68, "car": 0.6, "cat": 0.68, "dog": 0.72}
TALLEST = {"adult": 0.8, "baby": 0.65, "ball": 0.45, "bird": 0.6, "car": 0.36, "cat": 0.52, "dog": 0.55}
SMALLEST = 0.15
REACH = (0.24, 1.0)  # height of an adult in the frame, before the depth is taken into account


def place(rng: Rng, cast: list[Actor], horizon: float, aspect: float) -> list[Actor]:
    """Spread the cast over the stage, far ones higher, smaller and drawn first, seldom on top of each other."""
    crowd = {1: 1.0, 2: 0.95, 3: 0.85}.get(len(cast), 0.72)
    placed: list[Actor] = []
    for actor in cast:
        best, distance = actor, -1.0
        for _ in range(12 if rng.random() < 0.9 else 1):
            depth = rng.uniform(0, 1)
            height = actor.height * crowd * (0.85 + 0.3 * depth)
            y = horizon + (1 - horizon) * (0.3 + 0.62 * depth)
            if actor.kind in ("bird", "car") and actor.action == "fly":
                y = rng.uniform(0.3, 0.62)
            if actor.kind in ("bird", "car") and actor.action == "jump" and rng.random() < 0.5:
                y = rng.uniform(0.5, 0.8)  # high on the screen too: the place must not give flying away
            y = max(y, 0.55 * height + 0.12) if actor.action == "fly" else max(y, 1.02 * height)
            candidate = replace(actor, x=float(rng.uniform(0.14, 0.86)), y=float(y), height=float(height))
            gap = min(
                (np.hypot((candidate.x - p.x) * aspect, candidate.y - p.y) - 0.35 * (candidate.height + p.height) for p in placed),
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
        resized.append(replace(actor, height=float(np.clip(height, SMALLEST, TALLEST[actor.kind]))))
    return resized


def spread(rng: Rng, cast: list[Actor], horizon: float, aspect: float) -> list[Actor]:
    """`place` for the second edition: heights are kept within its bounds, far ones may be small, and some hide others."""
    placed: list[Actor] = []
    for actor in cast:
        best, distance = actor, -np.inf
        for _ in range(14 if rng.random() < 0.85 else 2):
            depth = rng.uniform(0, 1)
            height = float(np.clip(actor.height * (0.8 + 0.35 * depth), SMALLEST, TALLEST[actor.kind]))
            y = horizon + (1 - horizon) * (0.15 + 0.78 * depth)
            if actor.kind in ("bird", "car") and actor.action == "fly":
                y = rng.uniform(0.25, 0.65)
            if actor.kind in ("bird", "car") and actor.action == "jump" and rng.random() < 0.5:
                y = rng.uniform(0.5, 0.8)
            y = max(y, 0.55 * height + 0.12) if actor.action == "fly" else max(y, 1.02 * height)
            candidate = replace(actor, x=float(rng.uniform(0.1, 0.9)), y=float(y), height=height)
            gap = min((_gap(candidate, other, aspect) for other in placed), default=1.0)
            if gap > distance:
                best, distance = candidate, gap
        placed.append(best)
    return sorted(placed, key=lambda actor: actor.y)


def _gap(one: Actor, other: Actor, aspect: float) -> float:
    return float(np.hypot((one.x - other.x) * aspect, one.y - other.y) - 0.4 * (one.height + other.height))


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
    """How far an actor reaches to the left and to the right of its place at time 0, in frame heights."""
    if actor.cutout:
        half = 0.5 * actor.height * min(actor.cutout_aspect, WIDEST)
        return -half, half
    points = np.concatenate([part.points for part in things.parts(replace(actor, x=0.0, y=0.0), 0.0, 1.0) if part.of_actor])
    return float(points[:, 0].min()), float(points[:, 0].max())
