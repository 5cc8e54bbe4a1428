"""Questions about real pictures: read as they lie, each with another question that is fair and one about what is absent."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from helpers.paths import ROOT
from PIL import Image

from acga.errors import DatasetError

sys.path.insert(0, str(ROOT / "benchmarks"))
import real_pictures

ROWS = [
    "clip,frame,instance_id,query,mask_source,part",
    "horse,00001,1,a man riding,instances,train",
    "horse,00001,2,the brown horse jumping,instances,train",
    "duck,00002,1,a duck swimming,masks,train",
    "bike,00000,1,someone on a bike,masks,test",
]


@pytest.fixture
def film(tmp_path):
    """Three clips of three frames, 20 x 30; frame n is of the gray 40 n."""
    for clip in ("horse", "duck", "bike"):
        for folder in ("frames", "masks", "instances"):
            (tmp_path / folder / clip).mkdir(parents=True)
        for number in range(3):
            Image.fromarray(np.full((20, 30, 3), 40 * number, np.uint8)).save(tmp_path / "frames" / clip / f"{number:05d}.jpg")
        mask = np.zeros((20, 30), np.uint8)
        mask[5:10] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / clip / {"duck": "00002.png", "bike": "00000.png"}.get(clip, "00001.png"))
    instances = np.zeros((20, 30), np.uint8)
    instances[:4], instances[12:] = 1, 2
    Image.fromarray(instances).save(tmp_path / "instances" / "horse" / "00001.png")
    (tmp_path / "queries.csv").write_text("\n".join(ROWS) + "\n")
    return tmp_path


def test_questions_and_their_masks(film):
    rider, horse, duck = real_pictures.read_questions(film, "train")
    assert (rider.mask.sum(), horse.mask.sum(), duck.mask.sum()) == (4 * 30, 8 * 30, 5 * 30)
    assert not (rider.mask & horse.mask).any()
    assert (rider.told_apart, horse.told_apart, duck.told_apart) == (True, True, False)
    assert len(real_pictures.read_questions(film)) == 4
    with pytest.raises(DatasetError, match="no question of part 'other'"):
        real_pictures.read_questions(film, "other")


@pytest.mark.parametrize("seed", range(4))
def test_another_question_is_about_the_other_actor_and_absent_ones_share_no_word(film, seed):
    questions = real_pictures.read_questions(film)
    others, absent = real_pictures.other_questions(questions, seed)
    assert others[:2] == [questions[1].query, questions[0].query]  # the rider's is the horse's, and the other way round
    for question, nothing in zip(questions, absent, strict=True):
        assert not (set(nothing.split()) & set(question.query.split())) - real_pictures.COMMON
        assert nothing not in {other.query for other in questions if other.clip == question.clip}


def test_a_clip_is_around_the_frame_of_the_question(film):
    duck = real_pictures.read_questions(film, "train")[2]
    clip, *beside = real_pictures.read_clips(film, duck, size=32, length=4, neighbours=True)
    assert clip.shape == (3, 4, 32, 32)
    grays = (clip[0, :, 16, 16] + 1) * 127.5
    np.testing.assert_allclose(grays, [0, 40, 80, 80], atol=2)  # frames 0, 1, 2, and the last again
    assert [real_pictures.middle_of(other)[16, 16, 0] for other in beside] == [40]  # nothing comes after the last frame


def test_scores_count_pairs_of_a_present_and_an_absent_actor():
    rows = [
        {"iou": 0.6, "refined": 0.9, "iou of other": 0.1, "confidence": 0.8, "confidence of absent": 0.5},
        {"iou": 0.2, "refined": 0.5, "iou of other": 0.3, "confidence": 0.5, "confidence of absent": 0.1},
    ]
    found = real_pictures.scores(rows)
    assert found["questions"] == 2
    assert found["mIoU"] == pytest.approx(0.4) and found["mIoU, refined"] == pytest.approx(0.7)
    assert (found["P@0.5"], found["P@0.5, refined"], found["P@0.8, refined"]) == (0.5, 1.0, 0.5)  # 0.5 itself counts, as officially
    assert found["mIoU of another question"] == pytest.approx(0.2)
    assert found["present told from absent (AUROC)"] == (3 + 0.5) / 4  # one tie
