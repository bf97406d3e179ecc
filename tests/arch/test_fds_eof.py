"""Children see only descriptors 0, 1 and 2, and EOF arrives after their exit: no copy of a pipe's app end is left in keeper or daemon."""
import os
import re

import pytest

from harness import procs
from harness.roost import Home, victim
from harness.wait import wait_until


@pytest.fixture
def home():
    made = Home()
    yield made
    complaints = made.close()
    made.remove()
    assert not complaints, complaints


def pipes(pid):
    """inode -> modes ("r", "w") of every pipe end a process has."""
    found = {}
    for fd in procs.open_fds(pid):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            flags = int(re.search(r"flags:\s*(\d+)", open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii").read())[1], 8)
        except (OSError, TypeError):
            continue
        if target.startswith("pipe:"):
            found.setdefault(target, []).append("rwx"[flags & 3])
    return found


def test_children_have_three_descriptors_whatever_the_daemon_has_open(home):
    for i in range(5):
        home.start("idle", name=f"app{i}")
    for i in range(5):
        assert procs.open_fds(home.pid(f"app{i}")) == {0, 1, 2}


def test_no_child_holds_another_ones_pipe(home):
    for name in ("a", "b"):
        home.start("idle", name=name)
    assert not set(pipes(home.pid("a"))) & set(pipes(home.pid("b")))


def test_eof_arrives(home):
    """Only the app holds its end: when it is gone the pipe is at its end, and everything is closed."""
    home.start("idle", name="app", options=["--no-autorestart"])
    pid = home.pid("app")
    mine = set(pipes(pid))
    for other in (home.live_pid("daemon_pid"), home.live_pid("keeper_pid")):
        for pipe, modes in pipes(other).items():
            if pipe in mine:
                assert set(modes) == {"r"}, f"process {other} can write to the app's {pipe}: EOF would never come"
    with procs.Held(pid) as held:
        held.kill_and_wait()
    for other in (home.live_pid("daemon_pid"), home.live_pid("keeper_pid")):
        # An exit nobody waits for is acknowledged at one ping of the keeper's, and read at the next.
        wait_until(lambda o=other: not set(pipes(o)) & mine, 20, f"process {other} has closed the dead app's pipes")


def test_descriptors_do_not_leak_over_restarts(home):
    home.start("idle", name="app")
    daemon, keeper = home.live_pid("daemon_pid"), home.live_pid("keeper_pid")
    home.ok("restart", "app")
    before = len(procs.open_fds(daemon)), len(procs.open_fds(keeper))
    for _ in range(5):
        home.ok("restart", "app")
    wait_until(lambda: len(procs.open_fds(daemon)) <= before[0] + 1 and len(procs.open_fds(keeper)) <= before[1] + 1, 10, f"as many descriptors as before: {before}")
    assert victim("idle") in procs.command(home.pid("app"))
