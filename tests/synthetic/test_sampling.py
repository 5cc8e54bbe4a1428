"""Scenes at random: valid in both editions, as hard as they should be, and split between training and test as they should be."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acga.data.taxonomy import ACTORS, COLOURS, PAIRS, VALID_ACTIONS
from acga.synthetic.casting import TYPICAL_COLOURS
from acga.synthetic.render.motion import look_alike
from acga.synthetic.render.renderer import draw
from acga.synthetic.sampling import FRAME_SIZES, HELD_OUT_COMBINATIONS, JHMDB_SIZE, SECOND_SIZES, sample_scene
from acga.synthetic.scene import Actor, Scene
from acga.synthetic.staging import GREATEST_HEIGHT, SMALLEST


@given(
    index=st.integers(0, 10_000), split=st.sampled_from([0, 1]), style=st.sampled_from(["flat", "sketch"]), edition=st.sampled_from([1, 2])
)
@settings(max_examples=60, deadline=None)
def test_any_scene_is_valid(index: int, split: int, style: str, edition: int) -> None:
    scene = sample_scene("a", 0, split, index, style=style, edition=edition)
    assert scene == sample_scene("a", 0, split, index, style=style, edition=edition)
    assert (scene.height, scene.width) in ([*(FRAME_SIZES if edition == 1 else SECOND_SIZES)] if style == "flat" else [JHMDB_SIZE])
    assert 1 <= len(scene.actors) <= 6
    assert all((a.kind, a.action) in PAIRS and a.colour in COLOURS for a in scene.actors)
    assert all((a.support is not None) == (a.action == "climb") for a in scene.actors)
    assert all(1 <= frame <= scene.frames for frame in scene.annotated)
    assert [a.y for a in scene.actors] == sorted(a.y for a in scene.actors)


def test_scenes_are_as_hard_as_the_design_asks() -> None:
    scenes = [sample_scene("a", 0, 1, index) for index in range(400)]
    beside = [[sum(o.kind == a.kind for o in s.actors) - 1 for a in s.actors] for s in scenes]
    instances = sum(len(s.actors) for s in scenes)
    assert sum(len(s.actors) for s in scenes if len(s.actors) > 1) / instances > 0.55
    assert sum(k > 0 for b in beside for k in b) / instances > 0.27


# The second edition


def test_actors_are_of_all_sizes() -> None:
    actors = [actor for index in range(300) for actor in sample_scene("a", 0, 0, index, edition=2).actors]
    heights = np.array([actor.height for actor in actors])
    assert np.percentile(heights, 5) < 0.2 and np.percentile(heights, 95) > 0.5
    assert max(actor.height / GREATEST_HEIGHT[actor.kind] for actor in actors) <= 1
    assert max(actor.height for actor in actors) > 0.75
    assert (heights >= SMALLEST).mean() > 0.95  # those in a row that would not fit in may be smaller


@pytest.mark.parametrize("split", [0, 1])
def test_combinations_are_held_out_of_training_alone(split: int) -> None:
    seen = Counter(
        (actor.kind, actor.colour, actor.action)
        for index in range(250)
        for actor in sample_scene("a", 0, split, index, edition=2, crowded=index % 2 == 0).actors
    )
    held_out = sum(count for combination, count in seen.items() if combination in HELD_OUT_COMBINATIONS)
    assert (held_out == 0) if split == 0 else (0.05 < held_out / seen.total() < 0.3)


def test_held_out_combinations_exist_and_their_parts_are_trained_on() -> None:
    trained = [actor for index in range(800) for actor in sample_scene("a", 0, 0, index, edition=2, crowded=True).actors]
    looks, deeds = {(a.kind, a.colour) for a in trained}, {(a.kind, a.action) for a in trained}
    for kind, colour, action in HELD_OUT_COMBINATIONS:
        assert action in VALID_ACTIONS[kind] and colour in COLOURS and colour in TYPICAL_COLOURS[kind]
        assert (kind, colour) in looks and (kind, action) in deeds


def test_minimal_pairs_are_identical_but_for_their_place() -> None:
    found = 0
    for index in range(120):
        scene = sample_scene("a", 0, 1, index, edition=2)
        if not scene.pair:
            continue
        found += 1
        first, second = (scene.actors[i] for i in scene.pair)
        assert {name for name in vars(first) if getattr(first, name) != getattr(second, name)} == {"x"}
        marks = [actor for i, actor in enumerate(scene.actors) if i not in scene.pair]
        assert marks and all(mark.kind != first.kind and first.x < mark.x < second.x for mark in marks)
    assert 10 < found < 40


def test_a_minimal_pair_is_drawn_alike() -> None:
    """Their masks are of one shape, and what is inside is of one colour and texture, up to the light that falls on the scene."""
    scenes = [sample_scene("a", 0, 1, index, frames=1, edition=2) for index in range(60)]
    seen = 0
    for scene in [scene for scene in scenes if scene.pair][:6]:
        frame, masks = next(draw(scene))
        cuts = []
        for mask in masks[list(scene.pair)]:
            (top, bottom), (left, right) = ((line[0], line[-1] + 1) for line in (np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))))
            cuts.append((mask[top:bottom, left:right], frame[top:bottom, left:right].astype(float)))
        (one, first), (other, second) = cuts
        if abs(one.shape[0] - other.shape[0]) > 1 or abs(one.shape[1] - other.shape[1]) > 1:
            continue  # something hides a part, or it reaches out of the frame
        seen += 1
        height, width = np.minimum(one.shape, other.shape)
        both = one[:height, :width] & other[:height, :width]
        assert both.sum() > 0.85 * max(one.sum(), other.sum())
        assert np.abs(first[:height, :width][both].mean(0) / second[:height, :width][both].mean(0) - 1).max() < 0.35
    assert seen >= 3


def test_bystanders_stand_by_the_annotated_one() -> None:
    scenes = [sample_scene("a", 0, 1, index, style="sketch", edition=2, bystanders=True) for index in range(40)]
    assert {len(scene.actors) for scene in scenes} == {2, 3, 4}
    assert all(scene.annotated_actor is not None and actor.kind == "adult" for scene in scenes for actor in scene.actors)
    assert len({scene.annotated_actor for scene in scenes}) > 1
    alone = [sample_scene("a", 0, 1, index, style="sketch", edition=2) for index in range(10)]
    assert all(len(scene.actors) == 1 and scene.annotated_actor is None for scene in alone)


def test_all_pairs_of_kind_and_action_occur() -> None:
    seen = {(a.kind, a.action) for index in range(500) for a in sample_scene("a", 0, 0, index, edition=2).actors}
    assert seen == set(PAIRS)


def of_one_noun(scene: Scene) -> list[Actor]:
    """The actors that share their noun with another."""
    nouns = [actor.noun for actor in scene.actors]
    return [actor for actor in scene.actors if nouns.count(actor.noun) > 1]


def test_contrasts_are_of_one_kind_and_differ_in_colour_or_action() -> None:
    scenes = [sample_scene("a", 0, 0, index, frames=1, edition=2, contrasts="looks") for index in range(60)]
    differ = set()
    for scene in scenes:
        few = of_one_noun(scene)
        assert len(few) >= len(scene.actors) - 1 and len({actor.kind for actor in few}) == 1
        differ.add((len({actor.colour for actor in few}) > 1, len({actor.action for actor in few}) > 1))
        assert all((actor.kind, actor.colour, actor.action) not in HELD_OUT_COMBINATIONS for actor in scene.actors)
    assert {(True, False), (False, True), (True, True)} <= differ


def test_motion_contrasts_look_alike_and_differ_in_motion() -> None:
    scenes = [sample_scene("a", 0, 0, index, frames=1, edition=2, contrasts="motion") for index in range(60)]
    kinds = set()
    for scene in scenes:
        few = of_one_noun(scene)
        assert len(few) >= len(scene.actors) - 1 and len({(actor.kind, actor.colour) for actor in few}) == 1
        assert all(look_alike(one.kind, one.action, other.action) for one, other in combinations(few, 2))
        assert all(actor.posture in (None, "standing") for actor in few)
        kinds.add(few[0].kind)
    assert kinds == set(ACTORS)
