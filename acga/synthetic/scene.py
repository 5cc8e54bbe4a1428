"""A drawn video as data: renderer, sentences and writer all read these and nothing else.

Lengths are fractions of the frame's height, positions fractions of the frame (x to the right, y down), times in frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Rng = np.random.Generator
FRAMES_PER_SECOND = 12  # of every drawn video


@dataclass(frozen=True, kw_only=True)
class Actor:
    """One actor: who it is, what it does, how it looks, and where it is."""

    kind: str  # one of taxonomy.ACTORS
    action: str  # one of taxonomy.VALID_ACTIONS[kind]
    noun: str  # the plainest noun that fits the drawing: man, woman, boy, girl, baby, dog, puppy, duck, parrot, basketball, truck, …
    colour: str  # "" if unknown; what "in red" or "a red car" speaks of: upper garment, fur, feathers, paint
    garment: str | None = None  # what people wear above: shirt, jacket, dress, suit (suit and dress: the same colour all over)
    lower_colour: str | None = None  # colour of the pants or shorts
    lower_garment: str | None = None  # pants or shorts; None under a dress or suit
    hat: str | None = None  # colour of the hat
    pattern: str = "plain"  # plain, striped or spotted
    posture: str | None = None  # for action "none": standing, sitting or lying (people, animals), else None
    support: str | None = None  # what a climber climbs: stairs, wall, rock, rope, ladder, tree
    height: float = 0.3  # standing height of the drawing
    build: float = 1.0  # width of the body, 1 = average
    x: float = 0.5  # position of the feet (the centre, for a ball) at the middle of the video
    y: float = 0.8
    heading: int = 1  # +1 faces right, -1 left
    tempo: float = 1.0  # multiplies the speed of the motion
    phase: float = 0.0  # where in its cycle the motion starts, in [0, 1)
    look: int | None = None  # second edition: seed of skin, hair, surface and gait, which are the same wherever it is
    cutout: str | None = None  # second edition: the name of the photograph that it is, in a folder of cut-outs
    cutout_aspect: float = 1.0  # width over height of that


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One video before it is drawn."""

    name: str  # video id, as in the files
    seed: int
    height: int  # pixels
    width: int
    frames: int
    background: str  # family, one of backgrounds.BACKGROUNDS
    surface: str  # the word for what the actors are on: grass, floor, road, sand, snow, water, street, track, carpet, …
    actors: tuple[Actor, ...]  # later ones are drawn over earlier ones
    annotated: tuple[int, ...]  # frames with masks, 1-indexed
    pan: tuple[float, float] = (0.0, 0.0)  # camera motion in frame heights per frame
    zoom: float = 0.0  # relative zoom per frame
    shake: float = 0.0  # standard deviation of camera shake, frame heights
    noise: float = 0.0  # standard deviation of pixel noise, of 255
    blur: float = 0.0  # sigma of a Gaussian blur, pixels
    style: str = "flat"  # flat (A2D twin) or sketch (J-HMDB twin); second edition: shaded, shaded sketch
    pair: tuple[int, ...] = ()  # second edition: two actors that are identical but for their place, a minimal pair
    annotated_actor: int | None = None  # second edition: the only one with masks and sentences, None: all


@dataclass(frozen=True, kw_only=True)
class Box:
    """The place of an actor in an annotated frame: fractions of the frame's width and height; area of the frame."""

    left: float
    top: float
    right: float
    bottom: float
    area: float
