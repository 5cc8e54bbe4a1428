"""The recogniser that pretrains the backbone: a head that says which actor, action and colour is where, and its losses."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.dense_labels import LABELS
from ..data.taxonomy import ACTIONS, ACTORS, COLOURS
from .i3d import I3D

CLASSES = {"actor": len(ACTORS), "action": len(ACTIONS), "colour": len(COLOURS)}
OUTPUTS = {"foreground": 1, **CLASSES}


class DenseRecogniser(nn.Module):
    """I3D to mixed_4f, averaged over time (as in eq. 2), and a head that brings it to a quarter of the input's resolution.

    >>> outputs = DenseRecogniser(width=0.125)(torch.zeros(1, 3, 16, 64, 64))
    >>> {name: tuple(logits.shape) for name, logits in outputs.items()}
    {'foreground': (1, 1, 16, 16), 'actor': (1, 7, 16, 16), 'action': (1, 9, 16, 16), 'colour': (1, 11, 16, 16)}
    """

    def __init__(self, *, width: float, head_width: int = 64) -> None:
        super().__init__()
        self.backbone = I3D(width=width, through="mixed_4f")
        self.head = nn.Sequential(
            nn.ConvTranspose2d(self.backbone.channels["mixed_4f"], head_width, kernel_size=8, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(head_width, head_width, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(head_width, sum(OUTPUTS.values()), kernel_size=1),
        )

    def forward(self, clip: Tensor) -> dict[str, Tensor]:
        """Clips (B, 3, T, H, W) in [-1, 1] to logits (B, classes, H/4, W/4), foreground first."""
        logits = self.head(self.backbone(clip).mean(dim=2)).float()  # (B, 28, H/4, W/4)
        return dict(zip(OUTPUTS, logits.split(list(OUTPUTS.values()), dim=1), strict=True))


class DenseObjective(nn.Module):
    """The recogniser with its losses, all per pixel of foreground: cross-entropy on foreground everywhere, on classes where they are known.

    Rare classes count more (`balance`, by name: (classes,) weights of mean about one), so that "none" doesn't drown "eat".
    """

    def __init__(self, recogniser: DenseRecogniser, balance: dict[str, Tensor]) -> None:
        super().__init__()
        self.recogniser = recogniser
        for name, weights in balance.items():
            self.register_buffer(f"balance_{name}", weights, persistent=False)

    def forward(self, clip: Tensor, labels: Tensor) -> Tensor:
        """Clips (B, 3, T, H, W) and labels (B, 4, H/4, W/4) int64, 0 = none, to the losses (4,), in the order of `OUTPUTS`."""
        outputs = self.recogniser(clip)
        present = (labels[:, LABELS.index("instance")] > 0).float()
        # A mean over all pixels would give the outlines of small actors a tenth of the say that their classes have.
        foreground = F.binary_cross_entropy_with_logits(outputs["foreground"][:, 0], present, reduction="sum")
        losses = [foreground / present.sum().clamp(min=1)]
        for name in CLASSES:
            target = labels[:, LABELS.index(name)] - 1  # -1 where nothing is known
            weights = self.get_buffer(f"balance_{name}")
            summed = F.cross_entropy(outputs[name], target, weight=weights, ignore_index=-1, reduction="sum")
            known = weights[target.clamp(min=0)] * (target >= 0)
            losses.append(summed / known.sum().clamp(min=1))
        return torch.stack(losses)


def class_balance(labels: np.ndarray) -> dict[str, Tensor]:
    """Weights of the classes, by the inverse square root of how many pixels have them; labels (N, 4, h, w), 0 = none."""
    balance = {}
    for name, classes in CLASSES.items():
        counts = np.bincount(labels[:, LABELS.index(name)].ravel(), minlength=classes + 1)[1:].astype(np.float64)
        share = counts / max(counts.sum(), 1)
        weights = np.where(counts > 0, np.maximum(share * classes, 1e-2) ** -0.5, 1.0)
        balance[name] = torch.from_numpy(weights).float()
    return balance
