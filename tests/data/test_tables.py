"""Tables and lists as people save them: nothing is lost or guessed in silence, and the line that is named is the line."""

import json
import os

import pytest
from helpers.releases import A2D_SENTENCES

from acga.data import A2DSentences, JHMDBSentences
from acga.data.check import check_release
from acga.data.tables import memoise_files, read_lines, read_sentences, read_table
from acga.errors import DatasetError

COLUMNS = ("video_id", "query")


def sentences(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return [(line, *row) for line, *row in read_sentences(path, COLUMNS).itertuples()]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_keep_their_numbers(tmp_path, ending, mark):
    text = mark + ending.join(["video_id,query", "", "a, a dog ", "   ", "b,the cat", ""])
    assert sentences(tmp_path, text) == [(3, "a", "a dog"), (5, "b", "the cat")]


def test_quotation_marks_and_commas(tmp_path):
    text = 'video_id,query\na,"a dog, running"\nb,the "white" dog\nc,"the ""white"" dog"\nd,dog"\n'
    queries = [query for _, _, query in sentences(tmp_path, text)]
    assert queries == ["a dog, running", 'the "white" dog', 'the "white" dog', 'dog"']


def test_columns_by_name_whatever_their_order(tmp_path):
    assert sentences(tmp_path, "query,length,video_id\na dog,2,x\n") == [(2, "x", "a dog")]
    assert sentences(tmp_path, "video_id,query\n") == []


WRONG = {
    "comma": ("video_id,query\na,a dog, running\n", r"line 2 has 3 values instead of 2 \(video_id, query\); a value with a comma"),
    "too few": ("video_id,query\n\na\n", "line 3 has 1 values instead of 2"),
    "two unclosed marks": (
        'video_id,query\na,"a dog\nb,a cat\nc,"a car\n',
        "line 2: a value begins with a quotation mark but does not end",
    ),
    "mark in the middle": ('video_id,query\na,a dog\n\nb,"white" dog\n', "line 4: a value begins with a quotation mark"),
    "empty": ("\n \n", "is empty"),
    "no column": ("video_id,text\na,a dog\n", "has no column 'query'"),
    "empty query": ("video_id,query\n\n\na,\n", "line 4: the query is empty"),
    "repeated": ("video_id,query\na,dog\n\na, dog\n", r"line 4 repeats an earlier line \(a, dog\)"),
    "zero byte": ("video_id,query\na,do\0g\n", "line 2: there is a zero byte"),
    "a path": ("video_id,query\n../a,dog\n", r"line 2: '\.\./a' cannot be the name of a file"),
    "no name": ("video_id,query\n,dog\n", "line 2: '' cannot be the name of a file"),
    "a long name": ("video_id,query\n" + 5000 * "a" + ",dog\n", "line 2: 'a{60}' cannot be the name of a file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused(tmp_path, name):
    text, message = WRONG[name]
    with pytest.raises(DatasetError, match=rf"table\.csv,? {message}") as caught:
        sentences(tmp_path, text)
    assert "\n" not in str(caught.value) and len(str(caught.value).replace(str(tmp_path), "")) < 300


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings(tmp_path, encoding):
    line = 1 if encoding == "utf-16" else 3
    with pytest.raises(DatasetError, match=rf"table\.csv, line {line}: this is not UTF-8 text; save the file in that encoding"):
        sentences(tmp_path, "video_id,query\na,dog\nb,café\n", encoding)


def test_no_table(tmp_path):
    for read in (read_lines, lambda path: read_table(path, COLUMNS, header=True)):
        with pytest.raises(DatasetError, match=r"none\.csv is missing"):
            read(tmp_path / "none.csv")
        with pytest.raises(DatasetError, match=r"cannot be read \(Is a directory\)"):
            read(tmp_path)


# ---------------------------------------------------------------- in the releases


def test_missed_videos_with_a_byte_order_mark(a2d_copy):
    path = a2d_copy / "text_annotations" / "a2d_missed_videos.txt"
    path.write_bytes(b"\xef\xbb\xbfmissed00000\r\n\r\nalone-bird0\r\n")
    assert {sample.video_id for sample in A2DSentences(a2d_copy).samples} == {"two-dogs000", "T6bNPuKV-wY"}
    path.write_bytes("alone-bird0\r\n".encode("utf-16"))
    with pytest.raises(DatasetError, match=r"a2d_missed_videos\.txt, line 1: this is not UTF-8 text"):
        A2DSentences(a2d_copy)


def test_a_comma_in_a_sentence_of_jhmdb(jhmdb_copy):
    path = jhmdb_copy / "jhmdb_annotation.txt"
    path.write_text(path.read_text().replace("a woman waves", "a woman waves, slowly"))
    with pytest.raises(DatasetError, match=r"jhmdb_annotation\.txt, line 3 has 3 values instead of 2"):
        JHMDBSentences(jhmdb_copy)


def problems(root):
    return " ".join(check_release(root).problems)


def test_a_check_tries_all_that_training_needs(a2d_copy):
    assert problems(a2d_copy) == ""
    table = a2d_copy / "text_annotations" / "a2d_annotation.txt"
    table.write_text(A2D_SENTENCES.replace("the left dog", "dog " * 21) + "alone-bird0,0,🟢\n")
    found = check_release(a2d_copy).problems
    assert len(found) == 2
    assert 'a2d_annotation.txt, line 6: The query "dog dog dog dog dog …" has 21 words; shorten it' in found[0]
    assert "a2d_annotation.txt, line 10: The query '🟢' has no word in Latin letters" in found[1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("00000.h5", r"00000\.h5: frames are named by five digits and counted from 00001"),
        ("7.h5", r"/7\.h5: frames are named by five digits"),
        ("99999.h5", r"99999\.h5: frame 99999 is not among the 12 frames of the video"),
    ],
)
def test_frames_that_the_video_does_not_have(a2d_copy, name, message):
    folder = a2d_copy / "text_annotations" / "a2d_annotation_with_instances" / "alone-bird0"
    (folder / "00001.h5").rename(folder / name)
    with pytest.raises(DatasetError, match=message):
        for item in A2DSentences(a2d_copy, size=32):
            assert item
    assert name in problems(a2d_copy)


# ---------------------------------------------------------------- the memo


def test_a_link_to_nowhere_among_the_annotations(a2d_copy):
    path = a2d_copy / "text_annotations/a2d_annotation_with_instances/two-dogs000/00003.h5"
    path.unlink()
    path.symlink_to("nowhere")
    with pytest.raises(DatasetError, match=r"00003\.h5 cannot be read \(No such file or directory\)"):
        A2DSentences(a2d_copy)


@pytest.mark.parametrize("damage", ["", "[]", '{"a": 3}', "[[", '["0", "{}"]', "changed"])
def test_a_damaged_memo_is_not_used(tmp_path, damage):
    file, memo = tmp_path / "file", tmp_path / ".memo.json"
    file.write_text("content")
    os.utime(file, (1e9, 1e9))
    reads = []

    def read(path):
        reads.append(path)
        return [len(path.read_text())]

    for _ in range(2):
        assert memoise_files(memo, [file], read) == {file: [7]}
    assert len(reads) == 1
    checksum, content = json.loads(memo.read_text())
    memo.write_text(json.dumps([checksum, content.replace("[7]", "[8]")]) if damage == "changed" else damage)
    assert memoise_files(memo, [file], read) == {file: [7]} and len(reads) == 2
