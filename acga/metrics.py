"""From a response to a mask, and from masks to the numbers of the paper's tables (docs/PROTOCOL.md, "Metrics")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor

from .coco import EncodedPair, coco_average_precision, run_lengths
from .data.geometry import pad_resize, undo_pad_resize
from .errors import DatasetError

PRECISIONS = (0.5, 0.6, 0.7, 0.8, 0.9)
MEAN_OVER = np.arange(50, 100, 5) / 100  # 0.50, 0.55 … 0.95
SMOOTHING = 1e-6  # the official code's, in numerator and denominator
METRICS = (*(f"P@{threshold}" for threshold in PRECISIONS), "mAP", "oIoU", "mIoU")  # in the order of the paper's tables

Areas = TypeVar("Areas", int, np.ndarray)


def smoothed_iou(intersection: Areas, union: Areas) -> Any:
    """IoU from areas in pixels, of one pair of masks or of arrays of them, as officially smoothed: 1 where both masks are empty.

    >>> smoothed_iou(0, 0), round(smoothed_iou(1, 2), 3)
    (1.0, 0.5)
    """
    return (intersection + SMOOTHING) / (union + SMOOTHING)


def heaviest_piece(foreground: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """The connected part of a bool mask `(S, S)` with the largest sum of probability; where nothing is marked, the mask itself.

    >>> heaviest_piece(np.array([[True, False, True]]), np.array([[0.6, 0.1, 0.9]]))
    array([[False, False,  True]])
    """
    count, pieces = cv2.connectedComponents(foreground.astype(np.uint8), connectivity=8)
    if count <= 2:
        return foreground
    weights = np.bincount(pieces.ravel(), probability.ravel(), minlength=count)
    return pieces == 1 + int(weights[1:].argmax())


def binarise(response: Tensor | np.ndarray, size: tuple[int, int], *, threshold_ratio: float = 0.5, one_piece: bool = False) -> np.ndarray:
    """Foreground of a response, in the frame: logits `(S, S)` -> bool `(h, w)`, for a frame of `size` (h, w) pixels.

    Foreground is `sigmoid(R) > threshold_ratio * max(sigmoid(R))`, decided at `(S, S)` and only then taken back to the frame, as
    officially done; the official ratio is one half. With `one_piece` (ours) only the heaviest connected part is kept.

    >>> binarise(torch.tensor([[-9.0, 1.0], [-9.0, 2.0]]), (2, 2))
    array([[False,  True],
           [False,  True]])
    """
    logits = torch.as_tensor(response).detach().float().cpu()
    if logits.ndim != 2 or logits.shape[0] != logits.shape[1]:
        raise ValueError(f"expected one square response (S, S), got {tuple(logits.shape)}; fix: response[i]")
    probability = torch.sigmoid(logits)
    foreground = (probability > threshold_ratio * probability.max()).numpy()  # (S, S)
    if one_piece:
        mask = undo_pad_resize(heaviest_piece(foreground, probability.numpy()).astype(np.uint8), size).astype(bool)
        if mask.any():  # a piece too small to survive the way back leaves the whole mask
            return mask
    return undo_pad_resize(foreground.astype(np.uint8), size).astype(bool)


def round_trip(mask: np.ndarray, size: int) -> np.ndarray:
    """A bool mask `(H, W)` sent to the network's square of side `size` and back: what a prediction is officially scored against.

    A mask too small to survive a small square comes back as it was, so that no target becomes empty.
    """
    square = pad_resize(mask.astype(np.uint8), size)
    returned = undo_pad_resize(square, (mask.shape[0], mask.shape[1])).astype(bool)
    return returned if returned.any() else mask


def intersection_over_union(predicted: np.ndarray, target: np.ndarray) -> float:
    """IoU of two bool masks of one shape, smoothed by 1e-6 as officially done.

    >>> round(intersection_over_union(np.array([[True, True]]), np.array([[True, False]])), 3)
    0.5
    """
    intersection, union = _areas(predicted, target)
    return float(smoothed_iou(intersection, union))


def _areas(predicted: np.ndarray, target: np.ndarray) -> tuple[int, int]:
    """Pixels in the intersection and in the union."""
    predicted, target = np.asarray(predicted), np.asarray(target)
    if predicted.dtype != bool or target.dtype != bool or predicted.shape != target.shape or predicted.ndim != 2:
        raise ValueError(
            f"expected two bool masks of one shape (H, W), got {predicted.dtype} {predicted.shape} and {target.dtype} {target.shape}"
        )
    return int((predicted & target).sum()), int((predicted | target).sum())


class SegmentationMetrics:
    """Collects pairs of masks; computes P@K, mAP (the paper's), oIoU, mIoU, and COCO's AP where scores were given.

    >>> metrics = SegmentationMetrics()
    >>> metrics.update(np.array([[True, True]]), np.array([[True, False]]))
    >>> metrics.update(np.array([[True, False]]), np.array([[True, False]]))
    >>> {name: round(value, 2) for name, value in metrics.compute().items()}
    {'P@0.5': 1.0, 'P@0.6': 0.5, 'P@0.7': 0.5, 'P@0.8': 0.5, 'P@0.9': 0.5, 'mAP': 0.55, 'oIoU': 0.67, 'mIoU': 0.75}
    """

    def __init__(self, *, strict: bool = False) -> None:
        """`strict`: count IoU > K, as MTTR and ReferFormer do, instead of the official IoU >= K."""
        self.strict = strict
        self._intersections: list[int] = []
        self._unions: list[int] = []
        self._scores: list[float] = []
        self.masks: list[EncodedPair] = []  # kept only with scores

    @classmethod
    def from_areas(cls, intersections: Sequence[int], unions: Sequence[int], *, strict: bool = False) -> SegmentationMetrics:
        """From what was kept of each sample: pixels in the intersection and in the union of its masks.

        >>> round(SegmentationMetrics.from_areas([1, 3], [2, 4]).compute()["oIoU"], 3)
        0.667
        """
        metrics = cls(strict=strict)
        metrics._intersections, metrics._unions = [int(area) for area in intersections], [int(area) for area in unions]
        return metrics

    @property
    def areas(self) -> list[tuple[int, int]]:
        """Pixels in the intersection and in the union of each sample's masks, in the order of the updates."""
        return list(zip(self._intersections, self._unions, strict=True))

    def __len__(self) -> int:
        return len(self._unions)

    @property
    def ious(self) -> np.ndarray:
        """The smoothed IoU of each sample, in the order of the updates: (N,)."""
        return np.asarray(smoothed_iou(np.array(self._intersections), np.array(self._unions)))

    def update(self, predicted: np.ndarray, target: np.ndarray, *, score: float | None = None) -> None:
        """Add one sample: bool masks `(H, W)`, and the confidence in the prediction if `coco_mAP` is wanted (for all samples or none).

        Raises `DatasetError` when the target is empty, `ValueError` when the masks are not bool `(H, W)` of one shape.
        """
        intersection, union = _areas(predicted, target)
        if not target.any():
            raise DatasetError(f"The target mask of sample {len(self)} is empty, so no prediction could be right; leave the sample out.")
        if self._unions and (score is None) == bool(self._scores):
            raise ValueError("a score must be given for all samples or for none")
        self._intersections.append(intersection)
        self._unions.append(union)
        if score is not None:
            self._scores.append(float(score))
            self.masks.append(EncodedPair(run_lengths(predicted), run_lengths(target)))

    def merge(self, others: Sequence[SegmentationMetrics]) -> None:
        """Append the samples of others, such as those gathered from other processes (the objects can be pickled)."""
        for other in others:
            if len(self) and len(other) and bool(self._scores) != bool(other._scores):
                raise ValueError("a score must be given for all samples or for none")
            self._intersections += other._intersections
            self._unions += other._unions
            self._scores += other._scores
            self.masks += other.masks

    def compute(self) -> dict[str, float]:
        """Every metric in [0, 1]. Raises `ValueError` when there is no sample, or when all scores are the same."""
        if not self._unions:
            raise ValueError("no sample was added, so there is nothing to compute")
        values = {f"P@{threshold}": self.precision(threshold) for threshold in PRECISIONS}
        values["mAP"] = float(np.mean([self.precision(threshold) for threshold in MEAN_OVER]))
        values["oIoU"] = sum(self._intersections) / sum(self._unions)
        values["mIoU"] = float(self.ious.mean())
        if self._scores:
            values["coco_mAP"] = coco_average_precision(self.masks, self._scores)
        return values

    def precision(self, threshold: float) -> float:
        """P@K: the share of samples whose IoU reaches `threshold`."""
        # Not smoothed: that lifts every IoU just above its value, so > and >= would be the same; >= gives the same either way.
        exact = np.array(self._intersections) / np.array(self._unions)
        reached = exact > threshold if self.strict else exact >= threshold
        return float(reached.mean())
