"""What the binaries link: the CLI and the keeper are static, the keeper is linked with nothing of ours, the daemon with little."""
import re
import subprocess

import pytest

from conftest import ROOT


def needed(path):
    out = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", out))


def interpreter(path):
    return "INTERP" in subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", ["roost", "roost-keeper"])
def test_static(release_bin, name):
    assert needed(release_bin / name) == set() and not interpreter(release_bin / name)


def test_daemon_links_only_the_c_library(release_bin):
    names = needed(release_bin / "roostd")
    allowed = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libuv.so.1", "libsqlite3.so.0"}
    assert names <= allowed, names - allowed
    assert not any(n.startswith(("libstdc++", "libgcc_s", "libcurl", "libwebsockets", "libfmt", "libspdlog")) for n in names)


def test_lazy_initialisers_are_not_the_list_of_initialisers(release_bin):
    sections = subprocess.run(["readelf", "-SW", release_bin / "roost"], capture_output=True, text=True, check=True).stdout
    types = re.findall(r"\] (roost_\w+_init)\s+(\w+)", sections)
    assert all(kind == "PROGBITS" for _, kind in types), types


def cmake_link_list(target):
    """Everything a target links, transitively, from CMake's own graph of the asan or release build."""
    for preset in ("release", "asan", "dev"):
        build = ROOT / "build" / preset / "build.ninja"
        if build.exists():
            text = build.read_text()
            match = re.search(rf"^build bin/{re.escape(target)}:.*?(?=^build )", text, re.M | re.S)
            if match:
                return match[0]
    pytest.skip("nothing is built")


def test_keeper_links_nothing_of_ours():
    graph = cmake_link_list("roost-keeper")
    libraries = set(re.findall(r"\S*libroost_\w+\.a", graph)) - set(re.findall(r"\S*libroost_keeper\w*\.a", graph))
    assert not libraries, libraries
    assert not re.search(r"libuv|sqlite|spdlog", graph)


def test_cli_links_neither_libuv_nor_sqlite_nor_the_daemon():
    graph = cmake_link_list("roost")
    assert not re.search(r"libuv|sqlite3|libroost_(loop|store|metrics|daemon)", graph)


def test_daemon_does_not_link_the_cli_or_network_libraries():
    graph = cmake_link_list("roostd")
    assert not re.search(r"curl|websockets|libroost_cli|CLI11", graph)


def test_keeper_is_small(release_bin):
    code = [line for p in (ROOT / "keeper").glob("*.cpp") for line in p.read_text().splitlines() if not re.match(r"\s*(//|$)", line)]
    assert len(code) <= 1500, f"the keeper has {len(code)} lines of code"
    assert (release_bin / "roost-keeper").stat().st_size < 1_500_000
