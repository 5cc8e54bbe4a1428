"""The command line: `acga demo | segment | pretrain | train | adapt | evaluate | reproduce | ablate | data …`, also as `python -m acga`.

What a user did wrong is one line on stderr and exit code 2, a wrong name with the right one; an interruption is exit code 130, or 143
when it was asked for by SIGTERM. Whether the result can be written is tried before any work. What a command needs is imported when it
runs, so that `--help`, which is made of the options alone, is answered at once.
"""

from __future__ import annotations

import difflib
import io
import math
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from traceback import clear_frames
from typing import Any, Literal, NoReturn

from tyro.extras import SubcommandApp

from . import __version__
from .errors import AcgaError, one_line
from .options import (
    AblateOptions,
    AdaptOptions,
    CheckOptions,
    DemoOptions,
    DownloadOptions,
    EvaluateOptions,
    ExtractOptions,
    PhotographsOptions,
    PretrainOptions,
    ReproduceOptions,
    SegmentOptions,
    SynthesizeOptions,
    TrainOptions,
)
from .system.files import check_writable
from .system.processes import ending_together, is_first, one_voice
from .system.spelling import name_option, spell_as_options

DESCRIPTION = """Segment actors in videos from sentences: a reproduction of ACGA (ICCV 2019).

Example: acga segment clip.mp4 "man in red" "dog on the left" --sheet"""
DATA_DESCRIPTION = """Draw data or make it of photographs, check, extract or download it.

Example: acga data synthesize drawn"""


def print_stderr(kind: Literal["note", "error"], message: str) -> None:
    """Print one line on stderr."""
    print(f"acga: {kind}: {one_line(message)}", file=sys.stderr)


def run_demo(options: DemoOptions) -> None:
    """`acga demo`."""
    from .inference import Segmenter
    from .output.segmentation import SUMMARY, output_folder
    from .system.files import read_json
    from .teaching.demonstration import demonstrate, is_earlier_demo

    out = options.out
    with output_folder(out, overwrite=is_earlier_demo(out)) as folder:
        scores = demonstrate(Segmenter(options.weights, options.device), folder)
    for entry in read_json(out / SUMMARY)["queries"]:
        print(f'  {entry["verdict"] or "not judged"}: "{entry["query"]}", mean IoU {scores[entry["query"]]:.2f} with the drawn truth')
    print(f"See {out / 'demo.png'} and {out / 'demo.gif'} (what was found), and the rest of {out}.")


def run_segment(options: SegmentOptions) -> None:
    """`acga segment`."""
    from .data.text import Vocabulary, check_queries
    from .inference import Segmenter, load
    from .output.segmentation import SUMMARY, output_folder, write_segmentation
    from .system.files import read_json

    out, queries, formats = options.folder, options.queries, options.formats
    check_queries(queries)
    with output_folder(out, overwrite=options.overwrite) as folder:
        # A file of word vectors holds millions of words: only those of the queries are read.
        model = load(options.weights, words=options.words, vocabulary=Vocabulary.from_queries(queries) if options.words else None)
        segmenter = Segmenter(
            model,
            options.device,
            minimum_peak=options.minimum_peak,
            threshold_ratio=options.threshold,
            one_piece=not options.all_pieces,
            refine=not options.unrefined,
            smooth=options.smooth,
            precision=options.precision,
            second_size=options.second_size,
        )
        for query in queries:
            unknown = segmenter.unknown(query)
            for word in unknown:
                near = segmenter.suggest(word)
                print_stderr("note", f"the model doesn't know the word {word!r}" + (f"; it knows {', '.join(near)}." if near else "."))
            if not segmenter.reads(query):
                print_stderr("note", f"the model knows no word of {query!r}: what it finds for it means nothing.")
        for _ in write_segmentation(segmenter, options.video, queries, folder, every=options.every, formats=formats, sheet=options.sheet):
            pass
    summary = read_json(out / SUMMARY)
    for entry in summary["queries"]:
        print(f"  {entry['verdict'] or 'not judged'}: {entry['query']}")
    written = [out / name for name in (summary["overlay"], summary["sheet"], "masks") if name]
    print(f"{summary['frames']} frame{'s' * (summary['frames'] != 1)} segmented: see {', '.join(map(str, written))} and {out / SUMMARY}.")


def run_pretrain(options: PretrainOptions) -> None:
    """`acga pretrain`."""
    from .training.pretraining import pretrain

    print(f"The backbone is {pretrain(options)}.")


def run_train(options: TrainOptions) -> None:
    """`acga train`."""
    from .training.sentences import train

    path = train(options)
    print(f"The best weights are {path}. Evaluate them with: acga evaluate {options.root} --weights {path} --out result.json")


def run_adapt(options: AdaptOptions) -> None:
    """`acga adapt`."""
    from .training.adaptation import adapt

    for query, (before, after) in adapt(options).items():
        print(f"  {after:.2f} (before {before:.2f})  {query}")
    print(f"The weights are {options.out}. Use them with: acga segment VIDEO QUERY --weights {options.out} --out result")


def run_evaluate(options: EvaluateOptions) -> None:
    """`acga evaluate`."""
    from .evaluation import evaluate_release

    found = evaluate_release(options)
    for name, value in found.metrics.items():
        print(f"{name:9s}{100 * value:6.1f}")
    print(f"{len(found.predictions)} samples: see {options.out}.")


def run_reproduce(options: ReproduceOptions) -> None:
    """`acga reproduce`."""
    from .reproduction.steps import reproduce

    print(f"See {reproduce(options)} (and .html, .json).")


def run_ablate(options: AblateOptions) -> None:
    """`acga ablate`."""
    from .study.records import Study
    from .study.run import ablate
    from .study.summary import Summary

    ablate(options)
    summary = Summary.of(Study.read(options.out))
    summary.write(options.out)
    for line in summary.lines(options.grid):
        print(line)
    print(f"See {options.out}/summary.json.")


def run_check(options: CheckOptions) -> None:
    """`acga data check`. Raises `AcgaError` when there are problems."""
    from .data.check import DEAD_LINK, check_release

    root, report = options.root, check_release(options.root, options.workers)
    print(f"{root}: {report.layout}")
    for split, counts in report.counts.items():
        print(f"  {split}: {', '.join(f'{count} {name}' for name, count in counts.items())}")
    for line in report.passed_over:
        print(f"  passed over: {line}")
    for problem in report.problems:
        print(f"  problem: {problem}")
    for part, place in report.missing.items():
        print(f"  missing: {part}; it is to be had from {place}")
    if report.missing:
        print(f"  {DEAD_LINK}")
    if report.problems:
        raise AcgaError(f"{len(report.problems)} {'problem' if len(report.problems) == 1 else 'problems'} in {root}.")
    print("  no problems")


def run_extract(options: ExtractOptions) -> None:
    """`acga data extract`."""
    from .training.batches import extract_release

    cache = extract_release(options)
    print(f"{len(cache)} frames: see {cache.folder}.")


def run_download(options: DownloadOptions) -> None:
    """`acga data download`."""
    from .model.download import download

    print(f"{download(options.name, options.to)} is as published.")


def run_synthesize(options: SynthesizeOptions) -> None:
    """`acga data synthesize`."""
    from .synthetic.writer import write_a2d, write_jhmdb

    write = write_jhmdb if options.layout == "jhmdb" else write_a2d
    write(options.root, options.recipe)
    print(f"Drawn: {options.root}. Check it with: acga data check {options.root}")


def run_photographs(options: PhotographsOptions) -> None:
    """`acga data photographs`."""
    from .synthetic.photographs import write_photographs

    how: dict[str, Any] = {"pasted_share": options.pasted_share, "seed": options.seed, "workers": options.workers}
    write_photographs(options.folder, options.root, views=options.views, **how)
    print(f"Written: {options.root}. Check it with: acga data check {options.root}")


COMMANDS: dict[str, tuple[type, Callable[[Any], None]]] = {
    "demo": (DemoOptions, run_demo),
    "segment": (SegmentOptions, run_segment),
    "pretrain": (PretrainOptions, run_pretrain),
    "train": (TrainOptions, run_train),
    "adapt": (AdaptOptions, run_adapt),
    "evaluate": (EvaluateOptions, run_evaluate),
    "reproduce": (ReproduceOptions, run_reproduce),
    "ablate": (AblateOptions, run_ablate),
    "data synthesize": (SynthesizeOptions, run_synthesize),
    "data photographs": (PhotographsOptions, run_photographs),
    "data check": (CheckOptions, run_check),
    "data extract": (ExtractOptions, run_extract),
    "data download": (DownloadOptions, run_download),
}
OUTPUTS: dict[type, str | None] = {SynthesizeOptions: "root", PhotographsOptions: "root", DownloadOptions: "to", CheckOptions: None}


def parse(arguments: Sequence[str]) -> Any:
    """The options of a command line, of one of the classes in `COMMANDS`. Raises `AcgaError` for one that says nothing that is there."""
    command = " ".join(arguments[: 2 if arguments[:1] == ["data"] else 1])
    if command not in COMMANDS:  # also before --help
        raise AcgaError(f"There is no command {command!r}{_perhaps(command, (*COMMANDS, 'data'))}; acga help lists all.")
    places = (n for n, one in enumerate(arguments) if not one and (n == len(command.split()) or arguments[n - 1].startswith("-")))
    empty = next(places, None)
    if empty is not None:  # as a path it would be the current folder
        raise AcgaError(f"What follows {arguments[empty - 1]} is empty; give it, or look at the variable of the shell that it came from.")
    app, data = SubcommandApp(), SubcommandApp()
    for name, (options, _) in COMMANDS.items():
        (data if name.startswith("data ") else app).command(options, name=name.removeprefix("data "))  # type: ignore[call-overload]
    app.command(data, name="data")
    try:
        with redirect_stderr(io.StringIO()) as said:
            return app.cli(args=arguments, prog="acga")
    except SystemExit as ended:
        if not ended.code:  # after help
            raise
        raise AcgaError(wrong_option(command, arguments) or _plain(said.getvalue())) from None


def wrong_option(command: str, arguments: Sequence[str]) -> str | None:
    """The first option of a command line that the command has not, in a sentence with what was perhaps meant; None if it has all."""
    with redirect_stdout(io.StringIO()) as said, suppress(SystemExit):
        parse([*command.split(), "--help"])
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w.-]*", said.getvalue()))
    for argument in arguments:
        name = argument.partition("=")[0].replace("_", "-")
        if re.match("--?[a-z]", name) and name not in known:
            return f"acga {command} has no option {name}{_perhaps(name, known)}; acga {command} --help lists all."
    return None


def _perhaps(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:40], list(known), n=1)
    return f", perhaps {near[0]}" if near else ""


def _plain(said: str) -> str:
    """One sentence from what tyro says in a frame."""
    text = re.sub("[╭╮╰╯│─]|-{5,}", " ", said.partition("\n")[2])  # after a title
    return " ".join(text.split()).partition(" For full helptext")[0].replace(" (required)", ";").rstrip(";")


def overview(prefix: str = "") -> str:
    """A line for each command that begins with `prefix`."""
    lines = [DATA_DESCRIPTION if prefix else DESCRIPTION, ""]
    for name, (options, _) in COMMANDS.items():
        if name.startswith(prefix):
            lines += [f"  {name:16s}  {re.split('[;:.]', options.__doc__ or '')[0]}"]
    return "\n".join([*lines, "", "acga COMMAND --help says more, with an example."])


def be_considerate() -> None:
    """Let threads sleep while they wait, and start no more of them than a container may run, unless the environment says otherwise.

    PyTorch's threads spin while they wait for each other, which on a busy machine keeps the ones that they wait for from running. It
    reads these variables when it is imported, so this comes first.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    cores = container_cores()
    if cores is not None and cores < (os.cpu_count() or 1):
        os.environ.setdefault("OMP_NUM_THREADS", str(cores))


def container_cores(limit: Path = Path("/sys/fs/cgroup/cpu.max")) -> int | None:
    """The number of cores that a container's processes may keep busy, rounded up; None if that is not limited (or not on Linux)."""
    try:
        quota, period = limit.read_text(encoding="ascii").split()
        return max(1, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):  # "max 100000"
        return None


class Terminated(KeyboardInterrupt):
    """SIGTERM, as sent by `timeout`, `docker stop` and batch systems: it ends a command as Ctrl-C does."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Terminated` on SIGTERM."""

    def terminate(*_: Any) -> NoReturn:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():  # of a notebook, say
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def try_output(options: Any) -> None:
    """Find out before any work whether the result of a command can be written. Raises `AcgaError`."""
    name = OUTPUTS.get(type(options), "out")
    if name is not None:
        path = options.folder if isinstance(options, SegmentOptions) else getattr(options, name)
        check_writable(path, folder=not isinstance(options, AdaptOptions | EvaluateOptions))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code: 0, 2 for what the user can mend, 130 when interrupted, 143 when terminated."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # paths that the terminal's encoding lacks
    if arguments == ["--version"]:
        print(f"acga {__version__}")
        return 0
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    be_considerate()
    with warnings.catch_warnings(), one_voice(), interruptible():
        warnings.simplefilter("ignore")  # of other packages: nothing that a user of this one can mend
        warnings.filterwarnings("default", module="acga")
        if not is_first():
            warnings.simplefilter("ignore")
        warnings.showwarning = lambda message, *_, **__: print_stderr("note", str(message))
        options = None
        try:
            if arguments in ([], ["--help"], ["-h"], ["data"], ["data", "--help"], ["data", "-h"]):
                print(overview("data " if "data" in arguments else ""))
                return 0
            options = parse(arguments)
            run = next(run for kind, run in COMMANDS.values() if kind is type(options))
            try_output(options)
            with ending_together():
                run(options)
            return 0
        except (AcgaError, OSError) as error:  # an OSError: a folder that cannot be written, a full disk
            clear_frames(error.__traceback__)  # a progress bar that is left in one ends before the message
            message = spell_as_options(str(error))
            print_stderr("error", message if options is None else name_option(message, options))
            return 2
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("acga"):
                raise
            print_stderr("error", f"this command needs {error.name}, which is not installed: pip install -e '.[train]' in a clone.")
            return 2
        except KeyboardInterrupt as interruption:
            clear_frames(interruption.__traceback__)
            if is_first():
                print_stderr("error", "interrupted.")
            return 143 if isinstance(interruption, Terminated) else 130
