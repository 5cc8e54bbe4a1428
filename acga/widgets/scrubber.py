"""A slider through pictures: it needs no running kernel, and there is a sheet of pictures in its place where there are no widgets."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import cv2
import ipywidgets
import numpy as np

from ..data import A2DSentences, JHMDBSentences
from ..data.geometry import clip_indices
from ..data.pictures import encode_picture
from ..output.overlay import FONT, paint_masks

MAGNIFICATION = 2
WIDTH = 420  # of the pictures in the browser
SHEET_COLUMNS = 4
SAVED_QUALITY = 58  # of the JPEG pictures, which are saved with a notebook, of 100


class Scrubber(ipywidgets.VBox):
    """A slider through pictures `(H, W, 3)` uint8 of one size.

    Slider and pictures are linked in the browser, so that moving it works in a saved notebook too; where widgets are not shown at
    all, as on GitHub, there is a sheet of every second picture instead.

    >>> scrubber = Scrubber([np.zeros((4, 6, 3), np.uint8)] * 16, start=8, label="frame")
    >>> scrubber.slider.value, len(scrubber.stack.children)
    (8, 16)
    """

    def __init__(self, pictures: Sequence[np.ndarray], *, start: int = 0, label: str = "") -> None:
        images = [
            ipywidgets.Image(value=encode_picture(picture, ".jpg", quality=SAVED_QUALITY), format="jpeg", width=WIDTH)
            for picture in pictures
        ]
        last = len(images) - 1
        self.stack = ipywidgets.Stack(images, selected_index=start)
        self.slider = ipywidgets.IntSlider(start, 0, last, description=label, layout=ipywidgets.Layout(width=f"{WIDTH}px"))
        play = ipywidgets.Play(value=start, min=0, max=last, interval=150)  # milliseconds a picture
        self.links = (
            ipywidgets.jslink((play, "value"), (self.slider, "value")),
            ipywidgets.jslink((self.slider, "value"), (self.stack, "selected_index")),
        )
        shown = list(pictures[start % 2 :: 2])  # every second one, the first to be seen among them
        shown += [np.zeros_like(pictures[0])] * (-len(shown) % SHEET_COLUMNS)
        self._sheet = np.vstack([np.hstack(shown[at : at + SHEET_COLUMNS]) for at in range(0, len(shown), SHEET_COLUMNS)])
        super().__init__([ipywidgets.HBox([play, self.slider]), self.stack])

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        sheet = base64.b64encode(encode_picture(self._sheet, ".jpg", quality=SAVED_QUALITY)).decode()
        return {**super()._repr_mimebundle_(**kwargs), "image/jpeg": sheet}


def scrub(dataset: A2DSentences | JHMDBSentences, video_id: str, frame: int, instance: int) -> Scrubber:
    """Step through the clip around a 1-indexed annotated frame.

    The mask of `instance` is filled in that frame; in the others only its outline stays where it was, for the actor to leave.
    Raises `ValueError` when the frame does not hold the instance.
    """
    video = dataset.read_video(video_id)
    masks, instances, _ = dataset.frame_masks(video_id, frame)
    mask = masks[instances.tolist().index(instance)]
    indices = clip_indices(min(frame, len(video)) - 1, len(video), dataset.clip_length)  # as `Dataset.clip_pixels`
    pictures = []
    for position, index in enumerate(indices.tolist()):
        annotated = position == dataset.clip_length // 2
        note = "annotated" if annotated else "repeated" if (indices == index).sum() > 1 else ""
        pictures.append(_captioned(video[index], mask, annotated, f"{position}: video frame {index + 1} {note}"))
    return Scrubber(pictures, start=dataset.clip_length // 2, label="clip index")


def _captioned(frame: np.ndarray, mask: np.ndarray, annotated: bool, caption: str) -> np.ndarray:
    """A frame (H, W, 3), enlarged, with its mask (H, W) or just the mask's outline, and a line of text below."""
    size = frame.shape[1] * MAGNIFICATION, frame.shape[0] * MAGNIFICATION
    large = cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)
    wide = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)  # a mask may have more pixels than its frame, or fewer
    large = paint_masks(large, [wide.astype(bool)], fill=annotated)
    strip = np.full((26, large.shape[1], 3), 24, np.uint8)
    cv2.putText(strip, caption, (8, 18), FONT, 0.45, (235, 235, 235), 1, cv2.LINE_AA)
    return np.vstack([large, strip])
