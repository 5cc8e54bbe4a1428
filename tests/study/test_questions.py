"""What variants are asked, and that one study is about one set of samples."""

import json
from dataclasses import replace

import pytest

from acga.data import A2DSentences
from acga.errors import ConfigError
from acga.study.questions import middle_frames


def test_middle_frames_are_annotated_ones_of_every_video(place):
    whole = A2DSentences(place / "a2d", "test", size=32)
    middle = middle_frames(whole)
    assert {s.video_id for s in middle.samples} == {s.video_id for s in whole.samples}
    assert len(middle.annotated_frames) == len({s.video_id for s in whole.samples})
    assert set(middle.annotated_frames) <= set(whole.annotated_frames)


def test_a_row_says_what_is_asked_and_of_how_large_an_actor(questions):
    rows = [row for row in questions.rows() if row["test"] == "a2d"]
    assert [(row["video"], row["instance"], row["query"]) for row in rows] == [
        (s.video_id, s.instance, s.query) for s in questions.a2d.samples
    ]
    assert rows[0]["target_area"] > 0 and rows[0]["actors_in_scene"] >= 1
    assert len({row["video"] for row in rows if row["perturbed"]}) == 3  # every fourth of twelve


def test_grids_add_to_what_is_known_of_the_samples_and_never_contradict_it(questions, tmp_path):
    """A grid that runs without paraphrases, after one with them, must not take them from the study."""
    before = questions.save(tmp_path).read_text()
    replace(questions, paraphrases=None).save(tmp_path)
    assert (tmp_path / "samples.jsonl").read_text() == before
    assert {json.loads(line)["test"] for line in before.splitlines()} == {"a2d", "jhmdb", "paraphrases"}
    fewer = replace(questions, a2d=questions.a2d.replaced(questions.a2d.samples[:-1]))
    with pytest.raises(ConfigError, match="a study on other data"):
        fewer.save(tmp_path)
    assert (tmp_path / "samples.jsonl").read_text() == before
