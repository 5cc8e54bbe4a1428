"""The renderer: masks are true to the picture in both editions, and the second is shaded, textured, soft and blurred by motion."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from acga.synthetic.render.renderer import box, draw
from acga.synthetic.render.shading import Light, Material, line_kernel, render_shaded
from acga.synthetic.render.shapes import Part, ellipse, render
from acga.synthetic.render.textures import TEXTURE_SIDE, Textures, dead_leaves, pink_noise
from acga.synthetic.sampling import sample_scene
from acga.synthetic.scene import Actor, Scene

NOUN = {"adult": "man", "baby": "baby", "ball": "ball", "bird": "bird", "car": "car", "cat": "cat", "dog": "dog"}


def actor(kind: str, action: str, **changes: object) -> Actor:
    return replace(Actor(kind=kind, action=action, noun=NOUN[kind], colour="red", garment="shirt", lower_garment="pants"), **changes)


def test_render_covers_what_it_says() -> None:
    frame = np.zeros((60, 80, 3), np.uint8)
    disc = Part(ellipse((0.5, 0.5), 0.25), (255, 255, 255))
    mask, covered = render(frame, [disc], np.array([[60.0, 0, 0], [0, 60.0, 0]]))
    assert mask.sum() == pytest.approx(np.pi * 15**2, rel=0.03)
    assert (mask == covered).all()
    assert frame[30, 30].min() > 200 and frame[5, 5].max() == 0
    prop = disc._replace(of_actor=False)
    mask, covered = render(frame, [prop], np.array([[60.0, 0, 0], [0, 60.0, 0]]))
    assert not mask.any() and covered.any()
    assert not render(frame, [disc], np.array([[60.0, 0, 900], [0, 60.0, 0]]))[0].any()  # far outside: nothing, and no error


def test_masks_are_where_the_actor_is_drawn() -> None:
    """Without the actor the picture differs inside its mask and its shadow, and nowhere far from them."""
    scene = next(s for i in range(100) if len((s := sample_scene("a", 0, 0, i, frames=4)).actors) == 1 and s.actors[0].kind == "car")
    scene = replace(scene, noise=0.0, blur=0.0)
    with_actor, masks = next(draw(scene))
    without, none = next(draw(replace(scene, actors=())))
    changed = np.abs(with_actor.astype(int) - without).max(axis=2) > 25
    assert none.shape[0] == 0
    assert changed[masks[0]].mean() > 0.9


def test_nearer_actors_hide_farther_ones() -> None:
    front, behind = actor("car", "none", height=0.3, y=0.9), actor("car", "none", height=0.3, y=0.8)
    scene = replace(sample_scene("a", 0, 0, 0, frames=4), actors=(behind, front), pan=(0.0, 0.0))
    _, masks = next(draw(scene))
    assert not (masks[0] & masks[1]).any()
    _, alone = next(draw(replace(scene, actors=(behind,))))
    assert masks[0].sum() < alone[0].sum()
    assert not (masks[0] & ~alone[0]).any()


def test_box_leaves_out_what_is_hardly_seen() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:14, 20:24] = True
    assert box(mask) is None
    mask[10:20, 20:40] = True
    found = box(mask)
    assert found is not None and (found.left, found.top, found.right, found.bottom) == (0.2, 0.1, 0.4, 0.2)


# The second edition


def shaded(*actors: Actor, seed: int = 1, frames: int = 5, **changes: object) -> Scene:
    looks = {"background": "lawn", "surface": "grass", "annotated": (3,), "style": "shaded"}
    return replace(Scene(name="a", seed=seed, height=128, width=160, frames=frames, actors=actors, **looks), **changes)


CAR = actor("car", "none", height=0.3, y=0.8, look=5)


def test_a_shaded_mask_is_where_the_actor_is_drawn() -> None:
    (with_actor, masks), (without, none) = (next(draw(shaded(*actors))) for actors in ((CAR,), ()))
    changed = np.abs(with_actor.astype(int) - without).max(axis=2) > 20
    assert none.shape[0] == 0
    assert changed[masks[0]].mean() > 0.85
    far = np.ones_like(masks[0])
    rows, columns = np.flatnonzero(masks[0].any(1)), np.flatnonzero(masks[0].any(0))
    far[rows[0] - 12 : rows[-1] + 24, max(0, columns[0] - 24) : columns[-1] + 24] = False
    assert changed[far].mean() < 0.01


def test_nearer_shaded_actors_hide_farther_ones() -> None:
    front, behind = CAR, replace(CAR, y=0.7, look=6)
    _, masks = next(draw(shaded(behind, front)))
    _, alone = next(draw(shaded(behind)))
    assert not (masks[0] & masks[1]).any()
    assert masks[0].sum() < alone[0].sum() and not (masks[0] & ~alone[0]).any()


def test_flat_colour_does_not_give_the_actor_away() -> None:
    """Brightness varies inside actors, away from their edges, as much as outside; in the first edition it hardly does."""
    ratios: dict[int, list[float]] = {1: [], 2: []}
    for edition, found in ratios.items():
        for index in range(14):
            scene = replace(sample_scene("a", 0, 0, index, frames=1, edition=edition), noise=0.0, blur=0.0)
            frame, masks = next(draw(scene))
            level, figure = frame.astype(np.float32).mean(axis=2), masks.any(axis=0).astype(np.uint8)
            varying = np.sqrt(np.maximum(cv2.blur(level**2, (5, 5)) - cv2.blur(level, (5, 5)) ** 2, 0))
            inside, around = cv2.erode(figure, np.ones((5, 5))) > 0, cv2.dilate(figure, np.ones((9, 9))) == 0
            if inside.sum() > 50:
                found.append(float(np.median(varying[inside]) / np.median(varying[around])))
    assert np.median(ratios[1]) < 0.5
    assert 0.6 < np.median(ratios[2]) < 2.5


def test_light_falls_on_the_side_it_comes_from() -> None:
    textures = Textures(np.random.default_rng(0))
    plain = replace(Material.sample(np.random.default_rng(1), textures, "ball"), contrast=0.0)
    disc = [Part(ellipse((0.5, 0.5), 0.3), (120, 120, 120))]
    for angle in (0.0, math.pi / 2, -2.0):
        towards = np.array([math.cos(angle), math.sin(angle)])
        light = replace(Light.sample(np.random.default_rng(2)), direction=towards, strength=1.0)
        frame = np.zeros((100, 100, 3), np.uint8)
        mask, _ = render_shaded(frame, disc, np.array([[100.0, 0, 0], [0, 100.0, 0]]), light, plain, height=60, origin=np.zeros(2))
        rows, columns = np.mgrid[:100, :100] / 100 - 0.5
        level = frame.mean(axis=2)[mask]
        across = (columns * towards[0] + rows * towards[1])[mask]
        assert level[across > 0].mean() > 1.03 * level[across < 0].mean()


def test_texture_moves_with_its_actor() -> None:
    """The same actor a whole number of pixels further looks the same there."""
    textures = Textures(np.random.default_rng(0))
    material = replace(Material.sample(np.random.default_rng(3), textures, "dog"), contrast=0.3)
    light = Light.sample(np.random.default_rng(4))
    disc = [Part(ellipse((0.3, 0.5), 0.2), (90, 120, 160))]
    frames = []
    for shift in (0, 25):
        frame = np.zeros((80, 120, 3), np.uint8)
        matrix = np.array([[80.0, 0, shift], [0, 80.0, 0]])
        render_shaded(frame, disc, matrix, light, material, height=40, origin=matrix @ (0.3, 0.5, 1.0))
        frames.append(frame)
    np.testing.assert_allclose(frames[0][:, 5:60].astype(int), frames[1][:, 30:85], atol=2)


def test_motion_blurs_along_the_path() -> None:
    kernel = line_kernel(np.array([6.0, 0.0]))
    assert kernel is not None and kernel.sum() == pytest.approx(1)
    assert kernel.sum(axis=1).max() > 0.6, "horizontal"
    runner = actor("car", "run", height=0.3, y=0.8, look=5)
    sharpness = {}
    for action in ("run", "none"):
        frame, masks = list(draw(shaded(replace(runner, action=action), seed=11, frames=3)))[1]
        edge = np.abs(np.diff(frame.astype(float).mean(axis=2), axis=1))
        sharpness[action] = edge[:, :-1][masks[0][:, 1:-1]].mean()
    assert sharpness["run"] < sharpness["none"]


def test_shaded_scenes_do_not_depend_on_threads_or_repetition() -> None:
    scene = sample_scene("a", 3, 0, 2, frames=3, edition=2)
    for (first, mask), (again, same) in zip(draw(scene), draw(scene), strict=True):
        np.testing.assert_array_equal(first, again)
        np.testing.assert_array_equal(mask, same)


# Textures


def test_pink_noise_falls_with_frequency() -> None:
    noise = pink_noise(np.random.default_rng(0), slope=1.0)
    assert (
        noise.shape == (TEXTURE_SIDE, TEXTURE_SIDE)
        and noise.mean() == pytest.approx(0, abs=1e-3)
        and noise.std() == pytest.approx(1, rel=1e-3)
    )
    amplitude = np.abs(np.fft.fft2(noise))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(TEXTURE_SIDE), np.fft.fftfreq(TEXTURE_SIDE)))
    rings = [amplitude[(frequency > low) & (frequency <= 1.5 * low)].mean() for low in (0.02, 0.04, 0.08, 0.16, 0.3)]
    slopes = np.diff(np.log(rings)) / np.diff(np.log([0.02, 0.04, 0.08, 0.16, 0.3]))
    assert slopes == pytest.approx(-1, abs=0.25)


def test_dead_leaves_have_edges_and_flat_insides() -> None:
    leaves = dead_leaves(np.random.default_rng(0))
    steps = np.abs(np.diff(leaves, axis=1))
    assert (steps < 0.02).mean() > 0.6, "flat insides"
    assert (steps > 0.3).mean() > 0.02, "edges"
