"""Adults and babies as parts: an articulated figure seen from the side, in the clothes that its `Actor` names."""

from __future__ import annotations

from math import cos, sin

import numpy as np

from ...data.taxonomy import COLOURS
from ..scene import Actor
from .motion import Pose, vary
from .shapes import Colour, Part, capsule, ellipse, rotate, shade

SKIN = ((245, 205, 175), (225, 175, 135), (185, 125, 85), (125, 80, 55), (95, 60, 42))
HAIR = ((35, 25, 20), (85, 50, 25), (190, 150, 80), (60, 40, 30), (150, 145, 140))

# thigh, shin, torso, upper arm, forearm, head radius, limb thickness; in standing heights
ADULT = (0.24, 0.23, 0.31, 0.16, 0.15, 0.082, 0.060)
CHILD = (0.21, 0.20, 0.30, 0.14, 0.13, 0.105, 0.064)
BABY = (0.16, 0.15, 0.33, 0.13, 0.11, 0.155, 0.080)


def bend(start: np.ndarray, first: float, second: float, lengths: tuple[float, float], turn: float) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of a two-segment limb hanging from `start`; `turn` is +1 where the joint bends forward (elbow), -1 back (knee)."""
    middle = start + lengths[0] * np.array([sin(first), -cos(first)])
    angle = first + turn * second
    return middle, middle + lengths[1] * np.array([sin(angle), -cos(angle)])


def person(actor: Actor, pose: Pose) -> list[Part]:
    """Parts of an adult, child or baby in its own frame: x forward, y up, feet at the origin, standing height 1."""
    sizes = BABY if actor.kind == "baby" else CHILD if actor.noun in ("boy", "girl") else ADULT
    thigh, shin, torso, upper, fore, head, limb = sizes
    limb *= actor.build
    skin = SKIN[int(vary(actor, 11, 0, len(SKIN)))]
    top = COLOURS[actor.colour]
    bottom = COLOURS[actor.lower_colour] if actor.lower_colour else top
    one_piece = actor.garment in ("suit", "dress") or actor.kind == "baby"
    if one_piece:
        bottom = top

    hip_height = thigh + shin + limb
    if pose.posture in ("rolling", "lying"):
        hip_height = 2.0 * limb
    elif pose.posture == "sitting":
        hip_height = shin + limb * 0.5
    elif pose.posture == "crawling":
        hip_height = thigh + limb
    hip = np.array([0.0, hip_height])
    up = np.array([sin(pose.lean), cos(pose.lean)])
    shoulder = hip + torso * up
    neck = shoulder + 0.6 * head * up
    face = neck + 0.85 * head * (up if pose.posture != "crawling" else np.array([0.7, 0.7]))

    def leg(side: int) -> list[Part]:
        knee, ankle = bend(hip, pose.legs[side], pose.knees[side], (thigh, shin), -1)
        dim = 1.0 if side == 0 else 0.78
        cover: Colour = shade(bottom, dim)
        bare = shade(skin, dim)
        short = actor.lower_garment == "shorts" or actor.garment == "dress"
        toe = ankle + np.array([0.06, -0.012]) * (1 if pose.posture != "lying" else 0)
        return [
            Part(capsule(ankle, toe, 0.7 * limb), shade((50, 40, 38), dim)),
            Part(capsule(knee, ankle, 0.85 * limb, 0.65 * limb), bare if short else cover),
            Part(capsule(hip, knee, 1.25 * limb, 0.95 * limb), cover if actor.garment != "dress" else bare),
        ]

    def arm(side: int) -> list[Part]:
        elbow, hand = bend(shoulder - 0.04 * up, pose.arms[side], pose.elbows[side], (upper, fore), +1)
        dim = 1.0 if side == 0 else 0.78
        sleeve = shade(top, 0.9 * dim)
        long = actor.garment in ("jacket", "suit") or actor.kind == "baby"
        parts = [
            Part(capsule(elbow, hand, 0.72 * limb, 0.55 * limb), sleeve if long else shade(skin, dim)),
            Part(capsule(shoulder - 0.04 * up, elbow, 0.95 * limb, 0.75 * limb), sleeve),
            Part(ellipse(hand, 0.62 * limb), shade(skin, dim)),
        ]
        if side == 0 and actor.action == "eat":
            parts.append(Part(ellipse(hand + np.array([0.03, 0.03]), 0.045, 0.035), (225, 185, 90), of_actor=False))
        return parts

    body = [Part(capsule(hip, shoulder - 0.03 * up, 1.75 * limb, 1.95 * limb), top, pattern=actor.pattern)]
    if actor.garment == "dress":
        down = -up
        side = np.array([up[1], -up[0]])
        hem = hip + 0.75 * thigh * down
        body.append(
            Part(np.stack([hip + 1.7 * limb * side, hem + 3.6 * limb * side, hem - 3.6 * limb * side, hip - 1.7 * limb * side]), top)
        )
    if actor.garment in ("jacket", "suit"):
        body.append(
            Part(capsule(hip + 0.9 * limb * np.array([1, 0.3]), shoulder + limb * np.array([0.7, -0.5]), 0.3 * limb), (235, 235, 230))
        )

    hair = HAIR[int(vary(actor, 12, 0, len(HAIR)))]
    side = np.array([up[1], -up[0]])
    skull = [Part(capsule(shoulder - 0.02 * up, neck, 0.75 * limb), shade(skin, 0.9))]
    if actor.noun in ("woman", "girl"):
        skull.append(Part(capsule(face - 0.45 * head * side, shoulder - 0.9 * head * side, 0.75 * head, 0.55 * head), hair))
    skull.append(Part(ellipse(face, head * 0.95, head), skin))
    skull.append(Part(_cap(face, head * 1.06, up, side, actor.kind == "baby"), hair))
    skull.append(Part(ellipse(face + 0.45 * head * side + 0.05 * head * up, 0.11 * head), (30, 30, 30)))
    if actor.hat:
        hat = COLOURS[actor.hat]
        skull.append(Part(_cap(face + 0.15 * head * up, head * 1.2, up, side, True), hat))
        skull.append(
            Part(capsule(face + head * (0.45 * up + 0.5 * side), face + head * (0.42 * up + 1.6 * side), 0.16 * head), shade(hat, 0.8))
        )

    far_arm, near_arm = arm(1), arm(0)
    parts = far_arm + leg(1) + leg(0) + body + skull + near_arm
    centre = hip + (0.35 * torso * up if pose.posture == "rolling" else 0)
    return [part._replace(points=rotate(part.points, -pose.spin, centre)) for part in parts]


def _cap(centre: np.ndarray, radius: float, up: np.ndarray, side: np.ndarray, shallow: bool) -> np.ndarray:
    """Hair or a hat: the upper part of a circle, reaching further down at the back of the head."""
    angles = np.linspace(0.15 if shallow else 0.35, np.pi + (0.0 if shallow else 0.75), 12)
    return centre + radius * (np.cos(angles)[:, None] * side + np.sin(angles)[:, None] * up)
