"""Pretrain the backbone on dense labels of clips: which actor, action and colour is at every fourth pixel of the annotated frame.

The real I3D learned from Kinetics; the thin one of `ACGAConfig.thin()` learns from drawn clips. One label a clip teaches it too little
about *where*, so every pixel of a quarter of the resolution carries four labels. What is kept is I3D up to mixed_4f.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..config import STRIDE
from ..data.a2d import A2DSentences
from ..data.clips import ClipCache
from ..data.dense_labels import LABELS, actor_colours
from ..data.splits import validation_videos
from ..errors import ConfigError, DatasetError
from ..model.batch_norm import gather_statistics
from ..model.network import load_backbone
from ..model.recogniser import CLASSES, OUTPUTS, DenseObjective, DenseRecogniser, class_balance
from ..options import PretrainOptions
from ..system.computing import autocast, channels_last, choose_accelerator
from ..system.files import git_blob_id, rounded
from ..system.provenance import provenance
from .augmentation import as_input, augment, close_up
from .run import Run, Stateful, Step, log_losses, set_learning_rate, training_steps
from .schedule import cosine_with_warm_up


def pretrain(options: PretrainOptions, *, on_step: Callable[[int], None] | None = None) -> Path:
    """Pretrain a backbone on the training videos of an A2D Sentences release, real or drawn; gives the file of weights.

    A folder that holds an interrupted run with the same settings goes on. `on_step` is called after every step with the number of steps
    done. Raises `DatasetError` for a broken data set and `ConfigError` for a folder with another run.
    """
    config, recipe, accelerator = options.config, options.recipe, choose_accelerator(options.device)
    if recipe.close_up_share and (recipe.close_up_size % STRIDE or not 0 < recipe.close_up_size <= config.size):
        raise ConfigError(f"close_up_size {recipe.close_up_size} is not a multiple of {STRIDE} up to {config.size}, the clips' side.")
    if config.stem != "i3d":
        raise ConfigError("Only an I3D is pretrained here; published weights of an image stem go to acga train, as its backbone.")
    precision = autocast(recipe.precision, accelerator.device, clip_length=config.clip_length)
    with accelerator.main_process_first():
        clips = open_clips(options)
    training, validation = split_rows(clips, options.root)
    recogniser = build_recogniser(options).to(accelerator.device)
    optimiser = torch.optim.AdamW(recogniser.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    if accelerator.num_processes > 1:
        gather_statistics(recogniser)
    objective = accelerator.prepare_model(DenseObjective(recogniser, class_balance(clips.labels[training])))
    run = Run(options.out, pretraining_settings(options, clips), writes=accelerator.is_main_process)
    parts: dict[str, Stateful] = {"recogniser": recogniser, "optimiser": optimiser}

    def load(step: Step) -> tuple[Tensor, Tensor]:
        rows = training[step.rows]
        clip, labels = clips.clips[rows], clips.labels[rows]
        if step.number < recipe.close_up_share * step.steps:
            clip, labels = close_up(clip, labels, recipe.close_up_size, step.rng)
        return augment(clip, labels, recipe, step.rng)

    shape: dict[str, Any] = {"samples": len(training), "batch_size": recipe.batch_size, "title": "pretraining"}
    for step in training_steps(run, parts, options, accelerator, **shape, on_step=on_step, load=load):
        set_learning_rate(optimiser, recipe.learning_rate * cosine_with_warm_up(step.number, step.steps))
        values, targets = step.batch
        with precision:
            losses = objective(values.to(accelerator.device), targets.to(accelerator.device))  # (4,)
        optimiser.zero_grad()
        accelerator.backward(losses.sum())
        optimiser.step()
        log_losses(run, step, losses, list(OUTPUTS), accelerator)

        if step.ends_epoch:
            with precision:
                scores = recognition_scores(recogniser, clips, validation, batch_size=recipe.batch_size, device=accelerator.device)
            run.log(step=step.finished, epoch=step.epoch, validation=scores, seconds=run.seconds)
            run.values["validation"] = scores

    if run.writes:
        about = {"validation": rounded(run.values["validation"]), "seconds": round(run.seconds)}
        recogniser.backbone.to_file(run.model_path, provenance={**provenance(seed=recipe.seed), **run.settings, **about})
    accelerator.wait_for_everyone()  # the first process writes
    return run.model_path


def open_clips(options: PretrainOptions) -> ClipCache:
    """The decoded clips and dense labels of the training videos, made as far as they are not there yet."""
    dataset = A2DSentences(options.root, "train", size=options.config.size, clip_length=options.config.clip_length)
    folder = options.cache or Path(options.out) / "clips"
    return ClipCache.build(dataset, folder, colours=actor_colours(options.root), workers=options.workers)


def split_rows(clips: ClipCache, root: Path) -> tuple[np.ndarray, np.ndarray]:
    """The rows (N,) of a cache to train on and those to validate on, which are of other videos.

    Raises `DatasetError` when there is a single video.
    """
    held_out = validation_videos(video_id for video_id, _ in clips.frames)
    held = np.array([video_id in held_out for video_id, _ in clips.frames], dtype=bool)
    if not held.any():
        raise DatasetError(f"{root} has a single training video; pretraining needs one more to validate on.")
    return np.flatnonzero(~held), np.flatnonzero(held)


def build_recogniser(options: PretrainOptions) -> DenseRecogniser:
    """A recogniser with new weights, or with a backbone of `options.initial`."""
    torch.manual_seed(options.recipe.seed)
    recogniser = DenseRecogniser(width=options.config.backbone_width, head_width=options.recipe.head_width)
    if options.initial is not None:
        recogniser.backbone.load_state_dict(load_backbone(options.initial, options.config).state_dict())
    channels_last(recogniser.backbone)
    for module in recogniser.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.momentum = options.recipe.batch_norm_momentum
    return recogniser


def pretraining_settings(options: PretrainOptions, clips: ClipCache) -> dict[str, object]:
    """The settings that decide the outcome of a run."""
    return {
        "stage": "pretrain",
        "model": {name: getattr(options.config, name) for name in ("size", "clip_length", "backbone_width")},
        "train": asdict(options.recipe),
        "data": clips.fingerprint,
        "initial": options.initial and git_blob_id(options.initial),
    }


@torch.no_grad()
def recognition_scores(
    recogniser: DenseRecogniser, cache: ClipCache, rows: np.ndarray, *, batch_size: int, device: torch.device
) -> dict[str, float]:
    """Foreground IoU, and for each kind of label the share of labelled pixels named rightly, over the given rows of the cache."""
    was_training = recogniser.training
    recogniser.eval()
    right, counted = dict.fromkeys(OUTPUTS, 0), dict.fromkeys(OUTPUTS, 0)
    for start in range(0, len(rows), batch_size):
        chosen = rows[start : start + batch_size]
        labels = torch.from_numpy(cache.labels[chosen]).long().to(device)
        outputs = recogniser(as_input(cache.clips[chosen]).to(device))
        present, found = labels[:, LABELS.index("instance")] > 0, outputs["foreground"][:, 0] > 0
        right["foreground"] += int((present & found).sum())
        counted["foreground"] += int((present | found).sum())
        for name in CLASSES:
            target = labels[:, LABELS.index(name)]
            right[name] += int(((outputs[name].argmax(dim=1) + 1 == target) & (target > 0)).sum())
            counted[name] += int((target > 0).sum())
    recogniser.train(was_training)
    return {name: right[name] / max(counted[name], 1) for name in OUTPUTS}
