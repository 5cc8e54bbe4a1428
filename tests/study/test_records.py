"""A study as long tables: read whole, paired by seed, and cut by tags."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from helpers.runs import SAMPLES, run

from acga.errors import ConfigError
from acga.study.questions import by_test
from acga.study.records import Study, append_run, read_runs, tagged
from acga.study.summary import variant_row
from acga.study.variants import GRIDS


def study_of(*runs):
    return Study.of(list(runs), {"a2d": SAMPLES, "jhmdb": [{"test": "jhmdb", "video": "d"}]})


def test_a_study_is_read_plain_or_packed(studied, tmp_path):
    plain = Study.read(studied)
    for name in ("runs", "samples"):
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress((studied / f"{name}.jsonl").read_bytes()))
    packed = Study.read(tmp_path)
    for name in ("runs", "answers", "probes", "losses"):
        assert getattr(plain, name).equals(getattr(packed, name))
    assert plain.variants == [*GRIDS["claims"], *GRIDS["controls"]]


def test_a_row_is_a_run_and_a_sample(studied, questions):
    study = Study.read(studied)
    answers = study.answers_of("ACGA", 0)
    assert answers["query"].tolist() == [sample.query for sample in questions.a2d.samples]
    row = study.runs.set_index("variant").loc["ACGA"]
    assert row["a2d mIoU"] == pytest.approx(answers["IoU"].mean(), abs=1e-4)
    assert len(study.answers) == 10 * (len(questions.a2d) + len(questions.jhmdb)) + 2 * len(questions.a2d)
    assert study.scores("ACGA", "P@0.5").mean() == (answers["IoU"] > 0.5).mean()


def test_precision_and_recall_are_those_of_the_masks(studied):
    answers = Study.read(studied).answers_of("ACGA", 0)
    iou, precision, recall = (answers[name].to_numpy() for name in ("IoU", "precision", "recall"))
    assert precision.min() >= 0 and recall.max() <= 1
    some = recall > 0  # F1 of the pixels and IoU are functions of each other
    f1 = 2 * precision[some] * recall[some] / (precision[some] + recall[some])
    np.testing.assert_allclose(f1 / (2 - f1), iou[some], atol=1e-5)


def test_differences_are_paired_by_seed_and_not_by_place():
    study = study_of(run("a", 0, (9, 9, 9)), run("a", 1, (5, 5, 5)), run("b", 1, (6, 6, 6)), run("b", 2, (0, 0, 0)))
    assert study.seeds("a", "b") == [1]
    assert study.difference("a", "b").mean == pytest.approx(0.1)
    assert study.difference("a", "b", "P@0.55").mean == pytest.approx(1)
    assert study.difference("a", "a") == (0, 0, 0)
    assert study.difference("a", "c") is None and study.difference("a", "b", test="jhmdb") is None


def test_differences_are_over_the_seeds_that_were_asked():
    """Seed 0 of the first and seed 2 of the second were asked about J-HMDB alone, seed 1 of both."""

    def asked(variant, seed, **answers):
        one = run(variant, seed, (1, 1, 1))
        return {**one, "answers": one["answers"] | {test: {"intersection": [inside], "union": [10]} for test, inside in answers.items()}}

    first = [asked("a", 0, jhmdb=1), asked("a", 1, jhmdb=5), asked("a", 2)]
    study = study_of(*first, asked("b", 0), asked("b", 1, jhmdb=5), asked("b", 2, jhmdb=9))
    assert study.seeds("a", "b") == [0, 1, 2] and study.seeds("a", "b", test="jhmdb") == [1]
    assert study.difference("a", "b", test="jhmdb").mean == 0 and len(study.scores("a", test="jhmdb")) == 2


def test_a_probe_without_any_value_is_left_out(studied):
    """As those that need tags, which a release as it was published has not."""
    record = next(record for record in read_runs(studied) if record["variant"] == "ACGA")
    unknown = {**record, "probes": {**record["probes"], "as asked": [None] * len(record["probes"]["as asked"])}}
    tests = by_test([json.loads(line) for line in (studied / "samples.jsonl").read_text().splitlines()])
    study = Study.of([unknown, {**unknown, "variant": "+ fusion"}], tests)
    row = variant_row(study, "ACGA")
    assert "as asked" not in row and "consistency" in row
    assert study.probe_difference("ACGA", "+ fusion", "as asked") is None


def test_tags_choose_samples():
    study = study_of(run("a", 0, (1, 2, 3)), run("b", 0, (2, 4, 9)))
    kinds = {"alone": "actors_in_scene=1", "others": "not actors_in_scene=1", "new": "novelty", "none": "decided_by=colour", "all": None}
    gains = study.differences("a", "b", ["IoU"], kinds)["IoU"]
    assert {name: round(one.mean, 3) for name, one in gains.items()} == {"alone": 0.6, "others": 0.15, "new": 0.6, "all": 0.3}


def test_actors_are_in_thirds_by_their_size():
    """Three actors of 10, 20 and 30 pixels: the second variant doubles the answer to the smallest, half of it right."""
    study = study_of(run("a", 0, (5, 10, 15), (10, 20, 30)), run("b", 0, (10, 10, 15), (20, 20, 30)))
    kinds = {size: f"actor_size={size}" for size in ("small", "medium", "large")}
    gains = study.differences("a", "b", ["IoU", "precision", "recall"], kinds)
    means = {score: [round(one.mean, 6) for one in of.values()] for score, of in gains.items()}
    assert means == {"IoU": [0, 0, 0], "precision": [-0.5, 0, 0], "recall": [0.5, 0, 0]}


def test_a_study_can_be_cut_down_to_some_seeds():
    study = study_of(run("a", 0, (1, 1, 1)), run("a", 3, (2, 2, 2)))
    assert study.with_seeds([3, 7]).scores("a").tolist() == [pytest.approx([0.2] * 3, abs=1e-5)]
    with pytest.raises(ConfigError, match="no answers of 'a'"):
        study.mean("a", where="decided_by=colour")


def test_probes_are_compared_video_by_video(studied):
    records, samples = read_runs(studied), [json.loads(line) for line in (studied / "samples.jsonl").read_text().splitlines()]
    one = next(record for record in records if record["variant"] == "ACGA")
    better = {**one, "seed": 1, "probes": {name: [v and v + 0.1 for v in values] for name, values in one["probes"].items()}}
    tests = {test: [row for row in samples if row["test"] == test] for test in ("a2d", "jhmdb", "paraphrases")}
    study = Study.of(
        [{**one, "variant": "a", "seed": 1}, {**better, "variant": "b"}, {**one, "variant": "c", "seed": 1, "probes": {}}], tests
    )
    assert study.probe_difference("a", "b", "consistency").mean == pytest.approx(0.1)
    assert study.probe_difference("a", "b", "new wordings", less="known wordings").mean == pytest.approx(0, abs=1e-9)
    assert len(study.probe_videos("consistency")) == 12 and len(study.probe_videos("as asked")) == 3
    assert study.probe_difference("a", "c", "consistency") is None
    with pytest.raises(ConfigError, match="no values of the probe 'consistency' of 'c'"):
        study.probe_mean("c", "consistency")


def test_a_run_joins_those_that_are_packed(tmp_path):
    packed = "".join(f"{json.dumps({'variant': 'ACGA', 'seed': seed, 'answers': {}})}\n" for seed in range(3))
    (tmp_path / "runs.jsonl.gz").write_bytes(gzip.compress(packed.encode()))
    append_run(tmp_path, {"variant": "ACGA", "seed": 3, "answers": {}})
    assert [one["seed"] for one in read_runs(tmp_path)] == [0, 1, 2, 3]


def test_of_a_tag_that_is_unknown_nothing_is_said():
    answers = pd.DataFrame({"IoU": [0.1, 0.2]})
    assert not tagged(answers, "actors_in_scene=1").any() and not tagged(answers, "not actors_in_scene=1").any()
    assert not tagged(answers, "novelty").any() and tagged(answers, "not novelty").all()


def test_damaged_records_are_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match="no runs of a study"):
        Study.read(tmp_path)
    append_run(tmp_path, run("a", 0, (1, 1, 1)))
    append_run(tmp_path, run("a", 1, (1, 1, 1)))
    assert [one["seed"] for one in read_runs(tmp_path)] == [0, 1]
    for line, message in (("[]", "damaged in line 3"), (json.dumps(run("a", 0, (1,))), "'a' of seed 0 again"), ('{"variant"', "line 3")):
        text = (tmp_path / "runs.jsonl").read_text()
        (tmp_path / "runs.jsonl").write_text(f"{text}{line}\n")
        with pytest.raises(ConfigError, match=message):
            read_runs(tmp_path)
        (tmp_path / "runs.jsonl").write_text(text)


def test_ours_is_what_the_documents_say():
    study = Study.read()
    assert len(study.runs) == 73 and study.seeds(*GRIDS["claims"]) == [0, 1, 2, 3, 4]
    assert study.runs["command"].str.startswith("acga ablate").all() and study.runs["commit"].notna().all()
