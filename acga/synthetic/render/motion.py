"""The motion of actors: the pose of every valid actor-action pair as a function of time.

A pose is in the actor's own frame: x forward, y up, the ground at y = 0, lengths in standing heights. Angles are in radians; those of
limbs are measured from "straight down", positive forward. Pairs that one frame must not tell apart (walking, running and standing with
the feet apart; jumping and flying; rolling and lying still) draw their pose from the same ranges and differ in tempo and path alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from math import cos, pi, sin
from random import Random

from ..scene import Actor

# Cycle length in frames and forward speed in standing heights per frame, at tempo 1.
CYCLE = {"walk": 13.0, "run": 6.5, "crawl": 11.0, "jump": 10.0, "climb": 10.0, "eat": 8.0, "fly": 5.0, "roll": 12.0, "none": 24.0}
SPEED = {"walk": 0.025, "run": 0.07, "crawl": 0.025, "jump": 0.015, "fly": 0.07, "roll": 0.045}


@dataclass(frozen=True)
class Pose:
    """Position of a body and the angles of its joints."""

    x: float = 0.0  # path along the heading
    y: float = 0.0  # height above the ground line of the point the body stands on
    spin: float = 0.0  # rotation of the whole body about its centre, positive tips it forward
    lean: float = 0.0  # of the torso or neck, positive forward
    crouch: float = 0.0  # how far the body is lowered: 0 standing, 1 on the ground
    legs: tuple[float, ...] = (0.0, 0.0)  # hip angles, near leg first
    knees: tuple[float, ...] = (0.0, 0.0)
    arms: tuple[float, ...] = (0.0, 0.0)
    elbows: tuple[float, ...] = (0.0, 0.0)
    wings: float = 0.0  # elevation of the wings, 0 folded
    tail: float = 0.0
    wheel: float = 0.0  # rotation of wheels
    posture: str = field(default="standing")


# Actions that a single frame cannot tell apart, by kind: only motion decides between them.
_ON_FEET, _IN_THE_AIR = frozenset({"walk", "run", "none"}), frozenset({"fly", "jump"})
LOOK_ALIKE: dict[str, tuple[frozenset[str], ...]] = {
    "adult": (_ON_FEET,),
    "baby": (_ON_FEET,),
    "ball": (frozenset({"roll", "none"}), _IN_THE_AIR),
    "bird": (_ON_FEET, _IN_THE_AIR),
    "car": (frozenset({"run", "none"}), _IN_THE_AIR),
    "cat": (_ON_FEET,),
    "dog": (_ON_FEET,),
}


def look_alike(kind: str, one: str, other: str) -> bool:
    """Tell whether it takes motion to tell two different actions of a kind apart (standing still counts; sitting and lying do not).

    >>> look_alike("dog", "walk", "run"), look_alike("dog", "walk", "eat")
    (True, False)
    """
    return one != other and any(one in group and other in group for group in LOOK_ALIKE[kind])


def vary(actor: Actor, salt: float, low: float, high: float) -> float:
    """A number in [low, high) that belongs to this actor alone and never changes over its video."""
    if actor.look is not None:
        return low + (high - low) * _uniform(actor.look, round(salt))
    return low + (high - low) * ((actor.phase * 97.31 + actor.x * 31.7 + salt * 0.6180339887) % 1.0)


@lru_cache(maxsize=4096)
def _uniform(look: int, salt: int) -> float:
    return Random(256 * look + salt).random()


def pose(actor: Actor, time: float) -> Pose:
    """The pose `time` frames after the middle of the video.

    >>> walker = Actor(kind="adult", action="walk", noun="man", colour="red")
    >>> pose(walker, 0).x < pose(walker, 4).x
    True
    """
    turns = time * actor.tempo / CYCLE[actor.action] + actor.phase
    forward = SPEED.get(actor.action, 0.0) * time * actor.tempo
    if actor.kind in ("ball", "car"):
        return _thing(actor, time, turns)
    if actor.action == "climb":
        return _climb(actor, time, turns)
    if actor.action == "roll":
        return _roll(actor, time, turns)
    if actor.kind == "bird":
        return _bird(actor, forward, turns)
    if actor.kind in ("cat", "dog"):
        return _four_legs(actor, forward, turns)
    return _two_legs(actor, forward, turns)


def _hop(turns: float) -> float:
    """A periodic ballistic arc between 0 and 1."""
    part = turns % 1.0
    return 4 * part * (1 - part)


def _two_legs(actor: Actor, forward: float, turns: float) -> Pose:
    swing = 2 * pi * turns
    amplitude = vary(actor, 1, 0.35, 0.65)
    lean = vary(actor, 2, -0.02, 0.16)
    idle = vary(actor, 3, -0.2, 0.5)
    if actor.action in ("walk", "run"):
        s, c = sin(swing), cos(swing)
        return Pose(
            x=forward,
            y=0.015 * (1 - cos(2 * swing)),
            lean=lean,
            legs=(amplitude * s, -amplitude * s),
            knees=(0.15 + amplitude * max(0.0, c), 0.15 + amplitude * max(0.0, -c)),
            arms=(-amplitude * s, amplitude * s),
            elbows=(idle + 0.3, idle + 0.3),
        )
    if actor.action == "jump":
        height = _hop(turns)
        raised = vary(actor, 4, 0.3, 2.6)
        return Pose(
            x=forward,
            y=vary(actor, 5, 0.3, 0.45) * height,
            lean=lean,
            legs=(0.5 * amplitude * height, -0.7 * amplitude * height),
            knees=(0.6 * height + 0.1, 0.9 * height + 0.1),
            arms=(raised * (0.5 + 0.5 * height), raised * (0.4 + 0.6 * height)),
            elbows=(idle, idle),
        )
    if actor.action == "crawl":
        s = 0.4 * sin(swing)
        return Pose(x=forward, lean=1.38, crouch=1, legs=(s, -s), knees=(1.45, 1.45), arms=(-s, s), elbows=(0.1, 0.1), posture="crawling")
    if actor.action == "eat":
        lift = 0.5 + 0.5 * sin(swing)
        seated = vary(actor, 6, 0, 1) < 0.4
        return Pose(
            lean=0.05,
            crouch=1.0 if seated else 0.0,
            legs=(1.5, 1.35) if seated else (0.1, -0.1),
            knees=(1.5, 1.4) if seated else (0.05, 0.05),
            arms=(0.35 + 0.55 * lift, 0.2),
            elbows=(0.9 + 1.35 * lift, 0.5),
            posture="sitting" if seated else "standing",
        )
    sway = 0.04 * sin(swing)
    if actor.posture == "sitting":
        return Pose(
            lean=0.05 + sway,
            crouch=1,
            legs=(1.5, 1.35),
            knees=(1.5, 1.3),
            arms=(0.5, 0.3),
            elbows=(idle + 0.4, idle + 0.4),
            posture="sitting",
        )
    if actor.posture == "lying":
        return Pose(
            spin=-pi / 2, crouch=1, legs=(0.12 + sway, -0.05), knees=(0.25, 0.1), arms=(0.5 + sway, 0.2), elbows=(0.5, 0.3), posture="lying"
        )
    apart = vary(actor, 7, -0.6, 0.6)  # a frozen stride: one frame must not give walking away
    return Pose(
        lean=lean + 0.3 * sway,
        legs=(apart, -apart),
        knees=(0.15 + 0.4 * abs(apart), 0.12),
        arms=(-apart + sway, apart - sway),
        elbows=(idle + 0.3, idle + 0.3),
    )


def _climb(actor: Actor, time: float, turns: float) -> Pose:
    s = sin(2 * pi * turns)
    up = 0.03 * time * actor.tempo
    if actor.kind in ("adult", "baby"):
        return Pose(
            y=up,
            lean=0.12,
            legs=(0.55 + 0.45 * s, 0.55 - 0.45 * s),
            knees=(0.9 + 0.5 * s, 0.9 - 0.5 * s),
            arms=(2.3 + 0.45 * s, 2.3 - 0.45 * s),
            elbows=(0.5, 0.5),
        )
    legs = (0.3 + 0.5 * s, 0.3 - 0.5 * s)
    return Pose(y=up, spin=-vary(actor, 8, 1.0, 1.3), legs=legs * 2, knees=(0.5,) * 4, tail=0.4 * s, wings=0.15 + 0.15 * s)


def _roll(actor: Actor, time: float, turns: float) -> Pose:
    swing = 2 * pi * turns
    x = 0.7 * SPEED["roll"] * time * actor.tempo
    if actor.kind in ("adult", "baby"):
        tuck = vary(actor, 9, 1.4, 2.1)
        return Pose(
            x=x,
            y=0.16 * abs(sin(swing)),
            spin=swing,
            lean=0.5,
            crouch=1,
            legs=(tuck, tuck - 0.2),
            knees=(tuck, tuck),
            arms=(1.0, 0.8),
            elbows=(0.8, 0.8),
            posture="rolling",
        )
    s = 0.6 * sin(2.0 * swing)
    on_end = 0.55 if actor.kind in ("cat", "dog") else 0.2
    return Pose(
        x=x, y=on_end * abs(sin(swing)), spin=swing, crouch=1, legs=(s, -s, -s, s), knees=(0.9,) * 4, tail=s, wings=0.2, posture="rolling"
    )


def _four_legs(actor: Actor, forward: float, turns: float) -> Pose:
    swing = 2 * pi * turns
    s, c = sin(swing), cos(swing)
    amplitude = vary(actor, 1, 0.4, 0.7)
    wag = 0.35 * sin(swing + 1)
    if actor.action in ("walk", "run"):
        lift = tuple(amplitude * max(0.0, k) for k in (c, -c, -c, c))
        legs = (amplitude * s, -amplitude * s, -amplitude * s, amplitude * s)
        return Pose(x=forward, y=0.02 * (1 - cos(2 * swing)), legs=legs, knees=lift, tail=wag, lean=vary(actor, 2, -0.1, 0.25))
    if actor.action == "jump":
        height = _hop(turns)
        return Pose(
            x=2.5 * forward,
            y=vary(actor, 5, 0.4, 0.6) * height,
            spin=-0.5 * (0.5 - turns % 1.0),
            legs=(amplitude * height, 0.7 * amplitude * height, -amplitude * height, -0.8 * amplitude * height),
            knees=(0.5 * height,) * 4,
            tail=0.3 * height,
        )
    if actor.action == "crawl":
        return Pose(
            x=forward,
            crouch=0.75,
            legs=(0.8 + 0.4 * s, 0.8 - 0.4 * s, 0.5 - 0.4 * s, 0.5 + 0.4 * s),
            knees=(1.5,) * 4,
            lean=0.35,
            tail=0.2 * s,
        )
    if actor.action == "eat":
        return Pose(lean=1.25 + 0.16 * s, legs=(0.1, -0.05, 0.05, -0.1), knees=(0.1,) * 4, tail=wag)
    if actor.posture == "sitting":
        return Pose(crouch=0.4, legs=(0.05, 0.15, 1.2, 1.1), knees=(0.0, 0.0, 2.0, 1.9), tail=0.3 * wag, posture="sitting")
    if actor.posture == "lying":
        return Pose(
            crouch=0.95, legs=(1.4, 1.25, 1.1, 0.9), knees=(0.1, 0.1, 1.7, 1.6), lean=0.2 + 0.05 * s, tail=0.3 * wag, posture="lying"
        )
    apart = vary(actor, 7, -0.6, 0.6)
    return Pose(legs=(apart, -apart, -apart, apart), knees=(0.3 * abs(apart),) * 4, tail=wag, lean=vary(actor, 2, -0.1, 0.25))


def _bird(actor: Actor, forward: float, turns: float) -> Pose:
    swing = 2 * pi * turns
    s = sin(swing)
    if actor.action == "fly":
        return Pose(x=forward, y=0.06 * s, spin=vary(actor, 2, -0.35, 0.1), legs=(-1.2, -1.3), wings=0.35 + 0.85 * s, tail=0.1)
    if actor.action == "jump":
        height = _hop(turns)
        return Pose(
            x=2 * forward,
            y=vary(actor, 5, 0.4, 0.7) * height,
            spin=-0.25 * height,
            legs=(0.2, -0.5 * height),
            wings=1.1 * height * vary(actor, 6, 0.3, 1),
        )
    if actor.action == "walk":
        stride = vary(actor, 1, 0.4, 0.6) * s
        return Pose(x=forward, lean=0.15 * sin(2 * swing), legs=(stride, -stride), knees=(0.2, 0.2))
    if actor.action == "eat":
        return Pose(lean=1.5 + 0.45 * s, spin=0.35 + 0.12 * s, legs=(-0.15, -0.05))
    apart = vary(actor, 7, -0.5, 0.5)
    return Pose(legs=(apart, -apart), knees=(0.1, 0.1), lean=0.1 * s, crouch=0.6 if actor.posture in ("sitting", "lying") else 0.0)


def _thing(actor: Actor, time: float, turns: float) -> Pose:
    """Balls and cars: paths and rotation."""
    t = time * actor.tempo
    if actor.kind == "ball":
        if actor.action == "roll":
            x = 0.11 * t
            return Pose(x=x, spin=2 * x)
        if actor.action == "fly":
            x = 0.16 * t
            return Pose(x=x, y=vary(actor, 3, 0.2, 1.0) - 0.004 * t * t, spin=0.25 * t)
        if actor.action == "jump":
            return Pose(x=0.04 * t, y=vary(actor, 5, 1.0, 1.8) * _hop(turns), spin=0.1 * t)
        return Pose(spin=2 * pi * actor.phase)
    if actor.action == "run":
        x = 0.13 * t
        return Pose(x=x, y=0.015 * sin(1.9 * t), wheel=x / 0.22)
    if actor.action == "jump":
        return Pose(x=0.09 * t, y=vary(actor, 5, 0.6, 0.9) * _hop(turns), spin=0.6 * (turns % 1.0 - 0.5), wheel=0.5 * t)
    if actor.action == "fly":
        return Pose(x=0.13 * t, y=0.03 * sin(0.4 * t), spin=vary(actor, 2, -0.25, 0.15), wheel=0.5 * t)
    if actor.action == "roll":
        return Pose(x=0.12 * t, y=0.6 * abs(sin(2 * pi * turns)), spin=2 * pi * turns, crouch=1, posture="rolling")
    return Pose(wheel=2 * pi * actor.phase)
