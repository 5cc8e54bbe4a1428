"""Charts show the numbers they are given, in the colours and at the places that the legend and the axes say."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt

from acga.plots import charts
from acga.study.bootstrap import Interval


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    assert plt.get_fignums() == []


def legend_of(axis):
    return [text.get_text() for text in axis.get_legend().texts]


def test_lines_of_others_are_dashed():
    figure = charts.line_chart({"ours": ([0, 1], [2, 3]), "theirs": ([0, 1], [4, 5])}, x_label="K", y_label="P", dashed=["theirs"])
    (axis,) = figure.axes
    ours, theirs = axis.lines
    assert (ours.get_linestyle(), theirs.get_linestyle()) == ("-", "--") and ours.get_linewidth() > theirs.get_linewidth()
    assert theirs.get_ydata().tolist() == [4, 5] and (axis.get_xlabel(), axis.get_ylabel()) == ("K", "P")
    assert legend_of(axis) == ["ours", "theirs"]


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=30), st.sampled_from([1, 3, 9]))
def test_a_running_mean_stays_between_the_extremes_and_keeps_the_length(values, width):
    found = charts.running_mean(values, width)
    assert len(found) == len(values)
    assert found.min() >= min(values) - 1e-9 and found.max() <= max(values) + 1e-9


def test_smoothed_lines_are_shown_as_they_were_too():
    figure = charts.line_chart({"a": ([20, 40, 60], [3, 2, 1]), "b": ([20, 40, 60], [3, 3, 3])}, x_label="", y_label="", smoothing=3)
    pale, thick, *_ = figure.axes[0].lines
    assert list(pale.get_ydata()) == [3, 2, 1] and thick.get_ydata().tolist() == [2.5, 2, 1.5]
    assert len(figure.axes[0].lines) == 4 and legend_of(figure.axes[0]) == ["a", "b"]


def test_bars_stand_alone_or_in_groups_with_their_values_over_them():
    (axis,) = charts.bar_chart({"a": 0.718, "b": 12.34}, y_label="mean IoU").axes
    assert [text.get_text() for text in axis.texts] == ["0.72", "12.3"] and axis.get_legend() is None
    (axis,) = charts.bar_chart({"a": {"ours": 1, "theirs": 2}, "b": {"ours": 3, "theirs": 4}}, y_label="").axes
    assert [bar.get_height() for bar in axis.patches] == [1, 3, 2, 4] and legend_of(axis) == ["ours", "theirs"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["a", "b"]


def test_bars_of_intervals_are_in_percent_with_their_ends():
    (axis,) = charts.bar_chart({"a": {"ours": Interval(0.2, 0.1, 0.4)}, "b": {"ours": Interval(0.3, 0.3, 0.3)}}, y_label="%").axes
    assert [bar.get_height() for bar in axis.patches] == pytest.approx([20, 30]) and len(axis.texts) == 0
    ends = [segment[:, 1] for segment in axis.collections[0].get_segments()]
    np.testing.assert_allclose(ends, [[10, 40], [30, 30]])


def test_points_are_spread_over_a_logarithmic_axis():
    (axis,) = charts.scatter_plot({"a": ([1, 10], [0, 1]), "b": ([5], [2])}, x_label="area", y_label="IoU").axes
    assert axis.get_xscale() == "log" and [of.get_offsets().tolist() for of in axis.collections] == [[[1, 0], [10, 1]], [[5, 2]]]


def test_a_strip_shows_every_value_and_the_median():
    (axis,) = charts.strip_plot({"1 fused": [40.0, 44.0], "3 fused": [43.0]}, x_label="mean IoU (%)", line=41).axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["1 fused (2)", "3 fused (1)"]
    assert [of.get_offsets()[:, 0].tolist() for of in axis.collections] == [[40, 44], [43]]
    assert [line.get_xdata()[0] for line in axis.lines] == [42, 43, 41] and axis.get_xscale() == "linear"
    assert charts.strip_plot({"a": [1, 2]}, x_label="", log=True).axes[0].get_xscale() == "log"


def test_points_of_intervals_stand_side_by_side_in_percent():
    found = {"P = 2": {"0.5": Interval(0.02, 0.01, 0.03), "0.6": Interval(0, -0.01, 0.01)}, "P = 4": {"0.6": Interval(0.1, 0, 0.2)}}
    (axis,) = charts.point_plot(found, y_label="points").axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0.5", "0.6"]
    first, second = (container.lines[0] for container in axis.containers)
    np.testing.assert_allclose(first.get_ydata(), [2, 0], atol=1e-9)
    assert second.get_xdata()[0] - first.get_xdata()[1] == pytest.approx(0.12)
    segments = axis.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([segment[:, 1] for segment in segments], [[1, 3], [-1, 1]], atol=1e-9)
    assert first.get_linestyle() == "None" and axis.lines[-1].get_ydata() == [0, 0]
    assert charts.point_plot(found, y_label="", joined=True).axes[0].containers[0].lines[0].get_linestyle() == "-"


def test_points_of_several_values_are_their_means_with_each_of_them():
    (axis,) = charts.point_plot({"mIoU": {"P = 1": [0.4, 0.5], "P = 2": [0.6]}}, y_label="%", line=None).axes
    each = [line.get_ydata().tolist() for line in axis.lines if line.get_marker() == "."]
    assert each == [pytest.approx([40, 50]), pytest.approx([60])]
    assert axis.containers[0].lines[0].get_ydata() == pytest.approx([45, 60])


def forest(**columns):
    names = {"group": ["one", "one", "two"], "name": ["a", "b", "c"]}
    intervals = [Interval(0.2, 0.1, 0.3), Interval(0.0, -0.1, 0.1), Interval(-0.2, -0.3, -0.1)]
    return pd.DataFrame(names | {"interval": intervals} | columns)


def test_a_forest_has_headings_over_its_rows_and_colours_by_where_the_line_is():
    (axis,) = charts.forest_plot(forest(), x_label="points").axes
    labels = [(label.get_text(), label.get_fontweight()) for label in axis.get_yticklabels()]
    assert labels == [("one", "bold"), ("a", "normal"), ("b", "normal"), ("two", "bold"), ("c", "normal")]
    assert axis.get_ylim()[0] > axis.get_ylim()[1]  # the first group is on top
    dots = {line.get_ydata()[0]: line for line in axis.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1}
    assert {place: dot.get_color() for place, dot in dots.items()} == {1: charts.ABOVE, 2: charts.UNDECIDED, 4: charts.BELOW}
    assert {place: dot.get_xdata()[0] for place, dot in dots.items()} == pytest.approx({1: 20, 2: 0, 4: -20})
    assert "one seed" not in legend_of(axis)
    (axis,) = charts.forest_plot(forest().drop(columns="group"), x_label="", line=25).axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b", "c"]
    assert [line.get_color() for line in axis.lines[2:7:2]] == [charts.UNDECIDED, charts.BELOW, charts.BELOW]


def test_an_estimate_of_a_single_seed_has_a_hollow_dot():
    (axis,) = charts.forest_plot(forest(seeds=[[0.2], [-0.05, 0.05], [-0.1, -0.3]]), x_label="").axes
    dots = [line for line in axis.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [True, False, False]
    strokes = [line.get_xdata() for line in axis.lines if line.get_marker() == "|"]
    assert strokes == [pytest.approx([-5, 5]), pytest.approx([-10, -30])] and "one seed" in legend_of(axis)


def test_what_others_report_is_a_diamond():
    (axis,) = charts.forest_plot(forest(paper=[1.5, np.nan, None]), x_label="", reference="paper").axes
    diamonds = [line.get_xdata()[0] for line in axis.lines if line.get_marker() == "D" and len(line.get_xdata())]
    assert diamonds == pytest.approx([1.5, np.nan, np.nan], nan_ok=True) and "paper" in legend_of(axis)


@pytest.mark.parametrize("diverging", [False, True])
def test_a_heatmap_writes_its_values(diverging):
    table = pd.DataFrame([[0.0, 0.5, 1.0], [-1.0 if diverging else 0.25, 0.1, 0.9]], index=["one", "two"], columns=["a", "b", "longer"])
    figure = charts.heatmap(table, label="share", digits=1, diverging=diverging)
    axis, bar = figure.axes
    assert [text.get_text() for text in axis.texts] == [f"{value:.1f}" for value in table.to_numpy().flat]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["one", "two"] and bar.get_ylabel() == "share"
    assert axis.collections[0].get_cmap().name == ("PuOr" if diverging else "viridis")


def test_a_snapshot_marks_a_moment_of_its_lines():
    shown = {"a map": (np.full((8, 8), 0.5), np.eye(8) > 0), "a frame": (np.zeros((8, 8, 3), np.uint8), np.eye(8) > 0)}
    early, late = (charts.snapshot(shown, {"loss": ([1, 2], [4, 3])}, at=at, x_label="step", y_label="loss") for at in (1, 2))
    assert early.shape == late.shape == (430, 480, 3) and early.dtype == np.uint8
    changed = (early != late).any(axis=(1, 2))
    assert changed[250:].any() and not changed[:200].any()  # the marker moves, the pictures stay


def test_axes_of_ones_own_have_the_colours_of_all_charts():
    figure, axis = charts.new_axes(4, 3, x_label="x")
    lines = [axis.plot([0, 1], [0, 1])[0] for _ in range(2)]
    assert [line.get_color() for line in lines] == list(charts.SERIES_COLOURS[:2])
    assert axis.get_xlabel() == "x" and tuple(figure.get_size_inches()) == (4, 3)
