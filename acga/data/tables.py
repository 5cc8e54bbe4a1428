"""The tables and lists of a release, and a memo of what its many small files hold."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import pandas as pd
from tqdm import tqdm

from ..errors import AcgaError, DatasetError
from ..files import atomic_write

_Value = TypeVar("_Value")


def read_lines(path: Path) -> dict[int, str]:
    """The lines of a UTF-8 file, with or without a byte order mark, by number from 1; blank ones are left out. Raises `DatasetError`."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is missing; give the folder that holds the whole release.") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}); mend that or restore it from the release.") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(f"{path}, line {line}: this is not UTF-8 text; save the file in that encoding.") from error
    lines = dict(enumerate(re.split(r"\r\n|\r|\n", text), start=1))
    damaged = next((number for number, line in lines.items() if "\0" in line), None)
    if damaged is not None:
        raise DatasetError(f"{path}, line {damaged}: there is a zero byte in it; restore the file, or save it as UTF-8.")
    return {number: line for number, line in lines.items() if line.strip()}


def read_table(path: Path, columns: Sequence[str], *, header: bool, optional: Sequence[str] = ()) -> pd.DataFrame:
    """A CSV file as text, by number of the line: these columns (all that it has, in order, if it has no header) and, if there, `optional`.

    Raises `DatasetError`, naming file and line, when it cannot be read without losing or guessing something.
    """
    rows = {number: _split(path, number, line) for number, line in read_lines(path).items()}
    if not rows:
        raise DatasetError(f"{path} is empty; restore it from the release.")
    names = rows.pop(next(iter(rows))) if header else list(columns)
    missing = [column for column in columns if column not in names]
    if missing:
        raise DatasetError(f"{path} has no column {missing[0]!r}; its first line must name {', '.join(columns)}.")
    for number, row in rows.items():
        if len(row) != len(names):
            counts = f"{len(row)} values instead of {len(names)} ({', '.join(names):.100})"
            raise DatasetError(f"{path}, line {number} has {counts}; a value with a comma in it needs quotation marks.")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=names, dtype=str)
    return table[[*columns, *(column for column in optional if column in names)]]


def _split(path: Path, number: int, line: str) -> list[str]:
    """The values of a line."""
    try:
        return [value.strip() for value in next(csv.reader([line], strict=True, skipinitialspace=True))]
    except csv.Error as error:
        raise DatasetError(
            f"{path}, line {number}: a value begins with a quotation mark but does not end with it; remove it, or put the whole value in "
            "marks and double those inside."
        ) from error


def read_sentences(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """The table of sentences, its index the line in the file. Raises `DatasetError` on an empty or repeated one."""
    table = read_table(path, columns, header=True)
    empty = table.index[table["query"] == ""]
    if len(empty):
        raise DatasetError(f"{path}, line {empty[0]}: the query is empty; write a sentence or remove the line.")
    repeated = table.index[table.duplicated()]
    if len(repeated):
        values = ", ".join(table.loc[repeated[0]])
        raise DatasetError(f"{path}, line {repeated[0]} repeats an earlier line ({values:.100}); remove one of them.")
    refuse_strange_names(path, table["video_id"])
    return table


def refuse_strange_names(path: Path, names: pd.Series) -> None:
    """Raise `DatasetError`, naming the line, for what cannot be the name of a file or folder."""
    strange = names.index[~names.str.fullmatch(r"[^/\\]{1,200}") | names.isin([".", ".."])]
    if len(strange):
        raise DatasetError(f"{path}, line {strange[0]}: {names[strange[0]][:60]!r} cannot be the name of a file; write that of one.")


def memoise_files(memo: Path, files: Iterable[Path], read: Callable[[Path], _Value]) -> dict[Path, _Value]:
    """`read` each file, or take from `memo` what it gave before, as long as the file has not changed since; values are plain data.

    Reading the thousands of small files of a release once takes a minute, so the second time is to be quick. A memo that is damaged is
    not used, and one that cannot be written, as on a read-only disk, is not kept.
    """
    known = _read_memo(memo)
    values: dict[Path, _Value] = {}
    fresh = {}
    for file in tqdm(list(files), desc="reading annotations", delay=2, leave=False):
        try:
            status = file.stat()
        except OSError as error:
            raise DatasetError(f"{file} cannot be read ({error.strerror}); restore it from the release.") from error
        name = file.relative_to(memo.parent).as_posix()
        stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        if name in known and known[name][0] == stamp:
            values[file] = known[name][1]
            continue
        values[file] = read(file)
        if time.time() - status.st_mtime > 2:  # a file this young may change again without its time of change telling
            fresh[name] = [stamp, values[file]]
    if fresh:
        content = json.dumps(known | fresh)
        try:
            with atomic_write(memo) as temporary:
                temporary.write_text(json.dumps([_checksum(content), content]), encoding="utf-8")
        except (OSError, AcgaError):  # a memory is a convenience
            pass
    return values


def _read_memo(memo: Path) -> dict[str, list]:
    """The memo that `memoise_files` wrote, or nothing if it is damaged."""
    try:
        checksum, content = json.loads(memo.read_text(encoding="utf-8"))
        return dict(json.loads(content)) if checksum == _checksum(content) else {}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _checksum(content: str) -> str:
    return sha256(content.encode()).hexdigest()
