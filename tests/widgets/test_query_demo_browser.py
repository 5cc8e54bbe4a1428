"""The query demo in a real browser: as a web page (Voila), and in JupyterLab.

The tests share one page and each leaves it in working order. With ACGA_SCREENSHOTS=figures the pictures of the README and the
notebooks are taken anew.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.browsers import PATIENCE, ROOT, browser, jupyter, needs_browser
from helpers.small import write_clip
from PIL import Image

from acga.inference import ClipSession, Segmenter
from acga.metrics import intersection_over_union
from acga.widgets.clips import DRAWN_CLIPS

pytestmark = needs_browser
LAWN = "Two men and a dog on a lawn"
ANSWERED = ".acga[data-answered=yes]"


@pytest.fixture(scope="module")
def context():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def app(context, tmp_path_factory):
    """The page of `make app`, once its first answer is there."""
    with jupyter(tmp_path_factory.mktemp("voila"), "voila", str(ROOT / "notebooks/app/ask_a_video.ipynb")) as address:
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector(ANSWERED)
        settle(page)
        yield page
        assert page.errors == []
        page.close()


@pytest.fixture
def page(app):
    """The page with one sentence about the first sample."""
    app.set_viewport_size({"width": 1280, "height": 960})
    if app.get_by_label("Clip", exact=True).input_value() != LAWN:
        app.get_by_label("Clip", exact=True).select_option(LAWN)
        app.wait_for_selector(ANSWERED)
    while app.get_by_role("button", name="Remove sentence 2").is_visible():
        app.get_by_role("button", name="Remove sentence 2").click()
    ask(app, "man in red walking")
    return app


@pytest.fixture(scope="module")
def clip():
    return DRAWN_CLIPS[LAWN].draw()


@pytest.fixture(scope="module")
def session(clip):
    return ClipSession.from_frames(Segmenter(device="cpu"), clip.frames)


def settle(page):
    """Wait until nothing is being computed."""
    page.wait_for_function("() => ['Answered', 'Type'].some(start => document.querySelector('.acga-status').textContent.startsWith(start))")


def ask(page, sentence, number=1):
    field = page.get_by_label(f"Sentence {number}", exact=True)
    field.fill(sentence)
    field.press("Enter")
    page.wait_for_function(
        "([text, number]) => [...document.querySelectorAll('.acga-row')][number - 1].querySelectorAll('.acga-word').length > 0"
        " && document.querySelector('.acga').dataset.answered === 'yes'"
        " && [...document.querySelectorAll('.acga-row')][number - 1].querySelector('input').value === text",
        arg=[sentence, number],
    )
    page.wait_for_function("text => document.querySelector('canvas').getAttribute('aria-label').includes(text)", arg=sentence)
    settle(page)


def pixels(page):
    """What the canvas shows: RGB (H, W, 3)."""
    address = page.evaluate("document.querySelector('.acga-canvas').toDataURL('image/png')")
    encoded = np.frombuffer(base64.b64decode(address.partition(",")[2]), np.uint8)
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1].astype(int)


def slide(page, label, value):
    page.get_by_label(label, exact=True).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", str(value)
    )


def picture(page, name, tmp_path, *, height=1080):
    """A screenshot: a figure of the repository if it is to be renewed, in few colours to keep it small."""
    folder = ROOT / os.environ["ACGA_SCREENSHOTS"] if "ACGA_SCREENSHOTS" in os.environ else tmp_path
    path = folder / f"query_demo_{name}.png"
    size = page.viewport_size
    page.set_viewport_size({**size, "height": height})
    page.screenshot(path=path)
    page.set_viewport_size(size)
    Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size > 10_000


def shown_frame(page):
    return int(re.match(r"\d+", page.locator(".acga-transport output").inner_text())[0]) - 1


# As a web page


def test_the_page_has_a_title_and_an_explanation_and_starts_with_an_answer(app, tmp_path):
    assert app.get_by_role("heading", name="Ask a video").is_visible()
    assert app.get_by_text("describe one of its actors").is_visible()
    assert "ask" in app.title().lower()
    assert app.get_by_label("Sentence 1", exact=True).input_value() == DRAWN_CLIPS[LAWN].queries[0]
    app.mouse.move(2, 2)
    picture(app, "page", tmp_path)


def test_a_typed_sentence_lights_up_its_mask(page, clip, session):
    sentence = "white dog on the right"
    ask(page, sentence)
    frame = shown_frame(page)
    slide(page, "Opacity of the masks", 0)
    without = pixels(page)
    slide(page, "Opacity of the masks", 1)
    painted = np.abs(pixels(page) - without).max(axis=2) > 12
    slide(page, "Opacity of the masks", 0.5)
    session.predict([sentence], [frame])
    mask = session.mask(sentence, frame)
    scale = painted.shape[0] // mask.shape[0]
    there = painted[scale // 2 :: scale, scale // 2 :: scale]
    assert there.shape == mask.shape and mask.any()
    assert intersection_over_union(there, mask) > 0.9  # but for the outline
    assert np.abs(without[scale // 2 :: scale, scale // 2 :: scale] - clip.frames[frame]).mean() < 12


def test_the_threshold_moves_the_mask(page):
    covered = "Number(/covers ([\\d.]+) %/.exec(document.querySelector('.acga-canvas').getAttribute('aria-label'))[1])"
    before = page.evaluate(covered)
    slide(page, "Threshold, of the largest response", 0.1)
    page.wait_for_function(f"before => {covered} > before", arg=before)
    settle(page)
    slide(page, "Threshold, of the largest response", 0.5)
    page.wait_for_function(f"before => {covered} === before", arg=before)
    settle(page)


def test_a_word_that_is_pointed_at_shows_its_attention(page, tmp_path):
    plain = pixels(page)
    page.get_by_role("button", name="man", exact=True).hover()
    page.get_by_text("“man” gets from").wait_for()
    assert pixels(page).mean() < 0.9 * plain.mean()  # dark where it is not heard
    picture(page, "word", tmp_path)
    page.mouse.move(2, 2)
    page.locator(".acga-caption", has_text="Point at a word").wait_for()
    assert (pixels(page) == plain).all()
    page.get_by_role("button", name="walking", exact=True).click()  # stays when the pointer leaves
    page.mouse.move(2, 2)
    assert page.get_by_role("button", name="walking", exact=True).get_attribute("aria-pressed") == "true"
    assert "“walking”" in page.locator(".acga-caption").inner_text()
    page.locator(".acga-canvas").press("Escape")
    assert "Point at a word" in page.locator(".acga-caption").inner_text()


def test_a_place_that_is_clicked_shows_what_it_listens_to(page, tmp_path):
    plain = pixels(page)
    page.locator(".acga-canvas").click(position={"x": 200, "y": 300})
    page.get_by_text("The marked place listens to").wait_for()
    assert pixels(page).mean() < plain.mean()
    picture(page, "place", tmp_path)
    page.locator(".acga-canvas").press("Escape")
    assert (pixels(page) == plain).all()


def test_unknown_words_are_struck_through_and_mended(page):
    ask(page, "a maan in redd zzzz")
    struck = page.locator("del")
    assert struck.all_inner_texts() == ["maan", "redd", "zzzz"]
    assert "line-through" in struck.first.evaluate("node => getComputedStyle(node).textDecorationLine")
    page.get_by_role("button", name="Replace maan by man", exact=True).click()
    page.get_by_role("button", name="man", exact=True).wait_for()
    assert page.get_by_label("Sentence 1", exact=True).input_value() == "a man in redd zzzz"
    settle(page)


def test_markup_is_shown_as_text(page):
    sentence = '<img src=x onerror="window.hacked = 1"><b>dog</b>'
    ask(page, sentence)
    assert page.locator(".acga img, .acga b").count() == 0
    assert page.evaluate("window.hacked") is None
    assert page.get_by_label("Sentence 1", exact=True).input_value() == sentence


@pytest.mark.parametrize(
    "sentence, said", [("", "The query is empty"), ("犬が走る", "no word in Latin letters"), ("dog " * 21, "21 words")]
)
def test_a_sentence_that_cannot_be_used_says_why(page, sentence, said):
    field = page.get_by_label("Sentence 1", exact=True)
    field.fill(sentence)
    field.press("Enter")
    page.locator(".acga-row .acga-problem", has_text=said).wait_for()
    ask(page, "dog")
    assert page.locator(".acga-row .acga-problem").inner_text() == ""


def test_the_last_of_several_quick_questions_wins(page):
    field = page.get_by_label("Sentence 1", exact=True)
    for sentence in ("man", "dog", "green man", "red man", "white dog"):
        field.fill(sentence)
        field.press("Enter")
    page.wait_for_function("document.querySelector('.acga-canvas').getAttribute('aria-label').includes('“white dog”')")
    settle(page)
    assert [word.inner_text() for word in page.locator(".acga-word").all()] == ["white", "dog"]


def test_a_clip_is_played_and_scrubbed(page):
    first = shown_frame(page)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("first => !document.querySelector('.acga-transport output').textContent.startsWith(first + 1 + ' ')", arg=first)
    page.get_by_role("button", name="Pause").click()
    slide(page, "Frame", 8)
    assert shown_frame(page) == 8


def test_phrasings_are_compared(page, tmp_path):
    page.get_by_label("Compare the sentences").check()
    page.locator(".acga-examples").get_by_role("button", name="man in green running").click()
    page.get_by_text(re.compile(r"Agreement .* \d\.\d\d in this frame")).wait_for()
    page.wait_for_selector(ANSWERED)
    settle(page)
    assert page.locator(".acga-phrasings figure").count() == 4
    assert page.locator(".acga-phrasings figcaption").first.inner_text() == "man in green running"
    page.mouse.move(2, 2)
    picture(page, "phrasings", tmp_path, height=1440)
    page.get_by_label("Compare the sentences").uncheck()
    assert not page.locator(".acga-phrasings").is_visible()


def test_video_and_masks_are_saved(page):
    for button, name, start in (("Save masks", "masks.zip", b"PK"), ("Save video", "overlay.mp4", None)):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        assert download.value.suggested_filename == name
        content = Path(download.value.path()).read_bytes()
        assert content.startswith(start) if start else content[4:8] == b"ftyp"


def test_clips_are_uploaded_and_bad_ones_refused(page, tmp_path):
    upload = page.get_by_label("Upload a clip")
    problem = page.locator(".acga-side > .acga-problem")
    broken = write_clip(tmp_path / "broken.mp4").read_bytes()[:700]
    for content, said in (
        (b"this is no video" * 99, "not an mp4"),
        (broken, "The uploaded file"),
        (bytes(9 << 20), "9 MB, and 8 are the limit"),
    ):
        upload.set_input_files({"name": "../../evil<b>.mp4", "mimeType": "video/mp4", "buffer": content})
        problem.filter(has_text=said).wait_for()
        assert page.get_by_label("Clip", exact=True).input_value() == LAWN
    upload.set_input_files(write_clip(tmp_path / "mine.mp4", count=10, size=(120, 90)))
    page.locator(".acga-transport output", has_text="of 10").wait_for()
    assert problem.inner_text() == ""
    ask(page, "red dog on the left")
    assert page.get_by_label("Clip", exact=True).input_value() == "Your clip"


def test_it_works_by_keyboard_alone(page):
    page.get_by_label("Sentence 1", exact=True).focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("man in green running")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="running", exact=True).wait_for()
    settle(page)
    seen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.className + '|' + document.activeElement.textContent"))
        if seen[-1] == "acga-word|green":
            assert "“green” gets from" in page.locator(".acga-caption").inner_text()
        if seen[-1].startswith("acga-canvas"):
            break
    assert any(name == "acga-word|green" for name in seen) and seen[-1].startswith("acga-canvas")
    page.keyboard.press("ArrowDown")
    page.get_by_text("The marked place listens to").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Play"


def test_everything_has_a_name_for_screen_readers(page):
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, canvas')].filter(node => node.offsetParent).filter(node =>
            !(node.getAttribute('aria-label') || node.title || node.textContent.trim() || (node.labels && node.labels.length))
        ).map(node => node.outerHTML.slice(0, 120))"""
    )
    assert unnamed == []
    assert page.locator("[role=status]").count() == 1 and page.locator("[role=alert]").count() >= 1


def test_a_phone_shows_it_all_without_scrolling_sideways(page, tmp_path):
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("document.querySelector('.acga-canvas').getBoundingClientRect().width < 390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for selector in (".acga-line input", ".acga-canvas", ".acga-play", ".acga-sliders", ".acga-ask"):
        box = page.locator(selector).first.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    picture(page, "phone", tmp_path, height=1440)


# In JupyterLab


def test_in_jupyterlab_it_answers_survives_a_restart_and_saves_no_upload(context, tmp_path):
    notebook = tmp_path / "notebooks" / "demo.ipynb"
    notebook.parent.mkdir()
    shutil.copy(ROOT / "notebooks/app/ask_a_video.ipynb", notebook)
    clip = write_clip(tmp_path / "mine.mp4", count=10)
    options = ["--IdentityProvider.token=", "--ServerApp.password=", "--expose-app-in-browser"]
    options += ["--allow-root"] if os.geteuid() == 0 else []
    with jupyter(tmp_path, "jupyterlab", f"--ServerApp.root_dir={notebook.parent}", *options) as address:
        page = context.new_page()
        page.goto(f"{address}/lab/tree/demo.ipynb")

        def run(command):
            page.evaluate("command => { window.jupyterapp.commands.execute(command); }", command)

        page.wait_for_function("() => window.jupyterapp && document.querySelector('.jp-Notebook .jp-CodeCell')")
        page.wait_for_function("() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'")
        run("application:toggle-left-area")
        run("notebook:run-all-cells")
        page.wait_for_selector(ANSWERED)
        ask(page, "white dog on the right")
        picture(page, "lab", tmp_path)
        page.get_by_label("Upload a clip").set_input_files(clip)
        page.locator(".acga-transport output", has_text="of 10").wait_for()
        run("docmanager:save")
        page.wait_for_function("() => window.jupyterapp.shell.currentWidget.context.model.dirty === false")
        saved = notebook.read_text()
        assert len(saved) < 120_000 and base64.b64encode(clip.read_bytes()[:60]).decode()[:60] not in saved
        assert json.loads(saved)["cells"][1]["outputs"]
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        page.locator(".acga-problem", has_text="run the cell again").first.wait_for()
        run("notebook:run-all-cells")
        page.wait_for_selector(ANSWERED, timeout=2 * PATIENCE)
        ask(page, "man in red walking")
        page.close()
