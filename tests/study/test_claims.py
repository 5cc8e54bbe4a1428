"""The claims are measured as they are written down, and summed up."""

import json

import numpy as np
import pytest
from helpers.runs import SAMPLES, run

from acga.study.claims import CLAIMS, MEASURES, TITLES, WHERE, measure_claims
from acga.study.records import Study, read_runs
from acga.study.summary import Summary, grid_rows
from acga.study.tables import headline, headline_claims, published, variant_rows
from acga.study.variants import GRIDS, VARIANTS


def test_a_claim_is_written_down_once():
    keys = [(claim.claim, claim.measure, claim.pair.first, claim.pair.second, claim.where) for claim in CLAIMS]
    assert len(set(keys)) == len(keys) and len({(claim.claim, claim.statement) for claim in CLAIMS}) == len(keys)
    assert {claim.claim for claim in CLAIMS} == set(TITLES) and {claim.measure for claim in CLAIMS} == set(MEASURES)
    assert {name for claim in CLAIMS for name in (claim.pair.first, claim.pair.second)} <= VARIANTS.keys()
    assert {claim.where for claim in CLAIMS} == set(WHERE)
    assert [claim.claim for claim in CLAIMS if claim.role == "primary"] == ["C1", "C2", "C3", "C4", "C5", "C6"]


def test_the_gains_that_the_paper_reports_are_differences_in_its_tables():
    a2d, jhmdb = published("A2D Sentences")["mIoU"], published("J-HMDB Sentences")["mIoU"]
    reported = {(claim.measure, claim.pair.first): claim.paper for claim in CLAIMS if claim.role == "primary"}
    assert reported["mean IoU", "concatenation"] == pytest.approx(a2d["+ multi-resolution fusion"] - a2d["Baseline (concatenation + FCN)"])
    assert reported["mean IoU more than overall IoU", "+ fusion"] == 2.3
    assert reported["mean IoU", "+ weighted loss"] == pytest.approx(a2d["+ attention = ACGA (paper)"] - a2d["+ weighted BCE"])
    transfer = jhmdb["ACGA (paper)"] - jhmdb["Gavrilyuk et al., RGB + flow"]
    assert reported["mean IoU on J-HMDB's twin", "dynamic convolution, learning rate 0.001"] == pytest.approx(transfer)
    assert all(claim.paper is None for claim in CLAIMS if claim.where or "residual" in claim.pair.second or claim.claim in ("C4", "C5"))


@pytest.fixture(scope="module")
def summary(studied):
    return Summary.of(Study.read(studied))


def test_the_summary_states_every_claim_whose_variants_were_run(summary, studied):
    unknown = {grid[label].name for grid in (GRIDS["resolutions"], GRIDS["weighted_fusion"]) for label in list(grid)[:-1]}
    expected = [claim.statement for claim in CLAIMS if claim.pair.first not in unknown]
    asked = [one["statement"] for one in summary.claims]
    assert set(asked) <= set(expected) and len(asked) > len(expected) - 12  # a tag may be missing among so few samples
    assert {one["verdict"] for one in summary.claims} <= {f"{verdict}, one seed" for verdict in ("holds", "does not hold", "undecided")}
    assert list(summary.grids["claims"]) == list(GRIDS["claims"]) and summary.cost["runs"] == 12
    row = summary.grids["claims"]["ACGA"]
    assert row["a2d"]["mIoU"]["low"] <= row["a2d"]["mIoU"]["mean"] <= row["a2d"]["mIoU"]["high"] and row["seeds"] == 1
    auroc = next(one["presence_auroc"] for one in read_runs(studied) if one["variant"] == "ACGA")
    assert row["presence_auroc"]["mean"] == pytest.approx(auroc)
    assert len(summary.lines("claims")) == len(GRIDS["claims"]) + len(summary.claims)


def test_a_summary_is_read_as_it_was_written(summary, tmp_path):
    summary.write(tmp_path)
    again = Summary.read(tmp_path)
    assert again.grids.keys() == summary.grids.keys() and [one["statement"] for one in again.about("C2")] == [
        one["statement"] for one in summary.about("C2")
    ]
    assert again.claims[0]["interval"]["mean"] == pytest.approx(summary.claims[0]["interval"]["mean"], abs=1e-6)


def test_a_claim_tells_each_seed_alone():
    """Two seeds that disagree."""
    runs = [
        run("concatenation", 0, (1, 2, 3)),
        run("concatenation", 1, (4, 4, 4)),
        run("+ fusion", 0, (4, 4, 4)),
        run("+ fusion", 1, (1, 2, 3)),
    ]
    claim = measure_claims(Study.of(runs, {"a2d": SAMPLES}))[0]
    assert claim["measure"] == "mean IoU" and claim["verdict"] == "undecided"
    assert claim["by_seed"] == {"0": pytest.approx(0.2, abs=1e-5), "1": pytest.approx(-0.2, abs=1e-5)}


def test_new_orders_of_words_are_compared_with_known_ones():
    runs = [run("+ weighted loss", 0, (1, 2, 3)), run("+ vision guided language", 0, (2, 4, 9))]
    found = MEASURES["mean IoU on new orders of words, less that on known ones"](
        Study.of(runs, {"a2d": SAMPLES}), "+ weighted loss", "+ vision guided language", None
    )
    assert found.mean == pytest.approx(0.6 - 0.15, abs=1e-4)


def test_mean_iou_may_gain_more_than_overall_iou():
    """The smallest actor's answer is mended: a third of the mean, a sixth of the area."""
    runs = [run("+ fusion", 0, (5, 10, 15), (10, 20, 30)), run("+ weighted loss", 0, (10, 10, 15), (10, 20, 30))]
    found = MEASURES["mean IoU more than overall IoU"](Study.of(runs, {"a2d": SAMPLES}), "+ fusion", "+ weighted loss", None)
    assert found.mean == pytest.approx(0.5 / 3 - 5 / 60, abs=1e-5)


def test_a_grid_is_compared_over_the_seeds_that_all_have():
    names = [variant.name for variant in GRIDS["resolutions"].values()]
    runs = [run(name, seed, (seed, 1, 1)) for name in names for seed in range(3 if name == "ACGA" else 2)]
    runs = [{**one, "seconds": {"training": 1, "probing": 1}} for one in runs]
    for one in runs:
        one["answers"]["a2d"]["metrics"] = dict.fromkeys(("P@0.5", "P@0.6", "P@0.7", "P@0.8", "P@0.9", "mAP", "oIoU", "mIoU"), 0.5)
    rows = grid_rows(Study.of(runs, {"a2d": SAMPLES}), "resolutions")
    assert [row["seeds"] for row in rows.values()] == [2, 2, 2]
    assert rows["3 fused"]["a2d"]["mIoU"]["mean"] == pytest.approx(np.mean([0, 0.1, 0.1, 0.1, 0.1, 0.1]), abs=1e-5)
    assert grid_rows(Study.of([one for one in runs if one["variant"] == "ACGA"], {"a2d": SAMPLES}), "resolutions") == {}


def test_tables_say_what_the_summary_does(summary):
    assert headline([], TITLES).count("\n") == 1
    interval = {"mean": 0.02, "low": 0.01, "high": 0.03}
    test = {"claim": "C3", "outcome": "mean IoU", "difference": "both", "interval": interval, "verdict": "holds", "paper": 1.5}
    planned = headline([test, {**test, "difference": "more", "verdict": "undecided", "paper": 6.9}], TITLES)
    assert planned.splitlines()[2:] == [
        "| **C3**: attention helps | mean IoU, both | +1.5 | 2.0 [1.0, 3.0] | holds |",
        "|  | mean IoU, more | +6.9 | 2.0 [1.0, 3.0] | undecided |",
    ]
    told = headline_claims(summary.claims, TITLES)
    assert all(one["statement"] in told for one in summary.claims if one["role"] == "headline") and told.count("**C3") == 1
    rows = variant_rows(summary.grids).splitlines()
    assert len(rows) == 2 + len(GRIDS["claims"]) + len(GRIDS["controls"]) and rows[2].startswith("| claims | dynamic convolution | 1 |")


def test_ours_has_every_claim():
    ours = Summary.read()
    assert [one["statement"] for one in ours.claims] == [claim.statement for claim in CLAIMS]
    assert [one["paper"] for one in ours.claims] == [claim.paper for claim in CLAIMS]
    assert set(ours.grids) == set(GRIDS) and json.dumps(ours.cost["commit"]).count('"') == 6
