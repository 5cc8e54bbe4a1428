"""Ask a video: pick a clip, type a sentence, see the actor lit up, and see why."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import cv2
import ipywidgets
import numpy as np

from ..data.pictures import encode_picture
from ..data.text import tokenise, unreadable
from ..errors import AcgaError, QueryError
from ..inference import AT_ONCE, ClipSession, Segmenter
from .clips import DRAWN_CLIPS, Clip
from .composer import MOST_ACTORS, draw_composed
from .export import mask_archive, overlay_video
from .jobs import JobRunner, Steps
from .query_view import MAX_QUERIES, WORDS_TO_CHOOSE, QueryView, pack_prediction, to_bytes
from .uploads import read_upload

FRAME_QUALITY = 90  # of the JPEG frames, of 100
THUMBNAIL_WIDTH = 200  # pixels
ASKED_FIRST = MOST_ACTORS  # sentences, before anything is typed
UPLOADED, COMPOSED = "Your clip", "Your scene"
EXPORTS: dict[str, tuple[str, Callable[..., bytes]]] = {  # by file name: its media type, and what encodes it
    "overlay.mp4": ("video/mp4", overlay_video),
    "masks.zip": ("application/zip", mask_archive),
}


class OpenClip(NamedTuple):
    """A clip, and what is known of it so far."""

    clip: Clip
    session: ClipSession


class QueryDemo(ipywidgets.VBox):
    """Find what sentences describe in a clip, in the browser or without one.

    Args:
        segmenter: what finds.
        clips: by title, a function that gives the clip; drawn ones unless given.

    All long work is done beside the kernel, the shown frame first; asking again, or another clip, takes its place. What is known of a
    clip is kept: another sentence costs the language part alone.

    >>> from acga import ACGA, ACGAConfig, Vocabulary
    >>> demo = QueryDemo(Segmenter(ACGA(ACGAConfig.thin_residual(), Vocabulary(["dog", "left", "the"])), device="cpu"))
    >>> demo.ask("dog on the left")
    >>> demo.wait(60), demo.masks["dog on the left"].shape
    (True, (16, 256, 340))
    >>> [word["word"] for word in demo.view.rows[0]["words"] if not word["known"]]
    ['on']
    """

    def __init__(self, segmenter: Segmenter, clips: Mapping[str, Callable[[], Clip]] | None = None) -> None:
        allow_custom_widgets_in_colab()
        self.segmenter = segmenter
        self._clips = dict({title: drawn.draw for title, drawn in DRAWN_CLIPS.items()} if clips is None else clips)
        self._opened: dict[str, OpenClip] = {}  # by title
        self._shown: OpenClip | None = None  # on the page
        self._new = True  # the clip was not yet on any page
        self._sent: dict[tuple[str, int], float] = {}  # the threshold ratio at which the page got a query's mask of a frame
        self._thumbnails: set[str] = set()  # titles of clips whose picture the page has
        self._jobs = JobRunner(failed=self._show_problem)
        self.view = QueryView(guard=self._jobs.publishing, clips=list(self._clips), clip=next(iter(self._clips)), words=self._known_words())
        super().__init__([self.view])
        self.view.observe(lambda change: self._change_clip(), "clip")
        self.view.observe(lambda change: self._change_queries(), "queries")
        self.view.observe(lambda change: self._restart(), "threshold_ratio")
        self.view.on_msg(self._receive)
        self._change_clip()

    # For those who have no browser

    def ask(self, *queries: str) -> None:
        """Ask up to six sentences; what cannot be used says so in the page (`view.rows`), and the others are predicted.

        The same sentences again go on where they were stopped, or failed.
        """
        if len(queries) > MAX_QUERIES:
            raise QueryError(f"There are {len(queries)} sentences, and {MAX_QUERIES} at a time are the limit.")
        with self._jobs.publishing:
            if self.view.queries == list(queries):  # which is no change, of which the page would tell
                self._change_queries()
            self.view.queries = list(queries)

    def wait(self, seconds: float) -> bool:
        """Wait until all predictions are there; whether they are in time."""
        return self._jobs.wait(seconds)

    @property
    def masks(self) -> dict[str, np.ndarray]:
        """The masks bool (T, H, W) of the queries that are predicted in every frame of the clip."""
        if self.view.clip not in self._opened:
            return {}
        clip, session = self._opened[self.view.clip]
        every = range(len(clip.frames))
        complete = [query for query in self._usable_queries() if len(session.responses.get(query, ())) == len(every)]
        ratio = self.view.threshold_ratio
        return {query: np.stack([session.mask(query, frame, threshold_ratio=ratio) for frame in every]) for query in complete}

    # What the page asks for

    def _receive(self, view: Any, message: dict[str, Any], buffers: Sequence[memoryview]) -> None:
        try:
            if message["kind"] == "ready":
                with self._jobs.publishing:
                    self._shown, self._thumbnails = None, set()
                    self._restart()
            elif message["kind"] == "again" and not self._jobs.busy:
                with self._jobs.publishing:
                    self._change_queries()
            elif message["kind"] == "upload":
                self._jobs.start(self._open_upload(bytes(buffers[0])))
            elif message["kind"] == "compose":
                self._jobs.start(self._compose(message["stage"], message["cast"]))
            elif message["kind"] == "save":
                self._jobs.start(self._export(message["name"], self.view.clip, self._usable_queries()))
            elif message["kind"] == "stop":
                self._stop()
            elif message["kind"] == "attention":
                self._post_attention(message["query"], message["frame"], message["place"])
        except AcgaError as error:
            self._show_problem(error)

    def _change_clip(self) -> None:
        with self._jobs.publishing:
            self._new = True
            self.view.queries, self.view.examples, self.view.fooling = [], [], []
            self._restart()

    def _change_queries(self) -> None:
        self.view.rows = [self._parse_query(query) for query in self.view.queries]
        self._restart()

    def _parse_query(self, query: str) -> dict[str, Any]:
        """A row of the page: the words, known or with known ones that are spelled alike, and what is wrong in one sentence."""
        try:
            unknown = self.segmenter.unknown(query)
        except QueryError as error:
            return {"text": query, "words": [], "problem": str(error)}
        words = [
            {"word": word, "known": word not in unknown, "near": self.segmenter.suggest(word) if word in unknown else []}
            for word in tokenise(query)
        ]
        left_out = [{"word": word, "known": False, "near": []} for word in dict.fromkeys(unreadable(query))]
        senseless = not any(word["known"] for word in words)
        problem = "The model knows none of these words, so its answer means nothing." if senseless else ""
        return {"text": query, "words": [*words, *left_out], "problem": problem}

    def _usable_queries(self) -> list[str]:
        return list(dict.fromkeys(row["text"] for row in self.view.rows if row["words"]))

    def _restart(self) -> None:
        self._jobs.start(self._predict(self.view.clip, self._usable_queries(), self.view.threshold_ratio))

    def _stop(self) -> None:
        self._jobs.stop()
        self._show_progress(0, 0)
        self.view.status = "Stopped. Ask again to go on."

    def _post_attention(self, query: str, frame: int, place: Sequence[int]) -> None:
        if self._shown is None or query not in self._usable_queries() or not 0 <= frame < len(self._shown.clip.frames):
            return  # the page has moved on since it asked
        weights = self._shown.session.attention_from(query, frame, (int(place[0]), int(place[1])))
        if weights is None:
            raise AcgaError("This model has no language guided vision attention, so no place attends to another.")
        values, value_range = to_bytes(weights)
        rows, columns = weights.shape
        self.view.post(
            "attention", [values], query=query, frame=frame, place=list(place), rows=rows, columns=columns, range=list(value_range)
        )

    # Jobs (see `JobRunner`)

    def _predict(self, title: str, queries: list[str], threshold_ratio: float) -> Steps:
        started = time.perf_counter()
        yield partial(self._show_progress, 0, 0)
        if title not in self._opened:
            yield partial(self._show_status, "Opening the clip …")
            self._opened[title] = self._open_clip(self._clips[title]())
        shown = self._opened[title]
        if self._shown is not shown or self._new:
            yield partial(self._post_clip, shown)
        if queries:
            yield from self._answer(shown, queries, threshold_ratio, started)
        else:
            yield partial(self._show_status, "Type a sentence about one actor, and press Enter.")
        for other in self._clips:  # once nothing is more urgent
            if other not in self._thumbnails and (still := self._still(other)) is not None:
                yield partial(self._post_thumbnail, other, encode_picture(_narrowed(still), ".jpg", quality=FRAME_QUALITY))

    def _answer(self, shown: OpenClip, queries: list[str], threshold_ratio: float, started: float) -> Steps:
        yield partial(self._show_status, "Looking …")
        total = len(shown.clip.frames)
        early, done, new = 0.0, 0, 0
        for frames in _frames_in_turn(min(max(self.view.frame, 0), total - 1), total):
            for query in queries:
                new += shown.session.predict([query], frames)
                fresh = [frame for frame in frames if self._sent.get((query, frame)) != threshold_ratio]
                if fresh:
                    packed = pack_prediction(shown.session, query, fresh, threshold_ratio=threshold_ratio)
                    yield partial(self._post_prediction, *packed, threshold_ratio)
            done += len(frames)
            early = early or time.perf_counter() - started
            yield partial(self._show_progress, done, total)
        agreement = shown.session.agreement(queries, threshold_ratio=threshold_ratio)
        seconds = time.perf_counter() - started
        took = f"in {seconds:.2f} s, all {total} frames; the first after {early:.2f} s." if new else "before: nothing had to be computed."
        yield partial(self._finish, agreement, f"Answered {took}")

    def _open_upload(self, content: bytes) -> Steps:
        yield partial(self._show_status, "Reading the uploaded clip …")
        for found in read_upload(content):
            if isinstance(found, Clip):
                yield partial(self._choose, UPLOADED, self._open_clip(found))
            else:
                yield partial(self._show_status, f"Reading the uploaded clip: {found} frames …")

    def _compose(self, stage: str, cast: list[dict[str, Any]]) -> Steps:
        yield partial(self._show_status, "Drawing the scene …")
        yield partial(self._choose, COMPOSED, self._open_clip(draw_composed(stage, cast)))

    def _export(self, name: str, title: str, queries: list[str]) -> Steps:
        media_type, encode = EXPORTS[name]
        if not queries:
            raise QueryError("There is nothing to save yet: ask a sentence first.")
        threshold_ratio = self.view.threshold_ratio
        yield from self._predict(title, queries, threshold_ratio)
        yield partial(self._show_status, f"Writing {name} …")
        content = encode(*self._opened[title], queries, threshold_ratio=threshold_ratio)
        yield partial(self.view.post, "file", [content], name=name, type=media_type)
        yield partial(self._show_status, f"{name} is in your browser's downloads.")

    def _open_clip(self, clip: Clip) -> OpenClip:
        return OpenClip(clip, ClipSession.from_frames(self.segmenter, clip.frames))

    def _still(self, title: str) -> np.ndarray | None:
        """A frame of a clip, if it costs little."""
        if title in self._opened:
            frames = self._opened[title].clip.frames
            return frames[len(frames) // 2]
        return DRAWN_CLIPS[title].still() if title in DRAWN_CLIPS else None

    def _known_words(self) -> dict[str, list[str]]:
        """Those words to choose from that the model knows."""
        return {about: [words for words in group if not self.segmenter.unknown(words)] for about, group in WORDS_TO_CHOOSE.items()}

    # What the page shows

    def _show_status(self, status: str) -> None:
        self.view.problem = ""
        self.view.status = status

    def _show_progress(self, done: int, total: int) -> None:
        running = done < total
        self.view.progress = (done, total) if running else (0, 0)
        if running:
            self.view.status = f"Looking: {done} of {total} frames …"

    def _finish(self, agreement: list[float], status: str) -> None:
        self.view.agreement = agreement
        self._show_status(status)

    def _show_problem(self, error: Exception) -> None:
        self._show_progress(0, 0)
        self.view.status = ""
        text = str(error) if isinstance(error, AcgaError) else f"Something went wrong here ({type(error).__name__}: {error})."
        self.view.problem = text

    def _choose(self, title: str, opened: OpenClip) -> None:
        """Make a reader's clip the one that is asked about; one of this title that came before is forgotten."""
        self._opened[title] = opened
        self._clips[title] = lambda: opened.clip
        self._thumbnails.discard(title)
        self.view.clips = list(self._clips)
        if self.view.clip == title:
            self._change_clip()
        else:
            self.view.clip = title

    def _post_clip(self, shown: OpenClip) -> None:
        clip = shown.clip
        self._shown, self._sent = shown, {}
        if self._new:
            self.view.frame = len(clip.frames) // 2  # the frame whose clip has most to show
        height, width = clip.size
        frames = [encode_picture(frame, ".jpg", quality=FRAME_QUALITY) for frame in clip.frames]
        count = len(frames)
        pauses = [clip.time_of(number + 1) - clip.time_of(number) for number in range(count - 1)] + [1 / clip.frames_per_second]  # seconds
        truth = [] if clip.truth is None else [np.packbits(mask).tobytes() for actor in clip.truth for mask in actor]
        about = {"id": id(shown), "height": height, "width": width, "frames": count, "pauses": pauses, "frame": self.view.frame}
        self.view.post("clip", [*frames, *truth], **about)
        self.view.examples = [list(phrasings) for phrasings in clip.phrasings]
        self.view.fooling = list(clip.fooling)
        if self._new and not self.view.queries:  # something to see before anything is typed
            self.view.queries = [phrasings[0] for phrasings in clip.phrasings[:ASKED_FIRST]]
        self._new = False

    def _post_prediction(self, message: dict[str, Any], buffers: Sequence[bytes], threshold_ratio: float) -> None:
        self.view.post("prediction", list(buffers), clip=id(self._shown), **message)
        self._sent.update({(message["query"], frame): threshold_ratio for frame in message["frames"]})

    def _post_thumbnail(self, title: str, picture: bytes) -> None:
        self._thumbnails.add(title)
        self.view.post("thumbnail", [picture], title=title)


def allow_custom_widgets_in_colab() -> None:
    """Let Colab show custom widgets, which it does only when told to; anywhere else this does nothing."""
    if "google.colab" in sys.modules:
        from google.colab import output

        output.enable_custom_widget_manager()


def _narrowed(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) as a thumbnail."""
    height, width, _ = picture.shape
    return cv2.resize(picture, (THUMBNAIL_WIDTH, round(height * THUMBNAIL_WIDTH / width)), interpolation=cv2.INTER_AREA)


def _frames_in_turn(first: int, total: int) -> Iterator[list[int]]:
    """The first frame alone, then the others as they will be played, a batch between two looks at whether to go on.

    >>> list(_frames_in_turn(6, 8))
    [[6], [7, 0, 1, 2], [3, 4, 5]]
    """
    yield [first]
    rest = [(first + step) % total for step in range(1, total)]
    for at in range(0, len(rest), AT_ONCE):
        yield rest[at : at + AT_ONCE]
