"""Try thousands of damaged inputs on every reader and option: none may end in a traceback, hang, or take more than 1 GB.

Each group has seeded cases (tests/helpers/fuzzing.py), tried in a child process that is replaced when it hangs or dies. Writes counts by
group to results/fuzz.json. Run from the root of a clone: python benchmarks/fuzz.py [cases of each group [group ...]], where the counts of
groups that are not named stay.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from helpers.fuzzing import GROUPS, SECONDS, serve  # noqa: E402
from helpers.releases import write_a2d, write_jhmdb  # noqa: E402

from acga.system.files import read_json, write_json  # noqa: E402
from acga.system.provenance import provenance  # noqa: E402

START = 300.0  # seconds in which a child must be ready
PATIENCE = 4 * SECONDS  # by the clock, on a machine that may be busy


class Child:
    """A process that tries cases, started again when it hangs or dies."""

    def __init__(self, folder: Path) -> None:
        self.arguments = (folder / "work", write_a2d(folder / "a2d"), write_jhmdb(folder / "jhmdb"))
        self.process: BaseProcess | None = None
        self.connection: Connection[Any, Any]

    def try_case(self, group: str, number: int) -> str:
        """How a case ends."""
        if self.process is None or not self.process.is_alive():
            self._start()
        try:
            self.connection.send((group, number))
            if not self.connection.poll(PATIENCE):
                self._stop()
                return f"hang: more than {PATIENCE:g} s"
            return self.connection.recv()[0]
        except (EOFError, OSError):
            self._stop()
            return "died: the process ended"

    def _start(self) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, *self.arguments))  # no daemon: those may have no workers
        self.process.start()
        theirs.close()
        if not self.connection.poll(START):
            raise RuntimeError("The child process does not start.")
        self.connection.recv()

    def _stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()


def main(cases: int, chosen: Sequence[str] = GROUPS) -> None:
    """Try so many cases of each chosen group."""
    started, path = time.monotonic(), ROOT / "results" / "fuzz.json"
    kept = {} if set(chosen) >= set(GROUPS) else read_json(path)
    groups = {name: ends for name, ends in kept.get("groups", {}).items() if name not in chosen}
    wrong = [text for text in kept.get("wrong", []) if text.partition(" ")[0] not in chosen]
    with tempfile.TemporaryDirectory() as folder:
        child = Child(Path(folder))
        for group in chosen:
            ends: Counter[str] = Counter()
            for number in range(cases):
                end = child.try_case(group, number)
                ends[end.partition(":")[0]] += 1
                if end not in ("read", "refused"):
                    wrong.append(f"{group} {number}: {end}")
                    print(wrong[-1], flush=True)
            groups[group] = dict(sorted(ends.items()))
            print(group, groups[group], flush=True)
        child._stop()
    total = sum(sum(ends.values()) for ends in groups.values())
    about = provenance(
        inputs=total, seconds=round(time.monotonic() - started), limits={"seconds of a processor": SECONDS, "added memory in MB": 1024}
    )
    write_json(path, {"about": about, "groups": groups, "wrong": wrong})
    print(f"{total} inputs, {len(wrong)} of them went wrong.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400, sys.argv[2:] or GROUPS)
