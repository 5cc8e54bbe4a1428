"""Figures of the notebooks on encoders and attention: maps lie where their cells are, values keep their colours, nothing is left open."""

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from acga.overlay import colour
from acga.plots import attention as plots_attention

SQUARE = np.full((128, 128, 3), 100, np.uint8)
MASK = np.zeros((128, 128), bool)
MASK[32:64, 32:64] = True


def one_hot(row, column, size=8):
    values = np.zeros((size, size))
    values[row, column] = 1
    return values


def texts(figure, tmp_path):
    assert isinstance(figure, Figure) and plt.get_fignums() == []
    figure.savefig(tmp_path / "figure.png", dpi=50)
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_outlines_have_the_colours_of_their_numbers_and_leave_the_inside_alone():
    picture = plots_attention.outlined(SQUARE, {2: MASK})
    assert (picture == colour(2)).all(axis=2).any() and not (picture == colour(0)).all(axis=2).any()
    assert (picture[3 * 40 : 3 * 56, 3 * 40 : 3 * 56] == 100).all() and (picture[: 3 * 30] == 100).all()


def test_a_map_is_tinted_where_its_cell_is():
    picture = plots_attention.tint(SQUARE, one_hot(2, 5)).astype(int)
    assert picture.shape == (256, 256, 3)
    cell = picture[64:96, 160:192].reshape(-1, 3)
    assert (cell == cell[0]).all() and (np.abs(cell[0] - picture[0, 0]) > 50).any()
    outside = np.ones((256, 256), bool)
    outside[64:96, 160:192] = False
    assert (picture[outside] == picture[0, 0]).all()


def test_the_highest_value_has_the_last_colour_whatever_its_scale():
    of_its_own, of_four = (plots_attention.tint(SQUARE, 4 * one_hot(0, 0), highest=highest) for highest in (None, 4))
    assert np.array_equal(of_its_own, of_four)
    strength = plots_attention.STRENGTH[1]
    expected = strength * 255 * np.array(matplotlib.colormaps["viridis"](1.0)[:3]) + (1 - strength) * 100
    assert np.abs(of_four[5, 5] - expected).max() <= 2
    assert np.array_equal(plots_attention.tint(SQUARE, np.zeros((8, 8))), plots_attention.tint(SQUARE, np.zeros((4, 4))))


def test_colours_grow_lighter_with_the_value():
    black = np.zeros_like(SQUARE)
    values = [plots_attention.tint(black, np.full((8, 8), level), highest=1)[0, 0].astype(int).sum() for level in np.linspace(0, 1, 11)]
    assert (np.diff(values) > 0).all()


def test_the_outline_is_around_the_mask_and_not_in_it():
    plain, outlined = (plots_attention.tint(SQUARE, one_hot(7, 7), mask=mask) for mask in (None, MASK))
    changed = (plain != outlined).any(axis=2)
    assert changed[64, 64:128].all() and not changed[72:120, 72:120].any() and not changed[140:].any()


def test_maps_over_a_frame_share_their_scale(tmp_path):
    maps = {
        "low": 0.25 * one_hot(0, 0),
        "high, with a caption that is far too long for one line of this figure, as it goes on and on": one_hot(0, 0),
        "third": one_hot(1, 1),
    }
    figure = plots_attention.over_frame(SQUARE, maps, label="weight", mask=MASK, columns=2)
    assert {"weight", "low"} <= set(texts(figure, tmp_path))
    pictures = [axis.images[0].get_array() for axis in figure.axes if axis.images]
    assert len(pictures) == 3
    assert np.array_equal(pictures[0], plots_attention.tint(SQUARE, maps["low"], highest=1, mask=MASK))
    assert any("\n" in axis.get_title() for axis in figure.axes)


def test_each_map_may_have_its_own_frame_mask_and_cell():
    frames, masks = [SQUARE, SQUARE // 2], [MASK, ~MASK]
    figure = plots_attention.over_frame(
        frames, {"a": one_hot(0, 0), "b": one_hot(0, 0)}, label="weight", mask=masks, cells=[(3, 4), (6, 1)]
    )
    first, second = (axis.images[0].get_array() for axis in figure.axes[:2])
    assert tuple(first[96, 128]) == tuple(second[192, 32]) == (230, 159, 0)
    assert first[200, 200].sum() > second[200, 200].sum()


@pytest.mark.parametrize("signed", [False, True])
def test_a_heat_map_writes_its_values_legibly(signed, tmp_path):
    values = np.array([[0.0, 0.5, 1.0], [-1.0 if signed else 0.25, 0.1, 0.9]])
    figure = plots_attention.heat(values, ["one", "two"], ["a", "b", "longer"], label="share", signed=signed)
    assert {"0.50", "1.00", "one", "longer", "share"} <= set(texts(figure, tmp_path))
    image = figure.axes[0].images[0]
    for text in figure.axes[0].texts:
        column, row = text.get_position()
        field = image.cmap(image.norm(values[row, column]))[:3] @ plots_attention.LUMINANCE
        assert abs(field - (0 if text.get_color() == "black" else 1)) > 0.35
    assert not list(plots_attention.heat(values, ["one", "two"], ["a", "b", "c"], label="share", digits=None).axes[0].texts)


def test_signed_maps_are_centred_on_zero(tmp_path):
    figure = plots_attention.signed_maps({"x": np.array([[-1.0, 0.5]]), "constant": np.full((1, 2), 0.125)}, label="value")
    assert {"x", "constant", "value"} <= set(texts(figure, tmp_path))
    assert [axis.images[0].get_clim() for axis in figure.axes[:2]] == [(-1, 1), (-1, 1)]


def test_growth_is_drawn_on_logarithmic_scales(tmp_path):
    series = {"linear": ([8, 16, 32], [1, 2, 4]), "square": ([8, 16, 32], [1, 4, 16])}
    figure = plots_attention.growth(series, x_label="pixels", y_label="GFLOP", marks={"small": 16})
    assert {"linear", "square", "small", "16", "pixels", "GFLOP"} <= set(texts(figure, tmp_path))
    axis = figure.axes[0]
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    slopes = [np.polyfit(np.log(line.get_xdata()), np.log(line.get_ydata()), 1)[0] for line in axis.lines[:2]]
    assert slopes == pytest.approx([1, 2])


def test_the_bar_of_a_word_is_as_long_as_its_weight():
    picture = plots_attention.words_at(SQUARE, (2, 3), (8, 8), ["a", "dog"], np.array([0.25, 0.75]))
    assert picture.shape == (256, 512, 3) and tuple(picture[64, 96]) == (230, 159, 0)  # the cell's upper left corner
    lengths = (picture[:, 256:] == (86, 180, 233)).all(axis=2).sum(axis=1)
    first, second = lengths[:24].max(), lengths[24:48].max()
    assert second == pytest.approx(3 * first, abs=6) and lengths[48:].max() == 0


def test_twenty_words_fit_beside_the_frame():
    assert plots_attention.words_at(SQUARE, (0, 0), (8, 8), ["word"] * 20, np.full(20, 0.05)).shape == (256, 512, 3)


def test_maps_at_a_cell_stand_side_by_side_each_on_its_scale():
    picture = plots_attention.maps_at(SQUARE, (7, 7), [one_hot(0, 0), 0.1 * one_hot(0, 0)])
    assert np.array_equal(picture[:, :256], picture[:, 256:])
    assert np.array_equal(picture[:200, :200], plots_attention.tint(SQUARE, one_hot(0, 0))[:200, :200])
