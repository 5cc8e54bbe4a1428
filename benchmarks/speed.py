"""Seconds, operations and memory of the published network in its official form beside ours, and of the default on film.

    python benchmarks/speed.py        # about eight minutes on two idle cores; with --default-alone one

The official form is our plain network, which equals the official code (tests/golden). Ours has a compiled stem and is folded; once more, it
rounds the inputs of convolutions and products to bf16, with the stem as it is. All are measured in one process, in turn, five times each;
shown are medians and the range. The speed of a product of large matrices is measured before, peaks of memory in a process of their own.
Writes results/speed.json.
"""

from __future__ import annotations

import copy
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import torch
import tyro
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

from acga.config import COORDINATES, STRIDE, ACGAConfig
from acga.inference import ClipSession, Segmenter, load, sliding_clips
from acga.losses import WeightedSegmentationLoss
from acga.metrics import intersection_over_union
from acga.model import ACGA, fold, folding
from acga.model.attention import LanguageGuidedVisionAttention
from acga.synthetic.samples import LIT_QUERIES, LIT_SCENE, write_clip
from acga.system.computing import CompiledStem, autocast, channels_last
from acga.system.files import read_json, rounded, write_json
from acga.system.provenance import provenance

RESULT = Path(__file__).resolve().parents[1] / "results" / "speed.json"
ROUNDS = 5
# No training step in bf16: on a CPU its backward pass at these widths had not ended after twelve minutes (PyTorch 2.13).
FORMS = {
    "stem": ("official form", "ours", "ours, bf16"),
    "query": ("official form", "ours", "ours, bf16"),
    "training step": ("official form", "ours"),
}
SEVERAL = "four sentences"  # at once: whose memory strips keep small
WHOLE_MAPS = "ours, whole maps"
CPU_ATTENTION = {  # eq. 8 in one step, of which PyTorch's counter knows the kernels for GPUs alone
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: lambda *shapes, **_: sdpa_flop_count(*shapes[:3]),
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: lambda *shapes, **_: sdpa_backward_flop_count(*shapes[:4]),
}


class Published:
    """The published network at 16 x 512 x 512 with random weights, in both forms, and what it is asked."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.config = ACGAConfig.paper()
        self.plain = ACGA(self.config).eval()
        self.official_stem = copy.deepcopy(self.plain.backbone.stem)  # channels first, as PyTorch's default is
        channels_last(self.plain.backbone)
        self.folded = {form: fold(self.plain).eval() for form in ("ours", "ours, bf16")}  # each keeps the kernels that it composed
        self.compiled = CompiledStem(self.plain.backbone.stem)
        clip = torch.rand(1, 3, self.config.clip_length, self.config.size, self.config.size) * 2 - 1
        self.clip = clip.contiguous(memory_format=torch.channels_last_3d)
        self.words = torch.randn(1, self.config.max_query_length, self.config.language_width)
        self.mask = torch.rand(1, self.config.size, self.config.size) > 0.9
        self.features = torch.rand(1, 528, self.config.clip_length // 4, self.config.size // 16, self.config.size // 16)
        self.loss = WeightedSegmentationLoss()

    def run(self, part: str, form: str) -> None:
        """Compute one part in one form."""
        network = self.folded.get(form.removesuffix(", whole maps"), self.plain)
        with autocast("bf16" if form == "ours, bf16" else "fp32", torch.device("cpu"), clip_length=self.config.clip_length):
            if part == "stem":
                with torch.no_grad():
                    if form == "official form":
                        self.official_stem(self.clip.contiguous())
                    else:
                        (self.compiled if form == "ours" else self.plain.backbone.stem)(self.clip)
            elif part in ("query", SEVERAL):
                many = 4 if part == SEVERAL else 1
                folding.STRIP = sys.maxsize if form == WHOLE_MAPS else folding.STRIP
                with torch.inference_mode():
                    network.from_features(self.features, self.words.expand(many, -1, -1), torch.zeros(many, dtype=torch.int64))
            else:
                network.train()
                self.plain.zero_grad()
                self.loss(network.from_features(self.features, self.words), self.mask).backward()
                network.eval()


def timed(run: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def in_turn(runs: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Seconds of each, one after the other in every round, after a round that does not count."""
    for run in runs.values():
        run()
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(timed(run))
    return found


def summary(seconds: list[float]) -> dict[str, float]:
    """The median and the range."""
    return {"median": median(seconds), "least": min(seconds), "most": max(seconds)}


def product_speed(side: int = 2048) -> float:
    """GFLOP/s of a product of two matrices in single precision."""
    one, other = torch.rand(side, side), torch.rand(side, side)
    return 2 * side**3 / min(in_turn({"product": lambda: one @ other})["product"]) / 1e9


def published() -> dict[str, Any]:
    """Both forms of every part: seconds and operations; beside them the speed of a product of matrices."""
    network, found, product = Published(), {}, product_speed()
    for part, forms in FORMS.items():
        runs = {form: partial(network.run, part, form) for form in forms}
        for form, seconds in in_turn(runs, rounds=3 if part == "training step" else ROUNDS).items():
            # A compiled stem has the plain one's operations, and bf16 those of fp32.
            with FlopCounterMode(display=False, custom_mapping=CPU_ATTENTION) as counter:
                network.run(part, "official form" if part == "stem" else form.removesuffix(", bf16"))
            billions = counter.get_total_flops() / 1e9
            found[f"{part}, {form}"] = {**summary(seconds), "GFLOP": billions}
    shares = step_shares(network)
    return {"speed of a product of matrices (GFLOP/s)": product, "seconds": found, "shares of a training step": shares}


def step_shares(network: Published) -> dict[str, dict[str, float]]:
    """Where a training step's seconds go, by kind of operation, as shares of the time inside operations."""
    kinds = {
        "convolutions, backward": ("convolution_backward",),
        "convolutions, forward": ("convolution", "conv3d"),
        "products": ("mm", "attention"),
    }
    found = {}
    for form in FORMS["training step"]:
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            network.run("training step", form)
        left = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
        whole, shares = sum(left.values()), {}
        for kind, parts in kinds.items():
            own = [key for key in left if any(part in key for part in parts)]
            shares[kind] = sum(left.pop(key) for key in own) / whole
        found[form] = shares | {"the rest": sum(left.values()) / whole}
    return found


def peak_memory() -> dict[str, float]:
    """The most memory (MB) of a process that does one thing alone, the network's weights and Python included."""
    found = {}
    for part, forms in (FORMS | {SEVERAL: ("ours", WHOLE_MAPS)}).items():
        for form in forms:
            command = [sys.executable, __file__, "--only", part, form]
            found[f"{part}, {form}"] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])
    return found


def default_network() -> dict[str, Any]:
    """The embedded default: a new process to the first masks, a further sentence, and a frame of a film with and without sharing."""
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "clip.mp4"
        write_clip(film, LIT_SCENE)
        query, further = list(LIT_QUERIES)[:2]
        command = [sys.executable, "-m", "acga", "segment", str(film), query, "--out", str(Path(folder) / "out"), "--overwrite"]
        process = [timed(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(3)]
        segmenter = Segmenter("mini", device="cpu")
        frames = np.stack([result.frame for result in segmenter.stream(film, [query])])
    session = ClipSession.from_frames(segmenter, frames)
    first = timed(lambda: session.predict([query], [8]))
    rounded_session = ClipSession.from_frames(Segmenter("mini", device="cpu", precision="bf16"), frames)
    rounded_session.predict([query], [7])
    first_rounded = timed(lambda: rounded_session.predict([query], [8]))
    same = intersection_over_union(session.mask(query, 8), rounded_session.mask(query, 8))
    again = [timed(partial(session.predict, [f"{further} {'very ' * number}"], [8])) for number in range(ROUNDS)]
    clips = [clip for _, clip in sliding_clips(frames, size=segmenter.config.size)]

    def stem(*, shared: bool) -> None:
        features = segmenter.clip_features()
        for clip in clips:
            for of_size in features if shared else segmenter.clip_features():
                of_size.of([clip])

    stems = in_turn({"each clip alone": partial(stem, shared=False), "shared": partial(stem, shared=True)}, rounds=3)
    per_frame = {name: summary([value / len(clips) for value in seconds]) for name, seconds in stems.items()}
    return {
        f"a new process, {len(frames)} frames segmented": summary(process),
        "first sentence on a clip": first,
        "first sentence on a clip, bf16": first_rounded,
        "a further sentence": summary(again),
        "stem, each frame of a film": per_frame,
        "IoU of the mask by bf16 with that by fp32": same,
    }


def scaling() -> dict[str, float]:
    """The default's seconds by pixels, frames, clips at once and queries at once, one of them changed at a time."""
    network = fold(load("mini")).eval()
    channels_last(network.backbone)
    words = torch.randn(8, network.config.max_query_length, network.config.word_channels)

    def stem(*, size: int = 384, frames: int = 16, clips: int = 1) -> Callable[[], object]:
        pixels = torch.rand(clips, 3, frames, size, size)
        return lambda: network.features(pixels)

    def query(*, size: int = 384, queries: int = 1) -> Callable[[], object]:
        visual = network.encode(stem(size=size)())  # type: ignore[arg-type]
        return lambda: network.decode(
            network.guide(visual, words[:queries], torch.zeros(queries, dtype=torch.int64), with_pixel_weights=False)
        )

    with torch.inference_mode():
        runs = {f"stem, {size} px": stem(size=size) for size in (192, 256, 320, 384, 448)}
        runs |= {f"stem, {frames} frames": stem(frames=frames) for frames in (8, 16, 32)}
        runs |= {f"stem, {clips} clips": stem(clips=clips) for clips in (1, 2, 4)}
        runs |= {f"query, {size} px": query(size=size) for size in (192, 256, 320, 384, 448)}
        runs |= {f"query, {queries} queries": query(queries=queries) for queries in (1, 2, 4, 8)}
        return {name: median(seconds) for name, seconds in in_turn(runs).items()}


def attention() -> dict[str, float]:
    """Seconds of eq. 8 of both networks, with its weights and in one step."""
    runs: dict[str, Callable[[], object]] = {}
    for name, config in (("published, 512 px", ACGAConfig.paper()), ("mini, 384 px", ACGAConfig.mini())):
        cells = int(name.split()[1]) // STRIDE
        width = config.vision_widths[0] + COORDINATES
        branch = LanguageGuidedVisionAttention(vision_width=width, language_width=config.language_width).eval()
        inputs = torch.randn(1, width, cells, cells), torch.randn(1, config.max_query_length, config.language_width)
        runs |= {f"{name}, {how}": partial(branch, *inputs, with_weights=with_) for how, with_ in (("weights", True), ("one step", False))}
    with torch.inference_mode():
        return {name: median(seconds) for name, seconds in in_turn(runs, rounds=15).items()}


def main(*, default_alone: bool = False, only: Annotated[tuple[str, str] | None, tyro.conf.arg(help="internal")] = None) -> None:
    """Measure, print and keep the figures, or of the embedded default alone; `only` PART FORM is what a process for its memory is given."""
    if only is not None:
        Published().run(*only)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    if default_alone:
        kept = read_json(RESULT) | {"embedded default": rounded({**default_network(), "about": provenance(seed=0)})}
        write_json(RESULT, kept)
        print(json.dumps(kept["embedded default"], indent=1))
        return
    memory = peak_memory()  # first: a process is counted from the size of the one that starts it
    found = {"published network, 16 x 512 x 512": published(), "peak memory (MB)": memory, "embedded default": default_network()}
    found |= {"scaling": scaling(), "eq. 8": attention()}
    write_json(RESULT, rounded({**provenance(seed=0), **found}))
    print(json.dumps(rounded(found), indent=1))


if __name__ == "__main__":
    tyro.cli(main)
