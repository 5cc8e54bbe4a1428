"""The two ways to match language with vision that the paper argues against, as parts for the same network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..config import COORDINATES
from .attention import CrossGuidedAttention, TiledSentence, VisionIdentity
from .encoders import coordinates


class Concatenation(CrossGuidedAttention):
    """Instead of attention (Hu et al., 2016; the paper's "Baseline"): the pooled sentence is tiled onto the visual map, the fully
    convolutional classifiers do the rest. No parameters."""

    def __init__(self) -> None:
        super().__init__(language=TiledSentence(), vision=VisionIdentity())


class DynamicConvolution(nn.Module):
    """Instead of the FCN of one resolution (Gavrilyuk et al., 2018): a 1x1 filter made from the sentence, f = tanh(Linear(sentence)),
    is applied to the visual map and its coordinates. Goes with `Concatenation`, which tiles the sentence.

    >>> DynamicConvolution(vision_width=256, language_width=300)(torch.zeros(2, 256, 16, 24), torch.zeros(2, 300, 4, 6)).shape
    torch.Size([2, 1, 16, 24])
    """

    def __init__(self, *, vision_width: int, language_width: int) -> None:
        super().__init__()
        self.filter = nn.Linear(language_width, vision_width + COORDINATES)
        nn.init.normal_(self.filter.weight, std=0.02)
        nn.init.zeros_(self.filter.bias)

    @property
    def last(self) -> nn.Linear:
        """The layer with which the response is zero where its parameters are, as with a `Classifier`."""
        return self.filter

    def forward(self, visual: Tensor, language: Tensor) -> Tensor:
        """Vision (B, C, H, W) and the tiled sentence (B, D, h, w), the same at every pixel, to a response (B, 1, H, W)."""
        filters = torch.tanh(self.filter(language[:, :, 0, 0]))  # (B, C + 8)
        of_vision, of_places = filters.split([visual.shape[1], COORDINATES], dim=1)
        places = coordinates(*visual.shape[-2:], like=visual)
        response = torch.einsum("bc,bchw->bhw", of_vision, visual) + torch.einsum("bc,chw->bhw", of_places, places)
        return response[:, None]
