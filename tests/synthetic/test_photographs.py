"""Photographs as a release: what is read back is what the pictures show, mirrored or not, and each sentence fits one thing alone."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from acga.cli import main
from acga.data.a2d import A2DSentences, read_annotation
from acga.data.check import check_release
from acga.data.video import read_frames
from acga.errors import ConfigError, DatasetError
from acga.synthetic.language.photographed import Thing, main_colour, may_mean, say
from acga.synthetic.photographs import (
    Photograph,
    look_at,
    photographed_class_ids,
    read_photographs,
    things_in,
    write_photographs,
)
from acga.synthetic.scene import Box

HEIGHT, WIDTH = 120, 180
RED, GREEN, BLUE = (220, 30, 30), (30, 190, 40), (30, 40, 220)
ANNOTATIONS = "text_annotations/a2d_annotation_with_instances"
PICTURES = {  # name -> (class, colour, centre, half axes) of each instance
    "cars": [("car", RED, (35, 80), (24, 15)), ("car", BLUE, (140, 80), (26, 15)), ("dog", GREEN, (90, 40), (16, 12))],
    "elephant": [("elephant", GREEN, (90, 60), (50, 36))],
    "crowded": [("person", RED, (40, 60), (12, 30))],
    "forbidden": [("cat", RED, (90, 60), (30, 30))],
}
VIEWS = 6


def photograph_folder(root: Path) -> Path:
    """Coloured ellipses on a gray texture; one picture has a crowd too, and one is of a licence that allows no changes."""
    (root / "images").mkdir(parents=True)
    (root / "instances").mkdir()
    rows = []
    for name, shapes in PICTURES.items():
        texture = np.random.default_rng(len(name)).integers(90, 150, (HEIGHT // 4, WIDTH // 4, 1)).astype(np.uint8)
        picture = np.repeat(cv2.resize(texture, (WIDTH, HEIGHT))[..., None], 3, axis=2)
        instances = np.zeros((HEIGHT, WIDTH), np.uint8)
        for number, (label, colour, centre, axes) in enumerate(shapes, start=1):
            cv2.ellipse(picture, centre, axes, 0, 0, 360, colour, -1)
            cv2.ellipse(instances, centre, axes, 0, 0, 360, number, -1)
            rows.append((name, number, label, 6 if name == "forbidden" else 4))
        if name == "crowded":
            instances[:, 90:] = 255
        cv2.imwrite(str(root / "images" / f"{name}.png"), picture[..., ::-1])
        cv2.imwrite(str(root / "instances" / f"{name}.png"), instances)
    for name, header, table in (
        ("instances", ("image", "instance_id", "class", "license_id"), rows),
        ("captions", ("image", "caption"), [("elephant", "An elephant in front of grass."), ("elephant", "Left of a tree.")]),
    ):
        with open(root / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *table])
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photograph_folder(tmp_path_factory.mktemp("photographs") / "folder")


@pytest.fixture(scope="module")
def release(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("release") / "stills"
    write_photographs(folder, root, views=VIEWS, seed=1, workers=0)
    return root


def records(release: Path, name: str) -> dict[str, dict]:
    """The views of a picture that were written, by video id."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted((release / "drawn").glob("*.json"))}
    return {video: record for video, record in found.items() if record["photograph"] == name and record["queries"]}


def annotated(release: Path, video: str) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """The annotated frame (H, W, 3), and the masks (H, W) in it by instance."""
    annotation = read_annotation(release / ANNOTATIONS / video / "00009.h5")
    frames = list(read_frames(release / "Release/clips320H" / f"{video}.mp4"))
    assert len(frames) == 16 and frames[8].shape[:2] == annotation.masks.shape[1:] and max(frames[8].shape) == 256
    return frames[8], dict(zip(annotation.instances.tolist(), annotation.masks, strict=True))


def middle(mask: np.ndarray) -> float:
    columns = np.flatnonzero(mask.any(0))
    return (columns[0] + columns[-1]) / 2


def digest(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*")) if p.is_file()}


def test_the_release_is_read_and_has_no_problems(release: Path) -> None:
    dataset = A2DSentences(release, "train", size=64)
    pictures = {name: records(release, name) for name in PICTURES}
    assert len(pictures["cars"]) == len(pictures["elephant"]) == VIEWS and not pictures["forbidden"]
    assert {sample.video_id for sample in dataset.samples} == {video for found in pictures.values() for video in found}
    assert all(len(sample.video_id) == 11 and sample.frame == 9 and len(sample.query.split()) <= 20 for sample in dataset.samples)
    report = check_release(release)
    assert report.problems == [] and list(report.counts) == ["train"]
    classes = {video: read_annotation(release / ANNOTATIONS / video / "00009.h5").class_ids for video in pictures["elephant"]}
    assert all(found.tolist() == [89] for found in classes.values())


def test_masks_fit_the_annotated_frame(release: Path) -> None:
    for name in ("cars", "elephant"):
        for video in records(release, name):
            frame, masks = annotated(release, video)
            outside = ~cv2.dilate(np.any([*masks.values()], axis=0).astype(np.uint8), np.ones((7, 7))).astype(bool)
            for number, mask in masks.items():
                channel = int(np.argmax(PICTURES[name][number - 1][1]))
                excess = frame[..., channel].astype(int) - np.delete(frame, channel, axis=2).max(axis=2)
                assert excess[mask].mean() > 90
                if number == 1:
                    assert excess[outside].mean() < 40


def test_mirrored_views_have_their_own_left_and_right(release: Path) -> None:
    found = records(release, "cars")
    assert {record["mirrored"] for record in found.values()} == {False, True}
    told = {"left": 0, "right": 0}
    for video, record in found.items():
        _, masks = annotated(release, video)
        if {1, 2} <= masks.keys():
            assert (middle(masks[1]) > middle(masks[2])) == record["mirrored"]
        for query in record["queries"]:
            if (
                query["decided_by"] == ["position"]
                and query["same_kind"] == 1
                and not {"middle", "center", "centre"} & {*query["query"].split()}
            ):
                me, other = query["instance"], 3 - query["instance"]
                side = "left" if middle(masks[me]) < middle(masks[other]) else "right"
                words = query["query"].split()
                assert side in " ".join(words) and {"left": "right", "right": "left"}[side] not in " ".join(words)
                told[side] += 1
    assert min(told.values()) > 1


def test_a_relation_is_of_what_is_shown(release: Path) -> None:
    for video, record in records(release, "cars").items():
        _, masks = annotated(release, video)
        for query in record["queries"]:
            for side, sign in (("left", 1), ("right", -1)):
                if f"{side} of the dog" in query["query"]:
                    assert sign * (middle(masks[3]) - middle(masks[query["instance"]])) > 0


def test_a_caption_is_said_of_a_single_instance_and_names_it(release: Path) -> None:
    said = {query["query"] for record in records(release, "elephant").values() for query in record["queries"]}
    assert "an elephant in front of grass" in said and "left of a tree" not in said


def test_nothing_is_said_beside_a_crowd(release: Path, tmp_path: Path) -> None:
    assert records(release, "crowded") == {}  # no crop is without it
    root = photograph_folder(tmp_path / "folder")
    path = root / "instances/crowded.png"
    instances = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(path), np.where(instances == 255, 0, instances))
    write_photographs(root, tmp_path / "out", views=2, seed=1, workers=0)
    assert records(tmp_path / "out", "crowded")


def test_the_seed_decides_all_whatever_the_workers_and_an_interrupted_run_goes_on(folder: Path, tmp_path: Path) -> None:
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    write_photographs(folder, whole, views=2, seed=4, workers=2)
    write_photographs(folder, resumed, views=2, seed=4, workers=0)
    assert digest(whole) == digest(resumed)
    (resumed / "drawn/photo000001.json").unlink()
    (resumed / "Release/videoset.csv").unlink()
    kept, again = (resumed / f"Release/clips320H/photo00000{n}.mp4" for n in (0, 1))
    again.unlink()
    before = kept.stat().st_mtime_ns
    write_photographs(folder, resumed, views=2, seed=4, workers=0)
    assert digest(whole) == digest(resumed) and kept.stat().st_mtime_ns == before
    with pytest.raises(DatasetError, match="other settings"):
        write_photographs(folder, resumed, views=3, seed=4, workers=0)


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "photographs", str(folder), str(tmp_path / "out"), "--views", "1", "--workers", "0"]) == 0
    assert main(["data", "check", str(tmp_path / "out")]) == 0
    assert main(["data", "photographs", str(tmp_path), str(tmp_path / "other")]) == 2
    assert "instances.csv is missing" in capsys.readouterr().err


def test_what_cannot_be_written_is_refused_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        write_photographs(folder, tmp_path / "out", views=0)
    for table, text, reason in (
        ("instances.csv", "image,instance_id,class\ncars,one,car\n", "not a number"),
        ("instances.csv", "image,instance_id,class,license_id\ncars,1,car,3\n", "licences"),
        ("captions.csv", "picture\ncars\n", "columns image and caption"),
    ):
        root = photograph_folder(tmp_path / reason)
        (root / table).write_text(text)
        with pytest.raises(DatasetError, match=reason):
            read_photographs(root)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("captions.csv", b"image,caption\ndog0,a dog\xff\n", r"captions\.csv, line 2: this is not UTF-8"),
        ("captions.csv", b"image,caption\ndog0\n", r"captions\.csv, line 2 has 1 values instead of 2"),
        ("instances.csv", b"image,instance_id,class\ndog0,one,dog\n", r"instances\.csv, line 2: the instance_id 'one' is not a number"),
        ("instances.csv", b"image,instance_id,class\n../dog0,1,dog\n", r"instances\.csv, line 2: '\.\./dog0' cannot be the name of a file"),
    ],
)
def test_tables_are_read_as_those_of_releases(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / "instances.csv").write_text("image,instance_id,class\ndog0,1,dog\n")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_photographs(tmp_path)


def test_a_view_is_even_and_still_where_it_is_annotated() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (61, 97, 3)).astype(np.uint8)
    instances = np.zeros((61, 97), np.uint8)
    instances[20:40, 30:60] = 7
    moved = 0
    for _ in range(20):
        view = look_at(picture, instances, rng)
        assert view.frames.shape[0] == 16 and view.frames.shape[1:3] == view.instances.shape
        assert max(view.instances.shape) in (254, 256) and not any(side % 2 for side in view.instances.shape)
        moved += not (view.frames[0] == view.frames[15]).all()
        things = things_in(view, Photograph("picture", {7: "boat", 8: "cat"}))
        assert set(things) <= {7}
    assert 5 < moved < 20


def test_a_class_beyond_the_seven_actors_has_tens_of_its_own() -> None:
    found = photographed_class_ids(["person", "bird", "cat", "dog", "car", "truck", "sports ball", "train", "bear"])
    assert found == {"person": 19, "sports ball": 39, "bird": 49, "car": 59, "truck": 59, "cat": 69, "dog": 79, "bear": 89, "train": 99}


def thing(name: str, x: float, y: float = 0.5, half: float = 0.08, colour: str = "") -> Thing:
    return Thing(name, Box(left=x - half, top=y - half, right=x + half, bottom=y + half, area=4 * half * half), colour)


def test_what_nothing_tells_apart_is_not_spoken_of() -> None:
    rng = np.random.default_rng(0)
    assert say([thing("cow", 0.5), thing("cow", 0.51)], 0, 4, rng) == []
    assert say([thing("cow", 0.5, colour="black"), thing("cow", 0.51, colour="gray")], 0, 4, rng) == [], "like colours"
    told = say([thing("cow", 0.5, colour="black"), thing("cow", 0.51, colour="white")], 0, 4, rng)
    assert told and all("black" in query.text and query.decided_by == {"colour"} for query in told)


def test_a_wide_word_is_told_from_all_that_it_may_mean() -> None:
    things = [thing("dog", 0.2), thing("horse", 0.8)]
    assert may_mean("animal", things[1]) and not may_mean("dog", things[1])
    told = [query for seed in range(10) for query in say(things, 0, 4, np.random.default_rng(seed))]
    wide = [query for query in told if "animal" in query.text]
    assert wide and all(query.decided_by for query in wide)
    assert any(not query.decided_by for query in told if "dog" in query.text)


@pytest.mark.parametrize(
    ("colour", "name"), [((220, 30, 30), "red"), ((250, 250, 250), "white"), ((30, 60, 220), "blue"), ((110, 70, 40), "brown")]
)
def test_a_main_colour_is_named(colour: tuple[int, int, int], name: str) -> None:
    pixels = np.full((40, 3), colour, np.uint8)
    assert main_colour(pixels) == name
    assert main_colour(np.concatenate([pixels[:20], np.full((20, 3), (150, 120, 130), np.uint8)])) == ""
