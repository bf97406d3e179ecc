"""The restart policy as a user sees it: budget, back-off, and a reason in words for every decision."""
import os
import re
import signal

from harness import procs
from harness.wait import hold_for, wait_until


def runs(record):
    return [line.split() for line in record.read_text().splitlines()] if record.exists() else []


def begins(record):
    return [int(b) for _, b, end in runs(record) if end == "-"]


def test_quick_exits_use_up_the_budget_then_back_off(home):
    """A budget of 10; an exit within min_uptime costs 4: two restarts at once, then 100 ms doubling (with jitter)."""
    record = home.work / "runs"
    home.start("crash", "exit", 1, record, 0, name="app", options=["--no-wait"])
    wait_until(lambda: len(begins(record)) >= 7, 20, "seven runs")
    times = begins(record)
    gaps = [(b - a) / 1e6 for a, b in zip(times, times[1:])]
    assert max(gaps[:2]) < 90, f"the first restarts are immediate: {gaps}"
    later = gaps[3:]
    assert all(b > a * 1.1 for a, b in zip(later, later[1:])), f"the delays grow: {gaps}"
    assert gaps[5] > 300, gaps


def test_reason_in_words(home):
    record = home.work / "runs"
    home.start("crash", "exit", 1, record, 0, name="app", options=["--no-wait"])
    wait_until(lambda: len(begins(record)) >= 5, 20, "five runs")
    info = home.wait_state("app", "waiting", 20) and home.info("app")
    wait_until(lambda: re.search(r"exits? within 1s of start", home.info("app").get("reason", "")), 20, "the reason is in words")
    reason = home.info("app")["reason"]
    assert info and re.search(r"\d", reason)
    decisions = [e.get("decision", "") for e in home.exits("app")]
    assert all(decisions), "every exit has a decision"
    assert any("at once" in d or "immediately" in d or "restart" in d for d in decisions), decisions
    assert re.search(r"waiting", home.ok("list").out)


def test_back_off_survives_the_daemon(home):
    record = home.work / "runs"
    home.start("crash", "exit", 1, record, 0, name="app", options=["--no-wait"])
    wait_until(lambda: len(begins(record)) >= 6, 20, "six runs")
    before = home.info("app")
    home.wait_new_daemon(home.kill_daemon())
    after = home.info("app")
    assert after["restarts"] >= before["restarts"] >= 5
    count = len(begins(record))
    hold_for(lambda: len(begins(record)) <= count + 1, 0.4, "the new daemon goes on backing off")


def test_max_restarts_gives_up(home):
    record = home.work / "runs"
    home.start("crash", "exit", 4, record, 0, name="app", options=["--no-wait", "--max-restarts", "3"])
    home.wait_state("app", "errored", 20)
    assert len(begins(record)) == 4, "the first run and three restarts"
    assert "exit code 4" in home.info("app")["reason"] + home.ok("describe", "app").out
    hold_for(lambda: len(begins(record)) == 4, 0.5, "it stays down")
    home.run("start", "app")
    wait_until(lambda: len(begins(record)) >= 5, 10, "a start by hand begins anew")


def test_no_autorestart(home):
    home.run("start", "exit 0", "--name", "done", "--no-autorestart", "--no-wait")
    home.run("start", "exit 2", "--name", "failed", "--no-autorestart", "--no-wait")
    wait_until(lambda: home.exits("done") and home.exits("failed"), 10, "both have ended")
    hold_for(lambda: len(home.exits("done")) == 1 == len(home.exits("failed")), 0.3)
    assert home.state("done") == "stopped" and home.state("failed") in ("stopped", "errored")


def test_restart_delay(home):
    record = home.work / "runs"
    home.start("crash", "exit", 1, record, 1200, name="app", options=["--no-wait", "--restart-delay", "400ms"])
    wait_until(lambda: len(begins(record)) >= 3, 20, "three runs")
    ends = [int(e) for _, _, e in runs(record) if e != "-"]
    for end, begin in zip(ends, begins(record)[1:]):
        assert begin - end >= 390e6


def test_stop_during_back_off_and_restart_counters(home):
    home.start("idle", home.work / "beacon", name="app")
    for _ in range(2):
        pid = home.pid("app")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda p=pid: home.pid("app") not in (0, p), 10, "restarted")
    home.ok("restart", "app")
    assert home.info("app")["restarts"] == 3
    home.ok("stop", "app")
    home.ok("start", "app")
    assert home.state("app") == "online" and procs.alive(home.pid("app"))


def test_every_restart_is_one_process(home):
    record = home.work / "runs"
    home.start("crash", "exit", 1, record, 0, name="app", options=["--no-wait"])
    wait_until(lambda: len(begins(record)) >= 5, 20)
    home.ok("stop", "app")
    ended = len(begins(record))
    hold_for(lambda: len(begins(record)) == ended, 0.5, "stopped stays stopped")
    assert sorted(e["pid"] for e in home.exits("app")) == sorted(int(p) for p, _, end in runs(record) if end == "-")
