"""Backgrounds before a wall, most of them indoors. Each function paints a whole canvas."""

from __future__ import annotations

import numpy as np

from . import props
from .canvas import Canvas, Colour, tone

PAINTED: tuple[Colour, ...] = ((186, 174, 152), (164, 178, 184), (176, 184, 162), (192, 188, 182), (180, 152, 138), (146, 154, 168))


def _wall(canvas: Canvas, *colours: Colour) -> None:
    colour = canvas.pick(*colours)
    canvas.fill(0, canvas.horizon, (tone(colour, 0.9), colour), canvas.noise(0.4, 0.1, 0.02), 0.04)
    style = canvas.rng.choice(["plain", "stripes", "panels"])
    if style == "stripes":
        step = canvas.rng.uniform(0.05, 0.1)
        for x in np.arange(0, canvas.right, step):
            canvas.rectangle(x, 0, step * 0.45, canvas.horizon, tone(colour, 0.93))
    elif style == "panels":
        canvas.rectangle(0, canvas.horizon * 0.62, canvas.right, canvas.horizon * 0.38, tone(colour, 0.82))
        for x in np.arange(canvas.rng.uniform(0, 0.1), canvas.right, 0.14):
            canvas.rectangle(x, canvas.horizon * 0.68, 0.1, canvas.horizon * 0.22, tone(colour, 0.9))


def _skirting(canvas: Canvas) -> None:
    canvas.rectangle(0, canvas.horizon - 0.022, canvas.right, 0.024, canvas.pick((196, 190, 180), (118, 92, 70), (82, 76, 72)))


def _bricks(canvas: Canvas, bottom: float, colour: Colour) -> None:
    mortar, length, course = canvas.vary((168, 160, 150), 0.06), 0.105, 0.042
    canvas.fill(0, bottom, (mortar, mortar), canvas.noise(0.05, 0.02), 0.05)
    for row, top in enumerate(np.arange(bottom - course, -course, -course)):
        for left in np.arange(-length * (row % 2) / 2, canvas.right, length):
            canvas.rectangle(left, top, length * 0.93, course * 0.84, canvas.vary(colour, 0.07))


def _furnish(canvas: Canvas) -> None:
    """Windows and pictures on a wall, and what stands along it."""
    base, slots = canvas.horizon + 0.02, np.arange(0.08, canvas.right, 0.42)
    for x in slots + canvas.rng.uniform(-0.05, 0.05, len(slots)):
        top = canvas.horizon * canvas.rng.uniform(0.12, 0.3)
        if canvas.rng.random() < 0.5:
            props.window(canvas, x, top, 0.22, canvas.horizon * 0.45, curtains=True)
        else:
            props.picture(canvas, x, top, canvas.rng.uniform(0.1, 0.18), canvas.rng.uniform(0.1, 0.16))
    for x in slots + canvas.rng.uniform(-0.08, 0.08, len(slots)):
        prop = canvas.rng.integers(6)
        if prop == 0:
            props.shelf(canvas, x, base, canvas.rng.uniform(0.3, 0.42))
        elif prop == 1:
            props.cupboard(canvas, x, base, 0.3, canvas.rng.uniform(0.12, 0.2), canvas.pick(*props.TIMBER))
        elif prop == 2:
            props.plant(canvas, x + 0.1, base, canvas.rng.uniform(0.2, 0.34))
        elif prop in (3, 4):
            props.sofa(canvas, x + 0.15, base + 0.01, canvas.rng.uniform(0.14, 0.19))


def pool(canvas: Canvas) -> None:
    """A swimming pool with lanes, in a hall."""
    _wall(canvas, (176, 186, 188), (188, 184, 172))
    for x in np.arange(0.06, canvas.right, 0.32):
        props.window(canvas, x, canvas.horizon * 0.2, 0.22, canvas.horizon * 0.45)
    canvas.rectangle(0, canvas.horizon - 0.05, canvas.right, 0.06, canvas.vary((178, 172, 162)))
    deep = canvas.pick((78, 142, 164), (92, 156, 166), (70, 126, 158))
    canvas.ground(tone(deep, 0.9), deep, contrast=0.08, stretch=2.5, grain=0.03)
    canvas.along(0.24, 0.008, tone(deep, 0.84))
    canvas.crossing(0.24, 0.016, tone(deep, 0.84))
    for across in (-0.9, 0.0, 0.9):  # ropes between the lanes
        for index, depth in enumerate(np.geomspace(0.95, 12, 34)):
            canvas.quad((across, across + 0.03), (depth, depth * 1.05), ((196, 190, 182), (168, 92, 84))[index % 2])
    for depth in canvas.rng.uniform(1, 3.4, 60):  # glints
        canvas.ellipse(*canvas.point(canvas.rng.uniform(-1, 1) * depth, depth), (0.04 / depth, 0.006 / depth), tone(deep, 1.32))


def sidewalk(canvas: Canvas) -> None:
    """Paving before a brick wall."""
    _bricks(canvas, canvas.horizon, canvas.pick((142, 90, 72), (128, 84, 74), (150, 132, 112), (120, 116, 116)))
    for x in canvas.rng.uniform(0, canvas.right, canvas.rng.integers(0, 3)):
        props.window(canvas, x, canvas.horizon * 0.25, 0.2, 0.2)
    slab = canvas.pick((148, 142, 134), (132, 130, 130), (156, 144, 128))
    canvas.ground(tone(slab, 0.95), slab, contrast=0.12)
    canvas.along(0.5, 0.014, tone(slab, 0.72))
    canvas.crossing(0.4, 0.02, tone(slab, 0.72))
    if canvas.rng.random() < 0.6:
        props.plant(canvas, canvas.rng.uniform(0, canvas.right), canvas.horizon + 0.05, 0.24)


def room(canvas: Canvas) -> None:
    """A living room with a wooden floor."""
    _wall(canvas, *PAINTED)
    wood = canvas.pick((150, 112, 76), (126, 90, 62), (172, 140, 104), (112, 86, 68))
    canvas.ground(tone(wood, 0.95), wood, contrast=0.12, stretch=0.35)
    for across in np.arange(-9, 9, 0.17):  # boards
        joint = canvas.rng.uniform(1, 4)
        canvas.quad((across, across + 0.17), (joint, joint * canvas.rng.uniform(1.4, 3)), canvas.vary(wood, 0.05))
        canvas.quad((across, across + 0.008), (0.95, 9), tone(wood, 0.74))
    _skirting(canvas)
    _furnish(canvas)


def carpet(canvas: Canvas) -> None:
    """A living room with a carpet."""
    _wall(canvas, *PAINTED)
    canvas.ground(tone(canvas.pick(*props.TIMBER), 0.9), canvas.pick(*props.TIMBER), contrast=0.1)
    pile = canvas.pick(*props.FABRIC, (138, 84, 66), (100, 106, 84), (162, 148, 130))
    canvas.ground(tone(pile, 0.94), pile, contrast=0.17, grain=0.012)
    if canvas.rng.random() < 0.6:  # a woven pattern
        for row, depth in enumerate(np.arange(0.95, canvas.farthest - 0.3, 0.34)):
            for across in np.arange(-3.3 - 0.17 * (row % 2), 3.3, 0.34):
                middle = canvas.vary(tone(pile, 1.28 if row % 2 else 0.74), 0.05)
                corners = [(0.0, 0.08), (0.08, 0.17), (0.0, 0.26), (-0.08, 0.17)]
                canvas.polygon([canvas.point(across + dx, depth + dz) for dx, dz in corners], middle)
    _skirting(canvas)
    _furnish(canvas)


def kitchen(canvas: Canvas) -> None:
    """A kitchen with a tiled floor."""
    _wall(canvas, *PAINTED)
    for x in np.arange(0, canvas.right, 0.05):  # tiles on the wall
        canvas.rectangle(x, canvas.horizon - 0.3, 0.004, 0.3, (150, 148, 144))
    tile, other = canvas.pick((178, 172, 160), (164, 152, 136)), canvas.pick((132, 122, 112), (112, 116, 122), (150, 134, 118))
    canvas.ground(tone(tile, 0.95), tile, contrast=0.07)
    size = canvas.rng.uniform(0.28, 0.42)
    for row, depth in enumerate(np.arange(0.9, canvas.farthest, size)):
        for across in np.arange(-14 * size + size * (row % 2), 14 * size, 2 * size):
            canvas.quad((across, across + size), (depth, depth + size), canvas.vary(other, 0.03))
    front = canvas.pick(*props.TIMBER, (188, 184, 176), (118, 132, 134))
    props.cupboard(canvas, 0, canvas.horizon + 0.03, canvas.right, 0.2, front, doors=8)
    canvas.rectangle(0, canvas.horizon - 0.185, canvas.right, 0.022, canvas.vary((82, 80, 80)))
    props.cupboard(canvas, 0, canvas.horizon * 0.5, canvas.right * 0.6, canvas.horizon * 0.4, front, doors=5)
    props.window(canvas, canvas.right * 0.66, canvas.horizon * 0.12, 0.26, canvas.horizon * 0.4)
    stove = canvas.rng.uniform(0, canvas.right - 0.2)
    canvas.rectangle(stove, canvas.horizon - 0.19, 0.17, 0.22, canvas.vary((176, 176, 178)))
    canvas.rectangle(stove + 0.02, canvas.horizon - 0.12, 0.13, 0.11, (48, 48, 52))


def bed(canvas: Canvas) -> None:
    """The top of a bed, with pillows and blanket."""
    _wall(canvas, *PAINTED)
    _furnish(canvas)
    board = canvas.pick(*props.TIMBER)
    canvas.rectangle(canvas.right * 0.04, canvas.horizon - 0.17, canvas.right * 0.92, 0.2, board)
    cloth = canvas.pick((168, 160, 150), (128, 140, 158), (158, 128, 128), (122, 132, 116), (178, 168, 140))
    canvas.ground(tone(cloth, 0.92), cloth, contrast=0.1, grain=0.05)
    if canvas.rng.random() < 0.5:
        canvas.along(0.5, 0.16, tone(cloth, 0.86))
        canvas.crossing(0.45, 0.15, tone(cloth, 0.8))
    for _ in range(6):  # folds
        x, y, lean = canvas.rng.uniform(0, canvas.right), canvas.rng.uniform(canvas.horizon + 0.12, 0.95), canvas.rng.normal(0, 0.12)
        bend = np.linspace(0, 1, 9)
        fold = np.stack([x + lean * bend + 0.02 * np.sin(4 * bend), y + 0.16 * bend], axis=1)
        canvas.line([(a, b) for a, b in fold], 0.022, tone(cloth, 0.92))
        canvas.line([(a + 0.014, b) for a, b in fold], 0.012, tone(cloth, 1.04))
    turn = np.linspace(0, 2 * np.pi, 40)
    corner = np.stack([np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.5, np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.6], axis=1)
    for x in (0.29, 0.71):  # pillows
        pillow = canvas.pick((196, 192, 184), tone(cloth, 1.15))
        for drop, size, light in ((0.014, 1.0, 0.62), (0.0, 1.0, 0.84), (-0.012, 0.86, 1.0), (-0.022, 0.6, 1.07)):
            middle = (canvas.right * x, canvas.horizon + 0.015 + drop)
            canvas.polygon([(middle[0] + a * 0.19 * size, middle[1] + b * 0.07 * size) for a, b in corner], tone(pillow, light))


def table(canvas: Canvas) -> None:
    """The top of a table, in a room."""
    _wall(canvas, *PAINTED)
    _furnish(canvas)
    wood = canvas.pick(*props.TIMBER[:3], (150, 96, 60))
    canvas.ground(tone(wood, 1.08), wood, contrast=0.14, stretch=5, grain=0.02)
    canvas.rectangle(0, canvas.horizon - 0.004, canvas.right, 0.012, tone(wood, 1.3))
    for depth in (1.25, 1.7, 2.6):
        canvas.quad((-40, 40), (depth, depth * 1.01), tone(wood, 0.68))
    for x in canvas.rng.uniform(0, canvas.right, 4):  # plates, cups, bottles
        y, glaze = (
            canvas.rng.uniform(canvas.horizon + 0.04, canvas.horizon + 0.2),
            canvas.pick((198, 194, 186), (110, 128, 140), (150, 108, 84)),
        )
        if canvas.rng.random() < 0.5:
            canvas.ellipse(x, y, (0.09, 0.03), tone(glaze, 0.7))
            canvas.ellipse(x, y - 0.006, (0.085, 0.027), glaze)
            canvas.ellipse(x, y - 0.005, (0.055, 0.016), tone(glaze, 0.88))
        else:
            canvas.rectangle(x - 0.03, y - 0.09, 0.06, 0.09, glaze)
            canvas.rectangle(x + 0.01, y - 0.09, 0.02, 0.09, tone(glaze, 0.8))
            canvas.ellipse(x, y - 0.09, (0.03, 0.009), tone(glaze, 0.6))


def court(canvas: Canvas) -> None:
    """A basketball court in a hall."""
    _wall(canvas, (164, 158, 146), (140, 150, 156), (172, 148, 118))
    for row in range(3):  # benches for spectators
        canvas.rectangle(0, canvas.horizon - 0.1 + 0.032 * row, canvas.right, 0.016, canvas.pick(*props.FABRIC))
    wood = canvas.pick((180, 138, 90), (166, 122, 80), (108, 130, 110), (120, 128, 148))
    canvas.ground(tone(wood, 1.04), wood, contrast=0.07, stretch=0.4)
    canvas.along(0.12, 0.006, tone(wood, 0.87), farthest=12)
    line = canvas.pick((210, 206, 198), (190, 186, 178))
    canvas.quad((-0.9, 0.9), (1.7, 3.3), canvas.pick(tone(wood, 0.8), (128, 88, 74), (92, 108, 128)))
    for depth in (1.7, 3.3):
        canvas.quad((-5, 5), (depth, depth * 1.035), line)
    for across in (-3.4, -0.9, 0.87, 3.4):
        canvas.quad((across, across + 0.05), (0.95 if abs(across) > 1 else 1.7, 3.3), line)
    turn = np.linspace(0, 2 * np.pi, 33)
    ring = [canvas.point(0.6 * np.cos(a), 1.7 + 0.4 * np.sin(a)) for a in turn]
    canvas.line(ring, 0.008, line)
    hoop = canvas.vanishing + canvas.rng.uniform(-0.1, 0.1)
    canvas.rectangle(hoop - 0.012, canvas.horizon - 0.2, 0.024, 0.22, (92, 92, 96))
    canvas.rectangle(hoop - 0.09, canvas.horizon - 0.32, 0.18, 0.13, (206, 206, 204))
    canvas.rectangle(hoop - 0.035, canvas.horizon - 0.26, 0.07, 0.05, (168, 96, 82))
    canvas.rectangle(hoop - 0.029, canvas.horizon - 0.253, 0.058, 0.037, (206, 206, 204))
    canvas.ellipse(hoop, canvas.horizon - 0.19, (0.04, 0.009), (170, 92, 60))
