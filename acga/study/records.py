"""The runs of a study, read from the files that `acga ablate` left, and any two variants compared, sample by sample and seed by seed.

results/study/ and its neighbours hold ours, so a figure or a sentence about the study can always be traced to runs, with their seeds,
commits and commands. `acga.study_summary` makes the tables and the verdicts of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..files import read_json
from ..metrics import PRECISIONS, smoothed_iou
from .ablation import GRIDS
from .bootstrap import Interval, bootstrap


@dataclass(frozen=True)
class Study:
    """The runs of a study, by grid and variant (in the order of `acga.study.ablation.GRIDS`), each variant's in the order of their seeds."""

    runs: Mapping[str, Mapping[str, list[dict[str, Any]]]]
    samples: Mapping[str, Any]  # which samples the numbers belong to

    @classmethod
    def read(cls, folder: str | Path) -> Study:
        """All runs below a folder. Raises `ConfigError` when there is none, or a file is damaged."""
        folder = Path(folder)
        runs: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for path in sorted(folder.glob("*/*.json")):
            run = read_json(path)
            if not isinstance(run, dict) or not {"grid", "variant", "seed", "a2d"} <= run.keys():
                raise ConfigError(f"{path} is no run that acga ablate saved; remove it.")
            runs.setdefault(run["grid"], {}).setdefault(run["variant"], []).append(run)
        if not runs:
            raise ConfigError(f"{folder} holds no runs of a study; make some with acga ablate.")
        ordered = {}
        for grid, variants in runs.items():
            known = [variant.name for variant in GRIDS.get(grid, ()) if variant.name in variants]
            names = [*known, *(name for name in variants if name not in known)]
            ordered[grid] = {name: sorted(variants[name], key=lambda run: run["seed"]) for name in names}
        return cls(ordered, read_json(folder / "samples.json"))

    @cached_property
    def videos(self) -> dict[str, list[str]]:
        """Which video each sample of a test set is about, and which videos were probed."""
        of_samples = {
            name: [sample[0] for sample in self.samples[name]] for name in ("a2d", "jhmdb", "paraphrases") if name in self.samples
        }
        return {**of_samples, "probed": self.samples["probed"]}

    def of(self, grid: str, variant: str) -> list[dict[str, Any]]:
        """The runs of one variant; none if it was not run."""
        return self.runs.get(grid, {}).get(variant, [])

    def with_seeds(self, seeds: Collection[int]) -> Study:
        """The study with these seeds alone."""
        chosen = {
            grid: {name: [run for run in runs if run["seed"] in seeds] for name, runs in variants.items()}
            for grid, variants in self.runs.items()
        }
        return Study(chosen, self.samples)

    def merge(self, other: Study, note: str) -> Study:
        """The runs of both, the other's variants with a note after their names: what differed in the other study.

        Raises `ConfigError` when the two asked different questions, so that their runs cannot be compared one by one.
        """
        if other.samples["a2d"] != self.samples["a2d"]:
            raise ConfigError("The two studies asked different questions, so that their runs cannot be compared one by one.")
        runs = {grid: dict(variants) for grid, variants in self.runs.items()}
        for grid, variants in other.runs.items():
            runs.setdefault(grid, {}).update({f"{name}, {note}": of for name, of in variants.items()})
        return Study(runs, self.samples)

    def ious(self, grid: str, variant: str, test: str = "a2d") -> np.ndarray:
        """IoU of every sample (seeds, N)."""
        return np.array([iou_of(run[test]) for run in self.of(grid, variant) if test in run])

    def ious_by_seed(self, grid: str, variant: str) -> dict[int, np.ndarray]:
        """IoU of every sample of the A2D test set (N,), by seed."""
        return {run["seed"]: iou_of(run["a2d"]) for run in self.of(grid, variant)}

    def scores(self, run: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Of every answer on the A2D test set (N,): its IoU, whether that exceeds K, and its precision and recall over pixels.

        Precision is the share of its pixels that is right, recall the share of the target that it finds: a foreground weight trades one
        for the other.
        """
        iou = iou_of(run["a2d"])
        target = np.array(self.samples["target_areas"], np.float64)
        inside, union = (np.array(run["a2d"][name], np.float64) for name in ("intersection", "union"))
        answer = union + inside - target
        return {
            "mean IoU": iou,
            **{f"P@{threshold}": above(threshold)(iou) for threshold in PRECISIONS},
            "precision": inside / np.maximum(answer, 1),
            "recall": inside / np.maximum(target, 1),
        }

    def difference(
        self,
        grid: str,
        first: str,
        second: str,
        value: Callable[[np.ndarray], np.ndarray] | None = None,
        *,
        test: str = "a2d",
        only: str | None = None,
        second_grid: str | None = None,
    ) -> Interval | None:
        """Second minus first, sample by sample and seed by seed over the seeds both have; `value` makes a score of IoUs (by default IoU).

        `only` is a tag such as "decided_by=motion"; `second_grid` is where the second variant is, if elsewhere. None where there are no
        runs of both, or no such samples.
        """
        pairs = [(one, other) for one, other in self.pairs(grid, first, second, second_grid) if test in one and test in other]
        chosen = self.tagged(only) if only else np.ones(len(self.videos.get(test, [])), bool)
        if not pairs or not chosen.any():
            return None
        value = value or itself
        scores = np.stack([value(iou_of(other[test])) - value(iou_of(one[test])) for one, other in pairs])  # (R, N)
        return bootstrap(np.where(chosen, scores, np.nan), self.videos[test])

    def means_by_tag(self, grid: str, variant: str, tags: Sequence[str]) -> dict[str, Interval]:
        """Mean IoU of a variant over the samples of the A2D test set with each tag; tags that no sample has are left out."""
        ious = self.ious(grid, variant)
        chosen = {tag: self.tagged(tag) for tag in tags}
        return {tag: bootstrap(np.where(mask, ious, np.nan), self.videos["a2d"]) for tag, mask in chosen.items() if mask.any()}

    def tagged(self, tag: str) -> np.ndarray:
        """Which samples of the A2D test set have a tag, bool (N,): "decided_by=motion", or "novelty" alone for any value of it.

        A tag that begins with "not " asks for all the others.
        """
        name, _, wanted = tag.removeprefix("not ").partition("=")
        found = []
        for tags in self.samples["tags"]:
            value = tags.get(name)
            values = [str(one) for one in value] if isinstance(value, list) else [str(value)] if value is not None else []
            found.append(wanted in values if wanted else bool(values))
        return np.array(found) ^ tag.startswith("not ")

    def pairs(self, grid: str, first: str, second: str, second_grid: str | None = None) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The runs of two variants that have the same seed."""
        others = {run["seed"]: run for run in self.of(second_grid or grid, second)}
        return [(run, others[run["seed"]]) for run in self.of(grid, first) if run["seed"] in others]

    def by_video(self, grid: str, variant: str, *path: str) -> np.ndarray:
        """Values by video (seeds, V), NaN where there is none, such as of ("paraphrases", "consistency")."""
        return np.array([values for run in self.of(grid, variant) if (values := values_by_video(run, path)) is not None], np.float64)

    def difference_by_video(self, grid: str, first: str, second: str, *path: str, less: tuple[str, ...] = ()) -> Interval | None:
        """Second minus first, of values by video, seed by seed; of what they exceed those at `less` by, if given."""
        pairs = [(values_by_video(one, path, less), values_by_video(other, path, less)) for one, other in self.pairs(grid, first, second)]
        differences = [other - one for one, other in pairs if one is not None and other is not None]
        return bootstrap(np.stack(differences), self.videos_of(path)) if differences else None

    def videos_of(self, path: tuple[str, ...]) -> list[str]:
        """The videos that values by video belong to, in order."""
        return list(dict.fromkeys(self.videos["paraphrases" if path[0] == "paraphrases" else "probed"]))


def values_by_video(run: Mapping[str, Any], path: tuple[str, ...], less: tuple[str, ...] = ()) -> np.ndarray | None:
    """Values by video (V,) of a run, NaN for videos without; None where the run has none at all, as blind ones of attention.

    With `less`, what they exceed the values there by.
    """
    if less:
        values, others = values_by_video(run, path), values_by_video(run, less)
        return None if values is None or others is None else values - others
    value: Any = run
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return np.array([np.nan if one is None else one for one in value], np.float64) if value else None


def max_loss_spike(run: Mapping[str, Any]) -> float:
    """The highest training loss of a run after its first tenth, in medians of the loss there: below 2 when nothing happened.

    Much more means that a step went wrong and the network had to begin again.
    """
    last = run["loss"][-1][0]
    later = [loss for step, loss in run["loss"] if step > last / 10]
    return float(np.max(later) / np.median(later))


def iou_of(result: Mapping[str, Any]) -> np.ndarray:
    """IoU of every sample of a test (N,)."""
    return np.asarray(smoothed_iou(np.array(result["intersection"]), np.array(result["union"])))


def itself(ious: np.ndarray) -> np.ndarray:
    """IoU as the score: differences are in mean IoU."""
    return ious


def above(threshold: float) -> Callable[[np.ndarray], np.ndarray]:
    """Whether IoU exceeds a threshold: differences are in P@K."""
    return lambda ious: (ious > threshold).astype(float)
