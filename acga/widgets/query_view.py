"""The page of the query demo: sentences, picture and sliders, in the browser. It shows what the kernel sends and asks; it computes nothing.

Pictures, masks and maps go to the page as messages, not as traits: traits are saved with a notebook, and a reader's clip must not be.
A page that opens, or opens again, says "ready" and gets everything anew.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from ..inference import ClipSession
from ..output.overlay import PALETTE
from .composer import OPTIONS
from .uploads import EXPECTATIONS, LIMITS, MAX_BYTES

# One module, in this order.
PARTS = ("elements.js", "masks.js", "drawing.js", "gallery.js", "composer.js", "sentences.js", "words.js", "phrasings.js", "query_view.js")
MAX_QUERIES = 6
WORDS_TO_CHOOSE = {  # to choose from, by what they say
    "who": ("man", "woman", "baby", "dog", "cat", "bird", "car", "ball"),
    "colour": ("red", "green", "blue", "yellow", "orange", "brown", "black", "white"),
    "doing": ("walking", "running", "jumping", "flying", "rolling", "crawling", "sitting", "standing"),
    "where": ("on the left", "in the middle", "on the right", "in the back", "in the front"),
}


class QueryView(anywidget.AnyWidget):
    """The state that kernel and page share; the other messages are those of `QueryDemo`."""

    _esm = "\n".join(Path(__file__).with_name(part).read_text(encoding="utf-8") for part in PARTS)
    _css = Path(__file__).with_name("query_view.css")

    clip = traitlets.Unicode().tag(sync=True)  # the title of the one that is asked about
    queries = traitlets.List(traitlets.Unicode(), maxlen=MAX_QUERIES).tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)  # shown, from 0
    opacity = traitlets.Float(0.5, min=0, max=1).tag(sync=True)
    threshold_ratio = traitlets.Float(0.5, min=0.05, max=0.95).tag(sync=True)  # of a map's maximum
    compare = traitlets.Bool(False).tag(sync=True)  # phrasings of one actor side by side
    # From the kernel only.
    clips = traitlets.List(traitlets.Unicode()).tag(sync=True)  # titles
    progress = traitlets.Tuple(traitlets.Int(), traitlets.Int(), default_value=(0, 0)).tag(sync=True)  # frames done, of how many; 0: idle
    # A row: text, words [{word, known, near}], problem.
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    examples = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)  # phrasings, by actor
    agreement = traitlets.List(traitlets.Float()).tag(sync=True)  # of the queries' masks, by frame
    status = traitlets.Unicode("").tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)
    palette = traitlets.List(traitlets.Unicode(), list(PALETTE[:MAX_QUERIES])).tag(sync=True)
    fooling = traitlets.List(traitlets.Unicode()).tag(sync=True)  # sentences about nobody, or about one of several who look alike
    words = traitlets.Dict().tag(sync=True)  # to choose from, by what they say
    limits = traitlets.Dict({"bytes": MAX_BYTES, "text": LIMITS, "expect": EXPECTATIONS}).tag(sync=True)
    composer = traitlets.Dict(OPTIONS).tag(sync=True)

    def __init__(self, *, guard: AbstractContextManager[Any], **traits: Any) -> None:
        """Let what the page changes wait for `guard`, which a job holds that is publishing something.

        Traitlets holds back all notifications of a widget while it takes over a page's state; those of another thread could get lost.
        """
        self._guard = guard
        super().__init__(**traits)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """As for any widget."""
        with self._guard:
            super().set_state(sync_data)

    def post(self, kind: str, buffers: list[Any] | None = None, **content: Any) -> None:
        """Send a message to every page that shows this view."""
        self.send({"kind": kind, **content}, buffers or [])


def pack_prediction(
    session: ClipSession, query: str, frames: list[int], *, threshold_ratio: float
) -> tuple[dict[str, Any], tuple[bytes, bytes]]:
    """A message with a query's prediction in some frames; its buffers are the masks, a bit a pixel, and the words' maps, a byte a place."""
    masks = b"".join(np.packbits(session.mask(query, frame, threshold_ratio=threshold_ratio)).tobytes() for frame in frames)
    verdicts = [session.segmenter.verdict(session.responses[query][frame].confidence) or "" for frame in frames]
    message: dict[str, Any] = {"query": query, "frames": frames, "verdicts": verdicts, "words": 0, "rows": 0, "columns": 0, "ranges": []}
    maps = [weights for frame in frames if (weights := session.responses[query][frame].word_weights) is not None]  # (L, h, w) each
    if not maps:
        return message, (masks, b"")
    message["words"], message["rows"], message["columns"] = maps[0].shape
    scaled_maps = [[to_bytes(word) for word in weights] for weights in maps]
    message["ranges"] = [[value_range for _, value_range in words] for words in scaled_maps]
    return message, (masks, b"".join(values for words in scaled_maps for values, _ in words))


def to_bytes(weights: np.ndarray) -> tuple[bytes, tuple[float, float]]:
    """A map (h, w), its least value as 0 and its largest as 255, row by row, and these two values.

    >>> to_bytes(np.array([[0.0, 0.5], [1.0, 0.25]]))
    (b'\\x00\\x80\\xff@', (0.0, 1.0))
    """
    low, high = float(weights.min()), float(weights.max())
    return np.round((weights - low) / max(high - low, 1e-12) * 255).astype(np.uint8).tobytes(), (low, high)
