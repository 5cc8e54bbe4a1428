"""What folding saves: operations, seconds and memory of the network after mixed_4e, folded beside plain.

    python benchmarks/folding.py                  # all cases, about three minutes on two idle cores
    python benchmarks/folding.py --cases mini_training

prints a table and writes results/folding.json. Each of both networks runs in a process of its own, so that peaks of memory are its own.
Seconds are CPU seconds of the process, the median over the repetitions, so that other work on the machine disturbs them little.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import torch
import tyro
from torch.utils.flop_counter import FlopCounterMode

from acga.config import STRIDE, ACGAConfig
from acga.losses import WeightedSegmentationLoss
from acga.model import ACGA, fold
from acga.system.files import write_json
from acga.system.provenance import provenance

RESULT = Path(__file__).resolve().parents[1] / "results" / "folding.json"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One measurement."""

    config: ACGAConfig
    batch: int
    training: bool  # forward, backward, or forward alone
    repetitions: int


CASES = {
    "mini_training": Case(config=ACGAConfig.thin_residual(), batch=16, training=True, repetitions=3),
    "mini_query": Case(config=ACGAConfig.thin_residual(), batch=1, training=False, repetitions=9),
    "paper_query": Case(config=ACGAConfig.paper(), batch=1, training=False, repetitions=3),
    "paper_training": Case(config=ACGAConfig.paper(), batch=1, training=True, repetitions=3),
}


def measure(case: Case, *, folded: bool, seed: int = 0) -> dict[str, Any]:
    """Operations, seconds, peak memory beyond the weights, and the large response's own figures for comparison."""
    torch.manual_seed(seed)  # both kinds get the same weights and inputs
    config, cells = case.config, case.config.size // STRIDE
    model = ACGA(config).train(case.training)
    network = fold(model) if folded else model
    features = torch.rand(case.batch, model.backbone.channels["mixed_4e"], config.clip_length // 4, cells, cells)
    word_vectors = torch.randn(case.batch, config.max_query_length, config.language_width)
    mask, loss = torch.rand(case.batch, config.size, config.size) > 0.9, WeightedSegmentationLoss()
    before = peak_megabytes()

    def run() -> torch.Tensor:
        with torch.set_grad_enabled(case.training):
            responses = network.from_features(features, word_vectors)
        if case.training:
            model.zero_grad()
            loss(responses, mask).backward()
        return responses.large.detach()

    response = run()
    seconds = []
    for _ in range(case.repetitions):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    peak = peak_megabytes()
    with FlopCounterMode(display=False) as counter:
        run()
    return {
        "gigaflop": counter.get_total_flops() / 1e9,
        "cpu_seconds": median(seconds),
        "peak_megabytes": peak - before,
        "largest_logit": response.abs().max().item(),
        "response": response[0, :: config.size // 8, :: config.size // 8].flatten().tolist(),
    }


def peak_megabytes() -> float:
    """The most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare(name: str) -> dict[str, Any]:
    """Both networks of a case, and how they compare."""
    found = {}
    for kind in ("plain", "folded"):
        command = [sys.executable, __file__, "--only", name, kind]
        found[kind] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    responses = [torch.tensor(found[kind].pop("response")) for kind in found]
    logits = [found[kind].pop("largest_logit") for kind in found]
    case = CASES[name]
    return {
        "pixels": case.config.size,
        "batch": case.batch,
        "training": case.training,
        **found,
        "times_fewer_operations": found["plain"]["gigaflop"] / found["folded"]["gigaflop"],
        "times_faster": found["plain"]["cpu_seconds"] / found["folded"]["cpu_seconds"],
        "largest_difference": (responses[0] - responses[1]).abs().max().item() / logits[0],
    }


def main(cases: tuple[str, ...] = tuple(CASES), only: Annotated[tuple[str, str] | None, tyro.conf.arg(help="internal")] = None) -> None:
    """Measure, print and keep the figures; `only` CASE KIND is what each process is given."""
    if only is not None:
        print(json.dumps(measure(CASES[only[0]], folded=only[1] == "folded")))
        return
    results = {name: compare(name) for name in cases}
    print(f"{'case':16}{'':8}{'GFLOP':>10}{'CPU s':>10}{'peak MB':>10}")
    for name, result in results.items():
        for kind in ("plain", "folded"):
            figures = result[kind]
            print(f"{name:16}{kind:8}{figures['gigaflop']:10.1f}{figures['cpu_seconds']:10.3f}{figures['peak_megabytes']:10.0f}")
        print(f"{'':16}{result['times_faster']:.1f} times faster; relative difference {result['largest_difference']:.0e}")
    write_json(RESULT, {**provenance(seed=0), "cases": results})


if __name__ == "__main__":
    tyro.cli(main)
