"""The documents say what results/, the weights and the notebooks hold, and nothing else."""

from __future__ import annotations

import itertools
import os
import re
import runpy
import shlex
import subprocess
import sys

import pytest
from helpers.paths import ROOT
from markdown_it import MarkdownIt
from nbformat.v4 import new_code_cell

from acga.cli import parse

MARKDOWN = MarkdownIt("commonmark").enable("table")

SERIES = runpy.run_path(str(ROOT / "tools" / "series.py"))


def test_the_tables_are_made_from_what_they_are_about() -> None:
    command = [sys.executable, str(ROOT / "tools" / "tables.py"), "--check"]
    found = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    "repository, path, addresses",
    [
        (None, "notebooks/01_data.ipynb", []),
        (
            "https://github.com/owner/name.git",
            "notebooks/01_data.ipynb",
            [
                "https://mybinder.org/v2/gh/owner/name/HEAD?labpath=notebooks%2F01_data.ipynb",
                "https://colab.research.google.com/github/owner/name/blob/HEAD/notebooks/01_data.ipynb",
            ],
        ),
        (
            "https://github.com/owner/name",
            "notebooks/README.md",
            ["https://mybinder.org/v2/gh/owner/name/HEAD?labpath=notebooks%2FREADME.md"],
        ),
        ("https://example.org/a", "b.ipynb", ["https://mybinder.org/v2/git/https%3A%2F%2Fexample.org%2Fa/HEAD?labpath=b.ipynb"]),
    ],
)
def test_badges_lead_to_the_repository(repository: str | None, path: str, addresses: list[str]) -> None:
    badges = SERIES["opened"](repository, path)
    assert badges.count("](") == 2 * len(addresses)  # each a picture in a link
    assert all(f"]({address})" in badges for address in addresses)


def test_the_time_of_a_notebook_is_from_its_first_cell_to_its_last() -> None:
    def cell(start: str, end: str) -> object:
        execution = {"iopub.execute_input": f"2026-01-01T10:{start}Z", "shell.execute_reply": f"2026-01-01T10:{end}Z"}
        return new_code_cell("1", metadata={"execution": execution})

    assert SERIES["duration"]([cell("00:00.5", "00:02.0"), cell("00:02.1", "01:10.9")]) == "70\N{NO-BREAK SPACE}s"
    assert SERIES["duration"]([cell("00:00.5", "02:58.0")]) == "3\N{NO-BREAK SPACE}min"
    assert SERIES["duration"]([cell("00:00.5", "00:02.0"), new_code_cell("1")]) == "–"


def sentences(text: str) -> list[str]:
    """The sentences of a document's paragraphs and lists, without code blocks, tables and comments."""
    blocks = itertools.pairwise(MARKDOWN.parse(text))
    prose = [token.content for before, token in blocks if token.type == "inline" and before.type not in ("th_open", "td_open")]
    shown = [re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", part) for part in prose]  # of links, what is read
    return [sentence for part in shown for sentence in re.split(r"(?<=[.!?:])\s+", part)]


def test_sentences_of_the_readme_are_short_and_few() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = sentences(text)
    assert [sentence for sentence in found if len(sentence.split()) > 30] == [] and len(found) > 30
    seen = re.sub(r"<!--.*?-->|\]\([^)]*\)", "]", text)
    assert sum(re.search(r"\w", word) is not None for word in seen.split()) < 1000


def test_sentences_are_found() -> None:
    text = "# One head\n\nOne [two three](a.md#b). Four\nfive.\n\n| six. seven |\n|---|\n| eight |\n\n```\nnine. ten\n```\n"
    assert sentences(text) == ["One head", "One two three.", "Four\nfive."]


def test_commands_of_the_readme_are_there() -> None:
    """Each line of a code block that calls acga is parsed: a name that was changed shows here."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    fences = [token.content for token in MARKDOWN.parse(text) if token.type == "fence" and token.info in ("", "sh")]
    lines = [line.strip().removeprefix(".venv/bin/") for block in fences for line in block.splitlines()]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("acga ")]
    assert len(commands) >= 4 and all(parse(command) for command in commands)
