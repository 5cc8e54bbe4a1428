"""The tables of the model card and the data card, from the embedded weights, their evaluation, and the generator."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np

from acga.config import ACGAConfig, SynthesisConfig
from acga.data.taxonomy import ACTORS
from acga.data.text import tokenise
from acga.evaluation import Evaluation
from acga.inference import load
from acga.model.presence import Verdict
from acga.model.state_dicts import read_state_dict
from acga.study.bootstrap import bootstrap
from acga.study.tables import shipped_results
from acga.synthetic.language.lexicon import NOUNS
from acga.synthetic.render import people
from acga.synthetic.render.motion import vary
from acga.synthetic.sampling import sample_scene
from acga.synthetic.scene import Actor, Scene
from acga.synthetic.writer import SPLITS
from acga.system.files import read_json, read_json_lines

MINI = Path(__file__).parents[1] / "results" / "mini"
WEIGHTS = Path(str(files("acga") / "embedded" / "mini.safetensors"))
DRAWN = SynthesisConfig()  # the twin of A2D Sentences as `acga data synthesize` draws it
SHADES = ("lightest", "light", "medium", "dark", "darkest")  # of people.SKIN, in its order
PEOPLE = ("man", "woman", "boy", "girl", "baby")
SHOWN = ("actors_in_scene", "same_kind", "decided_by")


TOLD_APART = "one told from others"  # the questions of a result that are about one instance among several


class Shown(NamedTuple):
    """A row of results about real film or pictures."""

    title: str
    questions: int
    shares: list[float]  # P@0.5 and mean IoU, the same of masks as `acga segment` writes them, and mean IoU when asked a wrong sentence


def film_answers(part: str = "test") -> dict[str, Any]:
    """The answers about the film's test clips, or its validation clips ("train")."""
    return read_json(MINI / f"film_{part}.json")


def film_rows(part: str = "test") -> list[Shown]:
    """The results of a part of the film, and of its kinds of questions if there are two."""
    result = film_answers(part)
    of = "test clips" if part == "test" else "validation clips"
    rows = [_shown(f"**film**, {_count(result)} {of} of DAVIS", result)]
    for name, scores in result["parts"].items() if len(result["parts"]) > 1 else ():
        apart = {answer["clip"] for answer in result["answers"] if answer["told apart"]}
        alone = " (one clip)" if name == TOLD_APART and len(apart) == 1 else ""
        rows.append(_shown(f"… {name}{alone}", scores))
    return rows


def pictures_row() -> Shown:
    """The results on pictures."""
    result = read_json(MINI / "coco.json")
    return _shown(f"**photographs**, {_count(result)} of COCO, all told from others", result)


def _count(result: Mapping[str, Any]) -> int:
    """The number of films or pictures that were asked about."""
    return len({answer["clip"] for answer in result["answers"]})


def _shown(title: str, scores: Mapping[str, Any]) -> Shown:
    columns = ("P@0.5", "mIoU", "P@0.5, refined", "mIoU, refined", "mIoU of another question")
    return Shown(title, scores["questions"], [scores[column] for column in columns])


def mini_rows() -> str:
    """The default's results: on film, and on the second edition by what a sentence needs to be understood."""
    films, result = [*film_rows(), *film_rows("train"), pictures_row()], read_json(MINI / "second.json.gz")
    asked: list[tuple[str, str, str | None]] = [("**cartoons**, second edition", "second", None)]
    asked += [(f"… `{tag}`", "second", tag) for tag in result["by_tag"] if tag.startswith("needs=")]
    asked += [("**cartoons**, first edition, 100 videos", "first", None)]
    asked += [(f"… `{tag}`", "first", tag) for tag in ("actors_in_scene=1", "same_kind=1")]
    asked += [("**cartoons**, J-HMDB's twin with bystanders, 100 videos", "jhmdb", None)]
    rows = [(film.title, f"{film.questions:,}", *percent(*film.shares)) for film in films]
    for title, name, tag in asked:
        samples, shares = on_drawn(name, tag)
        rows.append((title, f"{samples:,}", *percent(*shares)))
    head = ("in %", "questions", "P@0.5", "mIoU", "refined, P@0.5", "refined, mIoU", "by a wrong sentence, mIoU")
    return table(head, [row + ("",) * (len(head) - len(row)) for row in rows])


def on_drawn(name: str, tag: str | None = None) -> tuple[int, list[float]]:
    """The questions of a drawn test split, and P@0.5 and mean IoU by the official rule and, if that was asked, of refined masks."""
    files = [path for path in (MINI / f"{name}.json.gz", MINI / f"{name}_refined.json.gz") if path.is_file()]
    results = [read_json(path) for path in files]
    parts = [one["by_tag"][tag] if tag else one["metrics"] for one in results]
    samples = parts[0]["samples"] if tag else len(results[0]["predictions"])
    return samples, [part[column] for part in parts for column in ("P@0.5", "mIoU")]


def controls() -> str:
    """Mean IoU of the default and of its two controls, where an actor is alone, where there are several, and where only motion decides."""
    rows = []
    for edition in ("second", "first"):
        results = [read_json(MINI / f"{prefix}{edition}.json.gz") for prefix in ("", "text_blind_", "motion_blind_")]
        lone, motion = ([one["by_tag"][tag] for one in results] for tag in ("actors_in_scene=1", "decided_by=motion"))
        asked, alone = len(results[0]["predictions"]), lone[0]["samples"]
        several = [
            (one["metrics"]["mIoU"] * asked - part["mIoU"] * alone) / (asked - alone) for one, part in zip(results, lone, strict=True)
        ]
        rows += [
            (f"{edition} edition, a lone actor", f"{alone:,}", *percent(*(part["mIoU"] for part in lone))),
            ("… several actors", f"{asked - alone:,}", *percent(*several)),
            ("… only motion decides", f"{motion[0]['samples']:,}", *percent(*(part["mIoU"] for part in motion))),
        ]
    return table(("mean IoU in %", "questions", "`mini`", "blind to text", "blind to motion"), rows)


def percent(*shares: float) -> tuple[str, ...]:
    """Shares as they are shown."""
    return tuple(f"{100 * share:.1f}" for share in shares)


def stems() -> str:
    """Networks that differ in their stem alone, on held-out scenes and on the film's validation clips."""
    rows = []
    for title, name in (("thin I3D", "i3d"), ("image network", "image"), ("image network and optical flow", "image_and_flow")):
        drawn = [line["validation"] for line in read_json_lines(MINI / "stems" / f"{name}.jsonl") if "validation" in line][-1]
        film = read_json(MINI / "stems" / f"{name}_film.json")
        rows.append((title, *percent(drawn["mIoU"], drawn["P@0.5"], film["mIoU"], film["P@0.5"], film["mIoU of another question"])))
    return table(("stem; in %", "drawn, mIoU", "P@0.5", "film, mIoU", "P@0.5", "mIoU, asked with a wrong sentence"), rows)


def beyond(file: str, rules: Sequence[str], scenes: str) -> str:
    """What masks gain by more than the official rule, on validation: the rows of a file that begin with these rules.

    `scenes` says which of the sets of new drawn scenes it was.
    """
    found = read_json(MINI / file)
    rows = []
    for rule in rules:
        scores = (found[f"{name}, {rule}"] for name in ("film", "drawn"))
        rows.append((rule, *(", ".join(percent(of["mIoU"], of["P@0.5"], of["P@0.8"])) for of in scores)))
    return table(("on validation, in %: mean IoU, P@0.5, P@0.8", "film", f"new drawn scenes, {scenes}"), rows)


def verdicts() -> str:
    """The verdicts of the default on the film's questions, and on questions about what is not there."""
    presence = load("mini").presence
    if presence is None:
        return "*These weights were not calibrated for verdicts.*"
    film, drawn = film_answers(), read_json(MINI / "presence.json")
    rows = []
    for title, key in (("film, its actor is there", "confidence"), ("film, it is about another film", "confidence of absent")):
        counts = Counter(presence.verdict(answer[key]) for answer in film["answers"])
        rows.append((title, *(f"{100 * counts[verdict] / len(film['answers']):.0f}" for verdict in get_args(Verdict))))
    for title, kind in (("drawn, its actor is there", "present"), ("drawn, its kind of actor is not there", "absent")):
        rows.append((title, *(f"{100 * drawn['verdicts'][kind][verdict]:.0f}" for verdict in get_args(Verdict))))
    return table(("the sentence; verdicts in %", *get_args(Verdict)), rows)


def told_apart() -> str:
    """How often the confidence is higher for what is there than for what is not."""
    key, film = "present told from absent (AUROC)", film_answers()
    scores = {
        "drawn, second edition": read_json(MINI / "presence.json"),
        "film, test clips": film,
        **{f"… {name}": part for name, part in film["parts"].items()},
        "film, validation clips": film_answers("train"),
        "photographs": read_json(MINI / "coco.json"),
    }
    return table(("AUROC in %", ""), [(name, *percent(one[key])) for name, one in scores.items()])


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ("---",) * len(head), *rows])


def weights() -> str:
    """What the embedded file is, as it says itself."""
    state, _, metadata, _ = read_state_dict(WEIGHTS)
    count = sum(tensor.numel() for tensor in state.values())
    backbone = sum(tensor.numel() for name, tensor in state.items() if name.startswith("backbone."))
    mini, config, made = ACGAConfig.mini().to_dict(), ACGAConfig.from_dict(metadata["config"]), metadata["provenance"]
    changed = ", ".join(f"`{name}={value}`" for name, value in config.to_dict().items() if value != mini[name])
    kinds = Counter(str(tensor.dtype).removeprefix("torch.") for tensor in state.values())
    stored = ", ".join(f"{number} tensors of {kind}" for kind, number in kinds.most_common())
    sides = " and ".join(str(side) for side in (config.size, config.second_size) if side)
    rows = {
        "File": f"`acga/embedded/{WEIGHTS.name}`, {WEIGHTS.stat().st_size / 1e6:.1f} MB, safetensors",
        "Values": f"{count:,}, of which {backbone:,} in the backbone; {stored}",
        "Configuration": f"`ACGAConfig.mini()`{f' with {changed}' if changed else ''}: {config.clip_length} frames of {sides} px",
        "Vocabulary": f"{config.vocabulary_size - 2:,} words with fixed vectors (`words.npz`), at most {config.max_query_length} a query",
        "Last command": f"`{without_folders(made['command'])}`",
        "Made": f"{made['date']}, from commit {made['commit'][:7]}, seed {made['seed']}, PyTorch {made['torch']}, Python {made['python']}",
    }
    return table(("", ""), rows.items())


def without_folders(command: str) -> str:
    """A command without the folders of the machine that it ran on."""
    return re.sub(r"(?<!\S)/\S*/", "", command.replace("__main__.py", "acga"))


def metrics_by_kind() -> str:
    """The evaluation of the embedded weights on the drawn test split, by what tells an actor from the others."""
    result = read_json(shipped_results("a2d"))
    groups = {"all": {**result["metrics"], "samples": len(result["predictions"])}}
    groups |= {f"`{tag}`": metrics for tag, metrics in result["by_tag"].items() if tag.split("=")[0] in SHOWN}
    columns = ("P@0.5", "P@0.7", "oIoU", "mIoU")
    rows = [(name, f"{metrics['samples']:,}", *(f"{100 * metrics[c]:.1f}" for c in columns)) for name, metrics in groups.items()]
    return table(("queries, in %", "samples", *columns), rows)


def metrics_by_look() -> str:
    """The same answers by who was asked for. Only if the generator still draws the scenes that were evaluated."""
    answers = Evaluation.load(shipped_results("a2d")).predictions
    scenes = {video: scene_of(video) for video in {answer.video_id for answer in answers}}
    if not all(says_of(answer.query, scenes[answer.video_id].actors, answer.instance) for answer in answers):
        return "*Not shown: the evaluation in `results/` is of scenes that an earlier version of the generator drew.*"
    asked = [(answer, scenes[answer.video_id].actors[answer.instance]) for answer in answers]
    groups = [("kind", "kind", kind) for kind in ACTORS] + [("person", "noun", noun) for noun in PEOPLE]
    rows = []
    for title, field, value in groups:
        found = [answer for answer, actor in asked if getattr(actor, field) == value]
        interval = bootstrap(np.array([answer.iou for answer in found]), [answer.video_id for answer in found]) if found else ""
        rows.append(
            (f"{title}: {value}", f"{len({(answer.video_id, answer.instance) for answer in found})}", f"{len(found):,}", str(interval))
        )
    return table(("who is asked for", "actors", "samples", "mIoU in %, with 95 % interval"), rows)


def drawn_world() -> str:
    """Who is in the drawn twin of A2D Sentences."""
    actors = {split: [actor for scene in drawn(split) for actor in scene.actors] for split in SPLITS}
    groups: dict[str, Callable[[Actor], str | None]] = {
        "kind": lambda actor: actor.kind,
        "person": lambda actor: actor.noun if actor.noun in PEOPLE else None,
        "skin": lambda actor: None if (tone := skin(actor)) is None else SHADES[tone],
        "action": lambda actor: actor.action,
        "colour (of clothes, fur, feathers, paint)": lambda actor: actor.colour,
    }
    rows = [("videos", *(f"{getattr(DRAWN, split):,}" for split in SPLITS)), ("actors", *(f"{len(actors[split]):,}" for split in SPLITS))]
    for name, value in groups.items():
        shares = []
        for split in SPLITS:
            counts = Counter(found for actor in actors[split] if (found := value(actor)))
            shares.append(", ".join(f"{one} {100 * count / counts.total():.0f}" for one, count in counts.most_common()))
        rows.append((f"{name}, in %", *shares))
    return table(("", *SPLITS), rows)


def drawn(split: str) -> Iterator[Scene]:
    """The scenes of a split, not yet drawn."""
    return (sample_scene("", DRAWN.seed, SPLITS[split], index) for index in range(getattr(DRAWN, split)))


def scene_of(video_id: str) -> Scene:
    """The scene of a video of the twin, whose id holds its split and number."""
    split, index = divmod(int(video_id.removeprefix("drawn")), 100_000)
    return sample_scene(video_id, DRAWN.seed, split, index)


def says_of(query: str, actors: tuple[Actor, ...], instance: int) -> bool:
    """Whether a sentence calls an actor what the grammar may call it."""
    return instance < len(actors) and not {word for noun in NOUNS[actors[instance].noun] for word in tokenise(noun)}.isdisjoint(
        tokenise(query)
    )


def skin(actor: Actor) -> int | None:
    """Which of `people.SKIN` a person is drawn with."""
    return int(vary(actor, 11, 0, len(people.SKIN))) if actor.kind in ("adult", "baby") else None
