"""The paper's rows are those of docs/PAPER.md, and our shipped evaluation is found."""

from itertools import takewhile

import numpy as np
import pytest
from helpers.paths import ROOT

from acga.errors import ConfigError
from acga.study.tables import published, reported_gain, shipped_results
from acga.system.files import read_json

BENCHMARKS = ("A2D Sentences", "J-HMDB Sentences")


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_the_papers_rows_are_those_of_the_document(benchmark):
    lines = (ROOT / "docs" / "PAPER.md").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {benchmark} | P@"))
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in takewhile(lambda line: line.startswith("|"), lines[start:])]
    found = published(benchmark)
    assert [row[0] for row in table[2:]] == found.index.tolist()
    assert [[float(cell) for cell in row[1:]] for row in table[2:]] == found.to_numpy().tolist()
    assert [name.removeprefix("P@").removeprefix("0") for name in found.columns] == [name.removeprefix("P@") for name in table[0][1:]]


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_the_papers_mean_precision_is_near_what_its_columns_allow(benchmark):
    """P@K falls with K, and mAP, a mean over ten K from 0.50 to 0.95, lies between P@0.9 and P@0.5 in every row of both tables."""
    table = published(benchmark)
    steps = table[[f"P@0.{k}" for k in (5, 6, 7, 8, 9)]].to_numpy()
    assert (np.diff(steps, axis=1) <= 0).all()
    assert (table["mAP"] < table["P@0.5"]).all() and (table["mAP"] >= table["P@0.9"]).all()


def test_gains_are_of_systems_that_the_paper_has():
    assert reported_gain("A2D Sentences", "mIoU", None, "dynamic convolution", "ACGA") == 6.9
    assert reported_gain("A2D Sentences", "mIoU", None, "+ weighted loss", "ACGA, residual") is None
    with pytest.raises(ConfigError, match="no results on 'Kinetics'; choose A2D Sentences or J-HMDB Sentences"):
        published("Kinetics")


def test_results_of_shipped_weights_are_found(tmp_path):
    with pytest.raises(ConfigError, match=r"There is no evaluation .*a2d\.json\.gz; run this in a checkout"):
        shipped_results("a2d", folder=tmp_path)
    assert read_json(shipped_results("a2d"))["about"]["blind_to"] == "none"  # ours
