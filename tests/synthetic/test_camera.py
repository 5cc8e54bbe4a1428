"""The camera: actors and background move together, nothing moves at the reference frame, and the sensor is deterministic."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acga.synthetic.render.camera import Camera, canvas_size, degrade
from acga.synthetic.scene import Scene

STILL = Scene(name="a", seed=7, height=96, width=128, frames=16, background="lawn", surface="grass", actors=(), annotated=(9,))
MOVING = replace(STILL, pan=(0.008, -0.004), zoom=0.01, shake=0.01)


def world_to_pixels(camera: Camera, frame: int, x: float, y: float) -> np.ndarray:
    return camera.matrix(frame) @ (x, y, 1.0)


def test_identity_at_the_reference_frame() -> None:
    camera = Camera(MOVING)
    assert camera.reference == 8
    np.testing.assert_allclose(camera.matrix(8), [[96, 0, 0], [0, 96, 0]], atol=1e-9)


def test_the_reference_frame_shows_the_middle_of_the_canvas() -> None:
    height, width = 124, 166
    canvas = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    shown = Camera(MOVING).background(canvas, 8)
    np.testing.assert_array_equal(shown, canvas[14:110, 19:147])


def test_canvas_size_leaves_room_for_the_camera() -> None:
    assert canvas_size(STILL) == (125, 166)


@settings(max_examples=30, deadline=None)
@given(frame=st.integers(0, 15), x=st.floats(0.3, 1.0), y=st.floats(0.25, 0.75), seed=st.integers(0, 1000))
def test_background_and_actors_move_together(frame: int, x: float, y: float, seed: int) -> None:
    scene = replace(MOVING, seed=seed)
    height, width = 144, 192
    spot = np.array([x, y]) * 96 + ((width - 128) / 2, (height - 96) / 2)  # the same place on the canvas
    rows, columns = np.mgrid[:height, :width]
    bump = 250 * np.exp(-((columns - spot[0]) ** 2 + (rows - spot[1]) ** 2) / (2 * 3.0**2))
    canvas = np.repeat(bump[..., None], 3, axis=2).astype(np.uint8)
    camera = Camera(scene)
    weight = camera.background(canvas, frame)[..., 0].astype(float)
    rows, columns = np.mgrid[:96, :128]
    found = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    expected = world_to_pixels(camera, frame, x, y)
    if (expected > 12).all() and (expected < (116, 84)).all():  # the whole bump is in the frame
        np.testing.assert_allclose(found, expected, atol=0.1)


def test_panning_right_moves_things_left_and_zooming_in_moves_them_apart() -> None:
    pan = Camera(replace(STILL, pan=(0.01, 0.0)))
    assert world_to_pixels(pan, 12, 0.5, 0.5)[0] == pytest.approx(48 - 4 * 0.96)
    zoom = Camera(replace(STILL, zoom=0.02))
    before, after = (world_to_pixels(zoom, f, 0.8, 0.5) - world_to_pixels(zoom, f, 0.5, 0.5) for f in (8, 12))
    assert after[0] / before[0] == pytest.approx(np.exp(0.08))
    centre = world_to_pixels(zoom, 15, 128 / 96 / 2, 0.5)
    np.testing.assert_allclose(centre, (64, 48), atol=1e-9)


def test_shake_has_the_standard_deviation_asked_for() -> None:
    offsets = [Camera(replace(STILL, seed=seed, shake=0.02)).matrix(f)[:, 2] for seed in range(200) for f in (0, 15)]
    # relative to the reference frame, an independent draw of the same spread: hence the square root of two
    assert np.std(offsets) / 96 == pytest.approx(0.02 * np.sqrt(2), rel=0.1)


def test_the_camera_is_the_same_when_built_again_and_another_for_another_seed() -> None:
    first, again, other = Camera(MOVING), Camera(MOVING), Camera(replace(MOVING, seed=8))
    np.testing.assert_array_equal(first.matrix(3), again.matrix(3))
    assert not np.allclose(first.matrix(3), other.matrix(3))


def test_looking_past_the_canvas_mirrors_it() -> None:
    canvas = np.full((96, 128, 3), 77, np.uint8)
    shown = Camera(replace(STILL, pan=(0.2, 0.2))).background(canvas, 15)
    assert shown.shape == (96, 128, 3) and (shown == 77).all()


def test_blur_removes_detail() -> None:
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (64, 80, 3), dtype=np.uint8)
    sharp, soft = (degrade(frame, replace(STILL, blur=blur), np.random.default_rng(1)) for blur in (0.0, 1.5))
    assert cv2.Laplacian(soft, cv2.CV_64F).std() < 0.2 * cv2.Laplacian(sharp, cv2.CV_64F).std()


@pytest.mark.parametrize("level", [2.0, 6.0])
def test_noise_has_the_standard_deviation_asked_for(level: float) -> None:
    frame = np.full((120, 160, 3), 128, np.uint8)
    assert degrade(frame, replace(STILL, noise=level), np.random.default_rng(0)).std() == pytest.approx(level, rel=0.05)


def test_flicker_is_slight_and_differs_between_frames() -> None:
    frame = np.full((20, 30, 3), 128, np.uint8)
    rng = np.random.default_rng(0)
    means = [degrade(frame, STILL, rng).mean() for _ in range(100)]
    assert 0.5 < np.std(means) < 5
    assert abs(np.mean(means) - 128) < 2


def test_degrading_is_deterministic_and_leaves_its_input_alone() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    before, scene = frame.copy(), replace(STILL, noise=4.0, blur=0.8)
    first, again = (degrade(frame, scene, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(frame, before)
    assert first.shape == frame.shape and first.dtype == np.uint8
