"""A network small enough for tests to run on every frame, with answers that depend on the video, the place and the sentence."""

import dataclasses
import json

import numpy as np
import torch
from helpers import fill

from acga.config import ACGAConfig
from acga.data.text import Vocabulary
from acga.data.video import VideoWriter
from acga.model import ACGA, ImageBackbone
from acga.model.checkpoints import save_model

WORDS = ("man", "dog", "red", "green", "running", "on", "the", "left")
CONFIG = ACGAConfig(
    size=32,
    vocabulary_size=len(WORDS) + 2,
    backbone_width=0.0625,
    language_width=8,
    vision_widths=(52, 8, 8),
    classifier_widths=(8, 8, 8),
    rescale_features=True,
)


def spelled(config):
    """A configuration as the command line takes it."""
    fields = config.to_dict().items()
    return ["--change", *(f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in fields)]


def write_words(path, words, width=CONFIG.word_channels):
    """Random vectors in a file of word2vec's form."""
    rng = np.random.default_rng(0)
    lines = b"".join(word.encode() + b" " + rng.normal(size=width).astype("<f4").tobytes() for word in words)
    path.write_bytes(b"%d %d\n" % (len(words), width) + lines)
    return path


def small_model():
    """Random weights, with the statistics of its normalisations measured: otherwise its features would be close to zero."""
    torch.manual_seed(0)
    model = ACGA(CONFIG, Vocabulary(WORDS))
    for module in model.backbone.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.momentum = None
            module.train()
    with torch.no_grad():
        model.backbone(torch.rand(4, 3, 16, 32, 32) * 2 - 1)
        for parameter in (*model.attention.parameters(), *model.decoder.parameters()):
            parameter.mul_(4)
    return model.eval()


def save_small_model(path):
    save_model(small_model(), path, provenance={"seed": 0})
    return path


def moving_frames(count, size=(30, 44)):
    """A bright spot that moves over a gradient, so that no two frames are alike."""
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    for index in range(count):
        frame = np.stack([rows * 200 // height, columns * 200 // width, np.full(size, index * 5 % 255)], axis=-1).astype(np.uint8)
        frame[height // 3 : height // 3 + max(height // 4, 1), index * 3 % width :][:, : max(width // 6, 1)] = (250, 60, 40)
        yield frame


def write_clip(path, count=12, size=(30, 44)):
    with VideoWriter(path, 10, size) as video:
        for frame in moving_frames(count, size):
            video.write(frame)
    return path


IMAGE_CONFIG = dataclasses.replace(CONFIG, stem="image", backbone_width=0.1, vision_widths=(12, 8, 8))


def image_backbone():
    """An image backbone whose features depend on the picture, as random weights with small variance would not let them."""
    backbone = ImageBackbone(width=IMAGE_CONFIG.backbone_width, outputs=IMAGE_CONFIG.vision_widths[0])
    for name, value in backbone.stem.state_dict().items():
        value.copy_(torch.from_numpy(fill.parameter(name, tuple(value.shape))))
    return backbone.eval()


def small_image_model():
    """As `small_model`, with an image stem."""
    torch.manual_seed(0)
    model = ACGA(IMAGE_CONFIG, Vocabulary(WORDS), backbone=image_backbone())
    with torch.no_grad():
        model.backbone.calibrate(model.features(torch.rand(4, 3, 16, 32, 32) * 2 - 1))
        for parameter in (*model.attention.parameters(), *model.decoder.parameters()):
            parameter.mul_(4)
    return model.eval()
