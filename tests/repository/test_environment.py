"""The three lists of dependencies agree, and what is built from them holds the package's data."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from helpers.paths import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ALL = [Requirement(line) for line in sum(PROJECT["optional-dependencies"].values(), PROJECT["dependencies"])]
DIRECT = [requirement for requirement in ALL if requirement.name != "acga"]  # an extra may ask for another one
PINS = {
    canonicalize_name(name): version
    for name, version in (line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#"))
}
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
CONDA_PIP = next(part["pip"] for part in CONDA if isinstance(part, dict))


def brought_along(requirement: Requirement, seen: set[str]) -> Iterator[str]:
    """Canonical names of all that an installed package needs here."""
    for line in importlib.metadata.requires(requirement.name) or []:
        needed = Requirement(line)
        wanted = needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in requirement.extras or {""})
        if wanted and str(needed) not in seen:
            seen.add(str(needed))
            yield canonicalize_name(needed.name)
            yield from brought_along(needed, seen)


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda requirement: requirement.name)
def test_every_dependency_has_a_pin_within_its_range(requirement: Requirement) -> None:
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda requirement: requirement.name)
def test_all_that_a_dependency_brings_along_is_pinned(requirement: Requirement) -> None:
    assert set(brought_along(requirement, set())) <= set(PINS)


def test_environment_names_what_readers_look_for_and_takes_its_pins_from_the_constraints() -> None:
    named = {line for line in CONDA_PIP if not line.startswith("--")}
    assert named == {"torch", "jupyterlab", "ipywidgets", "matplotlib", "seaborn", "nbval", "numpy", "torchinfo"}
    assert named <= {requirement.name for requirement in DIRECT} & set(PINS)
    assert "--constraint constraints.txt" in CONDA_PIP
    (editable,) = (line.removeprefix("--editable ") for line in CONDA_PIP if line.startswith("--editable"))
    assert Requirement(editable.replace(".[", "acga[")).extras == {"train", "notebooks", "dev"}


def test_environment_and_ci_use_pythons_that_the_package_supports() -> None:
    supported = Requirement("python" + PROJECT["requires-python"]).specifier
    (conda_python,) = (part.removeprefix("python=") for part in CONDA if isinstance(part, str) and part.startswith("python="))
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested[0] == conda_python
    assert all(supported.contains(version) for version in tested)


def test_the_readme_says_what_ci_runs() -> None:
    block = (ROOT / "README.md").read_text().split("```sh\n", 1)[1].split("```", 1)[0]
    assert [line.split("#")[0].strip() for line in block.splitlines() if line.startswith("make ")] == ["make demo", "make test"]


def test_the_wheel_holds_code_types_and_data(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "acga", source / "acga", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(tmp_path),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = {Path(name) for name in wheel.namelist()}
    wanted = {path.relative_to(source) for path in (source / "acga").rglob("*") if path.is_file()}
    assert wanted <= packed, f"missing from the wheel: {sorted(map(str, wanted - packed))}"


def test_binder_installs_the_notebooks_at_the_pinned_versions() -> None:
    lines = (ROOT / ".binder" / "requirements.txt").read_text().splitlines()
    options = dict(line.split(" ", 1) for line in lines if line.startswith("--"))
    assert (ROOT / ".binder" / options["--constraint"]).resolve() == (ROOT / "constraints.txt").resolve()
    assert options["--extra-index-url"] in " ".join(CONDA_PIP)  # the same PyTorch for CPU only
    package = Requirement(options["--editable"].replace(".[", "acga["))
    assert package.extras == {"notebooks"} and package.extras <= set(PROJECT["optional-dependencies"])
    assert f"python={(ROOT / '.binder' / 'runtime.txt').read_text().strip().removeprefix('python-')}" in CONDA


def test_ci_names_systems_that_were_not_run_and_releases_what_passed() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert {"macos-latest", "windows-latest"} == set(jobs["other-systems"]["strategy"]["matrix"]["system"])
    assert "not run" in jobs["other-systems"]["name"]  # to be left out once they were
    assert jobs["release"]["needs"] == "test" and any(step.get("run") == ".ci/release" for step in jobs["release"]["steps"])
    assert os.access(ROOT / ".ci" / "release", os.X_OK) and os.access(ROOT / ".ci" / "run", os.X_OK)
