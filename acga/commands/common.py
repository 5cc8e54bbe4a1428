"""What several commands share."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import FlagCreatePairsOff, Positional, arg

from ..config import ACGAConfig
from ..errors import ConfigError

Device = Literal["auto", "cpu", "cuda"]
Split = Literal["train", "test"]
Network = Literal["mini", "faithful_mini", "paper"]
Root = Positional[Annotated[Path, arg(metavar="ROOT")]]
Flag = FlagCreatePairsOff[bool]


def tell(kind: str, message: str) -> None:
    """One line on stderr."""
    print(f"acga: {kind}: {' '.join(message.split())}", file=sys.stderr)


def configure(network: Network, changes: Sequence[str]) -> ACGAConfig:
    """A named configuration with some fields changed, each given as field=value. Raises `ConfigError`.

    >>> configure("mini", ["size=64", "residual=false"]).residual
    False
    """
    fields = getattr(ACGAConfig, network)().to_dict()
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise ConfigError(f"{change!r} does not say field=value.")
        default = fields.get(name, "")
        try:
            value = text if isinstance(default, str) else json.loads(text.lower())
        except ValueError:
            value = None
        wanted = {tuple: (list,), float: (float, int)}.get(type(default), (type(default),))
        if type(value) not in wanted:
            raise ConfigError(f"{text!r} is no value for {name}, which is {json.dumps(default)} by default.")
        fields[name] = value
    return ACGAConfig.from_dict(fields)


def open_release(root: Path, split: Split, config: ACGAConfig, frame_list: Path | None = None) -> Any:
    """The data set in a folder of either layout, for clips as the network takes them."""
    from ..data import A2DSentences, JHMDBSentences
    from ..data.check import layout_of

    if layout_of(root) == "J-HMDB Sentences":
        return JHMDBSentences(root, frame_list=frame_list, size=config.size, clip_length=config.clip_length)
    return A2DSentences(root, split, size=config.size, clip_length=config.clip_length)
