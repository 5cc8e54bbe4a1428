"""The drawn twin: every pair moves, masks are true to the picture, the files are the release's, and the seed decides everything."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import h5py
import numpy as np
import pandas
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from acga.config import SynthesisConfig
from acga.data.taxonomy import ACTIONS, ACTORS, COLOURS, PAIRS, class_id
from acga.errors import DatasetError
from acga.synthetic import writer
from acga.synthetic.language.phrasing import HELD_OUT_TEMPLATES
from acga.synthetic.render.motion import LOOK_ALIKE, pose
from acga.synthetic.render.renderer import box, draw
from acga.synthetic.render.shapes import Part, ellipse, render
from acga.synthetic.render.things import parts
from acga.synthetic.sampling import FRAME_SIZES, sample_scene
from acga.synthetic.scene import Actor, Scene
from acga.synthetic.writer import write_a2d, write_jhmdb

SMALL = SynthesisConfig(train=4, test=2, frames=10, workers=1, seed=3)
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


def test_render_covers_what_it_says() -> None:
    frame = np.zeros((60, 80, 3), np.uint8)
    disc = Part(ellipse((0.5, 0.5), 0.25), (255, 255, 255))
    mask, covered = render(frame, [disc], np.array([[60.0, 0, 0], [0, 60.0, 0]]))
    assert mask.sum() == pytest.approx(np.pi * 15**2, rel=0.03)
    assert (mask == covered).all()
    assert frame[30, 30].min() > 200 and frame[5, 5].max() == 0
    prop = disc._replace(of_actor=False)
    mask, covered = render(frame, [prop], np.array([[60.0, 0, 0], [0, 60.0, 0]]))
    assert not mask.any() and covered.any()
    assert not render(frame, [disc], np.array([[60.0, 0, 900], [0, 60.0, 0]]))[0].any()  # far outside: nothing, and no error


def test_masks_are_where_the_actor_is_drawn() -> None:
    """Without the actor the picture differs inside its mask and its shadow, and nowhere far from them."""
    scene = next(s for i in range(100) if len((s := sample_scene("a", 0, 0, i, frames=4)).actors) == 1 and s.actors[0].kind == "car")
    scene = replace(scene, noise=0.0, blur=0.0)
    with_actor, masks = next(draw(scene))
    without, none = next(draw(replace(scene, actors=())))
    changed = np.abs(with_actor.astype(int) - without).max(axis=2) > 25
    assert none.shape[0] == 0
    assert changed[masks[0]].mean() > 0.9


def test_nearer_actors_hide_farther_ones() -> None:
    front, behind = actor("car", "none", height=0.3, y=0.9), actor("car", "none", height=0.3, y=0.8)
    scene = replace(sample_scene("a", 0, 0, 0, frames=4), actors=(behind, front), pan=(0.0, 0.0))
    _, masks = next(draw(scene))
    assert not (masks[0] & masks[1]).any()
    _, alone = next(draw(replace(scene, actors=(behind,))))
    assert masks[0].sum() < alone[0].sum()
    assert not (masks[0] & ~alone[0]).any()


@given(index=st.integers(0, 10_000), split=st.sampled_from([0, 1]), style=st.sampled_from(["flat", "sketch"]))
@settings(max_examples=60, deadline=None)
def test_any_scene_is_valid(index: int, split: int, style: str) -> None:
    scene = sample_scene("a", 0, split, index, style=style)
    assert scene == sample_scene("a", 0, split, index, style=style)
    assert (scene.height, scene.width) in ([*FRAME_SIZES] if style == "flat" else [(240, 320)])
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


def test_box_leaves_out_what_is_hardly_seen() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:14, 20:24] = True
    assert box(mask) is None
    mask[10:20, 20:40] = True
    found = box(mask)
    assert found is not None and (found.left, found.top, found.right, found.bottom) == (0.2, 0.1, 0.4, 0.2)


def digest(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawn") / "a2d"
    write_a2d(root, SMALL)
    return root


def test_the_a2d_twin_has_the_layout_of_the_release(drawn: Path) -> None:
    videos = pandas.read_csv(drawn / "Release/videoset.csv", header=None)
    assert videos.shape == (6, 9)
    assert videos[8].tolist() == [0, 0, 0, 0, 1, 1]
    sentences = pandas.read_csv(drawn / "text_annotations/a2d_annotation.txt")
    assert list(sentences.columns) == ["video_id", "instance_id", "query"]
    assert (sentences["query"].str.split().str.len() <= 20).all()
    assert len((drawn / "text_annotations/a2d_missed_videos.txt").read_text().split()) == 28
    files = sorted(drawn.glob("text_annotations/a2d_annotation_with_instances/*/*.h5"))
    sizes = {name: (height, width) for name, height, width in videos[[0, 4, 5]].itertuples(index=False)}
    for path in files:
        height, width = sizes[path.parent.name]
        with h5py.File(path) as file:
            count = len(file["instance"])
            assert file["reMask"].shape == ((count, width, height) if count > 1 else (width, height))
            assert file["reBBox"].shape == ((4, count) if count > 1 else (4,))
            assert len(file["id"]) >= count
    assert len(files) >= len(videos)


def test_the_twin_does_not_depend_on_workers_or_interruptions(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = tmp_path / "two"
    write_a2d(two, replace(SMALL, workers=2))
    assert digest(two) == digest(drawn)

    broken = tmp_path / "broken"
    calls = []

    def interrupted(*arguments: object) -> dict[str, object]:
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(*arguments)

    original = writer._a2d_video
    monkeypatch.setattr(writer, "_a2d_video", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_a2d(broken, SMALL)
    assert not (broken / "Release/videoset.csv").exists()
    monkeypatch.undo()
    write_a2d(broken, SMALL)
    assert digest(broken) == digest(drawn)


def test_a_folder_with_something_else_is_refused(drawn: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="other settings"):
        write_a2d(drawn, replace(SMALL, seed=4))
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(DatasetError, match="not empty"):
        write_a2d(tmp_path, SMALL)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_drawn_before_an_option_was_known_goes_on(drawn: Path, tmp_path: Path) -> None:
    older = shutil.copytree(drawn, tmp_path / "older")
    settings = json.loads((older / "synthesis.json").read_text())
    del settings["sentence_style"]
    (older / "synthesis.json").write_text(json.dumps(settings))
    write_a2d(older, SMALL)
    with pytest.raises(DatasetError, match="other settings"):
        write_a2d(older, replace(SMALL, sentence_style="relational"))


def test_one_order_of_words_is_for_training_sentences(tmp_path: Path) -> None:
    write_a2d(tmp_path / "narrow", SynthesisConfig(train=4, test=4, frames=8, mixed=True, sentence_style="one-order", workers=1))
    queries = json.loads((tmp_path / "narrow/queries.json").read_text())
    assert {q["phrasing"] for q in queries if "phrasing" not in q["novelty"]} == {"participle"}
    assert {q["phrasing"] for q in queries} & HELD_OUT_TEMPLATES.keys()


def test_the_tags_name_the_scene_they_come_from(drawn: Path) -> None:
    scenes = {scene["name"]: scene for scene in json.loads((drawn / "scenes.json").read_text())}
    for tag in json.loads((drawn / "queries.json").read_text()):
        kinds = [a["kind"] for a in scenes[tag["video_id"]]["actors"]]
        assert tag["actors_in_scene"] == len(kinds)
        assert tag["same_kind"] == kinds.count(kinds[tag["instance"]]) - 1
        assert set(tag["decided_by"]) <= {*tag["mentions"], "motion"}


def test_without_sentences_every_actor_has_a_label(tmp_path: Path) -> None:
    write_a2d(tmp_path / "labels", SynthesisConfig(train=2, test=0, sentences=0, frames=8, crowded=True, workers=1))
    scenes = {scene["name"]: scene["actors"] for scene in json.loads((tmp_path / "labels/scenes.json").read_text())}
    tags = json.loads((tmp_path / "labels/queries.json").read_text())
    assert tags
    for tag in tags:
        actor = scenes[tag["video_id"]][tag["instance"]]
        assert tag["query"] == f"{actor['kind']} {actor['action']}"


def test_the_jhmdb_twin_has_the_layout_of_the_release(tmp_path: Path) -> None:
    root = tmp_path / "jhmdb"
    write_jhmdb(root, SynthesisConfig(test=2, workers=1))
    sentences = pandas.read_csv(root / "jhmdb_annotation.txt")
    assert list(sentences.columns) == ["video_id", "query"]
    assert sentences["video_id"].is_unique
    for name in sentences["video_id"]:
        (pictures,) = root.glob(f"Rename_Images/*/{name}")
        (mask,) = root.glob(f"puppet_mask/*/{name}/puppet_mask.mat")
        frames = sorted(pictures.glob("*.png"))
        assert frames[0].name == "00001.png"
        assert cv2.imread(str(frames[0])).shape == (240, 320, 3)
        assert scipy.io.loadmat(mask)["part_mask"].shape == (240, 320, len(frames))


def test_a_scene_can_be_written_down_and_read_back() -> None:
    from dataclasses import asdict

    scene = sample_scene("a", 0, 0, 5)
    fields = json.loads(json.dumps(asdict(scene)))
    actors = tuple(Actor(**fields) for fields in fields.pop("actors"))
    rebuilt = Scene(**{name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}, actors=actors)
    assert rebuilt == scene
