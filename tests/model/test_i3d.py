"""I3D against both ports' endpoints, its padding against a slow reference, and its errors."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import fill
from helpers.paths import GOLDEN
from hypothesis import given, settings
from hypothesis import strategies as st

from acga.config import ACGAConfig
from acga.errors import WeightsError
from acga.model import ACGA, I3D
from acga.model.i3d import ConvBNReLU, MaxPool, same_padding

DATA = GOLDEN
PORTS = {
    "official": ("official_acga_names.json", "i3d_official_endpoints.npz"),
    "hassony2": ("official_acga_names.json", "i3d_official_endpoints.npz"),
    "piergiaj": ("piergiaj_i3d_names.json", "i3d_piergiaj_endpoints.npz"),
}


def port_file(port, folder):
    """A file as each port publishes it, with the golden values."""
    state = {
        name: torch.from_numpy(np.asarray(value))
        for name, value in fill.state_dict(json.loads((DATA / PORTS[port][0]).read_text())).items()
    }
    path = folder / f"{port}.pth"
    if port == "hassony2":  # bare names, and older than BatchNorm's counters
        prefix = "module.video_model.model."
        state = {
            name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix) and not name.endswith("tracked")
        }
    torch.save({"state_dict": state, "epoch": 9} if port == "official" else state, path)
    return path


@pytest.fixture(scope="module")
def clip():
    return torch.from_numpy(np.clip(fill.array("clip", (1, 3, 16, 64, 96)), -2, 2) / 2)


@pytest.mark.parametrize("port", PORTS)
def test_every_port_gives_its_golden_endpoints(port, clip, tmp_path):
    i3d = I3D.from_file(port_file(port, tmp_path))
    assert i3d.source_format == port
    golden = np.load(DATA / PORTS[port][1])
    with torch.no_grad():
        found = i3d.endpoints(clip, [name.lower() for name in golden])
    for name in golden:
        ours = found[name.lower()].numpy()
        ours = ours[:, ::16] if name.lower() == "conv3d_2c_3x3" else ours
        np.testing.assert_allclose(ours, golden[name], atol=1e-4 * np.abs(golden[name]).max(), rtol=0)


def test_the_ports_differ_by_more_than_the_tolerance(clip, tmp_path):
    """So the test above tells them apart: piergiaj's weights with hassony2's epsilon are wrong."""
    i3d = I3D.from_file(port_file("piergiaj", tmp_path))
    for module in i3d.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.eps = 1e-5
    golden = np.load(DATA / "i3d_piergiaj_endpoints.npz")["Mixed_4e"]
    with torch.no_grad():
        ours = i3d.endpoints(clip, ["mixed_4e"])["mixed_4e"].numpy()
    assert np.abs(ours - golden).max() > 1e-3 * np.abs(golden).max()


def test_parts_compose(tmp_path):
    i3d = I3D(width=0.125).eval()
    clip = torch.randn(2, 3, 8, 32, 48)
    with torch.no_grad():
        found = i3d.endpoints(clip, ["mixed_5c", "mixed_4f", "mixed_4e", "conv3d_2c_3x3"])
        torch.testing.assert_close(i3d.stem(clip), found["mixed_4e"])
        torch.testing.assert_close(i3d.mixed_4f(found["mixed_4e"]), found["mixed_4f"])
        torch.testing.assert_close(i3d(clip), found["mixed_5c"])
    assert list(found) == ["mixed_5c", "mixed_4f", "mixed_4e", "conv3d_2c_3x3"]


@settings(max_examples=12, deadline=None)
@given(frames=st.integers(1, 4), height=st.integers(1, 5), width=st.integers(1, 5))
def test_output_sizes(frames, height, width):
    i3d = I3D(width=0.01).eval()  # the least width: four channels in each branch
    with torch.no_grad():
        found = i3d.endpoints(torch.zeros(1, 3, 4 * frames, 16 * height, 16 * width), ["mixed_4e", "mixed_5c"])
    assert found["mixed_4e"].shape == (1, 16, frames, height, width)
    assert found["mixed_5c"].shape == (1, 16, -(-frames // 2), -(-height // 2), -(-width // 2))


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 40), kernel=st.integers(1, 7), stride=st.integers(1, 3))
def test_padding_by_input_size_keeps_ceil_of_size_over_stride(size, kernel, stride):
    """TensorFlow's definition of 'SAME'; the rule of hassony2 agrees wherever the stride divides the size."""
    padded = size + sum(same_padding(size, kernel, stride, "input"))
    if kernel >= stride:
        assert (padded - kernel) // stride + 1 == -(-size // stride)
    if size % stride == 0:
        assert same_padding(size, kernel, stride, "kernel") == same_padding(size, kernel, stride, "input")


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.tuples(*[st.integers(2, 9)] * 3),
    kernel=st.sampled_from([(1, 3, 3), (3, 3, 3), (2, 2, 2)]),
    stride=st.sampled_from([(1, 1, 1), (1, 2, 2), (2, 2, 2)]),
    rule=st.sampled_from(["kernel", "input"]),
)
def test_pooling_is_that_of_a_map_padded_with_zeros(sizes, kernel, stride, rule):
    """The slow reference pads explicitly; ours avoids the copy where it can."""
    maps = torch.rand(1, 2, *sizes)
    pads = [same_padding(*axis, rule) for axis in zip(sizes, kernel, stride, strict=True)]
    reference = F.max_pool3d(F.pad(maps, [*pads[2], *pads[1], *pads[0]]), kernel, stride, ceil_mode=True)
    torch.testing.assert_close(MaxPool(kernel, stride, padding=rule)(maps), reference, rtol=0, atol=0)


def test_the_two_padding_rules_part_at_odd_sizes():
    maps = torch.rand(1, 3, 4, 15, 16)
    sizes = {rule: ConvBNReLU(3, 2, kernel=7, stride=2, epsilon=1e-5, padding=rule)(maps).shape[3] for rule in ("kernel", "input")}
    assert sizes == {"kernel": 7, "input": 8}


def test_round_trip_through_our_format(tmp_path):
    original = I3D(width=0.125, epsilon=1e-3, padding="input").eval()
    original.to_file(tmp_path / "i3d.safetensors", provenance={"seed": 0})
    again = I3D.from_file(tmp_path / "i3d.safetensors")
    assert again.source_format == "acga"
    assert again.settings() == original.settings()
    for name, value in original.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0)
    shorter = I3D.from_file(tmp_path / "i3d.safetensors", through="mixed_4f")
    assert len(shorter.tail) == 0
    model = ACGA(ACGAConfig.thin_residual())
    model.backbone.to_file(tmp_path / "stem.safetensors")
    with pytest.raises(WeightsError, match="has no tail"):
        I3D.from_file(tmp_path / "stem.safetensors", through="mixed_5c")


def test_wrong_names_and_shapes_are_named():
    i3d = I3D(width=0.01)
    with pytest.raises(ValueError, match=r"no endpoint 'mixed_9z'; it has conv3d_1a_7x7"):
        i3d.endpoints(torch.zeros(1, 3, 4, 16, 16), ["mixed_9z"])
    with pytest.raises(ValueError, match=r"should be \(B, 3, T, H, W\), but is \(1, 2, 4, 16, 16\)"):
        i3d.endpoints(torch.zeros(1, 2, 4, 16, 16), ["mixed_4e"])
    with pytest.raises(ValueError, match=r"but is \(3, 4, 16, 16\)"):
        i3d(torch.zeros(3, 4, 16, 16))
