"""Cut-outs pasted into photographs: they move, cover what is behind them, and are spoken of like all else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.photographs import write_folder

from acga.cli import main
from acga.data.check import check_release
from acga.synthetic.pasting import paste
from acga.synthetic.photographs import write_photographs
from acga.synthetic.render.cutouts import CutoutFolder

ANNOTATED = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("photographs") / "folder")


def gray_view() -> tuple[np.ndarray, np.ndarray]:
    """Frames of a still view, and its instances: number 4, the left half, and a crowd at the right edge."""
    instances = np.zeros((160, 224), np.uint8)
    instances[:, :112], instances[:, 220:] = 4, 255
    return np.full((16, 160, 224, 3), 120, np.uint8), instances


@pytest.mark.parametrize("seed", range(8))
def test_what_is_pasted_is_seen_where_its_mask_is(folder: Path, seed: int) -> None:
    """The plain gray of the view is changed inside of the masks, and hardly outside of them."""
    cutouts = CutoutFolder(folder, every_class=True)
    frames, instances = gray_view()
    before = instances.copy()
    pasted = paste(frames, instances, cutouts, ANNOTATED, 5, np.random.default_rng(seed))
    assert 1 <= len(pasted) <= 2 and min(pasted) == 5 and set(pasted.values()) <= {cutout.noun for cutout in cutouts.cutouts}
    mask = np.isin(instances, list(pasted))
    assert np.array_equal(instances[~mask], before[~mask])  # what is not covered stays as it was
    changed = (np.abs(frames[ANNOTATED].astype(int) - 120).max(axis=2) > 25).astype(np.uint8)
    assert changed[cv2.erode(mask.astype(np.uint8), np.ones((3, 3))) > 0].mean() > 0.9
    assert changed[cv2.dilate(mask.astype(np.uint8), np.ones((9, 9))) == 0].sum() == 0


def test_most_move_and_some_stand(folder: Path) -> None:
    cutouts = CutoutFolder(folder, every_class=True)
    moves = []
    for seed in range(30):
        frames, instances = gray_view()
        paste(frames, instances, cutouts, ANNOTATED, 5, np.random.default_rng(seed))
        moves.append(bool((frames[0] != frames[-1]).any()))
    assert 0.5 < np.mean(moves) < 1


def test_a_release_of_pasted_views_is_sound_and_the_seed_decides_it(folder: Path, tmp_path: Path) -> None:
    for name, workers in (("one", 0), ("two", 2)):
        write_photographs(folder, tmp_path / name, views=2, pasted_share=1.0, seed=3, workers=workers)
    one, two = (
        {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*")) if p.is_file()}
        for root in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two
    assert check_release(tmp_path / "one").problems == []
    write_photographs(folder, tmp_path / "plain", views=2, seed=3, workers=0)
    assert not set(one.values()) <= {hashlib.sha256(p.read_bytes()).hexdigest() for p in (tmp_path / "plain").rglob("*") if p.is_file()}


def test_the_command(folder: Path, tmp_path: Path) -> None:
    assert (
        main(["data", "photographs", str(folder), str(tmp_path / "stills"), "--views", "1", "--pasted-share", "0.5", "--workers", "0"]) == 0
    )
