"""What a trained network does with what it reads: consistency over phrasings, answers to perturbed queries, and where its attention goes.

Masks are compared on the network's own square here: many answers are compared with each other, not with annotations in a frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor

from ..config import STRIDE, Blindness
from ..data.dataset import Dataset, Sample
from ..data.features import FeatureCache
from ..data.masks import MaskCache
from ..data.text import tokenise
from ..evaluation import group_by_frame, group_responses
from ..metrics import binarise, smoothed_iou
from ..model.folding import fold
from ..model.network import ACGA
from ..synthetic.language.lexicon import COLOUR_NAMES, DOINGS, NOUNS, PLACES

BATCH = 16


@dataclass(frozen=True)
class Masks:
    """Answers on the network's square."""

    found: np.ndarray  # bool (N, S, S)
    target: np.ndarray  # bool (N, S, S)
    peaks: np.ndarray  # (N,), the largest probability of each response

    @property
    def ious(self) -> np.ndarray:
        """IoU of every answer with its target (N,), smoothed as officially done."""
        return mask_iou(self.found, self.target)


def mask_iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """IoU of pairs of masks, bool (N, S, S) each, to (N,).

    >>> mask_iou(np.array([[[True, False]]]), np.array([[[True, True]]])).round(3).tolist()
    [0.5]
    """
    return np.asarray(smoothed_iou((one & other).sum(axis=(1, 2)), (one | other).sum(axis=(1, 2))))


@torch.no_grad()
def segment_all(model: ACGA, dataset: Dataset, features: FeatureCache, *, blind_to: Blindness = "none") -> Masks:
    """The mask that the model gives to every sample, by the official threshold on the square."""
    network, device = fold(model).eval(), next(model.parameters()).device
    side = dataset.size
    found = np.zeros((len(dataset), side, side), bool)
    peaks = np.zeros(len(dataset))
    for group in group_by_frame(dataset, range(len(dataset)), BATCH):
        for index, response in group_responses(network, dataset, group, features, BATCH, device, blind_to):
            found[index], peaks[index] = binarise(response, (side, side)), response.max().sigmoid()
    target = MaskCache(dataset)[np.arange(len(dataset))].numpy().astype(bool)
    return Masks(found, target, peaks)


def consistency(samples: Sequence[Sample], found: np.ndarray, *, phrasings: int = 5) -> dict[tuple[str, int, int], float]:
    """The mean pairwise IoU of the masks over the phrasings of each instance of a frame that is described in at least so many ways.

    `found` is bool (N, S, S). It is 1 where a model answers all phrasings alike, rightly or not.

    >>> samples = [Sample("a", 1, 0, "dog"), Sample("a", 1, 0, "running dog")]
    >>> consistency(samples, np.array([[[True, True]], [[True, False]]]), phrasings=2)
    {('a', 1, 0): 0.5}
    """
    rows: dict[tuple[str, int, int], list[int]] = {}
    for row, sample in enumerate(samples):
        rows.setdefault((sample.video_id, sample.frame, sample.instance), []).append(row)
    agreement = {}
    for instance, members in rows.items():
        if len(members) >= phrasings:
            first, second = zip(*combinations(members, 2), strict=True)
            agreement[instance] = round(float(mask_iou(found[list(first)], found[list(second)]).mean()), 5)
    return agreement


TOPICS: Mapping[str, frozenset[str]] = {  # the words of the drawn world whose maps are looked at
    "actor": frozenset(word for names in NOUNS.values() for phrase in names for word in phrase.split()),
    "action": frozenset(phrase.split()[0] for phrases in DOINGS.values() for phrase in phrases),
    "colour": frozenset(word for names in COLOUR_NAMES.values() for word in names),
    "place": frozenset(word for phrases in PLACES.values() for phrase in phrases for word in phrase.split())
    - {"on", "in", "at", "the", "of", "camera"},
}


@dataclass(frozen=True)
class AttentionOnTarget:
    """How much attention lies inside the actor that is meant, a row per word (or per sample); chance is the actor's share of the square."""

    topic: str
    samples: list[int]
    inside: list[float]
    chance: list[float]


@torch.no_grad()
def attention_on_target(model: ACGA, dataset: Dataset, features: FeatureCache) -> list[AttentionOnTarget]:
    """For each topic: the share of the pixel attention on its word (eq. 3, normalised over pixels) that is inside the target (Fig. 5)."""
    rows: dict[str, tuple[list[int], list[float], list[float]]] = {topic: ([], [], []) for topic in TOPICS}
    for indices, weights, inside, _ in _attention(model, dataset, features):
        if weights is None:
            return []
        over_pixels = weights / weights.sum(dim=1, keepdim=True)  # (B, N, L)
        share = torch.einsum("bnl,bn->bl", over_pixels, inside)  # (B, L)
        for row, index in enumerate(indices):
            for place, word in enumerate(tokenise(dataset.samples[index].query)):
                for topic, words in TOPICS.items():
                    if word in words:
                        samples, shares, chances = rows[topic]
                        samples.append(index)
                        shares.append(float(share[row, place]))
                        chances.append(float(inside[row].mean()))
    return [AttentionOnTarget(topic, *columns) for topic, columns in rows.items()]


@dataclass(frozen=True)
class AttentionDistance:
    """Where the pixels of the actor look (eq. 6-8), a row per sample; distances in sides of the square."""

    on_actor: list[float]  # share of their attention that stays on the actor
    chance: list[float]  # the actor's share of the square
    distance: list[float]  # mean distance to where they look
    uniform_distance: list[float]  # the same if they looked everywhere alike
    neighbourhood: list[float]  # share of their attention within the 3 x 3 cells around
    largest: list[float]  # the largest weight that they give to a single cell: 1 where softmax is saturated


@torch.no_grad()
def attention_distance(model: ACGA, dataset: Dataset, features: FeatureCache) -> AttentionDistance | None:
    """How far language guided vision attention looks from the pixels of the target; None for a network without it."""
    columns: tuple[list[float], ...] = ([], [], [], [], [], [])
    distances = _distances(dataset.size // STRIDE)  # (N, N)
    near = (distances * (dataset.size // STRIDE) < 1.5).float()
    for _, _, inside, weights in _attention(model, dataset, features):
        if weights is None:
            return None
        looking = inside / inside.sum(dim=1, keepdim=True)  # (B, N), over the actor's cells
        looked_at = torch.einsum("bn,bnm->bm", looking, weights)  # (B, N)
        columns[0].extend((looked_at * inside).sum(dim=1).tolist())
        columns[1].extend(inside.mean(dim=1).tolist())
        columns[2].extend(torch.einsum("bn,bnm,nm->b", looking, weights, distances).tolist())
        columns[3].extend((looking @ distances.mean(dim=1)).tolist())
        columns[4].extend(torch.einsum("bn,bnm,nm->b", looking, weights, near).tolist())
        columns[5].extend((looking * weights.amax(dim=2)).sum(dim=1).tolist())
    return AttentionDistance(*columns)


def _attention(model: ACGA, dataset: Dataset, features: FeatureCache) -> Iterator[tuple[list[int], Tensor | None, Tensor, Tensor | None]]:
    """Batches of samples: word weights (B, N, L), the target's share of every cell (B, N), and pixel weights (B, N, N)."""
    assert model.vocabulary is not None
    model.eval()
    longest = model.config.max_query_length
    masks, device = MaskCache(dataset), next(model.parameters()).device
    for start in range(0, len(dataset), BATCH):
        indices = list(range(start, min(start + BATCH, len(dataset))))
        samples = [dataset.samples[index] for index in indices]
        maps = torch.stack([features[sample.video_id, sample.frame] for sample in samples]).float().to(device)
        tokens = torch.from_numpy(np.stack([model.vocabulary.encode(sample.query, longest) for sample in samples])).to(device)
        attended = model.attend(maps, model.embed(tokens))
        cells = F.avg_pool2d(masks[np.array(indices)][:, None], STRIDE)  # (B, 1, h, w)
        inside = rearrange(cells, "b 1 h w -> b (h w)")
        yield (
            indices,
            None if attended.word_weights is None else attended.word_weights.cpu(),
            inside,
            None if attended.pixel_weights is None else attended.pixel_weights.cpu(),
        )


def _distances(cells: int) -> Tensor:
    """Between the centres of all pairs of cells of a square grid, in sides of the square (N, N).

    >>> _distances(2)[0]
    tensor([0.0000, 0.5000, 0.5000, 0.7071])
    """
    axis = torch.arange(cells) / cells
    places = rearrange(torch.stack(torch.meshgrid(axis, axis, indexing="ij")), "d h w -> (h w) d")
    return reduce((places[:, None] - places[None]).square(), "n m d -> n m", "sum").sqrt()
