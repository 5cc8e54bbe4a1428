"""Frames are as players show them: the default stream, turned, mirrored, with square pixels, at their times, in their colours."""

import gc
import os
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from helpers.films import SIZE, grey_pictures, pattern, set_display_matrix, write_film
from PIL import Image

from acga.data import A2DSentences
from acga.data.video import VideoWriter, probe, read_frames, read_shown_frames
from acga.errors import VideoError

HALF_A_FRAME = 0.5 / 12


def read(path):
    return list(read_frames(path))


def times_of(path):
    return [frame.time for frame in read_shown_frames(path)]


ORIENTATIONS = {
    "none": ((1, 0, 0, 1), lambda stored: stored),
    "left to right": ((-1, 0, 0, 1), lambda stored: stored[:, ::-1]),
    "top to bottom": ((1, 0, 0, -1), lambda stored: stored[::-1]),
    "half a turn": ((-1, 0, 0, -1), lambda stored: np.rot90(stored, 2)),
    "a quarter clockwise": ((0, 1, -1, 0), lambda stored: np.rot90(stored, -1)),
    "a quarter counter-clockwise": ((0, -1, 1, 0), np.rot90),
    "transposed": ((0, 1, 1, 0), lambda stored: stored.transpose(1, 0, 2)),
    "transposed the other way": ((0, -1, -1, 0), lambda stored: np.rot90(stored, 2).transpose(1, 0, 2)),
    "scaled": ((0, 2, -2, 0), lambda stored: np.rot90(stored, -1)),
    "almost a quarter": ((0.04, 1, -1, 0.04), lambda stored: np.rot90(stored, -1)),
    "zero": ((0, 0, 0, 0), lambda stored: stored),
    "singular": ((-1, -1, -1, -1), lambda stored: stored),
}


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_the_whole_display_matrix(tmp_path, name):
    matrix, shown = ORIENTATIONS[name]
    path = write_film(tmp_path / "film.mp4", [pattern()] * 2)
    set_display_matrix(path, matrix)
    expected = shown(pattern())
    for frame in read(path):
        np.testing.assert_allclose(frame.astype(int), expected, atol=12)
    info = probe(path)
    assert (info.height, info.width) == info.stored.shown_size == expected.shape[:2]
    assert (info.stored.height, info.stored.width) == SIZE
    np.testing.assert_array_equal(info.stored.turn(pattern()), expected)


@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
@pytest.mark.parametrize(
    ("said", "shown"),
    [(1, lambda stored: stored), (3, lambda stored: np.rot90(stored, 2)), (6, lambda stored: np.rot90(stored, -1)), (8, np.rot90)],
)
def test_a_single_photograph_is_turned_as_its_exif_says(tmp_path, ending, said, shown):
    path, exif = tmp_path / f"photo.{ending}", Image.Exif()
    exif[0x0112] = said
    Image.fromarray(pattern()).save(path, exif=exif)
    (frame,) = read(path)
    np.testing.assert_allclose(frame.astype(int), shown(pattern()), atol=12)
    assert (probe(path).height, probe(path).width) == frame.shape[:2]


def test_a_picture_is_read_by_its_own_name(tmp_path):
    for name, level in (("a%d.png", 10), ("a1.png", 200), ("a2.png", 100)):
        Image.fromarray(np.full((8, 8, 3), level, np.uint8)).save(tmp_path / name)
    (frame,) = read(tmp_path / "a%d.png")
    assert (frame == 10).all() and probe(tmp_path / "a%d.png").frames == 1


def test_an_animated_png_has_all_of_its_frames(tmp_path):
    first, *others = map(Image.fromarray, grey_pictures(3))
    first.save(tmp_path / "film.png", save_all=True, append_images=others, duration=100)
    assert [frame[0, 0, 0] for frame in read(tmp_path / "film.png")] == [picture[0, 0, 0] for picture in grey_pictures(3)]


def test_bytes_after_the_end_of_a_png_do_no_harm(tmp_path):
    Image.fromarray(pattern()).save(tmp_path / "photo.png")
    with open(tmp_path / "photo.png", "ab") as file:
        file.write(b"more than a word")
    np.testing.assert_array_equal(read(tmp_path / "photo.png")[0], pattern())


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_a_heif_photograph_is_refused(tmp_path, brand):
    """FFmpeg would give one of its tiles."""
    path = tmp_path / "photo.heic"
    Image.fromarray(pattern((64, 64))).save(path, format="AVIF")
    path.write_bytes(path.read_bytes().replace(b"ftypavif", b"ftyp" + brand, 1))
    with pytest.raises(VideoError, match=r"HEIF photograph .*; convert it to jpg or png"):
        read(path)


@pytest.mark.parametrize(("size", "standard"), [((720, 1280), 1), ((240, 320), 5)])
def test_colours_that_a_file_does_not_name_are_those_that_players_take(tmp_path, size, standard):
    """BT.709 (1) for HD, BT.601 (5) below."""
    red = av.VideoFrame.from_ndarray(np.full((*size, 3), (200, 30, 40), np.uint8), format="rgb24")
    with av.open(str(tmp_path / "red.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.height, stream.width = size
        stream.pix_fmt, stream.codec_context.thread_count = "yuv420p", 1
        stored = VideoReformatter().reformat(red, format="yuv420p", dst_colorspace=standard)
        stored.pts, stored.colorspace = 0, 2
        container.mux(stream.encode(stored))
        container.mux(stream.encode())
    np.testing.assert_allclose(read(tmp_path / "red.mp4")[0][5, 5].astype(int), (200, 30, 40), atol=4)


@pytest.mark.parametrize(("said", "shown"), [("rotate=90", np.rot90), ("flip=horizontal", lambda stored: stored[:, ::-1])])
def test_an_orientation_inside_h264_holds_for_the_stream(tmp_path, said, shown):
    """It stands before the first picture alone."""
    plain = write_film(tmp_path / "plain.mp4", [pattern()] * 5)
    with av.open(str(plain)) as source, av.open(str(tmp_path / "film.mp4"), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        change = av.BitStreamFilterContext(f"h264_metadata=display_orientation=insert:{said}", stream)
        for packet in source.demux(stream):
            for changed in change.filter(packet if packet.size else None):
                changed.stream = copy
                target.mux(changed)
    with av.open(str(tmp_path / "film.mp4")) as container:
        turned = [bool(frame.side_data.get("DISPLAYMATRIX")) for frame in container.decode(video=0)]
    assert turned == [True, False, False, False, False]
    frames = read(tmp_path / "film.mp4")
    assert len(frames) == 5
    for frame in frames:
        np.testing.assert_allclose(frame.astype(int), shown(pattern()), atol=12)


def two_streams(path, *, default, sizes=(SIZE, SIZE)):
    """Grey level 50 in the first stream, 200 in the second."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=12) for _ in sizes]
        for stream, size in zip(streams, sizes, strict=True):
            (stream.height, stream.width), stream.pix_fmt = size, "yuv420p"
            stream.disposition = 1 if stream.index == default else 0
        for stream, size, level in zip(streams, sizes, (50, 200), strict=True):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((*size, 3), level, np.uint8), format="rgb24")))
            container.mux(stream.encode())


@pytest.mark.parametrize("default", [0, 1])
def test_the_default_stream_is_read(tmp_path, default):
    two_streams(tmp_path / "two.mkv", default=default, sizes=(SIZE, SIZE))
    assert read(tmp_path / "two.mkv")[0].mean() == pytest.approx((50, 200)[default], abs=3)


def test_of_streams_alike_the_larger_is_read(tmp_path):
    two_streams(tmp_path / "two.avi", default=None, sizes=(SIZE, (64, 96)))  # which knows no default
    assert read(tmp_path / "two.avi")[0].shape == (64, 96, 3)


@pytest.mark.parametrize(
    ("aspect", "size"), [(Fraction(2), (32, 96)), (Fraction(1, 2), (64, 48)), (Fraction(16, 11), (32, 70)), (Fraction(50), SIZE)]
)
def test_pixels_become_square(tmp_path, aspect, size):
    """But where what a file says is nonsense."""
    path = write_film(tmp_path / "film.mkv", [pattern()], aspect=aspect)
    (frame,) = read(path)
    assert frame.shape[:2] == size and (probe(path).height, probe(path).width) == size
    assert frame[4, 4].mean() > 240 and 100 < frame[4, -4].mean() < 140 and frame[-4, 4].mean() < 15
    assert next(read_frames(path, square_pixels=False)).shape[:2] == SIZE


def test_pixels_are_stretched_before_they_are_turned(tmp_path):
    path = write_film(tmp_path / "film.mp4", [pattern()], aspect=Fraction(2))
    set_display_matrix(path, (0, 1, -1, 0))
    assert read(path)[0].shape[:2] == (96, 32)


def test_frames_of_a_release_are_as_stored(a2d_copy):
    """For so are the masks of its annotations."""
    path = a2d_copy / "Release/clips320H/two-dogs000.mp4"
    write_film(path, grey_pictures(12, (48, 64)), aspect=Fraction(2))
    assert A2DSentences(a2d_copy, size=32).read_video("two-dogs000").shape == (12, 48, 64, 3)


PAUSE = [0, 1 / 12, 2 / 12, 3.667, 3.75, 3.833]


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov"])
@pytest.mark.parametrize("start", [0, 2.5])
def test_times_of_a_film_with_a_pause(tmp_path, ending, start):
    expected = [start + time for time in PAUSE]
    path = write_film(tmp_path / f"film.{ending}", grey_pictures(6), times=expected)
    assert times_of(path) == pytest.approx(expected, abs=0.002)


def test_times_of_a_gif(tmp_path):
    pictures = [Image.fromarray(picture) for picture in grey_pictures(4)]
    pictures[0].save(tmp_path / "slow.gif", save_all=True, append_images=pictures[1:], duration=[100, 1500, 300, 100])
    assert times_of(tmp_path / "slow.gif") == pytest.approx([0, 0.1, 1.6, 1.9])


def test_times_of_a_folder(tmp_path):
    for number, picture in enumerate(grey_pictures(3)):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    assert times_of(tmp_path) == pytest.approx([0, 0.04, 0.08])


def test_times_of_a_stream_without_any(tmp_path):
    path = write_film(tmp_path / "film.h264", grey_pictures(6), container_format="h264")
    times = times_of(path)
    assert np.diff(times) == pytest.approx(np.full(5, times[1])) and 0 < times[1] < 0.2


def test_a_broadcast_is_counted_from_where_it_starts(tmp_path):
    """And on, where its clock is set back."""
    one = write_film(tmp_path / "one.ts", grey_pictures(6), times=[1000 + time for time in PAUSE])
    assert times_of(one) == pytest.approx(PAUSE, abs=0.002)
    (tmp_path / "twice.ts").write_bytes(one.read_bytes() * 2)
    times = times_of(tmp_path / "twice.ts")
    assert len(times) == 12 and min(np.diff(times)) > 0 and times[-1] < 9
    assert np.diff(times[6:]) == pytest.approx(np.diff(PAUSE), abs=0.002)


def test_a_clock_that_jumps_by_years(tmp_path):
    path = write_film(tmp_path / "film.mkv", grey_pictures(4), times=[0, 1 / 12, 300_000, 300_000 + 1 / 12])
    times = times_of(path)
    assert min(np.diff(times)) > 0 and times[-1] < 1


def test_what_is_written_keeps_its_times(tmp_path):
    times = [1.5, 1.52, 1.9, 7.25, 7.26]
    with VideoWriter(tmp_path / "film.mp4", 25, SIZE) as video:
        for time, picture in zip(times, grey_pictures(5), strict=True):
            video.write(picture, time)
    assert times_of(tmp_path / "film.mp4") == pytest.approx(times, abs=1e-4)
    assert [round(frame.mean(), -1) for frame in read(tmp_path / "film.mp4")] == [20, 60, 100, 140, 180]


@pytest.mark.parametrize("start", [0, 2.5])
def test_a_written_film_lasts_until_its_last_frame_has_been_shown(tmp_path, start):
    """Also where that comes after a pause, the frames before it at a constant rate: players stop at the duration that the file states."""
    times = [start + number / 12 for number in range(30)] + [start + 20]
    with VideoWriter(tmp_path / "film.mp4", 12, SIZE) as video:
        for time, picture in zip(times, grey_pictures(31), strict=True):
            video.write(picture, time)
    with av.open(str(tmp_path / "film.mp4")) as container:
        stream = container.streams.video[0]
        assert float(stream.start_time * stream.time_base) == pytest.approx(start, abs=0.01)
        assert float(stream.duration * stream.time_base) == pytest.approx(20 + 1 / 12, abs=0.01)
    assert times_of(tmp_path / "film.mp4") == pytest.approx(times, abs=1e-3)


def test_a_film_that_starts_before_0_is_counted_from_its_start(tmp_path):
    """An mp4 would not keep the frames before 0."""
    before = [(number - 3) / 12 for number in range(6)]
    path = write_film(tmp_path / "film.mkv", grey_pictures(6), times=before, codec="mpeg4", avoid_negative_ts="disabled")
    with av.open(str(path)) as container:
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx(before, abs=0.002)
    assert times_of(path) == pytest.approx([number / 12 for number in range(6)], abs=0.002)


def test_two_frames_soon_after_one_another_in_a_slow_film(tmp_path):
    times = [0, 10, 20, 20.01, 20.02]
    assert times_of(write_film(tmp_path / "film.mp4", grey_pictures(5), times=times)) == pytest.approx(times, abs=0.002)


def test_times_that_do_not_advance_are_written_all_the_same(tmp_path):
    with VideoWriter(tmp_path / "film.mp4", 25, SIZE) as video:
        for time, picture in zip([0.2, 0.2, 0.1], grey_pictures(3), strict=True):
            video.write(picture, time)
    assert times_of(tmp_path / "film.mp4") == pytest.approx([0.2, 0.2, 0.2], abs=1e-3)


def test_colours_of_a_written_film_are_those_of_its_tags(tmp_path):
    red = np.full((*SIZE, 3), (200, 40, 40), np.uint8)
    with VideoWriter(tmp_path / "red.mp4", 25, SIZE, quality=5) as video:
        video.write(red)
    with av.open(str(tmp_path / "red.mp4")) as container:
        frame = next(container.decode(video=0))
        assert {frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc} == {1}  # BT.709, 16 to 235
        brightness = frame.to_ndarray()[: SIZE[0]].mean()
    assert brightness == pytest.approx(16 + 219 / 255 * (0.2126 * 200 + 0.7152 * 40 + 0.0722 * 40), abs=1.5)
    np.testing.assert_allclose(read(tmp_path / "red.mp4")[0].astype(int), red, atol=3)


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted as Linux counts them")
def test_no_thread_is_left_of_reading_and_writing(tmp_path):
    """Decoders are freed when garbage is collected: were it in a process forked meanwhile, that would crash on threads it lacks."""
    gc.collect()  # what other tests left
    gc.disable()
    try:
        before = len(os.listdir("/proc/self/task"))
        with VideoWriter(tmp_path / "film.mp4", 25, (240, 320)) as video:
            video.write(pattern((240, 320)))
        del video
        probe(tmp_path / "film.mp4")
        read(tmp_path / "film.mp4")
        assert len(os.listdir("/proc/self/task")) <= before
    finally:
        gc.enable()
