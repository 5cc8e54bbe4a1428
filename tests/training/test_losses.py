"""The loss by hand (eq. 14-16); its agreement with the official code is in test_model.py."""

import math

import pytest
import torch

from acga.losses import WeightedSegmentationLoss, dice_loss
from acga.model import Responses


def random_responses(seed=0, batch=2):
    generator = torch.Generator().manual_seed(seed)
    return Responses(*(torch.randn(batch, side * 2, side * 3, generator=generator) for side in (1, 4, 16)))


def test_equation_14_pixel_by_pixel():
    responses = random_responses()
    mask = torch.rand(2, 32, 48, generator=torch.Generator().manual_seed(1)) > 0.5
    total = 0.0
    for response, label in zip(responses.large.flatten().tolist(), mask.flatten().tolist(), strict=True):
        foreground = 1 / (1 + math.exp(-response))
        total -= 1.5 * label * math.log(foreground) + (1 - label) * math.log(1 - foreground)
    large = WeightedSegmentationLoss().per_resolution(responses, mask)[2]
    assert large.item() == pytest.approx(total / mask.numel(), rel=1e-5)


def test_small_targets_are_soft():
    """A cell half covered by the mask is least costly at probability P / (P + 1), so at one half for P = 1."""
    mask = torch.zeros(1, 32, 32)
    mask[:, :, :8] = 1  # bilinear interpolation without antialiasing looks at columns 7 and 8 for the first cell of 2
    small = torch.zeros(1, 2, 2, requires_grad=True)
    responses = Responses(small, torch.zeros(1, 8, 8), torch.zeros(1, 32, 32))
    WeightedSegmentationLoss(foreground_weight=1).per_resolution(responses, mask)[0].backward()
    torch.testing.assert_close(small.grad, torch.tensor([[[0.0, 0.125], [0.0, 0.125]]]))


def test_resolution_weights():
    responses, mask = random_responses(), torch.ones(2, 32, 48)
    small, medium, large = WeightedSegmentationLoss().per_resolution(responses, mask)
    weighted = WeightedSegmentationLoss(resolution_weights=(1, 0.5, 2))(responses, mask)
    torch.testing.assert_close(weighted, small + 0.5 * medium + 2 * large)


def test_foreground_weight_scales_foreground_only():
    responses = random_responses()
    plain, weighted = WeightedSegmentationLoss(foreground_weight=1), WeightedSegmentationLoss(foreground_weight=3)
    torch.testing.assert_close(weighted(responses, torch.ones(2, 32, 48)), 3 * plain(responses, torch.ones(2, 32, 48)))
    torch.testing.assert_close(weighted(responses, torch.zeros(2, 32, 48)), plain(responses, torch.zeros(2, 32, 48)))


def test_low_precision_is_summed_in_full():
    responses, mask = random_responses(), torch.rand(2, 32, 48, generator=torch.Generator().manual_seed(1)) > 0.5
    rounded = Responses(*(response.bfloat16() for response in responses))
    expected = WeightedSegmentationLoss()(Responses(*(response.float() for response in rounded)), mask)
    torch.testing.assert_close(WeightedSegmentationLoss()(rounded, mask), expected, rtol=0, atol=0)


def test_wrong_shapes():
    with pytest.raises(ValueError, match=r"mask is \(2, 16, 48\), but the large response is \(2, 32, 48\)"):
        WeightedSegmentationLoss()(random_responses(), torch.zeros(2, 16, 48))
    with pytest.raises(ValueError, match="three resolutions, but 2 weights"):
        WeightedSegmentationLoss(resolution_weights=(1, 1))


def test_dice_by_hand():
    """Two samples of four pixels: 1 - (2 common + 1) / (areas + 1)."""
    response = torch.tensor([[[0.0, 0.0], [0.0, 0.0]], [[math.log(3), 0.0], [0.0, 0.0]]])
    target = torch.tensor([[[1.0, 1.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]]])
    expected = ((1 - (2 * 1.0 + 1) / (4.0 + 1)) + (1 - (2 * 0.75 + 1) / (3.25 + 1))) / 2
    assert dice_loss(response, target).item() == pytest.approx(expected)


def test_dice_is_added_at_every_resolution():
    responses, mask = random_responses(), torch.rand(2, 32, 48, generator=torch.Generator().manual_seed(1)) > 0.5
    plain, more = (WeightedSegmentationLoss(dice=dice).per_resolution(responses, mask) for dice in (0.0, 0.5))
    added = [(after - before).item() for before, after in zip(plain, more, strict=True)]
    assert added[2] == pytest.approx(0.5 * dice_loss(responses.large, mask.float()).item(), rel=1e-5)
    assert all(0.05 < value < 0.5 for value in added)


def test_other_actors_weigh_more_where_they_are_background():
    responses, mask, others = random_responses(), torch.zeros(2, 32, 48), torch.zeros(2, 32, 48)
    mask[:, :16], others[:, 8:24] = 1, 1  # they overlap in 8 rows, which stay foreground
    per_pixel = torch.nn.functional.binary_cross_entropy_with_logits(responses.large, mask, pos_weight=torch.tensor(1.5), reduction="none")
    per_pixel[:, 16:24] *= 3
    loss = WeightedSegmentationLoss(other_actors_weight=3.0)
    torch.testing.assert_close(loss.per_resolution(responses, mask, others)[2], per_pixel.mean())
    for found, plain in zip(loss.per_resolution(responses, mask), WeightedSegmentationLoss().per_resolution(responses, mask), strict=True):
        torch.testing.assert_close(found, plain, rtol=0, atol=0)  # nobody else is known
    assert all(a > b for a, b in zip(loss.per_resolution(responses, mask, others), loss.per_resolution(responses, mask), strict=True))
