"""One engine: whoever asks, streaming or with a whole clip kept, gets the same, and the stem reads each clip once."""

import itertools
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from helpers.small import moving_frames, small_model

from acga.data.geometry import pad_resize
from acga.errors import ConfigError, QueryError
from acga.inference import AT_ONCE, ClipSession, Segmenter
from acga.metrics import binarise, intersection_over_union
from acga.model.decoder import SECOND_SHARE, upsample

FRAMES, SIZE = 11, (30, 44)
QUERIES = ["man in red", "dog running on the left"]


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter(small_model(), "cpu")


@pytest.fixture(scope="module")
def frames():
    return np.stack(list(moving_frames(FRAMES, SIZE)))


@pytest.fixture
def session(segmenter, frames):
    return ClipSession.from_frames(segmenter, frames)


@pytest.fixture
def stem_batches(segmenter, monkeypatch):
    """How many clips the stem was given, call by call."""
    seen, inside = [], segmenter.model.backbone.stem.forward
    monkeypatch.setattr(segmenter.model.backbone.stem, "forward", lambda clips: (seen.append(len(clips)), inside(clips))[1])
    return seen


@pytest.fixture(scope="module")
def folder(frames, tmp_path_factory):
    path = tmp_path_factory.mktemp("frames")
    for number, frame in enumerate(frames):
        cv2.imwrite(str(path / f"{number:02d}.png"), frame[..., ::-1])
    return path


def test_what_no_query_changes_is_computed_once(segmenter, session, stem_batches, monkeypatch):
    block = segmenter.model.backbone.mixed_4f
    calls, inside = [], block.forward
    monkeypatch.setattr(block, "forward", lambda maps: (calls.append(len(maps)), inside(maps))[1])
    for query in QUERIES:
        session.predict([query], range(FRAMES))
    assert sum(calls) == sum(stem_batches) == FRAMES


def test_rounding_to_bf16_changes_little(frames):
    """bf16 has 8 bits: each product is off by at most 0.4 %, and what comes of many by little more."""
    exact, rounded = (
        ClipSession.from_frames(Segmenter(small_model(), "cpu", precision=name, refine=False), frames) for name in ("fp32", "bf16")
    )
    for session in (exact, rounded):
        session.predict(QUERIES, [3])
    for query in QUERIES:
        one, other = (session.responses[query][3].logits for session in (exact, rounded))
        assert other.dtype == np.float32 and 0 < np.abs(one - other).max() < 0.05 * np.abs(one).max()


def test_two_sizes_are_averaged(frames, folder):
    """To the response at the network's own size comes a share of that at the second, whose squares are the first resized."""
    first = ClipSession.from_frames(Segmenter(small_model(), "cpu", refine=False), frames)
    side = 2 * first.segmenter.config.size
    both = ClipSession.from_frames(Segmenter(small_model(), "cpu", refine=False, second_size=side), frames)
    model = small_model()
    model.config = replace(model.config, size=side)
    squares = {number: [pad_resize(square, side) for square in clip] for number, clip in first.clips.items()}
    second = ClipSession(Segmenter(model, "cpu", refine=False), squares, SIZE)
    for session in (first, second, both):
        session.predict(QUERIES, range(FRAMES))
    for query, frame in itertools.product(QUERIES, (0, 7)):
        own, larger, averaged = (session.responses[query][frame] for session in (first, second, both))
        smaller = upsample(torch.from_numpy(larger.logits)[None, None], own.logits.shape)[0, 0].numpy()
        np.testing.assert_allclose(
            averaged.logits, own.logits + SECOND_SHARE * (smaller - own.logits), rtol=0, atol=1e-5 * np.abs(own.logits).max()
        )
        assert averaged.peak == pytest.approx(1 / (1 + np.exp(-averaged.logits.max())), abs=1e-6)
        np.testing.assert_allclose(averaged.word_weights, own.word_weights, atol=1e-6)
    for result in both.segmenter.stream(folder, QUERIES):
        for query in QUERIES:
            np.testing.assert_allclose(result.responses[query], both.responses[query][result.index].logits, atol=1e-4)
    with pytest.raises(ConfigError, match="second_size is a multiple of 16, or 0, not 40"):
        Segmenter(small_model(), "cpu", second_size=40)
    calibrated = small_model()
    calibrated.config = replace(calibrated.config, second_size=side)
    assert [Segmenter(calibrated, "cpu", second_size=asked).second_size for asked in (None, 0, 16)] == [side, 0, 16]


def test_another_precision_is_refused():
    with pytest.raises(ConfigError, match="no precision 'fp16'; choose fp32, tf32, bf16"):
        Segmenter(small_model(), "cpu", precision="fp16")


def test_a_film_that_nobody_watches_to_its_end_leaves_no_thread(segmenter, folder):
    film = segmenter.stream(folder, QUERIES)
    next(film)
    film.close()
    assert not any(thread.name.startswith("ahead") for thread in threading.enumerate())


@pytest.mark.parametrize("some_are_emptied", [False, True])
def test_streaming_and_a_kept_clip_give_the_same(segmenter, folder, frames, some_are_emptied):
    if some_are_emptied:
        peaks = [peak for result in segmenter.stream(folder, QUERIES) for peak in result.peaks.values()]
        segmenter = Segmenter(small_model(), "cpu", minimum_peak=float(np.median(peaks)))
    session = ClipSession.from_frames(segmenter, frames)
    streamed = list(segmenter.stream(folder, QUERIES))
    assert len(streamed) == FRAMES
    for result in streamed:
        session.predict(QUERIES, [result.index])
        for query in QUERIES:
            found = session.responses[query][result.index]
            assert np.array_equal(result.responses[query], found.logits) and result.peaks[query] == found.peak
            assert np.array_equal(result.masks[query], session.mask(query, result.index))
    emptied = [not result.masks[query].any() for result in streamed for query in QUERIES]
    assert any(emptied) == some_are_emptied and not all(emptied)


def test_batches_change_nothing_but_rounding(frames):
    segmenter = Segmenter(small_model(), "cpu", refine=False)
    one_by_one, session = (ClipSession.from_frames(segmenter, frames) for _ in range(2))
    for query, frame in itertools.product(QUERIES, range(FRAMES)):
        one_by_one.predict([query], [frame])
    session.predict(QUERIES, range(FRAMES))
    for query, frame in itertools.product(QUERIES, range(FRAMES)):
        one, other = one_by_one.responses[query][frame], session.responses[query][frame]
        np.testing.assert_allclose(one.logits, other.logits, rtol=0, atol=1e-5 * np.abs(one.logits).max())
        np.testing.assert_allclose(one.word_weights, other.word_weights, rtol=0, atol=1e-5)
        assert one.peak == pytest.approx(other.peak, abs=1e-5)


def test_the_stem_reads_each_clip_once(session, stem_batches):
    assert session.run_stem(range(4)) == 4 and session.run_stem(range(4)) == 0
    assert session.predict(QUERIES, range(FRAMES)) == 2 * FRAMES
    assert session.predict(["dog"], range(FRAMES)) == FRAMES
    session.attention_from("dog", 3, (0, 0))
    assert sum(stem_batches) == FRAMES and max(stem_batches) == AT_ONCE


def test_streaming_keeps_nothing_of_earlier_clips(segmenter, folder, stem_batches):
    assert sum(1 for _ in segmenter.stream(folder, QUERIES, every=2)) == FRAMES
    assert stem_batches == [1] * 6


def test_only_what_is_missing_is_computed(session):
    session.predict(["dog"], [0, 1])
    first = session.responses["dog"][0]
    assert session.predict(["dog", "man"], [0, 2]) == 3
    assert session.responses["dog"][0] is first and sorted(session.responses["dog"]) == [0, 1, 2]
    for queries in ([""], ["man", ""]):
        with pytest.raises(QueryError):
            session.predict(queries, [3])
    assert sorted(session.responses["man"]) == [0, 2]


def test_masks_follow_the_threshold(session):
    session.predict(["dog"], [3])
    for ratio in (0.2, 0.5, 0.9):
        expected = binarise(session.responses["dog"][3].logits, SIZE, threshold_ratio=ratio, one_piece=True)
        assert np.array_equal(session.mask("dog", 3, threshold_ratio=ratio), expected)


def test_masks_follow_the_threshold_of_the_segmenter(segmenter, session, monkeypatch):
    session.predict(QUERIES, range(FRAMES))
    monkeypatch.setattr(segmenter, "threshold_ratio", 0.9)
    assert np.array_equal(session.mask(QUERIES[0], 3), session.mask(QUERIES[0], 3, threshold_ratio=0.9))
    assert not np.array_equal(session.mask(QUERIES[0], 3), session.mask(QUERIES[0], 3, threshold_ratio=0.2))
    assert session.agreement(QUERIES) == session.agreement(QUERIES, threshold_ratio=0.9)


def test_word_maps_and_attention_are_the_networks(segmenter, session):
    query, frame = "dog on the left", 5
    session.predict([query], [frame])
    with torch.inference_mode():
        attended = segmenter.model.guide(session._visual[frame][0][None], segmenter.word_vectors([query]))
    words = session.responses[query][frame].word_weights
    assert words.shape == (4, 2, 2)
    np.testing.assert_allclose(words.reshape(4, 4), attended.word_weights[0, :, :4].T, atol=1e-6)
    for row, column in itertools.product(range(2), repeat=2):
        found = session.attention_from(query, frame, (row, column))
        assert found.shape == (2, 2) and found.sum() == pytest.approx(1)
        np.testing.assert_allclose(found.ravel(), attended.pixel_weights[0, 2 * row + column], atol=1e-6)


def test_agreement_is_the_mean_overlap_of_each_two_masks(session):
    queries = [*QUERIES, "dog"]
    session.predict(queries, range(FRAMES))
    found = session.agreement(queries)
    for frame in range(FRAMES):
        pairs = itertools.combinations([session.mask(query, frame) for query in queries], 2)
        assert found[frame] == pytest.approx(np.mean([intersection_over_union(*pair) for pair in pairs]))
    assert session.agreement(queries[:1]) == []
