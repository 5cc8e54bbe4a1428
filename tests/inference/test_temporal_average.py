"""Responses averaged with those of neighbouring frames."""

import numpy as np
import pytest
import torch
from helpers.films import grey_pictures, write_film
from helpers.small import small_model
from hypothesis import given
from hypothesis import strategies as st

from acga.cli import main
from acga.data.geometry import pad_resize
from acga.data.video import read_frames
from acga.errors import ConfigError
from acga.inference import Segmenter
from acga.temporal_average import temporal_average

SIDE = 64


def textured(seed: int) -> np.ndarray:
    """A smooth picture with something to see everywhere, uint8 (2 S, 2 S, 3)."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (1, 1, SIDE // 2, SIDE // 2)).astype(np.float32)
    grey = torch.nn.functional.interpolate(torch.from_numpy(coarse), size=(2 * SIDE, 2 * SIDE), mode="bicubic")[0, 0].clamp(0, 255)
    return np.repeat(grey.byte().numpy()[:, :, None], 3, axis=2)


@given(queries=st.integers(1, 3), neighbours=st.integers(0, 3), seed=st.integers(0, 9))
def test_where_nothing_moves_it_is_the_mean(queries, neighbours, seed):
    square = np.ascontiguousarray(textured(seed)[:SIDE, :SIDE])
    responses = torch.randn(1 + neighbours, queries, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    found = temporal_average(responses[0], square, [(other, square) for other in responses[1:]])
    torch.testing.assert_close(found, responses.mean(dim=0), rtol=0, atol=1e-4)


@given(dx=st.integers(-4, 4), dy=st.integers(-4, 4), seed=st.integers(0, 9))
def test_what_moved_is_brought_back(dx, dy, seed):
    """The camera moves; the response to one place moves along, so the average is as if nothing had moved."""
    scene, row, column = textured(seed), SIDE // 2, SIDE // 2
    first, second = (np.ascontiguousarray(scene[y : y + SIDE, x : x + SIDE]) for y, x in ((row, column), (row + dy, column + dx)))
    y, x = np.mgrid[:SIDE, :SIDE]
    own, moved = (np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 50).astype(np.float32) for cy, cx in ((32, 32), (32 - dy, 32 - dx)))
    found = temporal_average(torch.from_numpy(own)[None], first, [(torch.from_numpy(moved)[None], second)])[0].numpy()
    still = (own + moved) / 2
    assert np.abs(found - own).max() < 0.15 and (np.abs(found - own).sum() <= np.abs(still - own).sum() + 1.0)


def test_a_film_is_averaged_frame_by_frame(tmp_path):
    film, queries = write_film(tmp_path / "film.mkv", grey_pictures(5)), ["dog", "red cat"]
    alone, smoothed = (list(Segmenter(small_model(), "cpu", refine=False, smooth=smooth).stream(film, queries)) for smooth in (False, True))
    size = Segmenter(small_model(), "cpu").config.size
    squares = [pad_resize(frame, size) for frame in read_frames(film)]
    assert [result.index for result in smoothed] == [0, 1, 2, 3, 4]
    for number, result in enumerate(smoothed):
        logits = [torch.from_numpy(np.stack([one.responses[query] for query in queries])) for one in alone]
        beside = [(logits[other], squares[other]) for other in (number - 1, number + 1) if 0 <= other < 5]
        expected = temporal_average(logits[number], squares[number], beside)
        for query, response in zip(queries, expected, strict=True):
            np.testing.assert_allclose(result.responses[query], response, atol=1e-5)
            assert result.peaks[query] == alone[number].peaks[query]


def test_frames_that_are_not_looked_at_cannot_be_averaged(tmp_path, capsys):
    film = write_film(tmp_path / "film.mkv", grey_pictures(2))
    assert main(["segment", str(film), "dog", "--smooth", "--every", "2", "--out", str(tmp_path / "out")]) == 2
    assert "--smooth needs the response in each frame, but every is 2; leave out one of the two." in capsys.readouterr().err
    with pytest.raises(ConfigError, match="smooth"):
        Segmenter(small_model(), "cpu", smooth=True).stream(film, ["dog"], every=2)
