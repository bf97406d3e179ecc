"""The daemon's life as seen from the command line."""
import json
import os
import subprocess

import pytest

from harness import procs
from harness.roost import victim
from harness.wait import hold_for, wait_until


def test_kill_suspends(home):
    home.start("idle", name="app")
    pid = home.pid("app")
    home.ok("kill")
    assert not procs.alive(pid)
    wait_until(lambda: not home.processes(), 5, "nothing is left")
    home.ok("list")
    assert home.state("app") == "stopped" and "app" in home.ok("list").out
    hold_for(lambda: home.pid("app") == 0, 0.5, "list starts no app")
    home.ok("start", "app")
    assert home.state("app") == "online"


def test_kill_leaves_what_gave_up_as_it_is(home):
    assert home.run("start", "exit 3", "--name", "bad", "--no-autorestart").code == 6
    before = home.info("bad")
    assert (before["state"], before["reason"]) == ("errored", "exit code 3; autorestart is off")
    home.start("idle", name="app")
    home.ok("kill")
    home.ok("resurrect")
    after = home.info("bad")
    assert (after["state"], after["reason"]) == ("errored", before["reason"])
    assert home.state("app") == "online"


def test_kill_without_a_daemon(home):
    assert home.run("kill").code == 0
    assert not home.daemon_pid or not procs.alive(home.daemon_pid)


@pytest.mark.serial
def test_fifty_racing_clients_start_one_daemon(home):
    clients = [home.popen("ping", "--json") for _ in range(50)]
    answers = [(c.communicate(timeout=60), c.returncode) for c in clients]
    assert all(code == 0 for _, code in answers), [a for a in answers if a[1] != 0][:3]
    assert len({json.loads(out)["pid"] for (out, _), _ in answers}) == 1
    named = [procs.command(pid) for pid in home.processes()]
    assert sum(c.split()[0].endswith("roostd") for c in named) == 1 == sum(c.split()[0].endswith("roost-keeper") for c in named), named


def test_racing_starts_make_one_app(home):
    home.ok("ping")
    clients = [home.popen("start", victim("idle"), "--name", "app") for _ in range(10)]
    codes = [(c.communicate(timeout=60), c.returncode) for c in clients]
    assert all(code == 0 for _, code in codes), codes
    assert len(home.infos()) == 1
    assert len([p for p in home.processes() if procs.command(p).startswith(victim("idle"))]) == 1


def test_deep_home(make_home):
    home = make_home(deep=True)
    assert len(home.socket) > 108
    home.start("idle", name="app")
    home.wait_new_daemon(home.kill_daemon())
    assert home.state("app") == "online"
    assert home.ok("logs", "app").code == 0


def test_client_survives_the_daemons_death(home):
    home.start("slow_stop.sh", 1, home.work / "ready", name="slow")
    wait_until(lambda: (home.work / "ready").exists(), 5)
    stop = home.popen("stop", "slow")
    wait_until(lambda: home.state("slow") == "stopping", 5, "it is being stopped")
    home.kill_daemon()
    out, err = stop.communicate(timeout=30)
    assert stop.returncode == 0, (out, err)
    assert home.state("slow") == "stopped"


def test_stop_while_waiting_and_double_stop(home):
    home.run("start", "exit 1", "--name", "loop", "--no-wait")
    home.wait_state("loop", "waiting", 20)
    home.ok("stop", "loop")
    assert home.state("loop") == "stopped"
    again = home.ok("stop", "loop")
    assert "stopped" in again.out


def test_quiet_and_silent(home):
    assert home.ok("start", victim("idle"), "--name", "app", "--silent").out.strip() == ""


def test_relative_start_uses_the_callers_directory(home):
    inner = home.work / "inner"
    inner.mkdir()
    script = inner / "where.sh"
    script.write_text("pwd; exec sleep 1000\n")
    home.ok("start", "where.sh", cwd=inner)
    wait_until(lambda: home.log("where") == f"{inner}\n".encode(), 5, "its directory")


def test_binaries_find_each_other(home):
    """A copy elsewhere uses the copies beside it."""
    other = home.base / "copy"
    other.mkdir()
    for name in ("roost", "roostd", "roost-keeper"):
        subprocess.run(["cp", home.bin / name, other / name], check=True)
    home.bin = other
    home.ok("ping")
    assert os.readlink(f"/proc/{home.live_pid('daemon_pid')}/exe") == str(other / "roostd")
    assert os.readlink(f"/proc/{home.live_pid('keeper_pid')}/exe") == str(other / "roost-keeper")
