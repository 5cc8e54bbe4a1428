"""Figures of the notebooks on training and the benchmark show the numbers they are given; the tables beside them are read right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import colors
from matplotlib import pyplot as plt
from matplotlib.container import BarContainer

from acga.plots import charts as plots_results
from acga.study.bootstrap import Interval


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    assert plt.get_fignums() == []


def mask(*rows):
    return np.array([[letter == "x" for letter in row] for row in rows])


def test_a_grid_tells_whose_each_cell_is():
    figure = plots_results.grids({"one": (mask("xx", ".."), mask("x.", "x."))})
    (axis,) = figure.axes
    said = {(text.get_position(), text.get_text()) for text in axis.texts}
    assert said == {((0.5, 0.5), "both"), ((1.5, 0.5), "answer"), ((0.5, 1.5), "truth"), ((1.5, 1.5), "")}
    shades = {cell.get_xy(): colors.to_hex(cell.get_facecolor()).upper() for cell in axis.patches}
    assert (shades[0, 0], shades[0, 1], shades[1, 0]) == (plots_results.RIGHT, plots_results.MISSED, plots_results.WRONG)
    assert axis.get_ylim() == (2, 0)  # the first row is at the top


def test_lines_of_others_are_dashed():
    figure = plots_results.lines({"ours": ([0, 1], [2, 3]), "theirs": ([0, 1], [4, 5])}, x_label="K", y_label="P", dashed=["theirs"])
    ours, theirs = figure.axes[0].lines
    assert (ours.get_linestyle(), theirs.get_linestyle()) == ("-", "--") and ours.get_linewidth() > theirs.get_linewidth()
    assert theirs.get_ydata().tolist() == [4, 5] and figure.axes[0].get_xlabel() == "K"


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=30), st.sampled_from([1, 3, 9]))
def test_smoothing_stays_between_the_extremes_and_keeps_the_length(values, width):
    found = plots_results.smoothed(values, width)
    assert len(found) == len(values)
    assert found.min() >= min(values) - 1e-9 and found.max() <= max(values) + 1e-9


def test_smoothing_by_one_changes_nothing():
    assert plots_results.smoothed([3, 1, 2], 1).tolist() == [3, 1, 2]


def test_losses_are_shown_as_logged_and_smoothed():
    figure = plots_results.losses({"a": ([20, 40, 60], [3, 2, 1]), "b": ([20, 40, 60], [3, 3, 3])}, y_label="loss", width=3)
    pale, thick, *_ = figure.axes[0].lines
    assert pale.get_ydata().tolist() == [3, 2, 1] and thick.get_ydata().tolist() == [2.5, 2, 1.5]
    assert len(figure.axes[0].lines) == 4 and [text.get_text() for text in figure.axes[0].get_legend().texts] == ["a", "b"]


def test_panels_have_their_own_scales_from_zero():
    figure = plots_results.panels({"IoU": {"run": ([1, 2], [0.4, 0.5])}, "loss": {"run": ([1, 2], [4, 5])}}, x_label="epoch")
    assert [axis.get_title() for axis in figure.axes] == ["IoU", "loss"]
    assert all(axis.get_ylim()[0] == 0 for axis in figure.axes) and figure.axes[0].get_ylim()[1] < 1 < figure.axes[1].get_ylim()[1]


def test_a_breakdown_names_each_group_with_its_size():
    groups = {"actor": {"dog": (Interval(0.5, 0.4, 0.6), 1200), "cat": (Interval(0.3, 0.1, 0.5), 8)}}
    groups |= {"place": {"left": (Interval(0.2, 0.1, 0.3), 4)}, "action": {"run": (Interval(0.2, 0.1, 0.3), 4)}}
    figure = plots_results.breakdown(groups, x_label="mean IoU", line=0.45)
    first, *_, unused = figure.axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["dog (1,200)", "cat (8)"]
    drawn = [line.get_xdata() for line in first.lines]
    assert [0.4, 0.6] in [list(x) for x in drawn] and [0.45, 0.45] in [list(x) for x in drawn]
    assert first.get_ylim()[0] > first.get_ylim()[1]  # the first group is on top
    assert len(figure.axes) == 4 and not unused.axison
    assert [axis.get_xlabel() for axis in figure.axes] == ["", "mean IoU", "mean IoU", ""]  # the lowest one of each column


def test_shares_of_a_row_fill_a_hundred_percent():
    rows = {"one": {"right": 3, "wrong": 1}, "two": {"right": 0, "wrong": 50}}
    figure = plots_results.shares(rows, x_label="%")
    bars = [container for container in figure.axes[0].containers if isinstance(container, BarContainer)]
    widths = np.array([[bar.get_width() for bar in container] for container in bars])
    assert widths.sum(axis=0) == pytest.approx(100) and widths[:, 0] == pytest.approx([75, 25])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["one (4)", "two (50)"]
