"""Fitting weights to a few annotated frames of one's own film."""

import csv
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from helpers import small

from acga.cli import main
from acga.inference import Segmenter
from acga.model.checkpoints import load_model, save_model
from acga.training.adaptation import read_examples

PLACES = {"red": (4, 6), "green": (22, 18)}  # x, y of squares, 10 pixels wide
RGB = {"red": (220, 30, 30), "green": (30, 180, 40)}


@pytest.fixture
def folder(tmp_path):
    """A film of six frames, in the third of which both squares are annotated."""
    film = tmp_path / "film"
    for name in ("images", "masks"):
        (film / name).mkdir(parents=True)
    picture = np.full((32, 40, 3), 60, np.uint8)
    for colour, (x, y) in PLACES.items():
        picture[y : y + 10, x : x + 10] = RGB[colour]
        mask = np.zeros((32, 40), np.uint8)
        mask[y : y + 10, x : x + 10] = 255
        cv2.imwrite(str(film / "masks" / f"{colour}.png"), mask)
    for number in range(6):
        cv2.imwrite(str(film / "images" / f"{number}.png"), picture[..., ::-1])
    write_table(film, [["2", f"{colour}.png", colour] for colour in PLACES])
    return film


def write_table(film, rows):
    with open(film / "sentences.csv", "w", newline="") as file:
        csv.writer(file).writerows([["frame", "mask", "query"], *rows])


@pytest.fixture
def weights(tmp_path):
    model = small.small_model()
    model.config = replace(model.config, second_size=48)
    save_model(model, tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def test_examples_are_what_the_table_says(folder):
    write_table(folder, [["2.png", "red.png", "red"], ["4", "green.png", "green"]])
    first, second = read_examples(folder, size=32, clip_length=4)
    assert (first.index, second.index, first.query) == (2, 4, "red") and first.clip.shape == (4, 32, 32, 3)
    assert first.mask.sum() == 100 and second.frame[second.mask].tolist() == [list(RGB["green"])] * 100


def test_a_film_is_learned_and_the_weights_go_on_being_weights(folder, weights, tmp_path, capsys):
    out = tmp_path / "adapted.safetensors"
    command = ["adapt", str(folder), "--out", str(out), "--weights", str(weights), "--steps", "60", "--learning-rate", "1e-2"]
    assert main(command) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    for colour in PLACES:
        after, before = (
            float(part.split()[0].strip(")"))
            for part in next(line for line in printed.splitlines() if line.endswith(colour)).split("before")
        )
        assert after > max(0.6, before + 0.2)
    found = Segmenter(out, "cpu").open(folder / "images").segment(list(PLACES))
    red = read_examples(folder, size=32, clip_length=4)[0].mask
    assert (found["red"][2] & red).sum() / (found["red"][2] | red).sum() > 0.6
    old, new = load_model(weights), load_model(out)
    assert new.config == replace(old.config, second_size=0)  # it was fitted at one size
    for name, value in new.backbone.stem.state_dict().items():
        torch.testing.assert_close(value, old.backbone.stem.state_dict()[name], rtol=1e-3, atol=1e-6)
    assert cv2.imread(str(out.with_suffix(".jpg"))).shape == (64, 80, 3)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["9", "red.png", "red"]], "line 2: there is no picture '9'"),
        ([["2", "blue.png", "red"]], "blue.png is not a readable picture"),
        ([["2", "red.png", "red", "more"]], "line 2 has 4 values instead of 3"),
        ([["2", "none.png", "red"]], "marks no pixel"),
        ([["2", "tall.png", "red"]], "tall.png is 32 x 40, its picture 40 x 32"),
        ([["2", "red.png", ""]], "line 2: The query is empty"),
        ([["2", "red.png", "red"], ["2", "red.png", "a " * 21]], "line 3: The query"),
        ([], "has no line below its header"),
    ],
)
def test_what_is_wrong_is_named(folder, weights, tmp_path, capsys, rows, message):
    cv2.imwrite(str(folder / "masks" / "none.png"), np.zeros((32, 40), np.uint8))
    cv2.imwrite(str(folder / "masks" / "tall.png"), np.full((40, 32), 255, np.uint8))
    write_table(folder, rows)
    assert main(["adapt", str(folder), "--out", str(tmp_path / "out.safetensors"), "--weights", str(weights)]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out.safetensors").exists()
