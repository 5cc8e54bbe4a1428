"""`acga ablate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from ..config import TrainConfig
from .common import Device, Network, Root, configure

Grid = Literal["claims", "controls", "foreground_weight", "resolutions", "weighted_fusion"]


def ablate(
    root: Root,
    /,
    *,
    out: Path,
    backbone: Path,
    grid: Grid = "claims",
    only: tuple[str, ...] = (),
    seeds: int = 5,
    first_seed: int = 0,
    network: Network | None = None,
    change: tuple[str, ...] = (),
    recipe: Annotated[TrainConfig, arg(name="")] = TrainConfig.short(),  # noqa: B008 (frozen)
    jhmdb: Path | None = None,
    paraphrases: Path | None = None,
    learn_from: Path | None = None,
    features: Path | None = None,
    workers: int = 2,
    device: Device = "auto",
) -> None:
    """Train and examine every variant of a grid with several seeds, and sum up what the paper's claims come to.

    Writes OUT/GRID/*.json, one file a run, and OUT/summary.json; given again, it goes on where it stopped, down to the training step.

    Example: acga ablate drawn --out runs/study --backbone runs/backbone/model.safetensors --jhmdb drawn_jhmdb

    Args:
        root: The folder of A2D Sentences, drawn or real; runs are trained on its training split and examined on its test split.
        out: Folder for the study.
        backbone: Weights of an I3D, frozen up to mixed_4e and shared by all runs.
        grid: Which variants: the paper's ladder (claims), the blind controls, the foreground weight P, or how many resolutions are fused,
            in ACGA (resolutions) or in the baseline with the weighted loss (weighted_fusion).
        only: Names of variants, to run a part of the grid.
        seeds: Number of runs of each variant.
        first_seed: The first of these seeds; two processes with different seeds or variants may share OUT.
        network: The configuration that variants change, mini without its residual by default.
        change: Fields of that configuration that differ, as field=value.
        jhmdb: The folder of J-HMDB Sentences, to test on without fine-tuning.
        paraphrases: A data set with several phrasings of each instance (acga data synthesize --mixed), to test consistency.
        learn_from: Another release to train on, such as crowded scenes, in place of the training split of ROOT.
        features: Folder for the extracted features, by default OUT/features.
        workers: Processes that decode videos.
        device: Where to compute; auto takes a GPU if there is one.
    """
    from ..study.ablation import ablate as run
    from ..study.claims import summarise

    base = configure(network or "mini", change if network else ("residual=false", *change))
    run(
        root,
        out,
        backbone=backbone,
        grid=grid,
        only=only,
        seeds=seeds,
        first_seed=first_seed,
        learn_from=learn_from,
        features=features,
        jhmdb=jhmdb,
        paraphrases=paraphrases,
        base=base,
        recipe=recipe,
        workers=workers,
        device=device,
    )
    summary = summarise(out)
    for line in summary.lines(grid):
        print(line)
    print(f"See {out}/summary.json.")
