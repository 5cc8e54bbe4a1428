"""Outlines drawn to the edges of the picture, by the guided filter (He, Sun and Tang, 2013).

A response comes from cells of 16 pixels, so its outlines are smooth where the actor's are not. In each window the filter finds the
linear function of colour that is closest to the response, and gives the mean of what the windows around a pixel say about it: an edge of
the picture inside the window becomes an edge of the response. It learns nothing, and is no part of the paper.
"""

from __future__ import annotations

import cv2
import numpy as np

# Chosen by benchmarks/refinement.py: from a pixel to the window's border, as a share of the picture's side,
# and, for colours in [0, 1], the variance far below which there is no edge.
EDGE_WINDOW = 13 / 320
EDGE_RIDGE = 1e-4
LEAST = 1e-6  # probability: the filter may leave [0, 1] a little
LOW = -10.0  # the logit of a probability that is well above the least


class GuidedFilter:
    """The filter for one picture, uint8 `(S, S, 3)`, whose part of the computation serves all responses.

    >>> picture = np.zeros((96, 96, 3), np.uint8)
    >>> picture[:, 48:] = 255  # an edge
    >>> response = np.tile((np.arange(96) - 44.5) / 8, (96, 1))  # its outline is 3 pixels off
    >>> [int((logits[48] > 0).argmax()) for logits in (response, GuidedFilter(picture, window=1 / 16)(response))]
    [45, 48]
    """

    def __init__(self, picture: np.ndarray, *, window: float = EDGE_WINDOW, ridge: float = EDGE_RIDGE) -> None:
        self.radius = max(1, round(window * len(picture)))
        self.colours = picture.astype(np.float32) / 255  # (S, S, 3)
        self.mean = self._average(self.colours)
        products = [self.colours[..., row] * self.colours[..., column] for row, column in _PAIRS]
        of_means = [self.mean[..., row] * self.mean[..., column] for row, column in _PAIRS]
        covariance = self._average(np.stack(products, axis=-1)) - np.stack(of_means, axis=-1)  # (S, S, 6)
        self.inverse = _invert(covariance + np.float32(ridge) * np.array([a == b for a, b in _PAIRS], np.float32))  # (S, S, 3, 3)

    def __call__(self, response: np.ndarray) -> np.ndarray:
        """Logits `(S, S)`, filtered as probabilities, as logits float32 `(S, S)`."""
        response = response.astype(np.float32)
        # Where all logits are low, more of each is a factor of the probabilities, which the filter keeps; the least would cover them all.
        lift = max(np.float32(0), LOW - response.max())
        probability = np.exp(-np.logaddexp(0, -response - lift))  # the logistic function, without overflow
        mean = self._average(probability)
        covariance = self._average(self.colours * probability[..., None]) - self.mean * mean[..., None]  # (S, S, 3)
        slope = np.einsum("yxij,yxj->yxi", self.inverse, covariance)
        offset = mean - (slope * self.mean).sum(axis=-1)
        filtered = (self._average(slope) * self.colours).sum(axis=-1) + self._average(offset)
        filtered = np.clip(filtered, LEAST, 1 - LEAST)
        return np.log(filtered / (1 - filtered)) - lift

    def _average(self, maps: np.ndarray) -> np.ndarray:
        """Means over the window around each pixel of maps float32 `(S, S)` or `(S, S, C)`."""
        side = 2 * self.radius + 1
        return cv2.blur(maps, (side, side), borderType=cv2.BORDER_REFLECT)


_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))  # of colours, in the upper half of a symmetric matrix


def _invert(halves: np.ndarray) -> np.ndarray:
    """The inverses `(S, S, 3, 3)` of symmetric matrices `(S, S, 6)`, by their cofactors."""
    a, b, c, d, e, f = np.moveaxis(halves.astype(np.float64), -1, 0)  # [[a, b, c], [b, d, e], [c, e, f]]
    first, second, third, fourth = d * f - e * e, c * e - b * f, b * e - c * d, b * c - a * e
    cofactors = np.stack([first, second, third, second, a * f - c * c, fourth, third, fourth, a * d - b * b], axis=-1)
    inverse = cofactors / (a * first + b * second + c * third)[..., None]
    return inverse.astype(np.float32).reshape(*halves.shape[:2], 3, 3)
