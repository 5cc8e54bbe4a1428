"""A module that the reader wrote is held against the package's; every exercise has a hint, and says what is wrong with an answer."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import acga
from acga.errors import ConfigError
from acga.metrics import intersection_over_union
from acga.model.attention import Attended, VisionGuidedLanguageAttention
from acga.synthetic.samples import write_clip
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


# Exercises of 00, 01, 07 and 09: a right answer, wrong ones, one of another kind, and what is said of each


def reads(stored):
    return stored.reshape(-1, *stored.shape[-2:]).transpose(0, 2, 1) > 0


def draws(step, count, size, seed):
    return np.random.default_rng([seed, step]).choice(count, size, replace=False)


def draws_as_it_comes(step, count, size, seed, rng=np.random.default_rng(0)):  # noqa: B008 (that it is shared is the point)
    return rng.choice(count, size, replace=False)


def rule(logits, ratio):
    probability = 1 / (1 + np.exp(-logits))
    return probability > ratio * probability.max()


def parameters(part):
    return sum(parameter.numel() for parameter in part.parameters())


LINE = np.zeros((144, 176), bool)
LINE[20:124, 5] = True
MODEL = acga.ACGA(replace(acga.ACGAConfig.thin(), backbone_width=0.125, vision_widths=(104, 48, 24)))
TRAINED, MIXED_4F = sum(one.numel() for one in MODEL.training_parameters()), parameters(MODEL.backbone.mixed_4f)
NO_SHARE = "not yet: a share lies between 0 and 1, and not every number of yours does"
GIVEN = {
    "00.2": {"attended": Attended(torch.empty(1, 96, 8, 8), torch.empty(1, 216, 8, 8), torch.empty(1, 64, 20), torch.empty(1, 64, 64))},
    "01.0": {"actions": ["none", "run"]},
    "01.3": {  # known: a, dog, running; of 12 tokens cat, red and parrot are unknown
        "learned": ["a dog running", "a dog standing", "white cat running"],
        "asked": ["a dog running", "a cat", "red dog running", "a dog", "a parrot"],
    },
    "07.4": {"model": MODEL},
    "09.1": {"logits": np.random.default_rng(0).normal(size=(6, 6)).astype(np.float32)},
    "09.3": {"present": [0.9, 0.8, 0.4], "absent": [0.5, 0.3]},
}
ANSWERS = {
    "00.1": [
        ((144, 144), "right"),
        ([144.0, 144.0], "right"),
        ((12, 12), "not yet: these are the places along each side, and every place looks at all places"),
        ((192, 192), "not yet: these are pixels, and attention compares places"),
        ((64, 64), "not yet: that is for the 128 x 128 pixels above"),
        ((36, 36), 'not yet: hint("00.1") helps'),
        (144, "not yet: 2 numbers are wanted, not one number"),
        ("144 x 144", "not yet: 2 numbers are wanted, not str"),
    ],
    "00.2": [
        (1280, "right"),
        (4096, "not yet: these are the weights of places over places"),
        (20, "not yet: these are the weights of a single place"),
        (64, "not yet: these are the weights of a single word"),
        ((64, 20), "not yet: one number is wanted, not 2 numbers"),
        (GIVEN["00.2"]["attended"].word_weights, "not yet: one number is wanted, not an array (1, 64, 20)"),
    ],
    "01.0": [
        ("B", "right"),
        ("A", "not yet: its wheels stand still in all sixteen frames"),
        ("b", 'not yet: "A" or "B" is wanted, not \'b\''),
        (1, 'not yet: "A" or "B" is wanted, not int'),
    ],
    "01.1": [
        ([1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "right"),
        ([0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "not yet: the files count frames from 1, and so does the answer"),
        (range(-5, 11), "not yet: there is no frame before frame 1: what stands in for it?"),
        ([1, 1, 1, 1, 1, 1, *range(2, 12)], "not yet: eight frames come before the annotated one, and seven after it"),
        (range(1, 17), "not yet: the annotated frame has index 8 in the clip"),
        (range(1, 11), "not yet: 16 numbers are wanted, not 10 numbers"),
    ],
    "01.3": [
        (3 / 12, "right"),
        (9 / 12, "not yet: that is the share of tokens that it does know"),
        (2 / 12, "not yet: words said only once in training are in your vocabulary too"),
        (3 / 6, "not yet: these are different words; a token counts as often as it is said"),
        (3 / 5, "not yet: these are sentences; the share of tokens is wanted"),
        (25, NO_SHARE),
        (["cat", "red"], "not yet: one number is wanted, not something else in a list"),
    ],
    "01.4": [
        (LINE, "right"),
        (np.roll(LINE, 1, axis=1), "not yet: it does not vanish, as 26 of the square's pixels still show it"),
        (LINE & (np.arange(144) < 80)[:, None], "not yet: at least 100 pixels are wanted, yours has 60"),
        (LINE.T, "not yet: a bool array (144, 176) is wanted, yours is bool (176, 144)"),
        (LINE.astype(np.uint8), "not yet: a bool array (144, 176) is wanted, yours is uint8 (144, 176)"),
    ],
    "01.6": [
        (reads, "right"),
        (lambda stored: reads(stored).astype(np.uint8), "not yet: bool masks are wanted, yours are uint8"),
        (lambda stored: stored > 0, "not yet: of a stored array (3, 7, 5) your function makes (3, 7, 5), not (N, H, W)"),
        (lambda stored: stored.swapaxes(-1, -2) > 0, "not yet: of a stored array (7, 5) your function makes (5, 7), not (N, H, W)"),
        (lambda stored: stored.reshape(-1, 5, 7) > 0, "not yet: the shapes are right, but pixels are not where they belong"),
        (lambda stored: None, "not yet: your function gives NoneType, not an array"),
        (np.ones((3, 5, 7), bool), "not yet: a function is wanted, without a call, not ndarray"),
    ],
    "07.1": [
        (draws, "right"),
        (lambda *given: draws(*given).tolist(), "right"),
        (draws_as_it_comes, "not yet: asked in another order, your steps show other samples"),
        (lambda step, *rest: draws(0, *rest), "not yet: different steps of yours show the same samples"),
        (lambda step, count, size, seed: draws(step, count, size, 0), "not yet: with another seed your steps show the same samples"),
        (lambda step, count, size, seed: draws(step + seed, count, size, 0), "not yet: with another seed your steps show the same samples"),
        (lambda step, count, size, seed: np.full(size, step), "not yet: a step of yours holds a sample twice"),
        (lambda step, count, size, seed: step + np.arange(44, 52), "not yet: of 50 samples the indices are 0 to 49, yours are 44 to 51"),
        (
            lambda step, count, size, seed: draws(step, count, 1, seed),
            "not yet: 8 whole numbers are wanted in a step, not an array of int64 with the shape (1,)",
        ),
        (draws(0, 50, 8, 0), "not yet: a function is wanted, without a call, not ndarray"),
    ],
    "07.2": [
        (1 - 2 / np.e, "right"),
        (1 - 1 / np.e, "not yet: those seen once are in it too"),
        (1 / np.e, "not yet: that is the share never seen, and nearly that of those seen once"),
        (0.5 / np.e, "not yet: that is the share seen twice; those seen more often belong to it"),
        (26.4, NO_SHARE),
        ([0.37, 0.26], "not yet: one number is wanted, not 2 numbers"),
    ],
    "07.3": [
        ([5e-4, 5e-4, 5e-5, 5e-5, 5e-5, 5e-6], "right"),
        ([5e-4, 5e-5, 5e-5, 5e-5, 5e-6, 5e-6], "not yet: yours falls an epoch too early"),
        ([5e-4, 5e-4, 5e-4, 5e-5, 5e-5, 5e-5], "not yet: yours falls an epoch too late"),
        ([5e-4, 5e-4, 5e-5, 5e-5, 5e-5, 5e-5], "not yet: the rate falls every 8 epochs, so more than once"),
        ([5e-4, 5e-5, 5e-6], "not yet: 6 numbers are wanted, not 3 numbers"),
        (lambda epoch: 5e-4, "not yet: 6 numbers are wanted, not function"),
    ],
    "07.4": [
        (TRAINED - MIXED_4F, "right"),
        (MIXED_4F, "not yet: that is mixed_4f alone"),
        (TRAINED, "not yet: that is what is trained now, with mixed_4f"),
        (parameters(MODEL) - MIXED_4F, "not yet: the parameters before mixed_4f are frozen already"),
        (list(MODEL.training_parameters()), "not yet: one number is wanted, not something else in a list"),
    ],
    "07.5": [
        ("Y", "right"),
        ("X", "not yet: its curve is the higher one in the end"),
        ("both", 'not yet: "X" or "Y" is wanted, not \'both\''),
        (200, 'not yet: "X" or "Y" is wanted, not int'),
    ],
    "09.1": [
        (rule, "right"),
        (
            lambda logits, ratio: logits > ratio * logits.max(),
            "not yet: that is a share of the largest logit; the rule speaks of probabilities",
        ),
        (
            lambda logits, ratio: rule(logits, 0) & (logits > np.log(ratio / (1 - ratio))),
            "not yet: that is a share of one, whatever the map's own maximum is",
        ),
        (lambda logits, ratio: rule(logits, ratio)[0], "not yet: a bool mask (6, 6) is wanted, yours is bool (6,)"),
        (rule(GIVEN["09.1"]["logits"], 0.5), "not yet: a function is wanted, without a call, not ndarray"),
    ],
    "09.2": [
        (5 / 9, "right"),
        (2 / 6, "not yet: 0.333 is the IoU of a single pair"),
        ([2 / 6, 4 / 6, 4 / 6], "not yet: one number is wanted, not 3 numbers"),
    ],
    "09.3": [
        (5 / 6, "right"),
        (1 / 6, "not yet: that is the share in which the one that is not there has the higher peak"),
        ([[True, True], [True, True], [False, True]], "not yet: one number is wanted, not an array (3, 2)"),
    ],
}


def assert_said(capsys, number, given, answers):
    """All answers to an exercise get the one line that is expected, and so does none."""
    for answer, said in [(..., "not answered yet"), *answers]:
        check(answer, task(number, **given))
        assert capsys.readouterr().out == said + "\n"


@pytest.mark.parametrize("number", ANSWERS)
def test_an_answer_is_right_or_says_what_is_wrong(number, capsys):
    assert_said(capsys, number, GIVEN.get(number, {}), ANSWERS[number])


def test_a_sentence_that_finds_the_runner_or_another(tmp_path, capsys):
    truth = write_clip(tmp_path / "lawn.mp4")
    given = {"film": tmp_path / "lawn.mp4", "mask": truth[2, 16], "frame": 16}
    assert_said(
        capsys, "00.3", given, [("man in green running", "right"), (["man"], "not yet: one sentence in quotes is wanted, not list")]
    )
    check("white dog on the right", task("00.3", **given))
    assert re.fullmatch(
        r"not yet: the mask of that sentence and the runner's have an IoU of 0\.\d\d; more than 0\.5 is wanted\n", capsys.readouterr().out
    )


def test_what_a_deaf_segmenter_reaches(a2d_release, capsys):
    dataset = acga.A2DSentences(a2d_release, "test", size=64)
    everyone = [dataset.frame_masks(sample.video_id, sample.frame)[0].any(axis=0) for sample in dataset.samples]
    meant = [dataset.labels(index)["mask"].numpy() for index in range(len(dataset))]
    ious = [intersection_over_union(*pair) for pair in zip(everyone, meant, strict=True)]
    answers = [
        (np.mean(ious), "right"),
        (1.0, "not yet: that is an answer with the mask of the actor meant, not with all masks"),
        (
            np.sum(meant) / np.sum(everyone),
            "not yet: the pixels of all samples were added first; the mean of the samples' IoUs is wanted",
        ),
        (100 * np.mean(ious), NO_SHARE),
        (ious, f"not yet: one number is wanted, not {len(ious)} numbers"),
    ]
    assert_said(capsys, "01.2", {"dataset": dataset}, answers)


def test_the_shares_of_repeated_frames(capsys):
    lengths = {"long": 60, "short": 20}
    dataset = SimpleNamespace(annotated_frames=[("long", 24), ("short", 3)], read_video=lambda name: range(lengths[name]))
    shares = []
    for length in (16, 32):
        clips = [
            np.clip(np.arange(frame - 1 - length // 2, frame - 1 + length // 2), 0, lengths[name] - 1)
            for name, frame in dataset.annotated_frames
        ]
        shares.append(np.mean([1 - len(set(clip.tolist())) / length for clip in clips]))
    answers = [
        (tuple(shares), "right"),
        (tuple(shares[::-1]), "not yet: that is the share of 32 frames before that of 16"),
        ([1 - share for share in shares], "not yet: these are the shares of frames that are not repeated"),
        ([100 * share for share in shares], NO_SHARE),
        (shares[0], "not yet: 2 numbers are wanted, not one number"),
    ]
    assert_said(capsys, "01.5", {"dataset": dataset}, answers)


def test_every_exercise_of_these_notebooks_is_answered_here():
    here = {number for number in TASKS if number[:3] in ("00.", "01.", "07.", "09.")}
    assert here == {*ANSWERS, "00.3", "01.2", "01.5"}
