"""The core is complete without the rest: it imports, trains, evaluates and segments when the rooms beside it are deleted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from helpers import squares
from helpers.paths import ROOT
from helpers.small import write_clip
from packaging.requirements import Requirement

BESIDE = ("synthetic", "study", "reproduction", "plots", "teaching", "widgets")
SMALL = "--change size=32 backbone_width=0.0625 language_width=8 vision_widths=[52,8,8] classifier_widths=[8,8,8] --workers 0 --device cpu"


def test_the_core_works_when_the_rest_is_deleted(tmp_path: Path) -> None:
    package = shutil.copytree(ROOT / "acga", tmp_path / "copy" / "acga", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in BESIDE:
        shutil.rmtree(package / folder)
    squares.write_release(tmp_path / "release", train=3, test=1)
    write_clip(tmp_path / "clip.mp4", count=4)
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "OMP_NUM_THREADS": "1"}
    for command in (
        f"pretrain release --out backbone --epochs 1 --batch-size 2 {SMALL}",
        f"train release --out run --backbone backbone/model.safetensors --epochs 1 --batch-size 2 {SMALL}",
        "evaluate release --weights run/model.safetensors --out result.json --device cpu",
        "segment clip.mp4 square --weights run/model.safetensors --out masks --device cpu",
        "data check release",
    ):
        started = [sys.executable, "-m", "acga", *command.split()]
        found = subprocess.run(started, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert found.returncode == 0, f"acga {command}\n{found.stdout}{found.stderr}"
    assert (tmp_path / "masks" / "summary.json").exists() and (tmp_path / "result.json").exists()


def test_segmenting_and_the_demo_need_no_extra() -> None:
    """What `pip install acga` brings is enough for them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    brought = {Requirement(line).name for line in project["dependencies"]}
    extra = {Requirement(line).name for lines in project["optional-dependencies"].values() for line in lines} - brought - {"acga"}
    hidden = f"import sys; sys.modules.update(dict.fromkeys({sorted(extra)!r}))"  # to import what is None fails
    code = f"{hidden}; import acga.cli, acga.inference, acga.output, acga.teaching.demonstration"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
