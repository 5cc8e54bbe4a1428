"""Segmenting needs few packages: those for data sets, training, notebooks and charts may be absent."""

import json
import subprocess
import sys

from helpers.paths import ROOT
from helpers.small import save_small_model, write_clip

WITHOUT = """
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    names = {
        "accelerate", "anywidget", "filelock", "h5py", "ipywidgets", "matplotlib", "pandas", "pycocotools", "scipy", "seaborn", "torchinfo",
    }

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ImportError(f"{name} is not installed")

sys.meta_path.insert(0, Absent())
"""


def run(code, folder, *, without=WITHOUT):
    return subprocess.run([sys.executable, "-c", without + code], cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)


def test_the_absent_packages_are_absent(tmp_path):
    found = run("import pandas", tmp_path)
    assert found.returncode != 0 and "pandas is not installed" in found.stderr


def test_segmenting_from_python(tmp_path):
    write_clip(tmp_path / "clip.mp4", count=2)
    code = "import acga\nmasks = acga.Segmenter('mini', device='cpu').open('clip.mp4').segment('dog on the left')\nprint(masks.shape)"
    found = run(code, tmp_path)
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == "(2, 30, 44)"


def test_segmenting_from_the_command_line(tmp_path):
    write_clip(tmp_path / "clip.mp4", count=2)
    save_small_model(tmp_path / "small.safetensors")
    command = ["segment", "clip.mp4", "red dog", "--out", "out", "--weights", "small.safetensors", "--device", "cpu"]
    found = run(f"from acga.cli import main\nsys.exit(main({command}))", tmp_path)
    assert found.returncode == 0, found.stderr
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["frames"] == 2


def test_the_demo_needs_matplotlib_alone_besides(tmp_path):
    found = run(
        "from acga.cli import main\nsys.exit(main(['demo', '--device', 'cpu']))", tmp_path, without=WITHOUT.replace('"matplotlib", ', "")
    )
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "demo" / "demo.png").exists()
