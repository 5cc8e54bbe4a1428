"""The official preprocessed features against the films that they are of: the same scores to the last pixel."""

import os

import h5py
import numpy as np
import pytest
import torch
from helpers import squares
from helpers.small import save_small_model

from acga import evaluation as evaluation_module
from acga.cli import main
from acga.data import A2DSentences
from acga.data import dataset as dataset_module
from acga.data.geometry import pad_resize
from acga.data.official import OfficialFeatures
from acga.errors import DatasetError
from acga.evaluation import Evaluation, digest_annotations, evaluate
from acga.model.checkpoints import load_model

LENGTH = 20


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Weights, a release, and its test split in the official form, written by hand."""
    folder = tmp_path_factory.mktemp("official")
    model = load_model(save_small_model(folder / "small.safetensors"))
    dataset = A2DSentences(squares.write_release(folder / "squares", train=1, test=2), "test", size=32)
    video, text, mask, lines = [], [], [], []
    for index, sample in enumerate(dataset.samples):
        item = dataset[index]
        video.append(model.features(item["clip"][None]).numpy())  # (1, C, T/4, h, w)
        tokens = torch.from_numpy(model.vocabulary.encode(sample.query, LENGTH))
        with torch.no_grad():
            text.append((model.embed(tokens[None])[0] * (tokens > 1)[:, None]).numpy())  # (20, D)
        mask.append(pad_resize(item["mask"].numpy().astype(np.uint8), 32))
        lines.append(f"{sample.video_id},{item['size'][0]},{item['size'][1]}")
    official = folder / "preprocessed"
    official.mkdir()
    for name, key, values in (("video_rgb_iccv.h5", "test", video), ("txt.h5", "test", text), ("mask.h5", "test/large", mask)):
        with h5py.File(official / name, "w") as file:
            file[key] = np.stack(values)
    (official / "test.txt").write_text("\n".join(lines) + "\n")
    return folder, dataset, model


def test_the_scores_are_those_of_the_films(prepared, monkeypatch):
    folder, dataset, model = prepared
    with torch.no_grad():
        model.word_table.weight[1] = 0  # official word vectors have nothing for an unknown word
    films = evaluate(model, dataset, device="cpu")
    weights, out = folder / "small.safetensors", folder / "result.json"
    arguments = ["evaluate", str(folder / "preprocessed"), "--weights", str(weights), "--out", str(out), "--device", "cpu", "--coco"]
    assert main(arguments) == 0
    found = Evaluation.load(out)
    assert [one[4:6] for one in found.predictions] == [one[4:6] for one in films.predictions]
    assert len({one.iou for one in found.predictions}) > 2 and "coco_mAP" in found.metrics


def test_the_file_of_features_is_not_read_whole(prepared, monkeypatch):
    """It has 163 GB, and every sample names it."""
    folder, *_ = prepared
    whole = []
    for module in (dataset_module, evaluation_module):
        monkeypatch.setattr(module, "digest_file", lambda path: whole.append(path.name) or "")
    dataset = OfficialFeatures(folder / "preprocessed")
    before = {dataset.digest_video(sample.video_id) for sample in dataset.samples}
    digest_annotations(dataset)
    assert whole == ["mask.h5"] and len(before) == 1
    os.utime(folder / "preprocessed" / "video_rgb_iccv.h5", ns=(1, 1))
    assert {dataset.digest_video(sample.video_id) for sample in dataset.samples} != before


def test_features_are_read_a_sample_at_a_time(prepared):
    folder, dataset, _ = prepared
    official = OfficialFeatures(folder / "preprocessed")
    assert len(official) == len(dataset) == 8 and official.size == 32
    assert official.features[official.samples[3].video_id, 4].shape == (33, 4, 2, 2)
    lengths = [len(sample.query.split()) for sample in official.samples]
    assert lengths == [len(sample.query.split()) - sample.query.endswith(("square", "right")) for sample in dataset.samples]
    with pytest.raises(DatasetError, match="holds features and no films"):
        official[0]


def test_files_that_do_not_fit_together(prepared, tmp_path):
    folder, *_ = prepared
    for path in (folder / "preprocessed").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "test.txt").write_text("a,32,32\n")
    with pytest.raises(DatasetError, match=r"has 8 samples, test\.txt has 1 lines"):
        OfficialFeatures(tmp_path)
    (tmp_path / "test.txt").write_text("a,32,32,more,than needed\n" * 8)
    assert len(OfficialFeatures(tmp_path)) == 8
    (tmp_path / "test.txt").write_text("a,32,wide\n")
    with pytest.raises(DatasetError, match="height and width"):
        OfficialFeatures(tmp_path)
    with pytest.raises(DatasetError, match=r"train\.txt is missing"):
        OfficialFeatures(tmp_path, "train")
    (tmp_path / "mask.h5").write_bytes(b"nothing")
    (tmp_path / "test.txt").write_text("a,32,32\n" * 8)
    with pytest.raises(DatasetError, match=r"mask\.h5 cannot be read"):
        OfficialFeatures(tmp_path)
