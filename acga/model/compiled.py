"""A stem that is compiled where so much work lies ahead that compiling pays."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from .image_stem import ImageStem

# Compiling an I3D takes about 30 seconds of a CPU and saves about 0.2 for each million pixels that it sees (benchmarks/speed.py).
PAYS_FROM = 300e6  # pixels


def compile_stem(stem: nn.Module, *, pixels: float, device: torch.device | str) -> Callable[[Tensor], Tensor]:
    """`stem`, or the same compiled if it has at least `PAYS_FROM` pixels of frames ahead on a CPU.

    An image stem gains little (a sixth), and on GPUs it was not tried: both stay as they are. `TORCHDYNAMO_DISABLE=1` turns it off.
    """
    pays = pixels >= PAYS_FROM and torch.device(device).type == "cpu" and not isinstance(stem, ImageStem)
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
