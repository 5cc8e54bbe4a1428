"""The whole network once more, on one page, in plain PyTorch: to be read from top to bottom, and to be typed.

Nothing is imported from the package. Names of parameters are the package's, so its weights load: `FromScratch().load_state_dict(...)`.
Sizes are those of the embedded weights "thin_residual": a clip of T = 16 frames, 128 x 128 pixels, a sentence of L = 20 words, D = 96
channels of language, C = 208 of vision, and h x w = 8 x 8 cells of 16 x 16 pixels each. `+ 8` are coordinates.

    pixels (3, 16, 128, 128) -> I3D (208, 4, 8, 8) -> mean over time F_V (208, 8, 8) --+-> F_TA (96, 8, 8)  --+-> responses 8, 32, 128
    words (20,)              -> vectors (20, 96)   -> neighbours     F_T (20, 96)    --+-> F_VA (216, 8, 8) --+   -> fused mask (128, 128)
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# --- Eq. 2, first half: I3D, an Inception network whose convolutions also run over time -----------------------------------------


def pad_same(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Zeros around (B, C, T, H, W), so that the output is smaller by the stride alone; an odd cell goes to the end."""
    totals = [k - s for k, s in zip(kernel, stride, strict=True)]  # of T, H, W
    return F.pad(x, [side for total in reversed(totals) for side in (total // 2, total - total // 2)])  # F.pad begins with W


class Unit(nn.Module):
    """Convolution, BatchNorm, ReLU: what all of I3D is made of."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.normalisation = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = pad_same(x, self.convolution.kernel_size, self.convolution.stride)
        return F.relu(self.normalisation(self.convolution(x)))


class Pool(nn.Module):
    """The maximum over a window; all maps come from a ReLU, so that the zeros around them never win."""

    def __init__(self, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool3d(pad_same(x, self.kernel, self.stride), self.kernel, self.stride)


class Inception(nn.Module):
    """Four views of the same map side by side: each cell alone, two with its neighbours, and the maximum around it."""

    def __init__(self, inputs: int, a: int, b0: int, b: int, c0: int, c: int, d: int) -> None:
        super().__init__()
        self.branch_0 = Unit(inputs, a, 1)
        self.branch_1 = nn.Sequential(Unit(inputs, b0, 1), Unit(b0, b, 3))
        self.branch_2 = nn.Sequential(Unit(inputs, c0, 1), Unit(c0, c, 3))
        self.branch_3 = nn.Sequential(Pool((3, 3, 3), (1, 1, 1)), Unit(inputs, d, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch_0(x), self.branch_1(x), self.branch_2(x), self.branch_3(x)], dim=1)


class Video(nn.Module):
    """I3D at a quarter of its width, to the block mixed_4f. Only that block is trained with the rest; the stem stays as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential()  # (3, 16, 128, 128)
        for name, layer in {
            "conv3d_1a_7x7": Unit(3, 16, 7, stride=2),  # (16, 8, 64, 64)
            "max_pool_2a": Pool((1, 3, 3), (1, 2, 2)),  # (16, 8, 32, 32)
            "conv3d_2b_1x1": Unit(16, 16, 1),
            "conv3d_2c_3x3": Unit(16, 48, 3),  # (48, 8, 32, 32)
            "max_pool_3a": Pool((1, 3, 3), (1, 2, 2)),  # (48, 8, 16, 16)
            "mixed_3b": Inception(48, 16, 24, 32, 4, 8, 8),
            "mixed_3c": Inception(64, 32, 32, 48, 8, 24, 16),  # (120, 8, 16, 16)
            "max_pool_4a": Pool((3, 3, 3), (2, 2, 2)),  # (120, 4, 8, 8)
            "mixed_4b": Inception(120, 48, 24, 52, 4, 12, 16),
            "mixed_4c": Inception(128, 40, 28, 56, 6, 16, 16),
            "mixed_4d": Inception(128, 32, 32, 64, 6, 16, 16),
            "mixed_4e": Inception(128, 28, 36, 72, 8, 16, 16),  # (132, 4, 8, 8)
        }.items():
            self.stem.add_module(name, layer)
        self.mixed_4f = Inception(132, 64, 40, 80, 8, 32, 32)  # (208, 4, 8, 8)

    def forward(self, clip: Tensor) -> Tensor:
        with torch.no_grad():
            features = self.stem(clip)
        return self.mixed_4f(features)


# --- Eq. 1, and coordinates -----------------------------------------------------------------------------------------------------


class Text(nn.Module):
    """Eq. 1: F_T = tanh(Conv1d(words)), each word seen with its two neighbours."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width, width, kernel_size=3, padding=1)

    def forward(self, words: Tensor) -> Tensor:
        return torch.tanh(self.convolution(words.mT)).mT  # (B, L, D); a convolution wants channels first


def where(height: int, width: int) -> Tensor:
    """Eight numbers a cell (8, height, width): its edges and centre in [-1, 1], and its size."""
    x, y = torch.linspace(-1, 1, width + 1), torch.linspace(-1, 1, height + 1)  # edges
    ones = torch.ones(height, width)
    columns = [ones * line for line in (x[:-1], x[1:], (x[:-1] + x[1:]) / 2)]
    rows = [ones * line[:, None] for line in (y[:-1], y[1:], (y[:-1] + y[1:]) / 2)]
    (left, right, x_centre), (top, bottom, y_centre) = columns, rows
    return torch.stack([left, top, right, bottom, x_centre, y_centre, ones / width, ones / height])


def add_where(maps: Tensor) -> Tensor:
    """(B, C, h, w) to (B, C + 8, h, w)."""
    return torch.cat([maps, where(*maps.shape[2:]).expand(len(maps), -1, -1, -1)], dim=1)


# --- Eq. 3-8: two attentions ----------------------------------------------------------------------------------------------------


class PixelsReadWords(nn.Module):
    """Eq. 3-4: each pixel picks the words that matter to it. N = h * w pixels."""

    def __init__(self, vision: int, language: int) -> None:
        super().__init__()
        self.projection = nn.Linear(vision, language)

    def forward(self, vision: Tensor, text: Tensor) -> Tensor:
        pixels = vision.flatten(2).mT  # (B, N, C + 8)
        scores = self.projection(pixels) @ text.mT / text.shape[2] ** 0.5  # (B, N, L): pixel against word
        attended = scores.softmax(dim=2) @ text  # (B, N, D): a mixture of words for each pixel
        return attended.mT.unflatten(2, vision.shape[2:])  # (B, D, h, w)


class PixelsLookAtPixels(nn.Module):
    """Eq. 5-8: each pixel picks pixels like itself; the sentence says which channels make two alike."""

    def __init__(self, vision: int, language: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(vision, vision) for _ in range(3))
        self.gate = nn.Linear(language, vision)

    def forward(self, vision: Tensor, text: Tensor) -> Tensor:
        pixels = vision.flatten(2).mT  # (B, N, C + 8)
        gate = self.gate(text.amax(dim=1))[:, None]  # (B, 1, C + 8), eq. 5: from the largest value over the words
        query, key = self.query(pixels) * gate, self.key(pixels) * gate  # (B, N, C + 8), eq. 6-7
        scores = query @ key.mT / pixels.shape[2] ** 0.5  # (B, N, N): pixel against pixel
        attended = scores.softmax(dim=2) @ self.value(pixels)  # (B, N, C + 8), eq. 8
        return attended.mT.unflatten(2, vision.shape[2:]) + vision  # (B, C + 8, h, w); the sum is ours, the paper has none


# --- Eq. 10-13: from cells to an outline ----------------------------------------------------------------------------------------


def enlarge(maps: Tensor, size: tuple[int, ...]) -> Tensor:
    return F.interpolate(maps, size=size, mode="bilinear")


class Finer(nn.Module):
    """Eq. 10: four times as many rows and columns."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.transposed = nn.ConvTranspose2d(inputs, outputs, kernel_size=8, stride=4, padding=2)
        self.convolution = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(self.transposed(x))


class Respond(nn.Module):
    """Eq. 11: how much each cell looks like what the sentence says: one number, the logit of the mask."""

    def __init__(self, vision: int, language: int, hidden: int) -> None:
        super().__init__()
        first, second = nn.Conv2d(vision + language + 8, hidden, 3, padding=1), nn.Conv2d(hidden, hidden, 3, padding=1)
        self.layers = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Conv2d(hidden, 1, 1))

    def forward(self, vision: Tensor, language: Tensor) -> Tensor:
        return self.layers(add_where(torch.cat([vision, enlarge(language, vision.shape[2:])], dim=1)))


class ThreeResolutions(nn.Module):
    """Eq. 13: a response at 8 x 8, 32 x 32 and 128 x 128, and their fusion (eq. 12)."""

    def __init__(self, vision: int, language: int) -> None:
        super().__init__()
        self.deconvolutions = nn.ModuleDict({"medium": Finer(vision, 64), "large": Finer(64, 32)})
        widths = {"small": (vision, 96), "medium": (64, 48), "large": (32, 24)}
        self.classifiers = nn.ModuleDict({name: Respond(seen, language, hidden) for name, (seen, hidden) in widths.items()})
        self.fusion = nn.Conv2d(3, 1, kernel_size=3, padding=1)

    def forward(self, small: Tensor, language: Tensor) -> list[Tensor]:
        medium = self.deconvolutions["medium"](small)  # (B, 64, 32, 32)
        large = self.deconvolutions["large"](medium)  # (B, 32, 128, 128)
        maps = {"small": small, "medium": medium, "large": large}
        responses = [self.classifiers[name](seen, language) for name, seen in maps.items()]  # three of (B, 1, ., .)
        fused = self.fusion(torch.cat([enlarge(response, large.shape[2:]) for response in responses], dim=1))  # eq. 12
        return [response[:, 0] for response in (*responses[:2], fused)]


# --- The whole ------------------------------------------------------------------------------------------------------------------


class FromScratch(nn.Module):
    """Clips (B, 3, 16, 128, 128) in [-1, 1] and word ids (B, 20), 0 = padding, to logits (B, 8, 8), (B, 32, 32), (B, 128, 128).

    >>> [tuple(response.shape) for response in FromScratch().eval()(torch.zeros(1, 3, 16, 128, 128), torch.zeros(1, 20).long())]
    [(1, 8, 8), (1, 32, 32), (1, 128, 128)]
    """

    def __init__(self, words: int = 512, language: int = 96, vision: int = 208) -> None:
        super().__init__()
        self.word_table = nn.Embedding(words, language, padding_idx=0)
        self.backbone = Video()
        self.text_encoder = Text(language)
        branches = {"language": PixelsReadWords(vision + 8, language), "vision": PixelsLookAtPixels(vision + 8, language)}
        self.attention = nn.ModuleDict(branches)
        self.decoder = ThreeResolutions(vision, language)

    def forward(self, clip: Tensor, tokens: Tensor) -> list[Tensor]:
        text = self.text_encoder(self.word_table(tokens))  # F_T (B, 20, 96), eq. 1
        visual = F.normalize(self.backbone(clip).mean(dim=2), dim=1)  # F_V (B, 208, 8, 8), of unit length at each cell, eq. 2
        visual = add_where(visual * visual.shape[1] ** 0.5)  # F_VC (B, 216, 8, 8); the scale is ours: each channel of order one
        language = self.attention["language"](visual, text)  # F_TA (B, 96, 8, 8), eq. 3-4
        attended = self.attention["vision"](visual, text)  # F_VA (B, 216, 8, 8), eq. 5-8
        return self.decoder(attended[:, :-8], language)  # eq. 10-13, which computes coordinates of its own
