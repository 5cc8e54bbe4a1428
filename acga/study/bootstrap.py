"""Intervals over videos and seeds, paired where two systems answered the same questions.

Sentences about one video share its difficulty, so what the bootstrap draws again is videos, not sentences. Seeds are too few to be drawn
again, which with three of them would give intervals that miss the truth more than twice as often as they say: the error that seeds leave in
their mean is Student's t, with a degree of freedom less than there are seeds. So an interval says what another test set of this kind
*and* other seeds might have given; of a single seed it can say only the former.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import stats

DRAWS = 4000
LEVEL = 0.95


class Interval(NamedTuple):
    """A mean and the limits between which it lies with a confidence of 95 %."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Mapping[str, float]) -> Interval:
        """Read from plain values, as summaries have them."""
        return cls(values["mean"], values["low"], values["high"])

    @classmethod
    def of_replicates(cls, mean: float, replicates: np.ndarray) -> Interval:
        """From what the mean might have been."""
        low, high = np.quantile(replicates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return cls(mean, float(low), float(high))

    @property
    def excludes_zero(self) -> bool:
        """Whether zero is outside, as for a difference that is hardly chance."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        """In percent.

        >>> str(Interval(0.123, 0.1, 0.15))
        '12.3 [10.0, 15.0]'
        """
        return f"{100 * self.mean:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


class Totals(NamedTuple):
    """The arguments of `bootstrap_of_totals`."""

    values: np.ndarray  # (R, K, N)
    groups: Sequence[Hashable]  # (N,)
    statistic: Callable[[np.ndarray], np.ndarray]


def bootstrap(values: np.ndarray, groups: Sequence[Hashable], *, seed: int = 0, draws: int = DRAWS) -> Interval:
    """The mean of `values` (R, N), of R runs on N samples, with its interval; `groups` (N,) says which samples are of one video.

    A row per run: the same recipe with other seeds. Differences of two systems, sample by sample and seed by seed, make it a paired test.
    NaN marks samples that a run has no value for. Raises `ValueError` when nothing is left to average.

    >>> scores = np.random.default_rng(0).normal(0.5, 0.1, (3, 300))
    >>> interval = bootstrap(scores, [n // 3 for n in range(300)])
    >>> interval.low < 0.5 < interval.high, round(interval.high - interval.low, 2)
    (True, 0.01)
    """
    values = np.atleast_2d(np.asarray(values, np.float64))  # (R, N)
    if values.shape[1] != len(groups):
        raise ValueError(f"There are {values.shape[1]} values a run, but groups for {len(groups)}.")
    known = np.isfinite(values)
    if not known.any(axis=1).all():
        raise ValueError("There is a run without any value to average.")
    totals = np.stack([np.where(known, values, 0), known], axis=1)  # (R, 2, N)
    return bootstrap_of_totals(totals, groups, lambda sums: ratio(sums[0], sums[1]), seed=seed, draws=draws)


def ratio(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """A total by a count, of the same shape; NaN where nothing was counted, as in a draw without a video of the kind.

    >>> ratio(np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    array([0.25,  nan])
    """
    return np.divide(total, count, out=np.full(np.shape(count), np.nan), where=np.asarray(count) > 0)


def bootstrap_of_totals(
    values: np.ndarray,
    groups: Sequence[Hashable],
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> Interval:
    """The mean over runs of a statistic of totals, such as overall IoU, with its interval.

    Of every run (R) there are K values for each of N samples: `values` (R, K, N). `statistic` makes of their sums over samples (K, ...)
    one number each (...). With several runs the interval is of a replicate over videos plus the error of the seeds; how seeds differ
    from video to video is in both, so it is a little too wide rather than too narrow.

    >>> intersections_and_unions = np.array([[[1.0, 2.0, 3.0], [4.0, 4.0, 4.0]]])
    >>> bootstrap_of_totals(intersections_and_unions, "aab", lambda sums: sums[0] / sums[1])
    Interval(mean=0.5, low=0.375, high=0.75)
    """
    return Interval.of_replicates(*replicates_of_totals(values, groups, statistic, seed=seed, draws=draws))


def replicates_of_totals(
    values: np.ndarray,
    groups: Sequence[Hashable],
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> tuple[float, np.ndarray]:
    """The mean of `bootstrap_of_totals`, and what it might have been with other videos and seeds (draws,).

    Draws of videos for which the statistic is NaN, since none of them was asked about, are left out.
    """
    names = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    members = np.zeros((len(groups), len(names)))  # (N, G): which video a sample is of
    members[range(len(groups)), [names[name] for name in groups]] = 1
    sums = np.moveaxis(np.asarray(values, np.float64) @ members, 1, 0)  # (K, R, G)
    of_runs = statistic(sums.sum(axis=-1))  # (R,)
    of_videos, errors = _drawn(*sums.shape[1:], seed, draws)  # (D, G), (D,)
    replicates = statistic(sums @ of_videos.T).mean(axis=0)  # (D,)
    if len(of_runs) > 1:
        replicates = replicates + of_runs.std(ddof=1) / len(of_runs) ** 0.5 * errors
    return float(of_runs.mean()), replicates[np.isfinite(replicates)]


def p_value(replicates: np.ndarray) -> float:
    """The two-sided p-value of a mean, by its bootstrap replicates: twice the share of them on the other side of zero.

    >>> p_value(np.array([-1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]))
    0.4
    """
    draws = len(replicates) + 1  # the one that was observed counts, so that it is never zero
    other_side = min(np.sum(replicates <= 0), np.sum(replicates >= 0)) + 1
    return float(min(1.0, 2 * other_side / draws))


def holm(p_values: Sequence[float], *, tests: int = 0) -> list[float]:
    """The p-values of several tests, corrected together (Holm, 1979): below 5 %, all such tests hold but for one chance in twenty.

    Of more `tests` than there are p-values, the others are still to be made; they count as not significant.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    >>> holm([0.01, 0.04, 0.03], tests=4)
    [0.04, 0.09, 0.09]
    """
    tests = max(tests, len(p_values))
    order = np.argsort(p_values, kind="stable")
    corrected = np.maximum.accumulate([(tests - rank) * p_values[place] for rank, place in enumerate(order)])
    found = np.empty(len(p_values))
    found[order] = np.minimum(corrected, 1.0)
    return found.round(12).tolist()


@lru_cache(maxsize=8)
def _drawn(runs: int, videos: int, seed: int, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts of the videos in each draw (draws, videos), and the error of a mean of runs, in standard errors (draws,); cached."""
    rng = np.random.default_rng(seed)
    of_videos = rng.multinomial(videos, np.full(videos, 1 / videos), size=draws)
    levels = (rng.permutation(draws) + 0.5) / draws  # evenly, as the far tails of one degree of freedom are no matter of luck
    return of_videos, stats.t.ppf(levels, max(runs - 1, 1))


def probability_of_more(first: Sequence[float], second: Sequence[float]) -> float:
    """The probability that a value of `first` exceeds one of `second`, ties counting half: the area under the ROC curve.

    >>> probability_of_more([3, 4], [1, 3])
    0.875
    """
    both = np.concatenate([first, second]).astype(np.float64)
    _, place, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # ties share their mean rank
    count = len(first)
    return float((ranks[:count].sum() - count * (count + 1) / 2) / (count * len(second)))
