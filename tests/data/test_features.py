"""The feature cache: what is in it, that it can be interrupted anywhere, and that it is never taken for another one."""

import os
import pickle
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from helpers.releases import write_video
from torch import nn
from torch.utils.data import DataLoader

from acga.data import A2DSentences, FeatureCache, JHMDBSentences, extract_features, fingerprint
from acga.errors import AcgaError, DatasetError, VideoError


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
        if clip.is_meta:  # when only the shape is asked for
            return super().forward(clip)
        if not self.calls_left:
            raise Interrupted
        self.calls_left -= 1
        return super().forward(clip)


@pytest.fixture
def dataset(a2d_release):
    return A2DSentences(a2d_release, size=64)


def extract(dataset, folder, stem=None, **options):
    """Four frames in two batches, or as many as `options` say."""
    extract_features(make_stem() if stem is None else stem, dataset, folder, **{"batch_size": 2} | options)
    return FeatureCache(folder)


def swap_bytes(path):
    """Other content in a file of the same size and times."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[-9:] = reversed(content[-9:])
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("[!.]*"))}


def test_entries_are_the_stems_output_for_each_frame(dataset, tmp_path):
    cache = extract(dataset, tmp_path / "cache")
    assert (
        list(cache.rows) == dataset.annotated_frames and len(cache) == 4 and ("alone-bird0", 1) in cache and ("alone-bird0", 2) not in cache
    )
    assert list(contents(tmp_path / "cache")) == ["done.npy", "features.npy", "index.json"]
    stem = make_stem().eval()
    for video_id, frame in dataset.annotated_frames:
        with torch.no_grad():
            expected = stem(dataset.clip(video_id, frame)[None])[0]
        found = cache[video_id, frame]
        assert found.dtype == torch.float16 and found.shape == (6, 4, 4, 4)
        torch.testing.assert_close(found.float(), expected, rtol=2e-3, atol=1e-3)
    assert np.load(tmp_path / "cache" / "features.npy").shape == (4, 6, 4, 4, 4)


def test_caches_of_other_kinds_of_clips(dataset, tmp_path):
    frame = dataset.annotated_frames[0]
    shown = {
        "plain": dataset.clip(*frame),
        "mirrored": dataset.clip(*frame).flip(-1),
        "still": dataset.clip(*frame, repeat_frame=True),
    }
    caches = {kind: extract(dataset, tmp_path / kind, kind=kind) for kind in shown}
    for kind, clip in shown.items():
        with torch.no_grad():
            expected = make_stem().eval()(clip[None])[0]
        torch.testing.assert_close(caches[kind][frame].float(), expected, rtol=2e-3, atol=1e-3)
        assert caches[kind].fingerprint == fingerprint(make_stem(), dataset, kind)
    assert len({cache.fingerprint for cache in caches.values()}) == 3
    with pytest.raises(DatasetError, match="holds features of other weights, data or settings; delete it"):
        extract(dataset, tmp_path / "still")


@pytest.mark.parametrize("calls", range(2))
def test_interrupted_anywhere_and_resumed(dataset, tmp_path, calls):
    extract(dataset, tmp_path / "unbroken")
    stem = Failing(*make_stem())
    stem.calls_left = calls
    with pytest.raises(Interrupted):
        extract(dataset, tmp_path / "broken", stem)
    with pytest.raises(DatasetError, match=rf"broken lacks {4 - 2 * calls} of 4 features; run the command .* it will go on"):
        FeatureCache(tmp_path / "broken")
    stem.calls_left = 2
    extract(dataset, tmp_path / "broken", stem)
    assert stem.calls_left == calls  # nothing is computed again
    assert contents(tmp_path / "broken") == contents(tmp_path / "unbroken")


def test_an_entry_without_its_flag_is_computed_again(dataset, tmp_path):
    """As after a kill between the two."""
    extract(dataset, tmp_path)
    whole = contents(tmp_path)
    for name, row in (("features", 1), ("done", 1)):
        np.load(tmp_path / f"{name}.npy", mmap_mode="r+")[row] = 0
    (tmp_path / ".index.json.abc123").write_text("half of an index")
    extract(dataset, tmp_path)
    assert contents(tmp_path) == whole


def test_processes_share_the_batches(dataset, tmp_path):
    extract(dataset, tmp_path / "alone")
    extract_features(make_stem(), dataset, tmp_path / "shared", batch_size=2, part=(1, 2))
    assert np.load(tmp_path / "shared" / "done.npy").tolist() == [0, 0, 1, 1]
    extract_features(make_stem(), dataset, tmp_path / "shared", batch_size=2, part=(0, 2))
    assert contents(tmp_path / "shared") == contents(tmp_path / "alone")


def test_two_runs_at_once_wait_for_each_other(dataset, tmp_path):
    """Runs of a study share a folder; both write the same files, and neither may trip over the other."""
    seen = []

    class Slow(nn.Sequential):
        def forward(self, clip):
            if not clip.is_meta:
                seen.append(len(clip))
                time.sleep(0.05)
            return super().forward(clip)

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(extract, dataset, tmp_path, Slow(*make_stem()), batch_size=1) for _ in range(2)]
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
    swap_bytes(a2d_copy / "Release" / "clips320H" / "alone-bird0.mp4")
    others.append(fingerprint(make_stem(), A2DSentences(a2d_copy, size=64)))
    assert len({wanted, *others}) == 7
    for other in others:
        with pytest.raises(DatasetError, match="features of other weights, data or settings"):
            FeatureCache(tmp_path / "cache", fingerprint=other)
    before = contents(tmp_path / "cache")
    with pytest.raises(DatasetError, match="features of other weights, data or settings"):
        extract(dataset, tmp_path / "cache", make_stem(seed=1))
    assert contents(tmp_path / "cache") == before


def test_a_frame_that_is_not_in_the_cache(dataset, tmp_path):
    with pytest.raises(DatasetError, match="no features of frame 2 of alone-bird0"):
        extract(dataset, tmp_path)["alone-bird0", 2]


def test_no_cache(tmp_path):
    with pytest.raises(DatasetError, match="holds no features; make them first"):
        FeatureCache(tmp_path)


OLD = '{"fingerprint": "0123456789abcdef", "shard_size": 32, "frames": [["alone-bird0", 1]]}'


@pytest.mark.parametrize("content", ["", "[]", OLD, '{"version": 2, "kind": "features", "fingerprint": "", "keys": [[[]]], "arrays": {}}'])
def test_an_index_that_is_old_or_damaged(dataset, tmp_path, content):
    (tmp_path / "index.json").write_text(content)
    for use in (FeatureCache, lambda folder: extract(dataset, folder)):
        with pytest.raises(
            AcgaError,
            match=r"another version of ACGA or is damaged; delete it|index\.json is damaged; delete|index\.json cannot be read as JSON",
        ):
            use(tmp_path)


@pytest.mark.parametrize("damage", [b"damaged", b""])
def test_a_damaged_array(dataset, tmp_path, damage):
    extract(dataset, tmp_path)
    (tmp_path / "features.npy").write_bytes(damage)
    with pytest.raises(DatasetError, match=r"features\.npy is missing or damaged; delete "):
        FeatureCache(tmp_path)[dataset.annotated_frames[0]]
    shutil.copy(tmp_path / "done.npy", tmp_path / "features.npy")  # an array, but not that one
    with pytest.raises(DatasetError, match=r"features\.npy is missing or damaged"):
        FeatureCache(tmp_path)[dataset.annotated_frames[0]]


class Entries(torch.utils.data.Dataset):
    def __init__(self, cache):
        self.cache = cache

    def __getitem__(self, index):
        return self.cache[list(self.cache.rows)[index]]

    def __len__(self):
        return len(self.cache)


def test_workers_map_the_arrays_themselves(dataset, tmp_path):
    cache = extract(dataset, tmp_path)
    alone = torch.stack([cache[frame] for frame in cache.rows])
    assert torch.cat(list(DataLoader(Entries(cache), batch_size=3, num_workers=2))).equal(alone)
    assert len(pickle.dumps(cache)) < 1500


@pytest.mark.parametrize("weight", [1e9, float("nan")])
def test_what_16_bits_cannot_hold_is_refused(dataset, tmp_path, weight):
    stem = make_stem()
    nn.init.constant_(stem[0].weight, weight)
    with pytest.raises(DatasetError, match="exceed what 16 bits hold"):
        extract(dataset, tmp_path, stem)
    assert not np.load(tmp_path / "done.npy").any()


def test_a_folder_that_cannot_be_written(dataset, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="cannot be written"):
        extract(dataset, tmp_path / "file")


def test_frames_of_a_folder_of_pictures(jhmdb_release, tmp_path):
    dataset = JHMDBSentences(jhmdb_release, size=32)
    cache = extract(dataset, tmp_path)
    assert len(cache) == 6 and cache[dataset.annotated_frames[5]].shape == (6, 4, 2, 2)
