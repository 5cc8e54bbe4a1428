"""Draw the curves of the embedded default from results/: `python tools/training_curves.py`."""

import json
from pathlib import Path

from acga.plots import titled
from acga.plots.charts import line_chart

FOLDER = Path(__file__).parents[1] / "figures"
RESULTS = FOLDER.parent / "results" / "thin_residual"
TITLES = {"foreground": "foreground IoU", "actor": "actor (7)", "action": "action (9)", "colour": "colour (11)"}


def entries(name: str) -> list[dict]:
    """The lines of a log."""
    return [json.loads(line) for line in (RESULTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def pretraining() -> None:
    """Validation after every epoch, over minutes."""
    epochs = [entry for entry in entries("pretrain") if "validation" in entry]
    minutes, scores = [entry["seconds"] / 60 for entry in epochs], [entry["validation"] for entry in epochs]
    series = {title: (minutes, [score[key] for score in scores]) for key, title in TITLES.items()}
    figure = line_chart(series, x_label="minutes of two busy cores", y_label="held-out pixels: share right, or IoU")
    gain = 100 * (scores[-1]["action"] - scores[0]["action"])
    titled(figure, f"{minutes[-1]:.0f} minutes of dense labels: actions gain {gain:.0f} points").savefig(
        FOLDER / "pretraining.png", dpi=110
    )


def sentences() -> None:
    """The training loss of the first pass and of its controls, over steps."""
    series = {}
    for name, title in {
        "first_pass": "as shipped",
        "full_rate": "attention at the full rate",
        "text_blind": "blind to text",
        "motion_blind": "blind to motion",
    }.items():
        if not (RESULTS / f"{name}.jsonl").exists():
            continue
        logged = [entry for entry in entries(name) if "loss" in entry]
        series[title] = [entry["step"] for entry in logged], [entry["loss"] for entry in logged]
    figure = line_chart(series, x_label="steps of 16 sentences", y_label="loss, and its mean over 200 steps", smoothing=10)
    titled(figure, "Reading lowers the loss; saturated attention slows it").savefig(FOLDER / "training.png", dpi=110)


if __name__ == "__main__":
    pretraining()
    sentences()
