"""The README says what results/ hold, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_tables_are_made_from_results() -> None:
    found = subprocess.run([sys.executable, str(ROOT / "benchmarks" / "tables.py"), "--check"], check=False)
    assert found.returncode == 0, "README.md differs from results/: run python benchmarks/tables.py"
