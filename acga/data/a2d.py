"""A2D Sentences (Gavrilyuk et al., 2018; videos and masks by Xu et al., 2015), as released (docs/PROTOCOL.md)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from einops import rearrange

from ..errors import DatasetError
from .arrays import read_arrays
from .dataset import Dataset, Sample
from .tables import memoise_files, read_lines, read_sentences, read_table, report
from .text import Vocabulary
from .video import read_clip

VIDEO_COLUMNS = ("video_id", "label", "start", "end", "height", "width", "total_frames", "annotated_frames", "subset")
SUBSETS = {"train": "0", "test": "1"}
MOST_NUMBER = 10**6  # of actors and classes
INSTANCES_MEMO = ".instances.json"  # beside the annotations


@dataclass(frozen=True)
class Annotation:
    """One annotated frame."""

    masks: np.ndarray  # bool (N, H, W)
    instances: np.ndarray  # int64 (N,): numbers of the actors in the video
    class_ids: np.ndarray  # int64 (N,): tens are the actor, units the action (`taxonomy.class_id`)
    boxes: np.ndarray  # float64 (N, 4): x1, y1, x2, y2 in pixels


class A2DSentences(Dataset):
    """One split of A2D Sentences: a sample for every sentence and every annotated frame in which its actor is marked.

    `root` holds `Release/` and `text_annotations/`. Sentences whose actor is marked in no frame at all
    make no sample: they are listed in `unused`, and a warning counts them.
    Raises `DatasetError` when files are missing, malformed or inconsistent, or a mask is empty; `QueryError` when there is a
    vocabulary and a sentence is longer than 20 words. With a list of `faults`, what is faulty is reported there and left out, but for
    what leaves nothing to read.
    """

    def __init__(
        self,
        root: str | Path,
        split: Literal["train", "test"] = "test",
        *,
        size: int = 512,
        clip_length: int = 16,
        vocabulary: Vocabulary | None = None,
        faults: list[str] | None = None,
    ) -> None:
        if split not in SUBSETS:
            raise DatasetError(f"A2D Sentences has no split {split!r}; choose train or test.")
        self.root = Path(root)
        self.split = split
        self._faults = faults
        self.sentences_path = self.root / "text_annotations" / "a2d_annotation.txt"
        self._annotations = self.root / "text_annotations" / "a2d_annotation_with_instances"
        self._clips = self._find_clips()
        samples, self.unused = self._index()
        super().__init__(samples, size=size, clip_length=clip_length, vocabulary=vocabulary)

    def video_path(self, video_id: str) -> Path:
        return self._clips / f"{video_id}.mp4"

    def read_video(self, video_id: str) -> np.ndarray:
        return read_clip(self.video_path(video_id), square_pixels=False)  # annotations are of pixels as they are stored

    def annotation_path(self, video_id: str, frame: int) -> Path:
        return self._annotations / video_id / f"{frame:05d}.h5"

    def read_labels(self, video_id: str, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        annotation = read_annotation(self.annotation_path(video_id, frame))
        return annotation.masks, annotation.instances, annotation.class_ids

    def _find_clips(self) -> Path:
        release = self.root / "Release"
        folders = sorted(release.iterdir()) if release.is_dir() else []
        for folder in folders:
            if folder.name.lower() in ("clips320h", "clips320") and folder.is_dir():  # copies differ in the spelling
                return folder
        raise DatasetError(f"{release} has no folder clips320H with the videos; give the folder that holds Release/ and text_annotations/.")

    def _split_videos(self) -> set[str]:
        """The videos of this split, less those that the release lists as missed."""
        path = self.root / "Release" / "videoset.csv"
        videos = read_table(path, VIDEO_COLUMNS, header=False, faults=self._faults)
        for line, subset in videos.loc[~videos["subset"].isin(SUBSETS.values()), "subset"].items():
            report(self._faults, f"{path}, line {line}: the subset is {subset[:40]!r}; write 0 (train) or 1 (test).")
        missed = self.root / "text_annotations" / "a2d_missed_videos.txt"
        left_out = set(" ".join(read_lines(missed).values()).split()) if missed.exists() else set()
        parts = {split: set(videos.loc[videos["subset"] == subset, "video_id"]) - left_out for split, subset in SUBSETS.items()}
        for video_id in sorted(parts["train"] & parts["test"]):
            report(self._faults, f"{path} lists the video {video_id} both for training and for testing; remove one line.")
        return parts[self.split]

    def _index(self) -> tuple[list[Sample], list[tuple[str, int, str]]]:
        """The samples, and the sentences (video_id, instance, query) that have none."""
        path = self.sentences_path
        sentences = read_sentences(path, ("video_id", "instance_id", "query"), self._faults)
        sentences = sentences[sentences["video_id"].isin(self._split_videos())]
        sentences = sentences[sentences["instance_id"] != "1 (copy)"]  # the release's one slip: T6bNPuKV-wY
        wrong = ~sentences["instance_id"].str.fullmatch(r"[0-9]{1,9}")
        for line, number in sentences.loc[wrong, "instance_id"].items():
            report(self._faults, f"{path}, line {line}: the instance_id {number[:40]!r} is not a number.")
        sentences = sentences[~wrong]
        marked = self._marked(sentences["video_id"].unique().tolist())
        samples, unused = [], []
        for video_id, number, query in sentences.itertuples(index=False):
            if video_id not in marked:
                continue  # it is faulty
            instance = int(number)
            frames = [frame for frame, areas in marked[video_id].items() if instance in areas]
            for frame in frames:
                if marked[video_id][frame][instance]:
                    samples.append(Sample(video_id, frame, instance, query))
                else:
                    report(
                        self._faults,
                        f"{self.annotation_path(video_id, frame)}: the mask of instance {instance} is empty; "
                        "draw it, or remove the instance from the file.",
                    )
            if not frames:
                unused.append((video_id, instance, query))
        if not samples and not self._faults:
            reason = f", as {unused[0][0]} has no instance {unused[0][1]} in any frame" if unused else ""
            raise DatasetError(f"{path} gives no sample for the split {self.split!r}{reason}; check it against Release/videoset.csv.")
        if unused:
            warnings.warn(
                f"{path}: {len(unused)} sentences of the split {self.split!r} speak of an actor that no frame marks, the first of instance "
                f"{unused[0][1]} of {unused[0][0]}; they are left out.",
                stacklevel=3,
            )
        return samples, unused

    def _marked(self, video_ids: list[str]) -> dict[str, dict[int, dict[int, int]]]:
        """For every video and annotated frame, the instances marked there with their areas in pixels."""
        files: dict[str, dict[int, Path]] = {}
        for video_id in video_ids:
            folder = self._annotations / video_id
            if not folder.is_dir() or not self.video_path(video_id).is_file():
                missing = self.video_path(video_id) if folder.is_dir() else folder
                report(self._faults, f"{missing} is missing; restore it, or list {video_id} in a2d_missed_videos.txt.")
                continue
            files[video_id] = {}
            for file in sorted(folder.glob("*.h5")):
                frame = int(file.stem) if file.stem.isdecimal() else 0
                if file.stem.isdecimal() and (frame < 1 or file != self.annotation_path(video_id, frame)):
                    report(self._faults, f"{file}: frames are named by five digits and counted from 00001; rename it or remove it.")
                elif frame:
                    files[video_id][frame] = file
        paths = [path for frames in files.values() for path in frames.values()]
        areas = memoise_files(self._annotations / INSTANCES_MEMO, paths, _instance_areas, faults=self._faults)
        return {
            video_id: {frame: {instance: area for instance, area in areas[path]} for frame, path in sorted(frames.items()) if path in areas}
            for video_id, frames in files.items()
        }


def _instance_areas(path: Path) -> list[list[int]]:
    """Pairs of an instance's number and its area in pixels."""
    annotation = read_annotation(path)
    areas = annotation.masks.sum(axis=(1, 2))
    return [[instance, area] for instance, area in zip(annotation.instances.tolist(), areas.tolist(), strict=True)]


def read_annotation(path: str | Path) -> Annotation:
    """One annotated frame from its `.h5`, which MATLAB wrote: axes are reversed, and those of length one are gone.

    Raises `DatasetError` when the file is unreadable or its parts do not fit together.
    """
    instances, masks, boxes, class_ids = read_arrays(path, ("instance", "reMask", "reBBox", "id"), "an annotation").values()
    instances = _whole_numbers(path, "instance", instances)
    count = len(instances)
    if count == 0:
        return Annotation(np.zeros((0, 0, 0), dtype=bool), instances, instances, np.zeros((0, 4)))
    if count == 1:
        masks = masks[np.newaxis] if masks.ndim == 2 else masks  # (1, W, H)
        boxes = boxes.reshape(-1, 1)  # (4, 1)
    class_ids = _whole_numbers(path, "id", class_ids)[:count]  # the release lists more classes than instances at times
    if masks.ndim != 3 or len(masks) != count or 0 in masks.shape:
        raise DatasetError(f"{path}: reMask has the shape {masks.shape}; for {count} instances it must be ({count}, W, H).")
    if boxes.shape != (4, count):
        raise DatasetError(f"{path}: reBBox has the shape {boxes.shape}; for {count} instances it must be (4, {count}).")
    if len(class_ids) != count:
        raise DatasetError(f"{path}: id has {len(class_ids)} class labels for {count} instances.")
    return Annotation(rearrange(masks > 0, "n w h -> n h w"), instances, class_ids, boxes.T.astype(np.float64))


def _whole_numbers(path: str | Path, name: str, values: np.ndarray) -> np.ndarray:
    """An array as int64 (N,). Raises `DatasetError` for a value that is no number of an actor or class."""
    values = values.reshape(-1)
    wrong = values[(values != np.floor(values)) | (values < 0) | (values > MOST_NUMBER)]
    if len(wrong):
        raise DatasetError(f"{path}: {name} holds {wrong[0]:g}; it must be whole numbers from 0 to {MOST_NUMBER}.")
    return values.astype(np.int64)
