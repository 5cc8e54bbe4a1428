"""Short videos to ask about: a few drawn ones, each with sentences that describe its actors, and some that fool networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..synthetic.language.describe import describe
from ..synthetic.render.renderer import box, draw
from ..synthetic.samples import LIT_SCENE
from ..synthetic.scene import FRAMES_PER_SECOND, Actor, Scene

PHRASINGS = 4  # of each actor


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip:
    """A short video, decoded, and sentences that fit it."""

    frames: np.ndarray  # uint8 (T, H, W, 3)
    frames_per_second: float
    times: tuple[float, ...] = ()  # seconds at which each frame is shown; none: at that rate
    phrasings: tuple[tuple[str, ...], ...] = ()  # for each actor, sentences that describe it and no other
    truth: np.ndarray | None = None  # the masks of these actors, bool (N, T, H, W), if they are known
    fooling: tuple[str, ...] = ()  # sentences about nobody, or about one of several who look alike

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
    """A scene to draw, for each of its actors the sentence to try first, and sentences that fool networks.

    >>> clip = DRAWN_CLIPS["Twin dogs"].draw()
    >>> clip.frames.shape, clip.truth.shape, [phrasings[0] for phrasings in clip.phrasings]
    ((16, 256, 340, 3), (2, 16, 256, 340), ['dog on the left', 'dog on the right'])
    """

    scene: Scene
    queries: tuple[str, ...]
    fooling: tuple[str, ...] = ()

    def draw(self) -> Clip:
        """The frames, with sentences that fit what is seen in the middle one; it takes a second or two."""
        return replace(draw_clip(self.scene, self.queries), fooling=self.fooling)

    def still(self) -> np.ndarray:
        """The frame in the middle, uint8 (H, W, 3), quickly."""
        return next(draw(replace(self.scene, frames=1)))[0]


def draw_clip(scene: Scene, first: Sequence[str] = ()) -> Clip:
    """Draw a scene, with its truth and, for each actor, its sentence in `first` and others that fit it alone, if there are any."""
    frames, masks = zip(*draw(scene), strict=True)
    seen = {number: found for number, mask in enumerate(masks[len(masks) // 2]) if (found := box(mask)) is not None}
    rng = np.random.default_rng(scene.seed)
    phrasings = []
    for actor in range(len(scene.actors)):
        more = [query.text for query in describe(scene, seen, actor, count=PHRASINGS, rng=rng)]
        phrasings.append(tuple(dict.fromkeys([*first[actor : actor + 1], *more]))[:PHRASINGS])
    return Clip(frames=np.stack(frames), frames_per_second=FRAMES_PER_SECOND, phrasings=tuple(phrasings), truth=np.stack(masks, axis=1))


def _drawn(name: str, seed: int, background: str, surface: str, *described: tuple[str, Actor], fooling: tuple[str, ...]) -> DrawnClip:
    queries, actors = zip(*described, strict=True)
    looks = tuple(actor if actor.look is not None else replace(actor, look=seed + 7 * at) for at, actor in enumerate(actors))
    scene = replace(LIT_SCENE, name=name, seed=seed, background=background, surface=surface, actors=looks)
    return DrawnClip(scene=scene, queries=queries, fooling=fooling)


def _actor(kind: str, action: str, colour: str, height: float, x: float, y: float, heading: int, **more: str | int) -> Actor:
    details = {"noun": kind, **more}
    return Actor(kind=kind, action=action, colour=colour, height=height, x=x, y=y, heading=heading, **details)  # type: ignore[arg-type]


def _person(noun: str, action: str, colour: str, lower_colour: str, x: float, y: float, heading: int) -> Actor:
    clothes = {"garment": "shirt", "lower_colour": lower_colour, "lower_garment": "pants"}
    return _actor("adult", action, colour, 0.57, x, y, heading, noun=noun, **clothes)


# Far actors first: later ones are drawn over earlier ones.
DRAWN_CLIPS: Mapping[str, DrawnClip] = {
    "Two men and a dog on a lawn": _drawn(
        "lawn",
        1,
        "lawn",
        "grass",
        ("white dog on the right", _actor("dog", "walk", "white", 0.27, 0.8, 0.64, -1)),
        ("man in red walking", _person("man", "walk", "red", "blue", 0.17, 0.76, 1)),
        ("man in green running", _person("man", "run", "green", "black", 0.5, 0.95, -1)),
        fooling=("a cat", "man in blue"),
    ),
    "A day at the beach": _drawn(
        "beach",
        2,
        "beach",
        "sand",
        ("white bird flying", _actor("bird", "fly", "white", 0.26, 0.3, 0.36, 1, noun="seagull")),
        ("woman in yellow walking", _person("woman", "walk", "yellow", "black", 0.75, 0.87, -1)),
        ("baby crawling", _actor("baby", "crawl", "pink", 0.34, 0.3, 0.93, 1)),
        fooling=("dog running", "man in blue"),
    ),
    "Two cats and a ball": _drawn(
        "room",
        4,
        "room",
        "floor",
        ("orange cat walking", _actor("cat", "walk", "orange", 0.3, 0.27, 0.68, 1)),
        ("black cat sitting on the right", _actor("cat", "none", "black", 0.36, 0.78, 0.76, -1, posture="sitting")),
        ("red ball rolling", _actor("ball", "roll", "red", 0.2, 0.42, 0.92, 1)),
        fooling=("a dog", "green ball"),
    ),
    "Twin dogs": _drawn(
        "twins",
        2,
        "field",
        "grass",
        ("dog on the left", _actor("dog", "none", "brown", 0.32, 0.25, 0.84, 1, posture="standing", look=2)),
        ("dog on the right", _actor("dog", "none", "brown", 0.32, 0.77, 0.84, -1, posture="standing", look=2)),
        fooling=("dog", "dog in the middle", "dog running"),
    ),
    "Dogs in the snow": _drawn(
        "snow",
        2,
        "snow",
        "snow",
        ("brown dog standing", _actor("dog", "none", "brown", 0.3, 0.74, 0.66, -1, posture="standing")),
        ("black dog running", _actor("dog", "run", "black", 0.34, 0.3, 0.92, 1)),
        fooling=("white dog", "man in red"),
    ),
    "Cars on a street": _drawn(
        "street",
        4,
        "street",
        "street",
        ("blue car is parked", _actor("car", "none", "blue", 0.26, 0.27, 0.64, 1)),
        ("red car driving", _actor("car", "run", "red", 0.32, 0.62, 0.95, -1)),
        fooling=("yellow truck", "a bird"),
    ),
    "Basketball": _drawn(
        "court",
        3,
        "court",
        "floor",
        ("orange ball flying", _actor("ball", "fly", "orange", 0.17, 0.5, 0.34, 1, noun="basketball")),
        ("man in blue jumping", _person("man", "jump", "blue", "white", 0.24, 0.88, 1)),
        ("man in red running", _person("man", "run", "red", "black", 0.74, 0.93, -1)),
        fooling=("a woman", "blue ball"),
    ),
}
