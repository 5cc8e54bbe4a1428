"""The tables of the study of the paper's claims, from results/study/ and results/study_long/, for `benchmarks/tables.py`."""

import json
import re
from pathlib import Path

from acga.study.claims import SLOWLY, verdict_in_words
from acga.study.contrasts import DECISIONS, FUSIONS, ORDERS, cost_of_orders, gains_by_decision, scene_gains, size_gains
from acga.study.figures import at_both_rates
from acga.study.headlines import headlines
from acga.study.records import Study, max_loss_spike

RESULTS = Path(__file__).parent.parent / "results"
NOT_RUN = "The study has not been run; `benchmarks/study.sh` makes it."
RELATIONAL = {"study_half_relational": "half-relational runs", "study_relational": "relational runs"}
STUDIES = {
    "study": "short runs",
    "study_long": "longer runs",
    "study_gentle": "gentle runs",
    "study_narrow": "narrow runs",
    **RELATIONAL,
}
ASKED_OF = {
    "study_gentle": ("C3", "C6"),
    "study_narrow": ("C3", "C4"),
    **dict.fromkeys(RELATIONAL, ("C3", "C5")),
}  # the claims that a study is about, where not all


def summary(study: str) -> dict:
    """What `acga ablate` wrote last; empty before the study was run."""
    path = RESULTS / study / "summary.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def percent(interval: dict[str, float]) -> str:
    """A mean with its interval."""
    return f"{100 * interval['mean']:.1f} [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"


def each_seed(claim: dict) -> str:
    """The difference with each seed alone."""
    return ", ".join(f"{100 * one:+.1f}" for one in claim["by_seed"].values())


def reading(row: dict) -> str:
    """Mean IoU that is lost when a query is about a kind of actor that is not there: near zero, the network does not read."""
    return f"{100 * (row['as asked']['mean'] - row['about something absent']['mean']):.1f}" if "as asked" in row else ""


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in [header, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])


def claims_in_short() -> str:
    """The differences that each claim is judged by, from the longer runs, with dynamic convolution also at its own learning rate."""
    if not summary("study_long"):
        return NOT_RUN
    rows, before = [], ""
    for one in headlines(at_both_rates()):
        title = "" if one["claim"] == before else f"**{one['claim']}**"
        reported = "" if one["paper"] is None else f"{one['paper']:+.1f}"
        rows.append([title, one["what"], percent(one["interval"]), each_seed(one), verdict_in_words(one), reported])
        before = one["claim"]
    return markdown(["claim", "difference in", "here [95 % interval]", "each seed", "verdict", "paper, real videos"], rows)


def ladder(study: str) -> str:
    """The variants of the claims, those of the gentle runs, and the blind controls."""
    grids = summary(study).get("grids", {})
    gentle = summary("study_gentle").get("grids", {}).get("claims", {})
    found = [*grids.get("claims", {}).items(), *((f"{name}, {SLOWLY}", row) for name, row in gentle.items())]
    rows = [
        [
            name,
            str(row["seeds"]),
            percent(row["a2d"]["mIoU"]),
            *(f"{100 * row['a2d'][metric]['mean']:.1f}" for metric in ("P@0.5", "P@0.8", "oIoU")),
            percent(row["jhmdb"]["mIoU"]) if "jhmdb" in row else "",
            reading(row),
        ]
        for name, row in [*found, *grids.get("controls", {}).items()]
    ]
    header = ["in %", "seeds", "mean IoU", "P@0.5", "P@0.8", "overall IoU", "mean IoU, J-HMDB twin", "reading"]
    return markdown(header, rows) if rows else NOT_RUN


def variants(study: str) -> str:
    """Every variant of every grid on both test sets."""
    found = summary(study)
    rows = [[grid.replace("_", " "), name, *scores(row)] for grid, of in found.get("grids", {}).items() for name, row in of.items()]
    return (
        markdown(["grid", "variant", "seeds", "mIoU", "P@0.5", "P@0.8", "oIoU", "J-HMDB twin, mIoU", "reading", "told apart"], rows)
        if rows
        else NOT_RUN
    )


def scores(row: dict) -> list[str]:
    """What the table of all variants tells of one."""
    drawn = row["a2d"]
    plain = [f"{100 * drawn[metric]['mean']:.1f}" for metric in ("P@0.8", "oIoU")]
    elsewhere = percent(row["jhmdb"]["mIoU"]) if "jhmdb" in row else ""
    presence_auroc = f"{100 * row['told apart']['mean']:.1f}" if "told apart" in row else ""
    return [str(row["seeds"]), percent(drawn["mIoU"]), percent(drawn["P@0.5"]), *plain, elsewhere, reading(row), presence_auroc]


def verdicts(study: str) -> str:
    """Each claim as differences that should be above zero."""
    found = [one for one in summary(study).get("claims", []) if one["claim"] in ASKED_OF.get(study, (one["claim"],))]
    rows = [[one["claim"], one["what"], percent(one["interval"]), each_seed(one), verdict_in_words(one)] for one in found]
    return markdown(["claim", "difference, in points", "mean [95 % interval]", "each seed", "verdict"], rows) if rows else NOT_RUN


def fusion() -> str:
    """What fusing three responses adds to the baseline in the longer runs, by size of the actor and where it is alone."""
    if not summary("study_long"):
        return NOT_RUN
    study = Study.read(RESULTS / "study_long")
    scores = ("mean IoU", "P@0.5", "P@0.8")
    rows = []
    for title, (grid, first, second) in FUSIONS.items():
        if study.pairs(grid, first, second):
            found = [gains(study, grid, first, second, scores) for gains in (size_gains, scene_gains)]
            cells = {what: [*found[0][what].items(), *found[1][what].items()] for what in scores}
            rows += [[title, what, *(percent(one._asdict()) for _, one in of)] for what, of in cells.items()]
            kinds = [kind for kind, _ in cells["mean IoU"]]
    return markdown(["three responses rather than one", "difference in", *kinds], rows) if rows else NOT_RUN


def rates() -> str:
    """Some variants at two learning rates, seed by seed, how far a step ever threw them back, and what the rate does to differences."""
    if not summary("study_gentle"):
        return NOT_RUN
    both, rows = at_both_rates(), []
    variants = [name for name in both.runs["claims"] if both.of("claims", f"{name}, {SLOWLY}")]
    for name in [f"{name}{note}" for name in variants for note in ("", f", {SLOWLY}")]:
        runs = both.of("claims", name)
        means = [f"{100 * values.mean():.1f}" for values in both.ious("claims", name)]
        found = [f"{100 * run['validation']['mIoU']:.1f}" for run in runs]
        rows.append([name, *(", ".join(of) for of in (means, found, [f"{max_loss_spike(run):.1f}" for run in runs]))])
    dynamic, guided, base = "dynamic convolution", "+ vision guided language", "+ weighted loss"
    alike = [(first, second) for first, second in ((dynamic, "ACGA"), (base, guided)) if {first, second} <= set(variants)]
    compared = [(f"{first}{note}", f"{second}{note}") for first, second in alike for note in ("", f", {SLOWLY}")]
    compared += [(f"{dynamic}, {SLOWLY}", better) for better in ("ACGA", "ACGA, residual")]  # each at its better rate
    for first, second in compared:
        gain = both.difference("claims", first, second)
        one_seed = ", one seed" * (len(both.pairs("claims", first, second)) == 1)
        rows.append([f"{second}, over {first}{one_seed}", percent(gain._asdict()) if gain else "", "", ""])
    return markdown(["", "mean IoU, each seed", "on held-out training videos", "largest jump of the loss"], rows)


def phrasings() -> str:
    """What the order of words costs, after training with many orders (longer runs) and with one (narrow runs)."""
    if not summary("study_narrow"):
        return NOT_RUN
    wide, narrow = (Study.read(RESULTS / study) for study in ("study_long", "study_narrow"))
    trained_both_ways = {run["seed"] for run in narrow.runs["claims"]["+ weighted loss"]}
    wide = wide.with_seeds(trained_both_ways)
    rows = []
    base, guided = "+ weighted loss", "+ vision guided language"
    for variant in (base, guided):
        for trained, study in {"many orders": wide, "one order": narrow}.items():
            means = study.means_by_tag("claims", variant, list(ORDERS.values()))
            rows.append([variant, trained, *(percent(one._asdict()) for one in means.values())])
        rows.append(["", "cost", "", *(percent(one._asdict()) for one in cost_of_orders(narrow, wide, variant).values())])
    less = cost_of_orders(narrow, wide, guided, less=base)
    rows.append(["difference of the costs", "", "", *(percent(one._asdict()) for one in less.values())])
    return markdown(["mean IoU", "trained with", *(f"asked {order}" for order in ORDERS)], rows)


def relations() -> str:
    """Mean IoU on the relational test questions, after training in which a relation decides rarely or mostly, and what a branch adds."""
    rows = []
    for folder, title in RELATIONAL.items():
        if not summary(folder):
            continue
        study = Study.read(RESULTS / folder)
        for variant in study.runs["claims"]:
            means = study.means_by_tag("claims", variant, list(DECISIONS.values()))
            read = reading(summary(folder)["grids"]["claims"][variant])
            rows.append([title, variant, *(percent(one._asdict()) for one in means.values()), read])
        for name, gains in gains_by_decision(study, [("+ vision guided language", "ACGA")]).items():
            rows.append(["", name, *(percent(one._asdict()) for one in gains.values()), ""])
    return markdown(["", "mean IoU where", *DECISIONS, "reading"], rows) if rows else NOT_RUN


def cost(study: str) -> str:
    """What it took. Commands that differ in variant and seed alone are told once; every run's file has its own in full."""
    found = summary(study)
    if not found:
        return NOT_RUN
    of = found["cost"]
    commits = ", ".join(commit[:7] for commit in of["commits"])
    about = f"{of['runs']} runs, {of['hours']:.1f} hours of a core in all (two ran side by side), at commit {commits}:"
    told = [re.sub(r"--first-seed \d+", "--first-seed SEED", command) for command in of["commands"]]
    told = sorted({re.sub(r" --only .*", " --only VARIANT", command) for command in told})
    return "\n".join([about, "", *(f"- `{command}`" for command in told)])
