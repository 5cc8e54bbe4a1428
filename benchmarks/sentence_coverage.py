"""How much of the real A2D sentences the drawn world's words cover, and how often each word is said in training sentences.

    python benchmarks/sentence_coverage.py

reads the real sentences from ../shared/sentences (another place: --sentences FILE), generates the sentences of a training split, and
writes figures, never the sentences themselves, to results/sentence_coverage.json.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from acga.data.text import tokenise
from acga.synthetic.language.describe import VOCABULARY, Query, describe
from acga.synthetic.render import things
from acga.synthetic.render.renderer import VISIBLE
from acga.synthetic.sampling import sample_scene
from acga.synthetic.scene import Box, Scene

REPOSITORY = Path(__file__).resolve().parents[1]
REAL = REPOSITORY.parent / "shared" / "sentences" / "a2d_annotation_with_short_query.csv"
RESULT = REPOSITORY / "results" / "sentence_coverage.json"
COLOURS = "red green blue yellow orange pink purple brown black white gray"
PLACES = "left right middle top bottom back front center"


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=Path, default=REAL, help="CSV of the real sentences with a column `query`")
    parser.add_argument("--queries", type=int, default=9000, help="how many training sentences to generate")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if not arguments.sentences.exists():
        sys.exit(f"{arguments.sentences} is missing; give the real sentences with --sentences FILE.")
    with open(arguments.sentences, encoding="utf-8", newline="") as file:
        real = [row["query"] for row in csv.DictReader(file)]
    drawn = generate(arguments.queries, arguments.seed)
    result = {
        "command": " ".join(["python", str(Path(__file__).relative_to(REPOSITORY)), *sys.argv[1:]]),
        "commit": subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True).stdout.strip(),
        "seed": arguments.seed,
        "coverage": coverage(real),
        "shares_of_sentences": {"real": shares(real), "drawn": shares([query.text for query in drawn])},
        "drawn": spoken(drawn),
    }
    partial = RESULT.with_suffix(".partial")
    partial.parent.mkdir(exist_ok=True)
    partial.write_text(json.dumps(result, indent=2) + "\n")
    os.replace(partial, RESULT)
    print(json.dumps(result, indent=2))


def coverage(real: list[str]) -> dict[str, float]:
    """The share of the real tokens, of the real words, and of whole real sentences that the drawn world's vocabulary covers."""
    known = set(VOCABULARY)
    sentences = [tokenise(query) for query in real]
    counts = Counter(word for words in sentences for word in words)
    covered = sum(count for word, count in counts.items() if word in known)
    return {
        "real_sentences": len(real),
        "real_tokens": counts.total(),
        "real_words": len(counts),
        "vocabulary_words": len(VOCABULARY),
        "tokens_covered": round(covered / counts.total(), 4),
        "words_covered": round(len(known & counts.keys()) / len(counts), 4),
        "sentences_wholly_covered": round(sum(known.issuperset(words) for words in sentences) / len(real), 4),
    }


def shares(queries: list[str]) -> dict[str, float]:
    """What real and drawn sentences can be compared in."""
    sentences = [tokenise(query) for query in queries]
    return {
        "naming_a_colour": round(float(np.mean([not set(COLOURS.split()).isdisjoint(words) for words in sentences])), 3),
        "naming_a_place": round(float(np.mean([not set(PLACES.split()).isdisjoint(words) for words in sentences])), 3),
        "with_is": round(float(np.mean(["is" in words for words in sentences])), 3),
        "mean_words": round(float(np.mean([len(words) for words in sentences])), 2),
    }


def spoken(drawn: list[Query]) -> dict[str, object]:
    """How often each word is said, and what the sentences mention and are decided by."""
    counts = Counter(word for query in drawn for word in tokenise(query.text))
    rare = sorted((counts[word], word) for word in VOCABULARY if counts[word] < 30)
    mentions, decisions = (Counter(m for query in drawn for m in getattr(query, name)) for name in ("mentions", "decided_by"))
    return {
        "sentences": len(drawn),
        "distinct_sentences": len({query.text for query in drawn}),
        "words_seen_fewer_than_10_times": sum(count < 10 for count, _ in rare),
        "words_seen_fewer_than_30_times": {word: count for count, word in rare},
        "mentions": {name: round(count / len(drawn), 3) for name, count in mentions.most_common()},
        "decided_by": {name: round(count / len(drawn), 3) for name, count in decisions.most_common()},
        "decided_by_motion_alone": sum(query.decided_by == {"action", "motion"} for query in drawn),
    }


def generate(count: int, seed: int) -> list[Query]:
    """Training sentences, two for each actor, of as many scenes as it takes."""
    queries: list[Query] = []
    indices = itertools.count()
    while len(queries) < count:
        scene = sample_scene("", seed, 0, next(indices))
        boxes, rng = dict(seen(scene)), np.random.default_rng([scene.seed, 1])
        for actor in boxes:
            queries += describe(scene, boxes, actor, count=2, rng=rng)
    return queries[:count]


def seen(scene: Scene) -> Iterator[tuple[int, Box]]:
    """The actors with their boxes in the middle frame, from their outlines; drawing every scene would take minutes."""
    aspect = scene.width / scene.height
    for index, actor in enumerate(scene.actors):
        points = np.concatenate([part.points for part in things.parts(actor, 0.0, aspect) if part.of_actor])
        left, top, right, bottom = np.clip([*points.min(0) / (aspect, 1), *points.max(0) / (aspect, 1)], 0, 1).tolist()
        area = 0.5 * (right - left) * (bottom - top)
        if area > VISIBLE:
            yield index, Box(left=left, top=top, right=right, bottom=bottom, area=area)


if __name__ == "__main__":
    main()
