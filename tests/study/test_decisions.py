"""The tests of the plan: counted by hand, right as often as they say on simulated studies, and corrected together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from acga.study.bootstrap import bootstrap_of_totals, holm, p_value, replicates_of_totals
from acga.study.claims import BESIDE, BOTH, DYNAMIC, FUSION, ONE, TITLES
from acga.study.decisions import PLAN, both_of_a_pair, decide, gain_in_iou, minimal_pairs
from acga.study.records import Study
from acga.study.tables import decided_claims

SENTENCES = ["dog left of the car", "dog right of the car", "red dog", "dog left of the car"]
PARTNERS = ["dog right of the car", "dog left of the car", "", "dog right of the car"]


def study_of(ious, samples=None):
    """A study of variants' IoUs (R, N), by seed and sample."""
    count = len(next(iter(ious.values()))[0])
    samples = samples or [{"video": f"v{n // 3}", "frame": 1, "instance": n, "query": f"dog {n}", "partner": ""} for n in range(count)]
    runs = []
    for variant, of_seeds in ious.items():
        for seed, values in enumerate(of_seeds):
            union = np.full(count, 1000)
            answers = {"intersection": np.round(np.clip(values, 0, 1) * 1000).tolist(), "union": union.tolist()}
            runs.append({"variant": variant, "seed": seed, "answers": {"a2d": answers, "jhmdb": answers}})
    return Study.of(runs, {test: [{"test": test, **sample} for sample in samples] for test in ("a2d", "jhmdb")})


def simulate(rng, gain, *, seeds=5, videos=30):
    """Two variants: the second is better by `gain`, with spreads over seeds and videos."""
    first = rng.normal(0.5, 0.1, (1, 3 * videos)) + rng.normal(0, 0.01, (seeds, 1))
    of_video = np.repeat(rng.normal(0, 0.05, (1, videos)), 3, axis=1)
    return {BOTH.first: first, BOTH.second: first + gain + of_video + rng.normal(0, 0.01, (seeds, 1))}


def test_both_sentences_of_a_minimal_pair_count_once():
    samples = [
        {"video": video, "frame": 1, "instance": number, "query": query, "partner": partner}
        for video, some in (("v", (0, 1, 2)), ("w", (3,)))
        for number, query, partner in ((n, SENTENCES[n], PARTNERS[n]) for n in some)
    ]
    right = {BESIDE.first: [[0.9, 0.1, 0.9, 0.9]], BESIDE.second: [[0.9, 0.6, 0.1, 0.1]]}
    study = study_of(right, samples)
    rows, videos = minimal_pairs(study, BESIDE.first, 0)
    assert rows.tolist() == [[0, 1]] and videos == ["v"]  # the partner of w's sentence was not asked
    assert bootstrap_of_totals(*both_of_a_pair(study, BESIDE.first, BESIDE.second)).mean == 1.0


@pytest.mark.parametrize(("gain", "least", "most"), [(0.0, 0.0, 0.12), (0.05, 0.9, 1.0)])
def test_as_many_simulated_studies_are_decided_as_should_be(gain, least, most):
    rng = np.random.default_rng(0)
    p_values = []
    for _ in range(100):
        study = study_of(simulate(rng, gain))
        p_values.append(p_value(replicates_of_totals(*gain_in_iou(study, BOTH.first, BOTH.second))[1]))
    assert least <= np.mean(np.array(p_values) < 0.05) <= most


@given(mean=st.floats(-3, 3), seed=st.integers(0, 100))
def test_the_p_value_agrees_with_the_interval(mean, seed):
    replicates = np.random.default_rng(seed).normal(mean, 1, 4000)
    low, high = np.quantile(replicates, [0.025, 0.975])
    if min(abs(low), abs(high)) > 0.02:
        assert (p_value(replicates) < 0.05) == (low > 0 or high < 0)
    assert p_value(replicates) == pytest.approx(2 * stats.norm.sf(abs(mean)), abs=0.05)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.integers(0, 3))
def test_holm_rejects_step_by_step(p_values, missing):
    """As it is written: the smallest against level / m, the next against level / (m - 1), and so on, until one fails."""
    assert holm(p_values, tests=len(p_values) + missing) == holm([*p_values, *[1.0] * missing])[: len(p_values)]
    level, rejected = 0.05, [False] * len(p_values)
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[place] * (len(p_values) - rank) >= level:
            break
        rejected[place] = True
    assert [p < level for p in holm(p_values)] == rejected


def test_the_plan_is_decided_as_far_as_its_variants_were_run():
    assert len(PLAN) == 8
    found = decide(study_of(simulate(np.random.default_rng(1), 0.08)))
    assert [(one["claim"], one["first"], one["second"]) for one in found] == [("C3", BOTH.first, BOTH.second)]
    assert found[0]["verdict"] == "holds" and found[0]["corrected p"] == pytest.approx(found[0]["p"]) and found[0]["p"] < 0.05
    assert np.mean(found[0]["by_seed"]) == pytest.approx(found[0]["interval"]["mean"]) and found[0]["paper"] == 1.5
    table = decided_claims(found, TITLES)
    assert "| holds | +1.5 |" in table and table.count("\n") == 2
    against = decide(study_of(simulate(np.random.default_rng(1), -0.08)))
    assert against[0]["verdict"] == "does not hold"
    beside = decided_claims(found, TITLES, {"as trained": against, "of other tests": []}).splitlines()
    assert "| verdict | as trained | of other tests | paper" in beside[0] and "]: does not hold |  | +1.5 |" in beside[2]
    assert decide(study_of(simulate(np.random.default_rng(1), 0.0)))[0]["verdict"] == "undecided"


def test_several_studies_are_decided_together():
    """Each test by the first study that has both of its variants; tests still to be made make the others stricter."""
    attention = study_of(simulate(np.random.default_rng(1), 0.08))
    lower = simulate(np.random.default_rng(2), -0.08)
    fusion = study_of({FUSION.first: lower[BOTH.first], FUSION.second: lower[BOTH.second], BOTH.first: lower[BOTH.first]})
    found = decide(attention, fusion, tests=8)
    assert [one["claim"] for one in found] == ["C1", "C2", "C3"]
    assert found[0]["verdict"] == "does not hold" and found[2]["verdict"] == "holds"
    alone = [*decide(fusion), *decide(attention)]
    assert [one["by_seed"] for one in found] == [one["by_seed"] for one in alone]
    assert [one["corrected p"] for one in found] == pytest.approx(holm([one["p"] for one in alone], tests=8))


def test_tests_without_answers_are_left_out():
    ious = {DYNAMIC.first: [[0.5, 0.6]], DYNAMIC.second: [[0.6, 0.6]], ONE.first: [[0.5, 0.6]], ONE.second: [[0.6, 0.7]]}
    study = study_of(ious)
    without_jhmdb = replace(study, answers=study.answers[study.answers["test"] == "a2d"])
    assert {one["claim"] for one in decide(without_jhmdb)} == {"C3"}  # no J-HMDB, no actor with two sentences, no minimal pair
