"""Verdicts on whether an actor is there."""

import json

import numpy as np
import pytest
import torch
from helpers.small import write_clip
from hypothesis import given
from hypothesis import strategies as st

from acga.config import ACGAConfig
from acga.data.text import Vocabulary
from acga.data.video import VideoWriter
from acga.inference import ClipSession, Segmenter
from acga.model import ACGA
from acga.model.checkpoints import load_model, save_model
from acga.model.decoder import Responses
from acga.model.presence import CERTAINTY, DENIAL_CERTAINTY, Presence, confidence
from acga.output.overlay import ContactSheet
from acga.output.segmentation import write_segmentation
from acga.widgets.query_view import pack_prediction

VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(VALUES, VALUES)
def test_sure_verdicts_are_as_right_as_promised(present, absent):
    presence = Presence.calibrate(present, absent)
    assert presence.not_here <= presence.found
    shares = {
        verdict: [np.mean([presence.verdict(value) == verdict for value in values]) for values in (present, absent)]
        for verdict in ("found", "not here", "unsure")
    }
    assert sum(map(sum, shares.values())) == pytest.approx(2)
    found, missed = shares["found"], shares["not here"]
    if presence.not_here < presence.found < 1:
        assert found[0] >= CERTAINTY * sum(found) - 1e-9
    if 0 < presence.not_here < presence.found:
        assert missed[1] >= DENIAL_CERTAINTY * sum(missed) - 1e-9


def test_what_is_told_apart_leaves_nobody_unsure():
    presence = Presence.calibrate([0.7, 0.8, 0.9], [0.1, 0.2])
    assert [presence.verdict(value) for value in (0.1, 0.2, 0.7, 0.9)] == ["not here", "not here", "found", "found"]


def test_confidence_is_the_share_that_small_and_medium_have_in_common():
    small, medium, large = torch.full((1, 4, 4), -20.0), torch.full((1, 16, 16), -20.0), torch.zeros(1, 64, 64)
    small[:, :, :2] = medium[:, :8] = 20.0  # left and upper half: a quarter of three
    assert confidence(Responses(small, medium, large)).item() == pytest.approx(1 / 3, abs=0.02)
    faint = medium - 30  # next to nothing, in the same places
    assert confidence(Responses(faint, faint, large)).item() < 0.1


@pytest.fixture
def calibrated():
    model = ACGA(ACGAConfig.thin_residual(), Vocabulary(["dog", "left"])).eval()
    model.presence = Presence(not_here=0.0, found=1.0)
    return model


def test_thresholds_travel_with_the_weights(calibrated, tmp_path):
    save_model(calibrated, tmp_path / "weights.safetensors")
    assert load_model(tmp_path / "weights.safetensors").presence == calibrated.presence
    assert Segmenter(tmp_path / "weights.safetensors", "cpu").verdict(0.5) == "unsure"
    calibrated.presence = None
    save_model(calibrated, tmp_path / "without.safetensors")
    assert Segmenter(tmp_path / "without.safetensors", "cpu").verdict(0.5) is None


def test_a_film_has_a_verdict_by_the_median_of_its_frames(calibrated, tmp_path):
    segmenter = Segmenter(calibrated, "cpu")
    segmenter.presence = Presence(not_here=0.2, found=0.7)
    assert [segmenter.verdict([0.0, middle, 1.0]) for middle in (0.1, 0.5, 0.8)] == ["not here", "unsure", "found"]
    segmenter.presence = calibrated.presence
    video = segmenter.open(write_clip(tmp_path / "clip.mp4", count=3))
    with pytest.warns(UserWarning, match="does not know 'zeppelin' in 'zeppelin dog'"):
        video.segment(["dog", "zeppelin dog"], every=100)
    assert video.verdicts == {"dog": "unsure", "zeppelin dog": "unsure"}


def test_a_sentence_of_unknown_words_or_without_a_mask_is_not_found(calibrated, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", count=3)
    segmenter = Segmenter(calibrated, "cpu")
    segmenter.presence = Presence(not_here=1e-6, found=1e-6)  # whatever two responses agree about at all
    video = segmenter.open(clip)
    with pytest.warns(UserWarning, match="'hund'"):
        video.segment(["dog", "hund", "hund dog"])
    assert video.verdicts == {"dog": "found", "hund": "not here", "hund dog": "found"}
    segmenter.minimum_peak = 1.0
    video = segmenter.open(clip)
    assert not video.segment("dog").any() and video.verdicts == {"dog": "not here"}


def test_a_mask_that_is_not_here_is_only_outlined(calibrated, tmp_path, monkeypatch):
    filled = []
    monkeypatch.setattr("acga.output.overlay._paint", lambda picture, masks, *, fill: filled.append(fill))
    segmenter = Segmenter(calibrated, "cpu")
    segmenter.presence = Presence(not_here=1e-6, found=1e-6)
    for _ in write_segmentation(segmenter, write_clip(tmp_path / "clip.mp4", count=2), ["dog", "hund"], tmp_path, formats=("gif", "npz")):
        pass
    assert filled == [[True, False]] * 2


def test_the_contact_sheet_has_the_verdict_before_the_words():
    """Its legend is that of a sentence which begins with the verdict."""
    plain, labelled = ContactSheet(["dog", "cat"], (60, 80)), ContactSheet(["not here: dog", "cat"], (60, 80))
    for sheet in (plain, labelled):
        sheet.add(np.zeros((60, 80, 3), np.uint8), [], 0.0)
    assert np.array_equal(plain.picture(["not here", None]), labelled.picture())
    assert not np.array_equal(plain.picture(["not here", None]), plain.picture())


def test_summary_and_page_have_the_verdict(calibrated, tmp_path):
    segmenter, clip = Segmenter(calibrated, "cpu"), tmp_path / "clip.mp4"
    with VideoWriter(clip, 10, (32, 32)) as video:
        for _ in range(3):
            video.write(np.zeros((32, 32, 3), np.uint8))
    for _ in write_segmentation(segmenter, clip, ["dog"], tmp_path, every=100):
        pass
    assert [entry["verdict"] for entry in json.loads((tmp_path / "summary.json").read_text())["queries"]] == ["unsure"]
    session = ClipSession.from_frames(segmenter, np.zeros((2, 36, 48, 3), np.uint8))
    session.predict(["dog"], [0, 1])
    assert pack_prediction(session, "dog", [0, 1], threshold_ratio=0.5)[0]["verdicts"] == ["unsure", "unsure"]
