"""Real video, where it is at hand: the embedded weights run on it, and the pipeline learns from its pixels."""

import importlib.util
import json

import cv2
import pytest
from helpers.paths import ROOT

from acga.cli import main
from acga.options import AdaptOptions
from acga.training.adaptation import adapt

REAL = ROOT.parent / "shared" / "real"

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real clips are not in {REAL}")


def read(folder):
    return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.iterdir())]


@pytest.mark.parametrize(
    ("video", "queries", "frames", "size"),
    [
        ("cricket.gif", ["man in red standing", "man in green running"], 79, (224, 224)),
        ("judo/images", ["man in white on the left", "two men wrestling"], 16, (480, 854)),
    ],
)
def test_the_embedded_weights_segment_real_video(video, queries, frames, size, tmp_path):
    out = tmp_path / "out"
    assert main(["segment", str(REAL / video), *queries, "--out", str(out), "--device", "cpu", "--every", "4"]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["frames"], summary["height"], summary["width"]) == (frames, *size)
    assert [entry["query"] for entry in summary["queries"]] == queries
    for entry in summary["queries"]:
        masks = read(out / entry["masks"])
        assert len(masks) == frames and all(mask.shape == size for mask in masks)
        assert any(mask.any() for mask in masks)


def test_the_pipeline_learns_from_real_pixels(tmp_path):
    """Adapted to four judo frames that only the sentences tell apart, the network finds each person."""
    described = importlib.util.spec_from_file_location("adapt_judo", ROOT / "benchmarks" / "adapt_judo.py")
    adapt_judo = importlib.util.module_from_spec(described)
    described.loader.exec_module(adapt_judo)
    folder = adapt_judo.annotate(REAL / "judo", tmp_path)
    scores = adapt(AdaptOptions(folder=folder, out=tmp_path / "adapted.safetensors", steps=60))
    assert min(after for _, after in scores.values()) > 0.8, scores
