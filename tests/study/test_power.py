"""What a study can see: its formula against simulated studies."""

import numpy as np
import pytest
from scipy import stats

from acga.study.power import Spread

TRUE = Spread(seeds=1.0, videos=12.0, rest=6.0)


def simulate(rng, difference, seeds, videos):
    """Differences (seeds, videos) of a study with a known truth."""
    by_seed, by_video = rng.normal(0, TRUE.seeds, (seeds, 1)), rng.normal(0, TRUE.videos, videos)
    return difference + by_seed + by_video + rng.normal(0, TRUE.rest, (seeds, videos))


def test_the_spread_of_a_known_study_is_found():
    rng = np.random.default_rng(0)
    found = [Spread.of(simulate(rng, 3.0, 8, 300), range(300)) for _ in range(40)]
    for name in ("seeds", "videos", "rest"):
        mean = np.sqrt(np.mean([getattr(one, name) ** 2 for one in found]))
        assert mean == pytest.approx(getattr(TRUE, name), rel=0.12)


def test_samples_that_are_not_asked_about_play_no_part():
    differences, videos = np.array([[1.0, 2.0, np.nan, 5.0], [3.0, 1.0, np.nan, 4.0]]), ["a", "a", "b", "c"]
    assert Spread.of(differences, videos) == Spread.of(differences[:, [0, 1, 3]], ["a", "a", "c"])


def test_the_smallest_difference_is_seen_as_often_as_promised():
    seeds, videos, rng = 6, 250, np.random.default_rng(1)
    difference = TRUE.smallest_seen(seeds=seeds, videos=videos, tests=8)
    level, error = 0.05 / 8, TRUE.error(seeds=seeds, videos=videos)
    limit = stats.t(seeds - 1).ppf(1 - level / 2) * error
    seen = np.mean([simulate(rng, difference, seeds, videos).mean() > limit for _ in range(2000)])
    assert seen == pytest.approx(0.8, abs=0.06)


def test_more_seeds_and_videos_see_more():
    few = TRUE.smallest_seen(seeds=5, videos=100)
    assert TRUE.smallest_seen(seeds=8, videos=100) < few and TRUE.smallest_seen(seeds=5, videos=300) < few
    assert TRUE.smallest_seen(seeds=5, videos=100, tests=8) > few
