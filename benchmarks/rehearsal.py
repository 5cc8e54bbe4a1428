"""Rehearse `acga reproduce a2d` at the paper's size on a few drawn videos, and watch its memory.

    python benchmarks/rehearsal.py FOLDER

FOLDER (new or empty) gets a release of drawn videos, an I3D of the published shape with random weights, and word vectors of the published
form. The command then runs as a user would give it: 16 frames of 512 pixels, the paper's widths, two workers. Scores mean nothing; what
counts is that it ends, in how much memory. Writes results/rehearsal.json: the largest memory of all processes together (each page counted
once, PSS), the largest use of /dev/shm, and the seconds of each step.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

from acga.config import SynthesisConfig
from acga.data.releases import read_queries
from acga.data.text import tokenise
from acga.errors import ConfigError
from acga.model.i3d import I3D
from acga.synthetic.writer import write_a2d
from acga.system.files import read_json, write_json
from acga.system.provenance import provenance

ROOT = Path(__file__).parents[1]
DRAWN = SynthesisConfig(train=4, test=2, sentences=2, frames=16, workers=0)
STEPS = {"check.json": "check", "words.json": "words", "features": "features", "training": "training", "result.json": "evaluation"}


def prepare(folder: Path) -> None:
    """Write the release, the I3D and the word vectors. Raises `ConfigError` if the folder holds anything."""
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; choose a new folder.")
    write_a2d(folder / "a2d", DRAWN)
    torch.manual_seed(0)
    I3D(through="mixed_4f").to_file(folder / "i3d.safetensors", provenance={})
    words = sorted({word for query in read_queries(folder / "a2d") for word in tokenise(query)})
    vectors = np.random.default_rng(0).normal(size=(len(words), 300)).astype("<f4")
    lines = b"".join(word.encode() + b" " + vector.tobytes() for word, vector in zip(words, vectors, strict=True))
    (folder / "words.bin").write_bytes(b"%d 300\n" % len(words) + lines)


def tree(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += tree(int(child))
    return found


def proportional_memory(pid: int) -> int:
    """The bytes of a process, pages that it shares counted in part (PSS)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return 1024 * next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def shared_memory() -> int:
    """The bytes in use in /dev/shm."""
    status = os.statvfs("/dev/shm")
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def watch(command: list[str], out: Path) -> dict[str, Any]:
    """Run a command; by step, and in all, its largest memory and its seconds."""
    process, started, shared = subprocess.Popen(command, cwd=out.parent), time.monotonic(), shared_memory()
    seconds: dict[str, float] = defaultdict(float)
    most: Counter[str] = Counter()
    most_shared, before, step = 0, started, "check"
    while process.poll() is None:
        step = next((STEPS[name] for name in reversed(STEPS) if (out / "a2d" / name).exists()), step)
        with contextlib.suppress(OSError):  # a process may end meanwhile
            most[step] = max(most[step], sum(map(proportional_memory, tree(process.pid))))
        most_shared = max(most_shared, shared_memory() - shared)
        now = time.monotonic()
        seconds[step] += now - before
        before = now
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(process.returncode)
    return {
        "largest memory (MB)": {name: round(size / 1e6) for name, size in most.items()},
        "largest use of /dev/shm (MB)": round(most_shared / 1e6, 1),
        "seconds, which a busy machine lengthens": {name: round(one) for name, one in seconds.items()},
    }


def main(folder: tyro.conf.Positional[Path], /) -> None:
    """Rehearse."""
    folder = folder.resolve()
    prepare(folder)
    given = ["--root", folder / "a2d", "--backbone", folder / "i3d.safetensors", "--words", folder / "words.bin", "--out", folder / "out"]
    command = [sys.executable, "-m", "acga", "reproduce", "a2d", *map(str, given), "--epochs", "1", "--workers", "2"]
    os.environ["PYTHONPATH"] = str(ROOT)
    found = watch(command, folder / "out")
    counts = read_json(folder / "out" / "a2d" / "check.json")["counts"]
    found |= {"release": counts, "about": provenance(seed=0)}
    write_json(ROOT / "results" / "rehearsal.json", found)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    tyro.cli(main)
