"""Render the series as a static site: `python docs/site.py [FOLDER]` (`make site`) writes index.html into build/site/, or FOLDER.

The pages are the committed documents and notebooks with their committed outputs: no cell is run. The answers of the demo are computed.
A warning is an error.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from sliders import with_live_sliders

from acga.widgets.static_demo import write_static_demo

ROOT = Path(__file__).parent.parent
LANDING = "docs/landing.md"
PARTS = {  # title of a part: its pages, in order; "*" stands for all that exist
    "The series": ("notebooks/README.md", "notebooks/[0-9]*.ipynb"),
    "The paper, and how it is measured": (
        "docs/PAPER.md",
        "docs/PROTOCOL.md",
        "docs/REPRODUCE.md",
        "docs/STUDY.md",
        "docs/SPEED.md",
        "docs/STATUS.md",
    ),
    "What ships": ("docs/MODEL_CARD.md", "docs/DATA_CARD.md", "results/README.md"),
    "Taking part": ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"),
}
SOURCES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "NOTICE",
    "CITATION.cff",
    "LICENSE",
    "acga",
    "benchmarks",
    "docs",
    "figures",
    "results",
    "tools",
)


def contents() -> dict:
    """The table of contents, in Jupyter Book's format.

    >>> contents()["root"]
    'docs/landing.md'
    """
    parts = []
    for title, patterns in PARTS.items():
        pages = [str(page.relative_to(ROOT)) for pattern in patterns for page in sorted(ROOT.glob(pattern))]
        parts.append({"caption": title, "chapters": [{"file": page} for page in pages]})
    return {"format": "jb-book", "root": LANDING, "parts": parts}


def copy_notebooks(folder: Path) -> None:
    """The notebooks, their sliders made to work without a kernel, and what lies beside them."""
    folder.mkdir()
    for path in (ROOT / "notebooks").iterdir():
        if path.suffix == ".ipynb":
            notebook = with_live_sliders(json.loads(path.read_text(encoding="utf-8")))
            (folder / path.name).write_text(json.dumps(notebook), encoding="utf-8")
        else:
            (folder / path.name).symlink_to(path)


def main() -> int:
    """Build in a scratch folder, then put the whole site in place."""
    site = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "site"
    site.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=site.parent, prefix="site-") as scratch:
        source, output = Path(scratch, "source"), Path(scratch, "output")
        (source / "_static").mkdir(parents=True)
        for name in ("site.css", "favicon.svg"):
            (source / "_static" / name).symlink_to(ROOT / "docs" / name)
        for name in SOURCES:
            (source / name).symlink_to(ROOT / name)
        copy_notebooks(source / "notebooks")
        write_static_demo(source / "_static" / "demo.html")
        toc = Path(scratch, "toc.yml")
        toc.write_text(yaml.safe_dump(contents(), sort_keys=False), encoding="utf-8")
        options = ["--config", str(ROOT / "docs" / "site.yml"), "--toc", str(toc), "--path-output", str(output), "-W", "--keep-going"]
        jupyter_book = Path(sys.executable).with_name("jupyter-book")
        failed = subprocess.run([jupyter_book, "build", str(source), "--quiet", *options], check=False).returncode
        if not failed:
            shutil.rmtree(site, ignore_errors=True)
            (output / "_build" / "html").rename(site)
            print(f"The site is at {site / 'index.html'}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
