"""Exercises of 00 and 01: shapes, clips, sentences, masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...config import STRIDE
from ...data.dataset import Dataset
from ...data.geometry import clip_indices, pad_resize
from ...data.text import PADDING, UNKNOWN, Vocabulary, tokenise
from ...inference import Segmenter
from ...metrics import intersection_over_union
from ...model.attention import Attended
from ..exercises import NotYet
from .registry import Wanted, need_function, one_of, register


@register("00.1", "A place is 16 x 16 pixels.")
def _places() -> Wanted:
    side = 192 // STRIDE
    slips = {
        "these are the places along each side, and every place looks at all places": (side, side),
        "these are pixels, and attention compares places": (192, 192),
        "that is for the 128 x 128 pixels above": (64, 64),
    }
    return Wanted((side**2, side**2), slips)


@register("00.2", "A row for each place, a column for each word.")
def _weights(attended: Attended) -> Wanted:
    assert attended.word_weights is not None and attended.pixel_weights is not None
    slips = {
        "these are the weights of places over places": attended.pixel_weights.numel(),
        "these are the weights of a single place": attended.word_weights.shape[2],
        "these are the weights of a single word": attended.word_weights.shape[1],
    }
    return Wanted(attended.word_weights.numel(), slips)


@register("00.3", "Say his colour, and what he does.")
def _finds_runner(film: Any, mask: np.ndarray, frame: int) -> Any:
    def right(query: str) -> bool:
        if not isinstance(query, str):
            raise NotYet(f"one sentence in quotes is wanted, not {type(query).__name__}")
        found = Segmenter("thin_residual", device="cpu").open(film).segment(query, every=8)
        overlap = intersection_over_union(found[frame], mask)
        if overlap <= 0.5:
            raise NotYet(f"the mask of that sentence and the runner's have an IoU of {overlap:.2f}; more than 0.5 is wanted")
        return True

    return right


@register("01.0", "Look again at the clip: whose wheels turn?")
def _who_runs(actions: Sequence[str]) -> Any:
    runs, stands = "AB" if actions[0] == "run" else "BA"
    return one_of(runs, stands, otherwise="its wheels stand still in all sixteen frames")


@register("01.1", "f - 8 to f + 7, and what would come before frame 1 is frame 1 again.")
def _clip_of_the_third_frame() -> Any:
    wanted = clip_indices(3 - 1, total=30) + 1
    slips = {
        "the files count frames from 1, and so does the answer": wanted - 1,
        "there is no frame before frame 1: what stands in for it?": np.arange(3 - 8, 3 + 8),
        "eight frames come before the annotated one, and seven after it": np.arange(3 - 7, 3 + 9).clip(1),
        "the annotated frame has index 8 in the clip": np.arange(1, 17),
    }
    return Wanted(wanted, slips)


@register("01.2", "The mean of IoU(union of all masks, mask of sample.instance).", tolerance=0.01)
def _deaf(dataset: Dataset) -> Wanted:
    everyone = [dataset.frame_masks(sample.video_id, sample.frame)[0].sum() for sample in dataset.samples]  # pixels that are anybody's
    meant = [dataset.labels(index)["mask"].sum().item() for index in range(len(dataset))]  # pixels of the actor meant
    slips = {
        "the pixels of all samples were added first; the mean of the samples' IoUs is wanted": np.sum(meant) / np.sum(everyone),
        "that is an answer with the mask of the actor meant, not with all masks": 1.0,
    }
    return Wanted(np.divide(meant, everyone).mean(), slips, share=True)


@register("01.3", "Count words that are `not in` the vocabulary.", tolerance=0.01)
def _share_unknown(learned: Sequence[str], asked: Sequence[str]) -> Wanted:
    def unknown(minimum_count: int) -> float:
        vocabulary = Vocabulary.from_queries(learned, minimum_count=minimum_count)
        tokens = np.concatenate([vocabulary.encode(query) for query in asked])
        return float((tokens == UNKNOWN).sum() / (tokens != PADDING).sum())

    frequent, different = Vocabulary.from_queries(learned, minimum_count=2), {word for query in asked for word in tokenise(query)}
    slips = {
        "that is the share of tokens that it does know": 1 - unknown(2),
        "words said only once in training are in your vocabulary too": unknown(1),
        "these are different words; a token counts as often as it is said": np.mean([word not in frequent for word in different]),
        "these are sentences; the share of tokens is wanted": np.mean([bool(frequent.unknown(query)) for query in asked]),
    }
    return Wanted(unknown(2), slips, share=True)


@register("01.4", "A line that is high, one column wide, and where no pixel of the square looks.")
def _vanishes() -> Any:
    def right(mask: np.ndarray) -> bool:
        mask = np.asarray(mask)
        if mask.shape != (144, 176) or mask.dtype != bool:
            raise NotYet(f"a bool array (144, 176) is wanted, yours is {mask.dtype} {mask.shape}")
        if mask.sum() < 100:
            raise NotYet(f"at least 100 pixels are wanted, yours has {int(mask.sum())}")
        if left := int(pad_resize(mask.astype(np.uint8), 64).sum()):
            raise NotYet(f"it does not vanish, as {left} of the square's pixels still {'show' if left > 1 else 'shows'} it")
        return True

    return right


@register("01.5", "A clip of `length` frames with k different indices repeats length - k.", tolerance=0.01)
def _shares_repeated(dataset: Dataset) -> Wanted:
    shares = []
    for length in (16, 32):
        starts = [(frame - 1 - length // 2, len(dataset.read_video(name))) for name, frame in dataset.annotated_frames]
        over = [max(0, -first) + max(0, first + length - total) for first, total in starts]  # frames before the first, after the last
        shares.append(float(np.mean(over) / length))
    slips = {
        "that is the share of 32 frames before that of 16": shares[::-1],
        "these are the shares of frames that are not repeated": [1 - share for share in shares],
    }
    return Wanted(shares, slips, share=True)


@register("01.6", "Swap the last two axes; give a 2-D array its first axis back.")
def _reads_masks() -> Any:
    def right(function: Callable[[np.ndarray], np.ndarray]) -> bool:
        need_function(function)
        masks = np.random.default_rng(0).random((3, 5, 7)) > 0.5  # (N, H, W), neither square nor symmetric
        stored = masks.transpose(0, 2, 1).astype(np.uint8)
        for given, wanted in ((stored, masks), (stored[0], masks[:1])):
            found = function(given.copy())
            if not isinstance(found, np.ndarray):
                raise NotYet(f"your function gives {type(found).__name__}, not an array")
            if found.dtype != bool:
                raise NotYet(f"bool masks are wanted, yours are {found.dtype}")
            if found.shape != wanted.shape:
                raise NotYet(f"of a stored array {given.shape} your function makes {found.shape}, not (N, H, W)")
            if not np.array_equal(found, wanted):
                raise NotYet("the shapes are right, but pixels are not where they belong")
        return True

    return right
