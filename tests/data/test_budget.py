"""One budget for all that is decoded: what a file declares and what it holds are both looked at, before memory is asked for."""

import os
import struct
import zlib

import cv2
import h5py
import numpy as np
import pytest
import scipy.io
from helpers.films import SIZE, declare_size, grey_pictures, write_film
from PIL import Image

from acga.data import budget, pictures, video
from acga.data.arrays import read_arrays
from acga.data.pictures import decode_picture, read_mask
from acga.data.video import read_clip, read_frames
from acga.errors import DatasetError, VideoError
from acga.widgets.uploads import read_upload

LESS = SIZE[0] * SIZE[1] - 1


@pytest.fixture
def small_budget(monkeypatch):
    """Less than a picture of the films here."""
    monkeypatch.setattr(budget, "MOST_PIXELS", LESS)
    monkeypatch.setattr(video, "MOST_PIXELS", LESS)


def huge_png(path):
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 50_000, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + bytes(120))
    return path


def huge_jpg(path):
    content = cv2.imencode(".jpg", np.zeros((16, 24, 3), np.uint8))[1].tobytes()
    assert content.count(struct.pack(">HH", 16, 24)) == 1
    path.write_bytes(content.replace(struct.pack(">HH", 16, 24), struct.pack(">HH", 50_000, 60_000)))
    return path


@pytest.mark.parametrize(("name", "make"), [("1.png", huge_png), ("1.jpg", huge_jpg)])
def test_a_huge_picture_is_refused_by_what_it_declares(tmp_path, name, make, monkeypatch):
    path = make(tmp_path / name)
    monkeypatch.setattr(pictures.cv2, "imdecode", None)
    for read in (decode_picture, read_mask, lambda path: list(read_frames(path.parent))):
        with pytest.raises(VideoError, match=rf"{name} is too large \(60000 x 50000 pixels are more than the 16.8 million"):
            read(path)


def test_a_part_of_a_png_that_says_it_is_longer_than_the_file(tmp_path, monkeypatch):
    content = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    place = content.index(b"IDAT")
    (tmp_path / "1.png").write_bytes(content[: place - 4] + struct.pack(">I", 1 << 31) + content[place:])
    monkeypatch.setattr(pictures.cv2, "imdecode", None)
    with pytest.raises(VideoError, match=r"1\.png is not a readable picture"):
        decode_picture(tmp_path / "1.png")


def test_a_picture_of_another_kind_is_refused_as_its_size_is_not_known(tmp_path):
    (tmp_path / "1.png").write_bytes(cv2.imencode(".bmp", np.zeros((4, 4, 3), np.uint8))[1].tobytes())
    with pytest.raises(VideoError, match=r"1\.png is not a readable picture; .* as png or jpg"):
        list(read_frames(tmp_path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_no_film_and_no_picture(tmp_path):
    os.mkfifo(tmp_path / "1.png")
    with pytest.raises(VideoError, match=r"1\.png is no regular file"):
        list(read_frames(tmp_path / "1.png"))
    with pytest.raises(VideoError, match=r"1\.png is not a readable picture"):
        list(read_frames(tmp_path))


@pytest.mark.parametrize("ending", ["mp4", "mkv", "gif"])
def test_a_film_of_large_frames_is_refused_by_what_it_declares(tmp_path, ending, small_budget):
    path = tmp_path / f"film.{ending}"
    if ending == "gif":
        first, second = map(Image.fromarray, grey_pictures(2))
        first.save(path, save_all=True, append_images=[second])
    else:
        write_film(path, grey_pictures(2))
    with pytest.raises(VideoError, match=r"film\.\w+ .*(too large|more than 0\.0 million pixels a frame)"):
        list(read_frames(path))


def test_a_container_that_says_less_than_it_holds(tmp_path, small_budget):
    path = declare_size(write_film(tmp_path / "film.mov", grey_pictures(2), codec="mjpeg"), SIZE[::-1], (16, 16))
    with pytest.raises(VideoError, match=r"film\.mov breaks off after 0 frames .* more than 0\.0 million pixels a frame"):
        list(read_frames(path))
    with pytest.raises(VideoError, match=r"The uploaded file breaks off after 0 frames .* pixels a frame"):
        list(read_upload(path.read_bytes()))


def test_the_same_container_within_the_budget_is_read(tmp_path):
    path = declare_size(write_film(tmp_path / "film.mov", grey_pictures(2), codec="mjpeg"), SIZE[::-1], (16, 16))
    assert [frame.shape[:2] for frame in read_frames(path, square_pixels=False)] == [SIZE] * 2


def test_stretched_pixels_count(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "MOST_PIXELS", 2 * LESS)
    path = write_film(tmp_path / "film.mkv", grey_pictures(1), aspect=4)
    with pytest.raises(VideoError, match=r"too large \(192 x 32 pixels"):
        list(read_frames(path))


def test_a_clip_that_is_held_whole(tmp_path, monkeypatch):
    path = write_film(tmp_path / "film.mp4", grey_pictures(6))
    assert read_clip(path).shape == (6, *SIZE, 3)
    monkeypatch.setattr(video, "MOST_BYTES", 5 * 3 * SIZE[0] * SIZE[1])
    with pytest.raises(VideoError, match=r"film\.mp4 is too long to be held whole"):
        read_clip(path)


def test_chunks_of_an_h5_array_count(tmp_path):
    """One is unpacked whole, however small the array."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("values", (4, 6), "u1", maxshape=(None, None), chunks=(1 << 15, 1 << 15), compression="gzip")
    with pytest.raises(DatasetError, match=r"values has the shape \(32768, 32768\), more than 256 MB"):
        read_arrays(tmp_path / "a.h5", ["values"], "an annotation")


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def test_a_mat_that_unpacks_to_more_than_it_declares(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "MOST_BYTES", 1 << 20)
    monkeypatch.setattr("acga.data.arrays.MOST_BYTES", 1 << 20)
    monkeypatch.setattr(scipy.io, "loadmat", None)
    scipy.io.savemat(tmp_path / "a.mat", {})
    head = (tmp_path / "a.mat").read_bytes()[:128]
    about = element(6, struct.pack("<II", 9, 0)) + element(5, struct.pack("<ii", 2, 2)) + element(1, b"part_mask")  # uint8, 2 x 2
    packed = zlib.compress(element(14, about + element(2, bytes(8 << 20))))
    (tmp_path / "a.mat").write_bytes(head + struct.pack("<II", 15, len(packed)) + packed)
    assert scipy.io.whosmat(tmp_path / "a.mat") == [("part_mask", (2, 2), "uint8")]
    with pytest.raises(DatasetError, match=r"it unpacks to more than 1 MB"):
        read_arrays(tmp_path / "a.mat", ["part_mask"], "puppet masks")
