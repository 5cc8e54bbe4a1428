"""Photographs with instance masks as a release in the layout of A2D Sentences, to learn outlines and sentences from real pictures.

The folder of photographs is that of cut-outs (`render.cutouts`), and may hold `captions.csv` (image, caption). Each picture is seen
several times: cropped, perhaps mirrored, in another light, by a camera that pans and zooms slowly. A view is a video of 16 frames, all for
training, whose ninth frame is annotated; its masks and sentences are of what the view shows. Views of one picture are videos of their
own, so they may fall on both sides of the validation split.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypedDict
from zlib import crc32

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from ..data.tables import read_table
from ..data.taxonomy import ACTORS, class_id
from ..data.video import VideoWriter
from ..errors import ConfigError, DatasetError
from ..system.files import read_json, write_text
from ..system.processes import map_in_processes
from .language.describe import LONGEST
from .language.photographed import Thing, main_colour, nouns, say
from .pasting import MOST_PASTED, paste
from .render.cutouts import CROWD, KINDS, open_cutouts, read_instance_table, read_instances, read_picture
from .render.renderer import box
from .scene import FRAMES_PER_SECOND, Rng
from .writer import SPLITS, SavedQuery, begin_release, write_instances, write_tables

FRAMES, ANNOTATED = 16, 9  # of a view; the annotated one is counted from 1
SIDE = 256  # pixels of a view's longer side
SEEN, SPOKEN_OF, CROWDED = 0.0006, 0.006, 0.005  # least shares of the frame: of a mask; of what is spoken of; of a crowd that may mislead
MOST_SPOKEN_OF, SENTENCES = 8, 4  # things in a view, sentences for each
ATTEMPTS = 4  # views that are tried until something can be said
MANY_COLOURED = {"person", "zebra", "giraffe", "elephant"}  # their colour says nothing, or is of what they wear
PERSON_WORDS = {"person", "man", "woman", "boy", "girl", "child", "kid", "baby", "lady", "guy", "player", "skier", "surfer", "rider"}


class _Record(TypedDict):
    """The record of a view, to make the tables from; no queries where nothing can be said."""

    label: int
    height: int
    width: int
    queries: list[SavedQuery]


@dataclass(frozen=True)
class Photograph:
    """One picture of the folder: its name, the class of each instance, and its captions."""

    name: str
    classes: dict[int, str]
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class PhotographView:
    """The pictures that the camera takes: frames (16, H, W, 3) in RGB, and the instances (H, W) in the annotated one."""

    frames: npt.NDArray[np.uint8]
    instances: npt.NDArray[np.uint8]
    mirrored: bool


def write_photographs(folder: Path, root: Path, *, views: int = 8, pasted_share: float = 0.0, seed: int = 0, workers: int = 2) -> None:
    """Write `views` videos of each photograph of `folder` into `root`. The result does not depend on the number of workers.

    Into `pasted_share` of the views, cut-outs of other photographs are pasted.

    An interrupted run goes on where it stopped. Views in which nothing can be said are left out.
    Raises `DatasetError` when `folder` has not the layout above, or `root` holds something else, and `ConfigError` when there is no view.
    """
    folder, root = Path(folder), Path(root)
    if views < 1:
        raise ConfigError(f"Each photograph is seen {views} times; choose at least 1.")
    photographs = read_photographs(folder)
    class_ids = photographed_class_ids(name for photograph in photographs for name in photograph.classes.values())
    settings = {"photographs": _fingerprint(folder, photographs), "views": views, "seed": seed}
    lock = begin_release(root, {**settings, "pasted_share": pasted_share} if pasted_share else settings, {})
    for part in ("Release/clips320H", "text_annotations/a2d_annotation_with_instances", "drawn"):
        (root / part).mkdir(parents=True, exist_ok=True)
    jobs = [
        (f"photo{number * views + view:06d}", photograph, view) for number, photograph in enumerate(photographs) for view in range(views)
    ]
    work = map_in_processes(partial(_write_view, folder, root, class_ids, seed, pasted_share), jobs, workers if workers > 1 else 0)
    records = [record for record in tqdm(work, total=len(jobs), desc="writing views") if record["queries"]]
    if not records:
        raise DatasetError(f"{folder} has no picture in which a sentence would fit one instance alone; add pictures with larger ones.")
    end = f"0:00:{FRAMES // FRAMES_PER_SECOND:02d}"
    videos = [
        (r["queries"][0]["video_id"], r["label"], "0:00:00", end, r["height"], r["width"], FRAMES, 1, SPLITS["train"]) for r in records
    ]
    queries = [query for record in records for query in record["queries"]]
    write_tables(root, videos, [(q["video_id"], q["instance"], q["query"]) for q in queries], [])
    write_text(root / "queries.json", json.dumps(queries, indent=0))
    lock.release()


def read_photographs(folder: Path) -> list[Photograph]:
    """The photographs of a folder that may be used, by name. Raises `DatasetError`."""
    classes: dict[str, dict[int, str]] = {}
    for name, instance, label in read_instance_table(folder):
        classes.setdefault(name, {})[instance] = label
    if not classes:
        raise DatasetError(f"{folder / 'instances.csv'} lists no instance that may be used; its licences may forbid it.")
    captions: dict[str, list[str]] = {}
    if (folder / "captions.csv").is_file():
        rows = read_table(folder / "captions.csv", ("image", "caption"), header=True)
        for image, caption in rows.itertuples(index=False):
            captions.setdefault(image, []).append(caption)
    return [Photograph(name, instances, tuple(captions.get(name, ()))) for name, instances in classes.items()]


def photographed_class_ids(classes: Iterable[str]) -> dict[str, int]:
    """The class id of each class: an actor of A2D that does nothing, or, for others, tens beyond A2D's seven actors, in their order.

    Tens tell kinds apart, within one folder. Only the seven actors can be pretrained on (`data.dense_labels`).

    >>> photographed_class_ids(["zebra", "person", "elephant", "truck"])
    {'elephant': 89, 'person': 19, 'truck': 59, 'zebra': 99}
    """
    names = sorted(set(classes))
    others = [name for name in names if name not in KINDS]
    nothing = class_id(ACTORS[0], "none") % 10
    return {
        name: class_id(KINDS[name][0], "none") if name in KINDS else 10 * (len(ACTORS) + 1 + others.index(name)) + nothing for name in names
    }


def look_at(picture: npt.NDArray[np.uint8], instances: npt.NDArray[np.uint8], rng: Rng) -> PhotographView:
    """A view of a picture (H, W, 3) with its instances (H, W): a crop of at most 256 pixels, mirrored or not, in some light, in motion."""
    height, width = instances.shape
    share = rng.uniform(0.6, 1.0, 2) if rng.random() < 0.7 else np.ones(2)
    share = np.maximum(share, share.max() - 0.15)  # of about the picture's shape
    scale = SIDE / max(share * (height, width))
    large = max(1, round(width * scale)), max(1, round(height * scale))
    picture = np.asarray(cv2.resize(picture, large, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)
    instances = np.asarray(cv2.resize(instances, large, interpolation=cv2.INTER_NEAREST), np.uint8)
    mirrored = bool(rng.random() < 0.5)
    if mirrored:
        picture, instances = np.ascontiguousarray(picture[:, ::-1]), np.ascontiguousarray(instances[:, ::-1])
    rows, columns = (min(SIDE, round(side)) // 2 * 2 for side in share * large[::-1])  # even, as video wants it
    top, left = int(rng.integers(large[1] - rows + 1)), int(rng.integers(large[0] - columns + 1))
    picture = np.asarray(cv2.LUT(picture, _light(rng)), np.uint8)
    pan = rng.uniform(-0.6, 0.6, 2) * (rng.random() < 0.6)  # pixels a frame
    zoom = rng.uniform(-0.003, 0.003) * (rng.random() < 0.6)
    frames = []
    for time in range(1 - ANNOTATED, FRAMES + 1 - ANNOTATED):
        grown = 1 + zoom * time
        x, y = pan * time + np.array([columns, rows]) / 2 - grown * (np.array([left, top]) + np.array([columns, rows]) / 2)
        matrix = np.array([[grown, 0, x], [0, grown, y]])
        frames.append(cv2.warpAffine(picture, matrix, (columns, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))
    return PhotographView(np.stack(frames).astype(np.uint8), instances[top : top + rows, left : left + columns], mirrored)


def _light(rng: Rng) -> npt.NDArray[np.uint8]:
    """A tone curve (1, 256, 3): brighter or darker, warmer or colder."""
    gamma, gain = rng.uniform(0.75, 1.3), 1 + rng.normal(0, 0.05, 3)
    return np.clip((np.arange(256)[:, None] / 255) ** gamma * 255 * gain, 0, 255).astype(np.uint8)[None]


def things_in(view: PhotographView, photograph: Photograph) -> dict[int, Thing]:
    """The instances that a view shows, by number, the largest first."""
    found = {}
    for number, name in photograph.classes.items():
        mask = view.instances == number
        place = box(mask, least=SEEN)
        if place is not None:
            colour = "" if name in MANY_COLOURED else main_colour(view.frames[ANNOTATED - 1][mask])
            found[number] = Thing(name, place, colour)
    return dict(sorted(found.items(), key=lambda item: -item[1].box.area))


def _write_view(
    folder: Path, root: Path, class_ids: dict[str, int], seed: int, pasted_share: float, job: tuple[str, Photograph, int]
) -> dict[str, Any]:
    """Write one view with its annotation; returns (and keeps in `drawn/`) the record the tables are made from."""
    video_id, photograph, number = job
    done = root / "drawn" / f"{video_id}.json"
    if done.exists():
        return dict(read_json(done, _Record))
    picture, instances = read_picture(folder, photograph.name), read_instances(folder, photograph.name)
    if picture.shape[:2] != instances.shape:
        raise DatasetError(f"The picture {photograph.name} in {folder} and its instances are of different sizes.")
    rng = np.random.default_rng([seed, crc32(photograph.name.encode()), number])
    record: dict[str, Any] = {"photograph": photograph.name, "label": 0, "height": 0, "width": 0, "queries": []}
    for _ in range(ATTEMPTS):
        view, shown = look_at(picture, instances, rng), photograph
        if pasted_share and rng.random() < pasted_share:
            first = int(view.instances[view.instances != CROWD].max(initial=0)) + 1
            if first + MOST_PASTED <= CROWD:
                pasted = paste(view.frames, view.instances, open_cutouts(str(folder), every_class=True), ANNOTATED - 1, first, rng)
                shown = replace(photograph, classes={**photograph.classes, **pasted})
        things = things_in(view, shown)
        queries = _queries(view, shown, things, rng)
        if queries:
            height, width = view.instances.shape
            record |= {"mirrored": view.mirrored, "height": height, "width": width, "label": class_ids[next(iter(things.values())).name]}
            record["queries"] = [{"video_id": video_id, **query} for query in queries]
            _write_files(root, video_id, view, things, class_ids)
            break
    write_text(done, json.dumps(record))
    return record


def _write_files(root: Path, video_id: str, view: PhotographView, things: dict[int, Thing], class_ids: dict[str, int]) -> None:
    size = view.instances.shape[0], view.instances.shape[1]
    with VideoWriter(root / "Release/clips320H" / f"{video_id}.mp4", FRAMES_PER_SECOND, size, codec="mpeg4") as video:
        for frame in view.frames:
            video.write(frame)
    annotations = root / "text_annotations/a2d_annotation_with_instances" / video_id
    annotations.mkdir(exist_ok=True)
    masks = np.stack([view.instances == number for number in things])  # (N, H, W)
    write_instances(annotations / f"{ANNOTATED:05d}.h5", masks, list(things), [class_ids[thing.name] for thing in things.values()])


def _queries(view: PhotographView, photograph: Photograph, things: dict[int, Thing], rng: Rng) -> list[dict[str, Any]]:
    """Sentences, with tags, of the largest things; none beside a crowd, as they may fit some of it too."""
    if (view.instances == CROWD).mean() > CROWDED:
        return []
    names = [thing.name for thing in things.values()]
    found = []
    for index, (number, thing) in enumerate(list(things.items())[:MOST_SPOKEN_OF]):
        if thing.box.area < SPOKEN_OF:
            continue
        tags = {"kind": thing.name, "actors_in_scene": len(names), "same_kind": names.count(thing.name) - 1}
        captions = _captions(view, photograph, rng)
        told = say(list(things.values()), index, SENTENCES - len(captions), rng)
        for text, mentions, decided_by in [*captions, *((query.text, query.mentions, query.decided_by) for query in told)]:
            found.append({"instance": number, "query": text, "mentions": sorted(mentions), "decided_by": sorted(decided_by), **tags})
    return found


def _captions(view: PhotographView, photograph: Photograph, rng: Rng) -> list[tuple[str, set[str], set[str]]]:
    """At most one caption, as text, mentions and what decides it: of a picture of a single instance, if it begins with that."""
    if len(photograph.classes) > 1 or (view.instances == CROWD).any():
        return []
    (name,) = photograph.classes.values()
    wanted = PERSON_WORDS if name == "person" else set(nouns(name))
    fitting = []
    for caption in photograph.captions:
        words = caption.lower().replace(".", " ").replace(",", " ").split()
        if wanted & set(words[:5]) and len(words) <= LONGEST and not (view.mirrored and {"left", "right"} & set(words)):
            fitting.append(" ".join(words))
    return [(str(rng.choice(fitting)), {"kind"}, set())] if fitting else []


def _fingerprint(folder: Path, photographs: list[Photograph]) -> str:
    """A digest of all that the views are made from."""
    digest = hashlib.sha256(repr(photographs).encode())
    for photograph in photographs:
        digest.update(read_picture(folder, photograph.name).tobytes() + read_instances(folder, photograph.name).tobytes())
    return f"{len(photographs)} photographs, {digest.hexdigest()[:16]}"
