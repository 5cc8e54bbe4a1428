"""The official preprocessed features (docs/PAPER.md), read a sample at a time: with official weights, they need neither films nor word2vec.

    train.txt, test.txt      a line a sample: a name, and the frame's height and width
    video_rgb_iccv.h5        train, test: features at mixed_4e (N[, 1], 528, 4, 32, 32), once a sentence, 163 GB
    txt.h5                   train, test: word vectors (N, 20, 300), zero where there is no word, or no vector
    mask.h5                  train/large, test/large: masks on the network's square (N[, 1], 512, 512)

These files hold no sentences. Here words are told apart by their vectors and get made-up names, so that everything else works as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import torch
from torch import Tensor

from ..errors import DatasetError
from .dataset import Dataset, Sample
from .digests import digest
from .geometry import undo_pad_resize
from .tables import read_table
from .text import Vocabulary, WordTable

FILES = {"video": "video_rgb_iccv.h5", "text": "txt.h5", "mask": "mask.h5"}
NO_WORD = "unknown"  # stands for a zero vector between words; in no vocabulary, so that its vector is zero again
SENTENCES_READ = 256  # sentences read at once


class OfficialFeatures(Dataset):
    """One split of the official preprocessed data. `features` are to be given to `evaluate`, `vocabulary` and `table` to the model.

    Raises `DatasetError` when files are missing or do not fit together.
    """

    returned = True
    vocabulary: Vocabulary

    def __init__(self, root: str | Path, split: Literal["train", "test"] = "test", *, clip_length: int = 16) -> None:
        self.root, self.split = Path(root), split
        self.sentences_path = self.root / f"{split}.txt"
        listed = read_table(self.sentences_path, ("name", "height", "width"), header=False, more=True)
        if not (listed["height"].str.fullmatch("[0-9]{1,5}") & listed["width"].str.fullmatch("[0-9]{1,5}")).all():
            raise DatasetError(f"{self.sentences_path}: the second and third value of a line must be the frame's height and width.")
        self.sizes = [(int(height), int(width)) for height, width in zip(listed["height"], listed["width"], strict=True)]
        queries, self.table = self._read_words()
        square = self._array("mask", f"{split}/large").shape
        shapes = {"txt.h5": len(queries), "mask.h5": square[0], FILES["video"]: self._array("video", split).shape[0]}
        wrong = next((name for name, count in shapes.items() if count != len(listed)), None)
        if wrong is not None:
            raise DatasetError(f"{self.root / wrong} has {shapes[wrong]} samples, {self.sentences_path.name} has {len(listed)} lines.")
        samples = [Sample(name, row, 0, query) for row, (name, query) in enumerate(zip(listed["name"], queries, strict=True), start=1)]
        self.features = OfficialRows(self)
        super().__init__(samples, size=square[-1], clip_length=clip_length, vocabulary=self.vocabulary)

    def _array(self, kind: str, name: str) -> h5py.Dataset:
        """An array, still in its file; opened for this call alone, as it must not travel to other processes."""
        path = self.root / FILES[kind]
        try:
            found = h5py.File(path, "r")[name]
        except (OSError, KeyError) as error:
            raise DatasetError(f"{path} cannot be read, or has no {name}; restore it from the official release.") from error
        if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "buif" or found.ndim < 3:
            raise DatasetError(f"{path}: {name} is no array of numbers of three axes or more; restore it from the official release.")
        return found

    def _read_words(self) -> tuple[list[str], WordTable]:
        """The sentences in made-up words, and the vectors of these."""
        vectors = self._array("text", self.split)  # (N, L, D)
        width = vectors.shape[-1]
        names: dict[bytes, str] = {bytes(4 * width): NO_WORD}
        queries = []
        for start in range(0, len(vectors), SENTENCES_READ):  # all of them would fill a gigabyte
            for sentence in np.asarray(vectors[start : start + SENTENCES_READ], "<f4") + np.float32(0):  # -0.0 is 0.0
                words = [names.setdefault(vector.tobytes(), _word(len(names))) for vector in sentence]
                while len(words) > 1 and words[-1] == NO_WORD:
                    words.pop()
                queries.append(" ".join(words))
        vectors.file.close()
        known = {name: np.frombuffer(vector, "<f4") for vector, name in names.items() if name != NO_WORD}
        self.vocabulary = Vocabulary(list(known))
        return queries, WordTable.build(self.vocabulary, known, width=width)

    def row(self, kind: str, name: str, frame: int) -> np.ndarray:
        """The entry in a file of the sample with this number, counted from 1 in place of frames."""
        found = self._array(kind, name)
        try:
            return np.asarray(found[frame - 1])
        finally:
            found.file.close()

    def read_labels(self, video_id: str, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        square = self.row("mask", f"{self.split}/large", frame).reshape(self.size, self.size) > 0
        mask = undo_pad_resize(square.astype(np.uint8), self.sizes[frame - 1]).astype(bool)
        if not mask.any() and square.any():  # too small for the way back: its middle is left
            height, width = mask.shape
            scale = max(height / self.size, width / self.size)
            y, x = (np.argwhere(square).mean(axis=0) * scale - (round(self.size * scale) - np.array([height, width])) // 2).astype(int)
            mask[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] = True
        return mask[None], np.array([0]), np.array([0])

    def video_path(self, video_id: str) -> Path:
        return self.root / FILES["video"]

    def digest_video(self, video_id: str) -> str:
        """Size and time of the features' file, which has 163 GB."""
        found = self.video_path(video_id).stat()
        return digest("official features", found.st_size, found.st_mtime_ns)

    def annotation_path(self, video_id: str, frame: int) -> Path:
        return self.root / FILES["mask"]

    def read_video(self, video_id: str) -> np.ndarray:
        raise DatasetError(f"{self.root} holds features and no films; give the features to what looks at it.")


class OfficialRows:
    """The features of a split, as a `FeatureCache` gives them: `rows[name, number]` is (528, 4, 32, 32), read when asked for."""

    def __init__(self, dataset: OfficialFeatures) -> None:
        self.dataset = dataset

    def __getitem__(self, frame: tuple[str, int]) -> Tensor:
        found = torch.from_numpy(self.dataset.row("video", self.dataset.split, frame[1]))
        return found[0] if found.ndim == 5 else found


def _word(number: int) -> str:
    """A made-up word for a number.

    >>> _word(0), _word(27)
    ('waaaa', 'waabb')
    """
    letters = ""
    for _ in range(4):
        number, letter = divmod(number, 26)
        letters = chr(ord("a") + letter) + letters
    return f"w{letters}"


def is_official(root: str | Path) -> bool:
    """Whether a folder holds the official preprocessed features."""
    return (Path(root) / FILES["video"]).is_file() and (Path(root) / FILES["text"]).is_file()


def give_words(model: Any, dataset: OfficialFeatures) -> None:
    """Let a model read the made-up words of a data set."""
    if dataset.table.vectors.shape[1] != model.config.word_channels:
        raise DatasetError(f"{dataset.root / FILES['text']} has vectors of {dataset.table.vectors.shape[1]} values, the network others.")
    model.vocabulary = dataset.vocabulary
    model.word_table = torch.nn.Embedding.from_pretrained(torch.from_numpy(dataset.table.vectors.copy()), freeze=True, padding_idx=0)
