"""The folded network computes the same function, gradients included, at every size, and exactly at the borders."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from acga.config import ACGAConfig
from acga.data.text import Vocabulary
from acga.losses import WeightedSegmentationLoss
from acga.model import ACGA, folding
from acga.model.checkpoints import load_model, save_model
from acga.model.decoder import Deconvolution, start_coarse, upsample
from acga.model.folding import compose, convolve_interpolated, deconvolve_and_convolve, fold

TINY = ACGAConfig(size=32, vocabulary_size=8, backbone_width=0.01, language_width=6, vision_widths=(16, 5, 4), classifier_widths=(5, 4, 3))
VARIANTS = {
    "plain": {},
    "two fused": {"fused_resolutions": 2},
    "none fused": {"fused_resolutions": 1},
    "no attention": {"vision_guided_language": False, "language_guided_vision": False},
    "ours": {"residual": True, "rescale_features": True, "mask_padding": True},
    "concatenation": {"matching": "concatenation"},
    "dynamic convolution": {"matching": "dynamic_convolution"},
}


def build(**changes):
    """A tiny model in double precision, so that any difference but rounding shows."""
    torch.manual_seed(0)
    return ACGA(dataclasses.replace(TINY, **changes), Vocabulary(["dog"])).double().eval()


def inputs(height, width, batch=2):
    generator = torch.Generator().manual_seed(1)
    features = torch.rand(batch, 16, 1, height, width, generator=generator, dtype=torch.float64)
    return features, torch.randn(batch, 5, 6, generator=generator, dtype=torch.float64)


def assert_same(first, second):
    for ours, theirs in zip(first, second, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10 * theirs.abs().max().item())


@pytest.mark.parametrize("variant", VARIANTS)
def test_same_responses_and_gradients(variant):
    model = build(**VARIANTS[variant])
    folded = fold(model)
    (features, word_vectors), mask = inputs(2, 3), torch.rand(2, 32, 48, generator=torch.Generator().manual_seed(2)) > 0.5
    found = []
    for network in (model, folded):
        model.zero_grad()
        responses = network.from_features(features, word_vectors)
        WeightedSegmentationLoss()(responses, mask).backward()
        found.append((responses, {name: p.grad for name, p in model.named_parameters() if p.grad is not None}))
    (plain, plain_gradients), (fast, fast_gradients) = found
    assert_same(fast, plain)
    assert fast_gradients.keys() == plain_gradients.keys()
    for name, gradient in plain_gradients.items():
        torch.testing.assert_close(fast_gradients[name], gradient, rtol=1e-8, atol=1e-12, msg=name)


@settings(max_examples=12, deadline=None)
@given(height=st.integers(1, 5), width=st.integers(1, 5), batch=st.integers(1, 3))
def test_same_responses_at_any_size(height, width, batch):
    model = build()
    with torch.no_grad():
        assert_same(fold(model).from_features(*inputs(height, width, batch)), model.from_features(*inputs(height, width, batch)))


def test_single_precision_and_the_call_from_clips():
    torch.manual_seed(0)
    model = ACGA(ACGAConfig.thin_residual()).eval()
    clip, tokens = torch.rand(1, 3, 8, 48, 64) * 2 - 1, torch.tensor([[2, 3, 4, 0, 0]])
    with torch.no_grad():
        for fast, plain in zip(fold(model)(clip, tokens), model(clip, tokens), strict=True):
            assert (fast - plain).abs().max() < 1e-4 * plain.abs().max()
            assert fast.dtype == torch.float32


def deconvolved(deconvolution, weight, visual, rows_at_once=99):
    """The output of the composed layers (B, O, 4h, 4w), its strips joined."""
    return torch.cat(list(deconvolve_and_convolve(compose(deconvolution, weight), visual, rows_at_once)), dim=1).movedim(-1, 1)


@settings(max_examples=15, deadline=None)
@given(height=st.integers(2, 6), width=st.integers(2, 6), rows_at_once=st.integers(1, 7), seed=st.integers(0, 99))
def test_deconvolution_in_one_step(height, width, rows_at_once, seed):
    """Without biases, every pixel is that of the three layers, also the outer two, where their zero paddings differ."""
    torch.manual_seed(seed)
    deconvolution = Deconvolution(3, 4).double()
    nn.init.zeros_(deconvolution.transposed.bias)
    nn.init.zeros_(deconvolution.convolution.bias)
    weight, visual = torch.randn(2, 4, 3, 3).double(), torch.randn(2, 3, height, width).double()
    expected = F.conv2d(deconvolution(visual), weight, padding=1)
    torch.testing.assert_close(deconvolved(deconvolution, weight, visual, rows_at_once), expected)


@pytest.mark.parametrize("variant", ["plain", "ours"])
def test_attention_in_one_step_changes_nothing(variant):
    """Eq. 8 without its weights is eq. 8; in `test_same_responses_and_gradients` it is what a folded network learns with."""
    model, (features, word_vectors) = build(**VARIANTS[variant]), inputs(3, 4)
    with torch.no_grad():
        visual = model.encode(features)
        asked, unasked = model.guide(visual, word_vectors), model.guide(visual, word_vectors, with_pixel_weights=False)
    assert asked.pixel_weights.shape == (2, 12, 12) and unasked.pixel_weights is None
    torch.testing.assert_close(unasked.vision, asked.vision)
    torch.testing.assert_close(unasked.word_weights, asked.word_weights)


def test_injected_attention_may_always_make_weights():
    """A module of one's own need not know that weights can be left out."""

    class Own(nn.Module):
        def forward(self, vision, text, padding=None):
            return model.attention(vision, text, padding)

    model, (features, word_vectors) = build(), inputs(2, 3)
    injected = ACGA(TINY, backbone=model.backbone, text_encoder=model.text_encoder, attention=Own(), decoder=model.decoder).double().eval()
    with torch.no_grad():
        assert_same(fold(injected).from_features(features, word_vectors), model.from_features(features, word_vectors))


@pytest.mark.parametrize("variant", ["ours", "dynamic convolution", "none fused"])
def test_responses_that_are_not_trained_yet_are_not_computed(variant, monkeypatch):
    model = build(**VARIANTS[variant])
    start_coarse(model.decoder)
    with torch.no_grad():
        plain = model.from_features(*inputs(3, 4))
        assert not plain.medium.any()
        monkeypatch.setattr(Deconvolution, "forward", None)  # would be called otherwise
        assert_same(fold(model).from_features(*inputs(3, 4)), plain)


@settings(max_examples=12, deadline=None)
@given(height=st.integers(1, 5), width=st.integers(1, 5), strip=st.sampled_from([1, 200, 700, 3000]), batch=st.integers(1, 3))
def test_strips_change_nothing(height, width, strip, batch):
    """Large maps that are made a few rows at a time are those that are made at once."""
    model = build()
    folded, before = fold(model), folding.STRIP
    with torch.no_grad():
        whole = folded.from_features(*inputs(height, width, batch))
        folding.STRIP = strip
        try:
            assert_same(folded.from_features(*inputs(height, width, batch)), whole)
        finally:
            folding.STRIP = before


def test_only_the_outer_two_pixels_need_mending():
    """So the correction is needed, and is where the docstring says: an infinite map would differ there alone."""
    torch.manual_seed(0)
    deconvolution = Deconvolution(3, 4).double()
    nn.init.zeros_(deconvolution.transposed.bias)
    nn.init.zeros_(deconvolution.convolution.bias)
    weight, visual = torch.randn(2, 4, 3, 3).double(), torch.randn(1, 3, 4, 4).double()
    wide = F.pad(visual, [2, 2, 2, 2])  # far from its borders, the layers cut nothing off
    unbounded = F.conv2d(deconvolution(wide), weight, padding=1)[:, :, 8:-8, 8:-8]
    difference = (unbounded - deconvolved(deconvolution, weight, visual)).abs().amax(dim=(0, 1))
    assert difference[2:-2, 2:-2].max() < 1e-12
    assert min(difference[:2].max(), difference[-2:].max(), difference[:, :2].max(), difference[:, -2:].max()) > 1e-3


def test_language_is_never_upsampled():
    """The separable form equals upsampling and convolving; the matrices here are those of bilinear interpolation, made pixel by pixel."""
    torch.manual_seed(0)
    small, weight = torch.randn(2, 6, 2, 3).double(), torch.randn(4, 6, 3, 3).double()
    rows, columns = (torch.stack([upsample(row[None, None, None], (1, size))[0, 0, 0] for row in torch.eye(n).double()], dim=1)
                     for n, size in ((2, 8), (3, 12)))  # fmt: skip
    part = convolve_interpolated(small, weight, rows, columns)
    assert part.rows.shape == (8, 3 * 2)
    full = torch.einsum("yr,brxo->boyx", part.rows, part.columns)
    torch.testing.assert_close(full, F.conv2d(upsample(small, (8, 12)), weight, padding=1))


def test_compositions_are_kept_while_the_weights_are_the_same(monkeypatch):
    composed = []
    monkeypatch.setattr(folding, "compose", lambda *arguments: composed.append(compose(*arguments)) or composed[-1])
    model = build()
    folded, batch = fold(model), inputs(2, 2)
    with torch.no_grad():
        folded.from_features(*batch)
        folded.from_features(*batch)
        assert len(composed) == 1
    for layer in (model.decoder.deconvolutions["large"].transposed, model.decoder.classifiers["large"].first):
        with torch.no_grad():
            layer.weight.mul_(2)  # as an optimiser does
            assert_same(folded.from_features(*batch), model.from_features(*batch))
    assert len(composed) == 3
    folded.from_features(*batch).large.sum().backward()
    assert len(composed) == 4
    with torch.inference_mode():
        folded.from_features(*batch)
    with torch.no_grad():
        assert_same(folded.from_features(*batch), model.from_features(*batch))


def test_mixed_precision():
    """Under bf16 autocast both are near full precision, the folded one no less."""
    torch.manual_seed(0)
    model = ACGA(ACGAConfig.thin_residual()).eval()
    folded, features, word_vectors = fold(model), torch.rand(2, 132, 2, 3, 4), torch.randn(2, 5, 96)
    exact = model.from_features(features, word_vectors).large
    with torch.autocast("cpu", torch.bfloat16):
        plain, fast = (network.from_features(features, word_vectors).large.float() for network in (model, folded))
    scale = exact.abs().max()
    assert 0 < (fast - exact).abs().max() < 0.02 * scale
    assert (fast - exact).abs().max() < 2 * (plain - exact).abs().max()
    fast.mean().backward()
    assert bool(model.decoder.deconvolutions["large"].transposed.weight.grad.isfinite().all())


def test_parameters_are_shared(tmp_path):
    model = build()
    folded = fold(model)
    assert dict(folded.named_parameters()).keys() == dict(model.named_parameters()).keys()
    assert all(parameter is dict(model.named_parameters())[name] for name, parameter in folded.named_parameters())
    assert folded.vocabulary is model.vocabulary
    features, word_vectors = inputs(2, 2)
    with torch.no_grad():
        for parameter in model.training_parameters():
            parameter.mul_(1.1)
        assert_same(folded.from_features(features, word_vectors), model.from_features(features, word_vectors))
    save_model(folded, tmp_path / "folded.safetensors")
    again = load_model(tmp_path / "folded.safetensors").state_dict()
    assert again.keys() == model.state_dict().keys()
    assert all(torch.equal(value, model.float().state_dict()[name]) for name, value in again.items())


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_kept(training):
    model = build().train(training)
    folded = fold(model)
    assert model.training == folded.training == model.backbone.mixed_4f.training == training
    assert not model.backbone.stem.training
    model.backbone.mixed_4f.train(not training)  # whatever the parts are in
    modes = [module.training for module in model.modules()]
    fold(model)
    assert [module.training for module in model.modules()] == modes


def test_folding_leaves_the_random_numbers_alone():
    model = build()
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    fold(model)
    assert torch.equal(torch.rand(1), expected)


def test_models_without_word_vectors_and_folding_twice():
    model = build()
    model.word_table = None
    twice = fold(fold(model))
    assert twice.word_table is None
    with torch.no_grad():
        assert_same(twice.from_features(*inputs(2, 2)), model.from_features(*inputs(2, 2)))


def test_foreign_decoders_are_refused():
    with pytest.raises(ValueError, match="fold knows the layers of a Decoder, not those of Identity"):
        fold(ACGA(TINY, decoder=nn.Identity()))
