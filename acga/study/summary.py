"""A study summed up: the rows of variants, what it says of the paper's claims, and what the runs took."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from ..metrics import METRICS
from ..system.files import read_json, rounded, write_json
from .bootstrap import Interval
from .claims import measure_claims
from .records import STUDY, Study
from .variants import GRIDS


class _Saved(TypedDict):
    grids: dict[str, dict[str, dict[str, Any]]]
    claims: list[dict[str, Any]]
    cost: dict[str, Any]


@dataclass(frozen=True)
class Summary:
    """The summary of a study, as plain values.

    Args:
        grids: by grid a row for each variant that was run, over the seeds that all of them have.
        claims: what `acga.study.claims.measure_claims` gives.
        cost: what the runs took.
    """

    grids: dict[str, dict[str, dict[str, Any]]]
    claims: list[dict[str, Any]]
    cost: dict[str, Any]

    @classmethod
    def of(cls, study: Study) -> Summary:
        """Sum up."""
        grids = {grid: grid_rows(study, grid) for grid in GRIDS}
        return cls({grid: rows for grid, rows in grids.items() if rows}, measure_claims(study), cost_of_runs(study))

    @classmethod
    def read(cls, folder: str | Path = STUDY) -> Summary:
        """Read the summary in a study's folder, by default ours. Raises `ConfigError`."""
        found = read_json(Path(folder) / "summary.json", _Saved)
        return cls(found["grids"], found["claims"], found["cost"])

    def write(self, folder: str | Path) -> None:
        """Write `folder`/summary.json."""
        write_json(Path(folder) / "summary.json", rounded(asdict(self), 6))

    def about(self, claim: str) -> list[dict[str, Any]]:
        """The measurement of a claim."""
        return [one for one in self.claims if one["claim"] == claim]

    def lines(self, grid: str) -> list[str]:
        """A table of one grid, and the verdicts, to print."""
        rows = [
            f"{name:28s} {row['seeds']} seeds  "
            + "  ".join(f"{test} mIoU {Interval.of(row[test]['mIoU'])}" for test in ("a2d", "jhmdb") if test in row)
            for name, row in self.grids.get(grid, {}).items()
        ]
        return rows + [f"{one['claim']}: {one['verdict']}; {one['statement']}: {Interval.of(one['interval'])}" for one in self.claims]


def grid_rows(study: Study, grid: str) -> dict[str, dict[str, Any]]:
    """The rows of a grid's variants that were run, over the seeds that all of them have; none where a grid's own were not run."""
    named = {label: variant.name for label, variant in GRIDS[grid].items() if variant.name in study.variants}
    seeds = study.seeds(*named.values()) if named else []
    own = grid == "claims" or any(variant.name not in GRIDS["claims"] for label, variant in GRIDS[grid].items() if label in named)
    return {label: variant_row(study, name, seeds) for label, name in named.items()} if seeds and own else {}


def variant_row(study: Study, variant: str, seeds: list[int] | None = None) -> dict[str, Any]:
    """A variant's metrics: mean and spread over seeds, for mean IoU, P@0.5 and the probes the interval over videos and seeds."""
    seeds = study.seeds(variant) if seeds is None else seeds
    runs = study.runs[(study.runs["variant"] == variant) & study.runs["seed"].isin(seeds)]
    row: dict[str, Any] = {"seeds": len(runs), "seconds": float(runs["training_seconds"].mean())}
    for test in ("a2d", "jhmdb"):
        if f"{test} mIoU" in runs and runs[f"{test} mIoU"].notna().all():
            of = {name: runs[f"{test} {name}"].to_numpy(np.float64) for name in METRICS}
            spread = {name: float(values.std(ddof=1)) if len(runs) > 1 else None for name, values in of.items()}
            row[test] = {name: {"mean": float(values.mean()), "spread": spread[name]} for name, values in of.items()}
            for name, score in (("mIoU", "IoU"), ("P@0.5", "P@0.5")):
                row[test][name] |= study.mean(variant, score, test=test, seeds=seeds)._asdict()
    for name in ("precision", "recall"):
        row[name] = study.mean(variant, name, seeds=seeds)._asdict()
    if runs["presence_auroc"].notna().any():
        row["presence_auroc"] = {"mean": float(runs["presence_auroc"].mean())}
    made = study.probes[study.probes["variant"] == variant].dropna(subset="value")  # a release without tags leaves some without a value
    for name in made["probe"].unique():
        row[name] = study.probe_mean(variant, name, seeds=seeds)._asdict()
    return row


def cost_of_runs(study: Study) -> dict[str, Any]:
    """The cost of the runs: how many, in how many hours, at which commits. (Each has its own command, in its record.)"""
    return {
        "runs": len(study.runs),
        "hours": float((study.runs["training_seconds"] + study.runs["probing_seconds"]).sum() / 3600),
        **{name: sorted(study.runs[name].unique().tolist(), key=str) for name in ("threads", "commit")},
    }
