"""Folders are floors: lower ones never include upper ones, floor 2 never sideways, and third-party headers stay where they belong."""
import re

import pytest

from conftest import ROOT
from includes import FLOORS, INCLUDE, ONE_FILE, violations


def sources(folder):
    return [p for suffix in ("*.h", "*.cpp", "*.inl") for p in sorted((ROOT / folder).rglob(suffix))]


@pytest.mark.parametrize("folder", FLOORS)
def test_folder_keeps_to_its_floor(folder):
    files = sources(folder)
    if not files and folder == "metrics":
        pytest.skip("not built yet")
    assert files, f"no source in {folder}"
    found = [v for p in files for v in violations(str(p.relative_to(ROOT)), p.read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path,text", [
    ("core/base/x.cpp", '#include "core/model/ids.h"'), ("core/model/x.cpp", '#include "core/loop/loop.h"'), ("ipc/x.h", '#include "daemon/daemon.h"'),
    ("store/x.cpp", '#include "ipc/frame.h"'), ("metrics/x.cpp", '#include "store/store.h"'), ("keeper/x.cpp", '#include "core/base/result.h"'),
    ("keeper/x.cpp", "#include <fmt/format.h>"), ("daemon/x.cpp", '#include "keeper/table.h"'), ("daemon/x.cpp", "#include <CLI/CLI.hpp>"),
    ("cli/x.cpp", "#include <uv.h>"), ("cli/x.cpp", '#include "store/store.h"'), ("core/model/x.cpp", "# include <uv.h>"), ("ipc/x.cpp", "#include <sqlite3.h>")])
def test_the_checker_sees_violations(path, text):
    assert violations(path, text)


def test_the_checker_allows_what_is_allowed():
    assert not violations("daemon/x.cpp", '#include "keeper/protocol.h"\n#include "ipc/frame.h"\n#include <vector>\n')


@pytest.mark.parametrize("header,folder,limit", [(h, *v) for h, v in ONE_FILE.items()])
def test_heavy_headers_stay_in_few_files(header, folder, limit):
    users = [str(p.relative_to(ROOT)) for f in FLOORS for p in sources(f) if any(n.startswith(header) for _, n in INCLUDE.findall(p.read_text()))]
    assert all(u.startswith(folder + "/") for u in users), users
    assert len(users) <= limit, users


def test_file_sizes():
    """Above 400 lines a file has to be split (generated tables are exempt)."""
    long = {str(p.relative_to(ROOT)): n for f in FLOORS for p in sources(f) if (n := p.read_text().count("\n")) > 400 and p.suffix != ".inl"}
    assert not long, long


def test_no_todo_and_no_sleep():
    found = []
    for folder in (*FLOORS, "tests/unit", "tests/e2e"):
        for path in [*sources(folder), *sorted((ROOT / folder).rglob("*.py"))]:
            text = path.read_text()
            if re.search(r"\bTODO\b|\bFIXME\b|\bXXX\b", text):
                found.append(f"{path.relative_to(ROOT)}: TODO")
            if folder.startswith("tests/") and not path.name.startswith("fake_") and re.search(r"\btime\.sleep\(|\busleep\(|sleep_for\(|[^_a-z]sleep\(\d", text):
                found.append(f"{path.relative_to(ROOT)}: sleeps")
    assert not found, "\n".join(found)
