"""The page of the query demo: sentences, picture and sliders, in the browser. It shows what it is told and asks; it computes nothing.

Pictures, masks and maps go to the page as messages, not as traits: traits are saved with a notebook, and a reader's clip must not be.
A page that opens, or opens again, says "ready" and is told everything anew.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from ..overlay import PALETTE
from .uploads import LARGEST, LIMITS

PARTS = ("elements.js", "drawing.js", "sentences.js", "query_view.js")  # one module, in this order
MOST_QUERIES = 6


class Guarded:
    """Mixed into a widget: what its page changes waits until a job that is telling something has ended its step.

    Traitlets holds back all notifications of a widget while it takes over a page's state; those of another thread could get lost.
    """

    def __init__(self, *args: Any, guard: AbstractContextManager[Any], **keywords: Any) -> None:
        self._guard = guard
        super().__init__(*args, **keywords)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """As for any widget."""
        with self._guard:
            super().set_state(sync_data)  # type: ignore[misc]


class ClipChoice(Guarded, ipywidgets.Dropdown):
    """Which clip is asked about."""


class QueryView(Guarded, anywidget.AnyWidget):
    """What kernel and page share; the other messages are those of `QueryDemo`."""

    _esm = "\n".join(Path(__file__).with_name(part).read_text(encoding="utf-8") for part in PARTS)
    _css = Path(__file__).with_name("query_view.css")

    queries = traitlets.List(traitlets.Unicode(), maxlen=MOST_QUERIES).tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)  # shown, from 0
    opacity = traitlets.Float(0.5, min=0, max=1).tag(sync=True)
    share = traitlets.Float(0.5, min=0.05, max=0.95).tag(sync=True)  # of a map's maximum: the threshold
    compare = traitlets.Bool(False).tag(sync=True)  # phrasings of one actor side by side
    # From the kernel only. A row: text, words [{word, known, near}], problem.
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    examples = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)  # phrasings, by actor
    agreement = traitlets.List(traitlets.Float()).tag(sync=True)  # of the queries' masks, by frame
    status = traitlets.Unicode("").tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)
    palette = traitlets.List(traitlets.Unicode(), list(PALETTE[:MOST_QUERIES])).tag(sync=True)
    limits = traitlets.Dict({"bytes": LARGEST, "text": LIMITS}).tag(sync=True)

    def tell(self, kind: str, buffers: list[Any] | None = None, **content: Any) -> None:
        """A message to every page that shows this view."""
        self.send({"kind": kind, **content}, buffers or [])
