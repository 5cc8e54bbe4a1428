"""Sliders of saved notebooks work on the site without a kernel."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest
from helpers.browsers import browser, needs_browser
from helpers.paths import ROOT

sys.path.insert(0, str(ROOT / "docs"))
from sliders import VIEW, slider, with_live_sliders

SAVED = ROOT / "notebooks" / "04_language_guided_vision_attention.ipynb"


@pytest.fixture(scope="module")
def shown() -> str:
    """The slider of notebook 04 in HTML."""
    notebook = with_live_sliders(nbformat.read(SAVED, as_version=4))
    found = [output["data"]["text/html"] for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output
             and "acga-slider" in output["data"].get("text/html", "")]  # fmt: skip
    assert len(found) == 1
    return found[0]


def test_every_scrubber_of_the_series_becomes_one() -> None:
    for path in ROOT.glob("notebooks/*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        scrubbers = sum(
            VIEW in o.get("data", {}) and "Scrubber" in o["data"]["text/plain"] for c in notebook.cells for o in c.get("outputs", [])
        )
        changed = with_live_sliders(notebook)
        made = sum("acga-slider" in o.get("data", {}).get("text/html", "") for c in changed.cells for o in c.get("outputs", []))
        assert made == scrubbers, path.name


def test_a_widget_without_pictures_is_left_alone() -> None:
    assert slider({}, "unknown") is None
    assert slider({"a": {"model_name": "VBoxModel", "state": {"children": []}}}, "a") is None


@needs_browser
def test_one_picture_is_shown_and_the_slider_changes_it(shown: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f"<!doctype html><meta charset=utf-8>{shown}", encoding="utf-8")
    with browser() as context:
        page = context.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        pictures, control = page.locator("img"), page.locator("input[type=range]")
        count, start = pictures.count(), int(control.input_value())
        assert [pictures.nth(n).is_visible() for n in range(count)] == [n == start for n in range(count)]
        control.focus()
        page.keyboard.press("Home")
        assert [pictures.nth(n).is_visible() for n in range(count)] == [n == 0 for n in range(count)]
        assert page.locator("output").inner_text() == "0"
