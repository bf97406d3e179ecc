"""The keeper's death, a hung daemon, and both dead at once: apps live on, there is never a second copy, and what cannot be known is said to
be unknown."""
import os
import signal
import time

import pytest

from harness import procs
from harness.load import Writers
from harness.roost import victim
from harness.wait import hold_for, wait_until


def copies(home, name):
    """Live processes of the victim `name` in this home."""
    return [pid for pid in home.processes() if procs.command(pid).startswith(victim(name))]


def test_keeper_killed(home):
    for i in range(5):
        home.start("idle", home.work / f"app{i}.runs", name=f"app{i}")
    before, daemon = home.pids(), home.daemon_pid
    old = home.kill_keeper()
    begin = time.monotonic()
    keeper = wait_until(lambda: home.keeper_pid not in (0, old) and procs.alive(home.keeper_pid) and home.keeper_pid, 5, "a new keeper", step=0.005)
    home.wait_new_daemon(-1)
    took = time.monotonic() - begin
    assert home.pids() == before
    assert all(procs.alive(pid) for pid in before.values())
    assert len(copies(home, "idle")) == 5
    assert home.ok("ping", "--json").json()["keeper_pid"] == keeper == procs.parent(home.daemon_pid), (daemon, keeper)
    assert took <= 1.0 * slack(home), f"back after {took:.2f} s"


def slack(home):
    """Sanitized binaries are slower; the promise is made for the real ones."""
    return 1 if "release" in str(home.bin) else 3


@pytest.mark.serial
def test_keeper_killed_release_in_a_second(release_home):
    test_keeper_killed(release_home)


def test_exit_after_keeper_death_is_exact_or_unknown(home):
    record = home.work / "runs"
    home.start("/bin/sh", "-c", f"echo $$ >>{record}; sleep 600 & wait; exit 9", name="app",
               options=["--interpreter", "none", "--no-autorestart"])
    pid = home.pid("app")
    home.kill_keeper()
    wait_until(lambda: home.run("ping").code == 0, 10, "service is back")
    os.kill(pid, signal.SIGKILL)
    exits = wait_until(lambda: home.exits("app"), 10, "the exit is recorded")
    assert len(exits) == 1 and exits[0]["pid"] == pid
    status = exits[0]["status"]
    assert status["kind"] in ("signaled", "unknown"), status
    assert status["kind"] != "signaled" or status["signal"] == 9
    listed = home.ok("list").out
    assert "exit code 0" not in listed and "exited 0" not in listed


@pytest.mark.serial
def test_stopped_daemon_is_replaced(release_home):
    home = release_home
    writers = Writers(home, 2, 2000)
    old = home.live_pid("daemon_pid")
    os.kill(old, signal.SIGSTOP)
    begin = time.monotonic()
    answer = home.run("ping", timeout=30)
    waited = time.monotonic() - begin
    if answer.code != 0:
        assert waited <= 5.5, f"the client waited {waited:.1f} s for a hung daemon"
        assert answer.code in (5, 124) and answer.err.strip(), answer
    home.wait_new_daemon(old, seconds=15)
    assert time.monotonic() - begin <= 15
    assert not procs.alive(old)
    writers.check()


def test_a_daemon_with_a_lone_app_is_looked_after(home):
    """Its run came by itself, long after the one before was acknowledged, and nobody has asked anything since."""
    (home.work / "lone.sh").write_text('if [ -e once ]; then : > again; exec sleep 1000; fi; : > once; exit 1\n')
    home.ok("start", home.work / "lone.sh", "--cwd", home.work, "--restart-delay", "9s", "--no-wait")
    wait_until((home.work / "again").exists, 30, "the second run")
    old = home.live_pid("daemon_pid")
    os.kill(old, signal.SIGSTOP)
    home.wait_new_daemon(old, seconds=25)


def test_client_of_a_hung_daemon_gets_an_error_in_5_seconds(make_home):
    home = make_home(env={"ROOST_WATCHDOG": "off"})
    home.ok("ping")
    pid = home.live_pid("daemon_pid")
    os.kill(pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        answer = home.run("list", timeout=30)
        assert time.monotonic() - begin <= 6
        assert answer.code in (5, 124) and "daemon" in answer.err, answer
        assert procs.alive(pid)
    finally:
        os.kill(pid, signal.SIGCONT)


def kill_both(home):
    keeper, daemon = home.live_pid("keeper_pid"), home.live_pid("daemon_pid")
    with procs.Held(keeper) as k, procs.Held(daemon) as d:
        os.kill(daemon, signal.SIGSTOP)
        os.kill(keeper, signal.SIGSTOP)
        k.kill()
        d.kill()
        k.wait_gone()
        d.wait_gone()


def test_both_killed_apps_are_found_again(home):
    writers = Writers(home, 2, 1000)
    home.start("idle", home.work / "idle.runs", name="idle")
    home.start("idle", home.work / "dies.runs", name="dies", options=["--no-autorestart"])
    dies = home.pid("dies")
    before = home.pids()
    kill_both(home)
    hold_for(lambda: all(procs.alive(p) for p in before.values()), 0.5, "apps live on alone")
    with procs.Held(dies) as held:
        held.kill_and_wait()
    after = {}
    wait_until(lambda: after.update(home.pids()) or after[("idle", 0)] == before[("idle", 0)], 10, "found again by the next command")
    assert len(copies(home, "idle")) == 1, home.infos()
    assert len(copies(home, "writer")) == 2
    assert after[("w0", 0)] == before[("w0", 0)] and after[("w1", 0)] == before[("w1", 0)]
    status = wait_until(lambda: home.exits("dies"), 10, "the exit that nobody saw is recorded")[0]["status"]
    assert status["kind"] == "unknown", f"nobody can know this status: {status}"
    assert home.info("dies")["state"] in ("stopped", "errored") and "unknown" in home.ok("describe", "dies").out
    for counter in writers.counters.values():
        assert counter.errors == 0 and counter.starts == 1
    begin = {n: c.accepted for n, c in writers.counters.items()}
    wait_until(lambda: all(c.accepted > begin[n] + 100 for n, c in writers.counters.items()), 10, "writers go on")
    home.ok("stop", "w0", "w1")


def test_a_stopped_keeper_is_continued(home):
    home.start("idle", name="app")
    pid, keeper = home.pid("app"), home.live_pid("keeper_pid")
    os.kill(keeper, signal.SIGSTOP)
    done = home.run("stop", "app", timeout=60)
    assert done.code == 0 and not procs.alive(pid) and home.keeper_pid == keeper, done
    assert home.exits("app")[0]["status"]["signal"] == signal.SIGTERM and "SIGCONT" in home.daemon_log()


@pytest.mark.full
def test_a_keeper_that_hangs_is_replaced(home):
    home.start("idle", name="app")
    home.start("idle", name="other")
    keeper, other = home.live_pid("keeper_pid"), home.pid("other")
    with procs.traced(keeper):
        done = home.run("stop", "app", timeout=100)
    assert done.code == 0 and home.keeper_pid != keeper and home.pid("other") == other, done


def test_a_command_that_waits_goes_on_when_both_were_killed(home):
    """Nobody else would start the pair: the command does."""
    home.start("stubborn", name="app", options=["--kill-timeout", "2s"])
    pid = home.pid("app")
    stop = home.popen("stop", "app")
    home.wait_state("app", "stopping")
    with procs.Held(pid) as held:
        kill_both(home)
        assert held.wait_gone(15) is not False
    out, err = stop.communicate(timeout=15)
    assert stop.returncode == 0 and home.state("app") == "stopped", (out, err)


def test_who_follows_does_not_start_what_was_ended(home):
    home.start("idle", name="app")
    follower = home.popen("events", "-f")
    assert b"added" in follower.stdout.readline(), "it follows"
    home.ok("kill")
    _, err = follower.communicate(timeout=15)
    assert follower.returncode == 5 and b"the daemon has ended" in err, err
    assert home.ok("kill").out.startswith("no daemon runs"), "nobody has started one"


def test_daemon_dies_while_keeper_is_stopped(home):
    """The keeper being slow does not lose an exit."""
    home.start("idle", home.work / "idle.runs", name="idle", options=["--no-autorestart"])
    pid, keeper = home.pid("idle"), home.live_pid("keeper_pid")
    os.kill(keeper, signal.SIGSTOP)
    os.kill(pid, signal.SIGSEGV)
    home_daemon = home.live_pid("daemon_pid")
    os.kill(home_daemon, signal.SIGKILL)
    os.kill(keeper, signal.SIGCONT)
    home.wait_new_daemon(home_daemon)
    exits = wait_until(lambda: home.exits("idle"), 10, "the exit is recorded")
    assert [e["pid"] for e in exits] == [pid] and exits[0]["status"]["signal"] == int(signal.SIGSEGV)


def test_clients_wait_while_there_is_no_daemon(home):
    """The keeper holds the listening socket: nobody is refused between two daemons."""
    home.start("idle", name="idle")
    keeper = home.live_pid("keeper_pid")
    for _ in range(2):  # the second daemon has its socket from the first
        os.kill(keeper, signal.SIGSTOP)
        try:
            os.kill(home.live_pid("daemon_pid"), signal.SIGKILL)
            waiting = home.connect(hello=False)
        finally:
            os.kill(keeper, signal.SIGCONT)
        waiting.call("hello", {"protocol": 1, "version": "test", "pid": os.getpid()})
        assert waiting.call("daemon.ping")["keeper_pid"] == keeper
        waiting.socket.close()


def test_what_a_dead_app_left_behind_is_ended_when_both_had_died(home):
    record = home.work / "children"
    home.start("/bin/sh", "-c", f"sleep 3000 & echo $! >>{record}; wait", name="app", options=["--interpreter", "none"])
    main, child = home.pid("app"), int(wait_until(lambda: record.exists() and record.read_text().strip(), 10, "it has a child"))
    home.strays.append(child)
    for pid in (home.keeper_pid, home.daemon_pid):
        os.kill(pid, signal.SIGKILL)
    os.kill(main, signal.SIGKILL)
    wait_until(lambda: not procs.alive(main), 10, "the app is dead")
    home.ok("list")
    wait_until(lambda: not procs.alive(child), 10, "the child of the dead run is ended")
    wait_until(lambda: len(record.read_text().split()) == 2, 10, "the app runs again")
    assert procs.alive(int(record.read_text().split()[1]))
