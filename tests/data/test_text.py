"""Words and ids, and the word2vec reader, against files written here byte by byte."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import SHARED
from hypothesis import given
from hypothesis import strategies as st

from acga.data.text import COLOUR_CONTRAST, COLOUR_WORDS, GLOVE, UNKNOWN, Vocabulary, WordTable, glove, read_word2vec, tokenise, unreadable
from acga.errors import AcgaError, ConfigError, QueryError, WeightsError

SENTENCES = SHARED / "sentences" / "a2d_annotation_with_short_query.csv"
WORDS = ["dog", "the", "running", "man's"]


def write_word2vec(path: Path, vectors: dict[str, np.ndarray], *, line_feeds: bool = False, zipped: bool = False) -> Path:
    """The format as word2vec's C code writes it (`line_feeds`) and as the GoogleNews file has it."""
    body = f"{len(vectors)} {len(next(iter(vectors.values())))}\n".encode()
    for word, vector in vectors.items():
        body += word.encode() + b" " + vector.astype("<f4").tobytes() + (b"\n" if line_feeds else b"")
    path.write_bytes(gzip.compress(body) if zipped else body)
    return path


@pytest.fixture
def vectors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    words = ["</s>", "Dog", "dog", "the", "naïve", *(f"filler{index}" for index in range(4000)), "running"]
    return {word: rng.standard_normal(300).astype(np.float32) for word in words}


def test_tokens_are_lower_case_runs_of_letters_and_apostrophes() -> None:
    assert tokenise("The  Man's dog—running, in T-shirt no. 3 'n more’s") == [
        "the", "man's", "dog", "running", "in", "t", "shirt", "no", "'n", "more's",
    ]  # fmt: skip
    assert tokenise(" '' ?! 12 ") == []


@pytest.mark.parametrize(
    "query",
    [
        "'white dog'", "the 'white' dog", "\u2018white dog\u2019", "\u201cwhite\u201d dog", "\u201bwhite\u2032 `dog\u00b4", "«WHITE» dog",
        "wh\u200cite d\u00adog", "wh\u2060ite\ufeff dog", "\uff37\uff28\uff29\uff34\uff25 \uff44\uff4f\uff47", "white\u2014dog",
        "white\u2011dog",        "\U0001d430hite dog\u202e",
    ],
)  # fmt: skip
def test_words_are_the_same_however_they_are_typed(query: str) -> None:
    assert [word for word in tokenise(query) if word != "the"] == ["white", "dog"]
    assert Vocabulary(["white", "dog", "the"]).unknown(query) == []


def test_shortened_words_keep_their_apostrophe() -> None:
    assert tokenise("rock 'n' roll 's dogs' \u2019em") == ["rock", "'n'", "roll", "'s", "dogs", "'em"]
    assert tokenise("straße") == ["strasse"] and tokenise("İstanbul ﬁre") == ["istanbul", "fire"]


@given(st.text())
def test_tokens_of_any_text_are_words_and_tokenise_to_themselves(text: str) -> None:
    words = tokenise(text)
    assert all(set(word) <= set("abcdefghijklmnopqrstuvwxyz'") and word.strip("'") for word in words)
    assert tokenise(" ".join(words)) == words


@pytest.mark.skipif(not SENTENCES.exists(), reason="the real A2D sentences are not here")
def test_the_real_sentences_have_the_known_statistics() -> None:
    with open(SENTENCES, encoding="utf-8", newline="") as file:
        queries = [row["query"] for row in csv.DictReader(file)]
    vocabulary = Vocabulary.from_queries(queries)
    assert len(queries) == 6655
    assert len(vocabulary.words) == 1286
    assert max(len(tokenise(query)) for query in queries) == 20
    assert all(vocabulary.encode(query).min() == 0 or len(tokenise(query)) == 20 for query in queries)


def test_encode_gives_ids_pads_and_marks_unknown_words() -> None:
    vocabulary = Vocabulary(WORDS)
    ids = vocabulary.encode("The dog, the CAT")
    assert ids.dtype == np.int64
    assert ids.tolist() == [3, 2, 3, 1] + [0] * 16
    assert len(vocabulary) == 6
    assert "dog" in vocabulary and "cat" not in vocabulary


def test_twenty_words_are_accepted_and_twenty_one_refused() -> None:
    vocabulary = Vocabulary(WORDS)
    assert (vocabulary.encode("dog " * 20) == 2).all()
    with pytest.raises(QueryError, match=r"21 words; shorten it to at most 20\.$"):
        vocabulary.encode("dog " * 21)


@pytest.mark.parametrize("query", ["", "  \n\t"])
def test_an_empty_query_is_refused(query: str) -> None:
    with pytest.raises(QueryError, match="is empty"):
        Vocabulary(WORDS).encode(query)


@pytest.mark.parametrize("query", ["🐶🐶", "бегущая собака", "奔跑的狗", "12 34", "?!", "'"])
def test_a_query_without_latin_letters_is_refused(query: str) -> None:
    with pytest.raises(QueryError, match="no word in Latin letters"):
        Vocabulary(WORDS).encode(query)


def test_unknown_names_words_and_other_scripts_once() -> None:
    vocabulary = Vocabulary(WORDS)
    assert vocabulary.unknown("the cat, the cat 狗 🐶, 狗 dog") == ["cat", "狗", "🐶"]
    assert vocabulary.unknown("The dog: running!") == []
    assert unreadable("собака dog… “the” ña 한국 2") == ["собака", "한국", "2"]


@given(st.text())
def test_every_query_is_encoded_or_refused_in_one_sentence(query: str) -> None:
    vocabulary = Vocabulary(WORDS)
    try:
        ids = vocabulary.encode(query)
    except QueryError as error:
        assert "\n" not in str(error)
    else:
        assert np.count_nonzero(ids) == len(tokenise(query))
        assert (1 in ids) <= bool(vocabulary.unknown(query))


def test_from_queries_orders_by_count_then_alphabet() -> None:
    queries = ["a dog and a cat", "the dog", "a zebra"]
    assert Vocabulary.from_queries(queries).words == ("a", "dog", "and", "cat", "the", "zebra")
    assert Vocabulary.from_queries(queries, minimum_count=2).words == ("a", "dog")
    assert len(Vocabulary.from_queries(queries, size=5)) == 5
    assert len(Vocabulary.from_queries([])) == 2


@pytest.mark.parametrize("words", [["dog", "dog"], ["two words"], [""], ["Dog"], ["狗"]])
def test_a_vocabulary_of_odd_words_is_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"^Vocabulary: "):
        Vocabulary(words)


@pytest.mark.parametrize("line_feeds", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_word2vec_is_read_in_both_spellings(tmp_path: Path, vectors: dict[str, np.ndarray], line_feeds: bool, zipped: bool) -> None:
    path = write_word2vec(tmp_path / "vectors.bin", vectors, line_feeds=line_feeds, zipped=zipped)
    found = read_word2vec(path, ["dog", "running", "naïve", "absent"])
    assert set(found) == {"dog", "running", "naïve"}
    for word, vector in found.items():
        np.testing.assert_array_equal(vector, vectors[word])
    assert read_word2vec(path, vectors).keys() == vectors.keys()


def test_a_word_table_has_zeros_where_there_is_no_vector(tmp_path: Path, vectors: dict[str, np.ndarray]) -> None:
    path = write_word2vec(tmp_path / "vectors.bin", vectors)
    table = WordTable.from_word2vec(path, Vocabulary(["running", "of", "dog"]))
    assert table.missing == ("of",)
    assert table.vectors.shape == (5, 300) and table.vectors.dtype == np.float32
    np.testing.assert_array_equal(table.vectors, [np.zeros(300)] * 2 + [vectors["running"], np.zeros(300), vectors["dog"]])


def test_a_word_table_of_another_width_is_refused() -> None:
    with pytest.raises(WeightsError, match="have 3 values, the model takes 300"):
        WordTable.build(Vocabulary(["dog"]), {"dog": np.ones(3, dtype=np.float32)}, width=300)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kept", [0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, vectors: dict[str, np.ndarray], kept: float, zipped: bool) -> None:
    path = write_word2vec(tmp_path / "vectors.bin", vectors, zipped=zipped)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(WeightsError, match=r"ends within word|cannot be read"):
        read_word2vec(path, ["running"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no word2vec binary file"),
        (b"dog 0.1 0.2\n", "is no word2vec binary file"),
        (b"0 300\n", "is no word2vec binary file"),
        (b"3 300\n", "ends within word 1 of 3"),
        (b"3 99999999999999999999\nman ", "is no word2vec binary file"),
        (b"3 4\ndog", "ends within word 1 of 3"),
        (b"2 2\ndog 0.123456 0.5678910\nthe 0.1 0.2\n", "holds word vectors as text"),
        (b"2 2\n" + b"x" * 5000, "no word where word 1 of 2 should begin"),
        (b"1 1\ndog \xff\xff\xff\xff", "values that are not numbers"),
        (b"\x1f\x8bjunk", "cannot be read as word vectors"),
        (gzip.compress(b"9 300\n" + bytes(range(256)) * 40)[:-60] + b"\xff" * 60, "cannot be read|ends within"),
    ],
)
def test_an_odd_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "vectors.bin"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=message) as caught:
        read_word2vec(path, ["dog", "the"])
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.bin", tmp_path):
        with pytest.raises(AcgaError, match="cannot be read as word vectors"):
            read_word2vec(path, ["dog"])


# ---------------------------------------------------------------- embedded word vectors


def similarity(word: str, other: str) -> float:
    vocabulary, table = glove()
    first, second = (table.vectors[vocabulary.encode(one)[0]] for one in (word, other))
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_the_embedded_vectors_know_which_words_mean_much_the_same() -> None:
    for word, near, far in (("puppy", "dog", "car"), ("woman", "man", "ball"), ("leaping", "jumping", "grass"), ("left", "right", "cat")):
        assert similarity(word, near) > similarity(word, far) + 0.2


def test_the_embedded_vectors_are_arranged_by_id() -> None:
    vocabulary, table = glove()
    assert table.vectors.shape == (len(vocabulary), 50) and table.vectors.dtype == np.float32
    assert not table.vectors[: UNKNOWN + 1].any() and table.vectors[UNKNOWN + 1 :].any(axis=1).all()
    with np.load(GLOVE) as file:
        place = file["words"].tolist().index("skateboard")
        assert np.array_equal(table.vectors[vocabulary.encode("skateboard")[0]], file["vectors"][place].astype(np.float32))
    assert glove()[0] is vocabulary  # read once


def test_the_embedded_vectors_are_small() -> None:
    assert GLOVE.stat().st_size < 2e6


@pytest.mark.skipif(not SENTENCES.exists(), reason="the real A2D sentences are not here")
def test_the_embedded_words_cover_the_real_sentences() -> None:
    with open(SENTENCES, encoding="utf-8", newline="") as file:
        words = [word for row in csv.DictReader(file) for word in tokenise(row["query"])]
    assert sum(word not in glove()[0] for word in words) < 0.01 * len(words)


def test_colours_lie_apart_and_other_words_are_as_published():
    vocabulary, table = glove()
    with np.load(GLOVE) as file:
        published = dict(zip(file["words"].tolist(), file["vectors"].astype(np.float32), strict=True))
    given = {word: table.vectors[vocabulary.encode(word)[0]] for word in published}
    assert all(np.array_equal(given[word], published[word]) for word in published if word not in COLOUR_WORDS)
    red, blue = published["red"], published["blue"]
    assert red @ blue / np.linalg.norm(red) / np.linalg.norm(blue) == pytest.approx(0.89, abs=0.01)  # why
    mean = np.mean([published[word] for word in COLOUR_WORDS], axis=0)
    for word in COLOUR_WORDS:
        np.testing.assert_allclose(given[word] - mean, COLOUR_CONTRAST * (published[word] - mean), rtol=1e-4, atol=1e-4)
