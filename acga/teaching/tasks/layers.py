"""Exercises of 02 to 05: encoders, both attentions, the decoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ...config import ACGAConfig
from ...metrics import intersection_over_union
from ...model.attention import LanguageGuidedVisionAttention
from ...model.decoder import upsample
from ...model.encoders import TextEncoder, coordinates
from ...model.network import ACGA
from ..exercises import NotYet, like_layer
from .registry import register


@register("02.1", "Time is divided by 4, space by 16; the channels are four times those of the table.")
def _published_shape() -> tuple[int, ...]:
    return (ACGAConfig.paper().vision_widths[0], 16 // 4, 512 // 16, 512 // 16)


@register("02.2", "Divide by the length, but by no less than some tiny number.")
def _unit_length() -> Any:
    def right(function: Callable[..., Any]) -> bool:
        maps = torch.randn(2, 5, 3, 4)
        maps[1, :, 2, 3] = 0
        lengths, found = maps.norm(dim=1), function(maps)  # (B, h, w), (B, C, h, w)
        return torch.allclose(found.norm(dim=1), (lengths > 0).float(), atol=1e-6) and torch.allclose(
            found * lengths[:, None], maps, atol=1e-5
        )

    return right


@register("02.3", "[-1, 1] is cut into four parts; xctr is the middle of each.")
def _centres() -> Any:
    return coordinates(1, 4)[4, 0]


@register("02.4", "nn.Conv1d wants channels before positions: turn the axes, convolve (kernel 3, padding 1), turn them back, tanh.")
def _text_encoder(encoder: nn.Module, words: Any) -> Any:
    return like_layer(encoder, words)


@register("02.5", "Each word changes its own position and both neighbours'.")
def _changed_positions() -> Any:
    encoder, ten = TextEncoder(6), torch.randn(1, 10, 6)
    with torch.no_grad():
        apart = encoder(ten) - encoder(ten[:, [0, 1, 2, 4, 3, 5, 6, 7, 8, 9]])
    return np.flatnonzero(apart.abs().amax(dim=2)[0] > 1e-4)


@register("02.6", "Each side of every map is halved, and so is time.")
def _operations() -> float:
    return (16 / 8) * (512 / 256) ** 2


@register("03.1", "Four lines: vision.flatten(2).mT is (B, P, C); scores (B, P, L); softmax over words; .mT.unflatten(2, (h, w)).")
@register("04.1", "The gate is text.amax(dim=1) through a Linear; it multiplies query and key, and not value; + vision at the end.")
def _attention(layer: nn.Module, vision: Any, text: Any) -> Any:
    return like_layer(layer, vision, text)


@register("03.2", "The largest score takes all: argmax over the words, then look the word up.")
def _hardest() -> Any:
    def right(function: Callable[..., Any]) -> bool:
        queries, words = torch.randn(2, 6, 5), torch.randn(4, 5)
        return all(torch.allclose(function(q, words), (1e6 * q @ words.T).softmax(dim=1) @ words, atol=1e-4) for q in queries)

    return right


@register("03.3", "A score of minus infinity becomes a weight of zero; softmax does the rest.")
def _masked() -> Any:
    def right(function: Callable[..., Any]) -> bool:
        scores, padding = torch.randn(6, 5), torch.tensor([False, False, True, False, True])
        weights, free = function(scores, padding), scores.softmax(dim=1)
        fits = torch.allclose(weights[:, padding], torch.zeros(6, 2)) and torch.allclose(weights.sum(dim=1), torch.ones(6))
        return fits and torch.allclose(weights[:, 0] / weights[:, 1], free[:, 0] / free[:, 1], rtol=1e-3)

    return right


@register("03.4", "If all scores are equal, softmax gives a twentieth to each word; which projection makes them equal?")
def _takes_the_mean(model: ACGA, features: Any, words: Any) -> Any:
    def right(network: ACGA) -> bool:
        with torch.no_grad():
            received, original = network.attend(features, words), model.attend(features, words)
            mean = model.text_encoder(words).mean(dim=1)[:, :, None, None].expand_as(received.language)
        return torch.allclose(received.language, mean, atol=1e-4) and torch.allclose(received.vision, original.vision, atol=1e-4)

    return right


@register("04.2", "The gate enters squared: scores g1² with p2, g2² with p3; weights in the ratio exp(g1² - g2²).")
def _gives_twice(tiny: Any) -> Any:
    def right(gate: Any) -> bool:
        gated = tiny * torch.tensor(gate, dtype=torch.float32)
        share = (gated @ gated.T).softmax(dim=1)[0]
        return bool(torch.isclose(share[1], 2 * share[2], rtol=1e-2))

    return right


@register("04.3", "The gate enters squared; and do not forget the square root of the number of channels.")
def _gates_once() -> Any:
    def right(function: Callable[..., Any]) -> bool:
        query, key, gate = torch.randn(5, 7), torch.randn(5, 7), torch.randn(7)
        return torch.allclose(function(query, key, gate), (query * gate) @ (key * gate).T / 7**0.5, atol=1e-5)

    return right


@register("04.4", "acga.model.attention has a part that passes vision on: put it in place of the layer at .attention.vision.")
def _passes_vision_on(model: ACGA, features: Any, words: Any, vision: Any) -> Any:
    def right(network: ACGA) -> bool:
        received, original = network.attend(features, words), model.attend(features, words)
        return torch.allclose(received.vision, vision, atol=1e-4) and torch.equal(received.language, original.language)

    return right


@register("04.5", "4 bytes x batch x N²; a MiB is 2**20 bytes; four times the pixels.")
def _bytes_of_weights() -> list[float]:
    with torch.device("meta"):  # shapes without numbers
        layer = LanguageGuidedVisionAttention(vision_width=840, language_width=300)
        weights = [layer(torch.empty(4, 840, side, side), torch.empty(4, 20, 300))[1] for side in (32, 64)]
    return [one.nbytes / 2**20 for one in weights if one is not None]


@register("05.1", "Put 2/3 into the inequality above.")
def _threshold() -> float:
    return (2 / 3) / (1 + 2 / 3)


@register("05.2", "Compare the upsampled logits with torch.tensor(example).float(), and train a few hundred steps.")
def _better_map(example: Any, limit: float) -> Any:
    def right(logits: Any) -> bool:
        if np.shape(logits) != (8, 8):
            raise NotYet(f"an array (8, 8) is wanted, yours is {np.shape(logits)}")
        found = upsample(torch.as_tensor(logits).detach().double()[None, None], (128, 128))[0, 0].numpy() > 0
        return intersection_over_union(found, example) > limit

    return right


@register("05.3", "along_one_axis([0, 0, 1, 0, 0], 4) holds them.")
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


@register("05.4", "Upsample language to vision's size, stack vision, language, coordinates, in this order, and let self.layers see them.")
def _classifier(layer: nn.Module, vision: Any, language: Any) -> Any:
    return like_layer(layer, vision, language)


@register("05.5", "n of them look at 2 n + 1 pixels.")
def _convolutions() -> int:
    return next(n for n in range(512) if 2 * n + 1 >= 80)
