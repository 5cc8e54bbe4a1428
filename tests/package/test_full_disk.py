"""A disk that is full, as a limit to the size of files plays it: one sentence with the file and what to do, and nothing is lost."""

import os
import resource
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from acga.errors import AcgaError
from acga.model.state_dicts import read_state_dict, save_state_dict
from acga.study.records import append_run, read_runs
from acga.system.files import atomic_write, read_json, write_json
from acga.system.journal import Journal
from acga.training.run import Run, read_log

LARGE = "x" * 100_000
RUN = {"variant": "ACGA", "seed": 0, "answers": {}}


@contextmanager
def full_disk(size):
    """Let no file grow beyond so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


WRITERS = {  # file, how it is written with something in it, and how that is read back
    "JSON": ("a.json", lambda folder, text: write_json(folder / "a.json", [text]), lambda folder: read_json(folder / "a.json")),
    "journal": (".a.json.part-0", lambda folder, text: journal(folder).append([text]), lambda folder: journal(folder).read()),
    "log": ("log.jsonl", lambda folder, text: Run(folder, {}).log(step=1, text=text), lambda folder: read_log(folder)[0]["text"]),
    "runs": ("runs.jsonl", lambda folder, text: append_run(folder, {**RUN, "text": text}), lambda folder: read_runs(folder)[0]["text"]),
    "checkpoint": (
        "checkpoint.pt",
        lambda folder, text: Run(folder, {}).save_checkpoint(1, {"part": nn.Embedding(len(text), 1)}),
        lambda folder: len(torch.load(folder / "checkpoint.pt", weights_only=True)["states"]["part"]["weight"]),
    ),
    "weights": (
        "a.safetensors",
        lambda folder, text: save_state_dict(folder / "a.safetensors", {"part": torch.zeros(len(text))}, metadata={}),
        lambda folder: len(read_state_dict(folder / "a.safetensors").state["part"]),
    ),
}


def journal(folder):
    return Journal(folder / "a.json", "fingerprint")


@pytest.mark.parametrize("room", [0, 2500])
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_one_sentence_and_what_was_saved_is_kept(name, room, tmp_path):
    file, write, read = WRITERS[name]
    write(tmp_path, "first")
    before, files = read(tmp_path), os.listdir(tmp_path)
    with full_disk((tmp_path / file).stat().st_size + room), pytest.raises(AcgaError) as said:
        write(tmp_path, LARGE)
    assert file in str(said.value) and "make room" in str(said.value)
    assert read(tmp_path) == before and sorted(os.listdir(tmp_path)) == sorted(files)


def test_the_next_lines_follow_what_was_cut(tmp_path):
    with full_disk(100), pytest.raises(AcgaError, match=r"part-0 cannot be written .*; make room, then run the same command again"):
        journal(tmp_path).append([1, LARGE])
    journal(tmp_path).append([2])
    assert journal(tmp_path).read() == [1, 2]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    for write in (lambda path: write_json(path, 1), lambda path: Journal(path, "fingerprint").append([1])):
        with pytest.raises(AcgaError, match=r"a\.json.* cannot be written \(.+\); mend that or choose another place\."):
            write(tmp_path / "file" / "a.json")


def test_an_error_of_another_file_is_not_blamed_on_the_one_that_is_written(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"input\.csv"), atomic_write(tmp_path / "a.json"):
        (tmp_path / "input.csv").read_text()
    with pytest.raises(RuntimeError, match="of its own"), atomic_write(tmp_path / "a.json"):
        raise RuntimeError("of its own")
    assert os.listdir(tmp_path) == []
