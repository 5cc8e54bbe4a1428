"""Perturbed queries keep what they should, and questions about what is absent are about what is absent."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from acga.data.text import tokenise
from acga.errors import DatasetError
from acga.study.perturbations import PERTURBATIONS, SYNONYMS, UNKNOWN_WORD, ask_what_is_absent, perturb
from acga.synthetic.language.lexicon import VOCABULARY

SENTENCES = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=20).map(" ".join)


@given(SENTENCES, st.sampled_from(sorted(PERTURBATIONS)), st.integers(0, 3))
def test_perturbations_are_deterministic_and_never_empty_or_longer(query, name, seed):
    one, other = (PERTURBATIONS[name](query, np.random.default_rng(seed)) for _ in range(2))
    assert one == other
    assert 1 <= len(one.split()) <= len(query.split())


@given(SENTENCES, st.integers(0, 3))
def test_what_perturbations_keep(query, seed):
    words, rng = tokenise(query), np.random.default_rng(seed)
    assert sorted(PERTURBATIONS["reordered"](query, rng).split()) == sorted(words)
    swapped = PERTURBATIONS["synonyms"](query, rng).split()
    groups = [set(group) for group in SYNONYMS]
    assert all(a == b or any({a, b} <= group for group in groups) for a, b in zip(words, swapped, strict=True))
    unknown = PERTURBATIONS["unknown words"](query, rng).split()
    assert all(a == b or b == UNKNOWN_WORD for a, b in zip(words, unknown, strict=True))
    left = iter(words)
    assert all(word in left for word in PERTURBATIONS["words dropped"](query, rng).split())  # in the same order
    if len(words) > 1:
        assert UNKNOWN_WORD in unknown


def test_synonyms_are_words_of_the_drawn_world_but_the_unknown_word_is_none():
    assert {word for group in SYNONYMS for word in group} <= set(VOCABULARY)
    assert UNKNOWN_WORD not in VOCABULARY


def test_perturbed_data_sets_ask_about_the_same_things(questions):
    changed = perturb(questions.a2d, PERTURBATIONS["reordered"], seed=1)
    assert [(s.video_id, s.frame, s.instance) for s in changed.samples] == [
        (s.video_id, s.frame, s.instance) for s in questions.a2d.samples
    ]
    assert [s.query for s in changed.samples] != [s.query for s in questions.a2d.samples]
    assert torch.equal(changed.labels(3)["mask"], questions.a2d.labels(3)["mask"])


def test_absent_actors_are_absent(questions):
    noun = {(s.video_id, s.instance, s.query): s for s in questions.a2d.samples}
    kinds = {}
    for s in noun.values():
        _, instances, classes = questions.a2d.frame_masks(s.video_id, s.frame)
        kinds.setdefault(s.query, set()).add(int(classes[instances.tolist().index(s.instance)]) // 10)
    for sample in ask_what_is_absent(questions.a2d).samples:
        here = {int(label) // 10 for label in questions.a2d.frame_masks(sample.video_id, sample.frame)[2]}
        assert kinds[sample.query] - here


def test_nothing_absent_to_ask_about_is_said(questions):
    first = questions.a2d.samples[0]
    alone = questions.a2d.replaced([sample for sample in questions.a2d.samples if sample.video_id == first.video_id])
    with pytest.raises(DatasetError, match="every kind of actor"):
        ask_what_is_absent(alone)
