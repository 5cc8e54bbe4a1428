"""Files as bytes, for the browser to show or to keep: an overlay video, masks in a zip, JPEG pictures."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..data.video import VideoWriter
from ..inference import ClipSession
from ..output.mask_files import encode_mask
from ..output.overlay import Overlay
from ..output.segmentation import slug
from .clips import Clip


def overlay_video(clip: Clip, session: ClipSession, queries: Sequence[str], *, threshold_ratio: float = 0.5) -> bytes:
    """An mp4 of the clip with the masks of queries whose responses are known, each in its colour, and a legend."""
    overlay = Overlay(queries, clip.size)
    with tempfile.TemporaryDirectory(prefix="acga-export-") as folder:
        path = Path(folder) / "overlay.mp4"
        with VideoWriter(path, clip.frames_per_second, overlay.size) as video:
            for number, frame in enumerate(clip.frames):
                masks = [session.mask(query, number, threshold_ratio=threshold_ratio) for query in queries]
                video.write(overlay.picture(frame, masks), clip.time_of(number))
        return path.read_bytes()


def mask_archive(clip: Clip, session: ClipSession, queries: Sequence[str], *, threshold_ratio: float = 0.5) -> bytes:
    """A zip of PNG masks, 0 / 255, of the frames' size: `<number>_<words>/<frame:05d>.png`, queries from 1 and frames from 0."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for number, query in enumerate(queries, start=1):
            for frame in range(len(clip.frames)):
                mask = session.mask(query, frame, threshold_ratio=threshold_ratio)
                zipped.writestr(f"{number}_{slug(query)}/{frame:05d}.png", encode_mask(mask))
    return archive.getvalue()
