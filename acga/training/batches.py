"""Batches for training on sentences: features that were extracted once, tokens and masks, from one release or several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from ..config import Blindness, FeatureKind, Precision, TrainConfig
from ..data.absent import AbsentQueries
from ..data.dataset import Dataset
from ..data.features import FeatureCache, extract_features, fingerprint
from ..data.masks import MaskCache
from ..data.releases import open_release
from ..data.text import PADDING, UNKNOWN, Vocabulary
from ..model.network import ACGA, load_backbone
from ..options import ExtractOptions
from ..system.computing import channels_last, choose_accelerator, compile_stem

PIXELS_AT_ONCE = 16 * 512 * 512  # of clips that pass through a stem together on a CPU
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


def hide_query(tokens: Tensor) -> Tensor:
    """Tokens (B, L) of a query that says nothing: one unknown word, whatever was asked (the text-blind control)."""
    hidden = torch.zeros_like(tokens)
    hidden[:, 0] = UNKNOWN
    return hidden


def disturb_query(tokens: Tensor, share: float, words: int, rng: np.random.Generator) -> Tensor:
    """Tokens (L,) of a query in which any of `words` known words take the place of some, and are put in before some or at the end.

    Sentences about one's own films say much that no training sentence says; of words that it does not know, a network is not to make
    anything. Random replacement and insertion as in Wei and Zou, 2019 (EDA), but of all words in place of synonyms.
    """
    ids: list[int] = []
    for word in [*tokens[tokens != PADDING].tolist(), None]:
        while rng.random() < share:
            ids.append(int(rng.integers(UNKNOWN + 1, words)))
        if word is not None:
            ids.append(int(rng.integers(UNKNOWN + 1, words)) if rng.random() < share else word)
    disturbed = torch.zeros_like(tokens)
    kept = min(len(ids), len(tokens))
    disturbed[:kept] = torch.tensor(ids[:kept])
    return disturbed


def extract(
    model: ACGA,
    dataset: Dataset,
    folder: str | Path,
    kind: FeatureKind = "plain",
    *,
    accelerator: Accelerator,
    precision: Precision = "fp32",
    workers: int = 2,
) -> FeatureCache:
    """The features of `dataset` at mixed_4e in `folder`/`kind`, computed as far as they are not there yet.

    Several processes share the work. Raises what `extract_features` raises.
    """
    channels_last(model.backbone)
    stem, target = model.backbone.stem, Path(folder) / kind
    part = (accelerator.process_index, accelerator.num_processes)
    pixels = len(dataset.annotated_frames) * dataset.clip_length * dataset.size**2 / part[1] if precision == "fp32" else 0
    forward = compile_stem(stem, pixels=pixels, device=accelerator.device)
    # On a CPU a batch of large clips is no faster than one after the other, and needs the memory.
    clip = dataset.clip_length * dataset.size**2
    batch_size = 8 if accelerator.device.type != "cpu" else min(8, max(1, PIXELS_AT_ONCE // clip))
    how: dict[str, Any] = {"device": accelerator.device, "precision": precision, "batch_size": batch_size, "workers": workers, "part": part}
    extract_features(stem, dataset, target, kind, **how, forward=forward)
    accelerator.wait_for_everyone()
    return FeatureCache(target, fingerprint=fingerprint(stem, dataset, kind, precision))


def extract_release(options: ExtractOptions) -> FeatureCache:
    """The features of a release, drawn or real, by a published or pretrained backbone.

    Raises `DatasetError`, `WeightsError` and `ConfigError`.
    """
    model = ACGA(options.config, backbone=load_backbone(options.backbone, options.config))
    dataset = open_release(options.root, options.split, options.config, options.frame_list)
    accelerator = choose_accelerator(options.device)
    how: dict[str, Any] = {"precision": options.precision, "workers": options.workers}
    return extract(model, dataset, options.out, options.kind, accelerator=accelerator, **how)


class Batch(NamedTuple):
    """A training batch: clips, sentences, and what each sentence's mask is."""

    features: Tensor  # (B, C, T/4, h, w), 16-bit as they were stored until they are on the device
    tokens: Tensor  # (Q, L)
    masks: Tensor  # (Q, S, S)
    clips: Tensor | None  # (Q,): which clip a sentence is about; None: each has its own
    others: Tensor | None  # (Q, S, S): where the clip's other actors are, if the loss asks for it

    def pinned(self) -> Batch:
        """The same batch in memory from which a GPU copies by itself."""
        return self._each(Tensor.pin_memory)

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device, features in single precision; from pinned memory nobody waits for the copy."""
        moved = self._each(lambda tensor: tensor.to(device, non_blocking=True))
        return moved._replace(features=moved.features.float())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        features, tokens, masks, *optional = self
        clips, others = (None if tensor is None else change(tensor) for tensor in optional)
        return Batch(change(features), change(tokens), change(masks), clips, others)


class ReleaseSamples:
    """The samples of one release with their features and masks, as `TrainConfig` wants them shown; `learned` are trained on."""

    def __init__(
        self,
        dataset: Dataset,
        model: ACGA,
        config: TrainConfig,
        caches: Mapping[FeatureKind, FeatureCache],
        masks: MaskCache,
        learned: Sequence[int] | None = None,  # all
    ) -> None:
        assert model.vocabulary is not None
        self.config = config
        self.frames = [(sample.video_id, sample.frame) for sample in dataset.samples]
        encoded = [model.vocabulary.encode(sample.query, model.config.max_query_length) for sample in dataset.samples]
        self.tokens = torch.from_numpy(np.stack(encoded))  # (N, L)
        if config.blind_to == "text":
            self.tokens = hide_query(self.tokens)
        self.words = len(model.vocabulary)
        self.mirror = mirrored_words(model.vocabulary)
        self.as_seen, self.masks = caches[kind_for(config.blind_to)], masks
        self.mirrored = caches["mirrored"] if config.mirror else None
        self.with_others = config.loss.other_actors_weight != 1
        self.absent = AbsentQueries(dataset, learned) if config.absent_share else None

    def features_of(self, index: int) -> Tensor:
        """Features (C, T/4, h, w) of a sample, not mirrored."""
        return self.as_seen[self.frames[index]]

    def group(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Samples as the groups that are drawn together: each alone, or with `sentences_per_clip` all of a clip."""
        if self.config.sentences_per_clip == 1:
            return [np.array([index]) for index in indices]
        of_frame: dict[tuple[str, int], list[int]] = {}
        for index in indices:
            of_frame.setdefault(self.frames[index], []).append(index)
        return [np.array(group) for group in of_frame.values()]

    def take(self, group: np.ndarray, rng: np.random.Generator) -> Batch:
        """One clip, with `sentences_per_clip` samples of a group. With `mirror`, it is mirrored or not by a coin."""
        most = self.config.sentences_per_clip
        indices = group if len(group) <= most else rng.choice(group, most, replace=False)
        mirrored = self.mirrored is not None and rng.random() < 0.5
        cache = self.mirrored if mirrored and self.mirrored is not None else self.as_seen
        tokens, masks = self.tokens[indices], self.masks[indices]
        others = self.masks.others(indices) if self.with_others else None
        if self.absent is not None:
            for row, index in enumerate(indices):
                if rng.random() < self.config.absent_share and (absent := self.absent.draw(index, rng)) is not None:
                    tokens[row] = self.tokens[absent]
                    if others is not None:
                        others[row] = torch.maximum(others[row], masks[row])
                    masks[row] = 0
        if self.config.word_noise:
            tokens = torch.stack([disturb_query(row, self.config.word_noise, self.words, rng) for row in tokens])
        if mirrored:
            tokens, masks, others = self.mirror[tokens], masks.flip(-1), None if others is None else others.flip(-1)
        return Batch(cache[self.frames[indices[0]]][None], tokens, masks, torch.zeros(len(indices), dtype=torch.int64), others)


class SentenceBatches:
    """Batches from several releases; an epoch shows each clip of a release as often as its weight says.

    `groups` are (release, group of samples) as often as an epoch shows them. With a single sentence a clip, a batch has no `clips`.
    """

    def __init__(self, releases: Sequence[tuple[ReleaseSamples, Sequence[int], float]], *, seed: int) -> None:
        self.releases = [batches for batches, _, _ in releases]
        self.groups: list[tuple[int, np.ndarray]] = []
        for number, (batches, indices, weight) in enumerate(releases):
            groups = batches.group(indices)
            whole, rest = divmod(round(weight * len(groups)), len(groups))
            chosen = sorted(np.random.default_rng(seed).permutation(len(groups))[:rest]) if rest else []
            self.groups += [(number, group) for group in [*groups * whole, *(groups[row] for row in chosen)]]

    def features(self, count: int) -> Tensor:
        """Features (N, C, T/4, h, w) of about `count` of the groups, evenly spread, not mirrored."""
        spread = self.groups[:: -(-len(self.groups) // count)]
        return torch.stack([self.releases[release].features_of(group[0]) for release, group in spread]).float()

    def take(self, rows: np.ndarray, rng: np.random.Generator) -> Batch:
        """The batch of some of `groups`."""
        taken = []
        for row in rows:
            release, group = self.groups[row]
            taken.append(self.releases[release].take(group, rng))
        features, tokens, masks, _, others = zip(*taken, strict=True)
        counts = torch.tensor([len(part) for part in tokens])
        several = bool((counts > 1).any())
        return Batch(
            torch.cat(features),
            torch.cat(tokens),
            torch.cat(masks),
            torch.repeat_interleave(torch.arange(len(taken)), counts) if several else None,
            None if others[0] is None else torch.cat(others),
        )


def kind_for(blind_to: Blindness) -> FeatureKind:
    """The features that a network looks at."""
    return "still" if blind_to == "motion" else "plain"
