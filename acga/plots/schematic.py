"""Schematics of the network and its parts as SVG, with the shapes of the running example: "thin_residual", 128 x 128 pixels, 20 words.

They bring their own pale ground, so that they can be read on a light and on a dark page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from ..errors import ConfigError

INK, PALE, LIT, GROUND = "#1f2933", "#e4e7eb", "#ffd166", "#fbfbf8"
_FONT = "font-family='Helvetica, Arial, sans-serif'"


class Node(NamedTuple):
    """A box by its left upper corner, with a name, a line below it (a shape, mostly), and the part that lights it."""

    x: int
    y: int
    name: str
    detail: str = ""
    part: str = ""
    width: int = 136
    height: int = 52


Arrow = tuple[tuple[int, int], ...]  # a line through points (x, y), with a head at its end


class Sketch(NamedTuple):
    """Boxes and arrows of a drawing; arrows of `ours`, which the paper has not, are dashed."""

    boxes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    note: str = ""
    ours: tuple[Arrow, ...] = ()
    height: int = 232


@dataclass(frozen=True)
class Drawing:
    """A picture that notebooks show; `svg` is its text."""

    svg: str
    title: str

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<schematic: {self.title}>"


_NETWORK = Sketch(
    (
        Node(12, 24, "clip", "3 × 16 × 128 × 128", "data"),
        Node(12, 132, "sentence", "20 words", "data"),
        Node(184, 24, "video + place, eq. 2", "216 × 8 × 8", "encoders"),
        Node(184, 132, "text, eq. 1", "20 × 96", "encoders"),
        Node(362, 24, "language guided vision", "eq. 5–8: 216 × 8 × 8", "vision", 166),
        Node(362, 132, "vision guided language", "eq. 3–4: 96 × 8 × 8", "language", 166),
        Node(556, 78, "decoder, eq. 10–13", "8 × 8, 32 × 32, 128 × 128", "decoder", 168),
        Node(760, 24, "mask", "128 × 128", "query", 110),
        Node(760, 132, "loss, eq. 14–16", "one number", "loss", 110),
    ),
    (
        ((148, 50), (184, 50)),
        ((148, 158), (184, 158)),
        ((320, 50), (362, 50)),
        ((320, 158), (362, 158)),
        ((320, 62), (362, 146)),
        ((320, 146), (362, 62)),
        ((528, 50), (556, 94)),
        ((528, 158), (556, 114)),
        ((724, 94), (760, 50)),
        ((724, 114), (760, 158)),
    ),
    "216 channels = 208 of the video and 8 that say where; the decoder takes the 208 and makes the 8 anew",
)
_LANGUAGE = Sketch(
    (
        Node(12, 24, "F_VC: 64 pixels", "64 × 216"),
        Node(12, 132, "F_T: 20 words", "20 × 96"),
        Node(190, 24, "Linear, eq. 3", "64 × 96", "language"),
        Node(368, 78, "scores: pixel · word", "64 × 20, divided by √96", "language", 160),
        Node(570, 78, "softmax", "64 × 20, rows sum to 1", "language", 140),
        Node(752, 78, "mixture of words, 4", "F_TA: 96 × 8 × 8", "language", 144),
    ),
    (
        ((148, 50), (190, 50)),
        ((326, 50), (368, 94)),
        ((148, 148), (258, 148), (368, 114)),
        ((528, 104), (570, 104)),
        ((710, 104), (752, 104)),
        ((148, 170), (824, 170), (824, 130)),
    ),
    "64 pixels = 8 × 8 places of the frame; the words are used twice: to be compared with, and to be mixed",
)
_VISION = Sketch(
    (
        Node(12, 24, "F_T: 20 words", "20 × 96"),
        Node(12, 132, "F_VC: 64 pixels", "64 × 216"),
        Node(190, 24, "gate, eq. 5", "max over words: 216", "vision"),
        Node(190, 132, "Q, K, V: Linear, 6", "64 × 216 each", "vision"),
        Node(368, 78, "Q · gate, K · gate, 7", "64 × 216 each", "vision", 144),
        Node(548, 78, "softmax(Q Kᵀ / √216)", "64 × 64, rows sum to 1", "vision", 168),
        Node(752, 78, "mixture of pixels, 8", "F_VA: 216 × 8 × 8", "vision", 144),
    ),
    (
        ((148, 50), (190, 50)),
        ((148, 158), (190, 158)),
        ((326, 50), (368, 94)),
        ((326, 148), (368, 114)),
        ((512, 104), (548, 104)),
        ((716, 104), (752, 104)),
        ((326, 170), (804, 170), (804, 130)),
    ),
    "dashed: + F_VC, the residual, which is ours; 216 channels = 208 of the video and 8 that say where",
    ours=(((80, 184), (80, 196), (844, 196), (844, 130)),),
    height=240,
)
_DECODER = Sketch(
    (
        Node(12, 24, "F_VA, no coordinates", "208 × 8 × 8", width=144),
        Node(212, 24, "4 times finer, eq. 10", "64 × 32 × 32", "decoder", 144),
        Node(412, 24, "4 times finer, eq. 10", "32 × 128 × 128", "decoder", 144),
        Node(12, 144, "response, eq. 11", "R^S: 8 × 8", "decoder", 144),
        Node(212, 144, "response, eq. 11", "R^M: 32 × 32", "decoder", 144),
        Node(412, 144, "response, eq. 11", "R^L: 128 × 128", "decoder", 144),
        Node(612, 144, "fusion 3 × 3, eq. 12", "3 maps to 1: 128 × 128", "decoder", 152),
        Node(800, 144, "mask", "128 × 128", width=96),
        Node(612, 24, "F_TA, enlarged", "96 × 8 × 8", width=152),
    ),
    (
        ((156, 50), (212, 50)),
        ((356, 50), (412, 50)),
        ((60, 76), (60, 144)),
        ((260, 76), (260, 144)),
        ((460, 76), (460, 144)),
        ((688, 76), (688, 110), (512, 110), (512, 144)),
        ((512, 110), (312, 110), (312, 144)),
        ((312, 110), (112, 110), (112, 144)),
        ((556, 170), (612, 170)),
        ((84, 196), (84, 220), (668, 220), (668, 196)),
        ((284, 196), (284, 209), (650, 209), (650, 196)),
        ((764, 170), (800, 170)),
    ),
    "each response sees the video's channels, the words of its place and 8 coordinates of its own size",
    height=264,
)
_LOSS = Sketch(
    (
        Node(12, 24, "responses", "8 × 8, 32 × 32, 128 × 128", width=176),
        Node(12, 132, "true mask", "8 × 8, 32 × 32, 128 × 128", width=176),
        Node(240, 78, "error of each pixel", "cross-entropy", "loss", 152),
        Node(440, 78, "inside × 1.5", "outside × 1", "loss", 120),
        Node(608, 78, "mean of each size", "eq. 14–15: 3 numbers", "loss"),
        Node(790, 78, "sum, eq. 16", "one number", "loss", 106),
    ),
    (
        ((188, 50), (240, 94)),
        ((188, 148), (240, 114)),
        ((392, 104), (440, 104)),
        ((560, 104), (608, 104)),
        ((744, 104), (790, 104)),
        ((188, 170), (500, 170), (500, 130)),
    ),
    "the mask says twice which pixels are inside: what is right, and what it weighs",
)
_DRAWINGS = {"network": _NETWORK, "language": _LANGUAGE, "vision": _VISION, "decoder": _DECODER, "loss": _LOSS}
_PARTS = tuple(dict.fromkeys(box.part for box in _NETWORK.boxes))


def schematic(part: str = "") -> Drawing:
    """The whole network, one of its `_PARTS` lit.

    >>> schematic("decoder")
    <schematic: the network, decoder lit>
    """
    if part and part not in _PARTS:
        raise ConfigError(f"schematic has no part {part!r}: take one of {', '.join(_PARTS)}.")
    return Drawing(_svg(_NETWORK, part), f"the network, {part} lit" if part else "the network")


def part_schematic(part: str) -> Drawing:
    """One part with all its steps: "language" (eq. 3-4), "vision" (eq. 5-8), "decoder" (eq. 10-13) or "loss" (eq. 14-16).

    >>> part_schematic("vision")
    <schematic: vision>
    """
    if part not in _DRAWINGS or part == "network":
        raise ConfigError(f"part_schematic has no part {part!r}: take one of {', '.join(list(_DRAWINGS)[1:])}.")
    return Drawing(_svg(_DRAWINGS[part], part), part)


def _svg(sketch: Sketch, lit: str, *, width: int = 908) -> str:
    pieces = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {sketch.height}' width='{width}' role='img'>",
        f"<rect width='{width}' height='{sketch.height}' rx='10' fill='{GROUND}'/>",
        *(_arrow(arrow) for arrow in sketch.arrows),
        *(_arrow(arrow, "stroke-dasharray='5 4'") for arrow in sketch.ours),
        *(_box(box, LIT if box.part and box.part == lit else PALE) for box in sketch.boxes),
        f"<text x='{width // 2}' y='{sketch.height - 14}' {_FONT} font-size='12' font-style='italic' text-anchor='middle' fill='{INK}'>"
        f"{escape(sketch.note)}</text>",
        "</svg>",
    ]
    return "\n".join(pieces)


def _arrow(points: Arrow, style: str = "") -> str:
    """A line and its head, drawn without a marker: markers need ids, and those of two drawings on a page would meet."""
    (x, y), (from_x, from_y) = points[-1], points[-2]
    angle = math.degrees(math.atan2(y - from_y, x - from_x))
    line = " ".join(f"{x},{y}" for x, y in points)
    return (
        f"<polyline points='{line}' fill='none' stroke='{INK}' stroke-width='1.4' {style}/>"
        f"<path d='M-9 -4.5 L0 0 L-9 4.5 z' fill='{INK}' transform='translate({x} {y}) rotate({angle:.0f})'/>"
    )


def _box(box: Node, fill: str) -> str:
    middle = box.x + box.width // 2
    return (
        f"<rect x='{box.x}' y='{box.y}' width='{box.width}' height='{box.height}' rx='6' fill='{fill}' stroke='{INK}'/>"
        f"<text x='{middle}' y='{box.y + 22}' {_FONT} font-size='13' font-weight='bold' text-anchor='middle' fill='{INK}'>"
        f"{escape(box.name)}</text>"
        f"<text x='{middle}' y='{box.y + 40}' {_FONT} font-size='12' text-anchor='middle' fill='{INK}'>{escape(box.detail)}</text>"
    )
