"""The package is found from wherever Python is started."""

import subprocess
import sys
from pathlib import Path


def test_a_clone_named_acga_does_not_hide_the_package(tmp_path: Path) -> None:
    """In the folder above a clone, `import acga` would find the clone, a namespace without names."""
    (tmp_path / "acga" / "docs").mkdir(parents=True)
    code = "import acga; print(acga.ACGAConfig.__name__)"
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.stdout == "ACGAConfig\n", found.stderr
