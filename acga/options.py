"""The options of every command, written once: for the command line, whose help they are, and for Python.

>>> options = TrainOptions(root=Path("drawn"), out=Path("runs/mini"), backbone=Path("backbone.safetensors"), device="cpu")
>>> options.config.size, options.recipe.epochs
(128, 12)
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, get_args

from tyro.conf import FlagCreatePairsOff, Positional, arg

from .config import ACGAConfig, Blindness, Epochs, FeatureKind, Precision, PretrainConfig, SynthesisConfig, TrainConfig
from .errors import ConfigError
from .system.files import parse_json
from .system.schema import Checked, Count, Range, Seed, Share

NetworkName = Literal["mini", "thin_residual", "thin", "paper"]
Split = Literal["train", "test"]
OverlayFormat = Literal["mp4", "gif", "webm"]
MaskFormat = Literal["png", "npz", "json"]
Grid = Literal["claims", "controls", "foreground_weight", "resolutions", "weighted_fusion"]


def configure(network: NetworkName, changes: Sequence[str]) -> ACGAConfig:
    """A named configuration with some fields changed, each given as field=value. Raises `ConfigError`.

    >>> configure("thin_residual", ["size=64", "residual=false"]).residual
    False
    """
    fields = getattr(ACGAConfig, network)().to_dict()
    for name, equals, text in (change.partition("=") for change in changes):
        if not equals:
            raise ConfigError(f"{name!r} does not say field=value.")
        default = fields.get(name, "")
        try:
            value = text if isinstance(default, str) else parse_json(text.lower())
        except ValueError:
            value = None
        if type(value) not in {tuple: (list,), float: (float, int)}.get(type(default), (type(default),)):
            raise ConfigError(f"{text!r} is no value for {name}, which is {json.dumps(default)} by default.")
        fields[name] = value
    return ACGAConfig.from_dict(fields)


Changes = Annotated[tuple[str, ...], arg(help="fields of the configuration that differ, as field=value", help_behavior_hint="")]


def network_named(
    network: Annotated[NetworkName, arg(help="the configuration", help_behavior_hint="(default: thin_residual)")] = "thin_residual",
    change: Changes = (),
) -> ACGAConfig:
    return configure(network, change)


def studied_network(
    network: Annotated[
        NetworkName | None,
        arg(help="the configuration that variants change", help_behavior_hint="(default: thin_residual without its residual)"),
    ] = None,
    change: Changes = (),
) -> ACGAConfig:
    return configure(network or "thin_residual", change if network else ("residual=false", *change))


Root = Annotated[Path, arg(metavar="ROOT", help="the folder of a release, drawn or real")]
Config = Annotated[ACGAConfig, arg(name="", constructor=network_named)]
BackboneFile = Annotated[
    Path, arg(help="weights of an I3D, frozen up to mixed_4e: from acga pretrain, or published ones; with stem=image, EfficientNet-Lite0's")
]
WeightsFile = Annotated[
    str, arg(help='"mini" or "thin_residual", which come with the package, or a file: ours (.safetensors) or official (.pth, .pth.tar)')
]
WordVectors = Annotated[Path | None, arg(help="word vectors (a word2vec binary file), for weights that come without")]
Device = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    arg(help="where to compute; auto takes an NVIDIA GPU if there is one, mps is that of Apple's chips"),
]
Workers = Annotated[int, Range(0, 1024), arg(help="processes that decode videos")]
CheckpointEvery = Annotated[int, Range(1, 10**9), arg(help="steps between checkpoints, from which an interrupted run goes on")]
SecondSize = Annotated[int | None, Range(0, 4096), arg(help_behavior_hint="(default: as the weights were calibrated)")]
Flag = FlagCreatePairsOff[bool]


@dataclass(frozen=True, kw_only=True)
class DemoOptions(Checked):
    """Draw a short clip and segment it from three sentences: the quickest look at what this is.

    Example: acga demo
    """

    out: Path = Path("demo")  # folder for the clip and the results; those of an earlier demo are replaced
    weights: WeightsFile = "mini"
    device: Device = "auto"


@dataclass(frozen=True, kw_only=True)
class SegmentOptions(Checked):
    """Segment the actors that sentences describe, in a video of any length and size.

    Writes OUT/overlay.mp4 (only outlines where it says "not here"), a mask OUT/masks/<query>/<frame>.png (0 / 255) for every query and
    frame, and OUT/summary.json. The overlay can be a gif or webm, too, and masks one file a query: npz (T x H x W) or json (COCO).

    Example: acga segment clip.mp4 "man in red" "dog on the left" --format gif,npz --sheet
    """

    video: Positional[Annotated[Path, arg(metavar="VIDEO")]]  # a video file, a gif, a picture, or a folder of png or jpg frames
    # sentences of up to 20 words, each of one actor
    queries: Positional[Annotated[tuple[str, ...], arg(metavar='"QUERY" ["QUERY" ...]', help_behavior_hint="(required)")]]
    # folder for the results, new or empty
    out: Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="(default: the video's name and _segmented, in this folder)")] = None
    weights: WeightsFile = "mini"
    words: WordVectors = None
    device: Device = "auto"
    precision: Precision = "fp32"  # "bf16" rounds the inputs of convolutions and products: faster, where the processor has it
    # one of mp4, gif and webm for the overlay, one of png, npz and json for the masks, or one of each
    format: Annotated[str, arg(metavar="OVERLAY,MASKS", help_behavior_hint="(default: mp4,png)")] = ""
    sheet: Flag = False  # write a contact sheet as well, OUT/sheet.jpg: up to twelve frames over the length of the video
    second_size: SecondSize = None  # look at frames in squares of this side, too (it counts a quarter); a multiple of 16, 0: no
    every: Count = 1  # look only at the clip of each n-th frame; between them, responses are interpolated
    threshold: Annotated[float, Range(0, 1)] = 0.5  # share of the largest probability above which a pixel is the actor's; officially half
    minimum_peak: Share = 0.0  # leave the mask empty where no pixel's probability reaches this; officially 0: something is always found
    all_pieces: Flag = False  # keep all parts of a mask, as officially, not only the heaviest, though a sentence describes one actor
    unrefined: Flag = False  # leave outlines as the network gives them, as officially, not drawn to the edges of the picture
    smooth: Flag = False  # average the response in each frame with those in the frames beside it, brought along the optical flow
    overwrite: Flag = False  # replace the results of an earlier run in OUT; other files there stay

    @property
    def folder(self) -> Path:
        """OUT, or what stands for it.

        >>> print(SegmentOptions(video=Path("films/clip.mp4"), queries=("dog",)).folder)
        clip_segmented
        """
        return self.out or Path(f"{Path(os.path.abspath(self.video)).stem}_segmented")

    @property
    def formats(self) -> tuple[OverlayFormat, MaskFormat]:
        """The formats of the overlay and of the masks. Raises `ConfigError`.

        >>> SegmentOptions(video=Path("clip.mp4"), queries=("dog",), format="npz").formats
        ('mp4', 'npz')
        """
        named = [name for name in self.format.split(",") if name]
        overlays, masks = ([name for name in get_args(kinds) if name in named] for kinds in (OverlayFormat, MaskFormat))
        if len(overlays) > 1 or len(masks) > 1 or len(overlays) + len(masks) < len(named):
            raise ConfigError(f"The format {self.format!r} is none: give mp4, gif or webm, or png, npz or json, or both as in gif,npz.")
        return (overlays or ["mp4"])[0], (masks or ["png"])[0]


@dataclass(frozen=True, kw_only=True)
class PretrainOptions(Checked):
    """Pretrain a backbone on which actor, action and colour is where, in the training videos of an A2D Sentences release.

    Writes OUT/model.safetensors and OUT/log.jsonl; an interrupted run goes on when the same command is given again. A real release
    knows no colours (a drawn one has them in scenes.json), so that part of the head then learns nothing.

    Example: acga pretrain drawn --out runs/backbone --epochs 10
    """

    root: Positional[Root]
    out: Path  # folder for the run
    config: Config = field(default_factory=ACGAConfig.thin_residual)
    recipe: Annotated[PretrainConfig, arg(name="")] = field(default_factory=PretrainConfig)
    initial: Path | None = None  # a backbone of the same width to start from, such as that of an earlier run
    cache: Path | None = None  # folder for the decoded clips (0.8 MB each at 128 px), to share between runs; by default OUT/clips
    checkpoint_every: CheckpointEvery = 200
    workers: Workers = 2
    device: Device = "auto"


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Checked):
    """Train everything after mixed_4e on the sentences of an A2D Sentences release; features are extracted first.

    Writes OUT/model.safetensors (the best by mean IoU on a tenth of the training videos, which is held out), OUT/last.safetensors and
    OUT/log.jsonl; an interrupted run goes on when the same command is given again. The defaults are the paper's recipe.

    Example: acga train drawn --out runs/mini --backbone runs/backbone/model.safetensors --learning-rate 3e-3
    """

    root: Positional[Root]
    out: Path  # folder for the run
    backbone: BackboneFile
    config: Config = field(default_factory=ACGAConfig.thin_residual)
    recipe: Annotated[TrainConfig, arg(name="")] = field(default_factory=TrainConfig)
    # other releases to learn from, each with how often an epoch shows it (a fraction shows a part); they play no part in validation
    also: Annotated[tuple[tuple[Path, Annotated[float, Range(0, 1000)]], ...], arg(metavar="[ROOT TIMES ...]")] = ()
    # word vectors that stay fixed: "glove", which come with the package, or a word2vec binary file; without it vectors are learned
    words: Path | None = None
    # further releases, such as J-HMDB Sentences, whose words are to be looked up too, in word vectors from a file
    sentences: Annotated[tuple[Path, ...], arg(metavar="[ROOT ...]")] = ()
    features: Path | None = None  # folder for the extracted features, to share between runs with the same backbone; by default OUT/features
    initial: Path | None = None  # weights of the same configuration to go on from, instead of new ones
    validation_samples: Count = 500  # sentences of the held-out videos, evenly spread, that are looked at after every epoch
    validation_batch_size: Annotated[int, Range(1, 4096)] = 16  # of these at once
    # learn from the held-out videos too, as the paper does: validation then says little, and the last weights are the result
    whole: Flag = False
    drawn: Flag = False  # draw the sentences of each step among all, as the official code does: an epoch does not show each once
    half: Flag = False  # store the weights as 16-bit numbers
    checkpoint_every: CheckpointEvery = 200
    workers: Workers = 2
    device: Device = "auto"


@dataclass(frozen=True, kw_only=True)
class AdaptOptions(Checked):
    """Fit weights to a film of your own, from a few of its frames with masks and sentences; minutes on a laptop.

    FOLDER holds the film's frames in images/, masks in masks/ (pictures; what is not black is the actor), and sentences.csv with the
    columns frame, mask, query: a picture of images/, one of masks/, and what describes the actor there. Writes OUT, weights for all other
    commands, which give no verdicts, and beside them a picture (.jpg) of the annotated frames, before above after.

    Example: acga adapt my_film --out my_film.safetensors
    """

    folder: Positional[Annotated[Path, arg(metavar="FOLDER")]]
    out: Path  # file for the weights (.safetensors)
    weights: WeightsFile = "mini"
    steps: Annotated[Count, arg(help="of Adam, over all examples at once")] = 100
    learning_rate: Annotated[float, Range(0, 1, above=True)] = 1e-3  # at the first step; a cosine leads to zero
    seed: Seed = 0  # of everything that is random


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(Checked):
    """Score weights on a release of either layout, as the official evaluation does, and keep every prediction.

    An interrupted evaluation goes on when the same command is given again. ROOT may also be a folder with the official features (h5).

    Example: acga evaluate drawn --weights mini --out result.json
    """

    root: Positional[Root]
    out: Path  # file for the result (JSON)
    weights: WeightsFile = "mini"
    split: Split = "test"  # of A2D Sentences; J-HMDB Sentences is all for testing
    words: WordVectors = None
    frame_list: Path | None = None  # which frames of J-HMDB Sentences to test (JSON); by default those of MTTR
    blind_to: Blindness = "none"  # a control: text hides the query, motion repeats one frame
    refined: Flag = False  # masks as `acga segment` makes them (one piece, refined outlines, two sizes), not by the official rule
    coco: Flag = False  # add coco_mAP, which ranks predictions by their peak
    masks: Path | None = None  # folder for all predicted masks and their targets, as run lengths in COCO's form (JSON)
    features: Path | None = None  # folder for the extracted features, to be shared; without it, every clip is decoded and seen
    batch_size: Annotated[int, Range(1, 4096)] = 16  # sentences at once
    precision: Precision = "fp32"  # bf16, and on NVIDIA GPUs tf32, round the inputs of convolutions and products
    workers: Workers = 2
    device: Device = "auto"


def reproduced_network(
    network: Annotated[NetworkName, arg(help="the configuration", help_behavior_hint="(default: paper)")] = "paper", change: Changes = ()
) -> ACGAConfig:
    return configure(network, change)


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions(Checked):
    """Go from a release as it was downloaded to the paper's table of it: check, weights, words, features, training, evaluation, report.

    a2d trains and tests; jhmdb tests what a2d trained. Everything is in OUT/a2d or OUT/jhmdb, first of all report.md; given again, it goes
    on where it was interrupted. I3D and the word vectors are looked for in ROOT and in the folder that ROOT is in, and I3D is downloaded.

    Example: acga reproduce a2d --root a2d_sentences --words GoogleNews-vectors-negative300.bin
    """

    release: Positional[Annotated[Literal["a2d", "jhmdb"], arg(metavar="{a2d,jhmdb}")]]
    root: Path  # the folder of the release
    out: Path = Path("runs/reproduce")  # folder for all that is made
    preset: Literal["paper", "official"] = "paper"  # 12 epochs that show every sample once, or 9 as the official code draws them
    weights: Path | None = None  # weights to be evaluated instead of trained: ours (.safetensors) or official (.pth.tar, ckpt.tar)
    backbone: Path | None = None  # weights of an I3D
    words: Path | None = None  # word vectors (a word2vec binary file)
    jhmdb: Path | None = None  # with a2d: the folder of J-HMDB Sentences, whose words the weights are to know as well
    frame_list: Path | None = None  # which frames of J-HMDB Sentences to test (JSON); by default those of MTTR
    variants: Literal["none", "ladder"] = "none"  # ladder: train the rungs of the paper's ablation, too
    config: Annotated[ACGAConfig, arg(name="", constructor=reproduced_network)] = field(default_factory=ACGAConfig.paper)
    epochs: Epochs | None = None  # by default those of the preset
    seed: Seed = 0  # of everything that is random
    precision: Precision = "fp32"  # of every step; bf16, and on NVIDIA GPUs tf32, round the inputs of convolutions and products
    batch_size: Annotated[int, Range(1, 4096)] = 16  # of the evaluation: sentences at once
    workers: Workers = 2
    device: Device = "auto"


@dataclass(frozen=True, kw_only=True)
class AblateOptions(Checked):
    """Train and probe every variant of a grid with several seeds, and sum up what the paper's claims come to.

    Writes OUT/runs.jsonl, one line a run, and OUT/summary.json; given again, it goes on where it stopped, down to the training step.
    Runs learn from ROOT's training split and are tested on its test split. Two processes with other seeds or variants may share OUT.

    Example: acga ablate drawn --out runs/study --backbone runs/backbone/model.safetensors --jhmdb drawn_jhmdb
    """

    root: Positional[Root]
    out: Path  # folder for the study
    backbone: BackboneFile
    grid: Grid = "claims"  # the paper's ladder, blind controls, foreground weights, or fusion in ACGA (resolutions) and in its baseline
    only: Annotated[tuple[str, ...], arg(help_behavior_hint="(default: all)")] = ()  # names of variants, to run a part of the grid
    seeds: Annotated[int, Range(1, 1000)] = 5  # number of runs of each variant
    first_seed: Seed = 0  # the first of these seeds
    config: Annotated[ACGAConfig, arg(name="", constructor=studied_network)] = field(default_factory=studied_network)
    recipe: Annotated[TrainConfig, arg(name="")] = field(default_factory=TrainConfig.short)
    words: Path | None = None  # word vectors that stay fixed, as for acga train; without it vectors are learned
    rates: Path | None = None  # learning rates by the name of a variant (JSON), in place of that of all
    jhmdb: Path | None = None  # the folder of J-HMDB Sentences, to test on without fine-tuning
    paraphrases: Path | None = None  # a release with several phrasings of each instance (acga data synthesize --mixed)
    learn_from: Path | None = None  # another release to train on, such as crowded scenes, in place of the training split of ROOT
    calibrated: Flag = False  # rescale each network's final response on validation, so that none is judged by how sure it is
    probes: Flag = True  # ask perturbed queries and other phrasings, too, and look at attention; without it there are scores alone
    last: Flag = False  # ask each training's last weights, not those that did best on validation
    networks: Path | None = None  # folder to keep the trainings in; another call, say with --calibrated, asks those that are there
    features: Path | None = None  # folder for the extracted features; by default OUT/features
    workers: Workers = 2
    device: Device = "auto"


@dataclass(frozen=True, kw_only=True)
class SynthesizeOptions(Checked):
    """Draw a twin of A2D Sentences, or of J-HMDB Sentences, in the very files of the real release.

    The same seed gives the same files, whatever the number of workers; an interrupted run goes on where it stopped.

    Example: acga data synthesize drawn --train 2000 --test 400
    """

    root: Positional[Annotated[Path, arg(metavar="ROOT")]]  # folder for the release, new or empty
    layout: Literal["a2d", "jhmdb"] = "a2d"  # which release's files to write; jhmdb has test videos only
    recipe: Annotated[FlagCreatePairsOff[SynthesisConfig], arg(name="")] = SynthesisConfig()  # noqa: RUF009 (frozen)


@dataclass(frozen=True, kw_only=True)
class PhotographsOptions(Checked):
    """Write photographs with instance masks as a release in the layout of A2D Sentences: all for training, with sentences made for them.

    FOLDER holds images/NAME.jpg, instances/NAME.png (8-bit, one number an instance, 0 background, 255 crowd), instances.csv (image,
    instance_id, class and, if known, license_id: 3 and 6, which allow no changes, are left out) and, if there are any, captions.csv
    (image, caption). The same seed gives the same files, whatever the number of workers; an interrupted run goes on where it stopped.

    Example: acga data photographs coco stills --views 8
    """

    folder: Positional[Annotated[Path, arg(metavar="FOLDER")]]  # the photographs
    root: Positional[Annotated[Path, arg(metavar="ROOT")]]  # folder for the release, new or empty
    views: Annotated[int, Range(1, 1000)] = 8  # videos of each picture: cropped, mirrored or not, in another light, by a moving camera
    pasted_share: Share = 0.0  # of these, into which cut-outs of other photographs are pasted that move
    seed: Seed = 0  # of everything that is random
    workers: Annotated[int, Range(0, 1024)] = 2  # processes that write


@dataclass(frozen=True, kw_only=True)
class CheckOptions(Checked):
    """Read every video, mask and sentence of a release, and name each problem in one line; exit code 2 if there is any.

    Says also what is passed over, which does no harm, and where missing parts are to be had.

    Example: acga data check a2d_sentences
    """

    # the folder of A2D Sentences (Release/, text_annotations/) or of J-HMDB Sentences (Rename_Images/, puppet_mask/)
    root: Positional[Annotated[Path, arg(metavar="ROOT")]]
    workers: Workers = 2


@dataclass(frozen=True, kw_only=True)
class ExtractOptions(Checked):
    """Compute the features at mixed_4e of every annotated frame once (16-bit, resumable), for acga train --features OUT.

    Example: acga data extract drawn --out features --backbone runs/backbone/model.safetensors
    """

    root: Positional[Root]
    out: Path  # folder for the features; an interrupted extraction goes on
    backbone: BackboneFile
    config: Config = field(default_factory=ACGAConfig.thin_residual)
    split: Split = "train"  # of A2D Sentences; J-HMDB Sentences is all for testing
    frame_list: Path | None = None  # which frames of J-HMDB Sentences to extract (JSON); by default those of MTTR
    kind: FeatureKind = "plain"  # of the clips as they are, of mirrored ones, or of ones that repeat the annotated frame (still)
    precision: Precision = "fp32"  # bf16, and on NVIDIA GPUs tf32, round the inputs of convolutions
    workers: Workers = 2
    device: Device = "auto"


@dataclass(frozen=True, kw_only=True)
class DownloadOptions(Checked):
    """Fetch published weights of I3D and check them, byte for byte, against what was published.

    Example: acga data download model_rgb.pth --to weights
    """

    # rgb_imagenet.pt, flow_imagenet.pt (piergiaj), model_rgb.pth (hassony2) or i3d_rgb.pth (official ACGA)
    name: Positional[Annotated[str, arg(metavar="NAME")]]
    to: Path = Path()  # folder for the file
