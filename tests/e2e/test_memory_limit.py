"""max_memory_restart: of the whole tree, and in words."""
import re

from harness.wait import hold_for, wait_until

# Takes so many MB, in a child, when the file appears for the first time.
EATER = """
import os, select, signal, sys
trigger = sys.argv[1]
if os.fork() == 0:
    while not os.path.exists(trigger):
        select.select([], [], [], 0.05)
    os.unlink(trigger)
    eaten = bytearray(int(sys.argv[2]) << 20)
    for at in range(0, len(eaten), 4096):
        eaten[at] = 1
    signal.pause()
os.wait()
"""


def start(home, limit, megabytes):
    script = home.work / "eater.py"
    script.write_text(EATER)
    home.ok("start", script, "--name", "app", "--max-memory-restart", limit, "--", home.work / "trigger", megabytes)
    return home.pid("app")


def test_a_tree_over_its_limit_is_restarted(home):
    pid = start(home, "100M", 150)
    hold_for(lambda: home.pid("app") == pid, 3, "below the limit it is left alone")
    (home.work / "trigger").touch()
    wait_until(lambda: home.pid("app") not in (0, pid), 30, "restarted")
    wait_until(lambda: home.exits("app"), 10, "on record")
    assert re.fullmatch(r"memory 1\d\d MB over 100 MB", home.exits("app")[0]["decision"])
    assert home.info("app")["restarts"] == 1 and "100 MB" in home.ok("describe", "app").out


def test_a_new_daemon_goes_on_looking(home):
    pid = start(home, "100M", 150)
    home.wait_new_daemon(home.kill_daemon())
    (home.work / "trigger").touch()
    wait_until(lambda: home.pid("app") not in (0, pid), 30, "restarted")
