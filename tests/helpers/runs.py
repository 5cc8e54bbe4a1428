"""Records of runs of a study, made up: three questions about three actors, of 10, 20 and 30 pixels."""

TAGS = [
    {"decided_by": ["relation"], "actors_in_scene": 2, "novelty": []},
    {"decided_by": ["action"], "actors_in_scene": 2, "novelty": []},
    {"decided_by": [], "actors_in_scene": 1, "novelty": ["phrasing"]},
]
SAMPLES = [{"test": "a2d", "video": "abc"[index], "target_area": 10 * (index + 1), **tags} for index, tags in enumerate(TAGS)]


def run(variant, seed, intersection, union=(10, 10, 10), **more):
    """A run's record."""
    return {"variant": variant, "seed": seed, "answers": {"a2d": {"intersection": list(intersection), "union": list(union)}}, **more}
