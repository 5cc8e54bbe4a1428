"""Draw the figures of the study of the paper's claims from results/study/: `python figures/study.py [FOLDER]`.

The files are named after the folder: study_ladder.png, …
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from acga.plots.data import titled
from acga.study import contrasts as study_contrasts
from acga.study import figures as plots_study
from acga.study import verdict_figures as plots_verdicts
from acga.study.claims import claims
from acga.study.headlines import headlines
from acga.study.records import Study

FOLDER = Path(__file__).parent
RESULTS = FOLDER.parent / "results" / "study"
TAGS = (
    "mentions=relation",
    "not mentions=relation",
    "decided_by=relation",
    "mentions=place",
    "decided_by=action",
    "decided_by=motion",
    "decided_by=colour",
    "novelty",
)


RELATIONAL_PAIRS = (
    ("+ weighted loss", "+ language guided vision"),
    ("+ vision guided language", "ACGA"),
    ("+ vision guided language", "ACGA, residual"),
)


def figures(study: Study) -> dict[str, Figure]:
    """All of them, by the name of the file; those whose grid was not run are left out."""
    drawn: dict[str, Figure] = {}
    if "claims" in study.runs:
        found = claims(study)
        held = sum(claim["verdict"] == "holds" for claim in found)
        best = best_of(study, "claims")
        drawn["ladder"] = titled(plots_study.ladder(study), f"Best on the A2D twin: {best}")
        drawn["claims"] = titled(plots_verdicts.verdicts(found), f"Of {len(found)} differences {held} have an interval above zero")
        drawn["robustness"] = titled(plots_study.robustness(study), "The same actor, described otherwise: do the masks agree?")
        if study.of("claims", "+ vision guided language") or study.of("claims", "ACGA"):
            drawn["pointing"] = titled(plots_study.pointing(study), "Where attention on a word lies")
        if study.pairs("claims", "+ vision guided language", "ACGA"):
            context = plots_study.gains_by_tag(study, "+ vision guided language", "ACGA", TAGS)
            drawn["context"] = titled(context, "What language guided vision attention adds to the other branch")
    if "foreground_weight" in study.runs:
        best = best_of(study, "foreground_weight")
        sweep = plots_study.sweep(study, "foreground_weight", x_label="weight of the foreground (eq. 14)", answers=True)
        drawn["foreground_weight"] = titled(sweep, f"Best mean IoU: {best}")
    if "resolutions" in study.runs:
        best = best_of(study, "resolutions")
        sweep = plots_study.sweep(study, "resolutions", x_label="responses fused (eq. 12)")
        drawn["resolutions"] = titled(sweep, f"Best mean IoU: {best}")
    return drawn


def best_of(study: Study, grid: str) -> str:
    """The variant of a grid with the highest mean IoU, with it."""
    means = {name: 100 * study.ious(grid, name).mean() for name in study.runs[grid]}
    best = max(means, key=means.__getitem__)
    return f"{best}, {means[best]:.1f} % mean IoU"


def narrow_figures(study: Study) -> dict[str, Figure]:
    """What an order of words costs those who were trained with one alone."""
    wide = Study.read(plots_study.LONGER)
    cost = {name: study_contrasts.cost_of_orders(study, wide, name) for name in study.runs["claims"]}
    figure = plots_study.changes(cost, x_label="test sentences, by their order of words", y_label="cost in mean IoU (points)")
    return {"orders": titled(figure, "What other orders of words cost, trained with one alone")}


def longer_figures(study: Study) -> dict[str, Figure]:
    """All, the claims in short, and in the ladder also what was trained at a smaller learning rate."""
    both = plots_study.at_both_rates()
    found = headlines(both)
    held = sum(one["verdict"] == "holds" for one in found)
    return figures(study) | {
        "ladder": titled(plots_study.ladder(both), f"Best on the A2D twin: {best_of(both, 'claims')}"),
        "headlines": titled(plots_verdicts.forest_plot(found), f"{held} of {len(found)} differences hold on the drawn twin"),
    }


def gentle_figures(_: Study) -> dict[str, Figure]:
    """Whether dynamic convolution is thrown back by steps that are too large."""
    return {"losses": plots_study.loss_instability(plots_study.at_both_rates())}


def relational_figures(study: Study) -> dict[str, Figure]:
    """What language guided vision attention is worth to those who have to learn relations."""
    gains = study_contrasts.gains_by_decision(study, RELATIONAL_PAIRS)
    figure = plots_study.changes(gains, y_label="difference in mean IoU (points)")
    said = [f"{name}: {plots_study.in_words(next(iter(of.values())))}" for name, of in gains.items()]
    return {"relations": titled(figure, "Where a relation decides\n" + "\n".join(said))}


if __name__ == "__main__":
    results = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    own = {
        "study_long": longer_figures,
        "study_gentle": gentle_figures,
        "study_narrow": narrow_figures,
        "study_half_relational": relational_figures,
        "study_relational": relational_figures,
    }
    draw = own.get(results.resolve().name, figures)
    for name, figure in draw(Study.read(results)).items():
        figure.savefig(FOLDER / f"{results.resolve().name}_{name}.png", dpi=110)
