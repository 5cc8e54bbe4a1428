"""The rehearsal: small releases with known answers and planted quirks go all the way to a report, interrupted at every step."""

import contextlib
import io
import json
import math
import re
import shlex
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from helpers import fill, squares
from helpers.launching import launch
from helpers.paths import GOLDEN
from helpers.releases import write_jhmdb
from helpers.small import CONFIG, save_small_model, small_model, spelled, write_words
from pycocotools.coco import COCO

from acga import evaluation as evaluation_module
from acga.cli import main, parse
from acga.coco import decode
from acga.config import ACGAConfig
from acga.data import A2DSentences
from acga.data import features as features_module
from acga.data.text import Vocabulary
from acga.errors import ConfigError, DatasetError, WeightsError
from acga.evaluation import Evaluation, evaluate
from acga.metrics import intersection_over_union
from acga.model.checkpoints import load_model
from acga.model.i3d import I3D
from acga.options import ReproduceOptions
from acga.reproduction import steps as reproduce_module
from acga.reproduction.steps import reproduce
from acga.system.files import git_blob_id
from acga.training import sentences as training_module

pytestmark = pytest.mark.usefixtures("one_thread")
KNOWN = ["a", "cat", "dog", "green", "left", "man", "nobody", "on", "red", "right", "square", "the", "there"]
WITHOUT_VECTOR = {"one", "waves"}


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Both releases in a folder, with an I3D and word vectors beside them."""
    folder = tmp_path_factory.mktemp("world")
    root = squares.write_release(folder / "a2d", train=3, test=2)
    table = root / "text_annotations" / "a2d_annotation.txt"
    last = table.read_text().splitlines()[-1]  # a test sentence
    quirks = ["squares0003,1 (copy),red square", "squares0003,9,nobody there", "unlisted,0,a cat", "missed,0,a dog"]
    table.write_text(table.read_text().replace(last, f"{last} crimson") + "\n".join(quirks) + "\n")
    videos = root / "Release" / "videoset.csv"
    videos.write_text(videos.read_text() + "missed,76,0:00:00,0:00:01,32,32,10,1,1\n")
    (root / "text_annotations" / "a2d_missed_videos.txt").write_text("missed\n")
    (root / "Release" / "clips320H" / ".DS_Store").write_bytes(b"")
    write_jhmdb(folder / "jhmdb")
    small_model().backbone.to_file(folder / "i3d.safetensors")
    known = [*KNOWN, "black", "catching", "crimson", "in", "woman"]
    write_words(folder / "GoogleNews-vectors-negative300.bin", [word for word in known if word not in WITHOUT_VECTOR])
    return folder


def options(world, release="a2d", out="out", **more):
    given = {"backbone": world / "i3d.safetensors", "epochs": 0.5, "config": CONFIG} | more
    return ReproduceOptions(release=release, root=world / release, out=world / out, workers=0, device="cpu", **given)


def interrupt(monkeypatch, module, name, after):
    """Let the n-th call of a function fail."""
    original, calls = getattr(module, name), []

    def fail(*arguments, **named):
        calls.append(name)
        if len(calls) > after:
            raise Interrupted
        return original(*arguments, **named)

    monkeypatch.setattr(module, name, fail)
    return calls


def test_from_a_release_to_a_report_with_an_interruption_in_every_step(world, monkeypatch):
    said = []
    ours = options(world, jhmdb=world / "jhmdb")
    for module, name, after in (
        (reproduce_module, "read_word2vec", 0),
        (features_module, "_features", 1),
        (training_module, "log_losses", 2),
        (evaluation_module, "_score", 5),
        (reproduce_module, "write_report", 0),
    ):
        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            interrupt(patch, module, name, after)
            reproduce(replace(ours, epochs=1), said.append)
    frames, steps = (
        interrupt(monkeypatch, *where, math.inf) for where in ((features_module, "_features"), (training_module, "log_losses"))
    )
    scored = interrupt(monkeypatch, evaluation_module, "_score", math.inf)
    report = reproduce(replace(ours, epochs=1), said.append)
    assert frames == [] and steps == [] and scored == []  # only the report was left
    assert "a2d" in said[0] and any("one (" in line for line in said) and said[-1] == "left: the report"
    assert any("5 frames" in line and "3 training steps" in line and "8 sentences" in line and "in all" in line for line in said)
    check_report(world, report, load_model(report.parent / "training" / "last.safetensors"))
    jhmdb = reproduce(options(world, "jhmdb"), said.append)  # by the weights of a2d
    content = json.loads((jhmdb.parent / "report.json").read_text())
    assert content["benchmark"] == "J-HMDB Sentences" and len(json.loads((jhmdb.parent / "frames.json").read_text())) == 6
    assert content["groups"]["action"][0]["action"] == "catch" and "drawn with seed 42 for 2" in jhmdb.read_text()
    assert "ACGA (official README)" in jhmdb.read_text() and "58.8" in jhmdb.read_text()


def check_report(world, path, model):
    folder, text = path.parent, path.read_text()
    content = json.loads((folder / "report.json").read_text())
    checked = json.loads((folder / "check.json").read_text())
    assert checked["counts"]["test"] == {"videos": 2, "frames": 2, "sentences": 8, "samples": 8}
    assert len(checked["passed_over"]) == 5
    # Every word of both releases that has a vector is known, and the others are named.
    assert {"crimson", "catching", "woman"} <= set(model.vocabulary.words)
    assert set(json.loads((folder / "words.json").read_text())["missing"]) == WITHOUT_VECTOR
    assert content["about"]["silent_words"] == {"one": 4}
    # Our row stands beside the paper's and the README's.
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| **this run**")]
    metrics = [f"{100 * content['metrics'][name]:.1f}" for name in ("P@0.5", "mAP", "oIoU", "mIoU")]
    assert [rows[0][column] for column in (1, 6, 7, 8)] == metrics
    assert "| + attention = ACGA (paper) | 55.7 | 45.9 | 31.9 | 16.0 | 2.0 | 27.4 | 60.1 | 49.0 | – |" in text
    assert "| ACGA (official README) | 56.7 |" in text and "IoU > K" in text
    assert content["intervals"]["mIoU"]["low"] <= content["metrics"]["mIoU"] <= content["intervals"]["mIoU"]["high"]
    assert {row["actor"]: row["samples"] for row in content["groups"]["actor"]} == {"adult": "4", "dog": "4"}
    assert {row["place words"]: row["samples"] for row in content["groups"]["place words"]} == {"some": "4", "none": "4"}
    page = (folder / "report.html").read_text()
    assert page.count("<table>") == text.count("|---|\n") and all((folder / "worst" / f"{number}.png").exists() for number in (1, 2))
    ious = coco_ious(folder)
    assert len(ious) == 8 and np.mean(ious) == pytest.approx(content["metrics"]["mIoU"], abs=1e-5)


def coco_ious(folder):
    """The IoU of each answer, from the files as the tools of COCO read them."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(folder / "targets.json")
        answers = truth.loadRes(str(folder / "predictions.json"))
    assert {image["query"] for image in truth.imgs.values()} > {"red square", "green square"}
    masks = ([decode(table.anns[number]["segmentation"]) for number in truth.imgs] for table in (answers, truth))
    return [intersection_over_union(*pair) for pair in zip(*masks, strict=True)]


def test_given_weights_are_evaluated_only(world):
    """Their answers are those of a plain evaluation, each in its place."""
    weights = save_small_model(world / "small.safetensors")
    report = reproduce(options(world, out="given", weights=weights), print)
    assert not (report.parent / "training").exists() and "preset" not in report.read_text()
    words = world / "GoogleNews-vectors-negative300.bin"
    dataset = A2DSentences(world / "a2d", "test", size=32)
    vocabulary = Vocabulary.from_queries(sample.query for sample in dataset.samples)
    plain = evaluate(load_model(weights, words=words, vocabulary=vocabulary), dataset, device="cpu")
    ious = coco_ious(report.parent)
    assert ious == pytest.approx([one.iou for one in plain.predictions], abs=0.05) and len(set(ious)) > 2  # features are kept in 16 bits
    assert f"git blob {git_blob_id(weights)}" in report.read_text()


def test_frames_that_are_given_are_those_of_features_and_scores(world):
    weights, listed = save_small_model(world / "small.safetensors"), {"a_ball_catch_1": [2], "b_wave_hand_2": [3, 4]}
    (world / "frames.json").write_text(json.dumps(listed))
    given = options(world, "jhmdb", "listed", weights=weights, frame_list=world / "frames.json")
    report = reproduce(given, print)
    scored = {(one.video_id, one.frame) for one in Evaluation.load(report.parent / "result.json").predictions}
    assert scored == {(video, frame) for video, frames in listed.items() for frame in frames}


def test_changed_masks_are_evaluated_again(world, tmp_path):
    weights = save_small_model(world / "small.safetensors")
    root = shutil.copytree(world / "a2d", tmp_path / "a2d")
    given = replace(options(world, out="masks", weights=weights), root=root)
    before = Evaluation.load(reproduce(given, print).parent / "result.json").metrics
    dataset = A2DSentences(root, "test", size=32)
    for path in {dataset.annotation_path(*frame) for frame in dataset.annotated_frames}:
        with h5py.File(path, "r+") as file:
            file["reMask"][...] = 1
    assert Evaluation.load(reproduce(given, print).parent / "result.json").metrics != before


def test_the_official_checkpoint_is_evaluated_as_it_is_published(world, tmp_path):
    """A tar archive with the official names at the published widths, values made up; word vectors of 300 values."""
    names = json.loads((GOLDEN / "official_acga_names.json").read_text())
    state = {name: torch.from_numpy(np.asarray(value)) for name, value in fill.state_dict(names).items()}
    torch.save({"epoch": 9, "state_dict": state}, tmp_path / "model_best.pth.tar")
    with tarfile.open(tmp_path / "ckpt.tar", "w") as archive:
        archive.add(tmp_path / "model_best.pth.tar", "ckpt/model_best.pth.tar")
    write_words(tmp_path / "words.bin", [*KNOWN, "crimson"], width=300)
    root = squares.write_release(tmp_path / "a2d", train=1, test=1)
    ours = options(world, out=str(tmp_path / "out"), weights=tmp_path / "ckpt.tar", words=tmp_path / "words.bin")
    report = reproduce(replace(ours, root=root, out=tmp_path / "out"), print)
    content = json.loads((report.parent / "report.json").read_text())
    assert content["about"]["weights"].startswith("ckpt.tar, git blob ") and len(coco_ious(report.parent)) == 4


def test_the_ladder_trains_every_rung(world):
    report = reproduce(options(world, out="ladder", variants="ladder", preset="official", epochs=0.34), print)
    ladder = json.loads((report.parent / "report.json").read_text())["ladder"]
    assert list(ladder) == ["concatenation", "+ fusion", "+ weighted loss", "ACGA"]
    settings = {
        name: json.loads((report.parent / place / "training" / "config.json").read_text())
        for name, place in (("concatenation", "variants/concatenation"), ("ACGA", "."))
    }
    assert settings["concatenation"]["train"]["loss"]["foreground_weight"] == 1 and settings["ACGA"]["drawn"] is True
    assert (settings["concatenation"]["model"]["matching"], settings["ACGA"]["model"]["matching"]) == ("concatenation", "attention")
    assert "| Baseline (concatenation + FCN) | 48.9 |" in report.read_text()


def test_errors_name_the_option_of_the_command_line(world, tmp_path, capsys):
    thin = ACGAConfig.thin()
    I3D(width=thin.backbone_width, through="mixed_4f").to_file(tmp_path / "thin.safetensors")
    write_words(tmp_path / "few.bin", ["red"])
    out, backbone = tmp_path / "out", tmp_path / "thin.safetensors"
    arguments = ["reproduce", "a2d", "--root", world / "a2d", "--out", out, "--network", "thin", "--device", "cpu"]
    for more, said in (
        (["--backbone", tmp_path / "few.bin"], rf"--backbone {tmp_path}/few\.bin cannot be read as PyTorch weights"),
        (["--backbone", tmp_path / "none.pth"], rf"There is no file {tmp_path}/none\.pth; give another --backbone"),
        (["--backbone", world / "i3d.safetensors"], rf"--backbone {world}/i3d\.safetensors holds an I3D of width"),
        (["--backbone", backbone, "--words", tmp_path / "few.bin"], rf"--words {tmp_path}/few\.bin has vectors of 8 values"),
        (["--words", tmp_path / "none.bin"], rf"There is no file {tmp_path}/none\.bin; give another --words"),  # before any download
    ):
        assert main([str(argument) for argument in [*arguments, *more]]) == 2
        assert re.fullmatch(f"acga: error: {said}.*\n", capsys.readouterr().err)


def test_the_documented_lines_work_in_their_order(world, tmp_path):
    """Those of docs, of which README gives the first, on the small releases."""
    page, readme = (Path(__file__).parents[2].joinpath(name).read_text() for name in ("docs/REPRODUCE.md", "README.md"))
    lines = [line for line in page.partition("```sh\n")[2].partition("```")[0].splitlines() if line.startswith("acga reproduce")]
    assert len(lines) == 3 and [line for line in readme.splitlines() if line.startswith("acga reproduce")] == lines[:1]
    small = {"out": tmp_path, "backbone": world / "i3d.safetensors", "epochs": 0.34, "config": CONFIG, "workers": 0, "device": "cpu"}
    for line in lines:
        asked = parse(shlex.split(line)[1:])
        words = world / asked.words
        report = reproduce(replace(asked, root=world / asked.release, jhmdb=asked.jhmdb and world / "jhmdb", words=words, **small), print)
        assert report == tmp_path / asked.release / "report.md" and report.exists()
    assert "Baseline (concatenation + FCN)" in report.read_text()


def test_other_words_than_it_was_trained_with_are_refused_before_any_work(world, tmp_path):
    ours = replace(options(world, jhmdb=world / "jhmdb"), out=tmp_path)
    report = reproduce(ours, print)
    kept = (report.parent / "words.bin").read_bytes()
    words = tmp_path / "fewer.bin"
    write_words(words, KNOWN[:-2])
    for other in (replace(ours, jhmdb=None), replace(ours, words=words)):
        with pytest.raises(ConfigError, match="give the same --words and --jhmdb as then, or another --out"):
            reproduce(other, print)
    assert (report.parent / "words.bin").read_bytes() == kept
    changed = shutil.copytree(world / "a2d", tmp_path / "changed")
    with open(changed / "text_annotations" / "a2d_annotation.txt", "a") as file:
        file.write("unlisted,0,a cow\n")
    checked = (report.parent / "check.json").read_bytes()
    with pytest.raises(ConfigError, match="was trained on another release, or on other tables of it; give another --out"):
        reproduce(replace(ours, root=changed), print)
    assert (report.parent / "check.json").read_bytes() == checked
    assert reproduce(ours, print) == report


def test_what_stands_in_the_way_is_one_sentence(world, tmp_path, capsys):
    with pytest.raises(DatasetError, match="holds J-HMDB Sentences, not A2D Sentences; give another --root"):
        reproduce(replace(options(world), root=world / "jhmdb"))
    with pytest.raises(WeightsError, match="run acga reproduce a2d with this --out first"):
        reproduce(options(world, "jhmdb", out=str(tmp_path)))
    with pytest.raises(ConfigError, match="ladder is trained"):
        reproduce(options(world, "jhmdb", variants="ladder"))
    write_words(tmp_path / "few.bin", ["red"])
    with pytest.raises(WeightsError, match=r"few\.bin has vectors of 8 values for 1 of \d+ words"):
        reproduce(options(world, out=str(tmp_path / "out"), words=tmp_path / "few.bin"))
    with pytest.raises(WeightsError, match="vectors of 9 values"):
        write_words(
            tmp_path / "wide.bin",
            ["a", "cat", "dog", "green", "left", "man", "nobody", "on", "one", "red", "right", "square", "the", "there"],
            width=9,
        )
        reproduce(options(world, out=str(tmp_path / "out"), words=tmp_path / "wide.bin"))
    with pytest.raises(ConfigError, match="--frame-list says which frames of J-HMDB Sentences are tested"):
        reproduce(options(world, frame_list=tmp_path / "frames.json"))
    with pytest.raises(ConfigError, match="--jhmdb goes with a2d and names the folder of J-HMDB Sentences"):
        reproduce(options(world, jhmdb=world / "a2d"))
    assert Path(world / "a2d" / "Release" / "videoset.csv").exists()


def command(world, root, out):
    """As `options`, on the command line."""
    given = ("--root", root, "--out", out, "--backbone", world / "i3d.safetensors", "--words", world / "GoogleNews-vectors-negative300.bin")
    return ("-m", "acga", "reproduce", "a2d", *given, "--epochs=0.5", "--workers=0", "--device=cpu", *spelled(CONFIG))


def test_two_processes_reproduce_as_one_does(world, tmp_path):
    ended = launch("torchrun", *command(world, world / "a2d", tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("check: ") == ended.stdout.count("report.md") == 1
    folders = [reproduce(options(world, out="alone")).parent, tmp_path / "a2d"]
    alone, together = (json.loads((folder / "report.json").read_text()) for folder in folders)
    assert (alone["about"]["processes"], together["about"]["processes"]) == (1, 2)
    assert coco_ious(folders[1]) == pytest.approx(coco_ious(folders[0]), abs=0.02)
    states = [load_model(folder / "training" / "last.safetensors").state_dict() for folder in folders]
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=1e-3, atol=1e-4, msg=lambda text, name=name: f"{name}: {text}")


def test_of_two_processes_the_one_that_fails_says_why(world, tmp_path):
    broken = shutil.copytree(world / "a2d", tmp_path / "a2d")
    (broken / "Release" / "clips320H" / "squares0001.mp4").write_bytes(b"damaged")
    ended = launch("accelerate", *command(world, broken, tmp_path / "out"))
    assert ended.returncode != 0 and "[rank" not in ended.stderr
    errors = [line for line in ended.stderr.splitlines() if line.startswith("acga: ")]
    assert len(errors) == 1 and "squares0001.mp4 cannot be opened as a video" in errors[0]
