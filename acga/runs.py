"""What both stages of training share: the order of samples, the schedule, and the folder from which an interrupted run goes on.

Whatever is random is a function of the seed and the step alone, so a run that was killed and resumed ends with the same weights as
an unbroken one (bit for bit, on the same machine with the same number of threads).
"""

from __future__ import annotations

import json
import math
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator

from .config import Precision
from .devices import choose_device
from .errors import ConfigError
from .weights import written_whole


class Stateful(Protocol):
    """Modules and optimisers: what a checkpoint holds."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Whole batches in `count` samples, at least one; the few samples left over differ from epoch to epoch."""
    return max(1, count // batch_size)


def batch_at(step: int, count: int, batch_size: int, *, seed: int) -> np.ndarray:
    """The samples of one step, int64 (B,): every epoch goes through `count` samples in a new random order.

    >>> np.concatenate([batch_at(step, 6, 2, seed=0) for step in range(3)]).tolist()
    [3, 2, 5, 4, 0, 1]
    """
    epoch, position = divmod(step, steps_per_epoch(count, batch_size))
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return order[position * batch_size : (position + 1) * batch_size]


def own_share(batch: np.ndarray, accelerator: Accelerator) -> np.ndarray:
    """The part of a batch that falls to this process. Raises `ConfigError` when it cannot be shared out evenly."""
    if len(batch) % accelerator.num_processes:
        raise ConfigError(f"{len(batch)} samples cannot be shared out evenly to {accelerator.num_processes} processes; change batch_size.")
    return batch[accelerator.process_index :: accelerator.num_processes]


def cosine_with_warm_up(step: int, steps: int, *, warm_up: float = 0.05) -> float:
    """The share of the full learning rate at a step: linearly up during the first `warm_up` of the run, then down a cosine to zero.

    >>> [round(cosine_with_warm_up(step, 100), 2) for step in (0, 4, 52, 99)]
    [0.2, 1.0, 0.51, 0.0]
    """
    rising = max(1, round(steps * warm_up))
    if step < rising:
        return (step + 1) / rising
    return (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising))) / 2


def choose_accelerator(device: str) -> Accelerator:
    """An `Accelerator` on "auto" (a GPU if there is one), "cpu" or "cuda". Raises `ConfigError` for another name or a missing GPU."""
    choose_device(device)  # refuses what there is not
    return Accelerator(cpu=device == "cpu")


def autocast(precision: Precision, device: torch.device, *, frames: int) -> torch.autocast:
    """The context in which a step computes: as it is, or with the inputs of convolutions and products rounded to bf16.

    Raises `ConfigError` for bf16 on a CPU with clips of fewer than 12 frames: oneDNN's weight gradient of a bf16 3x3x3 convolution is
    wrong (it reads memory that nobody wrote) where a map has two frames, as mixed_4f then has (seen in PyTorch 2.13).
    """
    if precision == "bf16" and device.type == "cpu" and frames < 12:
        raise ConfigError(f"bf16 is unsafe on a CPU with clips of {frames} frames; choose precision fp32, or at least 12 frames.")
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def provenance(**more: Any) -> dict[str, Any]:
    """Where a number or a file of weights comes from: command, commit, versions, and `more`, such as the seed."""
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "commit": _commit(),
        **more,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "threads": torch.get_num_threads(),
        "date": time.strftime("%Y-%m-%d"),
    }


def _commit() -> str | None:
    """The commit this package is at, with a plus sign if its files were changed since; None outside a git repository."""
    package = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(package), *arguments], capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "__init__.py")  # an installed package may lie inside somebody else's repository
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no", "--", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


class Run:
    """The folder of one training run: `config.json`, `log.jsonl`, `checkpoint.pt` and, at the end, `model.safetensors`.

    Raises `ConfigError` when the folder holds a run with other settings. Only the first of several processes writes.

    >>> import tempfile
    >>> run = Run(tempfile.mkdtemp(), {"epochs": 2})
    >>> run.log(step=1, loss=0.5)
    >>> run.entries()
    [{'step': 1, 'loss': 0.5}]
    """

    def __init__(self, folder: str | Path, config: Mapping[str, Any], *, writes: bool = True) -> None:
        self.folder, self.writes = Path(folder), writes
        self._started, self._before = time.monotonic(), 0.0
        config = json.loads(json.dumps(config))  # as it will be read back: tuples become lists
        described = self.folder / "config.json"
        if described.exists():
            found = read_json(described)
            different = next((name for name in {**found, **config} if found.get(name) != config.get(name)), None)
            if different is not None:
                difference = _difference(different, found.get(different), config.get(different))
                raise ConfigError(f"{self.folder} holds a run with other settings ({difference}); choose another folder or delete it.")
        elif writes:
            write_json(described, config)

    @property
    def model_path(self) -> Path:
        """Where the trained weights are saved when the run has ended."""
        return self.folder / "model.safetensors"

    @property
    def seconds(self) -> float:
        """How long the run has taken, from before an interruption on."""
        return self._before + time.monotonic() - self._started

    def log(self, **entry: Any) -> None:
        """Append one line to `log.jsonl`; every entry has a step."""
        if self.writes:
            with open(self.folder / "log.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps(rounded(entry)) + "\n")

    def entries(self) -> list[dict[str, Any]]:
        """What was logged so far; a last line that was cut by a kill is left out."""
        path = self.folder / "log.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    def save_checkpoint(self, step: int, parts: Mapping[str, Stateful], **values: Any) -> None:
        """Write everything that goes on after `step` steps: the states of `parts`, and plain `values`."""
        if self.writes:
            states = {name: part.state_dict() for name, part in parts.items()}
            with written_whole(self.folder / "checkpoint.pt") as temporary:
                torch.save({"step": step, "seconds": self.seconds, "states": states, "values": values}, temporary)

    def load_checkpoint(self, parts: Mapping[str, Stateful]) -> tuple[int, dict[str, Any]]:
        """Fill `parts` from the checkpoint; gives the number of steps done and the plain values (0 and {} if there is no checkpoint).

        Raises `ConfigError` when the file is damaged. Log entries of steps after the checkpoint, which will be done again, are removed.
        """
        path = self.folder / "checkpoint.pt"
        saved: dict[str, Any] = {"step": 0, "seconds": 0.0, "states": {}, "values": {}}
        if path.exists():
            try:
                saved = torch.load(path, map_location="cpu", weights_only=True)
                for name, part in parts.items():
                    part.load_state_dict(saved["states"][name])
            except Exception as error:  # torch raises RuntimeError, EOFError, UnpicklingError, KeyError … for damaged files
                raise ConfigError(f"{path} is damaged ({type(error).__name__}); delete it to begin this run anew.") from error
        self._started, self._before = time.monotonic(), saved["seconds"]
        if self.writes and (self.folder / "log.jsonl").exists():
            kept = [json.dumps(entry) + "\n" for entry in self.entries() if entry["step"] <= saved["step"]]
            with written_whole(self.folder / "log.jsonl") as temporary:
                temporary.write_text("".join(kept), encoding="utf-8")
        return saved["step"], saved["values"]


def rounded(value: Any, digits: int = 6) -> Any:
    """Plain values with their floats rounded, as they are written to logs and results.

    >>> rounded({"loss": 0.123456789, "steps": [1]})
    {'loss': 0.123457, 'steps': [1]}
    """
    if isinstance(value, Mapping):
        return {name: rounded(inner, digits) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner, digits) for inner in value]
    return round(value, digits) if isinstance(value, float) else value


def _difference(name: str, found: Any, wanted: Any) -> str:
    """One line about a setting that differs, down to the field where both are tables.

    >>> _difference("train", {"epochs": 2, "seed": 0}, {"epochs": 3, "seed": 0})
    'train.epochs is 2 there, 3 here'
    """
    if isinstance(found, dict) and isinstance(wanted, dict):
        field = next(field for field in {**found, **wanted} if found.get(field) != wanted.get(field))
        return _difference(f"{name}.{field}", found.get(field), wanted.get(field))
    return f"{name} is {found} there, {wanted} here"


def read_json(path: Path) -> Any:
    """A JSON file. Raises `ConfigError` when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as JSON ({error}); delete it or restore it.") from error


def write_json(path: Path, content: Any, *, indent: int | None = 1) -> None:
    """Write a JSON file, whole or not at all; its folder is made as needed. Long lists take a line a number unless `indent` is None."""
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=indent) + "\n", encoding="utf-8")
