"""The figures of the study that notebooks show: what is there is drawn, what was not run is said in one sentence."""

import json

import numpy as np
import pytest

from acga.errors import ConfigError
from acga.study import contrasts as study_contrasts
from acga.study import figures as plots_study
from acga.study import verdict_figures as plots_verdicts
from acga.study.bootstrap import Interval
from acga.study.claims import SLOWLY
from acga.study.records import Study, max_loss_spike


@pytest.fixture
def folder(tmp_path):
    """A study of one grid with one run of two samples."""
    run = {"grid": "resolutions", "variant": "1 fused", "seed": 0, "a2d": {"metrics": {}, "intersection": [1, 2], "union": [4, 4]}}
    (tmp_path / "resolutions").mkdir()
    (tmp_path / "resolutions" / "1_fused_seed_0.json").write_text(json.dumps(run))
    (tmp_path / "samples.json").write_text(json.dumps({"a2d": [["a", 1, 0, "dog"], ["b", 1, 0, "cat"]], "probed": []}))
    return tmp_path


def test_a_grid_that_was_run_is_shown(folder, capsys):
    ious = plots_study.committed("resolutions", lambda study: study.ious("resolutions", "1 fused"), folder=folder)
    assert ious[0] == pytest.approx([0.25, 0.5], abs=1e-5) and capsys.readouterr().out == ""


@pytest.mark.parametrize("grid", ["claims", "foreground_weight"])
def test_a_grid_that_was_not_run_is_said_in_one_sentence(folder, capsys, grid):
    assert plots_study.committed(grid, lambda study: pytest.fail("there is nothing to show"), folder=folder) is None
    assert plots_study.committed(grid, len, folder=folder / "none") is None
    said = capsys.readouterr().out.splitlines()
    assert said[0] == said[1] and grid in said[0] and "benchmarks/study.sh" in said[0]


def test_variants_that_no_seed_has_together_are_said_in_one_sentence(folder, capsys):
    seen = plots_study.committed("resolutions", lambda study: len(study.runs), variants=("1 fused",), folder=folder)
    assert seen == 1 and capsys.readouterr().out == ""
    assert plots_study.committed("resolutions", lambda study: pytest.fail(), variants=("1 fused", "3 fused"), folder=folder) is None
    assert capsys.readouterr().out.count("'1 fused' and '3 fused'") == 1


def test_a_damaged_study_is_an_error(folder):
    (folder / "resolutions" / "x.json").write_text("[]")
    with pytest.raises(ConfigError, match="is no run"):
        plots_study.committed("resolutions", len, folder=folder)


def test_the_committed_results_are_looked_for_beside_the_package(monkeypatch, folder):
    assert plots_study.RESULTS.parts[-2:] == ("results", "study") and (plots_study.RESULTS.parents[1] / "acga").is_dir()
    monkeypatch.setattr(plots_study, "RESULTS", folder)
    assert plots_study.committed("resolutions", lambda study: list(study.runs)) == ["resolutions"]


def test_trials_show_every_seed_and_the_mean():
    axes = plots_study.trials({"1 fused": [40.0, 44.0], "3 fused": [43.0]}, x_label="mean IoU (%)").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1 fused", "3 fused"]
    dots, means = axes.lines[::2], axes.lines[1::2]
    assert [list(line.get_xdata()) for line in dots] == [[40, 44], [43]]
    assert [line.get_xdata()[0] for line in means] == [42, 43]


def test_a_contrast_has_a_colour_a_name_and_a_style_a_way():
    series = {name: {way: [1, 2] for way in ("trained", "foretold")} for name in ("precision", "recall")}
    lines = plots_study.contrast(series, [1, 4], x_label="P").axes[0].lines
    assert [line.get_label() for line in lines] == ["precision, trained", "precision, foretold", "recall, trained", "recall, foretold"]
    assert [line.get_linestyle() for line in lines] == ["-", "--", "-", "--"]
    assert lines[0].get_color() == lines[1].get_color() != lines[2].get_color() == lines[3].get_color()


def test_gains_by_size_are_of_the_questions_about_actors_of_that_size():
    """Three actors of 10, 20 and 30 pixels: the second variant doubles the answer to the smallest, half of it right."""

    def run(seed, intersection, union):
        return {"seed": seed, "a2d": {"intersection": intersection, "union": union}}

    before, after = ([5, 10, 15], [10, 20, 30]), ([10, 10, 15], [20, 20, 30])
    runs = {"a": [run(1, *before)], "b": [run(0, *before), run(1, *after)]}  # paired by seed, not by place
    study = Study({"grid": runs}, {"a2d": [[name, 1, 0, ""] for name in "xyz"], "target_areas": [10, 20, 30], "probed": []})
    gains = study_contrasts.size_gains(study, "grid", "a", "b")
    assert {what: [round(interval.mean, 6) for interval in of_sizes.values()] for what, of_sizes in gains.items()} == {
        "mean IoU": [0, 0, 0],
        "precision": [-0.5, 0, 0],
        "recall": [0.5, 0, 0],
    }
    with pytest.raises(ConfigError, match="No seed of the grid grid has both 'a' and 'c'"):
        study_contrasts.size_gains(study, "grid", "a", "c")


def test_gains_by_scene_tell_a_lone_actor_from_several():
    runs = {name: [{"seed": 0, "a2d": {"intersection": inside, "union": [10, 10]}}] for name, inside in (("a", [9, 4]), ("b", [7, 6]))}
    samples = {"a2d": [["x", 1, 0, ""], ["y", 1, 0, ""]], "tags": [{"actors_in_scene": 1}, {"actors_in_scene": 2}], "probed": []}
    gains = study_contrasts.scene_gains(Study({"grid": runs}, samples | {"target_areas": [10, 10]}), "grid", "a", "b", ("P@0.5", "P@0.8"))
    means = {what: {kind: one.mean for kind, one in of.items()} for what, of in gains.items()}
    assert means == {"P@0.5": {"a lone actor": 0, "several actors": 1}, "P@0.8": {"a lone actor": -1, "several actors": 0}}


def test_changes_show_means_and_intervals_in_points_side_by_side():
    found = {"P = 2": {"0.5": Interval(0.02, 0.01, 0.03), "0.6": Interval(0, -0.01, 0.01)}, "P = 4": {"0.6": Interval(0.1, 0, 0.2)}}
    axes = plots_study.changes(found).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.5", "0.6"]
    first, second = (container.lines[0] for container in axes.containers)
    np.testing.assert_allclose(first.get_ydata(), [2, 0], atol=1e-9)
    assert second.get_xdata()[0] - first.get_xdata()[1] == pytest.approx(0.12)
    segments = axes.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([segment[:, 1] for segment in segments], [[1, 3], [-1, 1]], atol=1e-9)
    assert first.get_linestyle() == "None"
    assert plots_study.changes(found, joined=True).axes[0].containers[0].lines[0].get_linestyle() == "-"


def told(variants, ious):
    """A study of the claims with one seed: each variant's IoUs of three questions, two in an order of words, one in a new one."""
    samples = {
        "a2d": [["a", 1, 0, "dog running"], ["b", 1, 0, "dog is running"], ["c", 1, 0, "on the left a dog"]],
        "probed": [],
        "tags": [
            {"phrasing": "participle", "novelty": [], "decided_by": ["relation"], "actors_in_scene": 2},
            {"phrasing": "is", "novelty": [], "decided_by": ["action"], "actors_in_scene": 2},
            {"phrasing": "place first", "novelty": ["phrasing"], "decided_by": [], "actors_in_scene": 1},
        ],
    }
    runs = {
        name: [{"seed": 0, "a2d": {"intersection": [10_000 * iou for iou in of], "union": [10_000] * 3}}]
        for name, of in zip(variants, ious, strict=True)
    }
    return Study({"claims": runs}, samples)


def test_a_tag_contrast_is_the_gain_on_some_questions_beyond_that_on_others():
    found = told(("a", "b"), ([0.1, 0.2, 0.3], [0.2, 0.4, 0.9]))
    contrast = study_contrasts.tag_contrast(found, "claims", "a", "b", "novelty=phrasing", "not novelty")
    assert contrast.mean == pytest.approx(0.6 - 0.15, abs=1e-4)
    assert study_contrasts.tag_contrast(found, "claims", "a", "c", "novelty=phrasing", "not novelty") is None
    assert study_contrasts.tag_contrast(found, "claims", "a", "b", "novelty=combination", "not novelty") is None


def test_a_verdict_of_a_single_seed_has_a_hollow_dot():
    claim = {"claim": "C1", "what": "fusion", "interval": {"mean": 0.1, "low": 0.05, "high": 0.15}, "verdict": "holds"}
    axes = plots_verdicts.verdicts([claim | {"by_seed": {"0": 0.1}}, claim | {"by_seed": {"0": 0.05, "1": 0.15}}]).axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [True, False]
    assert [list(line.get_xdata()) for line in axes.lines if line.get_marker() == "|"] == [[5, 15]]


def test_the_cost_of_new_orders_is_what_is_lost_beyond_the_known_one():
    wide = told(["base", "guided"], [[0.5, 0.5, 0.5], [0.6, 0.6, 0.6]])
    narrow = told(["base", "guided"], [[0.6, 0.5, 0.3], [0.6, 0.6, 0.5]])  # the known order, another, a new one
    assert [one.mean for one in study_contrasts.cost_of_orders(narrow, wide, "base").values()] == pytest.approx([0.1, 0.3], abs=1e-4)
    less = study_contrasts.cost_of_orders(narrow, wide, "guided", less="base")
    assert list(less) == list(study_contrasts.ORDERS)[1:] and less["as in no training"].mean == pytest.approx(0.1 - 0.3, abs=1e-4)
    with pytest.raises(ConfigError, match="different questions"):
        study_contrasts.cost_of_orders(narrow, Study(wide.runs, {**wide.samples, "a2d": wide.samples["a2d"][1:]}), "base")
    with pytest.raises(ConfigError, match="No seed of guided"):
        study_contrasts.cost_of_orders(narrow, told(["base"], [[0.5, 0.5, 0.5]]), "guided")


def test_gains_are_found_by_what_decides():
    study = told(["+ weighted loss", "ACGA"], [[0.2, 0.2, 0.2], [0.6, 0.3, 0.2]])
    gains = study_contrasts.gains_by_decision(study, [("+ weighted loss", "ACGA"), ("ACGA", "not run")])
    assert list(gains) == ["ACGA over + weighted loss"]
    means = [one.mean for one in gains["ACGA over + weighted loss"].values()]
    assert means == pytest.approx([0.4, 0.05, 0], abs=1e-4)


def test_a_study_can_be_cut_down_to_some_seeds():
    study = told(["ACGA"], [[0.5, 0.5, 0.5]])
    assert study.with_seeds({0, 7}).ious("claims", "ACGA").shape == (1, 3)
    assert study.with_seeds({7}).of("claims", "ACGA") == []


def test_a_jump_of_the_loss_is_told_from_its_noise_and_from_the_first_steps():
    calm = [(step, 2.0 if step < 100 else 0.5 + 0.1 * (step % 100 == 0)) for step in range(20, 1001, 20)]
    loss_instability = [(step, 3.0 if step == 300 else loss) for step, loss in calm]
    assert max_loss_spike({"loss": calm}) == pytest.approx(1.2) and max_loss_spike({"loss": loss_instability}) == pytest.approx(6)


def test_losses_are_lines_a_seed_and_colours_a_variant():
    runs = {name: [{"seed": seed, "loss": [(20, 1.0), (40, 0.5 + seed)]} for seed in (0, 1)] for name in ("a", "b")}
    study = Study({"claims": runs}, {"a2d": [], "probed": []})
    axes = plots_study.losses(study, ("a", "b")).axes[0]
    assert [list(line.get_ydata()) for line in axes.lines] == [[1, 0.5], [1, 1.5]] * 2
    assert len({line.get_color() for line in axes.lines}) == 2 and len(axes.get_legend().get_texts()) == 2


def test_studies_stand_beside_each_other_if_they_asked_the_same():
    samples = {"a2d": [["x", 1, 0, ""]], "probed": []}
    one, other = (Study({"claims": {"a": [{"seed": 0, "a2d": {"intersection": [i], "union": [10]}}]}}, samples) for i in (4, 5))
    both = one.merge(other, "slower")
    assert list(both.runs["claims"]) == ["a", "a, slower"] and list(one.runs["claims"]) == ["a"]
    assert both.difference("claims", "a", "a, slower").mean == pytest.approx(0.1)
    with pytest.raises(ConfigError, match="different questions"):
        one.merge(Study(one.runs, {"a2d": [["y", 1, 0, ""]], "probed": []}), "slower")


@pytest.mark.skipif(not any(plots_study.GENTLE.glob("claims/*.json")), reason="the gentle runs are not in results/")
def test_the_thrown_back_runs_are_shown_with_what_each_seed_came_to():
    gentle = Study.read(plots_study.GENTLE)
    figure = plots_study.loss_instability(plots_study.at_both_rates())
    slow = ", ".join(f"{100 * run['a2d']['metrics']['mIoU']:.1f}" for run in gentle.of("claims", "dynamic convolution"))
    assert f"dynamic convolution, {SLOWLY}: mean IoU {slow}" in figure.get_suptitle()
    assert len(figure.axes[0].lines) == sum(
        map(len, (Study.read(plots_study.LONGER).of("claims", name) for name in ("dynamic convolution", "ACGA")))
    ) + len(gentle.of("claims", "dynamic convolution"))
