"""Where tests find the checkout, the golden numbers, and the real material that is not part of the repository."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
GOLDEN = TESTS / "golden"
SHARED = ROOT.parent / "shared"  # real films and sentences: tests that need them are skipped where it is absent
