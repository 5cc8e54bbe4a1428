"""The responses to samples of a data set, with all those about a frame together, which is encoded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from .config import Blindness
from .data.dataset import Dataset
from .data.features import FeatureCache
from .data.geometry import pad_resize, to_clip
from .data.official import OfficialRows
from .errors import DatasetError
from .model.decoder import average_large
from .model.network import ACGA
from .system.computing import send
from .training.batches import hide_query


def group_by_frame(dataset: Dataset, indices: Sequence[int], batch_size: int) -> list[list[int]]:
    """Split samples into groups that hold all those of a frame, of at least `batch_size` but for the last, in the order of the frames.

    Raises `DatasetError` when there is none.
    """
    if not indices:
        raise DatasetError("There is no sample to evaluate.")
    by_frame: dict[tuple[str, int], list[int]] = {}
    for index in indices:
        sample = dataset.samples[index]
        by_frame.setdefault((sample.video_id, sample.frame), []).append(index)
    groups: list[list[int]] = [[]]
    for together in by_frame.values():
        if len(groups[-1]) >= batch_size:
            groups.append([])
        groups[-1] += together
    return groups


def group_responses(
    network: ACGA,
    dataset: Dataset,
    group: Sequence[int],
    features: FeatureCache | OfficialRows | None,
    batch_size: int,
    device: torch.device,
    blind_to: Blindness,
    second_size: int = 0,
) -> Iterator[tuple[int, Tensor]]:
    """The response (S, S) to each sample of a group, averaged with that at a second size if it is not 0.

    Every frame of the group is encoded once.
    """
    assert network.vocabulary is not None
    samples = [dataset.samples[index] for index in group]
    frames = list(dict.fromkeys((sample.video_id, sample.frame) for sample in samples))
    if features is None:
        still = blind_to == "motion"
        together = 1 if device.type == "cpu" else batch_size  # clips: a CPU gains nothing from more, and they need memory
        parts = [frames[start : start + together] for start in range(0, len(frames), together)]
        clips = (np.stack([dataset.clip_pixels(*frame, repeat_frame=still) for frame in part]) for part in parts)  # (B, T, S, S, 3)
        sides = (0, second_size) if second_size else (0,)
        each = [[_encode(network, few, side, device) for side in sides] for few in clips]
        visual = [torch.cat(maps) for maps in zip(*each, strict=True)]  # (F, C, h, w) each
    else:
        visual = [network.encode(send(torch.stack([features[frame] for frame in frames]), device).float())]
    rows = torch.tensor([frames.index((sample.video_id, sample.frame)) for sample in samples])
    tokens = torch.stack([torch.from_numpy(network.vocabulary.encode(sample.query, network.config.max_query_length)) for sample in samples])
    tokens = hide_query(tokens) if blind_to == "text" else tokens
    for start in range(0, len(group), batch_size):
        part = slice(start, start + batch_size)
        words, of = network.embed(tokens[part].to(device)), rows[part].to(device)
        responses = [network.decode(network.guide(maps, words, of, with_pixel_weights=False)) for maps in visual]
        yield from zip(group[part], average_large(responses).float().cpu(), strict=True)


def _encode(network: ACGA, clips: np.ndarray, side: int, device: torch.device) -> Tensor:
    """F_V (B, C, h, w) of clips (B, T, S, S, 3), resized to another side if it is not 0."""
    if side:
        clips = np.stack([[pad_resize(frame, side) for frame in clip] for clip in clips])
    return network.encode(network.features(to_clip(send(torch.from_numpy(clips), device))))
