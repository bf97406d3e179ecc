"""F15: the home directory is deleted while everything runs."""
import os
import shutil
import signal

import pytest

from harness import procs
from harness.wait import hold_for, wait_until


def roosts(home, name):
    """Live processes of roost itself in this home, by the file they run."""
    commands = {pid: procs.command(pid).split() for pid in home.processes()}  # empty: it has just ended
    return sorted(pid for pid, words in commands.items() if words and os.path.basename(words[0]) == name)


def delete(directory):
    """As a whole, also while somebody writes into it."""
    def gone():
        shutil.rmtree(directory, ignore_errors=True)
        return not directory.exists()
    wait_until(gone, 10, f"{directory} is deleted")


def beacon_lines(path):
    return [int(line.split()[0]) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def lost(home):
    """A home with two apps, just deleted; what was running is ended by pid afterwards."""
    beacon = home.work / "beacon"
    home.start("idle", home.work / "other.beacon", name="other", options=["--no-wait"])
    home.start("idle", beacon, name="app", options=["--no-wait"])
    wait_until(lambda: len(beacon_lines(beacon)) == 1, 10, "the app runs")
    daemon, keeper = home.live_pid("daemon_pid"), home.live_pid("keeper_pid")
    first = home.pid("app")
    delete(home.path)
    yield home, beacon, first, daemon, keeper
    for ends in (lambda: roosts(home, "roost-keeper") + roosts(home, "roostd"), home.processes):  # first who starts others
        wait_until(lambda e=ends: not [os.kill(pid, signal.SIGKILL) for pid in e() if procs.alive(pid)], 10, "all are gone")


def test_f15_supervision_goes_on(lost):
    _, beacon, first, daemon, keeper = lost
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(beacon_lines(beacon)) == 2, 10, "restarted without a home")
    second = beacon_lines(beacon)[1]
    hold_for(lambda: procs.alive(second) and procs.alive(daemon) and procs.alive(keeper), 0.5, "everything lives")


def test_f15_socket_is_there_again_with_the_directory(lost):
    home, _, first, daemon, _ = lost
    home.path.mkdir(mode=0o700)
    wait_until(lambda: os.path.exists(home.socket), 5, "the socket is there again")
    answer = home.ok("ping", "--json").json()
    assert answer["pid"] == daemon
    assert home.pid("app") == first
    assert (roosts(home, "roostd"), len(roosts(home, "roost-keeper"))) == ([daemon], 1)


def test_f15_next_client_finds_the_same_daemon(lost):
    """Also one that is quicker than anybody who watches, and makes the directory itself."""
    home, _, first, daemon, _ = lost
    answer = home.run("list", "--json")
    assert answer.code == 0, answer
    assert roosts(home, "roostd") == [daemon], "a second daemon"
    assert {i["name"]: i.get("pid", 0) for i in answer.json()["instances"]}["app"] == first


def test_f15_no_app_runs_twice(lost):
    home, beacon, first, _, _ = lost
    home.run("start", "app")
    home.start("idle", beacon, name="app")
    assert beacon_lines(beacon) == [first], "a second copy"
    assert len(roosts(home, "roostd")) == 1 == len(roosts(home, "roost-keeper"))


def test_f15_output_and_state_are_written_again(lost):
    home, _, first, daemon, _ = lost
    home.path.mkdir(mode=0o700)
    wait_until(lambda: os.path.exists(home.socket), 5, "the socket is there again")
    home.ok("start", "/bin/sh", "--name", "talk", "--interpreter", "none", "--", "-c", "while :; do echo here; sleep 0.1; done")
    wait_until(lambda: home.log("talk"), 5, "its log")
    home.ok("save")
    home.wait_new_daemon(home.kill_daemon() if home.daemon_pid == daemon else daemon)
    assert home.pid("app") == first and home.state("talk") == "online"


def test_f15_socket_comes_back_while_everything_is_being_stopped(home):
    home.start("stubborn", name="slow", options=("--kill-timeout", "60s"))
    daemon, slow = home.live_pid("daemon_pid"), home.pid("slow")
    with home.popen("kill") as kill:
        home.wait_state("slow", "stopping")
        delete(home.path)
        home.path.mkdir(mode=0o700)
        wait_until(lambda: os.path.exists(home.socket), 10, "the socket is there again")
        assert home.ok("ping", "--json").json()["pid"] == daemon
        os.kill(slow, signal.SIGKILL)
        assert kill.wait(30) == 0, kill.stderr.read()
    wait_until(lambda: not home.leftovers(), 10, "all have ended")
