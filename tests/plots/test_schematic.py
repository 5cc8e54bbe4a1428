"""Schematics say of each step the shape that the network really gives, and stand on one page without disturbing each other."""

import re

import pytest
import torch

import acga
from acga.config import COORDINATES, ACGAConfig
from acga.errors import ConfigError
from acga.losses import WeightedSegmentationLoss
from acga.model.attention import pool_words
from acga.model.encoders import encode_video, with_coordinates
from acga.plots.schematic import part_schematic, schematic

PARTS = ("language", "vision", "decoder", "loss")


def labels(drawing):
    """The text of each box, name and detail in one."""
    texts = re.findall(r">([^<]+)</text>", drawing.svg)
    return [" ".join(pair) for pair in zip(texts[:-1:2], texts[1::2], strict=True)]  # the last is the note


def says(drawing, name, *shapes):
    """Whether each box of that name holds its shape, in their order."""
    found = [re.findall(r"\d+(?: × \d+)*", text) for text in labels(drawing) if name in text]
    wanted = [" × ".join(map(str, shape)) for shape in shapes]
    return len(found) == len(wanted) and all(shape in numbers for shape, numbers in zip(wanted, found, strict=True))


@torch.no_grad()
def test_labels_are_the_shapes_of_the_running_example():
    model = acga.ACGA(ACGAConfig.thin_residual()).eval()
    clip, tokens = torch.zeros(1, 3, 16, 128, 128), torch.zeros(1, 20, dtype=torch.long)
    text = model.text_encoder(model.embed(tokens))
    visual = with_coordinates(encode_video(model.backbone.mixed_4f(model.features(clip)), rescale=True))
    attended = model.attention(visual, text)
    pixels, vision = visual.flatten(2).mT, model.attention.vision
    medium = model.decoder.deconvolutions["medium"](attended.vision[:, :-COORDINATES])
    large = model.decoder.deconvolutions["large"](medium)
    responses = [tuple(response.shape[1:]) for response in model.decode(attended)]

    def of(tensor):
        return tuple(tensor.shape[1:])

    whole = schematic()
    assert says(whole, "clip", of(clip)) and says(whole, "sentence", of(tokens))
    assert says(whole, "video", of(visual)) and says(whole, "text", of(text))
    assert says(whole, "language guided", of(attended.vision)) and says(whole, "vision guided", of(attended.language))
    assert all(says(whole, "decoder", shape) for shape in responses) and says(whole, "mask", responses[-1])

    drawn = part_schematic("language")
    assert says(drawn, "F_VC", of(pixels)) and says(drawn, "F_T:", of(text))
    assert says(drawn, "Linear", of(model.attention.language.projection(pixels)))
    assert says(drawn, "scores", of(attended.word_weights)) and says(drawn, "softmax", of(attended.word_weights))
    assert says(drawn, "mixture", of(attended.language)) and f"√{text.shape[2]}" in drawn.svg

    drawn = part_schematic("vision")
    assert says(drawn, "F_VC", of(pixels)) and says(drawn, "F_T:", of(text)) and says(drawn, "gate, eq", of(vision.gate(pool_words(text))))
    assert says(drawn, "Linear", of(vision.query(pixels))) and says(drawn, "softmax", of(attended.pixel_weights))
    assert says(drawn, "mixture", of(attended.vision)) and f"√{pixels.shape[2]}" in drawn.svg

    drawn = part_schematic("decoder")
    assert says(drawn, "F_VA", of(attended.vision[:, :-COORDINATES])) and says(drawn, "F_TA", of(attended.language))
    assert says(drawn, "finer", of(medium), of(large)) and says(drawn, "response", *responses) and says(drawn, "fusion", responses[-1])

    drawn = part_schematic("loss")
    assert all(says(drawn, name, shape) for name in ("responses", "true mask") for shape in responses)
    assert f"inside × {WeightedSegmentationLoss().foreground_weight}" in drawn.svg


@pytest.mark.parametrize("part", PARTS)
def test_the_part_at_hand_is_lit_alone(part):
    assert schematic(part).svg.count("#ffd166") == 1
    assert schematic().svg.count("#ffd166") == 0


@pytest.mark.parametrize("drawing", [schematic(), *map(part_schematic, PARTS)], ids=str)
def test_drawings_on_one_page_do_not_meet(drawing):
    assert "id=" not in drawing.svg and "url(" not in drawing.svg
    assert len(re.findall("<polyline", drawing.svg)) == len(re.findall("<path", drawing.svg))  # each line has its head


def test_what_is_ours_is_dashed():
    assert [part_schematic(part).svg.count("stroke-dasharray") for part in PARTS] == [0, 1, 0, 0]


def test_an_unknown_part_is_named():
    with pytest.raises(ConfigError, match="'fusion'"):
        part_schematic("fusion")
    with pytest.raises(ConfigError, match="'fusion'"):
        schematic("fusion")
