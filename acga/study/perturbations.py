"""Ways to ask the same thing otherwise, or something else: what a model that reads should shrug off, and what it should notice.

Each takes a query and a random generator and gives a query. Which of them keep the meaning is the point: synonyms do, a new order of
words mostly does, dropped and unknown words take some of it away, and the query of another clip has nothing to do with this one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..data.dataset import Dataset, Sample
from ..data.text import tokenise
from ..errors import DatasetError

Perturbation = Callable[[str, np.random.Generator], str]

# Words that may take each other's place in the drawn world's sentences whoever is meant, in its grammar's own weights or nearly so.
SYNONYMS: tuple[tuple[str, ...], ...] = (
    ("man", "guy"),
    ("woman", "lady"),
    ("baby", "toddler"),
    ("purple", "violet"),
    ("gray", "grey"),
    ("small", "little"),
    ("big", "large"),
    ("spotted", "dotted"),
    ("pants", "trousers"),
    ("hat", "cap"),
    ("lying", "laying"),
    ("sitting", "seated"),
    ("running", "racing"),
    ("jumping", "leaping"),
    ("walking", "strolling"),
    ("near", "beside"),
    ("under", "below"),
    ("middle", "center"),
    ("towards", "toward"),
    ("following", "chasing"),
)
SHARE = 0.25  # of the words that are dropped, or replaced by unknown ones
UNKNOWN_WORD = "zyzzyva"  # a beetle, and in no vocabulary of ours


def swap_synonyms(query: str, rng: np.random.Generator) -> str:
    """Every word that has a synonym is replaced by one.

    >>> swap_synonyms("a man is sitting near a gray dog", np.random.default_rng(0))
    'a guy is seated beside a grey dog'
    """
    others = {word: [other for other in group if other != word] for group in SYNONYMS for word in group}
    return " ".join(str(rng.choice(others[word])) if word in others else word for word in tokenise(query))


def shuffle_words(query: str, rng: np.random.Generator) -> str:
    """The same words in a random order.

    >>> sorted(shuffle_words("dog on the left", np.random.default_rng(0)).split())
    ['dog', 'left', 'on', 'the']
    """
    return " ".join(rng.permutation(tokenise(query)))


def drop_words(query: str, rng: np.random.Generator) -> str:
    """A quarter of the words is left out, at least one, never all.

    >>> len(drop_words("a dog is running on the grass outside", np.random.default_rng(0)).split())
    6
    """
    words = tokenise(query)
    left_out = _some(words, rng)
    return " ".join(word for place, word in enumerate(words) if place not in left_out)


def unknown_words(query: str, rng: np.random.Generator) -> str:
    """A quarter of the words is replaced by one that nobody knows.

    >>> unknown_words("dog is running fast", np.random.default_rng(0)).count("zyzzyva")
    1
    """
    words = tokenise(query)
    replaced = _some(words, rng)
    return " ".join(UNKNOWN_WORD if place in replaced else word for place, word in enumerate(words))


def _some(words: Sequence[str], rng: np.random.Generator) -> set[int]:
    """The places of a quarter of the words: at least one, and not all."""
    count = min(max(1, round(SHARE * len(words))), len(words) - 1)
    return set(rng.choice(len(words), size=count, replace=False).tolist())


PERTURBATIONS: dict[str, Perturbation] = {
    "synonyms": swap_synonyms,
    "reordered": shuffle_words,
    "words dropped": drop_words,
    "unknown words": unknown_words,
}


def perturb(dataset: Dataset, perturbation: Perturbation, *, seed: int = 0) -> Dataset:
    """The data set with every query perturbed; the same query the same way, whichever frame it asks about."""
    changed = {
        query: perturbation(query, np.random.default_rng([seed, number]))
        for number, query in enumerate(dict.fromkeys(sample.query for sample in dataset.samples))
    }
    return dataset.replaced([Sample(s.video_id, s.frame, s.instance, changed[s.query]) for s in dataset.samples])


def ask_what_is_absent(dataset: Dataset, *, seed: int = 0) -> Dataset:
    """The data set with every query replaced by one from another video about a kind of actor that is not in the frame.

    Raises `DatasetError` when all frames show all kinds.
    """
    kinds: dict[tuple[str, int], set[int]] = {}
    kind_of: list[int] = []
    for sample in dataset.samples:
        _, instances, classes = dataset.frame_masks(sample.video_id, sample.frame)
        kinds[sample.video_id, sample.frame] = {int(label) // 10 for label in classes}
        kind_of.append(int(classes[instances.tolist().index(sample.instance)]) // 10)
    rng = np.random.default_rng(seed)
    asked = []
    for sample in dataset.samples:
        absent = [row for row, kind in enumerate(kind_of) if kind not in kinds[sample.video_id, sample.frame]]
        if not absent:
            raise DatasetError(f"Frame {sample.frame} of {sample.video_id} shows every kind of actor that the sentences speak of.")
        other = dataset.samples[absent[rng.integers(len(absent))]]
        asked.append(Sample(sample.video_id, sample.frame, sample.instance, other.query))
    return dataset.replaced(asked)
