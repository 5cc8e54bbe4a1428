"""Whether a clip shows what a sentence describes, judged by how well two responses agree: found, unsure, or not here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from .decoder import Responses

Verdict = Literal["found", "unsure", "not here"]
CERTAINTY = 0.85  # share of the verdicts "found" that should be right
DENIAL_CERTAINTY = 0.95  # … and of those "not here": to deny what is there misleads more than to be unsure
HARDLY_SEEN = 1e-3  # of the map's area, added to the union: two responses that see next to nothing do not agree


def confidence(responses: Responses) -> Tensor:
    """The soft IoU of the small and the medium response's probabilities, (B,), from 0 to 1: how well they agree.

    What is not there tends to be seen in different places, or by one of them alone. The final response is made of these two, and of a
    third, so it could only agree with them.

    >>> seen, unseen = torch.full((1, 2, 2), 9.0), torch.full((1, 2, 2), -9.0)
    >>> [round(confidence(Responses(coarse, seen, seen)).item(), 2) for coarse in (seen, unseen)]
    [1.0, 0.0]
    """
    fine = responses.medium.float().sigmoid()  # (B, H / 4, W / 4)
    coarse = functional.interpolate(responses.small.float()[:, None], fine.shape[-2:], mode="bilinear")[:, 0].sigmoid()
    both, either = torch.minimum(coarse, fine).mean(dim=(-2, -1)), torch.maximum(coarse, fine).mean(dim=(-2, -1))
    return both / (either + HARDLY_SEEN)


@dataclass(frozen=True)
class Presence:
    """Two thresholds of the `confidence` that belong to the weights they were calibrated for.

    >>> Presence(not_here=0.2, found=0.6).verdict(0.4)
    'unsure'
    """

    not_here: float  # below, the actor is not there
    found: float  # from here on, it is

    def verdict(self, confidence: float) -> Verdict:
        """The verdict on a response with this confidence."""
        return "found" if confidence >= self.found else "not here" if confidence < self.not_here else "unsure"

    @classmethod
    def calibrate(
        cls, present: npt.ArrayLike, absent: npt.ArrayLike, *, certainty: float = CERTAINTY, denial_certainty: float = DENIAL_CERTAINTY
    ) -> Presence:
        """The thresholds that leave the fewest unsure while these shares of the verdicts "found" and "not here" are right on these values.

        `present` is the confidence of queries whose actor is there, `absent` of others; both kinds count as equally frequent.

        >>> Presence.calibrate([0.5, 0.8, 0.9], [0.1, 0.2, 0.6])
        Presence(not_here=0.5, found=0.8)
        """
        here, away = np.sort(np.asarray(present, dtype=float)), np.sort(np.asarray(absent, dtype=float))
        values = np.unique(np.concatenate([here, away]))
        missed, refused = np.searchsorted(here, values) / len(here), np.searchsorted(away, values) / len(away)  # shares below each value
        right_above = (1 - missed) / np.maximum(2 - missed - refused, 1e-12)
        right_below = np.divide(refused, missed + refused, out=np.ones_like(refused), where=missed + refused > 0)
        found = float(next((value for value, right in zip(values, right_above, strict=True) if right >= certainty), 1.0))
        not_here = float(
            next((value for value, right in zip(values[::-1], right_below[::-1], strict=True) if right >= denial_certainty), 0.0)
        )
        if not_here > found:  # both are certain enough: nobody is unsure
            not_here = found = (not_here + found) / 2
        return cls(not_here, found)
