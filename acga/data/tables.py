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
from ..system.files import atomic_write

_Value = TypeVar("_Value")


def report(faults: list[str] | None, message: str) -> None:
    """Add a fault to a list, for a reader that goes on without what is faulty; if there is none, raise it as `DatasetError`."""
    if faults is None:
        raise DatasetError(message)
    faults.append(message)


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


def read_table(
    path: Path, columns: Sequence[str], *, header: bool, optional: Sequence[str] = (), faults: list[str] | None = None, more: bool = False
) -> pd.DataFrame:
    """A CSV file as text, by number of the line: these columns (all that it has, in order, if it has no header) and, if there, `optional`.

    Without a header lines may have `more` values than columns.

    Raises `DatasetError`, naming file and line, when it cannot be read without losing or guessing something; with a list of `faults`,
    faulty lines are reported there and left out.
    """
    rows = {number: values for number, line in read_lines(path).items() if (values := _split(path, number, line, faults)) is not None}
    if not rows:
        raise DatasetError(f"{path} is empty; restore it from the release.")
    names = rows.pop(next(iter(rows))) if header else list(columns)
    missing = [column for column in columns if column not in names]
    if missing:
        raise DatasetError(f"{path} has no column {missing[0]!r}; its first line must name {', '.join(columns)}.")
    if more:
        rows = {number: row[: len(names)] for number, row in rows.items()}
    for number in [number for number, row in rows.items() if len(row) != len(names)]:
        counts = f"{len(rows.pop(number))} values instead of {len(names)} ({', '.join(names):.100})"
        report(faults, f"{path}, line {number} has {counts}; a value with a comma in it needs quotation marks.")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=names, dtype=str)
    return table[[*columns, *(column for column in optional if column in names)]]


def _split(path: Path, number: int, line: str, faults: list[str] | None) -> list[str] | None:
    """The values of a line; None if it is faulty."""
    try:
        return [value.strip() for value in next(csv.reader([line], strict=True, skipinitialspace=True))]
    except csv.Error:
        report(
            faults,
            f"{path}, line {number}: a value begins with a quotation mark but does not end with it; remove it, or put the whole value in "
            "marks and double those inside.",
        )
        return None


def read_sentences(path: Path, columns: Sequence[str], faults: list[str] | None = None) -> pd.DataFrame:
    """The table of sentences, its index the line in the file.

    Raises `DatasetError` on an empty or repeated one; with a list of `faults`, these are reported there and left out.
    """
    table = read_table(path, columns, header=True, faults=faults)
    empty, repeated = table["query"] == "", table.duplicated()
    for line in table.index[empty]:
        report(faults, f"{path}, line {line}: the query is empty; write a sentence or remove the line.")
    for line in table.index[repeated & ~empty]:
        report(faults, f"{path}, line {line} repeats an earlier line ({', '.join(table.loc[line]):.100}); remove one of them.")
    strange = strange_names(path, table["video_id"], faults)
    return table[~(empty | repeated | strange)]


def strange_names(path: Path, names: pd.Series, faults: list[str] | None = None) -> pd.Series:
    """Which lines hold what cannot be the name of a file or folder.

    Raises `DatasetError`, naming the line; with a list of `faults`, they are reported there.
    """
    strange = ~names.str.fullmatch(r"[^/\\]{1,200}") | names.isin([".", ".."])
    for line in names.index[strange]:
        report(faults, f"{path}, line {line}: {names[line][:60]!r} cannot be the name of a file; write that of one.")
    return strange


def memoise_files(
    memo: Path, files: Iterable[Path], read: Callable[[Path], _Value], *, faults: list[str] | None = None
) -> dict[Path, _Value]:
    """`read` each file, or take from `memo` what it gave before, as long as the file has not changed since; values are plain data.

    Reading the thousands of small files of a release once takes a minute, so the second time is to be quick. A memo that is damaged is
    not used, and one that cannot be written, as on a read-only disk, is not kept. With a list of `faults`, what `read` raises is reported
    there, and the file has no value.
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
        try:
            values[file] = read(file)
        except DatasetError as error:
            report(faults, str(error))
            continue
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
