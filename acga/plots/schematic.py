"""Schematics of the network and its parts as SVG, with the shapes of the running example: "thin_residual", 128 x 128 pixels, 20 words.

They bring their own pale ground, so that they can be read on a light and on a dark page.
"""

from __future__ import annotations

from collections.abc import Iterable
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


class Arrow(NamedTuple):
    """A line through points (x, y), an arrow's head at its end."""

    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Drawing:
    """A picture that notebooks show; `svg` is its text."""

    svg: str
    title: str

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<schematic: {self.title}>"


def _straight(*points: tuple[int, int]) -> Arrow:
    return Arrow(points)


_NETWORK = (
    [
        Node(12, 36, "clip", "3 × 16 × 128 × 128", "data"),
        Node(12, 144, "sentence", "20 words", "data"),
        Node(184, 36, "video: I3D, eq. 2", "216 × 8 × 8", "encoders"),
        Node(184, 144, "text: eq. 1", "20 × 96", "encoders"),
        Node(372, 36, "pixels ↔ pixels, 5–8", "216 × 8 × 8", "vision", 148),
        Node(372, 144, "pixels ↔ words, 3–4", "96 × 8 × 8", "language", 148),
        Node(556, 90, "decoder, eq. 10–13", "8 × 8, 32 × 32, 128 × 128", "decoder", 168),
        Node(760, 36, "mask", "128 × 128", "query", 110),
        Node(760, 144, "loss, eq. 14–16", "one number", "loss", 110),
    ],
    [
        _straight((148, 62), (184, 62)),
        _straight((148, 170), (184, 170)),
        _straight((320, 62), (372, 62)),
        _straight((320, 170), (372, 170)),
        _straight((320, 74), (372, 158)),
        _straight((320, 158), (372, 74)),
        _straight((520, 62), (556, 106)),
        _straight((520, 170), (556, 126)),
        _straight((724, 106), (760, 62)),
        _straight((724, 126), (760, 170)),
    ],
)
_LANGUAGE = (
    [
        Node(12, 36, "F_VC: 64 pixels", "64 × 216"),
        Node(12, 144, "F_T: 20 words", "20 × 96"),
        Node(190, 36, "Linear, eq. 3", "64 × 96", "language"),
        Node(368, 90, "scores: pixel · word", "64 × 20, divided by √96", "language", 160),
        Node(570, 90, "softmax", "each row sums to one", "language"),
        Node(748, 90, "mixture of words, 4", "F_TA: 96 × 8 × 8", "language"),
    ],
    [
        _straight((148, 62), (190, 62)),
        _straight((326, 62), (368, 106)),
        _straight((148, 170), (258, 170), (368, 126)),
        _straight((528, 116), (570, 116)),
        _straight((706, 116), (748, 116)),
        _straight((148, 182), (816, 182), (816, 142)),
    ],
)
_VISION = (
    [
        Node(12, 36, "F_T: 20 words", "20 × 96"),
        Node(12, 144, "F_VC: 64 pixels", "64 × 216"),
        Node(190, 36, "gate, eq. 5", "max over words: 216", "vision"),
        Node(190, 144, "Q, K, V: Linear", "64 × 216 each", "vision"),
        Node(368, 90, "Q · gate, K · gate", "eq. 6–7: 64 × 216", "vision"),
        Node(546, 90, "softmax(Q Kᵀ / √216)", "64 × 64, rows sum to one", "vision", 168),
        Node(756, 90, "mixture of pixels, 8", "F_VA: 216 × 8 × 8", "vision", 140),
    ],
    [
        _straight((148, 62), (190, 62)),
        _straight((148, 170), (190, 170)),
        _straight((326, 62), (368, 106)),
        _straight((326, 162), (368, 126)),
        _straight((504, 116), (546, 116)),
        _straight((714, 116), (756, 116)),
        _straight((326, 182), (826, 182), (826, 142)),
    ],
)
_DECODER = (
    [
        Node(12, 36, "F_VA", "208 × 8 × 8"),
        Node(212, 36, "four times finer, 10", "64 × 32 × 32", "decoder"),
        Node(412, 36, "four times finer, 10", "32 × 128 × 128", "decoder"),
        Node(12, 144, "response, eq. 11", "R^S: 8 × 8", "decoder"),
        Node(212, 144, "response, eq. 11", "R^M: 32 × 32", "decoder"),
        Node(412, 144, "response, eq. 11", "R^L: 128 × 128", "decoder"),
        Node(612, 144, "fusion 3 × 3, eq. 12", "3 maps to 1: 128 × 128", "decoder", 152),
        Node(800, 144, "mask", "128 × 128", "", 96),
        Node(612, 36, "F_TA: 96 × 8 × 8", "enlarged, to each response", "", 176),
    ],
    [
        _straight((148, 62), (212, 62)),
        _straight((348, 62), (412, 62)),
        _straight((80, 88), (80, 144)),
        _straight((280, 88), (280, 144)),
        _straight((480, 88), (480, 144)),
        _straight((700, 88), (700, 116), (540, 116), (516, 144)),
        _straight((548, 170), (612, 170)),
        _straight((80, 196), (80, 218), (668, 218), (668, 196)),
        _straight((280, 196), (280, 208), (650, 208), (650, 196)),
        _straight((764, 170), (800, 170)),
    ],
)
_LOSS = (
    [
        Node(12, 36, "responses", "8 × 8, 32 × 32, 128 × 128", "", 176),
        Node(12, 144, "true mask", "at the same three sizes", "", 176),
        Node(240, 90, "error of each pixel", "cross-entropy", "loss", 152),
        Node(440, 90, "inside × 1.5", "outside × 1", "loss", 120),
        Node(608, 90, "mean of each size", "eq. 14–15: 3 numbers", "loss"),
        Node(790, 90, "sum, eq. 16", "one number", "loss", 106),
    ],
    [
        _straight((188, 62), (240, 106)),
        _straight((188, 170), (240, 126)),
        _straight((392, 116), (440, 116)),
        _straight((560, 116), (608, 116)),
        _straight((744, 116), (790, 116)),
        _straight((188, 182), (500, 182), (500, 142)),
    ],
)
_DRAWINGS = {"network": _NETWORK, "language": _LANGUAGE, "vision": _VISION, "decoder": _DECODER, "loss": _LOSS}
_PARTS = tuple(dict.fromkeys(box.part for box in _NETWORK[0]))


def schematic(part: str = "") -> Drawing:
    """The whole network, one of its `_PARTS` lit.

    >>> schematic("decoder")
    <schematic: the network, decoder lit>
    """
    if part and part not in _PARTS:
        raise ConfigError(f"schematic has no part {part!r}: take one of {', '.join(_PARTS)}.")
    return Drawing(_svg(*_NETWORK, lit={part}), f"the network, {part} lit" if part else "the network")


def part_schematic(part: str) -> Drawing:
    """One part with all its steps: "language" (eq. 3-4), "vision" (eq. 5-8), "decoder" (eq. 10-13) or "loss" (eq. 14-16).

    >>> part_schematic("vision")
    <schematic: vision>
    """
    if part not in _DRAWINGS or part == "network":
        raise ConfigError(f"part_schematic has no part {part!r}: take one of {', '.join(list(_DRAWINGS)[1:])}.")
    return Drawing(_svg(*_DRAWINGS[part], lit={part}), part)


def _svg(boxes: Iterable[Node], arrows: Iterable[Arrow], *, lit: set[str], width: int = 908, height: int = 232) -> str:
    head = "<marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' orient='auto'>"
    pieces = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' role='img'>",
        f"<defs>{head}<path d='M0 0 L8 4 L0 8 z' fill='{INK}'/></marker></defs>",
        f"<rect width='{width}' height='{height}' rx='10' fill='{GROUND}'/>",
    ]
    for arrow in arrows:
        points = " ".join(f"{x},{y}" for x, y in arrow.points)
        pieces.append(f"<polyline points='{points}' fill='none' stroke='{INK}' stroke-width='1.4' marker-end='url(#tip)'/>")
    for box in boxes:
        fill = LIT if box.part and box.part in lit else PALE
        middle = box.x + box.width // 2
        pieces.append(
            f"<rect x='{box.x}' y='{box.y}' width='{box.width}' height='{box.height}' rx='6' fill='{fill}' stroke='{INK}'/>"
            f"<text x='{middle}' y='{box.y + 22}' {_FONT} font-size='13' font-weight='bold' text-anchor='middle' fill='{INK}'>"
            f"{escape(box.name)}</text>"
            f"<text x='{middle}' y='{box.y + 40}' {_FONT} font-size='12' text-anchor='middle' fill='{INK}'>{escape(box.detail)}</text>"
        )
    return "\n".join([*pieces, "</svg>"])
