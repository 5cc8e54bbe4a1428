"""Facts: what can truly be said of the actors of a scene, and whom it fits.

A `Fact` is one thing that a sentence says. `speakable` lists the facts that a speaker would plainly say of an actor; `holds` is the
listener's side and wider: it is also true in every borderline case, so that a sentence whose facts all hold for one actor alone is
unambiguous.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from ..scene import Actor, Box, Scene
from . import layout
from .lexicon import (
    COLOUR_FITS,
    COLOUR_NAMES,
    DOING_FITS,
    DOING_SAID,
    FACED,
    GARMENT_FITS,
    GARMENTS,
    NOUN_FITS,
    NOUNS,
    ORDINALS,
    PATTERN_FITS,
    PATTERNS,
    PEOPLE,
    PRONOUNS,
    RELATION_WEIGHT,
    RELATIONS,
    SIZE_FITS,
    SIZES,
    SPORTS_GROUNDS,
    SUPPORTS,
    surface_phrases,
)

MENTIONS: dict[str, frozenset[str]] = {  # what a fact of each topic mentions
    "noun": frozenset({"kind"}),
    "doing": frozenset({"action"}),
    "colour": frozenset({"colour"}),
    "all over": frozenset({"colour", "clothing"}),
    "upper": frozenset({"clothing"}),  # and colour and pattern where it names them
    "lower": frozenset({"colour", "clothing"}),
    "hat": frozenset({"clothing"}),  # and colour where it names one
    "pattern": frozenset({"pattern"}),
    "size": frozenset({"size"}),
    "place": frozenset({"place"}),
    "order": frozenset({"relation"}),
    "direction": frozenset({"direction"}),
    "surface": frozenset({"surface"}),
    "support": frozenset({"support"}),
    "relation": frozenset({"relation"}),
}
UNKNOWN_OF_CUTOUTS = ("all over", "upper", "lower", "hat", "pattern")  # never said of photographs, and taken to fit them
TALLER_RATIO = 1.33  # times as tall as another of its kind: plainly bigger


@dataclass(frozen=True)
class Fact:
    """One thing said: a topic (a key of `MENTIONS`) and the words that settle what it means."""

    topic: str
    words: tuple[str, ...]

    @property
    def mentions(self) -> frozenset[str]:
        """The kinds of things it speaks of.

        >>> sorted(Fact("upper", ("red", "", "shirt")).mentions)
        ['clothing', 'colour']
        """
        clothes = self.topic in ("upper", "hat")
        colour = frozenset({"colour"} if clothes and self.words[0] else ())
        return MENTIONS[self.topic] | colour | frozenset({"pattern"} if self.topic == "upper" and self.words[1] else ())


class View:
    """A scene as it is seen: its layout, the state of each actor, and who fits which fact."""

    def __init__(self, scene: Scene, boxes: Mapping[int, Box]) -> None:
        self.surface = scene.surface
        self.layout = layout.Layout(scene, boxes)
        self.actors = self.layout.actors
        self.states = {i: state(actor) for i, actor in self.actors.items()}
        self._fitting: dict[Fact, frozenset[int]] = {}

    def fitting(self, facts: Iterable[Fact]) -> frozenset[int]:
        """Everyone of whom all the facts hold."""
        found = frozenset(self.actors)
        for fact in facts:
            if fact not in self._fitting:
                self._fitting[fact] = frozenset(i for i in self.actors if holds(fact, self, i))
            found &= self._fitting[fact]
        return found

    def named(self, noun: str) -> list[int]:
        """Everyone whom a noun fits."""
        return [i for i, actor in self.actors.items() if actor.noun in NOUN_FITS[noun]]


def state(actor: Actor) -> str:
    """The action of an actor, or what it does without one.

    >>> state(Actor(kind="car", action="none", noun="van", colour="red"))
    'parked'
    """
    if actor.action != "none":
        return actor.action
    if actor.cutout and actor.kind not in ("ball", "car"):
        return "still"
    if actor.kind == "bird" and actor.posture == "lying":
        return "sitting"  # a bird does both alike
    return actor.posture or {"car": "parked", "ball": "resting"}.get(actor.kind, "standing")


def holds(fact: Fact, view: View, index: int) -> bool:
    """Tell whether a listener may take a fact to be about an actor."""
    actor, words = view.actors[index], fact.words
    if actor.cutout and (fact.topic in UNKNOWN_OF_CUTOUTS or (fact.topic == "colour" and not actor.colour)):
        return True
    match fact.topic:
        case "noun":
            return actor.noun in NOUN_FITS[words[0]]
        case "doing":
            return view.states[index] in DOING_FITS[words[0]]
        case "colour" | "all over":
            return not COLOUR_FITS[words[0]].isdisjoint((actor.colour, actor.lower_colour, actor.hat))
        case "upper":
            colour, pattern, garment = words
            worn = actor.kind in PEOPLE and (actor.garment or "one piece") in GARMENT_FITS[garment]
            dyed = not colour or actor.colour in COLOUR_FITS[colour]
            return worn and dyed and (not pattern or actor.pattern in PATTERN_FITS[pattern])
        case "lower":
            return actor.lower_garment in GARMENT_FITS[words[1]] and actor.lower_colour in COLOUR_FITS[words[0]]
        case "hat":
            return actor.hat is not None and (not words[0] or actor.hat in COLOUR_FITS[words[0]])
        case "pattern":
            return actor.pattern in PATTERN_FITS[words[0]]
        case "size":
            heights = [view.actors[i].height for i in view.named(words[1])]
            return any(1.1 * actor.height < h if "small" in SIZE_FITS[words[0]] else actor.height > 1.1 * h for h in heights)
        case "place":
            return view.layout.in_place(words[0], index, wide=True)
        case "order":
            return _in_order(words, view, index)
        case "direction":
            return actor.heading == int(words[0])
        case "surface":
            aloft = words[0] in ("over", "above") or words[1] in ("sky", "air")
            return not aloft or actor.action in ("fly", "jump")
        case "support":
            return actor.support == words[0]
    relation, noun, detail = words
    marks = [i for i in view.named(noun) if i != index]
    if relation == "between":
        others = [i for i in view.named(detail) if i != index]
        return view.layout.between(marks, others, index, wide=True) or view.layout.between(others, marks, index, wide=True)
    coloured = (i for i in marks if not detail or holds(Fact("colour", (detail,)), view, i))
    return any(view.layout.related(relation, index, mark, wide=True) for mark in coloured)


def _in_order(words: tuple[str, ...], view: View, index: int) -> bool:
    which, side, noun = words
    group = view.named(noun)
    if which == "middle":
        rank, seems = (len(group) - 1) // 2, view.layout.in_place("middle", index, wide=True)
    else:
        rank, seems = ORDINALS.index(which), False
        rank = len(group) - 1 - rank if side == "right" else rank
    return index in group and (seems or rank in view.layout.ranks(group, index, wide=True))


def speakable(topic: str, view: View, index: int, noun: str) -> dict[Fact, float]:
    """The facts of a topic that one would plainly say of an actor called `noun`, weighted by how often."""
    actor = view.actors[index]
    if actor.cutout and topic in UNKNOWN_OF_CUTOUTS:
        return {}
    person, pronoun = actor.kind in PEOPLE, noun in PRONOUNS
    colours = COLOUR_NAMES.get(actor.colour, {})
    said: dict[tuple[str, ...], float] = {}
    match topic:
        case "noun":
            said = {(word,): w for word, w in NOUNS.get(actor.noun, {}).items() if word != "player" or view.surface in SPORTS_GROUNDS}
        case "doing":
            said = {(phrase,): w for phrase, w in DOING_SAID.get((actor.kind, view.states[index]), {}).items()}
        case "colour" if person or not pronoun:
            said = {(word,): w for word, w in colours.items()}
        case "all over" if person and {actor.lower_colour, actor.hat} <= {None, actor.colour}:
            said = {(word,): w for word, w in colours.items()}
        case "upper" if person:
            patterns = PATTERNS.get(actor.pattern, {})
            for garment, w in GARMENTS.get(actor.garment or "one piece", {}).items():
                said |= {(colour, "", garment): w * share for colour, share in colours.items()}
                said |= {("", pattern, garment): w * share for pattern, share in patterns.items()}
                said |= {(colour, pattern, garment): 0.5 * w * share for colour in colours for pattern, share in patterns.items()}
            if actor.garment in ("suit", "dress"):
                said["", "", actor.garment] = 0.3
        case "lower" if actor.lower_garment is not None and actor.lower_colour is not None:
            garments, dyes = GARMENTS.get(actor.lower_garment, {}), COLOUR_NAMES.get(actor.lower_colour, {})
            said = {(dye, garment): w * share for garment, w in garments.items() for dye, share in dyes.items()}
        case "hat" if actor.hat is not None:
            dyes = {"": 1.0, **COLOUR_NAMES.get(actor.hat, {})}
            said = {(dye, hat): w * share for hat, w in GARMENTS["hat"].items() for dye, share in dyes.items()}
        case "pattern" if actor.kind in ("bird", "cat", "dog") and not pronoun:
            said = {(word,): w for word, w in PATTERNS.get(actor.pattern, {}).items()}
        case "size" if not pronoun:
            heights = [view.actors[i].height for i in view.named(noun) if i != index]
            if heights and actor.height * TALLER_RATIO < min(heights):
                said = {(word, noun): w for word, w in SIZES["small"].items()}
            if heights and actor.height > TALLER_RATIO * max(heights):
                said = {(word, noun): w for word, w in SIZES["big"].items()}
        case "place":
            parts = [part for part in layout.PLACES if view.layout.in_place(part, index, wide=False)]
            corners = [f"{v} {h}" for v in ("top", "bottom") for h in ("left", "right") if v in parts and h in parts]
            far = [f"far {side}" for side in ("left", "right") if view.layout.in_place(f"far {side}", index, wide=False)]
            said = {(place,): {"left": 6.0, "right": 6.0, "middle": 3.0}.get(place, 1.5) for place in parts + corners + far}
        case "order" if not pronoun:
            said = _orders(view, index, noun)
        case "direction" if actor.action in FACED and actor.kind != "ball":
            said = {(str(actor.heading),): 1.0}
        case "surface" if actor.action != "climb":
            return {Fact("surface", words): w for words, w in surface_phrases(view.surface, view.states[index]).items()}
        case "support" if actor.support in SUPPORTS:
            said = {(str(actor.support),): 1.0}
        case "relation":
            said = _relations(view, index)
    return {Fact(topic, words): w for words, w in said.items()}


def _orders(view: View, index: int, noun: str) -> dict[tuple[str, ...], float]:
    group = view.named(noun)
    ranks = view.layout.ranks(group, index, wide=False)
    if len(group) < 2 or not ranks:
        return {}
    rank = ranks[0]
    orders: dict[tuple[str, ...], float] = {}
    for which, ordinal in enumerate(ORDINALS if len(group) > 2 else ORDINALS[:1]):
        for side, position in (("left", rank), ("right", len(group) - 1 - rank)):
            if position == which:
                orders[ordinal, side, noun] = (3.0, 1.5, 4.0)[which]
    if len(group) % 2 and rank == len(group) // 2:
        orders["middle", "", noun] = 1.5
    return orders


def _relations(view: View, index: int) -> dict[tuple[str, ...], float]:
    found: dict[str, dict[tuple[str, ...], float]] = {}
    names = {i: {noun: w for noun, w in NOUNS.get(actor.noun, {}).items() if noun not in PRONOUNS} for i, actor in view.actors.items()}
    for mark in names:
        if mark == index:
            continue
        dyes = {"": 3.0, **COLOUR_NAMES.get(view.actors[mark].colour, {})}
        landmarks = {(noun, dye): w * share for noun, w in names[mark].items() for dye, share in dyes.items()}
        for relation in RELATIONS:
            if relation != "between" and view.layout.related(relation, index, mark, wide=False):
                for landmark, w in landmarks.items():
                    found.setdefault(relation, {})[relation, *landmark] = w
        for other in names:
            if other not in (index, mark) and view.layout.between([mark], [other], index, wide=False):
                for first, last in product(names[mark], names[other]):
                    found.setdefault("between", {})["between", first, last] = names[mark][first] * names[other][last]
    shares = {relation: RELATION_WEIGHT.get(relation, 1.0) / sum(options.values()) for relation, options in found.items()}
    return {words: w * shares[relation] for relation, options in found.items() for words, w in options.items()}
