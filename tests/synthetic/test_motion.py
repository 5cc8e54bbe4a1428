"""The motion of actors: every pair moves, a single frame does not give away what it must not, and looks do not depend on places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from acga.data.taxonomy import ACTIONS, ACTORS, PAIRS, class_id
from acga.synthetic.render.motion import LOOK_ALIKE, pose, vary
from acga.synthetic.render.things import parts
from acga.synthetic.scene import Actor

NOUN = {"adult": "man", "baby": "baby", "ball": "ball", "bird": "bird", "car": "car", "cat": "cat", "dog": "dog"}


def actor(kind: str, action: str, **changes: object) -> Actor:
    return replace(Actor(kind=kind, action=action, noun=NOUN[kind], colour="red", garment="shirt", lower_garment="pants"), **changes)


def test_the_taxonomy_has_the_43_pairs_of_a2d() -> None:
    assert len(PAIRS) == 43
    assert {class_id(*pair) for pair in PAIRS} == {10 * (ACTORS.index(k) + 1) + ACTIONS.index(a) + 1 for k, a in PAIRS}


@pytest.mark.parametrize(("kind", "action"), PAIRS)
def test_every_pair_moves_and_only_nothing_stands_still(kind: str, action: str) -> None:
    polygons = [np.concatenate([p.points for p in parts(actor(kind, action), time, 1.25)]) for time in (-4.0, 0.0, 3.0)]
    assert all(np.isfinite(points).all() for points in polygons)
    outlines = [np.stack([points.min(0), points.max(0), points.mean(0)]) for points in polygons]  # wings come and go
    moved = max(np.abs(outlines[1] - other).max() for other in (outlines[0], outlines[2]))
    still = action == "none"
    assert (moved < 0.05) if still else (moved > 0.008)


@pytest.mark.parametrize(
    "kind", [kind for kind in ACTORS if any({"walk", "run"} <= group for group in LOOK_ALIKE[kind]) and kind in ("adult", "cat", "dog")]
)
def test_one_frame_cannot_tell_walking_from_running(kind: str) -> None:
    """At the same point of its cycle a walker has the very joints of a runner: only the path and the tempo differ."""
    for phase in np.linspace(0, 1, 9, endpoint=False):
        walk, run = (pose(actor(kind, action, phase=float(phase)), 0.0) for action in ("walk", "run"))
        assert walk == run
    assert pose(actor(kind, "run"), 4.0).x > 2 * pose(actor(kind, "walk"), 4.0).x


def test_a_ball_turns_as_it_rolls() -> None:
    rolling = pose(actor("ball", "roll"), 5.0)
    assert rolling.spin * 0.5 == pytest.approx(rolling.x)  # arc length = radius * angle, in diameters


def test_a_look_is_the_same_everywhere_and_another_look_is_not() -> None:
    here, there = (actor("adult", "walk", look=7, x=x, phase=phase) for x, phase in ((0.2, 0.1), (0.8, 0.6)))
    assert [vary(here, salt, 0, 1) for salt in range(20)] == [vary(there, salt, 0, 1) for salt in range(20)]
    drawn = {round(vary(actor("adult", "walk", look=look), 11, 0, 1), 6) for look in range(40)}
    assert len(drawn) == 40 and min(drawn) < 0.2 and max(drawn) > 0.8
