"""The questions to every variant of a study: the test sets, other phrasings, and the tags of their sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..config import ACGAConfig
from ..data.a2d import A2DSentences
from ..data.dataset import Dataset
from ..data.jhmdb import JHMDBSentences
from ..data.tags import read_tags
from ..errors import ConfigError
from ..evaluation import sentence_key
from ..metrics import round_trip
from ..system.files import read_json_lines, write_text

Tags = Mapping[tuple[str, int, str], Mapping[str, Any]]
SAMPLES = "samples.jsonl"  # in the folder of a study
PERTURBED_EVERY = 4  # every so many test videos are asked perturbed questions


@dataclass(frozen=True)
class Questions:
    """The test split of A2D Sentences; J-HMDB Sentences and paraphrases are optional."""

    a2d: A2DSentences
    tags: Tags
    jhmdb: JHMDBSentences | None = None
    paraphrases: A2DSentences | None = None
    paraphrase_tags: Tags = field(default_factory=dict)

    @classmethod
    def open(cls, root: Path, config: ACGAConfig, *, jhmdb: Path | None, paraphrases: Path | None) -> Questions:
        """The test split, at the middle one of each video's annotated frames; the others whole."""
        size, length = config.size, config.clip_length

        def test_split(folder: Path) -> A2DSentences:
            return middle_frames(A2DSentences(folder, "test", size=size, clip_length=length))

        return cls(
            test_split(root),
            read_tags(root),
            None if jhmdb is None else JHMDBSentences(jhmdb, size=size, clip_length=length),
            None if paraphrases is None else test_split(paraphrases),
            {} if paraphrases is None else read_tags(paraphrases),
        )

    @property
    def datasets(self) -> dict[str, Dataset]:
        """Those that there are, by name."""
        named: dict[str, Dataset | None] = {"a2d": self.a2d, "jhmdb": self.jhmdb, "paraphrases": self.paraphrases}
        return {name: dataset for name, dataset in named.items() if dataset is not None}

    @property
    def perturbed(self) -> Dataset:
        """Every fourth video of the test split: those that are also asked perturbed questions."""
        chosen = set(list(dict.fromkeys(sample.video_id for sample in self.a2d.samples))[::PERTURBED_EVERY])
        return self.a2d.replaced([sample for sample in self.a2d.samples if sample.video_id in chosen])

    def rows(self) -> list[dict[str, Any]]:
        """A row per sample of every test set; those of A2D Sentences also with the area of the target and the tags of the sentence."""
        perturbed = {sample.video_id for sample in self.perturbed.samples}
        found: list[dict[str, Any]] = []
        for test, dataset in self.datasets.items():
            for index, s in enumerate(dataset.samples):
                row = {"test": test, "video": s.video_id, "frame": s.frame, "instance": s.instance, "query": s.query}
                if test == "a2d":
                    area = round_trip(dataset.labels(index)["mask"].numpy(), dataset.size).sum().item()
                    row |= {"target_area": area, "perturbed": s.video_id in perturbed, **self.tags.get(sentence_key(s), {})}
                found.append(row)
        return json.loads(json.dumps(found))  # as they are read

    def save(self, out: str | Path) -> Path:
        """Write which samples the numbers of the runs belong to. Grids of one study share the file, and may add test sets.

        Raises `ConfigError` when the folder holds a study on other data.
        """
        path = Path(out) / SAMPLES
        before, rows = by_test(read_json_lines(path, dict[str, Any])), by_test(self.rows())
        different = next((test for test in rows if test in before and before[test] != rows[test]), None)
        if different is not None:
            raise ConfigError(f"{out} holds a study on other data ({different} differs); choose another folder.")
        lines = [json.dumps(row) for of_test in (before | rows).values() for row in of_test]
        write_text(path, "\n".join(lines) + "\n")
        return path


def by_test(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Rows of samples by their test set.

    >>> by_test([{"test": "a2d", "frame": 1}])
    {'a2d': [{'test': 'a2d', 'frame': 1}]}
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["test"], []).append(row)
    return found


def middle_frames(dataset: A2DSentences) -> A2DSentences:
    """Only the samples of one annotated frame a video, the middle one: a third of the work, and nearly all of the variety."""
    frames: dict[str, list[int]] = {}
    for video_id, frame in dataset.annotated_frames:
        frames.setdefault(video_id, []).append(frame)
    middle = {video_id: sorted(numbers)[len(numbers) // 2] for video_id, numbers in frames.items()}
    return dataset.replaced([sample for sample in dataset.samples if sample.frame == middle[sample.video_id]])
