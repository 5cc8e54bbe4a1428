"""Films made to order: times, stored shape, display matrices, several streams."""

import struct
from fractions import Fraction

import av
import numpy as np

SIZE = (32, 48)


def pattern(size=SIZE):
    """A picture (H, W, 3) that none of its turns and mirror images resembles."""
    height, width = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = 255
    picture[: height // 2, width // 2 :] = 120
    return picture


def write_film(path, pictures, *, times=None, codec="libx264", aspect=None, container_format=None, **options):
    """A film of pictures (H, W, 3), at 12 a second or at `times` in seconds; `options` are of the container."""
    times = [number / 12 for number in range(len(pictures))] if times is None else times
    with av.open(str(path), "w", format=container_format, options=options) as container:
        stream = container.add_stream(codec, rate=12)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = {"mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        stream.options = {"crf": "10"} if codec == "libx264" else {}
        stream.codec_context.time_base = Fraction(1, 60_000)
        stream.codec_context.thread_count = 1
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for time, picture in zip(times, pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(time * 60_000), Fraction(1, 60_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def set_display_matrix(path, matrix):
    """Put (a, b, c, d) into the track header of an mp4: where a player is to show a stored pixel."""
    content = bytearray(path.read_bytes())
    a, b, c, d = (round(0x10000 * value) for value in matrix)
    header = content.index(b"tkhd")
    content[header + 44 : header + 80] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    path.write_bytes(content)


def grey_pictures(count, size=SIZE):
    """Pictures whose grey levels tell them apart after compression."""
    return [np.full((*size, 3), 20 + 200 * number // max(count, 2), np.uint8) for number in range(count)]


def declare_size(path, before, after):
    """Let a QuickTime file of mjpeg say another size (w, h) than that of its pictures."""
    content = path.read_bytes()
    assert content.count(struct.pack(">HH", *before) + b"\x00\x48") == 1
    path.write_bytes(content.replace(struct.pack(">HH", *before) + b"\x00\x48", struct.pack(">HH", *after) + b"\x00\x48"))
    return path
