"""docs/pm2-compat.md: every row has a verdict, every claim a test that exists."""
import re

import pytest

from conftest import ROOT

PAGE = (ROOT / "docs/pm2-compat.md").read_text()
TESTS = set(re.findall(r"^def (test_\w+)\(", "\n".join(p.read_text() for p in (ROOT / "tests/e2e").rglob("*.py")), re.M))


def rows():
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| of PM2")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_table_is_found():
    assert len(rows()) > 80


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_a_row_has_a_verdict_and_its_proof(row):
    what, verdict, how, proof = row
    assert verdict in ("same", "better", "not offered", "not yet"), what
    named = re.findall(r"`(test_\w+)`", proof)
    assert named or verdict in ("not offered", "not yet"), f"{what}: who proves it?"
    assert verdict != "not offered" or how, f"{what}: why not?"
    assert not [name for name in named if name not in TESTS], what
