"""The exercises of the notebooks.

>>> from acga.teaching.exercises import check
>>> check(0.6, task("06.3"))
not yet: hint("06.3") helps
>>> check(0.4, task("06.3"))
right
>>> hint("06.3")
1 / (1 + P)
"""

from . import benchmark, data, layers, speed, training  # noqa: F401 (they register their exercises)
from .registry import hint, task

__all__ = ["hint", "task"]
