"""Cats, dogs and birds as parts, seen from the side."""

from __future__ import annotations

from math import cos, sin

import numpy as np

from ...data.taxonomy import COLOURS
from ..scene import Actor
from .motion import Pose
from .people import bend
from .shapes import Part, capsule, ellipse, rotate, shade

DARK = (28, 24, 24)


def four_legs(actor: Actor, pose: Pose) -> list[Part]:
    """Parts of a cat or dog: x forward, y up, paws at the origin, height 1 at the top of the head."""
    cat, young = actor.kind == "cat", actor.noun in ("kitten", "puppy")
    fur = COLOURS[actor.colour]
    thick = (0.17 if cat else 0.19) * actor.build
    length = 0.78 if young else 0.98
    leg = 0.20 if young else (0.24 if cat else 0.27)
    height = (2 * leg + 0.08) * (1 - pose.crouch) + (thick + 0.02) * pose.crouch
    hips, chest = np.array([-length / 2, height]), np.array([length / 2, height])
    if pose.posture == "sitting":
        hips, chest = np.array([-0.28, thick + 0.05]), np.array([0.18, 2 * leg + 0.12])

    def limb(index: int) -> list[Part]:
        front = index in (0, 1)
        start = (chest if front else hips) - np.array([0.05 if front else -0.03, 0.3 * thick])
        joint, paw = bend(start, pose.legs[index], pose.knees[index], (leg, leg), -1 if front else 1)
        colour = shade(fur, 1.0 if index in (0, 2) else 0.75)
        return [Part(capsule(joint, paw, 0.075, 0.07), colour), Part(capsule(start, joint, 0.12 if front else 0.15, 0.08), colour)]

    wag = 0.9 + pose.tail
    base = hips + np.array([-0.10, 0.06])
    if cat:  # long and curved
        middle = base + 0.34 * np.array([-cos(wag), sin(wag)])
        tail = [
            Part(capsule(base, middle, 0.05), fur),
            Part(capsule(middle, middle + 0.3 * np.array([-cos(wag + 0.9), sin(wag + 0.9)]), 0.05, 0.04), fur),
        ]
    else:
        tail = [Part(capsule(base, base + 0.34 * np.array([-cos(wag), sin(wag)]), 0.06, 0.03), fur)]

    reach = 0.34 if cat else 0.40
    direction = 0.75 - pose.lean  # elevation of the neck
    head = chest + reach * np.array([cos(direction), sin(direction)])
    if head[1] < 0.13:
        head[1] = 0.13
    radius = (0.19 if cat else 0.17) * (1.2 if young else 1.0)
    tilt = -0.6 * pose.lean
    nose = np.array([cos(tilt - 0.15), sin(tilt - 0.15)])
    over = np.array([-nose[1], nose[0]])
    face = [Part(capsule(chest, head, 0.75 * thick, 0.7 * radius), fur)]
    if cat:
        ears = [
            np.stack(
                [
                    head + radius * (0.2 * k * nose + 0.75 * over),
                    head + radius * (0.42 * k * nose + 1.65 * over),
                    head + radius * (0.95 * k * nose + 0.55 * over),
                ]
            )
            for k in (-1, 1)
        ]
        face += [Part(ear, shade(fur, 0.85)) for ear in ears]
        face += [
            Part(ellipse(head, radius), fur),
            Part(ellipse(head + radius * (0.75 * nose - 0.3 * over), 0.4 * radius, 0.32 * radius), shade(fur, 1.2)),
        ]
        tip = head + radius * (1.0 * nose - 0.15 * over)
    else:
        snout = head + radius * (1.75 * nose - 0.3 * over)
        face += [Part(ellipse(head, radius), fur), Part(capsule(head - 0.2 * radius * over, snout, 0.62 * radius, 0.42 * radius), fur)]
        face += [
            Part(
                capsule(
                    head + radius * (-0.45 * nose + 0.65 * over), head + radius * (-0.75 * nose - 0.75 * over), 0.3 * radius, 0.42 * radius
                ),
                shade(fur, 0.6),
            )
        ]
        tip = snout + 0.38 * radius * nose
    eye = (235, 235, 60) if cat and sum(fur) < 200 else DARK
    face += [Part(ellipse(tip, 0.17 * radius), DARK if sum(fur) > 160 else (200, 150, 150))]
    face += [Part(ellipse(head + radius * (0.42 * nose + 0.25 * over), 0.15 * radius), eye)]

    body = [Part(capsule(hips, chest, 0.95 * thick, 1.08 * thick), fur, pattern=actor.pattern)]
    parts = tail + limb(1) + limb(3) + body + limb(0) + limb(2) + face
    centre = (hips + chest) / 2
    return [part._replace(points=rotate(part.points, -pose.spin, centre)) for part in parts]


def bird(actor: Actor, pose: Pose) -> list[Part]:
    """Parts of a bird: x forward, y up, feet at the origin, height 1; parrots have a hooked beak, ducks a flat one."""
    feathers = COLOURS[actor.colour]
    duck, parrot, gull = actor.noun == "duck", actor.noun == "parrot", actor.noun == "seagull"
    leg = 0.14 if duck else 0.22
    centre = np.array([0.0, (leg + 0.26) * (1 - pose.crouch) + 0.24 * pose.crouch])
    slope = 0.12 if duck else 0.75 if parrot and actor.action != "fly" else 0.32
    along, over = np.array([cos(slope), sin(slope)]), np.array([-sin(slope), cos(slope)])
    length, thick = (0.46 if duck else 0.40), 0.23 * actor.build
    shoulder, rump = centre + 0.5 * length * along, centre - 0.6 * length * along

    legs: list[Part] = []
    if not pose.crouch:
        for side in (1, 0):
            hip = centre - np.array([0.02, 0.6 * thick])
            foot = hip + leg * np.array([sin(pose.legs[side % len(pose.legs)]), -cos(pose.legs[side % len(pose.legs)])])
            colour = shade((225, 130, 40), 1.0 if side == 0 else 0.8)
            legs += [Part(capsule(hip, foot, 0.03), colour), Part(capsule(foot, foot + np.array([0.11, -0.005]), 0.028), colour)]

    fan = 0.62 if parrot else 0.3
    tail = Part(
        np.stack([rump + 0.1 * over, rump - 0.1 * over, rump - fan * along - 0.09 * over, rump - fan * along + (0.05 + pose.tail) * over]),
        shade(feathers, 0.75),
    )
    body = Part(capsule(rump, shoulder, 0.5 * thick, thick), feathers, pattern=actor.pattern)

    reach = (0.34 if duck else 0.24) + 0.08 * max(0.0, pose.lean)
    angle = (1.2 if duck else 0.95) - 1.15 * pose.lean
    head = shoulder + reach * np.array([cos(angle), sin(angle)])
    radius = 0.145 if parrot else 0.12
    look = -0.55 * pose.lean
    beak, crown = np.array([cos(look), sin(look)]), np.array([-sin(look), cos(look)])
    bill = (245, 170, 40) if sum(feathers) < 560 or duck else (230, 150, 60)
    if duck:
        mouth = capsule(head + 0.8 * radius * beak, head + radius * (2.0 * beak - 0.25 * crown), 0.05, 0.045)
    elif parrot:
        mouth = np.stack(
            [
                head + radius * (0.7 * beak + 0.6 * crown),
                head + radius * (1.75 * beak - 0.05 * crown),
                head + radius * (1.1 * beak - 0.9 * crown),
                head + radius * (0.5 * beak - 0.5 * crown),
            ]
        )
    else:
        mouth = np.stack(
            [head + radius * (0.7 * beak + 0.45 * crown), head + radius * 2.0 * beak, head + radius * (0.7 * beak - 0.5 * crown)]
        )
    face = [
        Part(capsule(shoulder, head, 0.55 * thick, 0.85 * radius), feathers),
        Part(ellipse(head, radius), shade(feathers, 1.1)),
        Part(mouth, bill),
        Part(ellipse(head + radius * (0.35 * beak + 0.25 * crown), 0.2 * radius), DARK if sum(feathers) > 200 else (240, 240, 240)),
    ]

    def wing(near: bool) -> Part:
        root = centre + 0.28 * length * along + 0.25 * thick * over
        colour = shade((150, 155, 160) if gull else feathers, 0.62 if near else 0.48)
        if abs(pose.wings) < 0.12:  # folded along the back
            return Part(
                np.stack(
                    [
                        root,
                        root - 0.3 * thick * over,
                        centre - 0.85 * length * along - 0.1 * over,
                        centre - 0.5 * length * along + 0.5 * thick * over,
                    ]
                ),
                colour,
            )
        lift = pose.wings * (1.0 if near else 0.8)
        span = 0.72 * np.array([-0.35 * cos(lift), sin(lift) if abs(sin(lift)) > 0.12 else 0.12])
        return Part(
            np.stack(
                [
                    root + 0.14 * along,
                    root + span + 0.1 * along,
                    root + 1.08 * span - 0.16 * along,
                    root + 0.45 * span - 0.3 * along,
                    root - 0.34 * along,
                ]
            ),
            colour,
        )

    parts = ([wing(False)] if abs(pose.wings) >= 0.12 else []) + [tail, *legs, body, *face, wing(True)]
    return [part._replace(points=rotate(part.points, -pose.spin, centre)) for part in parts]
