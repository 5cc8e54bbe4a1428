"""Dense labels of a frame: instance, actor, action and colour at every fourth pixel, what the backbone is pretrained on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

import numpy as np
from einops import rearrange, reduce

from ..errors import ConfigError, DatasetError
from ..system.files import read_json
from .geometry import pad_resize
from .taxonomy import ACTIONS, ACTORS, COLOURS

CELL = 4  # pixels of the square per label


LABELS = ("instance", "actor", "action", "colour")  # 0: none; instance: 1 + position in the frame's list; others: 1 + index in taxonomy


def dense_labels(masks: np.ndarray, classes: Iterable[int], colours: Iterable[str | None], *, size: int) -> np.ndarray:
    """Labels (4, size/4, size/4) uint8 of one frame, from masks (N, H, W) bool, A2D's class ids, and colours where known.

    A cell belongs to an instance if most of it is foreground, and then to the one that covers most of it.

    >>> labels = dense_labels(np.ones((1, 8, 8), bool), [18], ["red"], size=8)  # adult, walk
    >>> labels[:, 0, 0].tolist()
    [1, 1, 8, 1]
    """
    squares = np.stack([pad_resize(mask.astype(np.uint8), size) for mask in masks])  # (N, S, S)
    covered = reduce(squares.astype(np.float32), "n (h a) (w b) -> n h w", "mean", a=CELL, b=CELL)
    instance = np.where(covered.sum(axis=0) >= 0.5, covered.argmax(axis=0) + 1, 0)  # (S/4, S/4)
    # Row 0 of the table is "none"; A2D's ids are 10 * actor + action, both from 1.
    table = np.zeros((len(masks) + 1, len(LABELS)), dtype=np.uint8)
    names = list(COLOURS)
    for number, (identity, colour) in enumerate(zip(classes, colours, strict=True), start=1):
        actor, action = divmod(int(identity), 10)
        if not (1 <= actor <= len(ACTORS) and 1 <= action <= len(ACTIONS)):
            raise DatasetError(f"{int(identity)} is no class of A2D: its tens should be an actor (1 to 7), its units an action (1 to 9).")
        table[number] = number, actor, action, 0 if colour is None else names.index(colour) + 1
    return rearrange(table[instance], "h w labels -> labels h w")


class _Actor(TypedDict):
    colour: str


class _Scene(TypedDict):
    name: str
    actors: list[_Actor]


def actor_colours(root: str | Path) -> dict[tuple[str, int], str]:
    """The colour of every (video_id, instance) of a drawn data set, from its `scenes.json`; empty for a real one, which has no such file.

    Raises `DatasetError` when the file is damaged.
    """
    path = Path(root) / "scenes.json"
    if not path.exists():
        return {}
    try:
        scenes = read_json(path, list[_Scene])
        found = {(scene["name"], index): actor["colour"] for scene in scenes for index, actor in enumerate(scene["actors"])}
    except ConfigError as error:
        raise DatasetError(f"{path} does not list scenes with their actors' colours ({error}); draw the data set again.") from error
    unknown = next((colour for colour in found.values() if colour not in COLOURS), None)
    if unknown is not None:
        raise DatasetError(f"{path} has the colour {unknown!r}; the known ones are {', '.join(COLOURS)}.")
    return found
