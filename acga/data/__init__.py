"""Readers of A2D Sentences and J-HMDB Sentences as they are released, and a cache of the features of their frames.

Imported on first use: text, video and geometry, which live here too, do not need what reads the releases.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .a2d import A2DSentences, Annotation, read_annotation
    from .dataset import Dataset, Sample, collate
    from .features import FeatureCache, extract_features, fingerprint
    from .jhmdb import JHMDBSentences

_HOME = {  # of every public name
    "A2DSentences": "a2d",
    "Annotation": "a2d",
    "Dataset": "dataset",
    "FeatureCache": "features",
    "JHMDBSentences": "jhmdb",
    "Sample": "dataset",
    "collate": "dataset",
    "extract_features": "features",
    "fingerprint": "features",
    "read_annotation": "a2d",
}

__all__ = [
    "A2DSentences",
    "Annotation",
    "Dataset",
    "FeatureCache",
    "JHMDBSentences",
    "Sample",
    "collate",
    "extract_features",
    "fingerprint",
    "read_annotation",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
