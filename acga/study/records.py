"""The runs of a study as long tables, and any two variants compared, sample by sample and seed by seed.

results/study/ holds ours, so a figure or a sentence about the study can always be traced to runs, with their seeds, commits and commands.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from ..errors import ConfigError
from ..metrics import smoothed_iou
from ..system.files import read_json_lines, read_text, write_text, writing
from .bootstrap import Interval, bootstrap
from .probes import OF_PARAPHRASES
from .questions import SAMPLES, by_test
from .tables import RESULTS
from .variants import VARIANTS

STUDY = RESULTS / "study"  # on the first drawn world
SECOND_STUDY = RESULTS / "study_second"  # of the claims about attention, by a plan, on the second
THIRD_STUDY = RESULTS / "study_third"  # of the same, with more scenes and calibrated networks
THIRD_STUDY_AS_TRAINED = THIRD_STUDY / "as_trained"  # the same networks, not calibrated
THIRD_STUDY_OF_FUSION = THIRD_STUDY / "fusion"  # and of those about fusion and loss, in networks with all three responses
FOURTH_STUDY_CALIBRATED = RESULTS / "study_fourth" / "calibrated"  # of those about attention, after four passes
RUNS = "runs.jsonl"  # in the folder of a study, or packed, runs.jsonl.gz
ACTOR_SIZES = ("small", "medium", "large")  # thirds of the questions by the area of their actor


class _Saved(TypedDict):
    """The least of a run."""

    variant: str
    seed: int
    answers: dict[str, dict[str, Any]]


def read_runs(folder: str | Path) -> list[dict[str, Any]]:
    """The records of the runs in a folder, one for each variant and seed. Raises `ConfigError` when one is damaged or there twice."""
    path, seen = Path(folder) / RUNS, set()
    runs = read_json_lines(path, _Saved)
    for number, run in enumerate(runs, 1):
        if (run["variant"], run["seed"]) in seen:
            raise ConfigError(f"{path}: line {number} has {run['variant']!r} of seed {run['seed']} again; remove it.")
        seen.add((run["variant"], run["seed"]))
    return runs


def append_run(folder: str | Path, run: dict[str, Any]) -> None:
    """Add a run to those in a folder, in one write, as another process may be doing the same. Raises `AcgaError` when the disk refuses."""
    path, line = Path(folder) / RUNS, f"{json.dumps(run)}\n".encode()
    packed = Path(f"{path}.gz")
    if packed.exists() and not path.exists():  # or the file that begins here would hide all that is in it
        write_text(path, read_text(packed))
    with writing(path), open(path, "ab", buffering=0) as file:
        written = file.write(line)
        if written < len(line):  # what there was room for
            file.truncate(file.tell() - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@dataclass(frozen=True)
class Study:
    """A study as long tables.

    Args:
        runs: a row per run: variant, seed, command, commit, threads, training and probing seconds, validation (mean IoU there,
            calibrated if the run is; validation_as_trained, before that), presence_auroc, and the metrics of each test set, as "a2d mIoU".
        answers: a row per run x sample: variant, seed, test, video, frame, instance, query, intersection, union, IoU and, on A2D Sentences,
            precision and recall over pixels, actor_size, and the tags of the sentence.
        probes: a row per run x probe x video: variant, seed, probe, video, value.
        losses: a row per run x logged step: variant, seed, step, loss.
    """

    runs: pd.DataFrame
    answers: pd.DataFrame
    probes: pd.DataFrame
    losses: pd.DataFrame

    @classmethod
    def read(cls, folder: str | Path = STUDY) -> Study:
        """All runs in a folder, by default ours. Raises `ConfigError` when there is none, or a file is damaged."""
        runs, samples = read_runs(folder), by_test(read_json_lines(Path(folder) / SAMPLES))
        if not runs or not samples:
            raise ConfigError(f"{folder} holds no runs of a study; make some with acga ablate.")
        return cls.of(runs, samples)

    @classmethod
    def of(cls, runs: list[dict[str, Any]], samples: dict[str, list[dict[str, Any]]]) -> Study:
        """The tables of records of runs, variants in the order of their grids, and samples by test set."""
        order = [*VARIANTS, *(run["variant"] for run in runs)]
        runs = sorted(runs, key=lambda run: (order.index(run["variant"]), run["seed"]))
        return cls(
            pd.DataFrame([_run_row(run) for run in runs]),
            _answers(runs, {test: _samples(rows) for test, rows in samples.items()}),
            _probes(runs, samples),
            pd.DataFrame(
                [(run["variant"], run["seed"], *entry) for run in runs for entry in run.get("loss", ())],
                columns=["variant", "seed", "step", "loss"],
            ),
        )

    @property
    def variants(self) -> list[str]:
        """Those that were run, in the order of their grids."""
        return list(self.runs["variant"].unique())

    def seeds(self, *variants: str, test: str = "a2d") -> list[int]:
        """The seeds with which every one of some variants was run and asked a test set."""
        asked = [{seed for variant, seed, of in self._places["answers"] if (variant, of) == (name, test)} for name in variants]
        return sorted(set.intersection(*asked))

    def with_seeds(self, seeds: Collection[int]) -> Study:
        """The study with these seeds alone."""
        tables = (self.runs, self.answers, self.probes, self.losses)
        return Study(*(table[table["seed"].isin(seeds)].reset_index(drop=True) for table in tables))

    def answers_of(self, variant: str, seed: int, test: str = "a2d") -> pd.DataFrame:
        """The answers of a run on a test set, a row per sample; none when it was not asked."""
        return self.answers.iloc[self._places["answers"].get((variant, seed, test), [])]

    def scores(
        self, variant: str, score: str = "IoU", *, test: str = "a2d", where: str | None = None, seeds: Collection[int] | None = None
    ) -> np.ndarray:
        """A score of every answer (seeds, N), NaN for samples without the tag `where`; the seeds are those that were asked.

        `score` is a column of `answers`, or P@K: whether IoU exceeds K.
        """
        runs = [self.answers_of(variant, seed, test) for seed in (self.seeds(variant, test=test) if seeds is None else seeds)]
        rows = []
        for answers in runs:
            if len(answers):
                values = (answers["IoU"] > float(score[2:])).astype(float) if score.startswith("P@") else answers[score]
                rows.append(values.to_numpy() if where is None else np.where(tagged(answers, where), values, np.nan))
        return np.array(rows)

    def mean(self, variant: str, score: str = "IoU", *, seeds: Collection[int] | None = None, **more: Any) -> Interval:
        """The mean of a score of a variant with its interval. `more` as for `scores`. Raises `ConfigError` when no sample has one."""
        found = self._interval(self.scores(variant, score, seeds=seeds, **more), more.get("test", "a2d"))
        if found is None:
            raise ConfigError(f"The study has no answers of {variant!r} to such questions.")
        return found

    def difference(self, first: str, second: str, score: str = "IoU", **more: Any) -> Interval | None:
        """Second minus first in the mean of a score, sample by sample and seed by seed over the seeds that both have.

        `more` as for `scores`: the `test` set and the tag `where`. None where there are no runs of both, or no such samples.
        """
        test = more.get("test", "a2d")
        seeds = self.seeds(first, second, test=test)
        one, other = (self.scores(name, score, seeds=seeds, **more) for name in (first, second))
        return self._interval(other - one, test)

    def differences(
        self, first: str, second: str, scores: Collection[str], kinds: Mapping[str, str | None]
    ) -> dict[str, dict[str, Interval]]:
        """Second minus first in several scores, over several kinds of questions: their tags by what they are to be called."""
        found = {score: {name: self.difference(first, second, score, where=tag) for name, tag in kinds.items()} for score in scores}
        return {score: {name: one for name, one in of.items() if one is not None} for score, of in found.items()}

    def videos(self, test: str = "a2d") -> list[str]:
        """The video that each sample of a test set is about."""
        run = next(place for place in self._places["answers"] if place[2] == test)
        return self.answers_of(*run)["video"].tolist()

    def probe(self, variant: str, name: str, *, seeds: Collection[int] | None = None) -> np.ndarray:
        """The values of a probe by video (seeds, V), NaN for videos without; the seeds are those that were probed."""
        places = self._places["probes"]
        rows = [places.get((variant, seed, name)) for seed in (self.seeds(variant) if seeds is None else seeds)]
        values = self.probes["value"].to_numpy()
        return np.array([values[row] for row in rows if row is not None])

    def probe_mean(self, variant: str, name: str, *, seeds: Collection[int] | None = None) -> Interval:
        """The mean of a probe of a variant with its interval. Raises `ConfigError` when it was not made, or has no value."""
        values = self.probe(variant, name, seeds=seeds)
        if not _has_values(values):
            raise ConfigError(f"The study has no values of the probe {name!r} of {variant!r}.")
        return bootstrap(values, self.probe_videos(name))

    def probe_difference(self, first: str, second: str, name: str, *, less: str | None = None) -> Interval | None:
        """Second minus first in the mean of a probe; of what it exceeds the probe `less` by, if given. None where one was not made."""
        names, places = [one for one in (name, less) if one], self._places["probes"]
        seeds = [seed for seed in self.seeds(first, second) if all((of, seed, one) in places for of in (first, second) for one in names)]
        found = [self.probe(variant, one, seeds=seeds) for variant in (first, second) for one in names]
        if not all(map(_has_values, found)):
            return None
        one, other = (found[0] - found[1], found[2] - found[3]) if less else found
        return bootstrap(other - one, self.probe_videos(name))

    def probe_videos(self, name: str) -> list[str]:
        """The videos that the values of a probe belong to, in order."""
        of_name = self.probes[self.probes["probe"] == name]
        return of_name["video"].unique().tolist()

    def _interval(self, values: np.ndarray, test: str) -> Interval | None:
        return bootstrap(values, self.videos(test)) if _has_values(values) else None

    @cached_property
    def _places(self) -> dict[str, dict[Any, np.ndarray]]:
        """The rows of the answers by variant, seed and test set, and those of the probes by variant, seed and probe."""
        return {
            "answers": self.answers.groupby(["variant", "seed", "test"], sort=False).indices,
            "probes": self.probes.groupby(["variant", "seed", "probe"], sort=False).indices,
        }


def _has_values(values: np.ndarray) -> bool:
    """Whether there are runs, and each (R, N) has a value."""
    return values.size > 0 and bool(np.isfinite(values).any(axis=1).all())


def tagged(answers: pd.DataFrame, tag: str) -> np.ndarray:
    """Which answers are about sentences with a tag, bool (N,): "decided_by=motion", or "novelty" alone for any value of it.

    A tag that begins with "not " asks for all the others. Where a tag's name is unknown, no answer has a value of it or lacks it.

    >>> tagged(pd.DataFrame({"decided_by": [["motion"], []], "actors_in_scene": [2, 1]}), "not decided_by=motion").tolist()
    [False, True]
    """
    name, _, wanted = tag.removeprefix("not ").partition("=")
    if wanted and name not in answers:
        return np.zeros(len(answers), bool)  # of nobody is it known, or that it is not so
    column = answers[name] if name in answers else [None] * len(answers)
    found = []
    for value in column:
        values = value if isinstance(value, list) else [] if value is None or value != value else [value]
        values = [f"{one:g}" if isinstance(one, float) else str(one) for one in values]  # integers are floats beside what is unknown
        found.append(wanted in values if wanted else bool(values))
    return np.array(found, bool) ^ tag.startswith("not ")


def _run_row(run: dict[str, Any]) -> dict[str, Any]:
    """The row of a run in `Study.runs`."""
    about, seconds, recipe = run.get("about", {}), run.get("seconds", {}), run.get("recipe", {})
    return {
        "variant": run["variant"],
        "seed": run["seed"],
        **{name: about.get(name) for name in ("command", "commit", "threads")},
        **{name: recipe.get(name) for name in ("epochs", "batch_size", "learning_rate")},
        "training_seconds": seconds.get("training"),
        "probing_seconds": seconds.get("probing"),
        "validation": (run.get("calibration") or run.get("validation") or {}).get("mIoU"),
        "validation_as_trained": (run.get("validation") or {}).get("mIoU"),
        "presence_auroc": run.get("presence_auroc"),
        **{f"{test} {name}": value for test, of in run["answers"].items() for name, value in of.get("metrics", {}).items()},
    }


def _samples(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A table of the samples of a test set, with the third that their actor's area is in."""
    table = pd.DataFrame(rows)
    if "target_area" in table:
        thirds = np.searchsorted(np.quantile(table["target_area"], [1 / 3, 2 / 3]), table["target_area"])
        table["actor_size"] = [ACTOR_SIZES[third] for third in thirds]
    return table


def _answers(runs: list[dict[str, Any]], samples: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The answers of all runs, with their scores. Precision is the share of an answer's pixels that is right, recall that of the target
    that it finds."""
    tables = []
    for run in runs:
        for test, found in run["answers"].items():
            inside, union = (np.array(found[name]) for name in ("intersection", "union"))
            scores = {"intersection": inside, "union": union, "IoU": np.asarray(smoothed_iou(inside, union))}
            if "target_area" in samples[test]:
                area = samples[test]["target_area"].to_numpy(np.float64)
                scores |= {"precision": inside / np.maximum(union + inside - area, 1), "recall": inside / np.maximum(area, 1)}
            tables.append(samples[test].assign(variant=run["variant"], seed=run["seed"], **scores))
    return pd.concat(tables, ignore_index=True)


def _probes(runs: list[dict[str, Any]], samples: dict[str, list[dict[str, Any]]]) -> pd.DataFrame:
    """The probes of all runs."""
    perturbed = list(dict.fromkeys(row["video"] for row in samples.get("a2d", ()) if row.get("perturbed")))
    paraphrased = list(dict.fromkeys(row["video"] for row in samples.get("paraphrases", ())))
    columns: dict[str, list[Any]] = {name: [] for name in ("variant", "seed", "probe", "video", "value")}
    for run in runs:
        for name, values in run.get("probes", {}).items():
            videos = paraphrased if name in OF_PARAPHRASES else perturbed
            for column, of in zip(columns.values(), ([run["variant"]], [run["seed"]], [name]), strict=False):
                column.extend(of * len(values))
            columns["video"].extend(videos)
            columns["value"].extend(np.nan if value is None else value for value in values)
    return pd.DataFrame(columns)
