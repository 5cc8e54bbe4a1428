"""Write the drawn twins in the very files of the real releases (docs/PROTOCOL.md), so that the same readers read both.

Beside the release's files lie two of our own: `scenes.json` (every `Scene` as data) and `queries.json` (what each sentence mentions and
what decides it). A split is written video by video, each whole or not at all: an interrupted run continues where it stopped.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypedDict

import h5py
import numpy as np
import scipy.io
from filelock import FileLock
from tqdm import tqdm

from ..config import SynthesisConfig
from ..data.pictures import encode_picture
from ..data.taxonomy import class_id
from ..data.video import VideoWriter
from ..errors import DatasetError
from ..system.files import atomic_write, lock_folder, read_json, write_text
from ..system.processes import map_in_processes
from .language.describe import Query, describe, describe_pair
from .render.cutouts import open_cutouts
from .render.renderer import box, draw, mean_box
from .sampling import HELD_OUT_COMBINATIONS, JHMDB_ACTIONS, sample_scene
from .scene import FRAMES_PER_SECOND, Box, Scene

SPLITS = {"train": 0, "test": 1}
RELATIONAL_SHARE = 0.25  # second edition: how often a relation alone tells an actor from others of its kind, where it can
NEEDS = {"clothing": "colour", "pattern": "colour", "motion": "action", "place": "position", "direction": "position"}
SECOND_SCENE_FIELDS, SECOND_ACTOR_FIELDS = ("pair", "annotated_actor"), ("look", "cutout", "cutout_aspect")
MISSED_VIDEOS = 28  # the real release leaves out that many


class SavedQuery(TypedDict):
    """A sentence with its tags, of which the tables need these."""

    video_id: str
    instance: int
    query: str


class _SavedScene(TypedDict):
    name: str
    height: int
    width: int
    frames: int
    annotated: list[int]


class _Record(TypedDict):
    """The record of a finished video, to make the tables from."""

    scene: _SavedScene
    split: Literal["train", "test"]
    label: int
    queries: list[SavedQuery]


def write_a2d(root: Path, config: SynthesisConfig) -> None:
    """Draw an A2D Sentences twin into `root`. The result depends on the seed and the counts, never on the number of workers."""
    root = Path(root)
    lock = _start(root, config)
    for folder in ("Release/clips320H", "text_annotations/a2d_annotation_with_instances", "drawn"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    jobs = [(split, index) for split, count in (("train", config.train), ("test", config.test)) for index in range(count)]
    records = list(_work(partial(_a2d_video, root, config), jobs, config.workers, "drawing videos"))
    videos = []
    for record in records:
        scene = record["scene"]
        end = f"0:00:{scene['frames'] // FRAMES_PER_SECOND:02d}"
        size = (scene["height"], scene["width"], scene["frames"], len(scene["annotated"]))
        videos.append((scene["name"], record["label"], "0:00:00", end, *size, SPLITS[record["split"]]))
    sentences = [(q["video_id"], q["instance"], q["query"]) for r in records for q in r["queries"]]
    write_tables(root, videos, sentences, [f"missed{n:05d}" for n in range(MISSED_VIDEOS)])
    _finish(root, records, config)
    lock.release()


def write_jhmdb(root: Path, config: SynthesisConfig) -> None:
    """Draw a J-HMDB Sentences twin into `root`: one annotated person a video, 240 x 320, every frame with its mask, in another style.

    There are test videos alone, and of `config` only their number, the seed, the edition, bystanders and workers matter.
    """
    root, videos, workers = Path(root), config.test, config.workers
    config = SynthesisConfig(train=0, test=videos, seed=config.seed, edition=config.edition, bystanders=config.bystanders, workers=workers)
    lock = _start(root, config)
    (root / "drawn").mkdir(parents=True, exist_ok=True)
    records = list(_work(partial(_jhmdb_video, root, config), [("test", index) for index in range(videos)], workers, "drawing videos"))
    write_text(
        root / "jhmdb_annotation.txt",
        csv_table(["video_id", "query"], [(q["video_id"], q["query"]) for r in records for q in r["queries"]]),
    )
    _finish(root, records, config)
    lock.release()


def write_tables(root: Path, videos: list[tuple[Any, ...]], sentences: list[tuple[Any, ...]], missed: list[str]) -> None:
    """Write the tables of an A2D Sentences release: its videos, its sentences, and what it leaves out."""
    write_text(root / "Release/videoset.csv", csv_table(None, videos))
    write_text(root / "text_annotations/a2d_annotation.txt", csv_table(["video_id", "instance_id", "query"], sentences))
    write_text(root / "text_annotations/a2d_missed_videos.txt", "".join(f"{name}\n" for name in missed))


def _start(root: Path, config: SynthesisConfig) -> FileLock:
    return begin_release(root, _settings(config), {**_settings(SynthesisConfig()), "edition": 1})


def begin_release(root: Path, settings: dict[str, Any], defaults: dict[str, Any]) -> FileLock:
    """Refuse to mix two data sets in one folder; `defaults` are those of settings that an older folder may not name.

    Gives the lock that keeps other processes from the folder. Raises `DatasetError` and `ConfigError`.
    """
    described = root / "synthesis.json"
    if described.exists():
        if {**defaults, **read_json(described, dict[str, Any])} != settings:
            raise DatasetError(f"{root} already holds a data set drawn with other settings; choose another folder or delete it.")
    elif root.exists() and any(path.name != ".lock" and path.suffix != ".partial" for path in root.iterdir()):
        raise DatasetError(f"{root} is not empty and was not drawn by this program; choose an empty folder.")
    lock = lock_folder(root)
    if not described.exists():
        write_text(described, json.dumps(settings, indent=1))
    return lock


def _settings(config: SynthesisConfig) -> dict[str, Any]:
    """The settings that decide the result: all options but the workers, the content of the cut-outs in place of their folder."""
    settings = {name: value for name, value in asdict(config).items() if name != "workers"}
    return settings | {"cutouts": config.cutouts and open_cutouts(config.cutouts).fingerprint}


def _finish(root: Path, records: list[dict[str, Any]], config: SynthesisConfig) -> None:
    write_text(root / "scenes.json", json.dumps([r["scene"] for r in records]))
    write_text(root / "queries.json", json.dumps([q for r in records for q in r["queries"]], indent=0))


def _work(function: Any, jobs: list[tuple[str, int]], workers: int, title: str) -> Iterator[dict[str, Any]]:
    yield from tqdm(map_in_processes(function, jobs, workers if workers > 1 else 0), total=len(jobs), desc=title)


def _a2d_video(root: Path, config: SynthesisConfig, job: tuple[str, int]) -> dict[str, Any]:
    """Draw one video with its annotations; returns (and keeps in `drawn/`) the record the tables are made from."""
    split, index = job
    name = f"drawn{SPLITS[split] * 100_000 + index:06d}"  # 11 characters, like the real ids
    done = root / "drawn" / f"{name}.json"
    if done.exists():
        return dict(read_json(done, _Record))
    cutouts = open_cutouts(config.cutouts) if config.cutouts else None
    scene = sample_scene(
        name,
        config.seed,
        SPLITS[split],
        index,
        frames=config.frames,
        crowded=config.crowded,
        edition=config.edition,
        contrasts=config.contrasts,
        cutouts=cutouts,
    )
    annotated: dict[int, np.ndarray] = {}
    with VideoWriter(root / "Release/clips320H" / f"{name}.mp4", FRAMES_PER_SECOND, (scene.height, scene.width), codec="mpeg4") as video:
        for number, (frame, masks) in enumerate(draw(scene, cutouts), start=1):
            video.write(frame)
            if number in scene.annotated:
                annotated[number] = masks
    boxes = _boxes(annotated)
    folder = root / "text_annotations/a2d_annotation_with_instances" / name
    folder.mkdir(exist_ok=True)
    for number, masks in annotated.items():
        seen = [i for i in range(len(scene.actors)) if box(masks[i]) is not None]
        if seen:
            class_ids = [class_id(scene.actors[i].kind, scene.actors[i].action) for i in seen]
            write_instances(folder / f"{number:05d}.h5", masks[seen], seen, class_ids)
    record = _record(scene, split, _queries(scene, boxes, split, config))
    write_text(done, json.dumps(record))
    return record


def _boxes(annotated: dict[int, np.ndarray]) -> dict[int, Box]:
    """The mean box of every actor that is seen in at least one annotated frame."""
    boxes: dict[int, list[Box]] = {}
    for masks in annotated.values():
        for index, mask in enumerate(masks):
            found = box(mask)
            if found is not None:
                boxes.setdefault(index, []).append(found)
    return {index: mean_box(found) for index, found in boxes.items()}


def write_instances(path: Path, masks: np.ndarray, numbers: list[int], class_ids: list[int]) -> None:
    """Write masks (N, H, W) as MATLAB left them: transposed to (W, H), and no leading axis when there is a single instance."""
    height, width = masks.shape[1:]
    found = [box(mask, least=0) for mask in masks]
    corners = np.array([np.multiply((b.left, b.top, b.right, b.bottom), (width, height) * 2) for b in found if b is not None]).T  # (4, N)
    transposed = np.ascontiguousarray(masks.transpose(0, 2, 1)).astype(np.uint8)  # (N, W, H)
    with h5py.File(
        path.name, "w", driver="core", backing_store=False
    ) as file:  # in memory: what HDF5 says of a full disk is not an OSError
        file["instance"] = np.array(numbers, np.float64)
        file.create_dataset("reMask", data=transposed if len(masks) > 1 else transposed[0], compression="gzip", compression_opts=1)
        file["reBBox"] = corners if len(masks) > 1 else corners[:, 0]
        file["id"] = np.array(class_ids, np.float64)
        file.flush()
        content = file.id.get_file_image()
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def _queries(scene: Scene, boxes: dict[int, Box], split: str, config: SynthesisConfig) -> list[tuple[int, Query]]:
    """The sentences of every visible actor; half of those of a test split are phrased as no training sentence is."""
    if not config.sentences:
        labels = {i: f"{scene.actors[i].kind} {scene.actors[i].action}" for i in boxes}
        about, nothing = frozenset({"kind", "action"}), frozenset[str]()
        return [
            (i, Query(text=text, mentions=about, phrasing="label", decided_by=nothing, novelty=nothing, facts=()))
            for i, text in labels.items()
        ]
    rng = np.random.default_rng([scene.seed, 1])
    found: list[tuple[int, Query]] = []
    relational = RELATIONAL_SHARE if config.edition == 2 else 0.0

    def counts(sentences: int) -> dict[bool, int]:
        if config.mixed and split == "test":
            return {False: (sentences + 1) // 2, True: sentences // 2}
        return {split == "test" and bool(rng.random() < 0.5): sentences}

    if scene.pair:
        for unseen, count in counts((config.sentences + 1) // 2).items():
            for both in describe_pair(scene, boxes, scene.pair, count=count, rng=rng, unseen=unseen, style=config.sentence_style):
                found += zip(scene.pair, both, strict=True)
    paired = len(found) // 2
    for index in boxes:
        for unseen, count in counts(config.sentences - paired * (index in scene.pair)).items():
            told = describe(scene, boxes, index, count=count, rng=rng, unseen=unseen, style=config.sentence_style, relational=relational)
            said = {query.text for other, query in found if other == index}  # of a pair
            found += [(index, query) for query in told if query.text not in said]
    return found


def needs(query: Query, actors: int) -> list[str]:
    """The needs of a sentence, to find its actor in a scene of so many: nothing beside seeing it, "lone"; or all of the list.

    "redundant": no single thing that is said is needed, since others do as well.
    """
    if actors == 1:
        return ["lone"]
    found = {NEEDS.get(mention, mention) for mention in query.decided_by} | ({"minimal pair"} if query.partner else set())
    return sorted(found) or ["redundant"]


def _as_data(scene: Scene) -> dict[str, Any]:
    """A scene for `scenes.json`; what only the second edition knows is left out of the first."""
    data = asdict(scene)
    if not scene.style.startswith("shaded"):
        for record, names in ((data, SECOND_SCENE_FIELDS), *((actor, SECOND_ACTOR_FIELDS) for actor in data["actors"])):
            for name in names:
                del record[name]
    return data


def _record(scene: Scene, split: str, queries: list[tuple[int, Query]]) -> dict[str, Any]:
    kinds = [actor.kind for actor in scene.actors]
    tags: list[dict[str, Any]] = [
        {
            "video_id": scene.name,
            "instance": index,
            "query": query.text,
            "mentions": sorted(query.mentions),
            "phrasing": query.phrasing,
            "decided_by": sorted(query.decided_by),
            "novelty": sorted(query.novelty),  # of a test sentence: what no training sentence has; "look": what no training scene has
            "actors_in_scene": len(kinds),
            "same_kind": kinds.count(kinds[index]) - 1,
        }
        for index, query in queries
    ]
    if scene.style.startswith("shaded"):
        for tag, (index, query) in zip(tags, queries, strict=True):
            tag |= {"needs": needs(query, len(kinds)), "partner": query.partner}
            actor = scene.actors[index]
            if actor.cutout is None and (actor.kind, actor.colour, actor.action) in HELD_OUT_COMBINATIONS:
                tag["novelty"].append("look")
    return {"scene": _as_data(scene), "split": split, "label": class_id(scene.actors[0].kind, scene.actors[0].action), "queries": tags}


def _jhmdb_video(root: Path, config: SynthesisConfig, job: tuple[str, int]) -> dict[str, Any]:
    split, index = job
    name = f"drawn_sketch_{index:04d}"
    done = root / "drawn" / f"{name}.json"
    if done.exists():
        return dict(read_json(done, _Record))
    number, frames = SPLITS[split], config.frames
    scene = sample_scene(
        name, config.seed, number, index, style="sketch", frames=frames, edition=config.edition, bystanders=config.bystanders
    )
    drawn = list(draw(scene))
    while not (told := _subject_queries(scene, drawn, split, config)) and len(scene.actors) > 1:
        scene = _without_a_bystander(scene)
        drawn = list(draw(scene))
    subject = scene.annotated_actor or 0
    actor = scene.actors[subject]
    label = JHMDB_ACTIONS.get(actor.action) or JHMDB_ACTIONS[actor.posture or "standing"]
    pictures, puppet = root / "Rename_Images" / label / name, root / "puppet_mask" / label / name
    pictures.mkdir(parents=True, exist_ok=True)
    puppet.mkdir(parents=True, exist_ok=True)
    for number, (frame, _) in enumerate(drawn, start=1):
        (pictures / f"{number:05d}.png").write_bytes(encode_picture(frame))
    part_mask = np.stack([masks[subject] for _, masks in drawn], axis=-1).astype(np.uint8)  # (H, W, T)
    _write_mat(puppet / "puppet_mask.mat", part_mask)
    record = _record(scene, split, told[:1])
    write_text(done, json.dumps(record))
    return record


def _subject_queries(
    scene: Scene, drawn: list[tuple[np.ndarray, np.ndarray]], split: str, config: SynthesisConfig
) -> list[tuple[int, Query]]:
    """The sentences of the annotated actor; none if nothing tells it from the others."""
    boxes = _boxes({number: masks for number, (_, masks) in enumerate(drawn, start=1)})
    return [(index, query) for index, query in _queries(scene, boxes, split, config) if index == (scene.annotated_actor or 0)]


def _without_a_bystander(scene: Scene) -> Scene:
    subject = scene.annotated_actor or 0
    leaving = len(scene.actors) - 1 if subject != len(scene.actors) - 1 else 0
    actors = tuple(actor for index, actor in enumerate(scene.actors) if index != leaving)
    return replace(scene, actors=actors, annotated_actor=subject - (leaving < subject))


def _write_mat(path: Path, part_mask: np.ndarray) -> None:
    """Write a MATLAB file without the time of day in its header, so that it is the same at each drawing."""
    scipy.io.savemat(path, {"part_mask": part_mask}, do_compression=True)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file".ljust(116))


def csv_table(header: list[str] | None, rows: Iterable[tuple[Any, ...]]) -> str:
    """CSV text.

    >>> csv_table(["video_id", "query"], [("a", "dog, running")])
    'video_id,query\\na,"dog, running"\\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header] if header else [])
    writer.writerows(rows)
    return text.getvalue()
