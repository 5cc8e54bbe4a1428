"""The image stem against the published package's endpoints, the block over time, and the network with both in the place of I3D."""

import dataclasses
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from einops import reduce
from helpers import fill, small
from helpers.paths import GOLDEN
from hypothesis import given, settings
from hypothesis import strategies as st

from acga.config import ACGAConfig
from acga.data.text import glove
from acga.errors import ConfigError, WeightsError
from acga.inference import Segmenter
from acga.model import ACGA, I3D, ImageBackbone, fold
from acga.model import convert as published
from acga.model.checkpoints import fixed_word_table, load_model, save_model
from acga.model.image_stem import ImageStem, Pyramid, SameConv2d, TemporalBlock
from acga.model.network import load_backbone
from acga.model.state_dicts import read_state_dict

pytestmark = pytest.mark.usefixtures("one_thread")
CONFIG = small.IMAGE_CONFIG
ENDPOINTS = ("stride4", "stride8", "stride16", "stride32")


def published_state():
    names = json.loads((GOLDEN / "efficientnet_lite0_names.json").read_text())
    return {name: torch.from_numpy(np.asarray(value)) for name, value in fill.state_dict(names).items()}


@pytest.fixture(scope="module")
def published_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("published") / "efficientnet-lite0.pth"
    torch.save(published_state(), path)
    return path


@pytest.fixture
def model():
    return small.small_image_model()


def clips(count=2, frames=16, size=(32, 32)):
    return torch.rand(count, 3, frames, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def golden_difference(backbone):
    """The largest difference from each golden endpoint, relative to its largest value."""
    golden = np.load(GOLDEN / "efficientnet_lite0_endpoints.npz")
    image = torch.from_numpy(np.clip(fill.array("image", (1, 3, 64, 64)), -2, 2) / 2)
    with torch.no_grad():
        found = backbone.stem.network(image)._asdict()
    assert set(found) == set(golden) == set(ENDPOINTS)
    assert all(found[name].shape == golden[name].shape for name in ENDPOINTS)
    return [np.abs(found[name].numpy() - golden[name]).max() / np.abs(golden[name]).max() for name in ENDPOINTS]


# ---------------------------------------------------------------- the stem


def test_published_weights_give_the_golden_endpoints(published_file):
    backbone = ImageBackbone.from_file(published_file, outputs=16)
    assert backbone.source_format == "efficientnet_lite" and not backbone.training
    assert backbone.settings() == {"width": 1.0, "outputs": 16, "motion": False}
    assert max(golden_difference(backbone)) < 1e-4


def test_the_golden_endpoints_tell_another_epsilon(published_file, monkeypatch):
    monkeypatch.setattr(published, "EFFICIENTNET_EPSILON", 1e-5)
    assert max(golden_difference(ImageBackbone.from_file(published_file))) > 1e-4


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9), kernel=st.sampled_from([1, 3, 5]), stride=st.sampled_from([1, 2]))
def test_convolutions_pad_as_tensorflow_does(height, width, kernel, stride):
    """TensorFlow's own definition: as little as gives ceil(size / stride) cells, the odd one at the end."""
    convolution, maps = SameConv2d(2, 3, kernel, stride=stride), torch.rand(1, 2, height, width)
    cells = [-(-size // stride) for size in (height, width)]
    missing = [max((cell - 1) * stride + kernel - size, 0) for cell, size in zip(cells, (height, width), strict=True)]
    pads = [pad for total in missing[::-1] for pad in (total // 2, total - total // 2)]
    expected = F.conv2d(F.pad(maps, pads), convolution.weight, convolution.bias, stride)
    assert list(expected.shape[2:]) == cells
    torch.testing.assert_close(convolution(maps), expected)


@settings(max_examples=10, deadline=None)
@given(frames=st.integers(1, 4), height=st.integers(1, 4), width=st.integers(1, 4))
def test_the_form_is_that_of_mixed_4e(frames, height, width):
    clip = torch.zeros(2, 3, 4 * frames, 16 * height, 16 * width)
    with torch.no_grad():
        ours, theirs = ImageStem(width=0.1)(clip), I3D(width=0.01, through="mixed_4f").eval().stem(clip)
    assert ours.shape == (2, ImageStem(width=0.1).channels, *theirs.shape[2:]) == (2, 4 * 4 + 11 + 32, frames, height, width)


@pytest.mark.parametrize(("length", "seen"), [(4, [2]), (8, [0, 4]), (12, [2, 6, 10]), (16, [0, 4, 8, 12])])
def test_every_fourth_frame_is_seen_alone(length, seen, model):
    assert length // 2 in seen  # the annotated one
    clip = clips(1, length)
    with torch.no_grad():
        before = model.features(clip)
        for frame in range(length):
            changed = clip.clone()
            changed[:, :, frame] = -changed[:, :, frame]
            different = (model.features(changed) != before).any(dim=1)[0].flatten(1).any(dim=1)
            assert different.tolist() == [frame == one for one in seen]


def test_pixels_reach_the_network_in_the_published_units():
    pixels = torch.tensor([0.0, 127.0, 255.0])[:, None, None].expand(1, 3, 32, 32)
    stem = ImageStem(width=0.1)
    with torch.no_grad():
        ours, expected = stem.pyramid(pixels / 127.5 - 1), stem.network((pixels - 127) / 128)
    torch.testing.assert_close(ours.stride4, expected.stride4)


@pytest.mark.parametrize(("height", "width"), [(64, 96), (80, 112)])
def test_maps_of_all_strides_lie_over_one_another(height, width):
    """Maps that say where their cells are, in pixels, say the same at stride 16, but for the outer cells, which know no neighbour."""

    def places(stride):
        x = (torch.arange(-(-width // stride)) + 0.5) * stride
        y = (torch.arange(-(-height // stride)) + 0.5) * stride
        return torch.stack(torch.meshgrid(x, y, indexing="xy"))[None]

    gathered = ImageStem.gather(Pyramid(places(4), places(8), places(16), places(32)))
    finer, same, coarser = (part[:, :, 1:-1, 1:-1] for part in gathered.split([8, 2, 2], dim=1))
    torch.testing.assert_close(reduce(finer, "b (c four) h w -> b c h w", "mean", four=4), same)  # the centre of four cells
    assert (finer[:, 0] < finer[:, 1]).all() and (finer[:, 4] < finer[:, 6]).all()  # left of right, above below
    torch.testing.assert_close(coarser, same)


def test_incomplete_published_weights_are_named(tmp_path):
    state = published_state()
    del state["_blocks.3._bn1.running_var"]
    torch.save(state, tmp_path / "cut.pth")
    with pytest.raises(WeightsError, match=r"no _blocks\.3\._bn1\.running_var: take the whole file"):
        ImageBackbone.from_file(tmp_path / "cut.pth")


# ---------------------------------------------------------------- the block over time


def test_the_block_does_not_mind_the_scale_of_features_that_it_was_calibrated_to():
    torch.manual_seed(0)
    block, features = TemporalBlock(6, 8).eval(), torch.rand(4, 6, 4, 3, 3)
    scale, shift = torch.logspace(-2, 2, 6)[:, None, None, None], torch.linspace(-9, 9, 6)[:, None, None, None]
    outputs = []
    with torch.no_grad():
        for maps in (features, features * scale + shift):
            block.standardise(maps)
            outputs.append(block(maps))
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-3, atol=1e-4)
    assert outputs[0].std() > 0.05
    block.standardise(torch.ones(2, 6, 4, 3, 3))  # channels that never change
    assert bool(block.scale.isfinite().all())


def test_the_block_knows_the_time_and_which_frame_is_annotated():
    torch.manual_seed(0)
    block = TemporalBlock(6, 8).eval()
    with torch.no_grad():
        block.reduce.convolution.weight[:, :6] = 0  # all else away
        for channel, expected in ((6, [-0.5, -0.25, 0.0, 0.25]), (7, [0.0, 0.0, 1.0, 0.0])):
            block.reduce.convolution.weight[:, 6:] = 0
            block.reduce.convolution.weight[-1, channel] = 1
            block.reduce.convolution.weight[-2, channel] = -1
            above, below = block(torch.rand(1, 6, 4, 2, 2))[0, [3, 2], :, 0, 0]  # the last of those that see one frame alone
            torch.testing.assert_close(above - below, torch.tensor(expected), rtol=1e-4, atol=1e-4)


def test_half_of_the_block_sees_neighbours_in_time():
    torch.manual_seed(0)
    block, features = TemporalBlock(6, 8).eval(), torch.rand(1, 6, 4, 3, 3)
    changed = features.clone()
    changed[:, :, 0] += 1
    with torch.no_grad():
        different = (block(changed) - block(features)).abs().amax(dim=(0, 3, 4)) > 0  # (8, 4)
    assert different[:4, 1:].sum() == 0 and different[:4, 0].any()
    assert different[4:, 1].any() and different[4:, 2:].sum() == 0


# ---------------------------------------------------------------- the network


def test_the_configuration_builds_it():
    model = ACGA(CONFIG)
    assert isinstance(model.backbone, ImageBackbone) and model.backbone.channels["mixed_4f"] == CONFIG.vision_widths[0]
    assert ACGAConfig.from_dict(CONFIG.to_dict()) == CONFIG
    assert ACGAConfig.thin_residual().stem == ACGAConfig.paper().stem == "i3d" and ACGAConfig.mini().stem == "image"
    with pytest.raises(ConfigError, match='stem is "film"; it must be i3d or image'):
        dataclasses.replace(CONFIG, stem="film")


def test_the_stem_is_frozen(model):
    model.train()
    assert not model.backbone.stem.training and model.backbone.mixed_4f.training
    model(clips(), torch.tensor([[2, 3, 0], [4, 5, 6]])).large.sum().backward()
    assert all(parameter.grad is None for parameter in model.backbone.stem.parameters())
    assert all(parameter.grad is not None for parameter in model.backbone.mixed_4f.parameters())
    trained = {id(parameter) for parameter in model.training_parameters()}
    assert trained.isdisjoint(id(parameter) for parameter in model.backbone.stem.parameters())


def test_folding_changes_nothing(model):
    tokens = torch.tensor([[2, 3, 0], [4, 5, 6]])
    with torch.no_grad():
        for plain, folded in zip(model(clips(), tokens), fold(model)(clips(), tokens), strict=True):
            assert (plain - folded).abs().max() < 1e-4 * plain.abs().max()
            assert plain.std() > 0


@pytest.mark.parametrize("half", [False, True])
def test_round_trip(half, model, tmp_path):
    save_model(model, tmp_path / "m.safetensors", half=half)
    again = load_model(tmp_path / "m.safetensors")
    assert again.config == CONFIG and again.backbone.settings() == model.backbone.settings()
    tokens = torch.tensor([[2, 3, 0], [4, 5, 6]])
    with torch.no_grad():
        found, expected = again(clips(), tokens).large, model(clips(), tokens).large
    difference = (found - expected).abs().max() / expected.abs().max()
    assert 0 < difference < 2e-2 if half else difference == 0
    stored = read_state_dict(tmp_path / "m.safetensors").state
    assert stored["backbone.mixed_4f.mean"].dtype == torch.float32  # rounded, it would shift what the block was trained on
    assert stored["backbone.stem.network.first.weight"].dtype == (torch.float16 if half else torch.float32)
    alone = ImageBackbone.from_file(tmp_path / "m.safetensors")
    assert alone.source_format == "acga" and alone.state_dict().keys() == model.backbone.state_dict().keys()
    assert torch.equal(alone.mixed_4f.mean, again.backbone.mixed_4f.mean) and alone.mixed_4f.mean.any()


def test_backbones_of_the_other_kind_are_refused(model, tmp_path):
    with pytest.raises(ConfigError, match="given I3D as its backbone, but its config says stem='image'"):
        ACGA(CONFIG, backbone=I3D(width=0.01, through="mixed_4f"))
    with pytest.raises(ConfigError, match="a backbone through mixed_4f, 12 channels wide"):
        ACGA(CONFIG, backbone=ImageBackbone(width=0.1, outputs=8))
    model.backbone.to_file(tmp_path / "image.safetensors")
    I3D(width=0.01).to_file(tmp_path / "i3d.safetensors")
    assert read_state_dict(tmp_path / "image.safetensors").metadata["architecture"] == "ImageBackbone"
    with pytest.raises(WeightsError, match=r"image.safetensors has no stem.conv3d_1a_7x7\S+, so it holds no I3D"):
        I3D.from_file(tmp_path / "image.safetensors")
    with pytest.raises(WeightsError, match=r"i3d.safetensors has no stem.network\S+, so it holds no ImageBackbone"):
        load_backbone(tmp_path / "i3d.safetensors", CONFIG)
    with pytest.raises(WeightsError, match="holds a backbone"):
        load_model(tmp_path / "image.safetensors")
    with pytest.raises(ConfigError, match=r"ImageBackbone of width 0\.1; this configuration asks for 0\.2"):
        load_backbone(tmp_path / "image.safetensors", dataclasses.replace(CONFIG, backbone_width=0.2))
    with pytest.raises(ValueError, match=r"multiples of 16, but is \(1, 3, 16, 30, 32\)"):
        model.features(torch.zeros(1, 3, 16, 30, 32))


def test_embedded_word_vectors_are_named_and_not_repeated(tmp_path):
    vocabulary, table = glove()
    config = dataclasses.replace(CONFIG, language_width=50, vocabulary_size=len(vocabulary))
    model = ACGA(config, vocabulary)
    model.word_table = fixed_word_table(table)
    save_model(model, tmp_path / "m.safetensors", half=True)
    weights = read_state_dict(tmp_path / "m.safetensors")
    assert "word_table.weight" not in weights.state and weights.metadata["words"]["embedded"] == "words.npz"
    again = load_model(tmp_path / "m.safetensors")
    assert torch.equal(again.word_table.weight, model.word_table.weight) and not again.word_table.weight.requires_grad
    assert again.vocabulary.words == vocabulary.words
    model.word_table.weight[7, 0] += 1  # then they are others, and belong into the file
    save_model(model, tmp_path / "other.safetensors")
    assert torch.equal(load_model(tmp_path / "other.safetensors").word_table.weight, model.word_table.weight)


def test_other_embedded_word_vectors_are_refused(tmp_path, monkeypatch):
    vocabulary, table = glove()
    model = ACGA(dataclasses.replace(CONFIG, language_width=50, vocabulary_size=len(vocabulary)), vocabulary)
    model.word_table = fixed_word_table(table)
    save_model(model, tmp_path / "m.safetensors")
    monkeypatch.setattr("acga.model.checkpoints.NAMED_GLOVE", {"embedded": "words.npz", "git_blob": "0" * 40})
    with pytest.raises(WeightsError, match=r"m.safetensors needs the word vectors .* but this package has .*0000"):
        load_model(tmp_path / "m.safetensors")


def test_a_video_is_segmented(model, tmp_path):
    video = Segmenter(model, device="cpu").open(small.write_clip(tmp_path / "clip.mp4", count=6))
    results = list(video.stream(["red dog", "man on the left"]))
    assert len(results) == 6 and all(set(result.masks) == {"red dog", "man on the left"} for result in results)
    responses = np.stack([result.responses["red dog"] for result in results])
    assert responses.shape == (6, 32, 32) and responses.std(axis=0).max() > 0  # no two clips are alike
    assert not np.allclose(responses, np.stack([result.responses["man on the left"] for result in results]))
