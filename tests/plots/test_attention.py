"""Attention over frames: light where its cells are, the more the larger the weight, on one scale."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from acga.output.overlay import colour
from acga.plots import attention

FRAME = np.full((128, 128, 3), 100, np.uint8)
MASK = np.zeros((128, 128), bool)
MASK[32:64, 32:64] = True


def one_hot(row, column, size=8):
    values = np.zeros((size, size))
    values[row, column] = 1
    return values


def test_a_map_is_light_where_its_cell_is():
    picture = attention.map_over_frame(FRAME, one_hot(2, 5)).astype(int)
    assert picture.shape == (256, 256, 3)
    cell = picture[64:96, 160:192].reshape(-1, 3)
    assert (cell == cell[0]).all() and (np.abs(cell[0] - picture[0, 0]) > 50).any()
    outside = np.ones((256, 256), bool)
    outside[64:96, 160:192] = False
    assert (picture[outside] == 100 * attention.DARKENED).all()


def test_the_highest_value_has_the_most_light_whatever_its_scale():
    of_its_own, of_four = (attention.map_over_frame(FRAME, 4 * one_hot(0, 0), highest=highest) for highest in (None, 4))
    assert np.array_equal(of_its_own, of_four)
    opacity = attention.MAX_OPACITY
    expected = opacity * np.array(colour(attention.LIGHT)) + (1 - opacity) * attention.DARKENED * 100
    assert np.abs(of_four[5, 5] - expected).max() <= 1
    nothing = [attention.map_over_frame(FRAME, np.zeros((size, size))) for size in (8, 4)]
    assert np.array_equal(*nothing)


def test_light_grows_with_the_value():
    pictures = [attention.map_over_frame(FRAME, np.full((8, 8), level), highest=1) for level in np.linspace(0, 1, 11)]
    assert (np.diff([picture[0, 0].astype(int).sum() for picture in pictures]) > 0).all()


def test_the_outline_is_around_the_mask_and_not_in_it():
    plain, outlined = (attention.map_over_frame(FRAME, one_hot(7, 7), mask=mask) for mask in (None, MASK))
    changed = (plain != outlined).any(axis=2)
    assert changed[64, 64:128].all() and not changed[72:120, 72:120].any() and not changed[140:].any()


def test_maps_over_a_frame_share_their_scale(tmp_path):
    maps = {
        "low": 0.25 * one_hot(0, 0),
        "high, with a caption that is far too long for one line of this figure, as it goes on and on": one_hot(0, 0),
        "third": one_hot(1, 1),
    }
    figure = attention.maps_over_frame(FRAME, maps, label="weight", mask=MASK, columns=2)
    assert plt.get_fignums() == []
    figure.savefig(tmp_path / "figure.png", dpi=50)
    texts = {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}
    assert {"weight", "low"} <= texts
    pictures = [axis.images[0].get_array() for axis in figure.axes if axis.images]
    assert len(pictures) == 3
    assert np.array_equal(pictures[0], attention.map_over_frame(FRAME, maps["low"], highest=1, mask=MASK))
    assert any("\n" in axis.get_title() for axis in figure.axes)


def test_each_map_may_have_its_own_frame_mask_and_cell():
    frames, masks, maps = [FRAME, FRAME // 2], [MASK, ~MASK], {"a": one_hot(0, 0), "b": one_hot(0, 0)}
    figure = attention.maps_over_frame(frames, maps, label="weight", mask=masks, cells=[(3, 4), (6, 1)])
    first, second = (axis.images[0].get_array() for axis in figure.axes[:2])
    assert tuple(first[96, 128]) == tuple(second[192, 32]) == (255, 255, 255)  # the upper left corners of the cells
    assert first[200, 200].sum() > second[200, 200].sum()


def test_the_bar_of_a_word_is_as_long_as_its_weight():
    picture = attention.word_bars(FRAME, (2, 3), (8, 8), ["a", "dog"], np.array([0.25, 0.75]))
    assert picture.shape == (256, 512, 3) and tuple(picture[64, 96]) == (255, 255, 255)  # the cell's upper left corner
    lengths = (picture[:, 256:] == colour(0)).all(axis=2).sum(axis=1)
    first, second = lengths[:24].max(), lengths[24:48].max()
    assert second == pytest.approx(3 * first, abs=6) and lengths[48:].max() == 0


def test_twenty_words_fit_beside_the_frame():
    assert attention.word_bars(FRAME, (0, 0), (8, 8), ["word"] * 20, np.full(20, 0.05)).shape == (256, 512, 3)
