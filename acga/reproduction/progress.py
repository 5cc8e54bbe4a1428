"""The rest of a reproduction: how much there is to do, and how long it takes by what was measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ..config import ACGAConfig, TrainConfig
from ..model.network import ACGA
from ..training.run import read_log
from ..training.sentences import SentenceObjective


@dataclass
class Progress:
    """The rest of a reproduction: amounts of each kind of work, and the seconds that one of each was measured to take.

    >>> progress = Progress({"frames": 2.0}, {"frames": 1800, "sentences": 10})
    >>> progress.left()
    'left: 1,800 frames 1.0 h; 10 sentences; at least 1.0 h in all'
    >>> progress.rates["sentences"] = 36.0
    >>> progress.left().partition("; ")[2]
    '10 sentences 6.0 min; 1.1 h in all'
    """

    rates: dict[str, float] = field(default_factory=dict)  # seconds each
    amounts: dict[str, int] = field(default_factory=dict)  # still to do

    def left(self) -> str:
        """The rest, in words."""
        parts, total, known = [], 0.0, True
        for name, amount in self.amounts.items():
            seconds = amount * self.rates[name] if name in self.rates else None
            parts += [f"{amount:,} {name}" + ("" if seconds is None else f" {duration(seconds)}")] if amount else []
            total, known = total + (seconds or 0), known and (seconds is not None or not amount)
        return "left: " + "; ".join([*parts, f"{'' if known else 'at least '}{duration(total)} in all"]) if parts else "left: the report"

    @contextmanager
    def measured(self, name: str) -> Iterator[None]:
        """Work on all that is left of a kind, and learn how long one takes."""
        started, amount = time.monotonic(), self.amounts.get(name, 0)
        yield
        if amount:
            self.rates[name] = (time.monotonic() - started) / amount
        self.amounts[name] = 0


def duration(seconds: float) -> str:
    """Seconds in a unit that suits them.

    >>> duration(90), duration(7200), duration(2e5)
    ('1.5 min', '2.0 h', '2.3 days')
    """
    for unit, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.0f} s"


def measure_rates(config: ACGAConfig, recipe: TrainConfig, device: torch.device, *, training: bool = True) -> dict[str, float]:
    """The seconds of a frame through the stem, of a training step, and of a sentence's evaluation, each tried twice with made-up data.

    Without `training`, no step is tried.
    """
    model = ACGA(replace(config, vocabulary_size=2)).to(device)
    objective = SentenceObjective(model, recipe)
    clip = torch.zeros(1, model.backbone.input_channels, config.clip_length, config.size, config.size, device=device)
    seconds = {"frames": _time(lambda: model.features(clip), device)}
    features = model.features(clip)  # (1, C, T/4, h, w)
    batch, tokens = recipe.batch_size, torch.ones(recipe.batch_size, config.max_query_length, dtype=torch.int64, device=device)
    masks = torch.zeros(batch, config.size, config.size, device=device)
    if training:
        seconds["training steps"] = _time(lambda: objective(features.expand(batch, -1, -1, -1, -1), tokens, masks).sum().backward(), device)
    network = objective.network.eval()
    with torch.no_grad():
        seconds["sentences"] = _time(lambda: network.from_features(features, network.embed(tokens[:1])), device)
    return seconds


def _time(work: Callable[[], Any], device: torch.device) -> float:
    """The seconds that work takes when it is done for the second time."""
    seconds = 0.0
    for _ in range(2):
        started = time.monotonic()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = time.monotonic() - started
    return seconds


def last_step(folder: Path) -> int:
    """The last step that the run in a folder has logged, 0 if there is none."""
    return max((entry["step"] for entry in read_log(folder)), default=0)
