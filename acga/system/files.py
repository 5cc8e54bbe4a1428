"""Files written whole or not at all, folders that one process works on, and JSON."""

from __future__ import annotations

import errno
import glob
import gzip
import hashlib
import json
import os
import platform
import secrets
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import AcgaError, ConfigError
from .schema import misfit

if TYPE_CHECKING:
    from filelock import FileLock

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # what a disk, a quota or a limit says that has no more room


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
    """A temporary path beside `path`, moved there if the block ends well and removed if it raises; folders are made as needed.

    A link is followed, and what is neither a file nor nothing is refused. What killed writers of the same file left is removed.
    Raises `AcgaError` when the disk refuses.
    """
    path = Path(os.path.realpath(path))
    refuse_special(path)
    temporary = partial_path(path.parent, path.name)
    with writing(path, temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
        try:
            yield temporary
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Say in one sentence that the disk refuses a file or its folder; `temporary` is what is written in the file's place.

    Raises `AcgaError`. What the block raises because of other files stays as it is.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        cause = error if isinstance(error, OSError) else error.__context__  # torch tells of a full disk by a RuntimeError of its own
        if not isinstance(cause, OSError):
            raise
        if cause.errno in FULL:
            advice = "make room, then run the same command again: what was saved is kept"
        elif cause.filename is not None and (Path(cause.filename) == temporary or path.is_relative_to(cause.filename)):
            advice = "mend that or choose another place"
        else:
            raise
        raise AcgaError(f"{path} cannot be written ({cause.strerror}); {advice}.") from error


def refuse_special(path: Path) -> None:
    """Raise `AcgaError` if there is something at the path of a file to be written that must not be replaced: a folder, a device, a pipe."""
    if path.exists() and not path.is_file():
        raise AcgaError(f"{path} is {'a folder' if path.is_dir() else 'no regular file'}; give the path of a file to write.")


def partial_path(folder: Path, name: str) -> Path:
    """A new temporary path for `name`, which says whose it is; those that killed processes of this machine left are removed."""
    ours = f".{name:.80}.{zlib.crc32(platform.node().encode()):08x}."
    for leftover in folder.glob(f"{glob.escape(ours)}*.partial"):
        if not _is_alive(leftover.name.removeprefix(ours).partition("-")[0]):
            shutil.rmtree(leftover, ignore_errors=True) if leftover.is_dir() else leftover.unlink(missing_ok=True)
    return folder / f"{ours}{os.getpid()}-{secrets.token_hex(4)}.partial"


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except (ValueError, PermissionError):  # not one of these names; another user's process
        return True
    return True


def check_writable(path: str | Path, *, folder: bool) -> None:
    """Try whether a file or `folder` can be written, before any work and without a trace. Raises `AcgaError`."""
    path = Path(os.path.realpath(path))
    if not folder:
        refuse_special(path)
    base = next(place for place in (path if folder else path.parent, *path.parents) if place.exists())
    if not base.is_dir():
        raise AcgaError(f"{base} is a file; choose a folder for the output.")
    try:
        with tempfile.TemporaryFile(dir=base):
            pass
    except OSError as error:
        raise AcgaError(f"Cannot write the output to {path} ({error.strerror}); choose another folder or make room.") from error


def lock_folder(folder: str | Path, *, wait: bool = False) -> FileLock:
    """A lock that keeps other processes from a folder as long as it is held; it ends with its process, however that ends.

    A process that has it may take it again; with `wait`, others wait for it.
    Raises `ConfigError` when another process holds it or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    folder = Path(os.path.realpath(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", is_singleton=True, thread_local=False)
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout as error:
        raise ConfigError(f"{folder} is in use by another process; wait until that has ended, or choose another folder.") from error
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written ({error.strerror}); choose another folder.") from error
    return lock


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


def parse_json(text: str | bytes, schema: Any = Any) -> Any:
    """The value of a JSON text. Raises ValueError when it is none, is nested too deeply, or doesn't fit the type hint `schema`.

    >>> parse_json('{"frames": [1, 2]}', dict[str, list[int]])
    {'frames': [1, 2]}
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    wrong = misfit(value, schema)
    if wrong is not None:
        raise ValueError(wrong.strip())
    return value


def read_json(path: Path, schema: Any = Any) -> Any:
    """The value in a JSON file, which may be packed (.gz). Raises `ConfigError` when it is missing, damaged or doesn't fit `schema`."""
    try:
        return parse_json(read_text(path), schema)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ConfigError(f"{path} cannot be read as JSON ({error}); delete it or restore it.") from error


def read_json_lines(path: Path, schema: Any = Any) -> list[Any]:
    """The values of a file with one JSON value a line, or of the same packed, `path`.gz; none if there is neither.

    Raises `ConfigError` when a line is damaged, as the last one may be after a crash, or doesn't fit `schema`.
    """
    path = next((one for one in (path, Path(f"{path}.gz")) if one.exists()), path)
    values: list[Any] = []
    try:
        for line in read_text(path).splitlines() if path.exists() else ():
            values.append(parse_json(line, schema))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ConfigError(f"{path} is damaged in line {len(values) + 1} ({error}); remove that line, or restore the file.") from error
    return values


def write_json(path: Path, content: Any, *, indent: int | None = 1) -> None:
    """Write a JSON file, whole or not at all; its folder is made as needed. Long lists take a line a number unless `indent` is None."""
    write_text(path, json.dumps(content, indent=indent) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file of text, whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
