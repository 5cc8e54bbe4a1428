"""What completion offers, and that no public name of the package means two things."""

from __future__ import annotations

import ast
from collections import defaultdict

from helpers.paths import ROOT

import acga


def test_completion_offers_the_public_names_alone() -> None:
    assert set(dir(acga)) == {*acga.__all__, "data", "model", "video", "__version__"}
    assert all(getattr(acga, name) is not None for name in dir(acga))


def test_a_public_name_is_defined_once() -> None:
    places = defaultdict(list)
    for path in (ROOT / "acga").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
            if isinstance(node, ast.Assign):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            for name in names:
                if not name.startswith("_"):
                    places[name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_docstring_begins_with_a_noun_phrase_or_an_imperative() -> None:
    found = []
    for path in (ROOT / "acga").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.get_docstring(node) if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) else None
            if text and text.split()[0] in ("How", "What", "Where", "Who", "Why"):
                found.append(f"{path.relative_to(ROOT)}: {text.splitlines()[0]}")
    assert found == []


def test_a_field_of_a_configuration_has_its_help_where_the_command_line_finds_it() -> None:
    """A comment on its line or above it; where the formatter wraps a default in parentheses, the comment inside is lost."""
    for name in ("config", "options"):
        lines = (ROOT / "acga" / f"{name}.py").read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if line.startswith("    ") and ": " in line and line.endswith("= (")] == []
    tree, bare = ast.parse((ROOT / "acga" / "config.py").read_text(encoding="utf-8")), []
    lines = (ROOT / "acga" / "config.py").read_text(encoding="utf-8").splitlines()
    for node in [field for part in tree.body if isinstance(part, ast.ClassDef) for field in part.body]:
        if isinstance(node, ast.AnnAssign) and "#" not in lines[node.lineno - 1] and not lines[node.lineno - 2].lstrip().startswith("#"):
            bare.append(ast.unparse(node.target))
    assert bare == ["loss"]  # a group of fields that have theirs
