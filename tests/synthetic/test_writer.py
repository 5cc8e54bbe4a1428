"""The writer: the files are the release's, and the seed decides everything in both editions."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import h5py
import numpy as np
import pandas
import pytest
import scipy.io
from helpers.photographs import write_folder

from acga.config import SynthesisConfig
from acga.errors import ConfigError, DatasetError
from acga.synthetic import writer
from acga.synthetic.language.phrasing import HELD_OUT_TEMPLATES
from acga.synthetic.render.renderer import draw
from acga.synthetic.sampling import sample_scene
from acga.synthetic.scene import Actor, Scene
from acga.synthetic.writer import write_a2d, write_jhmdb

SMALL = SynthesisConfig(train=4, test=2, frames=10, workers=1, seed=3)


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


@pytest.mark.parametrize("damage", ["{}", "[]", "{", '{"scene": {}, "split": "test", "label": 1, "queries": []}'])
def test_a_damaged_record_of_a_video_is_named(drawn: Path, tmp_path: Path, damage: str) -> None:
    root = shutil.copytree(drawn, tmp_path / "drawn")
    record = min((root / "drawn").glob("*.json"))
    record.write_text(damage)
    with pytest.raises(ConfigError, match=rf"{record.name} cannot be read as JSON"):
        write_a2d(root, SMALL)


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
    scene = sample_scene("a", 0, 0, 5)
    fields = json.loads(json.dumps(asdict(scene)))
    actors = tuple(Actor(**fields) for fields in fields.pop("actors"))
    rebuilt = Scene(**{name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}, actors=actors)
    assert rebuilt == scene


# The first edition is frozen


def test_the_first_edition_is_as_it_was(drawn: Path) -> None:
    """Scenes, sentences and what is noted of them to the byte; pictures in their means, which any change of drawing moves."""
    known = {
        "scenes.json": "ae5210ebf8c02b4d",
        "queries.json": "328cdb6f8e412336",
        "Release/videoset.csv": "2a78ce1ff2a93380",
        "text_annotations/a2d_annotation.txt": "d73999802a50aaee",
    }
    assert {name: digest(drawn)[name][:16] for name in known} == known
    means = []
    for index in range(4):
        frame, masks = list(draw(sample_scene("a", 3, 0, index, frames=3)))[1]
        means += [frame.mean(), frame.std(), 100 * masks.mean()]
    np.testing.assert_allclose(means, [130.87, 40.56, 7.61, 98.78, 38.74, 6.7, 118.9, 43.16, 9.59, 101.86, 45.02, 6.4], atol=0.02)


# The second edition

SECOND = SynthesisConfig(train=3, test=2, frames=4, workers=1, seed=3, edition=2, mixed=True)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_folder(tmp_path_factory.mktemp("photographs") / "folder"))


@pytest.mark.parametrize("cut", [False, True])
def test_the_second_edition_does_not_depend_on_workers(tmp_path: Path, photographs: str, cut: bool) -> None:
    config = replace(SECOND, cutouts=photographs if cut else None)
    for workers in (1, 2):
        write_a2d(tmp_path / str(workers), replace(config, workers=workers))
    assert digest(tmp_path / "1") == digest(tmp_path / "2")
    assert photographs not in (tmp_path / "1/synthesis.json").read_text(), "no path of this machine"
    scenes = json.loads((tmp_path / "1/scenes.json").read_text())
    assert any(actor["cutout"] for scene in scenes for actor in scene["actors"]) == cut


def test_both_editions_cannot_be_mixed(drawn: Path) -> None:
    with pytest.raises(DatasetError, match="other settings"):
        write_a2d(drawn, replace(SMALL, edition=2))
    for wrong in ({"edition": 3}, {"bystanders": True}, {"cutouts": "folder"}):
        with pytest.raises(ConfigError):
            SynthesisConfig(**wrong)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("second") / "a2d"
    write_a2d(root, SynthesisConfig(train=0, test=60, frames=1, edition=2, workers=1))
    return root


def test_shares_of_what_queries_need(second: Path) -> None:
    tags = json.loads((second / "queries.json").read_text())
    scenes = {scene["name"]: scene for scene in json.loads((second / "scenes.json").read_text())}
    shares = Counter(need for tag in tags for need in tag["needs"])
    shares = Counter({need: count / len(tags) for need, count in shares.items()})
    assert 0.15 < shares["lone"] < 0.3
    assert 0.13 < shares["relation"] < 0.3
    assert shares["minimal pair"] > 0.03 and min(shares[need] for need in ("kind", "colour", "action", "position")) > 0.01
    known = {"lone", "redundant", "kind", "colour", "action", "position", "relation", "minimal pair", "size", "surface", "support"}
    assert set(shares) <= known
    for tag in tags:
        assert (tag["needs"] == ["lone"]) == (tag["actors_in_scene"] == 1)
        assert not tag["partner"] or tag["instance"] in scenes[tag["video_id"]]["pair"]


def test_both_sides_of_a_minimal_pair_are_asked(second: Path) -> None:
    """Each sentence of one has its partner of the other in the same words, but for the side or the landmark."""
    tags = json.loads((second / "queries.json").read_text())
    asked = {(tag["video_id"], tag["query"]): tag for tag in tags}
    paired = [tag for tag in tags if tag["partner"]]
    assert paired
    for tag in paired:
        partner = asked[tag["video_id"], tag["partner"]]
        assert partner["partner"] == tag["query"] and partner["instance"] != tag["instance"]
        mine, its = tag["query"].split(), tag["partner"].split()
        if "left" in mine or "right" in mine:
            assert [{"left": "right", "right": "left"}.get(word, word) for word in mine] == its
        assert "relation" in tag["needs"] and "minimal pair" in tag["needs"] and tag["phrasing"] == partner["phrasing"]


def test_bystanders_have_neither_masks_nor_sentences(tmp_path: Path) -> None:
    root = tmp_path / "jhmdb"
    write_jhmdb(root, SynthesisConfig(test=2, workers=1, edition=2, bystanders=True))
    sentences = pandas.read_csv(root / "jhmdb_annotation.txt")
    scenes = {scene["name"]: scene for scene in json.loads((root / "scenes.json").read_text())}
    assert sorted(sentences["video_id"]) == sorted(scenes)
    assert any(len(scene["actors"]) > 1 for scene in scenes.values())
    for name, scene in scenes.items():
        (mask,) = root.glob(f"puppet_mask/*/{name}/puppet_mask.mat")
        actors = tuple(Actor(**fields) for fields in scene["actors"])
        rebuilt = Scene(**{k: tuple(v) if isinstance(v, list) else v for k, v in scene.items() if k != "actors"}, actors=actors)
        truth = [masks[rebuilt.annotated_actor or 0] for _, masks in draw(rebuilt)]
        np.testing.assert_array_equal(scipy.io.loadmat(mask)["part_mask"], np.stack(truth, axis=-1))


def test_a_release_that_failed_at_its_start_goes_on(tmp_path: Path) -> None:
    """What is there then is the lock, and perhaps a file that was not finished."""
    for name in (".lock", ".synthesis.json.0.1-2.partial"):
        (tmp_path / name).touch()
    writer.begin_release(tmp_path, {"seed": 1}, {}).release()
    assert json.loads((tmp_path / "synthesis.json").read_text()) == {"seed": 1}
