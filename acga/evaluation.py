"""The official evaluation: a prediction for every sentence of a data set, scored (docs/PROTOCOL.md, "Metrics").

>>> from acga.evaluation import Prediction, Evaluation
>>> predictions = [Prediction("a", 1, 0, "dog", 30, 40, 0.9), Prediction("b", 1, 0, "cat", 10, 40, 0.8)]
>>> evaluation = Evaluation.of(predictions)
>>> round(evaluation.metrics["mIoU"], 3), round(evaluation.subset(lambda prediction: prediction.query == "dog")["mIoU"], 3)
(0.5, 0.75)
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, TypedDict

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor
from tqdm import tqdm

from .coco import EncodedPair, coco_average_precision, write_coco
from .config import STRIDE, Blindness, Precision
from .data.dataset import Dataset, Sample
from .data.digests import digest, digest_file
from .data.features import FeatureCache, fingerprint
from .data.official import OfficialFeatures, OfficialRows, give_words, is_official
from .data.releases import open_release
from .data.tags import read_tags
from .data.text import Vocabulary, count_sentences, name_words, tokenise
from .errors import ConfigError, WeightsError
from .frame_groups import group_by_frame, group_responses
from .guided_filter import GuidedFilter
from .metrics import SegmentationMetrics, binarise, round_trip, smoothed_iou
from .model.checkpoints import load_model
from .model.folding import fold as folded
from .model.network import ACGA
from .options import EvaluateOptions
from .system.computing import autocast, channels_last, choose_accelerator
from .system.files import read_json, rounded, write_json
from .system.journal import Journal
from .system.provenance import provenance
from .training.batches import extract, kind_for


class Prediction(NamedTuple):
    """One sample's score."""

    video_id: str
    frame: int  # 1-indexed
    instance: int
    query: str
    intersection: int  # pixels of the predicted and of the annotated mask in common
    union: int  # pixels of either
    peak: float  # the largest probability in the frame, by which coco_mAP ranks predictions

    @property
    def iou(self) -> float:
        """Intersection over union, smoothed as officially done."""
        return float(smoothed_iou(self.intersection, self.union))


class _Saved(TypedDict):
    metrics: dict[str, float]
    predictions: list[tuple[str, int, int, str, int, int, float]]
    about: dict[str, Any]


@dataclass(frozen=True)
class Evaluation:
    """Predictions for all samples, in the order of the data set, and the metrics over them in [0, 1]."""

    metrics: dict[str, float]
    predictions: list[Prediction]
    about: dict[str, Any] = field(default_factory=dict)  # config, command, commit, seconds, …
    masks: list[EncodedPair] = field(default_factory=list)  # of all predictions, if they were to be kept; in no file that `save` writes

    @classmethod
    def of(cls, predictions: Sequence[Prediction], **about: Any) -> Evaluation:
        """Score predictions."""
        areas = [prediction.intersection for prediction in predictions], [prediction.union for prediction in predictions]
        return cls(SegmentationMetrics.from_areas(*areas).compute(), list(predictions), about)

    def subset(self, chosen: Callable[[Prediction], bool]) -> dict[str, float]:
        """The metrics over some of the predictions, and how many samples these are; only {"samples": 0} if there are none."""
        predictions = [prediction for prediction in self.predictions if chosen(prediction)]
        return {"samples": len(predictions), **(Evaluation.of(predictions).metrics if predictions else {})}

    def by_tag(self, tags: Mapping[tuple[str, int, str], Mapping[str, Any]]) -> dict[str, dict[str, float]]:
        """The metrics over every value of every tag, such as "decided_by=motion"; of tags that are lists, a sample is in all of them.

        `tags` are by video id, instance and query, as `read_tags` gives them.
        """
        values: dict[str, set[tuple[str, int, str]]] = {}
        for sample, described in tags.items():
            for name, value in described.items():
                for one in value if isinstance(value, list) else [value]:
                    values.setdefault(f"{name}={one}", set()).add(sample)
        tables = {name: self.subset(lambda prediction: sentence_key(prediction) in samples) for name, samples in values.items()}  # noqa: B023 (called at once)
        return {name: table for name, table in sorted(tables.items()) if table["samples"]}

    def save(self, path: str | Path, **more: Any) -> None:
        """Write metrics, all that is known of how they were made, `more` (such as tables by tag), and every prediction, as JSON."""
        rows = [[*prediction[:-1], round(prediction.peak, 4)] for prediction in self.predictions]
        content = {"metrics": self.metrics, **more, "about": self.about}
        write_json(Path(path), {**rounded(content), "columns": Prediction._fields, "predictions": rows})

    def save_masks(self, folder: Path) -> None:
        """Write the masks to `folder`/predictions.json and targets.json, as COCO's tools read them."""
        about = [dict(zip(Prediction._fields[:4], prediction, strict=False)) for prediction in self.predictions]
        write_coco(folder, self.masks, [prediction.peak for prediction in self.predictions], about)

    @classmethod
    def load(cls, path: str | Path) -> Evaluation:
        """Read what `save` wrote. Raises `ConfigError` when the file is missing or something else."""
        content = read_json(Path(path), _Saved)
        return cls(content["metrics"], [Prediction(*row) for row in content["predictions"]], content["about"])


def sentence_key(prediction: Prediction | Sample) -> tuple[str, int, str]:
    """The key of a sentence in `queries.json`: video id, instance and query."""
    return prediction.video_id, prediction.instance, prediction.query


class _Scored(NamedTuple):
    """One sample's score, as a journal keeps it."""

    sample: int
    intersection: int
    union: int
    peak: float
    masks: EncodedPair | None  # if they are wanted


@torch.no_grad()
def evaluate(
    model: ACGA,
    dataset: Dataset,
    *,
    indices: Iterable[int] | None = None,
    features: FeatureCache | OfficialRows | None = None,
    batch_size: int = 16,
    device: str = "auto",
    fold: bool = True,
    precision: Precision = "fp32",
    blind_to: Blindness = "none",
    refined: bool = False,
    coco: bool = False,
    keep_masks: bool = False,
    journal: Path | None = None,
    accelerator: Accelerator | None = None,
    progress: bool = True,
) -> Evaluation:
    """Score a prediction for every sample of `dataset` (or for those of `indices`) as officially done.

    The response is binarised against its own maximum on the square, and both masks make the round trip through it.

    Args:
        features: of the frames, if they were extracted with this model's stem; otherwise each frame's clip is decoded and seen once,
            however many sentences ask about it.
        fold: compute the same function with fewer operations.
        precision: "bf16" rounds the inputs of convolutions and products, "tf32" does on NVIDIA GPUs.
        blind_to: the controls; "motion" repeats the annotated frame in place of the clip (`features` must be made so too).
        refined: masks as `acga segment` makes them: of one piece, drawn to the edges of the picture (`acga.guided_filter`), and from
            responses at both sizes of the model's configuration.
        coco: add `coco_mAP`, ranking predictions by their peak; where all peaks are the same, `about` says that it cannot be.
        keep_masks: keep all masks in `masks`, as run lengths.
        journal: the file that the result will be written to: scores are kept beside it, and an interrupted evaluation goes on.
        accelerator: that of a training under way, otherwise one on `device`; several processes share the frames among them.

    Raises `ConfigError` when the model has no words of its own, `QueryError` for a sentence that is too long for it, `WeightsError` for
    weights whose responses are no numbers, `DatasetError`.
    """
    started, second_size = monotonic(), model.config.second_size if refined else 0
    _check_fit(model, dataset)
    if second_size and features is not None:
        raise ConfigError("Refined masks of this model need frames of two sizes, and features have one; leave the features out.")
    accelerator = accelerator or choose_accelerator(device)
    chosen = range(len(dataset)) if indices is None else sorted(set(indices))
    groups, with_masks = group_by_frame(dataset, chosen, batch_size), coco or keep_masks
    notes, done, made_of = None, {}, None
    if journal is not None:
        made_of = _fingerprint(model, dataset, blind_to, with_masks, precision, *(["refined", second_size] if refined else []))
        notes = Journal(journal, made_of, accelerator.process_index)
        done = {row.sample: row for row in map(_read_scored, notes.read())}
        accelerator.wait_for_everyone()  # all have read before anyone writes
        groups = [group for group in groups if not done.keys() >= set(group)]
    groups = groups[accelerator.process_index :: accelerator.num_processes]
    was_training = model.training
    network = (folded(model) if fold else model).eval().to(accelerator.device)
    channels_last(network.backbone)
    rounding = autocast(precision, accelerator.device, clip_length=dataset.clip_length)
    found: list[_Scored] = []
    shown = progress and accelerator.is_main_process
    with tqdm(total=sum(map(len, groups)), desc="evaluating", unit="sentence", disable=not shown, leave=False) as bar:
        for group in groups:
            rows = []
            with rounding:
                asked = group_responses(network, dataset, group, features, batch_size, accelerator.device, blind_to, second_size)
                for index, response in asked:
                    rows.append(_score(response, dataset, index, refined=refined, with_masks=with_masks))
                    bar.update()
            found += rows
            if notes is not None:
                notes.append(rows)
    model.train(was_training)
    done |= {row.sample: row for row in gather_object(found)}
    about = _about(
        model, dataset, accelerator, blind_to=blind_to, precision=precision, samples=len(chosen), seconds=round(monotonic() - started, 1)
    )
    about |= {"refined": True, "second_size": second_size} if refined else {}
    about |= {} if made_of is None else {"fingerprint": made_of}  # of weights, words, videos and annotations
    return _summed([done[index] for index in chosen], [dataset.samples[index] for index in chosen], about, coco=coco)


def _score(response: Tensor, dataset: Dataset, index: int, *, refined: bool, with_masks: bool) -> _Scored:
    """Score the response (S, S) to a sample."""
    if not response.isfinite().all():
        raise WeightsError("The network's responses are not finite numbers: its weights are damaged or too large; use others.")
    mask = dataset.labels(index)["mask"].numpy()
    peak, metrics = float(response.max().sigmoid()), SegmentationMetrics()
    target = mask if dataset.returned else round_trip(mask, dataset.size)
    if refined:
        sample = dataset.samples[index]
        response = torch.from_numpy(GuidedFilter(dataset.picture(sample.video_id, sample.frame))(response.numpy()))
    metrics.update(binarise(response, mask.shape, one_piece=refined), target, score=peak if with_masks else None)
    return _Scored(index, *metrics.areas[0], peak, metrics.masks[0] if with_masks else None)


def _read_scored(row: list[Any]) -> _Scored:
    """A score from a journal."""
    sample, intersection, union, peak, masks = row
    return _Scored(sample, intersection, union, peak, EncodedPair(*masks) if masks else None)


def _summed(rows: Sequence[_Scored], samples: Sequence[Sample], about: dict[str, Any], *, coco: bool) -> Evaluation:
    """The evaluation of scored samples."""
    predictions = [
        Prediction(sample.video_id, sample.frame, sample.instance, sample.query, *row[1:4])
        for sample, row in zip(samples, rows, strict=True)
    ]
    found = Evaluation.of(predictions, **about)
    masks = [row.masks for row in rows if row.masks is not None]
    if coco and len({row.peak for row in rows}) > 1:
        found.metrics["coco_mAP"] = coco_average_precision(masks, [row.peak for row in rows])
    elif coco:
        found.about["coco_mAP"] = "missing: it ranks predictions by their peak, and all peaks are the same"
    return replace(found, masks=masks)


def _fingerprint(model: ACGA, dataset: Dataset, *settings: Any) -> str:
    """A digest of all that decides the scores."""
    words = None if model.vocabulary is None else model.vocabulary.words
    return digest(
        "evaluation",
        fingerprint(model, dataset),
        model.config.to_dict(),
        dataset.samples_fingerprint,
        digest_annotations(dataset),
        words,
        settings,
    )


def digest_annotations(dataset: Dataset) -> str:
    """A digest of the files with the masks of all samples."""
    return digest([digest_file(path) for path in dict.fromkeys(dataset.annotation_path(*frame) for frame in dataset.annotated_frames)])


def silent_words(model: ACGA, queries: Iterable[str]) -> dict[str, int]:
    """The words that say nothing to a model, unknown or without a vector, with the number of different sentences that each is in."""
    assert model.vocabulary is not None and model.word_table is not None
    sentences, vocabulary = set(queries), model.vocabulary
    has_vector = model.word_table.weight.detach().any(dim=1).tolist()
    words = {word for query in sentences for word in tokenise(query)}
    return count_sentences((word for word in words if word not in vocabulary or not has_vector[vocabulary.encode(word, 1)[0]]), sentences)


def _check_fit(model: ACGA, dataset: Dataset) -> None:
    """Raise `ConfigError` for a model without words and for clips that it cannot take."""
    if model.vocabulary is None or model.word_table is None:
        raise ConfigError('This model has no words of its own to read queries with; load it with words="vectors.bin".')
    if dataset.size % STRIDE or dataset.clip_length != model.config.clip_length:
        raise ConfigError(
            f"The clips of the data set have {dataset.clip_length} frames of {dataset.size} px, which this model cannot take."
        )


def _about(model: ACGA, dataset: Dataset, accelerator: Accelerator, **more: Any) -> dict[str, Any]:
    """The provenance of an evaluation."""
    return {
        **provenance(),
        "config": model.config.to_dict(),
        "size": dataset.size,
        "frames": getattr(dataset, "frame_source", "all annotated"),
        "silent_words": silent_words(model, (sample.query for sample in dataset.samples)),
        "device": str(accelerator.device),
        "processes": accelerator.num_processes,
        **more,
    }


def evaluate_release(options: EvaluateOptions) -> Evaluation:
    """Score weights on a release of either layout; what `evaluate` gives is saved to `options.out`, with the metrics by tag.

    An interrupted evaluation goes on. Raises as `evaluate` does, and `WeightsError`.
    """
    model, accelerator = load_model(options.weights), choose_accelerator(options.device)
    if is_official(options.root):
        return _evaluate_official(options, model, accelerator)
    dataset = open_release(options.root, options.split, model.config, options.frame_list)
    queries = [sample.query for sample in dataset.samples]
    if options.words is not None:  # of the millions of words in the file, only those of the data set are read
        model = load_model(options.weights, words=options.words, vocabulary=Vocabulary.from_queries(queries))
    features = None
    if options.features is not None:
        kind = kind_for(options.blind_to)
        how: dict[str, Any] = {"precision": options.precision, "workers": options.workers}
        features = extract(model, dataset, options.features, kind, accelerator=accelerator, **how)
    found = evaluate(model, dataset, features=features, refined=options.refined, accelerator=accelerator, **_settings(options))
    _save(found, options, accelerator)
    return found


def _evaluate_official(options: EvaluateOptions, model: ACGA, accelerator: Accelerator) -> Evaluation:
    """As `evaluate_release`, from the official preprocessed features."""
    if options.words is not None or options.features is not None or options.blind_to == "motion" or options.refined:
        raise ConfigError(
            f"{options.root} holds features and words but no pictures; leave --words, --features, --blind-to motion and --refined out."
        )
    dataset = OfficialFeatures(options.root, options.split, clip_length=model.config.clip_length)
    give_words(model, dataset)
    found = evaluate(model, dataset, features=dataset.features, accelerator=accelerator, **_settings(options))
    _save(found, options, accelerator)
    return found


def _settings(options: EvaluateOptions) -> dict[str, Any]:
    """The arguments of `evaluate` that the options give."""
    same = {name: getattr(options, name) for name in ("batch_size", "precision", "blind_to", "coco")}
    return {**same, "keep_masks": options.masks is not None, "journal": options.out}


def _save(found: Evaluation, options: EvaluateOptions, accelerator: Accelerator) -> None:
    """Write what was found, by the first of several processes."""
    if accelerator.is_main_process:
        if silent := found.about["silent_words"]:
            warnings.warn(f"{len(silent)} words of the sentences say nothing to these weights: {name_words(silent)}.", stacklevel=2)
        if options.masks is not None:
            found.save_masks(options.masks)
        found.save(options.out, by_tag=found.by_tag(read_tags(options.root)))
        Journal(options.out, "").remove()
    accelerator.wait_for_everyone()
