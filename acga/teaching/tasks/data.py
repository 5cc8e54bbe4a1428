"""Exercises of 00 and 01: shapes, clips, sentences, masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...config import STRIDE
from ...data.dataset import Dataset
from ...data.geometry import clip_indices, pad_resize
from ...data.text import PADDING, UNKNOWN, Vocabulary
from ...inference import Segmenter
from ...metrics import intersection_over_union
from ...model.attention import Attended
from ..exercises import NotYet
from .registry import register


@register("00.1", "A place is 16 x 16 pixels.")
def _places() -> tuple[int, int]:
    return ((192 // STRIDE) ** 2,) * 2


@register("00.2", "A row for each place, a column for each word.")
def _weights(attended: Attended) -> int:
    assert attended.word_weights is not None
    return attended.word_weights.numel()


@register("00.3", "Say his colour, and what he does.")
def _finds_runner(film: Any, mask: np.ndarray, frame: int) -> Any:
    def right(query: str) -> bool:
        found = Segmenter("thin_residual", device="cpu").open(film).segment(query, every=8)
        return intersection_over_union(found[frame], mask) > 0.5

    return right


@register("01.0", "Look again at the clip: whose wheels turn?")
def _who_runs(actions: Sequence[str]) -> str:
    return "AB"[list(actions).index("run")]


@register("01.1", "f - 8 to f + 7, and what would come before frame 1 is frame 1 again.")
def _clip_of_the_third_frame() -> Any:
    return clip_indices(3 - 1, total=30) + 1


@register("01.2", "The mean of IoU(union of all masks, mask of sample.instance).", tolerance=0.01)
def _deaf(dataset: Dataset) -> float:
    everyone = [dataset.frame_masks(sample.video_id, sample.frame)[0].sum() for sample in dataset.samples]  # pixels that are anybody's
    meant = [dataset.labels(index)["mask"].sum().item() for index in range(len(dataset))]  # pixels of the actor meant
    return float(np.divide(meant, everyone).mean())


@register("01.3", "Count words that are `not in` the vocabulary.", tolerance=0.01)
def _share_unknown(learned: Sequence[str], asked: Sequence[str]) -> float:
    vocabulary = Vocabulary.from_queries(learned, minimum_count=2)
    tokens = np.concatenate([vocabulary.encode(query) for query in asked])
    return float((tokens == UNKNOWN).sum() / (tokens != PADDING).sum())


@register("01.4", "A line that is high, one column wide, and where no pixel of the square looks.")
def _vanishes() -> Any:
    def right(mask: np.ndarray) -> bool:
        mask = np.asarray(mask)
        if mask.shape != (144, 176) or mask.dtype != bool:
            raise NotYet(f"a bool array (144, 176) is wanted, yours is {mask.dtype} {mask.shape}")
        if mask.sum() < 100:
            raise NotYet(f"at least 100 pixels are wanted, yours has {int(mask.sum())}")
        return not pad_resize(mask.astype(np.uint8), 64).any()

    return right


@register("01.5", "Swap the last two axes; give a 2-D array its first axis back.")
def _reads_masks() -> Any:
    def right(function: Callable[[np.ndarray], np.ndarray]) -> bool:
        masks = np.random.default_rng(0).random((3, 5, 7)) > 0.5  # (N, H, W), neither square nor symmetric
        stored = masks.transpose(0, 2, 1).astype(np.uint8)
        if function(stored).dtype != bool:
            raise NotYet(f"bool masks are wanted, yours are {function(stored).dtype}")
        return np.array_equal(function(stored), masks) and np.array_equal(function(stored[0]), masks[:1])

    return right


@register("01.6", "A clip of `length` frames with k different indices repeats length - k.", tolerance=0.01)
def _shares_repeated(dataset: Dataset) -> list[float]:
    shares = []
    for length in (16, 32):
        starts = [(frame - 1 - length // 2, len(dataset.read_video(name))) for name, frame in dataset.annotated_frames]
        over = [max(0, -first) + max(0, first + length - total) for first, total in starts]  # frames before the first, after the last
        shares.append(float(np.mean(over) / length))
    return shares
