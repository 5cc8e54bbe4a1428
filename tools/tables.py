"""Write the documents' tables and the README's drawing of the network: `python tools/tables.py` (with `--check`, fail if they differ).

No number there is typed by hand: what stands between two markers is what this prints.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import speed_tables
from cards import (
    beyond,
    controls,
    drawn_world,
    film_rows,
    metrics_by_kind,
    metrics_by_look,
    mini_rows,
    on_drawn,
    stems,
    table,
    told_apart,
    verdicts,
    weights,
)
from series import badges, series

from acga.metrics import METRICS
from acga.plots.schematic import schematic
from acga.study import claims, tables
from acga.study.claims import TITLES
from acga.study.decisions import PLAN, decide, share_of_pairs
from acga.study.phrasings import gain_in_every_phrasing, phrasings, share_by_every_phrasing
from acga.study.power import Spread
from acga.study.records import FOURTH_STUDY_CALIBRATED, SECOND_STUDY, THIRD_STUDY, THIRD_STUDY_AS_TRAINED, THIRD_STUDY_OF_FUSION, Study
from acga.study.run import run_name
from acga.study.summary import Summary, cost_of_runs
from acga.system.files import read_json, read_json_lines

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "thin_residual"
ROWS: dict[str, tuple[str, str | None]] = {  # what is shown: its file, and the kind of query it is about
    "**thin I3D, with residual** (`thin_residual`, two passes over the sentences)": ("a2d", None),
    "… one actor in the scene": ("a2d", "actors_in_scene=1"),
    "… another actor of the same kind": ("a2d", "same_kind=1"),
    "… only motion decides": ("a2d", "decided_by=motion"),
    "… on the J-HMDB twin, no fine-tuning": ("jhmdb", None),
    "the same network after one pass": ("first_pass_a2d", None),
    "… only motion decides, after one pass": ("first_pass_a2d", "decided_by=motion"),
    "control: blind to text, one pass": ("text_blind_a2d", None),
    "control: blind to motion, one pass": ("motion_blind_a2d", None),
    "… only motion decides, blind to motion": ("motion_blind_a2d", "decided_by=motion"),
}


def shipped(rows: Mapping[str, tuple[str, str | None]], columns: Sequence[str] = METRICS) -> str:
    """The metrics of the embedded weights and of their controls."""
    lines = [f"| in % | samples | {' | '.join(columns)} |", f"|---|---|{'---|' * len(columns)}"]
    for title, (name, tag) in rows.items():
        result = read_json(RESULTS / f"{name}.json.gz")
        metrics = result["by_tag"].get(tag) if tag else {**result["metrics"], "samples": len(result["predictions"])}
        if metrics:
            lines.append(f"| {title} | {metrics['samples']:,} | {' | '.join(f'{100 * metrics[c]:.1f}' for c in columns)} |")
    return "\n".join(lines)


def in_short() -> str:
    """The rows that the README shows."""
    rows = [
        *((film.title, film.questions, film.shares) for film in film_rows()),
        ("**cartoons**, second edition", *on_drawn("second")),
        ("… two actors that differ in place alone", *on_drawn("second", "needs=minimal pair")),
        ("**cartoons**, first edition, 100 videos", *on_drawn("first")),
    ]
    head = ("`mini`, in %", "questions", "P@0.5", "mean IoU", "refined, P@0.5", "refined, mean IoU", "wrong sentence, mean IoU")
    shown = [(title, f"{asked:,}", *(f"{100 * share:.0f}" for share in shares)) for title, asked, shares in rows]
    return table(head, [row + ("",) * (len(head) - len(row)) for row in shown])


def cost(of: Mapping[str, Any]) -> str:
    """The cost of a study."""
    commits = ", ".join(commit[:7] for commit in of["commit"])
    return f"{of['runs']} runs, {of['hours']:.1f} hours of a core (two ran side by side), at commits {commits}."


POWER = (  # the tests of the plan, and where the first study says what they can see: a claim, a pair, a test set, a kind of question
    ("C1: fusion", claims.FUSION, "a2d", None),
    ("C2: weighted loss", claims.LOSS, "a2d", None),
    ("C3: both attentions", claims.BOTH, "a2d", None),
    ("C3: over dynamic convolution", claims.DYNAMIC_OWN_RATE, "a2d", None),
    ("C5: language guided vision, as published", claims.BESIDE, "a2d", "decided_by=relation"),
    ("C5: … with a residual", claims.BESIDE_RESIDUAL, "a2d", "decided_by=relation"),
    ("C6: on J-HMDB, over dynamic convolution", claims.DYNAMIC_OWN_RATE, "jhmdb", None),
)
SHARES = [f"{share} of 256 px" for share in ("0", "0.15", "0.25", "0.35", "0.5", "1")]  # of benchmarks/second_size.py
PLANNED = ((5, 400), (8, 400), (12, 400))  # seeds and videos


def power() -> str:
    """The smallest difference in mean IoU that the second study could see, by seeds and videos."""
    study = Study.read()
    rows = []
    for title, pair, test, where in POWER:
        seeds = study.seeds(pair.first, pair.second)
        first, second = (study.scores(name, seeds=seeds, test=test, where=where) for name in (pair.first, pair.second))
        spread = Spread.of(100 * (second - first), study.videos(test))
        seen = [f"{spread.smallest_seen(seeds=runs, videos=videos, tests=8):.1f}" for runs, videos in PLANNED]
        rows.append(f"| {title} | {spread.seeds:.1f} | {spread.videos:.1f} | {spread.rest:.1f} | {' | '.join(seen)} |")
    seeds = study.seeds(claims.ONE.first, claims.ONE.second)
    one, other = (phrasings(study, name, seeds=seeds) for name in (claims.ONE.first, claims.ONE.second))
    both = (one.any_right * other.any_right) > 0
    spread = Spread.of(100 * np.where(both, other.all_right - one.all_right, np.nan), one.videos)
    seen = [f"{spread.smallest_seen(seeds=runs, videos=videos, tests=8):.1f}" for runs, videos in PLANNED]
    spreads = f"{spread.seeds:.1f} | {spread.videos:.1f} | {spread.rest:.1f}"
    rows.append(f"| C4: every phrasing, given one (points of that share) | {spreads} | {' | '.join(seen)} |")
    head = " | ".join(f"{runs} seeds, {videos} videos" for runs, videos in PLANNED)
    return "\n".join(
        [f"| test | spread over seeds | over videos | beyond both | {head} |", f"|---|---|---|---|{'---|' * len(PLANNED)}", *rows]
    )


def every_phrasing() -> str:
    """The share of actors that all sentences about them find, by variant, and what vision guided language attention adds."""
    study, rows = Study.read(), []
    for variant in ("concatenation", claims.ONE.first, claims.ONE.second, "ACGA"):
        shares = [str(share_by_every_phrasing(study, variant, given_one=given)) for given in (False, True)]
        rows.append([variant, *shares])
    gains = [str(gain_in_every_phrasing(study, claims.ONE.first, claims.ONE.second, given_one=given)) for given in (False, True)]
    rows.append(["vision guided language alone adds", *gains])
    return tables.markdown(["in % of actors beside others", "every phrasing finds it", "… of those that one phrasing finds"], rows)


@cache
def planned_tests(*folders: Path) -> list[dict[str, Any]]:
    """The planned tests, each by the first of the studies that asked it, corrected as all eight."""
    return decide(*map(Study.read, folders), tests=len(PLAN))


THIRD = (THIRD_STUDY, THIRD_STUDY_OF_FUSION)


def third_verdicts() -> str:
    """The planned tests by the third study, and beside them by the same networks as they were trained."""
    beside = {"as trained": planned_tests(THIRD_STUDY_AS_TRAINED)}
    return tables.decided_claims(planned_tests(*THIRD), TITLES, beside)


def seed_by_seed(runs: pd.DataFrame) -> str:
    """Mean IoU on validation of each run."""
    return ", ".join(f"{100 * value:.1f}" for value in runs["validation"])


def networks(folder: Path) -> str:
    """The networks of the study in a folder: on validation, seed by seed, and on the test videos in the mean over seeds."""
    study, rows = Study.read(folder), []
    for name in study.variants:
        of = study.runs[study.runs["variant"] == name]
        scores = [study.mean(name), study.mean(name, "P@0.5"), study.mean(name, where="needs=relation"), share_of_pairs(study, name)]
        scores += [study.mean(name, score, where="needs=minimal pair") for score in ("precision", "recall")]
        scores += [share_by_every_phrasing(study, name, given_one=given) for given in (False, True)]
        rows.append([name, f"{of['learning_rate'].iloc[0]:g}", seed_by_seed(of), *map(str, (*scores, study.mean(name, test="jhmdb")))])
    head = ["network", "learning rate", "validation, mIoU in %", "mIoU", "P@0.5", "a relation needed, mIoU", "both of a minimal pair"]
    return tables.markdown([*head, "… precision", "… recall", "every phrasing", "… given one", "J-HMDB twin, mIoU"], rows)


def fusion_variants() -> str:
    """The third study's networks with all three responses: on validation, seed by seed, and on the test videos in the mean over seeds."""
    study, rows = Study.read(THIRD_STUDY_OF_FUSION), []
    for name in study.variants:
        of = study.runs[study.runs["variant"] == name]
        scores = [study.mean(name), study.mean(name, "P@0.5"), study.mean(name, "P@0.8")]
        rows.append([name, seed_by_seed(of), *map(str, scores), f"{100 * of['a2d oIoU'].mean():.1f}", str(study.mean(name, test="jhmdb"))])
    return tables.markdown(["network", "validation, mIoU in %", "mIoU", "P@0.5", "P@0.8", "oIoU", "J-HMDB twin, mIoU"], rows)


PARTS = (  # of ACGA, each beside what it is added to, and the whole
    ("vision guided language alone", claims.ONE),
    ("language guided vision added", claims.BESIDE),
    ("language guided vision added with a residual", claims.BESIDE_RESIDUAL),
    ("all of ACGA with a residual, over dynamic convolution", claims.Pair(claims.DYNAMIC.first, claims.BESIDE_RESIDUAL.second, "")),
)
FUSION_AND_LOSS = (("fusion", claims.FUSION), ("the weighted loss", claims.LOSS))
COLUMNS: dict[str, dict[str, str]] = {  # of both tables: which score of which questions
    "mIoU": {},
    "… a lone actor": {"where": "needs=lone"},
    "… another actor of the kind": {"where": "same_kind=1"},
    "… a relation needed": {"where": "needs=relation"},
    "P@0.8": {"score": "P@0.8"},
    "J-HMDB twin, mIoU": {"test": "jhmdb"},
}


def what_parts_add(folder: Path, parts: Sequence[tuple[str, claims.Pair]]) -> str:
    """What each part adds in the study in a folder, seed by seed."""
    study, rows = Study.read(folder), []
    for title, pair in parts:
        rows.append([title, *(str(study.difference(pair.first, pair.second, **of)) for of in COLUMNS.values())])
    return tables.markdown(["points, exploratory", *COLUMNS], rows)


def calibration_effect(folder: Path) -> str:
    """Mean IoU on validation of the networks of a calibrated study, as they were trained and calibrated."""
    study, rows = Study.read(folder), []
    means = 100 * study.runs.groupby("variant", sort=False)[["validation_as_trained", "validation"]].mean()
    for name, one in means.iterrows():
        beside = [f"{one[column] - means.loc[claims.BOTH.first, column]:+.1f}" for column in means.columns]
        rows.append([str(name), *(f"{one[column]:.1f} ({more})" for column, more in zip(means.columns, beside, strict=True))])
    head = [f"validation, mIoU in % (and beside {claims.BOTH.first!r})", "as trained", "calibrated"]
    return tables.markdown(head, rows)


def validation(folder: Path) -> str:
    """Mean IoU on validation of a calibrated study's networks, seed by seed."""
    runs, rows = Study.read(folder).runs, []
    for name, of in runs.groupby("variant", sort=False):
        pairs = of.sort_values("seed")[["validation", "validation_as_trained"]].itertuples(index=False)
        rows.append([str(name), ", ".join(f"{100 * one:.1f} ({100 * trained:.1f})" for one, trained in pairs)])
    return tables.markdown(["network", "validation, mIoU in %, calibrated (as trained), by seed"], rows)


def longer() -> str:
    """Mean IoU on validation after more passes, seed by seed."""
    runs = pd.DataFrame(read_json(THIRD_STUDY / "longer.json")["runs"])
    lengths, rows = sorted(set(runs["passes"].tolist())), []
    for name, of in runs.groupby("network", sort=False):
        if set(of["passes"]) == set(lengths):
            cells = [of[of["passes"] == passes][["mIoU", "mIoU as trained"]].itertuples(index=False) for passes in lengths]
            rows.append([str(name), *(", ".join(f"{100 * one:.1f} ({100 * trained:.1f})" for one, trained in cell) for cell in cells)])
    head = [f"{passes} pass" + "es" * (passes != 1) for passes in lengths]
    return tables.markdown(["validation, mIoU in %, calibrated (as trained), by seed", *head], rows)


def alike() -> str:
    """What the second attention makes of two alike actors: the mean over seeds, and the range."""
    found = read_json(THIRD_STUDY / "alike.json")["networks"]
    columns = ("likeness before", "likeness after", "IoU of the two masks", "masks on both")
    study, rows = Study.read(THIRD_STUDY_AS_TRAINED), []
    for variant in (claims.BESIDE.second, claims.BESIDE_RESIDUAL.second):
        seeds = [found[run_name(variant, seed)] for seed in study.seeds(variant)]
        of = [[one[column] for one in seeds] for column in columns]
        rows.append([variant, *(f"{np.mean(values):.2f} ({min(values):.2f} to {max(values):.2f})" for values in of)])
    (after_four,) = read_json(THIRD_STUDY / "alike_four_passes.json")["networks"].values()
    rows.append(["ACGA, after four passes, one seed", *(f"{after_four[column]:.2f}" for column in columns)])
    head = [
        "256 minimal pairs, mean of the seeds (least to most)",
        "cosine of the two actors' features before it",
        "after it",
        "IoU of the masks for the two sentences",
        "share of masks on most of both",
    ]
    return tables.markdown(head, rows)


def attempts() -> str:
    """Mean IoU on validation of attempts to let the published second attention work."""
    scores = read_json(SECOND_STUDY / "scores.json")["validation mIoU"]
    best = {name: max(scores[name].values()) for name in ("ACGA", "ACGA, residual", claims.LANGUAGE)}
    rows = [("as in the study", best["ACGA"])]
    for path in sorted((SECOND_STUDY / "attempts").glob("*.jsonl")):
        validated = [entry["validation"]["mIoU"] for entry in read_json_lines(path) if "validation" in entry]
        rows.append((path.stem.replace("_", " "), validated[-1]))
    rows += [("with a residual, at its own rate", best["ACGA, residual"]), ("without it, at its own rate", best[claims.LANGUAGE])]
    return tables.markdown(["the second attention", "validation, mIoU in %"], [[name, f"{100 * score:.1f}"] for name, score in rows])


def learning_rates(folder: Path) -> str:
    """Mean IoU on validation by learning rate, for the networks of the study in a folder."""
    found = read_json(folder / "scores.json")["validation mIoU"]
    rates = list(next(iter(found.values())))
    rows = []
    for name, of in found.items():
        best = max(of.values())
        rows.append([name, *(f"**{100 * of[rate]:.1f}**" if of[rate] == best else f"{100 * of[rate]:.1f}" for rate in rates)])
    return tables.markdown(["validation, mIoU in %, by learning rate", *(f"{float(rate):g}" for rate in rates)], rows)


TABLES: dict[str, dict[str, Callable[[], str]]] = {  # document: what stands between its markers, by their name
    "README.md": {
        "tables": in_short,
        "claims": lambda: tables.headline(planned_tests(*THIRD), TITLES),
    },
    "docs/STUDY.md": {
        "second verdicts": lambda: tables.decided_claims(planned_tests(SECOND_STUDY), TITLES),
        "second cost": lambda: cost(cost_of_runs(Study.read(SECOND_STUDY))),
        "learning rates": partial(learning_rates, SECOND_STUDY),
        "third verdicts": third_verdicts,
        "third variants": partial(networks, THIRD_STUDY),
        "third parts": partial(what_parts_add, THIRD_STUDY, PARTS),
        "third calibration": partial(calibration_effect, THIRD_STUDY),
        "longer": longer,
        "alike": alike,
        "third learning rates": partial(learning_rates, THIRD_STUDY),
        "third cost": lambda: cost(cost_of_runs(Study.read(THIRD_STUDY))),
        "as trained parts": partial(what_parts_add, THIRD_STUDY_AS_TRAINED, PARTS),
        "as trained cost": lambda: cost(cost_of_runs(Study.read(THIRD_STUDY_AS_TRAINED))),
        "fusion variants": fusion_variants,
        "fusion parts": partial(what_parts_add, THIRD_STUDY_OF_FUSION, FUSION_AND_LOSS),
        "fusion cost": lambda: cost(cost_of_runs(Study.read(THIRD_STUDY_OF_FUSION))),
        "fourth validation": partial(validation, FOURTH_STUDY_CALIBRATED),
        "attempts": attempts,
        "verdicts": lambda: tables.headline_claims(Summary.read().claims, TITLES),
        "variants": lambda: tables.variant_rows(Summary.read().grids),
        "cost": lambda: cost(Summary.read().cost),
        "power": power,
        "phrasings": every_phrasing,
    },
    "docs/STATUS.md": {"all tables": partial(shipped, ROWS)},
    "docs/MODEL_CARD.md": {
        "weights": weights,
        "mini": mini_rows,
        "controls": controls,
        "stems": stems,
        "refinement": lambda: beyond("refinement.json", ("official rule", "one piece", "one piece, refined"), "A"),
        "second size": lambda: beyond("second_size.json", SHARES, "B"),
        "smooth": lambda: beyond("smoothing.json", ("one look, refined", "smooth, refined"), "C"),
        "verdicts": verdicts,
        "told apart": told_apart,
        "metrics by kind of query": metrics_by_kind,
        "metrics by actor": metrics_by_look,
    },
    "docs/SPEED.md": {
        "published": speed_tables.published,
        "default": speed_tables.default_network,
        "every": speed_tables.every,
        "scaling": speed_tables.scaling,
        "pipeline": speed_tables.pipeline,
    },
    "docs/DATA_CARD.md": {"drawn world": drawn_world},
    "notebooks/README.md": {"badges": badges, "series": series},
}


def filled(document: str) -> str:
    """A document with all its tables as they should be."""
    text = (ROOT / document).read_text(encoding="utf-8")
    for name, make in TABLES[document].items():
        start, end = f"<!-- {name}: made by tools/tables.py -->", f"<!-- end of {name} -->"
        before, rest = text.split(start)
        text = f"{before}{start}\n{make()}\n{end}{rest.split(end)[1]}"
    return text


def main() -> int:
    """Rewrite the documents and the drawing of the network, or compare."""
    texts = {document: filled(document) for document in TABLES} | {"figures/network.svg": f"{schematic().svg}\n"}
    if "--check" in sys.argv:
        stale = [name for name, text in texts.items() if not (ROOT / name).exists() or text != (ROOT / name).read_text(encoding="utf-8")]
        print("".join(f"{document} differs from what it is made of: run python tools/tables.py\n" for document in stale), end="")
        return len(stale)
    for document, text in texts.items():
        (ROOT / document).write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
