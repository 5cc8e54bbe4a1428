"""Small worlds, each solved by one part of the network and by nothing else: what the part is for, trained in seconds.

A world is made of random numbers: no film, no backbone. The networks in it are built of the package's own layers, once with the part and
once without.

>>> world = odd_one_out(8, seed=0)
>>> losses = learn(Reader(world, language_guided_vision=True), world, points_at, steps=2)
>>> len(losses), world.target.sum(dim=(1, 2)).tolist()[:3]
(2, [1.0, 1.0, 1.0])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import COORDINATES
from ..losses import WeightedSegmentationLoss
from ..model.attention import (
    CrossGuidedAttention,
    LanguageGuidedVisionAttention,
    TiledSentence,
    VisionGuidedLanguageAttention,
    VisionIdentity,
)
from ..model.decoder import Classifier, Decoder, Deconvolution, Responses, upsample
from ..model.encoders import with_coordinates
from ..model.folding import FoldedDecoder
from ..model.network import scale_attention
from ..output.overlay import colour
from .minimise import minimise

WORDS = 16  # channels of the words of all worlds, D
COLOURS = 12  # of the world of eq. 3-4


class World(NamedTuple):
    """Samples of a small world."""

    vision: Tensor  # F_V (N, C, h, w)
    text: Tensor  # F_T (N, L, D)
    target: Tensor  # the cells or pixels to mark (N, H, W), 0 or 1


def odd_one_out(count: int, *, seed: int) -> World:
    """Eq. 5-8: five objects on 8 x 8 cells, of two colours and two kinds; "the odd colour" or "the odd kind" is asked for.

    One object has a colour of its own, another one a kind of its own. Which, only a comparison of all five tells.
    """
    generator = torch.Generator().manual_seed(seed)
    usual, asked = torch.randint(2, (2, count, 2), generator=generator)  # of colour and kind (N, 2)
    cells = torch.rand(count, 64, generator=generator).argsort(dim=1)[:, :5]  # where the objects are (N, 5)
    look = usual[:, None].repeat(1, 5, 1)  # colour and kind of each (N, 5, 2)
    look[:, 0, 0], look[:, 1, 1] = 1 - usual[:, 0], 1 - usual[:, 1]
    features = 5.0 * F.one_hot(look, 2).float().flatten(2)  # (N, 5, 4)
    vision = torch.zeros(count, 4, 64).scatter_(2, cells[:, None].expand(-1, 4, -1), features.mT)  # (N, 4, 64)
    question = asked[:, 0]  # 0: colour, 1: kind
    target = F.one_hot(cells[torch.arange(count), question], 64).float()  # (N, 64)
    words = 2.0 * _vectors(4)  # the, odd, colour, kind
    text = words[torch.stack([torch.zeros_like(question), torch.ones_like(question), 2 + question], dim=1)]  # (N, 3, D)
    return World(vision.unflatten(2, (8, 8)), text, target.unflatten(1, (8, 8)))


def draw_objects(vision: Tensor) -> np.ndarray:
    """A picture (128, 128, 3) uint8 of one frame of `odd_one_out` (4, 8, 8): colours are orange and blue, kinds are squares and crosses."""
    orange, blue, squares, crosses = (vision > 0).numpy()  # (8, 8) each
    square = np.pad(np.ones((10, 10)), 3)
    cross = np.pad(np.pad(np.ones((10, 4)), ((0, 0), (3, 3))) + np.pad(np.ones((4, 10)), ((3, 3), (0, 0))) > 0, 3)
    shapes = np.kron(squares, square) + np.kron(crosses, cross)  # (128, 128)
    tints = sum(np.kron(cells, np.ones((16, 16)))[..., None] * np.array(colour(number)) for cells, number in ((orange, 1), (blue, 0)))
    return (shapes[..., None] * tints).astype(np.uint8)


def lit_and_dark(count: int, *, seed: int) -> World:
    """Eq. 3-4: 4 x 4 cells in four colours of twelve; a sentence says of each colour whether it is lit: "red lit, blue dark, ...".

    A word knows its neighbour, as after eq. 1: half of its channels say the colour, half "lit" or "dark". Lit cells are to be marked.
    """
    generator = torch.Generator().manual_seed(seed)
    colours = torch.rand(count, COLOURS, generator=generator).argsort(dim=1)[:, :4]  # (N, 4)
    lit = (torch.rand(count, 4, generator=generator).argsort(dim=1) < 2).long()  # two of the four (N, 4)
    place = torch.arange(16).remainder(4)[torch.rand(count, 16, generator=generator).argsort(dim=1)]  # four cells a colour (N, 16)
    vision = 3.0 * F.one_hot(colours.gather(1, place), COLOURS).float()  # (N, 16, 12)
    words = torch.cat([_vectors(COLOURS)[colours, : WORDS // 2], _vectors(2, seed=1)[lit, : WORDS // 2]], dim=2)  # (N, 4, D)
    return World(vision.mT.unflatten(2, (4, 4)), 2.0 * words, lit.gather(1, place).float().unflatten(1, (4, 4)))


def thin_outlines(count: int, *, seed: int) -> World:
    """Eq. 10-13: a ring, 2 pixels thin, on 48 x 48 pixels; F_V has a cell for every 16 x 16, whose channels know what is inside.

    The channels are the ring's share of each of the 16 blocks of 4 x 4 pixels in the cell. The words say nothing.
    """
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    middle = 18 + 12 * torch.rand(2, count, 1, 1, generator=generator)
    radius = 8 + 8 * torch.rand(count, 1, 1, generator=generator)
    target = (((y - middle[0]) ** 2 + (x - middle[1]) ** 2).sqrt() - radius).abs().lt(1).float()  # (N, 48, 48)
    vision = F.pixel_unshuffle(F.avg_pool2d(target[:, None], 4), 4)  # (N, 16, 3, 3)
    return World(4 * vision, torch.zeros(count, 1, 4), target)


class Enlarged(nn.Module):
    """The coarse response alone (eq. 11), enlarged to the pixels: what a decoder is held against."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.size = world.target.shape[1:]
        with _same_start():
            self.classifier = Classifier(vision_width=world.vision.shape[1], language_width=world.text.shape[2], hidden=32)

    def forward(self, visual: Tensor, language: Tensor) -> Tensor:
        return upsample(self.classifier(visual, language), self.size)


def small_decoder(world: World) -> FoldedDecoder:
    """The package's decoder (eq. 13) with few channels, folded: the same function in less time."""
    coarse, medium, large, words = world.vision.shape[1], 16, 8, world.text.shape[2]
    widths = {"small": coarse, "medium": medium, "large": large}
    with _same_start():
        decoder = Decoder(
            deconvolutions={"medium": Deconvolution(coarse, medium), "large": Deconvolution(medium, large)},
            classifiers={name: Classifier(vision_width=width, language_width=words, hidden=16) for name, width in widths.items()},
        )
    return FoldedDecoder(decoder)


def tiny_actors(count: int, *, seed: int) -> World:
    """Eq. 14: an actor of 2 x 2 pixels on 12 x 12, whose place the features know to within a pixel. The words say nothing.

    No pixel is the actor's in more than 4 of 9 cases, so that an unweighted network does best to mark none.
    """
    generator = torch.Generator().manual_seed(seed)
    seen = torch.randint(2, 9, (count, 2), generator=generator)
    true = seen + torch.randint(-1, 2, (count, 2), generator=generator)
    return World(20 * _square(seen, 1)[:, None], torch.zeros(count, 1, 4), _square(true, 2))


@contextmanager
def _same_start() -> Iterator[None]:
    """First weights are the same at each call, and the caller's random numbers go on as if nothing had been drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def _vectors(count: int, *, seed: int = 0) -> Tensor:
    """Random word vectors (count, D) of length one, the same at each call."""
    return F.normalize(torch.randn(count, WORDS, generator=torch.Generator().manual_seed(seed)), dim=1)


def _square(corner: Tensor, size: int) -> Tensor:
    """Maps (N, 12, 12), 1 in a square whose upper left pixel is given (N, 2)."""
    line = torch.arange(12)
    rows, columns = [(line >= at[:, None]) & (line < at[:, None] + size) for at in corner.unbind(1)]  # (N, 12) each
    return (rows[:, :, None] & columns[:, None]).float()


class Reader(nn.Module):
    """Attention with each branch on or off (eq. 3-9), and what answers after it: one resolution's classifier, or a decoder of one's own."""

    def __init__(
        self,
        world: World,
        *,
        vision_guided_language: bool = False,
        language_guided_vision: bool = False,
        decoder: nn.Module | None = None,
    ) -> None:
        super().__init__()
        width, words = world.vision.shape[1], world.text.shape[2]
        sizes = {"vision_width": width + COORDINATES, "language_width": words}
        with _same_start():
            self.attention = CrossGuidedAttention(
                language=VisionGuidedLanguageAttention(**sizes) if vision_guided_language else TiledSentence(),
                vision=LanguageGuidedVisionAttention(**sizes, residual=True) if language_guided_vision else VisionIdentity(),
            )
            scale_attention(self.attention)  # the paper's 0.02 would take many more steps
            self.decoder = decoder or Classifier(vision_width=width, language_width=words, hidden=32)

    def forward(self, vision: Tensor, text: Tensor) -> Sequence[Tensor]:
        """F_V (B, C, h, w) and F_T (B, L, D) to responses (B, ., .), the finest last."""
        attended = self.attention(with_coordinates(vision), text)
        out = self.decoder(attended.vision[:, :-COORDINATES], attended.language)
        return out if isinstance(out, Responses) else [out[:, 0]]


def learn(
    network: nn.Module,
    world: World,
    loss: Callable[[Sequence[Tensor], Tensor], Tensor],
    *,
    steps: int,
    learning_rate: float = 1e-2,
    batch_size: int = 32,
    seed: int = 0,
) -> list[float]:
    """Train a network, that takes vision and text, by Adam, the rate falling along a cosine; gives the loss of every step."""
    return minimise(
        network.parameters(),
        lambda rows: loss(network(world.vision[rows], world.text[rows]), world.target[rows]),
        len(world.target),
        steps=steps,
        learning_rate=learning_rate,
        batch_size=batch_size,
        seed=seed,
    )


def points_at(responses: Sequence[Tensor], target: Tensor) -> Tensor:
    """Cross-entropy over cells: which of them is the one?"""
    return F.cross_entropy(responses[-1].flatten(1), target.flatten(1).argmax(dim=1))


def marks(foreground_weight: float = 1.5) -> Callable[[Sequence[Tensor], Tensor], Tensor]:
    """The paper's loss (eq. 14-16), of one resolution or of all three."""
    loss = WeightedSegmentationLoss(foreground_weight=foreground_weight)
    return lambda responses, target: torch.stack(loss.per_resolution(responses, target)).sum()


@torch.no_grad()
def pointed_right(network: nn.Module, world: World) -> float:
    """The share of samples in which the largest response is at the target."""
    response = network(world.vision, world.text)[-1]
    return (response.flatten(1).argmax(dim=1) == world.target.flatten(1).argmax(dim=1)).float().mean().item()


@torch.no_grad()
def masks(network: nn.Module, world: World, *, relative: bool = False) -> Tensor:
    """Masks (N, H, W), bool: where p > 1/2 or, as the official rule says, more than half of the largest p in the sample."""
    probability = network(world.vision, world.text)[-1].sigmoid()
    return probability > (0.5 * probability.amax(dim=(1, 2), keepdim=True) if relative else 0.5)


def mean_iou(found: Tensor, world: World) -> float:
    """Mean over samples of intersection over union of masks and targets."""
    wanted = world.target > 0
    return ((found & wanted).sum(dim=(1, 2)) / (found | wanted).sum(dim=(1, 2))).mean().item()
