"""Errors that a user can mend, each in one sentence: what is wrong, where, and what to do.

Everything that input from outside can cause is an `AcgaError`; the command line prints it as one line and exits with code 2.
Programming mistakes stay ordinary exceptions.
"""

from __future__ import annotations

MOST_LETTERS = 300  # of a message: more is not read, and may be megabytes of somebody's file


def one_line(message: str) -> str:
    """A message in one line of at most 300 letters, the middle left out of longer ones; what a terminal cannot show is escaped.

    >>> one_line("a\\tbell \\a\\n")
    'a bell \\\\x07'
    >>> len(one_line("long " * 1000))
    300
    """
    half = MOST_LETTERS // 2
    if len(message) > 8 * MOST_LETTERS:
        message = f"{message[: 4 * MOST_LETTERS]} … {message[-4 * MOST_LETTERS :]}"
    words = " ".join(message.split())
    words = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in words)
    return words if len(words) <= MOST_LETTERS else f"{words[: half + 20]} … {words[-(half - 23) :]}"


class AcgaError(Exception):
    """Base of every error that a user can mend; its message is kept short."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class VideoError(AcgaError):
    """A video or folder of frames that cannot be read."""


class DatasetError(AcgaError):
    """A data set whose files are missing, malformed or inconsistent."""


class WeightsError(AcgaError):
    """A file of weights that is unreadable, unsafe, or made for another architecture."""


class QueryError(AcgaError):
    """A sentence that cannot be used as a query."""


class ConfigError(AcgaError):
    """A configuration with an unknown field or an impossible value."""
