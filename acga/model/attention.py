"""The two asymmetric branches: vision guided language attention (eq. 3-4) and language guided vision attention (eq. 5-8).

Below, N is the number of pixels h * w of the map, each a cell of 16 x 16 of the frame's, L of words, D the width of language, and C of
vision with its 8 coordinates (840 in the paper).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn


@dataclass
class Attended:
    """The attended maps of both branches; the weights are None where a branch has none."""

    language: Tensor  # F_TA (B, D, h, w)
    vision: Tensor  # F_VA (B, C, h, w)
    word_weights: Tensor | None  # (B, N, L), rows sum to one
    pixel_weights: Tensor | None  # (B, N, N), rows sum to one


class VisionGuidedLanguageAttention(nn.Module):
    """Each pixel attends over the words (eq. 3-4): F_TA = softmax(Linear(F_VC) F_T^T / sqrt(D)) F_T.

    >>> branch = VisionGuidedLanguageAttention(vision_width=840, language_width=300)
    >>> attended, weights = branch(torch.rand(1, 840, 4, 6), torch.rand(1, 20, 300))
    >>> attended.shape, weights.shape
    (torch.Size([1, 300, 4, 6]), torch.Size([1, 24, 20]))
    """

    def __init__(self, *, vision_width: int, language_width: int) -> None:
        super().__init__()
        self.projection = _linear(vision_width, language_width)

    def forward(self, vision: Tensor, text: Tensor, padding: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """F_VC (B, C, h, w) and F_T (B, L, D) to F_TA (B, D, h, w) and the weights (B, N, L).

        `padding` (B, L) is true at words that must get no weight; without it all positions take part, as in the official code.
        """
        pixels = rearrange(vision, "b c h w -> b (h w) c")
        scores = self.projection(pixels) @ text.mT / math.sqrt(text.shape[-1])  # (B, N, L)
        if padding is not None:
            scores = scores.masked_fill(padding[:, None], -torch.inf)
        weights = scores.softmax(dim=-1)
        attended = weights @ text  # (B, N, D)
        return rearrange(attended, "b (h w) d -> b d h w", h=vision.shape[2]), weights


class LanguageGuidedVisionAttention(nn.Module):
    """Each pixel attends over all pixels, the sentence deciding which channels make two alike (eq. 5-8).

    gate = Linear(max over words of F_T); F_VA = softmax((Q * gate) (K * gate)^T / sqrt(C)) V, with Q, K, V = Linear(F_VC).

    >>> branch = LanguageGuidedVisionAttention(vision_width=840, language_width=300)
    >>> attended, weights = branch(torch.rand(1, 840, 4, 6), torch.rand(1, 20, 300))
    >>> attended.shape, weights.shape
    (torch.Size([1, 840, 4, 6]), torch.Size([1, 24, 24]))
    """

    def __init__(self, *, vision_width: int, language_width: int, residual: bool = False) -> None:
        super().__init__()
        self.residual = residual  # ours: F_VC is added to F_VA
        self.query = _linear(vision_width, vision_width)
        self.key = _linear(vision_width, vision_width)
        self.value = _linear(vision_width, vision_width)
        self.gate = _linear(language_width, vision_width)

    def forward(
        self, vision: Tensor, text: Tensor, padding: Tensor | None = None, *, with_weights: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """F_VC (B, C, h, w) and F_T (B, L, D) to F_VA (B, C, h, w) and the weights (B, N, N); `padding` as in the other branch.

        Without weights PyTorch computes the three steps as one and never holds (B, N, N); the outputs differ by rounding.
        """
        pixels = rearrange(vision, "b c h w -> b (h w) c")
        gate = self.gate(pool_words(text, padding))[:, None]  # (B, 1, C), eq. 5
        query, key, value = self.query(pixels) * gate, self.key(pixels) * gate, self.value(pixels)  # (B, N, C), eq. 6-7
        if with_weights:
            weights = (query @ key.mT / math.sqrt(vision.shape[1])).softmax(dim=-1)  # (B, N, N)
            attended = weights @ value  # (B, N, C)
        else:
            weights, attended = None, F.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None])[:, 0]
        attended = rearrange(attended, "b (h w) c -> b c h w", h=vision.shape[2])
        return attended + vision if self.residual else attended, weights


class TiledSentence(nn.Module):
    """Eq. 4 switched off: the sentence, pooled over its words, is tiled over all pixels. No parameters."""

    def forward(self, vision: Tensor, text: Tensor, padding: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """F_VC (B, C, h, w) and F_T (B, L, D) to the sentence at every pixel (B, D, h, w); no weights."""
        return pool_words(text, padding)[:, :, None, None].expand(-1, -1, *vision.shape[2:]), None


class VisionIdentity(nn.Module):
    """Eq. 8 switched off: F_VC goes on as it is. No parameters."""

    def forward(self, vision: Tensor, text: Tensor, padding: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """F_VC (B, C, h, w) unchanged; no weights."""
        return vision, None


class CrossGuidedAttention(nn.Module):
    """Eq. 9: F_TA, F_VA = Att(F_VC, F_T), from any pair of branches."""

    def __init__(self, *, language: nn.Module, vision: nn.Module) -> None:
        super().__init__()
        self.language = language
        self.vision = vision

    def forward(self, vision: Tensor, text: Tensor, padding: Tensor | None = None, *, with_pixel_weights: bool = True) -> Attended:
        """F_VC (B, C, h, w), F_T (B, L, D) and which words are padding (B, L), or None for the official way.

        Where the weights of eq. 8, (B, N, N), are not asked for, they are not made.
        """
        language, word_weights = self.language(vision, text, padding)
        fused = isinstance(self.vision, LanguageGuidedVisionAttention) and not with_pixel_weights
        attended, pixel_weights = self.vision(vision, text, padding, **({"with_weights": False} if fused else {}))
        return Attended(language, attended, word_weights, pixel_weights)


def pool_words(text: Tensor, padding: Tensor | None = None) -> Tensor:
    """The maximum of F_T (B, L, D) over words (B, D), padding left out where it is given.

    >>> pool_words(torch.tensor([[[1.0, 5.0], [2.0, 3.0]]]))
    tensor([[2., 5.]])
    """
    if padding is not None:
        text = text.masked_fill(padding[..., None], -torch.inf)
    return text.amax(dim=1)


def padding_mask(word_vectors: Tensor) -> Tensor:
    """Which words (B, L) of word vectors (B, L, D) are padding: all zeros. A query of nothing else keeps all its positions.

    >>> padding_mask(torch.tensor([[[1.0], [0.0]], [[0.0], [0.0]]]))
    tensor([[False,  True],
            [False, False]])
    """
    padding = (word_vectors == 0).all(dim=-1)
    return padding & ~padding.all(dim=-1, keepdim=True)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer as the official code initialises it: weights N(0, 0.02^2), a bias of zero (docs/PAPER.md, quirk 5)."""
    layer = nn.Linear(inputs, outputs)
    if not layer.weight.is_meta:  # only sizes matter there, and to fill it torch would import its compiler
        nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(layer.bias)
    return layer
