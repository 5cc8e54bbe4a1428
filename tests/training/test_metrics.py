"""Metrics: the official evaluation's numbers, a slow reference, and what must be refused."""

import json
import pickle
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from helpers.paths import GOLDEN
from hypothesis import given, settings
from hypothesis import strategies as st

from acga.data.geometry import undo_pad_resize
from acga.errors import DatasetError
from acga.metrics import SegmentationMetrics, binarise, intersection_over_union, round_trip

DATA = GOLDEN


def random_masks(seed, count=6, size=(9, 7)):
    """Pairs that agree more or less; no target is empty."""
    rng = np.random.default_rng(seed)
    targets = rng.random((count, *size)) < rng.uniform(0.1, 0.9, (count, 1, 1))
    targets[:, 0, 0] = True
    flipped = rng.random((count, *size)) < rng.uniform(0, 0.5, (count, 1, 1))
    return targets ^ flipped, targets


def collect(predictions, targets, scores=None, **options):
    metrics = SegmentationMetrics(**options)
    for index, (predicted, target) in enumerate(zip(predictions, targets, strict=True)):
        metrics.update(predicted, target, score=None if scores is None else scores[index])
    return metrics


@pytest.fixture(scope="module")
def official():
    with np.load(DATA / "official_evaluation.npz") as stored:
        masks = np.unpackbits(stored["masks"], axis=-1)  # (24, 512, 512)
        responses = stored["responses"].astype(np.float32) / 32
        return responses, masks, [tuple(size) for size in stored["sizes"].tolist()], stored["ious"]


def test_official_evaluation(official):
    responses, masks, sizes, ious = official
    metrics = SegmentationMetrics()
    for response, mask, size in zip(responses, masks, sizes, strict=True):
        predicted = binarise(torch.from_numpy(response), size)
        assert predicted.shape == size and predicted.dtype == bool
        metrics.update(predicted, undo_pad_resize(mask, size).astype(bool))
    np.testing.assert_allclose(metrics.ious, ious, rtol=1e-9)
    expected = json.loads((DATA / "official_evaluation.json").read_text())
    assert metrics.compute() == pytest.approx(expected, rel=1e-9)


def test_threshold_is_half_the_maximum_of_this_map():
    # sigmoid: 0.018, 0.119, 0.269 and the maximum 0.5, so 0.269 is above half of it though no logit is above 0.
    response = np.array([[-4.0, -2.0], [-1.0, 0.0]])
    np.testing.assert_array_equal(binarise(response, (2, 2)), [[False, False], [True, True]])
    np.testing.assert_array_equal(binarise(torch.tensor(response, requires_grad=True), (2, 2)), [[False, False], [True, True]])


@pytest.mark.parametrize("shape", [(1, 8, 8), (8, 16), (8,)])
def test_binarise_refuses_what_is_not_one_square_map(shape):
    with pytest.raises(ValueError, match=r"square response \(S, S\)"):
        binarise(torch.zeros(shape), (8, 8))


def slow_reference(predictions, targets, strict):
    """The definitions of docs/PROTOCOL.md in exact fractions, pixel by pixel."""
    ious, intersections, unions = [], 0, 0
    for predicted, target in zip(predictions.tolist(), targets.tolist(), strict=True):
        pixels = [(p, t) for rows in zip(predicted, target, strict=True) for p, t in zip(*rows, strict=True)]
        intersection, union = sum(p and t for p, t in pixels), sum(p or t for p, t in pixels)
        ious.append(Fraction(intersection, union))
        intersections, unions = intersections + intersection, unions + union

    def precision(hundredths):
        threshold = Fraction(hundredths, 100)
        return sum(iou > threshold if strict else iou >= threshold for iou in ious) / len(ious)

    return {
        **{f"P@0.{tenth}": precision(10 * tenth) for tenth in range(5, 10)},
        "mAP": sum(precision(hundredths) for hundredths in range(50, 100, 5)) / 10,
        "oIoU": intersections / unions,
        "mIoU": float(sum(ious) / len(ious)),
    }


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 8), strict=st.booleans())
def test_against_a_slow_reference(seed, count, strict):
    predictions, targets = random_masks(seed, count=count, size=(4, 5))
    assert collect(predictions, targets, strict=strict).compute() == pytest.approx(slow_reference(predictions, targets, strict), abs=1e-5)


def test_an_iou_at_the_threshold_counts_unless_strict():
    target = np.ones((1, 10), dtype=bool)
    predicted = np.arange(10)[np.newaxis] < 6  # IoU 0.6
    assert collect([predicted], [target]).compute()["P@0.6"] == 1
    assert collect([predicted], [target], strict=True).compute()["P@0.6"] == 0
    assert collect([predicted], [target], strict=True).compute()["P@0.5"] == 1


def test_merged_processes_give_what_one_gives():
    predictions, targets = random_masks(3, count=9)
    scores = np.linspace(0.1, 0.9, 9)
    parts = [pickle.loads(pickle.dumps(collect(predictions[k::3], targets[k::3], scores[k::3]))) for k in range(3)]
    merged = SegmentationMetrics()
    merged.merge(parts)
    alone = collect(predictions, targets, scores)
    assert len(merged) == 9
    assert merged.compute() == pytest.approx(alone.compute(), abs=1e-12)
    np.testing.assert_array_equal(np.sort(merged.ious), np.sort(alone.ious))


def slow_coco(ious, scores):
    """COCO AP when every image has one object and one detection: 101-point interpolated precision, averaged over ten IoUs."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    averages = []
    for hundredths in range(50, 100, 5):
        hits = np.asarray(ious)[order] >= hundredths / 100
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        recall = np.cumsum(hits) / len(hits)
        averages.append(np.mean([max(precision[recall >= point], default=0) for point in np.linspace(0, 1, 101)]))
    return float(np.mean(averages))


@pytest.mark.parametrize("seed", range(4))
def test_coco_average_precision(seed):
    predictions, targets = random_masks(seed, count=10, size=(16, 16))
    scores = np.random.default_rng(seed).random(10)
    metrics = collect(predictions, targets, scores)
    assert metrics.compute()["coco_mAP"] == pytest.approx(slow_coco(metrics.ious, scores), abs=1e-6)
    assert "coco_mAP" not in collect(predictions, targets).compute()


def test_coco_average_precision_needs_scores_that_vary():
    predictions, targets = random_masks(0)
    with pytest.raises(ValueError, match="all scores are the same"):
        collect(predictions, targets, [0.5] * len(targets)).compute()


def test_scores_for_all_samples_or_none():
    mask = np.ones((2, 2), dtype=bool)
    scored, plain = collect([mask], [mask], [0.5]), collect([mask], [mask])
    for first, score in ((scored, None), (plain, 0.5)):
        with pytest.raises(ValueError, match="for all samples or for none"):
            first.update(mask, mask, score=score)
    with pytest.raises(ValueError, match="for all samples or for none"):
        plain.merge([scored])


def test_an_empty_target_is_refused_and_an_empty_prediction_is_zero():
    mask, nothing = np.ones((2, 2), dtype=bool), np.zeros((2, 2), dtype=bool)
    metrics = collect([nothing], [mask])
    assert metrics.ious[0] < 1e-6
    with pytest.raises(DatasetError, match="target mask of sample 1 is empty"):
        metrics.update(mask, nothing)
    assert len(metrics) == 1


@pytest.mark.parametrize(
    ("predicted", "target"),
    [
        (np.ones((2, 2), bool), np.ones((2, 3), bool)),
        (np.ones((2, 2), np.uint8), np.ones((2, 2), bool)),
        (np.ones(4, bool), np.ones(4, bool)),
    ],
)
def test_other_shapes_and_types_are_refused(predicted, target):
    with pytest.raises(ValueError, match="two bool masks of one shape"):
        SegmentationMetrics().update(predicted, target)
    with pytest.raises(ValueError, match="two bool masks of one shape"):
        intersection_over_union(predicted, target)


def test_nothing_to_compute():
    with pytest.raises(ValueError, match="no sample"):
        SegmentationMetrics().compute()


def test_smoothing_makes_two_empty_masks_alike():
    assert intersection_over_union(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1


def test_round_trip_keeps_large_masks_and_never_empties_small_ones():
    large = np.zeros((240, 320), dtype=bool)
    large[60:200, 50:200] = True
    assert intersection_over_union(round_trip(large, 512), large) > 0.97
    tiny = np.zeros((480, 640), dtype=bool)
    tiny[7, 9] = True
    np.testing.assert_array_equal(round_trip(tiny, 64), tiny)


@given(st.integers(0, 2**32 - 1))
def test_one_piece_is_connected_and_the_heaviest(seed):
    rng = np.random.default_rng(seed)
    response = cv2.GaussianBlur(rng.normal(size=(48, 48)), (0, 0), 3) * 40 - 1
    whole, piece = (binarise(response, (48, 48), one_piece=one) for one in (False, True))
    assert piece.any() and not (piece & ~whole).any()
    count, labels = cv2.connectedComponents(whole.astype(np.uint8), connectivity=8)
    probability = 1 / (1 + np.exp(-response))
    weights = [probability[labels == number].sum() for number in range(1, count)]
    assert np.array_equal(piece, labels == 1 + int(np.argmax(weights))) or np.isclose(max(weights), probability[piece].sum())


def test_a_piece_that_does_not_survive_the_way_back_leaves_the_whole_mask():
    def mask(of, **how):
        response = np.full((64, 64), -9.0)
        for place, logit in of.items():
            response[place] = logit
        return binarise(response, (20, 20), **how)

    lost = next((at, 30) for at in range(4, 30) if not mask({(at, 30): 5.0}).any())
    kept = next((at, other) for at in range(34, 60) for other in range(34, 60) if mask({(at, other): 5.0}).any())
    both = {lost: 5.0, kept: 4.0}  # the one that is lost is the heavier
    assert mask(both, one_piece=True).any() and np.array_equal(mask(both, one_piece=True), mask(both))
