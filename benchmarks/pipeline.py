"""A small model of the benchmark's pipeline: what waits for what on one GPU and on eight, and how long A2D Sentences takes.

    python benchmarks/pipeline.py [--gpu-teraflops 30] [--copy-gigabytes 12] [--workers 8]

Decoding and reading are measured here, on one core; operations are counted; what a GPU does in a second and what the bus carries are
assumptions, as no GPU was at hand. A step takes as long as its slowest stage, since all stages work at the same time. Training shares
four sentences a step, so more than four GPUs do not help it. Writes results/pipeline.json.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import tyro
from torch.utils.flop_counter import FlopCounterMode

from acga.config import ACGAConfig, SynthesisConfig
from acga.data.a2d import A2DSentences
from acga.losses import WeightedSegmentationLoss
from acga.metrics import SegmentationMetrics, binarise, round_trip
from acga.model import ACGA, fold
from acga.synthetic.writer import write_a2d
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance

RESULT = Path(__file__).resolve().parents[1] / "results" / "pipeline.json"
# A2D Sentences: 3,754 videos with about 3.1 annotated frames (docs/PROTOCOL.md). A sample is a sentence in an annotated frame: 18,840, as
# the official features of all have 163 GB in fp32 (docs/PAPER.md), of which 1,295 sentences in 3.1 frames are for testing.
FRAMES, TRAINING_SAMPLES, TEST_SAMPLES, EPOCHS = 11_800, 14_700, 4_100, 12
LARGEST_SHARE = {"extraction": 8, "training": 4, "evaluation": 8}  # GPUs that can work side by side


@dataclass(frozen=True)
class Stage:
    """What one item costs in one place."""

    seconds: float  # of one item
    places: int  # that work side by side

    @property
    def pace(self) -> float:
        """Seconds between two items."""
        return self.seconds / self.places


def slowest(stages: dict[str, Stage]) -> tuple[str, float]:
    """The stage that all others wait for, and its pace.

    >>> slowest({"decode": Stage(0.1, 8), "compute": Stage(0.02, 1)})
    ('compute', 0.02)
    """
    name = max(stages, key=lambda name: stages[name].pace)
    return name, stages[name].pace


def operations() -> dict[str, float]:
    """Counted floating-point operations of the published network: of a clip's stem, of a query, of a training step of four sentences."""
    config = ACGAConfig.paper()
    with torch.device("meta"):
        network = fold(ACGA(config))
        clip = torch.empty(1, 3, config.clip_length, config.size, config.size)
        features = torch.empty(4, 528, config.clip_length // 4, config.size // 16, config.size // 16)
        words, mask = torch.empty(4, config.max_query_length, config.language_width), torch.empty(4, config.size, config.size)

        def train() -> None:
            WeightedSegmentationLoss()(network.from_features(features, words), mask).backward()

        @torch.no_grad()
        def query() -> None:
            network.from_features(features[:1], words[:1])

        query()  # which composes the decoder's kernels; evaluation keeps them from query to query
        runs: dict[str, Callable[[], object]] = {"stem": lambda: network.features(clip), "query": query, "training step": train}
        found = {}
        for name, run in runs.items():
            with FlopCounterMode(display=False) as counter:
                run()
            found[name] = float(counter.get_total_flops())
    return found


def typical(run: Callable[[], object], times: int = 9) -> float:
    """CPU seconds, the median of several."""
    run()
    seconds = []
    for _ in range(times):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return median(seconds)


def measured() -> dict[str, float]:
    """CPU seconds for each clip of a video, decoded once, in squares of 512 pixels, and to read a frame's features of 4.33 MB."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        write_a2d(Path(folder) / "a2d", SynthesisConfig(train=0, test=2, frames=100, edition=2, workers=0))
        unread = iter([A2DSentences(Path(folder) / "a2d", "test", size=512, clip_length=16) for _ in range(10)])  # none keeps a video yet

        def clips() -> None:
            dataset = next(unread)
            first = dataset.annotated_frames[0][0]
            for video_id, frame in dataset.annotated_frames:
                if video_id == first:
                    dataset.clip_pixels(video_id, frame)

        decode = typical(clips) / 3  # annotated frames of a video
        path = Path(folder) / "features.npy"
        np.save(path, np.zeros((64, 528, 4, 32, 32), np.float16))
        rows = iter(np.random.default_rng(0).integers(0, 64, 1000))
        read = typical(lambda: np.array(np.load(path, mmap_mode="r")[next(rows)]))
    response, mask = torch.randn(512, 512), np.ones((320, 480), bool)  # videos of A2D Sentences are 320 pixels high
    score = typical(lambda: SegmentationMetrics().update(binarise(response, mask.shape), round_trip(mask, 512)))
    return {"decode a clip": decode, "read the features of a frame": read, "score an answer": score}


def main(*, gpu_teraflops: float = 30.0, copy_gigabytes: float = 12.0, workers: int = 8) -> None:
    """Model."""
    seconds, flop = measured(), operations()
    clip_bytes, feature_bytes = 16 * 512 * 512 * 3, 528 * 4 * 32 * 32 * 2

    def from_features(frames: int, counted: str) -> dict[str, tuple[float, bool]]:
        """The stages of what begins with the features of so many frames: seconds, and whether GPUs share them."""
        return {
            "read": (frames * seconds["read the features of a frame"] / workers, False),
            "copy": (frames * feature_bytes / copy_gigabytes / 1e9, True),
            "compute": (flop[counted] / gpu_teraflops / 1e12, True),
        }

    of_answers = {**from_features(1, "query"), "score": (seconds["score an answer"], True)}  # each process scores its own
    of_clips = {
        "decode": (seconds["decode a clip"] / workers, False),
        "copy": (clip_bytes / copy_gigabytes / 1e9, True),
        "compute": (flop["stem"] / gpu_teraflops / 1e12, True),
    }
    work = {  # items, what one is, and its stages
        "extraction": (FRAMES, "a clip", of_clips),
        "training": (EPOCHS * TRAINING_SAMPLES // 4, "a step of four sentences", from_features(4, "training step")),
        "evaluation": (TEST_SAMPLES, "a sentence about a frame", of_answers),
    }
    found: dict[str, Any] = {}
    for gpus in (1, 8):
        total, rows = 0.0, {}
        for step, (items, what, costs) in work.items():
            shared = min(gpus, LARGEST_SHARE[step])
            stages = {name: Stage(cost, shared if of_gpus else 1) for name, (cost, of_gpus) in costs.items()}
            name, pace = slowest(stages)
            rows[step] = {
                "items": items,
                "an item": what,
                "milliseconds between two items, by stage": {stage: 1000 * of.pace for stage, of in stages.items()},
                "waits for": name,
                "minutes": items * pace / 60,
            }
            total += items * pace / 60
        found["one GPU" if gpus == 1 else f"{gpus} GPUs"] = {**rows, "minutes in all": total}
    assumed = {"TFLOP/s of a GPU": gpu_teraflops, "GB/s to a GPU": copy_gigabytes, "workers": workers}
    write_json(RESULT, rounded({**provenance(), "assumed": assumed, "measured (CPU seconds)": seconds, "counted (FLOP)": flop, **found}))
    print(json.dumps(rounded({"assumed": assumed, "measured": seconds, "counted": flop, **found}), indent=1))


if __name__ == "__main__":
    tyro.cli(main)
