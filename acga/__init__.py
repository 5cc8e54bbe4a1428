"""ACGA: actor and action video segmentation from natural language queries (Wang et al., ICCV 2019), to step through and to run.

>>> import acga
>>> acga.ACGAConfig.paper().size
512

Everything below is imported on first use, so that `import acga` and the command line start at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import ACGAConfig, LossConfig, TrainConfig
    from .data import A2DSentences, JHMDBSentences
    from .data.text import Vocabulary
    from .errors import AcgaError
    from .inference import Segmenter, load
    from .losses import WeightedSegmentationLoss
    from .metrics import SegmentationMetrics, binarise
    from .model import ACGA, Responses
    from .model.folding import fold

__version__ = "0.2.0"

_HOME = {  # of every public name
    "ACGA": "model",
    "A2DSentences": "data",
    "ACGAConfig": "config",
    "AcgaError": "errors",
    "JHMDBSentences": "data",
    "LossConfig": "config",
    "Responses": "model",
    "SegmentationMetrics": "metrics",
    "Segmenter": "inference",
    "TrainConfig": "config",
    "Vocabulary": "data.text",
    "WeightedSegmentationLoss": "losses",
    "binarise": "metrics",
    "fold": "model.folding",
    "load": "inference",
}
_MODULES = {"data": "data", "model": "model", "video": "video"}

__all__ = [
    "ACGA",
    "A2DSentences",
    "ACGAConfig",
    "AcgaError",
    "JHMDBSentences",
    "LossConfig",
    "Responses",
    "SegmentationMetrics",
    "Segmenter",
    "TrainConfig",
    "Vocabulary",
    "WeightedSegmentationLoss",
    "binarise",
    "fold",
    "load",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{_MODULES[name]}", __name__)
    raise AttributeError(f"module 'acga' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names alone, which is what completion offers."""
    return sorted([*__all__, *_MODULES, "__version__"])
