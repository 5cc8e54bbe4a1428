"""Sentences made of facts: the noun with its adjectives, the clothes, the action and the places, in one of many orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeVar

import numpy as np

from .facts import Fact
from .lexicon import DIRECTIONS, ENCLOSED, INSTEAD_OF_ACTION, PERSON_NOUNS, PLACE_ADJECTIVES, PLACES, PLURAL, PRONOUNS, RELATIONS, SUPPORTS

T = TypeVar("T")

# Slots are filled in this order. A template is used only where those in capitals have something to say, and those that have are all in it.
TEMPLATES: dict[str, tuple[float, str]] = {
    "participle": (40, "noun clothes doing relation surface place"),
    "is": (44, "noun clothes is DOING relation surface place"),
    "place inside": (20, "noun clothes PLACE is DOING relation surface"),
    "place inside, participle": (10, "noun clothes PLACE DOING relation surface"),
    "place before clothes": (20, "noun PLACE CLOTHES is DOING relation surface"),
    "place first": (12, "PLACE noun clothes is DOING relation surface"),
    "relation inside": (15, "noun clothes RELATION is DOING surface place"),
    "surface inside": (3, "noun clothes SURFACE is DOING relation place"),
    "located": (20, "noun clothes is SURFACE place"),
    "placed": (20, "noun clothes is surface PLACE"),
    "gerund": (6, "GERUND noun clothes relation surface place"),
    "clothes last": (9, "noun DOING surface CLOTHES"),
    "clause": (4, "noun clothes who is DOING relation surface place"),
}
ONE_ORDER_TEMPLATES = {"participle": TEMPLATES["participle"]}  # of sentences in one order of words
HELD_OUT_TEMPLATES: dict[str, tuple[float, str]] = {  # no training sentence is phrased like these
    "action and surface first": (4, "DOING relation SURFACE place is noun clothes"),
    "action and place first": (4, "DOING surface PLACE is noun clothes"),
    "surface first": (4, "SURFACE noun clothes is DOING relation place"),
    "relation first": (8, "RELATION noun clothes is DOING surface"),
    "clothes first": (4, "CLOTHES noun is DOING relation surface place"),
    "place first, gerund": (5, "PLACE GERUND noun clothes surface"),
    "place inside, clause": (5, "noun clothes PLACE who is DOING relation surface"),
}


def pick(rng: np.random.Generator, options: Mapping[T, float]) -> T:
    """One of the options, as often as its weight says.

    >>> pick(np.random.default_rng(0), {"dog": 1.0, "cat": 0.0})
    'dog'
    """
    left = rng.random() * sum(options.values())
    for option, weight in options.items():
        left -= weight
        if left < 0:
            return option
    return max(options, key=options.__getitem__)  # rounding can leave a little


def phrase(
    facts: Sequence[Fact], *, held_out: bool, rng: np.random.Generator, templates: Mapping[str, tuple[float, str]] = TEMPLATES
) -> tuple[str, str] | None:
    """A sentence that says all the facts, and the template of its phrasing; None if no template can say them.

    `templates` are those to choose from, unless `held_out` asks for `HELD_OUT_TEMPLATES`.

    >>> said = [Fact("noun", ("dog",)), Fact("doing", ("running",)), Fact("order", ("first", "left", "dog"))]
    >>> phrase(said, held_out=False, rng=np.random.default_rng(0))
    ('the first dog from the left running', 'participle')
    """
    said = {fact.topic: fact.words for fact in facts}
    noun = said["noun"][0]
    person, pronoun = noun in PERSON_NOUNS, noun in PRONOUNS
    slots: dict[str, str] = {}
    adjectives: list[str] = []

    before, after = _order(said["order"], rng) if "order" in said else ("", "")
    if "place" in said:
        place = said["place"][0]
        if place in PLACE_ADJECTIVES and not pronoun and rng.random() < 0.15:
            before = place
        else:
            slots["place"] = pick(rng, PLACES[place])
    adjectives += [said[topic][0] for topic in ("size", "pattern") if topic in said]
    if "colour" in said and not person:
        if rng.random() < 0.1 and not held_out:
            slots["clothes"] = f"in {said['colour'][0]}"
        else:
            adjectives.append(said["colour"][0])
    elif person and (clothes := _clothes(said, rng)):
        slots["clothes"] = clothes
    if "surface" in said:
        slots["surface"] = _surface(said["surface"], rng)

    doing = said["doing"][0] if "doing" in said else ""
    gerund = "" if pronoun or " " in doing or "direction" in said else doing
    support = pick(rng, SUPPORTS[said["support"][0]]) if "support" in said else ""
    if doing:
        way = pick(rng, DIRECTIONS[int(said["direction"][0])]) if "direction" in said else ""
        slots["doing"] = _join(doing, support, way)
    elif support:
        slots["surface"] = f"on {support}"
    if "relation" in said:
        relation = said["relation"][0]
        text = _join(pick(rng, RELATIONS[relation]), _landmark(said["relation"], noun, rng))
        slots["doing" if relation in INSTEAD_OF_ACTION else "relation"] = text

    tables = HELD_OUT_TEMPLATES if held_out else templates
    suitable = {name: weight for name, (weight, order) in tables.items() if _suits(order, slots, gerund)}
    if not suitable:
        return None
    template = pick(rng, suitable)
    order = tables[template][1].split()
    if "GERUND" in order:
        adjectives.insert(0, gerund)
        if support:
            slots["surface"] = f"on {support}"
    name = _join(_article(_join(before, *adjectives, noun), pronoun, bool(before), order[0] not in ("noun", "GERUND"), rng), after)
    words = {**slots, "noun": name, "is": "is", "who": "that" if not person or rng.random() < 0.3 else "who"}
    return _join(*(words.get(slot.lower(), "") for slot in order if slot != "GERUND")), template


@cache
def _slots(order: str) -> tuple[frozenset[str], frozenset[str]]:
    """The slots that a template needs filled, and those that it has."""
    return frozenset(slot.lower() for slot in order.split() if slot.isupper()), frozenset(order.lower().split())


def _suits(order: str, slots: Mapping[str, str], gerund: str) -> bool:
    needed, offered = _slots(order)
    if "gerund" in offered:
        return bool(gerund) and needed - {"gerund"} <= slots.keys() - {"doing"} <= offered
    return needed <= slots.keys() <= offered


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _article(name: str, pronoun: bool, ranked: bool, inside: bool, rng: np.random.Generator) -> str:
    """A noun with an article or, as often in A2D Sentences, without; one that begins the sentence needs it less."""
    if pronoun:
        return name
    article = pick(rng, {"the": 0.65, "": 0.0 if inside else 0.35} if ranked else {"": 0.0 if inside else 0.42, "a": 0.4, "the": 0.2})
    return _join("an" if article == "a" and name[0] in "aeiou" else article, name)


def _order(words: tuple[str, ...], rng: np.random.Generator) -> tuple[str, str]:
    """The words before and after the noun that say which in a row it is."""
    which, side, _ = words
    if which == "middle":
        return which, ""
    if which == "first" and rng.random() < 0.6:
        return pick(rng, {f"{side}most": 3, f"{side} most": 1}), ""
    return which, pick(rng, {f"from the {side}": 1, f"from {side}": 1})


def _surface(words: tuple[str, ...], rng: np.random.Generator) -> str:
    preposition, noun = words
    article = "a" if noun in ENCLOSED and rng.random() < 0.2 else "the"
    return _join(preposition, article, noun) if preposition else noun


def _clothes(said: Mapping[str, tuple[str, ...]], rng: np.random.Generator) -> str:
    """The clothes of a person, joined: "in a red shirt and black pants with a hat"."""
    parts: list[str] = []
    if "colour" in said:
        dye = said["colour"][0]
        parts.append(pick(rng, {f"in {dye}": 16, f"wearing {dye}": 2, f"dressed in {dye}": 1}))
    if "all over" in said:
        dye = said["all over"][0]
        parts.append(pick(rng, {f"in all {dye}": 2, f"all in {dye}": 1, f"in {dye} clothes": 2}))
    for topic in ("upper", "lower", "hat"):
        if topic not in said:
            continue
        plain = _join(*said[topic])
        articles = {"": 7.0, "the": 1.0} if plain.endswith(PLURAL) else {"": 6.0, "the": 1.5, ("an" if plain[0] in "aeiou" else "a"): 3.0}
        wanted = {"in": 10.0, "with": 3.0, "wearing": 1.5} if not parts else {"and": 6.0, "with": 2.0} if "upper" in said else {"with": 1.0}
        parts.append(_join(pick(rng, wanted), pick(rng, articles), plain))
    return _join(*parts)


def _landmark(words: tuple[str, ...], noun: str, rng: np.random.Generator) -> str:
    """The other actor, or the two others, that a relation is about."""
    relation, first, second = words
    if relation == "between":
        return _join(_other(first, "", noun, rng), "and", _other(second, "", noun, rng))
    return _other(first, second, noun, rng)


def _other(mark: str, dye: str, noun: str, rng: np.random.Generator) -> str:
    name = f"{mark} in {dye}" if dye and mark in PERSON_NOUNS else _join(dye, mark)
    again = mark == noun and (not dye or rng.random() < 0.3)
    articles = {"another": 3, "the other": 2} if again else {"the": 1, "an" if name[0] in "aeiou" else "a": 1}
    return _join(pick(rng, articles), name)
