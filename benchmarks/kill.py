"""Kill commands at random moments, fill their disk, kill their workers: what is run again must end as if nothing had happened.

Six commands on a tiny drawn release, each in a process that is forked from this one. A full disk is a limit to the size of files. Writes
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
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import safetensors.torch  # noqa: E402
import torch  # noqa: E402
from helpers.small import CONFIG, save_small_model, write_clip  # noqa: E402

from acga.cli import main as run_command  # noqa: E402
from acga.config import SynthesisConfig  # noqa: E402
from acga.model.i3d import I3D  # noqa: E402
from acga.synthetic.writer import write_a2d  # noqa: E402
from acga.system.files import write_json  # noqa: E402
from acga.system.provenance import provenance  # noqa: E402

for slow in ("torch._dynamo", *(f"acga.{name}" for name in ("batches", "output", "pretraining", "training", "study.run", "study.summary"))):
    import_module(slow)  # once, before any fork

PATIENCE = 300.0  # seconds that a command may take, on a machine that may be busy
TRAINED_ON = SynthesisConfig(train=6, test=6, sentences=2, frames=16, workers=0)
DRAWN = SynthesisConfig(train=4, test=2, frames=8, workers=0)
CHANGES = [
    "--change",
    *(f"{name}={json.dumps(getattr(CONFIG, name))}" for name in ("size", "backbone_width", "language_width", "vision_widths")),
    f"classifier_widths={json.dumps(CONFIG.classifier_widths)}",
    "vocabulary_size=512",
]
COMPARED = "with unbroken runs, exactly: weights, caches, masks, drawn files, and logs and summaries but for times, dates and commands"
NAMELESS = {"seconds", "hours", "about", "command", "date", "commit"}  # what may differ between two runs


@dataclass(frozen=True)
class Command:
    """A command line, whose output folder is put in at OUT, and what its result is."""

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


def lines(path: Path) -> list[Any]:
    return [timeless(json.loads(line)) for line in path.read_text().splitlines()]


def commands(place: Path) -> dict[str, Command]:
    """The commands, their inputs made in `place`."""
    release, backbone, film = place / "release", place / "backbone.safetensors", write_clip(place / "film.mp4")
    write_a2d(release, TRAINED_ON)
    torch.manual_seed(0)
    I3D(width=CONFIG.backbone_width, through="mixed_4f").to_file(backbone, provenance={})
    model = save_small_model(place / "small.safetensors")
    common = ("--device", "cpu", "--workers", "WORKERS", *CHANGES)
    steps = ("--epochs", "2", "--batch-size", "4", "--precision", "fp32")
    learned = ("--backbone", str(backbone), *common)
    often = ("--checkpoint-every", "1")
    drawn = [word for name in ("train", "test", "frames") for word in (f"--{name}", str(getattr(DRAWN, name)))]
    study = ("--only", "1 fused", "3 fused", "--grid", "resolutions", "--seeds", "1")
    return {
        "extract": Command(
            ("data", "extract", str(release), "--out", "OUT", *learned), lambda out: digests(out, "*.npy", "index.json"), has_workers=True
        ),
        "pretrain": Command(
            ("pretrain", str(release), "--out", "OUT", *steps, *often, *common),
            lambda out: (weights(out / "model.safetensors"), lines(out / "log.jsonl"), digests(out / "clips", "*.npy")),
            has_workers=True,
        ),
        "train": Command(
            ("train", str(release), "--out", "OUT", *steps, *often, *learned),
            lambda out: ([weights(out / f"{name}.safetensors") for name in ("model", "last")], lines(out / "log.jsonl")),
        ),
        "synthesize": Command(
            ("data", "synthesize", "OUT", *drawn, "--workers", "WORKERS"), lambda out: digests(out, "*.*"), has_workers=True
        ),
        "ablate": Command(
            ("ablate", str(release), "--out", "OUT", *study, *steps, *learned),
            lambda out: (lines(out / "runs.jsonl"), json.dumps(timeless(json.loads((out / "summary.json").read_text())))),  # with nan
        ),
        "segment": Command(
            ("segment", str(film), "dog", "man", "--out", "OUT", "--weights", str(model), "--device", "cpu"),
            lambda out: (digests(out, "*.png"), timeless(json.loads((out / "summary.json").read_text()))),
        ),
    }


class Child:
    """A command in a process of its own; what it says is in a file."""

    def __init__(self, command: Command, out: Path, *, workers: int = 0, most: int | None = None) -> None:
        """With `most`, no file may grow beyond so many bytes."""
        places = {"OUT": str(out), "WORKERS": str(workers)}
        arguments = [places.get(word, word) for word in command.arguments]
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
        left = [str(file.relative_to(out)) for file in out.rglob("*.partial")] + [file.name for file in self.place.glob(".*.partial")]
        if left:
            self._note(f"{what}: left behind {left}")

    def _note(self, text: str) -> None:
        self.wrong.append(text)
        print(f"WRONG {text}", flush=True)


def main(kills: int) -> None:
    """Kill each command so many times (the slowest one less often); fill the disk of ten, and kill a worker of ten."""
    torch.set_num_threads(1)
    started, counts = time.monotonic(), {"kill -9": Counter[str](), "full disk": Counter[str](), "killed worker": Counter[str]()}
    with tempfile.TemporaryDirectory() as folder:
        series = Series(Path(folder))
        names = [*series.commands]
        full = [names[number % len(names)] for number in range(10)]
        parallel = [name for name in names if series.commands[name].has_workers]
        jobs = [("kill -9", name, series.kill) for name in names for _ in range(kills if name != "ablate" else kills * 5 // 9)]
        jobs += [("full disk", name, series.fill_disk) for name in full]
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
