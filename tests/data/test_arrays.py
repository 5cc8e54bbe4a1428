"""Arrays out of files of others: types and sizes are looked at first, and whatever is wrong is one sentence."""

import struct

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from acga.data import budget, read_annotation
from acga.data.arrays import read_arrays
from acga.data.jhmdb import read_puppet_mask
from acga.errors import DatasetError


def test_arrays_of_both_formats(tmp_path):
    values = np.arange(6, dtype=np.float64).reshape(2, 3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["values"] = values
    scipy.io.savemat(tmp_path / "a.mat", {"values": values, "words": ["a", "b"]})
    for name in ("a.h5", "a.mat"):
        np.testing.assert_array_equal(read_arrays(tmp_path / name, ["values"], "values")["values"], values)


def group(file):
    file.create_group("values")


def huge(file):
    file.create_dataset("values", shape=(1 << 20, 1 << 20), dtype="u1", chunks=(1024, 1024), compression="gzip")


WRONG_H5 = {
    "nothing": (lambda file: None, "there is no array values in it"),
    "group": (group, "there is no array values in it"),
    "words": (lambda file: file.create_dataset("values", data=["a", "b"]), "values must be numbers"),
    "complex": (lambda file: file.create_dataset("values", data=[1j]), "values must be numbers"),
    "no values": (lambda file: file.create_dataset("values", data=h5py.Empty("f")), "values must be numbers"),
    "not a number": (lambda file: file.create_dataset("values", data=[np.nan]), "values holds values that are not finite"),
    "huge": (huge, r"values has the shape \(1048576, 1048576\), more than 256 MB"),
}


@pytest.mark.parametrize("name", WRONG_H5)
def test_wrong_h5(tmp_path, name):
    write, message = WRONG_H5[name]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write(file)
    with pytest.raises(DatasetError, match=rf"a\.h5 cannot be read as an annotation \({message}\); restore it from the release"):
        read_arrays(tmp_path / "a.h5", ["values"], "an annotation")


WRONG_MAT = {
    "nothing": ({"other": np.ones(3)}, "there is no values in it"),
    "words": ({"values": ["a", "bc"]}, "values must be numbers"),
    "cells": ({"values": np.array([np.ones(2), "a"], dtype=object)}, "values must be numbers"),
    "struct": ({"values": {"inside": np.ones(2)}}, "values must be numbers"),
    "complex": ({"values": np.array([1j])}, "values must be numbers"),
    "not a number": ({"values": np.array([np.inf])}, "values holds values that are not finite"),
}


@pytest.mark.parametrize("name", WRONG_MAT)
def test_wrong_mat(tmp_path, name):
    content, message = WRONG_MAT[name]
    scipy.io.savemat(tmp_path / "a.mat", content)
    with pytest.raises(DatasetError, match=rf"a\.mat cannot be read as puppet masks \({message}\)"):
        read_arrays(tmp_path / "a.mat", ["values"], "puppet masks")


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?"])
def test_every_kind_of_number_is_read_as_scipy_reads_it(tmp_path, kind, packed):
    values = (np.random.default_rng(0).random((2, 3, 5)) * 100).astype(kind)
    for array in (values, values[..., 0], values[:1, :1, 0]):
        scipy.io.savemat(tmp_path / "a.mat", {"other": "text", "values": array}, do_compression=packed)
        wanted = scipy.io.loadmat(tmp_path / "a.mat")["values"]
        found = read_arrays(tmp_path / "a.mat", ["values"], "values")["values"]
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)


def test_elements_of_no_known_type_are_refused(tmp_path):
    """SciPy's own reader crashes on this one."""
    scipy.io.savemat(tmp_path / "a.mat", {"values": np.ones((3, 4))})
    content = bytearray((tmp_path / "a.mat").read_bytes())
    place = content.index(struct.pack("<II", 9, 96))
    content[place] = 0
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(DatasetError, match=r"cannot be read as values \(values must be numbers\)"):
        read_arrays(tmp_path / "a.mat", ["values"], "values")
    (tmp_path / "a.mat").write_bytes(content[: place + 20])
    with pytest.raises(DatasetError, match=r"cannot be read as values \(it is cut off\)"):
        read_arrays(tmp_path / "a.mat", ["values"], "values")


def test_a_large_mat_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "MOST_BYTES", 1 << 20)
    monkeypatch.setattr(scipy.io, "loadmat", None)
    scipy.io.savemat(tmp_path / "a.mat", {"part_mask": np.zeros((300, 100, 100), np.uint8)}, do_compression=True)
    with pytest.raises(DatasetError, match=r"part_mask has the shape \(300, 100, 100\), more than 1 MB"):
        read_puppet_mask(tmp_path / "a.mat")


def test_files_that_are_not_there_or_something_else(tmp_path):
    (tmp_path / "a.h5").mkdir()
    (tmp_path / "a.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    for name in ("none.h5", "none.mat", "a.h5", "a.mat"):
        with pytest.raises(DatasetError, match=rf"{name} cannot be read as masks \([^\n]+\); restore it") as caught:
            read_arrays(tmp_path / name, ["values"], "masks")
        assert len(str(caught.value).replace(str(tmp_path), "")) < 300


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("intact")
    with h5py.File(folder / "a.h5", "w") as file:
        for name, value in {"instance": [0.0], "reMask": np.ones((4, 6)), "reBBox": np.ones(4), "id": [18.0]}.items():
            file[name] = value
    scipy.io.savemat(folder / "a.mat", {"part_mask": np.ones((4, 6, 2), np.uint8)}, do_compression=True)
    return folder


@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8), cut=st.floats(0.1, 1))
@pytest.mark.parametrize(("name", "read"), [("a.h5", read_annotation), ("a.mat", read_puppet_mask)])
def test_any_damage_is_one_sentence_or_none(intact, name, read, changes, cut):
    content = bytearray((intact / name).read_bytes())
    for place, value in changes:
        content[int(place * len(content))] = value
    damaged = intact / f"damaged-{name}"
    damaged.write_bytes(content[: int(cut * len(content))])
    try:
        read(damaged)
    except DatasetError as error:
        assert "\n" not in str(error)
