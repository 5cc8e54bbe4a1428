"""A2D Sentences: the release's quirks, the items, and every way in which the files can be wrong."""

import os
import pickle

import h5py
import numpy as np
import pytest
import torch
from helpers.releases import A2D_SENTENCES, VIDEOSET, grey, square, write_a2d, write_annotation, write_video
from torch.utils.data import DataLoader

from acga.data import A2DSentences, Sample, collate, read_annotation
from acga.data import a2d as a2d_module
from acga.data.text import Vocabulary
from acga.errors import DatasetError, QueryError, VideoError

ANNOTATIONS = "text_annotations/a2d_annotation_with_instances"
SENTENCES = "text_annotations/a2d_annotation.txt"


def replace_in(path, old, new):
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))


def change(path, **arrays):
    """Rewrite some arrays of an h5; None removes one."""
    with h5py.File(path, "a") as file:
        for name, value in arrays.items():
            del file[name]
            if value is not None:
                file[name] = value


def test_samples_are_sentences_times_frames_that_show_the_instance(a2d_release):
    dataset = A2DSentences(a2d_release)
    assert dataset.samples == [
        Sample("alone-bird0", 1, 0, "a bird is flying"),
        Sample("two-dogs000", 10, 1, "Dog on the right"),  # frame 3 does not show instance 1
        Sample("two-dogs000", 3, 0, "dog running on the left"),
        Sample("two-dogs000", 10, 0, "dog running on the left"),
        Sample("two-dogs000", 3, 0, "the left dog"),
        Sample("two-dogs000", 10, 0, "the left dog"),
        Sample("T6bNPuKV-wY", 7, 1, "bird standing on the beach"),  # "1 (copy)" is left out
    ]
    assert dataset.annotated_frames == [("alone-bird0", 1), ("two-dogs000", 10), ("two-dogs000", 3), ("T6bNPuKV-wY", 7)]
    assert len(dataset) == 7 and dataset.unused == []
    assert [sample.video_id for sample in A2DSentences(a2d_release, split="train").samples] == ["trainvideo0"]


@pytest.mark.parametrize("clips", ["CLIPS320", "clips320"])
def test_other_spellings_of_the_clips_folder(a2d_copy, clips):
    (a2d_copy / "Release" / "clips320H").rename(a2d_copy / "Release" / clips)
    assert A2DSentences(a2d_copy, size=32)[0]["clip"].shape == (3, 16, 32, 32)


def test_an_item(a2d_release):
    vocabulary = Vocabulary(["dog", "right"])
    dataset = A2DSentences(a2d_release, size=64, clip_length=8, vocabulary=vocabulary)
    item = dataset[1]
    assert item["query"] == "Dog on the right" and item["index"] == 1 and item["size"] == (48, 64)
    assert item["tokens"].tolist() == [2, 1, 1, 3] + [0] * 16 and item["tokens"].dtype == torch.int64
    np.testing.assert_array_equal(item["mask"], square(45, 8) == 1)  # transposed to (H, W)
    np.testing.assert_array_equal(dataset[3]["mask"], square(4, 30) == 1)  # instance 0 is the second in this frame's file
    assert item["mask"].dtype == torch.bool
    assert item["target"].shape == (64, 64) and item["target"].dtype == torch.float32
    np.testing.assert_array_equal(item["target"][8:56], square(45, 8))  # 48 x 64 in the middle of 64 x 64
    assert item["target"][:8].sum() == item["target"][56:].sum() == 0
    # Frame 10 of 12 in a clip of 8: frames 6 … 13, of which the last is repeated.
    expected = [grey(min(number, 12)) / 127.5 - 1 for number in range(6, 14)]
    assert item["clip"].shape == (3, 8, 64, 64)
    assert item["clip"][:, :, 8:56].mean(dim=(0, 2, 3)).tolist() == pytest.approx(expected, abs=0.03)
    assert (item["clip"][:, :, :8] == -1).all()
    assert "tokens" not in A2DSentences(a2d_release)[1]
    assert {key: value for key, value in dataset.labels(1).items() if key in ("query", "size")} == {
        "query": item["query"],
        "size": (48, 64),
    }


def test_the_clip_at_the_beginning_and_the_repeated_frame(a2d_release):
    dataset = A2DSentences(a2d_release, size=64)
    levels = dataset.clip("alone-bird0", 1)[0, :, 32, 32]
    assert levels.tolist() == pytest.approx([grey(max(number, 1)) / 127.5 - 1 for number in range(-7, 9)], abs=0.03)
    repeated = dataset.clip("alone-bird0", 5, repeat_frame=True)
    assert repeated.shape == (3, 16, 64, 64) and (repeated == repeated[:, :1]).all()
    assert repeated[0, 0, 32, 32].item() == pytest.approx(grey(5) / 127.5 - 1, abs=0.03)


def test_a_frame_number_past_the_last_decoded_frame_takes_that(a2d_release):
    dataset = A2DSentences(a2d_release, size=32)
    assert dataset.clip("two-dogs000", 13).equal(dataset.clip("two-dogs000", 12))


def test_dense_labels(a2d_release):
    dataset = A2DSentences(a2d_release)
    masks, instances, class_ids = dataset.frame_masks("two-dogs000", 10)
    assert masks.shape == (2, 48, 64) and masks.dtype == bool
    assert instances.tolist() == [1, 0] and class_ids.tolist() == [77, 76]
    masks, instances, class_ids = dataset.frame_masks("two-dogs000", 3)
    np.testing.assert_array_equal(masks, [square(4, 30) == 1])
    assert instances.tolist() == [0] and class_ids.tolist() == [76]  # the second label belongs to no instance


def test_annotation_boxes(a2d_release):
    single = read_annotation(a2d_release / ANNOTATIONS / "two-dogs000" / "00003.h5")
    assert single.boxes.tolist() == [[4, 30, 15, 41]]
    double = read_annotation(a2d_release / ANNOTATIONS / "two-dogs000" / "00010.h5")
    assert double.boxes.tolist() == [[45, 8, 56, 19], [4, 30, 15, 41]]


def test_a_frame_without_any_instance_is_skipped(a2d_copy):
    path = a2d_copy / ANNOTATIONS / "two-dogs000" / "00003.h5"
    change(path, instance=np.zeros(0), reMask=np.zeros((0, 64, 48), np.uint8), reBBox=np.zeros((4, 0)), id=np.zeros(0))
    assert [sample.frame for sample in A2DSentences(a2d_copy).samples if sample.video_id == "two-dogs000"] == [10, 10, 10]


def test_workers_read_the_same_items(a2d_release):
    dataset = A2DSentences(a2d_release, size=32, vocabulary=Vocabulary(["dog"]))
    alone = [dataset[index] for index in range(len(dataset))]
    loader = DataLoader(dataset, batch_size=2, num_workers=2, collate_fn=collate)
    batches = list(loader)
    assert torch.cat([batch["clip"] for batch in batches]).equal(torch.stack([item["clip"] for item in alone]))
    assert torch.cat([batch["tokens"] for batch in batches]).equal(torch.stack([item["tokens"] for item in alone]))
    assert [query for batch in batches for query in batch["query"]] == [item["query"] for item in alone]
    assert batches[0]["target"].shape == (2, 32, 32) and batches[0]["size"] == [(48, 64), (48, 64)]


def test_a_video_is_decoded_once_for_its_samples_and_not_sent_to_other_processes(a2d_release, monkeypatch):
    decoded = []
    original = a2d_module.read_clip
    monkeypatch.setattr(a2d_module, "read_clip", lambda path, **how: decoded.append(path.stem) or original(path, **how))
    dataset = A2DSentences(a2d_release, size=32)
    for index in range(len(dataset)):
        dataset[index]
    assert decoded == ["alone-bird0", "two-dogs000", "T6bNPuKV-wY"]
    assert len(pickle.dumps(dataset)) < 20_000


def count_reads(monkeypatch):
    reads = []
    original = a2d_module.read_annotation
    monkeypatch.setattr(a2d_module, "read_annotation", lambda path: reads.append(path) or original(path))
    return reads


def age(root):
    """Let all annotations be old enough to be remembered."""
    for path in root.rglob("*.h5"):
        os.utime(path, (1e9, 1e9))


def test_the_second_time_the_index_is_remembered(a2d_copy, monkeypatch):
    age(a2d_copy)
    reads = count_reads(monkeypatch)
    first = A2DSentences(a2d_copy).samples
    assert len(reads) == 4
    assert A2DSentences(a2d_copy).samples == first and len(reads) == 4
    A2DSentences(a2d_copy, split="train")
    A2DSentences(a2d_copy, split="train")
    assert len(reads) == 5


def test_what_is_remembered_is_never_stale(a2d_copy, monkeypatch):
    age(a2d_copy)
    A2DSentences(a2d_copy)
    path = a2d_copy / ANNOTATIONS / "two-dogs000" / "00003.h5"
    size = path.stat().st_size
    change(path, instance=np.array([1.0]))
    os.utime(path, (1e9, 1e9))
    assert Sample("two-dogs000", 3, 1, "Dog on the right") in A2DSentences(a2d_copy).samples, f"{size} before, {path.stat().st_size} now"
    (a2d_copy / ANNOTATIONS / a2d_module.INSTANCES_MEMO).write_text("damaged")
    assert len(A2DSentences(a2d_copy)) == 6
    path.unlink()
    assert all(sample.frame == 10 for sample in A2DSentences(a2d_copy).samples if sample.video_id == "two-dogs000")


def test_young_files_are_not_remembered(a2d_copy, monkeypatch):
    for path in a2d_copy.rglob("*.h5"):
        os.utime(path)
    reads = count_reads(monkeypatch)
    A2DSentences(a2d_copy)
    A2DSentences(a2d_copy)
    assert len(reads) == 8


def test_a_memory_that_cannot_be_written_does_no_harm(a2d_copy):
    age(a2d_copy)
    memory = a2d_copy / ANNOTATIONS / a2d_module.INSTANCES_MEMO
    memory.unlink(missing_ok=True)
    memory.mkdir()
    assert len(A2DSentences(a2d_copy)) == 7


def test_a_sentence_about_an_actor_that_no_frame_marks(a2d_copy):
    replace_in(a2d_copy / SENTENCES, "two-dogs000,1,", "two-dogs000,9,")
    with pytest.warns(UserWarning, match=r"1 sentences .* the first of instance 9 of two-dogs000; they are left out"):
        dataset = A2DSentences(a2d_copy)
    assert dataset.unused == [("two-dogs000", 9, "Dog on the right")] and len(dataset) == 6


def test_no_sentence_has_a_frame(a2d_copy):
    (a2d_copy / SENTENCES).write_text("video_id,instance_id,query\ntwo-dogs000,9,a dog\n")
    with pytest.raises(DatasetError, match="no sample for the split 'test', as two-dogs000 has no instance 9"):
        A2DSentences(a2d_copy)


DAMAGES = {
    "no release": (lambda root: (root / "Release").rename(root / "elsewhere"), "has no folder clips320H"),
    "no clips": (lambda root: (root / "Release/clips320H").rename(root / "Release/films"), "has no folder clips320H"),
    "no video": (lambda root: (root / "Release/clips320H/two-dogs000.mp4").unlink(), r"two-dogs000\.mp4 is missing"),
    "no masks": (lambda root: (root / ANNOTATIONS).rename(root / "elsewhere"), "is missing; restore it, or list alone-bird0"),
    "no videoset": (lambda root: (root / "Release/videoset.csv").unlink(), r"videoset\.csv is missing"),
    "no sentences": (lambda root: (root / SENTENCES).unlink(), r"a2d_annotation\.txt is missing"),
    "empty videoset": (lambda root: (root / "Release/videoset.csv").write_text(""), r"videoset\.csv is empty; restore it"),
    "missing columns": (
        lambda root: (root / "Release/videoset.csv").write_text("two-dogs000,1\n"),
        r"line 1 has 2 values instead of 9 \(video_id, label",
    ),
    "subset": (
        lambda root: (root / "Release/videoset.csv").write_text(VIDEOSET.replace("2,1\n", "2,test\n")),
        r"line 1: the subset is 'test'; write 0 \(train\) or 1",
    ),
    "both subsets": (
        lambda root: (root / "Release/videoset.csv").write_text(VIDEOSET + "trainvideo0,18,0,0,48,64,12,1,1\n"),
        "lists the video trainvideo0 both for training and for testing",
    ),
    "no query column": (lambda root: replace_in(root / SENTENCES, "instance_id,query", "instance_id,text"), "has no column 'query'"),
    "ragged": (lambda root: replace_in(root / SENTENCES, "the left dog", "the left dog,a,b,c"), r"line 6 has 6 values instead of 3"),
    "not text": (lambda root: (root / SENTENCES).write_bytes(b"\xff\xfe\x00video"), "line 1: this is not UTF-8 text"),
    "repeated line": (
        lambda root: (root / SENTENCES).write_text(A2D_SENTENCES + "two-dogs000,0,the left dog\n"),
        r"line 10 repeats an earlier line \(two-dogs000, 0, the left dog\)",
    ),
    "empty query": (lambda root: replace_in(root / SENTENCES, ",the left dog", ", "), "line 6: the query is empty"),
    "instance": (lambda root: replace_in(root / SENTENCES, "dogs000,1,", "dogs000,one,"), "line 3: the instance_id 'one' is not a number"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_release(a2d_copy, damage):
    harm, message = DAMAGES[damage]
    harm(a2d_copy)
    with pytest.raises(DatasetError, match=message) as caught:
        A2DSentences(a2d_copy)
    assert "\n" not in str(caught.value)


WRONG_ARRAYS = {
    "no masks": ({"reMask": None}, "cannot be read as an annotation"),
    "masks of another number": ({"reMask": np.ones((3, 64, 48), np.uint8)}, r"reMask has the shape \(3, 64, 48\); for 2 instances"),
    "one mask for two": ({"reMask": np.ones((64, 48), np.uint8)}, r"it must be \(2, W, H\)"),
    "masks without pixels": ({"reMask": np.ones((2, 0, 48), np.uint8)}, r"it must be \(2, W, H\)"),
    "boxes": ({"reBBox": np.ones((3, 2))}, r"reBBox has the shape \(3, 2\); for 2 instances it must be \(4, 2\)"),
    "half an actor": ({"instance": np.array([0.5, 1])}, r"instance holds 0\.5; it must be whole numbers from 0 to 1000000"),
    "an actor beyond counting": ({"instance": np.array([0, 1e300])}, r"instance holds 1e\+300; it must be whole numbers"),
    "a class below 0": ({"id": np.array([76.0, -1])}, "id holds -1; it must be whole numbers"),
    "labels": ({"id": np.ones(1)}, "id has 1 class labels for 2 instances"),
    "empty mask": ({"reMask": np.stack([square(45, 8).T, np.zeros((64, 48), np.uint8)])}, "the mask of instance 0 is empty"),
}


@pytest.mark.parametrize("name", WRONG_ARRAYS)
def test_wrong_annotation(a2d_copy, name):
    arrays, message = WRONG_ARRAYS[name]
    change(a2d_copy / ANNOTATIONS / "two-dogs000" / "00010.h5", **arrays)
    with pytest.raises(DatasetError, match=message) as caught:
        A2DSentences(a2d_copy)
    assert r"two-dogs000/00010.h5" in str(caught.value)


def test_annotation_that_is_no_h5(a2d_copy):
    (a2d_copy / ANNOTATIONS / "two-dogs000" / "00010.h5").write_bytes(b"nothing of the kind")
    with pytest.raises(DatasetError, match=r"00010\.h5 cannot be read as an annotation"):
        A2DSentences(a2d_copy)


def test_an_empty_mask_that_no_sentence_asks_for_is_allowed(a2d_copy):
    masks = [square(4, 30).T, np.zeros((64, 48), np.uint8)]
    change(a2d_copy / ANNOTATIONS / "T6bNPuKV-wY" / "00007.h5", reMask=np.stack(masks), instance=np.array([1.0, 5.0]))
    assert len(A2DSentences(a2d_copy)) == 7


def test_masks_that_were_not_transposed(a2d_copy):
    write_annotation(a2d_copy / ANNOTATIONS / "alone-bird0" / "00001.h5", [square(20, 5).T], [0], [44])
    with pytest.raises(DatasetError, match=r"instance 0 in frame 1 of alone-bird0 is 48 x 64, its video 64 x 48"):
        A2DSentences(a2d_copy)[0]


def test_a_truncated_video(a2d_copy):
    path = a2d_copy / "Release" / "clips320H" / "alone-bird0.mp4"
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(VideoError, match=r"alone-bird0\.mp4 cannot be opened"):
        A2DSentences(a2d_copy)[0]


def test_another_split(a2d_release):
    with pytest.raises(DatasetError, match="no split 'validation'; choose train or test"):
        A2DSentences(a2d_release, split="validation")


def test_a_query_too_long_for_the_network(a2d_copy):
    replace_in(a2d_copy / SENTENCES, "the left dog", "the left dog " * 7)
    assert len(A2DSentences(a2d_copy)) == 7
    with pytest.raises(QueryError, match="21 words"):
        A2DSentences(a2d_copy, vocabulary=Vocabulary(["dog"]))


def test_portrait_video_and_larger_masks_of_the_same_proportions(tmp_path):
    """Some copies hold the videos at another size than the masks: the masks' size is then the frame's."""
    root = write_a2d(tmp_path)
    write_video(root / "Release" / "clips320H" / "alone-bird0.mp4", size=(64, 32))
    write_annotation(root / ANNOTATIONS / "alone-bird0" / "00001.h5", [square(20, 5, size=(128, 64))], [0], [44])
    item = A2DSentences(root, size=32)[0]
    assert item["size"] == (128, 64) and item["mask"].shape == (128, 64)
    assert item["clip"][0, 8, 0, 8:24].min() > -1 and (item["clip"][:, :, :, :8] == -1).all()
