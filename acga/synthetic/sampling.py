"""Random scenes: how many actors, who they are, what they do, and where.

Every scene is a function of (seed, split, index) alone. Half of the scenes with several actors hold a hard distractor: the same kind doing
something else (often looking exactly alike), another kind doing the same, or the same kind and action elsewhere.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data.taxonomy import ACTORS, COLOURS, PAIRS, VALID_ACTIONS
from .render.backgrounds import BACKGROUNDS
from .render.motion import SPEED, look_alike
from .scene import Actor, Scene

Rng = np.random.Generator

ACTOR_COUNTS = {1: 0.60, 2: 0.25, 3: 0.105, 4: 0.03, 5: 0.01, 6: 0.005}
CROWDED = {1: 0.15, 2: 0.4, 3: 0.3, 4: 0.15}  # more labels a frame, for pretraining
FRAME_SIZES = ((144, 176), (144, 176), (160, 160), (144, 192), (160, 144))  # (height, width); A2D mixes them too
JHMDB_ACTIONS = {"climb": "climb_stairs", "jump": "jump", "run": "run", "walk": "walk", "standing": "stand", "sitting": "sit"}

SUBTYPES: dict[str, dict[str, float]] = {
    "adult": {"man": 0.5, "woman": 0.3, "boy": 0.1, "girl": 0.1},
    "baby": {"baby": 1},
    "ball": {"ball": 0.5, "basketball": 0.2, "football": 0.15, "watermelon": 0.15},
    "bird": {"bird": 0.35, "parrot": 0.25, "duck": 0.2, "pigeon": 0.1, "seagull": 0.1},
    "car": {"car": 0.7, "truck": 0.15, "van": 0.15},
    "cat": {"cat": 0.75, "kitten": 0.25},
    "dog": {"dog": 0.75, "puppy": 0.25},
}
_FUR = ("black", "white", "brown", "gray", "orange", "yellow")
_ANY = tuple(COLOURS)
TYPICAL_COLOURS: dict[str, tuple[str, ...]] = {
    "adult": _ANY, "baby": _ANY, "ball": _ANY, "bird": _ANY, "car": _ANY, "cat": _FUR, "dog": _FUR,
    "basketball": ("orange", "orange", "brown"), "football": ("white",), "watermelon": ("green",),
    "parrot": ("green", "red", "blue", "yellow", "white"), "duck": ("white", "brown", "yellow", "gray"),
    "pigeon": ("gray", "white", "black"), "seagull": ("white",),
}  # fmt: skip
HEIGHT = {
    "adult": (0.50, 0.74),
    "baby": (0.40, 0.56),
    "ball": (0.20, 0.34),
    "bird": (0.33, 0.52),
    "car": (0.27, 0.44),
    "cat": (0.35, 0.52),
    "dog": (0.35, 0.54),
}
YOUNG = {"boy": 0.75, "girl": 0.75, "kitten": 0.75, "puppy": 0.75}
CLIMBED = {
    "adult": ("wall", "rock", "rope", "ladder", "stairs", "hill"), "baby": ("stairs", "ladder", "wall", "hill"),
    "bird": ("tree", "pole", "wall"), "cat": ("tree", "fence", "wall", "ladder"),
}  # fmt: skip


def sample_scene(
    name: str, seed: int, split: int, index: int, *, style: str = "flat", frames: int | None = None, crowded: bool = False
) -> Scene:
    """Sample the scene number `index` of a split (0 train, 1 test). `style="sketch"` gives the J-HMDB twin's: people only, 240 x 320.

    With at most 16 `frames` only the middle one is annotated.

    >>> sample_scene("a", 0, 0, 3) == sample_scene("a", 0, 0, 3)
    True
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, split, index, style == "sketch"]))
    sketch = style == "sketch"
    height, width = (240, 320) if sketch else FRAME_SIZES[rng.integers(len(FRAME_SIZES))]
    family = str(rng.choice(list(BACKGROUNDS)))
    surface = str(rng.choice(BACKGROUNDS[family].surfaces))
    aspect = width / height
    counts = {1: 1.0} if sketch else CROWDED if crowded else ACTOR_COUNTS
    count = int(rng.choice(list(counts), p=list(counts.values())))
    actors = _place(rng, _cast(rng, count, sketch), BACKGROUNDS[family].horizon, aspect)
    length = frames or int(rng.integers(24, 33))
    middle = length // 2 + 1  # 1-indexed, the frame at time 0
    step = min(4, (length - 1) // 4)
    pan, zoom, shake = _camera(rng, actors)
    return Scene(
        name=name,
        seed=int(rng.integers(2**31)),
        height=height,
        width=width,
        frames=length,
        background=family,
        surface=surface,
        actors=tuple(actors),
        annotated=(middle,) if frames and frames <= 16 else (middle - step, middle, middle + step),
        pan=pan,
        zoom=zoom,
        shake=shake,
        noise=float(rng.uniform(0, 6)),
        blur=float(max(0.0, rng.uniform(-0.8, 0.7))),
        style=style,
    )


def _cast(rng: Rng, count: int, people_only: bool) -> list[Actor]:
    """The actors and what they do, not yet where."""
    if people_only:
        action, posture = [("climb", None), ("jump", None), ("run", None), ("walk", None), ("none", "standing"), ("none", "sitting")][
            rng.integers(6)
        ]
        actor = _look(rng, "adult", action)
        return [replace(actor, posture=posture, support="stairs" if action == "climb" else None)]
    kind, action = PAIRS[rng.integers(len(PAIRS))] if rng.random() < 0.65 else _common(rng)
    cast = [_look(rng, kind, action)]
    while len(cast) < count:
        other = cast[rng.integers(len(cast))]
        relation = rng.random()
        if relation < 0.35:  # same kind, other action, often looking exactly alike
            choices = [a for a in VALID_ACTIONS[other.kind] if a != other.action]
            alike = [a for a in choices if look_alike(other.kind, a, other.action)]
            action = str(rng.choice(alike if alike and rng.random() < 0.65 else choices))
            cast.append(_act(rng, other, action) if rng.random() < 0.6 else _look(rng, other.kind, action))
        elif relation < 0.5:  # same kind and action, elsewhere and mostly in another colour
            cast.append(_act(rng, other, other.action) if rng.random() < 0.3 else _look(rng, other.kind, other.action))
        elif relation < 0.7:  # another kind, same action
            kinds = [k for k in ACTORS if k != other.kind and other.action in VALID_ACTIONS[k]]
            cast.append(_look(rng, str(rng.choice(kinds or [other.kind])), other.action))
        else:
            cast.append(_look(rng, *PAIRS[rng.integers(len(PAIRS))]))
    return cast


def _common(rng: Rng) -> tuple[str, str]:
    """The pairs that real footage is full of."""
    pairs = [
        ("adult", "walk"),
        ("adult", "run"),
        ("adult", "none"),
        ("dog", "walk"),
        ("dog", "run"),
        ("car", "run"),
        ("car", "none"),
        ("bird", "walk"),
        ("cat", "walk"),
        ("ball", "roll"),
    ]
    return pairs[rng.integers(len(pairs))]


def _look(rng: Rng, kind: str, action: str) -> Actor:
    """A new actor with a random appearance."""
    nouns = SUBTYPES[kind]
    noun = str(rng.choice(list(nouns), p=list(nouns.values())))
    palette = TYPICAL_COLOURS.get(noun, TYPICAL_COLOURS[kind])
    low, high = HEIGHT[kind]
    garment = lower_garment = lower_colour = hat = None
    if kind == "adult":
        female = noun in ("woman", "girl")
        garment = str(rng.choice(["shirt", "jacket", "dress" if female else "suit"], p=[0.6, 0.2, 0.2]))
        if garment in ("shirt", "jacket"):
            lower_garment = str(rng.choice(["pants", "shorts"], p=[0.65, 0.35]))
            lower_colour = str(rng.choice(["black", "blue", "white", "gray", "red", "green", "brown"]))
        hat = str(rng.choice(_ANY)) if rng.random() < 0.18 else None
    patterned = kind not in ("ball", "car") and rng.random() < 0.2
    actor = Actor(
        kind=kind,
        action=action,
        noun=noun,
        colour=str(rng.choice(palette)),
        garment=garment,
        lower_colour=lower_colour,
        lower_garment=lower_garment,
        hat=hat,
        pattern=str(rng.choice(["striped", "spotted"])) if patterned else "plain",
        height=float(rng.uniform(low, high)) * YOUNG.get(noun, 1.0),
        build=float(rng.uniform(0.88, 1.2)),
    )
    return _act(rng, actor, action)


def _act(rng: Rng, actor: Actor, action: str) -> Actor:
    """The same look doing something else, with its own heading, tempo and phase."""
    posture = None
    if action == "none" and actor.kind not in ("ball", "car"):
        posture = str(rng.choice(["standing", "sitting", "lying"], p=[0.6, 0.25, 0.15]))
    return replace(
        actor,
        action=action,
        posture=posture,
        support=str(rng.choice(CLIMBED[actor.kind])) if action == "climb" else None,
        heading=int(rng.choice([-1, 1])),
        tempo=float(rng.uniform(0.85, 1.15)),
        phase=float(rng.random()),
    )


def _place(rng: Rng, cast: list[Actor], horizon: float, aspect: float) -> list[Actor]:
    """Spread the cast over the stage, far ones higher, smaller and drawn first, seldom on top of each other."""
    crowd = {1: 1.0, 2: 0.95, 3: 0.85}.get(len(cast), 0.72)
    placed: list[Actor] = []
    for actor in cast:
        best, distance = actor, -1.0
        for _ in range(12 if rng.random() < 0.9 else 1):
            depth = rng.uniform(0, 1)
            height = actor.height * crowd * (0.85 + 0.3 * depth)
            y = horizon + (1 - horizon) * (0.3 + 0.62 * depth)
            if actor.kind in ("bird", "car") and actor.action == "fly":
                y = rng.uniform(0.3, 0.62)
            if actor.kind in ("bird", "car") and actor.action == "jump" and rng.random() < 0.5:
                y = rng.uniform(0.5, 0.8)  # high on the screen too: the place must not give flying away
            y = max(y, 0.55 * height + 0.12) if actor.action == "fly" else max(y, 1.02 * height)
            candidate = replace(actor, x=float(rng.uniform(0.14, 0.86)), y=float(y), height=float(height))
            gap = min(
                (np.hypot((candidate.x - p.x) * aspect, candidate.y - p.y) - 0.35 * (candidate.height + p.height) for p in placed),
                default=1.0,
            )
            if gap > distance:
                best, distance = candidate, float(gap)
        placed.append(best)
    return sorted(placed, key=lambda actor: actor.y)


def _camera(rng: Rng, actors: list[Actor]) -> tuple[tuple[float, float], float, float]:
    """Half of the cameras stand still; others pan, zoom, shake, or follow the first actor."""
    if rng.random() < 0.5:
        return (0.0, 0.0), 0.0, 0.0
    pan = (float(rng.uniform(-0.008, 0.008)), float(rng.uniform(-0.003, 0.003)))
    if rng.random() < 0.4:
        chosen = actors[rng.integers(len(actors))]
        speed = SPEED.get(chosen.action, 0.0) * chosen.tempo * chosen.height * chosen.heading
        pan = (float(np.clip(speed * rng.uniform(0.4, 0.9), -0.02, 0.02)), 0.0)
    return pan, float(rng.uniform(-0.003, 0.004)), float(rng.uniform(0, 0.003))
