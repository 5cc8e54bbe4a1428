"""Every sentence fits its target and nobody else, says nothing untrue, and is deterministic; words and facts agree with the drawing."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from helpers.paths import SHARED
from hypothesis import given, settings
from hypothesis import strategies as st

from acga.data.taxonomy import COLOURS, PAIRS, VALID_ACTIONS
from acga.data.text import tokenise
from acga.synthetic import casting
from acga.synthetic.language import lexicon
from acga.synthetic.language.describe import VOCABULARY, Query, SentenceStyle, describe, fits, is_held_out
from acga.synthetic.language.facts import MENTIONS, Fact, View, holds, speakable, state
from acga.synthetic.language.layout import Layout
from acga.synthetic.language.phrasing import HELD_OUT_TEMPLATES, TEMPLATES
from acga.synthetic.render.backgrounds import BACKGROUNDS
from acga.synthetic.scene import Actor, Box, Scene

SENTENCES = SHARED / "sentences" / "a2d_annotation_with_short_query.csv"
SEEDS = st.integers(0, 2**32 - 1)
DOG = Actor(kind="dog", action="walk", noun="dog", colour="black")


def scene_of(*actors: Actor, surface: str = "grass") -> Scene:
    return Scene(name="test", seed=0, height=144, width=176, frames=24, background="lawn", surface=surface, actors=actors, annotated=(13,))


def at(x: float, y: float = 0.6, *, width: float = 0.15, height: float = 0.2) -> Box:
    return Box(left=x - width / 2, top=y - height / 2, right=x + width / 2, bottom=y + height / 2, area=width * height / 2)


def random_actor(rng: np.random.Generator, kind: str, action: str) -> Actor:
    """Any actor that the drawing knows, in any dress."""

    def any_of(*values: str | None) -> str | None:
        return values[rng.integers(len(values))]

    garment = any_of("shirt", "jacket", "dress", "suit") if kind == "adult" else None
    lower = any_of("pants", "shorts") if garment in ("shirt", "jacket") else None
    return Actor(
        kind=kind,
        action=action,
        noun=str(any_of(*casting.SUBTYPES[kind])),
        colour=str(any_of(*COLOURS)),
        garment=garment,
        lower_garment=lower,
        lower_colour=any_of(*COLOURS) if lower else None,
        hat=any_of(*COLOURS) if kind == "adult" and rng.random() < 0.2 else None,
        pattern=str(any_of("plain", "plain", "striped", "spotted")) if kind not in ("ball", "car") else "plain",
        posture=any_of("standing", "sitting", "lying") if action == "none" and kind not in ("ball", "car") else None,
        support=any_of(*lexicon.SUPPORTS) if action == "climb" else None,
        height=float(rng.uniform(0.15, 0.6)),
        heading=int(rng.choice([-1, 1])),
    )


def random_world(seed: int) -> tuple[Scene, dict[int, Box]]:
    """One to six actors, often alike, anywhere; some are not seen at all."""
    rng = np.random.default_rng(seed)
    actors: list[Actor] = []
    for _ in range(rng.integers(1, 7)):
        kind, action = PAIRS[rng.integers(len(PAIRS))]
        actor = random_actor(rng, kind, action)
        if actors and rng.random() < 0.5:  # looks like another, does something else
            model = actors[rng.integers(len(actors))]
            actor = random_actor(rng, model.kind, str(rng.choice(VALID_ACTIONS[model.kind])))
            actor = replace(model, action=actor.action, posture=actor.posture, support=actor.support, heading=actor.heading)
        actors.append(actor)
    boxes = {}
    for index in range(len(actors)):
        x, y, width, height = rng.uniform(0.1, 0.9), rng.uniform(0.2, 0.85), rng.uniform(0.05, 0.4), rng.uniform(0.08, 0.5)
        if rng.random() < 0.93:
            boxes[index] = at(x, y, width=width, height=height)
    return scene_of(*actors, surface=str(rng.choice(list(lexicon.SURFACES)))), boxes


def say(scene: Scene, boxes: dict[int, Box], index: int, *, count: int = 20, unseen: bool = False, seed: int = 0) -> list[Query]:
    return describe(scene, boxes, index, count=count, rng=np.random.default_rng(seed), unseen=unseen)


@pytest.fixture(scope="module")
def corpus() -> dict[bool, list[Query]]:
    """Sentences of random worlds, by whether they are held out."""
    queries: dict[bool, list[Query]] = {False: [], True: []}
    for seed in range(450):
        scene, boxes = random_world(seed)
        for unseen, count in ((False, 3), (True, 1)):
            for index in boxes:
                queries[unseen] += say(scene, boxes, index, count=count, unseen=unseen, seed=seed)
    return queries


# Whom a sentence fits


@settings(max_examples=120, deadline=None)
@given(SEEDS, st.booleans())
def test_every_sentence_fits_its_target_alone(seed: int, unseen: bool) -> None:
    scene, boxes = random_world(seed)
    for index in boxes:
        queries = say(scene, boxes, index, count=3, unseen=unseen, seed=seed)
        assert len({query.text for query in queries}) == len(queries) <= 3
        for query in queries:
            assert [actor for actor in boxes if fits(query, scene, boxes, actor)] == [index], query.text


PLAIN = {  # an independent and narrow reading of the plainest sentences
    "walking": {"walk"}, "running": {"run"}, "jumping": {"jump"}, "flying": {"fly"}, "eating": {"eat"}, "climbing": {"climb"},
    "crawling": {"crawl"}, "rolling": {"roll"}, "parked": {"none"},
}  # fmt: skip
COMMON_KINDS = {"dog", "cat", "bird", "car", "ball", "baby"}


def test_plain_sentences_read_by_another_grammar_fit_their_target_alone() -> None:
    pattern = re.compile(rf"(?:(?:an?|the) )?(?:({'|'.join(COLOURS)}) )?({'|'.join(COMMON_KINDS)})(?: is)? ({'|'.join(PLAIN)})")
    read = 0
    for seed in range(200):
        scene, boxes = random_world(seed)
        for index in boxes:
            for query in say(scene, boxes, index, count=4, seed=seed):
                if match := pattern.fullmatch(query.text):
                    colour, kind, action = match.groups()
                    found = [
                        i for i in boxes
                        if scene.actors[i].kind == kind and scene.actors[i].action in PLAIN[action]
                        and colour in (None, scene.actors[i].colour)
                    ]  # fmt: skip
                    assert found == [index], query.text
                    read += 1
    assert read > 60


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_what_is_plainly_said_is_also_heard(seed: int) -> None:
    scene, boxes = random_world(seed)
    view = View(scene, boxes)
    for index in boxes:
        for noun in lexicon.NOUNS[scene.actors[index].noun]:
            for topic in MENTIONS:
                for fact in speakable(topic, view, index, noun):
                    assert holds(fact, view, index), fact


def test_nothing_is_said_of_twins_at_one_place_or_of_the_unseen() -> None:
    twins = scene_of(DOG, DOG, replace(DOG, kind="cat", noun="cat"))
    boxes = {0: at(0.5), 1: at(0.51), 2: at(0.2)}
    assert say(twins, boxes, 0) == say(twins, boxes, 1) == []
    assert say(twins, boxes, 2)
    assert say(twins, {0: at(0.5)}, 1) == []
    assert say(twins, {0: at(0.5)}, 0), "the unseen do not count"


def test_an_unknown_noun_or_surface_raises_nothing() -> None:
    assert say(scene_of(replace(DOG, noun="dragon")), {0: at(0.5)}, 0) == []
    assert say(scene_of(DOG, surface="moon"), {0: at(0.5)}, 0)


# What decides


def decided(*actors: Actor, boxes: dict[int, Box] | None = None) -> Counter[frozenset[str]]:
    places = boxes or {index: at(0.5) for index in range(len(actors))}
    return Counter(query.decided_by for query in say(scene_of(*actors), places, 0, count=30))


def test_nothing_decides_where_there_is_only_one() -> None:
    assert set(decided(DOG)) == {frozenset()}
    assert frozenset() in decided(DOG, replace(DOG, kind="car", noun="car", action="run"))


def test_motion_decides_between_two_that_look_alike() -> None:
    assert set(decided(DOG, replace(DOG, action="run"))) == {frozenset({"action", "motion"})}
    standing = replace(DOG, action="none", posture="standing")
    assert set(decided(DOG, standing)) == {frozenset({"action", "motion"})}
    ball = Actor(kind="ball", action="roll", noun="ball", colour="red")
    assert set(decided(ball, replace(ball, action="none"))) == {frozenset({"action", "motion"})}


def test_one_frame_decides_between_two_that_do_not() -> None:
    for other in (replace(DOG, action="eat"), replace(DOG, action="none", posture="sitting")):
        assert set(decided(DOG, other)) == {frozenset({"action"})}


def test_kind_and_colour_and_place_decide() -> None:
    cat = replace(DOG, kind="cat", noun="cat")
    assert frozenset({"kind"}) in decided(DOG, cat)
    assert frozenset({"colour"}) in decided(DOG, replace(DOG, colour="white"))
    sides = decided(DOG, DOG, boxes={0: at(0.2), 1: at(0.8)})
    assert sides.keys() <= {frozenset({"place"}), frozenset({"relation"})} and len(sides) == 2
    assert decided(DOG, cat, replace(cat, action="run"), replace(DOG, action="run"))[frozenset({"kind", "action", "motion"})] > 0


def test_a_mention_decides_exactly_if_the_rest_fits_another() -> None:
    for seed in range(80):
        scene, boxes = random_world(seed)
        for index in boxes:
            for query in say(scene, boxes, index, count=2, seed=seed):
                for mention in query.mentions:
                    rest = replace(query, facts=tuple(fact for fact in query.facts if mention not in fact.mentions))
                    others = any(fits(rest, scene, boxes, other) for other in boxes if other != index)
                    assert others == (mention in query.decided_by), (query.text, mention)


def test_many_sentences_beside_a_look_alike_speak_of_motion_alone() -> None:
    """Neither colour nor place, though both would do."""
    runner = replace(DOG, action="run", colour="white")
    queries = say(scene_of(DOG, runner), {0: at(0.2), 1: at(0.8)}, 0, count=60)
    bare = [query for query in queries if query.decided_by == {"action", "motion"} and not query.mentions & {"colour", "place", "relation"}]
    assert len(bare) > 0.15 * len(queries)


# What is said


def test_sentences_say_all_their_facts_and_nothing_else(corpus: dict[bool, list[Query]]) -> None:
    function_words = set(lexicon._STRUCTURE.split()) - {"sky", "air", "outside", "inside"}
    tables: dict[str, dict[str, lexicon.Weights]] = {"place": lexicon.PLACES, "support": lexicon.SUPPORTS, "relation": lexicon.RELATIONS}
    for query in corpus[False] + corpus[True]:
        tokens = set(tokenise(query.text))
        supported: set[str] = set()
        for fact in query.facts:
            words = set(tokenise(" ".join(fact.words)))
            if fact.topic in tables:
                supported |= set(tokenise(" ".join(tables[fact.topic][fact.words[0]])))
            if fact.topic in ("noun", "doing", "colour", "all over", "upper", "lower", "hat", "pattern"):
                assert words <= tokens, (query.text, fact)
            supported |= words
            if fact.topic == "direction":
                supported |= {"to"}
            if fact.topic == "all over":
                supported |= {"clothes"}
        assert tokens <= supported | function_words, (query.text, tokens - supported - function_words)
        assert query.mentions == frozenset().union(*(fact.mentions for fact in query.facts))


def test_sentences_are_short_known_words_without_commas(corpus: dict[bool, list[Query]]) -> None:
    for query in corpus[False] + corpus[True]:
        assert 1 <= len(tokenise(query.text)) <= 20
        assert re.fullmatch("[a-z]+( [a-z]+)*", query.text)
        assert set(query.text.split()) <= set(VOCABULARY)
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", query.text), query.text


def test_all_words_are_said_and_the_most_common_things_often(corpus: dict[bool, list[Query]]) -> None:
    assert set(VOCABULARY) - {word for query in corpus[False] for word in query.text.split()} == set()
    share = Counter(mention for query in corpus[False] for mention in query.mentions)
    share = Counter({mention: round(100 * count / len(corpus[False])) for mention, count in share.items()})
    assert share["kind"] == 100
    assert share["action"] > 85
    assert 30 < share["colour"] < 60
    assert share["place"] > 10 and share["relation"] > 10


def test_paraphrases_differ_in_order_and_words() -> None:
    queries = say(scene_of(DOG), {0: at(0.2)}, 0, count=40)
    assert len(queries) == 40
    assert len({query.phrasing for query in queries}) >= 5
    assert len({query.facts for query in queries}) >= 10


def test_one_order_of_words_still_says_everything_of_everyone(corpus: dict[bool, list[Query]]) -> None:
    narrow = []
    for seed in range(150):
        scene, boxes = random_world(seed)
        for index in boxes:
            told = describe(scene, boxes, index, count=3, rng=np.random.default_rng(seed), style="one-order")
            assert all(fits(query, scene, boxes, index) for query in told)
            assert len(told) >= len(say(scene, boxes, index, count=3, seed=seed)) - 1
            narrow += told
    assert {query.phrasing for query in narrow} == {"participle"}
    assert set().union(*(query.mentions for query in narrow)) == set().union(*(query.mentions for query in corpus[False]))


def test_relational_styles_let_relations_decide(corpus: dict[bool, list[Query]]) -> None:
    shares = {"everyday": np.mean(["relation" in query.decided_by for query in corpus[False] if query.decided_by])}
    styles: tuple[SentenceStyle, ...] = ("half-relational", "relational")
    for style in styles:
        told = []
        for seed in range(100):
            scene, boxes = random_world(seed)
            for index in boxes:
                found = describe(scene, boxes, index, count=3, rng=np.random.default_rng(seed), style=style)
                assert all(fits(query, scene, boxes, index) for query in found)
                assert bool(found) == bool(say(scene, boxes, index, count=3, seed=seed))
                told += [query for query in found if query.decided_by]
        shares[style] = np.mean(["relation" in query.decided_by for query in told])
    assert shares["relational"] > 0.5 and shares["relational"] > 1.3 * shares["half-relational"] > 2 * shares["everyday"]


def test_by_looks_nothing_is_said_of_places_and_no_more_than_is_needed() -> None:
    told = []
    for seed in range(60):
        scene, boxes = random_world(seed)
        for index in boxes:
            found = describe(scene, boxes, index, count=3, rng=np.random.default_rng(seed), style="looks")
            assert all(fits(query, scene, boxes, index) for query in found)
            told += found
    assert set().union(*(query.mentions for query in told)) <= {"kind", "action", "colour", "clothing", "pattern"}
    assert {frozenset({"colour"}), frozenset({"action"})} <= {query.decided_by for query in told}
    alone = [query for query in told if not query.decided_by]
    assert alone and all(query.mentions == {"kind"} for query in alone)


def test_sentences_depend_on_the_generator_alone() -> None:
    scene, boxes = random_world(5)
    assert [say(scene, boxes, index, seed=3) for index in boxes] == [say(scene, boxes, index, seed=3) for index in boxes]
    assert say(scene, boxes, min(boxes), seed=3) != say(scene, boxes, min(boxes), seed=4)


# Held-out sentences


def test_no_training_sentence_is_like_a_held_out_one(corpus: dict[bool, list[Query]]) -> None:
    assert not TEMPLATES.keys() & HELD_OUT_TEMPLATES.keys()
    for query in corpus[False]:
        assert query.phrasing in TEMPLATES and not is_held_out(query.facts) and not query.novelty
    novelties = Counter()
    for query in corpus[True]:
        assert ("phrasing" in query.novelty) == (query.phrasing in HELD_OUT_TEMPLATES)
        assert ("combination" in query.novelty) == is_held_out(query.facts)
        novelties.update(query.novelty)
    assert min(novelties["phrasing"], novelties["combination"]) > 0.1 * len(corpus[True])
    assert not {query.text for query in corpus[False]} & {query.text for query in corpus[True]}


def test_held_out_sentences_use_training_words_only(corpus: dict[bool, list[Query]]) -> None:
    trained = {word for query in corpus[False] for word in query.text.split()}
    assert {word for query in corpus[True] for word in query.text.split()} <= trained


def test_every_held_out_pair_leaves_both_words_in_training() -> None:
    dyes, heads = ({pair[k] for pair in lexicon.HELD_OUT_PAIRS} for k in (0, 1))
    assert dyes <= lexicon.COLOUR_FITS.keys()
    for dye in dyes:
        assert sum(pair[0] == dye for pair in lexicon.HELD_OUT_PAIRS) < 0.25 * len(lexicon._HEADS)
    for head in heads:
        assert sum(pair[1] == head for pair in lexicon.HELD_OUT_PAIRS) < 0.25 * len(lexicon.COLOUR_FITS)


# Places and relations


def test_places_in_the_frame() -> None:
    layout = Layout(scene_of(DOG, DOG, DOG), {0: at(0.2, 0.2), 1: at(0.5, 0.5), 2: at(0.9, 0.85)})
    for place, members in {
        "left": [0], "middle": [1], "right": [2], "top": [0], "bottom": [2], "back": [0], "front": [2],
        "top left": [0], "far right": [2], "far left": [], "bottom left": [],
    }.items():  # fmt: skip
        assert [i for i in range(3) if layout.in_place(place, i, wide=False)] == members, place


def test_rows_are_counted_from_either_side_and_close_neighbours_may_swap() -> None:
    layout = Layout(scene_of(DOG, DOG, DOG), {0: at(0.6), 1: at(0.63), 2: at(0.1)})
    assert list(layout.ranks([0, 1, 2], 2, wide=False)) == [0]
    assert list(layout.ranks([0, 1, 2], 0, wide=False)) == []
    assert list(layout.ranks([0, 1, 2], 0, wide=True)) == [1, 2]
    view = View(scene_of(DOG, DOG, DOG), {0: at(0.5), 1: at(0.9), 2: at(0.1)})
    for which, side, index in (("first", "left", 2), ("second", "right", 0), ("third", "left", 1), ("middle", "", 0)):
        assert view.fitting([Fact("order", (which, side, "dog"))]) == {index}


def test_relations_between_two() -> None:
    dog, car = replace(DOG, heading=1), Actor(kind="car", action="none", noun="car", colour="red")

    def plainly(relation: str, mine: Box, its: Box, me: Actor = dog, it: Actor = car) -> bool:
        return Layout(scene_of(me, it), {0: mine, 1: its}).related(relation, 0, 1, wide=False)

    assert plainly("near", at(0.3), at(0.46)) and not plainly("near", at(0.3), at(0.8))
    assert plainly("left of", at(0.3), at(0.6)) and not plainly("left of", at(0.6), at(0.3))
    assert plainly("right of", at(0.6), at(0.3)) and not plainly("right of", at(0.3), at(0.6))
    assert plainly("behind", at(0.5, 0.5), at(0.5, 0.7)) and not plainly("behind", at(0.5, 0.7), at(0.5, 0.5))
    assert plainly("in front", at(0.5, 0.7), at(0.5, 0.5)) and not plainly("in front", at(0.5, 0.5), at(0.5, 0.7))
    assert plainly("above", at(0.5, 0.3), at(0.5, 0.7)) and not plainly("above", at(0.5, 0.7), at(0.5, 0.3))
    assert plainly("below", at(0.5, 0.7), at(0.5, 0.3)) and not plainly("below", at(0.5, 0.3), at(0.5, 0.7))
    assert plainly("towards", at(0.3), at(0.6)) and not plainly("towards", at(0.6), at(0.3))
    assert not plainly("towards", at(0.3), at(0.6), me=replace(dog, heading=-1))
    assert plainly("following", at(0.3), at(0.6), it=dog) and not plainly("following", at(0.3), at(0.6))
    assert plainly("with", at(0.4), at(0.5), it=dog) and not plainly("with", at(0.4), at(0.5), it=replace(dog, heading=-1))
    row = Layout(scene_of(dog, car, car), {0: at(0.5), 1: at(0.25), 2: at(0.75)})
    assert row.between([1], [2], 0, wide=False) and not row.between([2], [1], 0, wide=False)


# Agreement with the rest of the drawn world


def test_the_lexicon_knows_all_that_is_drawn() -> None:
    assert {noun for nouns in casting.SUBTYPES.values() for noun in nouns} <= lexicon.NOUNS.keys()
    assert {surface for family in BACKGROUNDS.values() for surface in family.surfaces} <= lexicon.SURFACES.keys()
    assert {support for supports in casting.CLIMBED.values() for support in supports} <= lexicon.SUPPORTS.keys()
    assert lexicon.COLOUR_NAMES.keys() == COLOURS.keys()
    for kind, action in PAIRS:
        postures = ("standing", "sitting", "lying") if action == "none" and kind not in ("ball", "car") else (None,)
        for posture in postures:
            actor = Actor(kind=kind, action=action, noun=kind, colour="red", posture=posture)
            assert lexicon.DOING_SAID[kind, state(actor)], (kind, action, posture)


def test_the_vocabulary_is_small_sorted_and_unique() -> None:
    assert len(VOCABULARY) <= 500
    assert list(VOCABULARY) == sorted(set(VOCABULARY))


@pytest.mark.skipif(not SENTENCES.exists(), reason="the real A2D sentences are not here")
def test_the_vocabulary_covers_the_real_sentences() -> None:
    with open(SENTENCES, encoding="utf-8", newline="") as file:
        tokens = [word for row in csv.DictReader(file) for word in tokenise(row["query"])]
    assert sum(word in set(VOCABULARY) for word in tokens) / len(tokens) >= 0.85
