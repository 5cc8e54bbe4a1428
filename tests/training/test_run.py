"""The folder of a run: one process at a time, what diverges stops, and what killed processes leave is cleared."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from helpers.paths import ROOT
from torch import nn

from acga.config import ACGAConfig, TrainConfig
from acga.errors import AcgaError, ConfigError
from acga.options import TrainOptions
from acga.system.files import atomic_write, check_writable, lock_folder, read_json, read_json_lines
from acga.training.run import Run, log_losses, training_steps

HOLD = "import sys, time; from acga.system.files import *; {}; print('ready', flush=True); time.sleep(600)"


@pytest.fixture
def other_process():
    """Starts a process that does something and then waits; it is killed in the end."""
    started = []

    def start(code):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen([sys.executable, "-c", HOLD.format(code)], stdout=subprocess.PIPE, env=environment)
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_two_processes_cannot_share_the_folder_of_a_run(tmp_path, other_process):
    process = other_process(f"lock = lock_folder({str(tmp_path)!r})")
    with pytest.raises(ConfigError, match="in use by another process; wait"):
        Run(tmp_path, {"epochs": 1})
    assert not (tmp_path / "config.json").exists()
    Run(tmp_path, {"epochs": 1}, writes=False)  # another process of the same run
    process.send_signal(signal.SIGKILL)
    process.wait()
    run = Run(tmp_path, {"epochs": 1})  # the lock died with its process
    lock_folder(tmp_path)  # a process may take its own again
    assert run.folder == tmp_path


def options_of(tmp_path, **recipe):
    recipe = TrainConfig(epochs=4, **recipe)
    return TrainOptions(root=tmp_path, out=tmp_path, backbone=tmp_path, recipe=recipe, checkpoint_every=2, workers=0, device="cpu")


def steps(tmp_path, module, spoil):
    """Run through the steps, `spoil` giving the loss of each."""
    run = Run(tmp_path, {"epochs": 4})
    accelerator = Accelerator(cpu=True)
    for step in training_steps(run, {"module": module}, options_of(tmp_path), accelerator, samples=3, batch_size=1, title="testing"):
        log_losses(run, step, torch.tensor([spoil(step.finished), 1.0]), ["a", "b"], accelerator)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_training(loss, tmp_path):
    with pytest.raises(AcgaError, match=rf"diverged at step 8 of 12: the loss is {loss}; the checkpoint and weights in .* are of before"):
        steps(tmp_path, nn.Linear(1, 1), lambda finished: loss if finished == 8 else 0.5)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 6


def test_weights_that_are_no_numbers_are_not_kept(tmp_path):
    module = nn.Linear(1, 1)

    def spoil(finished):
        if finished == 4:
            nn.init.constant_(module.bias, float("nan"))
        return 0.5

    with pytest.raises(AcgaError, match="diverged at step 4 of 12: some weights are no finite numbers"):
        steps(tmp_path, module, spoil)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["step"] == 3 and saved["states"]["module"]["bias"].isfinite().all()


def test_what_a_killed_writer_left_is_cleared_by_the_next(tmp_path, other_process):
    path = tmp_path / "result.json"
    process = other_process(f"writing = atomic_write({str(path)!r}); writing.__enter__()")
    (left,) = os.listdir(tmp_path)
    with atomic_write(path) as temporary:
        temporary.write_text("1")
    assert sorted(os.listdir(tmp_path)) == sorted([left, "result.json"])  # its writer is alive
    process.kill()
    process.wait()
    (tmp_path / ".result.json.mine.partial").touch()
    with atomic_write(path) as temporary:
        temporary.write_text("2")
    assert sorted(os.listdir(tmp_path)) == [".result.json.mine.partial", "result.json"] and path.read_text() == "2"


def test_only_files_are_written(tmp_path):
    link, target = tmp_path / "link", tmp_path / "target"
    target.write_text("1")
    link.symlink_to(target)
    with atomic_write(link) as temporary:
        temporary.write_text("2")
    assert link.is_symlink() and target.read_text() == "2"
    os.mkfifo(tmp_path / "pipe")
    for path, what in ((tmp_path, "a folder"), (tmp_path / "pipe", "no regular file"), (Path(os.devnull), "no regular file")):
        with pytest.raises(AcgaError, match=f"is {what}; give the path of a file"):
            check_writable(path, folder=False)
        with pytest.raises(AcgaError, match=what), atomic_write(path):
            pass
    before = sorted(os.listdir(tmp_path))
    check_writable(tmp_path / "new" / "result.json", folder=False)
    assert sorted(os.listdir(tmp_path)) == before
    with pytest.raises(AcgaError, match="is a file; choose a folder"):
        check_writable(target / "out", folder=True)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "[1]", '{"a": "b"}', '{"a": 1e400}', "\udcff", ""])
def test_json_that_is_damaged_or_something_else(text, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match="cannot be read as JSON"):
        read_json(path, dict[str, float])
    path.write_text('{"a": 1}\n' + text.split("\udcff")[0] + "x\n")
    with pytest.raises(ConfigError, match="damaged in line 2"):
        read_json_lines(path, dict[str, float])


@pytest.mark.parametrize(
    "field",
    [
        {"batch_size": 0}, {"seed": -1}, {"epochs": float("nan")}, {"epochs": 0}, {"sentences_per_clip": 0}, {"precision": "fp8"},
        {"learning_rate": float("inf")}, {"mirror": 1}, {"batch_size": 2.5}, {"decay": -0.1}, {"blind_to": None},
    ],
)  # fmt: skip
def test_every_field_of_a_recipe_has_its_range(field):
    (name,) = field
    with pytest.raises(ConfigError, match=f"TrainConfig: {name} is "):
        TrainConfig(**field)
    with pytest.raises(ConfigError, match=f"TrainConfig: {name} is "):
        replace(TrainConfig(), **field)


@pytest.mark.parametrize("fields", [None, 3, [], {1: 2}, "size"])
def test_a_configuration_is_a_table(fields):
    with pytest.raises(ConfigError, match=r"^ACGAConfig: a configuration"):
        ACGAConfig.from_dict(fields)


def test_options_have_ranges(tmp_path):
    for name, value in (("workers", -1), ("checkpoint_every", 0), ("validation_samples", 0)):
        with pytest.raises(ConfigError, match=f"{name} is {value}; it must be at least"):
            replace(options_of(tmp_path), **{name: value})


def test_the_next_batch_is_loaded_while_a_step_is_computed(tmp_path):
    """In the order of the steps, one ahead and never more, and the same whether or not it waits."""
    loaded, seen, accelerator = [], [], Accelerator(cpu=True)

    def load(step):
        loaded.append(step.number)
        return step.number, step.rng.random()

    run, options = Run(tmp_path, {}), options_of(tmp_path)
    for step in training_steps(run, {}, options, accelerator, samples=3, batch_size=1, title="t", load=load):
        time.sleep(0.005)
        assert len(loaded) <= step.number + 2
        seen.append(step.batch)
    assert seen == [(number, np.random.default_rng([0, number, 0]).random()) for number in range(12)]


def test_what_goes_wrong_in_loading_stops_the_run(tmp_path):
    def load(step):
        if step.number == 2:
            raise AcgaError("the third batch is damaged")

    run, done = Run(tmp_path, {}), []
    with pytest.raises(AcgaError, match="third batch is damaged"):
        for step in training_steps(run, {}, options_of(tmp_path), Accelerator(cpu=True), samples=3, batch_size=1, title="t", load=load):
            done.append(step.number)
    assert done == [0, 1]
