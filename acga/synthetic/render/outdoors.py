"""Backgrounds under an open sky. Each function paints a whole canvas."""

from __future__ import annotations

import numpy as np

from . import props
from .canvas import Canvas, Colour, tone


def _sky(canvas: Canvas) -> None:
    top, low, cloud = (
        ((98, 136, 182), (178, 200, 216), (232, 234, 236)),
        ((150, 160, 172), (194, 200, 204), (222, 224, 226)),
        ((120, 130, 164), (220, 188, 160), (236, 212, 198)),
        ((126, 162, 196), (206, 218, 222), (240, 240, 238)),
    )[canvas.rng.integers(4)]
    canvas.fill(0, canvas.horizon, (canvas.vary(top, 0.06), canvas.vary(low, 0.04)), canvas.noise(0.3), 0.015)
    rows = round(canvas.horizon * len(canvas.image))
    cover = canvas.noise(0.22, 0.1, 0.05, 0.025, stretch=2.2)[:rows, :, None]
    share = np.clip(cover - canvas.rng.uniform(-0.2, 1.2), 0, 1) * 0.85
    canvas.image[:rows] = canvas.image[:rows] * (1 - share) + np.array(cloud, np.float32) * share


def _skyline(canvas: Canvas) -> None:
    """Hills and trees far away."""
    if canvas.rng.random() < 0.6:
        props.hills(canvas, canvas.horizon, canvas.rng.uniform(0.08, 0.16), canvas.pick((118, 130, 132), (104, 122, 104), (134, 126, 118)))
    if canvas.rng.random() < 0.75:
        props.treeline(canvas, canvas.horizon + 0.01, canvas.rng.uniform(0.06, 0.13))


def _asphalt(canvas: Canvas) -> Colour:
    gray = canvas.pick((98, 98, 100), (116, 112, 108), (84, 86, 92))
    canvas.ground(tone(gray, 1.15), gray, contrast=0.11, grain=0.012)
    return gray


def lawn(canvas: Canvas) -> None:
    """Mown grass before houses, fences and trees."""
    _sky(canvas)
    _skyline(canvas)
    for x in canvas.rng.uniform(0, canvas.right, canvas.rng.integers(0, 3)):
        props.house(canvas, x, canvas.horizon + 0.02, canvas.rng.uniform(0.18, 0.3))
    green = canvas.pick((84, 116, 56), (98, 120, 62), (112, 120, 70))
    canvas.ground(tone(green, 1.12), green, contrast=0.2, grain=0.012)
    if canvas.rng.random() < 0.5:
        props.fence(canvas, canvas.horizon + 0.03, canvas.rng.uniform(0.06, 0.11))
    props.scatter(canvas, props.bush, int(canvas.rng.integers(1, 4)), 0.3)
    props.scatter(canvas, props.tree, int(canvas.rng.integers(0, 4)), 1.1, nearest=2.5)


def field(canvas: Canvas) -> None:
    """High grass before hills."""
    _sky(canvas)
    props.hills(canvas, canvas.horizon, canvas.rng.uniform(0.1, 0.2), canvas.pick((110, 124, 106), (128, 132, 124)))
    props.hills(canvas, canvas.horizon, canvas.rng.uniform(0.04, 0.1), canvas.pick((96, 112, 74), (122, 118, 76)))
    straw = canvas.pick((150, 136, 84), (126, 130, 70), (104, 118, 60), (160, 142, 98))
    canvas.ground(tone(straw, 1.1), tone(straw, 0.92), contrast=0.22, stretch=0.5, grain=0.015)
    for depth in sorted(canvas.rng.uniform(1, 6, 110), reverse=True):  # tufts
        x, y = canvas.rng.uniform(0, canvas.right), canvas.point(0, depth)[1]
        lean, tall = canvas.rng.normal(0, 0.015), canvas.rng.uniform(0.03, 0.07) / depth
        canvas.line([(x, y), (x + lean, y - tall)], 0.004, canvas.vary(tone(straw, canvas.rng.choice([0.7, 1.2])), 0.06))
    props.scatter(canvas, props.tree, int(canvas.rng.integers(0, 3)), 1.0, nearest=3)


def forest(canvas: Canvas) -> None:
    """Trunks, bushes and fallen leaves."""
    _sky(canvas)
    props.treeline(canvas, canvas.horizon + 0.01, canvas.horizon * 0.9, canvas.vary((72, 92, 62)))
    earth = canvas.pick((112, 92, 66), (96, 96, 62), (124, 98, 62))
    canvas.ground(tone(earth, 0.85), earth, contrast=0.26, grain=0.015)
    for depth in sorted(canvas.rng.uniform(1, 5, 50), reverse=True):  # fallen leaves
        spot = canvas.point(canvas.rng.uniform(-1, 1) * depth, depth)
        canvas.ellipse(
            *spot,
            (0.014 / depth, 0.007 / depth),
            canvas.pick((150, 106, 58), (120, 112, 60), (92, 74, 52)),
            angle=canvas.rng.uniform(0, 180),
        )
    for depth in sorted(canvas.rng.uniform(1.5, 5, 7), reverse=True):  # trunks that reach out of sight
        x, base, half, bark = canvas.rng.uniform(0, canvas.right), canvas.point(0, depth)[1], 0.055 / depth, canvas.vary(props.TRUNK, 0.15)
        canvas.polygon(
            [
                (x - half * 1.3, base),
                (x - half, base - 0.05),
                (x - half * 0.8, 0),
                (x + half * 0.8, 0),
                (x + half, base - 0.05),
                (x + half * 1.3, base),
            ],
            bark,
        )
        canvas.rectangle(x + half * 0.2, 0, half * 0.6, base, tone(bark, 0.78))
        props.bush(canvas, x + canvas.rng.normal(0, 0.1), base + 0.01, 0.12 / depth)


def dirt(canvas: Canvas) -> None:
    """Bare earth with rocks and shrubs."""
    _sky(canvas)
    _skyline(canvas)
    earth = canvas.pick((150, 122, 92), (132, 112, 90), (164, 128, 92), (120, 104, 88))
    canvas.ground(tone(earth, 1.1), earth, contrast=0.2, grain=0.02)
    props.scatter(canvas, props.rock, int(canvas.rng.integers(4, 9)), 0.11, nearest=1.2)
    props.scatter(canvas, props.bush, int(canvas.rng.integers(1, 5)), 0.22)


def beach(canvas: Canvas) -> None:
    """Sand before the sea."""
    _sky(canvas)
    shore = canvas.horizon + canvas.rng.uniform(0.06, 0.14)
    sea = canvas.pick((72, 112, 132), (88, 124, 128), (64, 98, 128))
    sand = canvas.pick((196, 176, 138), (186, 164, 124), (204, 188, 156))
    canvas.ground(sand, sand, contrast=0.1, grain=0.02)
    canvas.fill(canvas.horizon, shore, (tone(sea, 0.9), tone(sea, 1.15)), canvas.noise(0.04, 0.015, stretch=6), 0.1)
    wave = shore + 0.008 * np.sin(np.linspace(0, 12, 30) + canvas.rng.uniform(0, 6))
    xs = np.linspace(0, canvas.right, 30)
    canvas.line(list(zip(xs, wave + 0.016, strict=True)), 0.03, tone(sand, 0.8))
    canvas.line(list(zip(xs, wave, strict=True)), 0.02, (224, 228, 224))
    for depth in canvas.rng.uniform(1, 4, 70):  # footprints and shells
        spot = canvas.point(canvas.rng.uniform(-1, 1) * depth, depth)
        canvas.ellipse(*spot, (0.012 / depth, 0.005 / depth), tone(sand, canvas.rng.choice([0.82, 1.12])))
    if canvas.rng.random() < 0.5:
        x = canvas.rng.uniform(0, canvas.right)
        props.hills(canvas, canvas.horizon, 0.07, canvas.pick((112, 128, 128), (96, 112, 96)))
        props.rock(canvas, x, shore + 0.05, 0.07)


def snow(canvas: Canvas) -> None:
    """Snow before mountains, with winter trees."""
    _sky(canvas)
    props.hills(canvas, canvas.horizon, canvas.rng.uniform(0.18, 0.3), canvas.pick((128, 136, 150), (112, 118, 128)), caps=(222, 226, 232))
    white = canvas.vary((208, 214, 224), 0.04)
    canvas.ground(tone(white, 0.93), white, contrast=0.045, stretch=3, grain=0.05)
    for depth in (4.0, 2.2):  # drifts
        y = canvas.point(0, depth)[1] + 0.01 * np.sin(np.linspace(0, 7, 20) + canvas.rng.uniform(0, 6))
        canvas.line(list(zip(np.linspace(0, canvas.right, 20), y, strict=True)), 0.012, tone(white, 0.9))
    for kind in ("conifer", "conifer", "bare"):
        for depth in sorted(canvas.rng.uniform(2.5, 7, 2), reverse=True):
            props.tree(canvas, canvas.rng.uniform(0, canvas.right), canvas.point(0, depth)[1], 1.1 / depth, kind=kind)


def water(canvas: Canvas) -> None:
    """A lake or river with ripples and reeds."""
    _sky(canvas)
    _skyline(canvas)
    deep = canvas.pick((66, 96, 112), (72, 104, 98), (84, 112, 132), (92, 104, 92))
    canvas.ground(tone(deep, 1.3), deep, contrast=0.1, stretch=4, grain=0.02)
    for depth in sorted(canvas.rng.uniform(1, 8, 110), reverse=True):  # ripples
        x, y = canvas.point(canvas.rng.uniform(-1, 1) * depth, depth)
        canvas.ellipse(x, y, (canvas.rng.uniform(0.02, 0.09) / depth, 0.006 / depth), tone(deep, canvas.rng.choice([0.84, 1.18, 1.3])))
    if canvas.rng.random() < 0.6:  # reeds
        left = canvas.rng.uniform(0, canvas.right)
        for x in left + canvas.rng.normal(0, 0.06, 14):
            canvas.line(
                [(x, canvas.horizon + 0.1), (x + canvas.rng.normal(0, 0.02), canvas.horizon - 0.05)], 0.006, canvas.vary((96, 104, 62))
            )


def street(canvas: Canvas) -> None:
    """A street before a row of buildings."""
    _sky(canvas)
    x = -canvas.rng.uniform(0, 0.2)
    while x < canvas.right:
        width = canvas.rng.uniform(0.22, 0.42)
        props.building(canvas, x, canvas.horizon + 0.01, width, canvas.rng.uniform(0.28, 0.6))
        x += width
    gray = _asphalt(canvas)
    kerb = canvas.vary((158, 152, 144), 0.06)
    canvas.quad((-60, 60), (4.7, 60), kerb)
    canvas.quad((-60, 60), (4.4, 4.7), tone(kerb, 0.7))
    across = float(canvas.rng.uniform(-0.5, 0.5))
    if canvas.rng.random() < 0.5:  # a zebra crossing
        for left in np.arange(-0.7, 0.7, 0.2):
            canvas.quad((across + left, across + left + 0.1), (1.15, 4.0), (196, 194, 188))
    else:
        for left in np.arange(-3, 3, 0.5):
            canvas.quad((across + left, across + left + 0.28), (2.0, 2.1), (200, 194, 176))
    canvas.ellipse(*canvas.point(-across, 1.4), (0.05, 0.016), tone(gray, 0.72))
    for left in canvas.rng.uniform(0, canvas.right, 2):
        props.lamp_post(canvas, left, canvas.point(0, 4.8)[1], 0.4)
    props.tree(canvas, canvas.rng.uniform(0, canvas.right), canvas.point(0, 5)[1], 0.3, kind="leafy")


def road(canvas: Canvas) -> None:
    """A country road to the vanishing point."""
    _sky(canvas)
    _skyline(canvas)
    verge = canvas.pick((104, 118, 72), (146, 128, 94), (92, 106, 62))
    canvas.ground(tone(verge, 1.05), verge, contrast=0.2, grain=0.015)
    gray, line = canvas.pick((104, 104, 106), (120, 116, 112), (88, 88, 92)), canvas.pick((206, 202, 192), (204, 176, 92))
    half = canvas.rng.uniform(0.75, 1.05)
    canvas.quad((-half * 1.12, half * 1.12), (0.95, 60), tone(verge, 0.8))
    canvas.quad((-half, half), (0.95, 60), gray)
    canvas.quad((-half * 0.5, -half * 0.34), (0.95, 30), tone(gray, 0.9))  # tyre marks
    canvas.quad((half * 0.34, half * 0.5), (0.95, 30), tone(gray, 0.9))
    for side in (-0.92, 0.9):
        canvas.quad((side * half, side * half + 0.03), (0.95, 30), line)
    for depth in np.arange(canvas.rng.uniform(0.9, 1.4), 14, 1.1):
        canvas.quad((-0.018, 0.018), (depth, depth + 0.55), line)
    for depth in np.arange(7, 1.4, -1.4):  # posts, or trees, on both sides
        for side in (-1, 1):
            x, y = canvas.point(side * half * canvas.rng.uniform(1.5, 2.6), depth)
            (props.bush if canvas.rng.random() < 0.6 else props.tree)(canvas, x, y, canvas.rng.uniform(0.2, 0.45) / depth)


def racetrack(canvas: Canvas) -> None:
    """A track for runners or cars, before a stand full of spectators."""
    _sky(canvas)
    props.treeline(canvas, canvas.horizon - 0.02, 0.1)
    seats = canvas.horizon - canvas.rng.uniform(0.06, 0.12)
    canvas.rectangle(0, seats, canvas.right, canvas.horizon - seats, canvas.vary((132, 130, 132)))
    palette = props.FABRIC + props.FACADE
    for y in np.arange(seats + 0.012, canvas.horizon - 0.02, 0.026):  # a stand full of colour
        xs = np.arange(0, canvas.right, 0.03)
        for x, choice in zip(xs + canvas.rng.normal(0, 0.004, len(xs)), canvas.rng.integers(len(palette), size=len(xs)), strict=True):
            canvas.ellipse(x, y, (0.011, 0.012), palette[choice])
    props.fence(canvas, canvas.horizon + 0.01, 0.035)
    grass = canvas.pick((88, 116, 62), (104, 120, 70))
    canvas.ground(tone(grass, 1.1), grass, contrast=0.2)
    running = canvas.rng.random() < 0.5
    surface = canvas.pick((158, 88, 70), (146, 78, 68)) if running else canvas.pick((100, 100, 104), (116, 112, 110))
    canvas.quad((-60, 60), (0.9, 5), surface)
    if running:
        for depth in np.geomspace(1.05, 4.9, 9):
            canvas.quad((-60, 60), (depth, depth * 1.022), (208, 198, 188))
    else:
        for index, across in enumerate(np.arange(-9, 9, 0.5)):
            canvas.quad((across, across + 0.5), (4.9, 5.6), ((178, 72, 62), (204, 200, 194))[index % 2])
        canvas.quad((-60, 60), (1.5, 1.62), tone(surface, 0.88))
        canvas.quad((-60, 60), (2.1, 2.2), tone(surface, 0.86))


def parking(canvas: Canvas) -> None:
    """Marked parking spaces before a hall."""
    _sky(canvas)
    _skyline(canvas)
    wide = canvas.right * canvas.rng.uniform(0.5, 0.9)
    props.building(canvas, canvas.rng.uniform(0, canvas.right - wide), canvas.horizon + 0.01, wide, canvas.rng.uniform(0.18, 0.3))
    _asphalt(canvas)
    line = canvas.pick((204, 202, 194), (204, 180, 100))
    for near, far in ((1.0, 2.1), (3.0, 5.4)):
        for across in np.arange(-5.6, 5.7, 0.7):
            canvas.quad((across, across + 0.04), (near, far), line)
        canvas.quad((-6, 6), (far, far * 1.035), line)
    for x in canvas.rng.uniform(0, canvas.right, 2):
        props.lamp_post(canvas, x, canvas.point(0, 5.6)[1], 0.34)
    props.scatter(canvas, props.bush, 3, 0.4, nearest=5.7)


def heavens(canvas: Canvas) -> None:
    """Mostly sky, over a low strip of land."""
    _sky(canvas)
    props.hills(canvas, canvas.horizon + 0.02, canvas.rng.uniform(0.06, 0.14), canvas.pick((104, 118, 120), (92, 104, 88)))
    canvas.ground((104, 116, 72), (84, 104, 60))
    props.treeline(canvas, canvas.horizon + 0.07, canvas.rng.uniform(0.07, 0.15))
    if canvas.rng.random() < 0.4:
        props.house(canvas, canvas.rng.uniform(0, canvas.right), canvas.horizon + 0.08, 0.2)
    if canvas.rng.random() < 0.4:  # cables
        for y in canvas.rng.uniform(0.3, 0.6, 2):
            canvas.line([(0, y), (canvas.right / 2, y + 0.04), (canvas.right, y - 0.02)], 0.004, (72, 74, 80))
