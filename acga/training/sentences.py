"""Train everything after mixed_4e on sentences, from features that were extracted once (docs/PAPER.md, "Training")."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.checkpoint import checkpoint

from ..config import COORDINATES, ACGAConfig, FeatureKind, TrainConfig
from ..data.a2d import A2DSentences
from ..data.dataset import Dataset
from ..data.digests import digest
from ..data.features import fingerprint
from ..data.masks import MaskCache
from ..data.releases import read_queries
from ..data.splits import split_validation
from ..data.text import UNKNOWN, Vocabulary, WordTable, glove, name_words
from ..errors import ConfigError, DatasetError
from ..evaluation import evaluate, silent_words
from ..losses import WeightedSegmentationLoss
from ..model.backbone import Backbone
from ..model.batch_norm import gather_statistics
from ..model.checkpoints import fixed_word_table, load_model, save_model
from ..model.decoder import RESOLUTIONS, Decoder, fuse_finest, start_coarse
from ..model.folding import fold
from ..model.network import ACGA, load_backbone, scale_attention
from ..options import TrainOptions
from ..system.computing import autocast, channels_last, choose_accelerator
from ..system.files import git_blob_id, rounded
from ..system.provenance import provenance
from .batches import Batch, ReleaseSamples, SentenceBatches, extract, kind_for
from .run import Run, Stateful, Step, log_losses, set_learning_rate, training_steps
from .schedule import batch_at, cosine_with_warm_up, drawn_batch_at

LAST = "last.safetensors"  # the weights at the end of a run
CALIBRATION_SAMPLES = 64  # sentences, evenly spread, whose clips' features a backbone is calibrated with


class SentenceObjective(nn.Module):
    """The network after mixed_4e with its loss, in one module, as training on several processes wants it."""

    def __init__(self, model: ACGA, config: TrainConfig) -> None:
        super().__init__()
        self.network = fold(model)  # the same parameters and outputs, in less than half of the time
        self.loss = WeightedSegmentationLoss(**asdict(config.loss))
        self.recompute = config.recompute

    def forward(self, features: Tensor, tokens: Tensor, masks: Tensor, clips: Tensor | None = None, others: Tensor | None = None) -> Tensor:
        """The tensors of a `Batch` to lambda L of the three resolutions (3,), eq. 14-16.

        Resolutions after the last lambda that is not zero are not computed; the large response is fused, the others are as they are.
        """
        visual, words = self.network.encode(features), self.network.embed(tokens)  # (B, C, h, w), (Q, L, D)
        visual = visual if clips is None else visual[clips]  # (Q, C, h, w)
        if not self.recompute:
            return self._losses(visual, words, masks, others)
        each = zip(visual.split(1), words.split(1), masks.split(1), [None] * len(masks) if others is None else others.split(1), strict=True)
        return torch.stack([checkpoint(self._losses, *one, use_reentrant=False) for one in each]).mean(dim=0)  # the loss is a mean, too

    def _losses(self, visual: Tensor, words: Tensor, masks: Tensor, others: Tensor | None) -> Tensor:
        attended = self.network.guide(visual, words, with_pixel_weights=False)
        if self.loss.resolutions == len(RESOLUTIONS):
            responses: Sequence[Tensor] = self.network.decode(attended)
        else:
            coarse = cast(Decoder, self.network.decoder).respond(attended.vision[:, :-COORDINATES], attended.language)
            responses = [response[:, 0] for response in islice(coarse, self.loss.resolutions)]
        losses = self.loss.per_resolution([response.float() for response in responses], masks, others)
        weighted = [weight * loss for weight, loss in zip(self.loss.resolution_weights, losses, strict=False)]
        return torch.stack(weighted + [losses[0].new_zeros(())] * (len(RESOLUTIONS) - len(weighted)))


def learning_rate(step: int, steps: int, per_epoch: int, config: TrainConfig) -> float:
    """The paper's step decay, or with `decay_every` = 0 a warm-up and a cosine to zero.

    >>> config = TrainConfig()
    >>> [learning_rate(epoch * 100, 1200, 100, config) for epoch in (0, 7, 8)]
    [0.0005, 0.0005, 5e-05]
    """
    if config.decay_every == 0:
        return config.learning_rate * cosine_with_warm_up(step, steps)
    return config.learning_rate * config.decay ** (step // per_epoch // config.decay_every)


def moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """The step of an exponential moving average, for `AveragedModel`; it decays faster at first, so that early weights do not linger.

    >>> update = moving_average(0.75)
    >>> update(torch.tensor(1.0), torch.tensor(0.0), 1000).item(), update(torch.tensor(1.0), torch.tensor(0.0), 8).item()
    (0.75, 0.5)
    """

    def update(average: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        if not current.is_floating_point():  # BatchNorm's counters
            return current
        return torch.lerp(current, average, min(decay, (1 + int(count)) / (10 + int(count))))

    return update


def parameter_groups(model: ACGA, config: TrainConfig) -> list[dict[str, Any]]:
    """Parameter groups for the optimiser: both attention branches and the rest, each with the factor ("rate") of its learning rate."""
    attention = list(model.attention.parameters())
    own = {id(parameter) for parameter in attention}
    rest = [parameter for parameter in model.training_parameters() if id(parameter) not in own]
    return [{"params": rest, "rate": 1.0}, {"params": attention, "rate": config.attention_rate}]


def build_model(
    config: ACGAConfig,
    dataset: Dataset,
    training: list[int],
    backbone: Path,
    words: str | Path | None,
    *,
    seed: int,
    more_queries: Sequence[str] = (),
) -> ACGA:
    """A network with new weights after mixed_4e (and pretrained ones before), its words those of the training sentences.

    `words`, a word2vec binary file, gives fixed word vectors, as in the paper; without it they are learned. It knows the words of
    `more_queries` too. With "glove" it knows all embedded words. With either, `config.vocabulary_size` becomes that of the words there are.
    Raises `WeightsError` and `ConfigError` when a file does not fit the configuration.
    """
    torch.manual_seed(seed)
    pretrained = load_backbone(backbone, config)
    if str(words) == "glove":
        return _with_glove(config, pretrained)
    queries = [*(dataset.samples[index].query for index in training), *more_queries]
    if words is not None:
        vocabulary = Vocabulary.from_queries(queries)
        table = WordTable.from_word2vec(words, vocabulary, width=config.word_channels)
        return _with_vectors(config, pretrained, vocabulary, table)
    model = ACGA(config, Vocabulary.from_queries(queries, size=config.vocabulary_size), backbone=pretrained)
    assert model.word_table is not None
    with torch.no_grad():
        model.word_table.weight[UNKNOWN] = 0  # as with vectors: a word never seen in training says nothing
    return model


def _with_glove(config: ACGAConfig, backbone: Backbone) -> ACGA:
    vocabulary, table = glove()
    if config.word_channels != table.vectors.shape[1]:
        raise ConfigError(f"The embedded word vectors need word_width={table.vectors.shape[1]}, not {config.word_channels}.")
    return _with_vectors(config, backbone, vocabulary, table)


def _with_vectors(config: ACGAConfig, backbone: Backbone, vocabulary: Vocabulary, table: WordTable) -> ACGA:
    model = ACGA(replace(config, vocabulary_size=len(vocabulary)), vocabulary, backbone=backbone, with_word_table=False)
    model.word_table = fixed_word_table(table)
    return model


def go_on_from(model: ACGA, path: Path) -> None:
    """Load the weights after mixed_4e of an earlier run (before, the backbone's hold: a half-precision file would change the features).

    A network with motion may go on from one without, whose function it has at first: the weights of the new channels are zero.
    Raises `ConfigError` when it has another configuration or other words.
    """
    found = load_model(path)
    assert model.vocabulary is not None
    gains_motion = model.config.motion and not found.config.motion
    sizes = {name: getattr(found.config, name) for name in ("size", "second_size")}  # no weight depends on them
    expected = replace(model.config, **sizes, motion=model.config.motion and not gains_motion)
    if found.config != expected or found.vocabulary is None or found.vocabulary.words != model.vocabulary.words:
        raise ConfigError(f"{path} holds a network of another configuration or with other words, so training cannot go on from it.")
    state = {name: value for name, value in found.state_dict().items() if not name.startswith("backbone.stem.")}
    if gains_motion:
        own, before = model.state_dict(), found.backbone.channels["mixed_4e"]
        for name in ("mean", "scale"):
            name = f"backbone.mixed_4f.{name}"
            state[name] = torch.cat([state[name], own[name][before:]])
        name = "backbone.mixed_4f.reduce.convolution.weight"
        weight = state[name]
        new = weight.new_zeros(len(weight), own[name].shape[1] - weight.shape[1], *weight.shape[2:])
        state[name] = torch.cat([weight[:, :before], new, weight[:, before:]], dim=1)
    model.load_state_dict(state, strict=False)


def train(options: TrainOptions, *, on_step: Callable[[int], None] | None = None) -> Path:
    """Train on the sentences of an A2D Sentences release, real or drawn; gives the file of the weights that did best on validation.

    A tenth of the training videos is held out (`split_validation`) and looked at after every epoch; the test split is not. With `whole`
    these are learned from as well, and the last weights are given. A folder that holds an interrupted run with the same settings goes on.
    `on_step` is called after every step with the number of steps done.

    Raises `DatasetError` for a broken data set, `WeightsError` and `ConfigError` for files and settings that don't fit.
    """
    config, recipe = options.config, options.recipe
    loss = WeightedSegmentationLoss(**asdict(recipe.loss))
    accelerator = choose_accelerator(options.device, partly_used=loss.resolutions < len(RESOLUTIONS))
    places = {root.resolve() for root in (options.root, *dict(options.also))}
    if len(places) <= len(options.also):  # of ROOT the held-out videos would be learned from
        raise ConfigError("A release is named twice, as ROOT or after --also; name it once, with a larger number.")
    if recipe.mirror and recipe.blind_to == "motion":
        raise ConfigError("TrainConfig: mirror shows moving clips, so it cannot be joined with blind_to motion.")
    precision = autocast(recipe.precision, accelerator.device, clip_length=config.clip_length)
    dataset, *others = (
        A2DSentences(root, "train", size=config.size, clip_length=config.clip_length) for root in (options.root, *dict(options.also))
    )
    training, held_out = split_validation(dataset)
    if not held_out:
        raise DatasetError(f"{options.root} has a single training video; training needs one more to validate on.")
    training = list(range(len(dataset))) if options.whole else training
    validation = held_out[:: -(-len(held_out) // options.validation_samples)]
    roots = (options.root, *dict(options.also), *options.sentences) if options.words is not None and str(options.words) != "glove" else ()
    queries = [query for root in roots for query in read_queries(root)]  # of every split: vectors that are given are not learned
    if options.words is None:
        queries = [sample.query for other in others for sample in other.samples]
    model = build_model(config, dataset, training, options.backbone, options.words, seed=recipe.seed, more_queries=queries)
    if options.words is not None and (silent := silent_words(model, queries)):
        warnings.warn(f"{options.words} has no vector for {len(silent)} words of the sentences: {name_words(silent)}.", stacklevel=2)
    if recipe.scaled_attention:
        scale_attention(model.attention)
    if recipe.coarse_start:
        start_coarse(cast(Decoder, model.decoder))
    model.to(accelerator.device)
    channels_last(model.backbone)
    run = Run(options.out, training_settings(options, model, [dataset, *others]), writes=accelerator.is_main_process)
    learned = [training, *(list(range(len(other))) for other in others)]
    first, *more = (
        open_batches(options, model, release, learned[number], accelerator, number) for number, release in enumerate([dataset, *others])
    )
    shown: list[tuple[ReleaseSamples, Sequence[int], float]] = [(first, training, 1.0)]
    shown += [(release, range(len(release.frames)), times) for release, (_, times) in zip(more, options.also, strict=True)]
    batches = SentenceBatches(shown, seed=recipe.seed)
    if config.stem == "image":  # an I3D has nothing to calibrate, and its features would fill 0.5 GB
        model.backbone.calibrate(batches.features(CALIBRATION_SAMPLES))
    if options.initial is not None:
        go_on_from(model, options.initial)
    if recipe.coarse_start:
        fuse_finest(cast(Decoder, model.decoder), loss.resolutions)
    optimiser = torch.optim.Adam(parameter_groups(model, recipe), lr=recipe.learning_rate, fused=True)
    if accelerator.num_processes > 1:
        gather_statistics(model.backbone.mixed_4f)
    objective = accelerator.prepare_model(SentenceObjective(model, recipe))
    parts: dict[str, Stateful] = {"model": model, "optimiser": optimiser}
    averaged = AveragedModel(model, avg_fn=moving_average(recipe.ema_decay), use_buffers=True) if recipe.ema_decay else None
    if averaged is not None:
        parts["averaged"] = averaged
    validated = model if averaged is None else cast(ACGA, averaged.module)

    clips = max(1, recipe.batch_size // recipe.sentences_per_clip)
    draw = drawn_batch_at if options.drawn else batch_at
    shape: dict[str, Any] = {"samples": len(batches.groups), "batch_size": clips, "title": "training"}

    def load(step: Step) -> Batch:
        batch = batches.take(step.rows, step.rng)
        return batch.pinned() if accelerator.device.type == "cuda" else batch

    for step in training_steps(run, parts, options, accelerator, **shape, on_step=on_step, draw=draw, load=load):
        set_learning_rate(optimiser, learning_rate(step.number, step.steps, step.per_epoch, recipe))
        with precision:
            losses = objective(*step.batch.to(accelerator.device))  # (3,)
        optimiser.zero_grad()
        accelerator.backward(losses.sum())
        optimiser.step()
        if averaged is not None:
            averaged.update_parameters(model)
        log_losses(run, step, losses, RESOLUTIONS, accelerator)

        if step.ends_epoch:
            found = evaluate(
                validated,
                dataset,
                indices=validation,
                features=first.as_seen,
                batch_size=options.validation_batch_size,
                blind_to=recipe.blind_to,
                accelerator=accelerator,
                progress=False,
            )
            run.log(step=step.finished, epoch=step.epoch, validation=found.metrics, seconds=run.seconds)
            keep_weights(validated, run, step, found.metrics, half=options.half)
    accelerator.wait_for_everyone()  # the first process writes
    return run.folder / LAST if options.whole else run.model_path


def training_settings(options: TrainOptions, model: ACGA, datasets: Sequence[Dataset]) -> dict[str, object]:
    """The settings that decide the outcome of a run."""
    return {
        "stage": "train",
        "model": options.config.to_dict(),
        "train": asdict(options.recipe),
        "data": [text for dataset in datasets for text in (fingerprint(model.backbone.stem, dataset), dataset.samples_fingerprint)],
        **({"also": [weight for _, weight in options.also]} if options.also else {}),
        "words": None if options.words is None else Path(options.words).name,
        **({} if options.words is None else {"word_vectors": _digest_words(model)}),
        "backbone": git_blob_id(options.backbone),
        "initial": None if options.initial is None else git_blob_id(options.initial),
        "validation_samples": options.validation_samples,
        **{name: True for name in ("whole", "drawn") if getattr(options, name)},
    }


def _digest_words(model: ACGA) -> str:
    """A digest of a network's words and their vectors."""
    assert model.vocabulary is not None and model.word_table is not None
    return digest(model.vocabulary.words, hashlib.sha256(model.word_table.weight.detach().cpu().numpy().tobytes()).hexdigest())


def open_batches(
    options: TrainOptions, model: ACGA, dataset: Dataset, learned: Sequence[int], accelerator: Accelerator, number: int = 0
) -> ReleaseSamples:
    """The samples of release `number`, of which those in `learned` are trained on; features and masks are extracted as needed."""
    recipe, folder = options.recipe, Path(options.features or Path(options.out) / "features")
    folder = folder / f"also-{number}" if number else folder
    kinds: list[FeatureKind] = [kind_for(recipe.blind_to), "mirrored"] if recipe.mirror else [kind_for(recipe.blind_to)]
    how: dict[str, Any] = {"accelerator": accelerator, "precision": recipe.precision, "workers": options.workers}
    caches = {kind: extract(model, dataset, folder, kind, **how) for kind in kinds}
    with accelerator.main_process_first():
        masks = MaskCache(dataset, folder / "masks")
    return ReleaseSamples(dataset, model, recipe, caches, masks, learned)


def keep_weights(model: ACGA, run: Run, step: Step, scores: Mapping[str, float], *, half: bool) -> None:
    """Save the weights if they are the best so far by mean IoU, and as last.safetensors when the run ends."""
    best = run.values.get("best", -1.0)
    run.values["best"] = max(best, scores["mIoU"])
    history = {**provenance(seed=run.settings["train"]["seed"]), **run.settings, "step": step.finished, "validation": rounded(scores)}
    if run.writes and scores["mIoU"] > best:
        save_model(model, run.model_path, provenance=history, half=half)
    if run.writes and step.is_last:
        save_model(model, run.folder / LAST, provenance=history, half=half)
