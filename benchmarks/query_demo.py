"""How live the query demo is: seconds from a question to its first mask and to the masks of all 16 frames of a drawn clip.

    python benchmarks/query_demo.py               # under a minute on two idle cores

prints a table and writes results/query_demo.json. Wall-clock seconds, because that is what a reader waits for: run it on an idle machine.
The load of the machine when it starts, and the processor's seconds, are kept beside them. Without a browser: what the page adds is in the
browser's hands.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import tyro

from acga.inference import Segmenter
from acga.system.files import write_json
from acga.system.provenance import provenance
from acga.widgets import QueryDemo
from acga.widgets.clips import DRAWN_CLIPS

RESULT = Path(__file__).resolve().parents[1] / "results" / "query_demo.json"
TITLE = "Two men and a dog on a lawn"
WANTED = {"first sentence": 3.0, "further sentence": 0.5}  # seconds to the masks of all frames, on two cores


class Clock:
    """Notes when the page of a demo is told the first mask of a question."""

    def __init__(self, demo: QueryDemo) -> None:
        self.demo = demo
        self.first: float | None = None
        demo.view.send = self.send  # type: ignore[method-assign]

    def send(self, content: dict[str, Any], buffers: list[Any] | None = None) -> None:
        if content["kind"] == "prediction" and self.first is None:
            self.first = time.perf_counter()

    def ask(self, query: str) -> dict[str, float]:
        """Seconds until the first mask and until all are there, and the processor's."""
        self.first = None
        started, processor = time.perf_counter(), time.process_time()
        self.demo.ask(query)
        assert self.demo.wait(600) and self.first is not None, self.demo.view.problem
        ended = time.perf_counter()
        return {"first_mask": self.first - started, "all_masks": ended - started, "processor": time.process_time() - processor}


def main(*, repetitions: int = 5, out: Path = RESULT) -> None:
    """Measure, print and write."""
    segmenter = Segmenter("mini", device="cpu")
    clip = replace(DRAWN_CLIPS[TITLE].draw(), phrasings=())  # none to be asked before the first question
    load = os.getloadavg()[0]
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in WANTED}
    for repetition in range(repetitions + 1):
        demo = QueryDemo(segmenter, {TITLE: lambda: clip})
        demo.wait(60)
        clock = Clock(demo)
        first = clock.ask("white dog on the right")
        further = [clock.ask("man in red walking"), clock.ask("man in green running")]
        if repetition:  # the first one pays for warming up
            measured["first sentence"].append(first)
            measured["further sentence"] += further
    seconds = {name: {part: round(median(run[part] for run in runs), 3) for part in runs[0]} for name, runs in measured.items()}
    for name, parts in seconds.items():
        first_mask, all_masks = parts["first_mask"], parts["all_masks"]
        print(f"{name:18}{first_mask:8.2f} s to the first mask{all_masks:8.2f} s to all {len(clip.frames)} ({WANTED[name]} s wanted)")
    about = {"frames": len(clip.frames), "repetitions": repetitions, "cores": os.cpu_count(), "load_before": round(load, 2)}
    write_json(out, {**provenance(seed=0), **about, "wanted": WANTED, "seconds": seconds})


if __name__ == "__main__":
    tyro.cli(main)
