"""Segmenting: the right clip for every frame, memory that does not grow, and what happens at the edges."""

import itertools
import time
import weakref

import cv2
import numpy as np
import pytest
import torch
from helpers.small import CONFIG, WORDS, moving_frames, small_model, write_clip
from hypothesis import given
from hypothesis import strategies as st

from acga import inference
from acga.config import ACGAConfig
from acga.data.geometry import clip_indices, pad_resize, to_clip
from acga.data.text import Vocabulary
from acga.data.video import ShownFrame, StoredPicture, read_frames
from acga.errors import ConfigError, QueryError, VideoError, WeightsError
from acga.guided_filter import GuidedFilter
from acga.inference import Segmenter, choose_device, load, sliding_clips
from acga.metrics import binarise
from acga.model import ACGA
from acga.model.checkpoints import save_model
from acga.output.overlay import Overlay

QUERIES = ["man in red on the left", "dog running"]


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter(small_model(), "cpu")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@given(total=st.integers(1, 40), length=st.sampled_from([4, 8, 16]))
def test_every_frame_is_the_middle_of_its_clip(total, length):
    frames = [np.full((2, 2, 3), number, np.uint8) for number in range(total)]
    found = list(sliding_clips(iter(frames), size=16, clip_length=length))
    assert [int(frame[0, 0, 0]) for frame, _ in found] == list(range(total))
    for index, (_, clip) in enumerate(found):
        assert [int(square[8, 8, 0]) for square in clip] == clip_indices(index, total, length).tolist()


def test_masks_are_those_of_the_network_on_each_frames_clip(segmenter, clip):
    model = small_model()
    frames = list(read_frames(clip))
    results = list(segmenter.stream(clip, QUERIES))
    assert [result.index for result in results] == [result.source for result in results] == list(range(len(frames)))
    for index in (0, 5, 11):
        squares = np.stack([pad_resize(frames[i], 32) for i in clip_indices(index, len(frames))])
        for query in QUERIES:
            tokens = torch.from_numpy(model.vocabulary.encode(query))[None]
            with torch.no_grad():
                expected = model(to_clip(squares)[None], tokens).large[0]
            found, refined = results[index].responses[query], GuidedFilter(squares[8])(expected.numpy())
            np.testing.assert_allclose(found, refined, rtol=0, atol=1e-3 * np.abs(refined).max())
            assert np.array_equal(results[index].masks[query], binarise(found, (30, 44), one_piece=True))
            assert results[index].peaks[query] == pytest.approx(float(expected.max().sigmoid()), abs=1e-4)
        assert np.array_equal(results[index].frame, frames[index])


def test_answers_depend_on_frame_and_sentence(segmenter, clip):
    """Or the tests around this one would compare constants."""
    results = list(segmenter.stream(clip, QUERIES))
    responses = np.stack([result.responses[QUERIES[0]] for result in results])
    assert responses.std(axis=0).max() > 1e-2 * np.abs(responses).max()
    assert np.abs(responses - np.stack([result.responses[QUERIES[1]] for result in results])).max() > 1e-2 * np.abs(responses).max()
    assert 0.02 < np.mean([result.masks[QUERIES[0]].mean() for result in results]) < 0.98


def shown(picture):
    return ShownFrame(picture, 0.0, StoredPicture(*picture.shape[:2]))


def test_memory_does_not_grow_with_the_video(segmenter, monkeypatch):
    alive, most = 0, 0

    def gone():
        nonlocal alive
        alive -= 1

    def frames(path):
        nonlocal alive, most
        for frame in itertools.islice(itertools.cycle(moving_frames(40)), 600):
            fresh = frame.copy()
            alive += 1
            most = max(most, alive)
            weakref.finalize(fresh, gone)
            yield shown(fresh)

    monkeypatch.setattr(inference, "read_shown_frames", frames)
    every = 20
    count = sum(1 for _ in segmenter.stream("long.mp4", QUERIES[:1], every=every))
    assert count == 600
    # The half clip ahead, the frames until the next that is looked at, those decoded ahead, and those in hands.
    assert most <= 8 + every + inference.DECODED_AHEAD + 3


def stub_segmenter(responses, *, refine=False):
    """A segmenter that finds `responses` (F, S, S) around the frames."""
    segmenter = Segmenter.__new__(Segmenter)
    segmenter.config, segmenter.model, segmenter.device, segmenter.second_size = CONFIG, None, "cpu", 0
    segmenter.refine, segmenter.smooth, segmenter.one_piece = refine, False, False
    segmenter.threshold_ratio, segmenter.minimum_peak = 0.5, 0.0

    def predict(index, *_):
        found = inference.FrameResponse(logits=responses[index], peak=index / 100, confidence=1 - index / 100, word_weights=None)
        return inference._ClipResult(index, {"dog": found})

    segmenter._predict = predict
    return segmenter


@given(count=st.integers(1, 30), every=st.integers(1, 12), refine=st.booleans())
def test_responses_between_two_that_were_looked_at_are_interpolated(count, every, refine):
    films = list(moving_frames(count))
    responses = np.random.default_rng(count).normal(size=(count, CONFIG.size, CONFIG.size)).astype(np.float32)
    segmenter = stub_segmenter(responses, refine=refine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inference, "read_shown_frames", lambda path: map(shown, films))
        results = list(segmenter._stream("any", ["dog"], every))
    assert [result.index for result in results] == list(range(count))
    looked_at = list(range(0, count, every))
    squares = [clip[CONFIG.clip_length // 2] for _, clip in sliding_clips(films, size=CONFIG.size, clip_length=CONFIG.clip_length)]
    for result in results:
        assert result.source in looked_at
        assert abs(result.source - result.index) == min(abs(index - result.index) for index in looked_at)
        assert (result.peaks["dog"], result.confidences["dog"]) == (result.source / 100, 1 - result.source / 100)
        before = result.index // every * every
        after = min(before + every, looked_at[-1])
        share = (result.index - before) / every
        expected = (1 - share) * responses[before] + share * responses[after]
        if refine:
            expected = GuidedFilter(squares[result.index])(expected.astype(np.float32))
        assert np.allclose(result.responses["dog"], expected, atol=1e-4)
        mask = binarise(result.responses["dog"], result.frame.shape[:2])
        assert np.array_equal(result.masks["dog"], mask)


def test_one_query_gives_an_array_and_several_a_dictionary(segmenter, clip):
    video = segmenter.open(clip)
    one, several = video.segment(QUERIES[0]), video.segment(QUERIES)
    assert one.shape == (12, 30, 44) and one.dtype == bool
    assert list(several) == QUERIES and np.array_equal(several[QUERIES[0]], one)
    assert (video.info.height, video.info.width, video.info.frames_per_second) == (30, 44, 10)


def test_more_queries_than_are_answered_at_once(segmenter, clip):
    queries = [*WORDS]
    assert len(queries) > inference.AT_ONCE
    together = next(segmenter.stream(clip, queries))
    alone = next(segmenter.stream(clip, queries[-1:]))
    np.testing.assert_allclose(together.responses[queries[-1]], alone.responses[queries[-1]], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (1, 60), (60, 1), (64, 20), (4000, 16), (31, 33)])
def test_frames_of_any_size(segmenter, tmp_path, size):
    for index in range(3):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.full((*size, 3), 80 * index, np.uint8))
    masks = segmenter.open(tmp_path).segment("man")
    assert masks.shape == (3, *size)


def test_minimum_peak_empties_weak_masks_only(clip):
    official = next(Segmenter(small_model(), "cpu").stream(clip, QUERIES[:1]))
    peak = official.peaks[QUERIES[0]]
    above, below = (Segmenter(small_model(), "cpu", minimum_peak=value) for value in (min(peak + 1e-3, 1.0), peak - 1e-3))
    assert official.masks[QUERIES[0]].any()
    assert not next(above.stream(clip, QUERIES[:1])).masks[QUERIES[0]].any()
    assert np.array_equal(next(below.stream(clip, QUERIES[:1])).masks[QUERIES[0]], official.masks[QUERIES[0]])


def test_unknown_words_and_suggestions(segmenter):
    assert segmenter.unknown("man in Rde runing 犬") == ["in", "rde", "runing", "犬"]
    assert segmenter.suggest("runing") == ["running"]
    assert segmenter.suggest("zebra") == []


def test_a_word_without_a_vector_is_unknown_too():
    model = small_model()
    with torch.no_grad():
        model.word_table.weight[model.vocabulary.encode("dog")[0]] = 0
    assert Segmenter(model, "cpu").unknown("red dog") == ["dog"]


def test_a_given_model_is_left_as_it_is():
    model = small_model().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    segmenter = Segmenter(model, "cpu")
    assert model.training and not segmenter.model.training
    with torch.no_grad():
        segmenter.model.word_table.weight.zero_()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("matching", ["concatenation", "dynamic_convolution"])
def test_the_baselines_segment_too(clip, matching):
    fields = {**CONFIG.to_dict(), "matching": matching}
    segmenter = Segmenter(ACGA(ACGAConfig.from_dict(fields), Vocabulary(WORDS)), "cpu")
    assert next(segmenter.stream(clip, ["dog"])).masks["dog"].shape == (30, 44)


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([], "no query"),
        (["  "], "is empty"),
        (["🐕🐈"], "no word in Latin letters"),
        (["собака слева"], "no word in Latin letters"),
        (["dog " * 21], "21 words"),
        (["dog", "dog"], "given twice"),
        ("dog", "single text; give a list of them"),
    ],
)
def test_queries_that_cannot_be_used_are_refused_before_the_video_is_read(segmenter, queries, message):
    with pytest.raises(QueryError, match=message):
        segmenter.stream("no such video", queries)


def test_other_refusals(segmenter, clip, tmp_path):
    with pytest.raises(VideoError, match="no video at"):
        segmenter.open(tmp_path / "absent.mp4")
    with pytest.raises(ConfigError, match="every must be at least 1"):
        segmenter.stream(clip, ["dog"], every=0)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        Segmenter(small_model(), "cpu", minimum_peak=1.5)
    with pytest.raises(ConfigError, match="no device 'gpu'"):
        choose_device("gpu")


def test_weights_without_words_are_refused():
    model = small_model()
    model.word_table = None
    with pytest.raises(WeightsError, match="without word vectors"):
        Segmenter(model, "cpu")


def test_weights_that_are_not_numbers_are_refused(clip):
    model = small_model()
    with torch.no_grad():
        model.decoder.fusion.bias.fill_(float("nan"))
    with pytest.raises(WeightsError, match="not numbers"):
        next(Segmenter(model, "cpu").stream(clip, ["dog"]))


def test_a_saved_model_segments_as_before(tmp_path, clip, segmenter):
    save_model(small_model(), tmp_path / "small.safetensors")
    assert load(tmp_path / "small.safetensors").vocabulary.words == WORDS
    again = Segmenter(tmp_path / "small.safetensors", "cpu")
    assert np.array_equal(again.open(clip).segment(QUERIES[0]), segmenter.open(clip).segment(QUERIES[0]))
    assert segmenter.source is None and again.source.name == str(tmp_path / "small.safetensors")


def test_long_words_take_no_time():
    segmenter = Segmenter(small_model(), device="cpu")
    started = time.monotonic()
    query = "a" * 60_000
    assert segmenter.unknown(query) == [query] and segmenter.suggest(query) == []
    Overlay([query], (64, 64))
    assert time.monotonic() - started < 10
