"""The tables and the many small files of a release."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import pandas as pd
from tqdm import tqdm

from ..errors import DatasetError
from ..files import atomic_write

Value = TypeVar("Value")


def read_table(path: Path, columns: Sequence[str], *, header: bool) -> pd.DataFrame:
    """A CSV file as text, with at least these columns (exactly these, in order, if it has no header). Raises `DatasetError`."""
    try:
        table = pd.read_csv(path, header=0 if header else None, dtype=str, keep_default_na=False, skipinitialspace=True)
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is missing; give the folder that holds the whole release.") from error
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise DatasetError(f"{path} cannot be read as a CSV table ({str(error).strip()}).") from error
    if not header:
        if table.shape[1] != len(columns):
            raise DatasetError(f"{path} has {table.shape[1]} columns instead of {len(columns)}: {', '.join(columns)}.")
        table.columns = pd.Index(columns)
    table.columns = table.columns.str.strip()
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DatasetError(f"{path} has no column {missing[0]!r}; its first line must name {', '.join(columns)}.")
    return table[list(columns)].apply(lambda column: column.str.strip())


def read_sentences(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """The table of sentences, its index the line in the file. Raises `DatasetError` on an empty or repeated one."""
    table = read_table(path, columns, header=True)
    table.index += 2  # the header is line 1
    empty = table.index[table["query"] == ""]
    if len(empty):
        raise DatasetError(f"{path}, line {empty[0]}: the query is empty; write a sentence or remove the line.")
    repeated = table.index[table.duplicated()]
    if len(repeated):
        raise DatasetError(f"{path}, line {repeated[0]} repeats an earlier line ({', '.join(table.loc[repeated[0]])}); remove one of them.")
    return table


def remember(memory: Path, files: Iterable[Path], read: Callable[[Path], Value]) -> dict[Path, Value]:
    """`read` each file, or take from `memory` what it gave before, as long as the file has not changed since; values are plain data.

    Reading the thousands of small files of a release once takes a minute, so the second time is to be quick. Where the memory
    cannot be written, as on a read-only disk, every time is the first.
    """
    try:
        known = json.loads(memory.read_text())
    except (OSError, ValueError):
        known = {}
    values: dict[Path, Value] = {}
    fresh = {}
    for file in tqdm(list(files), desc="reading annotations", delay=2, leave=False):
        status = file.stat()
        name = file.relative_to(memory.parent).as_posix()
        stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        if name in known and known[name][0] == stamp:
            values[file] = known[name][1]
            continue
        values[file] = read(file)
        if time.time() - status.st_mtime > 2:  # a file this young may change again without its time of change telling
            fresh[name] = [stamp, values[file]]
    if fresh:
        try:
            with atomic_write(memory) as temporary:
                temporary.write_text(json.dumps(known | fresh))
        except OSError:
            pass
    return values
