"""Every size and switch, in five frozen dataclasses. An ablation is `dataclasses.replace(config, field=value)`.

>>> from dataclasses import replace
>>> from acga import ACGAConfig
>>> config = ACGAConfig.paper()
>>> replace(config, language_guided_vision=False).language_guided_vision
False
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from .errors import ConfigError
from .system.schema import Amount, Checked, Count, Range, Seed, Share, Weight, misfit

Stem = Literal["i3d", "image"]
Matching = Literal["attention", "concatenation", "dynamic_convolution"]
Blindness = Literal["none", "text", "motion"]
Precision = Literal["fp32", "tf32", "bf16"]
SentenceStyle = Literal["everyday", "one-order", "half-relational", "relational", "looks"]
Contrasts = Literal["none", "looks", "motion"]
Channels = Annotated[int, Range(1, 4096)]
Epochs = Annotated[float, Range(0, 1e6, above=True)]
Rate = Annotated[float, Range(0, 1e3)]  # of learning
FeatureKind = Literal["plain", "mirrored", "still"]  # of clips as they are, mirrored, or repeating the annotated frame

COORDINATES = 8  # xmin, ymin, xmax, ymax, xctr, yctr, 1/W, 1/H (docs/PAPER.md, below eq. 2)
VOCABULARY_SIZE = 19232  # ids of the embedded word vectors
STRIDE = 16  # pixels of the input per cell of mixed_4e


_RENAMED = {"frames": "clip_length", "words": "max_query_length"}  # as files of weights of version 0.1 call them


@dataclass(frozen=True, kw_only=True)
class ACGAConfig(Checked):
    """The network. `paper()` is the published one, `mini()` the embedded default; `thin()` is the paper's form at toy size."""

    size: Annotated[int, Range(STRIDE, 4096)] = 512  # side in pixels of the square that a frame is padded and resized to; a multiple of 16
    second_size: Annotated[int, Range(0, 4096)] = 0  # ours: side of the squares that a `Segmenter` looks at besides, and averages; 0: none
    clip_length: Annotated[int, Range(4, 256)] = 16  # frames in a clip, the annotated one at index clip_length // 2
    max_query_length: Annotated[int, Range(1, 1000)] = 20  # longest query; shorter ones are padded
    vocabulary_size: Annotated[int, Range(2, 10**7)] = 1289  # ids of the word table: 0 is padding, 1 an unknown word
    stem: Stem = "i3d"  # what sees the frames: I3D to mixed_4e or, ours, an image network (EfficientNet-Lite0) on every fourth frame
    motion: bool = False  # ours: optical flow beside the maps of an image stem
    backbone_width: Annotated[float, Range(0, 4, above=True)] = 1.0  # multiplies every channel count of the stem, and of I3D's mixed_4f
    language_width: Channels = 300  # channels of the text encoder (eq. 1) and, unless `word_width` says otherwise, of word vectors
    word_width: Annotated[int, Range(0, 4096)] = 0  # ours: channels of word vectors, if they differ from `language_width`
    # small, medium, large; the first is mixed_4f's, free with an image stem
    vision_widths: tuple[Channels, Channels, Channels] = (832, 256, 128)
    classifier_widths: tuple[Channels, Channels, Channels] = (256, 128, 64)  # hidden channels of each FCN (eq. 11)
    matching: Matching = "attention"  # how language meets vision; the other two are what the paper argues against
    vision_guided_language: bool = True  # eq. 4; off: the max-pooled sentence is tiled over all pixels
    language_guided_vision: bool = True  # eq. 8; off: F_V goes to the decoder as it is
    fused_resolutions: Annotated[int, Range(1, 3)] = 3  # eq. 12 fuses the finest this many responses; 1: the final response is R^L alone
    residual: bool = False  # ours: F_VA + F_VC instead of F_VA
    rescale_features: bool = False  # ours: unit-norm features (eq. 2) times sqrt(channels), so that they are of order one
    mask_padding: bool = False  # ours: the official softmax and max run over padding words too

    def __post_init__(self) -> None:
        super().__post_init__()
        mixed_4f = sum(scaled(channels, self.backbone_width) for channels in (256, 320, 128, 128))
        checks = {
            f"size {self.size} is not a multiple of {STRIDE}": self.size % STRIDE == 0,
            f"second_size {self.second_size} is not a multiple of {STRIDE}": self.second_size % STRIDE == 0,
            f"clip_length {self.clip_length} is not a multiple of 4": self.clip_length % 4 == 0,
            'motion goes with stem="image" alone; choose motion=False': self.stem == "image" or not self.motion,
            f"vision_widths[0] is {self.vision_widths[0]}, mixed_4f has {mixed_4f} channels at this backbone_width": (
                self.stem == "image" or self.vision_widths[0] == mixed_4f
            ),
        }
        for message, holds in checks.items():
            if not holds:
                raise ConfigError(f"ACGAConfig: {message}.")

    @property
    def word_channels(self) -> int:
        """Channels of word vectors."""
        return self.word_width or self.language_width

    @classmethod
    def paper(cls) -> ACGAConfig:
        """The published network: 512 px, full widths (docs/PAPER.md, "Widths in the official code")."""
        return cls()

    @classmethod
    def thin(cls) -> ACGAConfig:
        """The paper's form at toy size: a thin I3D and 128 px, every switch as published."""
        return cls(
            size=128,
            vocabulary_size=512,
            backbone_width=0.25,
            language_width=96,
            vision_widths=(208, 64, 32),
            classifier_widths=(96, 48, 24),
        )

    @classmethod
    def thin_residual(cls) -> ACGAConfig:
        """`thin()` with rescaled features and a residual around eq. 8: what the notebooks take apart and the study varies."""
        return dataclasses.replace(cls.thin(), rescale_features=True, residual=True)

    @classmethod
    def mini(cls) -> ACGAConfig:
        """The embedded default: an image stem that knows photographs, word vectors that know English; its file looks at 384 and 256 px."""
        return cls(
            size=256,
            vocabulary_size=VOCABULARY_SIZE,
            stem="image",
            motion=True,
            language_width=96,
            word_width=50,
            vision_widths=(208, 48, 24),
            classifier_widths=(96, 32, 16),
            rescale_features=True,
            residual=True,
            mask_padding=True,
        )

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> ACGAConfig:
        """Build from plain values, as saved beside weights. Raises `ConfigError` on an unknown field and for anything but a table."""
        text = misfit(fields, dict[str, Any], "a configuration")
        if text is not None:
            raise ConfigError(f"ACGAConfig: {text}.")
        fields = {_RENAMED.get(name, name): value for name, value in fields.items()}
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(fields) - known)
        if unknown:
            raise ConfigError(f"ACGAConfig has no field {unknown[0]!r}; it has {', '.join(sorted(known))}.")
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class PretrainConfig(Checked):
    """The recipe of pretraining the backbone; chosen on the validation split of the drawn training videos."""

    epochs: Annotated[int, Range(1, 10**6)] = 30  # passes over the training clips
    batch_size: Count = 16  # clips a step
    learning_rate: Rate = 2e-3  # of AdamW, after a warm-up and before a cosine to zero
    weight_decay: Share = 1e-2  # of AdamW
    seed: Seed = 0  # of everything that is random
    shift: Annotated[int, Range(0, 4096)] = 16  # augmentation: pixels, at most, that a clip is moved by
    contrast: Share = 0.2  # augmentation: relative change, at most; small enough for colours to keep their names
    brightness: Share = 0.1  # augmentation: change of values in [-1, 1], at most
    close_up_share: Share = 0.0  # of the run, from its start, that sees close-ups of actors instead of whole frames
    close_up_size: Annotated[int, Range(STRIDE, 4096)] = 96  # side of a close-up in pixels, a multiple of 16
    head_width: Channels = 64  # hidden channels of the head that is thrown away
    batch_norm_momentum: Share = 0.05  # the statistics that are frozen later average over about 20 steps
    precision: Precision = "bf16"  # of convolutions; weights and statistics stay fp32


@dataclass(frozen=True, kw_only=True)
class LossConfig(Checked):
    """Eq. 14-16, and two additions of ours, off by default."""

    foreground_weight: Weight = 1.5  # P
    resolution_weights: tuple[Weight, Weight, Weight] = (1.0, 1.0, 1.0)  # lambda of small, medium, large; 0 0 at the end saves their cost
    dice: Weight = 0.0  # ours: weight of a Dice loss beside the cross-entropy, at every resolution
    other_actors_weight: Weight = 1.0  # ours: of background pixels that show another annotated actor


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Checked):
    """The recipe of training the part after mixed_4e on sentences (docs/PAPER.md, "Training"); the defaults are the paper's."""

    epochs: Epochs = 12  # passes over the training sentences; a fraction for short runs
    batch_size: Count = 4  # sentences a step
    learning_rate: Rate = 5e-4  # of Adam
    attention_rate: Rate = 1.0  # ours: times the learning rate of eq. 3-8, whose softmax a large rate saturates before anything is learned
    decay_every: Amount = 8  # epochs; 0: cosine decay to zero over the run instead
    decay: Share = 0.1  # factor of the learning rate every `decay_every` epochs
    seed: Seed = 0  # of everything that is random
    blind_to: Blindness = "none"  # controls: "text" hides the query, "motion" repeats one frame
    ema_decay: Share = 0.0  # ours: a step, of the exponential moving average of weights that is validated and saved; 0: no average
    mirror: bool = False  # ours: half of the samples are shown mirrored, with "left" and "right" exchanged in the query
    sentences_per_clip: Count = 1  # ours: of a step that share the clip and what is computed of it; several teach to tell actors apart
    absent_share: Share = 0.0  # ours: of the sentences, that speak of a kind of actor that the clip does not show; their mask is empty
    word_noise: Annotated[float, Range(0, 0.9)] = 0.0  # ours: of the words, replaced by any other one; as often, any are put in between
    scaled_attention: bool = False  # ours: the linear layers of eq. 3-8 begin with a variance of 1 / inputs, not with 0.02 squared
    coarse_start: bool = False  # ours: finer responses begin at zero, and the final one as the finest that has been trained
    recompute: bool = False  # ours: sentences go through attention and decoder one by one, twice: slower, in the memory of one
    precision: Precision = "fp32"  # ours, of features and steps: "bf16", or on NVIDIA GPUs "tf32", rounds what is convolved and multiplied
    loss: LossConfig = LossConfig()

    @classmethod
    def short(cls) -> TrainConfig:
        """The recipe of a study's runs, at the size of `ACGAConfig.thin()`: minutes each."""
        return cls(epochs=0.2, batch_size=16, learning_rate=3e-3, attention_rate=0.3, decay_every=0, precision="bf16")


@dataclass(frozen=True, kw_only=True)
class SynthesisConfig(Checked):
    """The drawn world to draw: how much, and which. Raises `ConfigError` where the parts do not go together."""

    train: Amount = 2000  # number of training videos
    test: Amount = 400  # number of test videos
    sentences: Annotated[int, Range(0, 1000)] = 4  # for each actor; 0 gives its kind and action as a label, for pretraining (a2d)
    frames: Annotated[int, Range(1, 10000)] | None = None  # of each video, 24 to 32 by default; up to 16 have one annotated frame (a2d)
    crowded: bool = False  # more actors a scene, for pretraining (a2d)
    # of every test actor, half of the sentences are phrased as no training sentence is; otherwise all sentences of half of the actors (a2d)
    mixed: bool = False
    # how sentences are worded: variously; in one order of words, held-out ones aside; beside others of a kind sometimes or mostly by what
    # an actor is to the others; or by what it looks like and does alone (a2d)
    sentence_style: SentenceStyle = "everyday"
    edition: Literal[1, 2] = 1  # of the drawn world: 1 is flat and small, 2 is shaded, textured, larger and more crowded
    cutouts: str | None = None  # folder of photographs with instance masks, some of which become actors (a2d, edition 2)
    bystanders: bool = False  # one to three other people beside the annotated one (jhmdb, edition 2)
    # only scenes of a few of one kind: that differ in colour, in action or in both; or that only motion tells apart (a2d, edition 2)
    contrasts: Contrasts = "none"
    seed: Seed = 0  # of everything that is random
    workers: Annotated[int, Range(0, 1024)] = 2  # processes that draw

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cutouts is not None and self.edition == 1:
            raise ConfigError("Cut-outs are drawn in the second edition only; choose edition 2.")
        if self.bystanders and self.edition == 1:
            raise ConfigError("Bystanders are drawn in the second edition only; choose edition 2.")
        if self.contrasts != "none" and self.edition == 1:
            raise ConfigError("Contrasts are drawn in the second edition only; choose edition 2.")


def scaled(channels: int, width: float) -> int:
    """A channel count of a backbone at a given width, at least 4.

    >>> scaled(528, 1.0), scaled(16, 0.25)
    (528, 4)
    """
    return max(4, round(channels * width))
