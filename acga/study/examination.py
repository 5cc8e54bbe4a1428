"""What a trained network is put through in a study: both test sets, other phrasings, perturbed questions, and where its attention goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..batches import extract
from ..config import ACGAConfig, Blindness, Precision
from ..data.a2d import A2DSentences
from ..data.dataset import Dataset, Sample
from ..data.features import FeatureCache
from ..data.jhmdb import JHMDBSentences
from ..data.tags import read_tags
from ..devices import autocast, choose_accelerator
from ..errors import ConfigError
from ..evaluation import evaluate
from ..files import read_json, write_json
from ..metrics import round_trip
from ..model.network import ACGA
from .bootstrap import probability_of_more
from .perturbations import PERTURBATIONS, ask_what_is_absent, perturb
from .probes import attention_distance, attention_on_target, consistency, mask_iou, segment_all

Tags = Mapping[tuple[str, int, str], Mapping[str, Any]]
PROBED = 4  # every so many test videos are asked perturbed questions


@dataclass(frozen=True)
class Benchmarks:
    """What every variant is examined on; J-HMDB Sentences and paraphrases are optional."""

    a2d: A2DSentences
    tags: Tags
    jhmdb: JHMDBSentences | None = None
    paraphrases: A2DSentences | None = None
    paraphrase_tags: Tags = field(default_factory=dict)

    @classmethod
    def open(cls, root: Path, config: ACGAConfig, *, jhmdb: Path | None, paraphrases: Path | None) -> Benchmarks:
        """The test split, at the middle one of each video's annotated frames; the others whole."""
        return cls(
            middle_frames(A2DSentences(root, "test", size=config.size, clip_length=config.clip_length)),
            read_tags(root),
            None if jhmdb is None else JHMDBSentences(jhmdb, size=config.size, clip_length=config.clip_length),
            None
            if paraphrases is None
            else middle_frames(A2DSentences(paraphrases, "test", size=config.size, clip_length=config.clip_length)),
            {} if paraphrases is None else read_tags(paraphrases),
        )

    @property
    def datasets(self) -> dict[str, Dataset]:
        """Those that there are, by name."""
        named: dict[str, Dataset | None] = {"a2d": self.a2d, "jhmdb": self.jhmdb, "paraphrases": self.paraphrases}
        return {name: dataset for name, dataset in named.items() if dataset is not None}

    @property
    def probed(self) -> Dataset:
        """Every fourth video of the test split."""
        chosen = set(list(dict.fromkeys(sample.video_id for sample in self.a2d.samples))[::PROBED])
        return self.a2d.replaced([sample for sample in self.a2d.samples if sample.video_id in chosen])

    def save(self, out: str | Path) -> Path:
        """Write which samples and videos the numbers of the runs belong to. Grids of one study share the file, and may add test sets.

        Raises `ConfigError` when the folder holds a study on other data.
        """
        samples = {name: [[s.video_id, s.frame, s.instance, s.query] for s in dataset.samples] for name, dataset in self.datasets.items()}
        areas = [round_trip(self.a2d.labels(index)["mask"].numpy(), self.a2d.size).sum().item() for index in range(len(self.a2d))]
        tags = [dict(self.tags.get(key_of(sample), {})) for sample in self.a2d.samples]
        probed = list(dict.fromkeys(sample.video_id for sample in self.probed.samples))
        content = {**samples, "target_areas": areas, "tags": tags, "probed": probed}
        path = Path(out) / "samples.json"
        before = read_json(path) if path.exists() else {}
        different = next((name for name in content if name in before and before[name] != content[name]), None)
        if different is not None:
            raise ConfigError(f"{out} holds a study on other data ({different} differs); choose another folder.")
        write_json(path, before | content, indent=None)
        return path


def middle_frames(dataset: A2DSentences) -> A2DSentences:
    """Only the samples of one annotated frame a video, the middle one: a third of the work, and nearly all of the variety."""
    frames: dict[str, list[int]] = {}
    for video_id, frame in dataset.annotated_frames:
        frames.setdefault(video_id, []).append(frame)
    middle = {video_id: sorted(numbers)[len(numbers) // 2] for video_id, numbers in frames.items()}
    return dataset.replaced([sample for sample in dataset.samples if sample.frame == middle[sample.video_id]])


def examine(
    model: ACGA,
    benchmarks: Benchmarks,
    features: Path,
    blind_to: Blindness = "none",
    *,
    probe: bool = True,
    precision: Precision = "fp32",
    workers: int,
    device: str,
) -> dict[str, Any]:
    """Everything measured of a trained network, as plain values, in the order of the samples in `Benchmarks.save`.

    `features` is the folder of the test sets' features. A network that is blind is examined on A2D Sentences alone; without `probe`, only
    the scores of the benchmarks are measured, not what becomes of perturbed questions and other phrasings, nor the attention.
    """
    accelerator = choose_accelerator(device)
    model.to(accelerator.device).eval()
    kind = "still" if blind_to == "motion" else "plain"
    caches = {
        name: extract(model, dataset, features / name, kind, accelerator=accelerator, workers=workers)  # type: ignore[arg-type]
        for name, dataset in benchmarks.datasets.items()
        if blind_to == "none" or name == "a2d"
    }
    found: dict[str, Any] = {}
    rounding = autocast(precision, accelerator.device, clip_length=model.config.clip_length)
    for name in caches.keys() & {"a2d", "jhmdb"}:
        dataset = benchmarks.datasets[name]
        with rounding:
            evaluation = evaluate(model, dataset, features=caches[name], blind_to=blind_to, accelerator=accelerator, progress=False)
        found[name] = {
            "metrics": evaluation.metrics,
            "by_tag": evaluation.by_tag(benchmarks.tags) if name == "a2d" else {},
            "intersection": [answer.intersection for answer in evaluation.predictions],
            "union": [answer.union for answer in evaluation.predictions],
        }
    if blind_to == "none" and probe:
        found["attention"] = attention(model, benchmarks.probed, caches["a2d"], benchmarks.tags)
        with rounding:
            found["questions"] = question(model, benchmarks.probed, caches["a2d"])
            if benchmarks.paraphrases is not None:
                found["paraphrases"] = rephrase(model, benchmarks.paraphrases, caches["paraphrases"], benchmarks.paraphrase_tags)
    return found


def question(model: ACGA, dataset: Dataset, features: FeatureCache) -> dict[str, Any]:
    """Perturbed queries: mean IoU with the target, and with the answer to the query as it was; and queries about what is not there.

    Means are by video. `presence_auroc`: how often the peak of a response to a fitting query exceeds that to one about something absent.
    """
    samples = dataset.samples
    asked = segment_all(model, dataset, features)
    absent = segment_all(model, ask_what_is_absent(dataset), features)
    found: dict[str, Any] = {}
    for name, answers in {"as asked": asked, "about something absent": absent}.items():
        columns = {"iou": answers.ious, "area": answers.found.mean(axis=(1, 2)), "peak": answers.peaks}
        found[name] = {column: by_video(samples, values) for column, values in columns.items()}
    for name, perturbation in PERTURBATIONS.items():
        answers = segment_all(model, perturb(dataset, perturbation), features)
        found[name] = {"iou": by_video(samples, answers.ious), "agreement": by_video(samples, mask_iou(answers.found, asked.found))}
    return {**found, "presence_auroc": probability_of_more(asked.peaks.tolist(), absent.peaks.tolist())}


def rephrase(model: ACGA, dataset: Dataset, features: FeatureCache, tags: Tags) -> dict[str, Any]:
    """Accuracy, on wordings of kinds seen and never seen in training, and consistency over the phrasings of each instance, by video.

    A wording is new by an order of words, or by a pair of a colour and an action, that no training sentence has ("novelty").
    """
    answers, samples = segment_all(model, dataset, features), dataset.samples
    new = np.array([bool(tags.get(key_of(sample), {}).get("novelty")) for sample in samples])
    agreement = consistency(samples, answers.found)
    return {
        "iou": by_video(samples, answers.ious),
        "iou_new": by_video(samples, np.where(new, answers.ious, np.nan)),
        "iou_known": by_video(samples, np.where(new, np.nan, answers.ious)),
        "consistency": by_video([Sample(*instance, "") for instance in agreement], list(agreement.values()), like=samples),
    }


def attention(model: ACGA, dataset: Dataset, features: FeatureCache, tags: Tags) -> dict[str, Any]:
    """Where both branches look, by video; empty for networks without them. `tags` tell queries with a relation or a place from others."""
    samples, words = dataset.samples, {}
    for one in attention_on_target(model, dataset, features):
        of_words = [samples[row] for row in one.samples]
        words[one.topic] = {
            name: by_video(of_words, values, like=samples) for name, values in (("inside", one.inside), ("chance", one.chance))
        }
    reach = attention_distance(model, dataset, features)
    pixels: dict[str, Any] = {}
    if reach is not None:
        related = np.array([bool({"relation", "place"} & set(tags.get(key_of(sample), {}).get("mentions", ()))) for sample in samples])
        for name, values in vars(reach).items():
            pixels[name] = by_video(samples, values)
            pixels[f"{name}, related"] = by_video(samples, np.where(related, values, np.nan))
    return {"words": words, "pixels": pixels}


def by_video(samples: Sequence[Sample], values: Iterable[float], *, like: Sequence[Sample] | None = None) -> list[float | None]:
    """The mean of the known values (not NaN) of each video, in the order in which `like` (or `samples`) first names it; None without any.

    >>> by_video([Sample("a", 1, 0, "dog"), Sample("a", 1, 1, "cat"), Sample("b", 1, 0, "dog")], [1.0, 0.0, np.nan])
    [0.5, None]
    """
    collected: dict[str, list[float]] = {sample.video_id: [] for sample in like or samples}
    for sample, value in zip(samples, values, strict=True):
        if np.isfinite(value):
            collected[sample.video_id].append(float(value))
    return [round(float(np.mean(known)), 4) if known else None for known in collected.values()]


def key_of(sample: Sample) -> tuple[str, int, str]:
    """What tags are known by."""
    return sample.video_id, sample.instance, sample.query
