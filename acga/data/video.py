"""Frames in, frames out: decoding, the 16-frame clip, the geometry between a frame and the network's square, and writing.

A frame is `(H, W, 3)` uint8 RGB everywhere. Decoding and writing hold a few frames at a time, whatever the length of the video.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal

import av
import cv2
import numpy as np
from av.stream import Disposition

from ..errors import VideoError

FOLDER_FRAMES_PER_SECOND = 25.0  # a folder of pictures does not say how fast it is to be played
PICTURES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a video that are known before it is read."""

    height: int  # pixels, after rotation
    width: int
    frames_per_second: float
    frames: int | None  # as the file declares; None where it does not say


def probe(path: str | Path) -> VideoInfo:
    """Size and speed of a video file, gif or folder of pictures; decodes its first frame only. Raises `VideoError`."""
    path = Path(path)
    height, width, _ = next(read_frames(path)).shape
    if path.is_dir():
        return VideoInfo(height, width, FOLDER_FRAMES_PER_SECOND, len(list_pictures(path)))
    with _open(path) as container:
        stream = _video_stream(path, container)
        rate = stream.average_rate or stream.guessed_rate
        return VideoInfo(height, width, float(rate or FOLDER_FRAMES_PER_SECOND), stream.frames or None)


def read_frames(path: str | Path) -> Iterator[np.ndarray]:
    """Yield the frames `(H, W, 3)` uint8 RGB of any file that FFmpeg decodes, or of a folder of png and jpg files sorted by name.

    Rotation metadata is applied. Numbers in file names count as numbers, so `2.png` comes before `10.png`.
    Raises `VideoError`: nothing there, not a video, sound only, no frames, broken off, an unreadable picture, frames that differ in size.
    """
    path = Path(path)
    if not path.exists():
        raise VideoError(f"There is no video at {path}; give a video file or a folder of png or jpg frames.")
    first: tuple[int, ...] | None = None
    for frame in _read_pictures(path) if path.is_dir() else _decode(path):
        first = first or frame.shape
        if frame.shape != first:
            raise VideoError(
                f"The frames of {path} differ in size ({first[1]} x {first[0]}, then {frame.shape[1]} x {frame.shape[0]}); make them equal."
            )
        yield frame
    if first is None:
        raise VideoError(f"{path} holds no frames; give a video file or a folder of png or jpg frames.")


def list_pictures(folder: Path) -> list[Path]:
    """The pictures in a folder, in order of the numbers in their names; hidden files (as macOS leaves them) are not frames.

    Names that are decimal numbers throughout, such as times in seconds, count as such: 0.04 before 0.2, but "1.9" before "1.10" where
    there is a "1.1" too.
    """
    found = [file for file in folder.iterdir() if file.suffix.lower() in PICTURES and not file.name.startswith(".")]
    if all(re.fullmatch(r"[0-9]+\.[0-9]+", file.stem) for file in found):
        times = {file: Fraction(file.stem) for file in found}
        if len(set(times.values())) == len(found):
            return sorted(found, key=times.__getitem__)
    # Every second part is a number.
    return sorted(found, key=lambda file: [int(p) if i % 2 else p for i, p in enumerate(re.split(r"([0-9]+)", file.name))])


def read_mask(file: Path) -> np.ndarray:
    """A picture of one channel or more as a mask, bool (H, W): what is not black. Raises `VideoError`."""
    encoded = np.frombuffer(file.read_bytes(), dtype=np.uint8) if file.is_file() else np.empty(0, np.uint8)
    picture = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if encoded.size else None
    if picture is None:
        raise VideoError(f"{file} is not a readable picture of a mask; draw it, as a png.")
    return np.asarray(picture.reshape(*picture.shape[:2], -1)[..., :3].any(axis=2))


def _read_pictures(folder: Path) -> Iterator[np.ndarray]:
    for file in list_pictures(folder):
        encoded = np.frombuffer(file.read_bytes(), dtype=np.uint8)
        picture = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
        if picture is None:
            raise VideoError(f"{file} is not a readable picture; remove it or write it again.")
        yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _open(path: Path) -> av.container.InputContainer:
    try:
        container = av.open(f"file:{path}", metadata_errors="replace")  # "file:" so that a colon in a name is no protocol
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{path} cannot be opened as a video ({_reason(error)}); it may be truncated or of another kind.") from error
    if container.format.name == "tty":  # FFmpeg plays any text file as a terminal recording
        container.close()
        raise VideoError(f"{path} is a text file, not a video.")
    return container


def _video_stream(path: Path, container: av.container.InputContainer) -> av.VideoStream:
    """The first stream of moving pictures; the cover picture of a music file is not one."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise VideoError(f"{path} has no pictures, only sound or data; give a video.")


def _decode(path: Path) -> Iterator[np.ndarray]:
    decoded, cut = 0, False
    with _open(path) as container:
        stream = _video_stream(path, container)
        stream.thread_type = "AUTO"
        try:
            for packet in container.demux(stream):
                cut = packet.is_corrupt if packet.size else cut  # an empty packet flushes the decoder at the end
                for frame in packet.decode():
                    picture = frame.to_ndarray(format="rgb24")
                    # `rotation` is in degrees counter-clockwise, as np.rot90 turns.
                    yield np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90)))
                    decoded += 1
        except av.FFmpegError as error:
            raise VideoError(f"{path} breaks off after {decoded} frames ({_reason(error)}); it is truncated or damaged.") from error
    if cut:  # FFmpeg hands out the half of a frame that is left at the end of a truncated file without complaint
        raise VideoError(f"{path} breaks off after {decoded} frames; it is truncated.")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")


Codec = Literal["libx264", "mpeg4"]


class VideoWriter:
    """Write frames one by one as an mp4 (H.264 unless another codec is named); the file appears under its name only when it is whole.

    H.264 in its common form needs even sides: an odd frame gets its last row or column twice. Raises `VideoError` when it cannot write,
    or was given no frame.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "black.mp4"
    >>> with VideoWriter(path, 25, (31, 48)) as video:
    ...     video.write(np.zeros((31, 48, 3), np.uint8))
    >>> probe(path)
    VideoInfo(height=32, width=48, frames_per_second=25.0, frames=1)
    """

    def __init__(
        self, path: str | Path, frames_per_second: float, size: tuple[int, int], *, quality: int = 20, codec: Codec = "libx264"
    ) -> None:
        """`size` is (h, w); `quality` is x264's constant rate factor: 0 lossless, 20 hardly visible, 51 worst.

        x264 plays everywhere but does not give the same bytes twice; "mpeg4" (MPEG-4 part 2, at a fixed high quality) does.
        """
        self.path = Path(path)
        self.size = size
        self._partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        with self._failing():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(f"file:{self._partial}", "w", format="mp4")
        self._stream = self._container.add_stream(codec, rate=Fraction(frames_per_second).limit_denominator(10_000))
        self._stream.height, self._stream.width = (side + side % 2 for side in size)
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"crf": str(quality)} if codec == "libx264" else {"qmin": "2", "qmax": "4", "threads": "1"}
        self._stream.codec_context.thread_count = 1  # x264's output depends on it, and is to be the same on every machine
        self._written = 0

    def write(self, frame: np.ndarray) -> None:
        """Append one `(H, W, 3)` uint8 RGB frame."""
        if frame.shape != (*self.size, 3) or frame.dtype != np.uint8:
            raise ValueError(f"expected a uint8 frame {(*self.size, 3)}, got {frame.dtype} {frame.shape}")
        height, width = self.size
        even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        with self._failing():
            self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        self._written += 1

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            with self._failing():
                if kind is None and self._written:
                    self._container.mux(self._stream.encode())
                self._container.close()
                if kind is None and not self._written:
                    raise VideoError(f"No frame was given for {self.path}, so it was not written.")
                if kind is None:
                    os.replace(self._partial, self.path)
        finally:
            self._partial.unlink(missing_ok=True)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """A full disk or a forbidden folder, said in one sentence."""
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"{self.path} cannot be written ({_reason(error)}).") from error
