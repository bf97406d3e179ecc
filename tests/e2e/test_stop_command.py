"""stop_command: a shell line asks the app to stop, instead of the signal."""
import json
import os

import pytest

from harness import procs
from harness.wait import wait_until

# Ends when it is told by a file, and not by SIGTERM.
APP = "trap '' TERM; while [ ! -e {quit} ]; do read -t 0.05 line < {pipe}; done; echo bye"


def start(home, command, **settings):
    quit_file, pipe = home.work / "quit", home.work / "pipe"
    if not pipe.exists():
        os.mkfifo(pipe)
    script = f"exec bash -c \"{APP.format(quit=quit_file, pipe=pipe).replace('<', '<>')}\""
    path = home.work / "roost.json"
    path.write_text(json.dumps({"apps": [{"name": "app", "script": script, "stop_command": command, "kill_timeout": "60s", **settings}]}))
    home.ok("start", path, timeout=110)
    return home.pid("app")


def ended(home):
    return wait_until(lambda: home.exits("app"), 30, "the end is on record")[0]


def test_a_stop_command_asks_instead_of_the_signal(home):
    pid = start(home, "echo \"$WHO $PWD $ROOST_PID\" > asked; touch quit", env={"WHO": "me"})
    home.ok("stop", "app", timeout=110)
    assert (home.work / "asked").read_text() == f"me {home.work} {pid}\n"
    exit_of = ended(home)
    assert exit_of["status"].get("code", 0) == 0 and "signal" not in {k for k, v in exit_of["status"].items() if v}, exit_of
    assert exit_of["decision"] == "stopped by request"
    assert "touch quit" in home.ok("describe", "app").out


def test_a_stop_command_that_fails_is_told_and_the_end_is_sigkill(home):
    pid = start(home, "echo no luck; exit 3", kill_timeout="3s")
    home.ok("stop", "app", timeout=110)
    assert not procs.alive(pid)
    exit_of = ended(home)
    assert exit_of["status"]["signal"] == 9, exit_of
    assert "stop_command failed: exit code 3: no luck" in exit_of["decision"]
    assert "stop_command failed: exit code 3: no luck" in home.daemon_log() and "stop_command failed" in home.ok("events").out


def test_a_stop_command_that_hangs_ends_with_its_time(home):
    mark = home.work / "mark"
    pid = start(home, f"echo $$$$ > {mark}; exec sleep 999", kill_timeout="3s")
    home.ok("stop", "app", timeout=110)
    assert not procs.alive(pid)
    wait_until(lambda: not procs.alive(int(mark.read_text())), 20, "its command has ended, too")
    assert "stop_command failed: timed out" in ended(home)["decision"]


def test_a_stop_command_survives_the_daemon(home):
    """It is run again by the next daemon, and the time for the stop goes on."""
    mark, go = home.work / "mark", home.work / "go"
    os.mkfifo(go)
    pid = start(home, f"echo x >> {mark}; read line < {go}; touch quit")
    stop = home.popen("stop", "app")
    wait_until(lambda: mark.exists(), 60, "it has begun")
    home.wait_new_daemon(home.kill_daemon())
    wait_until(lambda: len(mark.read_text().split()) == 2, 60, "it runs again")
    assert home.state("app") == "stopping" and procs.alive(pid)

    def let_go():
        try:
            with open(os.open(go, os.O_WRONLY | os.O_NONBLOCK), "w") as pipe:
                pipe.write("go\ngo\n")
        except OSError:
            pass  # nobody reads just now
        return home.state("app") == "stopped"
    wait_until(let_go, 60, "it has stopped")
    assert stop.wait(60) == 0
    assert ended(home)["status"].get("signal", 0) == 0


def test_a_restart_uses_it_and_the_next_run_comes_after_it(home):
    pid = start(home, "touch quit; while [ -d /proc/$ROOST_PID ]; do :; done; rm -f quit; echo done >> over")
    home.ok("restart", "app", timeout=110)
    assert home.pid("app") not in (0, pid) and home.state("app") == "online"
    assert (home.work / "over").read_text() == "done\n"


@pytest.mark.root
def test_a_stop_command_has_the_apps_user(home):
    for folder in (home.base, home.work):
        os.chmod(folder, 0o777)
    start(home, "id -u > asked; touch quit", user="nobody", cwd=str(home.work))
    home.ok("stop", "app", timeout=110)
    assert (home.work / "asked").read_text() == "65534\n"


def test_more_stop_commands_than_fit_get_the_signal_in_time(home):
    """Each takes longer than there is time for; those that wait for their turn get SIGTERM at half of it, and say so."""
    many = 20
    apps = [{"name": f"a{i}", "script": "exec sleep 1000", "stop_command": "sleep 30", "kill_timeout": "8s"} for i in range(many)]
    path = home.work / "roost.json"
    path.write_text(json.dumps({"apps": apps}))
    home.ok("start", path, timeout=110)
    home.ok("stop", "all", timeout=110)
    signals = [home.exits(f"a{i}")[0] for i in range(many)]
    told = [e for e in signals if "too many at once" in e["decision"]]
    assert len(told) == many - 16 and all(e["status"]["signal"] == 15 for e in told), signals


def test_what_a_stop_command_writes_is_in_the_error_log(home):
    start(home, "echo saving; echo done >&2; touch quit")
    home.ok("stop", "app", timeout=110)
    wait_until(lambda: b"stop_command: saving\n" in home.log("app", "error") and b"stop_command: done\n" in home.log("app", "error"), 20, "both lines are there")
    assert "stop_command: saving" in home.ok("logs", "app", "--err").out and b"stop_command" not in home.log("app")


def test_its_lines_have_the_form_of_the_log(home):
    start(home, "echo saving; touch quit", log_type="json")
    home.ok("stop", "app", timeout=110)
    wait_until(lambda: b"stop_command: saving" in home.log("app", "error"), 20, "the line is there")
    assert all(json.loads(line)["type"] == "err" for line in home.log("app", "error").splitlines())
