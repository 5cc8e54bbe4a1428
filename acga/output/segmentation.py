"""The output of `acga segment`: an overlay video, a PNG mask for every frame and query, and a summary; all of it or nothing.

overlay.mp4 (gif, webm)                  the frames, each query's mask in its colour, where it is "not here" outlined, and a legend
masks/<number>_<words>/<frame:05d>.png   0 / 255, of the frame's size; numbers of queries from 1, of frames from 0
masks/<number>_<words>.npz (json)        or all masks of a query in one file, see `mask_files`
sheet.jpg                                if asked for: frames of the overlay, evenly over the video
summary.json                             weights, queries with their unknown words, area, peak, confidence by frame, times, seconds
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

from tqdm import tqdm

from .. import __version__
from ..data.pictures import encode_picture
from ..data.text import plain, tokenise
from ..data.video import Codec, StoredPicture, VideoWriter
from ..errors import AcgaError
from ..inference import FrameResult, Segmenter
from ..options import MaskFormat, OverlayFormat
from ..system.files import FULL, parse_json, partial_path
from .mask_files import MASK_WRITERS, MaskWriter
from .overlay import ContactSheet, Overlay

SUMMARY, SHEET = "summary.json", "sheet.jpg"
CODECS: dict[OverlayFormat, Codec] = {"mp4": "libx264", "gif": "gif", "webm": "libvpx-vp9"}
OVERVIEWS = (SHEET, *(f"overlay.{kind}" for kind in CODECS))  # of all sentences
BAR = "{desc}: {percentage:3.0f} % |{bar}| {n_fmt} of {total_fmt} frames, {remaining} left"


class _Summary(TypedDict):
    acga: str
    queries: list[dict[str, Any]]


def write_segmentation(
    segmenter: Segmenter,
    video: str | Path,
    queries: Sequence[str],
    folder: Path,
    *,
    every: int = 1,
    formats: tuple[OverlayFormat, MaskFormat] = ("mp4", "png"),
    sheet: bool = False,
) -> Iterator[FrameResult]:
    """Segment a video into an existing, empty `folder`; yields each frame's result once it is written, and the summary comes last.

    Raises as `Segmenter.stream` does.
    """
    film, masks_as = formats
    started = time.monotonic()
    handle = segmenter.open(video)
    results = handle.stream(queries, every=every)
    size = (handle.info.height, handle.info.width)
    overlay, contact = Overlay(queries, size), ContactSheet(queries, size)
    entries: list[dict[str, Any]] = []
    files: list[MaskWriter] = []
    times: list[float] = []  # seconds
    for number, query in enumerate(queries, start=1):
        name = f"masks/{number}_{slug(query)}{MASK_WRITERS[masks_as].suffix}"
        files.append(MASK_WRITERS[masks_as](folder / name, number))
        entries.append(
            {"query": query, "unknown_words": segmenter.unknown(query), "masks": name, "areas": [], "peaks": [], "confidences": []}
        )
    with (
        VideoWriter(folder / f"overlay.{film}", handle.info.frames_per_second, overlay.size, codec=CODECS[film]) as pictures,
        tqdm(results, total=handle.info.frames, desc="segmenting", delay=2, leave=False, bar_format=BAR) as progress,
    ):
        for result in progress:
            fill = [segmenter.verdict(certain) != "not here" for certain in result.confidences.values()]
            pictures.write(overlay.picture(result.frame, result.masks.values(), fill=fill), result.time)
            if sheet:
                contact.add(result.frame, result.masks.values(), result.time, fill=fill)
            times.append(round(result.time, 6))
            for entry, file in zip(entries, files, strict=True):
                mask, peak = result.masks[entry["query"]], result.peaks[entry["query"]]
                file.add(result.index, mask, peak)
                entry["areas"].append(int(mask.sum()))  # pixels
                entry["peaks"].append(round(peak, 4))
                entry["confidences"].append(round(result.confidences[entry["query"]], 4))
            yield result
    for file in files:
        file.close()
    for entry in entries:
        entry["verdict"] = segmenter.verdict(entry["confidences"])
    if sheet:
        (folder / SHEET).write_bytes(encode_picture(contact.picture([entry["verdict"] for entry in entries]), ".jpg"))
    summary = {
        "acga": __version__,
        "video": Path(video).name if folder in Path(video).parents else str(video),  # of a clip beside the results, the name
        "height": size[0],
        "width": size[1],
        "geometry": _geometry(handle.info.stored),
        "frames": len(times),
        "frames_per_second": handle.info.frames_per_second,
        "times": times,
        "weights": {} if segmenter.source is None else asdict(segmenter.source),
        "device": str(segmenter.device),
        "overlay": f"overlay.{film}",
        "sheet": SHEET if sheet else None,
        "every": every,
        "threshold": segmenter.threshold_ratio,
        "minimum_peak": segmenter.minimum_peak,
        "one_piece": segmenter.one_piece,
        "refined": segmenter.refine,
        "smoothed": segmenter.smooth,
        "second_size": segmenter.second_size,
        "queries": entries,
        "seconds": round(time.monotonic() - started, 2),
    }
    (folder / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def _geometry(stored: StoredPicture) -> dict[str, Any]:
    """The way from the pictures that the file stores to the frames as they are shown, which the masks are of."""
    return {
        "masks": "of the frames as they are shown: the stored ones stretched to square pixels, then transposed, then flipped",
        "stored_height": stored.height,
        "stored_width": stored.width,
        "pixel_aspect_ratio": f"{stored.pixel_aspect.numerator}:{stored.pixel_aspect.denominator}",
        "transposed": stored.transposed,
        "flipped_top_to_bottom": stored.flipped[0],
        "flipped_left_to_right": stored.flipped[1],
    }


@contextmanager
def output_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """An empty temporary folder that becomes `path` if the block ends well and is removed if it raises.

    A `path` that is there and not empty is refused; with `overwrite`, what an earlier run left in it is replaced, and other files stay.
    Raises `AcgaError`: refused, or it cannot be written. What the block raises because of other files stays as it is.
    """
    path = Path(os.path.abspath(path))
    base = next(folder for folder in (path, *path.parents) if folder.exists())  # surely on the disk that `path` is on
    if not base.is_dir():
        raise AcgaError(f"{base} is a file; choose a folder for the output.")
    inside = False  # the block
    try:
        temporary = partial_path(base, path.name)  # before the folder is looked at: what a killed run left there is removed
        if path.is_dir() and any(path.iterdir()) and not overwrite:
            raise AcgaError(f"{path} is not empty; choose another folder, or add --overwrite to replace an earlier output there.")
        temporary.mkdir()
        try:
            inside = True
            yield temporary
            inside = False
            if path.is_dir():
                _replace_earlier(temporary, path, partial_path(base, path.name))
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        if inside and error.errno not in FULL and not str(error.filename).startswith(str(temporary)):
            raise  # about a file that the block reads
        raise AcgaError(f"Cannot write the output to {path} ({error}); choose another folder or make room.") from error


def is_earlier_output(path: Path, video: str, queries: Sequence[str]) -> bool:
    """Whether a folder holds what an earlier run about a clip beside the results, and these sentences, left there."""
    earlier = _earlier_summary(path)
    return earlier.get("video") == video and [entry.get("query") for entry in earlier.get("queries", [])] == list(queries)


def slug(query: str) -> str:
    """A sentence as part of a file name.

    >>> slug("Man in red, standing!")
    'man-in-red-standing'
    """
    return re.sub("[^a-z0-9]+", "-", " ".join(tokenise(plain(query)))).strip("-")[:40].rstrip("-")


def _earlier_summary(path: Path) -> dict[str, Any]:
    try:
        return parse_json((path / SUMMARY).read_bytes(), _Summary)
    except (OSError, ValueError):
        return {}


def _replace_earlier(source: Path, target: Path, aside: Path) -> None:
    """Move every file below `source` to the same place below `target`, in place of what an earlier run left there.

    The summary, which vouches for the rest, comes last. What is replaced waits in the new folder `aside`, and returns if this ends early.
    """
    new = sorted((file.relative_to(source) for file in source.rglob("*") if file.is_file()), key=lambda file: file.name == SUMMARY)
    if folder := next((target / file for file in new if (target / file).is_dir()), None):
        raise AcgaError(f"{folder} is a folder, where a file is to be written; move it, or choose another folder.")
    old = {*_earlier_files(target), *(file for file in new if os.path.lexists(target / file))}
    aside.mkdir()
    moved: list[Path] = []
    try:
        for file in old:
            _move(target / file, aside / file)
        for file in new:
            moved.append(file)
            _move(source / file, target / file)
    except BaseException:
        for file in moved:
            (target / file).unlink(missing_ok=True)
        for file in old:
            if os.path.lexists(aside / file):
                _move(aside / file, target / file)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    for folder in {(target / file).parent for file in old} - {target}:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)


def _earlier_files(folder: Path) -> list[Path]:
    """The files that an earlier run's summary names, so that they don't mix with what is new; their places below the folder."""
    earlier, found = _earlier_summary(folder), []
    for entry in earlier.get("queries", []):
        masks = folder / "masks" / Path(str(entry.get("masks"))).name
        if masks.is_symlink() or masks.parent.is_symlink():
            continue  # to a folder that is not the run's own
        found += [masks] if masks.suffix in (".npz", ".json") else [*masks.glob("[0-9]*.png")]
    found += [folder / str(name) for name in (earlier.get("overlay"), earlier.get("sheet")) if name in OVERVIEWS]
    return [file.relative_to(folder) for file in found if os.path.lexists(file)]
