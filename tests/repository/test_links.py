"""Every link in the documents and notebooks leads somewhere: to a file, to a heading in it, or to the definition that it names."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from helpers.paths import ROOT
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

DOCUMENTS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("results/*.md"),
    *ROOT.glob("notebooks/**/*.md"),
    *ROOT.glob("notebooks/**/*.ipynb"),
]
ELSEWHERE = re.compile(r"(https?://|mailto:|data:image/)")
MADE_WITH_THE_SITE = "../_static/demo.html"
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table").use(dollarmath_plugin)


@dataclass(frozen=True)
class Link:
    """What a reader clicks on, and where it leads."""

    text: str
    target: str


def prose(path: Path) -> str:
    """A document's Markdown; of a notebook, its Markdown cells."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    return "\n\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")


def tokens(text: str) -> Iterator[Token]:
    """The parts of Markdown in order; code and formulas, where brackets mean other things, are parts of their own."""
    for token in MARKDOWN.parse(text):
        yield token
        yield from token.children or []


def links(text: str) -> list[Link]:
    """All links and images in Markdown, those in HTML included."""
    found, inside = [], ""
    for token in tokens(text):
        if token.type == "link_open":
            inside = str(token.attrs["href"])
            found.append(Link("", inside))
        elif token.type == "link_close":
            inside = ""
        elif token.type == "image":
            found.append(Link(token.content, str(token.attrs["src"])))
        elif token.type in ("html_inline", "html_block"):
            found += [Link("", target) for target in re.findall(r"\b(?:href|src)=[\"']([^\"']+)", token.content)]
        elif inside:
            mark = "`" if token.type == "code_inline" else ""
            found[-1] = Link(found[-1].text + mark + token.content + mark, inside)
    return found


def anchors(text: str) -> list[str]:
    """The names of a document's headings, as GitHub and the site make them, and those given in HTML."""
    named: list[str] = []
    parts = list(tokens(text))
    for before, token in itertools.pairwise(parts):
        if before.type == "heading_open":
            shown = "".join(part.content for part in token.children or [] if part.type in ("text", "code_inline", "math_inline"))
            slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
            repeated = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", name) is not None for name in named)
            named.append(f"{slug}-{repeated}" if repeated else slug)
    html = "".join(part.content for part in parts if part.type in ("html_inline", "html_block"))
    return [*named, *re.findall(r"\b(?:id|name)=[\"']([^\"']+)", html)]


def fault(link: Link, document: Path) -> str | None:
    """What is wrong with a link, or None."""
    path, _, anchor = link.target.partition("#")
    target = (document.parent / path) if path else document
    if ELSEWHERE.match(link.target) or link.target == MADE_WITH_THE_SITE:
        return None
    if not target.is_file():
        return f"{link.target}: no such file"
    if not target.resolve().is_relative_to(ROOT.resolve()) or path.startswith("/"):
        return f"{link.target}: outside of the repository"
    if anchor and (target.suffix not in (".md", ".ipynb") or anchor not in anchors(prose(target))):
        return f"{link.target}: no such heading"
    name = re.fullmatch(r"`(?:\w+\.)*(\w+)(?:\(\))?`", link.text)  # [`ACGA`](acga/model/network.py) names what is defined there
    if (
        name
        and target.suffix == ".py"
        and not re.search(rf"^\s*(?:class|def) {name[1]}\b|^{name[1]}\b.*=", target.read_text(encoding="utf-8"), re.M)
    ):
        return f"{link.target}: it does not define {name[1]}"
    return None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    assert [found for link in links(prose(document)) if (found := fault(link, document))] == []


@pytest.mark.parametrize("notebook", sorted(ROOT.glob("notebooks/*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_leads_to_the_map(notebook: Path) -> None:
    assert "README.md" in {link.target.partition("#")[0] for link in links(prose(notebook))}


@pytest.mark.parametrize(
    "text, found",
    [
        ('[a](b.md) and [`c`](d.py#e "f")', [("a", "b.md"), ("`c`", "d.py#e")]),
        ("[a\nb](c.md)", [("ab", "c.md")]),
        ("![a](b.png)", [("a", "b.png")]),
        ("[![a](b.png)](c.md)", [("", "c.md"), ("a", "b.png")]),
        ('<img width="3" src="a.png"> <a href=\'b.md\'>c</a>', [("", "a.png"), ("", "b.md")]),
        ("[a][b]\n\n[b]: c.md", [("a", "c.md")]),
        ("`[a](b)` ``[a](`b)`` $x[i](j)$ $$\nx[i](j)\n$$\n```\n[a](b)\n```\n", []),
        ("it costs $3 [a](b.md)", [("a", "b.md")]),
    ],
)
def test_links_are_found_outside_of_code_and_formulas(text: str, found: list[tuple[str, str]]) -> None:
    assert sorted((link.text, link.target) for link in links(text)) == sorted(found)


@pytest.mark.parametrize(
    "text, named",
    [
        ("# Eq. 3-4, one `pixel` at a time", ["eq-3-4-one-pixel-at-a-time"]),
        ("## Same\n### Same\n", ["same", "same-1"]),
        ("## 01 · The data: a clip\n```\n# not a heading\n```\n", ["01--the-data-a-clip"]),
        ("## See [the map](README.md) ##", ["see-the-map"]),
        ('<a id="here"></a>', ["here"]),
    ],
)
def test_headings_are_named_as_on_github(text: str, named: list[str]) -> None:
    assert anchors(text) == named


@pytest.mark.parametrize(
    "text, target, wrong",
    [
        ("a", "https://example.org/nothing", None),
        ("a", "README.md", None),
        ("a", "acga/model", "no such file"),
        ("a", "README.md#run-it", None),
        ("`acga.ACGA`", "acga/model/network.py", None),
        ("`PALETTE`", "acga/output/overlay.py", None),
        ("a", "nothing.md", "no such file"),
        ("a", "README.md#nothing", "no such heading"),
        ("a", "#nothing", "no such heading"),
        ("a", "acga/model/network.py#L3", "no such heading"),
        ("`Nothing`", "acga/model/network.py", "does not define Nothing"),
    ],
)
def test_a_broken_link_is_called_broken(text: str, target: str, wrong: str | None) -> None:
    found = fault(Link(text, target), ROOT / "README.md")
    assert (found is None) if wrong is None else (wrong in (found or ""))


def test_a_link_out_of_the_repository_is_called_broken(tmp_path: Path) -> None:
    (tmp_path / "a.md").touch()
    link = Link("a", os.path.relpath(tmp_path / "a.md", ROOT))
    assert fault(link, ROOT / "README.md") == f"{link.target}: outside of the repository"
