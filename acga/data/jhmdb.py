"""J-HMDB Sentences (Gavrilyuk et al., 2018; videos and puppet masks by Jhuang et al., 2013), as released (docs/PROTOCOL.md).

Three frames of every video are tested. Which three differs in the literature, so the list of frames is an input and belongs beside
every result. The default is the list that MTTR froze, shipped as `jhmdb_frames.json`: in order of the video ids, sorted
`random.sample(range(1, T + 1), 3)` with one generator seeded by 42, T being the number of frames with a mask.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from einops import rearrange

from ..errors import ConfigError, DatasetError
from ..system.files import read_json
from .arrays import read_arrays
from .dataset import Dataset, Sample
from .pictures import list_pictures
from .tables import memoise_files, read_sentences, report
from .text import Vocabulary
from .video import read_clip

FRAMES_PER_VIDEO = 3
SEED = 42  # of the draw for videos that the default list does not know
PERSON = 0  # the only instance in a video
NO_CLASS = 0  # J-HMDB's actions are not A2D's
PUPPETS_MEMO = ".puppet_masks.json"  # beside the masks


class JHMDBSentences(Dataset):
    """J-HMDB Sentences, all of it for testing: a sample for every sentence and each of its video's chosen frames.

    `root` holds `Rename_Images/`, `puppet_mask/` and `jhmdb_annotation.txt`. `frame_list` says which frames of each video are tested,
    1-indexed: a mapping, a JSON file, or None for MTTR's. With None, three frames with a mask are drawn for each video that MTTR's list
    does not know, by the video's id and seed 42. Afterwards `frame_list` holds the frames in use and `frame_source` says in words where
    they come from, to be kept with every result. `clip_length` counts the frames of a clip.
    Raises `DatasetError` when files are missing, malformed or inconsistent, or a mask is empty; with a list of `faults`, what is faulty
    is reported there and left out, but for what leaves nothing to read.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        frame_list: Mapping[str, Sequence[int]] | str | Path | None = None,
        size: int = 512,
        clip_length: int = 16,
        vocabulary: Vocabulary | None = None,
        faults: list[str] | None = None,
    ) -> None:
        self.root = Path(root)
        self._faults = faults
        self.sentences_path = self.root / "jhmdb_annotation.txt"
        self._sentences = read_sentences(self.sentences_path, ("video_id", "query"), faults)
        self._classes = self._find_videos()
        self.frame_list, self.frame_source = self._choose_frames(frame_list)
        samples = [
            Sample(video_id, frame, PERSON, query)
            for video_id, query in self._sentences.itertuples(index=False)
            for frame in self.frame_list.get(video_id, ())
        ]
        super().__init__(samples, size=size, clip_length=clip_length, vocabulary=vocabulary)

    def video_path(self, video_id: str) -> Path:
        return self.root / "Rename_Images" / self._classes[video_id] / video_id

    def mask_path(self, video_id: str) -> Path:
        """The path of a video's masks."""
        return self.root / "puppet_mask" / self._classes[video_id] / video_id / "puppet_mask.mat"

    def annotation_path(self, video_id: str, frame: int) -> Path:
        return self.mask_path(video_id)

    def read_video(self, video_id: str) -> np.ndarray:
        folder = self.video_path(video_id)
        numbers = [int(picture.stem) if picture.stem.isdecimal() else -1 for picture in list_pictures(folder)]
        if numbers != list(range(1, len(numbers) + 1)):
            raise DatasetError(f"{folder}: the frames are not numbered 1 to {len(numbers)} without a gap; restore the folder.")
        return read_clip(folder)

    def read_labels(self, video_id: str, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return read_puppet_mask(self.mask_path(video_id))[[frame - 1]], np.array([PERSON]), np.array([NO_CLASS])

    def _find_videos(self) -> dict[str, str]:
        """The class folder of every video that has a sentence."""
        images = self.root / "Rename_Images"
        if not images.is_dir():
            raise DatasetError(f"{images} is missing; give the folder that holds Rename_Images/, puppet_mask/ and jhmdb_annotation.txt.")
        classes = {folder.name: folder.parent.name for folder in sorted(images.glob("*/*")) if folder.is_dir()}
        if self._sentences.empty:
            raise DatasetError(f"{self.sentences_path} holds no sentence.")
        for video_id in self._sentences["video_id"].unique():
            if video_id not in classes:
                report(self._faults, f"{images} has no folder <class>/{video_id}, though jhmdb_annotation.txt has a sentence for it.")
        return classes

    def _choose_frames(self, given: Mapping[str, Sequence[int]] | str | Path | None) -> tuple[dict[str, list[int]], str]:
        """The frames of every video that has a sentence, checked against its masks, and where they come from."""
        videos = [video_id for video_id in self._sentences["video_id"].unique() if video_id in self._classes and self._has_masks(video_id)]
        source = "given" if isinstance(given, Mapping) else str(given)
        listed = default_frame_list() if given is None else given if isinstance(given, Mapping) else _read_frame_list(Path(given))
        areas = memoise_files(
            self.root / "puppet_mask" / PUPPETS_MEMO, [self.mask_path(video_id) for video_id in videos], _frame_areas, faults=self._faults
        )
        chosen, drawn = {}, 0
        for video_id in videos:
            path = self.mask_path(video_id)
            if path not in areas:
                continue  # it is faulty
            if video_id in listed:
                frames = [int(frame) for frame in listed[video_id]]
            elif given is None:
                filled = [frame for frame, area in enumerate(areas[path], start=1) if area]
                frames = sorted(random.Random(f"{SEED} {video_id}").sample(filled, min(FRAMES_PER_VIDEO, len(filled))))
                drawn += 1
            else:
                report(self._faults, f"The frame list ({source}) lacks the video {video_id}; add its frames.")
                continue
            wrong = []
            if video_id in listed and len(set(frames)) != max(len(frames), 1):
                wrong.append(f"The frame list ({source}) has no frame of {video_id}, or one twice; name each once.")
            for frame in frames or [1]:
                if not 1 <= frame <= len(areas[path]):
                    wrong.append(f"{path} has masks for frames 1 to {len(areas[path])}, the frame list ({source}) asks for {frame}.")
                elif not areas[path][frame - 1]:
                    wrong.append(f"{path}: the mask of frame {frame} is empty; choose another frame or draw the mask.")
            for message in wrong:
                report(self._faults, message)
            if not wrong:
                chosen[video_id] = frames
        if given is None:
            source = f"MTTR's for {len(videos) - drawn} videos, drawn with seed {SEED} for {drawn}"
        return chosen, source

    def _has_masks(self, video_id: str) -> bool:
        path = self.mask_path(video_id)
        if not path.is_file():
            report(self._faults, f"{path} is missing, though jhmdb_annotation.txt has a sentence for {video_id}.")
        return path.is_file()


def default_frame_list() -> dict[str, list[int]]:
    """MTTR's three frames of each of the 928 videos, 1-indexed.

    >>> frames = default_frame_list()
    >>> len(frames), frames["100_pullups_pullup_f_nm_np1_fr_med_1"]
    (928, [2, 8, 18])
    """
    return dict(json.loads((resources.files(__package__) / "jhmdb_frames.json").read_text()))


def _read_frame_list(path: Path) -> dict[str, list[int]]:
    wanted = 'write JSON like {"video": [3, 14, 15]}'
    try:
        return read_json(path, dict[str, list[int]])
    except ConfigError as error:
        raise DatasetError(f"{path} cannot be read as a frame list; {wanted}.") from error


def read_puppet_mask(path: str | Path) -> np.ndarray:
    """The masks of a video, bool (T, H, W), from its `puppet_mask.mat`. Raises `DatasetError`."""
    masks = read_arrays(path, ["part_mask"], "puppet masks")["part_mask"]
    masks = masks[..., np.newaxis] if masks.ndim == 2 else masks  # MATLAB drops the last axis when there is one frame
    if masks.ndim != 3 or 0 in masks.shape:
        raise DatasetError(f"{path}: part_mask has the shape {masks.shape}; it must be (H, W, T).")
    return rearrange(masks > 0, "h w t -> t h w")


def _frame_areas(path: Path) -> list[int]:
    """The mask's area in every frame, in pixels."""
    return [int(area) for area in read_puppet_mask(path).sum(axis=(1, 2))]
