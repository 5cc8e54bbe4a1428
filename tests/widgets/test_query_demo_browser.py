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
from urllib.parse import urlsplit

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
        page.errors, page.hosts = [], set()
        page.on("request", lambda request: page.hosts.add(urlsplit(request.url).hostname) if request.url.startswith("http") else None)
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
    if tile(app, LAWN).get_attribute("aria-pressed") == "false":
        tile(app, LAWN).click()
        first = DRAWN_CLIPS[LAWN].queries[0]
        app.wait_for_function("text => document.querySelector('.acga-row input').value === text", arg=first)
        app.wait_for_selector(ANSWERED)
        settle(app)
    while app.get_by_role("button", name="Remove sentence 2").is_visible():
        app.get_by_role("button", name="Remove sentence 2").click()
    open_expert(app, False)
    ask(app, "man in red walking")
    return app


@pytest.fixture(scope="module")
def clip():
    return DRAWN_CLIPS[LAWN].draw()


@pytest.fixture(scope="module")
def session(clip):
    return ClipSession.from_frames(Segmenter(device="cpu"), clip.frames)


def tile(page, title):
    return page.locator(f'.acga-tile[data-title="{title}"]')


def open_expert(page, wanted=True):
    page.locator(".acga-expert").evaluate("(node, wanted) => { node.open = wanted; }", wanted)


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
    assert app.get_by_text("Describe one actor").is_visible()
    assert "ask" in app.title().lower()
    first = next(iter(DRAWN_CLIPS))
    assert tile(app, first).get_attribute("aria-pressed") == "true"
    assert app.get_by_label("Sentence 1", exact=True).input_value() == DRAWN_CLIPS[first].queries[0]
    app.wait_for_function("() => [...document.querySelectorAll('.acga-tile img')].every(image => image.naturalWidth > 0)")
    assert app.locator(".acga-tile img").count() == len(DRAWN_CLIPS)
    assert app.locator(".acga-verdict").first.inner_text() in ("found", "unsure", "not here")
    app.mouse.move(2, 2)
    picture(app, "page", tmp_path)


def test_nothing_is_asked_of_other_hosts(app):
    assert app.hosts == {"127.0.0.1"}


def test_a_dark_system_gets_a_dark_page(page):
    def brightness():
        return sum(map(int, re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))[:3]))

    assert brightness() > 600
    page.emulate_media(color_scheme="dark")
    assert brightness() < 150
    page.emulate_media(color_scheme="light")


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
    assert intersection_over_union(there, mask) > 0.8  # but for the outline
    assert np.abs(without[scale // 2 :: scale, scale // 2 :: scale] - clip.frames[frame]).mean() < 12


def test_the_threshold_moves_the_mask(page):
    open_expert(page)
    covered = "Number(/covers ([\\d.]+) %/.exec(document.querySelector('.acga-canvas').getAttribute('aria-label'))[1])"
    before = page.evaluate(covered)
    slide(page, "Threshold, of the largest response", 0.1)
    page.wait_for_function(f"before => {covered} > before", arg=before)
    settle(page)
    slide(page, "Threshold, of the largest response", 0.5)
    page.wait_for_function(f"before => {covered} === before", arg=before)
    settle(page)


def test_a_word_that_is_crossed_out_moves_the_mask(page, tmp_path):
    whole = pixels(page)
    word = page.get_by_role("button", name="red", exact=True)
    word.click()
    page.get_by_text(re.compile(r"Without “red” the mask shares [\d.]+ % with the one before")).wait_for()
    settle(page)
    assert word.get_attribute("aria-pressed") == "true"
    assert "line-through" in word.evaluate("node => getComputedStyle(node).textDecorationLine")
    assert "“man in walking”" in page.locator(".acga-canvas").get_attribute("aria-label")
    assert page.get_by_label("Sentence 1", exact=True).input_value() == "man in red walking"
    assert (pixels(page) != whole).any()
    picture(page, "crossed", tmp_path)
    for other in ("man", "in", "walking"):  # the last one stays
        page.get_by_role("button", name=other, exact=True).click()
        settle(page)
    assert page.get_by_role("button", name="walking", exact=True).get_attribute("aria-pressed") == "false"
    for other in ("man", "in", "red"):
        page.get_by_role("button", name=other, exact=True).click()
    page.get_by_text("Click a word to cross it out").wait_for()
    page.mouse.move(2, 2)
    assert (pixels(page) == whole).all()


def test_the_truth_is_shown_and_how_far_a_mask_is_right(page, clip, session):
    sentence = "white dog on the right"
    ask(page, sentence)
    frame = shown_frame(page)
    session.predict([sentence], [frame])
    right = intersection_over_union(session.mask(sentence, frame), clip.truth[0, frame])
    assert page.locator(".acga-truth").first.inner_text() == f"IoU {right:.2f} with the truth in this frame"
    ask(page, "dog")
    assert re.match(r"lies (most on “.+” \(IoU \d\.\d\d\)|on none)", page.locator(".acga-truth").first.inner_text())
    plain = pixels(page)
    page.get_by_label("Show the truth, dashed").check()
    changed = (pixels(page) != plain).any(axis=2)
    page.get_by_label("Show the truth, dashed").uncheck()
    assert 0 < changed.mean() < 0.1  # outlines


def test_words_are_chosen(page):
    page.get_by_text("Words to choose from").click()
    page.get_by_role("button", name="Add “on the left”").click()
    page.get_by_role("button", name="left", exact=True).wait_for()
    assert page.get_by_label("Sentence 1", exact=True).input_value() == "man in red walking on the left"
    page.get_by_text("Words to choose from").click()
    settle(page)


def test_a_scene_is_composed_drawn_and_asked(page, tmp_path):
    page.get_by_role("button", name="Compose a scene").click()
    page.get_by_label("Colour of actor 1").select_option("red")
    page.get_by_label("Kind of actor 1").select_option("ball")
    actor = page.get_by_label(re.compile("^Actor 1, red ball"))
    actor.press("ArrowUp")
    actor.hover()
    page.mouse.down()
    box = page.locator(".acga-set").bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.9 * box["height"])
    page.mouse.up()
    assert "20 % from the left, 90 % from the top" in actor.get_attribute("aria-label")
    picture(page, "composer", tmp_path)
    page.get_by_role("button", name="Draw and ask").click()
    tile(page, "Your scene").wait_for()
    page.wait_for_selector(ANSWERED)
    settle(page)
    assert not page.locator(".acga-composer").is_visible()
    assert page.locator(".acga-truth", has_text="with the truth").count() == 2
    assert "ball" in page.locator(".acga-row input").all()[1].input_value()  # the nearer comes later


def test_a_word_that_is_pointed_at_shows_its_attention_to_experts(page, tmp_path):
    plain = pixels(page)
    page.get_by_role("button", name="man", exact=True).hover()
    assert (pixels(page) == plain).all()  # to nobody else
    open_expert(page)
    page.get_by_role("button", name="walking", exact=True).hover()
    page.get_by_text("“walking” gets from").wait_for()
    assert pixels(page).mean() < 0.9 * plain.mean()  # dark where it is not heard
    picture(page, "word", tmp_path)
    page.mouse.move(2, 2)
    page.locator(".acga-caption", has_text="Click a word").wait_for()
    assert (pixels(page) == plain).all()


def test_a_place_that_is_clicked_shows_what_it_listens_to(page, tmp_path):
    open_expert(page)
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
    assert page.locator(".acga-side img, .acga b").count() == 0
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
    open_expert(page)
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
    assert "errs often" in page.locator(".acga-expect").text_content()
    broken = write_clip(tmp_path / "broken.mp4").read_bytes()[:700]
    for content, said in (
        (b"this is no video" * 99, "not an mp4"),
        (broken, "The uploaded file"),
        (bytes(9 << 20), "9 MB, and 8 are the limit"),
    ):
        upload.set_input_files({"name": "../../evil<b>.mp4", "mimeType": "video/mp4", "buffer": content})
        problem.filter(has_text=said).wait_for()
        assert page.locator(".acga-tile[aria-pressed=true]").get_attribute("data-title") == LAWN
    upload.set_input_files(write_clip(tmp_path / "mine.mp4", count=10, size=(120, 90)))
    page.locator(".acga-transport output", has_text="of 10").wait_for()
    assert problem.inner_text() == ""
    ask(page, "red dog on the left")
    assert page.locator(".acga-tile[aria-pressed=true]").get_attribute("data-title") == "Your clip"


def test_it_works_by_keyboard_alone(page):
    open_expert(page)
    page.get_by_label("Sentence 1", exact=True).focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("man in green running")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="running", exact=True).wait_for()
    settle(page)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "green":
            break
    assert "“green” gets from" in page.locator(".acga-caption").inner_text()
    page.keyboard.press("Space")  # crosses it out
    page.get_by_text("Without “green”").wait_for()
    settle(page)
    page.keyboard.press("Space")
    settle(page)
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.className").startswith("acga-canvas"):
            break
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
    for selector in (".acga-line input", ".acga-canvas", ".acga-play", ".acga-tiles", ".acga-form .acga-ask"):
        box = page.locator(selector).first.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.locator(".acga-quiet", has_text="Save masks").scroll_into_view_if_needed()
    box = page.locator(".acga-canvas").bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] < 844  # still in sight
    picture(page, "phone", tmp_path)
    page.locator(".acga-tiles").scroll_into_view_if_needed()


def test_it_plays_by_itself_but_for_those_who_want_no_motion(page):
    assert page.get_by_role("button", name="Play", exact=True).is_visible()
    page.emulate_media(reduced_motion="no-preference")
    tile(page, "Twin dogs").click()
    page.get_by_role("button", name="Pause", exact=True).wait_for()
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("button", name="Pause", exact=True).click()
    settle(page)


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
