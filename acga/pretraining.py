"""Pretrain the backbone on dense labels of clips: which actor, action and colour is at every fourth pixel of the annotated frame.

The real I3D learned from Kinetics; the thin one of `ACGAConfig.mini()` learns from drawn clips. One label a clip teaches it too little
about *where*, so every pixel of a quarter of the resolution carries four labels. What is kept is I3D up to mixed_4f.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn
from tqdm import tqdm

from .config import STRIDE, ACGAConfig, PretrainConfig
from .data.a2d import A2DSentences
from .data.clips import ClipCache
from .data.dense_labels import CELL, LABELS, actor_colours
from .data.splits import validation_videos
from .data.taxonomy import ACTIONS, ACTORS, COLOURS
from .devices import autocast, choose_accelerator
from .errors import ConfigError, DatasetError
from .files import rounded
from .model.i3d import I3D
from .provenance import provenance
from .run import Run, Stateful
from .schedule import batch_at, cosine_with_warm_up, own_share, steps_per_epoch

CLASSES = {"actor": len(ACTORS), "action": len(ACTIONS), "colour": len(COLOURS)}
OUTPUTS = {"foreground": 1, **CLASSES}
LOG_EVERY = 20  # steps


class DenseRecogniser(nn.Module):
    """I3D to mixed_4f, averaged over time (as in eq. 2), and a head that brings it to a quarter of the input's resolution.

    >>> outputs = DenseRecogniser(width=0.125)(torch.zeros(1, 3, 16, 64, 64))
    >>> {name: tuple(logits.shape) for name, logits in outputs.items()}
    {'foreground': (1, 1, 16, 16), 'actor': (1, 7, 16, 16), 'action': (1, 9, 16, 16), 'colour': (1, 11, 16, 16)}
    """

    def __init__(self, *, width: float, head_width: int = 64) -> None:
        super().__init__()
        self.backbone = I3D(width=width, through="mixed_4f")
        self.head = nn.Sequential(
            nn.ConvTranspose2d(self.backbone.channels["mixed_4f"], head_width, kernel_size=8, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(head_width, head_width, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(head_width, sum(OUTPUTS.values()), kernel_size=1),
        )

    def forward(self, clip: Tensor) -> dict[str, Tensor]:
        """Clips (B, 3, T, H, W) in [-1, 1] to logits (B, classes, H/4, W/4), foreground first."""
        logits = self.head(self.backbone(clip).mean(dim=2)).float()  # (B, 28, H/4, W/4)
        return dict(zip(OUTPUTS, logits.split(list(OUTPUTS.values()), dim=1), strict=True))


class DenseObjective(nn.Module):
    """The recogniser with its losses, all per pixel of foreground: cross-entropy on foreground everywhere, on classes where they are known.

    Rare classes count more (`balance`, by name: (classes,) weights of mean about one), so that "none" doesn't drown "eat".
    """

    def __init__(self, recogniser: DenseRecogniser, balance: dict[str, Tensor]) -> None:
        super().__init__()
        self.recogniser = recogniser
        for name, weights in balance.items():
            self.register_buffer(f"balance_{name}", weights, persistent=False)

    def forward(self, clip: Tensor, labels: Tensor) -> Tensor:
        """Clips (B, 3, T, H, W) and labels (B, 4, H/4, W/4) int64, 0 = none, to the losses (4,), in the order of `OUTPUTS`."""
        outputs = self.recogniser(clip)
        present = (labels[:, LABELS.index("instance")] > 0).float()
        # A mean over all pixels would give the outlines of small actors a tenth of the say that their classes have.
        foreground = F.binary_cross_entropy_with_logits(outputs["foreground"][:, 0], present, reduction="sum")
        losses = [foreground / present.sum().clamp(min=1)]
        for name in CLASSES:
            target = labels[:, LABELS.index(name)] - 1  # -1 where nothing is known
            weights = self.get_buffer(f"balance_{name}")
            summed = F.cross_entropy(outputs[name], target, weight=weights, ignore_index=-1, reduction="sum")
            known = weights[target.clamp(min=0)] * (target >= 0)
            losses.append(summed / known.sum().clamp(min=1))
        return torch.stack(losses)


def class_balance(labels: np.ndarray) -> dict[str, Tensor]:
    """Weights of the classes, by the inverse square root of how many pixels have them; labels (N, 4, h, w), 0 = none."""
    balance = {}
    for name, classes in CLASSES.items():
        counts = np.bincount(labels[:, LABELS.index(name)].ravel(), minlength=classes + 1)[1:].astype(np.float64)
        share = counts / max(counts.sum(), 1)
        weights = np.where(counts > 0, np.maximum(share * classes, 1e-2) ** -0.5, 1.0)
        balance[name] = torch.from_numpy(weights).float()
    return balance


def augment(clips: np.ndarray, labels: np.ndarray, config: PretrainConfig, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Mirror, move, and change contrast and brightness of clips (B, T, S, S, 3) uint8 with labels (B, 4, S/4, S/4) uint8.

    Gives floats (B, 3, T, S, S) in [-1, 1], channels last in memory, and int64 labels. What leaves the square is lost, black comes in.
    """
    moved_clips, moved_labels = np.zeros_like(clips), np.zeros_like(labels)
    for index in range(len(clips)):
        clip, label = clips[index], labels[index]
        if rng.random() < 0.5:
            clip, label = clip[:, :, ::-1], label[:, :, ::-1]
        down, right = rng.integers(-(config.shift // CELL), config.shift // CELL + 1, size=2)
        _move(clip, moved_clips[index], down * CELL, right * CELL, rows=1)
        _move(label, moved_labels[index], down, right, rows=1)
    gain = torch.from_numpy(rng.uniform(1 - config.contrast, 1 + config.contrast, len(clips))).float()
    offset = torch.from_numpy(rng.uniform(-config.brightness, config.brightness, len(clips))).float()
    values = as_input(moved_clips).mul_(gain.view(-1, 1, 1, 1, 1)).add_(offset.view(-1, 1, 1, 1, 1)).clamp_(-1, 1)
    return values, torch.from_numpy(moved_labels).long()


def close_up(clips: np.ndarray, labels: np.ndarray, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Of clips (B, T, S, S, 3) and labels (B, 4, S/4, S/4), a square of side `size` with some actor's cell inside.

    Most of a frame is background, and most of what a network must learn is not: a step on close-ups costs a fraction of a whole one.
    """
    batch, frames, side = clips.shape[:3]
    cells, last = size // CELL, (side - size) // CELL
    near_clips = np.empty((batch, frames, size, size, 3), clips.dtype)
    near_labels = np.empty((batch, labels.shape[1], cells, cells), labels.dtype)
    for index in range(batch):
        occupied = np.argwhere(labels[index, LABELS.index("instance")] > 0)
        centre = occupied[rng.integers(len(occupied))] if len(occupied) else rng.integers(side // CELL, size=2)
        top, left = np.clip(centre - rng.integers(cells, size=2), 0, last)
        rows, columns = slice(top * CELL, top * CELL + size), slice(left * CELL, left * CELL + size)
        near_clips[index] = clips[index, :, rows, columns]
        near_labels[index] = labels[index, :, top : top + cells, left : left + cells]
    return near_clips, near_labels


def as_input(clips: np.ndarray) -> Tensor:
    """Clips (B, T, S, S, 3) uint8 to floats (B, 3, T, S, S) in [-1, 1], channels last in memory (twice as fast on a CPU)."""
    return rearrange(torch.from_numpy(clips).float(), "b t h w c -> b c t h w").mul_(1 / 127.5).sub_(1)


def _move(source: np.ndarray, target: np.ndarray, down: int, right: int, *, rows: int) -> None:
    """Copy `source` into the zeros of `target`, moved along the axes `rows` and `rows + 1`."""

    def overlap(shift: int, length: int) -> tuple[slice, slice]:
        return slice(max(-shift, 0), length - max(shift, 0)), slice(max(shift, 0), length - max(-shift, 0))

    (from_y, to_y), (from_x, to_x) = overlap(down, source.shape[rows]), overlap(right, source.shape[rows + 1])
    before = (slice(None),) * rows
    target[(*before, to_y, to_x)] = source[(*before, from_y, from_x)]


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


def pretrain(
    root: str | Path,
    folder: str | Path,
    model_config: ACGAConfig,
    config: PretrainConfig | None = None,
    *,
    cache: str | Path | None = None,
    initial: str | Path | None = None,
    workers: int = 2,
    device: str = "auto",
    checkpoint_every: int = 200,
    on_step: Callable[[int], None] | None = None,
) -> Path:
    """Pretrain a backbone for `model_config` on the training videos of an A2D Sentences release, real or drawn; gives the file of weights.

    Args:
        root: the data set. A drawn one has `scenes.json` and so knows colours; without it that part of the head learns nothing.
        folder: of the run; if it holds an interrupted run with the same settings, that one goes on.
        cache: folder for the decoded clips (0.8 MB each at 128 px), by default `folder`/clips.
        initial: an I3D of the same width to start from, such as the result of an earlier run.
        on_step: called after every step with the number of steps done.

    Raises `DatasetError` for a broken data set and `ConfigError` for a folder with another run.
    """
    config = config or PretrainConfig()
    if config.close_up_share and (config.close_up_size % STRIDE or not 0 < config.close_up_size <= model_config.size):
        raise ConfigError(f"close_up_size {config.close_up_size} is not a multiple of {STRIDE} up to {model_config.size}, the clips' side.")
    accelerator = choose_accelerator(device)
    precision = autocast(config.precision, accelerator.device, clip_length=model_config.clip_length)
    dataset = A2DSentences(root, "train", size=model_config.size, clip_length=model_config.clip_length)
    with accelerator.main_process_first():
        clips = ClipCache.build(dataset, cache or Path(folder) / "clips", colours=actor_colours(root), workers=workers)
    held_out = validation_videos(video_id for video_id, _ in clips.frames)
    validation = np.array([row for row, (video_id, _) in enumerate(clips.frames) if video_id in held_out], dtype=np.int64)
    training = np.array([row for row, (video_id, _) in enumerate(clips.frames) if video_id not in held_out], dtype=np.int64)
    if not len(validation):
        raise DatasetError(f"{root} has a single training video; pretraining needs one more to validate on.")

    torch.manual_seed(config.seed)
    recogniser = DenseRecogniser(width=model_config.backbone_width, head_width=config.head_width).to(accelerator.device)
    if initial is not None:
        recogniser.backbone.load_state_dict(I3D.from_file(initial, through="mixed_4f").state_dict())
    recogniser.backbone.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # twice as fast on a CPU
    for module in recogniser.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.momentum = config.batch_norm_momentum
    optimiser = torch.optim.AdamW(recogniser.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    objective = accelerator.prepare_model(DenseObjective(recogniser, class_balance(clips.labels[training])))

    model_fields = {name: getattr(model_config, name) for name in ("size", "clip_length", "backbone_width")}
    settings = {
        "stage": "pretrain",
        "model": model_fields,
        "train": asdict(config),
        "data": clips.fingerprint,
        "initial": initial and str(Path(initial).name),
    }
    run = Run(folder, settings, writes=accelerator.is_main_process)
    parts: dict[str, Stateful] = {"recogniser": recogniser, "optimiser": optimiser}
    done, values = run.load_checkpoint(parts)
    scores: dict[str, float] = values.get("validation", {})  # of the last epoch that ended
    per_epoch = steps_per_epoch(len(training), config.batch_size)
    steps = config.epochs * per_epoch

    for step in tqdm(range(done, steps), initial=done, total=steps, desc="pretraining", disable=not accelerator.is_main_process):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * cosine_with_warm_up(step, steps)
        rows = training[own_share(batch_at(step, len(training), config.batch_size, seed=config.seed), accelerator)]
        rng = np.random.default_rng([config.seed, step, accelerator.process_index])
        clip, labels = clips.clips[rows], clips.labels[rows]
        if step < config.close_up_share * steps:
            clip, labels = close_up(clip, labels, config.close_up_size, rng)
        clip, labels = augment(clip, labels, config, rng)
        with precision:
            losses = objective(clip.to(accelerator.device), labels.to(accelerator.device))  # (4,)
        optimiser.zero_grad()
        accelerator.backward(losses.sum())
        optimiser.step()

        finished = step + 1
        if finished % LOG_EVERY == 0:
            means = accelerator.reduce(losses.detach(), "mean").tolist()
            run.log(step=finished, loss=sum(means), **dict(zip(OUTPUTS, means, strict=True)), seconds=run.seconds)
        if finished % per_epoch == 0:
            with precision:
                scores = recognition_scores(recogniser, clips, validation, batch_size=config.batch_size, device=accelerator.device)
            run.log(step=finished, epoch=finished // per_epoch, validation=scores, seconds=run.seconds)
        if finished % checkpoint_every == 0 or finished % per_epoch == 0:
            run.save_checkpoint(finished, parts, validation=scores)
        if on_step is not None:
            on_step(finished)

    if run.writes:
        history = {**provenance(seed=config.seed), **settings, "validation": rounded(scores), "seconds": round(run.seconds)}
        recogniser.backbone.to_file(run.model_path, provenance=history)
    accelerator.wait_for_everyone()  # the first process writes
    return run.model_path
