"""Sentences about real films and pictures: mean IoU, what the sentence adds to it, and whether absent actors are told from present ones.

The folder holds `queries.csv` (clip, frame, instance_id, query, mask_source, and part for films) and either films, `frames/CLIP/FRAME.jpg`
with `masks/CLIP/FRAME.png` of all that stands out (mask_source "masks") or numbered instances, or pictures, `images/CLIP.jpg` with
`instances/CLIP.png`. Each question is asked of its frame, and so is another one: of another actor of the frame if there is one, else of
another film's. A network that reads scores far less by the other one's answer. The queries of films that show another kind of thing are
the absent ones. Masks follow the official rule; "refined" ones are those that `acga segment` writes: of one piece, drawn to the edges of
the picture, and from responses at both sizes that the weights are calibrated for. So is the confidence.

    python benchmarks/real_pictures.py FOLDER --part train --out results/real_film.json
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import tyro
from PIL import Image
from tqdm import tqdm

from acga.data.geometry import clip_indices, pad_resize, to_clip
from acga.errors import DatasetError
from acga.guided_filter import GuidedFilter
from acga.inference import load
from acga.metrics import binarise, intersection_over_union
from acga.model import ACGA, fold
from acga.model.decoder import Responses, average_large
from acga.model.presence import confidence
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance
from acga.temporal_average import temporal_average


@dataclass(frozen=True)
class Question:
    """A query about one instance in one frame."""

    clip: str
    frame: str
    instance: int
    query: str
    mask: np.ndarray  # bool (H, W)
    told_apart: bool  # the mask is that of one instance among several; else of all that stands out in the frame


def read_questions(folder: Path, part: str | None = None) -> list[Question]:
    """The questions of a folder, or of one part of it. Raises `DatasetError` if there are none."""
    with open(folder / "queries.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if part is None or row.get("part") == part]
    if not rows:
        raise DatasetError(f"{folder / 'queries.csv'} has no question of part {part!r}.")
    return [
        Question(row["clip"], row["frame"], int(row["instance_id"]), row["query"], _mask(folder, row), row["mask_source"] != "masks")
        for row in rows
    ]


def _mask(folder: Path, row: dict[str, str]) -> np.ndarray:
    if (folder / "images").is_dir():
        return np.array(Image.open(folder / "instances" / f"{row['clip']}.png")) == int(row["instance_id"])
    if row["mask_source"] == "masks":
        return np.array(Image.open(folder / "masks" / row["clip"] / f"{row['frame']}.png")) > 0
    return np.array(Image.open(folder / "instances" / row["clip"] / f"{row['frame']}.png")) == int(row["instance_id"])


def read_clips(folder: Path, question: Question, *, size: int, length: int, neighbours: bool = False) -> list[torch.Tensor]:
    """The clip (3, T, S, S) around the frame of a question, then those around its neighbours; a picture is a film that stands still."""
    if (folder / "images").is_dir():
        paths, middle = [folder / "images" / f"{question.clip}.jpg"], 0
    else:
        paths = sorted((folder / "frames" / question.clip).glob("*.jpg"))
        middle = [path.stem for path in paths].index(question.frame)
    asked = [middle, *(frame for frame in (middle - 1, middle + 1) if neighbours and 0 <= frame < len(paths))]
    clips = [clip_indices(frame, len(paths), length).tolist() for frame in asked]
    squares = {index: pad_resize(np.array(Image.open(paths[index]).convert("RGB")), size) for clip in clips for index in clip}
    return [to_clip(np.stack([squares[index] for index in indices])) for indices in clips]


def middle_of(clip: torch.Tensor) -> np.ndarray:
    """The frame that a clip (3, T, S, S) is around, as a picture, uint8 (S, S, 3)."""
    return to_picture(clip[:, clip.shape[1] // 2])


def to_picture(frame: torch.Tensor) -> np.ndarray:
    """A frame (3, S, S) of a clip as a picture, uint8 (S, S, 3)."""
    return np.ascontiguousarray(((frame.permute(1, 2, 0) + 1) * 127.5).round().to(torch.uint8).numpy())


def other_questions(questions: list[Question], seed: int) -> tuple[list[str], list[str]]:
    """For each question, another one (of the frame's other actor, or of another film), and one about something absent."""
    rng = np.random.default_rng(seed)
    others, absent = [], []
    for question in questions:
        beside = [q.query for q in questions if (q.clip, q.frame) == (question.clip, question.frame) and q.instance != question.instance]
        mine = set(question.query.lower().split()) | {
            word for q in questions if q.clip == question.clip for word in q.query.lower().split()
        }
        elsewhere = [q.query for q in questions if q.clip != question.clip]
        foreign = [query for query in elsewhere if not (set(query.lower().split()) - COMMON) & mine] or elsewhere
        absent.append(str(rng.choice(foreign)))
        others.append(str(rng.choice(beside or foreign)))
    return others, absent


PARTS = {"one told from others": True, "all that stands out": False}
COMMON = set("a an the on in of at to with and is are his her its by left right over from that up down through along into".split())  # noqa: SIM905


@torch.inference_mode()
def responses(model: ACGA, features: torch.Tensor, queries: list[str]) -> Responses:
    """The responses to Q queries about one clip's features (1, C, T/4, h, w)."""
    assert model.vocabulary is not None
    tokens = torch.from_numpy(np.stack([model.vocabulary.encode(query, model.config.max_query_length) for query in queries]))
    return model.from_features(features, model.embed(tokens), torch.zeros(len(queries), dtype=torch.int64))


class Reply(NamedTuple):
    """What `Segmenter` finds in a frame: the finest response to each query, and how sure it is."""

    response: torch.Tensor  # (Q, S, S)
    confidence: torch.Tensor  # (Q,)


def respond(network: ACGA, clips: Sequence[torch.Tensor], queries: list[str], *, second_size: int = 0) -> Reply:
    """The reply to queries about the first of clips (3, T, S, S), averaged over sizes and with those about the others, its neighbours."""
    found = [_respond_at_sizes(network, clip, queries, second_size) for clip in clips]
    others = [(reply.response, middle_of(clip)) for reply, clip in zip(found[1:], clips[1:], strict=True)]
    return found[0]._replace(response=temporal_average(found[0].response, middle_of(clips[0]), others))


def _respond_at_sizes(network: ACGA, clip: torch.Tensor, queries: list[str], second_size: int) -> Reply:
    found = responses_at_sizes(network, clip, queries, second_size)
    return Reply(average_large(found), torch.stack([confidence(one) for one in found]).mean(dim=0))


def responses_at_sizes(network: ACGA, clip: torch.Tensor, queries: list[str], second_size: int) -> list[Responses]:
    """The responses to queries about a clip (3, T, S, S), and, if it is not 0, those to the same clip at a second size."""
    clips = [clip]
    if second_size:
        clips.append(to_clip(np.stack([pad_resize(to_picture(frame), second_size) for frame in clip.unbind(dim=1)])))
    return [responses(network, network.features(one[None]), queries) for one in clips]


def measure(
    model: ACGA, folder: Path, part: str | None, *, seed: int = 0, second_size: int | None = None, smooth: bool = False
) -> dict[str, Any]:
    """Metrics over the questions of a folder, and every answer; `second_size` and `smooth` as `Segmenter`'s."""
    questions, side = read_questions(folder, part), model.config.second_size if second_size is None else second_size
    others, absent = other_questions(questions, seed)
    network, rows = fold(model).eval(), []
    for question, other, nothing in zip(tqdm(questions, unit="question"), others, absent, strict=True):
        clips = read_clips(folder, question, size=model.config.size, length=model.config.clip_length, neighbours=smooth)
        asked = [question.query, other, nothing]
        official = respond(network, clips[:1], asked)
        right, wrong = (intersection_over_union(binarise(one, question.mask.shape), question.mask) for one in official.response[:2])
        found = respond(network, clips, asked, second_size=side) if side or smooth else official
        refined = GuidedFilter(middle_of(clips[0]))(found.response[0].numpy())
        as_written = intersection_over_union(binarise(refined, question.mask.shape, one_piece=True), question.mask)
        sure = found.confidence.tolist()
        row = {
            "clip": question.clip,
            "frame": question.frame,
            "query": question.query,
            "told apart": question.told_apart,
            "iou": right,
            "refined": as_written,
            "confidence": sure[0],
        }
        rows.append(row | {"other": other, "iou of other": wrong, "absent": nothing, "confidence of absent": sure[2]})
    parts = {name: [row for row in rows if row["told apart"] is apart] for name, apart in PARTS.items()}
    return {**scores(rows), "parts": {name: scores(part) for name, part in parts.items() if part}, "answers": rows}


def scores(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The metrics of some answers."""
    ious, refined_ious = (np.array([row[how] for row in rows]) for how in ("iou", "refined"))
    pairs = np.subtract.outer([row["confidence"] for row in rows], [row["confidence of absent"] for row in rows])
    return {
        "questions": len(rows),
        "mIoU": float(ious.mean()),
        "P@0.5": float((ious >= 0.5).mean()),
        "P@0.8": float((ious >= 0.8).mean()),
        "mIoU, refined": float(refined_ious.mean()),
        "P@0.5, refined": float((refined_ious >= 0.5).mean()),
        "P@0.8, refined": float((refined_ious >= 0.8).mean()),
        "mIoU of another question": float(np.mean([row["iou of other"] for row in rows])),
        "present told from absent (AUROC)": float((pairs > 0).mean() + (pairs == 0).mean() / 2),
    }


def main(
    folder: tyro.conf.Positional[Path],
    /,
    *,
    out: Path | None = None,
    weights: str = "mini",
    part: str | None = None,
    seed: int = 0,
    second_size: int | None = None,
    smooth: bool = False,
) -> None:
    """Measure weights on the questions of a folder."""
    found = measure(load(weights), folder, part, seed=seed, second_size=second_size, smooth=smooth)
    for name, value in found.items():
        if isinstance(value, float):
            print(f"{name:34s}{100 * value:6.1f}")
    if out is not None:
        about = provenance(seed=seed, weights=weights, part=part, second_size=second_size, smooth=smooth)
        write_json(out, rounded({**found, "about": about}))


if __name__ == "__main__":
    tyro.cli(main)
