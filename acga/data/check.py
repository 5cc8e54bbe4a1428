"""Read everything that a release holds, and say what is wrong with it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from ..config import STRIDE
from ..errors import AcgaError, QueryError
from .a2d import SUBSETS, VIDEO_COLUMNS, A2DSentences
from .dataset import Dataset
from .jhmdb import JHMDBSentences
from .releases import layout_of
from .tables import read_table
from .text import Vocabulary


@dataclass
class Report:
    """The findings in a release."""

    layout: str  # "A2D Sentences" or "J-HMDB Sentences"
    counts: dict[str, dict[str, int]] = field(default_factory=dict)  # by split: videos, frames, sentences, samples
    problems: list[str] = field(default_factory=list)  # a sentence each


def check_release(root: str | Path) -> Report:
    """Read every sentence of the release in `root`, of either layout, and every video and annotation that it refers to.

    Raises `DatasetError` when the folder is neither layout.
    """
    report = Report(layout_of(root))
    splits: dict[str, Callable[[], Dataset]] = {
        "train": lambda: A2DSentences(root, "train", size=STRIDE),
        "test": lambda: A2DSentences(root, "test", size=STRIDE),
    }
    if report.layout == "A2D Sentences":
        splits = {split: splits[split] for split in _used_splits(Path(root))}
    else:
        splits = {"test": lambda: JHMDBSentences(root, size=STRIDE)}
    for split, open_split in splits.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                dataset = open_split()
            except AcgaError as error:
                report.problems.append(str(error))
                continue
        report.problems += [str(warning.message) for warning in caught]  # such as an actor that no frame marks
        report.counts[split] = {
            "videos": len({sample.video_id for sample in dataset.samples}),
            "frames": len(dataset.annotated_frames),
            "sentences": len({(sample.video_id, sample.instance, sample.query) for sample in dataset.samples}),
            "samples": len(dataset),
        }
        report.problems += unreadable_sentences(dataset)
        for index in tqdm(range(len(dataset)), desc=f"checking {split}", delay=2):
            try:
                dataset[index]
            except AcgaError as error:
                report.problems.append(str(error))
    report.problems = list(dict.fromkeys(report.problems))  # both splits, and many samples, may meet the same one
    return report


def _used_splits(root: Path) -> list[str]:
    """The splits that have a video, as a release may be all for training; both where none has, which each will tell."""
    try:
        subsets = set(read_table(root / "Release" / "videoset.csv", VIDEO_COLUMNS, header=False)["subset"])
    except AcgaError:
        subsets = set()
    return [split for split, subset in SUBSETS.items() if subset in subsets] or [*SUBSETS]


def unreadable_sentences(dataset: Dataset) -> list[str]:
    """The errors of training and evaluation for sentences that they cannot read, such as too long ones, with file and line."""
    used = {(sample.video_id, sample.query) for sample in dataset.samples}
    table = read_table(dataset.sentences_path, ("video_id", "query"), header=True)
    problems = []
    for line, video_id, query in table.itertuples():
        try:
            if (video_id, query) in used:
                Vocabulary([]).encode(query)
        except QueryError as error:
            problems.append(f"{dataset.sentences_path}, line {line}: {error}")
    return problems
