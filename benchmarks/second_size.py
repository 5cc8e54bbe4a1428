"""The gain, on validation, of looking at frames in squares of a second size, by how much of its response is taken.

    python benchmarks/second_size.py DRAWN FILM

DRAWN and FILM are those of `calibrate.py`; of DRAWN, held-out videos are asked about. Masks are refined. Another size, mirrored frames,
and frames farther away brought less in trials. Writes results/mini/second_size.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import tyro
from calibrate import FILM_PART, Answer, open_held_out
from real_pictures import middle_of, read_clips, read_questions, responses_at_sizes
from refinement import refined, score
from tqdm import tqdm

from acga.inference import load
from acga.model import ACGA, fold
from acga.model.decoder import average_large
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance

RESULT = Path(__file__).resolve().parents[1] / "results" / "mini" / "second_size.json"
SHARES = (0.0, 0.15, 0.25, 0.35, 0.5, 1.0)
Question = tuple[torch.Tensor, str, np.ndarray]  # the clip (3, T, S, S), the sentence, the mask that is right (H, W)


def film_questions(model: ACGA, film: Path) -> Iterator[Question]:
    """The questions about the film's validation clips."""
    for question in tqdm(read_questions(film, FILM_PART), desc="film"):
        yield read_clips(film, question, size=model.config.size, length=model.config.clip_length)[0], question.query, question.mask


def drawn_questions(model: ACGA, drawn: Path, samples: int) -> Iterator[Question]:
    """Questions about the held-out videos of a release."""
    dataset, chosen = open_held_out(model, drawn, samples)
    for index in tqdm(chosen, desc="drawn"):
        item = dataset[index]
        yield item["clip"], dataset.samples[index].query, item["mask"].numpy()


@torch.inference_mode()
def main(
    drawn: tyro.conf.Positional[Path],
    film: tyro.conf.Positional[Path],
    /,
    *,
    weights: str = "mini",
    second_size: int = 256,
    samples: int = 300,
) -> None:
    """Measure."""
    model = load(weights)
    network, found = fold(model).eval(), dict[str, dict[str, float]]()
    for name, questions in {"film": film_questions(model, film), "drawn": drawn_questions(model, drawn, samples)}.items():
        answers: dict[float, list[Answer]] = {share: [] for share in SHARES}
        for clip, query, mask in questions:
            both = responses_at_sizes(network, clip, [query], second_size)
            for share, of_share in answers.items():
                of_share.append(Answer(average_large(both, share=share)[0], mask, middle_of(clip)))
        found |= {f"{name}, {share:g} of {second_size} px": score(of_share, refined) for share, of_share in answers.items()}
    write_json(RESULT, rounded({**found, "about": provenance(weights=weights, second_size=second_size, samples=samples)}))
    print(json.dumps(rounded(found), indent=1))


if __name__ == "__main__":
    tyro.cli(main)
