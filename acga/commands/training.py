"""`acga pretrain`, `acga train` and `acga evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from ..config import PretrainConfig, TrainConfig
from .common import Device, Flag, Network, Root, Split, configure, open_release


def pretrain(
    root: Root,
    /,
    *,
    out: Path,
    network: Network = "mini",
    change: tuple[str, ...] = (),
    recipe: Annotated[PretrainConfig, arg(name="")] = PretrainConfig(),  # noqa: B008 (frozen)
    initial: Path | None = None,
    cache: Path | None = None,
    workers: int = 2,
    device: Device = "auto",
) -> None:
    """Pretrain a backbone on which actor, action and colour is where, in the training videos of an A2D Sentences release.

    Writes OUT/model.safetensors and OUT/log.jsonl; an interrupted run goes on when the same command is given again.

    Example: acga pretrain drawn --out runs/backbone --epochs 10

    Args:
        root: The folder of a release, drawn or real.
        out: Folder for the run.
        network: The configuration whose backbone is trained.
        change: Fields of the configuration that differ, as field=value.
        initial: A backbone of the same width to start from, such as that of an earlier run.
        cache: Folder for the decoded clips, to share between runs.
        workers: Processes that decode videos.
        device: Where to compute; auto takes a GPU if there is one.
    """
    from ..pretraining import pretrain as run

    path = run(root, out, configure(network, change), recipe, cache=cache, initial=initial, workers=workers, device=device)
    print(f"The backbone is {path}.")


def train(
    root: Root,
    /,
    *,
    out: Path,
    backbone: Path,
    network: Network = "mini",
    change: tuple[str, ...] = (),
    recipe: Annotated[TrainConfig, arg(name="")] = TrainConfig(),  # noqa: B008 (frozen)
    words: Path | None = None,
    features: Path | None = None,
    initial: Path | None = None,
    half: Flag = False,
    workers: int = 2,
    device: Device = "auto",
) -> None:
    """Train everything after mixed_4e on the sentences of an A2D Sentences release; features are extracted first.

    Writes OUT/model.safetensors (the best on held-out training videos) and OUT/log.jsonl; an interrupted run goes on when the same
    command is given again. The defaults are the paper's recipe.

    Example: acga train drawn --out runs/mini --backbone runs/backbone/model.safetensors --learning-rate 3e-3

    Args:
        root: The folder of a release, drawn or real.
        out: Folder for the run.
        backbone: Weights of an I3D: from acga pretrain, or published ones.
        network: The configuration to train.
        change: Fields of the configuration that differ, as field=value: an ablation is --change language_guided_vision=false.
        words: Word vectors (a word2vec binary file) that stay fixed; without it vectors are learned.
        features: Folder for the extracted features, to share between runs with the same backbone.
        initial: Weights of the same configuration to go on from, instead of new ones.
        half: Store the weights as 16-bit numbers.
        workers: Processes that decode videos.
        device: Where to compute; auto takes a GPU if there is one.
    """
    from ..training import train as run

    path = run(
        root,
        out,
        configure(network, change),
        recipe,
        backbone=backbone,
        words=words,
        features=features,
        initial=initial,
        half=half,
        workers=workers,
        device=device,
    )
    print(f"The best weights are {path}. Evaluate them with: acga evaluate {root} --weights {path} --out result.json")


def evaluate(
    root: Root,
    /,
    *,
    weights: str = "mini",
    out: Path,
    split: Split = "test",
    words: Path | None = None,
    frame_list: Path | None = None,
    blind_to: Literal["none", "text", "motion"] = "none",
    coco: Flag = False,
    batch_size: int = 16,
    device: Device = "auto",
) -> None:
    """Score weights on a release of either layout, as the official evaluation does, and keep every answer.

    Example: acga evaluate drawn --weights mini --out result.json

    Args:
        root: The folder of a release, drawn or real.
        weights: "mini", which comes with the package, or a file: ours (.safetensors) or official (.pth, .pth.tar).
        out: File for the result (JSON).
        split: Of A2D Sentences; J-HMDB Sentences is all for testing.
        words: Word vectors (a word2vec binary file), for weights that come without.
        frame_list: Which frames of J-HMDB Sentences to test (JSON); by default those of MTTR.
        blind_to: A control: text hides the query, motion repeats one frame.
        coco: Add coco_mAP, which ranks the answers by their peak.
        batch_size: Sentences at once.
        device: Where to compute; auto takes a GPU if there is one.
    """
    from ..data.tags import read_tags
    from ..data.text import Vocabulary
    from ..evaluation import evaluate as run
    from ..inference import load

    model = load(weights)
    dataset = open_release(root, split, model.config, frame_list)
    if words is not None:  # of the millions of words in the file, only those of the data set are read
        model = load(weights, words=words, vocabulary=Vocabulary.from_queries(sample.query for sample in dataset.samples))
    found = run(model, dataset, batch_size=batch_size, device=device, blind_to=blind_to, coco=coco)
    found.save(out, by_tag=found.by_tag(read_tags(root)))
    for name, value in found.metrics.items():
        print(f"{name:9s}{100 * value:6.1f}")
    print(f"{len(found.predictions)} samples: see {out}.")
