"""Runs of an app that is restarted again and again go on with the pipes of the run before."""
import json
import os
import re
import signal
from pathlib import Path

import pytest

from harness import procs
from harness.ends import ENDS
from harness.wait import wait_until

TALKER = 'echo begin $$; echo error $$ >&2; exec sleep 1000'


def start(home, words=TALKER, **more):
    path = home.work / "app.json"
    args = ["-c", words.replace("$", "$$")]  # not variables of the file
    path.write_text(json.dumps({"apps": [{"name": "app", "script": "/bin/sh", "interpreter": "none", "args": args, "min_uptime": "1ms", **more}]}))
    home.ok("start", path)


def pipes(pid):
    return [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (1, 2)]


def in_lane(pid):
    """Whether the run has a control group of its own: without one nobody knows that it leaves nothing behind."""
    return "/roost-" in Path(f"/proc/{pid}/cgroup").read_text()


def is_pipe(pid, fd):
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}").startswith("pipe:")
    except FileNotFoundError:  # closed meanwhile
        return False


def open_pipes(home):
    """How many ends of pipes the daemon has."""
    pid = home.live_pid("daemon_pid")
    return sum(is_pipe(pid, fd) for fd in procs.open_fds(pid))


def said(home, pid, streams):
    """The run has begun, and all that it wrote is in the files."""
    return all(f" {pid}\n".encode() in home.log("app", stream) for stream in streams)


def crash(home, streams=("out", "error")):
    """Kills the run; returns the next one's pid, when that has told it."""
    pid = wait_until(lambda: home.pid("app"), 10, "it runs")
    wait_until(lambda: said(home, pid, streams), 10, "it has told its pid")
    os.kill(pid, signal.SIGKILL)
    return wait_until(lambda: (p := home.pid("app")) not in (0, pid) and said(home, p, streams) and p, 10, "the next run")


def begun(home, stream="out"):
    return [int(line.split()[1]) for line in home.log("app", stream).decode().splitlines()]


def test_the_pipes_are_kept_and_every_run_has_its_words(home):
    start(home)
    pids = [home.pid("app"), *(crash(home) for _ in range(2))]
    kept = pipes(pids[-1])
    for _ in range(3):
        pids.append(crash(home))
        assert pipes(pids[-1]) == kept or not in_lane(pids[-1])
    assert begun(home) == begun(home, "error") == pids
    assert [e["pid"] for e in home.exits("app")] == pids[:-1][::-1]


def test_what_the_run_before_made_of_them_is_undone(home):
    start(home, "echo begin $$; exec python3 -c 'import os, signal; print(os.get_blocking(1), flush=True); os.set_blocking(1, False); signal.pause()'")
    for found in range(1, 5):
        wait_until(lambda n=found: home.log("app").count(b"True") == n, 10, "it finds it blocking")
        crash(home, ["out"])
    assert b"False" not in home.log("app")


def test_who_still_has_the_pipe_of_an_earlier_run_shares_no_flags_with_the_next(home):
    """As with a descriptor that was sent to another process: nobody sees it in the lane."""
    start(home)
    crash(home)
    for _ in range(3):
        with procs.copied_fd(home.pid("app"), 1) as held:
            pid = crash(home)
            os.set_blocking(held, False)
            flags = int(re.search(r"flags:\s+(\d+)", Path(f"/proc/{pid}/fdinfo/1").read_text())[1], 8)
            assert not flags & os.O_NONBLOCK


@pytest.mark.parametrize("end", ENDS)
def test_daemons_come_and_go(home, end):
    start(home)
    pids = [home.pid("app")]
    for _ in range(2):
        pids += [crash(home), crash(home)]
        ENDS[end](home)
        assert home.pid("app") == pids[-1]
    pids += [crash(home), crash(home)]
    home.ok("stop", "app")
    assert begun(home) == begun(home, "error") == pids
    assert "left-over process" not in home.daemon_log()


def test_an_exit_not_on_record_yet_has_the_pipes_of_the_run_that_lives(home):
    """Killed right after the restart: the next daemon is handed both runs, with the same pipes."""
    start(home)
    pids = [home.pid("app"), *(crash(home) for _ in range(2))]
    for _ in range(3):
        os.kill(pids[-1], signal.SIGKILL)
        wait_until(lambda: begun(home)[-1] != pids[-1], 10, "the next run")
        pids.append(begun(home)[-1])
        home.wait_new_daemon(home.kill_daemon())
        crash(home)
        pids.append(home.pid("app"))
        crash(home)
        pids.append(home.pid("app"))
    wait_until(lambda: begun(home) == begun(home, "error") == pids, 10, "every run's words, once")
    assert "left-over process" not in home.daemon_log()
    wait_until(lambda: [e["pid"] for e in home.exits("app")] == pids[:-1][::-1], 10, "every exit, once")


def test_a_change_of_settings_takes_new_pipes(home):
    start(home)
    crash(home)
    crash(home)
    moved = home.work / "moved.log"
    start(home, out_file=str(moved))
    pid = home.pid("app")
    wait_until(lambda: moved.exists() and moved.read_text() == f"begin {pid}\n", 10, "its words are in the new file")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: moved.read_text().count("begin") == 2, 10, "and those of the next")
    assert f"begin {pid}".encode() not in home.log("app")


def test_a_stop_leaves_nothing_open(home):
    home.ok("ping")
    before = open_pipes(home)
    start(home)
    for _ in range(3):
        crash(home)
    home.ok("stop", "app")
    wait_until(lambda: open_pipes(home) == before, 10, "the pipes are closed")


def test_few_apps_at_a_time_keep_theirs(home):
    """Thirty-two; the others take new ones as ever."""
    home.ok("ping")
    before = open_pipes(home)
    start(home, instances=40)
    for _ in range(2):
        pids = {i["slot"]: i["pid"] for i in home.infos()}
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: all(i.get("pid", 0) not in (0, pids[i["slot"]]) for i in home.infos()), 20, "all are restarted")
    kept = 32 if in_lane(home.pid("app")) else 0
    wait_until(lambda: open_pipes(home) == before + 40 * 2 + kept * 4, 10, "both ends are kept of thirty-two")
    home.ok("stop", "app")
    wait_until(lambda: open_pipes(home) == before, 10, "the pipes are closed")


def test_a_left_over_process_keeps_its_pipe_for_itself(home):
    """What it makes of its end, and what it says, is not the next run's."""
    start(home, "sleep 1000 & echo $! >> left; echo begin $$; exec sleep 1001", kill_mode="process")
    seen = {tuple(pipes(crash(home, ["out"]))) for _ in range(4)}
    left = [int(pid) for pid in (home.work / "left").read_text().split()]
    home.strays += left
    assert len(seen) == 4
    for pid in left:
        os.kill(pid, signal.SIGKILL)
