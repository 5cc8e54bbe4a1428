"""Calibrate weights on validation: how sharp their masks are, and when they say that what is asked for is not there.

    python benchmarks/calibrate.py DRAWN FILM --weights runs/outlines/last.safetensors --out runs/mini.safetensors --half

DRAWN is a release that the weights learned from, of which the held-out videos are asked about; FILM holds films with sentences, as
`real_pictures.py` reads them, of which the part "train" is. A mask is what reaches half of the map's largest probability, so where a
network is overconfident only the surest pixels are in it. Its final response R becomes a R + b (Platt, 1999), with a and b chosen for the
mean over both of mean IoU, and so is the size at which frames are looked at, which may be larger than what it learned from. Then the two
thresholds of its verdicts are set, on the same questions and on others about what is not there. The file is the same network with another
last layer. With `--second-size` verdicts are set for responses at two sizes, as `Segmenter` then averages them; `--verdicts-alone` leaves
the last layer and the size as they are.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
import tyro
from real_pictures import measure, middle_of, read_clips, read_questions, respond
from tqdm import tqdm

from acga.data.a2d import A2DSentences
from acga.data.absent import AbsentQueries
from acga.data.splits import split_validation
from acga.inference import load
from acga.model import ACGA, fold
from acga.model.checkpoints import save_model
from acga.model.decoder import Decoder, rescale_response
from acga.model.presence import CERTAINTY, DENIAL_CERTAINTY, Presence
from acga.study.calibration import mean_iou_rescaled

SCALES = (1.0, 0.7, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15)
SHIFTS = (-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0)
FILM_PART = "train"


class Answer(NamedTuple):
    """A final response, the mask that it should give, and the frame that was asked about."""

    response: torch.Tensor  # (S, S)
    mask: np.ndarray  # bool (H, W)
    picture: np.ndarray  # uint8 (S, S, 3)


def answers_on_film(model: ACGA, folder: Path, *, second_size: int = 0, smooth: bool = False) -> list[Answer]:
    """The answers to the film's questions; `second_size` and `smooth` as `Segmenter`'s."""
    network, found = fold(model).eval(), []
    for question in tqdm(read_questions(folder, FILM_PART), desc="film"):
        clips = read_clips(folder, question, size=model.config.size, length=model.config.clip_length, neighbours=smooth)
        reply = respond(network, clips, [question.query], second_size=second_size)
        found.append(Answer(reply.response[0], question.mask, middle_of(clips[0])))
    return found


def open_held_out(model: ACGA, root: Path, samples: int) -> tuple[A2DSentences, list[int]]:
    """A release, and `samples` sentences of its held-out videos, evenly spread."""
    config = model.config
    dataset = A2DSentences(root, "train", size=config.size, clip_length=config.clip_length, vocabulary=model.vocabulary)
    _, held_out = split_validation(dataset)
    return dataset, held_out[:: -(-len(held_out) // samples)]


@torch.inference_mode()
def answers_on_release(model: ACGA, root: Path, samples: int, *, second_size: int = 0, smooth: bool = False) -> list[Answer]:
    """The answers to sentences of a release's held-out videos."""
    network, (dataset, chosen) = fold(model).eval(), open_held_out(model, root, samples)
    found = []
    for index in tqdm(chosen, desc="release"):
        item, sample = dataset[index], dataset.samples[index]
        last = len(dataset.read_video(sample.video_id)) if smooth else 0
        beside = [number for number in (sample.frame - 1, sample.frame + 1) if 1 <= number <= last]
        clips = [item["clip"], *(dataset.clip(sample.video_id, number) for number in beside)]
        reply = respond(network, clips, [sample.query], second_size=second_size)
        found.append(Answer(reply.response[0], item["mask"].numpy(), middle_of(clips[0])))
    return found


@torch.inference_mode()
def confidences_on_release(model: ACGA, root: Path, samples: int) -> dict[str, list[float]]:
    """The confidence of sentences about held-out videos, and of sentences about a kind of actor that these do not show."""
    network, (dataset, chosen) = fold(model).eval(), open_held_out(model, root, samples)
    others, rng = AbsentQueries(dataset), np.random.default_rng(0)
    found: dict[str, list[float]] = {"present": [], "absent": []}
    for index in tqdm(chosen, desc="release"):
        clips = [dataset[index]["clip"]]
        asked = {"present": index, "absent": others.draw(index, rng)}
        for kind, row in asked.items():
            if row is not None:
                reply = respond(network, clips, [dataset.samples[row].query], second_size=model.config.second_size)
                found[kind].append(reply.confidence.item())
    return found


class Sharpness(NamedTuple):
    """A size of frames and the last layer's scale and shift, with what all that was tried scores."""

    size: int
    scale: float
    shift: float
    scores: dict[str, dict[str, float]]


def choose_sharpness(model: ACGA, drawn: Path, film: Path, *, samples: int, sizes: tuple[int, ...]) -> Sharpness:
    """What is best for the mean over film and drawn videos of mean IoU."""
    tried: dict[tuple[int, float, float], dict[str, float]] = {}
    for size in sizes:
        model.config = replace(model.config, size=size)
        found = {"film": answers_on_film(model, film), "drawn": answers_on_release(model, drawn, samples)}
        sets = {name: [answer[:2] for answer in answers] for name, answers in found.items()}
        for scale, shift in product(SCALES, SHIFTS):
            tried[size, scale, shift] = {name: round(mean_iou_rescaled(pairs, scale, shift), 4) for name, pairs in sets.items()}
    size, scale, shift = max(tried, key=lambda key: sum(tried[key].values()))
    scores = {f"at {one} px, as it was": tried[one, 1.0, 0.0] for one in sizes} | {"calibrated": tried[size, scale, shift]}
    return Sharpness(size, scale, shift, scores)


def main(
    drawn: tyro.conf.Positional[Path],
    film: tyro.conf.Positional[Path],
    /,
    *,
    weights: str,
    out: Path,
    half: bool = False,
    samples: int = 150,
    sizes: tuple[int, ...] = (256, 320),
    second_size: int = 0,
    verdicts_alone: bool = False,
) -> None:
    """Write the same weights, calibrated, with the sizes of frames that they are asked at."""
    model = load(weights)
    provenance = {} if model.source is None else dict(model.source.provenance)
    calibration: dict[str, Any] = dict(provenance.get("calibration", {}))
    if not verdicts_alone:
        size, scale, shift, scores = choose_sharpness(model, drawn, film, samples=samples, sizes=sizes)
        model.config = replace(model.config, size=size)
        rescale_response(cast(Decoder, model.decoder), scale, shift)
        calibration = {"size": size, "scale": scale, "shift": shift, "mIoU": scores}

    model.config = replace(model.config, second_size=second_size)
    rows = measure(model, film, FILM_PART)["answers"]
    known = confidences_on_release(model, drawn, samples)
    known["present"] += [row["confidence"] for row in rows]
    known["absent"] += [row["confidence of absent"] for row in rows]
    model.presence = Presence.calibrate(known["present"], known["absent"])
    verdicts = {name: [model.presence.verdict(value) for value in values] for name, values in known.items()}
    shares = {name: {verdict: round(said.count(verdict) / len(said), 3) for verdict in set(said)} for name, said in verdicts.items()}
    calibration |= {"second_size": second_size, "certainty": [CERTAINTY, DENIAL_CERTAINTY], "verdicts": shares}
    save_model(model, out, provenance={**provenance, "calibration": calibration}, half=half)
    print(model.presence, calibration)


if __name__ == "__main__":
    tyro.cli(main)
