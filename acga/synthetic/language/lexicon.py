"""The words of the drawn world's sentences: who may be called what, which phrase says which fact, and in which order.

A word has two meanings here. What it is *said of* (with how often) is narrow: a speaker says "dark" of black and brown things. What it
*fits* is wide: a listener may take "dark" for purple too. A sentence is only written if nobody but its target fits in the wide sense.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...data.text import tokenise

Weights = Mapping[str, float]

PEOPLE = ("adult", "baby")
ALL = "adult baby ball bird car cat dog"

# Who. `Actor.noun` -> what it is called.
_ANIMAL = {"animal": 0.03}
NOUNS: dict[str, Weights] = {
    "man": {"man": 0.7, "guy": 0.15, "person": 0.1, "player": 0.05, "someone": 0.015, "human": 0.02},
    "woman": {"woman": 0.75, "lady": 0.11, "person": 0.1, "player": 0.05, "someone": 0.015, "human": 0.02},
    "boy": {"boy": 0.72, "kid": 0.1, "child": 0.08, "guy": 0.05, "person": 0.03, "someone": 0.02},
    "girl": {"girl": 0.75, "kid": 0.1, "child": 0.1, "person": 0.03, "someone": 0.02},
    "person": {"person": 0.86, "someone": 0.07, "human": 0.07},  # photographed: who it is is not known
    "baby": {"baby": 0.86, "toddler": 0.05, "child": 0.05, "kid": 0.04},
    "ball": {"ball": 0.95, "something": 0.05},
    "basketball": {"basketball": 0.6, "ball": 0.4},
    "football": {"football": 0.6, "ball": 0.4},
    "watermelon": {"watermelon": 0.97, "something": 0.03},
    "bird": {"bird": 0.97, **_ANIMAL},
    "parrot": {"parrot": 0.7, "bird": 0.3},
    "duck": {"duck": 0.7, "bird": 0.3},
    "pigeon": {"pigeon": 0.6, "bird": 0.4},
    "seagull": {"seagull": 0.6, "bird": 0.4},
    "car": {"car": 0.96, "vehicle": 0.04},
    "truck": {"truck": 0.65, "car": 0.3, "vehicle": 0.05},
    "van": {"van": 0.6, "car": 0.36, "vehicle": 0.04},
    "cat": {"cat": 0.97, **_ANIMAL},
    "kitten": {"kitten": 0.55, "cat": 0.45},
    "dog": {"dog": 0.97, **_ANIMAL},
    "puppy": {"puppy": 0.55, "dog": 0.45},
}
_NOUNS_ALSO_FIT = {
    "person": ("baby",),
    "human": ("boy", "girl", "baby"),
    "someone": ("baby",),
    "player": ("boy", "girl", "person"),
    **{word: ("person",) for word in ("man", "guy", "woman", "lady", "boy", "kid", "child", "girl")},
    "something": tuple(NOUNS),
    "animal": ("parrot", "duck", "pigeon", "seagull", "kitten", "puppy"),
    "ball": ("watermelon",),
}
PERSON_NOUNS = frozenset(word for noun in ("man", "woman", "boy", "girl", "baby") for word in NOUNS[noun])
PRONOUNS = ("someone", "something")  # take neither article nor adjective

# What. A state is an action, or what an actor without one does: its posture, "parked" or "resting".
LOCOMOTION = ("walk", "run", "crawl", "roll", "fly", "jump")
FACED = ("walk", "run", "crawl", "fly")  # actions whose direction one sees


DOINGS: dict[tuple[str, str], Weights] = {  # (state, kinds) -> phrases
    ("walk", ALL): {"walking": 30, "walking around": 2, "moving": 2, "going": 1},
    ("walk", "adult cat dog"): {"strolling": 1.5},
    ("run", "adult cat dog"): {"running": 30, "running around": 2, "running fast": 2},
    ("run", "adult"): {"sprinting": 3, "jogging": 3, "racing": 2},
    ("run", "car"): {"driving": 10, "running": 8, "racing": 6, "moving": 5, "going": 2},
    ("roll", ALL): {"rolling": 24},
    ("roll", "adult baby bird car cat dog"): {"rolling over": 4},
    ("roll", "adult baby bird cat dog"): {"rolling around": 3},
    ("roll", "bird cat dog"): {"rolling on its back": 3},
    ("roll", "baby car cat dog"): {"turning over": 4},
    ("roll", "car"): {"flipping over": 8, "tumbling": 6},
    ("roll", "ball"): {"moving": 4, "rotating": 4, "spinning": 4},
    ("jump", ALL): {"jumping": 20, "jumping up and down": 10, "jumping up": 2},
    ("jump", "adult bird cat dog"): {"hopping": 3, "leaping": 2},
    ("jump", "ball"): {"bouncing": 16, "bouncing up and down": 12},
    ("jump", "car"): {"bouncing": 2},
    ("fly", "ball bird car"): {"flying": 24},
    ("fly", "ball"): {"being thrown": 6, "thrown": 4},
    ("eat", ALL): {"eating": 22, "eating food": 12, "eating something": 2},
    ("eat", "adult"): {"having a meal": 6},
    ("eat", "bird cat dog"): {"eating from a bowl": 6, "eating its food": 3},
    ("eat", "bird"): {"pecking": 8},
    ("climb", ALL): {"climbing": 20, "climbing up": 14},
    ("crawl", ALL): {"crawling": 24, "crawling around": 2, "crawling forward": 3},
    ("standing", ALL): {"standing": 30, "standing still": 3, "not moving": 1},
    ("sitting", ALL): {"sitting": 30, "sitting down": 3, "seated": 4},
    ("lying", ALL): {"lying": 16, "laying": 10, "lying down": 4, "resting": 8},
    ("parked", ALL): {"parked": 20, "parking": 10, "standing": 8, "not moving": 2},
    ("still", "adult baby bird cat dog"): {"not moving": 1},
    ("resting", ALL): {"lying": 14, "laying": 8, "standing": 3, "not moving": 3},
}
# Eaters stand or sit; what lies still may sit.
_DOINGS_ALSO_FIT = {
    "moving": (*LOCOMOTION, "climb"),
    "going": (*LOCOMOTION, "climb"),
    "standing": ("eat", "sitting"),
    "standing still": ("eat", "sitting", "parked", "resting"),
    "sitting": ("eat", "resting"),
    "sitting down": ("eat", "resting"),
    "seated": ("eat", "resting"),
    "resting": ("sitting", "resting", "parked"),
    "not moving": ("standing", "sitting", "lying", "eat"),
    "driving": ("walk",),
    "spinning": ("fly", "jump"),
    "rotating": ("fly", "jump"),
}

# Colours and clothes.
COLOUR_NAMES: dict[str, Weights] = {
    "red": {"red": 1},
    "green": {"green": 1},
    "blue": {"blue": 1},
    "yellow": {"yellow": 1},
    "orange": {"orange": 1},
    "pink": {"pink": 1},
    "purple": {"purple": 0.6, "violet": 0.4},
    "brown": {"brown": 0.9, "dark": 0.1},
    "black": {"black": 0.88, "dark": 0.12},
    "white": {"white": 0.93, "light": 0.07},
    "gray": {"gray": 0.7, "grey": 0.15, "silver": 0.15},
}
_COLOURS_ALSO_FIT = {"dark": ("purple", "blue", "gray", "green"), "light": ("yellow", "pink", "gray", "orange"), "silver": ("white",)}
GARMENTS: dict[str, Weights] = {  # `Actor.garment` or `lower_garment` -> what it is called; babies wear one piece
    "shirt": {"shirt": 0.6, "tshirt": 0.2, "top": 0.2},
    "jacket": {"jacket": 0.65, "coat": 0.35},
    "dress": {"dress": 1},
    "suit": {"suit": 0.75, "outfit": 0.15, "costume": 0.1},
    "one piece": {"clothes": 0.4, "outfit": 0.25, "costume": 0.35},
    "pants": {"pants": 0.65, "pant": 0.15, "trousers": 0.2},
    "shorts": {"shorts": 0.75, "short pants": 0.25},
    "hat": {"hat": 0.65, "cap": 0.35},
}
_GARMENTS_ALSO_FIT = {
    "top": ("jacket",),
    "shirt": ("jacket",),
    "coat": ("suit",),
    "jacket": ("suit",),
    "clothes": ("shirt", "jacket", "dress"),
    "costume": ("dress",),
    "outfit": ("dress",),
    "pants": ("shorts",),
}
PLURAL = ("clothes", "pants", "pant", "trousers", "shorts", "short pants")
PATTERNS: dict[str, Weights] = {"striped": {"striped": 1}, "spotted": {"spotted": 0.6, "dotted": 0.4}}
SIZES: dict[str, Weights] = {"small": {"small": 0.65, "little": 0.35}, "big": {"big": 0.6, "large": 0.4}}

# Where.
PLACES: dict[str, Weights] = {
    "left": {"on the left": 30, "on left": 3, "on the left side": 4, "at the left": 1},
    "right": {"on the right": 30, "on right": 3, "on the right side": 4, "at the right": 1},
    "far left": {"on the far left": 1},
    "far right": {"on the far right": 1},
    "middle": {"in the middle": 10, "in the center": 2},
    "top": {"on the top": 4, "at the top": 2},
    "bottom": {"on the bottom": 4, "at the bottom": 2},
    "back": {"in the back": 8, "on the back": 3, "in the background": 6},
    "front": {"in the front": 5, "in front": 2, "on the front": 1, "in front of the camera": 5},
    "top left": {"in the top left corner": 2, "on the top left": 2},
    "top right": {"in the top right corner": 2, "on the top right": 2},
    "bottom left": {"in the bottom left corner": 2, "on the bottom left": 2, "in the left corner": 2},
    "bottom right": {"in the bottom right corner": 2, "on the bottom right": 2, "in the right corner": 2},
}
PLACE_ADJECTIVES = ("left", "right", "middle", "front")
ORDINALS = ("first", "second", "third")
DIRECTIONS: dict[int, Weights] = {-1: {"to the left": 4, "from right to left": 1}, 1: {"to the right": 4, "from left to right": 1}}
RELATIONS: dict[str, Weights] = {  # seen between two boxes
    "near": {"near": 5, "next to": 5, "beside": 4, "by": 4},
    "behind": {"behind": 1},
    "in front": {"in front of": 1},
    "left of": {"on the left of": 2, "to the left of": 2},
    "right of": {"on the right of": 2, "to the right of": 2},
    "above": {"above": 1},
    "below": {"under": 3, "below": 2},
    "between": {"between": 1},
    "with": {"with": 1},
    "towards": {"towards": 1, "toward": 1},
    "following": {"following": 1, "chasing": 1},
}
INSTEAD_OF_ACTION = ("following",)  # this relation is what the actor does
# Others 1; what is seldom seen is said readily, to be learned.
RELATION_WEIGHT = {"with": 10.0, "towards": 6.0, "following": 40.0, "between": 10.0}

# On what. `Scene.surface` -> what it is called.
SURFACES: dict[str, Weights] = {
    "grass": {"grass": 7, "lawn": 1, "ground": 1},
    "lawn": {"lawn": 4, "grass": 4, "ground": 1},
    "yard": {"yard": 3, "grass": 3},
    "field": {"field": 5, "grass": 1, "ground": 1},
    "hill": {"hill": 3, "grass": 2},
    "ground": {"ground": 1},
    "forest": {"forest": 3, "ground": 2},
    "dirt": {"dirt": 3, "ground": 2},
    "sand": {"sand": 3, "beach": 2},
    "beach": {"beach": 3, "sand": 2},
    "snow": {"snow": 4, "ground": 1},
    "water": {"water": 1},
    "river": {"river": 3, "water": 1},
    "sea": {"sea": 3, "water": 1},
    "pool": {"pool": 2, "water": 2},
    "street": {"street": 3, "road": 2},
    "road": {"road": 4, "street": 1},
    "track": {"track": 4, "road": 1},
    "parking lot": {"parking lot": 3, "ground": 1},
    "sidewalk": {"sidewalk": 3, "street": 1, "ground": 1},
    "floor": {"floor": 4, "room": 1},
    "room": {"room": 2, "floor": 2},
    "carpet": {"carpet": 3, "floor": 1, "room": 1},
    "kitchen": {"kitchen": 2, "floor": 2},
    "bed": {"bed": 1},
    "table": {"table": 1},
    "court": {"court": 2, "floor": 1},
    "gym": {"gym": 2, "floor": 1},
    "sky": {"air": 1, "sky": 1},
    "air": {"air": 1, "sky": 1},
}
SPORTS_GROUNDS = ("court", "gym", "field", "grass", "lawn", "track", "snow", "floor")
INDOORS = ("floor", "room", "carpet", "kitchen", "bed", "table", "court", "gym")
ENCLOSED = ("room", "bed", "table", "court", "gym", "pool", "field", "road", "carpet", "yard", "hill")  # there can be "a" such
WATERS = ("water", "river", "sea", "pool")
_PREPOSITIONS: dict[str, Weights] = {  # of surfaces; the others take "on"
    **{noun: {"in": 1} for noun in ("room", "kitchen", "gym", "forest", "yard", "parking lot", "sky", *WATERS)},
    "field": {"in": 2, "on": 1},
    "grass": {"on": 5, "in": 2},
    "snow": {"in": 2, "on": 1},
    "air": {"in": 2, "on": 2, "through": 1},
    "water": {"in": 2, "on": 1},
}
_WAYS = ("road", "street", "track", "beach", "sidewalk", "river")
_THROUGH = ("grass", "forest", "snow", "water", "field")
SUPPORTS: dict[str, Weights] = {
    "stairs": {"the stairs": 3, "stairs": 2},
    **{noun: {f"the {noun}": 2, f"a {noun}": 1} for noun in ("rock", "wall", "rope", "ladder", "tree", "hill", "fence", "pole")},
}


def _fits(said: Iterable[tuple[str, Weights]], also: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """For every word, all the things that it may be taken to mean; `said` pairs each thing with its words."""
    meanings: dict[str, set[str]] = {}
    for thing, words in said:
        for word in words:
            meanings.setdefault(word, set(also.get(word, ()))).add(thing)
    return {word: frozenset(things) for word, things in meanings.items()}


def surface_phrases(surface: str, state: str) -> dict[tuple[str, str], float]:
    """Weighted (preposition, noun) for where an actor in a state is, on a surface that `Scene.surface` names.

    >>> surface_phrases("bed", "sitting")
    {('on', 'bed'): 1.0}
    """
    phrases: dict[tuple[str, str], float] = {}
    for noun, weight in SURFACES.get(surface, {}).items():
        if surface in ("sky", "air") and state not in ("fly", "jump"):
            continue
        options = dict(_PREPOSITIONS.get(noun, {"on": 1.0}))
        if state == "fly" and surface not in ("sky", "air"):
            options = {"over": 2, "above": 1}
        elif state in ("walk", "run") and noun in _WAYS:
            options |= {"along": 0.3, "down": 0.2}
        elif state in ("walk", "run", "jump") and noun in _THROUGH:
            options |= {"through": 0.3}
        total = sum(options.values())
        phrases |= {(preposition, noun): weight * share / total for preposition, share in options.items()}
    if state in ("fly", "jump") and surface not in (*INDOORS, "sky", "air"):
        phrases |= {("in", "sky"): 3.0, ("in", "air"): 1.5, ("on", "air"): 1.5} if state == "fly" else {("in", "air"): 0.5}
    elif surface not in ("sky", "air") and phrases and surface not in ("bed", "table"):
        phrases["", "inside" if surface in INDOORS else "outside"] = 0.15 * sum(phrases.values())
    return phrases


NOUN_FITS = _fits(NOUNS.items(), _NOUNS_ALSO_FIT)
_DRAWN_DOINGS_FIT = _fits(((state, phrases) for (state, _), phrases in DOINGS.items()), _DOINGS_ALSO_FIT)
# A photograph that does not move may sit, lie, stand or eat.
DOING_FITS = {
    phrase: states | {"still"} if states & {"standing", "sitting", "lying", "eat"} else states
    for phrase, states in _DRAWN_DOINGS_FIT.items()
}
COLOUR_FITS = _fits(COLOUR_NAMES.items(), _COLOURS_ALSO_FIT)
GARMENT_FITS = _fits(GARMENTS.items(), _GARMENTS_ALSO_FIT)
PATTERN_FITS = _fits(PATTERNS.items(), {})
SIZE_FITS = _fits(SIZES.items(), {})
DOING_SAID: dict[tuple[str, str], dict[str, float]] = {}  # (kind, state) -> phrases
for (_state, _kinds), _phrases in DOINGS.items():
    for _kind in _kinds.split():
        DOING_SAID.setdefault((_kind, _state), {}).update(_phrases)

# Pairs of a colour and an action word that no training sentence says of the same actor, though it uses both words: one in nine.
_HEADS = sorted({phrase.split()[0] for phrase in DOING_FITS})
HELD_OUT_PAIRS = frozenset((dye, head) for i, dye in enumerate(sorted(COLOUR_FITS)) for j, head in enumerate(_HEADS) if not (i + 4 * j) % 9)

_TABLES = (NOUNS, DOINGS, COLOUR_NAMES, GARMENTS, PATTERNS, SIZES, PLACES, DIRECTIONS, RELATIONS, SURFACES, SUPPORTS)
_STRUCTURE = (
    "a an the and is who that in with wearing dressed all leftmost rightmost left right most from of another other "
    "first second third on inside outside along down through over above sky air"
)
_PHRASES = [phrase for table in _TABLES for phrases in table.values() for phrase in phrases] + [_STRUCTURE]
VOCABULARY: tuple[str, ...] = tuple(sorted({word for phrase in _PHRASES for word in tokenise(phrase)}))  # all words a sentence can hold
