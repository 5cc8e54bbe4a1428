"""Backgrounds: every family paints a textured picture of its own, the same one for the same seed."""

import numpy as np
import pytest

from acga.errors import ConfigError
from acga.synthetic.render.backgrounds import BACKGROUNDS, CANVAS, paint
from acga.synthetic.render.canvas import Canvas

HEIGHT, WIDTH = 120, 160
families = pytest.mark.parametrize("family", BACKGROUNDS)


def test_there_is_a_family_for_every_place_of_the_real_sentences() -> None:
    words = {word for family in BACKGROUNDS.values() for word in family.surfaces}
    assert words >= {
        "grass",
        "lawn",
        "field",
        "floor",
        "carpet",
        "room",
        "road",
        "street",
        "track",
        "ground",
        "sand",
        "beach",
        "snow",
        "water",
    }
    assert words >= {"court", "sky", "parking lot", "bed", "table"}
    assert len(BACKGROUNDS) >= 10


@families
def test_paints_a_whole_canvas(family: str) -> None:
    image = paint(family, HEIGHT, WIDTH, np.random.default_rng(3))
    assert image.shape == (HEIGHT, WIDTH, 3) and image.dtype == np.uint8
    assert not (image.reshape(HEIGHT, -1).max(axis=1) < 5).any(), "a row was left unpainted"


@families
def test_same_seed_same_picture_other_seed_another(family: str) -> None:
    first, again, other = (paint(family, HEIGHT, WIDTH, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(float) - other).mean() > 8


@families
def test_is_textured_and_subdued(family: str) -> None:
    images = np.stack([paint(family, HEIGHT, WIDTH, np.random.default_rng(seed)) for seed in range(4)]).astype(float)
    patches = images.reshape(4, HEIGHT // 8, 8, WIDTH // 8, 8, 3)
    assert np.median(patches.std(axis=(2, 4))) > 2, "most patches of 8 x 8 pixels are flat"
    saturation = images.max(axis=-1) - images.min(axis=-1)
    assert np.median(saturation) < 110, "so colourful that actors would not stand out"


@families
def test_the_horizon_is_where_the_family_says(family: str) -> None:
    horizon = BACKGROUNDS[family].horizon
    assert 0.2 < horizon < 1
    canvas = Canvas(HEIGHT, WIDTH, horizon=0.5 + (horizon - 0.5) / CANVAS, wall=0.2, rng=np.random.default_rng(0))
    canvas.ground((90, 90, 90), (90, 90, 90))
    rows = np.flatnonzero(canvas.image.any(axis=(1, 2)))
    frame_row = (rows[0] / HEIGHT - 0.5) * CANVAS + 0.5  # of the frame in the middle of the canvas
    assert frame_row == pytest.approx(horizon, abs=1 / HEIGHT * CANVAS)


def test_families_look_different() -> None:
    means = {family: np.mean([paint(family, 60, 80, np.random.default_rng(seed)) for seed in range(8)], axis=0) for family in BACKGROUNDS}
    names = list(means)
    gaps = [np.abs(means[a] - means[b]).mean() for index, a in enumerate(names) for b in names[:index]]
    assert min(gaps) > 4


@pytest.mark.parametrize(("height", "width"), [(8, 8), (300, 90), (40, 700)])
@families
def test_paints_odd_sizes(family: str, height: int, width: int) -> None:
    assert paint(family, height, width, np.random.default_rng(0)).shape == (height, width, 3)


def test_unknown_family_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"no background 'moon'.*lawn"):
        paint("moon", HEIGHT, WIDTH, np.random.default_rng(0))


def test_ground_points_converge_on_the_vanishing_point() -> None:
    canvas = Canvas(100, 150, horizon=0.4, wall=0.0, rng=np.random.default_rng(0))
    left, right = canvas.point(-1, 1e6), canvas.point(1, 1e6)
    np.testing.assert_allclose(left, right, atol=1e-5)
    np.testing.assert_allclose(left, (canvas.vanishing, 0.4), atol=1e-5)
    assert canvas.point(0, 1)[1] == pytest.approx(1), "depth 1 is the lower border"


def test_a_wall_ends_the_ground_at_the_horizon() -> None:
    canvas = Canvas(100, 150, horizon=0.4, wall=0.2, rng=np.random.default_rng(0))
    assert canvas.point(0, canvas.farthest)[1] == pytest.approx(0.4)
    canvas.quad((-50, 50), (1, 1000), (255, 255, 255))
    assert canvas.image[:39].max() == 0 and canvas.image[41:].min() == 255
