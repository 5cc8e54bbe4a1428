"""Damaged input of every kind, made from a seed, and what must not come of it: used by tests/fuzz and benchmarks/fuzz.py.

A case is (group, number): the same case makes the same input everywhere. The right end of a case is success or an `AcgaError`.
"""

import io
import json
import os
import random
import resource
import sys
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import h5py
import numpy as np
import safetensors.torch
import scipy.io
import torch
from helpers.films import grey_pictures, write_film
from helpers.small import CONFIG, save_small_model
from PIL import Image

MEMORY = 1 << 30  # bytes that a case may add
SECONDS = 20.0  # that a case may take

NUMBERS = [0, -1, 1, 2, 3, 0.5, 1e300, -1e300, float("nan"), float("inf"), 2**31, 2**63, 10**25, 1e-300]
STRINGS = ["", "a", "\0", "'", '"', "é" * 50, "犬", "\u200b", "a" * 5000, "../x", "nan", "[", "\ud800", "%s{0}\n", "-1", "\x1b[2J"]
VALUES = [*NUMBERS, *STRINGS, None, True, False, [], {}, [[]], {"a": 1}, [1] * 50]


def deep(rng):
    return "[" * rng.choice((50, 5000, 200_000))


def damaged_bytes(rng, content):
    """Content with bytes flipped, cut out, repeated, exchanged or appended."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        place = rng.randrange(len(content) + 1)
        length = rng.choice((1, 2, 4, 8, 64, 1000))
        kind = rng.randrange(6)
        if kind == 0:
            content = content[:place]
        elif kind == 1:
            content[place : place + length] = rng.randbytes(length)
        elif kind == 2:
            del content[place : place + length]
        elif kind == 3:
            content[place:place] = content[place : place + length] * rng.choice((1, 2, 100))
        elif kind == 4:
            content[place : place + 4] = rng.choice((0, 1, 2**31 - 1, 2**32 - 1)).to_bytes(4, rng.choice(("little", "big")))
        else:
            content[place : place + 1] = rng.choice((b"\0", b"\xff", b'"', b",", b"\n", b"{", b"-", b"9"))
    return bytes(content)


def damaged_value(rng, value):
    """A JSON value with something in it replaced, left out or renamed."""
    if rng.random() < 0.25 or not isinstance(value, dict | list) or not value:
        return rng.choice(VALUES)
    copy = dict(value) if isinstance(value, dict) else list(value)
    place = rng.choice(list(copy)) if isinstance(copy, dict) else rng.randrange(len(copy))
    kind = rng.randrange(5)
    if kind == 0:
        del copy[place]
    elif kind == 1 and isinstance(copy, dict):
        copy[rng.choice(STRINGS)] = copy.pop(place)
    else:
        copy[place] = damaged_value(rng, copy[place])
    return copy


def damaged_json(rng, value):
    """A JSON text that is damaged as a value, as bytes, or nested too deeply."""
    kind = rng.randrange(10)
    if kind == 0:
        return deep(rng).encode()
    text = json.dumps(value).encode()
    return damaged_bytes(rng, text) if kind < 4 else json.dumps(damaged_value(rng, value)).encode("utf-8", "surrogatepass")


def damaged_text(rng):
    """A sentence of odd words."""
    letters = [chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x2000, 0x2070), rng.randrange(1, 0xD7FF)))) for _ in range(30)]
    words = [
        rng.choice((*STRINGS, "dog", "man", "".join(letters), "a" * rng.choice((100, 20_000, 60_000))))
        for _ in range(rng.choice((0, 1, 3, 25)))
    ]
    return rng.choice((" ", "", "\n", ",")).join(words)


class Fuzzer:
    """Cases in a folder of their own, with a small release and weights as seeds."""

    def __init__(self, folder, release, jhmdb):
        from acga.data.text import Vocabulary
        from acga.inference import Segmenter

        self.folder, self.release, self.jhmdb = Path(folder), Path(release), Path(jhmdb)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.weights = save_small_model(self.folder / "seed.safetensors")
        self.segmenter = Segmenter(self.weights, device="cpu")
        self.vocabulary = Vocabulary(["dog", "man"])
        header = self.weights.read_bytes()
        size = int.from_bytes(header[:8], "little")
        self.metadata = json.loads(json.loads(header[8 : 8 + size])["__metadata__"]["acga"])
        self.state = safetensors.torch.load_file(self.weights)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    # ---- each group: a method that makes one damaged input and reads it

    def words(self, rng):
        query = damaged_text(rng)
        for word in self.segmenter.unknown(query):
            self.segmenter.suggest(word)
        self.segmenter.word_vectors([query, *(["dog"] if rng.random() < 0.5 else [])])

    def legend(self, rng):
        from acga.output import slug
        from acga.overlay import Overlay

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
        from acga.cli import main

        command = rng.choice(("train", "pretrain", "segment", "evaluate", "ablate", "data extract", "data synthesize")).split()
        names = {
            "train": ["--epochs", "--batch-size", "--seed", "--learning-rate", "--workers", "--loss.foreground-weight", "--decay-every"],
            "pretrain": ["--epochs", "--batch-size", "--seed", "--shift", "--close-up-size", "--head-width", "--checkpoint-every"],
            "segment": ["--every", "--minimum-peak", "--device", "--words", "--weights"],
            "evaluate": ["--batch-size", "--frame-list", "--weights", "--words", "--blind-to", "--split"],
            "ablate": ["--seeds", "--first-seed", "--only", "--grid", "--workers", "--change"],
            "extract": ["--kind", "--split", "--workers", "--change", "--network"],
            "synthesize": ["--train", "--frames", "--edition", "--seed", "--workers", "--sentences", "--cutouts"],
        }[command[-1]]
        value = str(rng.choice([*NUMBERS, "", "犬", "nan", "-1", "a" * 5000])).replace("\0", "")
        absent = str(self.folder / "absent")
        out = ["--out", rng.choice((str(self.folder / "out"), os.devnull, str(self.weights), "/proc/x/y"))]
        needs = {"train": ["--backbone", absent], "ablate": ["--backbone", absent], "extract": ["--backbone", absent]}.get(command[-1], [])
        about = [absent, "dog"] if command == ["segment"] else [absent]
        if command[-1] == "synthesize":
            about, out = [os.devnull], []
        code = main([*command, *about, *out, *needs, rng.choice(names), value])
        assert code in (0, 2), f"exit code {code}"

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
        from acga.run import Run

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

    def films(self, rng):
        from acga.data.video import VideoWriter, read_shown_frames

        ending = rng.choice(("mp4", "mkv", "mov", "avi", "gif", "ts"))
        seed = self.folder / f"seed.{ending}"
        if not seed.exists():
            pictures = grey_pictures(4)
            if ending == "gif":
                first, *others = map(Image.fromarray, pictures)
                first.save(seed, save_all=True, append_images=others, duration=80)
            else:
                write_film(seed, pictures, times=[0, 0.1, 0.5, 0.6], codec="mjpeg" if ending in ("mov", "avi") else "libx264")
        film = self.write(f"film.{ending}", damaged_bytes(rng, seed.read_bytes()))
        video = None
        for number, frame in enumerate(read_shown_frames(film)):
            video = video or VideoWriter(self.folder / "out.mp4", 12, frame.picture.shape[:2])
            video.write(frame.picture, frame.time)
            if number == 50:
                break
        if video is not None:
            video.__exit__(None, None, None)

    def pictures(self, rng):
        from acga.data.video import read_frames

        folder = self.folder / "frames"
        folder.mkdir(exist_ok=True)
        for file in folder.iterdir():
            file.unlink()
        ending = rng.choice((".png", ".jpg"))
        content = cv2.imencode(ending, np.arange(48, dtype=np.uint8).reshape(4, 4, 3))[1].tobytes()
        (folder / f"1{ending}").write_bytes(damaged_bytes(rng, content))
        list(read_frames(folder))

    def puppet_masks(self, rng):
        from acga.data.jhmdb import read_puppet_mask

        path = self.folder / "p.mat"
        shape = rng.choice(((), (0,), (3, 4), (3, 4, 2), (2, 2, 2, 2)))
        value = rng.choice((np.ones(shape), np.full(shape, np.nan), np.zeros(shape, complex), "text", {"a": 1}, np.ones(shape, np.uint8)))
        scipy.io.savemat(path, {rng.choice(("part_mask", "part_mask", "other")): value})
        if rng.random() < 0.5:
            path.write_bytes(damaged_bytes(rng, path.read_bytes()))
        read_puppet_mask(path)


GROUPS = [name for name, value in vars(Fuzzer).items() if callable(value) and not name.startswith("_") and name != "write"]


def try_case(fuzzer, group, number):
    """How a case ends: "read", "refused", or what is wrong with it."""
    from acga.errors import AcgaError

    rng = random.Random(f"{group} {number}")
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
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
    return end, time.monotonic() - started


def serve(connection: Connection, folder, release, jhmdb):
    """A process that tries one case after the other, as they are sent."""
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    torch.set_num_threads(1)
    sys.setrecursionlimit(1000)
    fuzzer = Fuzzer(folder, release, jhmdb)
    connection.send("ready")
    while (case := connection.recv()) is not None:
        connection.send(try_case(fuzzer, *case))
