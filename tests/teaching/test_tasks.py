"""A module that the reader wrote is held against the package's; every exercise by number has a hint."""

import pytest
import torch
from torch import nn

from acga.errors import ConfigError
from acga.model.attention import VisionGuidedLanguageAttention
from acga.teaching.exercises import check, like_layer
from acga.teaching.tasks import hint, task
from acga.teaching.tasks.registry import TASKS


class Written(nn.Module):
    def __init__(self, vision, language, axis=2, flat=False):
        super().__init__()
        self.projection, self.axis, self.flat = nn.Linear(vision, language), axis, flat

    def forward(self, vision, text):
        scores = self.projection(vision.flatten(2).mT) @ text.mT / text.shape[2] ** 0.5
        mixed = (scores.softmax(dim=self.axis) @ text).mT
        return mixed if self.flat else mixed.unflatten(2, vision.shape[2:])


@pytest.mark.parametrize(
    "written, said",
    [
        (Written(6, 5), "right"),
        (Written(6, 5, axis=1), "not yet: the shapes are right; the numbers"),
        (Written(6, 5, flat=True), "not yet: with the trained weights your layer gives (2, 5, 12), the package's (2, 5, 3, 4)"),
        (Written(5, 5), "not yet: the trained layer has parameters projection.bias (5,), projection.weight (5, 6); yours has"),
        (Written, "not yet: a module is wanted"),
    ],
    ids=["right", "wrong axis", "wrong shape", "wrong sizes", "a class"],
)
def test_a_layer_that_the_reader_wrote(written, said, capsys):
    layer = VisionGuidedLanguageAttention(vision_width=6, language_width=5)
    nn.init.normal_(layer.projection.weight)
    check(written, like_layer(layer, torch.randn(2, 6, 3, 4), torch.randn(2, 7, 5)))
    assert capsys.readouterr().out.startswith(said)


def test_each_exercise_has_a_hint():
    assert len(TASKS) > 40 and all(one.hint.strip() for one in TASKS.values())


def test_an_exercise_that_is_not_there(capsys):
    with pytest.raises(ConfigError, match="There is no exercise"):
        task("99.1")
    hint("99.1")
    assert "There is no exercise" in capsys.readouterr().out
