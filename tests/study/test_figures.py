"""The figures of the study show what its tables and its summary hold."""

import numpy as np
import pytest

from acga.study.bootstrap import Interval
from acga.study.claims import TITLES
from acga.study.figures import about, attention_chart, claims_plot, in_words, loss_instability, robustness, sweep
from acga.study.perturbations import PERTURBATIONS
from acga.study.records import Study
from acga.study.summary import Summary
from acga.study.variants import GRIDS


def labels(figure, axis="y"):
    return [label.get_text() for label in getattr(figure.axes[0], f"get_{axis}ticklabels")()]


@pytest.fixture(scope="module")
def ours():
    return Study.read()


def test_the_claims_stand_under_their_titles_beside_what_the_paper_reports():
    claims = [one for one in Summary.read().claims if one["role"] == "primary"]
    figure = claims_plot(claims)
    expected = [text for one in claims for text in (f"{one['claim']}: {TITLES[one['claim']]}", one["statement"])]
    assert labels(figure) == expected
    diamonds = [float(line.get_xdata()[0]) for line in figure.axes[0].lines if line.get_marker() == "D" and len(line.get_xdata())]
    assert [one for one in diamonds if np.isfinite(one)] == [one["paper"] for one in claims if one["paper"] is not None]


def test_what_was_probed_is_drawn(ours):
    names = ["+ vision guided language", "ACGA"]
    assert labels(robustness(ours, names), "x") == ["5+ phrasings", *PERTURBATIONS]
    assert labels(attention_chart(ours, names), "x") == [f"word of the {topic}" for topic in ("actor", "action", "colour", "place")]


def test_a_sweep_shows_every_value_of_its_grid(ours):
    figure = sweep(ours, "foreground_weight", x_label="P", names=("mIoU", "recall"))
    assert labels(figure, "x") == list(GRIDS["foreground_weight"])
    assert about(ours, "foreground_weight").startswith("3 seeds a variant; 0.6 epochs in steps of 16 sentences;")
    assert about(ours, "claims").startswith("5 seeds a variant;") and "2,536 questions about" in about(ours, "claims")


def test_the_losses_are_shown_with_what_each_seed_came_to(ours):
    (axis,) = loss_instability(ours).axes
    each = ", ".join(f"{100 * mean:.0f}" for mean in ours.scores("dynamic convolution, learning rate 0.001").mean(axis=1))
    assert f"dynamic convolution, learning rate 0.001: {each}" in axis.get_legend_handles_labels()[1]


def test_what_was_not_compared_is_said():
    assert in_words(None, "recall") == "recall was not compared"
    assert in_words(Interval(-0.02, -0.03, -0.01)).endswith("lower")
