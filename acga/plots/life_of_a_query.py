"""The way of one sentence through one place of the network, as a moving picture: scores, weights, mixture, response, mask."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from .style import DIVERGING, SEQUENTIAL, SERIES_COLOURS, new_figure

SECONDS = 2.2  # that a stage is shown
SHOWN = 48  # channels of the mixture


@dataclass(frozen=True)
class QueryLife:
    """A sentence on its way through the network, at one place of the map.

    >>> words, text = ["red", "dog"], np.eye(2)
    >>> scores = np.array([0.0, 2.0])
    >>> life = QueryLife(np.zeros((8, 8, 3), np.uint8), (0, 1), (2, 2), words, scores, text, np.zeros((8, 8)), np.zeros((8, 8), bool))
    >>> life.weights.round(2), life.mixture.round(2)
    (array([0.12, 0.88]), array([0.12, 0.88]))
    """

    frame: np.ndarray  # uint8 (S, S, 3), as the network sees it
    place: tuple[int, int]  # row and column
    places: tuple[int, int]  # rows and columns of the map
    words: Sequence[str]
    scores: np.ndarray  # (L,): of this cell with each position, as many as there are words or more (padding)
    text: np.ndarray  # F_T (L, D)
    response: np.ndarray  # (S, S), probabilities
    mask: np.ndarray  # bool (S, S)

    @property
    def weights(self) -> np.ndarray:
        """The softmax of the scores (L,)."""
        grown = np.exp(self.scores - self.scores.max())
        return grown / grown.sum()

    @property
    def mixture(self) -> np.ndarray:
        """The place's own sentence vector (D,)."""
        return self.weights @ self.text

    def _repr_html_(self) -> str:
        """The moving picture in a notebook, wherever that is shown."""
        said = f"Words, scores, softmax, mixture, response and mask of: {' '.join(self.words)}"
        return f'<img src="data:image/gif;base64,{base64.b64encode(self.animate()).decode()}" alt="{html.escape(said)}">'

    def animate(self) -> bytes:
        """A GIF of the stages."""
        length, width = self.text.shape
        side, (rows, columns) = len(self.frame), self.places
        stages: list[tuple[str, Callable[[Axes], object]]] = [
            (f"1  words: a vector each, F_T {length} x {width}", lambda axis: self._matrix(axis)),
            (f"2  scores of this cell with {length} positions", lambda axis: self._bars(axis, self.scores)),
            ("3  softmax: weights that sum to one", lambda axis: self._bars(axis, self.weights)),
            (f"4  mixture: this cell's sentence, {width} numbers", lambda axis: self._mixture(axis)),
            (
                f"5  all {rows * columns} cells decoded: response {side} x {side}",
                lambda axis: axis.imshow(self.response, cmap=SEQUENTIAL, vmin=0),
            ),
            ("6  mask: above half of the maximum", lambda axis: axis.imshow(self._marked())),
        ]
        pictures = [self._stage(title, draw) for title, draw in stages]
        first, *rest = [picture.quantize(96, dither=Image.Dither.NONE) for picture in pictures]
        stored = io.BytesIO()
        first.save(stored, "GIF", save_all=True, append_images=rest, duration=round(1000 * SECONDS), loop=0, optimize=True)
        return stored.getvalue()

    def _stage(self, title: str, draw: Callable[[Axes], object]) -> Image.Image:
        figure, ((left, right),) = new_figure(1, 2, width=7.2, height=3, width_ratios=[2, 3])
        figure.set_layout_engine("none")  # both pictures stay where they are, whatever is written beside them
        left.set_position((0.01, 0.04, 0.36, 0.84))
        right.set_position((0.53, 0.1, 0.44, 0.76))
        left.imshow(self._framed())
        left.set_axis_off()
        left.set_title(f'"{" ".join(self.words)}", and one place', fontsize=9)
        draw(right)
        if right.images:
            right.set_axis_off()
        right.set_title(title, fontsize=9, fontweight="bold")
        stored = io.BytesIO()
        figure.savefig(stored, format="png", dpi=90)
        return Image.open(stored).convert("RGB")

    def _framed(self) -> np.ndarray:
        """The frame with the place's outline."""
        corner = [round(at * len(self.frame) / of) for at, of in zip(self.place, self.places, strict=True)]
        other = [round((at + 1) * len(self.frame) / of) - 1 for at, of in zip(self.place, self.places, strict=True)]
        return cv2.rectangle(self.frame.copy(), corner[::-1], other[::-1], (255, 200, 0), 2)

    def _marked(self) -> np.ndarray:
        return np.where(self.mask[..., None], self.frame, self.frame // 4)

    def _bars(self, axis: Axes, values: np.ndarray) -> None:
        """A bar for each word, and one for the padding: its last score, or all of its weight."""
        count, padding = len(self.words), values[len(self.words) :]
        named, heights = list(self.words), list(values[:count])
        if len(padding):
            named.append(f"padding (last of {len(padding)})" if values is self.scores else "padding")
            heights.append(padding[-1] if values is self.scores else padding.sum())
        axis.barh(named, heights, color=SERIES_COLOURS[0])
        axis.invert_yaxis()
        axis.bar_label(axis.containers[0], fmt="%.2f", padding=3, fontsize=8)  # type: ignore[arg-type]
        axis.margins(x=0.15)

    def _matrix(self, axis: Axes) -> None:
        shown = self.text[: len(self.words), :SHOWN]
        axis.imshow(shown, cmap=DIVERGING, vmin=-1, vmax=1, aspect="auto")
        for row, word in enumerate(self.words):
            axis.text(-1, row, word, ha="right", va="center", fontsize=9)

    def _mixture(self, axis: Axes) -> None:
        count = len(self.words)
        parts = {
            f"{weight:.2f} x {word}": weight * vector for weight, word, vector in zip(self.weights, self.words, self.text, strict=False)
        }
        if len(self.weights) > count:
            parts[f"{self.weights[count:].sum():.2f} x padding"] = self.weights[count:] @ self.text[count:]
        axis.imshow(np.stack([*parts.values(), self.mixture])[:, :SHOWN], cmap=DIVERGING, vmin=-1, vmax=1, aspect="auto")
        for row, word in enumerate([*parts, "sum"]):
            axis.text(-1, row, word, ha="right", va="center", fontsize=9)
