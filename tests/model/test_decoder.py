"""Changes to a decoder's layers that change its responses in a known way."""

from dataclasses import replace

import pytest
import torch
from helpers.small import CONFIG, WORDS

from acga.data.text import Vocabulary
from acga.errors import ConfigError
from acga.model import ACGA, fold
from acga.model.decoder import rescale_response


@pytest.mark.parametrize("fused", [1, 3])
def test_only_the_final_response_is_rescaled(fused):
    torch.manual_seed(0)
    model = ACGA(replace(CONFIG, fused_resolutions=fused), Vocabulary(WORDS)).eval()
    given = torch.rand(1, model.backbone.channels["mixed_4e"], 4, 2, 2), model.embed(torch.tensor([[2, 3, 0]]))
    with torch.no_grad():
        before = model.from_features(*given)
        rescale_response(model.decoder, 0.2, -1.5)
        after, folded = model.from_features(*given), fold(model).from_features(*given)
    torch.testing.assert_close(after.large, 0.2 * before.large - 1.5)
    torch.testing.assert_close(folded.large, after.large, rtol=1e-4, atol=1e-5)
    assert torch.equal(after.small, before.small) and torch.equal(after.medium, before.medium)


def test_a_scale_is_positive():
    with pytest.raises(ConfigError, match="not by 0"):
        rescale_response(ACGA(CONFIG).decoder, 0, 0)
