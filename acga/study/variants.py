"""The grids of variants: networks and trainings that differ from ACGA in a field or two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..config import ACGAConfig, Blindness, LossConfig, TrainConfig
from ..options import studied_network

BASE = studied_network()  # eq. 1-13 as published, but for features of order one, without which little is learned
RECIPE = TrainConfig.short()


@dataclass(frozen=True)
class Variant:
    """A network and its training, by what differs from `BASE` and `RECIPE`."""

    name: str
    network: Mapping[str, Any] = field(default_factory=dict)
    foreground_weight: float = LossConfig().foreground_weight  # P, eq. 14
    blind_to: Blindness = "none"
    learning_rate: float | None = None  # its own, where the recipe's does not suit it

    def config(self, base: ACGAConfig = BASE) -> ACGAConfig:
        """The network."""
        return replace(base, **self.network)

    def recipe(self, seed: int, recipe: TrainConfig = RECIPE) -> TrainConfig:
        """The training."""
        recipe = replace(recipe, seed=seed, blind_to=self.blind_to, loss=replace(recipe.loss, foreground_weight=self.foreground_weight))
        return recipe if self.learning_rate is None else replace(recipe, learning_rate=self.learning_rate)


_DYNAMIC, _CONCATENATION = {"matching": "dynamic_convolution"}, {"matching": "concatenation"}
WHOLE = Variant("ACGA")
WEIGHTED = Variant("+ weighted loss", _CONCATENATION)
LADDER = (  # each adds one thing to an earlier one, as in the paper's ablation
    Variant("dynamic convolution", _DYNAMIC),
    Variant("dynamic convolution, learning rate 0.001", _DYNAMIC, learning_rate=1e-3),
    Variant("concatenation", {**_CONCATENATION, "fused_resolutions": 1}, foreground_weight=1.0),
    Variant("+ fusion", _CONCATENATION, foreground_weight=1.0),
    WEIGHTED,
    Variant("+ vision guided language", {"language_guided_vision": False}),
    Variant("+ language guided vision", {"vision_guided_language": False}),
    WHOLE,
    Variant("ACGA, residual", {"residual": True}),
    Variant("ACGA, unit-norm features", {"rescale_features": False}),
)
GRIDS: dict[str, dict[str, Variant]] = {  # by what a variant is called in its grid; two grids may share one, which is trained once
    "claims": {variant.name: variant for variant in LADDER},
    "controls": {name: Variant(name, blind_to=sense) for name, sense in (("blind to text", "text"), ("blind to motion", "motion"))},  # type: ignore[arg-type]
    "foreground_weight": {
        f"P = {weight:g}": WHOLE if weight == WHOLE.foreground_weight else Variant(f"ACGA, P = {weight:g}", foreground_weight=weight)
        for weight in (1.0, 1.5, 2.0, 3.0, 4.0)
    },
    "resolutions": {
        **{f"{count} fused": Variant(f"ACGA, {count} fused", {"fused_resolutions": count}) for count in (1, 2)},
        "3 fused": WHOLE,
    },
    "weighted_fusion": {  # the baseline's fusion again, now with the weighted loss: is that what it lacks beside ACGA's?
        "weighted loss, 1 fused": Variant("+ weighted loss, 1 fused", {**_CONCATENATION, "fused_resolutions": 1}),
        "weighted loss, 3 fused": WEIGHTED,
    },
}
VARIANTS = {variant.name: variant for grid in GRIDS.values() for variant in grid.values()}
