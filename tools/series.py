"""The table of the notebooks in their map, from the notebooks themselves, and badges once the repository has a public address."""

import re
import tomllib
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).parent.parent
COMPARED = "# NBVAL_CHECK_OUTPUT"


def series() -> str:
    """A row for each notebook."""
    lines = ["| notebook | cells of code | … compared by `make test` | exercises | to run |", "|---|---|---|---|---|"]
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        compared = sum(COMPARED in cell.source for cell in code)
        exercises = sum(cell.source.startswith("# Exercise ") for cell in code)
        title = re.sub(r"^\d+b? · ", "", notebook.cells[0].source.splitlines()[0].lstrip("# "))
        link = f"[{path.stem}]({path.name})<br>{title[0].upper()}{title[1:]}"
        lines.append(f"| {link}{opened(address(), f'notebooks/{path.name}')} | {len(code)} | {compared} | {exercises} | {duration(code)} |")
    return "\n".join(lines)


def duration(code: list[NotebookNode]) -> str:
    """How long the cells took when their outputs were saved; a dash if the notebook does not say."""
    timings = [cell.metadata.get("execution", {}) for cell in code]
    starts = [timing["iopub.execute_input"] for timing in timings if "iopub.execute_input" in timing]
    ends = [timing["shell.execute_reply"] for timing in timings if "shell.execute_reply" in timing]
    if len(starts) < len(code) or len(ends) < len(code):
        return "–"
    passed = (datetime.fromisoformat(ends[-1]) - datetime.fromisoformat(starts[0])).total_seconds()
    return f"{passed:.0f}\N{NO-BREAK SPACE}s" if passed < 100 else f"{passed / 60:.0f}\N{NO-BREAK SPACE}min"


def address() -> str | None:
    """Where the repository is public: `Repository` under `[project.urls]` of pyproject.toml, if it is there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: str | None = project.get("urls", {}).get("Repository")
    return found


def badges() -> str:
    """A badge that opens the series in Binder; nothing while there is no public address."""
    return opened(address(), "notebooks/README.md").removeprefix("<br>")


def opened(repository: str | None, path: str) -> str:
    """Badges that open a file of a repository in Binder and, if it is a notebook on GitHub, in Colab."""
    if not repository:
        return ""
    where = urlsplit(repository.removesuffix(".git"))
    host, name = where.netloc, where.path.strip("/")
    source = f"gh/{name}" if host == "github.com" else f"git/{quote(repository, safe='')}"
    binder = f"https://mybinder.org/v2/{source}/HEAD?labpath={quote(path, safe='')}"
    links = [f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder})"]
    if host == "github.com" and path.endswith(".ipynb"):
        colab = f"https://colab.research.google.com/github/{name}/blob/HEAD/{path}"
        links.append(f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})")
    return "<br>" + " ".join(links)
