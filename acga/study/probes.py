"""Probes of a trained network: its scores, answers to perturbed queries and other phrasings, and where attention goes.

Probes compare masks on the network's own square: many answers are compared with each other, not with annotations in a frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor

from ..config import STRIDE, Blindness, Precision
from ..data.dataset import Dataset, Sample
from ..data.features import FeatureCache
from ..data.masks import MaskCache
from ..data.text import tokenise
from ..evaluation import evaluate, sentence_key
from ..frame_groups import group_by_frame, group_responses
from ..metrics import binarise, smoothed_iou
from ..model.folding import fold
from ..model.network import ACGA
from ..synthetic.language.lexicon import COLOUR_NAMES, DOINGS, NOUNS, PLACES
from ..system.computing import autocast, choose_accelerator
from ..training.batches import extract
from .bootstrap import probability_of_more
from .perturbations import PERTURBATIONS, ask_what_is_absent, perturb
from .questions import Questions, Tags

BATCH = 16
OF_PARAPHRASES = ("consistency", "paraphrases", "new wordings", "known wordings")  # the probes that are by video of the paraphrases
ByVideo = dict[str, list[float | None]]  # the values of a probe by video, in order, None for videos without


def probe_model(
    model: ACGA,
    questions: Questions,
    features: Path,
    blind_to: Blindness = "none",
    *,
    whole: bool = True,
    precision: Precision = "fp32",
    workers: int,
    device: str,
) -> dict[str, Any]:
    """Everything measured of a trained network, as plain values, in the order of the samples in `Questions.rows`.

    "answers" has, by test set, the metrics and the intersection and union of every answer. A network that is blind is tested on A2D
    Sentences alone. If it sees and `whole`, "probes" has what becomes of perturbed questions and other phrasings and where attention goes,
    by video, and "presence_auroc" how often a response to a fitting query has a higher peak than one to something absent.
    `features` is the folder of the test sets' features.
    """
    accelerator = choose_accelerator(device)
    model.to(accelerator.device).eval()
    kind = "still" if blind_to == "motion" else "plain"
    caches = {
        name: extract(model, dataset, features / name, kind, accelerator=accelerator, workers=workers)  # type: ignore[arg-type]
        for name, dataset in questions.datasets.items()
        if blind_to == "none" or name == "a2d"
    }
    rounding = autocast(precision, accelerator.device, clip_length=model.config.clip_length)
    answers = {}
    for name in caches.keys() & {"a2d", "jhmdb"}:
        evaluation = evaluate(
            model, questions.datasets[name], features=caches[name], blind_to=blind_to, accelerator=accelerator, progress=False
        )
        areas = {area: [getattr(one, area) for one in evaluation.predictions] for area in ("intersection", "union")}
        answers[name] = {"metrics": evaluation.metrics, **areas}
    if blind_to != "none" or not whole:
        return {"answers": answers}
    looked = probe_attention(model, questions.perturbed, caches["a2d"], questions.tags)
    with rounding:
        asked, presence_auroc = probe_perturbed(model, questions.perturbed, caches["a2d"])
        if questions.paraphrases is not None:
            asked |= probe_paraphrases(model, questions.paraphrases, caches["paraphrases"], questions.paraphrase_tags)
    return {"answers": answers, "probes": asked | looked, "presence_auroc": presence_auroc}


def probe_perturbed(model: ACGA, dataset: Dataset, features: FeatureCache) -> tuple[ByVideo, float]:
    """Mean IoU with the target for perturbed queries and ones about something absent, and agreement with the answer to the query as it was.

    The number is `presence_auroc`: how often the peak of a response to a fitting query exceeds that to one about something absent.
    """
    samples = dataset.samples
    asked = segment_all(model, dataset, features)
    absent = segment_all(model, ask_what_is_absent(dataset), features)
    found = {"as asked": by_video(samples, asked.ious), "about something absent": by_video(samples, absent.ious)}
    for name, perturbation in PERTURBATIONS.items():
        answers = segment_all(model, perturb(dataset, perturbation), features)
        found[name] = by_video(samples, answers.ious)
        found[f"agreement, {name}"] = by_video(samples, mask_iou(answers.found, asked.found))
    return found, probability_of_more(asked.peaks.tolist(), absent.peaks.tolist())


def probe_paraphrases(model: ACGA, dataset: Dataset, features: FeatureCache, tags: Tags) -> ByVideo:
    """Mean IoU, on wordings of kinds seen and never seen in training, and consistency over the phrasings of each instance.

    A wording is new by an order of words, or by a pair of a colour and an action, that no training sentence has ("novelty").
    """
    answers, samples = segment_all(model, dataset, features), dataset.samples
    new = np.array([bool(tags.get(sentence_key(sample), {}).get("novelty")) for sample in samples])
    agreement = consistency(samples, answers.found)
    return {
        "consistency": by_video([Sample(*instance, "") for instance in agreement], list(agreement.values()), like=samples),
        "paraphrases": by_video(samples, answers.ious),
        "new wordings": by_video(samples, np.where(new, answers.ious, np.nan)),
        "known wordings": by_video(samples, np.where(new, np.nan, answers.ious)),
    }


def probe_attention(model: ACGA, dataset: Dataset, features: FeatureCache, tags: Tags) -> ByVideo:
    """Probe both attentions; nothing without them. "related" are queries whose `tags` mention a relation or a place."""
    samples, found = dataset.samples, {}
    for one in attention_on_target(model, dataset, features):
        of_words = [samples[row] for row in one.samples]
        for name, values in (("inside", one.inside), ("chance", one.chance)):
            found[f"{one.topic}, {name}"] = by_video(of_words, values, like=samples)
    distance = attention_distance(model, dataset, features)
    if distance is not None:
        mentioned = [set(tags.get(sentence_key(sample), {}).get("mentions", ())) for sample in samples]
        related = np.array([bool({"relation", "place"} & of_one) for of_one in mentioned])
        for name, values in vars(distance).items():
            found[f"pixels, {name}"] = by_video(samples, values)
            found[f"pixels, {name}, related"] = by_video(samples, np.where(related, values, np.nan))
    return found


def by_video(samples: Sequence[Sample], values: Iterable[float], *, like: Sequence[Sample] | None = None) -> list[float | None]:
    """The mean of the known values (not NaN) of each video, in the order in which `like` (or `samples`) first names it; None without any.

    >>> by_video([Sample("a", 1, 0, "dog"), Sample("a", 1, 1, "cat"), Sample("b", 1, 0, "dog")], [1.0, 0.0, np.nan])
    [0.5, None]
    """
    collected: dict[str, list[float]] = {sample.video_id: [] for sample in like or samples}
    for sample, value in zip(samples, values, strict=True):
        if np.isfinite(value):
            collected[sample.video_id].append(float(value))
    return [round(float(np.mean(known)), 4) if known else None for known in collected.values()]


@dataclass(frozen=True)
class PredictedMasks:
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
def segment_all(model: ACGA, dataset: Dataset, features: FeatureCache, *, blind_to: Blindness = "none") -> PredictedMasks:
    """The mask that the model gives to every sample, by the official threshold on the square."""
    network, device = fold(model).eval(), next(model.parameters()).device
    side = dataset.size
    found = np.zeros((len(dataset), side, side), bool)
    peaks = np.zeros(len(dataset))
    for group in group_by_frame(dataset, range(len(dataset)), BATCH):
        for index, response in group_responses(network, dataset, group, features, BATCH, device, blind_to):
            found[index], peaks[index] = binarise(response, (side, side)), response.max().sigmoid()
    target = MaskCache(dataset)[np.arange(len(dataset))].numpy().astype(bool)
    return PredictedMasks(found, target, peaks)


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
    """Attention on the words of a topic, a row per word."""

    topic: str
    samples: list[int]
    inside: list[float]  # of the attention that all pixels pay to the word, the share that is paid inside the actor that is meant
    chance: list[float]  # the actor's share of the square
    on_actor: list[float]  # of the attention that a pixel of the actor pays to all words, the share of this one
    everywhere: list[float]  # the same of any pixel


@torch.no_grad()
def attention_on_target(model: ACGA, dataset: Dataset, features: FeatureCache) -> list[AttentionOnTarget]:
    """For each topic: the share of the pixel attention on its word (eq. 3, normalised over pixels) that is inside the target (Fig. 5)."""
    rows: dict[str, tuple[list[Any], ...]] = {topic: ([], [], [], [], []) for topic in TOPICS}
    for indices, weights, inside, _ in _attention(model, dataset, features):
        if weights is None:
            return []
        over_pixels = weights / weights.sum(dim=1, keepdim=True)  # (B, N, L)
        share = torch.einsum("bnl,bn->bl", over_pixels, inside)  # (B, L)
        on_actor = torch.einsum("bnl,bn->bl", weights, inside / inside.sum(dim=1, keepdim=True))  # (B, L)
        everywhere, size = weights.mean(dim=1), inside.mean(dim=1)  # (B, L), (B,)
        for row, index in enumerate(indices):
            for place, word in enumerate(tokenise(dataset.samples[index].query)):
                for topic, words in TOPICS.items():
                    if word in words:
                        at = (row, place)
                        of_word = (index, float(share[at]), float(size[row]), float(on_actor[at]), float(everywhere[at]))
                        for column, value in zip(rows[topic], of_word, strict=True):
                            column.append(value)
    return [AttentionOnTarget(topic, *columns) for topic, columns in rows.items()]


@dataclass(frozen=True)
class AttentionDistance:
    """The places that the actor's pixels attend to (eq. 6-8), a row per sample; distances in sides of the square."""

    on_actor: list[float]  # share of their attention that stays on the actor
    chance: list[float]  # the actor's share of the square
    distance: list[float]  # mean distance to where they look
    uniform_distance: list[float]  # the same if they looked everywhere alike
    largest: list[float]  # the largest weight that they give to a single cell: 1 where softmax is saturated


@torch.no_grad()
def attention_distance(model: ACGA, dataset: Dataset, features: FeatureCache) -> AttentionDistance | None:
    """The distance of language guided vision attention from the pixels of the target; None for a network without it."""
    columns: tuple[list[float], ...] = ([], [], [], [], [])
    distances = _distances(dataset.size // STRIDE)  # (N, N)
    for _, _, inside, weights in _attention(model, dataset, features):
        if weights is None:
            return None
        looking = inside / inside.sum(dim=1, keepdim=True)  # (B, N), over the actor's cells
        looked_at = torch.einsum("bn,bnm->bm", looking, weights)  # (B, N)
        columns[0].extend((looked_at * inside).sum(dim=1).tolist())
        columns[1].extend(inside.mean(dim=1).tolist())
        columns[2].extend(torch.einsum("bn,bnm,nm->b", looking, weights, distances).tolist())
        columns[3].extend((looking @ distances.mean(dim=1)).tolist())
        columns[4].extend((looking * weights.amax(dim=2)).sum(dim=1).tolist())
    return AttentionDistance(*columns)


@torch.no_grad()
def attention_moved(model: ACGA, dataset: Dataset, features: FeatureCache) -> list[float] | None:
    """The share of eq. 8's attention that another question moves; None for a network without it.

    For each frame with several actors, the total variation between the weights under a question about one and under one about the next,
    the first of each, in the mean over the cells that look.
    """
    first: dict[tuple[str, int], dict[int, int]] = {}
    for index, sample in enumerate(dataset.samples):
        first.setdefault((sample.video_id, sample.frame), {}).setdefault(sample.instance, index)
    asked = {index for actors in first.values() if len(actors) > 1 for index in actors.values()}
    seen: dict[int, Tensor] = {}
    for indices, _, _, weights in _attention(model, dataset, features):
        if weights is None:
            return None
        seen |= {index: row.half() for index, row in zip(indices, weights, strict=True) if index in asked}
    pairs = [pair for actors in first.values() for pair in pairwise(actors.values())]
    return [float((seen[one].float() - seen[other].float()).abs().sum(dim=1).mean() / 2) for one, other in pairs]


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
