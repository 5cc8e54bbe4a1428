"""Inception I3D (Carreira and Zisserman, 2017), with its width as a parameter: the video encoder of ACGA up to `mixed_4f`.

Two ports of the original TensorFlow weights are in use. Both imitate TensorFlow's 'SAME' padding, which puts the odd cell at the
end, but by two rules (`padding`) that agree on every size a stride divides, and they differ in the epsilon of BatchNorm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import scaled
from ..weights import load_into, read_state_dict

PaddingRule = Literal["kernel", "input"]  # hassony2: from kernel and stride alone; piergiaj and TensorFlow: from the input's size too
Triple = tuple[int, int, int]  # time, height, width

# Output channels of the four branches of each Inception block; branches 1 and 2 first reduce to the number before the arrow.
# branch_0 1x1 | branch_1 1x1 -> 3x3 | branch_2 1x1 -> 3x3 | branch_3 pool -> 1x1
BLOCKS: dict[str, tuple[int, tuple[int, int], tuple[int, int], int]] = {
    "mixed_3b": (64, (96, 128), (16, 32), 32),
    "mixed_3c": (128, (128, 192), (32, 96), 64),
    "mixed_4b": (192, (96, 208), (16, 48), 64),
    "mixed_4c": (160, (112, 224), (24, 64), 64),
    "mixed_4d": (128, (128, 256), (24, 64), 64),
    "mixed_4e": (112, (144, 288), (32, 64), 64),
    "mixed_4f": (256, (160, 320), (32, 128), 128),
    "mixed_5b": (256, (160, 320), (32, 128), 128),
    "mixed_5c": (384, (192, 384), (48, 128), 128),
}
ENDPOINTS = ("conv3d_2c_3x3", "mixed_3c", "mixed_4e", "mixed_4f", "mixed_5c")


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
        if all(front == back or size % stride == 0 for (front, back), (size, _, stride) in zip(pads, axes, strict=True)):
            return F.max_pool3d(x, self.kernel, self.stride, padding=before, ceil_mode=True)
        return F.max_pool3d(_pad(x, pads), self.kernel, self.stride, ceil_mode=True)

    def extra_repr(self) -> str:
        return f"kernel={self.kernel}, stride={self.stride}"


class Unit(nn.Module):
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


class Mixed(nn.Module):
    """An Inception block: four branches side by side, concatenated over channels."""

    def __init__(
        self, inputs: int, branches: tuple[int, tuple[int, int], tuple[int, int], int], *, epsilon: float, padding: PaddingRule
    ) -> None:
        super().__init__()
        first, (reduced_1, second), (reduced_2, third), fourth = branches

        def unit(inputs: int, outputs: int, kernel: int) -> Unit:
            return Unit(inputs, outputs, kernel=kernel, epsilon=epsilon, padding=padding)

        self.branch_0 = unit(inputs, first, 1)
        self.branch_1 = nn.Sequential(unit(inputs, reduced_1, 1), unit(reduced_1, second, 3))
        self.branch_2 = nn.Sequential(unit(inputs, reduced_2, 1), unit(reduced_2, third, 3))
        self.branch_3 = nn.Sequential(MaxPool((3, 3, 3), (1, 1, 1), padding=padding), unit(inputs, fourth, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, C', T, H, W)."""
        return torch.cat([self.branch_0(x), self.branch_1(x), self.branch_2(x), self.branch_3(x)], dim=1)


class I3D(nn.Module):
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

    source_format: str | None = None  # of the file that `from_file` read: hassony2, official, piergiaj or acga

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
        channels = {"mixed_2c": c192}  # output channels by block

        def unit(inputs: int, outputs: int, kernel: int, stride: int = 1) -> Unit:
            return Unit(inputs, outputs, kernel=kernel, stride=stride, epsilon=epsilon, padding=padding)

        def pool(kernel: Triple, stride: Triple) -> MaxPool:
            return MaxPool(kernel, stride, padding=padding)

        def mixed(name: str) -> Mixed:
            inputs = list(channels.values())[-1]
            first, (reduced_1, second), (reduced_2, third), fourth = BLOCKS[name]
            outputs = [scaled(count, width) for count in (first, second, third, fourth)]
            channels[name] = sum(outputs)
            thin_1, thin_2 = scaled(reduced_1, width), scaled(reduced_2, width)
            branches = (outputs[0], (thin_1, outputs[1]), (thin_2, outputs[2]), outputs[3])
            return Mixed(inputs, branches, epsilon=epsilon, padding=padding)

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
        self.channels = {name: channels[name] for name in channels if name.startswith("mixed_") and name != "mixed_2c"}

    def stages(self) -> dict[str, nn.Module]:
        """Every stage by name, in the order in which a clip passes through them."""
        return {**dict(self.stem.named_children()), "mixed_4f": self.mixed_4f, **dict(self.tail.named_children())}

    def forward(self, clip: Tensor) -> Tensor:
        """(B, 3, T, H, W) in [-1, 1] to the last block's output."""
        return self.tail(self.mixed_4f(self.stem(clip)))

    def endpoints(self, clip: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """The outputs of the named stages for a clip (B, 3, T, H, W) in [-1, 1]; nothing after the last of them is computed.

        Raises ValueError for a name that this network doesn't have.
        """
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

    @classmethod
    def from_file(cls, path: str | Path) -> I3D:
        """An I3D in evaluation mode from a file of weights in the hassony2, official ACGA, piergiaj or our own format.

        Which one it was is kept in `.source_format`. Raises `WeightsError` if the file is not one of these.
        """
        state, source_format, metadata = read_state_dict(path)
        state = _backbone_of(state)
        config = metadata.get("config", {})
        ported_by_piergiaj = source_format == "piergiaj"
        first = state.get("stem.conv3d_1a_7x7.convolution.weight")
        model = cls(
            width=config.get("backbone_width", 1.0),
            epsilon=1e-3 if ported_by_piergiaj else 1e-5,
            padding="input" if ported_by_piergiaj else "kernel",
            through="mixed_5c" if any(name.startswith("tail.") for name in state) else "mixed_4f",
            input_channels=3 if first is None else first.shape[1],
        )
        load_into(model, state, source=path)
        model.source_format = source_format
        return model.eval()


def _backbone_of(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The entries of I3D, whether they are the whole file or the backbone of an ACGA."""
    prefix = "backbone."
    inside = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    return inside or state


def _pad(x: Tensor, pads: Iterable[tuple[int, int]]) -> Tensor:
    """Zeros around (B, C, T, H, W); `pads` holds (before, after) for T, H, W."""
    return F.pad(x, [cells for pair in reversed(list(pads)) for cells in pair])
