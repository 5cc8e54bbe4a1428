"""Read everything that a release holds, and say what is wrong with it and what is passed over, all in one go."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ..config import STRIDE
from ..errors import AcgaError, QueryError
from ..system.processes import map_in_processes
from .a2d import SUBSETS, VIDEO_COLUMNS, A2DSentences
from .dataset import Dataset, Sample
from .jhmdb import JHMDBSentences
from .releases import A2D_ADDRESS, JHMDB_ADDRESS, SENTENCES_ADDRESS, layout_of
from .tables import read_lines, read_table
from .text import Vocabulary

FEW = 64  # videos, which are read sooner than other processes are started
RELEASE_PARTS = {  # of each release: where they are to be had
    "A2D Sentences": {
        "Release/videoset.csv": A2D_ADDRESS,
        "Release/clips320H": A2D_ADDRESS,
        "text_annotations/a2d_annotation.txt": SENTENCES_ADDRESS,
        "text_annotations/a2d_missed_videos.txt": SENTENCES_ADDRESS,
        "text_annotations/a2d_annotation_with_instances": SENTENCES_ADDRESS,
    },
    "J-HMDB Sentences": {"Rename_Images": JHMDB_ADDRESS, "puppet_mask": JHMDB_ADDRESS, "jhmdb_annotation.txt": SENTENCES_ADDRESS},
}
DEAD_LINK = "If an address is dead, https://web.archive.org may have kept it; else ask its authors."


@dataclass
class Report:
    """The findings in a release."""

    layout: str  # "A2D Sentences" or "J-HMDB Sentences"
    counts: dict[str, dict[str, int]] = field(default_factory=dict)  # by split: videos, frames, sentences, samples
    problems: list[str] = field(default_factory=list)  # a sentence each
    passed_over: list[str] = field(default_factory=list)  # a sentence each: what is left out or mended, and does no harm
    missing: dict[str, str] = field(default_factory=dict)  # parts of the release, and where they are to be had


def check_release(root: str | Path, workers: int = 0) -> Report:
    """Read every sentence of the release in `root`, of either layout, and every video and annotation that it refers to.

    With `workers`, as many processes read the videos. Raises `DatasetError` when the folder is neither layout.
    """
    root = Path(root)
    report = Report(layout_of(root))
    report.missing = {part: place for part, place in RELEASE_PARTS[report.layout].items() if not _has(root, part)}
    faults = report.problems
    splits: dict[str, Callable[[], Dataset]] = {
        "train": lambda: A2DSentences(root, "train", size=STRIDE, faults=faults),
        "test": lambda: A2DSentences(root, "test", size=STRIDE, faults=faults),
    }
    if report.layout == "A2D Sentences":
        splits = {split: splits[split] for split in _used_splits(root)}
    else:
        splits = {"test": lambda: JHMDBSentences(root, size=STRIDE, faults=faults)}
    for split, open_split in splits.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it counts the sentences that are named below
            try:
                dataset = open_split()
            except AcgaError as error:
                faults.append(str(error))
                continue
        report.counts[split] = {
            "videos": len({sample.video_id for sample in dataset.samples}),
            "frames": len(dataset.annotated_frames),
            "sentences": len({(sample.video_id, sample.instance, sample.query) for sample in dataset.samples}),
            "samples": len(dataset),
        }
        faults += unreadable_sentences(dataset)
        for video_id, instance, query in getattr(dataset, "unused", ()):
            report.passed_over.append(f"{dataset.sentences_path}: no frame marks instance {instance} of {video_id}, {query!r:.60}.")
        _check_videos(dataset, split, workers, report)
    with suppress(AcgaError):  # a table that cannot be read is a problem by now
        report.passed_over += _passed_over_a2d(root) if report.layout == "A2D Sentences" else _passed_over_jhmdb(root)
    report.problems = list(dict.fromkeys(report.problems))  # both splits, and many samples, may meet the same one
    report.passed_over = list(dict.fromkeys(report.passed_over))
    return report


def _has(root: Path, part: str) -> bool:
    """Whether a part of a release is there; copies differ in the name of the folder of videos."""
    folder, _, name = part.rpartition("/")
    names = {one.name.lower() for one in _inside(root / folder)}
    return name.lower() in names or (name == "clips320H" and "clips320" in names)


def _inside(folder: Path) -> list[Path]:
    """The entries of a folder; none of what is no folder, or cannot be opened, which who reads it will tell."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _used_splits(root: Path) -> list[str]:
    """The splits that have a video, as a release may be all for training; both where none has, which each will tell."""
    try:
        subsets = set(read_table(root / "Release" / "videoset.csv", VIDEO_COLUMNS, header=False, faults=[])["subset"])
    except AcgaError:
        subsets = set()
    return [split for split, subset in SUBSETS.items() if subset in subsets] or [*SUBSETS]


def unreadable_sentences(dataset: Dataset) -> list[str]:
    """The errors of training and evaluation for sentences that they cannot read, such as too long ones, with file and line."""
    used = {(sample.video_id, sample.query) for sample in dataset.samples}
    table = read_table(dataset.sentences_path, ("video_id", "query"), header=True, faults=[])
    problems = []
    for line, video_id, query in table.itertuples():
        try:
            if (video_id, query) in used:
                Vocabulary([]).encode(query)
        except QueryError as error:
            problems.append(f"{dataset.sentences_path}, line {line}: {error}")
    return problems


def _check_videos(dataset: Dataset, split: str, workers: int, report: Report) -> None:
    """Read each video once, and what is annotated in it."""
    of_video: dict[str, list[Sample]] = {}
    for sample in dataset.samples:
        of_video.setdefault(sample.video_id, []).append(sample)
    found = map_in_processes(partial(_findings, dataset), list(of_video.values()), workers if len(of_video) > FEW else 0)
    for problems, passed_over in tqdm(found, total=len(of_video), desc=f"checking {split}", unit="video", delay=2):
        report.problems += problems
        report.passed_over += passed_over


def _findings(dataset: Dataset, samples: list[Sample]) -> tuple[list[str], list[str]]:
    """The problems of a video and of what is annotated in it, and what is passed over there."""
    problems, passed_over, video_id = [], [], samples[0].video_id
    try:
        frames, *size, _ = dataset.read_video(video_id).shape
    except AcgaError as error:
        return [str(error)], []
    for sample in {(sample.frame, sample.instance): sample for sample in samples}.values():
        try:
            dataset.check_frame(video_id, sample.frame, frames)
            mask = dataset.mask(video_id, sample.frame, sample.instance)
            dataset.check_shape(video_id, sample.frame, sample.instance, mask.shape, (size[0], size[1]))
        except AcgaError as error:
            problems.append(str(error))
            continue
        if sample.frame > frames:
            path = dataset.annotation_path(video_id, sample.frame)
            passed_over.append(f"{path}: the film ends at frame {frames}, which stands for frame {sample.frame}.")
    return problems, passed_over


def _passed_over_a2d(root: Path) -> list[str]:
    """Everything that the readers of A2D Sentences leave out without a word. Raises `DatasetError` when a table cannot be read."""
    listed = set(read_table(root / "Release" / "videoset.csv", VIDEO_COLUMNS, header=False, faults=[])["video_id"])
    texts = root / "text_annotations"
    missed = set(" ".join(read_lines(texts / "a2d_missed_videos.txt").values()).split()) if _has(texts, "a2d_missed_videos.txt") else set()
    found, table = [], texts / "a2d_annotation.txt"
    for line, video_id, instance, _ in read_table(table, ("video_id", "instance_id", "query"), header=True, faults=[]).itertuples():
        if video_id not in listed:
            found.append(f"{table}, line {line}: the video {video_id:.60} is not in Release/videoset.csv.")
        elif video_id in missed:
            found.append(f"{table}, line {line}: the video {video_id:.60} is in a2d_missed_videos.txt.")
        elif instance == "1 (copy)":
            found.append(f"{table}, line {line}: the instance_id is '1 (copy)', a slip of the release.")
    clips = next((folder for folder in _inside(root / "Release") if folder.name.lower() in ("clips320h", "clips320")), None)
    for path in _inside(clips) if clips else ():
        if path.suffix != ".mp4" or path.stem not in listed:
            found.append(f"{path}: no video of Release/videoset.csv.")
    masks = texts / "a2d_annotation_with_instances"
    for folder in _inside(masks):
        if folder.is_dir() and folder.name not in listed:
            found.append(f"{folder}: no video of Release/videoset.csv.")
        for path in _inside(folder) if folder.name in listed - missed else ():
            if not re.fullmatch(r"[0-9]+\.h5", path.name):
                found.append(f"{path}: no annotation by its name, which would be five digits and .h5.")
    return found


def _passed_over_jhmdb(root: Path) -> list[str]:
    """As `_passed_over_a2d`, of J-HMDB Sentences."""
    videos = set(read_table(root / "jhmdb_annotation.txt", ("video_id", "query"), header=True, faults=[])["video_id"])
    found = []
    for kind in ("Rename_Images", "puppet_mask"):
        for path in sorted((root / kind).glob("*/*")):
            if path.name not in videos:
                found.append(f"{path}: no video of jhmdb_annotation.txt.")
            elif kind == "Rename_Images":
                names = (name for name in _inside(path) if name.suffix.lower() not in (".png", ".jpg", ".jpeg"))
                found += [f"{name}: no frame by its name, which would be five digits and .png." for name in names]
    return found
