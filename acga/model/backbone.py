"""The interface of backbones: what the network needs of an I3D, or of an image network in its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from ..config import Stem
from ..errors import WeightsError
from ..system.schema import misfit_of_arguments
from .state_dicts import StoredWeights, read_state_dict, save_state_dict


class Backbone(nn.Module):
    """A `stem`, frozen in ACGA, from clips (B, 3, T, H, W) to (B, C, T/4, H/16, W/16), and `mixed_4f`, which is trained on top of it."""

    kind: ClassVar[Stem]  # as `ACGAConfig.stem` names it
    landmark: ClassVar[str]  # an entry that all weights of this kind have
    source_format: str | None = None  # of the file that `from_file` read

    width: float  # multiplies the stem's channel counts
    input_channels: int
    channels: dict[str, int]  # output channels, "mixed_4e" (the stem's) and "mixed_4f" among them, in order
    stem: nn.Module
    mixed_4f: nn.Module

    def settings(self) -> dict[str, Any]:
        """The arguments of the constructor, ready for JSON."""
        raise NotImplementedError

    def calibrate(self, features: Tensor) -> None:
        """Set what depends on how the stem's features (N, C, T/4, h, w) are distributed; called once, before training."""

    def to_file(self, path: str | Path, *, provenance: Mapping[str, Any] | None = None, half: bool = False) -> None:
        """Save in our format, whole or not at all; `half` stores fp16; `provenance` (command, seed, …) is kept in the header."""
        metadata = {"architecture": type(self).__name__, "backbone": self.settings(), "provenance": dict(provenance or {})}
        save_state_dict(path, self.state_dict(), metadata=metadata, half=half)

    @classmethod
    def read(cls, path: str | Path) -> StoredWeights:
        """The backbone in a file: the whole of it, or what an ACGA has. Raises `WeightsError` if it is not of this kind."""
        weights = read_state_dict(path)
        inside = {name.removeprefix("backbone."): value for name, value in weights.state.items() if name.startswith("backbone.")}
        state = inside or weights.state
        if cls.landmark not in state or state[cls.landmark].ndim < 4:
            raise WeightsError(f"{path} has no {cls.landmark}, so it holds no {cls.__name__}: use weights that fit the configured stem.")
        return weights._replace(state=state)

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any], *, source: str | Path = "The header") -> Self:
        """A backbone with new weights by the `settings` that a file holds. Raises `WeightsError` when there is none of them."""
        wrong = misfit_of_arguments(cls.__init__, settings)
        if wrong is None:
            try:
                return cls(**settings)
            except (ValueError, TypeError, RuntimeError, OverflowError, ZeroDivisionError) as error:  # torch raises each of them
                wrong = str(error)
        raise WeightsError(f"{source} asks for an {cls.__name__} that there cannot be ({wrong}); its header is damaged.")
