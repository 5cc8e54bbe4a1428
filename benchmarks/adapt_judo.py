"""What `acga adapt` gains on real pixels: four annotated frames of a judo clip that only the sentences tell apart.

The frames are almost alike, and each has the mask of another person (or, once, of the pair in the middle). FOLDER holds `images/*.jpg`
and palette masks `masks/*.png`, as in DAVIS 2017.

    python benchmarks/adapt_judo.py FOLDER --out results/adapt_judo.json
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import tyro

from acga.options import AdaptOptions
from acga.system.files import rounded, write_json
from acga.system.provenance import provenance
from acga.training.adaptation import adapt

SENTENCES = {  # of the person whose mask is in that frame
    "00000": "two men wrestling in the middle",
    "00005": "man standing at the back",
    "00008": "man standing on the right",
    "00013": "man sitting on the left",
}


def annotate(judo: Path, folder: Path) -> Path:
    """Lay out the clip as `acga adapt` reads it, with a table of the sentences; gives `folder`."""
    for part in ("images", "masks"):
        (folder / part).symlink_to((judo / part).resolve())
    rows = [f"{frame},{frame}.png,{sentence}\n" for frame, sentence in SENTENCES.items()]
    (folder / "sentences.csv").write_text("".join(["frame,mask,query\n", *rows]))
    return folder


def main(folder: tyro.conf.Positional[Path], /, *, out: Path, weights: str = "mini", steps: int = 100, seed: int = 0) -> None:
    """Adapt, and write the IoU before and after."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        annotated = annotate(folder, Path(temporary))
        scores = adapt(AdaptOptions(folder=annotated, out=annotated / "adapted.safetensors", weights=weights, steps=steps, seed=seed))
    seconds = round(time.monotonic() - started, 1)
    found = [{"query": query, "before": before, "after": after} for query, (before, after) in scores.items()]
    write_json(out, {"iou": rounded(found), "steps": steps, "weights": weights, "seconds": seconds, **provenance(seed=seed)})
    for query, (before, after) in scores.items():
        print(f"{after:.3f} (before {before:.3f})  {query}")


if __name__ == "__main__":
    tyro.cli(main)
