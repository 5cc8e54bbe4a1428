"""Pictures in files: the frames of a folder in order, and masks. Sizes are looked at before anything is decoded."""

from __future__ import annotations

import os
import re
import struct
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from ..errors import AcgaError, VideoError
from .budget import MOST_BYTES, excess_of_picture

PICTURES = (".png", ".jpg", ".jpeg")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def list_pictures(folder: Path) -> list[Path]:
    """The pictures in a folder, in order of the numbers in their names; hidden files (as macOS leaves them) are not frames.

    Names that are decimal numbers throughout, such as times in seconds, count as such: 0.04 before 0.2, but "1.9" before "1.10" where
    there is a "1.1" too.
    """
    found = [file for file in folder.iterdir() if file.suffix.lower() in PICTURES and not file.name.startswith(".")]
    if all(re.fullmatch(r"[0-9]+\.[0-9]+", file.stem) for file in found):
        times = {file: Fraction(file.stem) for file in found}
        if len(set(times.values())) == len(found):
            return sorted(found, key=times.__getitem__)
    # Every second part is a number.
    return sorted(found, key=lambda file: [int(p) if i % 2 else p for i, p in enumerate(re.split(r"([0-9]+)", file.name))])


def encode_picture(picture: np.ndarray, suffix: str = ".png", *, quality: int = 95) -> bytes:
    """A png or jpg file of a picture `(H, W, 3)` uint8 RGB or `(H, W)` uint8; `quality`, of 100, is of a jpg.

    Raises `AcgaError` when the format has no room for it: a jpg has 65,500 pixels a side.

    >>> encode_picture(np.zeros((2, 2, 3), np.uint8))[1:4]
    b'PNG'
    """
    stored = picture[..., ::-1] if picture.ndim == 3 else picture
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
    fits, encoded = cv2.imencode(suffix, stored, settings)  # not imwrite, which is silent about a full disk
    if not fits:
        raise AcgaError(f"A picture of {picture.shape[1]} x {picture.shape[0]} pixels is too large for a {suffix} file; make it smaller.")
    return encoded.tobytes()


def decode_picture(file: Path, *, unchanged: bool = False) -> np.ndarray:
    """A png or jpg file as it is shown, (H, W, 3) uint8 RGB; `unchanged`, with the channels and type that it has, (H, W) or (H, W, C).

    Raises `VideoError`: not there, no picture, damaged, too large.
    """
    try:
        if not file.is_file() or file.stat().st_size > MOST_BYTES:  # no pipe, which would never end
            raise VideoError(f"{file} is not a readable picture; remove it or write it again.")
        content = file.read_bytes()
    except OSError as error:
        raise VideoError(f"{file} is not a readable picture ({error.strerror}); remove it or write it again.") from error
    size = _declared_size(content)
    excess = None if size is None else excess_of_picture(*size)
    if excess is not None:
        raise VideoError(f"{file} is too large ({excess}); make it smaller.")
    picture = None
    if size is not None:
        try:
            picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED if unchanged else cv2.IMREAD_COLOR)
        except cv2.error:
            picture = None
    if picture is None:
        raise VideoError(f"{file} is not a readable picture; remove it or write it again as png or jpg.")
    return picture if unchanged else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def is_single_picture(file: Path) -> bool:
    """Whether a file is named as a png or jpg, and no animated png."""
    if file.suffix.lower() not in PICTURES:
        return False
    with open(file, "rb") as stream:
        if stream.read(8) != PNG_SIGNATURE:
            return True
        while len(head := stream.read(8)) == 8 and head[4:] not in (b"IDAT", b"acTL"):
            stream.seek(4 + int.from_bytes(head[:4], "big"), os.SEEK_CUR)
        return head[4:] != b"acTL"


def read_mask(file: Path) -> np.ndarray:
    """A picture of one channel or more as a mask, bool (H, W): what is not black. Raises `VideoError`."""
    picture = decode_picture(file, unchanged=True)
    return np.asarray(picture.reshape(*picture.shape[:2], -1)[..., :3].any(axis=2))


def _declared_size(content: bytes) -> tuple[int, int] | None:
    """(h, w) in the header of a png or jpg; None if it is neither, or a png that is cut off."""
    if content.startswith(PNG_SIGNATURE) and content[12:16] == b"IHDR" and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        place = 8
        name = b""
        while place + 8 <= len(content) and name != b"IEND":  # a part that says it is longer than the file would be given the memory
            name = content[place + 4 : place + 8]
            place += 12 + int.from_bytes(content[place : place + 4], "big")
        return (height, width) if place <= len(content) else None
    place = 2 if content.startswith(b"\xff\xd8") else len(content)
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # padding
            place += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # the start of a frame
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return height, width
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return None
