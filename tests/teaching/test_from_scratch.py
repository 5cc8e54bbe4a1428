"""The network on one page is the package's network."""

import ast
from pathlib import Path

import pytest
import torch

from acga.model import load_model
from acga.teaching import from_scratch


@pytest.fixture(scope="module")
def package():
    return load_model("thin_residual")


@pytest.fixture(scope="module")
def typed(package):
    model = from_scratch.FromScratch()
    model.load_state_dict(package.state_dict())  # strict: the same names and shapes
    return model.eval()


def run(model):
    generator = torch.Generator().manual_seed(0)
    clip = torch.rand(2, 3, 16, 128, 128, generator=generator) * 2 - 1
    tokens = torch.randint(0, 500, (2, 20), generator=generator)
    with torch.no_grad():
        return model(clip, tokens)


def test_gives_the_responses_of_the_package(package, typed):
    for ours, theirs in zip(run(typed), run(package), strict=True):
        assert ours.shape == theirs.shape
        assert (ours - theirs).abs().max() <= 1e-4 * theirs.abs().max()


def test_another_axis_of_the_softmax_would_be_noticed(package, typed, monkeypatch):
    softmax = torch.Tensor.softmax
    monkeypatch.setattr(torch.Tensor, "softmax", lambda scores, dim: softmax(scores, 1))
    wrong = run(typed)[-1]
    monkeypatch.undo()
    assert (wrong - run(package)[-1]).abs().max() > 1e-2


def test_is_one_page_that_needs_nothing_but_torch():
    source = Path(from_scratch.__file__).read_text()
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    roots = {(node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imports}
    assert {root.split(".")[0] for root in roots} == {"__future__", "torch"}
    assert len(source.splitlines()) <= 240
