"""Names of published weights (official ACGA, hassony2's and piergiaj's I3D) turned into ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

# The trained part of official ACGA. Its keys and queries are swapped with respect to eq. 8 (docs/PAPER.md, quirk 2).
OFFICIAL_NAMES = {
    "txt_model.0": "text_encoder.convolution",
    "attention_layer.video_reduce": "attention.language.projection",
    "attention_layer.video_linearK": "attention.vision.query",
    "attention_layer.video_linearQ": "attention.vision.key",
    "attention_layer.video_linearV": "attention.vision.value",
    "attention_layer.txt_increase": "attention.vision.gate",
    "deconv_small.0": "decoder.deconvolutions.medium.transposed",
    "deconv_small.1": "decoder.deconvolutions.medium.convolution",
    "deconv_medium.0": "decoder.deconvolutions.large.transposed",
    "deconv_medium.1": "decoder.deconvolutions.large.convolution",
    "conv_fusion": "decoder.fusion",
    **{
        f"conv_mask_{size}.{layer}": f"decoder.classifiers.{size}.layers.{layer}"
        for size in ("small", "medium", "large")
        for layer in (0, 2, 4)
    },
}


def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = "video_model.model."
    backbone = from_hassony2({name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)})
    renamed = {f"backbone.{name}": value for name, value in backbone.items()}
    for name, value in state.items():
        if not name.startswith(prefix):
            layer, _, kind = name.rpartition(".")
            renamed[f"{OFFICIAL_NAMES.get(layer, layer)}.{kind}"] = value
    return renamed


def from_piergiaj(name: str) -> str:
    """The hassony2 name of a piergiaj entry.

    >>> from_piergiaj("Mixed_3b.b1a.bn.weight"), from_piergiaj("Mixed_3b.b0.conv3d.weight")
    ('mixed_3b.branch_1.0.batch3d.weight', 'mixed_3b.branch_0.conv3d.weight')
    """
    name = name[0].lower() + name[1:].replace(".bn.", ".batch3d.")
    name = re.sub(r"\.b(\d)([ab])\.", lambda match: f".branch_{match[1]}.{'ab'.index(match[2])}.", name)
    return name.replace(".b0.", ".branch_0.")


def from_hassony2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our names for an I3D in hassony2's; the Kinetics classifier is left out."""
    renamed = {}
    for name, value in state.items():
        stage = name.partition(".")[0]
        if stage in ("conv3d_0c_1x1", "logits"):
            continue
        part = "" if stage == "mixed_4f" else "tail." if stage.startswith("mixed_5") else "stem."
        renamed[part + name.replace(".conv3d.", ".convolution.").replace(".batch3d.", ".normalisation.")] = value
    return renamed
