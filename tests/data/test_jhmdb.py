"""J-HMDB Sentences: which frames are tested, the items, and every way in which the files can be wrong."""

import json
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io
from helpers.paths import SHARED
from helpers.releases import FRAMES, HEIGHT, WIDTH, grey, square, write_puppet_mask

from acga.data import JHMDBSentences, Sample
from acga.data.jhmdb import default_frame_list, read_puppet_mask
from acga.errors import DatasetError

SAMPLES = SHARED / "sentences" / "jhmdb_samples.json"
CATCH, WAVE = "a_ball_catch_1", "b_wave_hand_2"
GIVEN = {CATCH: [12, 1], WAVE: [3]}
CATCH_MASKS = "puppet_mask/catch/a_ball_catch_1/puppet_mask.mat"


@pytest.mark.skipif(not SAMPLES.exists(), reason="MTTR's sample list in ../shared/sentences is not here")
def test_the_default_list_is_mttrs_and_how_it_was_drawn():
    samples = json.loads(SAMPLES.read_text())
    frames, masked = {}, {}
    for video_id, image, _, count, _ in samples:
        frames.setdefault(video_id, []).append(int(Path(image).stem))
        masked[video_id] = count
    assert default_frame_list() == frames
    generator = random.Random(42)
    assert frames == {video_id: sorted(generator.sample(range(1, masked[video_id] + 1), 3)) for video_id in sorted(masked)}


def test_the_default_list_has_three_frames_of_928_videos():
    frames = default_frame_list()
    assert len(frames) == 928 and sum(map(len, frames.values())) == 2784
    assert all(1 <= a < b < c for a, b, c in frames.values())


def test_samples_of_a_given_list(jhmdb_release, tmp_path):
    dataset = JHMDBSentences(jhmdb_release, frame_list=GIVEN)
    assert dataset.samples == [
        Sample(CATCH, 12, 0, "man in black catching"),
        Sample(CATCH, 1, 0, "man in black catching"),
        Sample(WAVE, 3, 0, "a woman waves"),
    ]
    assert dataset.frame_list == GIVEN and dataset.frame_source == "given"
    (tmp_path / "frames.json").write_text(json.dumps(GIVEN))
    read = JHMDBSentences(jhmdb_release, frame_list=tmp_path / "frames.json")
    assert read.samples == dataset.samples and read.frame_source == str(tmp_path / "frames.json")


def test_other_videos_get_three_frames_with_a_mask_always_the_same(jhmdb_release, jhmdb_copy):
    dataset = JHMDBSentences(jhmdb_release)
    assert dataset.frame_source == "MTTR's for 0 videos, drawn with seed 42 for 2"
    assert [len(frames) for frames in dataset.frame_list.values()] == [3, 3]
    assert set(dataset.frame_list[WAVE]) <= {1, 3, 4, 5, 6, 7, 8, 9}  # 2 is empty, 10 and on have none
    assert dataset.frame_list == {CATCH: sorted(dataset.frame_list[CATCH]), WAVE: sorted(dataset.frame_list[WAVE])}
    (jhmdb_copy / "jhmdb_annotation.txt").write_text(f"video_id,query\n{WAVE},a woman waves\n")
    assert JHMDBSentences(jhmdb_copy).frame_list == {WAVE: dataset.frame_list[WAVE]}  # whatever other videos there are


def test_a_video_that_mttr_knows_gets_its_frames(jhmdb_copy):
    known = "100_pullups_pullup_f_nm_np1_fr_med_1"  # frames 2, 8, 18
    for folder in ("Rename_Images", "puppet_mask"):
        (jhmdb_copy / folder / "catch" / CATCH).rename(jhmdb_copy / folder / "catch" / known)
    write_puppet_mask(jhmdb_copy / "puppet_mask" / "catch" / known / "puppet_mask.mat", np.stack([square(4, 30)] * 18, axis=-1))
    (jhmdb_copy / "jhmdb_annotation.txt").write_text(f"video_id,query\n{known},man in black pulling up\n{WAVE},a woman waves\n")
    dataset = JHMDBSentences(jhmdb_copy)
    assert dataset.frame_list[known] == [2, 8, 18]
    assert dataset.frame_source == "MTTR's for 1 videos, drawn with seed 42 for 1"


def test_an_item(jhmdb_release):
    dataset = JHMDBSentences(jhmdb_release, frame_list=GIVEN, size=64)
    item = dataset[0]
    assert item["query"] == "man in black catching" and item["size"] == (HEIGHT, WIDTH)
    np.testing.assert_array_equal(item["mask"], square(48, 30) == 1)
    levels = item["clip"][0, :, 32, 32]
    assert levels.tolist() == pytest.approx([grey(min(number, FRAMES)) / 127.5 - 1 for number in range(4, 20)], abs=1e-3)
    masks, instances, class_ids = dataset.frame_masks(CATCH, 12)
    assert masks.shape == (1, HEIGHT, WIDTH) and instances.tolist() == [0] and class_ids.tolist() == [0]


def test_masks_of_a_single_frame(tmp_path):
    write_puppet_mask(tmp_path / "puppet_mask.mat", square(4, 30))
    np.testing.assert_array_equal(read_puppet_mask(tmp_path / "puppet_mask.mat"), [square(4, 30) == 1])


def remove_image(root, number):
    (root / "Rename_Images" / "catch" / CATCH / f"{number:05d}.png").unlink()


def test_a_gap_in_the_frames(jhmdb_copy):
    remove_image(jhmdb_copy, 5)
    with pytest.raises(DatasetError, match="a_ball_catch_1: the frames are not numbered 1 to 11 without a gap"):
        JHMDBSentences(jhmdb_copy)[0]


def test_the_last_images_missing_is_like_a_short_video(jhmdb_copy):
    remove_image(jhmdb_copy, 12)
    dataset = JHMDBSentences(jhmdb_copy, frame_list=GIVEN, size=32)
    assert dataset[0]["clip"][0, 8, 16, 16].item() == pytest.approx(grey(11) / 127.5 - 1, abs=1e-3)


def test_images_of_another_shape_than_the_masks(jhmdb_copy):
    for path in (jhmdb_copy / "Rename_Images" / "catch" / CATCH).iterdir():
        cv2.imwrite(str(path), np.zeros((WIDTH, HEIGHT, 3), np.uint8))
    with pytest.raises(DatasetError, match="mask of instance 0 in frame 12 of a_ball_catch_1 is 64 x 48, its video 48 x 64"):
        JHMDBSentences(jhmdb_copy, frame_list=GIVEN)[0]


WRONG_LISTS = {
    "no such video": ({CATCH: [1]}, "lacks the video b_wave_hand_2"),
    "after the last mask": ({CATCH: [1], WAVE: [10]}, r"has masks for frames 1 to 9, the frame list \(given\) asks for 10"),
    "counted from 0": ({CATCH: [0], WAVE: [1]}, "asks for 0"),
    "one twice": ({CATCH: [1, 1], WAVE: [1]}, f"no frame of {CATCH}, or one twice"),
    "none": ({CATCH: [], WAVE: [1]}, f"no frame of {CATCH}, or one twice"),
    "empty mask": ({CATCH: [1], WAVE: [2]}, "the mask of frame 2 is empty"),
    "no such file": ("/nowhere/frames.json", r"frames\.json cannot be read as a frame list"),
}


@pytest.mark.parametrize("name", WRONG_LISTS)
def test_wrong_frame_list(jhmdb_release, name):
    frame_list, message = WRONG_LISTS[name]
    with pytest.raises(DatasetError, match=message):
        JHMDBSentences(jhmdb_release, frame_list=frame_list)


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"video": 3}', '{"video": ["one"]}'])
def test_wrong_frame_list_file(jhmdb_release, tmp_path, content):
    (tmp_path / "frames.json").write_text(content)
    with pytest.raises(DatasetError, match="cannot be read as a frame list"):
        JHMDBSentences(jhmdb_release, frame_list=tmp_path / "frames.json")


SENTENCES = "jhmdb_annotation.txt"
DAMAGES = {
    "no sentences": (lambda root: (root / SENTENCES).unlink(), r"jhmdb_annotation\.txt is missing"),
    "no sentence": (lambda root: (root / SENTENCES).write_text("video_id,query\n"), "holds no sentence"),
    "missing column": (lambda root: (root / SENTENCES).write_text(f"video_id,text\n{CATCH},man\n"), "has no column 'query'"),
    "repeated line": (lambda root: (root / SENTENCES).write_text(f"video_id,query\n{CATCH},man\n{CATCH},man\n"), "line 3 repeats"),
    "unknown video": (lambda root: (root / SENTENCES).write_text("video_id,query\nother,man\n"), "has no folder <class>/other"),
    "no images": (lambda root: (root / "Rename_Images").rename(root / "images"), "Rename_Images is missing"),
    "no masks": (lambda root: (root / CATCH_MASKS).unlink(), r"puppet_mask\.mat is missing"),
    "no mat": (lambda root: (root / CATCH_MASKS).write_bytes(b"nothing of the kind"), "cannot be read as puppet masks"),
    "empty file": (lambda root: (root / CATCH_MASKS).write_bytes(b""), "cannot be read as puppet masks"),
    "truncated": (
        lambda root: (root / CATCH_MASKS).write_bytes((root / CATCH_MASKS).read_bytes()[:-50]),
        "cannot be read as puppet masks",
    ),
    "another key": (lambda root: scipy.io.savemat(root / CATCH_MASKS, {"mask": np.ones(3)}), r"there is no part_mask in it"),
    "another shape": (
        lambda root: scipy.io.savemat(root / CATCH_MASKS, {"part_mask": np.ones((2, 3, 4, 5))}),
        r"part_mask has the shape \(2, 3, 4, 5\)",
    ),
    "words": (lambda root: scipy.io.savemat(root / CATCH_MASKS, {"part_mask": ["ab", "cd"]}), "part_mask must be numbers"),
    "all empty": (
        lambda root: scipy.io.savemat(root / CATCH_MASKS, {"part_mask": np.zeros((HEIGHT, WIDTH, 4))}),
        "the mask of frame 1 is empty",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_release(jhmdb_copy, damage):
    harm, message = DAMAGES[damage]
    harm(jhmdb_copy)
    with pytest.raises(DatasetError, match=message) as caught:
        JHMDBSentences(jhmdb_copy)
    assert "\n" not in str(caught.value)
