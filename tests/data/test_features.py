"""The feature cache: what is in it, that it can be interrupted anywhere, and that it is never taken for another one."""

import json
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from helpers.releases import write_video
from torch import nn
from torch.utils.data import DataLoader

from acga.data import A2DSentences, FeatureCache, JHMDBSentences, extract_features, fingerprint
from acga.errors import DatasetError, VideoError


def make_stem(seed=0):
    """Something with weights, dropout and BatchNorm in the place of I3D, at its strides."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv3d(3, 6, 4, stride=(4, 16, 16), padding=(1, 0, 0)), nn.BatchNorm3d(6), nn.Dropout(0.5))


class Interrupted(Exception):
    """In the place of a kill."""


class Failing(nn.Sequential):
    """Stops at a given call."""

    calls_left = 0

    def forward(self, clip):
        if not self.calls_left:
            raise Interrupted
        self.calls_left -= 1
        return super().forward(clip)


@pytest.fixture
def dataset(a2d_release):
    return A2DSentences(a2d_release, size=64)


def extract(dataset, folder, stem=None, **options):
    """Four frames in three batches and two shards."""
    extract_features(make_stem() if stem is None else stem, dataset, folder, **{"batch_size": 2, "shard_size": 3} | options)
    return FeatureCache(folder)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("[!.]*"))}


def test_entries_are_the_stems_output_for_each_frame(dataset, tmp_path):
    cache = extract(dataset, tmp_path / "cache")
    assert cache.frames == dataset.annotated_frames and len(cache) == 4 and ("alone-bird0", 1) in cache and ("alone-bird0", 2) not in cache
    assert list(contents(tmp_path / "cache")) == ["features-00000.npy", "features-00001.npy", "index.json"]
    stem = make_stem().eval()
    for video_id, frame in dataset.annotated_frames:
        with torch.no_grad():
            expected = stem(dataset.clip(video_id, frame)[None])[0]
        found = cache[video_id, frame]
        assert found.dtype == torch.float16 and found.shape == (6, 4, 4, 4)
        torch.testing.assert_close(found.float(), expected, rtol=2e-3, atol=1e-3)
    assert np.load(tmp_path / "cache" / "features-00000.npy").shape == (3, 6, 4, 4, 4)


def test_a_cache_that_repeats_the_frame_is_another_one(dataset, tmp_path):
    moving, still = extract(dataset, tmp_path / "moving"), extract(dataset, tmp_path / "still", repeat_frame=True)
    assert moving.fingerprint != still.fingerprint == fingerprint(make_stem(), dataset, repeat_frame=True)
    frame = dataset.annotated_frames[0]
    assert not moving[frame].equal(still[frame])
    with torch.no_grad():
        expected = make_stem().eval()(dataset.clip(*frame, repeat_frame=True)[None])[0]
    torch.testing.assert_close(still[frame].float(), expected, rtol=2e-3, atol=1e-3)
    with pytest.raises(DatasetError, match="other weights, data or shards"):
        extract(dataset, tmp_path / "still")


@pytest.mark.parametrize("calls", range(4))
def test_interrupted_anywhere_and_resumed(dataset, tmp_path, calls):
    extract(dataset, tmp_path / "unbroken")
    stem = Failing(*make_stem())
    stem.calls_left = calls
    if calls < 3:
        with pytest.raises(Interrupted):
            extract(dataset, tmp_path / "broken", stem)
        with pytest.raises(DatasetError, match=r"lacks features-0000[01]\.npy; run the extraction again"):
            FeatureCache(tmp_path / "broken")
        assert not list((tmp_path / "broken").glob(".features*"))
    stem.calls_left = 3
    extract(dataset, tmp_path / "broken", stem)
    assert stem.calls_left == {0: 0, 1: 0, 2: 2, 3: 0}[calls]  # a whole shard is not computed again
    assert contents(tmp_path / "broken") == contents(tmp_path / "unbroken")


def test_what_a_kill_leaves_is_cleared_away(dataset, tmp_path):
    extract(dataset, tmp_path)
    whole = contents(tmp_path)
    (tmp_path / "features-00001.npy").unlink()
    (tmp_path / ".features-00001.npy.abc123").write_bytes(b"half of a shard")
    extract(dataset, tmp_path)
    assert contents(tmp_path) == whole


def test_processes_share_the_shards(dataset, tmp_path):
    extract(dataset, tmp_path / "alone")
    extract_features(make_stem(), dataset, tmp_path / "shared", batch_size=2, shard_size=3, part=(1, 2))
    assert list(contents(tmp_path / "shared")) == ["features-00001.npy", "index.json"]
    extract_features(make_stem(), dataset, tmp_path / "shared", batch_size=2, shard_size=3, part=(0, 2))
    assert contents(tmp_path / "shared") == contents(tmp_path / "alone")


def test_two_runs_at_once_wait_for_each_other(dataset, tmp_path):
    """Runs of a study share a folder; both write the same files, and neither may trip over the other."""
    seen = []

    class Slow(nn.Sequential):
        def forward(self, clip):
            seen.append(len(clip))
            time.sleep(0.05)
            return super().forward(clip)

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(extract, dataset, tmp_path, Slow(*make_stem()), batch_size=1, shard_size=1) for _ in range(2)]
        for run in runs:
            run.result()
    assert sum(seen) == len(dataset.annotated_frames) == len(FeatureCache(tmp_path))


def test_decoding_workers_change_nothing(dataset, tmp_path):
    extract(dataset, tmp_path / "alone")
    extract(dataset, tmp_path / "helped", workers=1)
    assert contents(tmp_path / "helped") == contents(tmp_path / "alone")


def test_a_broken_video_is_one_sentence_from_a_worker_too(a2d_copy, tmp_path):
    dataset = A2DSentences(a2d_copy, size=64)
    dataset.video_path("alone-bird0").write_bytes(b"nothing of the kind")
    with pytest.raises(VideoError, match=r"^\S*alone-bird0\.mp4 cannot be opened as a video \([^\n]*$"):
        extract(dataset, tmp_path / "cache", workers=1)


def test_other_weights_or_data_are_refused(dataset, tmp_path, a2d_copy):
    cache = extract(dataset, tmp_path / "cache")
    wanted = fingerprint(make_stem(), dataset)
    assert cache.fingerprint == wanted
    FeatureCache(tmp_path / "cache", fingerprint=wanted)
    others = [
        fingerprint(make_stem(seed=1), dataset),
        fingerprint(make_stem(), A2DSentences(a2d_copy, split="train", size=64)),
        fingerprint(make_stem(), A2DSentences(a2d_copy, size=48)),
        fingerprint(make_stem(), A2DSentences(a2d_copy, size=64, clip_length=8)),
    ]
    assert fingerprint(make_stem(), A2DSentences(a2d_copy, size=64)) == wanted  # a copy of the data is the same data
    write_video(a2d_copy / "Release" / "clips320H" / "alone-bird0.mp4", frames=9)
    others.append(fingerprint(make_stem(), A2DSentences(a2d_copy, size=64)))
    assert len({wanted, *others}) == 6
    for other in others:
        with pytest.raises(DatasetError, match="features of other weights or data"):
            FeatureCache(tmp_path / "cache", fingerprint=other)
    before = contents(tmp_path / "cache")
    with pytest.raises(DatasetError, match="other weights, data or shards"):
        extract(dataset, tmp_path / "cache", make_stem(seed=1))
    assert contents(tmp_path / "cache") == before


def test_a_frame_that_is_not_in_the_cache(dataset, tmp_path):
    with pytest.raises(DatasetError, match="no features of frame 2 of alone-bird0"):
        extract(dataset, tmp_path)["alone-bird0", 2]


@pytest.mark.parametrize("content", [None, "", "[]", json.dumps({"frames": []})])
def test_no_cache(tmp_path, content):
    if content is not None:
        (tmp_path / "index.json").write_text(content)
    with pytest.raises(DatasetError, match="no cache of features" if content is None else "no index of features"):
        FeatureCache(tmp_path)


def test_a_damaged_shard(dataset, tmp_path):
    cache = extract(dataset, tmp_path)
    (tmp_path / "features-00000.npy").write_bytes(b"damaged")
    with pytest.raises(DatasetError, match=r"features-00000\.npy cannot be read"):
        cache[dataset.annotated_frames[0]]


class Entries(torch.utils.data.Dataset):
    def __init__(self, cache):
        self.cache = cache

    def __getitem__(self, index):
        return self.cache[self.cache.frames[index]]

    def __len__(self):
        return len(self.cache)


def test_workers_open_the_shards_themselves(dataset, tmp_path):
    cache = extract(dataset, tmp_path)
    alone = torch.stack([cache[frame] for frame in cache.frames])
    assert torch.cat(list(DataLoader(Entries(cache), batch_size=3, num_workers=2))).equal(alone)
    assert len(pickle.dumps(cache)) < 1000


@pytest.mark.parametrize("weight", [1e9, float("nan")])
def test_what_16_bits_cannot_hold_is_refused(dataset, tmp_path, weight):
    stem = make_stem()
    nn.init.constant_(stem[0].weight, weight)
    with pytest.raises(DatasetError, match="exceed what 16 bits hold"):
        extract(dataset, tmp_path, stem)
    assert list(contents(tmp_path)) == ["index.json"]


def test_a_folder_that_cannot_be_written(dataset, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="cannot be written"):
        extract(dataset, tmp_path / "file")


def test_frames_of_a_folder_of_pictures(jhmdb_release, tmp_path):
    dataset = JHMDBSentences(jhmdb_release, size=32)
    cache = extract(dataset, tmp_path)
    assert len(cache) == 6 and cache[dataset.annotated_frames[5]].shape == (6, 4, 2, 2)
