"""Tags of sentences: what the generator of a drawn data set noted about each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

from ..errors import ConfigError, DatasetError
from ..system.files import read_json


class _Row(TypedDict):
    video_id: str
    instance: int
    query: str


def read_tags(root: str | Path) -> dict[tuple[str, int, str], dict[str, Any]]:
    """Tags of the sentences of a drawn data set, as its generator noted them in `queries.json`; empty for a real one.

    Raises `DatasetError` when the file is damaged.
    """
    path = Path(root) / "queries.json"
    if not path.exists():
        return {}
    try:
        rows = read_json(path, list[_Row])
    except ConfigError as error:
        raise DatasetError(f"{path} does not list sentences with their tags ({error}); draw the data set again.") from error
    return {(row.pop("video_id"), int(row.pop("instance")), row.pop("query")): row for row in rows}
