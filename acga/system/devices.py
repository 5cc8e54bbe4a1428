"""The device to compute on, by the name a user gives."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, get_args

import torch
from torch import Tensor

from ..config import Precision
from ..errors import ConfigError

if TYPE_CHECKING:
    from accelerate import Accelerator

LONGEST_WAIT = timedelta(days=1)  # for what one of several processes does alone, such as checking a whole release


def choose_device(name: str) -> torch.device:
    """The device called "auto" (an NVIDIA GPU if there is one), "cpu", "cuda" or "mps" (Apple's chips, which "auto" leaves alone).

    Raises `ConfigError` for another name or a missing GPU.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name not in ("auto", "cpu", "cuda", "mps"):
        raise ConfigError(f"There is no device {name!r}; choose auto, cpu, cuda or mps.")
    if (name == "cuda" and not torch.cuda.is_available()) or (name == "mps" and not torch.backends.mps.is_available()):
        raise ConfigError(f"There is no GPU that PyTorch can use as {name}; choose the device cpu.")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device; nobody waits for a copy to an NVIDIA GPU, which fetches it from pinned memory by itself."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def choose_accelerator(device: str) -> Accelerator:
    """An `Accelerator` on the device that `choose_device` finds. Raises `ConfigError` as that does."""
    from accelerate import Accelerator
    from accelerate.utils import InitProcessGroupKwargs

    # The CPU is said outright, as processes that were started together without a GPU would otherwise work each for itself.
    cpu, patient = choose_device(device).type == "cpu", InitProcessGroupKwargs(timeout=LONGEST_WAIT)
    return Accelerator(cpu=cpu, kwargs_handlers=[patient])


def autocast(precision: Precision, device: torch.device, *, clip_length: int) -> torch.autocast:
    """The context in which a step computes: as it is, or with the inputs of convolutions and products rounded to bf16.

    On an NVIDIA GPU, whether they are rounded to tf32 (10 bits in place of 23) is set for the whole process: not for "fp32", though
    PyTorch's own default would for convolutions.

    Raises `ConfigError` for another precision, and for bf16 on a CPU with clips of fewer than 12 frames: oneDNN's weight gradient of a
    bf16 3x3x3 convolution is wrong (it reads memory that nobody wrote) where a map has two frames, as mixed_4f then has (seen in
    PyTorch 2.13).
    """
    if precision not in get_args(Precision):
        raise ConfigError(f"There is no precision {precision!r}; choose {', '.join(get_args(Precision))}.")
    if precision == "bf16" and device.type == "cpu" and clip_length < 12:
        raise ConfigError(f"bf16 is unsafe on a CPU with clips of {clip_length} frames; choose precision fp32, or at least 12 frames.")
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
