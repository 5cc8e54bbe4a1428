"""Pictures and tables of the notebook on the benchmark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from ..plots import new_figure
from ..plots.charts import new_axes
from ..study.bootstrap import bootstrap

NEITHER, ANSWER_ALONE, TRUTH_ALONE, BOTH = "#f4f4f4", "#E69F00", "#56B4E9", "#0072B2"


def overlaps(answers: Sequence[np.ndarray], truths: Sequence[np.ndarray], names: Sequence[str]) -> Figure:
    """Tiny masks (H, W) cell by cell: light blue the truth alone, orange the answer alone, dark blue both."""
    colours = ListedColormap([NEITHER, ANSWER_ALONE, TRUTH_ALONE, BOTH])
    figure, axes = new_figure(1, len(names), width=8, height=2.7)
    for axis, answer, truth, name in zip(axes[0], answers, truths, names, strict=True):
        cells = (answer + 2 * truth)[::-1]  # the first row on top
        axis.pcolormesh(cells, cmap=colours, vmin=0, vmax=3, edgecolors="white", linewidth=2)
        axis.set(title=name, aspect="equal")
        axis.set_axis_off()
    return figure


def mean_by_group(group: str, labels: Sequence[str], values: np.ndarray, videos: Sequence[str]) -> pd.DataFrame:
    """The mean of the values (N,) of each label with its interval over videos: rows for `forest_plot`, headed by `group`.

    >>> found = mean_by_group("actor", ["dog", "cat", "dog"], np.array([0.2, 0.5, 0.4]), ["a", "a", "b"])
    >>> list(found["name"]), [round(interval.mean, 2) for interval in found["interval"]]
    (['cat (1)', 'dog (2)'], [0.5, 0.3])
    """
    rows = []
    for label in sorted(set(labels)):
        chosen = [number for number, other in enumerate(labels) if other == label]
        interval = bootstrap(values[chosen], [videos[number] for number in chosen], draws=1000)
        rows.append({"group": group, "name": f"{label} ({len(chosen):,})", "interval": interval})
    return pd.DataFrame(rows)


def stacked_shares(counts: pd.DataFrame, *, x_label: str) -> Figure:
    """A bar for each row of counts, filled to 100 % by its columns; behind a row's name its sum."""
    totals = counts.sum(axis=1)
    shares = 100 * counts.div(totals, axis=0)
    names = [f"{name} ({total:,})" for name, total in totals.items()]
    figure, axis = new_axes(8, 1 + 0.6 * len(counts))
    left = np.zeros(len(counts))  # where the next part of each bar begins
    for column in shares:
        widths = shares[column].to_numpy()
        bars = axis.barh(names, widths, 0.5, left=left, label=str(column))
        axis.bar_label(bars, [f"{width:.0f}" if width >= 2 else "" for width in widths], label_type="center", fontsize=8)
        left += widths
    axis.invert_yaxis()
    axis.set(xlabel=x_label)
    axis.legend(ncols=len(counts.columns), loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False, fontsize=8)
    return figure
