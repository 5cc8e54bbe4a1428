"""The loss by hand (eq. 14-16); its agreement with the official code is in test_model.py."""

import math

import pytest
import torch

from acga.losses import WeightedSegmentationLoss
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
