"""A seeded part of the fuzzer (benchmarks/fuzz.py tries far more): damaged input is read or refused in one sentence, never a traceback."""

import pytest
from helpers.fuzzing import GROUPS, SECONDS, Fuzzer, try_case

pytestmark = pytest.mark.usefixtures("one_thread")
CASES = 12  # of each group


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory, a2d_release, jhmdb_release):
    return Fuzzer(tmp_path_factory.mktemp("fuzz"), a2d_release, jhmdb_release)


@pytest.mark.parametrize("group", GROUPS)
def test_damaged_input(group, fuzzer):
    for number in range(CASES):
        end, seconds = try_case(fuzzer, group, number)
        assert end in ("read", "refused"), (group, number)
        assert seconds < SECONDS


def test_a_traceback_is_noticed(fuzzer, monkeypatch):
    monkeypatch.setattr(Fuzzer, "words", lambda self, rng: [][0])
    assert try_case(fuzzer, "words", 0)[0].startswith("traceback: IndexError")
