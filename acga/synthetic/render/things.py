"""Balls, cars and the things that actors use; and the polygons of any actor in the world at a time."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from ...data.taxonomy import COLOURS
from ..scene import Actor
from .animals import bird, four_legs
from .motion import Pose, pose, vary
from .people import person
from .shapes import Part, capsule, ellipse, rotate, shade


def ball(actor: Actor, pose: Pose) -> list[Part]:
    """Parts of a ball of diameter 1 resting on the origin, with marks that show how it turns."""
    centre = np.array([0.0, 0.5])
    base = COLOURS[actor.colour]
    parts = [Part(ellipse(centre, 0.5), base)]
    line = (30, 28, 28) if sum(base) > 220 else (225, 225, 225)
    if actor.noun == "basketball":
        parts += [Part(capsule((-0.47, 0.5), (0.47, 0.5), 0.035), line), Part(capsule((0, 0.03), (0, 0.97), 0.035), line)]
        parts += [Part(capsule((k * 0.3, 0.2), (k * 0.3, 0.8), 0.03), line) for k in (-1, 1)]
    elif actor.noun == "football":
        patches = [centre, *(centre + 0.34 * np.array([cos(a), sin(a)]) for a in np.arange(5) * 2 * pi / 5)]
        parts += [Part(ellipse(patch, 0.11), line) for patch in patches]
    elif actor.noun == "watermelon":
        parts += [Part(capsule((x, 0.5 - h), (x, 0.5 + h), 0.045), shade(base, 0.55)) for x, h in ((-0.3, 0.32), (0, 0.42), (0.3, 0.32))]
    else:
        band = np.stack([centre + 0.5 * np.array([cos(a), sin(a)]) for a in np.linspace(-0.5, 0.5, 7)] + [centre])
        parts += [Part(rotate(band, k * 2 * pi / 3, centre), shade(base, 0.5) if sum(base) > 220 else (225, 225, 225)) for k in range(3)]
    parts = [part._replace(points=rotate(part.points, -pose.spin, centre)) for part in parts]
    return [*parts, Part(ellipse((-0.14, 0.68), 0.08), shade(base, 1.5))]


def car(actor: Actor, pose: Pose) -> list[Part]:
    """Parts of a car, van or truck of height 1 with its wheels on the ground."""
    paint = COLOURS[actor.colour]
    glass = (175, 205, 225) if sum(paint) < 560 else (85, 105, 125)
    outlines = {
        "truck": (
            [(-1.25, 0.3), (-1.25, 0.5), (0.25, 0.5), (0.25, 0.95), (0.75, 0.95), (0.95, 0.6), (1.2, 0.55), (1.25, 0.25)],
            [(0.36, 0.62), (0.36, 0.87), (0.7, 0.87), (0.82, 0.62)],
        ),
        "van": (
            [(-1.1, 0.22), (-1.15, 0.95), (0.55, 1.0), (0.95, 0.6), (1.2, 0.52), (1.22, 0.22)],
            [(0.05, 0.6), (0.05, 0.88), (0.5, 0.9), (0.78, 0.6)],
        ),
    }
    outline, window = outlines.get(
        actor.noun,
        (
            [(-1.15, 0.25), (-1.2, 0.58), (-0.75, 0.66), (-0.5, 0.97), (0.3, 0.97), (0.62, 0.64), (1.12, 0.54), (1.2, 0.25)],
            [(-0.6, 0.65), (-0.42, 0.88), (-0.06, 0.88), (-0.06, 0.65)],
        ),
    )
    parts = [Part(np.array(outline), paint, pattern=actor.pattern)]
    if actor.noun == "truck":
        parts.append(Part(np.array([(-1.25, 0.5), (-1.25, 1.05), (0.15, 1.05), (0.15, 0.5)]), shade(paint, 0.8)))
    parts.append(Part(np.array(window), glass))
    if actor.noun not in ("truck", "van"):
        parts.append(Part(np.array([(0.02, 0.65), (0.02, 0.88), (0.27, 0.88), (0.47, 0.65)]), glass))
    parts += [Part(ellipse((1.14, 0.45), 0.07, 0.06), (255, 240, 170)), Part(ellipse((-1.15, 0.5), 0.05, 0.07), (190, 20, 20))]
    for x in (-0.7, 0.7):
        parts += [Part(ellipse((x, 0.22), 0.23), (30, 30, 32)), Part(ellipse((x, 0.22), 0.12), (170, 170, 175))]
        spoke = rotate(capsule((x - 0.1, 0.22), (x + 0.1, 0.22), 0.03), -pose.wheel, (x, 0.22))
        parts.append(Part(spoke, (60, 60, 62)))
    return [part._replace(points=rotate(part.points, -pose.spin, (0.0, 0.6))) for part in parts]


_BODIES = {"adult": person, "baby": person, "cat": four_legs, "dog": four_legs, "bird": bird, "ball": ball, "car": car}


def parts(actor: Actor, time: float, aspect: float) -> list[Part]:
    """All polygons of an actor in world coordinates, `time` frames after the middle of a video of width / height `aspect`.

    >>> len(parts(Actor(kind="ball", action="roll", noun="ball", colour="red"), 0.0, 1.25)) > 1
    True
    """
    now = pose(actor, time)
    offset = np.array([now.x, now.y])
    placed = []
    for part in _BODIES[actor.kind](actor, now):
        points = (part.points + offset) * (actor.heading, -1) * actor.height + (actor.x * aspect, actor.y)
        placed.append(part._replace(points=points))
    if actor.action == "eat" and actor.kind in ("cat", "dog", "bird"):
        reach = {"cat": 0.78, "kitten": 0.68, "dog": 0.95, "puppy": 0.8}.get(actor.noun, 0.47)
        placed = [*_bowl(actor, np.array([actor.x * aspect + actor.heading * reach * actor.height, actor.y])), *placed]
    return placed


def place(actor: Actor, time: float, aspect: float) -> np.ndarray:
    """The point (2,) of the world that an actor stands on, or is above, `time` frames after the middle."""
    now = pose(actor, time)
    return np.array([actor.x * aspect + actor.heading * now.x * actor.height, actor.y - now.y * actor.height])


def _bowl(actor: Actor, place: np.ndarray) -> list[Part]:
    r = actor.height * (0.22 if actor.kind != "bird" else 0.16)
    rim = np.array([(-1.0, -0.35), (1.0, -0.35), (0.65, 0.1), (-0.65, 0.1)]) * r + place
    food = ellipse(place - np.array([0, 0.36 * r]), 0.85 * r, 0.3 * r)
    return [Part(food, (175, 110, 50), of_actor=False), Part(rim, (205, 208, 215), of_actor=False)]


def support(actor: Actor, aspect: float) -> list[Part]:
    """The support that a climber climbs, in world coordinates; it stands behind the actor and is not part of its mask."""
    if actor.support is None:
        return []
    h = actor.height
    foot = np.array([actor.x * aspect, actor.y + 0.25 * h])
    front = actor.heading * (0.32 if actor.kind in ("adult", "baby") else 0.30) * h  # the side the hands reach to
    tone = vary(actor, 21, 0.75, 1.2)
    wood, stone = shade((125, 90, 55), tone), shade((140, 132, 122), tone)
    x, y = foot[0] + front, foot[1]
    tall = 2.6 * h

    def plank(a: tuple[float, float], b: tuple[float, float], r: float, colour: tuple[int, int, int]) -> Part:
        return Part(capsule(a, b, r), colour, of_actor=False)

    if actor.support == "ladder":
        rails = [plank((x + k * 0.16 * h, y), (x + k * 0.16 * h, y - tall), 0.03 * h, wood) for k in (-1, 1)]
        return rails + [plank((x - 0.16 * h, y - s), (x + 0.16 * h, y - s), 0.02 * h, wood) for s in np.arange(0.1 * h, tall, 0.2 * h)]
    if actor.support in ("rope", "pole"):
        return [plank((x, y), (x, y - 1.2 * tall), 0.035 * h, shade((190, 165, 120), tone) if actor.support == "rope" else stone)]
    if actor.support == "tree":
        trunk = np.array([(-0.2, 0), (0.22, 0), (0.14, -2.4), (-0.14, -2.4)]) * h + (x, y)
        leaves = [
            Part(ellipse((x + dx * h, y - (2.3 + dy) * h), 0.55 * h, 0.4 * h), shade((55, 110, 50), tone), of_actor=False)
            for dx, dy in ((-0.4, 0), (0.4, 0.05), (0, 0.35))
        ]
        return [Part(trunk, wood, of_actor=False), *leaves]
    if actor.support == "stairs":
        steps = np.arange(8)
        tops = np.array([(actor.heading * (i + j) * 0.26, -i * 0.26) for i in steps for j in (0, 1)]) * h + (
            foot[0] - actor.heading * 0.45 * h,
            y - 0.05 * h,
        )
        outline = np.concatenate([tops, [[tops[-1, 0], y + 0.2 * h], [tops[0, 0], y + 0.2 * h]]])
        edges = [plank(tuple(tops[2 * i]), tuple(tops[2 * i + 1]), 0.018 * h, shade(stone, 1.3)) for i in steps]
        return [Part(outline, stone, of_actor=False), *edges]
    if actor.support == "fence":
        posts = [plank((x + k * 0.3 * h, y), (x + k * 0.3 * h, y - 1.5 * h), 0.035 * h, wood) for k in (-2, -1, 0, 1, 2)]
        return posts + [plank((x - 0.7 * h, y - s * h), (x + 0.7 * h, y - s * h), 0.03 * h, wood) for s in (0.4, 0.9, 1.4)]
    wide = 0.9 * h  # wall, rock or hill
    if actor.support == "wall":
        block = np.array([(-0.2 * h, 0), (wide, 0), (wide, -tall), (-0.2 * h, -tall)]) * (actor.heading, 1) + (x, y)
        joints = [
            plank((x - actor.heading * 0.2 * h, y - s), (x + actor.heading * wide, y - s), 0.012 * h, shade(stone, 0.7))
            for s in np.arange(0.25 * h, tall, 0.25 * h)
        ]
        return [Part(block, shade((165, 110, 90), tone), of_actor=False), *joints]
    rough = np.array([(-0.35, 0), (-0.2, -0.7), (-0.05, -1.1), (0.05, -1.7), (0.3, -2.3), (0.8, -2.5), (1.3, -1.6), (1.6, 0)]) * (
        actor.heading * h,
        h,
    ) + (x, y)
    colour = shade((90, 120, 60), tone) if actor.support == "hill" else stone
    crack = plank(
        tuple(rough[2] + (actor.heading * 0.3 * h, 0.2 * h)),
        tuple(rough[4] + (actor.heading * 0.3 * h, 0.5 * h)),
        0.015 * h,
        shade(colour, 0.7),
    )
    return [Part(rough, colour, of_actor=False), crack]
