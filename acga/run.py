"""What both stages of training share: the order of samples, the schedule, and the folder from which an interrupted run goes on.

Whatever is random is a function of the seed and the step alone, so a run that was killed and resumed ends with the same weights as
an unbroken one (bit for bit, on the same machine with the same number of threads).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from .errors import ConfigError
from .files import atomic_write, read_json, rounded, write_json


class Stateful(Protocol):
    """Modules and optimisers: what a checkpoint holds."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...


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
            with atomic_write(self.folder / "checkpoint.pt") as temporary:
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
            with atomic_write(self.folder / "log.jsonl") as temporary:
                temporary.write_text("".join(kept), encoding="utf-8")
        return saved["step"], saved["values"]


def _difference(name: str, found: Any, wanted: Any) -> str:
    """One line about a setting that differs, down to the field where both are tables.

    >>> _difference("train", {"epochs": 2, "seed": 0}, {"epochs": 3, "seed": 0})
    'train.epochs is 2 there, 3 here'
    """
    if isinstance(found, dict) and isinstance(wanted, dict):
        field = next(field for field in {**found, **wanted} if found.get(field) != wanted.get(field))
        return _difference(f"{name}.{field}", found.get(field), wanted.get(field))
    return f"{name} is {found} there, {wanted} here"
