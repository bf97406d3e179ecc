"""roost wait and roost tree."""
import os
import select
import signal
import time

import pytest

from harness import procs
from harness.roost import victim
from harness.wait import wait_until


def waiting(home, *args):
    """A `roost wait` that has looked once and sleeps."""
    client = home.popen("wait", *args)
    wait_until(lambda: sockets(client.pid) == 2, 30, "it follows events and asks for states")
    wait_until(lambda: asleep(client.pid), 30, "it sleeps")
    return client


def asleep(pid):
    """It has done nothing for half a second."""
    def switches():
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return [line for line in file if "ctxt_switches" in line]
    before = switches()
    select.select([], [], [], 0.5)
    return procs.state(pid) == "S" and switches() == before


def sockets(pid):
    try:
        return sum(os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:") for name in os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def test_wait_for_ready(home):
    home.start("idle", name="a")
    assert "a is online" in home.ok("wait", "a").out
    assert home.ok("wait", "a", "--for", "ready", "--json").json()["instances"][0]["state"] == "online"
    assert home.run("wait", "nobody").code == 3 and home.run("wait", "a", "--for", "tea").code == 2
    home.ok("stop", "a")
    said = home.run("wait", "a", check=6)
    assert "'a' is stopped" in said.err
    client = home.popen("start", "a")
    wait_until(lambda: home.state("a") != "stopped", 10, "it starts")
    home.ok("wait", "a", "--timeout", "60s")
    client.communicate(timeout=30)


def test_wait_for_stopped_and_exit(home):
    home.start("idle", name="a")
    stopped = waiting(home, "a", "--for", "stopped", "--timeout", "60s")
    ended = waiting(home, "a", "--for", "exit", "--timeout", "60s")
    home.kill_daemon(signal.SIGKILL)
    home.ok("list")
    home.ok("stop", "a")
    assert stopped.wait(60) == 0 and ended.wait(60) == 0, (stopped.stderr.read(), ended.stderr.read())
    assert b"a is stopped" in stopped.stdout.read() and b"a has ended: SIGTERM" in ended.stdout.read()
    home.ok("wait", "a", "--for", "stopped")
    assert home.run("wait", "a", "--for", "exit").code == 6


def test_wait_looks_once_at_least(home):
    home.start("idle", name="a")
    for limit in ("0", "1", "1s"):
        assert "a is online" in home.ok("wait", "a", "--timeout", limit).out
        begin = time.monotonic()
        said = home.run("wait", "a", "--for", "stopped", "--timeout", limit, check=124)
        assert f"waited {'1s' if limit == '1s' else limit + 'ms'} for 'stopped'" in said.err and time.monotonic() - begin < 30


def test_wait_for_the_end_of_a_job_that_has_ended(home):
    home.ok("start", "exit 0", "--name", "quick", "--type", "job", "--no-autostart")
    assert home.run("wait", "quick", "--for", "exit").code == 6
    home.ok("start", "quick")
    assert "quick has ended: exit code 0" in home.ok("wait", "quick", "--for", "exit").out


def test_wait_ends_when_it_cannot_come(home):
    home.run("start", "exit 3", "--name", "bad", "--max-restarts", "2")
    said = home.run("wait", "bad", "--for", "ready", "--timeout", "60s", check=6)
    assert "'bad' is errored" in said.err and home.run("wait", "bad", "--json").code == 6
    home.start("idle", name="b")
    client = waiting(home, "b", "--for", "stopped", "--timeout", "60s")
    home.ok("delete", "b")
    assert client.wait(60) == 0


def test_wait_for_the_end_of_a_pause_between_tries(home):
    home.run("start", "exit 3", "--name", "slow", "--restart-delay", "1000s", "--no-wait")
    home.wait_state("slow", "waiting")
    client = waiting(home, "slow", "--for", "stopped", "--timeout", "60s")
    home.ok("stop", "slow")
    assert client.wait(60) == 0
    assert "stopped" in {e["event"] for e in home.ok("events", "slow", "--json").json()["events"]}


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_wait_gives_up_in_time(home, json):
    home.start("idle", name="a")
    said = home.run("wait", "a", "--for", "stopped", "--timeout", "300ms", *json, check=124)
    if json:
        assert said.json()["error"]["code"] == "timeout"
    else:
        assert "waited 300ms for 'stopped'" in said.err


def test_tree_shows_every_process(home):
    home.ok("start", "sleep 1000 & (setsid sleep 1001 &) ; sleep 1002", "--name", "a")
    home.start("idle", name="b")
    def tree():
        found = {i["name"]: i["processes"] for i in home.ok("tree", "--json").json()["instances"]}
        return found if len(found["a"]) == 4 else None
    found = wait_until(tree, 20, "four processes of a")
    assert found["a"][0]["pid"] == home.pid("a") and found["a"][0]["depth"] == 0
    assert {p["command"] for p in found["a"][1:]} == {"sleep 1000", "sleep 1001", "sleep 1002"}
    assert [p["command"] for p in found["a"] if p["detached"]] == ["sleep 1001"]
    assert all(p["memory"] > 0 and p["cpu"] >= 0 for p in found["a"]) and len(found["b"]) == 1
    said = home.ok("tree", "a").out
    assert "sleep 1002" in said and "sleep 1001 (detached)" in said and str(home.pid("a")) in said and victim("idle") not in said
    home.ok("stop", "all")
    assert home.ok("tree").out == ""
    assert home.run("tree", "nobody").code == 3
