"""The network against the official one, its mathematical properties, its ablations, and its errors."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from helpers import fill
from helpers.paths import GOLDEN
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from acga.config import ACGAConfig
from acga.data.text import Vocabulary
from acga.errors import ConfigError
from acga.losses import WeightedSegmentationLoss
from acga.model import ACGA, I3D, LanguageGuidedVisionAttention, VisionGuidedLanguageAttention, coordinates, encode_video
from acga.model.attention import padding_mask, pool_words
from acga.model.checkpoints import load_model
from acga.model.convert import OFFICIAL_NAMES
from acga.model.folding import fold

DATA = GOLDEN
RESPONSES = ("small", "medium", "large")
# Narrow everywhere, for tests that need no particular size.
TINY = ACGAConfig(
    size=32,
    vocabulary_size=16,
    max_query_length=5,
    backbone_width=0.01,
    language_width=6,
    vision_widths=(16, 5, 4),
    classifier_widths=(5, 4, 3),
)
TINY_FEATURES = 16  # channels of mixed_4e at this width


def switched(**fields):
    return dataclasses.replace(TINY, **fields)


def tiny_inputs(height=2, width=3, batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(batch, TINY_FEATURES, 1, height, width, generator=generator)
    word_vectors = torch.randn(batch, TINY.max_query_length, TINY.language_width, generator=generator)
    word_vectors[0, 3:] = 0
    return features, word_vectors


def tiny_model(config=TINY, seed=0):
    torch.manual_seed(seed)
    return ACGA(config).eval()


# Against the official code


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """The full-size network with the golden values, read from a file as the official code saves it."""
    names = json.loads((DATA / "official_acga_names.json").read_text())
    state = {name: torch.from_numpy(np.asarray(value)) for name, value in fill.state_dict(names).items()}
    path = tmp_path_factory.mktemp("official") / "model_best.pth.tar"
    torch.save({"epoch": 9, "state_dict": state, "optimizer": {"state": {}, "param_groups": [{"lr": 5e-4}]}}, path)
    return load_model(path)


@pytest.fixture(scope="module")
def golden_inputs():
    features = torch.relu(torch.from_numpy(fill.array("mixed_4e", (2, 528, 4, 8, 8))))
    word_vectors = torch.from_numpy(fill.array("word_vectors", (2, 20, 300)))
    word_vectors[0, 9:] = 0
    mask = torch.from_numpy(fill.array("mask", (2, 128, 128))) > 1
    return features, word_vectors, mask


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(DATA / "official_acga_8.npz"))


def differences(model, features, word_vectors, golden):
    """The largest difference to each golden map, relative to its largest value."""
    with torch.no_grad():
        attended = model.attend(features, word_vectors)
        responses = model.from_features(features, word_vectors)
        ours = {
            "mixed_4f_mean": model.backbone.mixed_4f(features).mean(dim=2),
            "text": model.text_encoder(word_vectors),
            "attended_language": attended.language,
            "attended_vision": attended.vision,
            **{f"response_{name}": getattr(responses, name) for name in RESPONSES},
        }
    assert all(ours[name].shape == golden[name].shape for name in ours)
    return {name: float(np.abs(ours[name].numpy() - golden[name]).max() / np.abs(golden[name]).max()) for name in ours}


def test_every_map_is_the_official_one(official, golden_inputs, golden):
    assert max(differences(official, *golden_inputs[:2], golden).values()) < 1e-4


def test_folded_responses_are_the_official_ones(official, golden_inputs, golden):
    assert max(differences(fold(official), *golden_inputs[:2], golden).values()) < 1e-4


def test_losses_are_the_official_ones(official, golden_inputs, golden):
    features, word_vectors, mask = golden_inputs
    with torch.no_grad():
        losses = WeightedSegmentationLoss().per_resolution(official.from_features(features, word_vectors), mask)
    np.testing.assert_allclose([loss.item() for loss in losses], golden["losses"], rtol=1e-4)


@pytest.mark.parametrize("prepare", [lambda model: model, fold], ids=["plain", "folded"])
def test_gradient_norms_are_the_official_ones(prepare, official, golden_inputs):
    features, word_vectors, mask = golden_inputs
    official.zero_grad()
    WeightedSegmentationLoss()(prepare(official).from_features(features, word_vectors), mask).backward()
    expected = json.loads((DATA / "official_gradient_norms_8.json").read_text())
    gradients = {name: parameter.grad for name, parameter in official.named_parameters() if parameter.grad is not None}
    assert len(gradients) == len(expected)  # the stem has none
    for official_name, norm in expected.items():
        layer, _, kind = official_name.removeprefix("module.").rpartition(".")
        if layer in OFFICIAL_NAMES:
            name = f"{OFFICIAL_NAMES[layer]}.{kind}"
        else:
            name = f"{layer.removeprefix('video_model.model.')}.{kind}".replace("conv3d", "convolution").replace("batch3d", "normalisation")
            name = f"backbone.{name}"
        # fp32 rounding alone moves these norms by up to 9e-4 from those in double precision, on the processors tried.
        assert gradients[name].norm().item() == pytest.approx(norm, rel=2e-3, abs=1e-7), name


def swap_softmax_axis(model):
    """Rows of the pixel weights are normalised along the wrong axis: the keys and queries change places."""
    vision = model.attention.vision
    vision.query, vision.key = vision.key, vision.query


def drop_language(model):
    model.attention.language.register_forward_hook(lambda module, inputs, output: (torch.zeros_like(output[0]), output[1]))


def drop_gate(model):
    model.attention.vision.gate.register_forward_hook(lambda module, inputs, output: torch.ones_like(output))


def reverse_fusion(model):
    model.decoder.fusion.weight.data = model.decoder.fusion.weight.data.flip(1)


def skip_normalisation(model):
    model.backbone.mixed_4f.register_forward_hook(lambda module, inputs, output: 2 * output + 1)


@pytest.mark.parametrize("mutate", [swap_softmax_axis, drop_language, drop_gate, reverse_fusion, skip_normalisation])
def test_mutations_are_caught(mutate, official, golden_inputs, golden):
    """Proof that the golden comparison can fail."""
    import copy

    mutant = copy.deepcopy(official)
    mutate(mutant)
    assert max(differences(mutant, *golden_inputs[:2], golden).values()) > 1e-3


def test_pixel_weights_are_those_of_a_loop(official, golden_inputs):
    """Eq. 6-8 for one pixel of one clip, in plain loops over pixels."""
    features, word_vectors = golden_inputs[0][:1], golden_inputs[1][:1]
    with torch.no_grad():
        visual = encode_video(official.backbone.mixed_4f(features))
        pixels = torch.cat([visual, coordinates(8, 8)[None]], dim=1)[0].flatten(1).T  # (64, 840)
        branch = official.attention.vision
        gate = branch.gate(official.text_encoder(word_vectors)[0].max(dim=0).values)
        scores = [torch.dot(branch.query(pixels[11]) * gate, branch.key(pixel) * gate) / 840**0.5 for pixel in pixels]
        weights = torch.softmax(torch.stack(scores), dim=0)
        attended = sum(weight * branch.value(pixel) for weight, pixel in zip(weights, pixels, strict=True))
        found = official.attend(features, word_vectors)
    torch.testing.assert_close(found.pixel_weights[0, 11], weights)
    torch.testing.assert_close(found.vision[0, :, 1, 3], attended)


# Shapes and properties


@settings(max_examples=10, deadline=None)
@given(height=st.integers(1, 4), width=st.integers(1, 4), frames=st.sampled_from([4, 8]), words=st.integers(1, 6))
def test_any_size_gives_three_responses(height, width, frames, words):
    model = tiny_model()
    with torch.no_grad():
        responses = model(torch.zeros(2, 3, frames, 16 * height, 16 * width), torch.ones(2, words, dtype=torch.int64))
    for response, scale in zip(responses, (1, 4, 16), strict=True):
        assert response.shape == (2, scale * height, scale * width)


@pytest.mark.parametrize("config", [ACGAConfig.thin_residual(), ACGAConfig.thin(), TINY], ids=["thin_residual", "thin", "tiny"])
def test_attention_rows_sum_to_one(config):
    torch.manual_seed(0)
    model = ACGA(config).eval()
    features, word_vectors = torch.rand(2, model.backbone.channels["mixed_4e"], 2, 3, 5), torch.randn(2, 7, config.language_width)
    with torch.no_grad():
        attended = model.attend(features, word_vectors)
    assert attended.language.shape == (2, config.language_width, 3, 5)
    assert attended.vision.shape == (2, config.vision_widths[0] + 8, 3, 5)
    assert attended.word_weights.shape == (2, 15, 7)
    assert attended.pixel_weights.shape == (2, 15, 15)
    torch.testing.assert_close(attended.word_weights.sum(-1), torch.ones(2, 15))
    torch.testing.assert_close(attended.pixel_weights.sum(-1), torch.ones(2, 15))


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(5)), seed=st.integers(0, 99))
def test_order_of_words_matters_only_through_the_convolution(order, seed):
    """Both branches see the words as a set; the text encoder is where their order counts."""
    torch.manual_seed(seed)
    vision, text = torch.randn(1, 9, 2, 3), torch.randn(1, 5, 6)
    for kind in (VisionGuidedLanguageAttention, LanguageGuidedVisionAttention):
        branch = kind(vision_width=9, language_width=6)
        (attended, weights), (permuted, permuted_weights) = branch(vision, text), branch(vision, text[:, order])
        torch.testing.assert_close(permuted, attended)
        expected = weights[..., list(order)] if kind is VisionGuidedLanguageAttention else weights
        torch.testing.assert_close(permuted_weights, expected)


def test_the_text_encoder_sees_order():
    model = tiny_model()
    word_vectors = tiny_inputs()[1]
    text, reversed_text = model.text_encoder(word_vectors), model.text_encoder(word_vectors.flip(1)).flip(1)
    assert (text - reversed_text).abs().max() > 1e-2


def test_a_gate_of_zero_kills_the_gradient_of_queries_and_keys():
    torch.manual_seed(0)
    branch = LanguageGuidedVisionAttention(vision_width=9, language_width=6)
    nn.init.zeros_(branch.gate.weight)
    attended, weights = branch(torch.randn(1, 9, 2, 3), torch.randn(1, 5, 6))
    torch.testing.assert_close(weights, torch.full((1, 6, 6), 1 / 6))  # every pixel is like every other
    attended.square().sum().backward()
    assert branch.query.weight.grad.abs().max() == 0
    assert branch.key.weight.grad.abs().max() == 0
    assert branch.value.weight.grad.abs().max() > 0


def test_gates_decide_which_channels_count():
    """With the gate open for one channel, pixels that agree in it attend to each other."""
    branch = LanguageGuidedVisionAttention(vision_width=2, language_width=1)
    with torch.no_grad():
        branch.query.weight.copy_(torch.eye(2))
        branch.key.weight.copy_(torch.eye(2))
        branch.gate.weight.zero_()
        branch.gate.bias.copy_(torch.tensor([10.0, 0.0]))
    vision = torch.tensor([[[[1.0, 1.0, -1.0]], [[5.0, -5.0, 5.0]]]])  # (1, 2, 1, 3): channel 1 is to be ignored
    weights = branch(vision, torch.zeros(1, 1, 1))[1][0]
    torch.testing.assert_close(weights[0], torch.tensor([0.5, 0.5, 0.0]))
    torch.testing.assert_close(weights[2], torch.tensor([0.0, 0.0, 1.0]))


def test_video_features_have_unit_length():
    features = torch.rand(2, 16, 3, 2, 2)
    torch.testing.assert_close(encode_video(features).norm(dim=1), torch.ones(2, 2, 2))
    torch.testing.assert_close(encode_video(features, rescale=True).norm(dim=1), torch.full((2, 2, 2), 4.0))


@settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 6), width=st.integers(1, 6))
def test_coordinates_cell_by_cell(height, width):
    found = coordinates(height, width)
    for y in range(height):
        for x in range(width):
            xmin, xmax = x / width * 2 - 1, (x + 1) / width * 2 - 1
            ymin, ymax = y / height * 2 - 1, (y + 1) / height * 2 - 1
            cell = [xmin, ymin, xmax, ymax, (xmin + xmax) / 2, (ymin + ymax) / 2, 1 / width, 1 / height]
            torch.testing.assert_close(found[:, y, x], torch.tensor(cell))


# Ablations


def parameters(config):
    return sum(parameter.numel() for parameter in ACGA(config).parameters())


VISION, LANGUAGE = TINY.vision_widths[0] + 8, TINY.language_width
FCNS = [
    9 * (v + LANGUAGE + 8) * hidden + hidden + 9 * hidden**2 + hidden + hidden + 1
    for v, hidden in zip(TINY.vision_widths, TINY.classifier_widths, strict=True)
]
PREDICTED = {
    "vision_guided_language": (False, -(VISION + 1) * LANGUAGE),
    "language_guided_vision": (False, -3 * (VISION + 1) * VISION - (LANGUAGE + 1) * VISION),
    "fused_resolutions": (1, -28),
    "residual": (True, 0),
    "rescale_features": (True, 0),
    "mask_padding": (True, 0),
    "matching": ("concatenation", -(VISION + 1) * LANGUAGE - 3 * (VISION + 1) * VISION - (LANGUAGE + 1) * VISION),
}


@pytest.mark.parametrize("field", PREDICTED)
def test_a_switch_changes_the_parameters_as_predicted_and_the_responses(field):
    value, change = PREDICTED[field]
    config = switched(**{field: value})
    assert parameters(config) - parameters(TINY) == change
    with torch.no_grad():
        inputs = tiny_inputs()
        plain, other = tiny_model().from_features(*inputs), tiny_model(config).from_features(*inputs)
    assert (plain.large - other.large).abs().max() > 1e-6


def test_other_predicted_counts():
    assert parameters(switched(fused_resolutions=2)) - parameters(TINY) == -9
    filters = sum((LANGUAGE + 1) * (width + 8) for width in TINY.vision_widths)
    change = parameters(switched(matching="dynamic_convolution")) - parameters(switched(matching="concatenation"))
    assert change == filters - sum(FCNS)


def test_without_vision_guided_language_every_pixel_hears_the_same():
    model, (features, word_vectors) = tiny_model(switched(vision_guided_language=False)), tiny_inputs()
    attended = model.attend(features, word_vectors)
    assert attended.word_weights is None
    sentence = model.text_encoder(word_vectors).max(dim=1).values
    torch.testing.assert_close(attended.language, sentence[:, :, None, None].expand(-1, -1, 2, 3))


def test_without_language_guided_vision_the_features_go_on_as_they_are():
    model, (features, word_vectors) = tiny_model(switched(language_guided_vision=False)), tiny_inputs()
    attended = model.attend(features, word_vectors)
    assert attended.pixel_weights is None
    torch.testing.assert_close(attended.vision[:, :-8], encode_video(model.backbone.mixed_4f(features)))


def test_without_fusion_the_final_response_is_the_large_one():
    model, (features, word_vectors) = tiny_model(switched(fused_resolutions=1)), tiny_inputs()
    with torch.no_grad():
        before = model.from_features(features, word_vectors)
        model.decoder.classifiers["small"].layers[4].bias += 1
        model.decoder.classifiers["medium"].layers[4].bias += 1
        after = model.from_features(features, word_vectors)
    torch.testing.assert_close(after.large, before.large, rtol=0, atol=0)
    torch.testing.assert_close(after.small, before.small + 1)
    torch.testing.assert_close(after.medium, before.medium + 1)


@pytest.mark.parametrize("count", [2, 3])
def test_fusion_of_the_finest(count):
    model, (features, word_vectors) = tiny_model(switched(fused_resolutions=count)), tiny_inputs()
    with torch.no_grad():
        before = model.from_features(features, word_vectors)
        model.decoder.classifiers["small"].layers[4].bias += 1
        after = model.from_features(features, word_vectors)
    assert bool((after.large != before.large).any()) == (count == 3)


def test_residual_adds_the_features():
    inputs = tiny_inputs()
    model, with_residual = tiny_model(), tiny_model(switched(residual=True))
    with_residual.load_state_dict(model.state_dict())
    features = encode_video(model.backbone.mixed_4f(inputs[0]))
    torch.testing.assert_close(with_residual.attend(*inputs).vision[:, :-8], model.attend(*inputs).vision[:, :-8] + features)


def test_masked_padding_makes_the_length_of_the_query_irrelevant():
    model, (features, word_vectors) = tiny_model(switched(mask_padding=True)), tiny_inputs()
    longer = torch.cat([word_vectors, torch.zeros(2, 4, LANGUAGE)], dim=1)
    with torch.no_grad():
        short, long = model.from_features(features, word_vectors), model.from_features(features, longer)
        unmasked = tiny_model().from_features(features, longer)
        weights = model.attend(features, longer).word_weights
    torch.testing.assert_close(long.large, short.large)
    assert (unmasked.large - tiny_model().from_features(features, word_vectors).large).abs().max() > 1e-6
    assert weights[:, :, 5:].abs().max() == 0
    assert weights[0, :, 3:].abs().max() == 0


def test_nothing_but_padding_gives_finite_responses():
    model, (features, word_vectors) = tiny_model(switched(mask_padding=True)), tiny_inputs()
    with torch.no_grad():
        responses = model.from_features(features, torch.zeros_like(word_vectors))
    assert bool(responses.large.isfinite().all())
    assert not padding_mask(torch.zeros(1, 3, 2)).any()


def test_pooling_leaves_padding_out():
    text = torch.tensor([[[1.0, -2.0], [3.0, -4.0]]])
    torch.testing.assert_close(pool_words(text, torch.tensor([[False, True]])), text[:, 0])


@pytest.mark.parametrize("matching", ["concatenation", "dynamic_convolution"])
def test_the_other_matchings_listen_to_the_sentence_and_can_be_trained(matching):
    model, (features, word_vectors) = tiny_model(switched(matching=matching)), tiny_inputs()
    responses = model.from_features(features, word_vectors)
    spoken = model.from_features(features, word_vectors.roll(1, dims=0))
    assert (responses.large - spoken.large).abs().max() > 1e-6
    WeightedSegmentationLoss()(responses, torch.ones(2, 32, 48)).backward()
    silent = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert silent == ["word_table.weight"]  # not used by from_features


def test_dynamic_convolution_pixel_by_pixel():
    model, (features, word_vectors) = tiny_model(switched(matching="dynamic_convolution")), tiny_inputs()
    with torch.no_grad():
        attended = model.attend(features, word_vectors)
        sentence = model.text_encoder(word_vectors).max(dim=1).values
        kernel = torch.tanh(model.decoder.classifiers["small"].filter(sentence))
        small = model.from_features(features, word_vectors).small
    pixel = torch.cat([attended.vision[1, :-8, 1, 2], coordinates(2, 3)[:, 1, 2]])
    assert small[1, 1, 2].item() == pytest.approx(torch.dot(kernel[1], pixel).item(), rel=1e-4)


# The frozen stem, parts, and errors


def test_the_stem_is_frozen():
    model = tiny_model().train()
    assert not model.backbone.stem.training
    assert model.backbone.mixed_4f.training
    before = {name: value.clone() for name, value in model.backbone.stem.state_dict().items()}
    features = model.features(torch.rand(2, 3, 4, 32, 48))
    assert not features.requires_grad
    responses = model(torch.rand(2, 3, 4, 32, 48), torch.ones(2, 3, dtype=torch.int64))
    WeightedSegmentationLoss()(responses, torch.ones(2, 32, 48)).backward()
    assert all(parameter.grad is None for parameter in model.backbone.stem.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.backbone.stem.state_dict().items())
    assert all(parameter.grad is not None for parameter in model.training_parameters())
    assert len(model.training_parameters()) < len(list(model.parameters()))


def test_clip_and_tokens_are_features_and_words():
    model, clip, tokens = tiny_model(), torch.rand(1, 3, 4, 32, 48), torch.tensor([[3, 4, 0, 0, 0]])
    with torch.no_grad():
        whole, parts = model(clip, tokens), model.from_features(model.features(clip), model.embed(tokens))
    torch.testing.assert_close(whole.large, parts.large, rtol=0, atol=0)
    assert model.embed(tokens)[0, 2:].abs().max() == 0


def test_initialisation_is_the_official_one():
    torch.manual_seed(0)
    model = ACGA(ACGAConfig.thin())
    for layer in (model.attention.language.projection, model.attention.vision.query, model.attention.vision.gate):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert layer.bias.abs().max() == 0
    convolution = model.decoder.classifiers["large"].first
    bound = (convolution.in_channels * 9) ** -0.5  # PyTorch's default: uniform within
    assert convolution.weight.abs().max().item() == pytest.approx(bound, rel=0.01)


def test_parts_are_injected():
    class Sentence(nn.Module):
        def forward(self, word_vectors):
            return word_vectors.mean(dim=1, keepdim=True)

    model, (features, word_vectors) = ACGA(TINY, text_encoder=Sentence()), tiny_inputs()
    assert model.attend(features, word_vectors).word_weights.shape == (2, 6, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m(torch.zeros(1, 3, 4, 30, 32), torch.ones(1, 5, dtype=torch.int64)), r"multiples of 16, but is \(1, 3, 4, 30, 32\)"),
        (lambda m: m.features(torch.zeros(1, 4, 3, 32, 32)), r"should be \(B, 3, T, H, W\)"),
        (lambda m: m.features(torch.zeros(3, 4, 32, 32)), r"but is \(3, 4, 32, 32\)"),
        (lambda m: m.embed(torch.ones(5, dtype=torch.int64)), r"word ids \(B, L\), but are \(5,\)"),
        (lambda m: m.attend(torch.zeros(1, 9, 1, 2, 2), torch.zeros(1, 5, 6)), r"mixed_4e \(B, 16, T/4, h, w\), but are \(1, 9, 1, 2, 2\)"),
        (lambda m: m.attend(torch.zeros(1, 16, 1, 2, 2), torch.zeros(1, 6, 5)), r"\(B, L, 6\), but are \(1, 6, 5\)"),
        (lambda m: m.attend(torch.zeros(1, 16, 1, 2, 2), torch.zeros(3, 5, 6)), "features of 1 clips, but word vectors of 3 queries"),
    ],
)
def test_wrong_shapes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(tiny_model())


def test_impossible_parts_are_named():
    with pytest.raises(ConfigError, match=r"18 ids, but ACGAConfig.vocabulary_size is 16"):
        ACGA(TINY, Vocabulary([f"{chr(97 + index)}word" for index in range(16)]))
    for backbone in (I3D(width=0.01), I3D(width=0.25, through="mixed_4f")):
        with pytest.raises(ConfigError, match="backbone through mixed_4f, 16 channels wide"):
            ACGA(TINY, backbone=backbone)
    model = tiny_model()
    model.word_table = None
    with pytest.raises(ConfigError, match="without word vectors"):
        model.embed(torch.ones(1, 2, dtype=torch.int64))
