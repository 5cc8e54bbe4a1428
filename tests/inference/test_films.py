"""What `acga segment` and "Save video" write of films as people have them: times, proportions, colours, and whose fault an error is."""

import errno
import io
import json
import os
import subprocess
import sys
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from helpers.films import SIZE, grey_pictures, write_film
from helpers.paths import ROOT
from helpers.small import save_small_model, small_model
from PIL import Image

from acga.cli import main
from acga.data.video import VideoWriter, read_shown_frames
from acga.errors import AcgaError, VideoError
from acga.inference import ClipSession, Segmenter
from acga.output.segmentation import output_folder
from acga.widgets import uploads
from acga.widgets.clips import Clip
from acga.widgets.export import overlay_video
from acga.widgets.uploads import read_upload

HALF_A_FRAME = 0.5 / 12
PAUSE = [0, 1 / 12, 2 / 12, 3.667, 3.75, 3.833]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return save_small_model(tmp_path_factory.mktemp("weights") / "small.safetensors")


def segment(video, out, weights, *options):
    return main(["segment", str(video), "dog", "--out", str(out), "--weights", str(weights), "--device", "cpu", *options])


def times_of(path):
    return [frame.time for frame in read_shown_frames(path)]


@pytest.mark.parametrize("start", [0, 2.5])
@pytest.mark.parametrize("every", ["1", "4"])
def test_the_overlay_and_the_summary_keep_the_times(tmp_path, weights, start, every):
    expected = [start + time for time in PAUSE]
    film = write_film(tmp_path / "film.mkv", grey_pictures(6), times=expected)
    assert segment(film, tmp_path / "out", weights, "--every", every) == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["times"] == pytest.approx(expected, abs=HALF_A_FRAME)
    assert times_of(tmp_path / "out" / "overlay.mp4") == pytest.approx(expected, abs=HALF_A_FRAME)
    with av.open(str(tmp_path / "out" / "overlay.mp4")) as container:
        stream = container.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(PAUSE[-1] + 1 / 12, abs=0.5)


def test_a_saved_video_keeps_the_times():
    frames = np.stack(grey_pictures(4))
    clip = Clip(frames=frames, frames_per_second=12.0, times=(0.5, 0.6, 3.0, 3.1))
    session = ClipSession.from_frames(Segmenter(small_model(), "cpu"), frames)
    session.predict(["dog"], range(4))
    with av.open(io.BytesIO(overlay_video(clip, session, ["dog"]))) as container:
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx(clip.times, abs=HALF_A_FRAME)


def test_an_upload_has_times_and_a_slow_gif_is_read(tmp_path):
    film = write_film(tmp_path / "film.webm", grey_pictures(6), times=PAUSE, container_format="matroska")
    *_, clip = read_upload(film.read_bytes())
    assert clip.times == pytest.approx(PAUSE, abs=HALF_A_FRAME)
    still = Image.fromarray(grey_pictures(1)[0])
    still.save(tmp_path / "still.gif", save_all=True, append_images=[], duration=15_000)
    *_, clip = read_upload((tmp_path / "still.gif").read_bytes())
    assert clip.frames.shape == (1, *SIZE, 3)
    first, second = map(Image.fromarray, grey_pictures(2))
    first.save(tmp_path / "slow.gif", save_all=True, append_images=[second], duration=15_000)
    with pytest.raises(VideoError, match="too long: 10 seconds and 240 frames are the limit"):
        list(read_upload((tmp_path / "slow.gif").read_bytes()))


def test_an_upload_of_many_large_frames_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_PIXELS", 3 * SIZE[0] * SIZE[1])
    film = write_film(tmp_path / "film.webm", grey_pictures(3), container_format="matroska")
    *_, clip = read_upload(film.read_bytes())
    assert len(clip.frames) == 3
    film = write_film(tmp_path / "film.webm", grey_pictures(4), container_format="matroska")
    with pytest.raises(VideoError, match="has too many large frames: 240 of 3840 x 2160 are the limit"):
        list(read_upload(film.read_bytes()))


def test_pixels_that_are_not_square(tmp_path, weights):
    film = write_film(tmp_path / "film.mp4", grey_pictures(3, (320, 240)), aspect=Fraction(2))
    assert segment(film, tmp_path / "out", weights) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["height"], summary["width"]) == (320, 480)
    geometry = summary["geometry"]
    assert (geometry["stored_height"], geometry["stored_width"], geometry["pixel_aspect_ratio"]) == (320, 240, "2:1")
    assert not geometry["transposed"] and not geometry["flipped_top_to_bottom"] and not geometry["flipped_left_to_right"]
    mask = cv2.imread(str(tmp_path / "out" / "masks" / "1_dog" / "00000.png"), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (320, 480)
    with av.open(str(tmp_path / "out" / "overlay.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.width == 480 and stream.height > 320 and stream.sample_aspect_ratio in (None, 1)
        assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (1, 1)  # BT.709, 16 to 235


def folder_with(tmp_path, spoil):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, picture in enumerate(grey_pictures(3)):
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    spoil(folder / "3.png")
    return folder


@pytest.mark.parametrize("spoil", [lambda path: path.mkdir(), lambda path: path.symlink_to("nowhere")])
def test_an_error_of_the_input_is_not_blamed_on_the_output(tmp_path, weights, capsys, spoil):
    folder = folder_with(tmp_path, spoil)
    assert segment(folder, tmp_path / "out", weights) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "3.png is not a readable picture" in said and "output" not in said
    assert not (tmp_path / "out").exists()


def test_whose_fault_an_error_is(tmp_path):
    other = FileNotFoundError(errno.ENOENT, "No such file", str(tmp_path / "input.csv"))
    with pytest.raises(FileNotFoundError), output_folder(tmp_path / "out"):
        raise other
    with pytest.raises(AcgaError, match=r"Cannot write the output to .*out"), output_folder(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(AcgaError, match=r"Cannot write the output to .*out"), output_folder(tmp_path / "out") as folder:
        (folder / "absent" / "a.txt").write_text("a")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_video_is_written_to_a_regular_file_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(AcgaError, match=r"pipe\.mp4 is no regular file"):
        VideoWriter(tmp_path / "pipe.mp4", 25, SIZE)
    (tmp_path / "link.mp4").symlink_to(tmp_path / "film.mp4")
    with VideoWriter(tmp_path / "link.mp4", 25, SIZE) as video:
        video.write(grey_pictures(1)[0])
    assert (tmp_path / "link.mp4").is_symlink() and (tmp_path / "film.mp4").is_file()
    assert sorted(os.listdir(tmp_path)) == ["film.mp4", "link.mp4", "pipe.mp4"]


def test_masks_behind_a_link_are_not_removed(tmp_path, weights):
    film, out = write_film(tmp_path / "film.mp4", grey_pictures(3)), tmp_path / "out"
    assert segment(film, out, weights) == 0
    (tmp_path / "mine").mkdir()
    for file in (out / "masks" / "1_dog").iterdir():
        file.rename(tmp_path / "mine" / file.name.replace("0000", "1000"))
    (out / "masks" / "1_dog").rmdir()
    (out / "masks" / "1_dog").symlink_to(tmp_path / "mine")
    assert segment(film, out, weights, "--overwrite") in (0, 2)
    assert {"10000.png", "10001.png", "10002.png"} <= set(os.listdir(tmp_path / "mine"))


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are not bytes")
@pytest.mark.parametrize(("encoding", "name"), [("cp1252", "结果".encode()), ("utf-8:strict", b"caf\xe9"), ("ascii", "é".encode())])
def test_a_path_that_the_terminal_cannot_print(tmp_path, weights, encoding, name):
    film = write_film(tmp_path / "film.mp4", grey_pictures(2))
    out = os.fsencode(tmp_path) + b"/" + name
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "acga", "segment", str(film), "dog", "--weights", str(weights), "--device", "cpu", "--out", out]
    found = subprocess.run(command, env=environment, capture_output=True)
    assert found.returncode == 0, found.stderr
    assert b"2 frames segmented" in found.stdout and b"\\" in found.stdout
    assert sorted(os.listdir(out)) == [b"masks", b"overlay.mp4", b"summary.json"]
