"""Restart after a crash: what is recorded is exactly what happened. (How quick it is: bench/run --only restart.)"""
import os
import resource
import signal

import pytest

from harness import procs
from harness.roost import victim
from harness.wait import wait_until

SIGNALS = [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1,
           signal.SIGBUS, signal.SIGFPE, signal.SIGXCPU, signal.SIGRTMIN + 3]


def truth(home, how, value):
    """What the kernel says about this crash, under the same limits and in the same directory."""
    pid = os.fork()
    if pid == 0:
        os.chdir(home.work)
        os.setsid()
        os.execv(victim("crash"), ["crash", how, str(value), str(home.work / "truth")])
    _, status = os.waitpid(pid, 0)
    return {"code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            "core": os.WCOREDUMP(status), "kind": "exited" if os.WIFEXITED(status) else "signaled"}


def recorded(home, how, value):
    home.run("start", victim("crash"), "--name", "x", "--no-autorestart", "--no-wait", "--", how, value, home.work / "runs")
    exits = wait_until(lambda: home.exits("x"), 10, "the exit is recorded")
    home.ok("delete", "x")
    assert len(exits) == 1
    status = {"code": 0, "signal": 0, "core": False, **exits[0]["status"]}
    return status


def test_exit_codes_are_exact(home):
    for code in (0, 1, 2, 7, 42, 126, 127, 128, 137, 139, 255):
        assert recorded(home, "exit", code) == {"kind": "exited", "code": code, "signal": 0, "core": False}


def test_signals_are_signals(home):
    for number in SIGNALS:
        status = recorded(home, "signal", int(number))
        assert (status["kind"], status["signal"], status["code"]) == ("signaled", int(number), 0), number


@pytest.mark.parametrize("limit", ["none", "unlimited"])
def test_core_flag_is_the_kernels(make_home, limit):
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if limit == "unlimited" and hard == 0:
        pytest.skip("cores are forbidden here")
    home = make_home()
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0 if limit == "none" else hard, hard))
    try:
        home.ok("ping")  # the daemon starts under this limit, and so do its apps
        for number in (signal.SIGSEGV, signal.SIGQUIT, signal.SIGKILL):
            assert recorded(home, "signal", int(number)) == truth(home, "signal", int(number)), number
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)


def test_a_signal_is_never_shown_as_code_0(home):
    home.run("start", victim("crash"), "--name", "segv", "--no-autorestart", "--no-wait", "--", "signal", 11, home.work / "runs")
    wait_until(lambda: home.exits("segv"), 10, "the exit is recorded")
    entry = home.jlist()[0]["pm2_env"]
    assert entry["exit_signal"] in (11, "SIGSEGV") and entry["exit_code"] != 0, entry
    assert "SIGSEGV" in home.ok("describe", "segv").out


def test_a_crash_gives_a_new_process(home):
    home.start("idle", home.work / "beacon", name="app")
    for count in range(1, 4):
        pid = home.pid("app")
        os.kill(pid, signal.SIGKILL)
        new = wait_until(lambda p=pid: home.pid("app") not in (0, p) and home.pid("app"), 10, "a new process")
        assert procs.alive(new) and not procs.alive(pid)
        assert home.info("app")["restarts"] == count
    home.wait_state("app", "online")
    lines = wait_until(lambda: (home.work / "beacon").read_text().splitlines(), 5)
    assert len(lines) == 4, "every start is one process"


def test_restarts_are_immediate_while_the_budget_lasts(home):
    """The process itself tells when it began: the gap between death and the next begin is measured by the two processes."""
    record = home.work / "runs"
    home.start("crash", "exit", 1, record, 1100, name="app", options=["--no-wait"])
    wait_until(lambda: record.exists() and sum(line.endswith("-") for line in record.read_text().splitlines()) >= 4, 20, "three restarts")
    begun, ended = [], []
    for line in record.read_text().splitlines():
        _, begin, end = line.split()
        (begun.append(int(begin)) if end == "-" else ended.append(int(end)))
    gaps = sorted(b - e for e, b in zip(ended, begun[1:]))
    assert gaps[len(gaps) // 2] < 100e6, f"gaps of {[g / 1e6 for g in gaps]} ms"


def test_restart_does_not_wait_for_a_grandchild_that_holds_stdout(home):
    """What a crashed run leaves behind is ended, and neither its open pipe nor its ending loses a word or holds up the next run."""
    record = home.work / "grandchildren"
    home.start("holder", record, 3, name="holder", options=["--no-wait"])
    wait_until(lambda: home.info("holder")["restarts"] >= 3, 10, "three restarts")
    home.ok("stop", "holder")
    exits = home.exits("holder")
    assert all(e["status"].get("code") == 3 for e in exits), exits
    wait_until(lambda: home.log("holder") == b"before the exit\n" * len(exits), 5, "all output is in the log")
    if record.exists():
        home.strays += [int(p) for p in record.read_text().split()]
    assert not [p for p in home.strays if procs.alive(p)]
