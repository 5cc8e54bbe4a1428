"""Pictures and tables of the notebook on the benchmark, by the data in them."""

import numpy as np
import pandas as pd

from acga.teaching.benchmark_views import mean_by_group, overlaps, stacked_shares


def test_cells_are_coloured_by_answer_and_truth_with_the_first_row_on_top():
    answer, truth = np.array([[1, 1], [0, 0]], bool), np.array([[0, 1], [0, 1]], bool)
    (axis,) = overlaps([answer], [truth], ["one"]).axes
    assert axis.get_title() == "one"
    assert np.asarray(axis.collections[0].get_array()).reshape(2, 2).tolist() == [[0, 2], [1, 3]]


def test_groups_are_of_their_own_samples():
    found = mean_by_group("place", list("rlrl"), np.array([0.0, 1.0, 0.5, 1.0]), list("aabb"))
    assert list(found["name"]) == ["l (2)", "r (2)"] and set(found["group"]) == {"place"}
    left, right = found["interval"]
    assert (left.low, left.mean, left.high) == (1, 1, 1) and right.low <= right.mean == 0.25 <= right.high


def test_bars_fill_a_hundred_and_name_small_shares_nowhere():
    counts = pd.DataFrame({"right": [99, 1], "wrong": [1, 3]}, index=["alone", "in company"])
    (axis,) = stacked_shares(counts, x_label="share").axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["alone (100)", "in company (4)"]
    widths = np.array([[bar.get_width() for bar in bars] for bars in axis.containers])
    assert np.allclose(widths.sum(axis=0), 100) and np.allclose(widths[0], [99, 25])
    assert [text.get_text() for text in axis.texts] == ["99", "25", "", "75"] and axis.get_xlabel() == "share"
