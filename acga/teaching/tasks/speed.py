"""Exercises of 10: operations, composed layers, shares of a whole."""

from __future__ import annotations

from .registry import register


@register("10.1", "2 for multiplying and adding, 9 taps, 300 channels in, 64 out, 512 x 512 places; in billions.", tolerance=0.1)
def _language_at_full_resolution() -> float:
    return 2 * 9 * 300 * 64 * 512**2 / 1e9


@register("10.2", "The transposed convolution paints 8 pixels; each 3 x 3 adds one on either side.")
def _composed_width() -> int:
    return 8 + 2 + 2


@register("10.3", "All the time there is now, over the time that would be left.", tolerance=0.02)
def _at_most() -> float:
    return (1.5 + 1.0) / 1.5
