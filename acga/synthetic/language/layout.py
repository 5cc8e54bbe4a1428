"""The layout of a scene: its actors' places in the frame and to each other, read off their boxes.

Every question is asked in two ways: `wide=False` is true only where a speaker would plainly say so, `wide=True` also in every borderline
case, where a listener may still take it so. What is plainly so is also widely so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..scene import Box, Scene
from .lexicon import LOCOMOTION

PLACES = ("left", "right", "middle", "top", "bottom", "back", "front")  # "far left" and corners such as "top left" are made of these
OFF_THE_GROUND = ("fly", "climb", "jump")
GAP = 0.05  # fraction of the frame that two actors must be apart for one to be plainly further left, or further back


class Layout:
    """The geometry of one scene; `boxes` holds the actors that are seen, by index."""

    def __init__(self, scene: Scene, boxes: Mapping[int, Box]) -> None:
        self.boxes = boxes
        self.actors = {i: scene.actors[i] for i in sorted(boxes)}
        self.x = {i: (box.left + box.right) / 2 for i, box in boxes.items()}
        self.y = {i: (box.top + box.bottom) / 2 for i, box in boxes.items()}
        # Where those on the ground touch it tells who is in front.
        self.feet = {i: boxes[i].bottom for i, actor in self.actors.items() if actor.action not in OFF_THE_GROUND}

    def in_place(self, place: str, index: int, *, wide: bool) -> bool:
        """Tell whether an actor is in a part of the frame.

        >>> from acga.synthetic.scene import Actor
        >>> dog = Actor(kind="dog", action="walk", noun="dog", colour="black")
        >>> scene = Scene(name="", seed=0, height=1, width=1, frames=1, background="", surface="", actors=(dog,), annotated=(1,))
        >>> layout = Layout(scene, {0: Box(left=0.1, top=0.6, right=0.3, bottom=0.9, area=0.05)})
        >>> layout.in_place("bottom left", 0, wide=False), layout.in_place("middle", 0, wide=True)
        (True, False)
        """
        if " " in place:
            return all(self.in_place(part, index, wide=wide) for part in place.split())
        x, y = self.x[index], self.y[index]
        match place:
            case "far":  # of "far left"
                return abs(x - 0.5) > (0.14 if wide else 0.3)
            case "left":
                return x < (0.53 if wide else 0.38)
            case "right":
                return x > (0.47 if wide else 0.62)
            case "middle":
                return abs(x - 0.5) < (0.2 if wide else 0.1)
            case "top":
                return y < (0.52 if wide else 0.35)
            case "bottom":
                return y > (0.55 if wide else 0.7)
        nearest, furthest = max(self.feet.values(), default=1.0), min(self.feet.values(), default=1.0)
        bottom = self.boxes[index].bottom
        depth = nearest - bottom if place == "front" else bottom - furthest
        if wide:
            return depth < 0.6 * (nearest - furthest)
        return index in self.feet and depth < 0.02 and nearest - furthest > 2 * GAP

    def ranks(self, group: Sequence[int], index: int, *, wide: bool) -> range:
        """The places that an actor may take when a group is counted from the left: one, more if neighbours are close, or plainly none.

        A close neighbour leaves no plain rank (`wide=False`), and all ranks from before it to after it otherwise.
        """
        offsets = [self.x[index] - self.x[i] for i in group if i != index]
        first, last = sum(offset > GAP for offset in offsets), sum(offset > -GAP for offset in offsets)
        return range(first, last + 1) if wide or first == last else range(0)

    def between(self, left: Sequence[int], right: Sequence[int], index: int, *, wide: bool) -> bool:
        """Tell whether an actor has one of some others to its left and one of some others to its right."""
        x, gap, reach, level = (self.x[index], 0.0, 1.0, 1.0) if wide else (self.x[index], GAP, 0.4, 0.2)
        near = [i for i in {*left, *right} - {index} if abs(self.boxes[i].bottom - self.boxes[index].bottom) < level]
        return any(gap < x - self.x[i] < reach for i in near if i in left) and any(gap < self.x[i] - x < reach for i in near if i in right)

    def related(self, relation: str, index: int, mark: int, *, wide: bool) -> bool:
        """Tell whether an actor stands in a relation (a key of `lexicon.RELATIONS` but "between") to another, the landmark."""
        me, it = self.boxes[index], self.boxes[mark]
        actor, other = self.actors[index], self.actors[mark]
        across, down = max(me.left, it.left) - min(me.right, it.right), max(me.top, it.top) - min(me.bottom, it.bottom)  # < 0: overlap
        side, nearer = self.x[mark] - self.x[index], me.bottom - it.bottom  # the landmark is to the right; the actor is in front
        level, overlap = abs(nearer) < 0.15, -across > 0.3 * min(me.right - me.left, it.right - it.left)
        grounded = index in self.feet and mark in self.feet
        beside = grounded and level and across < 0.06
        same_way = actor.heading == other.heading and {actor.action, other.action} <= {"walk", "run"}
        ahead = side * actor.heading > 0  # the actor faces the landmark
        match relation:
            case "near" | "with" if wide:
                return across < 0.18 and down < 0.15
            case "near":
                return beside
            case "with":
                return beside and same_way and actor.action == other.action
            case "behind":
                return nearer < 0 and across < 0.06 if wide else grounded and overlap and nearer < -GAP
            case "in front":
                return nearer > 0 and across < 0.06 if wide else grounded and overlap and nearer > GAP
            case "left of":
                return side > 0 if wide else side > 0 and level and -0.02 < across < 0.35
            case "right of":
                return side < 0 if wide else side < 0 and level and -0.02 < across < 0.35
            case "above":
                return me.top < it.top + 0.02 and across < 0.1 if wide else overlap and me.bottom < it.top + 0.02
            case "below":
                return me.top > it.top - 0.02 and across < 0.1 if wide else overlap and it.bottom < me.top + 0.02
            case "towards" | "following" if wide:
                return actor.action in LOCOMOTION and ahead
            case "towards":
                return actor.action in ("walk", "run", "crawl") and ahead and level and 0.02 < across < 0.4
        return same_way and ahead and abs(nearer) < 0.2 and 0.0 < across < 0.6  # following
