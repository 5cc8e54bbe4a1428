"""Queries about actors that a frame does not show: to learn, and to judge, that a sentence may describe nobody."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .dataset import Dataset
from .taxonomy import ACTORS
from .text import tokenise

GENERIC = frozenset({"animal", "vehicle", "thing", "object", "toy"})  # words of queries that may be about several kinds
ADULT, BABY = ACTORS.index("adult") + 1, ACTORS.index("baby") + 1  # "person" may mean either, so they are one kind here


class AbsentQueries:
    """Queries of a data set, or of some of its samples, that are about a kind of actor that one of its frames does not show.

    Raises what reading the annotations raises.
    """

    def __init__(self, dataset: Dataset, rows: Iterable[int] | None = None) -> None:
        self._frames = [(sample.video_id, sample.frame) for sample in dataset.samples]
        self._shown = {frame: self._kinds(dataset, frame) for frame in dataset.annotated_frames}
        asked = [self._shown[frame].get(sample.instance) for frame, sample in zip(self._frames, dataset.samples, strict=True)]
        self._of_kind: dict[int, np.ndarray] = {}
        chosen = set(range(len(dataset)) if rows is None else rows)
        usable = [row in chosen and not GENERIC & set(tokenise(sample.query)) for row, sample in enumerate(dataset.samples)]
        for kind in {kind for kind in asked if kind is not None}:
            self._of_kind[kind] = np.array([row for row, other in enumerate(asked) if other == kind and usable[row]], dtype=np.int64)

    @staticmethod
    def _kinds(dataset: Dataset, frame: tuple[str, int]) -> dict[int, int]:
        """The kind of each instance of a frame."""
        _, instances, classes = dataset.frame_masks(*frame)
        kinds = (int(label) // 10 for label in classes)
        return {int(instance): ADULT if kind == BABY else kind for instance, kind in zip(instances, kinds, strict=True)}

    def draw(self, index: int, rng: np.random.Generator) -> int | None:
        """A sample whose kind the frame of sample `index` does not show; None if it shows all."""
        shown = set(self._shown[self._frames[index]].values())
        absent = [kind for kind, rows in sorted(self._of_kind.items()) if kind not in shown and len(rows)]
        return int(rng.choice(self._of_kind[int(rng.choice(absent))])) if absent else None
