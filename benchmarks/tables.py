"""Write the tables of the documents from results/ and what ships: `python benchmarks/tables.py` (with `--check`, fail if they differ).

No number there is typed by hand: what stands between two markers is what this prints.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cards import drawn_world, metrics_by_kind, metrics_by_look, weights
from series import badges, series
from study_tables import STUDIES, claims_in_short, cost, fusion, ladder, phrasings, rates, relations, variants, verdicts

from acga.metrics import METRICS

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "results" / "embedded_default"
ROWS = {  # what is shown: its file, and the kind of query it is about
    "**embedded default** (`mini`, two passes over the sentences)": ("mini2_a2d", None),
    "… one actor in the scene": ("mini2_a2d", "actors_in_scene=1"),
    "… another actor of the same kind": ("mini2_a2d", "same_kind=1"),
    "… only motion decides": ("mini2_a2d", "decided_by=motion"),
    "… on the J-HMDB twin, no fine-tuning": ("mini2_jhmdb", None),
    "the same network after one pass": ("mini_a2d", None),
    "… only motion decides, after one pass": ("mini_a2d", "decided_by=motion"),
    "control: blind to text, one pass": ("text_blind_a2d", None),
    "control: blind to motion, one pass": ("motion_blind_a2d", None),
    "… only motion decides, blind to motion": ("motion_blind_a2d", "decided_by=motion"),
}


def tables() -> str:
    """The metrics of the embedded weights and of their controls."""
    lines = [f"| test split of the drawn twin, in % | samples | {' | '.join(METRICS)} |", f"|---|---|{'---|' * len(METRICS)}"]
    for title, (name, tag) in ROWS.items():
        path = RESULTS / f"{name}.json"
        if not path.exists():
            continue
        result = json.loads(path.read_text(encoding="utf-8"))
        metrics = result["by_tag"].get(tag) if tag else {**result["metrics"], "samples": len(result["predictions"])}
        if metrics:
            lines.append(f"| {title} | {metrics['samples']:,} | {' | '.join(f'{100 * metrics[c]:.1f}' for c in METRICS)} |")
    return "\n".join(lines)


ABOUT_A_STUDY = (variants, verdicts, cost)
TABLES: dict[str, dict[str, Callable[[], str]]] = {  # document: what stands between its markers, by their name
    "README.md": {"tables": tables, "the claims": claims_in_short, "the variants": partial(ladder, "study_long")},
    "results/README.md": {
        "fusion": fusion,
        "rates": rates,
        "phrasings": phrasings,
        "relations": relations,
        **{f"{make.__name__} of the {title}": partial(make, study) for study, title in STUDIES.items() for make in ABOUT_A_STUDY},
    },
    "docs/MODEL_CARD.md": {"weights": weights, "metrics by kind of query": metrics_by_kind, "metrics by actor": metrics_by_look},
    "docs/DATA_CARD.md": {"drawn world": drawn_world},
    "notebooks/README.md": {"badges": badges, "series": series},
}


def filled(document: str) -> str:
    """A document with all its tables as they should be."""
    text = (ROOT / document).read_text(encoding="utf-8")
    for name, make in TABLES[document].items():
        start, end = f"<!-- {name}: made by benchmarks/tables.py -->", f"<!-- end of {name} -->"
        before, rest = text.split(start)
        text = f"{before}{start}\n{make()}\n{end}{rest.split(end)[1]}"
    return text


def main() -> int:
    """Rewrite the documents, or compare."""
    texts = {document: filled(document) for document in TABLES}
    if "--check" in sys.argv:
        stale = [document for document, text in texts.items() if text != (ROOT / document).read_text(encoding="utf-8")]
        print("".join(f"{document} differs from what it is made of: run python benchmarks/tables.py\n" for document in stale), end="")
        return len(stale)
    for document, text in texts.items():
        (ROOT / document).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
