"""The guided filter against its definition, window by window, and what it does to outlines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acga.guided_filter import GuidedFilter
from acga.metrics import binarise, intersection_over_union


def defined(picture, response, radius, ridge):
    """Probabilities by the definition: ridge regression of the response on colour in each window; at a pixel, the mean of its windows."""
    around = [(radius, radius), (radius, radius)]
    colours = np.pad(picture / 255, [*around, (0, 0)], mode="symmetric")
    probability = np.pad(1 / (1 + np.exp(-response)), around, mode="symmetric")
    side, window = len(picture), 2 * radius + 1
    slopes, offsets = np.zeros((side, side, 3)), np.zeros((side, side))
    for row, column in np.ndindex(side, side):
        x = colours[row : row + window, column : column + window].reshape(-1, 3)
        y = probability[row : row + window, column : column + window].ravel()
        centred = x - x.mean(axis=0)
        slopes[row, column] = np.linalg.solve(centred.T @ centred / len(x) + ridge * np.eye(3), centred.T @ (y - y.mean()) / len(x))
        offsets[row, column] = y.mean() - slopes[row, column] @ x.mean(axis=0)
    slopes, offsets = np.pad(slopes, [*around, (0, 0)], mode="symmetric"), np.pad(offsets, around, mode="symmetric")
    found = np.zeros((side, side))
    for row, column in np.ndindex(side, side):
        here = slice(row, row + window), slice(column, column + window)
        found[row, column] = slopes[here].mean(axis=(0, 1)) @ (picture[row, column] / 255) + offsets[here].mean()
    return found


@given(seed=st.integers(0, 2**32 - 1), radius=st.integers(1, 3))
def test_it_is_what_it_is_defined_as(seed, radius):
    rng = np.random.default_rng(seed)
    picture, response = rng.integers(0, 256, (12, 12, 3), np.uint8), rng.normal(size=(12, 12))
    found = GuidedFilter(picture, window=radius / 12, ridge=1e-2)(response)
    assert found.dtype == np.float32 and found.shape == (12, 12)
    np.testing.assert_allclose(1 / (1 + np.exp(-found)), defined(picture, response, radius, 1e-2).clip(1e-6, 1 - 1e-6), atol=1e-3)


@pytest.mark.parametrize("level", [-5.0, 0.0, 5.0])
def test_a_constant_response_stays(level):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    np.testing.assert_allclose(GuidedFilter(picture)(np.full((64, 64), level, np.float32)), level, atol=0.01)


def test_a_blurred_outline_becomes_that_of_the_picture():
    """A star on a ground of another colour, asked for by a round blur."""
    y, x = np.mgrid[:160, :160] - 79.5
    distance, angle = np.hypot(x, y), np.arctan2(y, x)
    star = distance < 40 + 5 * np.cos(8 * angle)
    noise = np.random.default_rng(0).normal(0, 5, (160, 160, 3))
    picture = (np.where(star[..., None], (200, 60, 40), (40, 120, 60)) + noise).clip(0, 255).astype(np.uint8)
    blurred = ((40 - distance) / 6).astype(np.float32)
    before, after = (
        intersection_over_union(binarise(response, star.shape), star) for response in (blurred, GuidedFilter(picture)(blurred))
    )
    assert before < 0.87 and after > 0.95


@pytest.mark.parametrize("top", [-9.0, -14.0, -30.0, -90.0])
def test_how_low_all_logits_are_does_not_change_the_mask(top):
    picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    y, x = np.mgrid[:96, :96] - 47.5
    bump = (6 * np.exp(-(x**2 + y**2) / 200) - 6).astype(np.float32)  # at most 0
    found = GuidedFilter(picture)(bump + np.float32(top))
    expected = GuidedFilter(picture)(bump - 8)
    np.testing.assert_array_equal(found > found.max() - np.log(2), expected > expected.max() - np.log(2))


def test_flat_pictures_and_extreme_responses_give_numbers():
    for value in (0, 255):
        found = GuidedFilter(np.full((32, 32, 3), value, np.uint8))(np.full((32, 32), -200.0, np.float32))
        assert np.isfinite(found).all() and (found < -10).all()
