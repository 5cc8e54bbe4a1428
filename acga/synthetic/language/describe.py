"""The queries of the drawn world: sentences like those of A2D Sentences, each of which fits exactly one actor of its scene.

>>> import numpy as np
>>> from acga.synthetic.scene import Actor, Box, Scene
>>> walker = Actor(kind="dog", action="walk", noun="dog", colour="black")
>>> runner = Actor(kind="dog", action="run", noun="dog", colour="black")
>>> scene = Scene(
...     name="two dogs", seed=0, height=144, width=176, frames=24, background="lawn", surface="grass",
...     actors=(walker, runner), annotated=(13,),
... )
>>> box = Box(left=0.4, top=0.5, right=0.6, bottom=0.8, area=0.05)
>>> query = describe(scene, {0: box, 1: box}, 1, count=1, rng=np.random.default_rng(0))[0]
>>> query.text, sorted(query.decided_by)
('dog is running', ['action', 'motion'])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...config import SentenceStyle
from ..render.motion import look_alike
from ..scene import Box, Scene
from .facts import Fact, View, speakable
from .lexicon import HELD_OUT_PAIRS, INSTEAD_OF_ACTION, VOCABULARY
from .phrasing import ONE_ORDER_TEMPLATES, TEMPLATES, phrase, pick

__all__ = ["VOCABULARY", "Query", "describe", "fits"]

# Of the styles, "one-order" words a query in a single order, that of "man in red running on the left", unless held out.
# "relational": most of those about an actor beside others of its kind say nothing but what it is to the others; "half-relational": fewer.
# "looks": nothing is said but the kind and what is needed of colour, clothes and action.

LONGEST = 20  # words
ATTEMPTS_PER_SENTENCE = 12  # for each sentence wanted
TERSE_PROBABILITY = 0.6  # how often one says as little as possible of an actor that is not the only one of its kind
# How often each topic is mentioned without need, and its weight when an actor has to be told from others.
MENTION_PROBABILITY = {
    "doing": 0.95, "upper": 0.33, "colour": 0.58, "all over": 0.12, "lower": 0.14, "hat": 0.3, "pattern": 0.4, "size": 0.6,
    "place": 0.2, "order": 0.14, "relation": 0.5, "direction": 0.08, "support": 0.9, "surface": 0.38,
}  # fmt: skip
DISAMBIGUATION_WEIGHT = {
    "doing": 5.0, "colour": 2.0, "upper": 1.5, "place": 2.0, "order": 1.2, "relation": 1.0, "all over": 0.2, "lower": 0.5, "hat": 0.6,
    "pattern": 0.8, "size": 0.8, "direction": 0.5, "support": 1.0,
}  # fmt: skip
RELATIONAL_PROBABILITY = {"half-relational": 0.4, "relational": 0.8}  # how often nothing else is said where it would do
OPPOSITES = (("left of", "right of"), ("right of", "left of"))
RELATIONAL_WEIGHT = {"order": 1.0, "relation": 2.0}  # the weights where that is so
LOOKS_WEIGHT = {"doing": 4.0, "colour": 4.0, "upper": 2.0, "all over": 0.5, "lower": 0.5, "hat": 0.5, "pattern": 0.5}
# A sentence says at most one thing of each of these groups.
EXCLUSIVE_GROUPS = {"upper": "look", "colour": "look", "all over": "look", "place": "where", "order": "where", "relation": "where"}


@dataclass(frozen=True)
class Query:
    """A sentence about one actor, and what there is to know about it."""

    text: str
    mentions: frozenset[str]  # kind, action, colour, clothing, pattern, size, place, relation, direction, surface, support
    phrasing: str  # the template of its order of words, a key of `phrasing.TEMPLATES` or `HELD_OUT_TEMPLATES`
    decided_by: frozenset[str]  # the mentions that are needed: without one of them, the rest fits another actor too
    #                             and "motion" if that other actor looks the same in a single frame; empty: the target is alone of its kind
    novelty: frozenset[str]  # what no training sentence has: "phrasing", "combination" (of a colour and an action)
    facts: tuple[Fact, ...]
    partner: str = ""  # of a minimal pair: the sentence that differs in one thing and fits the other of two that look alike


def fits(query: Query, scene: Scene, boxes: Mapping[int, Box], actor: int) -> bool:
    """Tell whether a sentence fits an actor, by index: whether all it says may be taken to be about that actor."""
    return actor in View(scene, boxes).fitting(query.facts)


def describe(
    scene: Scene,
    boxes: Mapping[int, Box],
    index: int,
    *,
    count: int,
    rng: np.random.Generator,
    unseen: bool = False,
    style: SentenceStyle = "everyday",
    relational: float = 0.0,
) -> list[Query]:
    """Describe the actor `index` in up to `count` different sentences that fit it and no other; none if nothing tells it from another.

    `boxes` holds the actors that are seen, by index, with their place in the annotated frames. `unseen=True` gives sentences no call
    without it can give: in held-out orders of words, or pairing a colour and an action that are never paired otherwise. A share
    `relational` of the sentences beside others of its kind says by relation alone which it is, whatever the style.
    """
    if index not in boxes:
        return []
    generator = SentenceGenerator(scene, boxes, index, rng, style, relational)
    queries: dict[str, Query] = {}
    for _ in range(ATTEMPTS_PER_SENTENCE * count):
        query = generator.say(combination=unseen and rng.random() < 0.5, held_out=unseen)
        if query is not None:
            queries.setdefault(query.text, query)
        if len(queries) == count:
            break
    return list(queries.values())


def describe_pair(
    scene: Scene,
    boxes: Mapping[int, Box],
    pair: tuple[int, ...],
    *,
    count: int,
    rng: np.random.Generator,
    unseen: bool = False,
    style: SentenceStyle = "everyday",
) -> list[tuple[Query, Query]]:
    """Describe two actors that differ in their place alone, in up to `count` pairs of sentences that differ in one thing alone.

    That is the side of one landmark, as in "dog left of the car" and "dog right of the car", or the landmark itself. In each pair the
    first sentence fits the first actor and no other, the second the second. None if an actor is not seen or nothing does it.
    """
    if not set(pair) <= boxes.keys():
        return []
    first, second = (SentenceGenerator(scene, boxes, index, rng, style) for index in pair)
    found: dict[str, tuple[Query, Query]] = {}
    for _ in range(ATTEMPTS_PER_SENTENCE * count):
        noun = pick(rng, first.options("noun", ""))
        shared = {"noun": noun}
        for topic in ("doing", "surface"):
            options = first.options(topic, noun.words[0]) if rng.random() < MENTION_PROBABILITY[topic] else {}
            if options:
                add(pick(rng, options), shared)
        if is_held_out(shared.values()):
            continue
        seed = int(rng.integers(2**31))
        for one, other in first.opposite_relations(second, rng):
            told = []
            for generator, relation in ((first, one), (second, other)):
                facts = {**shared, "relation": relation}
                generator.rng = np.random.default_rng(seed)  # the same choices of words in both
                if generator.view.fitting(facts.values()) == {generator.index}:
                    told.append(generator.query(facts, held_out=unseen, novel=frozenset()))
            if len(told) == 2 and told[0] is not None and told[1] is not None:
                found.setdefault(told[0].text, (replace(told[0], partner=told[1].text), replace(told[1], partner=told[0].text)))
                break
        if len(found) == count:
            break
    return list(found.values())


class SentenceGenerator:
    """A generator of sentences about one actor of a scene."""

    def __init__(
        self, scene: Scene, boxes: Mapping[int, Box], index: int, rng: np.random.Generator, style: SentenceStyle, relational: float = 0.0
    ) -> None:
        self.view, self.index, self.rng = View(scene, boxes), index, rng
        self.templates = ONE_ORDER_TEMPLATES if style == "one-order" else TEMPLATES
        self.by_looks = style == "looks"
        self.relational = 0.0 if self.by_looks else max(relational, RELATIONAL_PROBABILITY.get(style, 0.0))
        self._speakable: dict[tuple[str, str], dict[Fact, float]] = {}

    def say(self, *, combination: bool, held_out: bool) -> Query | None:
        """One sentence, or None where this attempt led nowhere."""
        nouns = self.options("noun", "")
        if not nouns:
            return None
        noun = pick(self.rng, nouns)
        facts = {"noun": noun}
        if combination:
            facts |= self.novel_pair(noun.words[0])
        by_relation = self.relational > 0 and len(self.view.fitting([noun])) > 1 and self.rng.random() < self.relational
        if not by_relation and not self.by_looks:
            self.add_mentions(facts)
        if held_out and facts.keys() <= {"noun", "doing", "size", "colour"}:
            self.add_any(("surface", "place"), facts)  # what a held-out order of words can begin with
        weights = LOOKS_WEIGHT if self.by_looks else RELATIONAL_WEIGHT if by_relation else DISAMBIGUATION_WEIGHT
        if not self.single_out(facts, weights):
            return None
        novel = frozenset({"combination"} if is_held_out(facts.values()) else ())
        if novel and not held_out:
            return None
        return self.query(facts, held_out=held_out, novel=novel)

    def query(self, facts: dict[str, Fact], *, held_out: bool, novel: frozenset[str]) -> Query | None:
        """The sentence that says facts which single out the target, or None where no template can."""
        spoken = phrase(list(facts.values()), held_out=held_out and not novel, rng=self.rng, templates=self.templates)
        if spoken is None or len(spoken[0].split()) > LONGEST:
            return None
        text, template = spoken
        return Query(
            text=text,
            mentions=frozenset().union(*(fact.mentions for fact in facts.values())),
            phrasing=template,
            decided_by=self.decisive(facts.values()),
            novelty=novel or frozenset({"phrasing"} if held_out else ()),
            facts=tuple(facts.values()),
        )

    def options(self, topic: str, noun: str) -> dict[Fact, float]:
        if (topic, noun) not in self._speakable:
            self._speakable[topic, noun] = speakable(topic, self.view, self.index, noun)
        return self._speakable[topic, noun]

    def novel_pair(self, noun: str) -> dict[str, Fact]:
        """A colour and an action that only held-out sentences say together, if the actor has such."""
        looks = [fact for topic in ("colour", "upper", "lower") for fact in self.options(topic, noun)]
        actions = self.options("doing", noun)
        pairs = {(look, doing): weight for doing, weight in actions.items() for look in looks if is_held_out((look, doing))}
        if not pairs:
            return {}
        look, doing = pick(self.rng, pairs)
        return {look.topic: look, "doing": doing}

    def add_mentions(self, facts: dict[str, Fact]) -> None:
        """Say what one says anyway; beside others of its kind, often no more than the action, so that it has to decide."""
        noun = facts["noun"].words[0]
        terse = len(self.view.fitting([facts["noun"]])) > 1 and self.rng.random() < TERSE_PROBABILITY
        for topic, probability in MENTION_PROBABILITY.items():
            if self.rng.random() < probability and free(topic, facts) and (not terse or topic in ("doing", "support", "surface")):
                options = self.options(topic, noun)
                if options:
                    add(pick(self.rng, options), facts)

    def opposite_relations(self, other: SentenceGenerator, rng: np.random.Generator) -> list[tuple[Fact, Fact]]:
        """Pairs of relations, of this actor and of another, that differ in the side or in the landmark alone; in random order."""
        mine, its = (list(generator.options("relation", "")) for generator in (self, other))
        found = [
            (one, two)
            for one in mine
            for two in its
            if ((one.words[0], two.words[0]) in OPPOSITES and one.words[1:] == two.words[1:])
            or (one.words[0] == two.words[0] == "near" and one.words[1] != two.words[1] and bool(one.words[2]) == bool(two.words[2]))
        ]
        return [found[i] for i in rng.permutation(len(found))]

    def add_any(self, topics: Iterable[str], facts: dict[str, Fact]) -> None:
        """Say something about the first of the topics on which there is something to say."""
        for topic in topics:
            options = self.options(topic, facts["noun"].words[0])
            if options:
                return add(pick(self.rng, options), facts)

    def single_out(self, facts: dict[str, Fact], weights: Mapping[str, float]) -> bool:
        """Say more until the sentence fits the target alone; False if that cannot be done."""
        noun = facts["noun"].words[0]
        while (fitting := self.view.fitting(facts.values())) != {self.index}:
            helpful: dict[Fact, float] = {}
            for topic, weight in weights.items():
                options = self.options(topic, noun) if free(topic, facts) else {}
                total = sum(options.values())
                helpful |= {fact: weight * w / total for fact, w in options.items() if not fitting <= self.view.fitting([fact])}
            if not helpful:
                return False
            add(pick(self.rng, helpful), facts)
        return True

    def decisive(self, facts: Iterable[Fact]) -> frozenset[str]:
        """The mentions without which another actor would fit, and "motion" where all such others look alike in one frame."""
        facts = list(facts)
        needed = set()
        for mention in frozenset().union(*(fact.mentions for fact in facts)):
            rivals = self.view.fitting(fact for fact in facts if mention not in fact.mentions) - {self.index}
            if rivals:
                needed.add(mention)
            if mention == "action" and rivals and all(self.looks_alike(rival) for rival in rivals):
                needed.add("motion")
        return frozenset(needed)

    def looks_alike(self, rival: int) -> bool:
        """Tell whether only motion tells the target from another actor."""
        me, it = self.view.actors[self.index], self.view.actors[rival]
        upright = {self.view.states[self.index], self.view.states[rival]}.isdisjoint({"sitting", "lying"})
        return me.kind == it.kind and upright and look_alike(me.kind, me.action, it.action)


def free(topic: str, facts: Mapping[str, Fact]) -> bool:
    """Tell whether a sentence that says `facts` has room for one about this topic."""
    if topic in facts or any(EXCLUSIVE_GROUPS.get(said, said) == EXCLUSIVE_GROUPS.get(topic) for said in facts):
        return False
    if topic == "doing":
        return "relation" not in facts or facts["relation"].words[0] not in INSTEAD_OF_ACTION
    return topic != "direction" or "doing" in facts


def add(fact: Fact, facts: dict[str, Fact]) -> None:
    """Say one more thing. "Following a dog" is said instead of an action."""
    facts[fact.topic] = fact
    if fact.topic == "relation" and fact.words[0] in INSTEAD_OF_ACTION:
        facts.pop("doing", None)
        facts.pop("direction", None)


def is_held_out(facts: Iterable[Fact]) -> bool:
    """Tell whether facts pair a colour and an action that training sentences never say together of one actor."""
    words = {fact.topic: fact.words[0] for fact in facts}
    head = words.get("doing", "").partition(" ")[0]
    return any((words.get(topic), head) in HELD_OUT_PAIRS for topic in ("colour", "all over", "upper", "lower", "hat"))
