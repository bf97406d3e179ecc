"""Stop ends the whole tree, whatever its processes did to get away; and in time."""
import signal
import time

import pytest

from harness import procs
from harness.wait import wait_until

KINDS = {"main", "plain", "setsid", "daemon", "bare"}


def family(home, name, *mode):
    record = home.work / f"{name}.tree"
    home.start("tree", record, *mode, name=name)
    members = {}

    def complete():
        members.clear()
        for line in record.read_text().splitlines():
            kind, pid = line.split()
            members.setdefault(kind, []).append(int(pid))
        return set(members) == KINDS and len(members["bare"]) == 2

    wait_until(lambda: record.exists() and complete(), 10, "the family is complete")
    pids = [pid for group in members.values() for pid in group]
    home.strays += pids
    assert all(procs.alive(pid) for pid in pids)
    return pids


def living(pids):
    return [(pid, procs.command(pid)) for pid in pids if procs.alive(pid)]


@pytest.mark.parametrize("word", ["stop", "delete", "kill"])
def test_nobody_escapes(home, word):
    pids = family(home, "tree")
    others = family(home, "other") if word != "kill" else []
    home.ok(word, *([] if word == "kill" else ["tree"]))
    assert not living(pids), f"after {word}"
    assert len(living(others)) == len(others), "a stranger was killed"


def test_nobody_escapes_after_a_daemon_death(home):
    pids = family(home, "tree")
    home.wait_new_daemon(home.kill_daemon())
    home.ok("stop", "tree")
    assert not living(pids)


def test_nobody_escapes_a_restart(home):
    pids = family(home, "tree")
    home.ok("restart", "tree")
    assert not living(pids)
    home.strays += [int(line.split()[1]) for line in (home.work / "tree.tree").read_text().splitlines()]


def test_family_that_ignores_sigterm_is_killed_and_counted(home):
    pids = family(home, "tree", "stubborn")
    reply = home.ok("stop", "tree", "--json").json()["outcomes"][0]
    assert not living(pids)
    assert reply["killed"] >= len(pids) - 1, reply


@pytest.mark.serial
@pytest.mark.parametrize("seconds", [1, 3])
def test_ignored_sigterm_ends_within_kill_timeout(home, seconds):
    home.start("stubborn", name="stubborn", options=["--kill-timeout", f"{seconds}s"])
    with procs.Held(home.pid("stubborn")) as held:
        begin = time.monotonic()
        stop = home.popen("stop", "stubborn", "--json")
        held.wait_gone(seconds + 5)
        took = time.monotonic() - begin
        out, err = stop.communicate(timeout=10)
    assert seconds * 0.9 <= took <= seconds + 0.5, f"dead after {took:.2f} s"
    assert stop.returncode == 0, err
    assert b'"killed"' in out
    exits = home.exits("stubborn")
    assert exits[0]["status"]["signal"] == int(signal.SIGKILL)


def test_polite_app_needs_no_sigkill(home):
    home.start("idle", name="idle")
    outcome = home.ok("stop", "idle", "--json").json()["outcomes"][0]
    assert outcome.get("killed", 0) == 0 and outcome.get("processes", 1) >= 1
    assert home.exits("idle")[0]["status"]["signal"] == int(signal.SIGTERM)
    assert home.state("idle") == "stopped"


@pytest.mark.serial
def test_apps_are_stopped_in_parallel(home):
    names = [f"s{i}" for i in range(6)]
    record = home.work / "ready"
    for name in names:
        home.start("slow_stop.sh", 1, record, name=name)
    wait_until(lambda: record.exists() and len(record.read_text().split()) == 6, 10, "all are ready")
    begin = time.monotonic()
    home.ok("stop", "all")
    assert time.monotonic() - begin < 4, "six stops of a second each took longer than four"
