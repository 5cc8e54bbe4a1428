"""Kill commands at random moments, fill their disk, kill their workers: what is run again must end as if nothing had happened.

Eight commands on a tiny drawn release, each in a process that is forked from this one. A full disk is a limit to the size of files. Writes
the counts to results/kill.json. Run from the root of a clone: python benchmarks/kill.py [kills of each command]
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import safetensors.torch  # noqa: E402
import torch  # noqa: E402
import torch._dynamo  # noqa: E402
from helpers.small import CONFIG, save_small_model, small_model, spelled, write_clip, write_words  # noqa: E402

# What commands import is imported once, before any fork.
import acga.output.segmentation  # noqa: E402
import acga.reproduction.steps  # noqa: E402
import acga.study.run  # noqa: E402
import acga.study.summary  # noqa: E402
import acga.training.pretraining  # noqa: E402, F401
from acga.cli import main as run_command  # noqa: E402
from acga.config import SynthesisConfig  # noqa: E402
from acga.data.releases import read_queries  # noqa: E402
from acga.data.text import tokenise  # noqa: E402
from acga.synthetic.writer import write_a2d  # noqa: E402
from acga.system.files import write_json  # noqa: E402
from acga.system.provenance import provenance  # noqa: E402

PATIENCE = 300.0  # seconds that a command may take, on a machine that may be busy
TRAINED_ON = SynthesisConfig(train=6, test=6, sentences=2, frames=16, workers=0)
DRAWN = SynthesisConfig(train=4, test=2, frames=8, workers=0)
CHANGES = spelled(replace(CONFIG, vocabulary_size=512))
COMPARED = "with unbroken runs, exactly: weights, caches, masks, drawn files, and logs and results but for times, dates and commands"
NAMELESS = {"seconds", "hours", "about", "command", "date", "commit"}  # what may differ between two runs


@dataclass(frozen=True)
class Command:
    """A command line, into which the output folder {out} and the number of {workers} are put, and what its result is."""

    arguments: tuple[str, ...]
    result: Callable[[Path], Any]
    has_workers: bool = False


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digests(folder: Path, *patterns: str) -> dict[str, str]:
    """The digest of each file by its name."""
    return {str(file.relative_to(folder)): digest(file) for pattern in patterns for file in sorted(folder.rglob(pattern))}


def weights(path: Path) -> dict[str, list[float]]:
    return {name: value.flatten().tolist() for name, value in safetensors.torch.load_file(path).items()}


def timeless(value: Any) -> Any:
    """Plain values without what may differ."""
    if isinstance(value, Mapping):
        return {name: timeless(inner) for name, inner in value.items() if name not in NAMELESS}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


def read(path: Path) -> Any:
    return timeless(json.loads(path.read_text()))


def lines(path: Path) -> list[Any]:
    return [timeless(json.loads(line)) for line in path.read_text().splitlines()]


def commands(place: Path) -> dict[str, Command]:
    """The commands, their inputs made in `place`."""
    release, backbone, film = place / "release", place / "backbone.safetensors", write_clip(place / "film.mp4")
    write_a2d(release, TRAINED_ON)
    small_model().backbone.to_file(backbone)
    model = save_small_model(place / "small.safetensors")
    words = write_words(place / "words.bin", sorted({word for query in read_queries(release) for word in tokenise(query)}))
    parallel = ("--device", "cpu", "--workers", "{workers}")
    common = (*parallel, *CHANGES)
    steps = ("--epochs", "2", "--batch-size", "4", "--precision", "fp32")
    learned = ("--backbone", str(backbone), *common)
    often = ("--checkpoint-every", "1")
    drawn = [word for name in ("train", "test", "frames") for word in (f"--{name}", str(getattr(DRAWN, name)))]
    study = ("--only", "1 fused", "3 fused", "--grid", "resolutions", "--seeds", "1")
    return {
        "extract": Command(
            ("data", "extract", str(release), "--out", "{out}", *learned), lambda out: digests(out, "*.npy", "index.json"), has_workers=True
        ),
        "pretrain": Command(
            ("pretrain", str(release), "--out", "{out}", *steps, *often, *common),
            lambda out: (weights(out / "model.safetensors"), lines(out / "log.jsonl"), digests(out / "clips", "*.npy")),
            has_workers=True,
        ),
        "train": Command(
            ("train", str(release), "--out", "{out}", *steps, *often, *learned),
            lambda out: ([weights(out / f"{name}.safetensors") for name in ("model", "last")], lines(out / "log.jsonl")),
        ),
        "synthesize": Command(
            ("data", "synthesize", "{out}", *drawn, "--workers", "{workers}"), lambda out: digests(out, "*.*"), has_workers=True
        ),
        "ablate": Command(
            ("ablate", str(release), "--out", "{out}", *study, *steps, *learned),
            lambda out: (lines(out / "runs.jsonl"), json.dumps(read(out / "summary.json"))),  # with nan
        ),
        "segment": Command(
            ("segment", str(film), "dog", "man", "--overwrite", "--out", "{out}", "--weights", str(model), "--device", "cpu"),
            lambda out: (digests(out, "*.png"), read(out / "summary.json")),
        ),
        "evaluate": Command(
            (
                "evaluate",
                str(release),
                "--out",
                "{out}/result.json",
                "--weights",
                str(model),
                "--masks",
                "{out}",
                "--features",
                "{out}/features",
                *parallel,
            ),
            lambda out: (read(out / "result.json"), digests(out, "predictions.json", "targets.json", "*.npy")),
            has_workers=True,
        ),
        "reproduce": Command(
            ("reproduce", "a2d", "--root", str(release), "--out", "{out}", "--words", str(words), "--epochs", "1", *learned),
            lambda out: (
                weights(out / "a2d/training/last.safetensors"),
                [read(out / f"a2d/{name}.json") for name in ("check", "words", "result", "report")],
                digests(out, "words.bin", "predictions.json", "targets.json", "worst/*.png"),
            ),
            has_workers=True,
        ),
    }


class Child:
    """A command in a process of its own; what it says is in a file."""

    def __init__(self, command: Command, out: Path, *, workers: int = 0, most: int | None = None) -> None:
        """With `most`, no file may grow beyond so many bytes."""
        arguments = [word.format(out=out, workers=workers) for word in command.arguments]
        self.said = out.with_name(f"{out.name}.log")
        self.process = os.fork()
        if self.process == 0:
            self._run(arguments, most)

    def _run(self, arguments: list[str], most: int | None) -> None:
        code = 1
        try:
            said = os.open(self.said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(said, 1)
            os.dup2(said, 2)
            if most is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            code = run_command(arguments)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def wait(self, seconds: float = PATIENCE) -> int | None:
        """The exit code, negative for a signal; None if it runs on, after which it is killed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ended, status = os.waitpid(self.process, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        self.kill()
        return None

    def kill(self) -> bool:
        """Kill it as nothing can be caught; whether it was still running."""
        ended, _ = os.waitpid(self.process, os.WNOHANG)
        if ended:
            return False
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        return True

    def workers(self) -> list[int]:
        """The processes that it has started to work for it."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.process and b"spawn_main" in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:  # it has just ended
                pass
        return found

    def is_one_sentence(self) -> bool:
        """Whether it ended with an error in one line of at most 300 letters."""
        last = self.said.read_text(errors="replace").replace("\r", "\n").splitlines()[-1:]
        return bool(last) and last[0].startswith("acga: error: ") and len(last[0]) <= 300 + len("acga: error: ")


class Series:
    """All that is done to the commands."""

    def __init__(self, place: Path) -> None:
        self.place, self.rng = place, random.Random(0)
        self.commands = commands(place)
        self.right: dict[str, Any] = {}
        self.seconds: dict[str, float] = {}
        self.largest: dict[str, int] = {}  # file of the result, in bytes
        self.wrong: list[str] = []
        for name, command in self.commands.items():
            out, started = place / f"{name} unbroken", time.monotonic()
            code = Child(command, out).wait()
            assert code == 0, out.with_name(f"{out.name}.log").read_text()
            self.seconds[name] = time.monotonic() - started
            self.right[name] = command.result(out)
            self.largest[name] = max(file.stat().st_size for file in out.rglob("*") if file.is_file())
            print(f"{name}: {self.seconds[name]:.1f} s unbroken", flush=True)

    def kill(self, name: str) -> None:
        """Kill a command once, or twice, at random moments."""
        out = self.place / "killed"
        while True:
            shutil.rmtree(out, ignore_errors=True)
            child = Child(self.commands[name], out)
            time.sleep(self.rng.uniform(0, self.seconds[name]))
            if child.kill():
                break  # otherwise it had ended
        self._finish(f"kill -9 {name}", name, out)

    def fill_disk(self, name: str) -> None:
        """Let a command find no room for some file."""
        out = self.place / "full"
        shutil.rmtree(out, ignore_errors=True)
        child = Child(self.commands[name], out, most=self.rng.randrange(1, self.largest[name]))
        code = child.wait()
        if code != 2 or not child.is_one_sentence():
            self._note(f"full disk {name}: exit code {code}: {child.said.read_text(errors='replace')[-300:]}")
        self._finish(f"full disk {name}", name, out)

    def kill_worker(self, name: str) -> None:
        """Kill a worker of a command."""
        out = self.place / "without a worker"
        shutil.rmtree(out, ignore_errors=True)
        child, end = Child(self.commands[name], out, workers=2), time.monotonic() + PATIENCE
        while not (workers := child.workers()) and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(self.rng.uniform(0, 1))
        workers = child.workers() or workers
        os.kill(self.rng.choice(workers), signal.SIGKILL)
        code = child.wait()
        if code != 0 and (code != 2 or not child.is_one_sentence()):  # 0: it had no more to do
            self._note(f"killed worker {name}: exit code {code}: {child.said.read_text(errors='replace')[-300:]}")
        self._finish(f"killed worker {name}", name, out)

    def _finish(self, what: str, name: str, out: Path) -> None:
        """Run a command again, and compare its result with the right one."""
        child = Child(self.commands[name], out)
        code = child.wait()
        if code != 0:
            self._note(f"{what}: run again, exit code {code}: {child.said.read_text(errors='replace')[-300:]}")
        elif self.commands[name].result(out) != self.right[name]:
            self._note(f"{what}: run again, another result")
        partial = [*out.rglob("*.partial"), *out.rglob("*.part-0"), *self.place.glob(".*.partial")]
        left = [str(file.relative_to(self.place)) for file in partial]
        if left:
            self._note(f"{what}: left behind {left}")

    def _note(self, text: str) -> None:
        self.wrong.append(text)
        print(f"WRONG {text}", flush=True)


def main(kills: int) -> None:
    """Kill each command so many times; fill its disk three times, and kill a worker of ten."""
    torch.set_num_threads(1)
    started, counts = time.monotonic(), {"kill -9": Counter[str](), "full disk": Counter[str](), "killed worker": Counter[str]()}
    with tempfile.TemporaryDirectory() as folder:
        series = Series(Path(folder))
        names = [*series.commands]
        parallel = [name for name in names if series.commands[name].has_workers]
        jobs = [("kill -9", name, series.kill) for name in names for _ in range(kills)]
        jobs += [("full disk", name, series.fill_disk) for name in names for _ in range(3)]
        jobs += [("killed worker", parallel[number % len(parallel)], series.kill_worker) for number in range(10)]
        for what, name, harm in jobs:
            harm(name)
            counts[what][name] += 1
            print(what, name, counts[what][name], flush=True)
            about = provenance(seconds=round(time.monotonic() - started), compared=COMPARED)
            write_json(ROOT / "results" / "kill.json", {"about": about, "counts": counts, "wrong": series.wrong})
    print(f"{len(jobs)} times, {len(series.wrong)} of them went wrong.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
