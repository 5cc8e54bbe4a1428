"""The paper's ladder beside ours, with a column that a reproduction on real videos fills."""

import json

import pytest

from acga.errors import ConfigError
from acga.study.summary import Summary
from acga.study.tables import ladder


@pytest.fixture(scope="module")
def summary():
    return Summary.read()


def write_report(folder, test="a2d", benchmark="A2D Sentences"):
    (folder / test).mkdir()
    content = {"benchmark": benchmark, "metrics": {"mIoU": 0.4987}, "ladder": {"+ fusion": {"mIoU": 0.461}, "ACGA": {"mIoU": 0.1}}}
    (folder / test / "report.json").write_text(json.dumps(content))
    return folder


def test_without_a_reproduction_nothing_is_said_of_real_videos(summary):
    table = ladder(summary, "A2D Sentences")
    assert list(table.index[1:]) == [
        "… at learning rate 0.001", "Baseline (concatenation + FCN)",
        "+ multi-resolution fusion", "+ weighted BCE", "+ attention = ACGA (paper)",
    ]  # fmt: skip
    assert set(table["ours, real videos"]) == {"not run"} and list(table["paper"])[-1] == "49.0"
    assert list(table["official README"]) == ["", "", "", "", "", "49.8"]
    whole = 100 * summary.grids["claims"]["ACGA"]["a2d"]["mIoU"]["mean"]
    assert table["ours, cartoons"].iloc[-1].startswith(f"{whole:.1f} [")
    assert list(ladder(summary, "J-HMDB Sentences", "oIoU")["paper"]) == ["54.1", "", "57.6"]


def test_a_reproduction_fills_its_rows(summary, tmp_path):
    table = ladder(summary, "A2D Sentences", reproduced=write_report(tmp_path))
    assert list(table["ours, real videos"]) == ["not run", "not run", "not run", "46.1", "not run", "49.9"]
    assert set(ladder(summary, "J-HMDB Sentences", reproduced=tmp_path)["ours, real videos"]) == {"not run"}
    write_report(tmp_path, "jhmdb", "J-HMDB Sentences")
    assert list(ladder(summary, "J-HMDB Sentences", reproduced=tmp_path)["ours, real videos"]) == ["not run", "not run", "49.9"]


def test_another_report_and_none_are_refused(summary, tmp_path):
    with pytest.raises(ConfigError, match="give the folder that acga reproduce wrote"):
        ladder(summary, "A2D Sentences", reproduced=tmp_path)
    write_report(tmp_path, "jhmdb")
    with pytest.raises(ConfigError, match="is of A2D Sentences, not of J-HMDB Sentences"):
        ladder(summary, "J-HMDB Sentences", reproduced=tmp_path)
