"""When an app is restarted, and how it is stopped: restart, stop_exit_codes, max_restarts N/TIME, exp_backoff_restart_delay, stop_signal, kill_mode."""
import os
import signal

from harness import procs
from harness.wait import hold_for, wait_until


def count(home, name):
    return len(home.exits(name))


def decisions(home, name):
    return [e.get("decision", "") for e in home.exits(name)]


def test_on_failure_restarts_what_fails_and_leaves_what_has_finished(home):
    home.ok("start", "exit 0", "--name", "good", "--restart", "on-failure")
    home.run("start", "exit 3", "--name", "bad", "--restart", "on-failure", "--no-wait")
    home.start("idle", name="killed", options=["--restart", "on-failure"])
    before = home.pid("killed")
    os.kill(before, signal.SIGTERM)
    wait_until(lambda: home.pid("killed") not in (0, before), 20, "a signal is a failure")
    wait_until(lambda: count(home, "bad") >= 2, 20, "an exit code is a failure")
    wait_until(lambda: home.state("good") == "stopped", 20, "finished")
    assert decisions(home, "good") == ["exit code 0; restarts on failure only"]


def test_what_ends_by_request_says_so(home):
    home.start("idle", name="app")
    home.ok("restart", "app")
    home.ok("stop", "app")
    wait_until(lambda: decisions(home, "app") == ["stopped by request", "restarted by request"], 20, "both ends are on record")


def test_stop_exit_codes_are_a_wanted_end(home):
    home.ok("start", "exit 42", "--name", "done", "--stop-exit-codes", "0 42")
    wait_until(lambda: home.state("done") == "stopped", 20, "stopped, not errored")
    assert home.info("done")["reason"] == "exit code 42; one of stop_exit_codes"
    home.run("start", "exit 41", "--name", "crash", "--stop-exit-codes", "0 42", "--no-wait")
    wait_until(lambda: count(home, "crash") >= 2, 20, "another code is a crash")


def test_max_restarts_in_a_span(home):
    home.run("start", "exit 5", "--name", "app", "--max-restarts", "2/10m", "--no-wait")
    home.wait_state("app", "errored", 30)
    assert home.info("app")["reason"] == "max_restarts 2 in 600s reached: 3 exits"
    assert "at most 2 times in 10m" in home.ok("describe", "app").out
    assert home.run("start", "exit 5", "--max-restarts", "2/x").code == 2


def test_the_span_is_counted_on_by_a_new_daemon(home):
    home.start("idle", name="app", options=["--max-restarts", "2/10m"])
    for left in (1, 0):
        before = home.pid("app")
        os.kill(before, signal.SIGKILL)
        wait_until(lambda p=before: home.pid("app") not in (0, p), 30, f"{left} restarts are left")
        home.wait_new_daemon(home.kill_daemon())
    os.kill(home.pid("app"), signal.SIGKILL)
    home.wait_state("app", "errored", 30)


def test_exponential_delays_as_told(home):
    home.run("start", "exit 1", "--name", "app", "--exp-backoff-restart-delay", "50", "--no-wait")
    wait_until(lambda: count(home, "app") >= 4, 30, "four exits")
    told = [d.split("next try in ")[1] for d in decisions(home, "app")][::-1]
    assert told[:4] == ["50ms", "100ms", "200ms", "400ms"], told


def test_stop_signal(home):
    script = home.work / "app.sh"
    script.write_text('trap "echo got INT; exit 0" INT\ntrap "echo got TERM" TERM\necho ready\nwhile :; do sleep 0.05; done\n')
    for name, word in (("by-name", "sigint"), ("by-number", "2")):
        home.ok("start", script, "--name", name, "--stop-signal", word)
        wait_until(lambda n=name: b"ready" in home.log(n), 10, "it listens")
        home.ok("stop", name)
        wait_until(lambda n=name: b"got INT" in home.log(n), 10, "its words")
        assert b"TERM" not in home.log(name)
    assert "SIGINT" in home.ok("describe", "by-name").out
    said = home.run("start", script, "--stop-signal", "NOPE")
    assert said.code == 2 and "--stop-signal" in said.err


def test_without_treekill_only_the_first_process_is_stopped(home):
    """What it leaves behind lives on, and is nobody's any more; its next run is not disturbed."""
    child = home.work / "child"
    script = home.work / "app.sh"
    script.write_text(f'sleep 1000 & echo $! > {child}\necho up\nwait\n')
    home.ok("start", script, "--name", "app", "--no-treekill")
    wait_until(lambda: b"up" in home.log("app") and child.read_text().strip(), 10, "its child")
    left = int(child.read_text())
    home.strays.append(left)
    told = home.ok("stop", "app").out
    assert "needed SIGKILL" not in told and procs.alive(left), told
    home.ok("start", "app")
    assert procs.alive(left) and home.state("app") == "online"
    home.ok("stop", "app")
    for pid in {left, int(child.read_text())}:
        home.strays.append(pid)
        os.kill(pid, signal.SIGKILL)


def test_without_treekill_sigkill_too_reaches_the_first_process_only(home):
    child = home.work / "child"
    script = home.work / "app.sh"
    script.write_text(f'trap "" TERM\nsleep 1000 & echo $! > {child}\necho up\nwhile :; do wait; done\n')
    home.ok("start", script, "--name", "app", "--no-treekill", "-k", "300ms")
    wait_until(lambda: b"up" in home.log("app") and child.read_text().strip(), 10, "its child")
    left = int(child.read_text())
    home.strays.append(left)
    pid = home.pid("app")
    told = home.ok("stop", "app").out
    assert "1 needed SIGKILL" in told and not procs.alive(pid) and procs.alive(left), told
    os.kill(left, signal.SIGKILL)


def test_the_rules_of_a_file(home):
    file = home.work / "roost.toml"
    file.write_text('[[apps]]\nname = "a"\nscript = "exit 7"\nstop_exit_codes = [7]\ntreekill = false\nstop_signal = "SIGQUIT"\n'
                    'max_restarts = "3/1h"\nexp_backoff_restart_delay = "1s"\nrestart = "on-failure"\n')
    home.ok("start", file)
    spec = home.describe("a")[0]["spec"]
    assert (spec["stop_exit_codes"], spec["kill_mode"], spec["stop_signal"]) == ([7], "process", 3)
    assert (spec["max_restarts"], spec["max_restarts_within"], spec["exp_backoff_restart_delay"], spec["restart"]) == (3, 3_600_000, 1000, "on-failure")
    wait_until(lambda: home.state("a") == "stopped", 20)
    hold_for(lambda: count(home, "a") == 1, 0.3)
