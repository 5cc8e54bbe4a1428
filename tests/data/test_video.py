"""Video: every kind of file, the clip, the geometry between frame and square, and writing."""

import os
import shutil

import av
import cv2
import numpy as np
import pytest
import torch
from helpers.paths import SHARED
from helpers.releases import FRAMES, HEIGHT, WIDTH, grey, write_video
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from acga.data.geometry import clip_indices, pad_resize, to_clip, undo_pad_resize
from acga.data.pictures import list_pictures
from acga.data.video import VideoWriter, probe, read_frames, read_shown_frames
from acga.errors import AcgaError, VideoError
from acga.metrics import intersection_over_union

REAL = SHARED / "real"
needs_real_clips = pytest.mark.skipif(not REAL.is_dir(), reason="the real clips in ../shared/real are not here")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "grey: 1.mp4"  # the name looks like a protocol
    write_video(path)
    return path


def noise_video(path, frames=30, **options):
    """A video whose frames do not compress, so that cutting it cuts a frame."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        for _ in range(frames):
            frame = rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def write_picture(path, size=(8, 6), level=100):
    cv2.imwrite(str(path), np.full((*size, 3), level, np.uint8))


def read(path):
    return list(read_frames(path))


def test_frames_come_in_order_and_in_rgb(video, tmp_path):
    frames = read(video)
    assert [round(frame.mean()) for frame in frames] == pytest.approx([grey(n) for n in range(1, FRAMES + 1)], abs=3)
    assert {frame.shape for frame in frames} == {(HEIGHT, WIDTH, 3)} and frames[0].dtype == np.uint8
    info = probe(video)
    assert (info.height, info.width, info.frames_per_second, info.frames) == (HEIGHT, WIDTH, 25, FRAMES)
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 255
    cv2.imwrite(str(tmp_path / "1.png"), red[..., ::-1])
    np.testing.assert_array_equal(read(tmp_path)[0], red)


def test_reading_is_lazy(video):
    frames = read_frames(video)
    next(frames)
    frames.close()


def test_a_folder_is_sorted_by_name_with_numbers_as_numbers(tmp_path):
    for number in (10, 2, 1):
        write_picture(tmp_path / f"frame{number}.png", level=number)
    write_picture(tmp_path / "._frame3.png")  # as macOS leaves beside each file
    (tmp_path / "notes.txt").write_text("not a frame")
    assert [frame[0, 0, 0] for frame in read(tmp_path)] == [1, 2, 10]
    assert (probe(tmp_path).height, probe(tmp_path).width, probe(tmp_path).frames) == (8, 6, 3)


def test_a_folder_of_jpg_and_grey_png(tmp_path):
    write_picture(tmp_path / "1.JPG")
    cv2.imwrite(str(tmp_path / "2.png"), np.full((8, 6), 100, np.uint8))
    assert [frame.shape for frame in read(tmp_path)] == [(8, 6, 3)] * 2


def test_gif(tmp_path):
    path = tmp_path / "moving.gif"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("gif", rate=10)
        stream.height, stream.width, stream.pix_fmt = 20, 30, "rgb8"
        for number in range(5):
            frame = np.zeros((20, 30, 3), np.uint8)
            frame[:, 5 * number : 5 * number + 5] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    assert [frame[10].mean(axis=-1).argmax() for frame in read(path)] == [0, 5, 10, 15, 20]
    assert probe(path).frames_per_second == pytest.approx(10)


@needs_real_clips
def test_real_clips():
    assert len(read(REAL / "cricket.gif")) == 79
    judo = probe(REAL / "judo" / "images")
    assert (judo.height, judo.width, judo.frames) == (480, 854, 16)


def test_missing(tmp_path):
    with pytest.raises(VideoError, match=r"There is no video at .*nowhere\.mp4"):
        read(tmp_path / "nowhere.mp4")


@pytest.mark.parametrize("content", [b"", b"hello, this is text\n" * 50, bytes(range(256)) * 20])
def test_not_a_video(tmp_path, content):
    path = tmp_path / "something.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match="cannot be opened as a video"):
        read(path)


def test_text_is_no_terminal_recording(tmp_path):
    (tmp_path / "notes.txt").write_text("hello\n" * 200)
    with pytest.raises(VideoError, match="is a text file, not a video"):
        read(tmp_path / "notes.txt")


def test_truncated_before_its_index(tmp_path):
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    noise_video(whole)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(VideoError, match=r"cannot be opened as a video .* truncated"):
        read(cut)


def test_truncated_after_its_index(tmp_path):
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    noise_video(whole, movflags="faststart")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    assert len(read(whole)) == 30
    with pytest.raises(VideoError, match=r"breaks off after [12][0-9] frames"):
        read(cut)


def sound(path, *, frames=0):
    with av.open(str(path), "w") as container:
        audio = container.add_stream("aac", rate=44100)
        pictures = container.add_stream("libx264", rate=25) if frames else None
        if pictures:
            pictures.height, pictures.width, pictures.pix_fmt = 16, 16, "yuv420p"
        wave = av.AudioFrame.from_ndarray(np.zeros((1, 22050), np.float32), format="fltp", layout="mono")
        wave.sample_rate, wave.pts = 44100, 0
        container.mux(audio.encode(wave))
        container.mux(audio.encode())
        for _ in range(frames):
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")))
        if pictures:
            container.mux(pictures.encode())


def test_sound_only(tmp_path):
    sound(tmp_path / "sound.mp4")
    with pytest.raises(VideoError, match="has no pictures, only sound"):
        read(tmp_path / "sound.mp4")


def test_sound_beside_pictures_does_no_harm(tmp_path):
    sound(tmp_path / "both.mp4", frames=3)
    assert len(read(tmp_path / "both.mp4")) == 3


def test_no_frames(tmp_path):
    with pytest.raises(VideoError, match="holds no frames"):
        read(tmp_path)
    with pytest.raises(VideoError, match="holds no frames"):
        probe(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\nand then nothing"])
def test_unreadable_picture(tmp_path, content, capfd):
    write_picture(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(content)
    with pytest.raises(VideoError, match=r"2\.png is not a readable picture"):
        read(tmp_path)


def test_frames_of_different_sizes(tmp_path):
    write_picture(tmp_path / "1.png", size=(8, 6))
    write_picture(tmp_path / "2.png", size=(8, 7))
    with pytest.raises(VideoError, match=r"differ in size \(6 x 8, then 7 x 8\)"):
        read(tmp_path)


@pytest.mark.parametrize("size", [(1, 1), (2, 4000), (4000, 2), (120, 68), (31, 33)])
def test_written_and_read_again(tmp_path, size):
    path = tmp_path / "new" / "odd.mp4"
    with VideoWriter(path, 30000 / 1001, size) as writer:
        for number in range(1, 4):
            writer.write(np.full((*size, 3), grey(number), np.uint8))
        assert not path.exists()
    assert os.listdir(path.parent) == ["odd.mp4"]
    frames = read(path)
    assert [round(frame.mean()) for frame in frames] == pytest.approx([grey(n) for n in (1, 2, 3)], abs=3)
    assert frames[0].shape[:2] == tuple(side + side % 2 for side in size)
    assert probe(path).frames_per_second == pytest.approx(30000 / 1001)


@pytest.mark.parametrize(("codec", "times"), [("gif", [0, 0.03, 0.07, 1]), ("libvpx-vp9", [0, 0.017, 0.033, 0.05, 0.067, 1])])
def test_gif_and_webm_show_frames_when_they_are_due(codec, times, tmp_path):
    """60 frames a second are more than browsers show of a gif: every other one is left out."""
    with VideoWriter(tmp_path / "film", 60, (16, 24), codec=codec) as writer:
        for number in range(5):
            writer.write(np.full((16, 24, 3), 50 * number, np.uint8), number / 60)
        writer.write(np.full((16, 24, 3), (250, 20, 20), np.uint8), 1.0)
    frames = list(read_shown_frames(tmp_path / "film"))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=0.006)
    assert frames[-1].picture.mean(axis=(0, 1)) == pytest.approx([250, 20, 20], abs=4)


def test_nothing_is_left_of_a_video_that_failed(tmp_path):
    frame = np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(KeyError), VideoWriter(tmp_path / "a.mp4", 25, (16, 16)) as writer:
        writer.write(frame)
        raise KeyError
    with pytest.raises(VideoError, match="No frame was given"), VideoWriter(tmp_path / "b.mp4", 25, (16, 16)):
        pass
    with pytest.raises(ValueError, match="expected a uint8 frame"), VideoWriter(tmp_path / "c.mp4", 25, (16, 16)) as writer:
        writer.write(frame[:8])
    assert os.listdir(tmp_path) == []


def test_nowhere_to_write(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VideoError, match=r"a\.mp4 cannot be written"):
        VideoWriter(tmp_path / "file" / "a.mp4", 25, (16, 16))
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(AcgaError, match=r"folder\.mp4 is a folder"), VideoWriter(tmp_path / "folder.mp4", 25, (16, 16)) as writer:
        writer.write(np.zeros((16, 16, 3), np.uint8))
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.mp4"]


def test_a_failure_keeps_the_video_that_was_there(tmp_path, video):
    path = shutil.copy(video, tmp_path / "kept.mp4")
    with pytest.raises(KeyError), VideoWriter(path, 25, (16, 16)) as writer:
        writer.write(np.zeros((16, 16, 3), np.uint8))
        raise KeyError
    assert path.read_bytes() == video.read_bytes()


@given(total=st.integers(1, 50), data=st.data(), length=st.sampled_from([4, 8, 16]))
def test_clip_has_the_annotated_frame_in_the_middle(total, data, length):
    frame = data.draw(st.integers(0, total - 1))
    indices = clip_indices(frame, total, length)
    assert indices[length // 2] == frame and len(indices) == length and indices.dtype == np.int64
    assert indices.tolist() == [min(max(frame - length // 2 + i, 0), total - 1) for i in range(length)]


@pytest.mark.parametrize("frame", [-1, 5])
def test_no_clip_around_a_frame_that_is_not_there(frame):
    with pytest.raises(ValueError, match="not among the 5 frames"):
        clip_indices(frame, 5)


def test_to_clip():
    frames = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
    clip = to_clip(frames)
    assert clip.shape == (3, 16, 32, 32) and clip.dtype == torch.float32 and clip.is_contiguous()
    assert clip[2, 5, 7, 9].item() == pytest.approx(frames[5, 7, 9, 2] / 255 * 2 - 1, abs=1e-6)
    assert to_clip(np.zeros((1, 4, 4, 3), np.uint8)).min() == -1
    assert to_clip(np.full((1, 4, 4, 3), 255, np.uint8)).max() == 1


sides = st.integers(1, 700)


@settings(max_examples=60)
@given(height=sides, width=sides, size=st.sampled_from([16, 128, 512]), channels=st.sampled_from([None, 1, 3]))
def test_sizes_are_right_both_ways(height, width, size, channels):
    image = np.full((height, width) if channels is None else (height, width, channels), 255, np.uint8)
    there = pad_resize(image, size)
    assert there.shape == (size, size, *image.shape[2:]) and there.dtype == np.uint8
    inner = there if channels is None else there[..., 0]
    rows, columns = (inner == 255).any(axis=1).sum(), (inner == 255).any(axis=0).sum()
    assert max(rows, columns) == size
    assert min(rows, columns) == max(1, round(size * min(height, width) / max(height, width)))
    assert (inner[0] == 0).all() == (rows < size - 1) or rows == size - 1  # centred: black on both sides, or on one by one pixel
    assert undo_pad_resize(np.ones((size, size), np.uint8), (height, width)).shape == (height, width)


@settings(max_examples=40)
@given(height=st.integers(200, 600), width=st.integers(200, 600), data=st.data())
def test_a_large_mask_survives_the_round_trip(height, width, data):
    assume(max(height, width) < 2.5 * min(height, width))
    top, left = data.draw(st.integers(0, height // 3)), data.draw(st.integers(0, width // 3))
    mask = np.zeros((height, width), np.uint8)
    mask[top : top + height // 2, left : left + width // 2] = 1
    returned = undo_pad_resize(pad_resize(mask, 512), (height, width))
    assert set(np.unique(returned)) == {0, 1}
    assert intersection_over_union(returned.astype(bool), mask.astype(bool)) > 0.94


def test_the_way_back_is_the_official_one():
    """Resize the whole square by the larger ratio on uint8, then crop the centre: not the other way round, not in floating point."""
    rng = np.random.default_rng(0)
    square = cv2.resize(rng.random((9, 9), dtype=np.float32), (128, 128), interpolation=cv2.INTER_CUBIC)
    mask = (square > 0.5).astype(np.uint8)
    whole = cv2.resize(mask, (427, 427))
    np.testing.assert_array_equal(undo_pad_resize(mask, (320, 427)), whole[53:373])
    in_floats = cv2.resize(mask.astype(np.float32), (427, 427))[53:373] > 0
    assert (in_floats != undo_pad_resize(mask, (320, 427))).any()


@pytest.mark.parametrize("mask", [np.zeros((4, 6), np.uint8), np.zeros((4, 4), bool), np.zeros((4, 4, 1), np.uint8)])
def test_the_way_back_refuses_other_shapes_and_types(mask):
    with pytest.raises(ValueError, match="square uint8 mask"):
        undo_pad_resize(mask, (4, 6))


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        (["0.0", "0.2", "0.04", "0.16", "0.4", "0.08"], ["0.0", "0.04", "0.08", "0.16", "0.2", "0.4"]),  # seconds
        (["1.1", "1.10", "1.9", "1.2"], ["1.1", "1.2", "1.9", "1.10"]),  # scene and frame
        (["frame.10", "frame.2"], ["frame.2", "frame.10"]),
        (["0.5", "0.25", "cover"], ["0.5", "0.25", "cover"]),
        (["1٣2", "1a2"], ["1a2", "1٣2"]),  # other digits are letters
    ],
)
def test_the_order_of_pictures(tmp_path, names, ordered):
    for name in names:
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((4, 4, 3), np.uint8))
    assert [path.stem for path in list_pictures(tmp_path)] == ordered
