"""Masks and maps as bytes, small enough to be sent while a reader waits."""

from __future__ import annotations

from typing import Any

import numpy as np

from .reading import Reading


def pack_answers(reading: Reading, query: str, frames: list[int], share: float) -> tuple[bytes, bytes, dict[str, Any]]:
    """Masks, eight pixels to a byte, and words' maps, stretched to 0 ... 255, of a query in some frames."""
    masks = b"".join(np.packbits(reading.mask(query, frame, threshold_ratio=share)).tobytes() for frame in frames)
    answers = [reading.responses[query][frame] for frame in frames]
    message: dict[str, Any] = {"query": query, "frames": frames, "words": 0, "rows": 0, "columns": 0, "ranges": []}
    maps = b""
    if answers[0].words is not None:
        stretched = [[stretch(word) for word in answer.words] for answer in answers if answer.words is not None]
        message["words"], message["rows"], message["columns"] = answers[0].words.shape
        message["ranges"] = [[(low, high) for _, low, high in words] for words in stretched]
        maps = b"".join(values.tobytes() for words in stretched for values, _, _ in words)
    return masks, maps, message


def stretch(weights: np.ndarray) -> tuple[np.ndarray, float, float]:
    """A map (h, w) from its least to its largest value, as uint8, with both."""
    low, high = float(weights.min()), float(weights.max())
    return np.round((weights - low) / max(high - low, 1e-12) * 255).astype(np.uint8), low, high
