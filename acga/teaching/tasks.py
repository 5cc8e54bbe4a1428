"""Exercises by number: what an answer is held against, out of the reader's sight, and hints on demand.

>>> from acga.teaching.exercises import check
>>> check(0.6, task("06.3"))
not yet: hint("06.3") helps
>>> check(0.4, task("06.3"))
right
>>> hint("06.3")
1 / (1 + P)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..config import ACGAConfig
from ..errors import ConfigError
from ..losses import WeightedSegmentationLoss
from ..metrics import SegmentationMetrics, intersection_over_union
from ..model.attention import LanguageGuidedVisionAttention
from ..model.decoder import upsample
from ..model.encoders import TextEncoder, coordinates
from ..model.network import ACGA
from ..study.records import Study
from .claim_tasks import gain_beside_its_kind
from .exercises import Expected, NotYet, like_layer

HINTS = {
    "02.1": "Time is divided by 4, space by 16; the channels are four times those of the table.",
    "02.2": "Divide by the length, but by no less than some tiny number.",
    "02.3": "[-1, 1] is cut into four parts; xctr is the middle of each.",
    "02.4": "nn.Conv1d wants channels before positions: turn the axes, convolve (kernel 3, padding 1), turn them back, tanh.",
    "02.5": "Each word changes its own position and both neighbours'.",
    "02.6": "Each side of every map is halved, and so is time.",
    "03.1": "Four lines: vision.flatten(2).mT is (B, P, C); scores (B, P, L); softmax over words; .mT.unflatten(2, (h, w)).",
    "03.2": "The largest score takes all: argmax over the words, then look the word up.",
    "03.3": "A score of minus infinity becomes a weight of zero; softmax does the rest.",
    "03.4": "If all scores are equal, softmax gives a twentieth to each word; which projection makes them equal?",
    "04.1": "The gate is text.amax(dim=1) through a Linear; it multiplies query and key, and not value; + vision at the end.",
    "04.2": "The gate enters squared: scores g1² with p2, g2² with p3; weights in the ratio exp(g1² - g2²).",
    "04.3": "The gate enters squared; and do not forget the square root of the number of channels.",
    "04.4": "acga.model.attention has a part that passes vision on: put it in place of the layer at .attention.vision.",
    "04.5": "4 bytes x batch x N²; a MiB is 2**20 bytes; four times the pixels.",
    "05.1": "Put 2/3 into the inequality above.",
    "05.2": "Compare the upsampled logits with torch.tensor(example).float(), and train a few hundred steps.",
    "05.3": "along_one_axis([0, 0, 1, 0, 0], 4) holds them.",
    "05.4": "Upsample language to vision's size, stack vision, language and coordinates, in this order, and let self.layers see them.",
    "05.5": "n of them look at 2 n + 1 pixels.",
    "06.1": "F.binary_cross_entropy_with_logits has pos_weight; F.interpolate makes the mask (B, 1, H, W) smaller, bilinearly.",
    "06.2": "p is one half; put p, y and P into the formula.",
    "06.3": "1 / (1 + P)",
    "06.4": "The largest p is 2/3, so the cut is at p = 1/3; which q gives p = 1/3?",
    "06.5": "A larger b marks more: recall goes up. Halve an interval, from -6 to 6, again and again.",
    "08.1": "IoUs first: 0.5, 0.9, 0, 0.5; for oIoU add the pixels before you divide.",
    "08.2": "One huge actor answered perfectly, several tiny ones missed.",
    "08.3": "The surer, the worse.",
    "08.4": "A mask of False with the box True, its IoU with each target, then the mean.",
    "08b.1": "Zero lies inside the interval, and so does 1.4.",
    "08b.2": 'study.difference("+ weighted loss", "+ vision guided language", where="same_kind=1"), times 100.',
    "08b.3": "Tags of questions name the number of actors in the scene.",
}
_TASKS: dict[str, Callable[..., Any]] = {}
_TOLERANCES = {"06.4": 1e-3, "08.1": 0.002, "08.4": 0.005, "08b.2": 0.05}


def task(number: str, **given: Any) -> Expected:
    """The exercise of that number, notebook before the dot, for `check`; `given` are things of the notebook that its check needs."""
    if number not in _TASKS:
        raise ConfigError(f"There is no exercise {number!r}: take one of {', '.join(_TASKS)}.")
    return Expected(_TASKS[number](**given), number, _TOLERANCES.get(number, 1e-6))


def hint(number: str) -> None:
    """Print a hint to the exercise of that number."""
    print(HINTS.get(number, f"There is no exercise {number!r}: take one of {', '.join(HINTS)}."))


def _register(number: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def keep(function: Callable[..., Any]) -> Callable[..., Any]:
        _TASKS[number] = function
        return function

    return keep


# 02


@_register("02.1")
def _published_shape() -> tuple[int, ...]:
    return (ACGAConfig.paper().vision_widths[0], 16 // 4, 512 // 16, 512 // 16)


@_register("02.2")
def _unit_length() -> Any:
    def right(function: Callable[..., Any]) -> bool:
        maps = torch.randn(2, 5, 3, 4)
        maps[1, :, 2, 3] = 0
        lengths, found = maps.norm(dim=1), function(maps)  # (B, h, w), (B, C, h, w)
        return torch.allclose(found.norm(dim=1), (lengths > 0).float(), atol=1e-6) and torch.allclose(
            found * lengths[:, None], maps, atol=1e-5
        )

    return right


@_register("02.3")
def _centres() -> Any:
    return coordinates(1, 4)[4, 0]


@_register("02.4")
def _text_encoder(encoder: nn.Module, words: Any) -> Any:
    return like_layer(encoder, words)


@_register("02.5")
def _changed_positions() -> Any:
    encoder, ten = TextEncoder(6), torch.randn(1, 10, 6)
    with torch.no_grad():
        apart = encoder(ten) - encoder(ten[:, [0, 1, 2, 4, 3, 5, 6, 7, 8, 9]])
    return np.flatnonzero(apart.abs().amax(dim=2)[0] > 1e-4)


@_register("02.6")
def _operations() -> float:
    return (16 / 8) * (512 / 256) ** 2


# 03


@_register("03.1")
@_register("04.1")
def _attention(layer: nn.Module, vision: Any, text: Any) -> Any:
    return like_layer(layer, vision, text)


@_register("03.2")
def _hardest() -> Any:
    def right(function: Callable[..., Any]) -> bool:
        queries, words = torch.randn(2, 6, 5), torch.randn(4, 5)
        return all(torch.allclose(function(q, words), (1e6 * q @ words.T).softmax(dim=1) @ words, atol=1e-4) for q in queries)

    return right


@_register("03.3")
def _masked() -> Any:
    def right(function: Callable[..., Any]) -> bool:
        scores, padding = torch.randn(6, 5), torch.tensor([False, False, True, False, True])
        weights, free = function(scores, padding), scores.softmax(dim=1)
        fits = torch.allclose(weights[:, padding], torch.zeros(6, 2)) and torch.allclose(weights.sum(dim=1), torch.ones(6))
        return fits and torch.allclose(weights[:, 0] / weights[:, 1], free[:, 0] / free[:, 1], rtol=1e-3)

    return right


@_register("03.4")
def _takes_the_mean(model: ACGA, features: Any, words: Any) -> Any:
    def right(network: ACGA) -> bool:
        with torch.no_grad():
            received, original = network.attend(features, words), model.attend(features, words)
            mean = model.text_encoder(words).mean(dim=1)[:, :, None, None].expand_as(received.language)
        return torch.allclose(received.language, mean, atol=1e-4) and torch.allclose(received.vision, original.vision, atol=1e-4)

    return right


# 04


@_register("04.2")
def _gives_twice(tiny: Any) -> Any:
    def right(gate: Any) -> bool:
        gated = tiny * torch.tensor(gate, dtype=torch.float32)
        share = (gated @ gated.T).softmax(dim=1)[0]
        return bool(torch.isclose(share[1], 2 * share[2], rtol=1e-2))

    return right


@_register("04.3")
def _gates_once() -> Any:
    def right(function: Callable[..., Any]) -> bool:
        query, key, gate = torch.randn(5, 7), torch.randn(5, 7), torch.randn(7)
        return torch.allclose(function(query, key, gate), (query * gate) @ (key * gate).T / 7**0.5, atol=1e-5)

    return right


@_register("04.4")
def _passes_vision_on(model: ACGA, features: Any, words: Any, vision: Any) -> Any:
    def right(network: ACGA) -> bool:
        received, original = network.attend(features, words), model.attend(features, words)
        return torch.allclose(received.vision, vision, atol=1e-4) and torch.equal(received.language, original.language)

    return right


@_register("04.5")
def _bytes_of_weights() -> list[float]:
    with torch.device("meta"):  # shapes without numbers
        layer = LanguageGuidedVisionAttention(vision_width=840, language_width=300)
        weights = [layer(torch.empty(4, 840, side, side), torch.empty(4, 20, 300))[1] for side in (32, 64)]
    return [one.nbytes / 2**20 for one in weights if one is not None]


# 05


@_register("05.1")
def _threshold() -> float:
    return (2 / 3) / (1 + 2 / 3)


@_register("05.2")
def _better_map(example: Any, limit: float) -> Any:
    def right(logits: Any) -> bool:
        if np.shape(logits) != (8, 8):
            raise NotYet(f"an array (8, 8) is wanted, yours is {np.shape(logits)}")
        found = upsample(torch.as_tensor(logits).detach().double()[None, None], (128, 128))[0, 0].numpy() > 0
        return intersection_over_union(found, example) > limit

    return right


@_register("05.3")
def _bilinear() -> Any:
    def right(weights: Any) -> bool:
        values = torch.tensor([[[0.0, 3.0, -1.0, 2.0, 5.0]]])
        kernel = torch.as_tensor(weights).float()
        if kernel.shape != (8,):
            raise NotYet(f"eight numbers are wanted, yours have the shape {tuple(kernel.shape)}")
        stamped = F.conv_transpose1d(values, kernel[None, None], stride=4, padding=2)[0, 0]
        wanted = F.interpolate(values, scale_factor=4, mode="linear")[0, 0]
        return torch.allclose(stamped[2:-2], wanted[2:-2], atol=1e-5)

    return right


@_register("05.4")
def _classifier(layer: nn.Module, vision: Any, language: Any) -> Any:
    return like_layer(layer, vision, language)


@_register("05.5")
def _convolutions() -> int:
    return next(n for n in range(512) if 2 * n + 1 >= 80)


# 06


@_register("06.1")
def _loss() -> Any:
    def right(function: Callable[..., Any]) -> bool:
        responses, mask = [torch.randn(2, size, size) for size in (2, 8, 32)], (torch.rand(2, 32, 32) > 0.5).float()
        for weight in (1.0, 1.5):
            found = torch.as_tensor(function(responses, mask, weight))
            if found.shape != ():
                raise NotYet(f"one number is wanted, yours has the shape {tuple(found.shape)}")
            wanted = torch.stack(WeightedSegmentationLoss(foreground_weight=weight).per_resolution(responses, mask)).sum()
            if not torch.isclose(found, wanted, rtol=1e-4):
                raise NotYet(f"with P = {weight:g} your loss is {found.item():.3f}, the package's {wanted.item():.3f}")
        return True

    return right


@_register("06.2")
def _pull() -> float:
    response = torch.zeros(1, requires_grad=True)
    F.binary_cross_entropy_with_logits(response, torch.tensor([0.5]), pos_weight=torch.tensor(1.5)).backward()
    assert response.grad is not None
    return response.grad.item()


@_register("06.3")
def _plain_threshold() -> float:
    return 1 / (1 + 1.5)


@_register("06.4")
def _official_threshold() -> float:
    surest = 2 * 0.5 / (2 * 0.5 + 1 - 0.5)
    return (surest / 2) / (surest / 2 + 2 * (1 - surest / 2))


@_register("06.5")
def _balanced(scores: Callable[[float], dict[str, float]]) -> Any:
    def right(shift: float) -> bool:
        of_all = scores(shift)
        return abs(of_all["precision"] - of_all["recall"]) < 0.01

    return right


# 08


@_register("08.1")
def _four_answers() -> list[float]:
    four = SegmentationMetrics.from_areas([4, 9, 0, 50], [8, 10, 30, 100]).compute()
    return [four[name] for name in ("P@0.5", "mIoU", "oIoU")]


@_register("08.2")
def _far_apart() -> Any:
    def right(pairs: list[tuple[np.ndarray, np.ndarray]]) -> bool:
        metrics = SegmentationMetrics()
        for predicted, target in pairs:
            metrics.update(predicted, target)
        found = metrics.compute()
        return found["oIoU"] > 0.9 and found["mIoU"] < 0.5

    return right


@_register("08.3")
def _as_small_as_possible(coco_map: Callable[[np.ndarray, np.ndarray], float]) -> Any:
    def right(scores: Sequence[float]) -> bool:
        if len(set(scores)) != 5:
            raise NotYet(f"five different scores are wanted, not {len(set(scores))}")
        found = np.array([0.95, 0.80, 0.65, 0.30, 0.10])
        least = min(coco_map(found, np.array(order)) for order in permutations(range(5)))
        return bool(np.isclose(coco_map(found, np.array(scores)), least))

    return right


@_register("08.4")
def _middle_box(targets: Sequence[np.ndarray]) -> float:
    found = []
    for target in targets:
        box, (h, w) = np.zeros_like(target), target.shape
        box[h // 4 : h - h // 4, w // 4 : w - w // 4] = True
        found.append(intersection_over_union(box, target))
    return float(np.mean(found))


# 08b


@_register("08b.1")
def _verdict() -> tuple[str, bool]:
    return "undecided", True


@_register("08b.2")
def _gain(study: Study) -> float:
    return gain_beside_its_kind(study)


@_register("08b.3")
def _lone() -> str:
    return "actors_in_scene=1"
