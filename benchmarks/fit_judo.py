"""Does the pipeline learn from real pixels? Fit the network to four annotated frames of a judo clip, then segment the clip with it.

The four frames are almost alike, and each has the mask of another person (or, once, of the pair in the middle): only the sentence says
whom to find. The backbone stays frozen up to mixed_4e, as in all training here. The folder holds `images/*.jpg` and palette masks
`masks/*.png`, as in DAVIS 2017.

    python benchmarks/fit_judo.py FOLDER --out results/fit_judo.json
"""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import torch
import tyro
from PIL import Image
from torch.nn.utils import clip_grad_norm_
from tqdm import trange

from acga.data.geometry import pad_resize, to_clip
from acga.data.text import Vocabulary
from acga.data.video import read_frames
from acga.files import rounded, write_json
from acga.inference import Segmenter, load, sliding_clips
from acga.losses import WeightedSegmentationLoss
from acga.metrics import intersection_over_union
from acga.model import ACGA, fold
from acga.provenance import provenance

SENTENCES = {  # of the person whose mask is in that frame
    0: "two men wrestling in the middle",
    5: "man standing at the back",
    8: "man standing on the right",
    13: "man sitting on the left",
}


def read_masks(folder: Path) -> dict[int, np.ndarray]:
    """The masks bool (H, W) by frame, of the frames' size (one of them is a pixel narrower on disk)."""
    height, width = next(read_frames(folder / "images")).shape[:2]
    masks = {index: np.array(Image.open(folder / "masks" / f"{index:05d}.png")) > 0 for index in SENTENCES}
    return {index: cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0 for index, mask in masks.items()}


def fit(folder: Path, weights: str = "mini", *, steps: int, learning_rate: float = 2e-3, seed: int = 0) -> ACGA:
    """The network after `steps` of Adam, cosine to zero, on all four frames at once."""
    torch.manual_seed(seed)
    model = load(weights)
    config, frames = model.config, read_frames(folder / "images")
    clips = [to_clip(np.stack(clip)) for index, (_, clip) in enumerate(sliding_clips(frames, size=config.size)) if index in SENTENCES]
    targets = [torch.from_numpy(pad_resize(mask.astype(np.uint8), config.size)).float() for mask in read_masks(folder).values()]
    target = torch.stack(targets)  # (4, S, S)
    features = model.features(torch.stack(clips))  # (4, C, T/4, h, w)
    assert isinstance(model.vocabulary, Vocabulary)
    tokens = torch.from_numpy(np.stack([model.vocabulary.encode(sentence) for sentence in SENTENCES.values()]))
    network, loss = fold(model).train(), WeightedSegmentationLoss()
    optimiser = torch.optim.Adam(network.training_parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in trange(steps, desc="fitting", delay=2):
        optimiser.zero_grad()
        loss(network.from_features(features, network.embed(tokens)), target).backward()
        clip_grad_norm_(network.training_parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return model.eval()


def score(model: ACGA, folder: Path) -> dict[str, float]:
    """IoU by sentence, at the frame's own size, of what `Segmenter` finds in the whole clip."""
    found = Segmenter(model, "cpu").open(folder / "images").segment(list(SENTENCES.values()))
    masks = read_masks(folder)
    return {sentence: intersection_over_union(found[sentence][index], masks[index]) for index, sentence in SENTENCES.items()}


def main(folder: tyro.conf.Positional[Path], /, *, out: Path, weights: str = "mini", steps: int = 100, seed: int = 0) -> None:
    """Fit, segment, and write the scores before and after."""
    started = time.monotonic()
    before = score(load(weights), folder)
    after = score(fit(folder, weights, steps=steps, seed=seed), folder)
    seconds = round(time.monotonic() - started, 1)
    scores = rounded({"iou_before": before, "iou_after": after})
    write_json(out, {**scores, "steps": steps, "weights": weights, "seconds": seconds, **provenance(seed=seed)})
    for sentence, value in after.items():
        print(f"{value:.3f} (before {before[sentence]:.3f})  {sentence}")


if __name__ == "__main__":
    tyro.cli(main)
