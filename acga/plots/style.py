"""The style of all figures: the colours of series, axes without clutter, and a title that states the finding.

Colours are told apart by colour-blind readers too (Okabe and Ito, 2008).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ..output.overlay import PALETTE

SERIES_COLOURS = tuple(PALETTE[number] for number in (5, 1, 4, 2, 6, 0))  # in this order; yellow lines are lost on white
SEQUENTIAL = "viridis"  # colours of values from zero; they grow lighter, so they can be read without seeing colours
DIVERGING = "PuOr"  # colours of values to both sides of zero


def new_figure(rows: int = 1, columns: int = 1, *, width: float, height: float, **options: Any) -> tuple[Figure, np.ndarray]:
    """A figure of `width` by `height` inches and its axes (rows, columns); `options` are those of `pyplot.subplots`.

    pyplot does not keep it, so that a notebook shows it once, where a cell ends with it.
    """
    with plt.rc_context({"axes.prop_cycle": cycler(color=SERIES_COLOURS), "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False, layout="constrained", **options)
    plt.close(figure)
    return figure, axes


def titled(figure: Figure, finding: str) -> Figure:
    """The figure with what it shows written over it."""
    figure.suptitle(finding, fontsize=11, fontweight="bold")
    return figure


def save_as_jpeg() -> None:
    """Let this notebook keep its figures as JPEG: pictures of textured scenes take a fifth of what they take as PNG."""
    from IPython import get_ipython
    from matplotlib_inline.config import InlineBackend

    shell = get_ipython()
    if shell is not None:  # there is none where a test runs the cells
        inline = InlineBackend.instance(parent=shell)
        inline.print_figure_kwargs = {"bbox_inches": "tight", "pil_kwargs": {"quality": 76}}  # type: ignore[dict-item]
        inline.figure_formats = {"jpeg"}
