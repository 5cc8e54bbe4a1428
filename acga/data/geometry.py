"""The geometry between a video and the network: the clip around a frame, the padded square, and the way back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import torch
from einops import rearrange
from torch import Tensor

SHAPE_TOLERANCE = 0.05  # by which the proportions of a mask may differ from those of its frame


def same_proportions(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two pictures, (h, w) each, have the same proportions, but for rounding.

    >>> same_proportions((24, 32), (240, 320)), same_proportions((32, 24), (240, 320))
    (True, False)
    """
    return bool(abs(np.log(one[1] * other[0] / (one[0] * other[1]))) <= SHAPE_TOLERANCE)


def clip_indices(frame: int, total: int, length: int = 16) -> np.ndarray:
    """The 0-indexed frames of the clip around `frame`: f - length // 2 onwards, the edge frames repeated past the ends.

    >>> clip_indices(2, total=10, length=8)
    array([0, 0, 0, 1, 2, 3, 4, 5])
    """
    if not 0 <= frame < total:
        raise ValueError(f"frame {frame} is not among the {total} frames of the video")
    return np.clip(np.arange(length) + frame - length // 2, 0, total - 1)


def pad_resize(image: np.ndarray, size: int) -> np.ndarray:
    """Scale `(H, W)` or `(H, W, C)` uint8 to fit a square of side `size` (bilinear) and centre it on black.

    >>> pad_resize(np.full((2, 4), 255, np.uint8), 4)
    array([[  0,   0,   0,   0],
           [255, 255, 255, 255],
           [255, 255, 255, 255],
           [  0,   0,   0,   0]], dtype=uint8)
    """
    height, width = image.shape[:2]
    scale = min(size / height, size / width)
    inner_height, inner_width = max(1, round(height * scale)), max(1, round(width * scale))
    resized = cv2.resize(image, (inner_width, inner_height), interpolation=cv2.INTER_LINEAR)
    top, left = (size - inner_height) // 2, (size - inner_width) // 2
    square = np.zeros((size, size, *image.shape[2:]), dtype=image.dtype)
    square[top : top + inner_height, left : left + inner_width] = resized.reshape(inner_height, inner_width, *image.shape[2:])
    return square


def undo_pad_resize(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The official way back from the network's square to a frame of `size` (h, w): resize `(S, S)` uint8 0 / 1, then crop the centre.

    Type and order matter: OpenCV rounds uint8, so a mask stays 0 / 1, and resizing the response before the threshold would differ by
    up to 0.01 IoU (docs/PAPER.md, "Geometry").

    >>> undo_pad_resize(np.array([[0, 0, 0], [1, 1, 0], [0, 0, 0]], np.uint8), (1, 3))
    array([[1, 1, 0]], dtype=uint8)
    """
    if mask.ndim != 2 or mask.shape[0] != mask.shape[1] or mask.dtype != np.uint8:
        raise ValueError(f"expected a square uint8 mask (S, S), got {mask.dtype} {mask.shape}")
    height, width = size
    side = mask.shape[0]
    scale = max(height / side, width / side)
    resized_side = round(side * scale)
    resized = cv2.resize(mask, (resized_side, resized_side), interpolation=cv2.INTER_LINEAR)
    top, left = (resized_side - height) // 2, (resized_side - width) // 2
    return resized[top : top + height, left : left + width]


def to_clip(frames: np.ndarray | Tensor) -> Tensor:
    """Frames `(..., T, S, S, 3)` uint8 to the network's input `(..., 3, T, S, S)` float32 in [-1, 1].

    A tensor is converted on its device: a GPU gets bytes, a quarter of what floats would take.

    >>> to_clip(np.full((16, 32, 32, 3), 255, np.uint8)).shape
    torch.Size([3, 16, 32, 32])
    """
    pixels = torch.from_numpy(frames) if isinstance(frames, np.ndarray) else frames
    return rearrange(pixels, "... t h w c -> ... c t h w").float().div_(127.5).sub_(1).contiguous()


def sliding_clips(frames: Iterable[np.ndarray], *, size: int, clip_length: int = 16) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Each frame `(H, W, 3)` with the clip around it: `clip_length` squares `(size, size, 3)` as `clip_indices` picks them.

    The end of a stream is known only once it is reached, so a frame comes out when the half clip after it has been read.

    >>> frames = (np.full((4, 4, 3), number, np.uint8) for number in range(3))
    >>> [[int(square.max()) for square in clip] for _, clip in sliding_clips(frames, size=16, clip_length=4)]
    [[0, 0, 0, 1], [0, 0, 1, 2], [0, 1, 2, 2]]
    """
    window: deque[np.ndarray] = deque(maxlen=clip_length)
    waiting: deque[np.ndarray] = deque()
    for frame in frames:
        waiting.append(frame)
        square = pad_resize(frame, size)
        window.extend([square] if window else [square] * (clip_length // 2 + 1))
        if len(window) == clip_length:
            yield waiting.popleft(), list(window)
    while waiting:
        window.append(window[-1])
        if len(window) == clip_length:
            yield waiting.popleft(), list(window)
