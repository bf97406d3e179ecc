"""F06 an app closes its standard descriptors; F07/F08 what an app writes may be anything; F09 a flood beside a quiet neighbour."""
import json
import statistics
import subprocess
import time

import pytest

from harness import procs
from harness.load import Writers
from harness.roost import FULL, victim
from harness.wait import hold_for, wait_until

MIB = 1 << 20


def cpu_share(pids, seconds):
    """CPU time of these processes in so many seconds, as a share of one processor."""
    before, begin = sum(map(procs.cpu_ns, pids)), time.monotonic()
    hold_for(lambda: all(map(procs.alive, pids)), seconds, step=0.5)
    return (sum(map(procs.cpu_ns, pids)) - before) / (time.monotonic() - begin) / 1e9


@pytest.mark.serial
def test_f06_an_app_without_descriptors_costs_nothing(release_home):
    home = release_home
    ready = home.work / "ready"
    home.ok("start", "/bin/sh", "--name", "bare", "--interpreter", "none", "--", "-c", f"exec <&- >&- 2>&-; : >{ready}; exec sleep 1000")
    wait_until(ready.exists, 5, "it has closed them")
    pid = home.pid("bare")
    assert not {0, 1, 2} & procs.open_fds(pid)
    share = cpu_share([home.live_pid("daemon_pid"), home.live_pid("keeper_pid")], 1.5)
    print(f"F06: cpu {share * 100:.3f} %")
    assert share < 0.005 and home.state("bare") == "online" and home.pid("bare") == pid
    home.wait_new_daemon(home.kill_daemon())
    assert cpu_share([home.live_pid("daemon_pid")], 0.5) < 0.1 and home.pid("bare") == pid
    home.ok("stop", "bare")
    assert home.exits("bare")[0]["status"]["kind"] == "signaled"


def test_f08_any_byte_is_valid_json_in_the_end(home):
    """The file has the bytes (test_must_06_bytes.py); only what is shown as JSON is made valid UTF-8."""
    home.run("start", victim("blob"), "--name", "blob", "--no-autorestart", "--no-wait", "--", "bytes", MIB, 5)
    wait_until(lambda: home.exits("blob") and len(home.log("blob")) == MIB, 20, "everything is in the log")
    raw = home.run("logs", "blob", "--out", "--raw", "-n", "100000", text=False)
    assert raw.code == 0 and raw.out.rstrip(b"\n") == home.log("blob").rstrip(b"\n")
    shown = home.run("logs", "blob", "--out", "--json", "-n", "200", text=False)
    assert shown.code == 0, shown
    for line in shown.out.decode("utf-8", errors="strict").splitlines():
        json.loads(line)


class Neighbour:
    """Writes the time (CLOCK_MONOTONIC, ns) every 100 ms; how long its lines take to the file is watched from here."""

    SCRIPT = "import select, time\nwhile True:\n  print(time.monotonic_ns(), flush=True)\n  select.select([], [], [], 0.1)\n"

    def __init__(self, home):
        self.path, self.delays = home.log_path("quiet"), []
        script = home.work / "quiet.py"
        script.write_text(self.SCRIPT)
        home.ok("start", "/usr/bin/python3", "--name", "quiet", "--interpreter", "none", "--", script)
        wait_until(self.lines, 10, "the neighbour writes")
        self.begin()

    def begin(self):
        self.seen = len(self.lines())

    def lines(self):
        return self.path.read_text().splitlines() if self.path.exists() else []

    def look(self):
        lines, now = self.lines(), time.monotonic_ns()
        self.delays += [(now - int(line)) / 1e6 for line in lines[self.seen:]]
        self.seen = len(lines)


@pytest.mark.root
def floor_rate(disk):
    """What one process moves from a pipe to a file there on this machine at this moment, MB/s."""
    path = disk / "floor.log"
    begin = time.monotonic()
    with path.open("wb") as out:
        subprocess.run(f"yes {'y' * 4000} | head -c {1 << 30} | cat", shell=True, stdout=out, check=True)
    path.unlink()
    return (1 << 30) / (time.monotonic() - begin) / 1e6


@pytest.mark.serial
def test_f09_flood_beside_a_quiet_neighbour(small_disk, release_home):
    """300 MB/s are for a machine that has them to give: a slow one shall see half of what a plain copy does."""
    home, disk = release_home, small_disk(12 << 30 if FULL else 6 << 30)
    writers, quiet = Writers(home, 1, 1000), Neighbour(home)
    log = disk.path / "flood.log"
    home.start("idle", name="idle")
    memory = procs.memory_kib(home.live_pid("daemon_pid"))
    home.ok("start", "/usr/bin/yes", "--name", "flood", "--interpreter", "none", "--no-wait", "-o", log, "--", "y" * 4000)
    wait_until(log.exists, 5, "the flood")
    seconds, answers = 6 if FULL else 2, []
    begin, size = time.monotonic(), log.stat().st_size
    quiet.begin()
    while time.monotonic() - begin < seconds:
        asked = time.monotonic()
        home.ok("list")
        answers.append((time.monotonic() - asked) * 1000)
        grown = procs.memory_kib(home.daemon_pid) - memory
        assert grown < 16 * 1024, f"grown by {grown} KiB"
        hold_for(lambda: quiet.look() is None, 0.05, step=0.005)
    rate = (log.stat().st_size - size) / (time.monotonic() - begin) / 1e6
    home.ok("stop", "flood")
    print(f"F09: {rate:.0f} MB/s, client median {statistics.median(answers):.1f} ms, neighbour's line after median "
          f"{statistics.median(quiet.delays):.0f}, max {max(quiet.delays):.0f} ms, grown {grown} KiB")
    log.unlink()
    least = min(300, floor_rate(disk.path) / 2)
    assert statistics.median(answers) < 50
    assert len(quiet.delays) >= seconds * 8 and max(quiet.delays) < 100, quiet.delays
    writers.check()
    assert rate >= least, f"{rate:.0f} MB/s, at least {least:.0f}"
