"""The score of a reader's predictions of the claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..errors import ConfigError
from ..study.bootstrap import Interval
from ..study.claims import TITLES
from ..study.summary import Summary

PREDICTIONS = {"helps": "holds", "too small to see": "undecided", "hurts": "does not hold"}  # and the verdicts that they foretell


def score_predictions(guesses: Mapping[str, Any], summary: Summary) -> pd.DataFrame:
    """A row for each claim: the paper's gain, ours with its interval, the verdict, and whether the prediction was right.

    Raises `ConfigError` for a prediction that is not one of `PREDICTIONS`; `...` counts as none.
    """
    rows = {}
    for name, guess in guesses.items():
        if guess is not ... and guess not in PREDICTIONS:
            raise ConfigError(f"The prediction for {name} is {guess!r}; write one of {', '.join(map(repr, PREDICTIONS))}.")
        one = next(claim for claim in summary.about(name) if claim["role"] == "primary")
        rows[f"{name}: {TITLES[name]}"] = {
            "paper": "" if one["paper"] is None else f"{one['paper']:+.1f}",
            "here": str(Interval.of(one["interval"])),
            "verdict": one["verdict"],
            "you": "–" if guess is ... else guess,
            "right": "–" if guess is ... else "yes" if PREDICTIONS[guess] == one["verdict"] else "no",
        }
    table = pd.DataFrame(rows).T
    right, asked = int((table["right"] == "yes").sum()), int((table["right"] != "–").sum())
    return table.rename_axis(f"first study: {right} of {asked} predictions right" if asked else "first study: no predictions yet")
