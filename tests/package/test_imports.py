"""Imports point one way: the core stands alone, the rooms beside it stand on it, and the command line on all."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from helpers.paths import ROOT

BESIDE = ("synthetic", "study", "reproduction", "plots", "teaching", "widgets")
ALLOWED: dict[str, set[str]] = {  # a room: the rooms that it may import, but for itself
    "core": set(),
    "synthetic": {"core"},
    "plots": {"core", "study.bootstrap"},
    "study": {"core", "plots", "synthetic"},
    "teaching": {"core", "plots", "synthetic", "study"},
    "widgets": {"core", "plots", "synthetic"},
    "reproduction": {"core", "study"},
    "cli": {"core"},  # the others when a command runs
    "cli, when a command runs": {"core", *BESIDE},
}
OF_THE_CORE_FOR_SYNTHETIC = {"acga.config", "acga.data", "acga.errors", "acga.system.files", "acga.system.processes"}


def modules(package: Path) -> dict[str, Path]:
    """The files of a package by the names of their modules."""
    found = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def import_statements(source: str) -> list[tuple[ast.ImportFrom | ast.Import, bool]]:
    """The imports of a file that run, each with whether it stands inside a function."""
    found = []

    def visit(node: ast.AST, later: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ImportFrom | ast.Import):
                found.append((child, later))
            elif isinstance(child, ast.stmt | ast.ExceptHandler) and not _is_type_checking(child):
                visit(child, later or isinstance(child, ast.FunctionDef))

    visit(ast.parse(source), False)
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> tuple[set[str], set[str]]:
    """The modules of the package that a file imports: at once, and inside a function."""
    found: tuple[set[str], set[str]] = set(), set()
    for node, later in import_statements(path.read_text(encoding="utf-8")):
        if isinstance(node, ast.Import):
            wanted = {alias.name for alias in node.names}
        else:
            package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            wanted = {f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base for alias in node.names}
        found[later].update(module for module in wanted if module.startswith("acga."))
    return found


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def room(module: str) -> str:
    """The room that a module of the package is in."""
    first = module.split(".")[1]
    return first if first in (*BESIDE, "cli") else "core"


def broken_rules(package: Path) -> list[str]:
    """Each import that a rule forbids, as a line."""
    known = modules(package)
    lines = []
    for name, path in known.items():
        if name in ("acga", "acga.__main__"):
            continue
        for at_once, wanted in zip((True, False), imports(name, path, known), strict=True):
            here = room(name)
            rule = "cli, when a command runs" if here == "cli" and not at_once else here
            allowed = ALLOWED[rule]
            for target in sorted(wanted):
                inside = room(target) == here
                named = any(target == f"acga.{other}" or target.startswith(f"acga.{other}.") for other in allowed)
                fits = inside or room(target) in allowed or named
                if here == "synthetic" and room(target) == "core":
                    fits = any(target == other or target.startswith(f"{other}.") for other in OF_THE_CORE_FOR_SYNTHETIC)
                if not fits or (target == "acga.cli" and name != "acga.cli"):
                    lines.append(f"{name} imports {target}")
    return lines


def test_imports_point_one_way() -> None:
    assert broken_rules(ROOT / "acga") == []


def test_no_module_waits_for_itself() -> None:
    known = modules(ROOT / "acga")
    graph = {name: imports(name, path, known)[0] & set(known) - {name} for name, path in known.items() if name != "acga"}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph)  # raises CycleError on a circle


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("losses.py", "from .plots import charts"),
        ("model/decoder.py", "from ..synthetic.scene import Scene"),
        ("data/a2d.py", "import acga.study.claims"),
        ("plots/charts.py", "from ..widgets import QueryDemo"),
        ("synthetic/scene.py", "from ..training import train"),
        ("study/tables.py", "from ..cli import main"),
        ("cli.py", "from .study import run"),
    ],
)
def test_a_forbidden_import_is_named(file: str, line: str, tmp_path: Path) -> None:
    for path in modules(ROOT / "acga").values():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    changed = tmp_path / "acga" / file
    changed.write_text(changed.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    before, after = broken_rules(ROOT / "acga"), broken_rules(tmp_path / "acga")
    module = "acga." + file.removesuffix(".py").replace("/", ".")
    assert len(after) == len(before) + 1 and any(found.startswith(f"{module} imports") for found in set(after) - set(before))
