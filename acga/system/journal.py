"""The answers of a long evaluation as they come, a line each, so that one that was interrupted goes on."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .files import writing


class Journal:
    """Lines of plain values beside a file that is to be written, one journal for each of several processes.

    Lines under another fingerprint, and one that was cut by a kill, are not read.

    >>> import tempfile
    >>> result = Path(tempfile.mkdtemp()) / "result.json"
    >>> Journal(result, "a").append([[0, 0.5], [1, 0.7]])
    >>> Journal(result, "a", part=1).append([[2, 0.9]])
    >>> Journal(result, "a").read(), Journal(result, "b").read()
    ([[0, 0.5], [1, 0.7], [2, 0.9]], [])
    >>> Journal(result, "a").remove()
    >>> list(result.parent.iterdir())
    []
    """

    def __init__(self, beside: Path, fingerprint: str, part: int = 0) -> None:
        self.beside, self.fingerprint = beside, fingerprint
        self.path = beside.with_name(f".{beside.name}.part-{part}")

    def _parts(self) -> list[Path]:
        return sorted(self.beside.parent.glob(f"{glob.escape(f'.{self.beside.name}.part-')}*"))

    def read(self) -> list[Any]:
        """The values in all journals of the file."""
        values = []
        for path in self._parts():
            for line in path.read_bytes().split(b"\n"):
                try:
                    fingerprint, value = json.loads(line)
                except (ValueError, TypeError):
                    continue
                if fingerprint == self.fingerprint:
                    values.append(value)
        return values

    def append(self, values: Iterable[Any]) -> None:
        """Add values, which survive the end of this process, however it comes. Raises `AcgaError` when the disk refuses."""
        lines = "".join(json.dumps([self.fingerprint, value]) + "\n" for value in values)
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(("\n" if file.tell() else "") + lines)  # after a line that was cut

    def remove(self) -> None:
        """Remove all journals of the file."""
        for path in self._parts():
            path.unlink(missing_ok=True)
