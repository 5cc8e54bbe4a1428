"""The actors and actions of A2D (Xu et al., 2015), their 43 valid pairs, and the colours of the drawn world."""

from __future__ import annotations

ACTORS = ("adult", "baby", "ball", "bird", "car", "cat", "dog")
ACTIONS = ("climb", "crawl", "eat", "fly", "jump", "roll", "run", "walk", "none")

VALID_ACTIONS: dict[str, tuple[str, ...]] = {
    "adult": ("climb", "crawl", "eat", "jump", "roll", "run", "walk", "none"),
    "baby": ("climb", "crawl", "roll", "walk", "none"),
    "ball": ("fly", "jump", "roll", "none"),
    "bird": ("climb", "eat", "fly", "jump", "roll", "walk", "none"),
    "car": ("fly", "jump", "roll", "run", "none"),
    "cat": ("climb", "eat", "jump", "roll", "run", "walk", "none"),
    "dog": ("crawl", "eat", "jump", "roll", "run", "walk", "none"),
}
PAIRS = tuple((actor, action) for actor in ACTORS for action in VALID_ACTIONS[actor])

# sRGB; far enough apart to be told from each other after compression.
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (205, 30, 35),
    "green": (40, 150, 55),
    "blue": (40, 75, 205),
    "yellow": (240, 210, 40),
    "orange": (240, 130, 25),
    "pink": (245, 140, 185),
    "purple": (120, 45, 160),
    "brown": (125, 75, 40),
    "black": (28, 28, 32),
    "white": (240, 240, 236),
    "gray": (135, 138, 142),
}


def class_id(actor: str, action: str) -> int:
    """The label A2D gives a pair: tens are the actor, units the action, both from 1.

    >>> class_id("adult", "walk")
    18
    """
    return 10 * (ACTORS.index(actor) + 1) + ACTIONS.index(action) + 1
