"""ARCHITECTURE.md is a short tour, and its floors are those that the include checker enforces; files that it and the decisions name are there."""
import re

import pytest

from conftest import ROOT
from includes import FLOORS

PAGE = (ROOT / "ARCHITECTURE.md").read_text()
PAGES = [ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_it_is_short():
    assert PAGE.count("\n") <= 250


@pytest.mark.parametrize("folder", sorted(FLOORS))
def test_floor_is_in_the_table(folder):
    row = re.search(rf"^\| `{folder}/` \| ([^|]+) \|", PAGE, re.M)
    assert row, f"no row for {folder}/"
    allowed = {name.split("/")[-1] for name in FLOORS[folder][0]}
    told = set(re.findall(r"\b(base|model|loop|ipc|store|metrics|config)\b", row[1]))
    assert told == allowed


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert not [t for t in targets if not (page.parent / t).exists()]


def test_named_files_exist():
    names = re.findall(r"`((?:core|ipc|store|metrics|keeper|daemon|cli|tests|docs)/[\w./-]+\.(?:h|cpp|py|md))`", PAGE)
    assert len(names) > 20
    assert not [n for n in names if not (ROOT / n).exists()]


def test_every_decision_is_in_the_index():
    index = (ROOT / "docs/adr/README.md").read_text()
    records = [p.name for p in (ROOT / "docs/adr").glob("0*.md")]
    assert len({name[:4] for name in records}) == len(records), "a number is given once"
    assert not [name for name in records if f"({name})" not in index]
