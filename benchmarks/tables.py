"""Write the README's tables from results/: `python benchmarks/tables.py` (with `--check`, fail if they differ).

No number of the README is typed by hand: what stands between the two markers is what this prints.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "results" / "embedded_default"
START, END = "<!-- tables: made by benchmarks/tables.py -->", "<!-- end of tables -->"
COLUMNS = ("P@0.5", "P@0.6", "P@0.7", "P@0.8", "P@0.9", "mAP", "oIoU", "mIoU")
ROWS = {  # what is shown: its file, and the kind of query it is about
    "**embedded default** (`mini`, two passes over the sentences)": ("mini2_a2d", None),
    "… one actor in the scene": ("mini2_a2d", "actors_in_scene=1"),
    "… another actor of the same kind": ("mini2_a2d", "same_kind=1"),
    "… only motion decides": ("mini2_a2d", "decided_by=motion"),
    "… on the J-HMDB twin, no fine-tuning": ("mini2_jhmdb", None),
    "the same network after one pass": ("mini_a2d", None),
    "control: blind to text, one pass": ("text_blind_a2d", None),
    "control: blind to motion, one pass": ("motion_blind_a2d", None),
    "the paper's own form at this size (`faithful_mini`), one pass": ("faithful_a2d", None),
}


def tables() -> str:
    """Markdown."""
    lines = [f"| test split of the drawn twin, in % | samples | {' | '.join(COLUMNS)} |", f"|---|---|{'---|' * len(COLUMNS)}"]
    for title, (name, tag) in ROWS.items():
        path = RESULTS / f"{name}.json"
        if not path.exists():
            continue
        result = json.loads(path.read_text(encoding="utf-8"))
        metrics = result["by_tag"].get(tag) if tag else {**result["metrics"], "samples": len(result["answers"])}
        if metrics:
            lines.append(f"| {title} | {metrics['samples']:,} | {' | '.join(f'{100 * metrics[c]:.1f}' for c in COLUMNS)} |")
    return "\n".join(lines)


def main() -> int:
    """Rewrite the README, or compare."""
    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    text = f"{before}{START}\n{tables()}\n{END}{after}"
    if "--check" in sys.argv:
        return int(text != readme.read_text(encoding="utf-8"))
    readme.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
