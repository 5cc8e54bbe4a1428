"""Draw the figures of the study of the paper's claims from results/study/: `python figures/study.py [FOLDER]`."""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from acga import plots_study
from acga.plots_data import titled
from acga.study import Study, claims

FOLDER = Path(__file__).parent
RESULTS = FOLDER.parent / "results" / "study"
TAGS = (
    "mentions=relation",
    "not mentions=relation",
    "mentions=place",
    "decided_by=action",
    "decided_by=motion",
    "decided_by=colour",
    "novelty",
)


def figures(study: Study) -> dict[str, Figure]:
    """All of them, by the name of the file; those whose grid was not run are left out."""
    drawn: dict[str, Figure] = {}
    if "claims" in study.runs:
        found = claims(study)
        held = sum(claim["verdict"] == "holds" for claim in found)
        drawn["study_ladder"] = titled(plots_study.ladder(study), "What each part of ACGA adds")
        drawn["study_claims"] = titled(plots_study.verdicts(found), f"{held} of {len(found)} differences are surely above zero")
        drawn["study_robustness"] = titled(plots_study.robustness(study), "The same actor, described otherwise")
        drawn["study_pointing"] = titled(plots_study.pointing(study), "Where attention on a word lies")
        drawn["study_context"] = titled(
            plots_study.gains_by_tag(study, "+ vision guided language", "ACGA", TAGS), "What language guided vision attention adds"
        )
    if "foreground_weight" in study.runs:
        drawn["study_foreground_weight"] = titled(
            plots_study.sweep(study, "foreground_weight", x_label="weight of the foreground (eq. 14)"), "The weight of the foreground"
        )
    if "resolutions" in study.runs:
        drawn["study_resolutions"] = titled(
            plots_study.sweep(study, "resolutions", x_label="responses fused (eq. 12)"), "Fusion of resolutions"
        )
    return drawn


if __name__ == "__main__":
    for name, figure in figures(Study.read(sys.argv[1] if len(sys.argv) > 1 else RESULTS)).items():
        figure.savefig(FOLDER / f"{name}.png", dpi=110)
