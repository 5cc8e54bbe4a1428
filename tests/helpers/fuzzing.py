"""Damaged input of every kind, made from a seed, and what must not come of it: used by tests/fuzz and benchmarks/fuzz.py.

A case is (group, number): the same case makes the same input everywhere. The right end of a case is success or an `AcgaError`.
"""

import dataclasses
import io
import json
import os
import random
import resource
import shutil
import sys
import time
import traceback
from contextlib import chdir, redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path

import h5py
import numpy as np
import safetensors.torch
import scipy.io
import torch
from helpers.damage import NUMBERS, STRINGS, VALUES, damaged_bytes, damaged_json, damaged_text, damaged_value, deep
from helpers.fuzzing_media import FuzzerOfMedia
from helpers.small import CONFIG, save_small_model, write_clip

MEMORY = 1 << 30  # bytes that a case may add
SECONDS = 20.0  # of the processor that a case may take


class Fuzzer(FuzzerOfMedia):
    """Cases in a folder of their own, with a small release and weights as seeds."""

    def __init__(self, folder, release, jhmdb):
        from acga.data.text import Vocabulary
        from acga.inference import Segmenter

        self.folder, self.release, self.jhmdb = Path(folder), Path(release), Path(jhmdb)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.weights = save_small_model(self.folder / "seed.safetensors")
        self.film = write_clip(self.folder / "seed.mp4", 3)
        self.segmenter = Segmenter(self.weights, device="cpu")
        self.vocabulary = Vocabulary(["dog", "man"])
        header = self.weights.read_bytes()
        size = int.from_bytes(header[:8], "little")
        self.metadata = json.loads(json.loads(header[8 : 8 + size])["__metadata__"]["acga"])
        self.state = safetensors.torch.load_file(self.weights)

    # ---- each group: a method that makes one damaged input and reads it

    def words(self, rng):
        query = damaged_text(rng)
        for word in self.segmenter.unknown(query):
            self.segmenter.suggest(word)
        self.segmenter.word_vectors([query, *(["dog"] if rng.random() < 0.5 else [])])

    def legend(self, rng):
        from acga.output.overlay import Overlay
        from acga.output.segmentation import slug

        query = damaged_text(rng)
        slug(query)
        Overlay([query], (rng.randrange(1, 400), rng.randrange(1, 400)))

    def network_config(self, rng):
        from acga.config import ACGAConfig

        fields = damaged_value(rng, CONFIG.to_dict())
        ACGAConfig.from_dict(fields if isinstance(fields, dict) else {rng.choice(STRINGS): 1})

    def recipes(self, rng):
        from acga.config import LossConfig, PretrainConfig, SynthesisConfig, TrainConfig

        kind = rng.choice((LossConfig, PretrainConfig, SynthesisConfig, TrainConfig))
        kind(**{rng.choice(list(kind.__dataclass_fields__)): rng.choice(VALUES) for _ in range(2)})

    def changes(self, rng):
        from acga.options import configure

        name = rng.choice((*CONFIG.to_dict(), *STRINGS))
        text = rng.choice((*map(str, VALUES), json.dumps(rng.choice(VALUES)), deep(rng)))
        configure("mini", [rng.choice((f"{name}={text}", name, text))])

    def options(self, rng):
        from acga.cli import COMMANDS, main

        command = rng.choice([*COMMANDS])
        absent, film = str(self.folder / "absent"), str(self.film)
        about = {
            "demo": ["--weights", absent],
            "segment": [rng.choice((absent, film)), "dog", "--weights", str(self.weights)],
            "evaluate": [rng.choice((absent, str(self.release))), "--weights", str(self.weights)],
            "data photographs": [absent, absent],
            "data download": [rng.choice(STRINGS[3:]).replace("\0", "")],
            "data check": [rng.choice((absent, os.devnull, film))],
            "data synthesize": [os.devnull],
        }.get(command, [absent])
        out = rng.choice((str(self.folder / "new" / "out"), os.devnull, film, "/proc/x/y"))
        about += (
            ["--out", out] if command in ("demo", "segment", "pretrain", "train", "adapt", "evaluate", "ablate", "data extract") else []
        )
        about += ["--backbone", absent] if command in ("train", "ablate", "data extract") else []
        odd = [text.replace("\ud800", "\udc80") for text in STRINGS]  # a byte that is no UTF-8, as Python gives it to programs
        values = [*map(str, NUMBERS), *odd, absent, film, os.devnull, str(self.weights), str(self.folder), "cpu", "none"]
        for _ in range(rng.choice((1, 1, 2))):
            about += [rng.choice([*option_names(COMMANDS[command][0]), "--odd"]), rng.choice(values).replace("\0", "")]
        (self.folder / "here").mkdir(exist_ok=True)
        with chdir(self.folder / "here"):  # where what has a relative path goes
            code = main([*command.split(), *about])
        assert code in (0, 2), f"exit code {code}"
        shutil.rmtree(self.folder / "new", ignore_errors=True)

    def header(self, rng):
        from acga.inference import load
        from acga.model import I3D

        text = damaged_json(rng, self.metadata).decode("utf-8", "replace")
        path = self.folder / "w.safetensors"
        safetensors.torch.save_file(self.state, path, metadata={"acga": text})
        load(path) if rng.random() < 0.7 else I3D.from_file(path, through="mixed_4f")

    def safetensors(self, rng):
        from acga.inference import load

        content = self.weights.read_bytes()
        size = 8 + int.from_bytes(content[:8], "little")
        load(self.write("w.safetensors", damaged_bytes(rng, content[:size]) + content[size:]))

    def tensors(self, rng):
        from acga.inference import load

        state = dict(self.state)
        name = rng.choice(list(state))
        shape = rng.choice(((), (0,), (1,), (3, 3), (1, 1, 1, 1, 1), tuple(state[name].shape)))
        state[rng.choice((name, *STRINGS[1:6]))] = torch.zeros(
            shape, dtype=rng.choice((torch.float32, torch.int64, torch.bool, torch.float16))
        )
        path = self.folder / "w.safetensors"
        safetensors.torch.save_file(state, path, metadata={"acga": json.dumps(self.metadata)})
        load(path)

    def pickles(self, rng):
        from acga.model.state_dicts import read_state_dict

        names = (
            "conv3d_1a_7x7.conv3d.weight",
            "Conv3d_1a_7x7.conv3d.weight",
            "_conv_stem.weight",
            "attention_layer.video_reduce.weight",
            "",
            "a",
            3,
            None,
        )
        odd = (
            torch.zeros(2),
            torch.zeros(()),
            torch.zeros(1).expand(10**9),
            torch.zeros(2, 2).to_sparse(),
            torch.zeros(2, dtype=torch.complex64),
            1,
            [],
            None,
        )
        buffer = io.BytesIO()
        torch.save({rng.choice(names): rng.choice(odd) for _ in range(rng.choice((1, 3)))}, buffer)
        content = buffer.getvalue()
        read_state_dict(self.write("w.pth", damaged_bytes(rng, content) if rng.random() < 0.5 else content))

    def word2vec(self, rng):
        from acga.data.text import read_word2vec
        from acga.model.checkpoints import frequent_words

        content = b"3 8\n" + b"".join(word + b" " + bytes(32) for word in (b"dog", b"man", b"red"))
        path = self.write("v.bin", damaged_bytes(rng, content))
        read_word2vec(path, ["dog", "man"]) if rng.random() < 0.5 else frequent_words(path)

    def frame_list(self, rng):
        from acga.data.jhmdb import JHMDBSentences

        JHMDBSentences(
            self.jhmdb, size=32, frame_list=self.write("f.json", damaged_json(rng, {"a_ball_catch_1": [1, 2], "b_wave_hand_2": [1]}))
        )

    def tags(self, rng):
        from acga.data.dense_labels import actor_colours
        from acga.data.tags import read_tags

        self.write("queries.json", damaged_json(rng, [{"video_id": "a", "instance": 0, "query": "dog", "mentions": ["kind"]}]))
        self.write("scenes.json", damaged_json(rng, [{"name": "a", "actors": [{"colour": "red"}]}]))
        read_tags(self.folder) if rng.random() < 0.5 else actor_colours(self.folder)

    def evaluation_file(self, rng):
        from acga.evaluation import Evaluation

        saved = {"metrics": {"mIoU": 0.5}, "about": {}, "predictions": [["a", 1, 0, "dog", 3, 4, 0.5]]}
        Evaluation.load(self.write("e.json", damaged_json(rng, saved)))

    def run_state(self, rng):
        from acga.training.run import Run

        folder = self.folder / "run"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_bytes(damaged_json(rng, {"epochs": 1, "train": {"seed": 0}}))
        (folder / "log.jsonl").write_bytes(damaged_json(rng, {"step": 1, "loss": 0.5}) + b"\n")
        buffer = io.BytesIO()
        torch.save({"step": rng.choice((1, -1, "a", None)), "seconds": rng.choice((0.5, None)), "states": {}, "values": {}}, buffer)
        (folder / "checkpoint.pt").write_bytes(damaged_bytes(rng, buffer.getvalue()) if rng.random() < 0.7 else buffer.getvalue())
        run = Run(folder, {"epochs": 1, "train": {"seed": 0}}) if rng.random() < 0.3 else Run.__new__(Run)
        run.folder, run.writes, run.values = folder, True, {}
        run.load_checkpoint({})

    def study(self, rng):
        from acga.study.records import read_runs
        from acga.study.summary import Summary

        self.write("runs.jsonl", damaged_json(rng, {"variant": "ACGA", "seed": 0, "answers": {"a2d": {"intersection": [1]}}}))
        self.write("summary.json", damaged_json(rng, {"grids": {}, "claims": [], "cost": {}}))
        read_runs(self.folder) if rng.random() < 0.5 else Summary.read(self.folder)

    def cache(self, rng):
        from acga.data.features import FeatureCache

        index = {
            "version": 2,
            "kind": "features",
            "fingerprint": "f",
            "keys": [["a", 1]],
            "arrays": {"features": ["float16", [2]], "done": ["uint8", []]},
        }
        self.write("index.json", damaged_json(rng, index))
        for name, array in (("features", np.zeros((1, 2), np.float16)), ("done", np.ones(1, np.uint8))):
            np.save(self.folder / f"{name}.npy", array)
        if rng.random() < 0.5:
            path = self.folder / f"{rng.choice(('features', 'done'))}.npy"
            path.write_bytes(damaged_bytes(rng, path.read_bytes()))
        found = FeatureCache(self.folder)
        found[next(iter(found.rows))]

    def tables(self, rng):
        from acga.data.tables import read_sentences, read_table

        text = b'video_id,instance_id,query\na,0,a dog\nb,1,"a man, left"\n'
        path = self.write("t.csv", damaged_bytes(rng, text))
        read_sentences(path, ("video_id", "instance_id", "query")) if rng.random() < 0.5 else read_table(
            path, ("a", "b", "c"), header=False
        )

    def annotations(self, rng):
        from acga.data.a2d import read_annotation

        path = self.folder / "a.h5"
        arrays = {"instance": np.zeros(1), "reMask": np.ones((4, 3), np.uint8), "reBBox": np.ones((4, 1)), "id": np.array([18.0])}
        name = rng.choice(list(arrays))
        shape = rng.choice(((), (0,), (1,), (2,), (4, 2), (2, 2, 2)))
        arrays[name] = rng.choice(
            (np.full(shape, rng.choice((0, -1, 1e300, np.nan, 0.5, 255))), np.zeros(shape, "S3"), np.zeros(shape, complex))
        )
        with h5py.File(path, "w") as file:
            for key, value in arrays.items():
                file[key] = value
        if rng.random() < 0.4:
            path.write_bytes(damaged_bytes(rng, path.read_bytes()))
        read_annotation(path)

    def puppet_masks(self, rng):
        from acga.data.jhmdb import read_puppet_mask

        path = self.folder / "p.mat"
        shape = rng.choice(((), (0,), (3, 4), (3, 4, 2), (2, 2, 2, 2)))
        value = rng.choice((np.ones(shape), np.full(shape, np.nan), np.zeros(shape, complex), "text", {"a": 1}, np.ones(shape, np.uint8)))
        scipy.io.savemat(path, {rng.choice(("part_mask", "part_mask", "other")): value})
        if rng.random() < 0.5:
            path.write_bytes(damaged_bytes(rng, path.read_bytes()))
        read_puppet_mask(path)


GROUPS = [name for kind in (Fuzzer, FuzzerOfMedia) for name in vars(kind) if not name.startswith("_") and name != "write"]


def option_names(options):
    """The options of a command, as they are typed."""
    for field in dataclasses.fields(options):
        value = field.default_factory() if field.default is dataclasses.MISSING and callable(field.default_factory) else field.default
        if field.name == "config":
            yield from ("--network", "--change")
        elif dataclasses.is_dataclass(value):
            yield from (name.replace("--", f"--{field.name}." if field.name == "loss" else "--") for name in option_names(type(value)))
        else:
            yield f"--{field.name.replace('_', '-')}"


def try_case(fuzzer, group, number):
    """How a case ends: "read", "refused", or what is wrong with it."""
    from acga.errors import AcgaError

    rng = random.Random(f"{group} {number}")
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    said = io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said):
            getattr(fuzzer, group)(rng)
        end = "read"
    except AcgaError as error:
        message = str(error)
        end = "refused" if 0 < len(message) <= 300 and "\n" not in message else f"message: {message[:80]!r}"
    except SystemExit as error:  # of a command line that cannot be parsed
        end = "refused" if error.code == 2 else f"exit: {error.code}"
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        end = f"traceback: {type(error).__name__}: {str(error)[:80]} ({Path(place.filename).name}:{place.lineno})"
    if (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10 > MEMORY:
        end = "memory: more than 1 GB"
    seconds = time.process_time() - started
    return end if seconds < SECONDS else f"hang: {seconds:.0f} s", seconds


def serve(connection: Connection, folder, release, jhmdb):
    """A process that tries one case after the other, as they are sent."""
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    torch.set_num_threads(1)
    sys.setrecursionlimit(1000)
    fuzzer = Fuzzer(folder, release, jhmdb)
    connection.send("ready")
    while (case := connection.recv()) is not None:
        connection.send(try_case(fuzzer, *case))
