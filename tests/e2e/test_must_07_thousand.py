"""A thousand apps: as root, and as a user with a hard limit of 4,096 descriptors; or a clear refusal before anything is half done."""
import os
import resource
import shutil
import time

import pytest

from harness import procs
from harness.roost import victim
from harness.wait import wait_until

COUNT = 1000
pytestmark = pytest.mark.serial


def idle_of(home):
    """Copied beside the binaries where others run them."""
    copy = home.bin / "idle"
    return str(copy if copy.exists() else victim("idle"))


def start_thousand(home, **options):
    return home.run("start", idle_of(home), "--name", "many", "-i", COUNT, timeout=120, **options)


def check_thousand(home, **options):
    entries = home.run("jlist", check=0, **options).json()
    pids = {entry["pid"] for entry in entries}
    assert len(entries) == COUNT == len(pids) and all(entry["pm2_env"]["status"] == "online" for entry in entries)
    assert all(procs.alive(pid) for pid in pids)
    listed = home.run("list", "--json", check=0, **options).json()["instances"]
    assert {i["pid"] for i in listed} == pids
    return pids


def hand_over(home):
    old = home.kill_daemon()
    begin = time.monotonic()
    home.wait_new_daemon(old)
    return time.monotonic() - begin


def run_through(home, **options):
    begin = time.monotonic()
    started = start_thousand(home, **options)
    assert started.code == 0, started
    took = time.monotonic() - begin
    pids = check_thousand(home, **options)
    times = [hand_over(home) for _ in range(3)]
    assert check_thousand(home, **options) == pids
    print(f"{COUNT} apps: started in {took:.2f} s, hand-over {', '.join(f'{t * 1000:.0f}' for t in times)} ms")
    assert sorted(times)[1] <= 0.5, times
    home.run("stop", "all", check=0, timeout=120, **options)
    wait_until(lambda: not any(procs.alive(pid) for pid in pids), 10, "all are gone")


@pytest.mark.root
def test_thousand_as_root(release_home):
    run_through(release_home)


def limited(hard):
    def apply():
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return apply


@pytest.mark.root
def test_thousand_as_user_with_4096_descriptors(release_home, outsider):
    home = release_home
    copy_for_others(home)
    options = {"prefix": [*outsider, "env", f"HOME={home.base}"], "preexec_fn": limited(4096)}
    try:
        run_through(home, **options)
        limits = open(f"/proc/{home.daemon_pid}/limits", encoding="ascii").read()
        assert "4096" in [line.split()[4] for line in limits.splitlines() if line.startswith("Max open files")]
    finally:
        home.run("kill", timeout=60, **options)


def copy_for_others(home):
    """Binaries and directories that uid 65534 can reach; the checkout may be below a private directory."""
    target = home.base / "bin"
    shutil.copytree(home.bin, target, ignore=shutil.ignore_patterns("*_tests", "*_fuzz"))
    shutil.copy(victim("idle"), target / "idle")
    home.bin = target
    for path in (home.base, home.work, target):
        os.chown(path, 65534, 65534)
        os.chmod(path, 0o755)


@pytest.mark.root
def test_refused_when_descriptors_do_not_suffice(release_home, outsider):
    home = release_home
    copy_for_others(home)
    options = {"prefix": [*outsider, "env", f"HOME={home.base}"], "preexec_fn": limited(1024)}
    try:
        home.run("start", idle_of(home), "--name", "small", check=0, **options)
        refused = start_thousand(home, **options)
        assert refused.code not in (0, 5), refused
        assert "descriptor" in refused.err or "limit" in refused.err, refused
        instances = home.run("list", "--json", check=0, **options).json()["instances"]
        assert [i["name"] for i in instances] == ["small"], "something was half done"
        assert len([p for p in home.processes() if procs.command(p).startswith(idle_of(home))]) == 1
        assert home.run("list", **options).code == 0
        home.run("start", idle_of(home), "--name", "another", check=0, **options)
    finally:
        home.run("kill", timeout=60, **options)
