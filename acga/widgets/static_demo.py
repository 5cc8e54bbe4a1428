"""A page with a few clips and all answers about them computed beforehand: it needs no kernel, no server and no network.

For each sentence the page has its response and its attention in some frames, and the responses when one word is left out, so that words can
be crossed out. Responses are kept as shares of their maximum, 8 bits each, so that the threshold can be moved in the browser.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..data.geometry import undo_pad_resize
from ..data.pictures import encode_picture
from ..data.text import tokenise
from ..inference import ClipSession, Segmenter
from ..output.overlay import PALETTE
from ..system.files import write_text
from .clips import DRAWN_CLIPS, Clip, DrawnClip

SCRIPTS = ("elements.js", "masks.js", "drawing.js", "static_demo.js")  # the first three are the query demo's, too
CLIPS = 6
STEP = 2  # frames: every second one is shown
ACROSS = 85  # columns of a response that is kept


def write_static_demo(path: Path, segmenter: Segmenter | None = None, clips: Mapping[str, DrawnClip] = DRAWN_CLIPS) -> Path:
    """Write the page about the first clips: an HTML file that holds everything. It takes a minute or two.

    Raises `AcgaError` when the file cannot be written.
    """
    segmenter = Segmenter() if segmenter is None else segmenter
    data = [compute_clip(segmenter, title, clip.draw()) for title, clip in list(clips.items())[:CLIPS]]
    files = resources.files("acga.widgets")
    script = "\n".join((files / part).read_text(encoding="utf-8") for part in SCRIPTS)
    frame, style = ((files / f"static_demo.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    content = json.dumps({"clips": data, "palette": PALETTE}, separators=(",", ":")).replace("</", "<\\/")
    write_text(path, frame.format(style=style, data=content, script=script))
    return path


def compute_clip(segmenter: Segmenter, title: str, clip: Clip) -> dict[str, Any]:
    """The frames of a clip and its sentences' answers, ready for JSON: one sentence an actor, another phrasing, and one that fools."""
    first = [phrasings[0] for phrasings in clip.phrasings]
    more = [phrasings[1] for phrasings in clip.phrasings if len(phrasings) > 1]
    queries = list(dict.fromkeys([*first, *more[:1], *clip.fooling[:1]]))
    frames = list(range(0, len(clip.frames), STEP))
    session = ClipSession.from_frames(segmenter, clip.frames)
    shorter = {query: [" ".join(left) for left in _each_left_out(tokenise(query))] for query in queries}
    every = list(dict.fromkeys([*queries, *(text for texts in shorter.values() for text in texts if text)]))
    session.predict(every, frames)
    return {
        "title": title,
        "size": [clip.size[1], clip.size[0]],
        "seconds": STEP / clip.frames_per_second,
        "frames": [_picture(clip.frames[frame]) for frame in frames],
        "answers": {query: _answer(session, query, frames) for query in every},
        "queries": [{"text": query, "words": tokenise(query), "without": shorter[query]} for query in queries],
    }


def _each_left_out(words: Sequence[str]) -> list[list[str]]:
    return [[*words[:at], *words[at + 1 :]] for at in range(len(words))]


def _answer(session: ClipSession, query: str, frames: Sequence[int]) -> dict[str, Any]:
    """Maps and attention of one sentence as strips of frames, and its verdict."""
    found = [session.responses[query][frame] for frame in frames]
    maps: list[np.ndarray] = []
    attention: list[np.ndarray] = []
    for one in found:
        probability = 1 / (1 + np.exp(-one.logits.astype(np.float64)))  # (S, S)
        share = undo_pad_resize(np.round(255 * probability / probability.max()).astype(np.uint8), session.size)  # (H, W)
        maps.append(cv2.resize(share, (ACROSS, _rows(session.size)), interpolation=cv2.INTER_AREA))
        if one.word_weights is not None:
            attention.extend(np.round(255 * weights).astype(np.uint8) for weights in one.word_weights)
    confidence = float(np.median([one.confidence for one in found]))
    return {
        "maps": _strip(maps),
        "rows": _rows(session.size),
        "attention": _strip(attention) if attention else None,
        "cells": len(attention[0]) if attention else 0,
        "verdict": session.segmenter.verdict(confidence) or "",
    }


def _rows(size: tuple[int, int]) -> int:
    return round(ACROSS * size[0] / size[1])


def _strip(maps: Sequence[np.ndarray]) -> str:
    """Maps of one size, one below the other, as the address of a picture."""
    return "data:image/png;base64," + base64.b64encode(encode_picture(np.concatenate(maps))).decode()


def _picture(frame: np.ndarray) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(encode_picture(frame, ".jpg", quality=82)).decode()
