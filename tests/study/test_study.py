"""The study of the claims: intervals, perturbed queries, probes of attention, and `acga ablate` on a tiny drawn release."""

import json
import runpy
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.paths import ROOT
from helpers.small import CONFIG as SMALL
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from acga.batches import extract
from acga.cli import main
from acga.config import ACGAConfig, TrainConfig
from acga.data import A2DSentences
from acga.data.dataset import Sample
from acga.data.text import tokenise
from acga.devices import choose_accelerator
from acga.errors import ConfigError, DatasetError
from acga.metrics import METRICS
from acga.model.i3d import I3D
from acga.options import AblateOptions
from acga.study import ablation, tables
from acga.study import claims as study_summary
from acga.study import contrasts as study_contrasts
from acga.study import figures as plots_study
from acga.study import headlines as study_headlines
from acga.study import records as study
from acga.study import verdict_figures as plots_verdicts
from acga.study.ablation import BASE, GRIDS, ablate
from acga.study.bootstrap import bootstrap, bootstrap_of_totals, probability_of_more
from acga.study.examination import Benchmarks, by_video, middle_frames
from acga.study.perturbations import PERTURBATIONS, SYNONYMS, UNKNOWN_WORD, ask_what_is_absent, perturb
from acga.study.probes import attention_distance, attention_on_target, consistency, mask_iou, segment_all
from acga.synthetic.language.lexicon import VOCABULARY
from acga.synthetic.writer import SynthesisConfig, write_a2d, write_jhmdb
from acga.training import build_model

CONFIG = replace(SMALL, vocabulary_size=512, residual=False)
RECIPE = TrainConfig(epochs=0.1, batch_size=8, learning_rate=3e-3, decay_every=0)
pytestmark = pytest.mark.usefixtures("one_thread")
SENTENCES = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=20).map(" ".join)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A drawn release of either layout with phrasings of both kinds, and a backbone."""
    folder = tmp_path_factory.mktemp("study")
    write_a2d(folder / "a2d", SynthesisConfig(train=6, test=12, sentences=6, mixed=True, workers=1))
    write_jhmdb(folder / "jhmdb", videos=2, workers=1)
    torch.manual_seed(0)
    I3D(width=CONFIG.backbone_width, through="mixed_4f").to_file(folder / "backbone.safetensors", provenance={})
    return folder


@pytest.fixture(scope="module")
def benchmarks(place):
    return Benchmarks.open(place / "a2d", CONFIG, jhmdb=place / "jhmdb", paraphrases=place / "a2d")


@pytest.fixture(scope="module")
def model(place):
    dataset = A2DSentences(place / "a2d", "train", size=CONFIG.size, clip_length=CONFIG.clip_length)
    return build_model(CONFIG, dataset, list(range(len(dataset))), place / "backbone.safetensors", None, seed=0).eval()


@pytest.fixture(scope="module")
def features(place, model, benchmarks):
    return extract(model, benchmarks.a2d, place / "cache", accelerator=choose_accelerator("cpu"), workers=0)


# Statistics


def test_bootstrap_is_the_mean_of_runs_and_covers_it():
    values = np.random.default_rng(1).normal(0.3, 0.2, (4, 200))
    interval = bootstrap(values, list(range(200)))
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low < interval.mean < interval.high


def test_bootstrap_is_as_wide_as_theory_says():
    """Of independent samples and one run, the standard error is sigma / sqrt(N)."""
    values = np.random.default_rng(2).normal(0, 1, (1, 2500))
    interval = bootstrap(values, list(range(2500)))
    assert (interval.high - interval.low) / 2 == pytest.approx(1.96 / 50, rel=0.1)


def test_samples_of_one_video_are_no_independent_evidence():
    once = np.random.default_rng(3).normal(0, 1, (1, 100))
    repeated = np.repeat(once, 10, axis=1)
    by_video_, by_sample = (bootstrap(repeated, groups) for groups in ([n // 10 for n in range(1000)], list(range(1000))))
    alone = bootstrap(once, list(range(100)))
    assert by_video_.high - by_video_.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert by_sample.high - by_sample.low < 0.5 * (alone.high - alone.low)


@pytest.mark.parametrize("each", [[0.1, 0.3], [0.1, 0.3, 0.5, 0.7, 0.9]])
def test_where_only_seeds_differ_the_interval_is_students(each):
    steady, shaky = np.full((5, 50), 0.5), np.repeat(np.array(each)[:, None], 50, axis=1)
    assert bootstrap(steady, list(range(50))) == pytest.approx((0.5, 0.5, 0.5))
    error = stats.t.ppf(0.975, len(each) - 1) * stats.sem(each)
    assert bootstrap(shaky, list(range(50))) == pytest.approx((np.mean(each), np.mean(each) - error, np.mean(each) + error), rel=0.01)


def studies_of_nothing(seeds, ratio, videos=60, count=200):
    """Values (seeds, videos) of studies of a difference that is zero; seeds add `ratio` times the error to a mean that videos do."""
    rng = np.random.default_rng([seeds, round(2 * ratio)])
    for _ in range(count):
        yield rng.normal(0, 1, videos) + rng.normal(0, ratio * (seeds / videos) ** 0.5, (seeds, 1))


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("ratio", [0.5, 2])
def test_an_interval_of_few_seeds_holds_the_truth_as_often_as_it_says(seeds, ratio):
    missed = sum(bootstrap(values, list(range(60)), draws=500).excludes_zero for values in studies_of_nothing(seeds, ratio))
    assert missed <= 20  # of 200, 10 are to be expected; more than 20 with a probability below 1 %


def test_drawing_three_seeds_again_would_miss_it_more_than_twice_as_often():
    rng, missed = np.random.default_rng(0), 0
    for values in studies_of_nothing(3, 2):
        of_videos, of_seeds = (rng.multinomial(count, np.full(count, 1 / count), size=500) / count for count in (60, 3))
        low, high = np.quantile(((values @ of_videos.T) * of_seeds.T).sum(axis=0), [0.025, 0.975])
        missed += low > 0 or high < 0
    assert missed > 20


def test_bootstrap_leaves_out_what_is_unknown_and_refuses_nothing():
    assert bootstrap(np.array([[1.0, np.nan, 3.0]]), ["a", "b", "c"]).mean == 2
    with pytest.raises(ValueError, match="without any value"):
        bootstrap(np.array([[np.nan, np.nan]]), ["a", "b"])
    with pytest.raises(ValueError, match="groups for 1"):
        bootstrap(np.array([[1.0, 2.0]]), ["a"])


def test_an_interval_of_overall_iou_is_that_of_videos_drawn_one_by_one():
    rng = np.random.default_rng(5)
    groups = rng.integers(0, 12, 60).tolist()
    union = rng.integers(50, 100, 60).astype(float)
    inside = union * rng.uniform(0.2, 0.9, 60)
    found = bootstrap_of_totals(np.stack([inside, union])[None], groups, lambda sums: sums[0] / sums[1])
    assert found.mean == pytest.approx(inside.sum() / union.sum())

    replicates = []
    for _ in range(3000):
        rows = np.concatenate([np.flatnonzero(np.equal(groups, one)) for one in rng.choice(list(set(groups)), len(set(groups)))])
        replicates.append(inside[rows].sum() / union[rows].sum())
    assert found[1:] == pytest.approx(np.quantile(replicates, [0.025, 0.975]), abs=0.01)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.lists(st.integers(0, 9), min_size=1, max_size=20))
def test_probability_of_more_counts_pairs(first, second):
    wins = np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a in first for b in second])
    assert probability_of_more(first, second) == pytest.approx(wins)


# Perturbed queries


@given(SENTENCES, st.sampled_from(sorted(PERTURBATIONS)), st.integers(0, 3))
def test_perturbations_are_deterministic_and_never_empty_or_longer(query, name, seed):
    one, other = (PERTURBATIONS[name](query, np.random.default_rng(seed)) for _ in range(2))
    assert one == other
    assert 1 <= len(one.split()) <= len(query.split())


@given(SENTENCES, st.integers(0, 3))
def test_what_perturbations_keep(query, seed):
    words, rng = tokenise(query), np.random.default_rng(seed)
    assert sorted(PERTURBATIONS["reordered"](query, rng).split()) == sorted(words)
    swapped = PERTURBATIONS["synonyms"](query, rng).split()
    groups = [set(group) for group in SYNONYMS]
    assert all(a == b or any({a, b} <= group for group in groups) for a, b in zip(words, swapped, strict=True))
    unknown = PERTURBATIONS["unknown words"](query, rng).split()
    assert all(a == b or b == UNKNOWN_WORD for a, b in zip(words, unknown, strict=True))
    left = iter(words)
    assert all(word in left for word in PERTURBATIONS["words dropped"](query, rng).split())  # in the same order
    if len(words) > 1:
        assert UNKNOWN_WORD in unknown


def test_synonyms_are_words_of_the_drawn_world_but_the_unknown_word_is_none():
    assert {word for group in SYNONYMS for word in group} <= set(VOCABULARY)
    assert UNKNOWN_WORD not in VOCABULARY


def test_perturbed_data_sets_ask_about_the_same_things(benchmarks):
    changed = perturb(benchmarks.a2d, PERTURBATIONS["reordered"], seed=1)
    assert [(s.video_id, s.frame, s.instance) for s in changed.samples] == [
        (s.video_id, s.frame, s.instance) for s in benchmarks.a2d.samples
    ]
    assert [s.query for s in changed.samples] != [s.query for s in benchmarks.a2d.samples]
    assert torch.equal(changed.labels(3)["mask"], benchmarks.a2d.labels(3)["mask"])


def test_absent_actors_are_absent(benchmarks):
    noun = {(s.video_id, s.instance, s.query): s for s in benchmarks.a2d.samples}
    kinds = {}
    for s in noun.values():
        _, instances, classes = benchmarks.a2d.frame_masks(s.video_id, s.frame)
        kinds.setdefault(s.query, set()).add(int(classes[instances.tolist().index(s.instance)]) // 10)
    for sample in ask_what_is_absent(benchmarks.a2d).samples:
        here = {int(label) // 10 for label in benchmarks.a2d.frame_masks(sample.video_id, sample.frame)[2]}
        assert kinds[sample.query] - here


def test_nothing_absent_to_ask_about_is_said(benchmarks):
    first = benchmarks.a2d.samples[0]
    alone = benchmarks.a2d.replaced([sample for sample in benchmarks.a2d.samples if sample.video_id == first.video_id])
    with pytest.raises(DatasetError, match="every kind of actor"):
        ask_what_is_absent(alone)


# Probes


@given(st.integers(0, 2**20))
@settings(max_examples=20)
def test_mask_iou_and_consistency_agree_with_a_loop(seed):
    rng = np.random.default_rng(seed)
    found = rng.random((6, 4, 4)) < 0.5
    samples = [Sample("a", 1, 0, str(n)) for n in range(5)] + [Sample("a", 1, 1, "other")]
    pairs = [mask_iou(found[[i]], found[[j]])[0] for i in range(5) for j in range(i)]
    assert consistency(samples, found) == {("a", 1, 0): pytest.approx(np.mean(pairs), abs=1e-5)}


def test_segment_all_answers_as_the_evaluation_does(model, benchmarks, features):
    from acga.evaluation import evaluate

    answers = segment_all(model, benchmarks.a2d, features)
    assert answers.found.shape == answers.target.shape == (len(benchmarks.a2d), 32, 32)
    official = evaluate(model, benchmarks.a2d, features=features, progress=False).predictions
    np.testing.assert_allclose(answers.peaks, [answer.peak for answer in official], atol=1e-6)
    assert np.corrcoef(answers.ious, [answer.iou for answer in official])[0, 1] > 0.9  # on the square and in the frame


def test_even_attention_points_by_chance(model, benchmarks, features):
    model.attention.language.projection.weight.data.mul_(0)
    for one in attention_on_target(model, benchmarks.a2d, features):
        np.testing.assert_allclose(one.inside, one.chance, atol=1e-5)
    topics = {one.topic: one for one in attention_on_target(model, benchmarks.a2d, features)}
    assert set(topics["actor"].samples) == set(range(len(benchmarks.a2d)))  # every sentence names an actor


def test_reach_of_attention_that_is_even(model, benchmarks, features):
    for part in (model.attention.vision.query, model.attention.vision.key):
        part.weight.data.mul_(0)
    reach = attention_distance(model, benchmarks.a2d, features)
    np.testing.assert_allclose(reach.on_actor, reach.chance, atol=1e-5)
    np.testing.assert_allclose(reach.distance, reach.uniform_distance, atol=1e-5)
    np.testing.assert_allclose(reach.largest, 1 / 4, atol=1e-5)  # of 2 x 2 cells


def test_networks_without_a_branch_have_no_attention_to_look_at(place, benchmarks, features):
    dataset = A2DSentences(place / "a2d", "train", size=CONFIG.size, clip_length=CONFIG.clip_length)
    config = replace(CONFIG, matching="concatenation")
    plain = build_model(config, dataset, list(range(len(dataset))), place / "backbone.safetensors", None, seed=0)
    assert attention_on_target(plain, benchmarks.a2d, features) == [] and attention_distance(plain, benchmarks.a2d, features) is None


def test_by_video_keeps_the_order_of_another_list():
    samples = [Sample(video, 1, 0, "dog") for video in "abc"]
    assert by_video([samples[2], samples[2], samples[0]], [1, 0, 3], like=samples) == [3.0, None, 0.5]


def test_middle_frames_are_annotated_ones_of_every_video(place):
    whole = A2DSentences(place / "a2d", "test", size=32)
    middle = middle_frames(whole)
    assert {s.video_id for s in middle.samples} == {s.video_id for s in whole.samples}
    assert len(middle.annotated_frames) == len({s.video_id for s in whole.samples}) and set(middle.annotated_frames) <= set(
        whole.annotated_frames
    )


# The grids and the study


def test_variants_differ_as_their_names_say():
    ladder = {variant.name: variant for variant in GRIDS["claims"]}
    assert ladder["ACGA"].config() == BASE == replace(ACGAConfig.mini(), residual=False)
    assert ladder["ACGA, residual"].config() == ACGAConfig.mini()
    assert ladder["ACGA, unit-norm features"].config() == ACGAConfig.faithful_mini()
    assert ladder["concatenation"].config().fused_resolutions == 1 and ladder["concatenation"].foreground_weight == 1
    for variants in GRIDS.values():
        assert len({variant.name for variant in variants}) == len(variants)
        for variant in variants:
            variant.config(), variant.recipe(0)


def run_study(place, out, recipe=RECIPE, **more):
    return ablate(
        AblateOptions(
            root=place / "a2d", out=out, backbone=place / "backbone.safetensors", config=CONFIG, recipe=recipe, jhmdb=place / "jhmdb",
            paraphrases=place / "a2d", features=place / "features", workers=0, device="cpu", **more,
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def studied(place, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    run_study(place, out, grid="claims", seeds=1)
    run_study(place, out, grid="controls", seeds=1)
    return out


def test_a_run_says_all_about_itself(studied, benchmarks):
    run = json.loads((studied / "claims" / "ACGA_seed_0.json").read_text())
    assert run["variant"] == "ACGA" and run["seed"] == 0 and run["recipe"]["epochs"] == 0.1
    assert ACGAConfig.from_dict(run["config"]) == CONFIG
    assert {"command", "commit", "seed", "date"} <= run["about"].keys() and run["seconds"]["training"] > 0
    assert len(run["a2d"]["intersection"]) == len(run["a2d"]["union"]) == len(benchmarks.a2d)
    assert run["a2d"]["metrics"]["mIoU"] == pytest.approx(study.iou_of(run["a2d"]).mean(), abs=1e-4)
    assert len(run["paraphrases"]["consistency"]) == 12 and any(one is not None for one in run["paraphrases"]["consistency"])
    assert set(PERTURBATIONS) <= run["questions"].keys() and 0 <= run["questions"]["presence_auroc"] <= 1
    assert run["attention"]["words"].keys() == {"actor", "action", "colour", "place"}
    assert not (studied / "weights" / "claims" / "ACGA_seed_0").exists()
    blind = json.loads((studied / "controls" / "blind_to_text_seed_0.json").read_text())
    assert blind["recipe"]["blind_to"] == "text" and "paraphrases" not in blind


def test_a_study_goes_on_where_it_stopped(place, studied, tmp_path, monkeypatch):
    shutil.copytree(studied / "claims", tmp_path / "claims")
    missing = tmp_path / "claims" / "ACGA_seed_0.json"
    before = json.loads(missing.read_text())
    missing.unlink()
    trained = []
    real = ablation.train
    monkeypatch.setattr(ablation, "train", lambda options: trained.append(options.out) or real(options))
    run_study(place, tmp_path, grid="claims", seeds=1)
    after = json.loads(missing.read_text())
    assert [folder.name for folder in trained] == ["ACGA_seed_0"]
    assert {name: after[name] for name in ("a2d", "questions", "paraphrases")} == {
        name: before[name] for name in ("a2d", "questions", "paraphrases")
    }


def test_the_summary_states_every_claim(studied, capsys):
    summary = study_summary.summarise(studied)
    assert {claim["claim"] for claim in summary.claims} == {"C1", "C2", "C3", "C4", "C5", "C6", "controls"}
    assert {claim["verdict"] for claim in summary.claims} <= {"holds", "does not hold", "undecided"}
    written = json.loads((studied / "summary.json").read_text())
    assert written["grids"]["claims"].keys() == {variant.name for variant in GRIDS["claims"]}
    row = written["grids"]["claims"]["ACGA"]
    assert row["a2d"]["mIoU"]["low"] <= row["a2d"]["mIoU"]["mean"] <= row["a2d"]["mIoU"]["high"] and row["seeds"] == 1
    assert row["told apart"]["mean"] == pytest.approx(
        json.loads((studied / "claims" / "ACGA_seed_0.json").read_text())["questions"]["presence_auroc"], abs=1e-4
    )
    assert written["cost"]["runs"] == 11 and 0 < written["cost"]["hours"] < 1 and len(written["cost"]["commits"]) == 1
    assert len(summary.lines("claims")) == len(GRIDS["claims"]) + len(summary.claims)


def test_a_claim_tells_each_seed_alone(studied):
    """Two seeds that disagree: the same pair of runs, the second time changed round."""
    found = study.Study.read(studied)
    first, second = (found.of("claims", name)[0] for name in ("concatenation", "+ fusion"))
    runs = {"concatenation": [{**first, "seed": 0}, {**second, "seed": 1}], "+ fusion": [{**second, "seed": 0}, {**first, "seed": 1}]}
    claim = study_summary.claims(study.Study({"claims": runs}, found.samples))[0]
    gain = (study.iou_of(second["a2d"]) - study.iou_of(first["a2d"])).mean()
    assert claim["what"] == "mean IoU, fusion" and claim["verdict"] == "undecided"
    assert claim["by_seed"] == {"0": pytest.approx(gain), "1": pytest.approx(-gain)}


def test_means_by_tag_are_those_of_the_samples(studied):
    found = study.Study.read(studied)
    means = found.means_by_tag("claims", "ACGA", ["mentions=kind", "not mentions=kind", "mentions=nothing of the kind"])
    mask = found.tagged("mentions=kind")
    assert means["mentions=kind"].mean == pytest.approx(found.ious("claims", "ACGA")[:, mask].mean())
    assert "mentions=nothing of the kind" not in means and ("not mentions=kind" in means) == (not mask.all())


def test_the_claims_in_short_are_all_measured(studied):
    found = study.Study.read(studied)
    whole = found.of("claims", "ACGA")
    runs = found.runs | {grid: {variant.name: whole for variant in GRIDS[grid]} for grid in ("resolutions", "weighted_fusion")}
    slowly = {f"{name}, {study_summary.SLOWLY}": of for name, of in found.runs["claims"].items()}
    everything = study.Study(runs | {"claims": {**found.runs["claims"], **slowly}}, found.samples)
    rows = study_headlines.headlines(everything)
    named = [(claim, what) for claim, of in study_headlines.HEADLINES.items() for what in of]
    assert [(row["claim"], row["what"]) for row in rows] == named
    ours = next(row for row in rows if row["paper"] == 6.9)
    assert ours["interval"] == everything.difference("claims", "dynamic convolution", "ACGA")._asdict()
    axes = plots_verdicts.forest_plot(rows).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()].count(ours["what"]) == 1
    assert [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D" and len(line.get_xdata())] == [
        row["paper"] for row in rows if row["paper"] is not None
    ]


def test_the_gains_that_the_paper_reports_are_differences_in_its_tables():
    a2d, jhmdb = tables.published("A2D Sentences"), tables.published("J-HMDB Sentences (A2D model, no fine-tuning)")
    baseline, fused, weighted, whole = (
        a2d.loc[name]
        for name in ("Baseline (concatenation + FCN)", "+ multi-resolution fusion", "+ weighted BCE", "+ attention = ACGA (paper)")
    )
    loss = weighted - fused
    gains = {
        "mean IoU, fusion": (fused - baseline)["mIoU"],
        "P@0.8, fusion": (fused - baseline)["P@0.8"],
        "mean IoU more than overall IoU, weighted loss": loss["mIoU"] - loss["oIoU"],
        "mean IoU, both attentions": (whole - weighted)["mIoU"],
        "P@0.8, both attentions": (whole - weighted)["P@0.8"],
        "mean IoU, over dynamic convolution": (whole - a2d.loc["Gavrilyuk et al., RGB"])["mIoU"],
        "mean IoU on J-HMDB, not fine-tuned, over dynamic convolution": (
            jhmdb.loc["ACGA (paper)"] - jhmdb.loc["Gavrilyuk et al., RGB + flow"]
        )["mIoU"],
    }
    shown = {what: paper for of in study_headlines.HEADLINES.values() for what, paper in of.values() if paper is not None}
    assert shown == pytest.approx(gains)


def test_a_difference_of_a_variant_with_itself_is_nothing(studied):
    found = study.Study.read(studied)
    assert found.difference("claims", "ACGA", "ACGA", study.itself) == (0, 0, 0)
    assert found.difference("claims", "ACGA", "no such variant", study.itself) is None
    assert found.difference("claims", "ACGA", "ACGA", study.itself, only="mentions=nothing of the kind") is None
    both = found.tagged("mentions=relation"), found.tagged("not mentions=relation")
    assert not (both[0] & both[1]).any() and (both[0] | both[1]).all()


def test_every_figure_is_drawn_from_the_runs(studied, tmp_path):
    script = ROOT / "figures" / "study.py"
    drawn = runpy.run_path(str(script))["figures"](study.Study.read(studied))
    assert drawn.keys() == {"ladder", "claims", "robustness", "pointing", "context"}
    assert all(figure._suptitle.get_text() and figure.axes[0].get_xlabel() + figure.axes[0].get_ylabel() for figure in drawn.values())
    variants = [label.get_text() for label in drawn["ladder"].axes[0].get_yticklabels()]
    assert variants == [variant.name for variant in GRIDS["claims"]]


def test_tables_give_the_spread_over_seeds(studied):
    rows = plots_study.table(study_summary.summarise(studied), "claims")
    assert rows[0][1:] == list(METRICS) and len(rows) == 1 + len(GRIDS["claims"]) and "±" not in rows[1][1]


def test_grids_add_to_what_is_known_of_the_samples_and_never_contradict_it(place, studied, benchmarks, tmp_path):
    """A grid that runs without paraphrases, after one with them, must not take them from the study."""
    shutil.copytree(studied, tmp_path / "study")
    before = json.loads((tmp_path / "study" / "samples.json").read_text())
    replace(benchmarks, paraphrases=None).save(tmp_path / "study")
    assert json.loads((tmp_path / "study" / "samples.json").read_text()) == before
    study_summary.summarise(tmp_path / "study")
    fewer = replace(benchmarks, a2d=benchmarks.a2d.replaced(benchmarks.a2d.samples[:-1]))
    with pytest.raises(ConfigError, match="a study on other data"):
        fewer.save(tmp_path / "study")
    assert json.loads((tmp_path / "study" / "samples.json").read_text()) == before


def test_what_another_grid_has_trained_is_not_trained_again(place, studied, tmp_path, monkeypatch):
    shutil.copytree(studied / "claims", tmp_path / "claims")
    trained, probed = [], []
    real = ablation.train
    monkeypatch.setattr(ablation, "train", lambda options: trained.append(options.out.name) or real(options))
    for path in run_study(place, tmp_path, grid="resolutions", seeds=1):
        run = json.loads(path.read_text())
        probed.append("questions" in run)
        assert run["grid"] == "resolutions" and run["variant"].replace(" ", "_") in path.name
    assert trained == ["1_fused_seed_0", "2_fused_seed_0"] and probed == [False, False, True]
    whole, copied = (json.loads((tmp_path / name).read_text()) for name in ("claims/ACGA_seed_0.json", "resolutions/3_fused_seed_0.json"))
    assert copied == {**whole, "grid": "resolutions", "variant": "3 fused", "copy_of": "claims/ACGA"}
    shutil.rmtree(tmp_path / "claims")
    assert ablation._same_run(tmp_path, whole, "claims") is None  # it would have to be probed


def test_a_part_of_a_grid_may_learn_from_another_release(place, tmp_path, monkeypatch):
    learned = []
    monkeypatch.setattr(ablation, "train", lambda options: learned.append((options.root, options.out.name)) or 1 / 0)
    write_a2d(tmp_path / "crowded", SynthesisConfig(train=3, test=0, sentences=2, crowded=True, workers=1))
    with pytest.raises(ZeroDivisionError):
        run_study(place, tmp_path / "out", grid="claims", seeds=1, only=("ACGA",), learn_from=tmp_path / "crowded")
    assert learned == [(tmp_path / "crowded", "ACGA_seed_0")]
    with pytest.raises(ConfigError, match=r"no variant 'acga'; choose among dynamic convolution"):
        run_study(place, tmp_path / "out", grid="claims", only=("acga",))


def test_runs_with_other_settings_are_not_taken_for_these(place, studied):
    before = {path: path.read_bytes() for path in studied.glob("*/*.json")}
    with pytest.raises(ConfigError, match="a run with another recipe"):
        run_study(place, studied, grid="claims", seeds=1, recipe=replace(RECIPE, epochs=0.2))
    assert {path: path.read_bytes() for path in studied.glob("*/*.json")} == before


def test_differences_are_paired_by_seed_and_not_by_place(studied):
    found = study.Study.read(studied)
    run = found.of("claims", "ACGA")[0]
    better = json.loads(json.dumps(run))
    better["paraphrases"]["consistency"] = [None if one is None else one + 0.1 for one in run["paraphrases"]["consistency"]]
    runs = {"claims": {"a": [{**better, "seed": 0}, {**run, "seed": 1}], "b": [{**better, "seed": 1}]}}
    pair = study.Study(runs, found.samples)
    assert pair.difference_by_video("claims", "a", "b", "paraphrases", "consistency").mean == pytest.approx(0.1)
    assert [one["seed"] for one, _ in pair.pairs("claims", "a", "b")] == [1]


def test_the_command_line(place, tmp_path, capsys):
    small = ("size=32", "backbone_width=0.0625", "language_width=8", "vision_widths=[52,8,8]", "classifier_widths=[8,8,8]")
    where = ["--out", tmp_path, "--backbone", place / "backbone.safetensors", "--features", place / "features", "--change", *small]
    how = [
        "--grid",
        "resolutions",
        "--seeds",
        2,
        "--epochs",
        0.1,
        "--batch-size",
        8,
        "--precision",
        "fp32",
        "--workers",
        0,
        "--device",
        "cpu",
    ]
    assert main([*map(str, ["ablate", place / "a2d", *where, *how])]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in printed[:3]] == ["1 fused", "2 fused", "3 fused"] and "2 seeds" in printed[0]
    assert len(list((tmp_path / "resolutions").glob("*.json"))) == 6 and (tmp_path / "summary.json").exists()
    found = study.Study.read(tmp_path)
    assert len(plots_study.sweep(found, "resolutions", x_label="fused").axes[0].get_xticklabels()) == 3
    gains = study_contrasts.threshold_gains(found, "resolutions", "1 fused", (0.5,))
    assert gains["3 fused"]["0.5"] == found.difference("resolutions", "1 fused", "3 fused", study.above(0.5))
    assert plots_study.about(found, "resolutions").startswith("2 seeds a variant;")


def test_precision_and_recall_are_those_of_the_masks(studied, benchmarks):
    found = study.Study.read(studied)
    scores = found.scores(found.of("claims", "ACGA")[0])
    iou, precision, recall = (scores[name] for name in ("mean IoU", "precision", "recall"))
    assert scores["P@0.5"].mean() == (iou > 0.5).mean() >= scores["P@0.8"].mean() == (iou > 0.8).mean()
    assert iou.shape == precision.shape == recall.shape == (len(benchmarks.a2d),) and precision.min() >= 0 and recall.max() <= 1
    # F1 of the pixels and IoU are functions of each other
    some = recall > 0
    f1 = 2 * precision[some] * recall[some] / (precision[some] + recall[some])
    np.testing.assert_allclose(f1 / (2 - f1), iou[some], atol=1e-5)


def test_bad_input_is_one_sentence(place, studied, tmp_path, capsys):
    with pytest.raises(ConfigError, match="no grid 'everything'"):
        run_study(place, tmp_path, grid="everything")
    with pytest.raises(ConfigError, match="no runs of a study"):
        study.Study.read(tmp_path)
    (tmp_path / "claims").mkdir(exist_ok=True)
    (tmp_path / "claims" / "x.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"x\.json is no run"):
        study.Study.read(tmp_path)
    code = main(["ablate", str(tmp_path / "none"), "--out", str(tmp_path / "out"), "--backbone", str(place / "backbone.safetensors")])
    assert code == 2 and len(capsys.readouterr().err.splitlines()) == 1
