"""The data set in a folder, whichever of the two releases it is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..config import ACGAConfig
from ..errors import ConfigError, DatasetError
from .a2d import A2DSentences
from .dataset import Dataset
from .jhmdb import JHMDBSentences
from .tables import read_table

A2D_ADDRESS, SENTENCES_ADDRESS, JHMDB_ADDRESS = (  # where the releases are to be had
    "https://web.eecs.umich.edu/~jjcorso/r/a2d/",
    "https://kgavrilyuk.github.io/publication/actor_action/",
    "http://jhmdb.is.tue.mpg.de/",
)


def layout_of(root: str | Path) -> Literal["A2D Sentences", "J-HMDB Sentences"]:
    """Which release is in a folder. Raises `DatasetError` when it is neither, and says where both are to be had."""
    root = Path(root)
    places = f"get the releases ({A2D_ADDRESS}, {JHMDB_ADDRESS}) and their sentences ({SENTENCES_ADDRESS})."
    if not root.is_dir():
        raise DatasetError(f"There is no folder {root}; {places}")
    if (root / "jhmdb_annotation.txt").exists() or (root / "Rename_Images").exists():
        return "J-HMDB Sentences"
    if (root / "Release").exists() or (root / "text_annotations").exists():
        return "A2D Sentences"
    raise DatasetError(f"{root} is neither A2D Sentences (with Release/) nor J-HMDB Sentences (with Rename_Images/); {places}")


def open_release(root: Path, split: Literal["train", "test"], config: ACGAConfig, frame_list: Path | None = None) -> Dataset:
    """The data set in a folder of either layout, for clips as the network takes them. Raises `DatasetError`.

    `split` is of A2D Sentences, `frame_list` of J-HMDB Sentences; with the former it raises `ConfigError`.
    """
    if layout_of(root) == "J-HMDB Sentences":
        return JHMDBSentences(root, frame_list=frame_list, size=config.size, clip_length=config.clip_length)
    if frame_list is not None:
        raise ConfigError(f"{root} is A2D Sentences, whose frames are those with an annotation; leave the frame list out.")
    return A2DSentences(root, split, size=config.size, clip_length=config.clip_length)


def read_queries(root: Path) -> list[str]:
    """All sentences of a release of either layout, whichever split they are of. Raises `DatasetError`."""
    jhmdb = layout_of(root) == "J-HMDB Sentences"
    path = root / "jhmdb_annotation.txt" if jhmdb else root / "text_annotations" / "a2d_annotation.txt"
    return read_table(path, ("video_id", "query"), header=True)["query"].tolist()
