"""Short videos to ask about: a few drawn ones, each with sentences that describe its actors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..synthetic.language.describe import describe
from ..synthetic.render.renderer import box, draw
from ..synthetic.samples import QUERIES, SCENE
from ..synthetic.scene import FRAMES_PER_SECOND, Actor, Scene

PHRASINGS = 4  # of each actor


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip:
    """A short video, decoded, and sentences that fit it."""

    frames: np.ndarray  # uint8 (T, H, W, 3)
    frames_per_second: float
    times: tuple[float, ...] = ()  # seconds at which each frame is shown; none: at that rate
    phrasings: tuple[tuple[str, ...], ...] = ()  # for each actor, sentences that describe it and no other

    def time_of(self, frame: int) -> float:
        """Seconds at which a frame is shown."""
        return self.times[frame] if self.times else frame / self.frames_per_second

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the frames."""
        _, height, width, _ = self.frames.shape
        return height, width


@dataclass(frozen=True, kw_only=True)
class DrawnClip:
    """A scene to draw, and for each of its actors the sentence to try first.

    >>> clip = DRAWN_CLIPS["Three dogs in the snow"].draw()
    >>> clip.frames.shape, [phrasings[0] for phrasings in clip.phrasings]
    ((16, 144, 192, 3), ['brown dog standing', 'black dog running', 'white dog walking to the left'])
    """

    scene: Scene
    queries: tuple[str, ...]

    def draw(self) -> Clip:
        """The frames, with sentences that fit what is seen in the middle one; it takes some tenths of a second."""
        frames, masks = zip(*draw(self.scene), strict=True)
        seen = {number: found for number, mask in enumerate(masks[len(masks) // 2]) if (found := box(mask)) is not None}
        rng = np.random.default_rng(self.scene.seed)
        phrasings = []
        for actor, first in enumerate(self.queries):
            more = [query.text for query in describe(self.scene, seen, actor, count=PHRASINGS, rng=rng)]
            phrasings.append(tuple(dict.fromkeys([first, *more]))[:PHRASINGS])
        return Clip(frames=np.stack(frames), frames_per_second=FRAMES_PER_SECOND, phrasings=tuple(phrasings))


def _drawn(name: str, seed: int, background: str, surface: str, *described: tuple[str, Actor]) -> DrawnClip:
    queries, actors = zip(*described, strict=True)
    scene = replace(SCENE, name=name, seed=seed, frames=16, background=background, surface=surface, actors=actors)
    return DrawnClip(scene=scene, queries=queries)


def _person(noun: str, colour: str, action: str, lower_colour: str, *, x: float, y: float, heading: int) -> Actor:
    return Actor(
        kind="adult",
        action=action,
        noun=noun,
        colour=colour,
        garment="shirt",
        lower_colour=lower_colour,
        lower_garment="pants",
        height=0.57,
        x=x,
        y=y,
        heading=heading,
    )


# Far actors first: later ones are drawn over earlier ones.
DRAWN_CLIPS: Mapping[str, DrawnClip] = {
    "Two men and a dog on a lawn": _drawn(
        "lawn",
        SCENE.seed,
        SCENE.background,
        SCENE.surface,
        *((query, SCENE.actors[actor]) for query, actor in QUERIES.items()),
    ),
    "Three dogs in the snow": _drawn(
        "snow",
        3,
        "snow",
        "snow",
        (
            "brown dog standing",
            Actor(kind="dog", action="none", posture="standing", noun="dog", colour="brown", height=0.3, x=0.72, y=0.64, heading=-1),
        ),
        ("black dog running", Actor(kind="dog", action="run", noun="dog", colour="black", height=0.32, x=0.3, y=0.74, heading=1)),
        (
            "white dog walking to the left",
            Actor(kind="dog", action="walk", noun="dog", colour="white", height=0.36, x=0.66, y=0.95, heading=-1),
        ),
    ),
    "Cars on a street": _drawn(
        "street",
        11,
        "street",
        "street",
        ("blue car is parked", Actor(kind="car", action="none", noun="car", colour="blue", height=0.24, x=0.25, y=0.62, heading=1)),
        ("red car driving", Actor(kind="car", action="run", noun="car", colour="red", height=0.27, x=0.62, y=0.78, heading=-1)),
        ("yellow truck", Actor(kind="car", action="run", noun="truck", colour="yellow", height=0.3, x=0.35, y=0.97, heading=1)),
    ),
    "Two cats and a ball": _drawn(
        "room",
        6,
        "room",
        "floor",
        ("orange cat walking", Actor(kind="cat", action="walk", noun="cat", colour="orange", height=0.34, x=0.28, y=0.72, heading=1)),
        (
            "black cat sitting on the right",
            Actor(kind="cat", action="none", posture="sitting", noun="cat", colour="black", height=0.36, x=0.76, y=0.74, heading=-1),
        ),
        ("red ball rolling", Actor(kind="ball", action="roll", noun="ball", colour="red", height=0.15, x=0.45, y=0.92, heading=1)),
    ),
    "A day at the beach": _drawn(
        "beach",
        9,
        "beach",
        "sand",
        ("white bird flying", Actor(kind="bird", action="fly", noun="seagull", colour="white", height=0.24, x=0.3, y=0.35, heading=1)),
        ("woman in yellow walking", _person("woman", "yellow", "walk", "black", x=0.75, y=0.85, heading=-1)),
        ("baby crawling", Actor(kind="baby", action="crawl", noun="baby", colour="pink", height=0.3, x=0.35, y=0.93, heading=1)),
    ),
    "Basketball": _drawn(
        "court",
        4,
        "court",
        "floor",
        ("ball flying", Actor(kind="ball", action="fly", noun="basketball", colour="orange", height=0.12, x=0.5, y=0.4, heading=1)),
        ("man in blue jumping", _person("man", "blue", "jump", "white", x=0.28, y=0.86, heading=1)),
        ("man in red running", _person("man", "red", "run", "black", x=0.7, y=0.93, heading=-1)),
    ),
}
