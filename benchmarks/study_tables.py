"""The tables of the study of the paper's claims, from results/study/summary.json, for `benchmarks/tables.py`."""

import json
from pathlib import Path

RESULTS = Path(__file__).parent.parent / "results" / "study"
NOT_RUN = "The study has not been run; `benchmarks/study.sh` makes it."


def summary() -> dict:
    """What `acga ablate` wrote last; empty before the study was run."""
    path = RESULTS / "summary.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def percent(interval: dict[str, float]) -> str:
    """A mean with its interval."""
    return f"{100 * interval['mean']:.1f} [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"


def variants() -> str:
    """Every variant of every grid on both test sets."""
    found = summary()
    if not found:
        return NOT_RUN
    lines = ["| grid | variant | seeds | mIoU | P@0.5 | P@0.8 | oIoU | J-HMDB twin, mIoU |", "|---|---|---|---|---|---|---|---|"]
    for grid, rows in found["grids"].items():
        for name, row in rows.items():
            drawn = row["a2d"]
            cells = [
                percent(drawn["mIoU"]),
                percent(drawn["P@0.5"]),
                *(f"{100 * drawn[metric]['mean']:.1f}" for metric in ("P@0.8", "oIoU")),
            ]
            cells.append(percent(row["jhmdb"]["mIoU"]) if "jhmdb" in row else "")
            lines.append(f"| {grid.replace('_', ' ')} | {name} | {row['seeds']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def ladder() -> str:
    """The grid of the claims in short: mean IoU on both test sets."""
    found = summary()
    if not found:
        return NOT_RUN
    lines = ["| network | mIoU, A2D twin | P@0.5 | mIoU, J-HMDB twin |", "|---|---|---|---|"]
    for grid in ("claims", "controls"):
        for name, row in found["grids"].get(grid, {}).items():
            elsewhere = percent(row["jhmdb"]["mIoU"]) if "jhmdb" in row else ""
            lines.append(f"| {name} | {percent(row['a2d']['mIoU'])} | {100 * row['a2d']['P@0.5']['mean']:.1f} | {elsewhere} |")
    return "\n".join(lines)


def verdicts() -> str:
    """Each claim as differences that should be above zero."""
    found = summary()
    if not found:
        return NOT_RUN
    lines = ["| claim | difference, in points | mean [95 % interval] | |", "|---|---|---|---|"]
    lines += [f"| {one['claim']} | {one['what']} | {percent(one['interval'])} | {one['verdict']} |" for one in found["claims"]]
    return "\n".join(lines)


def cost() -> str:
    """What it took."""
    found = summary()
    if not found:
        return NOT_RUN
    of = found["cost"]
    commits = ", ".join(commit[:7] for commit in of["commits"])
    return f"{of['runs']} runs, {of['hours']:.1f} hours of a core in all (two ran side by side), at commit {commits}:\n\n" + "\n".join(
        f"- `{command}`" for command in of["commands"]
    )
