"""Scenes that a reader composes: actors put on a stage, drawn with their truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..data.taxonomy import COLOURS, VALID_ACTIONS
from ..errors import AcgaError
from ..synthetic.render.backgrounds import BACKGROUNDS
from ..synthetic.samples import LIT_SCENE
from ..synthetic.scene import Actor, Scene
from ..synthetic.staging import RELATIVE_HEIGHT, SMALLEST
from .clips import Clip, draw_clip

MOST_ACTORS = 4
SETTINGS = ("lawn", "beach", "snow", "street", "room", "court", "field", "water")
KIND_OF_NOUN = {
    "man": "adult", "woman": "adult", "baby": "baby", "dog": "dog", "cat": "cat", "bird": "bird", "car": "car", "ball": "ball",
}  # fmt: skip
NEEDS_MORE = "climb"  # an action that needs something to climb
LEVELS = (0.55, 0.97)  # of feet on the ground: the farthest and the nearest
ADULT_HEIGHTS = (0.36, 0.54)  # how tall an adult is there
# What the page offers.
OPTIONS: dict[str, Any] = {
    "stages": list(SETTINGS),
    "colours": {name: f"rgb{rgb}" for name, rgb in COLOURS.items()},
    "actions": {noun: [action for action in VALID_ACTIONS[kind] if action != NEEDS_MORE] for noun, kind in KIND_OF_NOUN.items()},
    "most": MOST_ACTORS,
}


def draw_composed(stage: str, cast: Sequence[Mapping[str, Any]], *, seed: int = 1) -> Clip:
    """Draw a scene of up to four actors, each {noun, colour, action, x, y, heading}: positions of the feet as shares of the frame.

    The nearer, the larger. Raises `AcgaError` for what cannot be drawn.

    >>> clip = draw_composed("snow", [{"noun": "dog", "colour": "black", "action": "run", "x": 0.3, "y": 0.8, "heading": 1}])
    >>> clip.frames.shape, clip.truth.any(axis=(2, 3)).all(), len(clip.phrasings[0])
    ((16, 256, 340, 3), np.True_, 4)
    """
    scene = compose_scene(stage, cast, seed=seed)
    clip = draw_clip(scene)
    phrasings = (tuple(sorted(found, key=len)) or (_plain(actor),) for found, actor in zip(clip.phrasings, scene.actors, strict=True))
    return replace(clip, phrasings=tuple(phrasings))


def compose_scene(stage: str, cast: Sequence[Mapping[str, Any]], *, seed: int = 1) -> Scene:
    """The scene that `draw_composed` draws."""
    if stage not in SETTINGS:
        raise AcgaError(f"There is no stage {stage!r}; there are {', '.join(SETTINGS)}.")
    if not 1 <= len(cast) <= MOST_ACTORS:
        raise AcgaError(f"A scene has 1 to {MOST_ACTORS} actors, not {len(cast)}; put some on the stage or take some off.")
    actors = sorted((_actor(description) for description in cast), key=lambda actor: actor.y)  # far ones first
    surface = BACKGROUNDS[stage].surfaces[0]
    return replace(LIT_SCENE, name="composed", seed=seed, background=stage, surface=surface, actors=tuple(actors))


def _actor(description: Mapping[str, Any]) -> Actor:
    noun, colour, action = (str(description.get(name)) for name in ("noun", "colour", "action"))
    if noun not in KIND_OF_NOUN or colour not in COLOURS or action not in OPTIONS["actions"][noun]:
        raise AcgaError(f"An actor {noun!r}, {colour!r}, {action!r} cannot be drawn; choose kind, colour and action from the lists.")
    kind = KIND_OF_NOUN[noun]
    x, y = (min(max(float(description[name]), 0.0), 1.0) for name in ("x", "y"))
    nearness = min(max((y - LEVELS[0]) / (LEVELS[1] - LEVELS[0]), 0.0), 1.0)
    height = max(SMALLEST, RELATIVE_HEIGHT[kind] * (ADULT_HEIGHTS[0] + nearness * (ADULT_HEIGHTS[1] - ADULT_HEIGHTS[0])))
    aloft = action == "fly"
    person = kind == "adult"
    return Actor(
        kind=kind,
        action=action,
        noun=noun,
        colour=colour,
        garment="shirt" if person else None,
        lower_colour=("black" if colour != "black" else "blue") if person else None,
        lower_garment="pants" if person else None,
        posture="standing" if action == "none" and kind not in ("ball", "car") else None,
        height=height,
        x=min(max(x, 0.1), 0.9),
        y=max(y, 0.55 * height + 0.12) if aloft else min(max(y, LEVELS[0]), LEVELS[1]),
        heading=1 if description.get("heading", 1) == 1 else -1,
        look=sum(map(ord, noun + colour)),  # who are described alike look alike
    )


def _plain(actor: Actor) -> str:
    """A sentence about an actor that nothing tells from another one."""
    return f"{actor.noun} in {actor.colour}" if actor.kind == "adult" else f"{actor.colour} {actor.noun}"
