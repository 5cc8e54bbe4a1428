"""A page with a few clips and all answers about them computed beforehand: it needs no kernel, no server and no network.

For each sentence the page has its response and its attention in some frames, and the responses when one word is left out, so that words can
be crossed out. Responses are kept as shares of their maximum, 8 bits each, so that the threshold can be moved in the browser.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..data.pictures import encode_picture
from ..data.text import tokenise
from ..files import write_text
from ..inference import ClipSession, Segmenter
from ..overlay import PALETTE
from .clips import DRAWN_CLIPS, Clip, DrawnClip

SCRIPTS = ("elements.js", "masks.js", "drawing.js", "static_demo.js")  # the first three are the query demo's, too
CLIPS = 6
STEP = 2  # frames: every second one is shown
ACROSS = 85  # columns of a response that is kept


def write_static_demo(path: Path, segmenter: Segmenter | None = None, clips: Mapping[str, DrawnClip] = DRAWN_CLIPS) -> Path:
    """Write the page about the first clips: an HTML file that holds everything. It takes a minute or two.

    Raises `ConfigError` when the file cannot be written.
    """
    segmenter = Segmenter() if segmenter is None else segmenter
    data = [compute_clip(segmenter, title, clip.draw()) for title, clip in list(clips.items())[:CLIPS]]
    files = resources.files("acga.widgets")
    script = "\n".join((files / part).read_text(encoding="utf-8") for part in SCRIPTS)
    style = (files / "static_demo.css").read_text(encoding="utf-8")
    content = json.dumps({"clips": data, "palette": PALETTE}, separators=(",", ":")).replace("</", "<\\/")
    page = PAGE.format(style=style, data=content, script=script, title=html.escape("Ask a video: precomputed"))
    write_text(path, page)
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
        probability = 1 / (1 + np.exp(-crop(one.logits, session.size).astype(np.float64)))
        share = cv2.resize(probability / probability.max(), (ACROSS, _rows(session.size)), interpolation=cv2.INTER_AREA)
        maps.append(np.round(255 * share.clip(0, 1)).astype(np.uint8))
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


def crop(square: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The part of a square map (S, S) that shows the frame of `size` (h, w): what `pad_resize` put there."""
    side = len(square)
    height, width = (round(side * length / max(size)) for length in size)
    top, left = (side - height) // 2, (side - width) // 2
    return square[top : top + height, left : left + width]


def _rows(size: tuple[int, int]) -> int:
    return round(ACROSS * size[0] / size[1])


def _strip(maps: Sequence[np.ndarray]) -> str:
    """Maps of one size, one below the other, as the address of a picture."""
    return "data:image/png;base64," + base64.b64encode(encode_picture(np.concatenate(maps))).decode()


def _picture(frame: np.ndarray) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(encode_picture(frame, ".jpg", quality=82)).decode()


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
<p class="home"><a href="../index.html">ACGA, step by step</a></p>
<h1>Ask a video</h1>
<p>All answers on this page were computed beforehand: it works without a server.
To ask sentences of your own, about films of your own, run <code>make app</code>.</p>
<div id="clips" role="group" aria-label="Clips"></div>
<div id="stage">
<div id="view"><canvas id="picture" tabindex="0" role="img" aria-describedby="said"
aria-label="The clip with the mask. Arrow keys mark a cell, to see how it weighs the words."></canvas>
<div class="row"><button id="play" type="button">Pause</button>
<input id="frame" type="range" min="0" value="0" aria-label="Frame"></div>
<p id="said" aria-live="polite"></p></div>
<div id="panel">
<fieldset><legend>Sentence, and is it there?</legend><div id="sentences"></div></fieldset>
<fieldset><legend>Words: point at one, click to cross it out</legend><div id="words"></div></fieldset>
<fieldset><legend>Threshold, as a share of the largest response</legend>
<div class="row">
<input id="threshold" type="range" min="5" max="95" value="50" aria-label="Threshold"> <output id="share">50 %</output></div></fieldset>
<p class="hint">Point at a word: the cells that attend to it stay bright.
Point at the picture: each word shows its share of that cell's attention.</p>
</div>
</div>
</main>
<script id="data" type="application/json">{data}</script>
<script>
{script}
</script>
</body>
</html>
"""
