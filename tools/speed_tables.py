"""The tables of docs/SPEED.md: what was measured, and the model of the benchmark on GPUs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acga.study.tables import markdown
from acga.system.files import read_json

FORMS = ("official form", "ours", "ours, bf16")
RESULTS = Path(__file__).resolve().parents[1] / "results"


def _span(of: dict[str, float]) -> str:
    return f"{of['median']:.2f} ({of['least']:.2f}-{of['most']:.2f})"


def published() -> str:
    """The published network, official form beside ours."""
    found = read_json(RESULTS / "speed.json")
    whole, memory = found["published network, 16 x 512 x 512"], found["peak memory (MB)"]
    seconds: dict[str, Any] = whole["seconds"]
    rows = []
    for part in ("stem", "query", "training step"):
        plain, ours, rounded = (seconds.get(f"{part}, {form}") for form in FORMS)
        assert plain and ours  # a training step is not measured in bf16
        rows.append(
            [
                part,
                _span(plain),
                _span(ours),
                f"{plain['median'] / ours['median']:.1f}",
                _span(rounded) if rounded else "",
                f"{plain['median'] / rounded['median']:.1f}" if rounded else "",
                f"{plain['GFLOP']:.0f} / {ours['GFLOP']:.0f}",
                f"{ours['GFLOP'] / ours['median']:.0f}",
                f"{memory[f'{part}, official form'] / 1000:.2f} / {memory[f'{part}, ours'] / 1000:.2f}",
            ]
        )
    plain, ours, rounded = (seconds[f"stem, {form}"]["median"] + seconds[f"query, {form}"]["median"] for form in FORMS)
    faster = [f"{plain:.2f}", f"{ours:.2f}", f"**{plain / ours:.1f}**", f"{rounded:.2f}", f"**{plain / rounded:.1f}**"]
    rows.append(["**clip and query**", *faster, "", "", ""])
    head = [
        "seconds",
        "official form",
        "ours",
        "times faster",
        "in bf16",
        "times faster",
        "GFLOP, official / ours",
        "ours, GFLOP/s",
        "memory in GB, official / ours",
    ]
    speed = f"{whole['speed of a product of matrices (GFLOP/s)']:.0f} GFLOP/s"
    note = f"A product of two 2048 x 2048 matrices has {speed} on this processor, by {found['threads']} threads, {found['date']}."
    shares = whole["shares of a training step"]["ours"]
    kinds = ", ".join(f"{kind.replace(', ', ' ')} {100 * share:.0f} %" for kind, share in shares.items())
    several, without = (memory[f"four sentences, {form}"] / 1000 for form in ("ours", "ours, whole maps"))
    plain, fused = (1000 * found["eq. 8"][f"published, 512 px, {how}"] for how in ("weights", "one step"))
    return "\n".join(
        [
            f"{markdown(head, rows)}\n\n{note} Medians, with least and most.",
            f"Where our training step's seconds go: {kinds}.",
            f"Four sentences at once need {several:.2f} GB, and without strips {without:.2f} GB.",
            f"Eq. 8 takes {fused:.0f} ms by PyTorch's fused function, which keeps no weights, and {plain:.0f} ms when they are kept.",
        ]
    )


def default_network() -> str:
    """The embedded default."""
    found = read_json(RESULTS / "speed.json")["embedded default"]
    found.pop("about", None)
    stems, same = found.pop("stem, each frame of a film"), found.pop("IoU of the mask by bf16 with that by fp32")
    rows = [[name, f"{of:.2f}" if isinstance(of, float) else _span(of)] for name, of in found.items()]
    rows += [[f"stem, a frame of a film, {name}", f"{of['median']:.3f}"] for name, of in stems.items()]
    return f"{markdown(['`mini`', 'seconds'], rows)}\n\nThe mask by bf16 has an IoU of {same:.2f} with that by fp32."


def scaling() -> str:
    """The growth of the default's seconds, of each part by one thing."""
    found: dict[str, float] = read_json(RESULTS / "speed.json")["scaling"]
    rows: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for name, seconds in found.items():
        part, _, asked = name.partition(", ")
        count, unit = asked.split(" ", 1)
        rows.setdefault((part, unit), []).append((count, seconds))
    return markdown(
        ["`mini`", "by", "seconds"],
        [[part, unit, ", ".join(f"{count}: {1000 * seconds:.0f} ms" for count, seconds in of)] for (part, unit), of in rows.items()],
    )


def every() -> str:
    """What `--every n` saves and costs."""
    found = read_json(RESULTS / "mini" / "every.json")["every"]
    first = found["1"]["seconds a frame"]
    rows = []
    for number, (same, right, seconds) in ((number, list(of.values())) for number, of in found.items()):
        rows.append([number, f"{seconds:.3f}", f"{first / seconds:.1f}", f"{100 * same:.0f}", f"{100 * right:.1f}"])
    head = ["`--every`", "seconds a frame", "times faster", "mean IoU with the masks of `--every 1`, %", "with the true masks, %"]
    return markdown(head, rows)


def pipeline() -> str:
    """The model of A2D Sentences on GPUs."""
    found = read_json(RESULTS / "pipeline.json")
    rows = []
    for machine in ("one GPU", "8 GPUs"):
        for step in ("extraction", "training", "evaluation"):
            one = found[machine][step]
            stages = one["milliseconds between two items, by stage"]
            costs = ", ".join(f"{name} {stages[name]:.1f}" for name in stages)
            rows.append([machine, step, costs, one["waits for"], f"{one['minutes']:.1f}"])
        rows.append([machine, "**all**", "", "", f"**{found[machine]['minutes in all']:.0f}**"])
    assumed = ", ".join(f"{name}: {value:g}" for name, value in found["assumed"].items())
    return f"{markdown(['', 'step', 'milliseconds an item, by stage', 'waits for', 'minutes'], rows)}\n\nAssumed: {assumed}."
