"""Ask a video: pick a clip, type a sentence, see the actor lit up, and see why."""

from __future__ import annotations

import difflib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import cv2
import ipywidgets
import numpy as np

from ..data.text import tokenise, unreadable
from ..errors import AcgaError, QueryError
from ..inference import Segmenter
from .clips import Clip, drawn_samples
from .downloads import mask_archive, overlay_video
from .latest import Latest, Steps
from .packing import pack_answers, stretch
from .query_view import MOST_QUERIES, ClipChoice, QueryView
from .reading import Reading
from .uploads import read_upload

AT_ONCE = 4  # frames between two looks at whether to go on
ALIKE = 0.65  # how much alike words are spelled that are offered for an unknown one, of 1
QUALITY = 90  # of the JPEG frames, of 100
UPLOADED = "Your clip"


class QueryDemo(ipywidgets.VBox):
    """Answers sentences about a clip, in the browser or without one.

    Args:
        segmenter: what answers.
        clips: by title, a function that gives the clip; drawn samples unless given.

    All long work is done beside the kernel, the shown frame first; asking again, or another clip, takes its place. What is known of a
    clip is kept: another sentence costs the language part alone.

    >>> from acga.config import ACGAConfig
    >>> from acga.data.text import Vocabulary
    >>> from acga.model import ACGA
    >>> demo = QueryDemo(Segmenter(ACGA(ACGAConfig.mini(), Vocabulary(["dog", "left", "the"])), device="cpu"))
    >>> demo.ask("dog on the left")
    >>> demo.wait(60), demo.masks["dog on the left"].shape
    (True, (16, 144, 192))
    >>> [word["word"] for word in demo.view.rows[0]["words"] if not word["known"]]
    ['on']
    """

    def __init__(self, segmenter: Segmenter, clips: Mapping[str, Callable[[], Clip]] | None = None) -> None:
        allow_custom_widgets_in_colab()
        self.segmenter = segmenter
        self._clips = dict(drawn_samples() if clips is None else clips)
        self._readings: dict[str, Reading] = {}
        self._shown: Reading | None = None  # on the page
        self._new = True  # the clip was not yet on any page
        self._sent: dict[tuple[str, int], float] = {}  # the share at which the page got a query's mask of a frame
        self._latest = Latest(failed=self._fail)
        self.view = QueryView(guard=self._latest.telling)
        first = next(iter(self._clips))
        self.clip = ClipChoice(guard=self._latest.telling, options=list(self._clips), value=first, description="Clip")
        self.clip.style = {"description_width": "initial"}
        self.progress = ipywidgets.IntProgress(0, 0, 1, layout=ipywidgets.Layout(width="160px", display="none"))
        self.stop = ipywidgets.Button(description="Stop", icon="stop", disabled=True, tooltip="Stop looking at the clip")
        self.save_video = ipywidgets.Button(description="Save video", icon="download", tooltip="The clip with its masks, as an mp4")
        self.save_masks = ipywidgets.Button(description="Save masks", icon="download", tooltip="A zip of PNG masks")
        buttons = [self.save_video, self.save_masks, self.stop, self.progress]
        below = ipywidgets.HBox(buttons, layout=ipywidgets.Layout(flex_flow="row wrap", align_items="center"))
        super().__init__([self.clip, self.view, below])
        self.clip.observe(lambda change: self._change_clip(), "value")
        self.view.observe(lambda change: self._change_queries(), "queries")
        self.view.observe(lambda change: self._restart(), "share")
        self.view.on_msg(self._hear)
        self.stop.on_click(lambda button: self._stop())
        self.save_video.on_click(lambda button: self._save("overlay.mp4", "video/mp4", overlay_video))
        self.save_masks.on_click(lambda button: self._save("masks.zip", "application/zip", mask_archive))
        self._change_clip()

    # For those who have no browser

    def ask(self, *queries: str) -> None:
        """Ask up to six sentences; what cannot be used says so in the page (`view.rows`), and the others are answered."""
        if len(queries) > MOST_QUERIES:
            raise QueryError(f"There are {len(queries)} sentences, and {MOST_QUERIES} at a time are the limit.")
        with self._latest.telling:
            self.view.queries = list(queries)

    def wait(self, seconds: float) -> bool:
        """Wait until the answers are complete; whether they are in time."""
        return self._latest.wait(seconds)

    @property
    def masks(self) -> dict[str, np.ndarray]:
        """The masks bool (T, H, W) of the queries that are answered in every frame of the clip."""
        reading = self._readings.get(self.clip.value)
        if reading is None:
            return {}
        every = range(len(reading.clip.frames))
        complete = [query for query in self._answerable() if len(reading.responses.get(query, ())) == len(every)]
        return {query: np.stack([reading.mask(query, frame, threshold_ratio=self.view.share) for frame in every]) for query in complete}

    # What the page asks for

    def _hear(self, view: Any, message: dict[str, Any], buffers: Sequence[memoryview]) -> None:
        try:
            if message["kind"] == "ready":
                with self._latest.telling:
                    self._shown = None
                    self._restart()
            elif message["kind"] == "again" and not self._latest.busy:
                with self._latest.telling:
                    self._change_queries()
            elif message["kind"] == "upload":
                self._latest.start(self._take(bytes(buffers[0])))
            elif message["kind"] == "pixel":
                self._explain(message["query"], message["frame"], message["place"])
        except AcgaError as error:
            self._fail(error)

    def _change_clip(self) -> None:
        with self._latest.telling:
            self._new = True
            self.view.queries, self.view.examples = [], []
            self._restart()

    def _change_queries(self) -> None:
        self.view.rows = [self._read_query(query) for query in self.view.queries]
        self._restart()

    def _read_query(self, query: str) -> dict[str, Any]:
        """A row of the page: the words, known or with known ones that are spelled alike, and what is wrong in one sentence."""
        try:
            unknown = self.segmenter.unknown(query)
        except QueryError as error:
            return {"text": query, "words": [], "problem": str(error)}
        words = [{"word": word, "known": word not in unknown, "near": []} for word in tokenise(query)]
        for word in words:
            if not word["known"]:
                word["near"] = difflib.get_close_matches(str(word["word"]), self.segmenter.vocabulary.words, n=3, cutoff=ALIKE)
        left_out = [{"word": word, "known": False, "near": []} for word in dict.fromkeys(unreadable(query))]
        senseless = not any(word["known"] for word in words)
        problem = "The model knows none of these words, so its answer means nothing." if senseless else ""
        return {"text": query, "words": [*words, *left_out], "problem": problem}

    def _answerable(self) -> list[str]:
        return list(dict.fromkeys(row["text"] for row in self.view.rows if row["words"]))

    def _restart(self) -> None:
        self._latest.start(self._answer(self.clip.value, self._answerable(), self.view.share))

    def _stop(self) -> None:
        self._latest.stop()
        self._progress(0, 0)
        self.view.status = "Stopped. Ask again to go on."

    def _save(self, name: str, kind: str, make: Callable[..., bytes]) -> None:
        self._latest.start(self._deliver(name, kind, make, self.clip.value, self._answerable()))

    def _explain(self, query: str, frame: int, place: Sequence[int]) -> None:
        if self._shown is None or query not in self._answerable() or not 0 <= frame < len(self._shown.clip.frames):
            return  # the page has moved on since it asked
        weights = self._shown.attention_from(query, frame, (int(place[0]), int(place[1])))
        if weights is None:
            raise AcgaError("This model has no language guided vision attention, so no place listens to another.")
        stretched, low, high = stretch(weights)
        rows, columns = weights.shape
        self.view.tell(
            "pixel", [stretched.tobytes()], query=query, frame=frame, place=list(place), rows=rows, columns=columns, range=[low, high]
        )

    # Long work, in steps (see `Latest`)

    def _answer(self, title: str, queries: list[str], share: float) -> Steps:
        started = time.perf_counter()
        yield partial(self._progress, 0, 0)
        reading = self._readings.get(title)
        if reading is None:
            yield partial(self._say, "Opening the clip …")
            reading = Reading(self.segmenter, self._clips[title]())
            self._readings[title] = reading
        if self._shown is not reading or self._new:
            yield partial(self._show, reading)
        if not queries:
            yield partial(self._say, "Type a sentence about one actor, and press Enter.")
            return
        yield partial(self._say, "Looking …")
        total = len(reading.clip.frames)
        early, done, new = 0.0, 0, 0
        for frames in _in_order(min(max(self.view.frame, 0), total - 1), total):
            for query in queries:
                new += reading.ask(query, frames)
                fresh = [frame for frame in frames if self._sent.get((query, frame)) != share]
                if fresh:
                    yield partial(self._tell, *pack_answers(reading, query, fresh, share), share)
            done += len(frames)
            early = early or time.perf_counter() - started
            yield partial(self._progress, done, total)
        agreement = reading.agreement(queries, threshold_ratio=share)
        seconds = time.perf_counter() - started
        took = f"in {seconds:.2f} s, all {total} frames; the first after {early:.2f} s." if new else "before: nothing had to be computed."
        yield partial(self._finish, agreement, f"Answered {took}")

    def _take(self, content: bytes) -> Steps:
        yield partial(self._say, "Reading the uploaded clip …")
        for found in read_upload(content):
            if isinstance(found, Clip):
                yield partial(self._adopt, Reading(self.segmenter, found))
            else:
                yield partial(self._say, f"Reading the uploaded clip: {found} frames …")

    def _deliver(self, name: str, kind: str, make: Callable[..., bytes], title: str, queries: list[str]) -> Steps:
        if not queries:
            raise QueryError("There is nothing to save yet: ask a sentence first.")
        share = self.view.share
        yield from self._answer(title, queries, share)
        yield partial(self._say, f"Writing {name} …")
        content = make(self._readings[title], queries, threshold_ratio=share)
        yield partial(self.view.tell, "file", [content], name=name, type=kind)
        yield partial(self._say, f"{name} is in your browser's downloads.")

    # What the page is told

    def _say(self, status: str) -> None:
        self.view.problem = ""
        self.view.status = status

    def _progress(self, done: int, total: int) -> None:
        running = total > 0 and done < total
        self.stop.disabled = not running
        self.progress.layout.display = "" if running else "none"
        self.progress.max = max(total, 1)
        self.progress.value = done
        if running:
            self.view.status = f"Looking: {done} of {total} frames …"

    def _finish(self, agreement: list[float], status: str) -> None:
        self.view.agreement = agreement
        self._say(status)

    def _fail(self, error: Exception) -> None:
        self._progress(0, 0)
        self.view.status = ""
        said = str(error) if isinstance(error, AcgaError) else f"Something went wrong here ({type(error).__name__}: {error})."
        self.view.problem = said

    def _adopt(self, reading: Reading) -> None:
        """Make an upload the clip that is asked about; one that came before is forgotten."""
        self._readings[UPLOADED] = reading
        self._clips[UPLOADED] = lambda: reading.clip
        if self.clip.value == UPLOADED:
            self._change_clip()
        else:
            self.clip.options = list(self._clips)
            self.clip.value = UPLOADED

    def _show(self, reading: Reading) -> None:
        clip = reading.clip
        self._shown, self._sent = reading, {}
        if self._new:
            self.view.frame = len(clip.frames) // 2  # the frame whose clip has most to show
        height, width = clip.size
        frames = [cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes() for frame in clip.frames]
        speed, count = clip.frames_per_second, len(frames)
        self.view.tell("clip", frames, id=id(reading), height=height, width=width, frames=count, speed=speed, frame=self.view.frame)
        self.view.examples = [list(phrasings) for phrasings in clip.phrasings]
        if self._new and not self.view.queries:  # something to see before anything is typed
            self.view.queries = [phrasings[0] for phrasings in clip.phrasings[:2]]
        self._new = False

    def _tell(self, masks: bytes, maps: bytes, message: dict[str, Any], share: float) -> None:
        self.view.tell("answer", [masks, maps], clip=id(self._shown), **message)
        self._sent.update({(message["query"], frame): share for frame in message["frames"]})


def allow_custom_widgets_in_colab() -> None:
    """Colab shows custom widgets only when told to; anywhere else this does nothing."""
    if "google.colab" in sys.modules:
        from google.colab import output

        output.enable_custom_widget_manager()


def _in_order(first: int, total: int) -> Iterator[list[int]]:
    """The first frame alone, then the others as they will be played.

    >>> list(_in_order(6, 8))
    [[6], [7, 0, 1, 2], [3, 4, 5]]
    """
    yield [first]
    rest = [(first + step) % total for step in range(1, total)]
    for at in range(0, len(rest), AT_ONCE):
        yield rest[at : at + AT_ONCE]
