"""Draw the figures of the study of the paper's claims that the README shows: `python figures/study.py`."""

from pathlib import Path

from matplotlib.figure import Figure

from acga.plots import titled
from acga.plots.charts import point_plot
from acga.study import figures as study_figures
from acga.study.contrasts import cost_of_orders
from acga.study.headlines import headlines
from acga.study.records import Study

FOLDER = Path(__file__).parent


def figures(study: Study) -> dict[str, Figure]:
    """The claims in short, and where attention lies, by the name of the file."""
    found = headlines(study)
    held = sum(one["verdict"] == "holds" for one in found)
    return {
        "headlines": titled(study_figures.claims_plot(found), f"{held} of {len(found)} differences hold on the drawn twin"),
        "attention_on_target": titled(study_figures.attention_on_target(study), "Where attention on a word lies"),
    }


def order_figure() -> Figure:
    """What an order of words costs those who were trained with one alone."""
    narrow, wide = Study.read(study_figures.NARROW), Study.read(study_figures.LONGER)
    cost = {name: cost_of_orders(narrow, wide, name) for name in narrow.runs["claims"]}
    figure = point_plot(cost, x_label="test sentences, by their order of words", y_label="cost in mean IoU (points)")
    return titled(figure, "What other orders of words cost, trained with one alone")


if __name__ == "__main__":
    both = study_figures.at_both_rates()
    drawn = {f"study_long_{name}": figure for name, figure in figures(both).items()}
    drawn |= {"study_gentle_losses": study_figures.loss_instability(both), "study_narrow_orders": order_figure()}
    for name, figure in drawn.items():
        figure.savefig(FOLDER / f"{name}.png", dpi=110)
