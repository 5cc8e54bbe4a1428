"""The device to compute on, by the name a user gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from .config import Precision
from .errors import ConfigError

if TYPE_CHECKING:
    from accelerate import Accelerator


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


def choose_accelerator(device: str) -> Accelerator:
    """An `Accelerator` on "auto" (a GPU if there is one), "cpu" or "cuda". Raises `ConfigError` for another name or a missing GPU."""
    from accelerate import Accelerator

    # Said outright, as processes that were started together without a GPU would otherwise work each for itself.
    return Accelerator(cpu=choose_device(device).type == "cpu")


def autocast(precision: Precision, device: torch.device, *, clip_length: int) -> torch.autocast:
    """The context in which a step computes: as it is, or with the inputs of convolutions and products rounded to bf16.

    Raises `ConfigError` for bf16 on a CPU with clips of fewer than 12 frames: oneDNN's weight gradient of a bf16 3x3x3 convolution is
    wrong (it reads memory that nobody wrote) where a map has two frames, as mixed_4f then has (seen in PyTorch 2.13).
    """
    if precision == "bf16" and device.type == "cpu" and clip_length < 12:
        raise ConfigError(f"bf16 is unsafe on a CPU with clips of {clip_length} frames; choose precision fp32, or at least 12 frames.")
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
