"""Inception I3D (Carreira and Zisserman, 2017), with its width as a parameter: the video encoder of ACGA up to `mixed_4f`.

Two ports of the original TensorFlow weights are in use. Both imitate TensorFlow's 'SAME' padding, which puts the odd cell at the
end, but by two rules (`padding`) that agree on every size a stride divides, and they differ in the epsilon of BatchNorm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import scaled
from .backbone import Backbone
from .state_dicts import check_fit, load_into

PaddingRule = Literal["kernel", "input"]  # hassony2: from kernel and stride alone; piergiaj and TensorFlow: from the input's size too
Triple = tuple[int, int, int]  # time, height, width


class Branches(NamedTuple):
    """Channels of an Inception block's four branches: 1x1 | 1x1 then 3x3 | 1x1 then 3x3 | pool then 1x1."""

    branch_0: int
    reduced_1: int
    branch_1: int
    reduced_2: int
    branch_2: int
    branch_3: int

    def scaled(self, width: float) -> Branches:
        """The same block, thinner or wider."""
        return Branches(*(scaled(channels, width) for channels in self))


BLOCKS = {
    "mixed_3b": Branches(64, 96, 128, 16, 32, 32),
    "mixed_3c": Branches(128, 128, 192, 32, 96, 64),
    "mixed_4b": Branches(192, 96, 208, 16, 48, 64),
    "mixed_4c": Branches(160, 112, 224, 24, 64, 64),
    "mixed_4d": Branches(128, 128, 256, 24, 64, 64),
    "mixed_4e": Branches(112, 144, 288, 32, 64, 64),
    "mixed_4f": Branches(256, 160, 320, 32, 128, 128),
    "mixed_5b": Branches(256, 160, 320, 32, 128, 128),
    "mixed_5c": Branches(384, 192, 384, 48, 128, 128),
}


def same_padding(size: int, kernel: int, stride: int, rule: PaddingRule) -> tuple[int, int]:
    """Cells of padding before and after one axis.

    >>> same_padding(16, 7, 2, "kernel"), same_padding(16, 7, 2, "input"), same_padding(15, 7, 2, "input")
    ((2, 3), (2, 3), (3, 3))
    """
    covered = stride if rule == "kernel" or size % stride == 0 else size % stride
    total = max(kernel - covered, 0)
    return total // 2, total - total // 2


class MaxPool(nn.Module):
    """Max pooling with 'SAME' padding, of maps that are not negative (all of I3D's come from a ReLU), so that zeros never win."""

    def __init__(self, kernel: Triple, stride: Triple, *, padding: PaddingRule) -> None:
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, C, T', H', W')."""
        axes = list(zip(x.shape[2:], self.kernel, self.stride, strict=True))
        pads = [same_padding(*axis, self.padding) for axis in axes]
        before = [front for front, _ in pads]
        # Where the stride divides the size, a last window that hangs over the end is cut by ceil_mode: no padded copy is needed.
        if all(front == back or (stride > 1 and size % stride == 0) for (front, back), (size, _, stride) in zip(pads, axes, strict=True)):
            return F.max_pool3d(x, self.kernel, self.stride, padding=before, ceil_mode=True)
        return F.max_pool3d(_pad(x, pads), self.kernel, self.stride, ceil_mode=True)

    def extra_repr(self) -> str:
        return f"kernel={self.kernel}, stride={self.stride}"


class ConvBNReLU(nn.Module):
    """Convolution with 'SAME' padding, BatchNorm, ReLU."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int = 1, epsilon: float, padding: PaddingRule) -> None:
        super().__init__()
        self.padding = padding
        self.convolution = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.normalisation = nn.BatchNorm3d(outputs, eps=epsilon)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, C', T', H', W')."""
        conv = self.convolution
        pads = [same_padding(*axis, self.padding) for axis in zip(x.shape[2:], conv.kernel_size, conv.stride, strict=True)]
        if all(front == back for front, back in pads):
            x = F.conv3d(x, conv.weight, None, conv.stride, [front for front, _ in pads])
        else:
            x = conv(_pad(x, pads))
        return F.relu(self.normalisation(x), inplace=True)


class InceptionBlock(nn.Module):
    """An Inception block: four branches side by side, concatenated over channels."""

    def __init__(self, inputs: int, branches: Branches, *, epsilon: float, padding: PaddingRule) -> None:
        super().__init__()
        self.outputs = branches.branch_0 + branches.branch_1 + branches.branch_2 + branches.branch_3

        def unit(inputs: int, outputs: int, kernel: int) -> ConvBNReLU:
            return ConvBNReLU(inputs, outputs, kernel=kernel, epsilon=epsilon, padding=padding)

        self.branch_0 = unit(inputs, branches.branch_0, 1)
        self.branch_1 = nn.Sequential(unit(inputs, branches.reduced_1, 1), unit(branches.reduced_1, branches.branch_1, 3))
        self.branch_2 = nn.Sequential(unit(inputs, branches.reduced_2, 1), unit(branches.reduced_2, branches.branch_2, 3))
        self.branch_3 = nn.Sequential(MaxPool((3, 3, 3), (1, 1, 1), padding=padding), unit(inputs, branches.branch_3, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, C', T, H, W)."""
        return torch.cat([self.branch_0(x), self.branch_1(x), self.branch_2(x), self.branch_3(x)], dim=1)


class I3D(Backbone):
    """I3D in three parts: `stem` (to mixed_4e, frozen in ACGA), `mixed_4f`, and `tail` (mixed_5b and mixed_5c, optional).

    Args:
        width: multiplies every channel count (at least 4 channels stay).
        epsilon, padding: of the port whose weights are used; the default is hassony2's, which official ACGA uses.
        through: the last block that is built, "mixed_4f" or "mixed_5c".
        input_channels: 3 for RGB, 2 for optical flow.

    >>> i3d = I3D(width=0.125).eval()
    >>> found = i3d.endpoints(torch.zeros(1, 3, 16, 64, 96), ["mixed_4e", "mixed_5c"])
    >>> [tuple(found[name].shape) for name in found]
    [(1, 66, 4, 4, 6), (1, 128, 2, 2, 3)]
    """

    kind = "i3d"
    landmark = "stem.conv3d_1a_7x7.convolution.weight"
    stem: nn.Sequential

    def __init__(
        self,
        *,
        width: float = 1.0,
        epsilon: float = 1e-5,
        padding: PaddingRule = "kernel",
        through: Literal["mixed_4f", "mixed_5c"] = "mixed_5c",
        input_channels: int = 3,
    ) -> None:
        super().__init__()
        self.width, self.epsilon, self.padding, self.input_channels = width, epsilon, padding, input_channels
        c64, c192 = scaled(64, width), scaled(192, width)
        self.channels = {}  # of each Inception block

        def unit(inputs: int, outputs: int, kernel: int, stride: int = 1) -> ConvBNReLU:
            return ConvBNReLU(inputs, outputs, kernel=kernel, stride=stride, epsilon=epsilon, padding=padding)

        def pool(kernel: Triple, stride: Triple) -> MaxPool:
            return MaxPool(kernel, stride, padding=padding)

        def mixed(name: str) -> InceptionBlock:
            inputs = next(reversed(self.channels.values()), c192)
            block = InceptionBlock(inputs, BLOCKS[name].scaled(width), epsilon=epsilon, padding=padding)
            self.channels[name] = block.outputs
            return block

        self.stem = nn.Sequential()
        self.stem.add_module("conv3d_1a_7x7", unit(input_channels, c64, 7, 2))
        self.stem.add_module("max_pool_2a", pool((1, 3, 3), (1, 2, 2)))
        self.stem.add_module("conv3d_2b_1x1", unit(c64, c64, 1))
        self.stem.add_module("conv3d_2c_3x3", unit(c64, c192, 3))
        self.stem.add_module("max_pool_3a", pool((1, 3, 3), (1, 2, 2)))
        for name in ("mixed_3b", "mixed_3c"):
            self.stem.add_module(name, mixed(name))
        self.stem.add_module("max_pool_4a", pool((3, 3, 3), (2, 2, 2)))
        for name in ("mixed_4b", "mixed_4c", "mixed_4d", "mixed_4e"):
            self.stem.add_module(name, mixed(name))
        self.mixed_4f = mixed("mixed_4f")
        self.tail = nn.Sequential()
        if through == "mixed_5c":
            self.tail.add_module("max_pool_5a", pool((2, 2, 2), (2, 2, 2)))
            for name in ("mixed_5b", "mixed_5c"):
                self.tail.add_module(name, mixed(name))

    def stages(self) -> dict[str, nn.Module]:
        """Every stage by name, in the order in which a clip passes through them."""
        return {**dict(self.stem.named_children()), "mixed_4f": self.mixed_4f, **dict(self.tail.named_children())}

    def forward(self, clip: Tensor) -> Tensor:
        """(B, 3, T, H, W) in [-1, 1] to the last block's output."""
        self._check(clip)
        return self.tail(self.mixed_4f(self.stem(clip)))

    def endpoints(self, clip: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """The outputs of the named stages for a clip (B, 3, T, H, W) in [-1, 1]; nothing after the last of them is computed.

        Raises ValueError for a name that this network doesn't have, or a clip of another shape.
        """
        self._check(clip)
        stages = self.stages()
        unknown = [name for name in names if name not in stages]
        if unknown:
            raise ValueError(f"This I3D has no endpoint {unknown[0]!r}; it has {', '.join(stages)}.")
        found: dict[str, Tensor] = {}
        for name, stage in stages.items():
            if len(found) == len(set(names)):
                break
            clip = stage(clip)
            if name in names:
                found[name] = clip
        return {name: found[name] for name in names}

    def _check(self, clip: Tensor) -> None:
        if clip.ndim != 5 or clip.shape[1] != self.input_channels or 0 in clip.shape:
            raise ValueError(f"A clip should be (B, {self.input_channels}, T, H, W), but is {tuple(clip.shape)}.")

    def settings(self) -> dict[str, Any]:
        """The arguments of the constructor, ready for JSON: `I3D(**i3d.settings())` has the same architecture."""
        return {
            "width": self.width,
            "epsilon": self.epsilon,
            "padding": self.padding,
            "through": "mixed_5c" if len(self.tail) else "mixed_4f",
            "input_channels": self.input_channels,
        }

    @classmethod
    def from_file(cls, path: str | Path, *, through: Literal["mixed_4f", "mixed_5c"] | None = None) -> I3D:
        """An I3D in evaluation mode from a file of weights in the hassony2, official ACGA, piergiaj or our own format.

        Which one it was is kept in `.source_format`. It goes as far as the file does, or to `through`.
        Raises `WeightsError` if the file is not one of these or doesn't go that far.
        """
        state, source_format, metadata, _ = cls.read(path)
        settings = metadata.get("backbone") or _port_settings(state, source_format)
        settings = settings | ({"through": through} if through else {})
        if through == "mixed_4f":
            state = {name: value for name, value in state.items() if not name.startswith("tail.")}
        with torch.device("meta"):
            check_fit(cls.of_settings(settings, source=path), state, source=path)  # before there is memory for what a header asks for
        model = cls.of_settings(settings, source=path)
        load_into(model, state, source=path)
        model.source_format = source_format
        return model.eval()


def _port_settings(state: Mapping[str, Tensor], source_format: str) -> dict[str, Any]:
    """Settings of the I3D of a port (full width), from its entries."""
    return {
        "epsilon": 1e-3 if source_format == "piergiaj" else 1e-5,
        "padding": "input" if source_format == "piergiaj" else "kernel",
        "through": "mixed_5c" if any(name.startswith("tail.") for name in state) else "mixed_4f",
        "input_channels": state[I3D.landmark].shape[1],
    }


def _pad(x: Tensor, pads: Iterable[tuple[int, int]]) -> Tensor:
    """Zeros around (B, C, T, H, W); `pads` holds (before, after) for T, H, W."""
    return F.pad(x, [cells for pair in reversed(list(pads)) for cells in pair])
