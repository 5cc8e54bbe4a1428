"""Disturbed queries: words replaced and put in at random, so that unfamiliar ones come to mean little."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from acga.data.text import UNKNOWN
from acga.training.batches import disturb_query

WORDS = 50  # ids of the vocabulary


@given(st.lists(st.integers(UNKNOWN, WORDS - 1), min_size=1, max_size=20), st.floats(0, 0.9), st.integers(0, 2**32 - 1))
def test_a_disturbed_query_is_a_query(ids, share, seed):
    tokens = torch.tensor(ids + [0] * (20 - len(ids)))
    before = tokens.clone()
    disturbed = disturb_query(tokens, share, WORDS, np.random.default_rng(seed))
    words = int((disturbed > 0).sum())
    assert torch.equal(tokens, before) and disturbed.shape == tokens.shape
    assert len(ids) <= words <= 20 and (disturbed[words:] == 0).all() and int(disturbed.max()) < WORDS
    assert share > 0 or torch.equal(disturbed, tokens)


def test_as_many_words_are_disturbed_as_asked_for():
    rng, asked = np.random.default_rng(0), torch.tensor([UNKNOWN] * 5 + [0] * 15)  # no word that is put in has this id
    found = [disturb_query(asked, 0.2, WORDS, rng) for _ in range(2000)]
    kept = np.mean([int((one == UNKNOWN).sum()) for one in found])
    added = np.mean([int((one > 0).sum()) - 5 for one in found])
    assert abs(kept - 5 * 0.8) < 0.1 and abs(added - 6 * 0.2 / 0.8) < 0.15
