"""Cut-outs: only what is large, whole and unhidden is taken, photographs act as rigid pieces, and nothing unknown is said of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.photographs import HEIGHT, WIDTH, write_folder

from acga.data.taxonomy import VALID_ACTIONS
from acga.errors import DatasetError
from acga.synthetic.language.describe import describe
from acga.synthetic.language.facts import Fact, View, holds, speakable, state
from acga.synthetic.render.cutouts import CutoutFolder, actions, plain_colour, usable
from acga.synthetic.render.renderer import box, draw
from acga.synthetic.sampling import HELD_OUT_COMBINATIONS, sample_scene
from acga.synthetic.scene import Box


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> CutoutFolder:
    return CutoutFolder(write_folder(tmp_path_factory.mktemp("photographs") / "folder"))


def test_usable_cutouts_are_taken_and_no_others(folder: CutoutFolder) -> None:
    assert {cutout.name for cutout in folder.cutouts} == {
        f"{label}{n}/1" for label in ("person", "dog", "cat", "bird", "car") for n in range(3)
    }
    colours = {cutout.kind: cutout.colour for cutout in folder.cutouts}
    assert colours == {"adult": "", "dog": "brown", "cat": "black", "bird": "blue", "car": "yellow"}
    pictures = {cutout.name.split("/")[0]: set() for cutout in folder.cutouts}
    for cutout in folder.cutouts:
        pictures[cutout.name.split("/")[0]].add(cutout.split)
    assert all(len(splits) == 1 for splits in pictures.values()), "a picture is for one split"
    assert {cutout.split for cutout in folder.cutouts} == {0, 1}


def test_what_is_small_cut_hidden_or_in_pieces_is_not_usable() -> None:
    def seen(*ellipses: tuple[int, tuple[int, int], tuple[int, int]]) -> np.ndarray:
        instances = np.zeros((HEIGHT, WIDTH), np.uint8)
        for number, centre, axes in ellipses:
            cv2.ellipse(instances, centre, axes, 0, 0, 360, number, -1)
        return instances

    whole = (1, (80, 60), (20, 30))
    assert usable(seen(whole), 1, "dog")
    assert not usable(seen((1, (80, 60), (6, 9))), 1, "dog"), "small"
    assert not usable(seen((1, (10, 60), (20, 30))), 1, "dog"), "at the border"
    assert not usable(seen(whole, (2, (95, 60), (20, 30))), 1, "dog"), "hidden"
    assert not usable(seen(whole, (255, (80, 80), (30, 20))), 1, "dog"), "hidden by a crowd"
    assert not usable(seen((1, (50, 60), (15, 25)), (1, (110, 60), (15, 25))), 1, "dog"), "in two pieces"
    assert not usable(seen((1, (80, 60), (30, 20))), 1, "adult"), "not upright"


def test_two_colours_are_not_one() -> None:
    half = np.concatenate([np.full((50, 3), (240, 240, 240)), np.full((50, 3), (28, 28, 32))]).astype(np.uint8)
    assert plain_colour(half) == ""


@pytest.mark.parametrize("damage", ["table", "columns", "instances", "picture", "nothing", "background", "crowd", "word"])
def test_a_folder_that_is_not_one_is_refused_in_a_sentence(tmp_path: Path, damage: str) -> None:
    root = write_folder(tmp_path / "folder", 2)
    match damage:
        case "table":
            (root / "instances.csv").unlink()
        case "columns":
            (root / "instances.csv").write_text("a,b\n1,2\n")
        case "instances":
            cv2.imwrite(str(root / "instances/dog0.png"), np.zeros((5, 5, 3), np.uint8))
        case "picture":
            (root / "images/dog0.png").unlink()
        case "nothing":
            (root / "instances.csv").write_text("image,instance_id,class\n")
        case "background" | "crowd" | "word":
            number = {"background": 0, "crowd": 255, "word": "one"}[damage]
            (root / "instances.csv").write_text(f"image,instance_id,class\ndog0,{number},dog\n")
    with pytest.raises(DatasetError, match=r"\.$"):
        CutoutFolder(root)


def scenes_with_cutouts(folder: CutoutFolder, split: int = 0, count: int = 60) -> list:  # type: ignore[type-arg]
    return [sample_scene("a", 0, split, index, frames=3, edition=2, cutouts=folder) for index in range(count)]


@pytest.mark.parametrize("split", [0, 1])
def test_photographs_do_what_a_rigid_piece_can(folder: CutoutFolder, split: int) -> None:
    actors = [actor for scene in scenes_with_cutouts(folder, split) for actor in scene.actors]
    shown = [actor for actor in actors if actor.cutout]
    names = {cutout.name: cutout for cutout in folder.cutouts}
    assert 0.25 < len(shown) / len(actors) < 0.75
    for actor in shown:
        assert names[actor.cutout].split == split and names[actor.cutout].kind == actor.kind
        assert actor.action in actions(actor.kind) and actor.action in VALID_ACTIONS[actor.kind]
        assert actor.posture is None and actor.support is None
        assert split == 1 or (actor.kind, actor.colour, actor.action) not in HELD_OUT_COMBINATIONS


def test_without_cutouts_nothing_changes(folder: CutoutFolder) -> None:
    drawn = [sample_scene("a", 0, 0, index, edition=2) for index in range(20)]
    mixed = [sample_scene("a", 0, 0, index, edition=2, cutouts=folder) for index in range(20)]
    assert any(one == other for one, other in zip(drawn, mixed, strict=True)), "scenes without photographs are as they were"


def test_a_photograph_keeps_its_picture_and_moves_as_a_piece(folder: CutoutFolder) -> None:
    scene = next(s for s in scenes_with_cutouts(folder) if len(s.actors) == 1 and s.actors[0].cutout and s.actors[0].kind in ("dog", "car"))
    actor = replace(scene.actors[0], x=0.4, y=0.8, height=0.35, action="walk" if scene.actors[0].kind == "dog" else "run", heading=1)
    scene = replace(scene, actors=(actor,), frames=9, pan=(0.0, 0.0), zoom=0.0, shake=0.0)
    masks = [masks[0] for _, masks in draw(scene, folder)]
    places = [box(mask) for mask in masks]
    assert all(place is not None for place in places)
    assert places[-1].left > places[0].left + 0.02, "it moves the way it heads"
    areas = np.array([mask.sum() for mask in masks])
    assert areas.max() / areas.min() < 1.25, "as one rigid piece"
    again = [frame for frame, _ in draw(scene, folder)]
    np.testing.assert_array_equal(again, [frame for frame, _ in draw(scene, folder)])


def test_without_its_folder_a_photograph_cannot_be_drawn(folder: CutoutFolder) -> None:
    scene = next(s for s in scenes_with_cutouts(folder) if any(actor.cutout for actor in s.actors))
    with pytest.raises(DatasetError, match="give the folder"):
        next(draw(scene))


def test_nothing_unknown_is_said_of_a_photograph_and_it_may_fit_all_that_is(folder: CutoutFolder) -> None:
    scene = next(s for s in scenes_with_cutouts(folder) if [a.kind for a in s.actors if a.cutout].count("adult") and len(s.actors) > 1)
    index = next(i for i, a in enumerate(scene.actors) if a.cutout and a.kind == "adult")
    boxes = {i: Box(left=0.1 + 0.2 * i, top=0.3, right=0.25 + 0.2 * i, bottom=0.8, area=0.05) for i in range(len(scene.actors))}
    view = View(scene, boxes)
    for topic in ("colour", "upper", "lower", "hat", "pattern", "all over"):
        assert not speakable(topic, view, index, "person")
    for fact in (Fact("colour", ("red",)), Fact("upper", ("blue", "", "shirt")), Fact("noun", ("woman",)), Fact("pattern", ("striped",))):
        assert holds(fact, view, index)
    still = replace(scene.actors[index], action="none", posture=None)
    assert state(still) == "still"
    lone = replace(scene, actors=(still,))
    told = describe(lone, {0: boxes[0]}, 0, count=30, rng=np.random.default_rng(0))
    assert told and not any(word in query.text.split() for query in told for word in ("standing", "sitting", "lying", "man", "woman"))
