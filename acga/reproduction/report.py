"""The report of a reproduction: our numbers beside the paper's, where they come from, and where they are worst.

It is made of what an evaluation saved and of the release, so it can be made again at any time, with no checkout of the repository:
`report.md` and `report.html` for people, `report.json` for programs, `frames.json` with the frames that were tested, and pictures of the
worst answers in `worst/`.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from ..coco import decode
from ..data.dataset import Dataset
from ..data.pictures import encode_picture
from ..data.taxonomy import ACTIONS, ACTORS
from ..data.text import name_words, tokenise
from ..errors import AcgaError
from ..evaluation import Evaluation
from ..metrics import MEAN_OVER, METRICS, PRECISIONS, SegmentationMetrics
from ..output.overlay import paint_masks
from ..study.bootstrap import Interval, bootstrap, bootstrap_of_totals
from ..study.tables import markdown, published
from ..system.files import atomic_write, read_json, rounded, write_json, write_text

PLACE_WORDS = frozenset(tokenise("left right middle center centre front back behind top bottom above below next near beside between far"))
SIZES = (0.05, 0.2)  # of the frame: below is small, above is large
WORST = 6  # answers that are drawn, each of another video
RUNGS = {  # rungs of the paper's ablation, as its table and our variants name them
    "concatenation": "Baseline (concatenation + FCN)",
    "+ fusion": "+ multi-resolution fusion",
    "+ weighted loss": "+ weighted BCE",
    "ACGA": "+ attention = ACGA (paper)",
}


@dataclass(frozen=True)
class Section:
    """A part of the report: a table, and what is to be said about it."""

    title: str
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    text: str = ""
    pictures: Mapping[str, str] = field(default_factory=dict)  # paths from the report, by caption


def sample_table(evaluation: Evaluation, dataset: Dataset, targets: Mapping[str, Any]) -> pd.DataFrame:
    """A row for each answer: its areas, and what its sentence is about as the annotation files have it.

    `targets` is the content of `targets.json` that was written with the evaluation.
    """
    rows = []
    for one, image, target in zip(evaluation.predictions, targets["images"], targets["annotations"], strict=True):
        _, instances, classes = dataset.frame_masks(one.video_id, one.frame)
        label = int(classes[instances.tolist().index(one.instance)])
        share = target["area"] / (image["height"] * image["width"])
        action = dataset.video_path(one.video_id).parent.name if not label else _name(ACTIONS, label % 10)
        rows.append(
            {
                "video": one.video_id,
                "intersection": one.intersection,
                "union": one.union,
                "IoU": one.intersection / one.union,
                "actor": _name(ACTORS, label // 10) if label else "person",
                "action": action,
                "size": ("small", "medium", "large")[int(np.searchsorted(SIZES, share))],
                "actors in the frame": str(len(instances)) if len(instances) < 4 else "4 and more",
                "place words": "some" if PLACE_WORDS & set(tokenise(one.query)) else "none",
            }
        )
    return pd.DataFrame(rows)


def _name(names: Sequence[str], number: int) -> str:
    """The name of a number from 1 on."""
    return names[number - 1] if 1 <= number <= len(names) else "other"


def metric_intervals(samples: pd.DataFrame) -> dict[str, Interval]:
    """Each metric of the paper's tables with its interval over videos."""
    exact, videos = samples["IoU"].to_numpy(), samples["video"].tolist()
    found = {f"P@{threshold}": bootstrap(exact >= threshold, videos) for threshold in PRECISIONS}
    found["mAP"] = bootstrap((exact[:, None] >= MEAN_OVER).mean(axis=1), videos)
    areas = samples[["intersection", "union"]].to_numpy(np.float64).T[None]  # (1, 2, N)
    found["oIoU"] = bootstrap_of_totals(areas, videos, lambda sums: sums[0] / sums[1])
    found["mIoU"] = bootstrap(exact, videos)
    return found


def scores_section(benchmark: str, evaluation: Evaluation, intervals: Mapping[str, Interval]) -> Section:
    """Our row beside those of the paper and of the official README, in percent; both mAPs in columns of their own."""
    paper = published(benchmark)
    ours = [f"{100 * evaluation.metrics[name]:.1f}" for name in METRICS]
    limits = [f"{100 * intervals[name].low:.1f} to {100 * intervals[name].high:.1f}" for name in METRICS]
    coco = evaluation.metrics.get("coco_mAP")
    rows = [["**this run**", *ours, "–" if coco is None else f"{100 * coco:.1f}"], ["95 % of draws of videos", *limits, ""]]
    rows += [[name, *(f"{value:.1f}" for value in paper.loc[name, list(METRICS)]), "–"] for name in paper.index if "ACGA" in name]
    text = (
        "In percent. mAP is the paper's, the mean of P@K over K = 0.50, 0.55 … 0.95; COCO's, which later papers report, is another number."
    )
    if coco is None:
        text += f" COCO's is {evaluation.about.get('coco_mAP', 'missing: it was not asked for')}."
    return Section(f"{benchmark}: beside the paper", ["", *METRICS, "COCO mAP"], rows, text)


def precision_section(evaluation: Evaluation) -> Section:
    """P@K by both rules."""
    areas = [one.intersection for one in evaluation.predictions], [one.union for one in evaluation.predictions]
    rows = []
    for name, strict in (("IoU >= K (official code)", False), ("IoU > K (the paper's words; MTTR)", True)):
        found = SegmentationMetrics.from_areas(*areas, strict=strict).compute()
        rows.append([name, *(f"{100 * found[f'P@{threshold}']:.2f}" for threshold in PRECISIONS), f"{100 * found['mAP']:.2f}"])
    return Section("P@K by both rules", ["", *(f"P@{threshold}" for threshold in PRECISIONS), "mAP"], rows)


def group_section(samples: pd.DataFrame, column: str) -> Section | None:
    """The metrics by the values of a column; None if it has only one."""
    if samples[column].nunique() < 2:
        return None
    rows = []
    for value, part in samples.groupby(column):
        scores = (part["IoU"].ge(0.5).mean(), part["intersection"].sum() / part["union"].sum(), part["IoU"].mean())
        rows.append([str(value), f"{len(part):,}", f"{part['video'].nunique():,}", *(f"{100 * score:.1f}" for score in scores)])
    return Section(f"By {column}", [column, "samples", "videos", "P@0.5", "oIoU", "mIoU"], rows)


def ladder_section(benchmark: str, rungs: Mapping[str, Evaluation]) -> Section:
    """The paper's ablation: each of our variants above its row."""
    paper, rows = published(benchmark), []
    for name, evaluation in rungs.items():
        rows.append([f"**{name}**, this run", *(f"{100 * evaluation.metrics[metric]:.1f}" for metric in METRICS)])
        rows.append([RUNGS[name], *(f"{value:.1f}" for value in paper.loc[RUNGS[name], list(METRICS)])])
    return Section("The paper's ablation", ["", *METRICS], rows, "In percent; of one training each, here and there.")


def draw_worst(folder: Path, evaluation: Evaluation, dataset: Dataset, encoded: Sequence[tuple[Any, Any]]) -> Section:
    """Draw the answers with the lowest IoU, each of another video: the frame, the answer, the truth.

    `encoded` has the run lengths of predictions and targets.
    """
    order = sorted(range(len(encoded)), key=lambda row: evaluation.predictions[row].iou)
    of_video: dict[str, int] = {}
    for row in order:
        of_video.setdefault(evaluation.predictions[row].video_id, row)
    pictures = {}
    (folder / "worst").mkdir(parents=True, exist_ok=True)
    for number, row in enumerate(list(of_video.values())[:WORST], start=1):
        one = evaluation.predictions[row]
        predicted, target = (decode(mask) for mask in encoded[row])
        video = dataset.read_video(one.video_id)
        frame = video[min(one.frame, len(video)) - 1]
        frame = cv2.resize(frame, predicted.shape[::-1]) if frame.shape[:2] != predicted.shape else frame
        picture = np.concatenate([frame, paint_masks(frame, [predicted]), paint_masks(frame, [target], numbers=[1])], axis=1)
        path = f"worst/{number}.png"
        with atomic_write(folder / path) as temporary:
            temporary.write_bytes(encode_picture(picture))
        pictures[f'"{one.query}" ({one.video_id}, frame {one.frame}, instance {one.instance}): IoU {one.iou:.2f}'] = path
    return Section("Worst answers", text="Frame, answer and truth; one of each video.", pictures=pictures)


def write_report(
    folder: Path, benchmark: str, dataset: Dataset, evaluation: Evaluation, *, about: Mapping[str, Any], rungs: Mapping[str, Evaluation]
) -> Path:
    """Write the report of an evaluation whose masks are in `folder`; gives the path of `report.md`.

    `about` says what it was made from and how (it is listed and kept), `rungs` are the variants of the ladder, if they were trained.
    Raises `ConfigError` when the masks are not there, `AcgaError` when they are of another evaluation, and what reading the release raises.
    """
    targets, predicted = read_json(folder / "targets.json", dict[str, Any]), read_json(folder / "predictions.json", list[dict[str, Any]])
    if len(targets["images"]) != len(evaluation.predictions) or len(predicted) != len(evaluation.predictions):
        raise AcgaError(f"{folder} holds masks of another evaluation; delete result.json there, and run the command again.")
    samples = sample_table(evaluation, dataset, targets)
    intervals = metric_intervals(samples)
    columns = ("actor", "action", "size", "actors in the frame", "place words")
    groups = {column: section for column in columns if (section := group_section(samples, column)) is not None}
    encoded = [(one["segmentation"], target["segmentation"]) for one, target in zip(predicted, targets["annotations"], strict=True)]
    silent = evaluation.about.get("silent_words", {})
    described = {**about, "frames tested": evaluation.about.get("frames"), "words without a vector": name_words(silent, 20) or "none"}
    sections = [
        scores_section(benchmark, evaluation, intervals),
        *([ladder_section(benchmark, rungs)] if rungs else []),
        precision_section(evaluation),
        *groups.values(),
        draw_worst(folder, evaluation, dataset, encoded),
        Section("Where it comes from", ["", ""], [[name, str(value)] for name, value in described.items()]),
    ]
    title = f"ACGA on {benchmark}"
    write_json(folder / "frames.json", [list(frame) for frame in dataset.annotated_frames], indent=None)
    content = {
        "benchmark": benchmark,
        "metrics": evaluation.metrics,
        "intervals": {name: interval._asdict() for name, interval in intervals.items()},
        "ladder": {name: one.metrics for name, one in rungs.items()},
        "groups": {column: [dict(zip(section.header, row, strict=True)) for row in section.rows] for column, section in groups.items()},
        "about": {**evaluation.about, **about},
    }
    write_json(folder / "report.json", rounded(content))
    write_text(folder / "report.html", as_html(title, sections))
    write_text(folder / "report.md", as_markdown(title, sections))
    return folder / "report.md"


def as_markdown(title: str, sections: Sequence[Section]) -> str:
    """The report in Markdown.

    >>> print(as_markdown("T", [Section("S", ["a"], [["x|y"]])]))
    # T
    <BLANKLINE>
    ## S
    <BLANKLINE>
    | a |
    |---|
    | x\\|y |
    <BLANKLINE>
    """
    parts = [f"# {title}"]
    for section in sections:
        parts.append(f"## {section.title}")
        parts += [section.text] if section.text else []
        if section.rows:
            parts.append(markdown(section.header, [[cell.replace("|", "\\|") for cell in row] for row in section.rows]))
        parts += [f"{caption}\n\n![{path}]({path})" for caption, path in section.pictures.items()]
    return "\n\n".join(parts) + "\n"


def as_html(title: str, sections: Sequence[Section]) -> str:
    """The report as a page that needs nothing but the pictures beside it."""

    def cells(row: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell.strip('*'))}</{tag}>" for cell in row) + "</tr>"

    parts = [f"<h1>{html.escape(title)}</h1>"]
    for section in sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [f"<p>{html.escape(section.text)}</p>"] if section.text else []
        if section.rows:
            parts.append("<table>" + cells(section.header, "th") + "".join(cells(row, "td") for row in section.rows) + "</table>")
        for caption, path in section.pictures.items():
            parts.append(f'<figure><img src="{html.escape(path)}" alt=""><figcaption>{html.escape(caption)}</figcaption></figure>')
    style = "body{font:15px sans-serif;max-width:70em;margin:2em auto;padding:0 1em}td,th{padding:.2em .6em;text-align:right}"
    style += "td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#eee}img{max-width:100%}"
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{style}</style>'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'
