"""The same function with far fewer operations: language never at full resolution, and the last deconvolution in one step.

Before the first ReLU of an FCN (eq. 11) everything is linear, so it may be computed in another order, exactly but for rounding:

- Transposed convolution, 3x3 (eq. 10) and the vision part of the next 3x3 are one transposed convolution with kernel 12, stride 4 and
  padding 4, which is a 3x3 convolution and a pixel shuffle. The zero padding *between* the layers is felt in the outer two pixels only.
- A map that is interpolated from a small one along rows and columns, as language (bilinear) and coordinates (affine) are, stays so under
  a 3x3 convolution: project the small map to the 3 x 3 taps; interpolating, shifting and zero padding are then one matrix for each axis.
  The biases, constant but for the outer two pixels, are of this kind too, so that one matrix product adds all three.

Kernels are composed from the shared parameters, in every call when gradients are on, so a folded network can be trained.
Full-resolution maps keep their channels last in memory, as convolutions like them. Without gradients they are made and used in strips, of
which only two rows are kept for the next, so that none is ever there as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from torch import Tensor, nn

from ..config import COORDINATES
from .baselines import DynamicConvolution
from .decoder import RESOLUTIONS, Classifier, Decoder, Deconvolution, Responses
from .encoders import coordinates
from .network import ACGA

# How an impulse at a cell of the coarse map passes through the three layers along one axis: the part of the transposed kernel that is
# followed (8 pixels: 2 before the cell's own 4, and 2 after), and the zero padding in both 3x3 convolutions.
Axis = tuple[slice, tuple[int, int]]
INSIDE: Axis = (slice(0, 8), (2, 2))  # a cell with neighbours on both sides: the whole answer, 12 pixels
FIRST: Axis = (slice(2, 6), (1, 0))  # the first cell: the first 2 pixels of the map, nothing being outside
LAST: Axis = (slice(2, 6), (0, 1))  # the last cell: the last 2 pixels of the map
# The two ends of an axis: how the impulse passes, the cell, and where those 2 pixels are in the answer of INSIDE.
ENDS = ((FIRST, slice(0, 1), slice(4, 6)), (LAST, slice(-1, None), slice(6, 8)))
STRIP = 2**24  # numbers, at most, of a strip of a full-resolution map (64 MB): the whole of one of the published network


class Composed(NamedTuple):
    """A deconvolution and the 3x3 after it, as one. Rows, columns and corners are what the edges differ in, at both ends."""

    kernel: Tensor  # (16 O, C, 3, 3), from a cell and its neighbours to the cell's 4 x 4 pixels
    rows: list[Tensor]  # (C, O, 2, 12) each, of the cells in the first and in the last row
    columns: list[Tensor]  # (C, O, 12, 2) each
    corners: list[list[Tensor]]  # (C, O, 2, 2) each


class Separable(NamedTuple):
    """A map (B, H, W, O) as the product of rows (H, r) and columns (B, r, W, O); with a batch of 1 it is the same for all."""

    rows: Tensor
    columns: Tensor


def fold(model: ACGA) -> ACGA:
    """A network that shares all parameters with `model` and computes the same function with far fewer operations.

    It can be trained, and saved, in place of `model`. Raises ValueError if the decoder was injected and is not a `Decoder`.

    >>> from acga.config import ACGAConfig
    >>> model = ACGA(ACGAConfig.thin_residual()).eval()
    >>> features, word_vectors = torch.rand(1, 132, 4, 4, 6), torch.rand(1, 20, 96)
    >>> slow, fast = model.from_features(features, word_vectors), fold(model).from_features(features, word_vectors)
    >>> bool((slow.large - fast.large).abs().max() < 1e-4 * slow.large.abs().max())
    True
    """
    if not isinstance(model.decoder, Decoder):
        raise ValueError(f"fold knows the layers of a Decoder, not those of {type(model.decoder).__name__}.")
    modes = [(module, module.training) for module in model.modules()]
    folded = ACGA(
        model.config,
        model.vocabulary,
        backbone=model.backbone,
        text_encoder=model.text_encoder,
        attention=model.attention,
        decoder=FoldedDecoder(model.decoder),
        with_word_table=False,
    )
    folded.word_table, folded.fuses_attention = model.word_table, True
    for module, mode in [*modes, (folded, model.training), (folded.decoder, model.decoder.training)]:
        module.training = mode  # building a network puts its parts into training mode
    return folded


class FoldedDecoder(Decoder):
    """`Decoder`, folded: it holds the very layers of the one that it is made from, under the same names."""

    def __init__(self, decoder: Decoder) -> None:
        nn.Module.__init__(self)  # not Decoder's, which would make new layers
        self.deconvolutions, self.classifiers = decoder.deconvolutions, decoder.classifiers
        self.fused_resolutions, self.fusion = decoder.fused_resolutions, decoder.fusion
        self._latest: tuple[Any, Composed | None] = (None, None)  # what it was made of, and the latest composition

    def _composed(self, deconvolution: Deconvolution, weight: Tensor) -> Composed:
        """The composition; without gradients, that of the call before, as long as the weights are what they were."""
        if torch.is_grad_enabled() or weight.is_inference():
            return compose(deconvolution, weight)
        layers = (deconvolution.transposed.weight, deconvolution.convolution.weight, weight)
        rounded = not weight.is_meta and torch.is_autocast_enabled(weight.device.type)  # which "meta" knows nothing of
        made_of = [(layer.data_ptr(), layer._version, layer.dtype, rounded) for layer in layers]
        if self._latest[0] != made_of:
            self._latest = made_of, compose(deconvolution, weight)
        return cast(Composed, self._latest[1])

    def _has_only_the_coarsest(self) -> bool:
        """Whether the finer responses are zero, as `start_coarse` leaves them until they are trained."""
        finer = [self.classifiers[name] for name in RESOLUTIONS[1:]]
        own = all(isinstance(one, Classifier | DynamicConvolution) for one in finer)
        parameters = [parameter for one in finer if own for parameter in cast(nn.Module, one.last).parameters()]
        return own and not any(parameter.is_meta or parameter.any() for parameter in parameters)

    def respond(self, visual: Tensor, language: Tensor) -> Iterator[Tensor]:
        """As `Decoder.respond`: (B, C, h, w) and (B, D, h, w) to responses (B, 1, ., .)."""
        yield self.classifiers["small"](visual, language)
        if not torch.is_grad_enabled() and self._has_only_the_coarsest():
            batch, _, height, width = visual.shape
            yield visual.new_zeros(batch, 1, 4 * height, 4 * width)
            yield visual.new_zeros(batch, 1, 16 * height, 16 * width)
            return
        visual = self.deconvolutions["medium"](visual).contiguous(memory_format=torch.channels_last)  # (B, C', 4h, 4w)
        fcn = self.classifiers["medium"]
        if isinstance(fcn, Classifier):
            weight = _split_weight(fcn, language)[0]
            hidden = F.conv2d(visual, weight, fcn.first.bias, padding=1).movedim(1, -1)  # (B, 4h, 4w, O)
            yield _classify(fcn, [hidden], language, hidden.shape[1:3], [])
        else:
            yield fcn(visual, language)
        fcn, deconvolution = self.classifiers["large"], self.deconvolutions["large"]
        if isinstance(fcn, Classifier) and isinstance(deconvolution, Deconvolution):
            weight = _split_weight(fcn, language)[0]
            size = (4 * visual.shape[2], 4 * visual.shape[3])
            strips = deconvolve_and_convolve(self._composed(deconvolution, weight), visual, _rows_at_once(visual, fcn))
            yield _classify(fcn, strips, language, size, [_biases(deconvolution, weight, fcn.first.bias, size)])
        else:
            yield fcn(deconvolution(visual), language)

    def fuse(self, small: Tensor, medium: Tensor, large: Tensor) -> Responses:
        """As `Decoder.fuse`: eq. 12, the coarser responses never upsampled."""
        if self.fusion is not None:
            weights = self.fusion.weight.split(1, dim=1)  # (1, 1, 3, 3) each, the coarsest first
            fused = F.conv2d(large, weights[-1], self.fusion.bias, padding=1).movedim(1, -1).contiguous()  # (B, H, W, 1)
            size, coarser = fused.shape[1:3], zip((medium, small), weights[-2::-1], strict=False)
            _add(fused, _join([_convolve_upsampled(part, weight, size) for part, weight in coarser], batch=len(fused)))
            large = fused.movedim(-1, 1)
        return Responses(small.squeeze(1), medium.squeeze(1), large.squeeze(1))


def convolve_interpolated(small: Tensor, weight: Tensor, rows: Tensor, columns: Tensor) -> Separable:
    """conv3x3 of the map rows @ small @ columns^T, zero-padded, without ever making that map.

    small (B, D, h, w), weight (O, D, 3, 3), rows (H, h), columns (W, w) to a map (B, H, W, O) of rank 3h.
    """
    taps = einsum(weight, small, "o d ky kx, b d h w -> b ky h kx w o")
    taps = rearrange(taps, "b ky h kx w o -> b (ky h) (kx w) o")
    return Separable(_shifted(rows), einsum(_shifted(columns), taps, "W k, b r k o -> b r W o"))


def compose(deconvolution: Deconvolution, weight: Tensor) -> Composed:
    """The layers of a deconvolution and a 3x3 with weight (O, C', 3, 3) after it as one, from their answers to impulses."""

    def respond(along_rows: Axis, along_columns: Axis) -> Tensor:
        """The answer (C, O, ., .) of the three layers to an impulse in each channel."""
        (rows, row_padding), (columns, column_padding) = along_rows, along_columns
        answer = deconvolution.transposed.weight[:, :, rows, columns]
        for layer in (deconvolution.convolution.weight, weight):
            answer = F.conv2d(F.pad(answer, [*column_padding, *row_padding]), layer)
        return answer

    inside = respond(INSIDE, INSIDE)  # (C, O, 12, 12)
    rows = [respond(axis, INSIDE) - inside[:, :, own] for axis, _, own in ENDS]
    columns = [respond(INSIDE, axis) - inside[:, :, :, own] for axis, _, own in ENDS]
    corners = [
        [respond(a, b) - inside[:, :, i, j] - rows[y][..., j] - columns[x][:, :, i] for x, (b, _, j) in enumerate(ENDS)]
        for y, (a, _, i) in enumerate(ENDS)
    ]
    # Pixel a of a cell sees the cell u - 1 further on through row a + 4 (2 - u) of the answer.
    kernel = rearrange(inside, "c o (u a) (v b) -> (a b o) c u v", a=4, b=4).flip(2, 3)
    return Composed(kernel, rows, columns, corners)


def deconvolve_and_convolve(composed: Composed, visual: Tensor, rows_at_once: int) -> Iterator[Tensor]:
    """The output of the composed layers for visual (B, C, h, w), with h, w of 2 at least, less all biases.

    It comes in strips from the top, each of so many rows of cells: (B, 4 rows, 4w, O).
    """
    height, width = visual.shape[2:]
    lines, stripes = [], []  # what the first and the last two rows, and columns, get in addition
    for i, (_, cell, _) in enumerate(ENDS):
        line = F.conv_transpose2d(visual[:, :, cell], composed.rows[i], stride=4, padding=(0, 4))  # (B, O, 2, 4w)
        for j, (_, other_cell, _) in enumerate(ENDS):
            corner = einsum(visual[:, :, cell, other_cell], composed.corners[i][j], "b c i j, c o y x -> b o y x")
            line = line.index_add(3, _outer_pixels(j, line.shape[3], visual), corner)
        lines.append(rearrange(line, "b o y w -> b y w o"))
        stripe = F.conv_transpose2d(visual[:, :, :, cell], composed.columns[i], stride=4, padding=(4, 0))  # (B, O, 4h, 2)
        stripes.append(rearrange(stripe, "b o h x -> b h x o"))
    padded = F.pad(visual, [0, 0, 1, 1])  # (B, C, h + 2, w)
    for top in range(0, height, rows_at_once):
        bottom = min(top + rows_at_once, height)
        strip = F.conv2d(padded[:, :, top : bottom + 2], composed.kernel, padding=(0, 1)).movedim(1, -1)  # (B, rows, w, 16 O)
        strip = rearrange(strip, "n h w (a b o) -> n (h a) (w b) o", a=4, b=4)  # the channels last for the gradient too
        for i, at_end in enumerate((top == 0, bottom == height)):
            if at_end:
                strip.index_add_(1, _outer_pixels(i, strip.shape[1], visual), lines[i])
            strip.index_add_(2, _outer_pixels(i, 4 * width, visual), stripes[i][:, 4 * top : 4 * bottom])
        yield strip


def _rows_at_once(visual: Tensor, fcn: Classifier) -> int:
    """The rows of cells that are deconvolved at once: all with gradients, whose maps are kept anyway; otherwise as `STRIP` allows."""
    batch, _, height, width = visual.shape
    return height if torch.is_grad_enabled() else max(1, STRIP // (batch * 16 * width * fcn.first.out_channels))


def _biases(deconvolution: Deconvolution, weight: Tensor, bias: Tensor | None, size: tuple[int, int]) -> Separable:
    """The joint bias of a deconvolution and of the 3x3 after it, for a map of a size: what they make of zeros."""
    zeros = weight.new_zeros(1, deconvolution.transposed.in_channels, 2, 2)
    of_zeros = F.conv2d(deconvolution(zeros), weight, bias, padding=1)  # (1, O, 8, 8), constant but for its outer two pixels
    five = of_zeros[:, :, [0, 1, 2, -2, -1]][..., [0, 1, 2, -2, -1]]
    return Separable(_stretch(size[0], of_zeros), _stretch(size[1], of_zeros) @ rearrange(five, "b o y x -> b y x o"))


def _classify(fcn: Classifier, strips: Iterable[Tensor], language: Tensor, size: Sequence[int], others: list[Separable]) -> Tensor:
    """An FCN's response (B, 1, H, W), given what vision adds to its first convolution, and other maps to be added.

    The former comes in strips (B, ., W, O) from the top, or as one. The 3x3 after it sees the last two rows of the strip before, too.
    """
    height, width = size
    _, of_language, of_places = _split_weight(fcn, language)
    corners = coordinates(height, width, like=language)[None, :, [0, -1]][..., [0, -1]]  # (1, 8, 2, 2) say all of an affine map
    places = convolve_interpolated(corners, of_places, _affine(height, language), _affine(width, language))
    parts = _join([_convolve_upsampled(language, of_language, size), places, *others], batch=len(language))
    second, last = cast(nn.Conv2d, fcn.layers[2]), cast(nn.Conv2d, fcn.layers[4])
    responses, before, top = [], None, 0
    for hidden in strips:
        bottom = top + hidden.shape[1]
        _add(hidden, parts, slice(top, bottom))
        hidden, top = F.relu(hidden, inplace=True), bottom
        if hidden.shape[1] == height:
            hidden = second(hidden.movedim(-1, 1))  # (B, O, H, W)
        else:
            zeros = torch.zeros_like(hidden[:, :1])
            joined = torch.cat([zeros if before is None else before, hidden, *([zeros] if bottom == height else [])], dim=1)
            before = hidden[:, -2:]
            hidden = F.conv2d(joined.movedim(-1, 1), second.weight, second.bias, padding=(0, 1))  # (B, O, ., W)
        hidden = F.relu(hidden, inplace=True).movedim(1, -1)  # (B, ., W, O)
        responses.append(F.linear(hidden, last.weight.flatten(1), last.bias))
    return torch.cat(responses, dim=1).movedim(-1, 1) if len(responses) > 1 else responses[0].movedim(-1, 1)


def _join(parts: list[Separable], batch: int) -> Separable:
    """The sum of separable maps, as one."""
    return Separable(
        torch.cat([part.rows for part in parts], dim=1),  # (H, r)
        torch.cat([part.columns.expand(batch, -1, -1, -1) for part in parts], dim=1),  # (B, r, W, O)
    )


def _add(maps: Tensor, part: Separable, rows: slice = slice(None)) -> None:
    """Add a separable map, or some of its rows, to (B, H, W, O), in place."""
    along, across = part.rows[rows].to(maps.dtype), part.columns.to(maps.dtype)
    maps.flatten(2).baddbmm_(along.expand(len(maps), -1, -1), across.flatten(2))


def _convolve_upsampled(small: Tensor, weight: Tensor, size: Sequence[int]) -> Separable:
    """conv3x3 of a map (B, D, h, w), upsampled to a size (H, W)."""
    rows, columns = (_bilinear(few, many, small) for few, many in zip(small.shape[2:], size, strict=True))
    return convolve_interpolated(small, weight, rows, columns)


def _split_weight(fcn: Classifier, language: Tensor) -> tuple[Tensor, ...]:
    """The first convolution's weight for vision, language and coordinates."""
    weight, width = fcn.first.weight, language.shape[1]
    return weight.split([weight.shape[1] - width - COORDINATES, width, COORDINATES], dim=1)


def _shifted(basis: Tensor) -> Tensor:
    """The values that the three taps of a zero-padded convolution see of a basis (N, n) along one axis: (N, 3n)."""
    return rearrange(F.pad(basis, [0, 0, 1, 1]).unfold(0, 3, 1), "N n k -> N (k n)")


def _bilinear(small: int, large: int, like: Tensor) -> Tensor:
    """The matrix (large, small) of bilinear interpolation along one axis."""
    identity = torch.eye(small, dtype=like.dtype, device=like.device)
    return F.interpolate(identity[None], size=large, mode="linear", align_corners=False)[0].mT


def _affine(size: int, like: Tensor) -> Tensor:
    """The matrix (size, 2) that draws a straight line between two ends."""
    step = torch.linspace(0, 1, size, dtype=like.dtype, device=like.device)
    return torch.stack([1 - step, step], dim=1)


def _stretch(size: int, like: Tensor) -> Tensor:
    """The matrix (size, 5) that repeats the middle one of five pixels."""
    places = torch.arange(size, device=like.device)
    return F.one_hot(places.clamp(max=2) + (places - size + 3).clamp(min=0), 5).to(like.dtype)


def _outer_pixels(end: int, size: int, like: Tensor) -> Tensor:
    """The indices of the first (end 0) or last (end 1) two of `size` pixels."""
    return torch.arange(2, device=like.device) + end * (size - 2)
