"""The smallest difference that a study can see, from how much the differences of an earlier one vary over seeds and videos."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats


@dataclass(frozen=True)
class Spread:
    """Standard deviations of a difference, in its unit: of what a seed adds, of what a video adds, and of the rest."""

    seeds: float
    videos: float
    rest: float

    @classmethod
    def of(cls, differences: np.ndarray, videos: Sequence[Hashable]) -> Spread:
        """From differences (R, N) of R seeds and N samples, NaN where a sample is not asked about; each sample belongs to a video.

        Two-way analysis of variance of the means of videos, without replication; what would be negative is zero.

        >>> Spread.of(np.array([[1.0, 1.0, 3.0], [2.0, 2.0, 4.0]]), ["a", "a", "b"])
        Spread(seeds=0.7071067811865476, videos=1.4142135623730951, rest=0.0)
        """
        table = pd.DataFrame(differences.T).groupby(list(videos), sort=False).mean().dropna().to_numpy().T  # (R, V)
        runs, count = table.shape
        by_seed, by_video, mean = table.mean(axis=1), table.mean(axis=0), table.mean()
        left = table - by_seed[:, None] - by_video + mean
        rest = (left**2).sum() / max((runs - 1) * (count - 1), 1)
        of_seeds = (by_seed.var(ddof=1) - rest / count) if runs > 1 else 0.0
        of_videos = by_video.var(ddof=1) - rest / runs
        seeds, videos_, remaining = (float(np.sqrt(max(variance, 0.0))) for variance in (of_seeds, of_videos, rest))
        return cls(seeds, videos_, remaining)

    def error(self, *, seeds: int, videos: int) -> float:
        """The standard error of the mean difference over so many seeds and videos.

        >>> Spread(seeds=2.0, videos=0.0, rest=0.0).error(seeds=4, videos=10)
        1.0
        """
        return float(np.sqrt(self.seeds**2 / seeds + self.videos**2 / videos + self.rest**2 / (seeds * videos)))

    def smallest_seen(self, *, seeds: int, videos: int, tests: int = 1, power: float = 0.8, level: float = 0.05) -> float:
        """The difference that a two-sided test sees with a probability of `power`.

        Student's t with `seeds` - 1 degrees of freedom. Of `tests` tests, Holm's correction holds the strictest to `level` / `tests`.
        """
        t = stats.t(seeds - 1)
        return float((t.ppf(1 - level / tests / 2) + t.ppf(power)) * self.error(seeds=seeds, videos=videos))
