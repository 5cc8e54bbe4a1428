"""Training on sentences (`sentences`), of the backbone before (`pretraining`), on a few frames of one's own (`adaptation`).

>>> from acga.training import train
>>> train.__module__
'acga.training.sentences'
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .sentences import train

__all__ = ["train"]


def __getattr__(name: str) -> Any:
    if name == "train":
        from .sentences import train  # on first use, as it needs more packages than `adapt`

        return train
    raise AttributeError(f"module 'acga.training' has no attribute {name!r}")
