"""`acga ablate` on a tiny drawn release: what a run leaves, and how a study goes on."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.paths import ROOT

from acga.cli import main
from acga.config import ACGAConfig, LossConfig, SynthesisConfig
from acga.errors import ConfigError
from acga.study import run as runs
from acga.study.perturbations import PERTURBATIONS
from acga.study.probes import TOPICS
from acga.study.records import read_runs
from acga.study.run import Experiment, ablate
from acga.study.variants import GRIDS, VARIANTS
from acga.synthetic.writer import write_a2d

sys.path.insert(0, str(ROOT / "benchmarks"))
import learning_rates
import longer_training

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def trained(monkeypatch):
    """The names of the folders that are trained in."""
    names, real = [], runs.train
    monkeypatch.setattr(runs, "train", lambda options: names.append(options.out.name) or real(options))
    return names


def found(folder, variant):
    return next(run for run in read_runs(folder) if run["variant"] == variant)


def test_a_run_says_all_about_itself(studied, questions, config):
    run = found(studied, "ACGA")
    assert run["seed"] == 0 and run["recipe"]["epochs"] == 0.1 and ACGAConfig.from_dict(run["config"]) == config
    assert {"command", "commit", "seed", "date"} <= run["about"].keys() and run["seconds"]["training"] > 0
    answers = run["answers"]["a2d"]
    assert len(answers["intersection"]) == len(answers["union"]) == len(questions.a2d)
    assert len(run["probes"]["consistency"]) == 12 and any(one is not None for one in run["probes"]["consistency"])
    assert {*PERTURBATIONS, *(f"{topic}, inside" for topic in TOPICS)} <= run["probes"].keys() and 0 <= run["presence_auroc"] <= 1
    assert not any((studied / "weights").iterdir())
    blind = found(studied, "blind to text")
    assert blind["recipe"]["blind_to"] == "text" and "probes" not in blind and blind["answers"].keys() == {"a2d"}


def test_a_study_goes_on_where_it_stopped(options, studied, tmp_path, trained):
    shutil.copytree(studied, tmp_path, dirs_exist_ok=True)
    lines = (tmp_path / "runs.jsonl").read_text().splitlines(keepends=True)
    before = found(studied, "ACGA")
    (tmp_path / "runs.jsonl").write_text("".join(line for line in lines if json.loads(line)["variant"] != "ACGA"))
    ablate(options(tmp_path))
    after = found(tmp_path, "ACGA")
    assert trained == ["ACGA_seed_0"] and len(read_runs(tmp_path)) == len(lines)
    assert {name: after[name] for name in ("answers", "probes")} == {name: before[name] for name in ("answers", "probes")}


def test_what_another_grid_has_trained_is_not_trained_again(options, studied, tmp_path, trained):
    shutil.copytree(studied, tmp_path, dirs_exist_ok=True)
    records = ablate(options(tmp_path, grid="resolutions"))
    assert trained == ["ACGA,_1_fused_seed_0", "ACGA,_2_fused_seed_0"] and ["probes" in run for run in records] == [False, False, True]
    assert records[2] == found(studied, "ACGA")


def test_a_part_of_a_grid_may_learn_from_another_release(options, tmp_path, monkeypatch):
    learned = []
    monkeypatch.setattr(runs, "train", lambda options: learned.append((options.root, options.out.name)) or 1 / 0)
    write_a2d(tmp_path / "crowded", SynthesisConfig(train=3, test=0, sentences=2, crowded=True, workers=1))
    with pytest.raises(ZeroDivisionError):
        ablate(options(tmp_path / "out", only=("ACGA",), learn_from=tmp_path / "crowded"))
    assert learned == [(tmp_path / "crowded", "ACGA_seed_0")]
    with pytest.raises(ConfigError, match=r"no variant 'acga'; choose among dynamic convolution"):
        ablate(options(tmp_path / "out", only=("acga",)))
    with pytest.raises(ConfigError, match='grid is "everything"; it must be claims'):
        ablate(options(tmp_path / "out", grid="everything"))


def test_variants_may_have_learning_rates_of_their_own_and_fixed_word_vectors(options, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(runs, "train", lambda options: asked.append((options.recipe.learning_rate, options.words)) or 1 / 0)
    rates = tmp_path / "rates.json"
    rates.write_text('{"ACGA": 0.01, "+ fusion": 0.02}')
    for name in ("ACGA", "+ fusion", "concatenation"):
        with pytest.raises(ZeroDivisionError):
            ablate(options(tmp_path / "out", only=(name,), rates=rates, words=Path("glove")))
    assert asked == [(0.01, Path("glove")), (0.02, Path("glove")), (3.00125e-3, Path("glove"))]
    rates.write_text('{"acga": 0.01}')
    with pytest.raises(ConfigError, match="has a learning rate of 'acga', which is no variant; choose among dynamic convolution"):
        ablate(options(tmp_path / "out", rates=rates))


def test_scores_alone_and_the_coarse_stage_alone(options, tmp_path):
    asked = options(tmp_path, only=("dynamic convolution",), probes=False)
    coarse = replace(asked.recipe, coarse_start=True, loss=LossConfig(resolution_weights=(1, 0, 0), foreground_weight=9))
    (run,) = ablate(replace(asked, recipe=coarse))
    assert run["answers"]["a2d"]["metrics"]["mIoU"] > 0 and "probes" not in run
    wanted = {"resolution_weights": [1, 0, 0], "foreground_weight": LossConfig().foreground_weight}  # that of the variant
    assert run["recipe"]["loss"].items() >= wanted.items()


def test_a_calibrated_run_says_how(options, studied, tmp_path):
    (run,) = ablate(options(tmp_path, only=("+ fusion",), probes=False, calibrated=True))
    calibration = run["calibration"]
    assert run["calibrated"] and calibration["mIoU"] >= calibration["mIoU as trained"]
    with pytest.raises(ConfigError, match="another calibrated"):  # a study has one kind of run
        ablate(options(studied, only=("ACGA",), calibrated=True))
    with pytest.raises(ConfigError, match="another calibrated"):
        ablate(options(tmp_path, only=("+ fusion",), probes=False))


def test_trainings_that_are_kept_are_asked_again(options, tmp_path, monkeypatch):
    files, real = [], runs.load_model
    monkeypatch.setattr(runs, "load_model", lambda path: files.append(path.name) or real(path))
    asked = {"only": ("+ fusion",), "probes": False, "networks": tmp_path / "networks"}
    both = replace(options(tmp_path).recipe, epochs=2)
    (trained,) = ablate(replace(options(tmp_path / "trained", **asked), recipe=both))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "networks" / "+_fusion_seed_0").glob("*.safetensors")}
    (calibrated,) = ablate(replace(options(tmp_path / "calibrated", **asked, calibrated=True), recipe=both))
    (last,) = ablate(replace(options(tmp_path / "last", **asked, last=True), recipe=both))
    assert before == {path: path.stat().st_mtime_ns for path in before} and len(before) == 2
    assert trained["loss"] == calibrated["loss"] == last["loss"]
    assert calibrated["calibration"]["mIoU as trained"] == pytest.approx(trained["validation"]["mIoU"], abs=1e-3)
    assert files == ["model.safetensors", "model.safetensors", "last.safetensors"]
    scores = [score for _, score in trained["validations"]]
    assert len(scores) == 2 and trained["validation"]["mIoU"] == max(scores) and last["validation"]["mIoU"] == scores[-1]
    with pytest.raises(ConfigError, match="another last"):
        ablate(replace(options(tmp_path / "trained", **asked, last=True), recipe=both))


@pytest.mark.parametrize("calibrated", [False, True])
def test_learning_rates_are_chosen_on_validation(options, tmp_path, trained, monkeypatch, calibrated):
    monkeypatch.setattr(learning_rates, "RATES", (1e-4, 3e-3))
    monkeypatch.setattr(learning_rates, "train", runs.train)
    asked = options(tmp_path, only=("ACGA", "+ fusion"), calibrated=calibrated)
    asked = replace(asked, recipe=replace(asked.recipe, epochs=1))
    for _ in range(2):  # the second call trains nothing
        learning_rates.main(asked)
    assert trained == ["ACGA_0.0001", "+_fusion_0.0001", "ACGA_0.003", "+_fusion_0.003"]
    scores = json.loads((tmp_path / "scores.json").read_text())["validation mIoU"]
    rates = json.loads((tmp_path / "rates.json").read_text())
    assert rates.keys() == scores.keys() == {"ACGA", "+ fusion"}
    assert all(scores[name][f"{rate}"] == max(scores[name].values()) for name, rate in rates.items())


def test_longer_trainings_are_compared_on_validation(options, tmp_path, monkeypatch):
    seen, real = [], longer_training.train
    monkeypatch.setattr(longer_training, "train", lambda training: seen.append(training.recipe.epochs) or real(training))
    for _ in range(2):  # the second call trains nothing
        longer_training.main(options(tmp_path, only=("ACGA",), seeds=1), passes=(1, 2))
    assert seen == [1, 2]
    longer_training.main(options(tmp_path, only=("+ fusion",), first_seed=1, seeds=1), passes=(1,))
    scores = json.loads((tmp_path / "scores.json").read_text())["runs"]
    assert [(run["network"], run["passes"], run["seed"]) for run in scores] == [("ACGA", 1, 100), ("ACGA", 2, 100), ("+ fusion", 1, 101)]
    assert all(run["mIoU"] >= run["mIoU as trained"] > 0 for run in scores)


def test_word_vectors_are_told_apart_by_what_is_in_them(options, studied, tmp_path):
    names = [None, Path("glove"), tmp_path / "v.bin", tmp_path / "other" / "v.bin"]
    (tmp_path / "other").mkdir()
    for number, path in enumerate(names[2:]):
        path.write_bytes(bytes([number]))
    said = {Experiment.open(options(studied, words=words)).settings(VARIANTS["ACGA"], 0)["words"] for words in names}
    assert len(said) == 4 and {None, "glove"} < said


def test_a_run_that_was_not_asked_all_test_sets_is_said(options, studied, tmp_path):
    (tmp_path / "runs.jsonl").write_text(
        json.dumps({**found(studied, "ACGA"), "answers": {"a2d": found(studied, "ACGA")["answers"]["a2d"]}})
    )
    with pytest.raises(ConfigError, match="'ACGA' of seed 0, which was not asked about J-HMDB"):
        ablate(options(tmp_path, only=("ACGA",)))


def test_runs_with_other_settings_are_not_taken_for_these(options, studied):
    before = (studied / "runs.jsonl").read_bytes()
    other = options(studied)
    recipe = replace(other.recipe, epochs=0.2)
    with pytest.raises(ConfigError, match="another recipe"):
        ablate(replace(other, recipe=recipe))
    with pytest.raises(ConfigError, match="'dynamic convolution' of seed 0 with another recipe"):  # a seed more is of the same recipe
        ablate(replace(other, recipe=recipe, first_seed=1))
    with pytest.raises(ConfigError, match="another words"):
        ablate(replace(other, words=Path("glove"), only=("ACGA",), first_seed=1))
    assert (studied / "runs.jsonl").read_bytes() == before


def test_the_command_line(place, tmp_path, capsys):
    small = ("size=32", "backbone_width=0.0625", "language_width=8", "vision_widths=[52,8,8]", "classifier_widths=[8,8,8]")
    where = ["--out", tmp_path, "--backbone", place / "backbone.safetensors", "--features", place / "features", "--change", *small]
    how = ["--grid", "resolutions", "--seeds", 2, "--epochs", 0.1, "--batch-size", 8, "--precision", "fp32", "--workers", 0]
    assert main([*map(str, ["ablate", place / "a2d", *where, *how, "--device", "cpu"])]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in printed[:3]] == list(GRIDS["resolutions"]) and "2 seeds" in printed[0]
    assert len(read_runs(tmp_path)) == 6 and (tmp_path / "summary.json").exists()
    code = main(["ablate", str(tmp_path / "none"), "--out", str(tmp_path / "out"), "--backbone", str(place / "backbone.safetensors")])
    assert code == 2 and len(capsys.readouterr().err.splitlines()) == 1
