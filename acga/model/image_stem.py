"""An image network as the frozen stem of a video network: EfficientNet-Lite0 (Tan and Le, 2019; Google, 2020), up to stride 32.

Every fourth frame passes through it alone, so that its maps, concatenated at stride 16, have the form of I3D's mixed_4e. The optical flow
from that frame to the next three may stand beside them: two streams, of appearance and of motion (Simonyan and Zisserman, 2014).
As the network is never trained, its BatchNorm is part of the convolutions' weights and biases from the start
(`convert.from_efficientnet_lite`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from ..config import scaled
from .backbone import Backbone
from .i3d import ConvBNReLU, same_padding
from .optical_flow import motion
from .state_dicts import check_fit, load_into

TIME_STRIDE = 4  # frames
MOTION_CHANNELS = 12 * (TIME_STRIDE - 1)
FIRST_WIDTH = 32  # channels of the first convolution


class Stage(NamedTuple):
    """Blocks of the same width."""

    blocks: int
    kernel: int
    stride: int  # of its first block
    expansion: int  # hidden channels for each input channel
    outputs: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
LAST_BLOCKS = (2, 4, 10, 15)  # at strides 4, 8, 16 and 32


class Pyramid(NamedTuple):
    """Maps of images (N, 3, H, W) at four strides, with their channels at full width."""

    stride4: Tensor  # (N, 24, H/4, W/4)
    stride8: Tensor  # (N, 40, H/8, W/8)
    stride16: Tensor  # (N, 112, H/16, W/16)
    stride32: Tensor  # (N, 320, H/32, W/32), rounded up


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's 'SAME' padding, which puts the odd cell at the end."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride, groups=groups)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H / stride, W / stride), rounded up."""
        pads = [same_padding(size, self.kernel_size[0], self.stride[0], "input") for size in maps.shape[2:]]
        if all(front == back for front, back in pads):
            return F.conv2d(maps, self.weight, self.bias, self.stride, [front for front, _ in pads], groups=self.groups)
        return super().forward(F.pad(maps, [*pads[1], *pads[0]]))


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to the input where the shapes agree (MBConv without squeeze and excitation)."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = SameConv2d(inputs, hidden, 1) if expansion > 1 else None
        self.depthwise = SameConv2d(hidden, hidden, kernel, stride=stride, groups=hidden)
        self.project = SameConv2d(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H / stride, W / stride), rounded up."""
        hidden = maps if self.expand is None else F.relu6(self.expand(maps), inplace=True)
        projected = self.project(F.relu6(self.depthwise(hidden), inplace=True))
        return maps + projected if self.residual else projected


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 without its head: 2.9 M parameters at full width.

    >>> [tuple(maps.shape) for maps in EfficientNetLite0()(torch.zeros(1, 3, 64, 96))]
    [(1, 24, 16, 24), (1, 40, 8, 12), (1, 112, 4, 6), (1, 320, 2, 3)]
    """

    def __init__(self, *, width: float = 1.0) -> None:
        super().__init__()
        inputs = scaled(FIRST_WIDTH, width)
        self.first = SameConv2d(3, inputs, 3, stride=2)
        self.blocks = nn.ModuleList()
        for count, kernel, stride, expansion, channels in STAGES:
            outputs = scaled(channels, width)
            for index in range(count):
                block = InvertedResidual(inputs, outputs, kernel=kernel, stride=1 if index else stride, expansion=expansion)
                self.blocks.append(block)
                inputs = outputs

    def forward(self, images: Tensor) -> Pyramid:
        """Images (N, 3, H, W) in the published units: (x - 127) / 128 of values from 0 to 255."""
        maps, kept = F.relu6(self.first(images), inplace=True), []
        for index, block in enumerate(self.blocks):
            maps = block(maps)
            if index in LAST_BLOCKS:
                kept.append(maps)
        return Pyramid(*kept)


class ImageStem(nn.Module):
    """The image network on every fourth frame, with the interface of I3D's stem; with `motion`, also the optical flow to the next three.

    >>> ImageStem()(torch.zeros(1, 3, 16, 64, 96)).shape
    torch.Size([1, 592, 4, 4, 6])
    """

    gains_by_compiling = False  # a sixth

    def __init__(self, *, width: float = 1.0, motion: bool = False) -> None:
        super().__init__()
        self.network = EfficientNetLite0(width=width)
        stride8, *rest = (scaled(STAGES[stage].outputs, width) for stage in (2, 4, 6))
        self.motion = motion
        self.channels = 4 * stride8 + sum(rest) + (MOTION_CHANNELS if motion else 0)

    def forward(self, clip: Tensor) -> Tensor:
        """Clips (B, 3, T, H, W) in [-1, 1], H and W multiples of 16, to (B, 592, T/4, H/16, W/16)."""
        windows = torch.stack([clip[:, :, list(window)] for window in self.windows(clip.shape[2])], dim=1)  # (B, T/4, 3, n, H, W)
        return rearrange(self.maps(windows.flatten(0, 1)), "(b t) c h w -> b c t h w", b=len(clip))

    def windows(self, length: int) -> list[tuple[int, ...]]:
        """The indices of the frames that are looked at in a clip of `length`: every fourth, the annotated one, length // 2, among them.

        With `motion` the next three follow each, or the last frame again at the end.
        """
        seen = range(length // 2 % TIME_STRIDE, length, TIME_STRIDE)
        return [tuple(min(frame + step, length - 1) for step in range(TIME_STRIDE if self.motion else 1)) for frame in seen]

    def maps(self, windows: Tensor) -> Tensor:
        """Frames with those that follow (N, 3, n, H, W) in [-1, 1] to their features (N, 592, H/16, W/16)."""
        appearance = self.appearance(windows[:, :, 0])
        return torch.cat([appearance, motion(windows)], dim=1) if self.motion else appearance

    def appearance(self, frames: Tensor) -> Tensor:
        """Frames (N, 3, H, W) in [-1, 1] to what the image network makes of each alone, (N, 592, H/16, W/16)."""
        return self.gather(self.pyramid(frames.contiguous(memory_format=torch.channels_last)))

    def pyramid(self, frames: Tensor) -> Pyramid:
        """Maps of frames (N, 3, H, W) in [-1, 1]."""
        return self.network((frames * 127.5 + 0.5) / 128)

    @staticmethod
    def gather(maps: Pyramid) -> Tensor:
        """Maps at stride 8 (2 x 2 of its cells side by side, which keeps outlines), 16 and 32 (upsampled): (N, 592, H/16, W/16)."""
        height, width = maps.stride16.shape[2:]
        coarse = F.interpolate(maps.stride32, scale_factor=2, mode="bilinear", align_corners=False)
        return torch.cat([F.pixel_unshuffle(maps.stride8, 2), maps.stride16, coarse[:, :, :height, :width]], dim=1)


class TemporalBlock(nn.Module):
    """In the place of mixed_4f: half of its channels see a cell of one frame, the other half also its neighbours in space and time.

    Frames that passed through the stem alone do not know when they are, so two channels say it: the time from the annotated frame, and
    whether this is the annotated frame. The stem's channels differ thirtyfold in scale, so they are standardised first.

    >>> TemporalBlock(592, 208)(torch.zeros(1, 592, 4, 2, 3)).shape
    torch.Size([1, 208, 4, 2, 3])
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.mixed = outputs // 2
        self.register_buffer("mean", torch.zeros(inputs, 1, 1, 1))
        self.register_buffer("scale", torch.ones(inputs, 1, 1, 1))
        self.reduce = ConvBNReLU(inputs + 2, outputs, kernel=1, epsilon=1e-5, padding="kernel")
        self.mix = ConvBNReLU(self.mixed, self.mixed, kernel=3, epsilon=1e-5, padding="kernel")

    @torch.no_grad()
    def standardise(self, features: Tensor) -> None:
        """Let the channels of features (N, C, T, h, w) have mean 0 and standard deviation 1."""
        deviation, mean = torch.std_mean(features, dim=(0, 2, 3, 4))
        self.mean.copy_(mean.view_as(self.mean))
        self.scale.copy_(1 / deviation.clamp(min=1e-3).view_as(self.scale))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, T, h, w) to (B, C', T, h, w)."""
        batch, _, frames, height, width = maps.shape
        step = torch.arange(frames, device=maps.device) - frames // 2
        time = torch.stack([step / frames, step == 0]).to(maps.dtype)  # (2, T)
        time = repeat(time, "c t -> b c t h w", b=batch, h=height, w=width)
        maps = self.reduce(torch.cat([(maps - self.mean) * self.scale, time], dim=1))
        alone, together = maps[:, self.mixed :], maps[:, : self.mixed]
        return torch.cat([alone, self.mix(together)], dim=1)


class ImageBackbone(Backbone):
    """An image network as `stem` and, in the place of I3D's mixed_4f, a block over time.

    Args:
        width: multiplies the channel counts of the stem (at least 4 channels stay); published weights have 1.
        motion: whether the stem gives the optical flow, too.
        outputs: channels of the block over time, the first of `ACGAConfig.vision_widths`.

    >>> backbone = ImageBackbone(width=0.25, outputs=16).eval()
    >>> backbone(torch.zeros(1, 3, 16, 64, 96)).shape
    torch.Size([1, 16, 4, 4, 6])
    """

    kind = "image"
    landmark = "stem.network.first.weight"
    input_channels = 3
    stem: ImageStem
    mixed_4f: TemporalBlock

    def __init__(self, *, width: float = 1.0, outputs: int = 208, motion: bool = False) -> None:
        super().__init__()
        stem = ImageStem(width=width, motion=motion)
        self.width, self.channels = width, {"mixed_4e": stem.channels, "mixed_4f": outputs}
        self.stem, self.mixed_4f = stem, TemporalBlock(stem.channels, outputs)

    def forward(self, clip: Tensor) -> Tensor:
        """Clips (B, 3, T, H, W) in [-1, 1] to (B, C, T/4, H/16, W/16)."""
        return self.mixed_4f(self.stem(clip))

    def settings(self) -> dict[str, Any]:
        """The arguments of the constructor, ready for JSON: `ImageBackbone(**backbone.settings())` has the same architecture."""
        return {"width": self.width, "outputs": self.channels["mixed_4f"], "motion": self.stem.motion}

    def calibrate(self, features: Tensor) -> None:
        """Standardise by the features (N, C, T/4, h, w), unless that was done before these weights learned."""
        if not self.mixed_4f.mean.any():
            self.mixed_4f.standardise(features)

    @classmethod
    def from_file(cls, path: str | Path, *, outputs: int = 208, motion: bool = False) -> ImageBackbone:
        """In evaluation mode, from our format or from the published weights of EfficientNet-Lite0.

        The published ones hold the image network alone: `motion` is as told then, and the block over time, `outputs` wide, is new.
        Raises `WeightsError` if the file is neither.
        """
        weights = cls.read(path)
        settings = weights.metadata.get("backbone") or {"outputs": outputs, "motion": motion}
        if weights.format == "acga":
            with torch.device("meta"):
                check_fit(cls.of_settings(settings, source=path), weights.state, source=path)  # before there is memory for it
        backbone = cls.of_settings(settings, source=path)
        new = {} if weights.format == "acga" else {f"mixed_4f.{name}": value for name, value in backbone.mixed_4f.state_dict().items()}
        load_into(backbone, {**new, **weights.state}, source=path)
        backbone.source_format = weights.format
        return backbone.eval()
