"""Decoders tried out on attended maps: the same maps and masks as the whole network's, and a training that learns and repeats."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.small import CONFIG

import acga
from acga.data.text import Vocabulary
from acga.metrics import round_trip
from acga.model.network import build_decoder
from acga.teaching.decoder_trials import AttendedMaps, masks_of, measure, respond, train_decoder


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return acga.ACGA(CONFIG, Vocabulary(["dog", "left", "right"])).eval().requires_grad_(False)


@pytest.fixture
def dataset(a2d_release, model):
    return acga.A2DSentences(a2d_release, "test", size=CONFIG.size, clip_length=CONFIG.clip_length, vocabulary=model.vocabulary)


@pytest.fixture
def maps(model, dataset):
    return AttendedMaps.of(model, dataset, batch_size=3)


def test_a_decoder_on_attended_maps_answers_as_the_network_does(model, dataset, maps):
    assert len(maps) == len(dataset)
    responses = respond(model.decoder, maps, batch_size=3)
    for index in range(len(dataset)):
        item = dataset[index]
        whole = model(item["clip"][None], item["tokens"][None])
        for part, one in zip(responses, whole, strict=True):
            torch.testing.assert_close(part[index], one[0], atol=1e-4, rtol=1e-4)
        assert torch.equal(maps.targets[index], item["target"]) and np.array_equal(maps.masks[index], item["mask"].numpy())


def test_training_learns_and_repeats_itself(maps):
    def train(seed, steps=16):
        torch.manual_seed(0)
        return train_decoder(build_decoder(CONFIG), maps, steps=steps, batch_size=4, seed=seed)

    losses = train(0)
    assert len(losses) == 16 and np.mean(losses[-4:]) < 0.9 * np.mean(losses[:4])
    assert losses == train(0) and train(0, steps=1) != train(1, steps=1)


def test_the_loss_is_the_one_given(maps):
    torch.manual_seed(0)
    decoder = build_decoder(replace(CONFIG, fused_resolutions=1))
    loss = acga.WeightedSegmentationLoss(foreground_weight=4.0)
    with torch.no_grad():
        expected = loss(respond(decoder, maps), maps.targets)
    assert train_decoder(decoder, maps, steps=1, loss=loss, batch_size=len(maps))[0] == pytest.approx(expected.item(), rel=1e-4)


def test_masks_by_either_rule():
    large = torch.tensor([-1.0, 1.0]).repeat_interleave(8).expand(1, 16, 16)  # probabilities 0.27 and 0.73
    maps = AttendedMaps(torch.zeros(1), torch.zeros(1), torch.zeros(1, 16, 16), [np.ones((16, 16), bool)])
    assert masks_of(large, maps)[0].mean() == 0.5  # 0.27 is less than half of 0.73
    assert [masks_of(large, maps, threshold=share)[0].mean() for share in (0.2, 0.5, 0.8)] == [1, 0.5, 0]


def test_precision_and_recall_are_over_all_pixels():
    masks = [np.zeros((16, 16), bool), np.zeros((16, 16), bool)]
    masks[0][:4], masks[1][:12] = True, True  # 64 and 192 pixels
    maps = AttendedMaps(torch.zeros(1), torch.zeros(1), torch.zeros(2, 16, 16), masks)
    assert all(np.array_equal(round_trip(mask, 16), mask) for mask in masks)
    found = [np.ones((16, 16), bool), masks[1]]
    assert measure(found, maps) | {"precision": 256 / 448, "recall": 1.0} == measure(found, maps)
    nothing = measure([np.zeros((16, 16), bool)] * 2, maps)
    assert np.isnan(nothing["precision"]) and nothing["recall"] == nothing["oIoU"] == 0
