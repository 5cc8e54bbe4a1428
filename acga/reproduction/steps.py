"""All the way from a release as it was downloaded to the paper's tables, by the functions that each step has a command for.

    check -> weights -> words -> features -> training -> evaluation -> report

Every step goes on where it was interrupted, and what is done is skipped. In OUT/a2d (or OUT/jhmdb):

    check.json               what `acga data check` found
    words.bin, words.json    the word vectors of the sentences alone, and where they were taken from
    features/train, /test    features at mixed_4e
    training/                the run; its last weights are the result
    result.json, targets.json, predictions.json    the evaluation, and all masks as COCO has them
    variants/NAME/           training and evaluation of a rung of the paper's ablation
    report.md, report.html, report.json            the report
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

from ..config import ACGAConfig, TrainConfig
from ..data.cache import DONE, Cache
from ..data.check import DEAD_LINK, check_release
from ..data.dataset import Dataset
from ..data.digests import digest, digest_file
from ..data.releases import layout_of, open_release, read_queries
from ..data.text import count_sentences, name_words, read_word2vec, tokenise
from ..errors import ConfigError, DatasetError, WeightsError
from ..evaluation import Evaluation, digest_annotations, evaluate_release
from ..model.checkpoints import load_model
from ..model.download import DOWNLOADS, download
from ..model.network import load_backbone
from ..options import EvaluateOptions, ExtractOptions, ReproduceOptions, Split, TrainOptions
from ..study.variants import VARIANTS
from ..system.computing import choose_accelerator
from ..system.files import atomic_write, git_blob_id, lock_folder, read_json, write_json
from ..training.batches import extract_release
from ..training.schedule import steps_per_epoch
from ..training.sentences import LAST, train
from .progress import Progress, last_step, measure_rates
from .report import RUNGS, write_report

BACKBONES = ("model_rgb.pth", "i3d_rgb.pth", "rgb_imagenet.pt")  # as they are published, the first being what is downloaded
WORDS_FROM = "https://code.google.com/archive/p/word2vec/"
WORD_FILES = ("GoogleNews-vectors-negative300.bin", "GoogleNews-vectors-negative300.bin.gz")
LAYOUTS = {"a2d": "A2D Sentences", "jhmdb": "J-HMDB Sentences"}
PRESETS: dict[str, tuple[TrainConfig, bool]] = {  # the recipe, and whether sentences are drawn among all in each step
    "paper": (TrainConfig(epochs=12), False),
    "official": (TrainConfig(epochs=9), True),
}
RUN, RESULT, WORDS = "training", "result.json", "words.bin"


class _Words(TypedDict):
    source: str
    size: int
    wanted: str
    kept: int
    missing: dict[str, int]


def reproduce(options: ReproduceOptions, say: Callable[[str], None] = print) -> Path:
    """Go from a release to its report; gives the path of `report.md`. Several processes share the work; the first one tells of it.

    Raises `DatasetError` for problems of the release, `WeightsError` and `ConfigError` for files and settings that do not fit.
    """
    if layout_of(options.root) != LAYOUTS[options.release]:
        raise DatasetError(f"{options.root} holds {layout_of(options.root)}, not {LAYOUTS[options.release]}; give another --root.")
    if options.variants == "ladder" and (options.release == "jhmdb" or options.weights is not None):
        raise ConfigError("The ladder is trained, so it goes with a2d and without --weights.")
    if options.jhmdb is not None and (options.release == "jhmdb" or layout_of(options.jhmdb) != LAYOUTS["jhmdb"]):
        raise ConfigError("--jhmdb goes with a2d and names the folder of J-HMDB Sentences, whose words the weights are to know as well.")
    if options.frame_list is not None and options.release == "a2d":
        raise ConfigError("--frame-list says which frames of J-HMDB Sentences are tested; leave it out with a2d.")
    kept = options.out / options.release / WORDS
    for name, given in (("backbone", options.backbone), ("words", None if kept.exists() else options.words)):
        if given is not None and not given.is_file():
            raise ConfigError(f"There is no file {given}; give another --{name}.")
    work = Reproduction(options, say)
    lock = lock_folder(work.folder) if work.is_main else None  # as long as this runs
    work.check()
    work.find_backbone()
    work.keep_words()
    found = work.run()
    path = work.report(found)
    del lock
    return path


class Reproduction:
    """The steps, in one folder."""

    def __init__(self, options: ReproduceOptions, say: Callable[[str], None]) -> None:
        self.options, self.folder = options, options.out / options.release
        self.accelerator = choose_accelerator(options.device)
        self.is_main = self.accelerator.is_main_process
        self.say = say if self.is_main else lambda text: None
        self.progress = Progress()
        self.weights = options.weights or (options.out / "a2d" / RUN / LAST if options.release == "jhmdb" else None)  # None: to be trained
        if self.weights is not None and not self.weights.is_file():
            raise WeightsError(f"There are no weights {self.weights}; run acga reproduce a2d with this --out first, or give --weights.")
        self.config: ACGAConfig = options.config if self.weights is None else load_model(self.weights).config
        on_cpu = self.accelerator.device.type == "cpu"  # where memory is what programs share
        self.recipe = replace(PRESETS[options.preset][0], seed=options.seed, precision=options.precision, recompute=on_cpu)
        if options.epochs is not None:
            self.recipe = replace(self.recipe, epochs=options.epochs)
        self.words: Path | None = None

    @cached_property
    def test(self) -> Dataset:
        """The data set that is tested on."""
        return open_release(self.options.root, "test", self.config, self.options.frame_list)

    @cached_property
    def data(self) -> str:
        """A digest of the release's tables."""
        root = self.options.root
        tables = [path for pattern in ("*.txt", "text_annotations/*.txt", "Release/*.csv") for path in sorted(root.glob(pattern))]
        return digest([(path.relative_to(root).as_posix(), digest_file(path)) for path in tables])

    @cached_property
    def backbone(self) -> Path:
        """The I3D, as it was published: given, in ROOT or its parent, or downloaded; of the weights if there are any."""
        if self.weights is not None:
            return self.weights
        if self.options.backbone is not None:
            return self.options.backbone
        found = _find(self.options.root, BACKBONES)
        if found is None:
            self.say(f"I3D: downloading {BACKBONES[0]}")
            with self.accelerator.main_process_first():
                return download(BACKBONES[0], self.options.out / "weights")
        if git_blob_id(found) != DOWNLOADS[found.name].blob:
            raise WeightsError(f"{found} is not the file that was published; delete it, and it will be downloaded, or give --backbone.")
        return found

    def check(self) -> None:
        """Check the release, unless its tables are what they were when it was found to be whole.

        Raises `DatasetError` for a problem, and `ConfigError` when another release was trained on here.
        """
        path = self.folder / "check.json"
        known = read_json(path, dict[str, Any]).get("data") if path.exists() else None
        if known not in (None, self.data) and (self.folder / RUN / "config.json").exists():
            raise ConfigError(f"{self.folder / RUN} was trained on another release, or on other tables of it; give another --out.")
        if self.is_main and known != self.data:
            self.say(f"check: {self.options.root}")
            found = check_release(self.options.root, self.options.workers)
            if found.problems:
                count = f"This is the first of {len(found.problems)} problems" if len(found.problems) > 1 else "It is the only problem"
                missing = f", and {', '.join(found.missing)} missing" if found.missing else ""
                raise DatasetError(
                    f"{found.problems[0]} {count}{missing}: acga data check names all, and where missing parts are to be had."
                )
            write_json(path, {"data": self.data, "counts": found.counts, "passed_over": found.passed_over})
        self.accelerator.wait_for_everyone()

    def find_backbone(self) -> None:
        """Find the I3D, and tell of one that is not as it was published. Raises `WeightsError` for a file that does not fit."""
        load_backbone(self.backbone, self.config)
        blob = git_blob_id(self.backbone)
        if self.weights is None and all(blob != published.blob for published in DOWNLOADS.values()):
            self.say(f"I3D: {self.backbone.name} (git blob {blob}) is none of the published files, so scores will not be the paper's")

    def keep_words(self) -> None:
        """Take the vectors of all words of the sentences out of the file of word vectors, and keep them.

        Raises `ConfigError` when there is no such file, `WeightsError` when it does not fit.
        """
        roots = [self.options.root, *([self.options.jhmdb] if self.options.jhmdb else [])]
        queries = [query for root in roots for query in read_queries(root)]
        wanted = sorted({word for query in queries for word in tokenise(query)})
        kept, described = self.folder / WORDS, self.folder / "words.json"
        source = self.options.words or _find(self.options.root, WORD_FILES)
        if source is None and not kept.exists():
            if self.weights is not None and load_model(self.weights).vocabulary is not None:
                return  # they have words of their own
            raise ConfigError(f"There are no word vectors; give --words {WORD_FILES[0]}, which is to be had from {WORDS_FROM}. {DEAD_LINK}")
        known = read_json(described, _Words) if described.exists() and kept.exists() else None
        same = known is not None and known["wanted"] == digest(wanted)
        if same and known is not None and source is not None and source.is_file():
            same = (known["source"], known["size"]) == (source.name, source.stat().st_size)
        if self.is_main and not same:
            if source is None:
                raise ConfigError(f"{kept} lacks words of these sentences; give --words {WORD_FILES[0]} again.")
            if known is not None and self.weights is None and (self.folder / RUN / "config.json").exists():
                raise ConfigError(
                    f"{self.folder / RUN} was trained with the word vectors of {known['source']} ({known['size']:,} bytes) for other "
                    "sentences or of another file; give the same --words and --jhmdb as then, or another --out."
                )
            self.say(f"words: {len(wanted):,} to be found in {source}")
            vectors = read_word2vec(source, wanted)
            width = self.config.word_channels
            if len(vectors) < len(wanted) / 2 or any(vector.shape != (width,) for vector in vectors.values()):
                size = next((vector.size for vector in vectors.values()), 0)
                raise WeightsError(
                    f"{source} has vectors of {size} values for {len(vectors)} of {len(wanted)} words, the network takes {width} values of "
                    "nearly all; give the file that the paper used."
                )
            with atomic_write(kept) as temporary, open(temporary, "wb") as file:
                file.write(b"%d %d\n" % (len(vectors), width))
                for word, vector in vectors.items():
                    file.write(word.encode() + b" " + vector.astype("<f4").tobytes())
            missing = count_sentences(set(wanted) - vectors.keys(), queries)
            content = {"source": source.name, "size": source.stat().st_size, "wanted": digest(wanted), "kept": len(vectors)}
            write_json(described, {**content, "missing": missing})
            self.say(f"words: {len(vectors):,} have a vector" + (f", {len(missing)} do not: {name_words(missing)}" if missing else ""))
        self.accelerator.wait_for_everyone()
        self.words = kept

    def run(self) -> dict[str, Evaluation]:
        """Extract, train and evaluate; gives the evaluation of each rung, of which "ACGA" is the last."""
        names = list(RUNGS) if self.options.variants == "ladder" else ["ACGA"]
        splits: list[Split] = ["train", "test"] if self.weights is None else ["test"]
        self._plan(names, splits)
        with self.progress.measured("frames"):
            for split in splits:
                self._extract(split)
        places = {name: self._place(name) for name in names}
        if self.weights is None:
            self.say(self.progress.left())
            with self.progress.measured("training steps"):
                for name, place in places.items():
                    self._train(name, place)
        self.say(self.progress.left())
        with self.progress.measured("sentences"):
            found = {name: self._evaluate(place) for name, place in places.items()}
        if self.is_main:
            write_json(self.folder / "rates.json", {"of": self._rated, "seconds": self.progress.rates})
        return found

    def _extract(self, split: Split) -> None:
        out = self.folder / "features" / split
        options = self.options
        how: dict[str, Any] = {"config": self.config, "precision": options.precision, "workers": options.workers, "device": options.device}
        what: dict[str, Any] = {"root": options.root, "split": split, "frame_list": options.frame_list}
        extract_release(ExtractOptions(out=out, backbone=self.backbone, **what, **how))

    def _train(self, name: str, place: Path) -> None:
        train(
            TrainOptions(
                root=self.options.root,
                out=place / RUN,
                backbone=self.backbone,
                config=VARIANTS[name].config(self.config),
                recipe=VARIANTS[name].recipe(self.options.seed, self.recipe),
                words=self.words,
                sentences=(self.options.jhmdb,) if self.options.jhmdb else (),
                features=self.folder / "features" / "train",
                whole=True,
                drawn=PRESETS[self.options.preset][1],
                workers=self.options.workers,
                device=self.options.device,
            )
        )

    def _place(self, name: str) -> Path:
        return self.folder if name == "ACGA" else self.folder / "variants" / name.strip("+ ").replace(" ", "_")

    def _evaluate(self, place: Path) -> Evaluation:
        """The evaluation of the weights in a place, made unless it was made of the same files."""
        weights, result, described = self.weights or place / RUN / LAST, place / RESULT, place / "evaluated.json"
        frames = self.options.frame_list
        made_of = {
            "weights": git_blob_id(weights),
            "words": None if self.words is None else digest_file(self.words),
            "data": self.data,
            "annotations": digest_annotations(self.test),
            "frames": digest(self.test.annotated_frames if frames is not None else None),
        }
        if described.exists() and result.exists() and read_json(described, dict[str, Any]) == made_of:
            return Evaluation.load(result)
        self.accelerator.wait_for_everyone()
        found = evaluate_release(
            EvaluateOptions(
                root=self.options.root,
                out=result,
                weights=str(weights),
                words=self.words,
                frame_list=frames,
                coco=True,
                masks=place,
                features=self.folder / "features" / "test",
                precision=self.options.precision,
                batch_size=self.options.batch_size,
                workers=self.options.workers,
                device=self.options.device,
            )
        )
        if self.is_main:
            write_json(described, made_of)
        self.accelerator.wait_for_everyone()
        return found

    def report(self, found: dict[str, Evaluation]) -> Path:
        """Write the report of what was found."""
        if self.is_main:
            weights = self.weights or self.folder / RUN / LAST
            recipe = self.recipe
            trained = {
                "preset": self.options.preset,
                "recipe": f"{recipe.epochs:g} epochs, batches of {recipe.batch_size}, learning rate {recipe.learning_rate:g}",
                "seed": recipe.seed,
                "trained on": "all training videos; the last weights are taken",
            }
            about = {
                "weights": f"{weights.name}, git blob {git_blob_id(weights)}",
                **({"I3D": f"{self.backbone.name}, git blob {git_blob_id(self.backbone)}", **trained} if self.weights is None else {}),
                "word vectors": "those of the weights" if self.words is None else f"words.bin, sha256 {digest_file(self.words)}",
                "word vectors taken from": None if self.words is None else read_json(self.folder / "words.json", _Words)["source"],
                "tables of the release": self.data,
                "samples": self.test.samples_fingerprint,
                "weights, words, videos and annotations": found["ACGA"].about.get("fingerprint"),
                "passed over in the release": len(read_json(self.folder / "check.json", dict[str, Any])["passed_over"]),
                **{name: found["ACGA"].about.get(name) for name in ("command", "commit", "torch", "device", "processes", "date")},
            }
            benchmark, rungs = LAYOUTS[self.options.release], found if len(found) > 1 else {}
            write_report(self.folder, benchmark, self.test, found["ACGA"], about=about, rungs=rungs)
        self.accelerator.wait_for_everyone()
        return self.folder / "report.md"

    @property
    def _rated(self) -> str:
        """The settings that measured times are of."""
        return digest(self.config.to_dict(), self.recipe.batch_size, str(self.accelerator.device), self.accelerator.num_processes)

    def _plan(self, names: list[str], splits: list[Split]) -> None:
        """Find out how much is left to do, and how long it takes by what was measured before, or else by a trial."""
        amounts = {"frames": 0, "training steps": 0, "sentences": 0}
        for split in splits:
            dataset = self.test if split == "test" else open_release(self.options.root, "train", self.config)
            folder = self.folder / "features" / split / "plain"
            done = int(Cache(folder, "features", incomplete=True).array(DONE).sum()) if (folder / "index.json").exists() else 0
            amounts["frames"] += len(dataset.annotated_frames) - done
            if split == "train":
                steps = round(self.recipe.epochs * steps_per_epoch(len(dataset), self.recipe.batch_size))
                amounts["training steps"] = sum(max(0, steps - last_step(self._place(name) / RUN)) for name in names)
        if not (self.folder / "evaluated.json").exists():
            amounts["sentences"] = len(self.test) * len(names)
        path = self.folder / "rates.json"
        known = read_json(path, dict[str, Any]) if path.exists() else {}
        rates = known["seconds"] if known.get("of") == self._rated else {}
        if any(amount and name not in rates for name, amount in amounts.items()):
            shared = 1 / self.accelerator.num_processes
            tried = measure_rates(self.config, self.recipe, self.accelerator.device, training=amounts["training steps"] > 0)
            rates = {**{name: seconds * shared for name, seconds in tried.items()}, **rates}
            if self.is_main:
                write_json(path, {"of": self._rated, "seconds": rates})
        self.progress = Progress(rates, amounts)
        self.say(self.progress.left())


def _find(root: Path, names: tuple[str, ...]) -> Path | None:
    """A file of one of these names in a folder or in the one that it is in."""
    return next((place / name for name in names for place in (root, root.resolve().parent) if (place / name).is_file()), None)
