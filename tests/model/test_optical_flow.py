"""Optical flow: displacements that are known, and motion that is not the camera's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from acga.config import ACGAConfig
from acga.errors import ConfigError
from acga.model.image_stem import ImageBackbone, ImageStem
from acga.model.optical_flow import motion, optical_flow, warp


def texture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """A random picture (1, 1, H, W) in [-1, 1] with details of about four pixels."""
    noise = torch.from_numpy(np.random.default_rng(seed).normal(size=(1, 1, height // 4 + 4, width // 4 + 4))).float()
    return torch.tanh(F.interpolate(noise, size=(height, width), mode="bicubic", align_corners=False))


@settings(max_examples=15, deadline=None)
@given(x=st.floats(-4, 4), y=st.floats(-4, 4), seed=st.integers(0, 99))
def test_a_displaced_texture_is_followed(x, y, seed):
    """By up to four pixels, eight of a frame at full size, to a quarter of a pixel in most of the picture."""
    large = texture(120, 136, seed)
    shift = torch.tensor([x, y]).view(1, 2, 1, 1).expand(1, 2, 120, 136)
    first, second = large[..., 12:-12, 12:-12], warp(large, -shift)[..., 12:-12, 12:-12]
    found = optical_flow(first, second)[0, :, 12:-12, 12:-12].flatten(1)
    error = (found - torch.tensor([[x], [y]])).norm(dim=0)
    assert error.median() < 0.25


def test_where_nothing_is_to_be_seen_nothing_moves():
    assert optical_flow(torch.zeros(2, 1, 32, 48), torch.zeros(2, 1, 32, 48)).abs().max() == 0


def test_warping_by_whole_pixels_moves_the_picture():
    picture = texture(32, 40)
    flow = torch.tensor([3.0, -2.0]).view(1, 2, 1, 1).expand(1, 2, 32, 40)
    torch.testing.assert_close(warp(picture, flow)[..., 2:, :-3], picture[..., :-2, 3:])


def scene(patch_speed: int, camera_speed: int) -> torch.Tensor:
    """Four frames (1, 3, 4, 96, 128) of a patch that moves to the right before a background that the camera pans."""
    background, patch = texture(96, 192), texture(32, 32, 1)
    frames = []
    for time in range(4):
        start = 32 + camera_speed * time
        frame = background[..., start : start + 128].clone()
        left = 48 + (patch_speed - camera_speed) * time
        frame[..., 32:64, left : left + 32] = patch
        frames.append(frame.expand(1, 3, 96, 128))
    return torch.stack(frames, dim=2)


@pytest.mark.parametrize("camera_speed", [0, 2])
def test_motion_is_that_of_the_actor_whatever_the_camera_does(camera_speed):
    """In the cells of the patch x moves by half of its pixels (flow is computed at half of the resolution); elsewhere nothing does."""
    maps = motion(scene(4, camera_speed))  # (1, 36, 6, 8)
    x = maps.unflatten(1, (3, 3, 4))[0, :, 0].mean(dim=(0, 1))  # of three pairs and four cells, (6, 8)
    inside, outside = x[2:4, 4], torch.cat([x[:1].flatten(), x[5:].flatten()])
    assert (inside - 2).abs().max() < 0.4 and outside.abs().max() < 0.2


def test_each_part_of_a_cell_has_channels_of_its_own():
    """The left half of a cell at stride 16 moves, the right one does not."""
    still = texture(64, 64).expand(1, 3, 64, 64)
    moved = torch.cat([warp(still, torch.tensor([2.0, 0]).view(1, 2, 1, 1).expand(1, 2, 64, 64))[..., :24], still[..., 24:]], dim=3)
    x = motion(torch.stack([still, moved], dim=2)).unflatten(1, (3, 4))[0, 0, :, 1:3, 1]  # the cells from 16 to 32, four parts
    assert (x[[0, 2]] < -0.6).all() and (x[[1, 3]].abs() < 0.5).all()


@pytest.mark.parametrize(("length", "windows"), [(4, [(2, 3, 3, 3)]), (8, [(0, 1, 2, 3), (4, 5, 6, 7)])])
def test_a_window_is_four_frames_or_the_last_one_again(length, windows):
    assert ImageStem(width=0.1, motion=True).windows(length) == windows
    assert ImageStem(width=0.1).windows(length) == [window[:1] for window in windows]


def test_an_i3d_has_no_optical_flow_beside_it():
    with pytest.raises(ConfigError, match='motion goes with stem="image" alone'):
        replace(ACGAConfig.thin(), motion=True)


def test_the_stem_with_motion_has_the_maps_of_that_without_and_more():
    backbone = ImageBackbone(width=0.1, outputs=8, motion=True).eval()
    plain = ImageBackbone(width=0.1, outputs=8)
    plain.stem.load_state_dict(backbone.stem.state_dict())
    clip = torch.rand(2, 3, 8, 64, 64) * 2 - 1
    with torch.no_grad():
        both, appearance = backbone.stem(clip), plain.stem(clip)
    assert both.shape[1] == appearance.shape[1] + 36 == backbone.stem.channels
    torch.testing.assert_close(both[:, : appearance.shape[1]], appearance)
    assert ImageBackbone(**backbone.settings()).stem.motion
