"""Cut-out photographs as actors: a folder of pictures with instance masks, and the pieces of it that can stand alone.

The folder holds `images/NAME.jpg` (or png), `instances/NAME.png` (8-bit, one number an instance, 0 background, 255 crowd) and
`instances.csv` with the columns `image` (NAME), `instance_id`, `class` (a key of `KINDS`; others are left out) and, if there is one,
`license_id`; pictures of the licences in `NO_DERIVATIVES` are left out. Only instances that are large, whole (away from the border) and
not hidden by others are taken.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from math import pi, sin
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ...data.pictures import decode_picture
from ...data.taxonomy import COLOURS
from ...errors import DatasetError
from ..scene import Actor
from .motion import CYCLE, pose, vary
from .shading import Light, composite

KINDS = {  # class in the folder -> kind and noun of the actor
    "person": ("adult", "person"), "bird": ("bird", "bird"), "cat": ("cat", "cat"), "dog": ("dog", "dog"), "car": ("car", "car"),
    "truck": ("car", "truck"), "sports ball": ("ball", "ball"), "baby": ("baby", "baby"),
}  # fmt: skip
NO_DERIVATIVES = ("3", "6")  # Creative Commons BY-NC-ND and BY-ND, in COCO's numbering
SMALLEST_AREA, SMALLEST_SIDE = 700, 24  # pixels; a ball may be a quarter of the area and half as wide
CROWD = 255  # the number of what is not told apart
BORDER = 2  # pixels from the border of the picture
WHOLE, TOUCHING, UPRIGHT = 0.92, 0.12, 1.3  # share in one piece; share of the outline at another instance; height over width of people
TEST_EVERY = 4  # every fourth picture of a kind, the second first, is for the test split alone
WIDEST = 1.6  # width over height beyond which the width, not the height, is taken for the size
COLOUR_SHARE = 0.75  # of its pixels that must be of one colour for it to be named


@dataclass(frozen=True)
class Cutout:
    """A photographed actor: `name` is picture/instance; `colour` is "" where none is plain."""

    name: str
    kind: str
    noun: str
    colour: str
    aspect: float  # width over height
    split: int = 0  # 0 train, 1 test


class CutoutFolder:
    """The usable cut-outs of a folder, in the order of their names."""

    def __init__(self, root: str | Path, *, every_class: bool = False) -> None:
        """With `every_class`, of all that the folder shows, with the class as kind and noun; else of the kinds of drawn actors.

        Raises `DatasetError` when the folder has not the layout above, or nothing usable.
        """
        self.root = Path(root)
        self.pictures: dict[str, npt.NDArray[np.uint8]] = {}
        self.cutouts: list[Cutout] = []
        for picture, instance, name in read_instance_table(self.root):
            if every_class:
                self._add(picture, instance, "adult" if name == "person" else name, name)
            elif name in KINDS:
                self._add(picture, instance, *KINDS[name])
        if not self.cutouts:
            raise DatasetError(f"{self.root} has no usable cut-out: none is large, whole and unhidden.")
        self._split()
        digest = hashlib.sha256()
        for cutout in self.cutouts:
            digest.update(cutout.name.encode() + self.pictures[cutout.name].tobytes())
        self.fingerprint = f"{len(self.cutouts)} cut-outs, {digest.hexdigest()[:16]}"

    def of(self, kind: str, split: int) -> list[Cutout]:
        """The cut-outs of a kind for a split (0 train, 1 test)."""
        return [cutout for cutout in self.cutouts if cutout.kind == kind and cutout.split == split]

    def _split(self) -> None:
        """Give each picture to one split, the rarest kinds first."""
        counts = Counter(cutout.kind for cutout in self.cutouts)
        splits: dict[str, int] = {}
        for kind in sorted(counts, key=lambda kind: (counts[kind], kind)):
            pictures = dict.fromkeys(cutout.name.split("/")[0] for cutout in self.cutouts if cutout.kind == kind)
            for number, picture in enumerate(picture for picture in pictures if picture not in splits):
                splits[picture] = int(number % TEST_EVERY == 1)
        self.cutouts = [replace(cutout, split=splits[cutout.name.split("/")[0]]) for cutout in self.cutouts]

    def _add(self, name: str, instance: int, kind: str, noun: str) -> None:
        instances = read_instances(self.root, name)
        mask = instances == instance
        if not usable(instances, instance, kind):
            return
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        window = slice(rows[0] - BORDER, rows[-1] + BORDER + 1), slice(columns[0] - BORDER, columns[-1] + BORDER + 1)
        picture = read_picture(self.root, name)
        if picture.shape[:2] != mask.shape:
            raise DatasetError(f"The picture {name} and its instances are of different sizes.")
        opacity = cv2.GaussianBlur(cv2.erode(255 * mask[window].astype(np.uint8), np.ones((2, 2), np.uint8)), (0, 0), 0.8)
        key = f"{name}/{instance}"
        self.pictures[key] = np.dstack([picture[window], opacity])
        colour = plain_colour(picture[mask]) if kind != "adult" else ""
        self.cutouts.append(Cutout(key, kind, noun, colour, opacity.shape[1] / opacity.shape[0]))


@lru_cache(maxsize=2)
def open_cutouts(root: str, *, every_class: bool = False) -> CutoutFolder:
    """Read a folder of cut-outs, once a process."""
    return CutoutFolder(root, every_class=every_class)


def read_instance_table(root: Path) -> list[tuple[str, int, str]]:
    """Picture, number and class of each instance that may be used, in the order of the names; raises `DatasetError`."""
    from ...data.tables import read_table, strange_names  # with pandas, which drawing does not need

    table = root / "instances.csv"
    if not table.is_file():
        raise DatasetError(f"{table} is missing; a folder of cut-outs has images/, instances/ and instances.csv.")
    rows = read_table(table, ("image", "instance_id", "class"), header=True, optional=["license_id"])
    strange_names(table, rows["image"])
    wrong = [line for line, text in rows["instance_id"].items() if not (re.fullmatch("[0-9]{1,3}", text) and 0 < int(text) < CROWD)]
    if wrong:
        raise DatasetError(
            f"{table}, line {wrong[0]}: the instance_id {rows['instance_id'][wrong[0]][:40]!r} is not a number from 1 to {CROWD - 1}."
        )
    if "license_id" in rows:
        rows = rows[~rows["license_id"].isin(NO_DERIVATIVES)]
    return sorted((image, int(number), label) for image, number, label in rows[["image", "instance_id", "class"]].itertuples(index=False))


@lru_cache(maxsize=2)
def read_instances(root: Path, name: str) -> npt.NDArray[np.uint8]:
    """The numbers of the instances of a picture (H, W); raises `DatasetError` and `VideoError`."""
    path = root / "instances" / f"{name}.png"
    instances = decode_picture(path, unchanged=True)
    if instances.ndim != 2 or instances.dtype != np.uint8:
        raise DatasetError(f"{path} is not an 8-bit picture of one channel with the numbers of the instances.")
    return np.asarray(instances, np.uint8)


def read_picture(root: Path, name: str) -> npt.NDArray[np.uint8]:
    """A picture (H, W, 3) in RGB; raises `DatasetError` and `VideoError`."""
    path = next((path for end in ("jpg", "png") if (path := root / "images" / f"{name}.{end}").is_file()), None)
    if path is None:
        raise DatasetError(f"The picture {name} in {root / 'images'} is missing.")
    return np.asarray(decode_picture(path), np.uint8)


def usable(instances: npt.NDArray[np.uint8], instance: int, kind: str) -> bool:
    """Tell whether an instance of a picture (H, W) is large, whole and not hidden by another; people must be upright."""
    mask = (instances == instance).astype(np.uint8)
    area, small = int(mask.sum()), 0.5 if kind == "ball" else 1.0
    if area < small**2 * SMALLEST_AREA:
        return False
    left, top, width, height = cv2.boundingRect(mask)
    inside = left >= BORDER and top >= BORDER and left + width <= mask.shape[1] - BORDER and top + height <= mask.shape[0] - BORDER
    if not inside or min(width, height) < small * SMALLEST_SIDE or (kind == "adult" and height < UPRIGHT * width):
        return False
    pieces = cv2.connectedComponentsWithStats(mask)[2]
    if pieces[1:, cv2.CC_STAT_AREA].max() < WHOLE * area:
        return False
    rim = cv2.dilate(mask, np.ones((5, 5), np.uint8)) & ~mask & 1
    return bool(((instances > 0) & (rim > 0)).sum() <= TOUCHING * rim.sum())


def plain_colour(pixels: npt.NDArray[np.uint8]) -> str:
    """The colour (a key of `COLOURS`) that most pixels (N, 3) are nearest to, "" where no colour is plain.

    >>> import numpy as np
    >>> plain_colour(np.full((50, 3), (200, 35, 40), np.uint8))
    'red'
    """
    names = list(COLOURS)
    palette = cv2.cvtColor(np.array([list(COLOURS.values())], np.uint8), cv2.COLOR_RGB2LAB)[0].astype(np.float32)
    values = cv2.cvtColor(pixels[None, :: max(1, len(pixels) // 2000)], cv2.COLOR_RGB2LAB)[0].astype(np.float32)
    weights = np.array([0.6, 1, 1], np.float32)  # light and shadow count less than hue
    nearest = np.argmin((((values[:, None] - palette[None]) * weights) ** 2).sum(-1), axis=1)
    shares = np.bincount(nearest, minlength=len(names)) / len(nearest)
    return names[int(shares.argmax())] if shares.max() >= COLOUR_SHARE else ""


def actions(kind: str) -> tuple[str, ...]:
    """The actions that a rigid picture can do: it moves, bobs, hops, flies, turns over or stands."""
    return {"ball": ("roll", "fly", "jump", "none"), "bird": ("walk", "fly", "jump", "none"), "car": ("run", "jump", "none")}.get(
        kind, ("walk", "jump", "none") if kind == "baby" else ("walk", "run", "jump", "none")
    )


def patch(picture: npt.NDArray[np.uint8], actor: Actor, unit: float) -> npt.NDArray[np.float32]:
    """A cut-out (h, w, 4) as large as its actor in a frame `unit` pixels high (`resize_cutout`)."""
    return resize_cutout(picture, actor.height * unit)


def resize_cutout(picture: npt.NDArray[np.uint8], height: float) -> npt.NDArray[np.float32]:
    """A cut-out (h, w, 4) about `height` pixels high, less if it is wide, colours multiplied by their opacity (0 to 1)."""
    scale = height / max(picture.shape[0], picture.shape[1] / WIDEST)
    size = (max(2, round(scale * picture.shape[1])), max(2, round(scale * picture.shape[0])))
    resized = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC).astype(np.float32)
    resized[..., 3] /= 255
    resized[..., :3] *= resized[..., 3:]
    return np.asarray(resized, np.float32)


def render_cutout(
    frame: np.ndarray, layer: npt.NDArray[np.float32], matrix: np.ndarray, light: Light, tint: np.ndarray, motion: np.ndarray | None
) -> npt.NDArray[np.bool_]:
    """Draw a patch (h, w, 4) onto `frame` (H, W, 3) uint8 in place, through the (2, 3) affine from its pixels; gives its mask (H, W)."""
    mask = np.zeros(frame.shape[:2], bool)
    corners = np.array([(0, 0), (layer.shape[1], 0), (0, layer.shape[0]), layer.shape[1::-1]]) @ matrix[:, :2].T + matrix[:, 2]
    margin = 3 + round(0.0 if motion is None else float(np.abs(motion).max()) / 2)
    left, top = np.maximum(np.floor(corners.min(0)).astype(int) - margin, 0).tolist()
    right, bottom = np.minimum(np.ceil(corners.max(0)).astype(int) + margin, frame.shape[1::-1]).tolist()
    if left >= right or top >= bottom:
        return mask
    shifted = matrix - np.array([[0, 0, left], [0, 0, top]])
    laid = np.asarray(cv2.warpAffine(layer, shifted, (right - left, bottom - top), flags=cv2.INTER_LINEAR), np.float32)
    mask[top:bottom, left:right] = laid[..., 3] > 0.5
    laid[..., :3] = np.minimum(laid[..., :3] * tint, 255 * laid[..., 3:])
    composite(frame[top:bottom, left:right], laid, light, motion)
    return mask


def placement(actor: Actor, time: float, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Affine (2, 3) from the pixels of a patch of (width, height) `size` to the world relative to the actor's place, y down."""
    now = pose(actor, time)
    turn = now.spin if actor.kind == "ball" or actor.action == "roll" else 0.0
    if actor.action in ("walk", "run"):  # it rocks from side to side
        turn += vary(actor, 32, 0.03, 0.09) * sin(2 * pi * (time * actor.tempo / CYCLE[actor.action] + actor.phase))
    scale = actor.height / max(size[1], size[0] / WIDEST) * (1 + vary(actor, 31, -0.008, 0.008) * time)
    flip = actor.heading * (1 if vary(actor, 33, 0, 1) < 0.5 else -1)
    angle = turn * actor.heading
    cos, sin_ = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[cos * flip, -sin_, 0.0], [sin_ * flip, cos, 0.0]])
    centre = np.array([size[0] / 2, size[1] / 2])
    matrix[:, 2] = np.array([0.0, -0.5 * scale * size[1]]) - matrix[:, :2] @ centre
    return matrix
