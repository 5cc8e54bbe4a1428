"""The tables of the study of the paper's claims, from results/study/ and results/study_long/, for `benchmarks/tables.py`."""

import json
from pathlib import Path

RESULTS = Path(__file__).parent.parent / "results"
NOT_RUN = "The study has not been run; `benchmarks/study.sh` makes it."
STUDIES = {"study": "short runs", "study_long": "longer runs"}


def summary(study: str) -> dict:
    """What `acga ablate` wrote last; empty before the study was run."""
    path = RESULTS / study / "summary.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def percent(interval: dict[str, float]) -> str:
    """A mean with its interval."""
    return f"{100 * interval['mean']:.1f} [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"


def reading(row: dict) -> str:
    """Mean IoU that is lost when a query is about a kind of actor that is not there: near zero, the network does not read."""
    return f"{100 * (row['as asked']['mean'] - row['about something absent']['mean']):.1f}" if "as asked" in row else ""


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in [header, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])


def ladder() -> str:
    """The variants of the claims, after short and after longer runs."""
    rows = {study: summary(study).get("grids", {}).get("claims", {}) for study in STUDIES}
    names = dict.fromkeys(name for found in rows.values() for name in found)
    columns = {
        "A2D twin": lambda row: percent(row["a2d"]["mIoU"]),
        "J-HMDB twin": lambda row: percent(row["jhmdb"]["mIoU"]),
        "reading": reading,
    }
    header = ["mean IoU", *(f"{title}: {column}" for title in STUDIES.values() for column in columns)]
    cells = [
        [name, *(column(rows[study][name]) if name in rows[study] else "" for study in STUDIES for column in columns.values())]
        for name in names
    ]
    return markdown(header, cells) if cells else NOT_RUN


def variants(study: str) -> str:
    """Every variant of every grid on both test sets."""
    found = summary(study)
    rows = [[grid.replace("_", " "), name, *scores(row)] for grid, of in found.get("grids", {}).items() for name, row in of.items()]
    return (
        markdown(["grid", "variant", "seeds", "mIoU", "P@0.5", "P@0.8", "oIoU", "J-HMDB twin, mIoU", "reading", "told apart"], rows)
        if rows
        else NOT_RUN
    )


def scores(row: dict) -> list[str]:
    """What the table of all variants tells of one."""
    drawn = row["a2d"]
    plain = [f"{100 * drawn[metric]['mean']:.1f}" for metric in ("P@0.8", "oIoU")]
    elsewhere = percent(row["jhmdb"]["mIoU"]) if "jhmdb" in row else ""
    told_apart = f"{100 * row['told apart']['mean']:.1f}" if "told apart" in row else ""
    return [str(row["seeds"]), percent(drawn["mIoU"]), percent(drawn["P@0.5"]), *plain, elsewhere, reading(row), told_apart]


def verdicts(study: str) -> str:
    """Each claim as differences that should be above zero."""
    rows = [[one["claim"], one["what"], percent(one["interval"]), one["verdict"]] for one in summary(study).get("claims", [])]
    return markdown(["claim", "difference, in points", "mean [95 % interval]", "verdict"], rows) if rows else NOT_RUN


def cost(study: str) -> str:
    """What it took."""
    found = summary(study)
    if not found:
        return NOT_RUN
    of = found["cost"]
    commits = ", ".join(commit[:7] for commit in of["commits"])
    about = f"{of['runs']} runs, {of['hours']:.1f} hours of a core in all (two ran side by side), at commit {commits}:"
    return "\n".join([about, "", *(f"- `{command}`" for command in of["commands"])])
