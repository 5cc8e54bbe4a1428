"""Where to compute, by the name a user gives."""

from __future__ import annotations

import torch

from .errors import ConfigError


def choose_device(name: str) -> torch.device:
    """The device called "auto" (a GPU if there is one), "cpu" or "cuda". Raises `ConfigError` for another name or a missing GPU.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"There is no device {name!r}; choose auto, cpu or cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("There is no GPU that PyTorch can use; choose the device cpu.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
