"""What is probed of a network agrees with loops, with the evaluation, and with what even attention gives."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from acga.data.dataset import Sample
from acga.evaluation import evaluate
from acga.study.probes import attention_distance, attention_moved, attention_on_target, by_video, consistency, mask_iou, segment_all

pytestmark = pytest.mark.usefixtures("one_thread")


@given(st.integers(0, 2**20))
@settings(max_examples=20)
def test_mask_iou_and_consistency_agree_with_a_loop(seed):
    rng = np.random.default_rng(seed)
    found = rng.random((6, 4, 4)) < 0.5
    samples = [Sample("a", 1, 0, str(n)) for n in range(5)] + [Sample("a", 1, 1, "other")]
    pairs = [mask_iou(found[[i]], found[[j]])[0] for i in range(5) for j in range(i)]
    assert consistency(samples, found) == {("a", 1, 0): pytest.approx(np.mean(pairs), abs=1e-5)}


def test_segment_all_answers_as_the_evaluation_does(model, questions, features):
    answers = segment_all(model, questions.a2d, features)
    assert answers.found.shape == answers.target.shape == (len(questions.a2d), 32, 32)
    official = evaluate(model, questions.a2d, features=features, progress=False).predictions
    np.testing.assert_allclose(answers.peaks, [answer.peak for answer in official], atol=1e-6)
    assert np.corrcoef(answers.ious, [answer.iou for answer in official])[0, 1] > 0.9  # on the square and in the frame


def test_even_attention_points_by_chance(model, questions, features):
    model.attention.language.projection.weight.data.mul_(0)
    for one in attention_on_target(model, questions.a2d, features):
        np.testing.assert_allclose(one.inside, one.chance, atol=1e-5)
    topics = {one.topic: one for one in attention_on_target(model, questions.a2d, features)}
    assert set(topics["actor"].samples) == set(range(len(questions.a2d)))  # every sentence names an actor


def test_reach_of_attention_that_is_even(model, questions, features):
    for part in (model.attention.vision.query, model.attention.vision.key):
        part.weight.data.mul_(0)
    reach = attention_distance(model, questions.a2d, features)
    np.testing.assert_allclose(reach.on_actor, reach.chance, atol=1e-5)
    np.testing.assert_allclose(reach.distance, reach.uniform_distance, atol=1e-5)
    np.testing.assert_allclose(reach.largest, 1 / 4, atol=1e-5)  # of 2 x 2 cells


def test_another_question_moves_attention_by_the_gate_alone(model, questions, features):
    frames = {}
    for sample in questions.a2d.samples:
        frames.setdefault((sample.video_id, sample.frame), set()).add(sample.instance)
    gate = model.attention.vision.gate
    gate.weight.data.normal_(std=5, generator=torch.Generator().manual_seed(0))
    moved = attention_moved(model, questions.a2d, features)
    assert len(moved) == sum(len(actors) - 1 for actors in frames.values()) > 0
    assert 0 < max(moved) <= 1 and min(moved) >= 0
    gate.weight.data.mul_(0)  # a gate that every sentence opens alike
    assert max(attention_moved(model, questions.a2d, features)) < 1e-3


def test_networks_without_a_branch_have_no_attention_to_look_at(build, config, questions, features):
    plain = build(replace(config, matching="concatenation"))
    assert attention_on_target(plain, questions.a2d, features) == [] and attention_distance(plain, questions.a2d, features) is None
    assert attention_moved(plain, questions.a2d, features) is None


def test_by_video_keeps_the_order_of_another_list():
    samples = [Sample(video, 1, 0, "dog") for video in "abc"]
    assert by_video([samples[2], samples[2], samples[0]], [1, 0, 3], like=samples) == [3.0, None, 0.5]
