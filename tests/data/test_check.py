"""The check of a release: whatever is wrong with any of it is named in one pass."""

import shutil

import h5py
import pytest
from helpers.releases import A2D_SENTENCES, square, write_puppet_mask

from acga.cli import main
from acga.data import check as check_module
from acga.data.check import check_release
from acga.data.releases import A2D_ADDRESS, JHMDB_ADDRESS, SENTENCES_ADDRESS

ANNOTATIONS = "text_annotations/a2d_annotation_with_instances"


def test_a_good_release_has_quirks_only(a2d_release, jhmdb_release):
    report = check_release(a2d_release)
    assert report.problems == [] and report.missing == {}
    assert report.counts == {
        "train": {"videos": 1, "frames": 1, "sentences": 1, "samples": 1},
        "test": {"videos": 3, "frames": 4, "sentences": 5, "samples": 7},
    }
    assert [line.rpartition("/")[2] for line in report.passed_over] == [
        "a2d_annotation.txt, line 8: the instance_id is '1 (copy)', a slip of the release.",
        "a2d_annotation.txt, line 9: the video missed00000 is in a2d_missed_videos.txt.",
    ]
    assert check_release(jhmdb_release).problems == []


def test_every_problem_of_all_splits_is_named_in_one_pass(a2d_copy):
    """Those that end a reader, too: an empty mask does not hide an unreadable film in another split."""
    table, masks = a2d_copy / "text_annotations" / "a2d_annotation.txt", a2d_copy / ANNOTATIONS
    more = 'two-dogs000,x,a dog\ntwo-dogs000,0,\nunknown0000,0,a cat\nalone-bird0,7,nobody\nalone-bird0,0,"torn\nalone-bird0,0,🟢\n'
    table.write_text(A2D_SENTENCES.replace("the left dog", "dog " * 21) + more)
    with h5py.File(masks / "two-dogs000" / "00010.h5", "a") as file:
        file["reMask"][...] = 0
    (masks / "T6bNPuKV-wY" / "00007.h5").write_bytes(b"damaged")
    (masks / "two-dogs000" / "notes.h5").write_bytes(b"")
    (masks / "two-dogs000" / "12.h5").write_bytes(b"")
    (masks / "alone-bird0" / "00001.h5").rename(masks / "alone-bird0" / "00013.h5")
    clips = a2d_copy / "Release" / "clips320H"
    (clips / "trainvideo0.mp4").write_bytes(b"damaged")
    (clips / "Thumbs.db").write_bytes(b"")
    report = check_release(a2d_copy)
    expected = [
        "line 14: a value begins with a quotation mark",
        "line 11: the query is empty",
        "line 10: the instance_id 'x' is not a number",
        "12.h5: frames are named by five digits",
        "00007.h5 cannot be read",
        "00010.h5: the mask of instance 0 is empty",
        "00010.h5: the mask of instance 1 is empty",
        "line 6: The query",
        "line 15: The query '🟢' has no word",
        "trainvideo0.mp4 cannot be opened",
    ]
    for wanted in expected:
        assert sum(wanted in problem for problem in report.problems) == 1, (wanted, report.problems)
    assert len(report.problems) == len(expected)
    passed_over = [
        "00013.h5: the film ends at frame 12, which stands for frame 13",
        "line 12: the video unknown0000 is not in",
        "Thumbs.db: no video",
        "notes.h5: no annotation by its name",
        "no frame marks instance 7 of alone-bird0",
    ]
    for wanted in passed_over:
        assert sum(wanted in line for line in report.passed_over) == 1, (wanted, report.passed_over)


@pytest.mark.parametrize("spoil", ["a file", "a broken link"])
def test_what_is_no_folder_is_a_problem(jhmdb_copy, spoil):
    images = jhmdb_copy / "Rename_Images" / "catch" / "a_ball_catch_1"
    shutil.rmtree(images)
    if spoil == "a file":
        images.write_bytes(b"")
    else:
        images.symlink_to("absent")
    assert any("a_ball_catch_1" in problem for problem in check_release(jhmdb_copy).problems)


def test_every_problem_of_jhmdb_is_named_in_one_pass(jhmdb_copy):
    table = jhmdb_copy / "jhmdb_annotation.txt"
    table.write_text(table.read_text() + "absent,a man\na_ball_catch_1,\n")
    write_puppet_mask(jhmdb_copy / "puppet_mask" / "wave" / "b_wave_hand_2" / "puppet_mask.mat", 0 * square(4, 4)[..., None])
    images = jhmdb_copy / "Rename_Images" / "catch" / "a_ball_catch_1"
    (images / "00003.png").unlink()
    (images / "list.txt").write_text("")
    report = check_release(jhmdb_copy)
    expected = ["line 5: the query is empty", "has no folder <class>/absent", "the mask of frame 1 is empty", "not numbered 1 to 11"]
    assert len(report.problems) == len(expected)
    assert all(any(wanted in problem for problem in report.problems) for wanted in expected), report.problems
    assert any("list.txt: no frame by its name" in line for line in report.passed_over)


def test_missing_parts_and_where_they_are_to_be_had(a2d_copy, capsys):
    (a2d_copy / "Release" / "videoset.csv").unlink()
    assert main(["data", "check", str(a2d_copy), "--workers", "0"]) == 2
    said = capsys.readouterr().out
    assert "missing: Release/videoset.csv; it is to be had from https://web.eecs.umich.edu" in said and "web.archive.org" in said


@pytest.mark.parametrize(("folder", "said"), [("absent", "There is no folder absent"), ("empty", "empty is neither A2D Sentences ")])
def test_a_folder_without_a_release_says_where_to_get_one(folder, said, tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)  # an error leaves out the middle of what is very long
    assert main(["data", "check", folder]) == 2
    told = capsys.readouterr().err
    assert said in told and all(address in told for address in (A2D_ADDRESS, JHMDB_ADDRESS, SENTENCES_ADDRESS))


def test_processes_share_the_videos(a2d_release, monkeypatch):
    shared = []

    def spread(function, items, workers):
        shared.append((len(items), workers))
        return map(function, items)

    monkeypatch.setattr(check_module, "map_in_processes", spread)
    monkeypatch.setattr(check_module, "FEW", 2)
    assert check_release(a2d_release, workers=3).problems == []
    assert shared == [(1, 0), (3, 3)]


@pytest.mark.parametrize("name", ["clips320H", "CLIPS320"])
def test_the_folder_of_videos_has_several_names(name, a2d_copy):
    (a2d_copy / "Release" / "clips320H").rename(a2d_copy / "Release" / name)
    assert check_release(a2d_copy).missing == {}
