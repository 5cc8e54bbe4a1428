"""ACGA: the encoders, the attention and the decoder put together (the parts are injected; the configuration owns the sizes)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from ..config import COORDINATES, STRIDE, ACGAConfig
from ..data.text import Vocabulary
from ..errors import ConfigError, WeightsError
from .attention import (
    Attended,
    CrossGuidedAttention,
    LanguageGuidedVisionAttention,
    TiledSentence,
    VisionGuidedLanguageAttention,
    VisionIdentity,
    padding_mask,
)
from .backbone import Backbone
from .baselines import Concatenation, DynamicConvolution
from .decoder import RESOLUTIONS, Classifier, Decoder, Deconvolution, Responses
from .encoders import TextEncoder, encode_video, with_coordinates
from .i3d import I3D
from .image_stem import ImageBackbone
from .presence import Presence
from .state_dicts import WeightsSource


class ACGA(nn.Module):
    """Asymmetric Cross-Guided Attention network (Wang et al., ICCV 2019).

    Any part can be given instead of the one that `config` describes. The backbone's stem (to mixed_4e) is frozen: it stays in
    evaluation mode and takes no gradient, as in the paper; `training_parameters()` are the rest. Without a word table (official weights
    have none) it starts from word vectors: `from_features`. In the shapes below mixed_4e has E channels (528 in the paper), F_V has
    C (832), word vectors V (300).

    >>> model = ACGA(ACGAConfig.thin_residual()).eval()
    >>> responses = model(torch.zeros(1, 3, 16, 64, 96), torch.tensor([[2, 3, 0, 0]]))
    >>> [tuple(response.shape) for response in responses]
    [(1, 4, 6), (1, 16, 24), (1, 64, 96)]
    """

    source: WeightsSource | None = None  # of weights that were read from a file
    presence: Presence | None = None  # from what agreement of two responses on an actor is there, if these weights were calibrated
    fuses_attention = False  # from features to responses, eq. 8 is computed in one step; `fold` sets it

    def __init__(
        self,
        config: ACGAConfig,
        vocabulary: Vocabulary | None = None,
        *,
        backbone: Backbone | None = None,
        text_encoder: nn.Module | None = None,
        attention: nn.Module | None = None,
        decoder: nn.Module | None = None,
        with_word_table: bool = True,
    ) -> None:
        super().__init__()
        if vocabulary is not None and len(vocabulary) > config.vocabulary_size:
            raise ConfigError(f"The vocabulary has {len(vocabulary)} ids, but ACGAConfig.vocabulary_size is {config.vocabulary_size}.")
        if backbone is not None:
            _check_backbone(backbone, config)
        self.config = config
        self.vocabulary = vocabulary
        self.word_table: nn.Embedding | None = None
        if with_word_table:
            self.word_table = _new_word_table(config.vocabulary_size, config.word_channels)
        self.backbone = build_backbone(config) if backbone is None else backbone
        self.text_encoder = TextEncoder(config.language_width, config.word_width) if text_encoder is None else text_encoder
        self.attention = build_attention(config) if attention is None else attention
        self.decoder = build_decoder(config) if decoder is None else decoder
        self.backbone.stem.requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> Self:
        """As for any module, but the frozen stem stays in evaluation mode, so that its BatchNorm keeps its statistics."""
        super().train(mode)
        self.backbone.stem.eval()
        return self

    def training_parameters(self) -> list[nn.Parameter]:
        """The parameters for an optimiser: everything but the frozen stem."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def forward(self, clip: Tensor, tokens: Tensor) -> Responses:
        """Clips (B, 3, T, H, W) in [-1, 1], H and W multiples of 16, and word ids (B, L), 0 = padding, to responses."""
        return self.from_features(self.features(clip), self.embed(tokens))

    def features(self, clip: Tensor) -> Tensor:
        """Clips (B, 3, T, H, W) in [-1, 1] to mixed_4e (B, E, T/4, H/16, W/16), without gradient."""
        channels = self.backbone.input_channels
        if clip.ndim != 5 or clip.shape[1] != channels or clip.shape[3] % STRIDE or clip.shape[4] % STRIDE or 0 in clip.shape:
            raise ValueError(
                f"A clip should be (B, {channels}, T, H, W), H and W multiples of {STRIDE}, but is {tuple(clip.shape)}: "
                "pad and resize its frames first."
            )
        with torch.no_grad():
            return self.backbone.stem(clip)

    def embed(self, tokens: Tensor) -> Tensor:
        """Word ids (B, L) to word vectors (B, L, V); ids of padding give zeros."""
        if self.word_table is None:
            raise ConfigError(
                'These weights came without word vectors: load them with words="vectors.bin", or use from_features(features, word_vectors).'
            )
        if tokens.ndim != 2:
            raise ValueError(f"Tokens should be word ids (B, L), but are {tuple(tokens.shape)}.")
        return self.word_table(tokens)

    def attend(self, features: Tensor, word_vectors: Tensor, clips: Tensor | None = None) -> Attended:
        """Eq. 1-9: mixed_4e (B, E, T/4, h, w) and word vectors (B, L, V) to both attended maps and their weights.

        With `clips` (Q,), there are word vectors (Q, L, V) of Q queries, each about the clip of that number.
        """
        return self.guide(self.encode(features), word_vectors, clips)

    def encode(self, features: Tensor) -> Tensor:
        """Eq. 2, which no query changes: mixed_4e (B, E, T/4, h, w) to F_V (B, C, h, w)."""
        channels = self.backbone.channels["mixed_4e"]
        if features.ndim != 5 or features.shape[1] != channels:
            raise ValueError(f"Features should be mixed_4e (B, {channels}, T/4, h, w), but are {tuple(features.shape)}.")
        return encode_video(self.backbone.mixed_4f(features), rescale=self.config.rescale_features)

    def guide(self, visual: Tensor, word_vectors: Tensor, clips: Tensor | None = None, *, with_pixel_weights: bool = True) -> Attended:
        """Eq. 1 and 3-9: F_V (B, C, h, w) and word vectors (B, L, V) to attended maps and their weights; `clips` as in `attend`.

        Eq. 8 is faster where its weights (B, N, N) are not asked for.
        """
        width = self.config.word_channels
        if word_vectors.ndim != 3 or word_vectors.shape[2] != width:
            raise ValueError(f"Word vectors should be (B, L, {width}), but are {tuple(word_vectors.shape)}.")
        if (len(visual) if clips is None else len(clips)) != len(word_vectors):
            raise ValueError(
                f"There are features of {len(visual)} clips, but word vectors of {len(word_vectors)} queries: repeat one, or give clips."
            )
        visual = visual if clips is None else visual[clips]  # (Q, C, h, w)
        padding = padding_mask(word_vectors) if self.config.mask_padding else None
        # what was injected in its place may always make them
        less = {"with_pixel_weights": False} if isinstance(self.attention, CrossGuidedAttention) and not with_pixel_weights else {}
        return self.attention(with_coordinates(visual), self.text_encoder(word_vectors), padding, **less)

    def from_features(self, features: Tensor, word_vectors: Tensor, clips: Tensor | None = None) -> Responses:
        """Everything after the frozen stem: mixed_4e (B, E, T/4, h, w) and word vectors (B, L, V) to responses.

        `clips` as in `attend`: several queries about a clip.
        """
        return self.decode(self.guide(self.encode(features), word_vectors, clips, with_pixel_weights=not self.fuses_attention))

    def decode(self, attended: Attended) -> Responses:
        """Eq. 10-13: attended maps to responses; the decoder computes coordinates of its own."""
        return self.decoder(attended.vision[:, :-COORDINATES], attended.language)


def _new_word_table(words: int, width: int) -> nn.Embedding:
    """Word vectors to be learned, drawn from N(0, 1) but for padding; on "meta" they stay as they are (as in attention's layers)."""
    vectors = torch.empty(words, width)
    if not vectors.is_meta:
        nn.init.normal_(vectors)
        vectors[0] = 0
    return nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=0)


def _check_backbone(backbone: Backbone, config: ACGAConfig) -> None:
    if backbone.kind != config.stem:
        raise ConfigError(f"ACGA was given {type(backbone).__name__} as its backbone, but its config says stem={config.stem!r}.")
    if list(backbone.channels.items())[-1] != ("mixed_4f", config.vision_widths[0]):
        raise ConfigError(
            f"ACGA needs a backbone through mixed_4f, {config.vision_widths[0]} channels wide there by its config: "
            'build it with the config\'s widths (an I3D with through="mixed_4f").'
        )


def build_backbone(config: ACGAConfig, settings: dict[str, Any] | None = None) -> Backbone:
    """The backbone that the configuration asks for, with new weights; `settings` are those of an earlier one."""
    if config.stem == "image":
        asked = {"width": config.backbone_width, "outputs": config.vision_widths[0], "motion": config.motion}
        return ImageBackbone.of_settings(settings or asked)
    return I3D.of_settings(settings or {"width": config.backbone_width, "through": "mixed_4f"})


def load_backbone(path: str | Path, config: ACGAConfig) -> Backbone:
    """A pretrained backbone for the configuration. Raises `WeightsError` if the file holds none, `ConfigError` if its width differs."""
    backbone: Backbone
    if config.stem == "image":
        backbone = ImageBackbone.from_file(path, outputs=config.vision_widths[0], motion=config.motion)
    else:
        backbone = I3D.from_file(path, through="mixed_4f")
    if backbone.input_channels != 3:
        raise WeightsError(f"{path} sees {backbone.input_channels} channels, as of optical flow; frames have 3: use weights for RGB.")
    if backbone.width != config.backbone_width:
        name, asked = type(backbone).__name__, config.backbone_width
        raise ConfigError(f"{path} holds an {name} of width {backbone.width}; this configuration asks for {asked}.")
    return backbone


def scale_attention(attention: nn.Module) -> None:
    """Let the weights of all linear layers begin with a variance of 1 / inputs, so that scores are of order one from the start."""
    for layer in attention.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)


def build_attention(config: ACGAConfig) -> CrossGuidedAttention:
    """The matching of language with vision that the configuration asks for."""
    if config.matching != "attention":
        return Concatenation()
    sizes = {"vision_width": config.vision_widths[0] + COORDINATES, "language_width": config.language_width}
    return CrossGuidedAttention(
        language=VisionGuidedLanguageAttention(**sizes) if config.vision_guided_language else TiledSentence(),
        vision=LanguageGuidedVisionAttention(**sizes, residual=config.residual) if config.language_guided_vision else VisionIdentity(),
    )


def build_decoder(config: ACGAConfig) -> Decoder:
    """The decoder that the configuration asks for."""
    small, medium, large = config.vision_widths
    classifiers: dict[str, nn.Module] = {}
    for name, vision_width, hidden in zip(RESOLUTIONS, config.vision_widths, config.classifier_widths, strict=True):
        sizes = {"vision_width": vision_width, "language_width": config.language_width}
        dynamic = config.matching == "dynamic_convolution"
        classifiers[name] = DynamicConvolution(**sizes) if dynamic else Classifier(**sizes, hidden=hidden)
    return Decoder(
        deconvolutions={"medium": Deconvolution(small, medium), "large": Deconvolution(medium, large)},
        classifiers=classifiers,
        fused_resolutions=config.fused_resolutions,
    )
