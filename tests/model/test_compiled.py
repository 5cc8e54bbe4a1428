"""A compiled stem gives what the stem gives, for any number of clips, and never stands in the way."""

import pytest
import torch
from torch import nn

from acga.model.i3d import I3D
from acga.model.image_stem import ImageStem
from acga.system.computing import PAYS_FROM, CompiledStem, compile_stem


@pytest.fixture
def stem():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(3, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU()).eval().requires_grad_(False)


def test_outputs_are_equal_for_the_first_and_for_other_shapes(stem):
    compiled = CompiledStem(stem)
    for batch in (2, 2, 1):
        clips = torch.rand(batch, 3, 4, 16, 16)
        with torch.no_grad():
            torch.testing.assert_close(compiled(clips), stem(clips), rtol=1e-4, atol=1e-5)


def test_where_compiling_fails_the_stem_runs_as_it_is(stem, monkeypatch):
    def fail(*_):
        raise RuntimeError("no C++ compiler\nand a long traceback")

    monkeypatch.setattr(torch, "compile", lambda *_, **__: fail)
    compiled, clips = CompiledStem(stem), torch.rand(1, 3, 4, 16, 16)
    with pytest.warns(UserWarning, match="runs as it is: no C\\+\\+ compiler$"):
        found = compiled(clips)
    assert torch.equal(found, stem(clips)) and torch.equal(compiled(clips), stem(clips))


def test_it_compiles_where_that_pays():
    thin = I3D(width=0.05).stem
    assert compile_stem(thin, pixels=PAYS_FROM - 1, device="cpu") is thin
    assert compile_stem(thin, pixels=PAYS_FROM, device="cuda") is thin
    assert isinstance(compile_stem(thin, pixels=PAYS_FROM, device="cpu"), CompiledStem)
    image = ImageStem(width=0.25)
    assert compile_stem(image, pixels=PAYS_FROM, device="cpu") is image
