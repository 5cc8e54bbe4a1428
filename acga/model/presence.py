"""Whether a clip shows what a sentence describes, judged by the peak of the response: found, unsure, or not here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Verdict = Literal["found", "unsure", "not here"]
CERTAINTY = 0.95  # share of the verdicts "found", and of those "not here", that should be right


@dataclass(frozen=True)
class Presence:
    """Two thresholds of the peak, the largest probability of any pixel, that belong to the weights they were calibrated for.

    >>> Presence(not_here=0.2, found=0.6).verdict(0.4)
    'unsure'
    """

    not_here: float  # peaks below are of queries whose actor is not there
    found: float  # peaks from here on are of queries whose actor is

    def verdict(self, peak: float) -> Verdict:
        """The verdict on a response with this peak."""
        return "found" if peak >= self.found else "not here" if peak < self.not_here else "unsure"

    @classmethod
    def calibrate(cls, present: npt.ArrayLike, absent: npt.ArrayLike, *, certainty: float = CERTAINTY) -> Presence:
        """The thresholds that leave the fewest unsure while `certainty` of each sure verdict is right on these peaks.

        `present` are peaks of queries whose actor is there, `absent` of others; both kinds count as equally frequent.

        >>> Presence.calibrate([0.5, 0.8, 0.9], [0.1, 0.2, 0.6])
        Presence(not_here=0.5, found=0.8)
        """
        here, away = np.sort(np.asarray(present, dtype=float)), np.sort(np.asarray(absent, dtype=float))
        peaks = np.unique(np.concatenate([here, away]))
        missed, refused = np.searchsorted(here, peaks) / len(here), np.searchsorted(away, peaks) / len(away)  # shares below each peak
        right_above = (1 - missed) / np.maximum(2 - missed - refused, 1e-12)
        right_below = np.divide(refused, missed + refused, out=np.ones_like(refused), where=missed + refused > 0)
        found = float(next((peak for peak, right in zip(peaks, right_above, strict=True) if right >= certainty), 1.0))
        not_here = float(next((peak for peak, right in zip(peaks[::-1], right_below[::-1], strict=True) if right >= certainty), 0.0))
        if not_here > found:  # both are certain enough: nobody is unsure
            not_here = found = (not_here + found) / 2
        return cls(not_here, found)
