"""Actors found by every phrasing: counted by hand, and where it comes to accuracy alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from acga.study.phrasings import gain_in_every_phrasing, phrasings, share_by_every_phrasing

RIGHT = {"weak": [1, 0, 0, 0, 0, 0, 1, 1, 1], "strong": [1, 1, 1, 0, 0, 0, 1, 1, 1]}
ACTORS = [("v", 1, 0), ("v", 1, 0), ("v", 1, 1), ("v", 1, 1), ("v", 1, 2), ("v", 1, 2), ("w", 1, 0), ("x", 1, 0), ("x", 1, 0)]


class Answers:
    """Two variants with one seed: actors a, b and c with two sentences each, d with one, e alone in its scene."""

    def answers_of(self, variant, seed):
        table = pd.DataFrame(ACTORS, columns=["video", "frame", "instance"])
        return table.assign(actors_in_scene=[3, 3, 3, 3, 3, 3, 3, 1, 1])

    def seeds(self, *variants):
        return [0]

    def scores(self, variant, *, seeds):
        return np.array([RIGHT[variant]]) * 0.6


def test_actors_with_several_sentences_beside_others_are_counted():
    found = phrasings(Answers(), "weak", seeds=[0])
    assert found.any_right.tolist() == [[1, 0, 0]] and found.all_right.tolist() == [[0, 0, 0]] and found.videos == ["v"] * 3


@pytest.mark.parametrize(("given_one", "share", "gain"), [(False, 1 / 3, 1 / 3), (True, 1 / 2, 1 / 2)])
def test_shares_and_gains(given_one, share, gain):
    assert share_by_every_phrasing(Answers(), "strong", given_one=given_one).mean == pytest.approx(share)
    assert gain_in_every_phrasing(Answers(), "weak", "strong", given_one=given_one).mean == pytest.approx(gain)
