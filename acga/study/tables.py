"""The tables that results are read beside: the paper's, as docs/PAPER.md gives them, and where in results/ ours are."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import pandas as pd

from ..errors import ConfigError

ROOT = Path(__file__).parent.parent  # of a checkout: an installed package has neither docs/ nor results/


def published(title: str, *, root: Path = ROOT) -> pd.DataFrame:
    """A table of docs/PAPER.md by the text in its first column's head, in percent; rows are systems, columns are named as ours.

    Raises `ConfigError` when there is no such table.

    >>> published("A2D Sentences").loc["+ attention = ACGA (paper)", "mIoU"]
    np.float64(49.0)
    """
    path = root / "docs" / "PAPER.md"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    starts = [number for number, line in enumerate(lines) if line.startswith(f"| {title} |")]
    if not starts:
        raise ConfigError(f"{path} has no table {title!r}; run this in a checkout of the repository.")
    table = list(takewhile(lambda line: line.startswith("|"), lines[starts[0] :]))
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    columns = [f"P@0{name.removeprefix('P@')}" if "." in name else name for name in head]
    return pd.DataFrame([[float(cell) for cell in row[1:]] for row in rows], [row[0] for row in rows], columns[1:])


def shipped_results(benchmark: str, *, root: Path = ROOT) -> Path:
    """The evaluation of the embedded weights on "a2d" or "jhmdb", our drawn twins: that of the last of their stages (mini, mini2, …).

    Raises `ConfigError` when it is not there.
    """
    folder = root / "results" / "embedded_default"
    found = sorted(folder.glob(f"mini*_{benchmark}.json"), key=lambda path: (len(path.stem), path.stem))
    if not found:
        raise ConfigError(f"{folder} has no evaluation mini*_{benchmark}.json; run this in a checkout of the repository.")
    return found[-1]
