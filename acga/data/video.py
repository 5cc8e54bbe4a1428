"""Frames in, frames out: films, gifs and folders of pictures as players show them, each frame with its time, and writing.

A frame is `(H, W, 3)` uint8 RGB everywhere. Decoding and writing hold a few frames at a time, whatever the length of the video.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import VideoReformatter

from ..errors import VideoError
from ..system.files import partial_path, refuse_special
from .budget import MOST_BYTES, MOST_PIXELS, excess_of_picture
from .palette import Palette
from .pictures import decode_picture, is_single_picture, list_pictures
from .stored_picture import BT709, StoredPicture, orientation, standard_of_colours

FOLDER_FRAMES_PER_SECOND = 25.0  # a folder of pictures does not say how fast it is to be played
FULL_HD = 1920 * 1088  # pixels of a frame
MOST_STRETCHED = 8  # times as wide as high, or as high as wide: a pixel of another shape is a fault of the file
LONGEST_GAP = 4 * 3600.0  # seconds between frames, or before the first: more is a clock that was set anew
LIMITED = 1  # the number of the range 16 to 235, as in H.273 and FFmpeg
HEIF_BRANDS = ("heic", "heix", "heim", "heis", "mif1", "mif2", "miaf", "avif")  # photographs: FFmpeg gives their tiles, not the whole
TS_DISCONT = 0x0200  # FFmpeg's flag of formats whose clocks start anywhere and may jump
TICK = Fraction(1, 120_000)  # seconds, of the times in written videos: whole numbers of it for each usual rate, 30000/1001 too


class ShownFrame(NamedTuple):
    """A frame as players show it."""

    picture: np.ndarray  # uint8 (H, W, 3)
    time: float  # seconds at which it appears
    stored: StoredPicture


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a video that are known before it is read."""

    height: int  # pixels, of frames as they are shown
    width: int
    frames_per_second: float  # on the average
    frames: int | None  # as the file declares; None where it does not say
    stored: StoredPicture


def probe(path: str | Path) -> VideoInfo:
    """Size and speed of a video file, gif or folder of pictures; decodes its first frame only. Raises `VideoError`."""
    path = Path(path)
    first = next(read_shown_frames(path))
    height, width, _ = first.picture.shape
    if path.is_dir():
        return VideoInfo(height, width, FOLDER_FRAMES_PER_SECOND, len(list_pictures(path)), first.stored)
    if is_single_picture(path):
        return VideoInfo(height, width, FOLDER_FRAMES_PER_SECOND, 1, first.stored)
    with _open(path) as container:
        stream = _video_stream(path, container)
        return VideoInfo(height, width, float(_rate(stream)), stream.frames or None, first.stored)


def read_frames(path: str | Path, *, square_pixels: bool = True) -> Iterator[np.ndarray]:
    """Yield the frames `(H, W, 3)` uint8 RGB of any file that FFmpeg decodes, or of a folder of png and jpg files sorted by name.

    They are as players show them: of the default stream, turned and mirrored as the file says, and with square pixels, unless
    `square_pixels` is False. Numbers in file names count as numbers, so `2.png` comes before `10.png`.
    Raises `VideoError`: nothing there, not a video, sound only, no frames, broken off, an unreadable or huge picture, frames that
    differ in size.
    """
    return (frame.picture for frame in read_shown_frames(path, square_pixels=square_pixels))


def read_clip(path: str | Path, *, square_pixels: bool = True) -> np.ndarray:
    """All frames of a short video, uint8 (T, H, W, 3). Raises `VideoError`, also when it is too long to be held whole."""
    frames: list[np.ndarray] = []
    for frame in read_frames(path, square_pixels=square_pixels):
        frames.append(frame)
        if len(frames) * frame.nbytes > MOST_BYTES:
            raise VideoError(f"{path} is too long to be held whole (more than {MOST_BYTES >> 20} MB); cut it or make it smaller.")
    return np.stack(frames)


def read_shown_frames(path: str | Path, *, square_pixels: bool = True) -> Iterator[ShownFrame]:
    """As `read_frames`, each frame with its time, which never goes back, and with what the file stores for it."""
    path = Path(path)
    try:
        if not path.exists():
            raise VideoError(f"There is no video at {path}; give a video file or a folder of png or jpg frames.")
        if not path.is_dir() and not path.is_file():  # a pipe or a device may never end
            raise VideoError(f"{path} is no regular file; give a video file or a folder of png or jpg frames.")
        first: tuple[int, ...] | None = None
        for frame in _frames_of(path, square_pixels):
            shape = frame.picture.shape
            first = first or shape
            if shape != first:
                raise VideoError(
                    f"The frames of {path} differ in size ({first[1]} x {first[0]}, then {shape[1]} x {shape[0]}); make them equal."
                )
            yield frame
    except OSError as error:
        raise VideoError(f"{path} cannot be read ({_reason(error)}); give a video file or a folder of png or jpg frames.") from error
    if first is None:
        raise VideoError(f"{path} holds no frames; give a video file or a folder of png or jpg frames.")


def _frames_of(path: Path, square_pixels: bool) -> Iterator[ShownFrame]:
    if path.is_dir():
        return _read_pictures(path)
    if is_single_picture(path):  # FFmpeg would take a % in its name for a pattern
        picture = decode_picture(path)
        return iter([ShownFrame(picture, 0.0, StoredPicture(*picture.shape[:2]))])
    return _decode(path, square_pixels)


def _read_pictures(folder: Path) -> Iterator[ShownFrame]:
    for number, file in enumerate(list_pictures(folder)):
        picture = decode_picture(file)
        yield ShownFrame(picture, number / FOLDER_FRAMES_PER_SECOND, StoredPicture(*picture.shape[:2]))


def _open(path: Path) -> av.container.InputContainer:
    try:
        container = av.open(
            f"file:{path}",  # so that a colon in a name is no protocol
            metadata_errors="replace",
            options={"max_pixels": str(MOST_PIXELS)},  # for FFmpeg looks into the frames to find out what the file does not say
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{path} cannot be opened as a video ({_reason(error)}); it may be truncated or of another kind.") from error
    if container.format.name == "tty":  # FFmpeg plays any text file as a terminal recording
        container.close()
        raise VideoError(f"{path} is a text file, not a video.")
    if container.metadata.get("major_brand") in HEIF_BRANDS:
        container.close()
        raise VideoError(f"{path} is a HEIF photograph (heic or avif), which is not read here; convert it to jpg or png.")
    return container


def _video_stream(path: Path, container: av.container.InputContainer) -> av.VideoStream:
    """The stream of moving pictures that players choose: the default one, then the largest; the cover of a music file is none."""
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        raise VideoError(f"{path} has no pictures, only sound or data; give a video.")
    streams = [stream for stream in streams if stream.codec_context is not None]
    if not streams:
        raise VideoError(f"The pictures of {path} are in a format that is not known here; convert it to H.264.")
    return max(streams, key=lambda stream: (bool(stream.disposition & Disposition.default), stream.width * stream.height))


def _rate(stream: av.VideoStream) -> Fraction:
    return stream.average_rate or stream.guessed_rate or Fraction(FOLDER_FRAMES_PER_SECOND)


def _decode(path: Path, square_pixels: bool) -> Iterator[ShownFrame]:
    decoded, cut = 0, False
    stored: StoredPicture | None = None
    with _open(path) as container:
        stream = _video_stream(path, container)
        _check_size(path, stream.height, stream.width)
        stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}  # frames may be larger than what is declared
        # A stream is freed when garbage is collected; if it had threads, and the process was forked meanwhile, the fork would crash.
        stream.codec_context.thread_count = 1
        reformatter = VideoReformatter()  # the stream's own would live as long
        aspect = (stream.sample_aspect_ratio or 1) if square_pixels else 1
        clock = _Clock(container, stream)
        try:
            for packet in container.demux(stream):
                cut = packet.is_corrupt if packet.size else cut  # an empty packet flushes the decoder at the end
                for frame in packet.decode():
                    stored = _stored_picture(frame, aspect, stored)
                    height, width = stored.stretched_size
                    _check_size(path, height, width)
                    picture = reformatter.reformat(frame, width, height, "rgb24", src_colorspace=standard_of_colours(frame)).to_ndarray()
                    yield ShownFrame(stored.turn(picture), clock.read(frame), stored)
                    decoded += 1
        except av.FFmpegError as error:
            what = f"truncated, damaged or of more than {MOST_PIXELS / 1e6:.1f} million pixels a frame"
            raise VideoError(f"{path} breaks off after {decoded} frames ({_reason(error)}); it is {what}.") from error
    if cut:  # FFmpeg hands out the half of a frame that is left at the end of a truncated file without complaint
        raise VideoError(f"{path} breaks off after {decoded} frames; it is truncated.")


def _check_size(path: Path, height: int, width: int) -> None:
    excess = excess_of_picture(height, width)
    if excess is not None:
        raise VideoError(f"The frames of {path} are too large ({excess}); make them smaller.")


def _stored_picture(frame: av.VideoFrame, aspect: Fraction | int, first: StoredPicture | None) -> StoredPicture:
    """The way to show a decoded frame: the first one says it for its stream, as H.264 may say it only there."""
    if first is not None and (first.height, first.width) == (frame.height, frame.width):
        return first
    if not 1 / MOST_STRETCHED <= aspect <= MOST_STRETCHED:
        aspect = 1
    transposed, flipped = (first.transposed, first.flipped) if first is not None else orientation(frame)
    return StoredPicture(frame.height, frame.width, Fraction(aspect), transposed, flipped)


class _Clock:
    """The times of frames, which always advance: those of the file, from the next one on if a clock was set anew."""

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self._step = 1 / float(_rate(stream))
        self._latest: float | None = None
        # The clocks of broadcasts start anywhere, and players count from where the file starts.
        anywhere = int(container.format.flags) & TS_DISCONT
        self._offset = -(container.start_time or 0) / av.time_base if anywhere else 0.0

    def read(self, frame: av.VideoFrame) -> float:
        """The time of the next frame in seconds."""
        due = 0.0 if self._latest is None else self._latest + self._step
        time = due if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base) + self._offset
        # Players do not show what is before 0, and an mp4 does not keep it: a film that starts there is counted from its start.
        if not due - (0 if self._latest is None else 2 * self._step) <= time < due + LONGEST_GAP:
            self._offset += due - time
            time = due
        elif self._latest is not None:
            time = max(time, self._latest + float(TICK))  # of two frames at once, the later one is seen
        self._latest = time
        return time


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")


Codec = Literal["libx264", "mpeg4", "libvpx-vp9", "gif"]
CONTAINERS = {"libx264": "mp4", "mpeg4": "mp4", "libvpx-vp9": "webm", "gif": "gif"}
SHORTEST_IN_GIF = Fraction(1, 50)  # seconds: browsers show shorter frames for a tenth of a second


class VideoWriter:
    """Write frames one by one as an mp4 (H.264 unless another codec is named); the file appears under its name only when it is whole.

    H.264 in its common form needs even sides: an odd frame gets its last row or column twice. Its colours are those of BT.709, and the
    file says so. Raises `VideoError` when it cannot write, or was given no frame, and `AcgaError` for a path that is no file's.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "black.mp4"
    >>> with VideoWriter(path, 25, (31, 48)) as video:
    ...     video.write(np.zeros((31, 48, 3), np.uint8))
    >>> found = probe(path)
    >>> found.height, found.width, found.frames_per_second, found.frames
    (32, 48, 25.0, 1)
    """

    def __init__(
        self, path: str | Path, frames_per_second: float, size: tuple[int, int], *, quality: int = 20, codec: Codec = "libx264"
    ) -> None:
        """`size` is (h, w); `quality` is x264's constant rate factor: 0 lossless, 20 hardly visible, 51 worst.

        x264 plays everywhere but does not give the same bytes twice; "mpeg4" (MPEG-4 part 2, at a fixed high quality, for data sets as
        they are released: at a constant rate, its colours in BT.601 and untold) does. "libvpx-vp9" writes a webm, "gif" a gif of 256
        colours a frame, at most 50 frames a second.
        """
        self.path = Path(os.path.realpath(path))
        self.size, self._codec = size, codec
        rate = Fraction(min(max(frames_per_second, 1e-3), 1e3)).limit_denominator(10_000)
        with self._failing():
            refuse_special(self.path)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._partial = partial_path(self.path.parent, self.path.name)
            self._container = av.open(f"file:{self._partial}", "w", format=CONTAINERS[codec])
        self._stream = self._container.add_stream(codec, rate=rate)
        self._stream.height, self._stream.width = (side + side % 2 for side in size)
        self._stream.pix_fmt = "pal8" if codec == "gif" else "yuv420p"
        # Without B-frames, which are decoded before they are shown: an mp4 counts its duration in the order of decoding, and would end
        # before a last frame that comes after a pause. Large frames fill the memory, so few of them are held.
        few = {"rc-lookahead": "8"} if size[0] * size[1] <= FULL_HD else {"rc-lookahead": "0", "refs": "1", "weightp": "0"}
        options: dict[Codec, dict[str, str]] = {
            "libx264": {"crf": str(quality), "bf": "0", **few},
            "mpeg4": {"qmin": "2", "qmax": "4", "threads": "1"},
            "libvpx-vp9": {"crf": str(quality + 10), "b": "0", "deadline": "realtime", "cpu-used": "6"},
        }
        self._stream.options = dict(options.get(codec, {}))
        context = self._stream.codec_context
        context.thread_count = 1  # x264's output depends on it, and is to be the same on every machine
        self._tick, self._conversion = (1 / rate if codec == "mpeg4" else TICK), {}
        if codec == "gif":
            context.time_base = Fraction(1, 100)
            self._palette = Palette((self._stream.height, self._stream.width))
        elif codec != "mpeg4":
            context.time_base = TICK
            self._conversion = {"dst_colorspace": BT709, "dst_color_range": LIMITED}
            context.colorspace = context.color_primaries = context.color_trc = BT709
            context.color_range = LIMITED
        self._reformatter = VideoReformatter()
        self._step = round(1 / rate / self._tick)
        self._due = self._shown = 0  # ticks: of the next frame, and of the latest one that was written
        self._written = 0

    def write(self, frame: np.ndarray, time: float | None = None) -> None:
        """Append one `(H, W, 3)` uint8 RGB frame, to appear at `time` in seconds or at the constant rate after the one before."""
        if frame.shape != (*self.size, 3) or frame.dtype != np.uint8:
            raise ValueError(f"expected a uint8 frame {(*self.size, 3)}, got {frame.dtype} {frame.shape}")
        height, width = self.size
        if height % 2 or width % 2:
            frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        ticks = self._due if time is None else round(time / self._tick)
        ticks = ticks if not self._written else max(ticks, self._due - self._step + 1)
        self._due = ticks + self._step
        if self._codec == "gif":
            if self._written and ticks < self._shown + SHORTEST_IN_GIF / TICK:
                return
            picture = self._palette.reduce(frame)
        else:
            shared = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame), format="rgb24")  # of the same memory
            picture = self._reformatter.reformat(shared, format="yuv420p", **self._conversion)
        picture.pts, picture.time_base, self._shown = ticks, self._tick, ticks
        with self._failing():
            self._container.mux(self._stream.encode(picture))
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
