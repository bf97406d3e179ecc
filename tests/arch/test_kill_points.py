"""docs/design/kill-points.md and the sources name the same kill points, each once in the page's tables, each said in all columns."""
import re

from conftest import ROOT

PAGE = ROOT / "docs/design/kill-points.md"
FOLDERS = ("core", "ipc", "store", "metrics", "keeper", "daemon", "cli")


def in_sources():
    places = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.cpp")) + sorted((ROOT / folder).rglob("*.h")):
            for name in re.findall(r'kill_point\("([^"]+)"\)', path.read_text()):
                places.setdefault(name, []).append(str(path.relative_to(ROOT)))
    return places


def in_page():
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in PAGE.read_text().splitlines() if re.match(r"\| `", line)]
    return [(row[0].strip("`"), row[1:]) for row in rows]


def test_sources_and_page_name_the_same_points():
    sources, page = set(in_sources()), {name for name, _ in in_page()}
    assert len(sources) >= 30
    assert sources == page, f"not in the page: {sorted(sources - page)}; not in the sources: {sorted(page - sources)}"


def test_a_name_stands_once():
    names = [name for name, _ in in_page()]
    assert len(names) == len(set(names)), sorted(names)
    twice = {name: paths for name, paths in in_sources().items() if len(paths) > 1}
    assert not twice, f"a name must tell the place: {twice}"


def test_every_point_says_when_what_is_kept_and_what_happens():
    for name, cells in in_page():
        assert len(cells) == 3 and all(cells), f"{name}: {cells}"


def test_kill_points_are_not_in_the_product():
    release = (ROOT / "CMakePresets.json").read_text()
    line = next(part for part in release.splitlines() if '"name": "release", "inherits"' in part)
    assert "ROOST_KILL_POINTS" not in line
