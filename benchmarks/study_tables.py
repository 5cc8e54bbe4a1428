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


def ladder() -> str:
    """The variants of the claims, after short and after longer runs."""
    rows = {study: summary(study).get("grids", {}).get("claims", {}) for study in STUDIES}
    names = dict.fromkeys(name for found in rows.values() for name in found)
    if not names:
        return NOT_RUN
    columns = {
        "A2D twin": lambda row: percent(row["a2d"]["mIoU"]),
        "J-HMDB twin": lambda row: percent(row["jhmdb"]["mIoU"]),
        "reading": reading,
    }
    titles = " | ".join(f"{title}: {column}" for title in STUDIES.values() for column in columns)
    lines = [f"| mean IoU | {titles} |", "|---|" + "---|" * len(columns) * len(STUDIES)]
    for name in names:
        cells = [column(rows[study][name]) if name in rows[study] else "" for study in STUDIES for column in columns.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def variants(study: str) -> str:
    """Every variant of every grid on both test sets."""
    found = summary(study)
    if not found:
        return NOT_RUN
    lines = [
        "| grid | variant | seeds | mIoU | P@0.5 | P@0.8 | oIoU | J-HMDB twin, mIoU | reading |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for grid, rows in found["grids"].items():
        for name, row in rows.items():
            drawn = row["a2d"]
            cells = [
                percent(drawn["mIoU"]),
                percent(drawn["P@0.5"]),
                *(f"{100 * drawn[metric]['mean']:.1f}" for metric in ("P@0.8", "oIoU")),
            ]
            cells += [percent(row["jhmdb"]["mIoU"]) if "jhmdb" in row else "", reading(row)]
            lines.append(f"| {grid.replace('_', ' ')} | {name} | {row['seeds']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdicts(study: str) -> str:
    """Each claim as differences that should be above zero."""
    found = summary(study)
    if not found:
        return NOT_RUN
    lines = ["| claim | difference, in points | mean [95 % interval] | |", "|---|---|---|---|"]
    lines += [f"| {one['claim']} | {one['what']} | {percent(one['interval'])} | {one['verdict']} |" for one in found["claims"]]
    return "\n".join(lines)


def cost(study: str) -> str:
    """What it took."""
    found = summary(study)
    if not found:
        return NOT_RUN
    of = found["cost"]
    commits = ", ".join(commit[:7] for commit in of["commits"])
    about = f"{of['runs']} runs, {of['hours']:.1f} hours of a core in all (two ran side by side), at commit {commits}:"
    return "\n".join([about, "", *(f"- `{command}`" for command in of["commands"])])
