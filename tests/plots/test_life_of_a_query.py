"""The moving picture of a query: its numbers are those of the layer, and it has six stages."""

import io
from itertools import pairwise

import numpy as np
import torch
from PIL import Image

from acga.model.attention import VisionGuidedLanguageAttention
from acga.plots.life_of_a_query import QueryLife


def life(padding=3):
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    layer = VisionGuidedLanguageAttention(vision_width=6, language_width=10)
    vision, text = torch.randn(1, 6, 2, 4, generator=generator), torch.randn(1, 2 + padding, 10, generator=generator)
    with torch.no_grad():
        mixed, weights = layer(vision, text)
        scores = text[0] @ layer.projection(vision[0, :, 1, 2]) / 10**0.5
    response = rng.random((32, 32))
    frame = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    shown = QueryLife(frame, (1, 2), (2, 4), ["red", "dog"], scores.numpy(), text[0].numpy(), response, response > 0.5)
    return shown, mixed[0, :, 1, 2].numpy(), weights[0, 1 * 4 + 2].numpy()


def test_weights_and_mixture_are_the_layers():
    shown, mixed, weights = life()
    assert np.allclose(shown.weights, weights, atol=1e-6) and np.allclose(shown.mixture, mixed, atol=1e-6)


def test_six_stages_in_a_small_file():
    for padding in (0, 3):
        stored = life(padding)[0].animate()
        picture = Image.open(io.BytesIO(stored))
        assert picture.n_frames == 6 and picture.info["loop"] == 0 and len(stored) < 400_000
        stages = [np.array(picture.convert("RGB")) for number in range(6) if picture.seek(number) is None]
        assert all((one != other).any() for one, other in pairwise(stages))
