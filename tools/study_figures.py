"""Draw the figures of docs/STUDY.md from results/study/: `python tools/study_figures.py`."""

from pathlib import Path

from acga.plots import titled
from acga.study.figures import attention_chart, claims_plot, loss_instability
from acga.study.records import Study
from acga.study.summary import Summary

FOLDER = Path(__file__).parents[1] / "figures"


def main() -> None:
    """The claims beside what the paper reports, where attention on words lies, and the losses of dynamic convolution."""
    study = Study.read()
    shown = [one for one in Summary.read().claims if one["role"] != "exploratory" and one["claim"] != "Controls"]
    held = sum(one["verdict"].startswith("holds") for one in shown)
    drawn = {
        "claims": titled(claims_plot(shown), f"First study: {held} of {len(shown)} intervals lie above zero on the drawn twin"),
        "attention": titled(attention_chart(study), "First study: where attention on a word lies"),
        "losses": loss_instability(study),
    }
    for name, figure in drawn.items():
        figure.savefig(FOLDER / f"study_{name}.png", dpi=110)


if __name__ == "__main__":
    main()
