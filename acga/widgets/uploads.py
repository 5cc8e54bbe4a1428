"""Clips that a reader uploads: checked against the limits, read in a temporary folder that is gone when they are read.

The content never touches another place, and the name that it came with is not used at all: neither as a path nor anywhere else.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ..data.budget import MOST_PIXELS
from ..data.video import HEIF_BRANDS, probe, read_shown_frames
from ..errors import VideoError
from .clips import Clip

MEBIBYTE = 1 << 20
MAX_BYTES = 8 * MEBIBYTE  # a message of 10 MiB or more would cut Jupyter's connection between page and kernel
MAX_SECONDS = 10.0
MAX_FRAMES = 240
MAX_PIXELS = MAX_FRAMES * 3840 * 2160  # of all frames: a small file may ask for minutes of decoding
SHOWN_SIDE = 480  # pixels: the longer side is reduced to this
MAX_MEGABYTES = MAX_BYTES // MEBIBYTE
LIMITS = (
    f"mp4, mov, webm or gif, at most {MAX_MEGABYTES} MB, {MAX_SECONDS:.0f} seconds, {MAX_FRAMES} frames "
    f"and {MOST_PIXELS / 1e6:.1f} million pixels a frame"
)
EXPECTATIONS = (
    "The network has seen drawings and a few photographs, no film: it errs often. One large actor and plain words (man, dog, red, "
    "on the left) work best. The clip stays on this computer."
)
SUBJECT = "The uploaded file"  # of the sentences about it
_REPORT_EVERY = 8  # frames


def read_upload(content: bytes | memoryview) -> Iterator[int | Clip]:
    """Decode an uploaded clip; yields how many frames it has so far and at last the clip, its frames of at most 480 pixels a side.

    Raises `VideoError` when the content is too large, too long or no mp4, mov, webm or gif, or when it breaks off.
    """
    content = bytes(content)
    if len(content) > MAX_BYTES:
        megabytes = math.ceil(len(content) / MEBIBYTE)
        raise VideoError(f"{SUBJECT} has {megabytes} MB, and {MAX_MEGABYTES} are the limit; shorten it or make it smaller.")
    if not _is_video(content):
        raise VideoError(f"{SUBJECT} is not an mp4, mov, webm or gif; convert it to one of these.")
    with tempfile.TemporaryDirectory(prefix="acga-upload-") as folder:
        path = Path(folder) / "clip"
        path.write_bytes(content)
        try:
            frames: list[np.ndarray] = []
            times: list[float] = []
            speed = probe(path).frames_per_second
            for frame in read_shown_frames(path):
                times.append(frame.time)
                if len(times) > MAX_FRAMES or frame.time - times[0] >= MAX_SECONDS:
                    raise VideoError(f"{SUBJECT} is too long: {MAX_SECONDS:.3g} seconds and {MAX_FRAMES} frames are the limit; cut it.")
                if len(times) * frame.picture.shape[0] * frame.picture.shape[1] > MAX_PIXELS:
                    raise VideoError(f"{SUBJECT} has too many large frames: {MAX_FRAMES} of 3840 x 2160 are the limit; make it smaller.")
                frames.append(_reduced(frame.picture))
                if len(frames) % _REPORT_EVERY == 0:
                    yield len(frames)
        except VideoError as error:
            raise VideoError(str(error).replace(str(path), SUBJECT)) from error
    yield Clip(frames=np.stack(frames), frames_per_second=speed, times=tuple(times))


def _is_video(content: bytes) -> bool:
    """By its first bytes: FFmpeg also reads play lists and scripts that name other files, and must not be led there."""
    if content[4:8] == b"ftyp":
        return content[8:12].decode("latin-1") not in HEIF_BRANDS
    return content[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip") or content.startswith((b"GIF87a", b"GIF89a", b"\x1aE\xdf\xa3"))


def _reduced(frame: np.ndarray) -> np.ndarray:
    height, width, _ = frame.shape
    scale = SHOWN_SIDE / max(height, width)
    if scale >= 1:
        return frame
    return cv2.resize(frame, (max(round(width * scale), 1), max(round(height * scale), 1)), interpolation=cv2.INTER_AREA)
