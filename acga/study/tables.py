"""The tables that documents and notebooks show: the paper's, and the study's in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..errors import ConfigError
from ..system.files import read_json
from .bootstrap import Interval

if TYPE_CHECKING:
    from .summary import Summary

RESULTS = Path(__file__).parents[2] / "results"  # of a checkout: an installed package has none
PAPER = Path(__file__).with_name("paper.csv")  # as docs/PAPER.md has them


def published(benchmark: str) -> pd.DataFrame:
    """The rows that the paper reports for "A2D Sentences" or "J-HMDB Sentences", in percent; columns are named as ours.

    Raises `ConfigError` for another benchmark.

    >>> published("A2D Sentences").loc["+ attention = ACGA (paper)", "mIoU"]
    np.float64(49.0)
    """
    rows = _paper()
    if benchmark not in set(rows["benchmark"]):
        raise ConfigError(f"The paper has no results on {benchmark!r}; choose {' or '.join(rows['benchmark'].unique())}.")
    return rows[rows["benchmark"] == benchmark].set_index("system").rename_axis(None).drop(columns=["benchmark", "variant"])


def reported_gain(benchmark: str, metric: str, less: str | None, first: str, second: str) -> float | None:
    """The paper's gain of the second variant over the first, in points; None where it has no such two.

    Of a metric, or of what it exceeds the metric `less` by.

    >>> reported_gain("A2D Sentences", "mIoU", "oIoU", "+ fusion", "+ weighted loss")
    2.3
    """
    rows = _paper()
    rows = rows[rows["benchmark"] == benchmark].dropna(subset="variant").set_index("variant")
    if not {first, second} <= set(rows.index):
        return None
    values = rows[metric] - (0 if less is None else rows[less])
    return round(float(values[second] - values[first]), 1)


@lru_cache
def _paper() -> pd.DataFrame:
    """All rows: benchmark, system, the variant of ours that it is compared with, and metrics."""
    return pd.read_csv(PAPER)


def shipped_results(benchmark: str, weights: str = "thin_residual", *, folder: Path = RESULTS) -> Path:
    """The evaluation of embedded weights on "a2d" or "jhmdb", our drawn twins. Raises `ConfigError` when it is not there."""
    path = folder / weights / f"{benchmark}.json.gz"
    if not path.is_file():
        raise ConfigError(f"There is no evaluation {path}; run this in a checkout of the repository.")
    return path


def ladder(summary: Summary, benchmark: str, metric: str = "mIoU", *, reproduced: str | Path | None = None) -> pd.DataFrame:
    """The paper's systems that we trained too: its number, the official README's, ours on the drawn twin, and ours on real videos.

    Dynamic convolution stands there a second time, with a learning rate of its own.

    `reproduced` is the folder of `acga reproduce`, with `a2d/report.json` or `jhmdb/report.json` or both. What it has no report of is
    "not run". Raises `ConfigError` for another benchmark, when the folder has neither report, and when a report is of another benchmark.
    """
    paper, rows = published(benchmark)[metric], _paper()
    systems = rows[(rows["benchmark"] == benchmark) & rows["variant"].notna()].set_index("variant")["system"]
    test, grid = {"A2D Sentences": "a2d", "J-HMDB Sentences": "jhmdb"}[benchmark], summary.grids["claims"]
    real = {} if reproduced is None else _reproduced(Path(reproduced), test, benchmark)
    named = {str(variant): str(system) for variant, system in systems.items()}
    named |= {name: f"… at {name.partition(', ')[2]}" for name in grid if name.startswith("dynamic convolution, ")}
    table = {}
    for variant in sorted(named, key=list(grid).index):
        system, ours = named[variant], grid[variant][test][metric]
        table[system] = {
            "paper": f"{paper[system]:.1f}" if system in paper else "",
            "official README": f"{paper['ACGA (official README)']:.1f}" if variant == "ACGA" else "",
            "ours, cartoons": str(Interval.of(ours)) if "low" in ours else f"{100 * ours['mean']:.1f}",
            "ours, real videos": f"{100 * real[variant][metric]:.1f}" if variant in real else "not run",
        }
    return pd.DataFrame(table).T.rename_axis(f"{benchmark}, {metric} in %")


def _reproduced(folder: Path, test: str, benchmark: str) -> dict[str, dict[str, float]]:
    """The metrics of a reproduction by variant; none where only the other benchmark was run."""
    if not (folder / test / "report.json").is_file():
        if not any(folder.glob("*/report.json")):
            raise ConfigError(f"{folder} has no a2d/report.json or jhmdb/report.json; give the folder that acga reproduce wrote.")
        return {}
    report = read_json(folder / test / "report.json", dict[str, Any])
    if report.get("benchmark") != benchmark:
        raise ConfigError(f"{folder / test / 'report.json'} is of {report.get('benchmark')}, not of {benchmark}.")
    return {**report.get("ladder", {}), "ACGA": report["metrics"]}


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table.

    >>> print(markdown(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = ["| " + " | ".join(cells) + " |" for cells in [header, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])


def headline(decisions: Sequence[dict[str, Any]], titles: dict[str, str]) -> str:
    """A row for each planned test, with the claim at its first."""
    rows, before = [], ""
    for one in decisions:
        title = "" if one["claim"] == before else f"**{one['claim']}**: {titles[one['claim']]}"
        test = f"{one['outcome']}, {one['difference']}"
        rows.append([title, test, _points(one["paper"]), str(Interval.of(one["interval"])), one["verdict"]])
        before = one["claim"]
    return markdown(["claim", "difference in", "paper, real videos", "here", "verdict"], rows)


def decided_claims(
    decisions: Sequence[dict[str, Any]], titles: dict[str, str], beside: Mapping[str, Sequence[dict[str, Any]]] | None = None
) -> str:
    """The planned tests of a study, with what each seed alone would say, and the p-value that Holm's correction leaves.

    `beside` names further studies, whose intervals and verdicts of the same tests are shown as well.
    """
    rows, before = [], ""
    others = [{_test(one): one for one in more} for more in (beside or {}).values()]
    for one in decisions:
        title = "" if one["claim"] == before else f"**{one['claim']}: {titles[one['claim']]}**"
        each = ", ".join(f"{100 * of_seed:+.1f}" for of_seed in one["by_seed"])
        here = str(Interval.of(one["interval"]))
        test = f"{one['outcome']}, {one['difference']}"
        found = [of.get(_test(one)) for of in others]
        more = ["" if other is None else f"{Interval.of(other['interval'])}: {other['verdict']}" for other in found]
        rows.append([title, test, here, each, f"{one['corrected p']:.3f}", one["verdict"], *more, _points(one["paper"])])
        before = one["claim"]
    head = ["claim", "difference in", "here [95 % interval]", "each seed", "p, corrected", "verdict", *(beside or {}), "paper, real videos"]
    return markdown(head, rows)


def _test(one: Mapping[str, Any]) -> tuple[str, ...]:
    """Claim, outcome and variants, which tell a planned test apart."""
    return tuple(one[name] for name in ("claim", "outcome", "first", "second"))


def headline_claims(claims: Sequence[dict[str, Any]], titles: dict[str, str]) -> str:
    """The differences that are shown of each claim, with those of single seeds."""
    rows, before = [], ""
    for one in claims:
        if one["role"] != "exploratory":
            each = ", ".join(f"{100 * of_seed:+.1f}" for of_seed in one["by_seed"].values())
            title = "" if one["claim"] == before else f"**{one['claim']}: {titles[one['claim']]}**"
            rows.append([title, one["statement"], str(Interval.of(one["interval"])), each, one["verdict"], _points(one["paper"])])
            before = one["claim"]
    return markdown(["claim", "difference in", "here [95 % interval]", "each seed", "verdict", "paper, real videos"], rows)


def variant_rows(grids: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Every variant of every grid on both test sets.

    Reading is the mean IoU that is lost when a query is about a kind of actor that is not there: near zero, a network does not read.
    """
    rows = [
        [
            grid.replace("_", " "),
            name,
            str(row["seeds"]),
            *(str(Interval.of(row["a2d"][metric])) for metric in ("mIoU", "P@0.5")),
            *(f"{100 * row['a2d'][metric]['mean']:.1f}" for metric in ("P@0.8", "oIoU")),
            str(Interval.of(row["jhmdb"]["mIoU"])) if "jhmdb" in row else "",
            f"{100 * (row['as asked']['mean'] - row['about something absent']['mean']):.1f}" if "as asked" in row else "",
            f"{100 * row['presence_auroc']['mean']:.1f}" if "presence_auroc" in row else "",
        ]
        for grid, of in grids.items()
        for name, row in of.items()
    ]
    scores = ["mIoU", "P@0.5", "P@0.8", "oIoU", "J-HMDB twin, mIoU", "reading", "presence AUROC"]
    return markdown(["grid", "variant", "seeds", *scores], rows)


def _points(gain: float | None) -> str:
    return "" if gain is None else f"{gain:+.1f}"
