"""Fit a network to one's own film: a few of its frames with masks and sentences, a few minutes on a laptop.

The frozen stem stays as it is, so that each annotated clip passes through it once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from tqdm import trange

from ..config import LossConfig
from ..data.geometry import pad_resize, same_proportions, to_clip
from ..data.pictures import encode_picture, list_pictures, read_mask
from ..data.tables import read_table
from ..data.text import Vocabulary
from ..data.video import read_frames
from ..errors import ConfigError, DatasetError, QueryError
from ..inference import Segmenter, load, sliding_clips
from ..losses import WeightedSegmentationLoss
from ..metrics import binarise, intersection_over_union
from ..model.checkpoints import save_model
from ..model.folding import fold
from ..model.network import ACGA
from ..options import AdaptOptions
from ..output.overlay import paint_masks
from ..system.files import atomic_write
from ..system.provenance import provenance

LARGEST_GRADIENT = 1.0  # norm, beyond which it is scaled down: a few samples can have very steep losses
OBJECTIVE = LossConfig(dice=0.5)
SHOWN, STRIP_SIDE = 12, 480  # examples in the strip of pictures, and their longer side


@dataclass(frozen=True, kw_only=True)
class AnnotatedFrame:
    """An annotated frame."""

    index: int  # of the frame in the film, from 0
    frame: np.ndarray  # uint8 (H, W, 3)
    clip: np.ndarray  # uint8 (T, S, S, 3)
    query: str
    mask: np.ndarray  # bool (H, W)


def read_examples(folder: Path, *, size: int, clip_length: int, most_words: int = 20) -> list[AnnotatedFrame]:
    """The rows of `sentences.csv` in a folder, whose columns are frame (as its picture in images/ is called), mask (in masks/) and query.

    Raises `DatasetError`, naming the file and the line, and `VideoError`.
    """
    if not (folder / "images").is_dir():
        raise DatasetError(f"{folder} has no folder images/ with the pictures of the film; see acga adapt --help.")
    table = folder / "sentences.csv"
    rows = read_table(table, ("frame", "mask", "query"), header=True)
    if rows.empty:
        raise DatasetError(f"{table} has no line below its header; add a frame with its mask and a sentence.")
    names = {path.name: index for index, path in enumerate(list_pictures(folder / "images"))}
    names |= {Path(name).stem: index for name, index in names.items()}
    for line, (frame, query) in zip(rows.index, rows[["frame", "query"]].itertuples(index=False), strict=True):
        try:
            Vocabulary([]).encode(query, most_words)
        except QueryError as error:
            raise DatasetError(f"{table}, line {line}: {error}") from error
        if frame not in names:
            raise DatasetError(f"{table}, line {line}: there is no picture {frame!r} in {folder / 'images'}; write its name.")
    wanted = {names[frame] for frame in rows["frame"]}
    clips = enumerate(sliding_clips(read_frames(folder / "images"), size=size, clip_length=clip_length))
    seen = {index: (frame, np.stack(clip)) for index, (frame, clip) in clips if index in wanted}
    examples = []
    for line, (name, mask_name, query) in zip(rows.index, rows.itertuples(index=False), strict=True):
        frame, clip = seen[names[name]]
        mask = read_mask(folder / "masks" / mask_name)
        if not same_proportions(mask.shape, frame.shape[:2]):
            raise DatasetError(
                f"{table}, line {line}: {folder / 'masks' / mask_name} is {mask.shape[1]} x {mask.shape[0]}, its picture "
                f"{frame.shape[1]} x {frame.shape[0]}; draw the mask on the picture."
            )
        if mask.shape != frame.shape[:2]:
            mask = cv2.resize(mask.astype(np.uint8), frame.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
        if not mask.any():
            raise DatasetError(f"{table}, line {line}: {folder / 'masks' / mask_name} marks no pixel; draw the mask, or remove the line.")
        examples.append(AnnotatedFrame(index=names[name], frame=frame, clip=clip, query=query, mask=mask))
    return examples


def fit(model: ACGA, examples: Sequence[AnnotatedFrame], *, steps: int, learning_rate: float, seed: int = 0) -> None:
    """Train what follows the stem on all examples at once: Adam, with a cosine to zero.

    Statistics of BatchNorm stay as they are: a few frames of one film would spoil them.
    """
    torch.manual_seed(seed)
    assert model.vocabulary is not None
    indices = list(dict.fromkeys(example.index for example in examples))
    of_index = {example.index: example for example in examples}
    features = torch.cat([model.features(to_clip(of_index[index].clip)[None]) for index in indices])  # (B, C, T/4, h, w)
    clips = torch.tensor([indices.index(example.index) for example in examples])
    tokens = np.stack([model.vocabulary.encode(example.query, model.config.max_query_length) for example in examples])  # (Q, L)
    target = torch.stack([_target(example, model.config.size) for example in examples])  # (Q, S, S)
    network, loss = fold(model).eval(), WeightedSegmentationLoss(**asdict(OBJECTIVE))
    parameters = network.training_parameters()
    optimiser = torch.optim.Adam(parameters, lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in trange(steps, desc="adapting", unit="step", leave=False):
        responses = network.from_features(features, network.embed(torch.from_numpy(tokens)), clips)
        optimiser.zero_grad()
        loss(responses, target).backward()
        clip_grad_norm_(parameters, LARGEST_GRADIENT)
        optimiser.step()
        schedule.step()


def _target(example: AnnotatedFrame, size: int) -> Tensor:
    return torch.from_numpy(pad_resize(example.mask.astype(np.uint8), size)).float()


def adapt(options: AdaptOptions) -> dict[str, tuple[float, float]]:
    """Fit weights to a folder; gives each sentence's IoU before and after, the mean over its frames.

    Writes the weights to `options.out`, and beside it a strip of the first examples, before above after. These IoU are of the frames that
    were learned: they show that the fit took, not how it does elsewhere. Raises `AcgaError`.
    """
    if options.out.suffix != ".safetensors":
        raise ConfigError(f"{options.out} should end in .safetensors, as files of weights do.")
    model = load(options.weights)
    segmenter = Segmenter(model, "cpu")  # a copy, which stays as it is
    config = model.config
    examples = read_examples(options.folder, size=config.size, clip_length=config.clip_length, most_words=config.max_query_length)
    before = [_find(segmenter.model, example) for example in examples]
    fit(model, examples, steps=options.steps, learning_rate=options.learning_rate, seed=options.seed)
    after = [_find(fold(model).eval(), example) for example in examples]
    model.presence = None  # its thresholds were of the weights as they were
    model.config = replace(model.config, second_size=0)  # which they were not fitted at
    about = {**provenance(seed=options.seed), "initial": options.weights, "steps": options.steps, "examples": len(examples)}
    save_model(model, options.out, provenance=about, half=True)
    strip = np.concatenate([np.concatenate(_strip(examples[:SHOWN], masks), axis=1) for masks in (before[:SHOWN], after[:SHOWN])])
    with atomic_write(options.out.with_suffix(".jpg")) as temporary:
        temporary.write_bytes(encode_picture(strip, ".jpg"))
    scores: dict[str, list[tuple[float, float]]] = {}
    for example, *masks in zip(examples, before, after, strict=True):
        old, new = (intersection_over_union(mask, example.mask) for mask in masks)
        scores.setdefault(example.query, []).append((old, new))
    return {
        query: (float(np.mean([old for old, _ in pairs])), float(np.mean([new for _, new in pairs]))) for query, pairs in scores.items()
    }


@torch.inference_mode()
def _find(network: ACGA, example: AnnotatedFrame) -> np.ndarray:
    """The mask bool (H, W) that a network finds, of one piece; with its own outlines, not refined ones, since they are what is fitted."""
    assert network.vocabulary is not None
    tokens = torch.from_numpy(network.vocabulary.encode(example.query, network.config.max_query_length))[None]
    response = network.from_features(network.features(to_clip(example.clip)[None]), network.embed(tokens)).large[0]
    return binarise(response, example.mask.shape, one_piece=True)


def _strip(examples: Sequence[AnnotatedFrame], masks: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The frames with their masks, small."""
    painted = [paint_masks(example.frame, [mask]) for example, mask in zip(examples, masks, strict=True)]
    height, width = painted[0].shape[:2]  # all are of one film
    scale = min(1.0, STRIP_SIDE / max(height, width))
    return [cv2.resize(one, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for one in painted]
