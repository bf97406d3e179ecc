"""Kernels of 6.1 to 6.14, played on a newer one: what they lack is taken away from everything roost starts."""
import os
import signal

import pytest

from harness import procs, seccomp
from harness.wait import wait_until


def begin_without(home, program):
    """Keeper and daemon, and so all apps, come to be under the filter."""
    home.ok("ping", preexec_fn=lambda: seccomp.apply(program))


def test_filter_takes_the_call_away():
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:  # only this process is to lose it
        try:
            seccomp.apply(seccomp.without_call("clone3"))
            number = __import__("ctypes").CDLL(None, use_errno=True)
            number.syscall(seccomp.NUMBERS["clone3"], 0, 0)
            os.write(write, str(__import__("ctypes").get_errno()).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    assert os.read(read, 16) == b"38"
    os.close(read)


@pytest.mark.parametrize("program", [seccomp.without_call("clone3"), seccomp.without_ioctl(seccomp.PIDFD_GET_INFO)],
                         ids=["clone3", "pidfd-info"])
def test_apps_start_crash_and_stop_all_the_same(home, program):
    begin_without(home, program)
    home.start("idle", home.work / "idle.runs", name="idle")
    home.start("/bin/sh", "-c", "sleep 0.7; exit 7", name="crashes", options=["--no-autorestart"])
    status = wait_until(lambda: home.exits("crashes"), 10, "the exit is recorded")[0]["status"]
    assert (status["kind"], status["code"]) == ("exited", 7)
    pid = home.pid("idle")
    home.kill_daemon()
    home.wait_new_daemon(-1)
    assert home.pid("idle") == pid
    home.ok("stop", "idle")
    assert not procs.alive(pid)


def test_after_the_keepers_death_a_status_is_exact_or_unknown(home):
    """Without PIDFD_GET_INFO the status of a process that somebody else has reaped cannot be known."""
    begin_without(home, seccomp.without_ioctl(seccomp.PIDFD_GET_INFO))
    home.start("idle", home.work / "runs", name="app")
    pid = home.pid("app")
    home.kill_keeper()
    wait_until(lambda: home.run("ping").code == 0, 10, "service is back")
    assert home.pid("app") == pid
    os.kill(pid, signal.SIGKILL)
    status = wait_until(lambda: home.exits("app"), 10, "the exit is recorded")[0]["status"]
    assert status["kind"] == "unknown" or (status["kind"], status["signal"]) == ("signaled", 9), status
    wait_until(lambda: home.pid("app") not in (0, pid), 10, "the app runs again")
    assert "exit code 0" not in home.ok("describe", "app").out
