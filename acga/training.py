"""Train everything after mixed_4e on sentences, from features that were extracted once (docs/PAPER.md, "Training")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from .batches import FeatureKind, SentenceBatches, extract, seen_kind
from .config import ACGAConfig, TrainConfig
from .data.a2d import A2DSentences
from .data.dataset import Dataset
from .data.features import fingerprint
from .data.masks import MaskCache
from .data.splits import split_validation
from .data.text import UNKNOWN, Vocabulary, WordTable
from .devices import autocast, choose_accelerator
from .errors import ConfigError, DatasetError
from .evaluation import evaluate
from .files import git_blob_id, rounded
from .losses import WeightedSegmentationLoss
from .model.checkpoints import load_model, save_model
from .model.folding import fold
from .model.i3d import I3D
from .model.network import ACGA
from .provenance import provenance
from .run import Run, Stateful
from .schedule import batch_at, cosine_with_warm_up, own_share, steps_per_epoch

LOG_EVERY = 20  # steps


class SentenceObjective(nn.Module):
    """The network after mixed_4e with its loss, in one module, as training on several processes wants it."""

    def __init__(self, model: ACGA, config: TrainConfig) -> None:
        super().__init__()
        self.network = fold(model)  # the same parameters and outputs, in less than half of the time
        self.loss = WeightedSegmentationLoss(
            foreground_weight=config.loss.foreground_weight, resolution_weights=config.loss.resolution_weights
        )

    def forward(self, features: Tensor, tokens: Tensor, target: Tensor) -> Tensor:
        """mixed_4e (B, 528, T/4, h, w), tokens (B, L) and masks (B, S, S) to lambda L of the three resolutions (3,), eq. 14-16."""
        responses = self.network.from_features(features, self.network.embed(tokens))
        responses = type(responses)(*(response.float() for response in responses))
        parts = torch.stack(self.loss.per_resolution(responses, target))
        return parts * torch.tensor(self.loss.resolution_weights, device=parts.device)


def learning_rate(step: int, steps: int, per_epoch: int, config: TrainConfig) -> float:
    """The paper's step decay, or with `decay_every` = 0 a warm-up and a cosine to zero.

    >>> config = TrainConfig()
    >>> [learning_rate(epoch * 100, 1200, 100, config) for epoch in (0, 7, 8)]
    [0.0005, 0.0005, 5e-05]
    """
    if config.decay_every == 0:
        return config.learning_rate * cosine_with_warm_up(step, steps)
    return config.learning_rate * config.decay ** (step // per_epoch // config.decay_every)


def parameter_groups(model: ACGA, config: TrainConfig) -> list[dict[str, Any]]:
    """What the optimiser is given: both attention branches and the rest, each with the factor ("rate") of its learning rate."""
    attention = list(model.attention.parameters())
    own = {id(parameter) for parameter in attention}
    rest = [parameter for parameter in model.training_parameters() if id(parameter) not in own]
    return [{"params": rest, "rate": 1.0}, {"params": attention, "rate": config.attention_rate}]


def build_model(config: ACGAConfig, dataset: Dataset, training: list[int], backbone: Path, words: str | Path | None, *, seed: int) -> ACGA:
    """A network with new weights after mixed_4e (and pretrained ones before), its words those of the training sentences.

    `words`, a word2vec binary file, gives fixed word vectors, as in the paper; without it they are learned.
    Raises `WeightsError` and `ConfigError` when a file does not fit the configuration.
    """
    vocabulary = Vocabulary.from_queries((dataset.samples[index].query for index in training), size=config.vocabulary_size)
    torch.manual_seed(seed)
    i3d = I3D.from_file(backbone, through="mixed_4f")
    if i3d.width != config.backbone_width:
        raise ConfigError(f"{backbone} holds an I3D of width {i3d.width}; this configuration asks for {config.backbone_width}.")
    model = ACGA(config, vocabulary, backbone=i3d)
    assert model.word_table is not None
    with torch.no_grad():
        if words is not None:
            table = torch.from_numpy(WordTable.from_word2vec(words, vocabulary, width=config.language_width).vectors)
            model.word_table.weight.zero_()[: len(table)] = table
            model.word_table.requires_grad_(False)
        else:
            model.word_table.weight[UNKNOWN] = 0  # as with vectors: a word never seen in training says nothing
    return model


def _same_network(found: ACGA, wanted: ACGA, path: str | Path) -> dict[str, Tensor]:
    """The weights after mixed_4e of a network to go on from (before, `backbone` holds: a half-precision file would change the features).

    Raises `ConfigError` when it has another configuration or other words.
    """
    assert wanted.vocabulary is not None
    if found.config != wanted.config or found.vocabulary is None or found.vocabulary.words != wanted.vocabulary.words:
        raise ConfigError(f"{path} holds a network of another configuration or with other words, so training cannot go on from it.")
    return {name: value for name, value in found.state_dict().items() if not name.startswith("backbone.stem.")}


def train(
    root: str | Path,
    folder: str | Path,
    model_config: ACGAConfig,
    config: TrainConfig | None = None,
    *,
    backbone: str | Path,
    words: str | Path | None = None,
    features: str | Path | None = None,
    initial: str | Path | None = None,
    validation_samples: int = 500,
    half: bool = False,
    workers: int = 2,
    device: str = "auto",
    checkpoint_every: int = 200,
    on_step: Callable[[int], None] | None = None,
) -> Path:
    """Train on the sentences of an A2D Sentences release, real or drawn; gives the file of the weights that did best on validation.

    A tenth of the training videos is held out (`split_validation`) and looked at after every epoch; the test split is not.

    Args:
        folder: of the run; if it holds an interrupted run with the same settings, that one goes on. Beside `model.safetensors`, the best
            by mean IoU, it then has `last.safetensors`.
        backbone: weights of an I3D, frozen up to mixed_4e: from `pretrain`, or hassony2's or ACGA's, as published.
        words: a word2vec binary file for fixed word vectors; without it they are learned.
        features: folder for the extracted features, by default `folder`/features; runs with the same backbone may share it.
        initial: weights of the same configuration to go on from, such as those of an earlier run, instead of new ones.
        validation_samples: how many sentences of the held-out videos to look at, evenly spread.
        half: store weights as fp16.
        on_step: called after every step with the number of steps done.

    Raises `DatasetError` for a broken data set, `WeightsError` and `ConfigError` for files and settings that don't fit.
    """
    config, folder = config or TrainConfig(), Path(folder)
    if config.mirror and config.blind_to == "motion":
        raise ConfigError("TrainConfig: mirror shows moving clips, so it cannot be joined with blind_to motion.")
    accelerator = choose_accelerator(device)
    precision = autocast(config.precision, accelerator.device, clip_length=model_config.clip_length)
    dataset = A2DSentences(root, "train", size=model_config.size, clip_length=model_config.clip_length)
    training, held_out = split_validation(dataset)
    if not held_out:
        raise DatasetError(f"{root} has a single training video; training needs one more to validate on.")
    validation = held_out[:: -(-len(held_out) // validation_samples)]
    model = build_model(model_config, dataset, training, Path(backbone), words, seed=config.seed).to(accelerator.device)
    model.backbone.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # twice as fast on a CPU
    if initial is not None:
        model.load_state_dict(_same_network(load_model(initial), model, initial), strict=False)
    settings = {
        "stage": "train",
        "model": model_config.to_dict(),
        "train": asdict(config),
        "data": [fingerprint(model.backbone.stem, dataset), dataset.samples_fingerprint],
        "words": None if words is None else Path(words).name,
        "initial": None if initial is None else git_blob_id(initial),
        "validation_samples": validation_samples,
    }
    run = Run(folder, settings, writes=accelerator.is_main_process)
    kinds: list[FeatureKind] = [seen_kind(config), "mirrored"] if config.mirror else [seen_kind(config)]
    place = features or folder / "features"
    caches = {kind: extract(model, dataset, place, kind, accelerator=accelerator, workers=workers) for kind in kinds}
    with accelerator.main_process_first():
        masks = MaskCache(dataset, Path(place) / "masks")
    batches = SentenceBatches(dataset, model, config, caches, masks)

    optimiser = torch.optim.Adam(parameter_groups(model, config), lr=config.learning_rate)
    objective = accelerator.prepare_model(SentenceObjective(model, config))
    parts: dict[str, Stateful] = {"model": model, "optimiser": optimiser}
    done, values = run.load_checkpoint(parts)
    best: float = values.get("best", -1.0)
    per_epoch = steps_per_epoch(len(training), config.batch_size)
    steps = max(1, round(config.epochs * per_epoch))

    for step in tqdm(range(done, steps), initial=done, total=steps, desc="training", disable=not accelerator.is_main_process):
        for group in optimiser.param_groups:
            group["lr"] = group["rate"] * learning_rate(step, steps, per_epoch, config)
        indices = own_share(batch_at(step, len(training), config.batch_size, seed=config.seed), accelerator)
        rng = np.random.default_rng([config.seed, step, accelerator.process_index])
        batch = (tensor.to(accelerator.device) for tensor in batches.take(np.take(training, indices), rng))
        with precision:
            losses = objective(*batch)  # (3,)
        optimiser.zero_grad()
        accelerator.backward(losses.sum())
        optimiser.step()

        finished = step + 1
        if finished % LOG_EVERY == 0:
            small, medium, large = accelerator.reduce(losses.detach(), "mean").tolist()
            run.log(step=finished, loss=small + medium + large, small=small, medium=medium, large=large, seconds=run.seconds)
        if finished % per_epoch == 0 or finished == steps:
            found = evaluate(
                model,
                dataset,
                indices=validation,
                features=batches.as_seen,
                blind_to=config.blind_to,
                accelerator=accelerator,
                progress=False,
            ).metrics
            run.log(step=finished, epoch=finished / per_epoch, validation=found, seconds=run.seconds)
            history = {**provenance(seed=config.seed), **settings, "step": finished, "validation": rounded(found)}
            if run.writes and found["mIoU"] > best:
                save_model(model, run.model_path, provenance=history, half=half)
            if run.writes and finished == steps:
                save_model(model, folder / "last.safetensors", provenance=history, half=half)
            best = max(best, found["mIoU"])
        if finished % checkpoint_every == 0 or finished % per_epoch == 0 or finished == steps:
            run.save_checkpoint(finished, parts, best=best)
        if on_step is not None:
            on_step(finished)
    accelerator.wait_for_everyone()  # the first process writes
    return run.model_path
