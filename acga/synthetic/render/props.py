"""Things that stand about in backgrounds: clutter that is never an actor. Each is painted at x, standing on y = base, `height` tall."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .canvas import Canvas, Colour, Point, tone

LEAVES: tuple[Colour, ...] = ((62, 92, 48), (84, 110, 56), (50, 80, 58), (118, 112, 52), (74, 98, 70))
TRUNK: Colour = (86, 68, 52)
STONE: tuple[Colour, ...] = ((126, 122, 116), (104, 98, 92), (142, 130, 112))
TIMBER: tuple[Colour, ...] = ((128, 92, 62), (96, 66, 44), (162, 126, 86), (182, 172, 158))
FABRIC: tuple[Colour, ...] = ((120, 92, 80), (88, 98, 118), (96, 112, 92), (146, 132, 112), (112, 70, 74), (70, 70, 76))
FACADE: tuple[Colour, ...] = ((176, 160, 140), (150, 104, 84), (190, 184, 172), (128, 132, 138), (164, 142, 110), (110, 96, 90))
GLASS: Colour = (88, 104, 118)


def blobs(canvas: Canvas, x: float, y: float, radii: Point, colour: Colour, count: int) -> None:
    """A clump of leaves, darker below and to the right."""
    angles, reach = canvas.rng.uniform(0, 2 * np.pi, count), np.sqrt(canvas.rng.uniform(0, 0.8, count))
    across, down = np.cos(angles) * reach, np.sin(angles) * reach
    sizes, lights = canvas.rng.uniform(0.3, 0.5, count) * min(radii), 1 - 0.22 * down - 0.1 * across + canvas.rng.normal(0, 0.09, count)
    order = np.argsort(-down)
    for dx, dy, size, light in np.stack([across, down, sizes, lights], axis=1)[order].tolist():
        canvas.ellipse(x + dx * radii[0], y + dy * radii[1], (size * 1.15, size), tone(colour, light))


def bush(canvas: Canvas, x: float, base: float, height: float) -> None:
    """A round shrub."""
    blobs(canvas, x, base - height / 2, (height * canvas.rng.uniform(0.6, 1.1), height / 2), canvas.pick(*LEAVES), 12)


def tree(canvas: Canvas, x: float, base: float, height: float, *, kind: str | None = None) -> None:
    """A leafy, coniferous or bare tree."""
    kind = kind or str(canvas.rng.choice(["leafy", "leafy", "conifer"]))
    leaf, trunk, width = canvas.pick(*LEAVES), canvas.vary(TRUNK), height * 0.045
    canvas.polygon(
        [(x - width, base), (x - width / 2, base - height * 0.7), (x + width / 2, base - height * 0.7), (x + width, base)], trunk
    )
    if kind == "leafy":
        blobs(canvas, x, base - height * 0.66, (height * canvas.rng.uniform(0.24, 0.36), height * 0.34), leaf, 26)
    elif kind == "conifer":
        for level in range(5):
            top, half = base - height * (0.42 + 0.145 * level), height * (0.21 - 0.034 * level)
            canvas.polygon([(x - half, top + height * 0.24), (x + half, top + height * 0.24), (x, top)], tone(leaf, 0.72 + 0.07 * level))
    else:
        for side in (-1, 1, -1, 1, -1, 1):
            fork = base - height * canvas.rng.uniform(0.3, 0.65)
            tip = (x + side * height * canvas.rng.uniform(0.1, 0.25), fork - height * canvas.rng.uniform(0.12, 0.35))
            canvas.line([(x, fork), tip], width / 2, trunk)


def treeline(canvas: Canvas, base: float, height: float, colour: Colour | None = None) -> None:
    """A row of distant trees from border to border."""
    colour = colour or canvas.pick(*LEAVES)
    canvas.rectangle(0, base - height * 0.55, canvas.right, height * 0.55, tone(colour, 0.72))
    for x in np.arange(0, canvas.right + height / 3, height / 3.2):
        tall = height * canvas.rng.uniform(0.55, 1)
        blobs(canvas, x, base - tall * 0.6, (height * 0.3, tall * 0.42), canvas.vary(colour, 0.09), 7)


def hills(canvas: Canvas, base: float, height: float, colour: Colour, *, caps: Colour | None = None) -> None:
    """A range of hills, or of mountains with snowy caps."""
    xs = np.linspace(0, canvas.right, 24 if caps is None else 12)
    waves = sum(np.sin(xs * frequency + canvas.rng.uniform(0, 6)) / frequency for frequency in (3.0, 7.0, 13.0)) * 1.2
    tops = base - height * np.clip(0.55 + waves + canvas.rng.normal(0, 0.03 if caps is None else 0.2, len(xs)), 0.1, 1.2)
    ridge = list(zip(xs, tops, strict=True))
    canvas.polygon([(0, base), *ridge, (canvas.right, base)], colour)
    if caps is not None:
        for (left, up), (x, peak), (right, low) in zip(ridge, ridge[1:], ridge[2:], strict=False):
            if peak < min(up, low):
                share = 0.45
                canvas.polygon(
                    [
                        (x, peak),
                        (x + (left - x) * share, peak + (up - peak) * share),
                        (x + (right - x) * share, peak + (low - peak) * share),
                    ],
                    caps,
                )


def rock(canvas: Canvas, x: float, base: float, height: float) -> None:
    """A boulder with a lit and a dark face."""
    colour, wide = canvas.pick(*STONE), height * canvas.rng.uniform(0.8, 1.4)
    angles = np.linspace(np.pi, 2 * np.pi, 7)
    rim = [(x + np.cos(a) * wide, base + np.sin(a) * height * canvas.rng.uniform(0.75, 1)) for a in angles]
    canvas.ellipse(x + wide * 0.1, base, (wide * 1.1, height * 0.14), tone(colour, 0.55))
    canvas.polygon(rim, colour)
    canvas.polygon([*rim[3:], (x + wide * 0.1, base)], tone(colour, 0.76))


def fence(canvas: Canvas, base: float, height: float) -> None:
    """Rails and posts from border to border."""
    colour, gap = canvas.pick(*TIMBER), height * canvas.rng.uniform(0.5, 1.3)
    for share in (0.3, 0.75):
        canvas.rectangle(0, base - height * share - height * 0.06, canvas.right, height * 0.1, tone(colour, 0.85))
    for x in np.arange(canvas.rng.uniform(0, gap), canvas.right, gap):
        canvas.rectangle(x, base - height, height * 0.13, height, colour)


def window(canvas: Canvas, x: float, top: float, width: float, height: float, *, curtains: bool = False) -> None:
    """A framed pane, from its left upper corner."""
    frame, glass = canvas.vary((206, 202, 194)), canvas.pick(GLASS, (150, 172, 186), (176, 188, 186), (54, 60, 72))
    border = height * 0.06
    canvas.rectangle(x, top, width, height, frame)
    canvas.rectangle(x + border, top + border, width - 2 * border, height - 2 * border, glass)
    canvas.polygon(
        [
            (x + width * 0.2, top + border),
            (x + width * 0.5, top + border),
            (x + width * 0.25, top + height - border),
            (x + border, top + height - border),
        ],
        tone(glass, 1.14),
    )
    canvas.rectangle(x + width / 2 - border / 2, top, border, height, frame)
    canvas.rectangle(x, top + height * 0.45, width, border, frame)
    if curtains:
        cloth = canvas.pick(*FABRIC)
        for left in (x - width * 0.12, x + width * 0.84):
            for fold in range(4):
                canvas.rectangle(
                    left + fold * width * 0.07, top - border, width * 0.07, height * 1.25, tone(cloth, 1.1 - 0.13 * (fold % 2))
                )


def house(canvas: Canvas, x: float, base: float, height: float) -> None:
    """A house with roof, door and windows, centred on x."""
    wall, roof, half = canvas.pick(*FACADE), canvas.pick((112, 66, 54), (84, 80, 84), (98, 82, 66)), height * canvas.rng.uniform(0.5, 0.8)
    eaves = base - height * 0.58
    canvas.rectangle(x - half, eaves, 2 * half, base - eaves, wall)
    canvas.rectangle(x + half * 0.5, eaves, half * 0.5, base - eaves, tone(wall, 0.8))
    canvas.polygon(
        [(x - half * 1.12, eaves), (x - half * 0.6, base - height), (x + half * 0.6, base - height), (x + half * 1.12, eaves)], roof
    )
    for left in (-0.8, -0.1, 0.55):
        window(canvas, x + left * half, eaves + height * 0.1, half * 0.34, height * 0.2)
    canvas.rectangle(x - half * 0.38, base - height * 0.36, half * 0.22, height * 0.36, canvas.pick(*TIMBER))


def building(canvas: Canvas, x: float, base: float, width: float, height: float) -> None:
    """A facade of several storeys with rows of windows and a shop below, from its left border."""
    wall, glass = canvas.pick(*FACADE), canvas.pick(GLASS, (62, 66, 74), (132, 140, 142))
    canvas.rectangle(x, base - height, width, height, wall)
    canvas.rectangle(x, base - height, width, height * 0.03, tone(wall, 1.15))
    columns, storey = int(canvas.rng.integers(3, 6)), 0.085
    for row in range(int((height - 0.13) / storey)):
        for column in range(columns):
            left, pane = x + (column + 0.22) * width / columns, canvas.vary(glass, 0.16)
            canvas.rectangle(left, base - height + 0.03 + row * storey, width / columns * 0.56, storey * 0.62, pane)
    canvas.rectangle(x + width * 0.06, base - 0.095, width * 0.88, 0.095, tone(glass, 0.7))
    canvas.rectangle(x, base - 0.12, width, 0.028, canvas.pick(*FABRIC, (160, 84, 66), (70, 110, 100)))
    canvas.rectangle(x + width * canvas.rng.uniform(0.2, 0.6), base - 0.085, width * 0.16, 0.085, tone(wall, 0.55))


def sofa(canvas: Canvas, x: float, base: float, height: float) -> None:
    """A sofa, centred on x."""
    cloth, half = canvas.pick(*FABRIC), height * canvas.rng.uniform(0.9, 1.3)
    canvas.rectangle(x - half, base - height, 2 * half, height * 0.94, tone(cloth, 0.82))
    for side in (-1, 0):
        canvas.rectangle(x + side * half * 0.86 + half * 0.02, base - height * 0.92, half * 0.82, height * 0.42, cloth)
        canvas.rectangle(x + side * half * 0.86 + half * 0.02, base - height * 0.5, half * 0.82, height * 0.2, tone(cloth, 1.16))
    for left in (x - half * 1.06, x + half * 0.86):
        canvas.rectangle(left, base - height * 0.68, half * 0.2, height * 0.64, tone(cloth, 0.94))
    canvas.rectangle(x - half, base - height * 0.06, 2 * half, height * 0.05, tone(cloth, 0.4))


def shelf(canvas: Canvas, x: float, base: float, height: float) -> None:
    """A bookcase, from its left border."""
    wood, width = canvas.pick(*TIMBER), height * canvas.rng.uniform(0.45, 0.7)
    canvas.rectangle(x, base - height, width, height, wood)
    for row in range(4):
        floor = base - height * (0.03 + 0.24 * row)
        canvas.rectangle(x + width * 0.06, floor - height * 0.2, width * 0.88, height * 0.2, tone(wood, 0.5))
        left = x + width * 0.07
        while left < x + width * canvas.rng.uniform(0.6, 0.9):
            thick, tall = width * canvas.rng.uniform(0.05, 0.11), height * canvas.rng.uniform(0.12, 0.19)
            canvas.rectangle(left, floor - tall, thick, tall, canvas.pick(*FABRIC, *FACADE))
            left += thick * 1.15


def cupboard(canvas: Canvas, x: float, base: float, width: float, height: float, colour: Colour, *, doors: int = 3) -> None:
    """Doors with handles side by side, from the left border."""
    canvas.rectangle(x, base - height, width, height, tone(colour, 0.72))
    for door in range(doors):
        left, wide = x + (door + 0.05) * width / doors, width / doors * 0.9
        canvas.rectangle(left, base - height * 0.95, wide, height * 0.87, colour)
        canvas.rectangle(left + wide * 0.14, base - height * 0.86, wide * 0.72, height * 0.69, tone(colour, 0.92))
        canvas.rectangle(left + wide * 0.84, base - height * 0.6, wide * 0.07, height * 0.12, tone(colour, 0.5))


def picture(canvas: Canvas, x: float, top: float, width: float, height: float) -> None:
    """A framed picture on a wall, from its left upper corner."""
    canvas.rectangle(x, top, width, height, canvas.pick(*TIMBER))
    canvas.rectangle(
        x + width * 0.1, top + height * 0.1, width * 0.8, height * 0.8, canvas.pick((188, 182, 168), (122, 140, 150), (160, 140, 116))
    )
    canvas.ellipse(x + width * 0.45, top + height * 0.6, (width * 0.22, height * 0.2), canvas.pick(*FABRIC, *LEAVES))


def plant(canvas: Canvas, x: float, base: float, height: float) -> None:
    """A pot plant."""
    blobs(canvas, x, base - height * 0.62, (height * 0.3, height * 0.36), canvas.pick(*LEAVES), 12)
    pot, half = canvas.pick((150, 98, 72), (170, 164, 154), (92, 92, 98)), height * 0.17
    canvas.polygon(
        [(x - half, base - height * 0.32), (x + half, base - height * 0.32), (x + half * 0.7, base), (x - half * 0.7, base)], pot
    )


def lamp_post(canvas: Canvas, x: float, base: float, height: float) -> None:
    """A street lamp."""
    colour = canvas.vary((78, 80, 82))
    canvas.rectangle(x - height * 0.012, base - height, height * 0.024, height, colour)
    canvas.rectangle(x, base - height, height * 0.14, height * 0.022, colour)
    canvas.rectangle(x + height * 0.1, base - height * 0.985, height * 0.07, height * 0.03, (206, 200, 176))


def scatter(
    canvas: Canvas, prop: Callable[[Canvas, float, float, float], None], count: int, height: float, *, nearest: float = 1.6
) -> None:
    """Stand `count` props on the ground at several depths, `height` tall at depth 1; far ones first."""
    for depth in sorted(canvas.rng.uniform(nearest, 7, count), reverse=True):
        x = canvas.rng.uniform(0, canvas.right)
        prop(canvas, x, canvas.point(0, depth)[1], height / depth)
