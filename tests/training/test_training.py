"""Both stages of training on a tiny release: resumed runs equal unbroken ones, the controls are wired right, and it learns."""

import copy
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from accelerate import Accelerator
from helpers import squares
from helpers.launching import launch
from helpers.paths import ROOT, TESTS
from helpers.small import CONFIG as SMALL
from helpers.small import IMAGE_CONFIG, image_backbone
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from acga.config import ACGAConfig, LossConfig, PretrainConfig, TrainConfig
from acga.data import A2DSentences
from acga.data.absent import AbsentQueries
from acga.data.clips import ClipCache
from acga.data.dense_labels import LABELS, actor_colours, dense_labels
from acga.data.features import FeatureCache
from acga.data.geometry import pad_resize
from acga.data.masks import MaskCache
from acga.data.splits import split_validation, validation_videos
from acga.data.text import Vocabulary, glove
from acga.errors import ConfigError, DatasetError, WeightsError
from acga.evaluation import Evaluation, evaluate, silent_words
from acga.losses import WeightedSegmentationLoss
from acga.model import ACGA, ImageBackbone
from acga.model.checkpoints import load_model
from acga.model.decoder import fuse_finest, start_coarse, upsample
from acga.model.i3d import I3D
from acga.model.recogniser import CLASSES, OUTPUTS, DenseObjective, DenseRecogniser, class_balance
from acga.model.state_dicts import read_state_dict
from acga.options import PretrainOptions, TrainOptions
from acga.system import provenance as provenance_module
from acga.system.computing import choose_accelerator
from acga.system.provenance import provenance
from acga.training import batches
from acga.training.augmentation import as_input, augment, close_up
from acga.training.batches import ReleaseSamples, SentenceBatches, extract, mirrored_words
from acga.training.pretraining import pretrain, recognition_scores
from acga.training.run import Run, read_log
from acga.training.schedule import batch_at, cosine_with_warm_up, own_share, steps_per_epoch
from acga.training.sentences import SentenceObjective, build_model, go_on_from, learning_rate, parameter_groups, train

pytestmark = pytest.mark.usefixtures("one_thread")
CONFIG = replace(SMALL, vocabulary_size=16)
PRETRAIN = PretrainConfig(epochs=2, batch_size=2, head_width=4, shift=4)
TRAIN = TrainConfig(epochs=2, batch_size=8, learning_rate=3e-3, decay_every=0)


def pretrain_options(root, out, recipe=PRETRAIN, config=CONFIG, **more):
    return PretrainOptions(root=Path(root), out=Path(out), config=config, recipe=recipe, workers=0, device="cpu", **more)


def train_options(root, out, backbone, recipe=TRAIN, config=CONFIG, **more):
    return TrainOptions(root=Path(root), out=Path(out), backbone=backbone, config=config, recipe=recipe, workers=0, device="cpu", **more)


class Killed(Exception):
    pass


def kill_at(step):
    def on_step(finished):
        if finished == step:
            raise Killed

    return on_step


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return squares.write_release(tmp_path_factory.mktemp("squares"), train=6, test=1)


@pytest.fixture(scope="module")
def dataset(root):
    return A2DSentences(root, "train", size=32)


@pytest.fixture(scope="module")
def backbone(root, tmp_path_factory):
    """An unbroken pretraining run, in `backbone.parent`."""
    return pretrain(pretrain_options(root, tmp_path_factory.mktemp("pretrained") / "run"))


def without_seconds(folder):
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in read_log(folder)]


def test_the_attention_branches_learn_at_their_own_rate():
    model = ACGA(CONFIG)
    rest, attention = parameter_groups(model, replace(TRAIN, attention_rate=0.3))
    assert (rest["rate"], attention["rate"]) == (1.0, 0.3)
    assert {id(p) for p in attention["params"]} == {id(p) for p in model.attention.parameters()}
    assert len(rest["params"]) + len(attention["params"]) == len(model.training_parameters())


def assert_same_weights(path, other):
    found, expected = read_state_dict(path).state, read_state_dict(other).state
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)


# ---------------------------------------------------------------- order, schedule, split


@given(count=st.integers(1, 60), batch_size=st.integers(1, 20), seed=st.integers(0, 5), epoch=st.integers(0, 3))
def test_an_epoch_shows_no_sample_twice(count, batch_size, seed, epoch):
    steps = steps_per_epoch(count, batch_size)
    shown = [batch_at(epoch * steps + step, count, batch_size, seed=seed) for step in range(steps)]
    assert {len(batch) for batch in shown} == {min(batch_size, count)}
    everything = np.concatenate(shown)
    assert len(set(everything.tolist())) == len(everything) and set(everything.tolist()) <= set(range(count))


def test_epochs_and_seeds_differ_in_order():
    first, second, other = batch_at(0, 50, 50, seed=0), batch_at(1, 50, 50, seed=0), batch_at(0, 50, 50, seed=1)
    assert not np.array_equal(first, second) and not np.array_equal(first, other)


@given(steps=st.integers(2, 400))
def test_the_schedule_rises_then_falls_to_zero(steps):
    shares = [cosine_with_warm_up(step, steps) for step in range(steps + 1)]
    peak = shares.index(max(shares))
    assert max(shares) == pytest.approx(1)
    assert all(a < b for a, b in pairwise(shares[: peak + 1])) and all(a >= b for a, b in pairwise(shares[peak:]))
    assert shares[-1] == pytest.approx(0, abs=1e-9)


def test_the_papers_step_decay():
    rates = [learning_rate(step, 1200, 100, TrainConfig()) for step in range(1200)]
    assert rates[:800] == [5e-4] * 800 and rates[800:] == pytest.approx([5e-5] * 400)


def test_batches_are_shared_out_to_processes():
    class Process:
        num_processes, process_index = 2, 1

    assert own_share(np.arange(6), Process()).tolist() == [1, 3, 5]
    with pytest.raises(ConfigError, match="5 samples cannot be shared out evenly to 2 processes"):
        own_share(np.arange(5), Process())


@given(st.sets(st.text("abc123", min_size=1), max_size=40))
def test_the_validation_split_is_a_tenth_of_the_videos_whatever_their_order(videos):
    held_out = validation_videos(sorted(videos))
    assert held_out <= videos and held_out == validation_videos(sorted(videos, reverse=True))
    assert len(held_out) == (max(1, round(len(videos) / 10)) if len(videos) > 1 else 0)


def test_no_video_is_in_both_parts(dataset):
    training, validation = split_validation(dataset)
    assert sorted(training + validation) == list(range(len(dataset)))
    assert {dataset.samples[i].video_id for i in training}.isdisjoint(dataset.samples[i].video_id for i in validation)
    assert len(validation) == 4  # of one video


# ---------------------------------------------------------------- caches


def test_dense_labels_go_to_the_instance_that_covers_most():
    masks = np.zeros((2, 8, 8), bool)
    masks[0, :4, :4] = True
    masks[1, :4, 4:7] = True  # three quarters of the cell beside
    masks[1, 4:5, 4:] = True  # a quarter of the cell below: stays background
    labels = dense_labels(masks, [76, 18], ["black", None], size=8)
    assert labels[LABELS.index("instance")].tolist() == [[1, 2], [0, 0]]
    assert labels[LABELS.index("actor")].tolist() == [[7, 1], [0, 0]]
    assert labels[LABELS.index("action")].tolist() == [[6, 8], [0, 0]]
    assert labels[LABELS.index("colour")].tolist() == [[9, 0], [0, 0]]
    with pytest.raises(DatasetError, match="95 is no class of A2D"):
        dense_labels(masks, [95, 18], [None, None], size=8)


def test_clip_cache_holds_what_the_dataset_gives(dataset, root, tmp_path):
    cache = ClipCache.build(dataset, tmp_path, colours=actor_colours(root), workers=0)
    assert cache.clips.shape == (6, 16, 32, 32, 3) and cache.labels.shape == (6, 4, 8, 8)
    for row, frame in enumerate(dataset.annotated_frames):
        assert torch.equal(as_input(cache.clips[[row]])[0], dataset.clip(*frame)) or torch.allclose(
            as_input(cache.clips[[row]])[0], dataset.clip(*frame), atol=1e-6
        )
    assert set(np.unique(cache.labels[:, LABELS.index("colour")])) == {0, 1, 2}  # red, green
    assert isinstance(cache.labels, np.memmap) and isinstance(cache.clips, np.memmap)


def test_an_interrupted_clip_cache_goes_on(dataset, root, tmp_path, monkeypatch):
    whole = ClipCache.build(dataset, tmp_path / "whole", colours=actor_colours(root), workers=0)
    decode, decoded = A2DSentences.read_video, []

    def broken(self, video_id):
        if len(decoded) == 2:
            raise Killed
        decoded.append(video_id)
        return decode(self, video_id)

    monkeypatch.setattr(A2DSentences, "read_video", broken)
    fresh = A2DSentences(root, "train", size=32).replaced(dataset.samples[::-1])  # in another order, and nothing decoded yet
    with pytest.raises(Killed):
        ClipCache.build(fresh, tmp_path / "part", colours=actor_colours(root), workers=0)
    monkeypatch.setattr(A2DSentences, "read_video", lambda self, video_id: decoded.append(video_id) or decode(self, video_id))
    part = ClipCache.build(fresh, tmp_path / "part", colours=actor_colours(root), workers=0)
    assert sorted(decoded) == sorted(video_id for video_id, _ in dataset.annotated_frames)  # nothing twice
    assert np.array_equal(part.clips, whole.clips[::-1]) and np.array_equal(part.labels, whole.labels[::-1])


def test_clips_of_other_data_are_refused(root, tmp_path):
    data = shutil.copytree(root, tmp_path / "data")
    colours = actor_colours(data)
    built = ClipCache.build(A2DSentences(data, "train", size=32), tmp_path / "clips", colours=colours, workers=0)
    assert built.fingerprint == ClipCache.build(A2DSentences(root, "train", size=32), tmp_path / "clips", colours=colours).fingerprint
    others = {
        "size": (A2DSentences(data, "train", size=16), colours),
        "clip length": (A2DSentences(data, "train", size=32, clip_length=8), colours),
        "colours": (A2DSentences(data, "train", size=32), colours | {("squares0000", 0): "blue"}),
        "split": (A2DSentences(data, "test", size=32), colours),
    }
    for dataset, shown in others.values():
        with pytest.raises(DatasetError, match="holds clips of other weights, data or settings; delete it or choose another folder"):
            ClipCache.build(dataset, tmp_path / "clips", colours=shown, workers=0)
    draw_anew(data)
    with pytest.raises(DatasetError, match="holds clips of other"):
        ClipCache.build(A2DSentences(data, "train", size=32), tmp_path / "clips", colours=colours, workers=0)
    with pytest.raises(DatasetError, match="holds clips, not masks"):
        MaskCache(A2DSentences(data, "train", size=32), tmp_path / "clips")


def test_colours_of_a_real_or_damaged_release(tmp_path):
    assert actor_colours(tmp_path) == {}
    for content, message in (
        ("[", "does not list scenes"),
        ('[{"name": "a"}]', "does not list scenes"),
        ('[{"name": "a", "actors": [{"colour": "mauve"}]}]', "'mauve'"),
    ):
        (tmp_path / "scenes.json").write_text(content)
        with pytest.raises(DatasetError, match=message):
            actor_colours(tmp_path)


def draw_anew(data):
    """Move the mask of an actor, in a file of the same size and times."""
    path = data / "text_annotations" / "a2d_annotation_with_instances" / "squares0001" / "00006.h5"
    before = path.stat()
    with h5py.File(path, "r+") as file:
        file["reMask"][...] = np.roll(file["reMask"][...], 5, axis=2)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def test_mask_cache_holds_the_targets(dataset, tmp_path):
    indices = np.array([5, 0, 5, 23])
    expected = torch.stack([dataset.labels(index)["target"] for index in indices])
    for cache in (MaskCache(dataset), MaskCache(dataset, tmp_path), MaskCache(dataset, tmp_path)):
        assert torch.equal(cache[indices], expected)
    assert len(np.load(tmp_path / "masks.npy")) == 12  # two instances in six videos, each told of twice


def test_masks_of_other_annotations_are_refused(root, tmp_path):
    data = shutil.copytree(root, tmp_path / "data")
    MaskCache(A2DSentences(data, "train", size=32), tmp_path / "masks")
    MaskCache(A2DSentences(root, "train", size=32), tmp_path / "masks")  # a copy of the data is the same data
    with pytest.raises(DatasetError, match="masks holds masks of other weights, data or settings; delete it or choose another folder"):
        MaskCache(A2DSentences(data, "train", size=48), tmp_path / "masks")
    draw_anew(data)
    with pytest.raises(DatasetError, match="masks holds masks of other"):
        MaskCache(A2DSentences(data, "train", size=32), tmp_path / "masks")


# ---------------------------------------------------------------- pretraining


def test_augmentation_moves_labels_with_the_picture():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, (6, 4, 8, 8), dtype=np.uint8)
    clips = np.repeat(np.repeat(labels[:, :1], 4, axis=2), 4, axis=3)[..., None].repeat(3, axis=-1).repeat(2, axis=1) * 10
    config = PretrainConfig(shift=8, contrast=0, brightness=0)
    values, moved = augment(clips, labels, config, np.random.default_rng(1))
    assert values.shape == (6, 3, 2, 32, 32) and moved.shape == labels.shape
    painted = ((values[:, 0, 0, ::4, ::4] + 1) * 12.75).round().long()
    assert torch.equal(painted, moved[:, 0])
    assert not torch.equal(moved, torch.from_numpy(labels).long())
    again, _ = augment(clips, labels, replace(config, contrast=0.2, brightness=0.1), np.random.default_rng(1))
    assert (again - values).abs().max() <= 0.3 + 1e-6 and again.abs().max() <= 1 and not torch.equal(again, values)


def test_close_ups_show_an_actor_with_its_labels():
    labels = np.zeros((8, 4, 8, 8), np.uint8)
    for row, place in enumerate(np.random.default_rng(0).integers(8, size=(8, 2))):
        labels[row, :, *place] = row + 1
    clips = labels[:, :1].repeat(4, axis=2).repeat(4, axis=3)[..., None].repeat(3, axis=-1).repeat(16, axis=1)
    near_clips, near_labels = close_up(clips, labels, 16, np.random.default_rng(1))
    assert near_clips.shape == (8, 16, 16, 16, 3) and near_labels.shape == (8, 4, 4, 4)
    assert np.array_equal(near_clips[:, 0, ::4, ::4, 0], near_labels[:, 0])
    assert (near_labels.max(axis=(1, 2, 3)) == np.arange(1, 9)).all()  # the actor is inside, each in its own clip
    empty_clips, empty_labels = close_up(clips[:1], np.zeros_like(labels[:1]), 16, np.random.default_rng(1))
    assert empty_clips.shape == (1, 16, 16, 16, 3) and not empty_labels.any()


def test_class_balance_favours_the_rare():
    labels = np.zeros((1, 4, 10, 10), np.uint8)
    labels[0, LABELS.index("actor")] = 1
    labels[0, LABELS.index("actor"), 0, :4] = 2
    weights = class_balance(labels)["actor"]
    assert weights[1] / weights[0] == pytest.approx(math.sqrt(96 / 4), rel=1e-4)
    assert weights[2:].tolist() == [1] * 5


def test_dense_losses_of_an_undecided_head():
    recogniser = DenseRecogniser(width=0.0625, head_width=4)
    nn.init.zeros_(recogniser.head[-1].weight)
    nn.init.zeros_(recogniser.head[-1].bias)
    labels = torch.zeros(2, 4, 8, 8, dtype=torch.long)
    labels[:, :3, 2:4, 2:4] = 1  # the colour is not known anywhere
    balance = {name: torch.rand(classes) + 0.5 for name, classes in CLASSES.items()}
    losses = DenseObjective(recogniser, balance)(torch.zeros(2, 3, 16, 32, 32), labels)
    assert losses.tolist() == pytest.approx([16 * math.log(2), math.log(7), math.log(9), 0], abs=1e-5)  # 4 of 64 cells are foreground


def test_recognition_scores_by_hand():
    class Fixed(nn.Module):
        def forward(self, clip):
            outputs = {name: torch.zeros(len(clip), classes, 2, 2) for name, classes in OUTPUTS.items()}
            outputs["foreground"][:] = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
            outputs["actor"][:, 2] = 1.0  # ball everywhere
            return outputs

    labels = np.zeros((3, 4, 2, 2), np.uint8)
    labels[0, 0, :, 0], labels[0, 1, :, 0] = 1, (3, 1)  # found 2, present 2, in common 1; one of two actors is a ball
    cache = ClipCache([("a", 1)] * 3, np.zeros((3, 16, 8, 8, 3), np.uint8), labels, "")
    scores = recognition_scores(Fixed(), cache, np.array([0]), batch_size=2, device=torch.device("cpu"))
    assert scores == {"foreground": pytest.approx(1 / 3), "actor": 0.5, "action": 0.0, "colour": 0.0}


def test_pretraining_resumed_equals_unbroken(root, backbone, tmp_path):
    cache = backbone.parent / "clips"
    with pytest.raises(Killed):
        pretrain(pretrain_options(root, tmp_path, cache=cache, checkpoint_every=1), on_step=kill_at(3))
    assert not (tmp_path / "model.safetensors").exists()
    path = pretrain(pretrain_options(root, tmp_path, cache=cache))
    assert_same_weights(path, backbone)
    assert without_seconds(tmp_path) == without_seconds(backbone.parent)


def test_pretrained_weights_are_an_i3d(backbone):
    i3d = I3D.from_file(backbone)
    assert i3d.width == CONFIG.backbone_width and i3d.channels["mixed_4f"] == CONFIG.vision_widths[0]
    history = read_state_dict(backbone).metadata["provenance"]
    assert set(history["validation"]) == {"foreground", "actor", "action", "colour"} and history["train"]["epochs"] == 2
    entries = read_log(backbone.parent)
    assert [entry["epoch"] for entry in entries if "epoch" in entry] == [1, 2]


def test_pretraining_learns(root, backbone, tmp_path, monkeypatch):
    monkeypatch.setattr("acga.training.run.LOG_EVERY", 1)
    config = replace(PRETRAIN, epochs=12, learning_rate=1e-2, shift=0, contrast=0.0, brightness=0.0, head_width=16)
    pretrain(pretrain_options(root, tmp_path, config, cache=backbone.parent / "clips"))
    losses = [entry["loss"] for entry in read_log(tmp_path) if "loss" in entry]
    assert len(losses) == 24 and np.mean(losses[-4:]) < 0.6 * np.mean(losses[:4])


def test_a_run_with_other_settings_is_refused(root, backbone):
    with pytest.raises(ConfigError, match=r"train\.epochs is 2 there, 3 here"):
        pretrain(pretrain_options(root, backbone.parent, replace(PRETRAIN, epochs=3)))


def test_one_video_is_too_few(tmp_path):
    squares.write_release(tmp_path, train=1, test=1)
    with pytest.raises(DatasetError, match="a single training video"):
        pretrain(pretrain_options(tmp_path, tmp_path / "run"))


# ---------------------------------------------------------------- the folder of a run


def test_a_log_cut_by_a_kill(tmp_path):
    run = Run(tmp_path, {"epochs": 1})
    module = nn.Linear(1, 1)
    run.log(step=1, loss=0.5)
    run.values["best"] = 0.25
    run.save_checkpoint(1, {"module": module})
    run.log(step=2, loss=0.4)
    with open(tmp_path / "log.jsonl", "a") as file:
        file.write('{"step": 3, "lo')
    again, other = Run(tmp_path, {"epochs": 1}), nn.Linear(1, 1)
    assert again.load_checkpoint({"module": other}) == 1 and again.values == {"best": 0.25}
    assert torch.equal(other.weight, module.weight)
    again.log(step=2, loss=0.4)
    assert read_log(again.folder) == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.4}]
    assert again.seconds >= 0


def test_damaged_files_of_a_run(tmp_path):
    Run(tmp_path, {"epochs": 1})
    (tmp_path / "checkpoint.pt").write_bytes(b"half")
    with pytest.raises(ConfigError, match=r"checkpoint\.pt is damaged"):
        Run(tmp_path, {"epochs": 1}).load_checkpoint({})
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigError, match=r"config\.json cannot be read"):
        Run(tmp_path, {"epochs": 1})


def test_devices(monkeypatch):
    assert choose_accelerator("cpu").device.type == "cpu"
    with pytest.raises(ConfigError, match="no device 'gpu'"):
        choose_accelerator("gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="no GPU"):
        choose_accelerator("cuda")


def test_provenance_names_the_command(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/acga", "train", "my data"])
    found = provenance(seed=3)
    assert found["command"] == "acga train 'my data'" and found["seed"] == 3 and found["torch"] == torch.__version__


def test_provenance_tells_of_a_changed_file_anywhere_in_the_package(monkeypatch, tmp_path):
    package = tmp_path / "repository" / "acga"
    for name in ("__init__.py", "network.py", "system/__init__.py", "system/provenance.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("")

    def git(*arguments):
        subprocess.run(["git", "-C", tmp_path / "repository", *arguments], check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "a")
    monkeypatch.setattr(provenance_module, "__file__", str(package / "system" / "provenance.py"))
    clean = provenance()["commit"]
    (package / "network.py").write_text("changed")
    assert re.fullmatch("[0-9a-f]{40}", clean) and provenance()["commit"] == f"{clean}+"


# ---------------------------------------------------------------- training on sentences


def test_mirrored_words_swap_left_and_right():
    vocabulary = Vocabulary(["left", "dog", "right", "leftmost"])
    assert mirrored_words(vocabulary).tolist() == [0, 1, 4, 3, 2, 1]  # "rightmost" is not known


@pytest.fixture(scope="module")
def prepared(dataset, backbone, tmp_path_factory):
    """A model and features of every kind."""
    model = build_model(CONFIG, dataset, split_validation(dataset)[0], backbone, None, seed=0)
    folder = tmp_path_factory.mktemp("features")
    accelerator = Accelerator(cpu=True)
    kinds = ("plain", "mirrored", "still")
    return model, {kind: extract(model, dataset, folder, kind, accelerator=accelerator, workers=0) for kind in kinds}


def test_features_of_every_kind(dataset, prepared):
    model, caches = prepared
    frame = dataset.annotated_frames[3]
    clip = dataset.clip(*frame)[None]
    still = clip[:, :, 8:9].expand_as(clip)
    for kind, shown in (("plain", clip), ("mirrored", clip.flip(-1)), ("still", still)):
        expected = model.features(shown)[0]
        assert torch.allclose(caches[kind][frame].float(), expected, rtol=1e-2, atol=1e-3)
    assert not torch.equal(caches["plain"][frame], caches["mirrored"][frame])
    assert not torch.equal(caches["plain"][frame], caches["still"][frame])


def take(dataset, model, recipe, caches, masks, indices, seed=0):
    """A batch of these samples, in this order."""
    batches = SentenceBatches([(ReleaseSamples(dataset, model, recipe, caches, masks), list(indices), 1.0)], seed=0)
    return batches.take(np.arange(len(batches.groups)), np.random.default_rng(seed)).to(torch.device("cpu"))


def test_batches_are_mirrored_as_a_whole(dataset, prepared):
    model, caches = prepared
    masks = MaskCache(dataset)
    index = next(i for i, sample in enumerate(dataset.samples) if sample.query == "the red one on the left")
    features, tokens, target, clips, others = take(dataset, model, replace(TRAIN, mirror=True), caches, masks, [index] * 16)
    assert clips is None and others is None
    frame = (dataset.samples[index].video_id, dataset.samples[index].frame)
    seen = {True: 0, False: 0}
    for row in range(16):
        flipped = torch.equal(features[row], caches["mirrored"][frame].float())
        seen[flipped] += 1
        assert flipped or torch.equal(features[row], caches["plain"][frame].float())
        query = "the red one on the right" if flipped else "the red one on the left"
        assert tokens[row].tolist() == model.vocabulary.encode(query).tolist()
        expected = masks[np.array([index])][0]
        assert torch.equal(target[row], expected.flip(-1) if flipped else expected)
    assert min(seen.values()) > 0


def test_the_controls_are_wired(dataset, prepared):
    model, caches = prepared
    masks, indices = MaskCache(dataset), [0, 1, 2, 3]
    text = take(dataset, model, replace(TRAIN, blind_to="text"), caches, masks, indices)
    motion = take(dataset, model, replace(TRAIN, blind_to="motion"), {"still": caches["still"]}, masks, indices)
    seeing = take(dataset, model, TRAIN, {"plain": caches["plain"]}, masks, indices)
    assert len({tuple(tokens.tolist()) for tokens in text[1]}) == 1 and len({tuple(tokens.tolist()) for tokens in seeing[1]}) == 4
    assert torch.equal(motion[0][0], caches["still"][dataset.annotated_frames[0]].float())
    assert torch.equal(seeing[0][0], caches["plain"][dataset.annotated_frames[0]].float())
    assert torch.equal(motion[1], seeing[1]) and torch.equal(text[2], seeing[2])


def test_sentences_share_their_clip(dataset, prepared):
    """The same losses and gradients as with one clip for each sentence."""
    (model, caches), masks = prepared, MaskCache(dataset)
    recipe = replace(TRAIN, sentences_per_clip=2)
    release = ReleaseSamples(dataset, model, recipe, caches, masks)
    batches = SentenceBatches([(release, range(len(dataset)), 1.0)], seed=0)
    assert [sorted(group) for _, group in batches.groups] == [
        [row for row, sample in enumerate(dataset.samples) if (sample.video_id, sample.frame) == frame]
        for frame in dataset.annotated_frames
    ]
    features, tokens, target, clips, _ = batches.take(np.array([1, 0]), np.random.default_rng(0)).to(torch.device("cpu"))
    assert clips.tolist() == [0, 0, 1, 1] and torch.equal(features[0], caches["plain"][dataset.annotated_frames[1]].float())
    objective = SentenceObjective(model, recipe).eval()  # without the statistics of a batch
    gradients = []
    for batch in ((features, tokens, target, clips), (features[clips], tokens, target)):
        objective.zero_grad()
        objective(*batch).sum().backward()
        gradients.append([parameter.grad.clone() for parameter in model.training_parameters()])
    for shared, own in zip(*gradients, strict=True):
        torch.testing.assert_close(shared, own, rtol=1e-3, atol=1e-5)
    model.train()


def test_absent_actors_have_empty_masks(dataset, prepared):
    """Queries of the other kind than the one that is left in each frame."""
    (model, caches), masks = prepared, MaskCache(dataset)
    recipe = replace(TRAIN, absent_share=0.5, sentences_per_clip=4, loss=LossConfig(other_actors_weight=2.0))
    assert take(dataset, model, recipe, caches, masks, range(len(dataset))).masks.flatten(1).any(dim=1).all()  # every kind is everywhere

    class OneKind(A2DSentences):
        def read_labels(self, video_id, frame):
            every, instances, _ = super().read_labels(video_id, frame)
            return every, instances, np.full(len(instances), 18 if frame_number[video_id, frame] % 2 else 78)

    frame_number = {frame: number for number, frame in enumerate(dataset.annotated_frames)}
    dataset = OneKind(dataset.root, "train", size=dataset.size)
    kinds = {}  # of actors that tokens are asked about
    for sample in dataset.samples:
        words = tuple(model.vocabulary.encode(sample.query, model.config.max_query_length))
        kinds.setdefault(words, set()).add(frame_number[sample.video_id, sample.frame] % 2)
    batch = take(dataset, model, recipe, caches, masks, range(len(dataset)))
    empty = ~batch.masks.flatten(1).any(dim=1)
    assert 0 < int(empty.sum()) < len(empty)
    for row in np.flatnonzero(empty.numpy()):
        frame = dataset.annotated_frames[batch.clips[row]]
        assert kinds[tuple(batch.tokens[row].tolist())] != {frame_number[frame] % 2}
        everyone = pad_resize(dataset.frame_masks(*frame)[0].any(axis=0).astype(np.uint8), dataset.size)
        assert np.array_equal(batch.others[row].numpy() > 0, everyone > 0)
    learned = range(0, len(dataset), 3)  # what is held out is not asked about elsewhere
    absent = AbsentQueries(dataset, learned)
    drawn = {absent.draw(index, np.random.default_rng(seed)) for index in learned for seed in range(20)} - {None}
    assert drawn and drawn <= set(learned)


def test_words_of_other_releases_are_learned_too_and_none_is_named_twice(dataset, prepared, backbone, tmp_path):
    known = build_model(CONFIG, dataset, [0], backbone, None, seed=0, more_queries=["zebra grazing"]).vocabulary
    assert {"zebra", "grazing"} <= set(known.words)
    again = {"also": ((dataset.root, 1.0), (dataset.root, 2.0))}
    with pytest.raises(ConfigError, match="named twice"):
        train(train_options(dataset.root, tmp_path, backbone, **again))
    with pytest.raises(ConfigError, match="named twice"):  # its held-out videos would be learned from
        train(train_options(dataset.root, tmp_path, backbone, also=((dataset.root / ".." / dataset.root.name, 1.0),)))


def test_an_epoch_shows_each_release_as_often_as_its_weight_says(dataset, prepared):
    model, caches = prepared
    release = ReleaseSamples(dataset, model, TRAIN, caches, MaskCache(dataset))
    batches = SentenceBatches([(release, range(4), 1.0), (release, range(8), 0.5), (release, range(2), 2.5)], seed=0)
    counts = [sum(number == which for number, _ in batches.groups) for which in range(3)]
    assert counts == [4, 4, 5]
    assert len({int(group[0]) for number, group in batches.groups if number == 1}) == 4


def test_coarse_resolutions_are_trained_alone(prepared):
    model, _ = prepared
    coarse = TrainConfig(loss=LossConfig(resolution_weights=(1.0, 0.5, 0.0)))
    torch.manual_seed(0)
    features, tokens = torch.rand(2, model.backbone.channels["mixed_4e"], 4, 2, 2), torch.tensor([[2, 3, 0], [4, 0, 0]])
    target = (torch.rand(2, 32, 32) > 0.5).float()
    model.eval()
    found = SentenceObjective(model, coarse)(features, tokens, target)
    small, medium, _ = WeightedSegmentationLoss().per_resolution(model.from_features(features, model.embed(tokens)), target)
    torch.testing.assert_close(found, torch.stack([small, medium * 0.5, torch.zeros(())]))
    model.zero_grad()
    found.sum().backward()
    assert all(parameter.grad is None for parameter in model.decoder.classifiers["large"].parameters())
    assert all(parameter.grad is not None for parameter in model.decoder.classifiers["medium"].parameters())
    model.zero_grad()
    model.train()


@pytest.mark.parametrize("resolutions", [1, 2, 3])
def test_a_coarse_start_answers_as_the_finest_response_that_was_trained(resolutions):
    torch.manual_seed(0)
    model = ACGA(CONFIG, Vocabulary(["red"])).eval()
    if resolutions == 1:
        start_coarse(model.decoder)
    else:
        torch.nn.init.zeros_(model.decoder.classifiers["large"].layers[-1].weight)
        torch.nn.init.zeros_(model.decoder.classifiers["large"].layers[-1].bias)
    fuse_finest(model.decoder, resolutions)
    with torch.no_grad():
        found = model.from_features(torch.rand(1, model.backbone.channels["mixed_4e"], 4, 2, 2), model.embed(torch.tensor([[2, 0]])))
    trained = found[min(resolutions, 2) - 1]
    torch.testing.assert_close(found.large, upsample(trained[:, None], found.large.shape[-2:])[:, 0])
    assert trained.abs().max() > 0 and (found.medium.abs().max() > 0) == (resolutions > 1)


def test_the_objective_is_the_loss_with_its_weights(prepared):
    model, _ = prepared
    config = TrainConfig(loss=LossConfig(foreground_weight=2.0, resolution_weights=(0.5, 1.0, 2.0)))
    torch.manual_seed(0)
    features, tokens = torch.rand(2, model.backbone.channels["mixed_4e"], 4, 2, 2), torch.tensor([[2, 3, 0], [4, 0, 0]])
    target = (torch.rand(2, 32, 32) > 0.5).float()
    model.eval()
    found = SentenceObjective(model, config)(features, tokens, target)
    loss = WeightedSegmentationLoss(foreground_weight=2.0, resolution_weights=(0.5, 1.0, 2.0))
    assert found.sum().item() == pytest.approx(loss(model.from_features(features, model.embed(tokens)), target).item(), rel=1e-4)
    model.train()


def test_two_samples_can_be_learned_by_heart(dataset, prepared):
    _, caches = prepared
    torch.manual_seed(0)
    model = ACGA(CONFIG, Vocabulary(["red", "green", "square"]))
    model.backbone.load_state_dict(prepared[0].backbone.state_dict())
    objective, optimiser = SentenceObjective(model, TRAIN), torch.optim.Adam(model.training_parameters(), lr=1e-2)
    batch = take(dataset, model, TRAIN, {"plain": caches["plain"]}, MaskCache(dataset), [0, 2])  # the red and the green square of one video
    losses = []
    for _ in range(120):
        loss = objective(*batch).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.25 * losses[0]


SCRIPT = """
import os, signal, sys
import torch
from dataclasses import replace
sys.path[:0] = [{tests!r}, {tests!r} + "/training"]
import test_training as here
torch.set_num_threads(1)
def kill(finished):
    if finished == 3:
        os.kill(os.getpid(), signal.SIGKILL)
features = here.Path({features!r})
here.train(here.train_options({root!r}, {folder!r}, {backbone!r}, features=features, checkpoint_every=1), on_step=kill)
"""


def test_training_killed_and_resumed_equals_unbroken(root, backbone, tmp_path):
    features = tmp_path / "features"
    unbroken = train(train_options(root, tmp_path / "unbroken", backbone, features=features))
    names = {"root": str(root), "folder": str(tmp_path / "killed"), "backbone": str(backbone), "features": str(features)}
    script = SCRIPT.format(tests=str(TESTS), **names)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    path = train(train_options(root, tmp_path / "killed", backbone, features=features))
    assert_same_weights(path, unbroken)
    assert_same_weights(path.with_name("last.safetensors"), unbroken.with_name("last.safetensors"))
    assert without_seconds(tmp_path / "killed") == without_seconds(tmp_path / "unbroken")


def test_a_trained_model_is_ready_for_use(root, backbone, tmp_path, monkeypatch):
    monkeypatch.setattr("acga.training.run.LOG_EVERY", 1)
    config = replace(TRAIN, epochs=3, mirror=True)
    path = train(train_options(root, tmp_path, backbone, config, half=True))
    model = load_model(path)
    assert set(model.vocabulary.words) >= {"red", "green", "left", "right"} and model.config == CONFIG
    assert read_state_dict(path).state["word_table.weight"].dtype == torch.float16
    history = read_state_dict(path).metadata["provenance"]
    entries = read_log(tmp_path)
    scores = {entry["step"]: entry["validation"]["mIoU"] for entry in entries if "validation" in entry}
    assert len(scores) == 3 and history["step"] == max(scores, key=scores.get) and history["train"]["mirror"] is True
    steps = [entry for entry in entries if "loss" in entry]
    assert len(steps) == 6
    assert all(entry["loss"] == pytest.approx(entry["small"] + entry["medium"] + entry["large"], abs=1e-5) for entry in steps)
    frozen = I3D.from_file(backbone).stem.state_dict()
    assert all(torch.equal(value.half(), model.backbone.stem.state_dict()[name].half()) for name, value in frozen.items())


def test_settings_that_do_not_fit(root, backbone, tmp_path):
    with pytest.raises(ConfigError, match="mirror shows moving clips"):
        train(train_options(root, tmp_path, backbone, replace(TRAIN, mirror=True, blind_to="motion")))
    with pytest.raises(ConfigError, match=r"width 0\.0625; this configuration asks for 0\.25"):
        train(train_options(root, tmp_path, backbone, config=replace(ACGAConfig.thin_residual(), size=32)))
    with pytest.raises(ConfigError, match="bf16 is unsafe on a CPU with clips of 8 frames"):
        train(train_options(root, tmp_path, backbone, replace(TRAIN, precision="bf16"), replace(CONFIG, clip_length=8)))
    with pytest.raises(ConfigError, match="bf16 is unsafe on a CPU with clips of 8 frames"):
        pretrain(pretrain_options(root, tmp_path, config=replace(CONFIG, clip_length=8)))
    for size in (40, 48):  # not a multiple of 16; larger than the clips
        with pytest.raises(ConfigError, match=f"close_up_size {size} is not a multiple of 16 up to 32"):
            pretrain(pretrain_options(root, tmp_path, replace(PRETRAIN, close_up_share=0.5, close_up_size=size)))
    assert not any(tmp_path.iterdir())


def test_word_vectors_from_a_file_stay_fixed(dataset, backbone, tmp_path):
    vectors = {"red": np.arange(8, dtype="<f4"), "green": np.ones(8, "<f4"), "waves": np.ones(8, "<f4")}
    lines = b"".join(word.encode() + b" " + vector.tobytes() for word, vector in vectors.items())
    (tmp_path / "vectors.bin").write_bytes(b"3 8\n" + lines)
    training, more = split_validation(dataset)[0], ["a woman waves"]
    model = build_model(
        replace(CONFIG, vocabulary_size=3), dataset, training, backbone, tmp_path / "vectors.bin", seed=0, more_queries=more
    )
    red = model.vocabulary.encode("red")[0]
    assert model.word_table.weight[red].tolist() == list(range(8)) and not model.word_table.weight.requires_grad
    assert model.word_table.weight[1].abs().sum() == 0 and model.config.vocabulary_size == len(model.vocabulary)
    assert all(parameter is not model.word_table.weight for parameter in model.training_parameters())
    assert silent_words(model, ["the red one waves", "the man"]) == {"the": 2, "man": 1, "one": 1}


def test_the_words_of_all_sentences_are_looked_up(root, jhmdb_release, backbone, tmp_path):
    """Those of the test split and of another release, too: a vector that is given is not learned."""
    table = shutil.copytree(root, tmp_path / "release") / "text_annotations" / "a2d_annotation.txt"
    last = table.read_text().splitlines()[-1]  # of a test video
    table.write_text(table.read_text().replace(last, f"{last} zebra"))
    (tmp_path / "vectors.bin").write_bytes(b"2 8\n" + b"".join(word + b" " + np.ones(8, "<f4").tobytes() for word in (b"zebra", b"woman")))
    options = train_options(tmp_path / "release", tmp_path / "run", backbone, replace(TRAIN, epochs=0.5))
    with pytest.warns(UserWarning, match=r"vectors\.bin has no vector for 14 words of the sentences: on \(5\), one \(5\)"):
        path = train(replace(options, words=tmp_path / "vectors.bin", sentences=(jhmdb_release,)))
    model = load_model(path)
    assert {"zebra", "woman", "catching"} <= set(model.vocabulary.words)
    assert model.word_table.weight[model.vocabulary.encode("zebra")[0]].sum() == 8


def test_the_unknown_word_says_nothing(dataset, backbone):
    model = build_model(CONFIG, dataset, split_validation(dataset)[0], backbone, None, seed=0)
    assert model.word_table.weight[1].abs().sum() == 0 and model.word_table.weight[2].abs().sum() > 0


def test_an_image_stem_and_embedded_words_are_trained_like_the_others(root, dataset, tmp_path):
    config = replace(IMAGE_CONFIG, language_width=50, vocabulary_size=16)
    image_backbone().to_file(tmp_path / "backbone.safetensors")
    options = train_options(root, tmp_path / "run", tmp_path / "backbone.safetensors", config=config, words=Path("glove"))
    with pytest.raises(Killed):
        train(replace(options, checkpoint_every=1), on_step=kill_at(2))
    path = train(options)
    model, new = load_model(path), build_model(config, dataset, [0], options.backbone, options.words, seed=0)
    assert model.config == replace(config, vocabulary_size=len(glove()[0])) and model.vocabulary.words == glove()[0].words
    assert all(torch.equal(value, new.backbone.stem.state_dict()[name]) for name, value in model.backbone.stem.state_dict().items())
    assert not torch.equal(model.backbone.mixed_4f.reduce.convolution.weight, new.backbone.mixed_4f.reduce.convolution.weight)
    features = np.stack([FeatureCache(options.out / "features" / "plain")[frame].float() for frame in split_frames(dataset)])
    assert model.backbone.mixed_4f.mean.flatten().tolist() == pytest.approx(features.mean(axis=(0, 2, 3, 4)).tolist(), rel=1e-3, abs=1e-4)
    scores = read_log(options.out)[-1]["validation"]
    validation = evaluate(load_model(path.with_name("last.safetensors")), dataset, indices=split_validation(dataset)[1], device="cpu")
    assert validation.metrics["mIoU"] == pytest.approx(scores["mIoU"], abs=1e-6)
    further = replace(options, out=tmp_path / "further", initial=path, recipe=replace(TRAIN, epochs=1))
    assert torch.equal(load_model(train(further)).backbone.mixed_4f.mean, model.backbone.mixed_4f.mean)


def test_a_network_without_motion_goes_on_as_one_with_it(root, dataset, tmp_path):
    """Before it learns, it has the function that it had, whatever moves; afterwards the new channels count."""
    config = replace(IMAGE_CONFIG, language_width=50, vocabulary_size=16)
    image_backbone().to_file(tmp_path / "backbone.safetensors")
    options = train_options(root, tmp_path / "run", tmp_path / "backbone.safetensors", config=config, words=Path("glove"))
    before = load_model(train(options))
    moving = replace(config, motion=True)
    backbone = ImageBackbone(width=config.backbone_width, outputs=config.vision_widths[0], motion=True)
    backbone.stem.load_state_dict(image_backbone().stem.state_dict())
    backbone.to_file(tmp_path / "moving.safetensors")
    model = build_model(moving, dataset, [0], tmp_path / "moving.safetensors", Path("glove"), seed=0).eval()
    model.backbone.mixed_4f.mean += 3  # as a calibration would leave it
    go_on_from(model, tmp_path / "run" / "model.safetensors")
    clip, tokens = torch.rand(2, 3, 16, 32, 32) * 2 - 1, torch.tensor([[2, 3], [4, 0]])
    with torch.no_grad():
        torch.testing.assert_close(model(clip, tokens), before(clip, tokens))
    further = replace(options, out=tmp_path / "further", backbone=tmp_path / "moving.safetensors", config=moving)
    further = replace(further, initial=tmp_path / "run" / "model.safetensors", recipe=replace(TRAIN, epochs=1))
    after = load_model(train(further))
    appearance = before.backbone.channels["mixed_4e"]
    assert after.config.motion and after.backbone.mixed_4f.reduce.convolution.weight[:, appearance:-2].abs().max() > 0
    assert torch.equal(after.backbone.mixed_4f.mean[:appearance], before.backbone.mixed_4f.mean)
    with pytest.raises(ConfigError, match="of another configuration"):  # nor back
        train(replace(options, out=tmp_path / "back", initial=tmp_path / "further" / "last.safetensors"))


@pytest.mark.parametrize(("pixels", "most"), [(1, 1), (3 * 16 * 32 * 32, 3), (10**9, 6)])  # of six frames
def test_large_clips_pass_through_the_stem_one_by_one_on_a_cpu(dataset, backbone, tmp_path, monkeypatch, pixels, most):
    model, seen = build_model(CONFIG, dataset, [0], backbone, None, seed=0), []
    inside = model.backbone.stem.forward
    monkeypatch.setattr(model.backbone.stem, "forward", lambda clips: (seen.append(len(clips)), inside(clips))[1])
    monkeypatch.setattr(batches, "PIXELS_AT_ONCE", pixels)
    extract(model, dataset, tmp_path, accelerator=Accelerator(cpu=True), workers=0)
    real = [count for count in seen if count]
    assert max(real) == most and sum(real) >= len(dataset.annotated_frames)


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (1.0, 0.5, 0.0)])
@pytest.mark.parametrize("sentences", [1, 3])
def test_recomputing_sentence_by_sentence_gives_the_same_gradients(dataset, prepared, sentences, weights):
    """BatchNorm sees the whole batch in both."""
    model, caches = prepared
    loss = LossConfig(dice=0.5, other_actors_weight=2.0, resolution_weights=weights)
    recipe = replace(TRAIN, sentences_per_clip=sentences, loss=loss)
    batch = take(dataset, model, recipe, caches, MaskCache(dataset), np.arange(9))
    found = []
    for recompute in (False, True):
        own = copy.deepcopy(model)
        losses = SentenceObjective(own, replace(recipe, recompute=recompute))(*batch)
        losses.sum().backward()
        found.append((losses.detach(), {name: value.grad for name, value in own.named_parameters() if value.grad is not None}))
    (losses, expected), (recomputed, gradients) = found
    torch.testing.assert_close(recomputed, losses)
    assert expected.keys() == gradients.keys()
    for name, value in expected.items():
        torch.testing.assert_close(gradients[name], value, rtol=1e-3, atol=1e-5 * float(value.abs().max()) + 1e-9)


def test_the_other_actors_of_a_frame_are_told(dataset, prepared):
    (model, caches), masks = prepared, MaskCache(dataset)
    recipe = replace(TRAIN, loss=LossConfig(other_actors_weight=2.0))
    indices = np.arange(len(dataset))
    *_, target, _, others = take(dataset, model, recipe, caches, masks, indices)
    for index, sample in enumerate(dataset.samples):
        theirs = {(one.instance, tuple(masks[np.array([row])].flatten().tolist())) for row, one in enumerate(dataset.samples)
                  if (one.video_id, one.frame) == (sample.video_id, sample.frame) and one.instance != sample.instance}  # fmt: skip
        expected = np.any([np.array(mask) > 0 for _, mask in theirs], axis=0)
        assert np.array_equal(others[index].flatten().numpy() > 0, expected) and expected.any()
    assert not bool((target * others).any())
    *_, mirrored, _, beside = take(dataset, model, replace(recipe, mirror=True), caches, masks, indices)
    turned = [not torch.equal(one, other) for one, other in zip(mirrored, target, strict=True)]
    assert any(turned) and not all(turned)
    for row, flip in enumerate(turned):
        assert torch.equal(beside[row], others[row].flip(-1) if flip else others[row])


def test_all_of_our_additions_to_training_together(root, backbone, tmp_path):
    """Resumed, the average goes on too; and it is not the network of the last step."""
    recipe = replace(TRAIN, ema_decay=0.5, loss=LossConfig(dice=0.5, other_actors_weight=2.0))
    options = train_options(root, tmp_path / "unbroken", backbone, recipe, features=tmp_path / "features")
    unbroken = train(options)
    resumed = replace(options, out=tmp_path / "killed", checkpoint_every=1)
    with pytest.raises(Killed):
        train(resumed, on_step=kill_at(3))
    path = train(resumed)
    assert_same_weights(path.with_name("last.safetensors"), unbroken.with_name("last.safetensors"))
    states = torch.load(tmp_path / "unbroken" / "checkpoint.pt", weights_only=True)["states"]
    name = "decoder.fusion.weight"
    saved = read_state_dict(unbroken.with_name("last.safetensors")).state[name]
    assert torch.equal(saved, states["averaged"][f"module.{name}"]) and not torch.equal(saved, states["model"][name])


def split_frames(dataset):
    """The annotated frame of each training sentence."""
    return [(dataset.samples[index].video_id, dataset.samples[index].frame) for index in split_validation(dataset)[0]]


def test_an_image_stem_does_not_go_with_everything(root, dataset, backbone, tmp_path):
    with pytest.raises(ConfigError, match="Only an I3D is pretrained here"):
        pretrain(pretrain_options(root, tmp_path, config=IMAGE_CONFIG))
    with pytest.raises(WeightsError, match="holds no ImageBackbone"):
        train(train_options(root, tmp_path, backbone, config=IMAGE_CONFIG))
    with pytest.raises(ConfigError, match="embedded word vectors need word_width=50, not 8"):
        train(train_options(root, tmp_path, backbone, words=Path("glove")))
    assert not any(tmp_path.iterdir())


TOGETHER = """
import os, sys
sys.path[:0] = [{tests!r}, {tests!r} + "/training"]
import test_training as here
here.torch.set_num_threads(1)
path = here.train(here.replace(here.train_options({root!r}, {folder!r}, {backbone!r}), device="auto"))
dataset = here.A2DSentences({root!r}, "train", size=32)
found = here.evaluate(here.load_model(path), dataset)
if os.environ["RANK"] == "0":
    found.save({folder!r} + "/found.json")
"""


def test_two_processes_train_and_evaluate_as_one_does(root, dataset, backbone, tmp_path):
    """As long as rounding does not grow: Adam divides small gradients by small numbers."""
    script = tmp_path / "together.py"
    names = {"tests": str(TESTS), "root": str(root), "folder": str(tmp_path / "run"), "backbone": str(backbone)}
    script.write_text(TOGETHER.format(**names))
    ended = launch("accelerate", script)
    assert ended.returncode == 0, ended.stderr
    together, alone = Evaluation.load(tmp_path / "run" / "found.json"), load_model(tmp_path / "run" / "model.safetensors")
    assert together.about["processes"] == 2
    assert [one[:6] for one in together.predictions] == [one[:6] for one in evaluate(alone, dataset, device="cpu").predictions]
    assert [entry["epoch"] for entry in read_log(tmp_path / "run")] == [1, 2]
    single = train(train_options(root, tmp_path / "single", backbone, features=tmp_path / "run" / "features"))
    states = [read_state_dict(path.with_name("last.safetensors")).state for path in (single, tmp_path / "run" / "model.safetensors")]
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=1e-3, atol=1e-4, msg=lambda text, name=name: f"{name}: {text}")
    assert not torch.equal(states[0]["backbone.mixed_4f.branch_0.normalisation.running_mean"], torch.zeros(16))
