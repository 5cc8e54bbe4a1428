"""`acga demo` and `acga segment`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from .common import Device, Flag, tell


def demo(*, out: Path = Path("demo"), weights: str = "mini", device: Device = "auto") -> None:
    """Draw a short clip and segment it from three sentences: the quickest look at what this is.

    Example: acga demo

    Args:
        out: Folder for the clip and the results; those of an earlier demo are replaced.
        weights: "mini", which comes with the package, or a file of weights.
        device: Where to compute; auto takes a GPU if there is one.
    """
    from ..inference import Segmenter
    from ..output import is_earlier_output, output_folder
    from ..teaching.demonstration import demonstrate

    with output_folder(out, overwrite=is_earlier_output(out)) as folder:
        scores = demonstrate(Segmenter(weights, device), folder)
    for query, score in scores.items():
        print(f'  "{query}": mean IoU {score:.2f} with the drawn truth')
    print(f"See {out / 'demo.png'} (what was found), {out / 'overlay.mp4'} (the whole clip), {out / 'masks'} and {out / 'summary.json'}.")


def segment(
    video: Positional[Annotated[Path, arg(metavar="VIDEO")]],
    queries: Positional[Annotated[tuple[str, ...], arg(metavar='"QUERY" ["QUERY" ...]')]],
    /,
    *,
    out: Path,
    weights: str = "mini",
    words: Path | None = None,
    device: Device = "auto",
    every: int = 1,
    minimum_peak: float = 0.0,
    overwrite: Flag = False,
) -> None:
    """Segment the actors that sentences describe, in a video of any length and size.

    Writes OUT/overlay.mp4, a mask OUT/masks/<query>/<frame>.png (0 / 255) for every query and frame, and OUT/summary.json.

    Example: acga segment clip.mp4 "man in red" "dog on the left" --out result

    Args:
        video: A video file, a gif, or a folder of png or jpg frames.
        queries: Sentences of at most 20 words, each describing one actor.
        out: Folder for the results, new or empty.
        weights: "mini", which comes with the package, or a file: ours (.safetensors) or official (.pth, .pth.tar).
        words: Word vectors (a word2vec binary file), for weights that come without.
        device: Where to compute; auto takes a GPU if there is one.
        every: Look only at the clip of each n-th frame; frames between take the masks of the nearest one.
        minimum_peak: Leave the mask empty where no pixel's probability reaches this; 0 is the official rule, which always finds something.
        overwrite: Replace the results of an earlier run in OUT; other files there stay.
    """
    from ..data.text import Vocabulary, tokenise
    from ..inference import Segmenter, load
    from ..output import output_folder, write_segmentation

    with output_folder(out, overwrite=overwrite) as folder:
        # A file of word vectors holds millions of words: only those of the queries are read.
        model = load(weights, words=words, vocabulary=None if words is None else Vocabulary.from_queries(queries))
        segmenter = Segmenter(model, device, minimum_peak=minimum_peak)
        for query in queries:
            unknown = segmenter.unknown(query)
            for word in unknown:
                near = segmenter.suggest(word)
                tell("note", f"the model doesn't know the word {word!r}" + (f"; it knows {', '.join(near)}." if near else "."))
            if set(tokenise(query)) <= set(unknown):
                tell("note", f"the model knows no word of {query!r}: what it finds for it means nothing.")
        frames = sum(1 for _ in write_segmentation(segmenter, video, queries, folder, every=every))
    print(f"{frames} frames segmented: see {out / 'overlay.mp4'}, {out / 'masks'} and {out / 'summary.json'}.")
