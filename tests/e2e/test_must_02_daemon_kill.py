"""kill -9 of the daemon is a non-event: no pid changes, no byte is lost, doubled or torn, no request fails, every exit is recorded once
with its true status, counters and uptimes go on. At random moments under load, and at every kill point."""
import random
import re
import select
import statistics
import subprocess
import time

import pytest

from harness import procs
from harness.load import Crashers, Web, Writers
from harness.roost import BIN_DIR, FULL, ROOT, victim
from harness.wait import wait_until

KILLS = 200 if FULL else 20
WRITERS, RATE = 6, 20_000


def measured_kill(home):
    """Seconds from the daemon's death until another daemon answers a list (recovery is complete then)."""
    old = home.kill_daemon()
    begin = time.monotonic()
    home.wait_new_daemon(old)
    return time.monotonic() - begin


def random_pause(generator):
    select.select([], [], [], generator.uniform(0.02, 0.6))


@pytest.mark.serial
def test_random_kills_under_load(release_home):
    home, generator = release_home, random.Random(20231)
    writers = Writers(home, WRITERS, RATE)
    crashers = Crashers(home, instances=4)
    web = Web(home)
    home.start("idle", name="idle")
    before, keeper = home.info("idle"), home.keeper_pid
    took = []
    try:
        for _ in range(KILLS):
            random_pause(generator)
            took.append(measured_kill(home))
            assert home.pids()[("idle", 0)] == before["pid"]
        web.check()
    finally:
        web.close()
    after = home.info("idle")
    assert home.keeper_pid == keeper
    assert (after["pid"], after["restarts"], after["started_ms"]) == (before["pid"], before["restarts"], before["started_ms"])
    assert after["uptime_ms"] > before["uptime_ms"] and after["state"] == "online"
    assert crashers.total() > 3 * 4, "the crashing apps have not crashed: the test proves nothing"
    crashers.check()
    assert writers.accepted() > KILLS * 1000, "the writers have not written: the test proves nothing"
    writers.check()
    print(f"supervised again: median {statistics.median(took) * 1000:.0f} ms, max {max(took) * 1000:.0f} ms over {KILLS} kills")
    assert statistics.median(took) <= 0.100, f"supervision resumed after {took}"


@pytest.mark.full
@pytest.mark.serial
def test_a_thousand_kills_under_load(release_home):
    home, generator = release_home, random.Random(7)
    writers, crashers = Writers(home, WRITERS, RATE // 4), Crashers(home, instances=4)
    for _ in range(1000):
        random_pause(generator)
        measured_kill(home)
    crashers.check()
    writers.check()


def kill_points():
    """Names of every kill point in the sources of keeper and daemon side: kill_point("name")."""
    names = set()
    for folder in ("core", "daemon", "store", "keeper"):
        for path in sorted((ROOT / folder).rglob("*.cpp")):
            names |= set(re.findall(r'kill_point\("([^"]+)"\)', path.read_text()))
    return sorted(names)


def test_there_are_kill_points():
    assert kill_points(), "no kill point found in the sources"


# Passed by a keeper that has no daemon, or one that knows nothing yet.
BOTH_ARE_LOST = ("keeper.drained", "keeper.spawned", "keeper.hand-over")


def exercise(home):
    """Every step that has a kill point: spawn, exit, restart, stop, store, log file, specs, delete. Commands may see the daemon die."""
    home.run("start", "/bin/sh", "--name", "brief", "--interpreter", "none", "--no-autorestart", "--no-wait", "--", "-c", "echo out; echo err >&2; exit 5")
    home.run("restart", "steady")
    home.run("stop", "spare")
    home.run("start", "spare")
    home.run("delete", "spare")
    home.run("list")


BUSY = ("lines", str(20 << 20))


def check_busy(home):
    wanted = subprocess.run([victim("blob"), *BUSY], stdout=subprocess.PIPE, check=True).stdout
    wait_until(lambda: len(home.log("busy")) >= len(wanted), 20, "all of the busy app's output")
    assert home.log("busy") == wanted


def prepare(home, point, once):
    """What some points need besides: a child that holds the output open for longer than the exit gate; a terminal; an app that fills its pipe; a
    hand-over of several windows."""
    if point.startswith("pump.relay"):
        home.run("start", victim("blob"), "--name", "busy", "--no-autorestart", "--no-wait", "--", *BUSY)
        wait_until(lambda: not once.exists(), 5, "its output goes by way of the relay")
    if point == "pump.gate":
        home.run("start", "/bin/sh", "--name", "held", "--interpreter", "none", "--no-autorestart", "--no-wait", "--",
                 "-c", "trap '' TERM; sleep 1 & exit 5")
        wait_until(lambda: not once.exists(), 5, "the gate closes")
    if point == "pump.fed":
        home.run("start", "echo on a terminal; exec sleep 1000", "--name", "terminal", "--tty", "--no-wait")
        wait_until(lambda: not once.exists(), 5, "its output is moved")
    if point == "keeper.hand-over":
        home.run("start", BIN_DIR / "victims/idle", "--name", "many", "-i", "20", "--no-wait")


@pytest.mark.parametrize("point", kill_points() or ["none"])
def test_death_at_every_kill_point(make_home, point):
    home = make_home(bin_dir=BIN_DIR)
    once = home.base / "die-once"
    home.extra_env |= {"ROOST_DIE_AT": point, "ROOST_DIE_ONCE": str(once)}
    writers = Writers(home, 2, 2000)
    for name in ("steady", "spare"):
        home.start("idle", home.work / f"{name}.runs", name=name)
    crashers = Crashers(home, instances=1)
    first = (home.live_pid("daemon_pid"), home.live_pid("keeper_pid"))
    once.touch()
    prepare(home, point, once)
    exercise(home)
    if once.exists() and not reached_at_take_over(home, once):
        pytest.skip(f"kill point {point} is not on the way of this test")
    wait_until(lambda: home.run("ping").code == 0, 10, "a daemon answers again")
    in_a_child = (home.live_pid("daemon_pid"), home.live_pid("keeper_pid")) == first
    home.wait_state("steady", "online")
    assert one_copy_each(home), "a second copy of an app"
    keeper_died = home.live_pid("keeper_pid") != first[1]
    crashers.check(unknown_allowed=keeper_died, unborn=int(in_a_child), missing_allowed=int(point in BOTH_ARE_LOST))
    brief = home.exits("brief")
    # A client repeats `start` when the daemon dies before it answers; what has ended by then is started anew.
    assert len(brief) <= 2 and all(e["status"].get("code") == 5 or keeper_died or in_a_child for e in brief), brief
    writers.check()
    if point.startswith("pump.relay"):
        check_busy(home)


def reached_at_take_over(home, once):
    """Points of the hand-over are passed by a daemon that takes over."""
    home.kill_daemon()
    wait_until(lambda: not once.exists() or home.run("ping").code == 0, 10, "taken over, or dead at the point")
    return not once.exists()


def one_copy_each(home):
    pids = {pid for pid in home.pids().values() if pid}
    apps = {pid for pid in home.processes() if procs.command(pid).startswith(str(BIN_DIR / "victims"))}
    return wait_until(lambda: {p for p in apps if procs.alive(p)} <= {p for p in home.pids().values() if p}, 5, f"{apps} are all in {pids}")
