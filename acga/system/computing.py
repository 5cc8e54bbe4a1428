"""The choice of how to compute: device, precision, memory layout, compiled or not.

Everything that computes asks here. What is chosen can be overridden: by `--device`, `--precision`, `OMP_NUM_THREADS` (as many threads as
cores otherwise) and `TORCHDYNAMO_DISABLE=1`, which compiles nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, get_args

import torch
from torch import Tensor, nn

from ..config import Precision
from ..errors import ConfigError

if TYPE_CHECKING:
    from accelerate import Accelerator

LONGEST_WAIT = timedelta(days=1)  # for what one of several processes does alone, such as checking a whole release

# Compiling an I3D takes about 30 seconds of a CPU and saves about 0.2 for each million pixels that it sees (benchmarks/speed.py).
PAYS_FROM = 300e6  # pixels


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


def choose_accelerator(device: str, *, partly_used: bool = False) -> Accelerator:
    """An `Accelerator` on the device that `choose_device` finds; `partly_used`: a step may leave parameters without a gradient.

    Raises `ConfigError` as that does.
    """
    from accelerate import Accelerator
    from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs

    # The CPU is said outright, as processes that were started together without a GPU would otherwise work each for itself.
    cpu, patient = choose_device(device).type == "cpu", InitProcessGroupKwargs(timeout=LONGEST_WAIT)
    return Accelerator(cpu=cpu, kwargs_handlers=[patient, DistributedDataParallelKwargs(find_unused_parameters=partly_used)])


class _Rounding(torch.autocast):
    """`torch.autocast` to bf16, which on an NVIDIA GPU also sets, as long as it lasts, whether the process rounds to tf32."""

    def __init__(self, precision: Precision, device: torch.device) -> None:
        super().__init__(device.type, torch.bfloat16, enabled=precision == "bf16")
        self._tf32 = precision != "fp32" if device.type == "cuda" else None
        self._before: list[tuple[bool, bool]] = []

    def __enter__(self) -> Self:
        if self._tf32 is not None:
            self._before.append((torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32))
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = self._tf32
        return super().__enter__()

    def __exit__(self, *error: Any) -> Any:
        if self._before:
            torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = self._before.pop()
        return super().__exit__(*error)


def autocast(precision: Precision, device: torch.device, *, clip_length: int) -> torch.autocast:
    """The context in which a step computes: as it is, or with the inputs of convolutions and products rounded to bf16.

    On an NVIDIA GPU they are rounded to tf32 (10 bits in place of 23) within it unless `precision` is "fp32", though PyTorch's own
    default would round those of convolutions.

    Raises `ConfigError` for another precision, and for bf16 on a CPU with clips of fewer than 12 frames: oneDNN's weight gradient of a
    bf16 3x3x3 convolution is wrong (it reads memory that nobody wrote) where a map has two frames, as mixed_4f then has (seen in
    PyTorch 2.13).
    """
    if precision not in get_args(Precision):
        raise ConfigError(f"There is no precision {precision!r}; choose {', '.join(get_args(Precision))}.")
    if precision == "bf16" and device.type == "cpu" and clip_length < 12:
        raise ConfigError(f"bf16 is unsafe on a CPU with clips of {clip_length} frames; choose precision fp32, or at least 12 frames.")
    return _Rounding(precision, device)


def channels_last(module: nn.Module) -> None:
    """Lay the weights of convolutions out with channels last in memory: twice as fast on a CPU."""
    for parameter in module.parameters():
        if parameter.ndim in (4, 5):
            layout = torch.channels_last if parameter.ndim == 4 else torch.channels_last_3d
            parameter.data = parameter.data.contiguous(memory_format=layout)


def compile_stem(stem: nn.Module, *, pixels: float, device: torch.device | str) -> Callable[[Tensor], Tensor]:
    """`stem`, or the same compiled if it has at least `PAYS_FROM` pixels of frames ahead on a CPU.

    An image stem gains little (a sixth), and on GPUs it was not tried: both stay as they are. `TORCHDYNAMO_DISABLE=1` turns it off.
    """
    pays = pixels >= PAYS_FROM and torch.device(device).type == "cpu" and getattr(stem, "gains_by_compiling", True)
    return CompiledStem(stem) if pays else stem


class CompiledStem:
    """A stem compiled for the shape of the first clips that it is given; others, as the last batch, pass through it as it is.

    Its weights are frozen into the code. Where compiling fails, as without a C++ compiler, a warning says so and nothing is compiled.

    >>> stem = CompiledStem(nn.Identity())
    >>> stem(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """

    def __init__(self, stem: nn.Module) -> None:
        self.stem = stem
        self._compiled: Callable[[Tensor], Tensor] | None = torch.compile(stem, dynamic=False)
        self._shape: torch.Size | None = None

    @torch.no_grad()
    def __call__(self, clips: Tensor) -> Tensor:
        """Clips (B, 3, T, H, W) to (B, C, T/4, H/16, W/16), equal to the stem's but for rounding."""
        self._shape = self._shape or clips.shape
        if self._compiled is None or clips.shape != self._shape:
            return self.stem(clips)
        from torch._inductor import config  # on first use: it loads the compiler

        try:
            with config.patch(freezing=True):  # as an option of torch.compile it has no effect (PyTorch 2.13)
                return self._compiled(clips)
        except RuntimeError as error:  # what its compilers raise
            warnings.warn(f"The stem could not be compiled and runs as it is: {str(error).splitlines()[0]}", stacklevel=2)
            self._compiled = None
            return self.stem(clips)
