"""What every cache promises: space that is there, killed processes that lose nothing, workers that are missed and don't outlive."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import ROOT, TESTS

from acga.data import cache as caching
from acga.data.cache import Cache, prepare
from acga.data.digests import digest_file
from acga.errors import AcgaError, DatasetError

KEYS = [(f"video{number // 3}", number) for number in range(12)]
ARRAYS = {"squares": ("int64", (2,)), "halves": ("float16", ())}


def number(video_id, frame):
    """An entry that tells which it is."""
    return {"squares": np.array([frame, frame**2]), "halves": np.array(frame / 2, dtype=np.float16)}


def slow_number(video_id, frame):
    time.sleep(0.2)
    return number(video_id, frame)


def deadly_number(video_id, frame):
    if frame == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number(video_id, frame)


def make(folder, kind="numbers", fingerprint="f"):
    return prepare(folder, kind, fingerprint=fingerprint, keys=KEYS, arrays=ARRAYS)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("[!.]*"))}


def test_entries_by_row_and_by_key(tmp_path):
    make(tmp_path).fill(number)
    cache = Cache(tmp_path, "numbers", fingerprint="f")
    assert cache.rows == {key: row for row, key in enumerate(KEYS)} and len(cache) == 12 and KEYS[3] in cache
    assert cache.array("squares").tolist() == [[frame, frame**2] for _, frame in KEYS]
    assert cache.array("halves").tolist() == [frame / 2 for _, frame in KEYS]
    assert isinstance(cache.array("squares"), np.memmap) and not cache.array("squares").flags.writeable


def test_the_entries_of_a_video_are_made_together(tmp_path):
    seen = []
    make(tmp_path).fill(number, compute=lambda batch: seen.append(batch["squares"][:, 0].tolist()) or batch)
    assert seen == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]


def test_what_is_refused(tmp_path):
    make(tmp_path)
    for arguments, message in (
        ({"fingerprint": "g"}, "holds numbers of other weights, data or settings; delete it or choose another folder"),
        ({"kind": "letters"}, "holds numbers, not letters; choose another folder"),
    ):
        with pytest.raises(DatasetError, match=message):
            make(tmp_path, **arguments)
    with pytest.raises(DatasetError, match="lacks 12 of 12 numbers"):
        Cache(tmp_path, "numbers")
    with pytest.raises(DatasetError, match="no annotated frame"):
        prepare(tmp_path / "none", "numbers", fingerprint="", keys=[], arrays=ARRAYS)


def test_an_entry_of_another_shape_or_type_is_a_mistake(tmp_path):
    with pytest.raises(ValueError, match=r"expected int64 \(2,\) for squares"):
        make(tmp_path).fill(lambda *key: {"squares": np.zeros(3, np.int64)})


def test_a_whole_cache_can_be_read_only(tmp_path, monkeypatch):
    make(tmp_path).fill(number)
    monkeypatch.setattr(caching, "FileLock", None)  # nothing is locked or written any more
    make(tmp_path).fill(number)


def limited(folder, size):
    """What a process says that may not write files larger than so many bytes, as on a disk that is full."""
    code = f"""
import resource, signal, sys
sys.path[:0] = [{str(TESTS)!r}, {str(TESTS / "data")!r}]
import test_cache
from acga.errors import DatasetError
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
try:
    test_cache.prepare({str(folder)!r}, "numbers", fingerprint="f", keys=test_cache.KEYS, arrays={{"large": ("uint8", (1 << 20,))}})
except DatasetError as error:
    print(error)
"""
    return subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)


def test_space_is_reserved_first(tmp_path):
    ended = limited(tmp_path, 1 << 21)
    assert "cannot be given 12.6 MB of space (File too large); make room or choose another folder." in ended.stdout, ended.stderr
    assert contents(tmp_path) == {} and ended.returncode == 0
    prepare(tmp_path, "numbers", fingerprint="f", keys=KEYS, arrays={"large": ("uint8", (1 << 20,))})
    assert os.stat(tmp_path / "large.npy").st_blocks * 512 >= 12 << 20  # really there, not a sparse file


def test_space_is_written_where_it_cannot_be_reserved(tmp_path, monkeypatch):
    make(tmp_path / "reserved")
    monkeypatch.delattr(os, "posix_fallocate")
    make(tmp_path / "written")
    assert contents(tmp_path / "written") == contents(tmp_path / "reserved")


def test_a_full_disk_while_writing(tmp_path, monkeypatch):
    cache = make(tmp_path / "full")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, limits[1]))
    try:
        with pytest.raises(DatasetError, match=r"cannot be written \(File too large\); mend that, then run the same command to go on"):
            cache.fill(number)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    make(tmp_path / "full").fill(number)
    make(tmp_path / "unbroken").fill(number)
    assert contents(tmp_path / "full") == contents(tmp_path / "unbroken")


def test_a_killed_worker_is_missed(tmp_path):
    cache = make(tmp_path)
    with pytest.raises(AcgaError, match=r"A worker process was killed, .*; run the command again with fewer workers"):
        cache.fill(deadly_number, workers=2)
    assert not cache.array("done")[6:9].any()
    cache.fill(number)
    assert cache.array("squares")[:, 0].tolist() == list(range(12))


SLOWLY = """
import sys
sys.path[:0] = [{tests!r}, {tests!r} + "/data"]
if __name__ == "__main__":
    import test_cache
    test_cache.make({folder!r}).fill(test_cache.slow_number, workers=2)
"""


def children(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(child) for child in found.split()]


def running(pid):
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_killed_and_resumed_equals_unbroken_and_workers_die_too(tmp_path):
    folder, script = tmp_path / "killed", tmp_path / "slowly.py"
    script.write_text(SLOWLY.format(tests=str(TESTS), folder=str(folder)))
    process = subprocess.Popen([sys.executable, str(script)], env=os.environ | {"PYTHONPATH": str(ROOT)})
    end = time.monotonic() + 120
    while not (folder / "index.json").exists() or not Cache(folder, "numbers", incomplete=True).array("done").any():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    workers = children(process.pid)
    process.kill()
    process.wait()
    done = Cache(folder, "numbers", incomplete=True).array("done")
    assert done.any() and not done.all() and len(workers) >= 2
    while any(map(running, workers)):
        assert time.monotonic() < end, "a worker lives on"
        time.sleep(0.1)
    make(folder).fill(number)
    make(tmp_path / "unbroken").fill(number)
    assert contents(folder) == contents(tmp_path / "unbroken")


def test_the_digest_of_a_folder_of_pictures(tmp_path):
    for index in range(9):
        (tmp_path / f"{index}.png").write_bytes(bytes([index]) * 10)
    first = digest_file(tmp_path)
    assert digest_file(tmp_path) == first
    (tmp_path / "4.png").write_bytes(b"other pixe")
    second = digest_file(tmp_path)
    (tmp_path / "7.png").write_bytes(b"another size")
    third = digest_file(tmp_path)
    (tmp_path / "7.png").rename(tmp_path / "9.png")
    assert len({first, second, third, digest_file(tmp_path)}) == 4
    with pytest.raises(DatasetError, match=r"nothing\.mp4 cannot be read \(No such file or directory\); restore it"):
        digest_file(tmp_path / "nothing.mp4")
