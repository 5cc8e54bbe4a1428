"""Random casts: who is in a scene, what they do and how they look, not yet where.

Half of the casts of several actors hold a hard distractor: the same kind doing something else (often looking exactly alike), another kind
doing the same, or the same kind and action elsewhere.
"""

from __future__ import annotations

from dataclasses import replace

from ..data.taxonomy import ACTORS, COLOURS, PAIRS, VALID_ACTIONS
from .render.motion import LOOK_ALIKE, look_alike
from .scene import Actor, Rng

# Shares of actors beside another: of its kind doing something else; of its kind doing the same; of another kind doing the same.
DISTRACTORS = (0.35, 0.15, 0.2)
# What the actors of a scene of contrasts differ in (colour, action), and how often.
CONTRASTS, CONTRAST_SHARES = ((True, False), (False, True), (True, True)), (0.45, 0.3, 0.25)
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


def sample_cast(rng: Rng, count: int, people_only: bool, shares: tuple[float, float, float] = DISTRACTORS) -> list[Actor]:
    """The actors and what they do; `shares` of those after the first are chosen to be confused with one before, as in `DISTRACTORS`."""
    if people_only:
        action, posture = [("climb", None), ("jump", None), ("run", None), ("walk", None), ("none", "standing"), ("none", "sitting")][
            rng.integers(6)
        ]
        actor = sample_actor(rng, "adult", action)
        return [replace(actor, posture=posture, support="stairs" if action == "climb" else None)]
    kind, action = PAIRS[rng.integers(len(PAIRS))] if rng.random() < 0.65 else _common(rng)
    cast = [sample_actor(rng, kind, action)]
    cumulative = [sum(shares[: n + 1]) for n in range(3)]
    while len(cast) < count:
        other = cast[rng.integers(len(cast))]
        relation = rng.random()
        if relation < cumulative[0]:  # same kind, other action, often looking exactly alike
            choices = [a for a in VALID_ACTIONS[other.kind] if a != other.action]
            alike = [a for a in choices if look_alike(other.kind, a, other.action)]
            action = str(rng.choice(alike if alike and rng.random() < 0.65 else choices))
            cast.append(with_action(rng, other, action) if rng.random() < 0.6 else sample_actor(rng, other.kind, action))
        elif relation < cumulative[1]:  # same kind and action, elsewhere and mostly in another colour
            cast.append(with_action(rng, other, other.action) if rng.random() < 0.3 else sample_actor(rng, other.kind, other.action))
        elif relation < cumulative[2]:  # another kind, same action
            kinds = [k for k in ACTORS if k != other.kind and other.action in VALID_ACTIONS[k]]
            cast.append(sample_actor(rng, str(rng.choice(kinds or [other.kind])), other.action))
        else:
            cast.append(sample_actor(rng, *PAIRS[rng.integers(len(PAIRS))]))
    return cast


def sample_contrast(rng: Rng) -> list[Actor]:
    """Two to four of one kind and size that differ in colour, in action, or in both; seldom with one of another kind beside them."""
    model = sample_actor(rng, *PAIRS[rng.integers(len(PAIRS))])
    palette = sorted(set(TYPICAL_COLOURS.get(model.noun, TYPICAL_COLOURS[model.kind])))
    in_colour, in_action = CONTRASTS[rng.choice(len(CONTRASTS), p=CONTRAST_SHARES)]
    count = int(rng.choice([2, 3, 4], p=[0.5, 0.35, 0.15]))
    colours = rng.permutation(palette)[:count].tolist() if in_colour and len(palette) > 1 else [model.colour] * count
    in_action |= len(palette) == 1  # a seagull has no other colour
    doing = rng.permutation(VALID_ACTIONS[model.kind])[:count].tolist() if in_action else [model.action] * count
    cast = [with_action(rng, replace(model, colour=colour), action) for colour, action in zip(colours, doing, strict=False)]
    if rng.random() < 0.25:
        cast.append(sample_actor(rng, *PAIRS[rng.integers(len(PAIRS))]))
    return cast


def sample_motion_contrast(rng: Rng) -> list[Actor]:
    """Two or three who look alike and do what a single frame does not tell apart; seldom with one of another kind beside them."""
    kind = str(rng.choice(list(LOOK_ALIKE)))
    groups = [sorted(group & set(VALID_ACTIONS[kind])) for group in LOOK_ALIKE[kind]]
    doing = rng.permutation(groups[rng.integers(len(groups))])[: 2 if rng.random() < 0.6 else 3].tolist()
    model = sample_actor(rng, kind, doing[0])
    cast = [with_action(rng, model, action) for action in doing]
    if kind not in ("ball", "car"):
        cast = [replace(actor, posture="standing") if actor.action == "none" else actor for actor in cast]
    if rng.random() < 0.25:
        others = [pair for pair in PAIRS if pair[0] != kind]
        cast.append(sample_actor(rng, *others[rng.integers(len(others))]))
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


def sample_actor(rng: Rng, kind: str, action: str) -> Actor:
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
    return with_action(rng, actor, action)


def with_action(rng: Rng, actor: Actor, action: str) -> Actor:
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
