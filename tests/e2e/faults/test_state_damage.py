"""F14: the saved state is truncated, garbage, empty or gone."""
import os
import signal

import pytest

from deaths import kill_both
from harness import procs
from harness.roost import victim
from harness.wait import wait_until

KINDS = ["truncated", "garbage", "empty", "deleted"]
FEWER = [pytest.param(kind, marks=pytest.mark.full if kind in ("truncated", "empty") else ()) for kind in KINDS]


def damage(home, how, daemon_lives=False):
    """The write-ahead log would make the file whole again: it is lost as well, unless a daemon has it open."""
    path = home.path / "state.db"
    data = path.read_bytes()
    for file in home.path.glob("state.db-*"):
        if not daemon_lives or how == "deleted":
            file.unlink()
    if how == "deleted":
        path.unlink()
    else:
        path.write_bytes({"truncated": data[:len(data) // 2 + 100], "garbage": os.urandom(max(8192, len(data))), "empty": b""}[how])


def moved_aside(home):
    return bool(list(home.path.glob("state.db.corrupt-*")))


def check_cold_start(home, pids):
    kill_both(home)
    home.ok("list")
    wait_until(lambda: home.pids() == pids, 10, "a cold start finds everything: the file was made again from memory")


@pytest.mark.parametrize("how", FEWER)
def test_f14_damaged_before_a_take_over(home, how):
    home.start("idle", home.work / "a.runs", name="app", options=["-i", "2"])
    before = home.pids()
    with procs.Held(home.live_pid("daemon_pid")) as daemon:
        os.kill(daemon.pid, signal.SIGSTOP)
        damage(home, how)
        daemon.kill_and_wait()
    home.wait_new_daemon(daemon.pid)
    assert home.pids() == before and all(procs.alive(p) for p in before.values())
    assert moved_aside(home) or how != "garbage"
    os.kill(before["app", 0], signal.SIGKILL)
    wait_until(lambda: home.pid("app") not in (0, before["app", 0]), 10, "still supervised")
    home.ok("save")
    check_cold_start(home, home.pids())


@pytest.mark.parametrize("how", FEWER)
def test_f14_damaged_under_a_running_daemon(home, how):
    home.start("idle", home.work / "a.runs", name="app")
    pid = home.pid("app")
    damage(home, how, daemon_lives=True)
    home.start("idle", name="other")
    home.run("save")
    home.wait_new_daemon(home.kill_daemon())
    assert home.pid("app") == pid and home.state("other") == "online"
    home.ok("save")
    check_cold_start(home, home.pids())


@pytest.mark.parametrize("how", FEWER)
def test_f14_damaged_while_nothing_runs(home, how):
    home.start("idle", name="app")
    home.ok("kill")
    damage(home, how)
    home.ok("ping")
    assert moved_aside(home) == (how in ("truncated", "garbage"))
    home.run("start", victim("idle"), "--name", "app", check=0)
    assert home.state("app") == "online" and len(home.infos()) == 1


def test_f14_a_log_of_its_own_that_cannot_be_opened_stops_nothing(home):
    (home.path / "roostd.log").mkdir(mode=0o700, parents=True)
    home.path.chmod(0o700)
    home.start("idle", name="app")
    pid = home.pid("app")
    home.wait_new_daemon(home.kill_daemon())
    assert home.pid("app") == pid and home.state("app") == "online"
