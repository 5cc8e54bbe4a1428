"""Files written whole or not at all, and JSON."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import ConfigError


def git_blob_id(file: str | Path | bytes) -> str:
    """sha1("blob <size>\\0" + bytes) of a file or of its content, as git names it."""
    size = len(file) if isinstance(file, bytes) else Path(file).stat().st_size
    digest = hashlib.sha1(f"blob {size}\0".encode())
    if isinstance(file, bytes):
        digest.update(file)
        return digest.hexdigest()
    with open(file, "rb") as opened:
        while chunk := opened.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, moved there if the block ends well and removed if it raises; folders are made as needed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def rounded(value: Any, digits: int = 6) -> Any:
    """Plain values with their floats rounded, as they are written to logs and results.

    >>> rounded({"loss": 0.123456789, "steps": [1]})
    {'loss': 0.123457, 'steps': [1]}
    """
    if isinstance(value, Mapping):
        return {name: rounded(inner, digits) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner, digits) for inner in value]
    return round(value, digits) if isinstance(value, float) else value


def read_text(path: Path) -> str:
    """A text file, unpacked if its name ends in .gz."""
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()


def read_json(path: Path) -> Any:
    """A JSON file, which may be packed (.gz). Raises `ConfigError` when it is missing or damaged."""
    try:
        return json.loads(read_text(path))
    except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
        raise ConfigError(f"{path} cannot be read as JSON ({error}); delete it or restore it.") from error


def read_json_lines(path: Path) -> list[Any]:
    """The values of a file with one JSON value a line, or of the same packed, `path`.gz; none if there is neither.

    Raises `ConfigError` when a line is damaged, as the last one may be after a crash.
    """
    path = next((one for one in (path, Path(f"{path}.gz")) if one.exists()), path)
    values: list[Any] = []
    try:
        for line in read_text(path).splitlines() if path.exists() else ():
            values.append(json.loads(line))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ConfigError(f"{path} is damaged in line {len(values) + 1} ({error}); remove that line, or restore the file.") from error
    return values


def write_json(path: Path, content: Any, *, indent: int | None = 1) -> None:
    """Write a JSON file, whole or not at all; its folder is made as needed. Long lists take a line a number unless `indent` is None."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=indent) + "\n", encoding="utf-8")
