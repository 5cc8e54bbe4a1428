"""The command line: what each command writes and prints, and how it ends."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pycocotools.mask
import pytest
import torch
from helpers.small import save_small_model, write_clip
from PIL import Image
from tqdm import tqdm

import acga
from acga import cli
from acga.cli import COMMANDS, main, parse
from acga.coco import run_lengths
from acga.config import ACGAConfig, LossConfig, TrainConfig
from acga.data.video import probe, read_frames
from acga.errors import AcgaError
from acga.inference import Segmenter
from acga.options import AblateOptions, CheckOptions, EvaluateOptions, ExtractOptions, PretrainOptions, SegmentOptions, TrainOptions
from acga.output import mask_files
from acga.output.segmentation import BAR
from acga.synthetic.samples import LIT_QUERIES, LIT_SCENE
from acga.system.files import git_blob_id


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return str(save_small_model(tmp_path_factory.mktemp("weights") / "small.safetensors"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return str(write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4"))


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """A word2vec binary file of two words."""
    path = tmp_path_factory.mktemp("words") / "vectors.bin"
    path.write_bytes(b"2 8\n" + b"".join(word + b" " + np.ones(8, "<f4").tobytes() for word in (b"zebra", b"dog")))
    return str(path)


def segment(*arguments):
    return main(["segment", *map(str, arguments), "--device", "cpu"])


def files_below(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


def test_segment_writes_overlay_masks_and_summary(weights, clip, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    assert segment(clip, "Man in red!", "dog runing on the left", "--out", out, "--weights", weights) == 0
    captured = capsys.readouterr()
    assert "12 frames" in captured.out and str(out / "overlay.mp4") in captured.out
    notes = [line for line in captured.err.splitlines() if line.startswith("acga: note")]
    assert notes == [
        "acga: note: the model doesn't know the word 'in'.",
        "acga: note: the model doesn't know the word 'runing'; it knows running.",
    ]
    assert sorted(os.listdir(out)) == ["masks", "overlay.mp4", "summary.json"]
    assert os.listdir(tmp_path) == ["new"] and os.listdir(out.parent) == ["out"]  # nothing temporary is left
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["height"], summary["width"], summary["frames"], summary["acga"]) == (30, 44, 12, acga.__version__)
    assert summary["seconds"] > 0 and summary["weights"]["name"] == weights and summary["weights"]["provenance"] == {"seed": 0}
    assert [entry["query"] for entry in summary["queries"]] == ["Man in red!", "dog runing on the left"]
    assert [entry["unknown_words"] for entry in summary["queries"]] == [["in"], ["runing"]]
    assert [entry["masks"] for entry in summary["queries"]] == ["masks/1_man-in-red", "masks/2_dog-runing-on-the-left"]
    for entry in summary["queries"]:
        masks = sorted((out / entry["masks"]).iterdir())
        assert [mask.name for mask in masks] == [f"{index:05d}.png" for index in range(12)]
        pictures = [cv2.imread(str(mask), cv2.IMREAD_UNCHANGED) for mask in masks]
        assert all(picture.shape == (30, 44) and set(np.unique(picture)) <= {0, 255} for picture in pictures)
        assert [int((picture > 0).sum()) for picture in pictures] == entry["areas"]
        assert len(entry["peaks"]) == 12 and all(0 <= peak <= 1 for peak in entry["peaks"])
    info = probe(out / "overlay.mp4")
    assert info.frames == 12 and info.frames_per_second == 10


def test_segment_reads_gifs_and_folders_and_looks_every_few_frames(weights, tmp_path, capsys):
    folder = tmp_path / "frames"
    folder.mkdir()
    pictures = [np.full((20, 30, 3), 20 * number, np.uint8) for number in range(7)]
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    assert (
        segment(folder, "dog", "--out", tmp_path / "a", "--weights", weights, "--every", 3, "--precision", "bf16", "--second-size", 48) == 0
    )
    summary = json.loads((tmp_path / "a" / "summary.json").read_text())
    assert summary["frames"] == 7 and summary["every"] == 3 and summary["second_size"] == 48
    assert segment(folder, "dog", "--out", tmp_path / "odd", "--weights", weights, "--second-size", 40) == 2
    assert "error: --second-size is a multiple of 16, or 0, not 40." in capsys.readouterr().err
    peaks = summary["queries"][0]["peaks"]
    assert peaks[0] == peaks[1] and peaks[2] == peaks[3] == peaks[4] and peaks[5] == peaks[6]
    images = [Image.fromarray(picture) for picture in pictures]
    images[0].save(tmp_path / "clip.gif", save_all=True, append_images=images[1:], duration=100)
    assert segment(tmp_path / "clip.gif", "dog", "--out", tmp_path / "b", "--weights", weights) == 0
    assert len(list((tmp_path / "b" / "masks" / "1_dog").iterdir())) == len(list(read_frames(tmp_path / "clip.gif")))


def test_formats(weights, clip, tmp_path):
    """The same masks in each format, an overlay of as many frames, and nothing of an earlier format beside them."""
    out, every, found = tmp_path / "out", 6, {}
    for given, film, masks in (("webm,json", "webm", "json"), ("npz", "mp4", "npz"), ("gif", "gif", "png")):
        sheet = ["--sheet"] if masks == "json" else []
        arguments = ["--out", out, "--weights", weights, "--format", given, "--every", every, "--overwrite", *sheet]
        assert segment(clip, "dog", *arguments) == 0
        assert sorted(os.listdir(out)) == ["masks", f"overlay.{film}", *(["sheet.jpg"] if sheet else []), "summary.json"]
        assert len(list(read_frames(out / f"overlay.{film}"))) == 12
        (place,) = (out / "masks").iterdir()
        summary = json.loads((out / "summary.json").read_text())
        assert summary["overlay"] == f"overlay.{film}" and summary["queries"][0]["masks"] == f"masks/{place.name}"
        if masks == "npz":
            found[masks] = np.load(place)["masks"]
        elif masks == "json":
            results = json.loads(place.read_text())
            assert [one["score"] for one in results] == summary["queries"][0]["peaks"]
            assert [(one["image_id"], one["category_id"]) for one in results] == [(frame, 1) for frame in range(12)]
            found[masks] = np.stack([pycocotools.mask.decode(one["segmentation"]) for one in results]).astype(bool)
        else:
            found[masks] = np.stack([cv2.imread(str(file), cv2.IMREAD_UNCHANGED) > 0 for file in sorted(place.iterdir())])
    expected = Segmenter(weights, "cpu").open(clip).segment("dog", every=every)
    assert 0 < expected.mean() < 1 and all(one.dtype == bool and np.array_equal(one, expected) for one in found.values())


def test_run_lengths_are_those_of_coco():
    rng = np.random.default_rng(0)
    for size, share in (((1, 1), 0.0), ((1, 1), 1.0), ((40, 60), 0.5), ((300, 7), 0.001), ((200, 300), 0.999)):
        mask = rng.random(size) < share
        theirs = pycocotools.mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        assert run_lengths(mask) == {"size": theirs["size"], "counts": theirs["counts"].decode()}


def test_threshold_sheet_and_the_folder_by_default(weights, clip, tmp_path, monkeypatch):
    """A higher threshold leaves less; without --out the folder is named after the video."""
    monkeypatch.chdir(tmp_path)
    areas = []
    for threshold in (0.2, 0.9):
        assert segment(clip, "dog", "--weights", weights, "--threshold", threshold, "--sheet", "--overwrite", "--every", 12) == 0
        summary = json.loads(Path("clip_segmented/summary.json").read_text())
        assert summary["threshold"] == threshold and summary["sheet"] == "sheet.jpg"
        areas.append(sum(summary["queries"][0]["areas"]))
    assert areas[0] > areas[1] > 0
    sheet = cv2.imread("clip_segmented/sheet.jpg")
    assert sheet.shape[1] == 4 * 320 and sheet.shape[0] > 3 * 218  # twelve frames of 44 x 30, enlarged, and a legend
    assert os.listdir() == ["clip_segmented"]


def test_the_weights_are_read_once_and_named(weights, clip, tmp_path):
    opened, listening = [], True

    def note(event, arguments):
        if listening and event == "open" and str(arguments[0]) == weights:
            opened.append(event)

    sys.addaudithook(note)
    assert segment(clip, "dog", "--out", tmp_path / "out", "--weights", weights) == 0
    listening = False  # a hook stays as long as Python
    assert len(opened) == 1
    source = json.loads((tmp_path / "out" / "summary.json").read_text())["weights"]
    assert source == {"name": weights, "git_blob": git_blob_id(weights), "provenance": {"seed": 0}}


def test_minimum_peak_leaves_masks_empty(weights, clip, tmp_path):
    assert segment(clip, "dog", "--out", tmp_path / "a", "--weights", weights, "--minimum-peak", 1.0) == 0
    summary = json.loads((tmp_path / "a" / "summary.json").read_text())
    assert summary["minimum_peak"] == 1 and set(summary["queries"][0]["areas"]) == {0}


def test_word_vectors_give_the_words(weights, vectors, clip, tmp_path, capsys):
    """Only the words of the queries are read; one that the file lacks is named."""
    arguments = ["--out", tmp_path / "a", "--weights", weights, "--words", vectors]
    assert segment(clip, "zebra grazing", *arguments) == 0
    assert json.loads((tmp_path / "a" / "summary.json").read_text())["queries"][0]["unknown_words"] == ["grazing"]
    assert "'grazing'" in capsys.readouterr().err


def test_a_used_folder_is_refused_and_kept(weights, clip, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert segment(clip, "dog", "--out", tmp_path, "--weights", weights) == 2
    assert "is not empty" in capsys.readouterr().err
    assert files_below(tmp_path) == ["mine.txt"]


def test_overwriting_replaces_an_earlier_output_and_keeps_other_files(weights, clip, tmp_path):
    out = tmp_path / "out"
    assert segment(clip, "dog", "man", "--out", out, "--weights", weights) == 0
    (out / "mine.txt").write_text("mine")
    (out / "masks" / "2_man" / "mine.txt").write_text("mine")
    assert segment(clip, "red dog", "--out", out, "--weights", weights, "--overwrite") == 0
    assert sorted(os.listdir(out)) == ["masks", "mine.txt", "overlay.mp4", "summary.json"]
    assert sorted(os.listdir(out / "masks")) == ["1_red-dog", "2_man"]
    assert os.listdir(out / "masks" / "2_man") == ["mine.txt"]
    assert [entry["query"] for entry in json.loads((out / "summary.json").read_text())["queries"]] == ["red dog"]


def test_an_overwrite_that_fails_leaves_the_earlier_output(weights, clip, tmp_path):
    out = tmp_path / "out"
    assert segment(clip, "dog", "--out", out, "--weights", weights) == 0
    before = {name: (out / name).stat().st_mtime_ns for name in files_below(out)}
    assert segment("absent.mp4", "cat", "--out", out, "--weights", weights, "--overwrite") == 2
    assert {name: (out / name).stat().st_mtime_ns for name in files_below(out) if not (out / name).is_dir()}.items() <= before.items()
    assert files_below(out) == sorted(before)


def test_a_folder_in_the_place_of_a_file_stays(weights, clip, tmp_path, capsys):
    out = tmp_path / "out"
    (out / "overlay.mp4").mkdir(parents=True)
    (out / "overlay.mp4" / "mine.txt").write_text("mine")
    assert segment(clip, "dog", "--out", out, "--weights", weights, "--overwrite") == 2
    assert "is a folder, where a file is to be written" in capsys.readouterr().err
    assert files_below(out) == ["overlay.mp4", "overlay.mp4/mine.txt"]


def test_an_interruption_while_results_are_replaced_brings_the_earlier_ones_back(weights, clip, tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert segment(clip, "dog", "--out", out, "--weights", weights) == 0
    before = {name: (out / name).read_bytes() for name in files_below(out) if (out / name).is_file()}
    real, calls = os.replace, []

    def interrupted(*places):
        calls.append(places)
        if len(calls) == len(before) + 3:  # after the earlier files, in the middle of the new ones
            raise KeyboardInterrupt
        real(*places)

    monkeypatch.setattr(os, "replace", interrupted)
    segment(clip, "cat", "--out", out, "--weights", weights, "--overwrite")
    assert len(calls) > len(before) + 3  # they were moved back
    assert {name: (out / name).read_bytes() for name in files_below(out) if (out / name).is_file()} == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".partial"] == []


def test_demo_draws_segments_and_scores(weights, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--weights", weights, "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert all(query in said for query in LIT_QUERIES) and "demo.png" in said and said.count("IoU") == 3
    assert said.count("not judged: ") == 3  # a verdict before each; these weights have none
    assert sorted(os.listdir(tmp_path / "demo")) == ["clip.mp4", "demo.gif", "demo.png", "masks", "overlay.mp4", "summary.json"]
    assert cv2.imread(str(tmp_path / "demo" / "demo.png")).shape[1] >= 800
    summary = json.loads((tmp_path / "demo" / "summary.json").read_text())
    assert summary["frames"] == LIT_SCENE.frames and len(summary["queries"]) == 3
    (tmp_path / "demo" / "mine.txt").write_text("mine")
    assert main(["demo", "--weights", weights, "--device", "cpu"]) == 0  # its own earlier output is replaced
    assert (tmp_path / "demo" / "mine.txt").exists()


def test_demo_leaves_a_folder_that_is_not_its_own(weights, tmp_path, capsys):
    (tmp_path / "summary.json").write_text("[]")
    assert main(["demo", "--out", str(tmp_path), "--weights", weights]) == 2
    assert "is not empty" in capsys.readouterr().err and os.listdir(tmp_path) == ["summary.json"]


@pytest.mark.parametrize("layout", ["a2d", "jhmdb"])
def test_a_drawn_release_passes_its_check(layout, tmp_path, capsys):
    root = str(tmp_path / "drawn")
    assert main(["data", "synthesize", root, "--layout", layout, "--train", "1", "--test", "1", "--workers", "1"]) == 0
    assert main(["data", "check", root]) == 0
    said = capsys.readouterr().out
    assert "no problems" in said and "test: 1 videos" in said


def test_check_names_every_problem_in_a_line(a2d_copy, capsys):
    masks = a2d_copy / "text_annotations" / "a2d_annotation_with_instances" / "trainvideo0" / "00012.h5"
    masks.write_bytes(b"nothing")
    (a2d_copy / "Release" / "clips320H" / "alone-bird0.mp4").write_bytes(b"nothing")
    assert main(["data", "check", str(a2d_copy)]) == 2
    captured = capsys.readouterr()
    problems = [line for line in captured.out.splitlines() if line.startswith("  problem: ")]
    assert len(problems) == 2 and "00012.h5" in problems[0] and "alone-bird0.mp4" in problems[1]
    assert captured.err.splitlines()[-1] == f"acga: error: 2 problems in {a2d_copy}."


def test_pretrain_extract_train_and_evaluate(tmp_path, monkeypatch, capsys):
    """The whole way from a drawn release to scores, with a network small enough for a test."""
    monkeypatch.chdir(tmp_path)
    small = ["--change", "size=32", "backbone_width=0.0625", "language_width=8", "vision_widths=[52,8,8]", "classifier_widths=[8,8,8]"]
    small += ["--workers", "0", "--device", "cpu"]
    backbone, features = "runs/backbone/model.safetensors", ["--features", "features"]
    assert main(["data", "synthesize", "drawn", "--train", "3", "--test", "1", "--workers", "1"]) == 0
    assert main(["pretrain", "drawn", "--out", "runs/backbone", "--epochs", "1", "--batch-size", "2", *small]) == 0
    assert main(["data", "extract", "drawn", "--out", "features", "--backbone", backbone, *small]) == 0
    extracted = {path: path.stat().st_mtime_ns for path in Path("features").rglob("*.npy")}
    assert (
        main(["train", "drawn", "--out", "runs/small", "--backbone", backbone, "--epochs", "1", "--batch-size", "2", *features, *small])
        == 0
    )
    assert extracted and {path: path.stat().st_mtime_ns for path in extracted} == extracted  # the extracted features were used
    capsys.readouterr()
    assert main(["evaluate", "drawn", "--weights", "runs/small/model.safetensors", "--out", "result.json", "--device", "cpu"]) == 0
    result = json.loads(Path("result.json").read_text())
    assert 0 <= result["metrics"]["mIoU"] <= 1 and len(result["predictions"]) >= 2 and result["by_tag"]
    assert f"mIoU     {100 * result['metrics']['mIoU']:6.1f}" in capsys.readouterr().out


def test_evaluate_on_the_other_layout_with_given_word_vectors(jhmdb_release, weights, vectors, tmp_path):
    arguments = ["evaluate", jhmdb_release, "--weights", weights, "--words", vectors, "--out", tmp_path / "result.json", "--device", "cpu"]
    assert main([*map(str, arguments), "--blind-to", "text", "--coco"]) == 0
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["about"]["blind_to"] == "text" and "MTTR" in result["about"]["frames"] and result["by_tag"] == {}


@pytest.mark.parametrize("command", [*COMMANDS])
def test_help_shows_an_example(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    assert f"Example: acga {command}" in " ".join(capsys.readouterr().out.split())


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"acga {acga.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"], ["-h"]])
def test_bare_and_help_name_every_command(arguments, capsys):
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(any(line.split()[: len(name.split())] == name.split() for line in lines) for name in COMMANDS)


def test_help_of_a_part(capsys):
    assert main(["data"]) == main(["help", "data"]) == 0
    said = capsys.readouterr().out
    assert said.count("data check") == 2 and "segment" not in said
    with pytest.raises(SystemExit) as ended:
        main(["help", "data", "check"])
    assert ended.value.code == 0 and "usage: acga data check" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["segmnt", "clip.mp4"], "There is no command 'segmnt', perhaps segment; acga help lists all."),
        (["data", "synthesise", "x"], "There is no command 'data synthesise', perhaps data synthesize; acga help lists all."),
        (["xyz"], "There is no command 'xyz'; acga help lists all."),
        (["segmnt", "--help"], "There is no command 'segmnt', perhaps segment; acga help lists all."),
        (["data", "--workers", "2"], "There is no command 'data --workers'"),
        (["help", "segmnt"], "There is no command 'segmnt', perhaps segment; acga help lists all."),
        (["segment", "", "dog"], "What follows segment is empty"),
        (["data", "check", ""], "What follows check is empty"),
        (["segment", "a.mp4", "dog", "--out", ""], "What follows --out is empty"),
        (
            ["segment", "a.mp4", "dog", "--treshold=1"],
            "acga segment has no option --treshold, perhaps --threshold; acga segment --help lists all.",
        ),
        (["segment"], "Missing from acga segment: VIDEO"),
        (["evaluate"], "Missing from acga evaluate: ROOT the folder of a release, drawn or real; --out PATH file for the result"),
        (["segment", "a.mp4"], "There is no query"),
        (["segment", "a.mp4", "dog", "--device", "abacus"], "invalid choice 'abacus' for argument '--device'"),
        (["segment", "a.mp4", "dog", "--threshold", "2"], "--threshold is 2.0; it must be at least 0 and at most 1"),
        (["segment", "a.mp4", "dog", "--format", "gif,mp4"], "The format 'gif,mp4' is none: give mp4, gif or webm"),
        (["segment", "a.mp4", "dog", "--format", "avi"], "The format 'avi' is none"),
        (["segment", "a.mp4", "dog", "--device", "mps", "--weights", "SMALL"], "There is no GPU that PyTorch can use as mps"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_with_what_was_meant(arguments, said, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert main([weights if argument == "SMALL" else argument for argument in arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"acga: error: {said}") and os.listdir() == []


def test_threads_sleep_while_they_wait_and_are_no_more_than_a_container_may_run(tmp_path, monkeypatch):
    limit = tmp_path / "cpu.max"
    for text, cores in (("150000 100000", 2), ("1000 100000", 1), ("max 100000", None)):
        limit.write_text(text)
        assert cli.container_cores(limit) == cores
    assert cli.container_cores(tmp_path / "absent") is None
    monkeypatch.setattr(cli, "container_cores", lambda: 3)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    for given in ({}, {"OMP_WAIT_POLICY": "ACTIVE", "OMP_NUM_THREADS": "5"}):  # what is given stays
        for name in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS"):
            monkeypatch.delenv(name, raising=False)
            if name in given:
                monkeypatch.setenv(name, given[name])
        cli.be_considerate()
        wanted = given or {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "3"}
        assert {name: os.environ[name] for name in wanted} == wanted


def test_the_bar_shows_the_time_left():
    line = tqdm.format_meter(30, 120, 10, ncols=80, prefix="segmenting", bar_format=BAR)
    assert line.startswith("segmenting:  25 % |") and line.endswith("30 of 120 frames, 00:30 left")


def test_interruption_ends_with_130_and_leaves_nothing(weights, clip, tmp_path, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(mask_files, "write_mask", interrupt)
    assert segment(clip, "dog", "--out", tmp_path / "out", "--weights", weights) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "acga: error: interrupted."
    assert os.listdir(tmp_path) == []


def test_sigterm_ends_as_ctrl_c_does(weights, clip, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(mask_files, "write_mask", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    assert segment(clip, "dog", "--out", tmp_path, "--weights", weights) == 143
    assert capsys.readouterr().err.splitlines()[-1] == "acga: error: interrupted."
    assert os.listdir(tmp_path) == [] and signal.getsignal(signal.SIGTERM) == before


def test_what_a_killed_run_left_does_not_stand_in_the_way(weights, clip, tmp_path):
    code = f"from pathlib import Path; from acga.system.files import *; partial_path(Path(), {tmp_path.name!r}).mkdir(); os._exit(9)"
    run("-c", code, cwd=tmp_path)
    assert len(os.listdir(tmp_path)) == 1
    assert segment(clip, "dog", "--out", tmp_path, "--weights", weights) == 0
    assert sorted(os.listdir(tmp_path)) == ["masks", "overlay.mp4", "summary.json"]


def test_output_is_tried_before_the_work(tmp_path, capsys):
    """The release is not there, but that the result cannot be written is said first."""
    (tmp_path / "file").touch()
    for out, message in ((tmp_path, "is a folder"), (os.devnull, "is no regular file"), (tmp_path / "file" / "r.json", "is a file")):
        for command in ("evaluate", "adapt"):  # they write a file
            assert main([command, "absent", "--out", str(out)]) == 2
            assert message in capsys.readouterr().err
    assert main(["adapt", "absent", "--out", str(tmp_path / "file")]) == 2  # a file that is there is replaced: the fault is another
    assert "choose a folder" not in capsys.readouterr().err
    for command in (["train", "absent", "--backbone", "b", "--out"], ["pretrain", "absent", "--out"], ["data", "synthesize"]):
        assert main([*command, str(tmp_path / "file" / "out")]) == 2
        assert "is a file; choose a folder" in capsys.readouterr().err


def test_errors_are_short_and_paths_are_shown_in_any_terminal(tmp_path, capsys):
    assert main(["evaluate", "/" + "x" * 200 + "/" + "y" * 200, "--out", str(tmp_path / "r.json")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert len(line) <= 300 + len("acga: error: ") and "…" in line
    code = r"from acga.cli import main; main(['data', 'check', '\udce9\u7ed3\x1b[2J']); print('\u7ed3')"
    environment = {**os.environ, "PYTHONPATH": str(Path(acga.__file__).parents[1]), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout == "\\u7ed3\n" and "\\udce9\\u7ed3\\x1b[2J" in done.stderr and "Traceback" not in done.stderr


def test_a_full_disk_is_one_line(weights, clip, tmp_path, capsys, monkeypatch):
    def fill(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mask_files, "write_mask", fill)
    assert segment(clip, "dog", "--out", tmp_path / "out", "--weights", weights) == 2
    assert "No space left on device" in capsys.readouterr().err and os.listdir(tmp_path) == []


def test_a_progress_bar_ends_before_the_message(tmp_path, capsys, monkeypatch):
    """Python 3.11 keeps that of a comprehension in a frame of its own."""

    def refuse(item):
        raise AcgaError("refused.")

    monkeypatch.setitem(COMMANDS, "data check", (CheckOptions, lambda options: [refuse(item) for item in tqdm([1])]))
    assert main(["data", "check", str(tmp_path)]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "acga: error: refused."


def run(*arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": str(Path(acga.__file__).parents[1])}
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)


def test_the_module_is_the_command(weights, clip, tmp_path):
    done = run("-m", "acga", "segment", clip, "dog", "--out", "out", "--weights", weights, "--device", "cpu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "summary.json").exists()
    failed = run("-m", "acga", "segment", "absent.mp4", "dog", "--out", "out2", "--weights", weights, cwd=tmp_path)
    assert failed.returncode == 2 and failed.stdout == ""
    assert failed.stderr.splitlines() == [
        "acga: error: There is no video at absent.mp4; give a video file or a folder of png or jpg frames."
    ]


def test_a_missing_package_is_named(tmp_path):
    code = "import sys; sys.modules['accelerate'] = None; from acga.cli import main; print(main(['pretrain', 'drawn', '--out', 'run']))"
    ended = run("-c", code, cwd=tmp_path)
    assert ended.stdout == "2\n", ended.stderr
    assert ended.stderr == "acga: error: this command needs accelerate, which is not installed: pip install -e '.[train]' in a clone.\n"


@pytest.mark.parametrize("arguments", [["--help"], ["segment", "--help"], ["train", "--help"], ["data", "synthesize", "--help"]])
def test_help_imports_nothing_heavy(arguments, tmp_path):
    heavy = {"accelerate", "av", "cv2", "matplotlib", "pandas", "scipy", "torch"}
    code = f"import sys\nfrom acga.cli import main\ntry: main({arguments})\nfinally: print(sorted({heavy} & sys.modules.keys()))"
    assert run("-c", code, cwd=tmp_path).stdout.splitlines()[-1] == "[]"


def test_the_shortest_command_line_is_the_options_as_they_are_in_python():
    """Both are read from one class, so a default cannot be one thing here and another there."""
    root, out, backbone = Path("drawn"), Path("out"), Path("i3d.safetensors")
    given = {"root": root, "out": out, "backbone": backbone}
    for name, kind in (("train", TrainOptions), ("ablate", AblateOptions), ("data extract", ExtractOptions)):
        assert parse([*name.split(), "drawn", "--out", "out", "--backbone", "i3d.safetensors"]) == kind(**given)
    assert parse(["pretrain", "drawn", "--out", "out"]) == PretrainOptions(root=root, out=out)
    assert parse(["evaluate", "drawn", "--out", "out"]) == EvaluateOptions(root=root, out=out)
    assert parse(["segment", "clip.mp4", "a", "b", "--out", "out"]) == SegmentOptions(video=Path("clip.mp4"), queries=("a", "b"), out=out)


def test_options_reach_the_configurations():
    where = ["drawn", "--out", "out", "--backbone", "b"]
    network, recipe = ["--network", "paper", "--change", "residual=true"], ["--epochs", "0.5", "--loss.foreground-weight", "2"]
    found = parse(["train", *where, *network, *recipe, "--half"])
    assert found.config == dataclasses.replace(ACGAConfig.paper(), residual=True) and found.half
    assert found.recipe == TrainConfig(epochs=0.5, loss=LossConfig(foreground_weight=2))
    studied = [parse(["ablate", *where, *more]).config for more in ([], ["--change", "size=64"])]
    assert studied == [dataclasses.replace(ACGAConfig.thin_residual(), residual=False, size=size) for size in (128, 64)]
    assert parse(["ablate", *where, "--network", "mini"]).config == ACGAConfig.mini()
