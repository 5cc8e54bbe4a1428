"""`acga data …`: draw, check, extract, download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from ..errors import AcgaError
from .common import Device, Flag, Network, Root, Split, configure, open_release


def synthesize(
    root: Root,
    /,
    *,
    layout: Literal["a2d", "jhmdb"] = "a2d",
    train: int = 2000,
    test: int = 400,
    sentences: int = 4,
    frames: int | None = None,
    crowded: Flag = False,
    mixed: Flag = False,
    sentence_style: Literal["everyday", "one-order", "half-relational", "relational"] = "everyday",
    edition: Literal[1, 2] = 1,
    cutouts: str | None = None,
    bystanders: Flag = False,
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
        sentences: Number of sentences for each actor; 0 gives its kind and action as a label, for pretraining (a2d).
        frames: Number of frames of each video, 24 to 32 by default; at most 16 has a single annotated frame (a2d).
        crowded: More actors a scene, for pretraining (a2d).
        mixed: Of every test actor, half of the sentences are phrased as no training sentence is, to compare phrasings; otherwise all
            sentences of half of the actors (a2d).
        sentence_style: How sentences are worded: variously; in one order of words, held-out ones aside; or, beside others of a kind,
            sometimes or mostly by what an actor is to the others, to study relations (a2d).
        edition: Of the drawn world: 1 is flat and small, 2 is shaded, textured, larger and more crowded.
        cutouts: Folder of photographs with instance masks, some of which become actors (a2d, edition 2; docs/DATA_CARD.md has its layout).
        bystanders: One to three other people beside the annotated one (jhmdb, edition 2).
        seed: Of everything that is random.
        workers: Processes that draw.
    """
    from ..synthetic.writer import SynthesisConfig, write_a2d, write_jhmdb

    if layout == "jhmdb":
        write_jhmdb(root, videos=test, seed=seed, workers=workers, edition=edition, bystanders=bystanders)
    else:
        write_a2d(
            root,
            SynthesisConfig(
                train=train,
                test=test,
                sentences=sentences,
                frames=frames,
                crowded=crowded,
                mixed=mixed,
                sentence_style=sentence_style,
                edition=edition,
                cutouts=cutouts,
                bystanders=bystanders,
                seed=seed,
                workers=workers,
            ),
        )
    print(f"Drawn: {root}. Check it with: acga data check {root}")


def check(root: Root, /) -> None:
    """Read every video, mask and sentence of a release, and name each problem in one line; exit code 2 if there is any.

    Example: acga data check a2d_sentences

    Args:
        root: The folder of A2D Sentences (Release/, text_annotations/) or of J-HMDB Sentences (Rename_Images/, puppet_mask/).
    """
    from ..datasets.check import check_release

    report = check_release(root)
    print(f"{root}: {report.layout}")
    for split, counts in report.counts.items():
        print(f"  {split}: {', '.join(f'{count} {name}' for name, count in counts.items())}")
    for problem in report.problems:
        print(f"  problem: {problem}")
    if report.problems:
        raise AcgaError(f"{len(report.problems)} {'problem' if len(report.problems) == 1 else 'problems'} in {root}.")
    print("  no problems")


def extract(
    root: Root,
    /,
    *,
    out: Path,
    backbone: Path,
    network: Network = "mini",
    change: tuple[str, ...] = (),
    split: Split = "train",
    kind: Literal["plain", "mirrored", "still"] = "plain",
    workers: int = 2,
    device: Device = "auto",
) -> None:
    """Compute the features at mixed_4e of every annotated frame once (16-bit, resumable), for acga train --features OUT.

    Example: acga data extract drawn --out features --backbone runs/backbone/model.safetensors

    Args:
        root: The folder of a release, drawn or real.
        out: Folder for the features; an interrupted extraction goes on.
        backbone: Weights of an I3D: from acga pretrain, or published ones.
        network: The configuration, for its size and length of clips.
        change: Fields of the configuration that differ, as field=value.
        split: Of A2D Sentences; J-HMDB Sentences is all for testing.
        kind: Of the clips as they are, of mirrored ones, or of ones that repeat the annotated frame.
        workers: Processes that decode videos.
        device: Where to compute; auto takes a GPU if there is one.
    """
    from ..model import ACGA, I3D
    from ..runs import choose_accelerator
    from ..sentence_batches import extract as run

    config = configure(network, change)
    model = ACGA(config, backbone=I3D.from_file(backbone, through="mixed_4f"))
    cache = run(model, open_release(root, split, config), out, kind, accelerator=choose_accelerator(device), workers=workers)
    print(f"{len(cache)} frames: see {cache.folder}.")


def download(name: Positional[Annotated[str, arg(metavar="NAME")]], /, *, to: Path = Path()) -> None:
    """Fetch published weights of I3D and check them, byte for byte, against what was published.

    Example: acga data download model_rgb.pth --to weights

    Args:
        name: rgb_imagenet.pt, flow_imagenet.pt (piergiaj), model_rgb.pth (hassony2) or i3d_rgb.pth (official ACGA).
        to: Folder for the file.
    """
    from ..weights import download as fetch

    print(f"{fetch(name, to)} is as published.")
