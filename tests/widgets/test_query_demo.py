"""The query demo without a browser: what the kernel does, and what it tells the page. In a browser: test_query_demo_browser.py."""

from __future__ import annotations

import io
import itertools
import json
import sys
import tempfile
import threading
import types
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.small import WORDS, moving_frames, small_model, write_clip
from ipywidgets import Widget
from PIL import Image

from acga import widgets
from acga.data import budget
from acga.data.text import tokenise
from acga.data.video import VideoWriter, read_frames
from acga.errors import AcgaError, QueryError, VideoError
from acga.inference import Segmenter
from acga.metrics import binarise, intersection_over_union
from acga.synthetic.language.lexicon import VOCABULARY
from acga.synthetic.render.renderer import draw
from acga.widgets import QueryDemo, uploads
from acga.widgets.clips import DRAWN_CLIPS, Clip
from acga.widgets.composer import OPTIONS, compose_scene, draw_composed
from acga.widgets.jobs import JobRunner

FRAMES, SIZE = 11, (30, 44)
LONG = 120  # seconds to wait before a test fails: more than any machine needs


def small_clip(seed=0, count=FRAMES):
    frames = np.stack(list(moving_frames(count, SIZE)))
    return Clip(frames=np.roll(frames, 7 * seed, axis=2), frames_per_second=12.0, phrasings=(("man in red", "the red man"), ("dog",)))


class Page:
    """What a browser would have been told: messages by kind, in order."""

    def __init__(self, demo):
        self.messages = []
        demo.view.send = lambda content, buffers=None: self.messages.append((content, buffers))
        self.demo = demo

    def of(self, kind):
        return [(content, buffers) for content, buffers in self.messages if content["kind"] == kind]

    def say(self, kind, buffers=(), **content):
        self.demo.view._handle_custom_msg({"kind": kind, **content}, [memoryview(buffer) for buffer in buffers])
        assert self.demo.wait(LONG)

    def ask(self, *queries):
        self.demo.view.set_state({"queries": list(queries)})
        assert self.demo.wait(LONG)

    def masks(self):
        """The masks as the page has them: by query, bool (T, H, W), later messages over earlier ones."""
        height, width = SIZE
        found = {}
        for content, (masks, _) in self.of("prediction"):
            bits = np.frombuffer(masks, np.uint8).reshape(len(content["frames"]), -1)
            unpacked = np.unpackbits(bits, axis=1, count=height * width).reshape(-1, height, width).astype(bool)
            found.setdefault(content["query"], {}).update(zip(content["frames"], unpacked, strict=True))
        return {query: np.stack([frames[at] for at in sorted(frames)]) for query, frames in found.items()}


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter(small_model(), device="cpu")


@pytest.fixture
def demo(segmenter):
    made = QueryDemo(segmenter, {"one": small_clip, "other": lambda: small_clip(1)})
    assert made.wait(LONG)
    yield made
    made._jobs.stop()
    assert made.wait(LONG)


@pytest.fixture
def page(demo):
    opened = Page(demo)
    opened.say("ready")
    return opened


# Answers


def test_answers_are_those_of_the_segmenter(segmenter, demo, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, frame in enumerate(small_clip().frames):
        cv2.imwrite(str(folder / f"{number:02d}.png"), frame[..., ::-1])
    queries = ["man in red", "dog running on the left"]
    demo.ask(*queries)
    assert demo.wait(LONG)
    expected = segmenter.open(folder).segment(queries)
    found = demo.masks
    assert list(found) == queries
    for query in queries:
        assert found[query].shape == (FRAMES, *SIZE)
        # one by one or in batches: sums in another order may move a pixel that is just at the threshold
        assert (found[query] != expected[query]).mean() < 0.002


def test_further_sentences_do_not_cost_the_backbone_again(segmenter, monkeypatch):
    seen, inside = [], segmenter.model.backbone.stem.forward
    monkeypatch.setattr(segmenter.model.backbone.stem, "forward", lambda clips: (seen.append(len(clips)), inside(clips))[1])
    demo = QueryDemo(segmenter, {"one": small_clip, "other": lambda: small_clip(1)})
    for queries in (["man in red"], ["man in red", "dog"], ["dog on the left"]):
        demo.ask(*queries)
        assert demo.wait(LONG)
        assert sum(seen) == FRAMES
    demo.view.clip = "other"
    assert demo.wait(LONG) and sum(seen) == 2 * FRAMES
    demo.view.clip = "one"
    assert demo.wait(LONG) and sum(seen) == 2 * FRAMES


def test_the_threshold_is_a_share_of_the_maximum(demo, page):
    demo.ask("man in red")
    assert demo.wait(LONG)
    official = demo.masks["man in red"]
    areas = []
    for ratio in (0.2, 0.5, 0.9):
        demo.view.threshold_ratio = ratio
        assert demo.wait(LONG)
        areas.append(demo.masks["man in red"].sum())
        assert (page.masks()["man in red"] == demo.masks["man in red"]).all()
    assert areas == sorted(areas, reverse=True) and areas[0] > areas[2]
    demo.view.threshold_ratio = 0.5
    response = demo._opened["one"].session.responses["man in red"][3].logits
    assert (official[3] == binarise(response, SIZE, one_piece=True)).all()


def test_the_shown_frame_comes_first(demo, page):
    demo.view.frame = 4
    page.messages.clear()
    page.ask("dog on the left")
    order = [content["frames"] for content, _ in page.of("prediction")]
    assert order[0] == [4] and sorted(itertools.chain(*order)) == list(range(FRAMES))
    assert len(order) > 2  # so that it can be stopped in between


# What the page is told


def test_a_page_that_opens_is_told_everything_and_so_is_the_next(page, demo):
    for _ in range(2):
        page.messages.clear()
        page.say("ready")
        ((clip, pictures),) = page.of("clip")
        assert (clip["height"], clip["width"], clip["frames"]) == (*SIZE, FRAMES) and clip["pauses"] == pytest.approx([1 / 12] * FRAMES)
        first = cv2.imdecode(np.frombuffer(pictures[0], np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)
        assert np.abs(first - small_clip().frames[0]).mean() < 8
        assert demo.view.queries == ["man in red", "dog"]  # something to see before anything is typed
        assert page.masks().keys() == {"man in red", "dog"}
        assert all((page.masks()[query] == mask).all() for query, mask in demo.masks.items())
    assert demo.view.examples == [["man in red", "the red man"], ["dog"]]


def test_maps_of_words_are_the_attention(page, demo, segmenter):
    page.ask("dog on the left")
    content, (_, maps) = page.of("prediction")[-1]
    shape = (len(content["frames"]), content["words"], content["rows"], content["columns"])
    assert shape[1:] == (4, 2, 2)
    values = np.frombuffer(maps, np.uint8).reshape(shape) / 255
    ranges = np.array(content["ranges"])  # (B, L, 2)
    weights = ranges[..., :1, None] + values * (ranges[..., 1:, None] - ranges[..., :1, None])
    frame = content["frames"][-1]
    assert np.allclose(weights[-1], demo._opened["one"].session.responses["dog on the left"][frame].word_weights, atol=0.01)
    assert (weights.sum(axis=1) < 1).all()  # the padding gets the rest


def test_a_click_tells_which_places_a_place_listens_to(page, demo):
    page.ask("dog")
    page.say("attention", query="dog", frame=2, place=[1, 0])
    content, (values,) = page.of("attention")[-1]
    assert (content["rows"], content["columns"], content["place"]) == (2, 2, [1, 0])
    weights = demo._opened["one"].session.attention_from("dog", 2, (1, 0))
    assert weights.sum() == pytest.approx(1)
    assert content["range"] == pytest.approx([weights.min(), weights.max()])
    assert np.frombuffer(values, np.uint8).reshape(2, 2).argmax() == weights.argmax()


@pytest.mark.parametrize("asked", [{"query": "never asked", "frame": 2}, {"query": "dog", "frame": 99}, {"query": "dog", "frame": -1}])
def test_a_click_on_what_is_gone_is_passed_over(page, demo, asked):
    page.ask("dog")
    page.say("attention", place=[0, 0], **asked)
    assert page.of("attention") == [] and demo.view.problem == ""


def test_phrasings_are_compared_by_the_overlap_of_their_masks(page, demo):
    page.ask("man in red", "red man", "dog")
    masks = [demo.masks[query] for query in ("man in red", "red man", "dog")]
    for frame in (0, FRAMES - 1):
        pairs = [intersection_over_union(one[frame], other[frame]) for one, other in itertools.combinations(masks, 2)]
        assert demo.view.agreement[frame] == pytest.approx(np.mean(pairs))
    page.ask("dog")
    assert demo.view.agreement == []


def test_the_seconds_are_said(page, demo):
    page.ask("dog on the left")
    assert demo.view.status.startswith("Answered in ") and f"all {FRAMES} frames" in demo.view.status
    page.say("again")
    assert demo.view.status == "Answered before: nothing had to be computed."


# What can go wrong


@pytest.mark.parametrize(
    "query, said",
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("犬が走る", "no word in Latin letters"),
        ("🐶", "no word in Latin letters"),
        ("dog " * 21, "21 words"),
        ("zzzz qqqq", "knows none of these words"),
    ],
)
def test_a_sentence_that_cannot_be_used_says_why_beside_it(page, demo, query, said):
    page.ask(query, "dog")
    bad, good = demo.view.rows
    assert said in bad["problem"] and good["problem"] == ""
    assert "dog" in demo.masks
    assert demo.view.problem == ""


def test_unknown_words_are_named_and_known_ones_offered(page, demo):
    page.ask("Maan in gren 2 dogs")
    assert [(word["word"], word["known"]) for word in demo.view.rows[0]["words"]] == [
        ("maan", False),
        ("in", False),
        ("gren", False),
        ("dogs", False),
        ("2", False),
    ]
    near = {word["word"]: word["near"] for word in demo.view.rows[0]["words"]}
    assert near["maan"] == ["man"] and near["gren"] == ["green"] and near["dogs"] == ["dog"] and near["2"] == []


def test_markup_stays_text(page, demo):
    query = '<img src=x onerror="alert(1)"> dog'
    page.ask(query)
    assert demo.view.rows[0]["text"] == query
    assert [word["word"] for word in demo.view.rows[0]["words"] if word["known"]] == ["dog"]
    sources = Path(widgets.__file__).parent.glob("*.js")
    assert not [name for path in sources for name in ("innerHTML", "insertAdjacentHTML", "document.write") if name in path.read_text()]


def test_at_most_six_sentences(page, demo):
    with pytest.raises(QueryError, match="8 sentences, and 6"):
        demo.ask(*WORDS)
    page.ask(*WORDS[:6])
    assert list(demo.masks) == list(WORDS[:6])


def test_the_last_of_several_questions_wins(page, demo):
    for query in ("man", "dog", "red", "green", "running"):
        demo.ask(query)
    assert demo.wait(LONG)
    assert list(demo.masks) == ["running"]
    assert page.of("prediction")[-1][0]["query"] == "running"
    assert demo.view.status.startswith("Answered")


def test_it_can_be_stopped_and_goes_on_where_it_stopped(demo, page, segmenter, monkeypatch):
    reached, go_on = threading.Event(), threading.Event()
    inside = segmenter.model.guide

    def slow(features, vectors, **options):
        reached.set()
        assert go_on.wait(LONG)
        return inside(features, vectors, **options)

    monkeypatch.setattr(segmenter.model, "guide", slow)
    demo.ask("green dog")
    assert reached.wait(LONG)
    demo.view._handle_custom_msg({"kind": "stop"}, [])
    go_on.set()
    assert demo.wait(LONG)
    assert demo.view.status.startswith("Stopped") and demo.view.progress == (0, 0)
    assert "green dog" not in demo.masks
    page.messages.clear()
    page.say("again")
    assert "green dog" in demo.masks and demo.view.status.startswith("Answered")


def test_the_same_sentence_asked_again_goes_on_after_a_failure(demo, segmenter, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(segmenter.model, "guide", None)
        demo.ask("green dog")
        assert demo.wait(LONG)
    assert demo.view.problem and "green dog" not in demo.masks
    demo.ask("green dog")
    assert demo.wait(LONG)
    assert demo.view.problem == "" and "green dog" in demo.masks


def test_a_surprise_is_said_and_the_demo_goes_on(demo, page, segmenter, monkeypatch):
    def broken(features, vectors, **options):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(segmenter.model, "guide", broken)
        demo.ask("green dog")
        assert demo.wait(LONG)
    assert "RuntimeError: out of memory" in demo.view.problem
    demo.ask("red dog")
    assert demo.wait(LONG)
    assert demo.view.problem == "" and "red dog" in demo.masks


def test_messages_of_a_stopped_job_do_not_come():
    told, first, second = [], threading.Event(), threading.Event()

    def slow():
        yield lambda: told.append("slow 1")
        first.set()
        assert second.wait(LONG)
        yield lambda: told.append("slow 2")

    runner = JobRunner(failed=told.append)
    runner.start(slow())
    assert first.wait(LONG)
    runner.start(iter([lambda: told.append("quick")]))
    second.set()
    assert runner.wait(LONG)
    assert told == ["slow 1", "quick"]


def test_what_the_page_changes_waits_while_a_job_is_telling(demo):
    with demo._jobs.publishing:
        page_changes = threading.Thread(target=demo.view.set_state, args=({"queries": ["red dog"]},))
        page_changes.start()
        page_changes.join(0.3)
        assert page_changes.is_alive() and demo.view.queries == ["man in red", "dog"]
    page_changes.join(LONG)
    assert demo.wait(LONG) and list(demo.masks) == ["red dog"]


def test_what_a_stopped_job_raises_is_not_said():
    told, first, second = [], threading.Event(), threading.Event()

    def broken():
        first.set()
        assert second.wait(LONG)
        raise QueryError("no")
        yield

    runner = JobRunner(failed=told.append)
    runner.start(broken())
    assert first.wait(LONG)
    runner.stop()
    second.set()
    assert runner.wait(LONG) and told == []


# Uploads


def upload(page, content):
    page.say("upload", [content])


def test_an_uploaded_clip_can_be_asked_about(page, demo, tmp_path):
    upload(page, write_clip(tmp_path / "clip.mp4", count=9, size=(30, 44)).read_bytes())
    assert demo.view.clip == "Your clip" and demo.view.problem == ""
    assert page.of("clip")[-1][0]["frames"] == 9
    assert demo.view.queries == [] and demo.view.examples == []
    page.ask("dog")
    assert demo.masks["dog"].shape == (9, 30, 44)
    upload(page, write_clip(tmp_path / "next.mp4", count=5, size=(44, 30)).read_bytes())
    page.ask("dog")
    assert demo.masks["dog"].shape == (5, 44, 30)
    assert demo.view.clips.count("Your clip") == 1


def test_gifs_too(page, demo, tmp_path):
    pictures = [Image.fromarray(frame) for frame in moving_frames(5)]
    pictures[0].save(tmp_path / "clip.gif", save_all=True, append_images=pictures[1:], duration=100)
    upload(page, (tmp_path / "clip.gif").read_bytes())
    assert demo.view.problem == "" and page.of("clip")[-1][0]["frames"] == 5


@pytest.mark.parametrize(
    "damage, said",
    [
        (lambda content: b"", "is not an mp4"),
        (lambda content: b"not a video at all" * 50, "is not an mp4"),
        (lambda content: b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "is not an mp4"),
        (lambda content: content.replace(b"ftypisom", b"ftypheic", 1), "is not an mp4"),
        (lambda content: content[: len(content) // 3], "The uploaded file"),
        (lambda content: content[:40] + bytes(3000), "The uploaded file"),
        (lambda content: content + bytes(uploads.MAX_BYTES), "9 MB, and 8 are the limit"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_the_demo_goes_on(page, demo, tmp_path, damage, said):
    page.ask("dog")
    upload(page, damage(write_clip(tmp_path / "clip.mp4").read_bytes()))
    assert said in demo.view.problem and "acga-upload" not in demo.view.problem
    assert demo.view.clip == "one"
    page.ask("red dog")
    assert demo.view.problem == "" and "red dog" in demo.masks


def test_limits_of_length_and_size(page, demo, tmp_path, monkeypatch):
    content = write_clip(tmp_path / "clip.mp4", count=12).read_bytes()  # at 10 frames a second
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "MAX_SECONDS", 1.0)
        upload(page, content)
        assert "too long: 1 seconds and 240 frames are the limit" in demo.view.problem
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "MAX_FRAMES", 11)
        upload(page, content)
        assert "11 frames" in demo.view.problem
    with monkeypatch.context() as patch:
        patch.setattr(budget, "MOST_PIXELS", 1000)
        upload(page, content)
        assert "44 x 30 pixels are more than the" in demo.view.problem
    upload(page, content)
    assert demo.view.problem == "" and demo.view.clip == "Your clip"


def test_large_frames_are_reduced(tmp_path):
    with VideoWriter(tmp_path / "large.mp4", 10, (360, 1280)) as video:
        video.write(np.zeros((360, 1280, 3), np.uint8))
    *_, clip = uploads.read_upload((tmp_path / "large.mp4").read_bytes())
    assert clip.size == (135, 480)


def test_an_upload_leaves_nothing_behind(page, demo, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    content = write_clip(tmp_path / "clip.mp4").read_bytes()
    seen = []
    reading = uploads.read_upload(content)
    assert next(reading) == 8
    seen += [path.name for path in temporary.rglob("*")]
    reading.close()  # as when something else is asked in between
    assert len(seen) == 2 and list(temporary.iterdir()) == []
    upload(page, content)
    upload(page, content[:500])
    assert list(temporary.iterdir()) == []


def test_an_upload_is_not_saved_with_a_notebook(page, demo, tmp_path):
    content = write_clip(tmp_path / "clip.mp4", count=9).read_bytes()
    before = len(json.dumps(Widget.get_manager_state(drop_defaults=False), default=str))
    upload(page, content)
    page.ask("dog")
    state = Widget.get_manager_state(drop_defaults=False)
    assert content[:64] not in json.dumps(state, default=repr).encode("latin-1", "replace")
    assert len(json.dumps(state, default=str)) < before + 3000
    mine = [entry for entry in state["state"].values() if entry["model_name"] == "AnyModel"]
    assert all(not entry.get("buffers") for entry in mine)


# What can be taken home


def test_the_overlay_can_be_saved(page, demo, tmp_path):
    page.ask("man in red", "dog")
    page.say("save", name="overlay.mp4")
    content, (video,) = page.of("file")[-1]
    assert (content["name"], content["type"]) == ("overlay.mp4", "video/mp4")
    (tmp_path / "overlay.mp4").write_bytes(video)
    assert len(list(read_frames(tmp_path / "overlay.mp4"))) == FRAMES


def test_the_masks_can_be_saved(page, demo):
    page.ask("man in red", "dog")
    page.say("save", name="masks.zip")
    with zipfile.ZipFile(io.BytesIO(page.of("file")[-1][1][0])) as archive:
        assert len(archive.namelist()) == 2 * FRAMES
        encoded = archive.read("2_dog/00003.png")
    mask = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    assert ((mask == 255) == demo.masks["dog"][3]).all() and set(np.unique(mask)) <= {0, 255}


def test_saving_without_a_sentence_is_refused(page, demo):
    page.ask("")
    page.say("save", name="masks.zip")
    assert "nothing to save" in demo.view.problem and page.of("file") == []


# Drawn clips and surroundings


@pytest.mark.parametrize("title", DRAWN_CLIPS)
def test_each_drawn_clip_has_actors_and_words_that_the_drawn_world_knows(title):
    clip = DRAWN_CLIPS[title].draw()
    assert len(clip.frames) == 16 and len(clip.phrasings) == len(clip.truth) >= 2
    assert clip.truth.shape[1:] == clip.frames.shape[:3] and clip.truth[:, 8].any(axis=(1, 2)).all()
    for phrasings in clip.phrasings:
        assert len(phrasings) == len(set(phrasings)) == 4
    said = {word for phrasing in [*itertools.chain(*clip.phrasings), *clip.fooling] for word in tokenise(phrasing)}
    assert said <= set(VOCABULARY) and not set(clip.fooling) & set(itertools.chain(*clip.phrasings))
    # the middle one of several frames, but for what a sensor adds
    assert np.abs(DRAWN_CLIPS[title].still().astype(int) - clip.frames[8]).mean() < 25


# Composed scenes

BLACK_DOG = {"noun": "dog", "colour": "black", "action": "run", "x": 0.3, "y": 0.8, "heading": 1}


def test_a_composed_scene_is_drawn_with_its_truth_and_asked(page, demo):
    cast = [BLACK_DOG, {**BLACK_DOG, "noun": "man", "colour": "red", "x": 0.8, "y": 0.9, "heading": -1}]
    page.say("compose", stage="snow", cast=cast)
    assert demo.view.clip == "Your scene" and demo.view.problem == ""
    content, buffers = page.of("clip")[-1]
    assert len(buffers) == content["frames"] * (1 + len(cast))  # pictures, and an actor's masks after the other's
    size = content["height"], content["width"]
    masks = [np.unpackbits(np.frombuffer(bits, np.uint8), count=size[0] * size[1]).reshape(size) for bits in buffers[16:]]
    middles = [np.nonzero(masks[16 * actor + 8])[1].mean() / size[1] for actor in range(2)]
    assert middles == pytest.approx([0.3, 0.8], abs=0.08)  # where they were put
    assert "dog" in demo.view.queries[0] and len(demo.masks) == 2
    page.say("compose", stage="lawn", cast=cast[:1])
    assert demo.view.clips.count("Your scene") == 1 and len(demo.masks) == 1


@pytest.mark.parametrize(
    "stage, cast, said",
    [
        ("moon", [BLACK_DOG], "no stage 'moon'"),
        ("snow", [], "1 to 4 actors, not 0"),
        ("snow", [BLACK_DOG] * 5, "1 to 4 actors, not 5"),
        ("snow", [{**BLACK_DOG, "noun": "unicorn"}], "'unicorn', 'black', 'run' cannot be drawn"),
        ("snow", [{**BLACK_DOG, "action": "fly"}], "'fly' cannot be drawn"),
    ],
)
def test_a_scene_that_cannot_be_drawn_says_why(stage, cast, said):
    with pytest.raises(AcgaError, match=said):
        draw_composed(stage, cast)


@pytest.mark.parametrize("noun", OPTIONS["actions"])
def test_whatever_is_offered_can_be_drawn_wherever_it_is_put(noun):
    for number, action in enumerate(OPTIONS["actions"][noun]):
        scene = compose_scene("lawn", [{**BLACK_DOG, "noun": noun, "action": action, "x": number / 7, "y": 1 - number / 7}])
        assert next(draw(replace(scene, frames=1, height=64, width=84)))[1].any()


def test_thumbnails_come_once_nothing_is_more_urgent(segmenter):
    demo = QueryDemo(segmenter, {title: DRAWN_CLIPS[title].draw for title in ("Twin dogs", "Basketball")})
    page = Page(demo)
    page.say("ready")
    kinds = [content["kind"] for content, _ in page.messages]
    assert [content["title"] for content, _ in page.of("thumbnail")] == ["Twin dogs", "Basketball"]
    assert kinds.index("thumbnail") > kinds.index("prediction") and "Basketball" not in demo._opened
    page.messages.clear()
    page.ask("dog")
    assert page.of("thumbnail") == []  # the page has them


def test_models_without_attention_say_so(segmenter, monkeypatch):
    inside = segmenter.model.guide

    def blind(features, vectors, **options):
        attended = inside(features, vectors, **options)
        attended.word_weights = attended.pixel_weights = None
        return attended

    monkeypatch.setattr(segmenter.model, "guide", blind)
    demo = QueryDemo(segmenter, {"one": small_clip})
    page = Page(demo)
    page.ask("dog")
    assert page.of("prediction")[-1][0]["words"] == 0 and page.of("prediction")[-1][1][1] == b""
    page.say("attention", query="dog", frame=0, place=[0, 0])
    assert "no language guided vision attention" in demo.view.problem


def test_colab_is_told_to_show_custom_widgets(monkeypatch):
    called = []
    output = types.SimpleNamespace(enable_custom_widget_manager=lambda: called.append(True))
    for name, module in {"google": types.ModuleType("google"), "google.colab": types.SimpleNamespace(output=output)}.items():
        monkeypatch.setitem(sys.modules, name, module)
    widgets.query_demo.allow_custom_widgets_in_colab()
    assert called == [True]


def test_a_damaged_upload_is_a_video_error():
    with pytest.raises(VideoError):
        list(uploads.read_upload(b"\0" * 100))
