"""Intervals over videos and seeds are as wide as theory and simulation say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from acga.study.bootstrap import bootstrap, bootstrap_of_totals, probability_of_more


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
    rare = np.full((3, 100), np.nan)
    rare[:, :4] = 0.8  # known of 2 of 50 videos, of which many draws have neither
    assert bootstrap(rare, [n // 2 for n in range(100)]) == pytest.approx((0.8, 0.8, 0.8))
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
