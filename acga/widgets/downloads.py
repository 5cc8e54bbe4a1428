"""What a reader can take home: an overlay video, and the masks as pictures."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..data.video import VideoWriter
from ..output import slug, write_mask
from ..overlay import Overlay
from .reading import Reading


def overlay_video(reading: Reading, queries: Sequence[str], *, threshold_ratio: float = 0.5) -> bytes:
    """An mp4 of the clip with the mask of each answered query in its colour, and a legend."""
    clip = reading.clip
    overlay = Overlay(queries, clip.size)
    with tempfile.TemporaryDirectory(prefix="acga-download-") as folder:
        path = Path(folder) / "overlay.mp4"
        with VideoWriter(path, clip.frames_per_second, overlay.size) as video:
            for number, frame in enumerate(clip.frames):
                video.write(overlay.picture(frame, [reading.mask(query, number, threshold_ratio=threshold_ratio) for query in queries]))
        return path.read_bytes()


def mask_archive(reading: Reading, queries: Sequence[str], *, threshold_ratio: float = 0.5) -> bytes:
    """A zip of PNG masks, 0 / 255, of the frames' size: `<number>_<words>/<frame:05d>.png`, queries from 1 and frames from 0."""
    archive = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="acga-download-") as folder, zipfile.ZipFile(archive, "w") as zipped:
        path = Path(folder) / "mask.png"
        for number, query in enumerate(queries, start=1):
            for frame in range(len(reading.clip.frames)):
                write_mask(path, reading.mask(query, frame, threshold_ratio=threshold_ratio))
                zipped.write(path, f"{number}_{slug(query)}/{frame:05d}.png")
    return archive.getvalue()
