"""Variants differ as their names say, and none is another one by a second name."""

from dataclasses import replace

import pytest

from acga.config import ACGAConfig
from acga.study.variants import BASE, GRIDS, LADDER, VARIANTS


def test_variants_differ_as_their_names_say():
    ladder = GRIDS["claims"]
    assert ladder["ACGA"].config() == BASE == replace(ACGAConfig.thin_residual(), residual=False)
    assert ladder["ACGA, residual"].config() == ACGAConfig.thin_residual()
    assert ladder["ACGA, unit-norm features"].config() == ACGAConfig.thin()
    assert ladder["concatenation"].config().fused_resolutions == 1 and ladder["concatenation"].foreground_weight == 1
    assert ladder["dynamic convolution, learning rate 0.001"].recipe(0).learning_rate == 0.001


def test_no_two_variants_are_trained_alike():
    made = [(variant.config(), variant.recipe(0)) for variant in VARIANTS.values()]
    assert not [one for number, one in enumerate(made) if one in made[:number]]
    assert GRIDS["resolutions"]["3 fused"] == GRIDS["foreground_weight"]["P = 1.5"] == GRIDS["claims"]["ACGA"]
    assert all(VARIANTS[variant.name] == variant for variant in LADDER)


@pytest.mark.parametrize(("grid", "field"), [("resolutions", "fused_resolutions"), ("weighted_fusion", "fused_resolutions")])
def test_a_sweep_changes_one_field(grid, field):
    values = [variant.config().to_dict() for variant in GRIDS[grid].values()]
    differ = {name for one in values for name in one if one[name] != values[0][name]}
    assert differ == {field}
