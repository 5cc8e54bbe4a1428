"""Random scenes in two editions.

Every scene is a function of (seed, split, index) alone. The second edition is larger, shaded and more crowded: it has minimal pairs, kinds
seen in a colour and an action that no training scene shows together, and bystanders in the J-HMDB twin.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..config import Contrasts
from ..data.taxonomy import ACTORS, COLOURS, VALID_ACTIONS
from .casting import TYPICAL_COLOURS, sample_actor, sample_cast, sample_contrast, sample_motion_contrast, with_action
from .render.backgrounds import BACKGROUNDS
from .render.cutouts import Cutout, CutoutFolder, actions
from .scene import Actor, Rng, Scene
from .staging import REACH, SECOND, SMALLEST, line_up, place_actors, resize, sample_camera

ACTOR_COUNTS = {1: 0.60, 2: 0.25, 3: 0.105, 4: 0.03, 5: 0.01, 6: 0.005}
CROWDED = {1: 0.15, 2: 0.4, 3: 0.3, 4: 0.15}  # more labels a frame, for pretraining
FRAME_SIZES = ((144, 176), (144, 176), (160, 160), (144, 192), (160, 144))  # (height, width); A2D mixes them too
JHMDB_SIZE = (240, 320)
JHMDB_ACTIONS = {"climb": "climb_stairs", "jump": "jump", "run": "run", "walk": "walk", "standing": "stand", "sitting": "sit"}

# Second edition
SECOND_COUNTS = {1: 0.54, 2: 0.23, 3: 0.14, 4: 0.06, 5: 0.02, 6: 0.01}
SECOND_DISTRACTORS = (0.33, 0.34, 0.13)
SECOND_SIZES = ((256, 320), (256, 320), (256, 256), (256, 340), (256, 288))
PAIR_SHARE = 0.18  # of scenes hold a minimal pair
LANDMARK_SHARE = 0.35  # of these have a landmark for each of the two; in the others the two are left and right of one
PAIR_ATTEMPTS = 12  # to find some that are not too wide for the frame
PAIR_ACTIONS = ("walk", "run", "jump", "eat", "crawl", "roll", "none", "none")
CUTOUT_SCENES, CUTOUT_SHARE = 0.7, 0.75  # of scenes with photographs, and of the actors in them whose kind there is one of
HELD_OUT_SHARE = 0.2  # of test actors that could look as no training actor of their kind and action does
# (kind, colour, action) that no scene of the training split shows.
HELD_OUT_COMBINATIONS = frozenset(
    {
        ("adult", "red", "walk"), ("adult", "white", "run"), ("adult", "blue", "jump"), ("adult", "green", "none"),
        ("baby", "pink", "crawl"), ("baby", "yellow", "walk"), ("ball", "red", "roll"), ("ball", "blue", "jump"),
        ("bird", "blue", "walk"), ("bird", "brown", "fly"), ("bird", "yellow", "none"), ("car", "red", "run"),
        ("car", "yellow", "none"), ("car", "black", "jump"), ("cat", "black", "walk"), ("cat", "orange", "jump"),
        ("cat", "gray", "eat"), ("dog", "brown", "run"), ("dog", "white", "walk"), ("dog", "black", "none"),
    }
)  # fmt: skip


def sample_scene(
    name: str,
    seed: int,
    split: int,
    index: int,
    *,
    style: str = "flat",
    frames: int | None = None,
    crowded: bool = False,
    edition: int = 1,
    bystanders: bool = False,
    contrasts: Contrasts = "none",
    cutouts: CutoutFolder | None = None,
) -> Scene:
    """Sample the scene number `index` of a split (0 train, 1 test). `style="sketch"` gives the J-HMDB twin's: people only, 240 x 320.

    With at most 16 `frames` only the middle one is annotated. In the second edition the J-HMDB twin can have `bystanders`,
    and actors of the A2D twin can be photographs from a folder of `cutouts`, or of one kind alone, in `contrasts` of "looks" (colours and
    actions) or "motion".

    >>> sample_scene("a", 0, 0, 3) == sample_scene("a", 0, 0, 3)
    True
    >>> sample_scene("a", 0, 0, 3, edition=2).style
    'shaded'
    """
    sketch = style == "sketch"
    rng = np.random.default_rng(np.random.SeedSequence([seed, split, index, sketch] + [2] * (edition == 2)))
    sizes = FRAME_SIZES if edition == 1 else SECOND_SIZES
    height, width = JHMDB_SIZE if sketch else sizes[rng.integers(len(sizes))]
    family = str(rng.choice(list(BACKGROUNDS)))
    surface = str(rng.choice(BACKGROUNDS[family].surfaces))
    aspect, horizon = width / height, BACKGROUNDS[family].horizon
    pair: tuple[int, ...] = ()
    subject = None
    if edition == 1:
        counts = {1: 1.0} if sketch else CROWDED if crowded else ACTOR_COUNTS
        actors = place_actors(rng, sample_cast(rng, _count(rng, counts), sketch), horizon, aspect)
    elif sketch:
        cast = [sample_cast(rng, 1, True)[0] for _ in range(1 + bystanders * int(rng.integers(1, 4)))]
        reach = float(rng.uniform(0.45, 0.85)) * (0.85 if bystanders else 1.0)
        cast = _with_looks(rng, resize(rng, cast, reach), split)
        actors = place_actors(rng, cast, horizon, aspect, SECOND)
        subject = next(i for i, actor in enumerate(actors) if actor.look == cast[0].look)
    elif contrasts != "none":
        reach = float(np.exp(rng.uniform(*np.log(REACH))))
        cast = _with_looks(rng, resize(rng, sample_contrast(rng) if contrasts == "looks" else _motion_contrast(rng, split), reach), split)
        actors = place_actors(rng, cast, horizon, aspect, SECOND)
    elif rng.random() < PAIR_SHARE:
        actors, pair = _minimal_pair(rng, split, horizon, aspect, cutouts)
    else:
        count = _count(rng, CROWDED if crowded else SECOND_COUNTS)
        reach = float(np.exp(rng.uniform(*np.log(REACH)))) * (1.0 if count < 3 else 0.85)
        cast = _with_looks(rng, resize(rng, sample_cast(rng, count, False, SECOND_DISTRACTORS), reach), split)
        actors = place_actors(rng, _photographed(cast, split, cutouts), horizon, aspect, SECOND)
    length = frames or int(rng.integers(24, 33))
    middle = length // 2 + 1  # 1-indexed, the frame at time 0
    step = min(4, (length - 1) // 4)
    pan, zoom, shake = sample_camera(rng, list(actors))
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
        style=style if edition == 1 else "shaded sketch" if sketch else "shaded",
        pair=pair,
        annotated_actor=subject if bystanders else None,
    )


def _count(rng: Rng, counts: dict[int, float]) -> int:
    return int(rng.choice(list(counts), p=list(counts.values())))


def _motion_contrast(rng: Rng, split: int) -> list[Actor]:
    """A cast that only motion tells apart, none of whom would be given another colour."""
    while True:
        cast = sample_motion_contrast(rng)
        if split == 1 or not any((actor.kind, actor.colour, actor.action) in HELD_OUT_COMBINATIONS for actor in cast):
            return cast


def _with_looks(rng: Rng, cast: list[Actor], split: int) -> list[Actor]:
    """The cast with seeds of looks, one for all who look alike, and with colours that the split may show."""
    looks: dict[tuple[str, float, float, str], int] = {}
    dressed = []
    for actor in cast:
        look = looks.setdefault((actor.noun, actor.height, actor.build, actor.colour), int(rng.integers(2**31)))
        dressed.append(recolour(rng, replace(actor, look=look), split))
    return dressed


def recolour(rng: Rng, actor: Actor, split: int) -> Actor:
    """In training scenes, the actor without, and in some test scenes with, a held-out combination of kind, colour and action."""
    held_out = {c for c in COLOURS if (actor.kind, c, actor.action) in HELD_OUT_COMBINATIONS}
    typical = TYPICAL_COLOURS.get(actor.noun, TYPICAL_COLOURS[actor.kind])
    if split == 0 and actor.colour in held_out:
        return replace(actor, colour=str(rng.choice([c for c in typical if c not in held_out])))
    unseen = [c for c in typical if c in held_out]
    if split == 1 and unseen and rng.random() < HELD_OUT_SHARE:
        return replace(actor, colour=str(rng.choice(unseen)))
    return actor


def _photographed(cast: list[Actor], split: int, cutouts: CutoutFolder | None) -> list[Actor]:
    """The cast with, in most scenes, photographs in place of most of those whose kind there is a photograph of; alike if they were."""
    rng = np.random.default_rng([cast[0].look or 0, 3])  # of its own, so that all else is as without photographs
    if cutouts is None or rng.random() > CUTOUT_SCENES:
        return cast
    chosen: dict[int | None, Cutout | None] = {}
    found = []
    for actor in cast:
        if actor.look not in chosen:
            options = cutouts.of(actor.kind, split)
            chosen[actor.look] = options[rng.integers(len(options))] if options and rng.random() < CUTOUT_SHARE else None
        cutout = chosen[actor.look]
        if cutout is not None:
            seen = [a for a in actions(cutout.kind) if split == 1 or (cutout.kind, cutout.colour, a) not in HELD_OUT_COMBINATIONS]
            plain = replace(actor, noun=cutout.noun, colour=cutout.colour, garment=None, lower_garment=None, lower_colour=None, hat=None)
            plain = replace(plain, pattern="plain", build=1.0, cutout=cutout.name, cutout_aspect=cutout.aspect)
            actor = with_action(rng, plain, actor.action if actor.action in seen else str(rng.choice(seen)))
            actor = replace(actor, posture=None)
        found.append(actor)
    return found


def _minimal_pair(rng: Rng, split: int, horizon: float, aspect: float, cutouts: CutoutFolder | None) -> tuple[list[Actor], tuple[int, int]]:
    """Two that are identical but for their place_actors, and what tells them apart: a landmark between them, or one beside each."""
    for _ in range(PAIR_ATTEMPTS):
        two = rng.random() < LANDMARK_SHARE
        cast = []
        for kind in rng.choice(ACTORS, 2 + two, replace=False).tolist():
            actions_of_kind = [action for action in PAIR_ACTIONS if action in VALID_ACTIONS[kind]]
            cast.append(sample_actor(rng, kind, str(rng.choice(actions_of_kind))))
        reach = float(np.exp(rng.uniform(*np.log(REACH))))
        twin, *marks = _photographed(_with_looks(rng, resize(rng, cast, reach), split), split, cutouts)
        gaps = rng.uniform((0.0, 0.12, 0.0), (0.05, 0.25, 0.05)) if two else rng.uniform(0, 0.25, 2)
        row = line_up(rng, [twin, *marks, twin], gaps.tolist(), horizon, aspect)
        if min(actor.height for actor in row) >= SMALLEST:
            break
    return row, (0, len(row) - 1)
