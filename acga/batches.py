"""Batches for training on sentences: features that were extracted once, tokens and masks, as `TrainConfig` wants them shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from .config import FeatureKind, TrainConfig
from .data.dataset import Dataset
from .data.features import FeatureCache, extract_features, fingerprint
from .data.masks import MaskCache
from .data.releases import open_release
from .data.text import UNKNOWN, Vocabulary
from .devices import choose_accelerator
from .evaluation import hide_query
from .model.network import ACGA, load_backbone
from .options import ExtractOptions

MIRRORED_WORDS = (("left", "right"), ("leftmost", "rightmost"))


def mirrored_words(vocabulary: Vocabulary) -> Tensor:
    """For every id of a vocabulary, the id of the word that takes its place when the picture is mirrored.

    >>> mirrored_words(Vocabulary(["dog", "left", "right"])).tolist()
    [0, 1, 2, 4, 3]
    """
    ids = {word: number for number, word in enumerate(vocabulary.words, start=UNKNOWN + 1)}
    mirror = torch.arange(len(vocabulary))
    for pair in MIRRORED_WORDS:
        for word, other in (pair, pair[::-1]):
            if word in ids:
                mirror[ids[word]] = ids.get(other, UNKNOWN)
    return mirror


def extract(
    model: ACGA, dataset: Dataset, folder: str | Path, kind: FeatureKind = "plain", *, accelerator: Accelerator, workers: int = 2
) -> FeatureCache:
    """The features of `dataset` at mixed_4e in `folder`/`kind`, computed as far as they are not there yet.

    Several processes share the work. Raises what `extract_features` raises.
    """
    stem, target = model.backbone.stem, Path(folder) / kind
    part = (accelerator.process_index, accelerator.num_processes)
    extract_features(stem, dataset, target, kind, device=accelerator.device, batch_size=8, workers=workers, part=part)
    accelerator.wait_for_everyone()
    return FeatureCache(target, fingerprint=fingerprint(stem, dataset, kind))


def extract_release(options: ExtractOptions) -> FeatureCache:
    """The features of a release, drawn or real, by a published or pretrained backbone.

    Raises `DatasetError`, `WeightsError` and `ConfigError`.
    """
    model = ACGA(options.config, backbone=load_backbone(options.backbone, options.config))
    dataset = open_release(options.root, options.split, options.config)
    accelerator = choose_accelerator(options.device)
    return extract(model, dataset, options.out, options.kind, accelerator=accelerator, workers=options.workers)


class SentenceBatches:
    """Batches of features, tokens and masks by sample, as `TrainConfig` wants them shown."""

    def __init__(
        self, dataset: Dataset, model: ACGA, config: TrainConfig, caches: Mapping[FeatureKind, FeatureCache], masks: MaskCache
    ) -> None:
        assert model.vocabulary is not None
        self.frames = [(sample.video_id, sample.frame) for sample in dataset.samples]
        encoded = [model.vocabulary.encode(sample.query, model.config.max_query_length) for sample in dataset.samples]
        self.tokens = torch.from_numpy(np.stack(encoded))  # (N, L)
        if config.blind_to == "text":
            self.tokens = hide_query(self.tokens)
        self.mirror = mirrored_words(model.vocabulary)
        self.as_seen, self.masks = caches[seen_kind(config)], masks
        self.mirrored = caches["mirrored"] if config.mirror else None
        self.with_others = config.loss.other_actors_weight != 1

    def take(self, indices: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Features (B, C, T/4, h, w), tokens (B, L), masks (B, S, S) and, if the loss asks for them, those of the other actors.

        With `mirror`, every sample is mirrored or not by a coin.
        """
        tokens, maps = self.tokens[indices], []
        masks = [self.masks[indices], self.masks.others(indices)] if self.with_others else [self.masks[indices]]
        for row, index in enumerate(indices):
            if self.mirrored is not None and rng.random() < 0.5:
                maps.append(self.mirrored[self.frames[index]])
                tokens[row] = self.mirror[tokens[row]]
                for mask in masks:
                    mask[row] = mask[row].flip(-1)
            else:
                maps.append(self.as_seen[self.frames[index]])
        return torch.stack(maps).float(), tokens, *masks

    def features(self, indices: Sequence[int]) -> Tensor:
        """Features (N, C, T/4, h, w) of samples, not mirrored."""
        return torch.stack([self.as_seen[self.frames[index]] for index in indices]).float()


def seen_kind(config: TrainConfig) -> FeatureKind:
    """The features that a configuration looks at."""
    return "still" if config.blind_to == "motion" else "plain"
