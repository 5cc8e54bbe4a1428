"""Calibrating a trained network on validation: what it does to the official rule's score, and to nothing else."""

import pytest
import torch
from helpers import releases
from helpers.small import small_model

from acga.data import A2DSentences, FeatureCache, extract_features
from acga.evaluation import evaluate
from acga.model.decoder import rescale_response
from acga.study import calibration
from acga.study.calibration import SCALES, SHIFTS, calibrate

CPU = torch.device("cpu")


@pytest.fixture
def dataset(tmp_path):
    return A2DSentences(releases.write_a2d(tmp_path / "a2d"), "train", size=32)


def test_the_score_is_the_best_that_was_tried_and_the_model_has_it_afterwards(dataset, tmp_path):
    model = small_model()
    rescale_response(model.decoder, 30.0, 0.0)  # far too sure
    extract_features(model.backbone.stem, dataset, tmp_path / "features")
    cache, samples = FeatureCache(tmp_path / "features"), range(len(dataset))

    def score():
        return evaluate(model, dataset, features=cache, device="cpu", progress=False).metrics["mIoU"]

    before = score()
    found = calibrate(model, dataset, samples, cache, CPU)
    assert found["scale"] in SCALES and found["shift"] in SHIFTS and found["mIoU"] >= found["mIoU as trained"]
    assert found["mIoU as trained"] == pytest.approx(before, abs=0.01)  # the official score is smoothed
    assert score() == pytest.approx(found["mIoU"], abs=0.01)


def test_of_equal_scores_the_model_stays_as_it_is(dataset, tmp_path, monkeypatch):
    model = small_model()
    extract_features(model.backbone.stem, dataset, tmp_path / "features")
    monkeypatch.setattr(calibration, "intersection_over_union", lambda *_: 0.5)
    found = calibrate(model, dataset, [0], FeatureCache(tmp_path / "features"), CPU)
    assert (found["scale"], found["shift"]) == (1.0, 0.0)
