"""The score of a reader's predictions of the claims."""

import pytest

from acga.errors import ConfigError
from acga.study.claims import TITLES
from acga.study.records import Study
from acga.study.summary import Summary
from acga.teaching.exercises import check
from acga.teaching.predictions import PREDICTIONS, score_predictions
from acga.teaching.tasks import task

CLAIMS = [name for name in TITLES if name != "Controls"]


@pytest.fixture(scope="module")
def summary():
    return Summary.read()


def test_predictions_that_are_the_verdicts_are_all_right(summary):
    of = {verdict: guess for guess, verdict in PREDICTIONS.items()}
    primary = {one["claim"]: one["verdict"] for one in summary.claims if one["role"] == "primary"}
    table = score_predictions({name: of[primary[name]] for name in CLAIMS}, summary)
    assert list(table["right"]) == ["yes"] * 6 and table.index.name == "first study: 6 of 6 predictions right"
    assert list(table["verdict"]) == [primary[name] for name in CLAIMS]


def test_the_same_prediction_for_all_is_right_for_some(summary):
    table = score_predictions(dict.fromkeys(CLAIMS, "helps"), summary)
    assert list(table["right"]) == ["yes" if verdict == "holds" else "no" for verdict in table["verdict"]]


def test_no_prediction_is_no_fault_and_another_word_is(summary):
    table = score_predictions({"C1": ..., "C2": "hurts"}, summary)
    assert list(table["you"]) == ["–", "hurts"] and table.index.name.startswith("first study: 0 of 1")
    with pytest.raises(ConfigError, match="prediction for C1 is 'yes'"):
        score_predictions({"C1": "yes"}, summary)


def test_answers_of_its_exercises(capsys):
    study = Study.read()
    for number, given, right, wrong in (
        ("08b.1", {}, ("undecided", True), ("holds", True)),
        ("08b.2", {"study": study}, 7.6, 3.0),
        ("08b.3", {}, "actors_in_scene=1", "same_kind=1"),
    ):
        for answer, said in ((..., "not answered yet"), (right, "right"), (wrong, f'not yet: hint("{number}") helps')):
            check(answer, task(number, **given))
            assert capsys.readouterr().out.strip() == said
