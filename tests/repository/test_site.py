"""`make site` renders the whole series, without a warning, without running a cell, and to be read without a network."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from helpers.paths import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "site"
    built = subprocess.run([sys.executable, str(ROOT / "docs" / "site.py"), str(folder)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    assert list(folder.parent.iterdir()) == [folder]  # nothing was left behind
    return folder


def test_every_notebook_and_document_is_a_page(site: Path) -> None:
    wanted = [
        "README.md",
        "CONTRIBUTING.md",
        *(path.relative_to(ROOT) for part in ("docs/*.md", "notebooks/*.ipynb") for path in ROOT.glob(part)),
    ]
    assert [str(path) for path in wanted if not (site / path).with_suffix(".html").exists()] == []


def test_it_begins_with_the_landing_page_and_has_the_demo(site: Path) -> None:
    assert "docs/landing.html" in (site / "index.html").read_text(encoding="utf-8")
    landing = (site / "docs" / "landing.html").read_text(encoding="utf-8")
    for linked in ("_static/demo.html", "notebooks/00_overview.html", "notebooks/08b_claims.html", "_static/favicon.svg"):
        assert f"../{linked}" in landing and (site / linked).is_file()


def test_the_demo_is_small_and_has_a_verdict_on_each_sentence(site: Path) -> None:
    page = (site / "_static" / "demo.html").read_text(encoding="utf-8")
    assert len(page) < 6_500_000
    data = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)
    assert data is not None
    clips = json.loads(data[1])["clips"]
    assert len(clips) == 6 and all(len(clip["queries"]) >= 3 for clip in clips)
    for clip in clips:
        for query in clip["queries"]:
            assert clip["answers"][query["text"]]["verdict"] in ("found", "unsure", "not here")
            assert len(query["words"]) == 1 or all(text in clip["answers"] for text in query["without"])


def test_nothing_on_a_page_comes_from_the_network(site: Path) -> None:
    loaded = re.compile(r"<(?:script|img|iframe|link rel=\"(?:stylesheet|preload|icon)\")[^>]*?(?:src|href)=\"(?:https?:)?//[^\"]+")
    assert {found for page in site.rglob("*.html") for found in loaded.findall(page.read_text(encoding="utf-8"))} == set()
    assert (site / "_static" / "mathjax" / "tex-chtml.js").exists()


def test_pictures_are_shown_those_that_stand_for_widgets_included(site: Path) -> None:
    for path in ROOT.glob("notebooks/*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        kinds = [output.get("data", {}).keys() for cell in cells for output in cell.get("outputs", [])]
        pictures = [kind for kind in kinds if kind & {"image/png", "image/jpeg"} and "text/html" not in kind]
        page = (site / "notebooks" / path.name).with_suffix(".html").read_text(encoding="utf-8")
        assert page.count("<img") >= len(pictures), path.name
