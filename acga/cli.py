"""The command line: `acga demo | segment | pretrain | train | evaluate | data …`, also as `python -m acga`.

What a user did wrong is one line on stderr and exit code 2; an interruption is exit code 130. PyTorch is imported only by the
commands that need it, so that `--help` and mistakes are answered at once.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import FlagCreatePairsOff, Positional, arg
from tyro.extras import SubcommandApp

from . import __version__
from .errors import AcgaError

Device = Literal["auto", "cpu", "cuda"]
Layout = Literal["a2d", "jhmdb"]
Flag = FlagCreatePairsOff[bool]

Root = Positional[Annotated[Path, arg(metavar="ROOT")]]

app = SubcommandApp()
data = SubcommandApp()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code: 0, 2 for what the user can mend, 130 when interrupted."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments == ["--version"]:
        print(f"acga {__version__}")
        return 0
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: _tell("note", str(message))
        try:
            return (
                app.cli(
                    args=arguments, prog="acga", description="Segment actors in videos from sentences: a reproduction of ACGA (ICCV 2019)."
                )
                or 0
            )
        except (AcgaError, OSError) as error:  # an OSError: a folder that cannot be written, a full disk
            _tell("error", str(error))
            return 2
        except KeyboardInterrupt:
            _tell("error", "interrupted.")
            return 130


@app.command
def demo(*, out: Path = Path("demo"), weights: str = "mini", device: Device = "auto") -> None:
    """Draw a short clip and segment it from three sentences: the quickest look at what this is.

    Example: acga demo

    Args:
        out: Folder for the clip and the results; those of an earlier demo are replaced.
        weights: "mini", which comes with the package, or a file of weights.
        device: Where to compute; auto takes a GPU if there is one.
    """
    from .demonstration import demonstrate
    from .writing import is_earlier_output, output_folder

    with output_folder(out, overwrite=is_earlier_output(out)) as folder:
        segmenter, origin = _open_segmenter(weights, (), None, device, 0.0)
        scores = demonstrate(segmenter, folder, weights=origin)
    for query, score in scores.items():
        print(f'  "{query}": mean IoU {score:.2f} with the drawn truth')
    print(f"See {out / 'demo.png'} (what was found), {out / 'overlay.mp4'} (the whole clip), {out / 'masks'} and {out / 'summary.json'}.")


@app.command
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
    from .writing import output_folder, write_segmentation

    with output_folder(out, overwrite=overwrite) as folder:
        segmenter, origin = _open_segmenter(weights, queries, words, device, minimum_peak)
        for query in queries:
            for word in segmenter.unknown(query):
                near = segmenter.suggest(word)
                _tell("note", f"the model doesn't know the word {word!r}" + (f"; it knows {', '.join(near)}." if near else "."))
        frames = sum(1 for _ in write_segmentation(segmenter, video, queries, folder, every=every, weights=origin))
    print(f"{frames} frames segmented: see {out / 'overlay.mp4'}, {out / 'masks'} and {out / 'summary.json'}.")


app.command(data, name="data", help="Draw, check, extract or download data.")


@data.command
def synthesize(
    root: Root,
    /,
    *,
    layout: Layout = "a2d",
    train: int = 2000,
    test: int = 400,
    sentences: int = 2,
    seed: int = 0,
    workers: int = 2,
) -> None:
    """Draw a twin of A2D Sentences, or of J-HMDB Sentences, in the very files of the real release.

    The same seed gives the same files, whatever the number of workers; an interrupted run goes on where it stopped.

    Example: acga data synthesize drawn --train 2000 --test 400

    Args:
        root: Folder for the release, new or empty.
        layout: Which release's files to write; jhmdb has test videos only.
        train: Number of training videos.
        test: Number of test videos.
        sentences: Number of sentences for each actor (a2d).
        seed: Of everything that is random.
        workers: Processes that draw.
    """
    from .synthetic.writer import SynthesisConfig, write_a2d, write_jhmdb

    if layout == "jhmdb":
        write_jhmdb(root, videos=test, seed=seed, workers=workers)
    else:
        write_a2d(root, SynthesisConfig(train=train, test=test, sentences=sentences, seed=seed, workers=workers))
    print(f"Drawn: {root}. Check it with: acga data check {root}")


@data.command
def check(root: Root, /) -> None:
    """Read every video, mask and sentence of a release, and name each problem in one line; exit code 2 if there is any.

    Example: acga data check a2d_sentences

    Args:
        root: The folder of A2D Sentences (Release/, text_annotations/) or of J-HMDB Sentences (Rename_Images/, puppet_mask/).
    """
    from .datasets.check import check_release

    report = check_release(root)
    print(f"{root}: {report.layout}")
    for split, counts in report.counts.items():
        print(f"  {split}: {', '.join(f'{count} {name}' for name, count in counts.items())}")
    for note in report.notes:
        print(f"  note: {note}")
    for problem in report.problems:
        print(f"  problem: {problem}")
    if report.problems:
        raise AcgaError(f"{len(report.problems)} {'problem' if len(report.problems) == 1 else 'problems'} in {root}.")
    print("  no problems")


@data.command
def download(name: Positional[Annotated[str, arg(metavar="NAME")]], /, *, to: Path = Path()) -> None:
    """Fetch published weights of I3D and check them, byte for byte, against what was published.

    Example: acga data download model_rgb.pth --to weights

    Args:
        name: rgb_imagenet.pt, flow_imagenet.pt (piergiaj), model_rgb.pth (hassony2) or i3d_rgb.pth (official ACGA).
        to: Folder for the file.
    """
    from .weights import download as fetch

    print(f"{fetch(name, to)} is as published.")


def _open_segmenter(weights: str, queries: Sequence[str], words: Path | None, device: Device, minimum_peak: float) -> Any:
    """The segmenter, and where its weights come from."""
    from .inference import Segmenter, load
    from .language import Vocabulary
    from .model.loading import find_weights
    from .weights import git_blob_id, read_state_dict

    # A file of word vectors holds millions of words: only those of the queries are read.
    model = load(weights, words=words, vocabulary=None if words is None else Vocabulary.from_queries(queries))
    path = find_weights(weights)
    provenance = read_state_dict(path).metadata.get("provenance", {})
    origin = {"name": weights, "git_blob": git_blob_id(path), "provenance": provenance}
    return Segmenter(model, device, minimum_peak=minimum_peak), origin


def _tell(kind: str, message: str) -> None:
    """One line on stderr."""
    print(f"acga: {kind}: {' '.join(message.split())}", file=sys.stderr)
