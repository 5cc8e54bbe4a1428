"""Masks painted over frames: colours that can be told apart, outlines where the masks are, legends that fit."""

import itertools

import numpy as np
import pytest

from acga.output import overlay

FRAME = np.full((60, 90, 3), 100, np.uint8)


def mask(top, left, side=20, size=(60, 90)):
    found = np.zeros(size, bool)
    found[top : top + side, left : left + side] = True
    return found


def test_colours_differ_also_without_red_green_vision():
    """Simulated deuteranopia (Viénot et al., 1999, on linear RGB) leaves every two colours of the palette apart."""
    to_lms = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    blind = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
    linear = (np.array([overlay.colour(number) for number in range(len(overlay.PALETTE))]) / 255) ** 2.2
    seen = (np.linalg.inv(to_lms) @ blind @ to_lms @ linear.T).T.clip(0, 1) ** (1 / 2.2)
    assert min(np.abs(one - other).max() for one, other in itertools.combinations(seen, 2)) > 0.1


def test_paint_changes_the_mask_and_its_outline_only():
    painted = overlay.paint_masks(FRAME, [mask(20, 30)])
    assert (painted[25:35, 35:45] == painted[30, 40]).all()
    expected = 0.3 * np.array(overlay.colour(0)) + 0.7 * 100
    assert np.abs(painted[30, 40] - expected).max() <= 1
    assert (painted[:15] == 100).all() and (painted[:, :25] == 100).all() and (painted[45:] == 100).all()
    assert (FRAME == 100).all()


def test_paint_without_filling_leaves_the_inside_as_it_was():
    painted = overlay.paint_masks(FRAME, [mask(20, 30)], fill=False)
    assert (painted[24:36, 34:46] == 100).all() and (painted[20, 30:50] == overlay.colour(0)).all()


def test_what_is_only_outlined_lies_below_filled_masks():
    painted = overlay.paint_masks(FRAME, [mask(20, 30), mask(24, 34)], fill=[True, False])
    assert (painted[20:40, 49] == overlay.colour(0)).all() and (painted[39, 30:50] == overlay.colour(0)).all()
    assert (painted[43, 40] == overlay.colour(1)).all()


def test_every_query_has_its_colour():
    painted = overlay.paint_masks(FRAME, [mask(5, 5), mask(35, 60)])
    assert np.abs(painted[45, 70] - (0.3 * np.array(overlay.colour(1)) + 70)).max() <= 1
    assert np.abs(painted[15, 15] - (0.3 * np.array(overlay.colour(0)) + 70)).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (31, 33), (144, 192), (480, 854)])
def test_an_overlay_shows_the_frame_and_a_legend(size):
    pictures = overlay.Overlay(["dog", "a query far too long for its line " * 5], size)
    picture = pictures.picture(np.full((*size, 3), 100, np.uint8), [np.ones(size, bool), np.zeros(size, bool)])
    assert picture.shape == (*pictures.size, 3) and picture.dtype == np.uint8
    assert picture.shape[1] >= overlay.LEGIBLE
    scale = max(1, overlay.LEGIBLE // max(size))
    legend = picture[size[0] * scale :]
    assert len(legend) >= 20 and (legend == overlay.colour(0)).all(axis=-1).any() and legend.max() > 200  # spot and letters
    assert (picture[: size[0] * scale].reshape(-1, 3) == 100).all(axis=1).sum() == 0  # all of the frame is masked


def test_a_legend_takes_any_script():
    assert overlay.Overlay(["café 🐕 собака"], (100, 400)).size[1] == 400


def test_a_mask_may_have_the_colour_of_another_number():
    first, second = (overlay.paint_masks(FRAME, [mask(5, 5)], fill=False, numbers=[number]) for number in (0, 3))
    assert (first[5, 10] == overlay.colour(0)).all() and (second[5, 10] == overlay.colour(3)).all()


@pytest.mark.parametrize("width", [1, 20, 50, 400])
def test_a_legend_without_room_for_a_letter_ends(width):
    sheet = overlay.ContactSheet(["man in red"], (400, width))
    sheet.add(np.zeros((400, width, 3), np.uint8), [np.zeros((400, width), bool)], 0.0)
    assert sheet.picture().ndim == 3
