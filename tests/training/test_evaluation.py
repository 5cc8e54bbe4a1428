"""The evaluation against the same done by hand, sample by sample, on tiny releases of both layouts."""

import contextlib
import copy
import io
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from helpers import releases, squares
from helpers.small import small_model
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from acga import evaluation as evaluation_module
from acga.coco import decode
from acga.config import ACGAConfig
from acga.data import A2DSentences, FeatureCache, JHMDBSentences, extract_features
from acga.data.dataset import Sample
from acga.data.tags import read_tags
from acga.errors import ConfigError, DatasetError, QueryError, WeightsError
from acga.evaluation import Evaluation, Prediction, evaluate
from acga.frame_groups import group_by_frame
from acga.inference import ClipSession, Segmenter
from acga.metrics import binarise, intersection_over_union, round_trip
from acga.model import ACGA
from acga.training.batches import hide_query


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return squares.write_release(tmp_path_factory.mktemp("squares"), train=2, test=3)


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture
def dataset(root):
    return A2DSentences(root, "test", size=32)


def by_hand(model, dataset, index):
    """The IoU of one sample, every step spelled out."""
    item = dataset[index]
    tokens = torch.from_numpy(model.vocabulary.encode(item["query"]))[None]
    with torch.no_grad():
        response = model(item["clip"][None], tokens).large[0]
    mask = item["mask"].numpy()
    return intersection_over_union(binarise(response, mask.shape), round_trip(mask, dataset.size))


@pytest.mark.parametrize("fold", [True, False])
def test_equals_the_evaluation_by_hand(model, dataset, fold):
    evaluation = evaluate(model, dataset, device="cpu", batch_size=3, fold=fold)
    expected = [by_hand(model, dataset, index) for index in range(len(dataset))]
    assert len(set(expected)) > 2  # the answers differ, so a wrong pairing shows
    assert [answer.iou for answer in evaluation.predictions] == pytest.approx(expected, abs=1e-12)
    assert evaluation.metrics["mIoU"] == pytest.approx(np.mean(expected))
    assert evaluation.metrics["P@0.5"] == np.mean(np.array(expected) >= 0.5)
    intersections, unions = (sum(getattr(answer, name) for answer in evaluation.predictions) for name in ("intersection", "union"))
    assert evaluation.metrics["oIoU"] == pytest.approx(intersections / unions)
    for answer, sample in zip(evaluation.predictions, dataset.samples, strict=True):
        assert (answer.video_id, answer.frame, answer.instance, answer.query) == (
            sample.video_id,
            sample.frame,
            sample.instance,
            sample.query,
        )
    assert evaluation.about["samples"] == len(dataset) and evaluation.about["config"]["size"] == 32


def test_jhmdb_records_its_frames(model, tmp_path):
    dataset = JHMDBSentences(releases.write_jhmdb(tmp_path), size=32)
    evaluation = evaluate(model, dataset, device="cpu")
    assert [answer.iou for answer in evaluation.predictions] == pytest.approx([by_hand(model, dataset, i) for i in range(len(dataset))])
    assert evaluation.about["frames"] == dataset.frame_source


def test_every_frame_goes_through_the_stem_once(model, dataset):
    seen = []
    handle = model.backbone.stem.register_forward_hook(lambda *_: seen.append(1))
    evaluate(model, dataset, device="cpu", batch_size=2)
    handle.remove()
    assert len(seen) == len(dataset.annotated_frames) == 3 and len(dataset) == 12


def test_cached_features_give_the_same_answers(model, dataset, tmp_path):
    extract_features(model.backbone.stem, dataset, tmp_path)
    cached = evaluate(model, dataset, features=FeatureCache(tmp_path), device="cpu")
    fresh = evaluate(model, dataset, device="cpu")
    assert [answer.iou for answer in cached.predictions] == pytest.approx([answer.iou for answer in fresh.predictions], abs=0.05)  # fp16
    assert [answer[:4] for answer in cached.predictions] == [answer[:4] for answer in fresh.predictions]


def test_some_samples_only(model, dataset):
    whole = evaluate(model, dataset, device="cpu")
    part = evaluate(model, dataset, indices=[7, 2], device="cpu")
    assert part.predictions == [whole.predictions[2], whole.predictions[7]]


@pytest.mark.parametrize("second_size", [0, 48])
def test_refined_masks_are_those_of_a_segmenter(model, dataset, second_size):
    model.config = replace(model.config, second_size=second_size)
    official, refined = (evaluate(model, dataset, device="cpu", refined=how) for how in (False, True))
    assert refined.about["refined"] and "refined" not in official.about
    assert refined.about["second_size"] == second_size
    segmenter = Segmenter(model, "cpu")
    for row in refined.predictions:
        session = ClipSession.from_frames(segmenter, dataset.read_video(row.video_id))
        session.predict([row.query], [row.frame - 1])
        target = round_trip(dataset.mask(row.video_id, row.frame, row.instance), dataset.size)
        assert row.iou == pytest.approx(intersection_over_union(session.mask(row.query, row.frame - 1), target), abs=0.02)
    assert [row.iou for row in official.predictions] != [row.iou for row in refined.predictions]


def test_features_of_one_size_cannot_refine_at_two(model, dataset, tmp_path):
    extract_features(model.backbone.stem, dataset, tmp_path)
    model.config = replace(model.config, second_size=48)
    evaluate(model, dataset, features=FeatureCache(tmp_path), device="cpu", indices=[0])  # the official rule looks once
    with pytest.raises(ConfigError, match="frames of two sizes, and features have one"):
        evaluate(model, dataset, features=FeatureCache(tmp_path), device="cpu", refined=True)


def test_blind_to_text_the_query_is_no_matter(model, dataset):
    blind = evaluate(model, dataset, device="cpu", blind_to="text")
    seeing = evaluate(model, dataset, device="cpu")
    by_target = {}
    for answer in blind.predictions:
        by_target.setdefault((answer.video_id, answer.instance), set()).add(answer[4:])
    assert all(len(found) == 1 for found in by_target.values())
    assert blind.predictions != seeing.predictions
    assert hide_query(torch.tensor([[3, 4, 0], [2, 0, 0]])).tolist() == [[1, 0, 0], [1, 0, 0]]


def test_blind_to_motion_the_frame_is_repeated(model, dataset):
    calls = []
    pixels = dataset.clip_pixels
    dataset.clip_pixels = lambda *frame, repeat_frame=False: calls.append(repeat_frame) or pixels(*frame, repeat_frame=repeat_frame)
    evaluate(model, dataset, device="cpu", blind_to="motion")
    assert calls == [True] * 3
    evaluate(model, dataset, device="cpu")
    assert calls[3:] == [False] * 3


def test_coco_average_precision_ranks_by_the_peak(model, dataset):
    evaluation = evaluate(model, dataset, device="cpu", coco=True)
    assert 0 <= evaluation.metrics["coco_mAP"] <= 1
    assert "coco_mAP" not in evaluate(model, dataset, device="cpu").metrics
    assert len({answer.peak for answer in evaluation.predictions}) > 1


def test_equal_peaks_cost_one_number_only(model, dataset, monkeypatch):
    from_features = ACGA.from_features

    def flat(*arguments, **named):
        return from_features(*arguments, **named)._replace(large=torch.zeros(1, 32, 32))

    monkeypatch.setattr(ACGA, "from_features", flat)
    found = evaluate(model, dataset, device="cpu", coco=True, batch_size=1, indices=[0, 3])
    assert "coco_mAP" not in found.metrics and "all peaks are the same" in found.about["coco_mAP"] and found.metrics["mIoU"] > 0


def test_an_interrupted_evaluation_goes_on(model, dataset, tmp_path, monkeypatch):
    """What was scored is not computed again, a cut line aside; other weights begin anew."""
    whole = evaluate(model, dataset, device="cpu", coco=True)
    computed, score = [], evaluation_module._score

    def count(response, data, index, **more):
        if len(computed) == 9:
            raise KeyboardInterrupt
        computed.append(index)
        return score(response, data, index, **more)

    monkeypatch.setattr(evaluation_module, "_score", count)
    how = {"device": "cpu", "coco": True, "batch_size": 4, "journal": tmp_path / "result.json"}
    with pytest.raises(KeyboardInterrupt):
        evaluate(model, dataset, **how)
    with open(tmp_path / ".result.json.part-0", "a") as file:
        file.write('["cut')
    assert computed == list(range(9))
    computed.clear()
    found = evaluate(model, dataset, **how)
    assert computed == [8, 9, 10, 11] and found.predictions == whole.predictions and found.metrics == whole.metrics
    assert [decode(pair.target).sum() for pair in found.masks] == [decode(pair.target).sum() for pair in whole.masks]
    computed.clear()
    other = small_model()
    other.decoder.fusion.weight.data.neg_()
    with pytest.raises(KeyboardInterrupt):
        evaluate(other, dataset, **how)
    assert computed == list(range(9))


def test_masks_are_read_by_the_tools_of_coco(model, dataset, tmp_path):
    found = evaluate(model, dataset, device="cpu", coco=True)
    found.save_masks(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(tmp_path / "targets.json")
        scored = COCOeval(truth, truth.loadRes(str(tmp_path / "predictions.json")), "segm")
        scored.evaluate(), scored.accumulate(), scored.summarize()
    assert scored.stats[0] == pytest.approx(found.metrics["coco_mAP"])
    for (number, image), one in zip(truth.imgs.items(), found.predictions, strict=True):
        (target,) = truth.imgToAnns[number]
        predicted = decode(json.loads((tmp_path / "predictions.json").read_text())[number - 1]["segmentation"])
        assert (image["video_id"], image["query"]) == (one.video_id, one.query) and predicted.shape == (32, 32)
        assert intersection_over_union(predicted, truth.annToMask(target).astype(bool)) == pytest.approx(one.iou)


def test_words_that_say_nothing_are_counted(model, dataset):
    found = evaluate(model, dataset, indices=[0], device="cpu").about["silent_words"]
    assert found == {"square": 2, "one": 4, "right": 2}
    with torch.no_grad():
        silent = small_model()
        silent.word_table.weight[silent.vocabulary.encode("red")[0]] = 0
    assert evaluate(silent, dataset, indices=[0], device="cpu").about["silent_words"]["red"] == 3


def test_the_model_is_left_as_it_was(model, dataset):
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate(model, dataset, indices=[0], device="cpu")
    assert model.training and model.backbone.mixed_4f.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    model.eval()


@given(frames=st.lists(st.integers(0, 9), min_size=1, max_size=40), batch_size=st.integers(1, 8))
def test_groups_hold_whole_frames(frames, batch_size):
    class Stub:
        samples = tuple(Sample("video", frame, 0, "dog") for frame in frames)

    groups = group_by_frame(Stub, range(len(frames)), batch_size)
    assert sorted(index for group in groups for index in group) == list(range(len(frames)))
    assert all(len(group) >= batch_size for group in groups[:-1]) and groups[-1]
    assert all({frames[i] for i in one}.isdisjoint({frames[i] for i in other}) for one, other in pairwise(groups))


def test_saved_and_loaded(tmp_path, model, dataset, root):
    evaluation = evaluate(model, dataset, device="cpu")
    path = tmp_path / "results" / "evaluation.json"
    evaluation.save(path, tables=evaluation.by_tag(read_tags(root)))
    loaded = Evaluation.load(path)
    assert loaded.metrics == pytest.approx(evaluation.metrics, abs=1e-6)
    assert [answer[:6] for answer in loaded.predictions] == [answer[:6] for answer in evaluation.predictions]
    assert loaded.about["blind_to"] == "none" and "torch" in loaded.about
    path.write_text('{"metrics": {}}')
    with pytest.raises(ConfigError, match="has no predictions"):
        Evaluation.load(path)
    path.write_text("not JSON")
    with pytest.raises(ConfigError, match=r"evaluation\.json cannot be read"):
        Evaluation.load(path)


def test_tables_by_tag(root):
    answers = [
        Prediction("squares0002", 6, 0, "red square", 30, 40, 0.5),
        Prediction("squares0002", 6, 0, "the red one on the left", 10, 40, 0.5),
        Prediction("squares0003", 6, 1, "green square", 20, 20, 0.5),
    ]
    tables = Evaluation.of(answers).by_tag(read_tags(root))
    assert set(tables) == {"phrasing=plain", "phrasing=place", "decided_by=colour"}
    assert tables["phrasing=plain"]["samples"] == 2 and tables["phrasing=plain"]["oIoU"] == pytest.approx(50 / 60)
    assert tables["phrasing=place"]["mIoU"] == pytest.approx(0.25)
    assert tables["decided_by=colour"]["mIoU"] == pytest.approx((0.75 + 0.25 + 1) / 3)
    assert Evaluation.of(answers).subset(lambda answer: False) == {"samples": 0}


def test_tags_of_a_real_or_damaged_release(tmp_path):
    assert read_tags(tmp_path) == {}
    for content in ("{", '[{"video_id": "a"}]', '{"video_id": "a"}'):
        (tmp_path / "queries.json").write_text(content)
        with pytest.raises(DatasetError, match=r"queries\.json"):
            read_tags(tmp_path)


def test_refusals(model, dataset, root):
    with pytest.raises(DatasetError, match="no sample"):
        evaluate(model, dataset, indices=[], device="cpu")
    with pytest.raises(ConfigError, match="8 frames"):
        evaluate(model, A2DSentences(root, "test", size=32, clip_length=8), device="cpu")
    with pytest.raises(ConfigError, match="words of its own"):
        evaluate(ACGA(ACGAConfig.thin_residual()), dataset, device="cpu")
    with pytest.raises(ConfigError, match="no device 'tpu'"):
        evaluate(model, dataset, device="tpu")
    dataset.samples[0] = Sample("squares0002", 6, 0, "dog " * 21)
    with pytest.raises(QueryError, match="21 words"):
        evaluate(model, dataset, indices=[0], device="cpu")


def test_a_mask_of_other_proportions_than_its_video_is_refused_however_frames_are_read(tmp_path, model):
    root = squares.write_release(tmp_path, train=1, test=1)
    annotations = root / "text_annotations" / "a2d_annotation_with_instances"
    wide = [releases.square(2, 3, side=8, size=(24, 64)), releases.square(20, 3, side=8, size=(24, 64))]
    releases.write_annotation(annotations / "squares0001" / "00006.h5", wide, [0, 1], [76, 18])
    dataset = A2DSentences(root, "test", size=32)
    for read in (lambda: dataset[0], lambda: dataset.clip("squares0001", 6), lambda: evaluate(model, dataset, device="cpu")):
        with pytest.raises(DatasetError, match="The mask of instance 0 in frame 6 of squares0001 is 64 x 24, its video 32 x 32"):
            read()


def test_weights_that_answer_nothing_are_not_scored(dataset):
    broken = small_model()
    with torch.no_grad():
        broken.decoder.fusion.weight.fill_(torch.nan)
    with pytest.raises(WeightsError, match="not finite"):
        evaluate(broken, dataset, device="cpu")


def test_a_journal_of_another_network_with_the_same_weights_is_not_gone_on_with(model, dataset):
    other = copy.deepcopy(model)
    other.config = replace(model.config, mask_padding=not model.config.mask_padding)
    assert evaluation_module._fingerprint(model, dataset) != evaluation_module._fingerprint(other, dataset)
