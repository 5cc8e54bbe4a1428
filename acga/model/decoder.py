"""From attended features to responses at three resolutions, and their fusion (eq. 10-13)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import COORDINATES
from ..errors import ConfigError
from .encoders import coordinates

RESOLUTIONS = ("small", "medium", "large")
SECOND_SHARE = 0.25  # of the response at a second size, whose outlines are coarser; chosen on validation (benchmarks/second_size.py)


class Responses(NamedTuple):
    """Logits of the mask at three resolutions, for a clip of H x W pixels: h = H / 16, w = W / 16."""

    small: Tensor  # (B, h, w)
    medium: Tensor  # (B, 4h, 4w)
    large: Tensor  # (B, 16h, 16w), the final one, after fusion (eq. 12)


class Deconvolution(nn.Module):
    """Eq. 10: four times finer, by a transposed convolution and a 3x3; there is no nonlinearity between or after them.

    >>> Deconvolution(832, 256)(torch.zeros(1, 832, 4, 6)).shape
    torch.Size([1, 256, 16, 24])
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.transposed = nn.ConvTranspose2d(inputs, outputs, kernel_size=8, stride=4, padding=2)
        self.convolution = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1)

    def forward(self, visual: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C', 4h, 4w)."""
        return self.convolution(self.transposed(visual))


class Classifier(nn.Module):
    """Eq. 11, the FCN of one resolution: 3x3, ReLU, 3x3, ReLU, 1x1 over vision, language and coordinates, in this order.

    >>> Classifier(vision_width=256, language_width=300, hidden=128)(torch.zeros(1, 256, 16, 24), torch.zeros(1, 300, 4, 6)).shape
    torch.Size([1, 1, 16, 24])
    """

    def __init__(self, *, vision_width: int, language_width: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(vision_width + language_width + COORDINATES, hidden, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, hidden, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, 1, kernel_size=1),
        )

    @property
    def first(self) -> nn.Conv2d:
        """The first convolution: the only one that sees vision, language and coordinates."""
        return cast(nn.Conv2d, self.layers[0])

    @property
    def last(self) -> nn.Conv2d:
        """The last one: where its parameters are zero, so is the response."""
        return cast(nn.Conv2d, self.layers[-1])

    def forward(self, visual: Tensor, language: Tensor) -> Tensor:
        """Vision (B, C, H, W) and language (B, D, h, w), which is upsampled to it, to a response (B, 1, H, W).

        The coordinates are computed anew at H x W (docs/PAPER.md, quirk 12).
        """
        size = visual.shape[-2:]
        places = coordinates(*size, like=visual).expand(len(visual), -1, -1, -1)  # (B, 8, H, W)
        return self.layers(torch.cat([visual, upsample(language, size), places], dim=1))


class Decoder(nn.Module):
    """Eq. 13: responses from attended vision and language, the finest ones fused into the final response (eq. 12).

    Args:
        deconvolutions: "medium" and "large", each from the resolution before it (eq. 10).
        classifiers: one for each resolution (eq. 11).
        fused_resolutions: how many of the finest responses are fused; with 1 the final response is R^L alone.
    """

    def __init__(
        self, *, deconvolutions: Mapping[str, nn.Module], classifiers: Mapping[str, nn.Module], fused_resolutions: int = 3
    ) -> None:
        super().__init__()
        self.deconvolutions = nn.ModuleDict({name: deconvolutions[name] for name in RESOLUTIONS[1:]})
        self.classifiers = nn.ModuleDict({name: classifiers[name] for name in RESOLUTIONS})
        self.fused_resolutions = fused_resolutions
        self.fusion = nn.Conv2d(fused_resolutions, 1, kernel_size=3, padding=1) if fused_resolutions > 1 else None

    def forward(self, visual: Tensor, language: Tensor) -> Responses:
        """F_VA without its coordinates (B, C, h, w) and F_TA (B, D, h, w) to responses."""
        return self.fuse(*self.respond(visual, language))

    def respond(self, visual: Tensor, language: Tensor) -> Iterator[Tensor]:
        """Eq. 10-11: the responses (B, 1, ., .) before fusion, the coarsest first, each computed when it is asked for."""
        yield self.classifiers["small"](visual, language)
        medium = self.deconvolutions["medium"](visual)  # (B, C', 4h, 4w)
        yield self.classifiers["medium"](medium, language)
        yield self.classifiers["large"](self.deconvolutions["large"](medium), language)

    def fuse(self, small: Tensor, medium: Tensor, large: Tensor) -> Responses:
        """Eq. 12: R^L = Conv3x3([up(R^S), up(R^M), R^L]), from maps of one channel (B, 1, ., .)."""
        if self.fusion is not None:
            finest = [small, medium, large][-self.fused_resolutions :]
            large = self.fusion(torch.cat([upsample(response, large.shape[-2:]) for response in finest], dim=1))
        return Responses(small.squeeze(1), medium.squeeze(1), large.squeeze(1))


@torch.no_grad()
def start_coarse(decoder: Decoder) -> None:
    """Let R^M and R^L begin at zero, so that nothing finer disturbs the coarsest response while that learns to read."""
    for name in RESOLUTIONS[1:]:
        for parameter in cast(Classifier, decoder.classifiers[name]).last.parameters():
            nn.init.zeros_(parameter)


@torch.no_grad()
def fuse_finest(decoder: Decoder, resolutions: int) -> None:
    """Let the final response begin as the finest one that has been trained, when the coarsest `resolutions` are trained now.

    With all three, R^L, which is new, is added to the medium one. A decoder that fuses fewer is left as it is.
    """
    if decoder.fusion is not None and decoder.fused_resolutions == len(RESOLUTIONS):
        nn.init.zeros_(decoder.fusion.weight)
        nn.init.zeros_(cast(Tensor, decoder.fusion.bias))
        for place in {resolutions - 1, min(resolutions, 2) - 1}:
            decoder.fusion.weight[:, place, 1, 1] = 1


@torch.no_grad()
def rescale_response(decoder: Decoder, scale: float, shift: float) -> None:
    """Let the final response R be scale R + shift from now on, by the weights of the layer that makes it (Platt, 1999).

    Which pixel ranks above which stays; a scale below 1 makes a network less sure. Raises `ConfigError` if the scale is not positive.
    """
    if scale <= 0:
        raise ConfigError(f"A response can be rescaled by a positive number, not by {scale}.")
    last = cast(Classifier, decoder.classifiers["large"]).layers[-1] if decoder.fusion is None else decoder.fusion
    last = cast(nn.Conv2d, last)
    last.weight.mul_(scale)
    cast(Tensor, last.bias).mul_(scale).add_(shift)


def upsample(maps: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """Bilinear interpolation of (B, C, h, w) to `size`, cell centres kept where they are (align_corners=False)."""
    if maps.shape[-2:] == size:
        return maps
    return F.interpolate(maps, size=tuple(size), mode="bilinear", align_corners=False)


def average_large(responses: Sequence[Responses], *, share: float = SECOND_SHARE) -> Tensor:
    """The large response to clips, (B, S, S), averaged with that to the same clips at a second size, of which `share` is taken.

    >>> one, other = (Responses(torch.zeros(1, 1, 1), torch.zeros(1, 4, 4), torch.full((1, side, side), 8.0)) for side in (32, 16))
    >>> average_large([one, other]).shape
    torch.Size([1, 32, 32])
    """
    large = responses[0].large
    for second in responses[1:]:
        large = torch.lerp(large, upsample(second.large[:, None], large.shape[-2:])[:, 0], share)
    return large
