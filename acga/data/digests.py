"""Digests of what a cached result was made of: if one differs, the result is another."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ..errors import DatasetError

VERSION = 2  # of caches and of what is computed into them: one of another is refused


def digest(*parts: Any) -> str:
    """16 letters that differ if any of the parts, plain values, does.

    >>> digest("features", 64) == digest("features", 64) != digest("features", 48)
    True
    """
    return hashlib.sha256(json.dumps([VERSION, *parts]).encode()).hexdigest()[:16]


def digest_file(path: Path) -> str:
    """A digest of the bytes of a file, or, for a folder of pictures, of their names and sizes and of the bytes of three.

    Raises `DatasetError` when it cannot be read.
    """
    try:
        if path.is_dir():  # the bytes of all of a release's pictures would take minutes
            pictures = sorted(path.iterdir())
            shown = [digest_file(picture) for picture in pictures[:: max(1, len(pictures) // 2)]]
            return digest([(picture.name, picture.stat().st_size) for picture in pictures], shown)
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}); restore it from the release.") from error
