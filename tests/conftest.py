"""What all tests share: properties are tried on the same examples every time, however slow the machine."""

import shutil

import pytest
import torch
from helpers.releases import write_a2d, write_jhmdb
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=False)
settings.load_profile("repeatable")


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("not run: there is no GPU here")


@pytest.fixture(autouse=True)
def gradients():
    """Gradients are on in every test, whatever the one before it (a notebook, say) left behind."""
    with torch.enable_grad():
        yield


@pytest.fixture(scope="module")
def one_thread():
    """PyTorch on one thread: what is small is faster so, and bit for bit the same each time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def a2d_release(tmp_path_factory):
    """A small A2D Sentences release, to be read only."""
    return write_a2d(tmp_path_factory.mktemp("a2d"))


@pytest.fixture(scope="session")
def jhmdb_release(tmp_path_factory):
    """A small J-HMDB Sentences release, to be read only."""
    return write_jhmdb(tmp_path_factory.mktemp("jhmdb"))


@pytest.fixture
def a2d_copy(a2d_release, tmp_path):
    """A release that the test may damage."""
    return shutil.copytree(a2d_release, tmp_path / "a2d")


@pytest.fixture
def jhmdb_copy(jhmdb_release, tmp_path):
    """A release that the test may damage."""
    return shutil.copytree(jhmdb_release, tmp_path / "jhmdb")
