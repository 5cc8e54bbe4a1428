"""Sentences about photographed things: their kind, colour, place, size, depth, and what they are to others; each fits exactly one.

A remark is asked of every thing, with three answers: it plainly fits, plainly does not, or it is unclear (`None`), where a listener may
take it either way. A sentence is said when each remark plainly fits its thing, and every other thing that the noun may mean is plainly
ruled out by one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import hypot, log

import cv2
import numpy as np
import numpy.typing as npt

from ..scene import Box, Rng
from .describe import LONGEST, Query

NOUNS = {  # class -> the words for one of it, the plainest first
    "airplane": ("airplane", "plane", "aircraft", "jet"),
    "baby": ("baby", "infant"),
    "bear": ("bear", "animal"),
    "bicycle": ("bicycle", "bike", "cycle"),
    "bird": ("bird", "animal"),
    "boat": ("boat", "ship"),
    "bus": ("bus", "coach", "vehicle"),
    "car": ("car", "vehicle", "automobile"),
    "cat": ("cat", "kitten", "animal"),
    "cow": ("cow", "bull", "animal"),
    "dog": ("dog", "puppy", "hound", "animal"),
    "elephant": ("elephant", "animal"),
    "giraffe": ("giraffe", "animal"),
    "horse": ("horse", "pony", "animal"),
    "motorcycle": ("motorcycle", "motorbike", "scooter", "bike"),
    "person": ("person", "human"),
    "sheep": ("sheep", "lamb", "animal"),
    "sports ball": ("ball",),
    "train": ("train", "locomotive"),
    "truck": ("truck", "lorry", "vehicle"),
    "zebra": ("zebra", "animal"),
}
MAY_MEAN = {  # a word -> further classes that a listener may think of
    "person": {"baby"}, "human": {"baby"},
    "vehicle": {"airplane", "bicycle", "boat", "motorcycle", "train"},
    "car": {"truck"}, "automobile": {"truck"}, "truck": {"car", "bus"}, "lorry": {"car", "bus"},
    "coach": {"truck"}, "cycle": {"motorcycle"},
}  # fmt: skip
ALIKE = ({"white", "gray"}, {"gray", "black"}, {"gray", "blue"}, {"brown", "black"}, {"brown", "red"}, {"brown", "orange"},
         {"brown", "gray"}, {"orange", "red"}, {"orange", "yellow"}, {"pink", "red"}, {"pink", "purple"}, {"pink", "white"})  # fmt: skip
OFF_GROUND = {"airplane", "bird", "sports ball"}  # whose lower edge tells no depth
LANDMARK = 0.006  # share of the frame that a landmark covers at least
HUES = {"red": (0, 7), "orange": (8, 17), "yellow": (20, 33), "green": (38, 85), "blue": (95, 130)}  # in half degrees
MAIN_COLOUR = 0.5  # share of its pixels that must be of one colour for it to be named
ORDER = ("position", "size", "colour", "depth", "relation")  # of what is said, before and after the noun
TRIES, MOST_REMARKS = 6, 3  # tries for each sentence; remarks that may be needed to tell things apart
OTHER_NOUN = 0.4  # share of the sentences that do not use the plainest noun
ALONE, REDUNDANT, WITH_VERB = 0.4, 0.15, 0.25  # shares: something is said of what is alone of its kind; more than needed; "is"


@dataclass(frozen=True)
class Thing:
    """One thing in a picture: its class, its place, and its colour, "" where none is plain."""

    name: str
    box: Box
    colour: str = ""

    @property
    def x(self) -> float:
        return (self.box.left + self.box.right) / 2


@dataclass(frozen=True)
class Remark:
    """One thing to say: its group (one of `ORDER`), the words before and after the noun, and whether it fits each thing."""

    group: str
    before: str
    after: str
    fits: tuple[bool | None, ...]


def main_colour(pixels: npt.NDArray[np.uint8]) -> str:
    """The colour of most pixels (N, 3) in RGB, "" where there is none; what is neither vivid nor plainly gray has none.

    >>> main_colour(np.full((50, 3), (200, 30, 25), np.uint8)), main_colour(np.full((50, 3), (150, 120, 130), np.uint8))
    ('red', '')
    """
    hue, saturation, value = np.moveaxis(cv2.cvtColor(pixels[None], cv2.COLOR_RGB2HSV)[0].astype(int), -1, 0)  # (N,) each
    vivid = (saturation > 110) & (value > 70)
    brown = (hue >= 8) & (hue <= 22) & (saturation > 60) & (value >= 60) & (value < 170)  # dark orange
    shares = {
        "white": (saturation < 60) & (value > 165),
        "gray": (saturation < 50) & (value > 75) & (value <= 165),
        "black": value < 60,
        "brown": brown,
        **{name: vivid & ~brown & (hue >= low) & (hue <= high) for name, (low, high) in HUES.items()},
    }
    shares["red"] |= vivid & (hue >= 172)
    found = max(shares, key=lambda name: shares[name].sum())
    return found if shares[found].mean() > MAIN_COLOUR else ""


def nouns(name: str) -> tuple[str, ...]:
    """The words for one of a class, the plainest first; of a class that is not in `NOUNS`, its name."""
    return NOUNS.get(name, (name,))


def may_mean(noun: str, thing: Thing) -> bool:
    """Tell whether a listener may take a noun for a thing.

    >>> truck = Thing("truck", Box(left=0, top=0, right=1, bottom=1, area=1))
    >>> may_mean("vehicle", truck), may_mean("car", truck), may_mean("train", truck)
    (True, True, False)
    """
    return noun in nouns(thing.name) or thing.name in MAY_MEAN.get(noun, ())


def say(things: Sequence[Thing], index: int, count: int, rng: Rng) -> list[Query]:
    """Up to `count` different sentences that fit the thing of that index and no other; none where nothing tells it from the others.

    >>> things = [Thing("cow", Box(left=x, top=0.4, right=x + 0.2, bottom=0.6, area=0.03)) for x in (0.1, 0.7)]
    >>> sorted({mention for query in say(things, 0, 4, np.random.default_rng(0)) for mention in query.decided_by})
    ['position']
    """
    said: dict[str, Query] = {}
    for _ in range(TRIES * count):
        plainest, *others = nouns(things[index].name)
        noun = str(rng.choice(others)) if others and rng.random() < OTHER_NOUN else plainest
        rivals = {i for i, thing in enumerate(things) if i != index and may_mean(noun, thing)}
        remarks = [remark for remark in _remarks(things, index, rivals, rng) if remark.fits[index]]
        needed = _telling_apart(remarks, rivals, rng)
        if needed is None:
            continue
        free = [r for r in remarks if r.group not in {n.group for n in needed} and all(r.fits[i] is not None for i in rivals)]
        free = [remark for remark in free if remark.group == "colour"] or free  # few things have one
        more = [free[rng.integers(len(free))]] if free and rng.random() < (REDUNDANT if rivals else ALONE) else []
        text = _sentence(noun, needed + more, rng)
        if len(text.split()) <= LONGEST:
            mentions = frozenset({"kind", *(remark.group for remark in needed + more)})
            decided_by = frozenset(remark.group for remark in needed)
            said.setdefault(text, Query(text, mentions, "photographed", decided_by, novelty=frozenset(), facts=()))
        if len(said) == count:
            break
    return list(said.values())


def _telling_apart(remarks: Sequence[Remark], rivals: set[int], rng: Rng) -> list[Remark] | None:
    """Remarks of different groups, in random order, each of which rules out a rival that is left, until none is; None if some stays."""
    needed: list[Remark] = []
    left = set(rivals)
    for number in rng.permutation(len(remarks)):
        remark = remarks[number]
        ruled_out = {i for i in left if remark.fits[i] is False}
        if ruled_out and len(needed) < MOST_REMARKS and remark.group not in {other.group for other in needed}:
            needed.append(remark)
            left -= ruled_out
    return None if left else needed


def _sentence(noun: str, remarks: Sequence[Remark], rng: Rng) -> str:
    """The words in order, with or without an article and a verb."""
    ordered = sorted(remarks, key=lambda remark: ORDER.index(remark.group))
    named = " ".join([*(remark.before for remark in ordered if remark.before), noun])
    after = [remark.after for remark in ordered if remark.after]
    one_alone = any(remark.before.endswith(("st", "left", "right")) for remark in ordered)
    articles = ["", "the"] + ([] if one_alone else ["an" if named[0] in "aeiou" else "a"])
    verb = ["is"] if after and rng.random() < WITH_VERB else []
    return " ".join([*filter(None, [str(rng.choice(articles))]), named, *verb, *after])


def _remarks(things: Sequence[Thing], index: int, rivals: set[int], rng: Rng) -> Iterator[Remark]:
    """The remarks that might be made of a thing beside its rivals, which the same noun may mean."""
    group = sorted({index, *rivals})

    def pick(*words: str) -> str:
        return str(rng.choice(words))

    def remark(name: str, before: str, after: str, test: Callable[[int], bool | None]) -> Remark:
        return Remark(name, before, after, tuple(test(i) for i in range(len(things))))

    def most(score: Callable[[Thing], float], gap: float) -> Callable[[int], bool | None]:
        """Whether a thing has the highest score of the group; unclear within a gap."""
        best = max(score(things[i]) for i in group)
        return lambda i: _plainly(score(things[i]) - best, -gap, -1e-9)

    colour = things[index].colour
    if colour:
        yield remark("colour", colour, "", lambda i: _same_colour(colour, things[i].colour))
    for side, sign in (("left", -1), ("right", 1)):
        after = pick(f"on the {side}", f"on the {side} side", f"at the {side}", f"in the {side} part")
        yield remark("position", "", after, lambda i, sign=sign: _plainly(sign * (things[i].x - 0.5), 0.05, 0.12))  # type: ignore[misc]
        if rivals:
            furthest = most(lambda thing, sign=sign: sign * thing.x, 0.1)  # type: ignore[misc]
            yield remark("position", pick(side, f"{side}most"), "", furthest)
            yield remark("position", "", f"on the {side}", most(lambda thing, sign=sign: sign * thing.x, 0.15))  # type: ignore[misc]
    middle = pick("in the middle", "in the center", "in the centre")
    yield remark("position", "", middle, lambda i: _plainly(-abs(things[i].x - 0.5), -0.16, -0.1))
    if rivals:
        yield remark("size", pick("big", "large", "biggest", "largest"), "", most(lambda thing: log(thing.box.area), 0.5))
        yield remark("size", pick("small", "little", "smallest"), "", most(lambda thing: -log(thing.box.area), 0.5))
        if not {things[i].name for i in group} & OFF_GROUND:
            # Who is nearer is lower in the picture, and not smaller.
            nearest = most(lambda thing: thing.box.bottom, 0.12), most(lambda thing: thing.box.area, 0)
            yield remark(
                "depth", "", pick("in front", "in the front", "in the foreground", "closest to the camera"), lambda i: _both(i, nearest)
            )
            furthest_away = most(lambda thing: -thing.box.bottom, 0.12), most(lambda thing: -thing.box.area, 0)
            yield remark("depth", "", pick("in the back", "in the background", "far away"), lambda i: _both(i, furthest_away))
    for mark, landmark in enumerate(things):
        noun = nouns(landmark.name)[0]
        if mark == index or landmark.box.area < LANDMARK or sum(may_mean(noun, thing) for thing in things) > 1:
            continue
        side, sign = ("left", 1) if landmark.x > things[index].x else ("right", -1)
        yield remark(
            "relation",
            "",
            pick(f"to the {side} of the {noun}", f"{side} of the {noun}", f"on the {side} of the {noun}"),
            lambda i, mark=mark, sign=sign: i != mark and _plainly(sign * (things[mark].x - things[i].x), 0, 0.12),  # type: ignore[misc]
        )
        yield remark(
            "relation",
            "",
            pick(f"next to the {noun}", f"beside the {noun}", f"near the {noun}"),
            lambda i, mark=mark: i != mark and _beside(things[i].box, things[mark].box),  # type: ignore[misc]
        )


def _plainly(value: float, no: float, yes: float) -> bool | None:
    """Whether a value is above `yes` (True), below `no` (False), or between."""
    return True if value > yes else False if value < no else None


def _both(index: int, tests: tuple[Callable[[int], bool | None], ...]) -> bool | None:
    """True where all tests are, False where all are, unclear otherwise."""
    answers = {test(index) for test in tests}
    return answers.pop() if len(answers) == 1 else None


def _same_colour(said: str, other: str) -> bool | None:
    """Whether another thing is of the colour that is said; unclear if that one's is unknown or like it."""
    if said == other:
        return True
    return None if not other or {said, other} in ALIKE else False


def _beside(one: Box, other: Box) -> bool | None:
    """Whether two things are close and as far from the camera; plainly not if they are far apart."""
    across = max(one.left, other.left) - min(one.right, other.right)
    down = max(one.top, other.top) - min(one.bottom, other.bottom)
    gap = hypot(max(0.0, across), max(0.0, down))
    if gap > 0.2:
        return False
    return True if gap < 0.08 and abs(one.bottom - other.bottom) < 0.15 else None
