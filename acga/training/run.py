"""The skeleton of both stages of training: the folder from which an interrupted run goes on, and the steps that are left to do.

Whatever is random is a function of the seed and the step alone, so a run that was killed and resumed ends with the same weights as
an unbroken one (bit for bit, on the same machine with the same number of threads).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Protocol, TypedDict

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from tqdm import tqdm

from ..errors import AcgaError, ConfigError
from ..options import PretrainOptions, TrainOptions
from ..system.ahead import ahead
from ..system.files import atomic_write, lock_folder, parse_json, read_json, rounded, write_json, write_text, writing
from ..system.schema import Amount, Range, misfit
from .schedule import batch_at, own_share, steps_per_epoch

LOG_EVERY = 20  # steps


class Stateful(Protocol):
    """Modules and optimisers: what a checkpoint holds."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...


class _Entry(TypedDict):
    step: int


class _Checkpoint(TypedDict):
    step: Amount
    seconds: Annotated[float, Range(0)]
    states: dict[str, Any]
    values: dict[str, Any]


class Run:
    """The folder of one training run: `config.json`, `log.jsonl`, `checkpoint.pt` and, at the end, `model.safetensors`.

    Raises `ConfigError` when the folder holds a run with other settings, or another process works on it. Only the first of several
    processes of one run writes.

    >>> import tempfile
    >>> run = Run(tempfile.mkdtemp(), {"epochs": 2})
    >>> run.log(step=1, loss=0.5)
    >>> read_log(run.folder)
    [{'step': 1, 'loss': 0.5}]
    """

    def __init__(self, folder: str | Path, settings: Mapping[str, Any], *, writes: bool = True) -> None:
        self.folder, self.writes = Path(folder), writes
        self.settings: dict[str, Any] = json.loads(json.dumps(settings))  # as they will be read back: tuples become lists
        self.values: dict[str, Any] = {}  # plain values that a checkpoint keeps, such as the best score
        self._started, self._before = time.monotonic(), 0.0
        self._lock = lock_folder(self.folder) if writes else None  # as long as there is a `Run` of the folder in this process
        described = self.folder / "config.json"
        if described.exists():
            found = read_json(described, dict[str, Any])
            different = next((name for name in {**found, **self.settings} if found.get(name) != self.settings.get(name)), None)
            if different is not None:
                difference = _difference(different, found.get(different), self.settings.get(different))
                raise ConfigError(f"{self.folder} holds a run with other settings ({difference}); choose another folder or delete it.")
        elif writes:
            write_json(described, self.settings)

    @property
    def model_path(self) -> Path:
        """The path of the trained weights once the run has ended."""
        return self.folder / "model.safetensors"

    @property
    def seconds(self) -> float:
        """The duration of the run so far, interruptions left out."""
        return self._before + time.monotonic() - self._started

    def log(self, **entry: Any) -> None:
        """Append one line to `log.jsonl`; every entry has a step."""
        if self.writes:
            path = self.folder / "log.jsonl"
            with writing(path), open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(rounded(entry)) + "\n")

    def save_checkpoint(self, step: int, parts: Mapping[str, Stateful]) -> None:
        """Write everything that goes on after `step` steps: the states of `parts`, and `values`.

        Raises `AcgaError` when the disk refuses; the checkpoint before is kept.
        """
        if not self.writes:
            return
        path = self.folder / "checkpoint.pt"
        states = {name: part.state_dict() for name, part in parts.items()}
        with atomic_write(path) as temporary, open(temporary, "wb") as file:
            torch.save({"step": step, "seconds": self.seconds, "states": states, "values": self.values}, file)

    def load_checkpoint(self, parts: Mapping[str, Stateful]) -> int:
        """Fill `parts` and `values` from the checkpoint; gives the number of steps done, 0 if there is no checkpoint.

        Raises `ConfigError` when the file is damaged. Log entries of steps after the checkpoint, which will be done again, are removed.
        """
        path = self.folder / "checkpoint.pt"
        saved: dict[str, Any] = {"step": 0, "seconds": 0.0, "states": {}, "values": {}}
        if path.exists():
            try:
                saved = torch.load(path, map_location="cpu", weights_only=True)
                if misfit(saved, _Checkpoint) is not None:
                    raise ValueError
                for name, part in parts.items():
                    part.load_state_dict(saved["states"][name])
            except Exception as error:  # torch raises RuntimeError, EOFError, UnpicklingError, KeyError … for damaged files
                raise ConfigError(f"{path} is damaged ({type(error).__name__}); delete it to begin this run anew.") from error
        self._started, self._before = time.monotonic(), saved["seconds"]
        if self.writes and (self.folder / "log.jsonl").exists():
            kept = [json.dumps(entry) + "\n" for entry in read_log(self.folder) if entry["step"] <= saved["step"]]
            write_text(self.folder / "log.jsonl", "".join(kept))
        self.values = saved["values"]
        return saved["step"]


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The log of the run in a folder, empty if there is none; a last line that was cut by a kill is left out.

    Raises `ConfigError` when it is damaged.
    """
    path = folder / "log.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    try:
        return [parse_json(line, _Entry) for line in lines]
    except ValueError as error:
        raise ConfigError(f"{path} is damaged ({error}); restore it, or delete it together with checkpoint.pt.") from error


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a run: what it is shown, and where in the run it is.

    >>> step = Step(number=4, steps=12, per_epoch=5, rows=np.array([3, 1]), rng=np.random.default_rng(0))
    >>> step.finished, step.epoch, step.ends_epoch
    (5, 1.0, True)
    """

    number: int  # from 0
    steps: int  # of the whole run
    per_epoch: int  # steps
    rows: np.ndarray  # int64 (B,): which of the training samples are shown to this process
    rng: np.random.Generator  # of this step and process, for augmentation
    is_kept: bool = False  # whether a checkpoint is written after it
    parts: Mapping[str, Stateful] = field(default_factory=dict)  # what learns
    batch: Any = None  # what is shown, once it is loaded

    @property
    def finished(self) -> int:
        """Number of steps done when this one is."""
        return self.number + 1

    @property
    def epoch(self) -> float:
        """Number of epochs done when this step is."""
        return self.finished / self.per_epoch

    @property
    def is_last(self) -> bool:
        """Whether the run ends with this step."""
        return self.finished == self.steps

    @property
    def ends_epoch(self) -> bool:
        """Whether an epoch, or the run, ends with this step."""
        return self.finished % self.per_epoch == 0 or self.is_last


def training_steps(
    run: Run,
    parts: Mapping[str, Stateful],
    options: PretrainOptions | TrainOptions,
    accelerator: Accelerator,
    *,
    samples: int,
    batch_size: int,
    title: str,
    on_step: Callable[[int], None] | None = None,
    draw: Callable[..., np.ndarray] = batch_at,
    load: Callable[[Step], Any] = lambda step: None,
) -> Iterator[Step]:
    """The steps of a run over `samples` training samples, `batch_size` at once, that are still to do, shown by a progress bar.

    An interrupted run goes on: `parts` are filled from its checkpoint before the first step. After a step that ends an epoch, and every
    `checkpoint_every` steps, a new checkpoint is written; then `on_step` is called with the number of steps done. `draw` gives the samples
    of a step (`schedule.batch_at`), `load` its batch, in a thread of its own while the step before is computed.
    """
    recipe = options.recipe
    per_epoch = steps_per_epoch(samples, batch_size)
    steps = max(1, round(recipe.epochs * per_epoch))
    done = run.load_checkpoint(parts)

    def prepare(number: int) -> Step:
        rows = own_share(draw(number, samples, batch_size, seed=recipe.seed), accelerator)
        rng = np.random.default_rng([recipe.seed, number, accelerator.process_index])
        step = Step(number=number, steps=steps, per_epoch=per_epoch, rows=rows, rng=rng, parts=parts)
        step = replace(step, is_kept=step.ends_epoch or step.finished % options.checkpoint_every == 0)
        return replace(step, batch=load(step))

    upcoming = ahead(map(prepare, range(done, steps)), 1)
    for step in tqdm(upcoming, initial=done, total=steps, desc=title, disable=not accelerator.is_main_process):
        yield step
        if step.is_kept:
            run.save_checkpoint(step.finished, parts)
        if on_step is not None:
            on_step(step.finished)


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every group of parameters, times the group's own factor ("rate") if it has one."""
    for group in optimiser.param_groups:
        group["lr"] = group.get("rate", 1.0) * rate


def log_losses(run: Run, step: Step, losses: Tensor, names: Sequence[str], accelerator: Accelerator) -> None:
    """Every `LOG_EVERY` steps, log the named losses (N,), averaged over all processes, and their sum; called after every step.

    Raises `AcgaError` when the training has diverged, before anything of it is written: a loss is no finite number or, after a step that
    is kept, a weight.
    """
    means = accelerator.reduce(losses.detach(), "mean").tolist()
    if not math.isfinite(sum(means)):
        raise AcgaError(_diverged(run, step, f"the loss is {sum(means)}"))
    if step.is_kept and not all(_is_finite(part.state_dict()) for part in step.parts.values()):
        raise AcgaError(_diverged(run, step, "some weights are no finite numbers"))
    if step.finished % LOG_EVERY == 0:
        run.log(step=step.finished, loss=sum(means), **dict(zip(names, means, strict=True)), seconds=run.seconds)


def _diverged(run: Run, step: Step, reason: str) -> str:
    kept = f"the checkpoint and weights in {run.folder} are of before" if (run.folder / "checkpoint.pt").exists() else "nothing was kept"
    return f"The training diverged at step {step.finished} of {step.steps}: {reason}; {kept}; choose a smaller learning_rate."


def _is_finite(state: Any) -> bool:
    """Whether all numbers in tensors are finite, however deep they are in tables and lists."""
    if isinstance(state, Tensor):
        return bool(state.isfinite().all())
    if isinstance(state, Mapping | list | tuple):
        return all(_is_finite(one) for one in (state.values() if isinstance(state, Mapping) else state))
    return True


def _difference(name: str, found: Any, wanted: Any) -> str:
    """One line about a setting that differs, down to the field where both are tables.

    >>> _difference("train", {"epochs": 2, "seed": 0}, {"epochs": 3, "seed": 0})
    'train.epochs is 2 there, 3 here'
    """
    if isinstance(found, dict) and isinstance(wanted, dict):
        field = next(field for field in {**found, **wanted} if found.get(field) != wanted.get(field))
        return _difference(f"{name}.{field}", found.get(field), wanted.get(field))
    return f"{name} is {found} there, {wanted} here"
