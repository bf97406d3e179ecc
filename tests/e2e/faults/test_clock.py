"""F13: the wall clock jumps by a day forwards, and by two days back. Keeper and daemon really see these jumps (wall_clock.py); the machine does
not. What is in hand when it jumps (a wait, a stop, a start, a connection) takes the time it should, and no time shown is negative."""
import re
import time

import pytest

from harness import procs
from harness.wait import wait_until
from wall_clock import DAY, RoostClocks, can_shift

BACK = pytest.param(-2 * DAY, id="two_days_back")
FEWER = [pytest.param(DAY, id="a_day_on", marks=pytest.mark.full), BACK]
JUMPS = [pytest.param(DAY, id="a_day_on"), BACK]
NEGATIVE = re.compile(r"(?<![\w.-])-\d+(\.\d+)?\s*(ms|s|m|h|d)\b")
pytestmark = [pytest.mark.root, pytest.mark.skipif(not can_shift(), reason="x86-64 and root only")]


def runs(record):
    return [line.split() for line in record.read_text().splitlines()] if record.exists() else []


def uptimes(home):
    return {i["name"]: i["uptime_ms"] for i in home.infos()}


@pytest.fixture
def jump(home):
    """jump(seconds): from now on, for keeper and daemon, it is so much later than it is."""
    home.start("idle", name="app", options=["--no-wait"])
    clocks = RoostClocks(home)
    return clocks.shift


@pytest.mark.parametrize("seconds", JUMPS)
def test_f13_uptime_goes_on(home, jump, seconds):
    home.wait_state("app", "online")
    before, begin = uptimes(home)["app"], time.monotonic()
    jump(seconds)
    after = uptimes(home)["app"]
    assert 0 <= after - before <= (time.monotonic() - begin) * 1000 + 50, (before, after)
    home.start("idle", name="later")
    seen = home.info("later")["started_ms"] / 1000 - time.time() - seconds
    assert abs(seen) < 5, f"the daemon has not seen the jump: the test proves nothing ({seen})"
    assert 500 <= uptimes(home)["later"] < 10_000
    home.wait_new_daemon(home.kill_daemon())  # the next one sees the true time again: a jump once more
    later = uptimes(home)["app"]
    assert after <= later <= (time.monotonic() - begin) * 1000 + before + 50
    told = home.ok("list").out + home.ok("describe", "all").out
    assert not NEGATIVE.search(told), told


@pytest.mark.parametrize("seconds", FEWER)
def test_f13_waits_take_as_long_as_they_should(home, jump, seconds):
    record = home.work / "runs"
    home.start("crash", "exit", 1, record, 1100, name="loop", options=["--no-wait", "--restart-delay", "600ms"])
    wait_until(lambda: len(runs(record)) == 2, 10, "the first run has ended")
    jump(seconds)
    wait_until(lambda: len(runs(record)) >= 4, 10, "one more run")
    ends = [int(e) for _, _, e in runs(record) if e != "-"]
    begins = [int(b) for _, b, e in runs(record) if e == "-"]
    gaps = [(b - e) / 1e6 for e, b in zip(ends, begins[1:])]
    assert all(580 <= gap <= 1600 for gap in gaps), gaps


@pytest.mark.parametrize("seconds", FEWER)
def test_f13_a_stop_ends_in_time(home, jump, seconds):
    home.start("stubborn", name="stubborn", options=["--kill-timeout", "1s"])
    with procs.Held(home.pid("stubborn")) as held:
        begin = time.monotonic()
        stop = home.popen("stop", "stubborn")
        wait_until(lambda: home.state("stubborn") == "stopping", 5, "it is being stopped")
        jump(seconds)
        held.wait_gone(10)
        took = time.monotonic() - begin
        _, err = stop.communicate(timeout=10)
    assert stop.returncode == 0, err
    assert 0.9 <= took <= 2.5, f"dead after {took:.2f} s"


@pytest.mark.parametrize("seconds", FEWER)
def test_f13_nobody_is_taken_for_hung_or_dead(home, jump, seconds):
    """The watchdog, the back-off, sessions and the store: all go on through both edges of the jump."""
    home.wait_state("app", "online")  # told before anybody follows
    daemon, keeper = home.daemon_pid, home.keeper_pid
    follower = home.popen("events", "-f", "-n", "0", "--json")
    try:
        with home.connect() as connection:
            wait_until(lambda: connection.call("daemon.stats")["clients"] == 2, 5, "it follows")
            jump(seconds)
            home.ok("restart", "app")
            jump(0)
            home.ok("restart", "app")
            assert connection.call("daemon.ping")["pid"] == daemon
            assert connection.call("daemon.ping")["uptime_ms"] >= 0
        assert follower.poll() is None
    finally:
        follower.terminate()
        events = [line for line in follower.communicate()[0].splitlines() if line]
    assert len(events) == 6
    assert (home.daemon_pid, home.keeper_pid) == (daemon, keeper)
    assert home.info("app")["restarts"] == 2
    assert all(e.get("ran_for_ms", 0) >= 0 for e in home.ok("events", "--json").json()["events"])


@pytest.mark.parametrize("seconds", FEWER)
def test_f13_a_run_of_a_second_is_not_shown_as_one_of_days(home, jump, seconds):
    jump(seconds)
    home.ok("restart", "app")
    jump(0)
    home.ok("restart", "app")
    wait_until(lambda: len(home.exits("app")) == 2, 10, "both exits are on record")
    shown = re.search(r"Last exits\n(.*?)\n\n", home.ok("describe", "app").out, re.S).group(1)
    assert not NEGATIVE.search(shown), shown
    assert not re.search(r"\b\d+(d|h)\b", shown), f"both ran for about a second:\n{shown}"


@pytest.mark.parametrize("seconds", [BACK])
def test_f13_output_stays_in_order(home, jump, seconds):
    home.ok("start", "/bin/sh", "--name", "talk", "--interpreter", "none", "--",
            "-c", "i=0; while :; do i=$((i+1)); echo $i; echo $((i+1)) >&2; i=$((i+1)); sleep 0.02; done")
    wait_until(lambda: home.log("talk").count(b"\n") > 10, 5, "it has written")
    jump(seconds)
    count = home.log("talk").count(b"\n")
    wait_until(lambda: home.log("talk").count(b"\n") > count + 10, 5, "it writes on")
    numbers = [int(line.split()[-1]) for line in home.ok("logs", "talk", "-n", "1000").out.splitlines()]
    assert len(numbers) > 40 and numbers == sorted(numbers)
