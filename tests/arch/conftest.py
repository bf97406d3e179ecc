"""Architecture tests: the floors, the linked libraries, the coverage of the surface."""
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
sys.dont_write_bytecode = True


@pytest.fixture(scope="session")
def release_bin():
    path = Path(os.environ.get("ROOST_RELEASE_BIN_DIR", ROOT / "build/release/bin"))
    if not (path / "roostd").exists():
        pytest.skip(f"no release build in {path}")
    return path
