"""Lower precision where it is asked for, and the same numbers on a GPU as on a CPU."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import squares
from helpers.small import CONFIG, small_model

from acga.config import TrainConfig
from acga.data.a2d import A2DSentences
from acga.data.features import FeatureCache, extract_features, fingerprint
from acga.errors import DatasetError
from acga.evaluation import evaluate
from acga.model.checkpoints import load_model
from acga.model.i3d import I3D
from acga.options import TrainOptions
from acga.system.computing import autocast
from acga.training.sentences import train


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return squares.write_release(tmp_path_factory.mktemp("squares"), train=4, test=3)


@pytest.fixture(scope="module")
def dataset(root):
    return A2DSentences(root, "test", size=32)


@pytest.fixture(scope="module")
def model():
    return small_model()


def test_evaluation_in_bf16_is_near_that_in_full(model, dataset):
    full, rounded = (evaluate(model, dataset, device="cpu", precision=precision) for precision in ("fp32", "bf16"))
    assert (full.about["precision"], rounded.about["precision"]) == ("fp32", "bf16")
    peaks = np.array([[answer.peak for answer in found.predictions] for found in (full, rounded)])
    assert 0 < np.abs(peaks[0] - peaks[1]).max() < 0.02


def test_features_in_bf16_are_not_taken_for_those_in_full(model, dataset, tmp_path):
    stem, caches = model.backbone.stem, {}
    for precision in ("fp32", "bf16"):
        folder = tmp_path / precision
        extract_features(stem, dataset, folder, precision=precision)
        caches[precision] = FeatureCache(folder, fingerprint=fingerprint(stem, dataset, precision=precision))
    full, rounded = (torch.stack([cache[frame].float() for frame in dataset.annotated_frames]) for cache in caches.values())
    assert 0 < (full - rounded).norm() < 0.1 * full.norm()
    with pytest.raises(DatasetError):
        FeatureCache(tmp_path / "bf16", fingerprint=fingerprint(stem, dataset))


@pytest.fixture
def tf32_switches():
    """Both switches of the process, which are put back."""
    backends = torch.backends.cudnn, torch.backends.cuda.matmul
    before = [backend.allow_tf32 for backend in backends]
    yield backends
    for backend, allowed in zip(backends, before, strict=True):
        backend.allow_tf32 = allowed


@pytest.mark.filterwarnings("ignore:CUDA is not available")
@pytest.mark.parametrize(("precision", "allowed"), [("fp32", False), ("tf32", True), ("bf16", True)])
def test_tf32_is_used_only_where_it_is_asked_for(precision, allowed, tf32_switches):
    for backend in tf32_switches:
        backend.allow_tf32 = not allowed
    rounding = autocast(precision, torch.device("cuda"), clip_length=16)
    for _ in range(2):
        with rounding:
            assert [backend.allow_tf32 for backend in tf32_switches] == [allowed, allowed]
            with autocast("fp32", torch.device("cuda"), clip_length=16):  # as validation between steps
                assert [backend.allow_tf32 for backend in tf32_switches] == [False, False]
            assert [backend.allow_tf32 for backend in tf32_switches] == [allowed, allowed]
        assert [backend.allow_tf32 for backend in tf32_switches] == [not allowed, not allowed]


@pytest.mark.gpu
def test_evaluation_on_a_gpu_is_that_on_a_cpu(model, dataset):
    here, there = (evaluate(model, dataset, device=device) for device in ("cpu", "cuda"))
    for one, other in zip(here.predictions, there.predictions, strict=True):
        assert other.peak == pytest.approx(one.peak, abs=1e-4)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_training_on_a_gpu_goes_as_on_a_cpu(root, tmp_path, precision):
    torch.manual_seed(0)
    backbone = tmp_path / "backbone.safetensors"
    I3D(width=CONFIG.backbone_width, through="mixed_4f").to_file(backbone, provenance={})
    weights = []
    for device, how in (("cpu", "fp32"), ("cuda", precision)):
        recipe = TrainConfig(epochs=1, batch_size=4, precision=how)
        config = replace(CONFIG, size=32)
        options = TrainOptions(root=root, out=tmp_path / device, backbone=backbone, config=config, recipe=recipe, workers=0, device=device)
        train(options)
        weights.append(load_model(tmp_path / device / "last.safetensors").state_dict())
    far = max(float((one - weights[1][name]).abs().max()) for name, one in weights[0].items() if one.is_floating_point())
    assert far < (1e-3 if precision == "fp32" else 2e-2)
