"""Features of neighbouring clips equal those of each clip alone, and an image stem sees a frame once."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acga import ACGA, ACGAConfig
from acga.data.geometry import to_clip
from acga.inference import sliding_clips
from acga.model import clip_features
from acga.model.clip_features import ClipFeatures
from acga.model.optical_flow import motion

IMAGE = replace(ACGAConfig.mini(), size=64, vocabulary_size=4, backbone_width=0.25, motion=False)
MOVING = replace(IMAGE, motion=True)
I3D = replace(ACGAConfig.thin_residual(), size=64)


def film(frames):
    return np.random.default_rng(0).integers(0, 256, (frames, 48, 64, 3), dtype=np.uint8)


def clips_of(frames):
    return [clip for _, clip in sliding_clips(frames, size=64)]


@pytest.mark.parametrize("config", [IMAGE, MOVING, I3D], ids=["image", "image and motion", "i3d"])
@pytest.mark.parametrize("at_once", [1, 3, 20])
@torch.inference_mode()
def test_features_are_those_of_each_clip_alone(config, at_once):
    torch.manual_seed(0)
    model = ACGA(config).eval()
    clips = clips_of(film(20))
    features = ClipFeatures(model)
    found = [part for start in range(0, len(clips), at_once) for part in features.of(clips[start : start + at_once])]
    assert len(found) == 20
    for clip, shared in zip(clips, found, strict=True):
        alone = model.features(to_clip(np.stack(clip))[None])[0]
        torch.testing.assert_close(shared, alone, rtol=1e-4, atol=1e-5 * float(alone.abs().max()))


def test_each_frame_and_each_pair_is_looked_at_once_and_few_are_kept(monkeypatch):
    """Beside the pairs of successive frames there are two of the first frame with itself, as the film begins, and of the last."""
    model = ACGA(MOVING).eval()
    frames, pairs, appearance = [], [], model.backbone.stem.appearance
    monkeypatch.setattr(model.backbone.stem, "appearance", lambda given: frames.append(len(given)) or appearance(given))
    monkeypatch.setattr(clip_features, "motion", lambda given: pairs.append(len(given)) or motion(given))
    monkeypatch.setattr(clip_features, "KEPT", 24)
    features = ClipFeatures(model)
    for clip in clips_of(film(60)):
        features.of([clip])
        assert len(features._appearance) <= 24 and len(features._motion) <= 24
    assert sum(frames) == 60 and sum(pairs) == 59 + 2
