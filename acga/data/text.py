"""From a sentence to numbers: words, their ids, and the word vectors behind the ids.

>>> vocabulary = Vocabulary(["dog", "running", "white"])
>>> vocabulary.encode("White dog, running fast!", length=6).tolist()
[4, 2, 3, 1, 0, 0]
>>> vocabulary.unknown("White dog, running fast!")
['fast']
"""

from __future__ import annotations

import gzip
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import ConfigError, QueryError, WeightsError

PADDING, UNKNOWN = 0, 1  # the first two ids of every vocabulary
LONGEST_WORD = 4096  # bytes: a "word" longer than this means that the file is no word2vec file
CHUNK = 1 << 22  # bytes read at a time from a file of word vectors


APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u2032\u02b9\u02bb\u02bc\u02bd\u02c8\u055a\ua78c\u00b4`\uff07\uff40", "'"))
SHORTENED = frozenset({"'d", "'em", "'ll", "'m", "'n", "'n'", "'re", "'s", "'ve"})  # words whose apostrophes are no quotation marks


def plain(text: str) -> str:
    """Lower case without accents, ligatures, full width or invisible characters, apostrophes of all kinds straight.

    >>> plain("Ｔｈｅ ‘Café’ wal\u00adking")
    "the 'cafe' walking"
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(APOSTROPHES).casefold())
    return "".join(one for one in decomposed if not unicodedata.combining(one) and unicodedata.category(one) != "Cf").casefold()


def tokenise(query: str) -> list[str]:
    """The words of a sentence, of queries that are learned from and asked alike: lower-case runs of letters and of apostrophes inside.

    >>> tokenise("A dog's ball, rolling to the 'Café'")
    ['a', "dog's", 'ball', 'rolling', 'to', 'the', 'cafe']
    """
    words = (word if word in SHORTENED else word.strip("'") for word in re.findall("[a-z']+", plain(query)))
    return [word for word in words if word]


def unreadable(query: str) -> list[str]:
    """Parts of a sentence that `tokenise` leaves out though they may mean much: other scripts, emoji and digits, but no punctuation.

    >>> unreadable("2 dogs, 犬 and 🐱!")
    ['2', '犬', '🐱']
    """
    runs = re.split(r"[a-z'\s]+", plain(query))
    kept = ("".join(character for character in run if unicodedata.category(character)[0] not in "PCZ") for run in runs)
    return [unicodedata.normalize("NFC", run) for run in kept if run]


class Vocabulary:
    """The known words, each with an id: 0 is padding, 1 any unknown word, 2 and up are `words` in order; `len` counts all ids.

    Raises `ConfigError` when a word is given twice or is not a single lower-case word.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words: tuple[str, ...] = tuple(words)
        self._ids = {word: index for index, word in enumerate(self.words, start=UNKNOWN + 1)}
        for word in self.words:
            simple = word.isascii() and word.isalpha() and word.islower()  # nearly all of thousands, and soon told
            if not simple and tokenise(word) != [word]:
                raise ConfigError(f"Vocabulary: {word!r} is not one lower-case word of the letters a-z.")
        if len(self._ids) < len(self.words):
            twice = next(word for word, count in Counter(self.words).items() if count > 1)
            raise ConfigError(f"Vocabulary: {twice!r} is given twice; pass each word once.")

    @classmethod
    def from_queries(cls, queries: Iterable[str], minimum_count: int = 1, size: int | None = None) -> Vocabulary:
        """The words seen at least `minimum_count` times, the most frequent first, so that there are at most `size` ids.

        >>> Vocabulary.from_queries(["a dog", "a cat", "the dog"], size=4).words
        ('a', 'dog')
        """
        counts = Counter(word for query in queries for word in tokenise(query))
        words = [word for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count >= minimum_count]
        return cls(words if size is None else words[: max(size - (UNKNOWN + 1), 0)])

    def __len__(self) -> int:
        return len(self.words) + UNKNOWN + 1

    def __contains__(self, word: str) -> bool:
        return word in self._ids

    def encode(self, query: str, length: int = 20) -> np.ndarray:
        """Ids of the words of `query`, int64 `(length,)`, padded with 0.

        Raises `QueryError` when the sentence is empty, has no Latin letters, or has more than `length` words.
        """
        words = tokenise(query)
        if not query.strip():
            raise QueryError('The query is empty; describe one actor in English, for example "dog running on the left".')
        if not words:
            raise QueryError(f'The query {query!r} has no word in Latin letters; describe one actor in English, for example "dog running".')
        if len(words) > length:
            raise QueryError(f'The query "{" ".join(words[:5])} …" has {len(words)} words; shorten it to at most {length}.')
        ids = [self._ids.get(word, UNKNOWN) for word in words]
        return np.array(ids + [PADDING] * (length - len(ids)), dtype=np.int64)

    def unknown(self, query: str) -> list[str]:
        """The words of `query` that have no id of their own, then whatever is not in Latin letters; each once.

        >>> Vocabulary(["dog"]).unknown("dog dog barking 犬")
        ['barking', '犬']
        """
        return list(dict.fromkeys([word for word in tokenise(query) if word not in self._ids] + unreadable(query)))


def count_sentences(words: Iterable[str], queries: Iterable[str]) -> dict[str, int]:
    """Tell for some words how many of the sentences each is in, the most frequent first.

    >>> count_sentences(["a", "the"], ["a dog", "a cat near the dog"])
    {'a': 2, 'the': 1}
    """
    wanted = set(words)
    counts = Counter(word for query in queries for word in wanted.intersection(tokenise(query)))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def name_words(counts: Mapping[str, int], most: int = 6) -> str:
    """Words with the number of sentences that each is in, in few letters.

    >>> name_words({"a": 2, "the": 1, "of": 1}, most=2)
    'a (2), the (1) and 1 more'
    """
    shown = ", ".join(f"{word:.20} ({count:,})" for word, count in list(counts.items())[:most])
    return shown + (f" and {len(counts) - most} more" if len(counts) > most else "")


def read_word2vec(path: str | Path, words: Iterable[str]) -> dict[str, np.ndarray]:
    """The vectors of `words` in a word2vec binary such as GoogleNews' (plain or gzipped), float32 `(300,)` each.

    The file is streamed, so memory does not grow with it; a word that it lacks is absent from the answer.
    Raises `WeightsError` when the file is missing, is not in this format, or ends early.
    """
    wanted = set(words)
    vectors: dict[str, np.ndarray] = {}
    for name, values in read_word_records(Path(path)):
        # Most of the millions of words are of no interest: decode bytes and numbers of the others only.
        word = name.decode("utf-8", errors="replace")
        if word in wanted and word not in vectors:
            vectors[word] = np.frombuffer(values, dtype="<f4").copy()
            if not np.isfinite(vectors[word]).all():
                raise WeightsError(f"{path}: the vector of {word!r} holds values that are not numbers; download the file again.")
            if len(vectors) == len(wanted):
                break
    return vectors


def read_word_records(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Each word of a word2vec binary with the bytes of its vector."""
    try:
        with open(path, "rb") as opened:
            zipped = opened.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else open(path, "rb") as file:
            yield from _parse(path, file)
    except (OSError, EOFError, zlib.error) as error:
        raise WeightsError(f"{path}: cannot be read as word vectors ({error}); give a word2vec binary file.") from error


def _parse(path: Path, file: BinaryIO | gzip.GzipFile) -> Iterator[tuple[bytes, bytes]]:
    header = re.fullmatch(rb"(\d{1,12}) +(\d{1,6})\s*\n", file.readline(LONGEST_WORD))
    if header is None or int(header[1]) == 0 or int(header[2]) == 0:
        raise WeightsError(f'{path}: is no word2vec binary file: it should begin with a line "<count of words> <length of a vector>".')
    count, length = int(header[1]), 4 * int(header[2])  # bytes of one vector of float32
    buffer, start = b"", 0
    for index in range(count):
        if len(buffer) - start < LONGEST_WORD + length:
            buffer, start = buffer[start:] + file.read(CHUNK + length), 0
        space = buffer.find(b" ", start, start + LONGEST_WORD)
        values = buffer[space + 1 : space + 1 + length]
        if space < 0 and len(buffer) - start >= LONGEST_WORD:
            raise WeightsError(f"{path}: is no word2vec binary file: no word where word {index + 1} of {count} should begin.")
        if space < 0 or len(values) < length:
            raise WeightsError(f"{path}: ends within word {index + 1} of {count}; download the file again.")
        if index == 0 and re.fullmatch(rb"[-+.0-9e\s]+", values):
            raise WeightsError(f"{path}: holds word vectors as text; give the binary form of the file.")
        yield buffer[start:space].lstrip(b"\n"), values  # some writers end each vector with a line feed
        start = space + 1 + length


@dataclass(frozen=True, kw_only=True)
class WordTable:
    """Word vectors for every id of a vocabulary: zeros for padding, for an unknown word, and for the words in `missing`.

    >>> table = WordTable.build(Vocabulary(["dog", "zorb"]), {"dog": np.ones(300, dtype=np.float32)}, width=300)
    >>> table.vectors.shape, table.vectors[2].sum().item(), table.missing
    ((4, 300), 300.0, ('zorb',))
    """

    vectors: np.ndarray  # float32 (len(vocabulary), width)
    missing: tuple[str, ...]  # words of the vocabulary without a vector

    @classmethod
    def build(cls, vocabulary: Vocabulary, vectors: dict[str, np.ndarray], *, width: int) -> WordTable:
        """Arrange `vectors` by id. Raises `WeightsError` when a vector is not of length `width`."""
        table = np.zeros((len(vocabulary), width), dtype=np.float32)
        for index, word in enumerate(vocabulary.words, start=UNKNOWN + 1):
            if word in vectors:
                if vectors[word].shape != (width,):
                    raise WeightsError(f"The word vectors have {vectors[word].size} values, the model takes {width}; use another file.")
                table[index] = vectors[word]
        return cls(vectors=table, missing=tuple(word for word in vocabulary.words if word not in vectors))

    @classmethod
    def from_word2vec(cls, path: str | Path, vocabulary: Vocabulary, *, width: int = 300) -> WordTable:
        """Read the table of `vocabulary` from a word2vec binary file. Raises `WeightsError` as `read_word2vec` and `build` do."""
        return cls.build(vocabulary, read_word2vec(path, vocabulary.words), width=width)


GLOVE = Path(str(resources.files("acga") / "embedded" / "words.npz"))  # its words, and float16 vectors (19230, 50)
COLOUR_WORDS = (
    "black", "blue", "brown", "golden", "gray", "green", "grey", "orange", "pink", "purple", "red", "silver", "violet", "white", "yellow",
)  # fmt: skip
COLOUR_CONTRAST = 4.0  # what the differences of these words from their mean are multiplied by


@cache
def glove() -> tuple[Vocabulary, WordTable]:
    """The embedded word vectors: the frequent words of GloVe 6B (Pennington et al., 2014) that a query can hold, 50 values each.

    Words that are used alike have vectors alike, and no words more than colours: "red" and "blue" have a cosine of 0.89. A network that
    must tell actors by them learns them late, so their differences are enlarged here; what they have in common stays.

    >>> vocabulary, table = glove()
    >>> puppy, dog, table_ = (table.vectors[vocabulary.encode(word)[0]] for word in ("puppy", "dog", "table"))
    >>> bool(puppy @ dog > 2 * puppy @ table_)
    True
    """
    with np.load(GLOVE) as file:
        vocabulary, vectors = Vocabulary(file["words"].tolist()), file["vectors"].astype(np.float32)
    colours = [vocabulary.encode(word)[0] - UNKNOWN - 1 for word in COLOUR_WORDS]
    mean = vectors[colours].mean(axis=0)
    vectors[colours] = mean + COLOUR_CONTRAST * (vectors[colours] - mean)
    nothing = np.zeros((UNKNOWN + 1, vectors.shape[1]), dtype=np.float32)  # padding and unknown words
    return vocabulary, WordTable(vectors=np.concatenate([nothing, vectors]), missing=())


def check_queries(queries: Sequence[str]) -> None:
    """Raise `QueryError` if there is none, one is given twice, or a single one stands for the list."""
    if isinstance(queries, str):  # whose letters would be asked one by one
        raise QueryError(f"The queries are a single text; give a list of them, as in [{queries!r}].")
    if not queries:
        raise QueryError('There is no query; describe at least one actor, for example "dog running on the left".')
    twice = next((query for query, count in Counter(queries).items() if count > 1), None)
    if twice is not None:
        raise QueryError(f"The query {twice!r} is given twice; give each once.")
