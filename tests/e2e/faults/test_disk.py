"""F10 the disk of the logs is full, then has room; F10b the disk of the state."""
import array
import fcntl
import json
import os
import re
import signal
import subprocess
import termios
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from deaths import kill_both
from harness import procs
from harness.ends import ENDS
from harness.load import Writers
from harness.roost import Counter, check_log, victim
from harness.wait import hold_for, wait_until

MIB = 1 << 20


class Chatter:
    """A writer whose log is on a small disk."""

    def __init__(self, home, disk, rate=20_000, name="chatter"):
        self.home, self.name, self.log = home, name, disk.path / f"{name}.log"
        self.counter = Counter(home.work / f"{name}.count")
        self.start(rate)

    def start(self, rate):
        self.home.start("writer", rate, self.counter.path, name=self.name, options=["-o", self.log])

    def wait_blocked(self):
        """The disk is full and so is the pipe: the app waits, and nothing is dropped."""
        seen = [-1]

        def unchanged():
            before, seen[0] = seen[0], self.counter.accepted
            return before == seen[0]

        wait_until(unchanged, 20, "the writer is blocked", step=0.3)

    def check(self):
        self.home.ok("stop", self.name)
        verdict = wait_until(self.whole, 10, "every accepted line is in the log")
        assert (verdict["lost"], verdict["duplicated"], verdict["torn"], verdict["tail"]) == (0, 0, 0, 0), verdict
        assert self.counter.errors == 0 and self.counter.starts == 1

    def whole(self):
        verdict = check_log(self.log)
        return verdict if verdict["last"] >= self.counter.accepted else None


def size_of(path):
    return path.stat().st_size if path.exists() else 0


@pytest.mark.root
@pytest.mark.serial
def test_f10_full_log_disk_resumes_within_a_second(small_disk, release_home):
    home, disk = release_home, small_disk(16 * MIB)
    neighbours = Writers(home, 2, 5000)
    chatter = Chatter(home, disk)
    disk.fill(leave=MIB // 4)
    resident = procs.memory_kib(home.live_pid("daemon_pid"))
    chatter.wait_blocked()
    before = neighbours.accepted()
    wait_until(lambda: neighbours.accepted() > before + 5000, 5, "neighbours write on")
    begin = time.monotonic()
    assert home.state("chatter") == "online" and time.monotonic() - begin < 1
    assert "stopped" in home.daemon_log() and str(chatter.log) in home.daemon_log()
    assert procs.memory_kib(home.daemon_pid) - resident < 8 * 1024
    size = size_of(chatter.log)
    disk.make_room()
    begin = time.monotonic()
    wait_until(lambda: size_of(chatter.log) > size, 5, "the log goes on", step=0.005)
    took = time.monotonic() - begin
    chatter.check()
    neighbours.check()
    print(f"logs resumed {took * 1000:.0f} ms after there was room")
    assert took <= 1.0, f"logs resumed after {took:.2f} s"
    assert "writing again" in home.daemon_log()


@pytest.mark.root
def test_f10_daemon_dies_while_the_log_disk_is_full(small_disk, home):
    disk = small_disk(32 * MIB)  # room for a minute at this rate: full once, not again
    chatter = Chatter(home, disk, rate=5_000)
    disk.fill(leave=64 << 10)
    chatter.wait_blocked()
    home.wait_new_daemon(home.kill_daemon())
    hold_for(lambda: home.state("chatter") == "online", 0.7, "the app is blocked, not dead")
    assert home.info("chatter")["reason"] == f"its output waits: {chatter.log}: No space left on device"
    disk.make_room()
    wait_until(lambda: not home.info("chatter")["reason"], 10, "it is not told any more")
    chatter.check()


def bytes_in_relay(home):
    """What the keeper's relay holds: of its pipes, it alone is open both ways."""
    waiting = array.array("i", [0])
    for fd in Path(f"/proc/{home.live_pid('keeper_pid')}/fd").iterdir():
        flags = int(re.search(r"flags:\s*(\d+)", (fd.parent.parent / "fdinfo" / fd.name).read_text())[1], 8)
        if os.readlink(fd).startswith("pipe:") and flags & os.O_ACCMODE == os.O_RDWR:
            pipe = os.open(fd, os.O_RDONLY | os.O_NONBLOCK)
            fcntl.ioctl(pipe, termios.FIONREAD, waiting)
            os.close(pipe)
            return waiting[0]
    return None


@pytest.mark.root
def test_f10_what_is_on_its_way_from_a_busy_app_outlives_daemon_keeper_and_update(small_disk, home):
    disk = small_disk(24 * MIB)
    log, size = disk.path / "busy.log", 16 * MIB
    disk.fill(leave=8 * MIB + 20_480)
    home.run("start", victim("blob"), "--name", "busy", "--no-autorestart", "--no-wait", "-o", log, "--", "bytes", size, 3)
    wait_until(lambda: f"stopped: {log}" in home.daemon_log(), 20, "the disk is full")
    on_its_way = wait_until(lambda: bytes_in_relay(home), 20, "the rest of a batch waits")
    for end in ENDS.values():
        wait_until(lambda: f"stopped: {log}" in home.daemon_log(), 10, "it is stopped")
        end(home)
        assert bytes_in_relay(home) == on_its_way
    disk.make_room()
    wait_until(lambda: size_of(log) >= size, 20, "everything is in the log")
    assert log.read_bytes() == subprocess.run([victim("blob"), "bytes", str(size), "3"], stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.root
def test_f10_restarts_do_not_wait_for_the_full_log_disk(small_disk, home):
    """Last words wait for room; the next run does not."""
    disk = small_disk()
    log = disk.path / "app.log"
    disk.fill()
    home.ok("start", "/bin/sh", "--name", "app", "--interpreter", "none", "--no-wait", "-o", log, "--", "-c", "echo words of $$; sleep 0.1; exit 5")
    wait_until(lambda: home.info("app")["restarts"] >= 3, 10, "it is restarted all the same")
    home.ok("stop", "app")
    disk.make_room()
    pids = wait_until(lambda: (e := home.exits("app")) and [x["pid"] for x in e], 10, "exits are recorded")
    wait_until(lambda: log.exists() and all(f"words of {p}\n" in log.read_text() for p in pids), 10, "every run's last words")


@pytest.mark.root
def test_f10_what_waits_of_a_deleted_app_is_not_taken_for_the_next_one_s(small_disk, home):
    disk = small_disk()
    disk.fill()
    home.run("start", "/bin/sh", "--name", "old", "--interpreter", "none", "--no-autorestart", "--no-wait", "-o", disk.path / "old.log", "--",
             "-c", "echo words of the old one")
    wait_until(lambda: f"stopped: {disk.path / 'old.log'}" in home.daemon_log(), 10, "its output waits")
    home.ok("delete", "old")
    home.ok("start", "/bin/sh", "--name", "new", "--interpreter", "none", "--", "-c", "echo words of the new one; exec sleep 1000")
    home.wait_new_daemon(home.kill_daemon())
    log = home.log_path("new")
    disk.make_room()
    home.ok("stop", "new")
    wait_until(lambda: log.exists() and log.read_text().startswith("words"), 10, "the new one's output")
    hold_for(lambda: log.read_text() == "words of the new one\n", 0.7, "nothing of the old one is there")


@pytest.mark.root
@pytest.mark.parametrize("end", ENDS)
def test_f10_runs_that_wait_stay_in_order(small_disk, home, end):
    disk = small_disk()
    log = disk.path / "app.log"
    (home.work / "number").write_text("0")
    words = "n=$(($(cat number) + 1)); echo $n > number; for i in 1 2 3 4 5; do echo run $n line $i; done; exec sleep 1000"
    home.ok("start", "/bin/sh", "--name", "app", "--interpreter", "none", "--min-uptime", "1ms", "-o", log, "--", "-c", words)
    wait_until(lambda: log.exists() and "run 1 line 5" in log.read_text(), 10, "the first run's words")
    disk.fill()
    for number in range(2, 8):
        pid = home.pid("app")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda n=number: (home.work / "number").read_text().strip() == str(n), 10, "the next run has begun")
        wait_until(lambda p=pid: home.pid("app") not in (0, p), 10, "and is known")
    ENDS[end](home)
    disk.make_room()
    wanted = [f"run {n} line {i}" for n in range(1, 8) for i in range(1, 6)]
    wait_until(lambda: len(log.read_text().splitlines()) >= len(wanted), 20, "all is written")
    assert log.read_text().splitlines() == wanted


DROPPED = re.compile(rb"\[roost: (\d+) bytes dropped: the disk was full\]")


def bytes_of_lines(count):
    """Of the first so many lines of a writer: tests/victims/line.h."""
    total, mask = 0, 2**64 - 1
    for number in range(1, count + 1):
        x = number * 0x9E3779B97F4A7C15 & mask
        x = (x ^ x >> 29) * 0xBF58476D1CE4E5B9 & mask
        total += 23 + (x >> 32) % 120
    return total


class Dropper(Chatter):
    """A writer whose output may be dropped: it never waits."""

    def start(self, rate):
        (self.home.work / "drop.json").write_text(json.dumps({"apps": [{
            "name": self.name, "script": victim("writer"), "interpreter": "none", "args": [str(rate), self.counter.path],
            "out_file": str(self.log), "on_full": "drop"}]}))
        self.home.ok("start", self.home.work / "drop.json")

    def marks(self):
        return [int(n) for n in DROPPED.findall(self.log.read_bytes())] if self.log.exists() else []

    def check(self, exact=True):
        """What is in the log and what it says to be dropped is all that was written; no line is there twice."""
        self.home.ok("stop", self.name)
        written = bytes_of_lines(self.counter.accepted)
        # In the middle of a line roost's own begins with a newline more.
        wait_until(lambda: not exact or 0 <= self.told() - written <= len(self.marks()), 10, f"all of {written} bytes are in the log or told")
        verdict = check_log(self.log)
        assert verdict["duplicated"] == 0 and verdict["torn"] <= 4 * len(self.marks()), verdict
        assert self.counter.errors == 0 and self.counter.starts == 1

    def told(self):
        """Bytes of the app in the log, and those it is said to have lost."""
        whole = self.log.read_bytes()
        return len(whole) - sum(len(m.group(0)) for m in re.finditer(DROPPED.pattern + rb"\n", whole)) + sum(self.marks())


@pytest.mark.root
@pytest.mark.serial
def test_f10_drop_tells_the_bytes_and_holds_up_nobody(small_disk, release_home):
    home, disk = release_home, small_disk(16 * MIB)
    neighbours = Writers(home, 2, 5000)
    dropper = Dropper(home, disk)
    disk.fill(leave=MIB // 4)
    resident = procs.memory_kib(home.live_pid("daemon_pid"))
    wait_until(lambda: "discarding" in home.daemon_log() and str(dropper.log) in home.daemon_log(), 20, "output is dropped")
    before = dropper.counter.accepted
    wait_until(lambda: dropper.counter.accepted > before + 40_000, 30, "the app writes on")
    assert home.state("chatter") == "online" and procs.memory_kib(home.daemon_pid) - resident < 8 * 1024
    assert home.info("chatter")["reason"] == f"its output is discarded: {dropper.log}: No space left on device"
    disk.make_room()
    begin = time.monotonic()
    wait_until(dropper.marks, 5, "the log goes on", step=0.005)
    took = time.monotonic() - begin
    size = size_of(dropper.log)
    wait_until(lambda: size_of(dropper.log) > size, 5, "with what the app writes now")
    dropper.check()
    neighbours.check()
    print(f"logs resumed {took * 1000:.0f} ms after there was room; dropped: {dropper.marks()}")
    assert took <= 1.0, f"logs resumed after {took:.2f} s"
    assert "writing again" in home.daemon_log()


@pytest.mark.root
def test_f10_drop_goes_on_when_the_daemon_dies(small_disk, home):
    """What the dead daemon had dropped is not in the number of the next one; that something is missing is told."""
    disk = small_disk(8 * MIB)
    dropper = Dropper(home, disk)
    disk.fill(leave=64 << 10)
    wait_until(lambda: "discarding" in home.daemon_log(), 20, "output is dropped")
    home.wait_new_daemon(home.kill_daemon())
    before = dropper.counter.accepted
    wait_until(lambda: dropper.counter.accepted > before + 10_000, 20, "the app writes on")
    disk.make_room()
    wait_until(dropper.marks, 10, "the log tells it")
    dropper.check(exact=False)


# ---- F10b

def on_disk(home, disk):
    home.path = disk.path / "home"
    return home


@pytest.mark.root
def test_f10b_supervision_goes_on_without_the_disk_of_the_state(small_disk, home):
    disk = small_disk()
    on_disk(home, disk)
    raw = home.work / "writer.log"
    home.start("idle", home.work / "beacon", name="app")
    home.start("writer", 1000, home.work / "count", name="writer", options=["-o", raw])
    counter = Counter(home.work / "count")
    disk.fill()
    for _ in range(2):
        pid = home.pid("app")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda p=pid: home.pid("app") not in (0, p), 10, "restarted all the same")
    assert home.info("app")["restarts"] == 2
    size = size_of(raw)
    wait_until(lambda: size_of(raw) > size, 5, "raw logs go on")
    before = home.pids()
    home.wait_new_daemon(home.kill_daemon())
    assert home.pids() == before and home.info("app")["restarts"] == 2
    disk.make_room()
    wait_until(lambda: home.run("save").code == 0, 5, "the state is written again")
    home.ok("stop", "writer")
    wait_until(lambda: check_log(raw)["last"] >= counter.accepted, 5, "every accepted line is in the log")
    exits = wait_until(lambda: (e := home.exits("app")) and len(e) == 2 and e, 5, "and the history")
    assert all(e["status"]["signal"] == signal.SIGKILL for e in exits)
    verdict = check_log(raw)
    assert (verdict["lost"], verdict["duplicated"], verdict["torn"]) == (0, 0, 0) and counter.errors == 0, verdict


@contextmanager
def room_again(disk):
    """Whatever happens, there is room at the end: roost must be able to leave."""
    try:
        yield
    finally:
        disk.make_room()


@pytest.mark.root
def test_f10b_cold_start_on_a_full_disk(small_disk, home):
    """Both are dead and nothing can be written: what runs is found again all the same."""
    disk = small_disk()
    on_disk(home, disk)
    home.start("idle", home.work / "beacon", name="app", options=["-i", "2"])
    home.ok("save")
    before = home.pids()
    disk.fill()
    kill_both(home)
    with room_again(disk):
        home.ok("list")
        wait_until(lambda: home.pids() == before, 10, "found again")
        os.kill(before["app", 0], signal.SIGKILL)
        wait_until(lambda: home.pid("app") not in (0, before["app", 0]), 10, "and supervised")
    wait_until(lambda: home.run("save").code == 0, 5, "the state is written again")


@pytest.mark.root
def test_f10b_keeper_dies_on_a_full_disk(small_disk, home):
    disk = small_disk()
    on_disk(home, disk)
    home.start("idle", home.work / "beacon", name="app")
    pid, daemon = home.pid("app"), home.daemon_pid
    disk.fill()
    home.kill_keeper()
    with room_again(disk):
        hold_for(lambda: procs.alive(daemon), 1, "the daemon has become the keeper")  # its pid stays, its program changes
        wait_until(lambda: home.run("ping").code == 0, 10, "service is back")
        assert home.pid("app") == pid and home.state("app") == "online"


@pytest.mark.root
def test_f10b_save_fails_and_the_old_list_stays(small_disk, home):
    disk = small_disk()
    on_disk(home, disk)
    home.start("idle", name="old")
    home.ok("save")
    home.start("idle", name="new")
    disk.fill()
    failed = home.run("save")
    assert failed.code not in (0, 5) and failed.err.strip(), failed
    kill_both(home)
    disk.make_room()
    home.ok("list")
    home.ok("delete", "all")
    home.ok("resurrect")
    assert [i["name"] for i in home.infos()] == ["old"], "the list of before"


@pytest.mark.root
def test_f10b_start_and_stop_on_a_full_disk_say_what_is_true(small_disk, home):
    disk = small_disk()
    on_disk(home, disk)
    home.start("idle", name="app")
    disk.fill()
    started = home.run("start", "/bin/sleep", "--name", "more", "--interpreter", "none", "--", "600")
    listed = {i["name"]: i for i in home.infos()}
    if started.code == 0:
        assert procs.alive(listed["more"]["pid"])
    else:
        assert started.err.strip() and started.code != 5, started
        assert listed.get("more", {"state": "none"})["state"] != "online" or "disk" in started.err, (started, listed)
    stopped = home.run("stop", "app")
    assert home.state("app") == "stopped", stopped
    assert stopped.code == 0 or "disk" in stopped.err, stopped
    disk.make_room()
    home.ok("start", "app")
