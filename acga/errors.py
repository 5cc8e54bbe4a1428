"""Errors that a user can mend, each in one sentence: what is wrong, where, and what to do.

Everything that input from outside can cause is an `AcgaError`; the command line prints it as one line and exits with code 2.
Programming mistakes stay ordinary exceptions.
"""


class AcgaError(Exception):
    """Base of every error that a user can mend."""


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
