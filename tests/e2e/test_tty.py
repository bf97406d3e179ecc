"""tty: an app that asks for it has a terminal; what it writes there is as safe as with pipes."""
import json

import pytest

from harness import procs
from harness.load import Writers
from harness.wait import wait_until

from test_must_03_keeper_death import kill_both

SHOWS = r"""
test -t 0 && test -t 1 && test -t 2 && echo "all $(stty size) $TERM"
printf '\033[31mred\033[0m\n'
echo err >&2
exec sleep 1000
"""
RED = "\x1b[31mred\x1b[0m"


def script(home, name, text):
    path = home.work / name
    path.write_text(text)
    return path


def wait_log(home, name, expected):
    return wait_until(lambda: home.log_path(name).exists() and home.log_path(name).read_bytes().decode() == expected, 15, f"the log of {name}")


def test_an_app_finds_a_terminal(home):
    home.ok("start", script(home, "shows.sh", SHOWS), "--name", "app", "--tty", env={"TERM": None})
    wait_log(home, "app", f"all 24 80 xterm-256color\n{RED}\nerr\n")
    assert not home.log_path("app", "error").exists()
    told = home.describe("app")[0]
    assert told["spec"]["tty"] is True and told["out_file"] == told["error_file"] == str(home.log_path("app"))
    assert "terminal" in home.ok("describe", "app").out
    assert "tty = true" in home.ok("config", "show", "app").out
    assert home.ok("logs", "app", "--no-follow", "--raw").out.endswith(f"{RED}\nerr\n")
    home.ok("start", script(home, "sized.sh", SHOWS), "--name", "sized", "--tty", env={"TERM": "dumb"}, cwd=home.work)
    wait_log(home, "sized", f"all 24 80 dumb\n{RED}\nerr\n")


OPENS_AGAIN = """
import os, select, signal
name = os.ttyname(0)
print("before", flush=True)
for fd in range(3):
    os.close(fd)
select.select([], [], [], float(os.environ["GAP"]))
for _ in range(3):
    os.open(name, os.O_RDWR)
for i in range(3000):
    os.write(1, b"after %06d\\n" % i)
signal.pause()
"""


@pytest.mark.parametrize("gap", ["0", "0.7"])
def test_a_terminal_that_was_closed_may_be_opened_again(home, gap):
    home.ok("start", script(home, "again.py", OPENS_AGAIN), "--name", "app", "--tty", "--env", f"GAP={gap}")
    wait_log(home, "app", "before\n" + "".join(f"after {i:06d}\n" for i in range(3000)))


def test_a_crash_is_restarted_and_a_failed_start_shows_its_words(home):
    home.run("start", "echo run; exit 3", "--name", "crash", "--tty", "--max-restarts", "2", "--restart-delay", "10ms", "--no-wait")
    home.wait_state("crash", "errored", 20)
    wait_log(home, "crash", "run\n" * 3)
    assert {e["status"]["code"] for e in home.exits("crash")} == {3}
    said = home.run("start", "echo broken >&2; exit 4", "--name", "broken", "--tty", "--no-autorestart")
    assert said.code != 0 and "broken\n" in said.out + said.err, said


def test_nothing_is_lost_by_kill_9_keeper_death_and_update(home):
    writers = Writers(home, 3, 5000, options=["--tty"])
    for _ in range(6):
        begin = writers.accepted()
        home.wait_new_daemon(home.kill_daemon())
        wait_until(lambda b=begin: writers.accepted() > b + 2000, 20, "they write on")
    home.kill_keeper()
    wait_until(lambda: home.run("ping").code == 0, 10, "service is back")
    begin = writers.accepted()
    wait_until(lambda: writers.accepted() > begin + 2000, 20, "they write on")
    home.ok("update")
    begin = writers.accepted()
    wait_until(lambda: writers.accepted() > begin + 2000, 20, "they write on")
    writers.check()


def test_stop_reaches_what_holds_the_terminal(home):
    home.ok("start", "trap '' TERM HUP; (setsid sleep 1000 & echo bye); while :; do sleep 1; done", "--name", "stubborn", "--tty", "--kill-timeout", "300ms")
    wait_log(home, "stubborn", "bye\n")
    assert home.ok("stop", "stubborn").code == 0
    assert [e["status"]["signal"] for e in wait_until(lambda: home.exits("stubborn"), 10, "its exit")] == [9]
    home.ok("start", "trap '' HUP TERM; sleep 1000 & echo over; exit 0", "--name", "leaves", "--tty", "--no-autorestart", "--kill-timeout", "300ms", "--no-wait")
    assert wait_until(lambda: home.exits("leaves"), 10, "its exit")[0]["status"]["code"] == 0
    wait_log(home, "leaves", "over\n")
    wait_until(lambda: not [p for p in home.processes() if procs.command(p).startswith("sleep 1000")], 10, "nothing is left")


def test_who_has_a_terminal_lives_on_when_both_are_killed(home):
    home.ok("start", "sleep 1000; echo never", "--name", "app", "--tty")
    pid = home.pid("app")
    kill_both(home)
    home.wait_state("app", "online")
    assert home.pid("app") == pid
    home.ok("restart", "app")
    assert home.pid("app") != pid


def test_from_a_file(home):
    path = script(home, "roost.toml", '[[apps]]\nname = "app"\nscript = "test -t 1 && echo yes || echo no; exec sleep 1000"\ntty = true\n')
    home.ok("apply", path)
    wait_log(home, "app", "yes\n")
    pid = home.pid("app")
    home.ok("apply", path)
    assert home.pid("app") == pid
    path.write_text(path.read_text().replace("tty = true", "tty = false"))
    assert "tty" in home.run("plan", path).out
    home.ok("apply", path)
    assert home.pid("app") != pid
    wait_log(home, "app", "yes\nno\n")
    (home.work / "eco.json").write_text(json.dumps({"apps": [{"name": "j", "script": "test -t 2 && echo yes; exec sleep 1000", "tty": True}]}))
    home.ok("apply", home.work / "eco.json")
    wait_log(home, "j", "yes\n")


def test_conflicts_are_told(home):
    said = home.run("start", "sleep 1000", "--name", "x", "--tty", "--error", home.work / "err.log")
    assert said.code == 2 and "error_file has no use with tty" in said.err.replace(": has", " has"), said
    path = script(home, "roost.toml", '[[apps]]\nname = "x"\nscript = "sleep 1000"\ntty = true\nerror_file = "NULL"\n')
    said = home.run("check", path)
    assert said.code != 0 and "stderr goes to out_file" in said.err + said.out, said
    path.write_text('[[apps]]\nname = "x"\nscript = "sleep 1000"\ntty = "maybe"\n')
    assert "tty" in home.run("check", path).err


def test_run_gives_its_own_terminal(home):
    """In the foreground an app alone has the terminal of `run`, or none: none is made."""
    path = script(home, "roost.toml", '[[apps]]\nname = "app"\nscript = "test -t 1 && echo yes || echo no"\ntty = true\n')
    assert home.ok("run", path).out.endswith("no\n")
