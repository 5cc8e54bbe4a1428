"""Readers of A2D Sentences and J-HMDB Sentences as they are released, and a cache of the features of their frames."""

from .a2d import A2DSentences, Annotation, read_annotation
from .dataset import Dataset, Sample, collate
from .features import FeatureCache, extract_features, fingerprint
from .jhmdb import JHMDBSentences

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
