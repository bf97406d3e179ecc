"""What an app writes arrives byte-exact, and costs the daemon no memory."""
import hashlib
import subprocess

import pytest

from harness import procs
from harness.ends import ENDS
from harness.load import Writers
from harness.roost import FULL, victim
from harness.wait import wait_until

MIB = 1 << 20
GROWTH_KIB = 4096


def digest_of_file(path):
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(MIB):
                digest.update(block)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def digest_of_blob(*args):
    done = subprocess.Popen([victim("blob"), *map(str, args)], stdout=subprocess.PIPE)
    digest = hashlib.sha256()
    while block := done.stdout.read(MIB):
        digest.update(block)
    assert done.wait() == 0
    return digest.hexdigest()


def size_of(path):
    return path.stat().st_size if path.exists() else 0


def write_blob(home, name, kind, size, seed=1, stream=1):
    home.run("start", victim("blob"), "--name", name, "--no-autorestart", "--no-wait", "--", kind, size, seed, stream)
    path = home.log_path(name, "out" if stream == 1 else "error")
    wait_until(lambda: size_of(path) >= size, 60, f"{size} bytes are in {path.name}")
    wait_until(lambda: home.exits(name), 10, "the exit is recorded")
    assert home.exits(name)[0]["status"]["kind"] == "exited" and home.exits(name)[0]["status"].get("code", 0) == 0
    assert size_of(path) == size
    return path


@pytest.mark.parametrize("kind,size", [("line", 100 * MIB), ("bytes", MIB), ("lines", 20 * MIB)])
@pytest.mark.parametrize("stream", [1, 2])
def test_bytes_are_exact(home, kind, size, stream):
    if stream == 2 and kind == "line":
        size = 10 * MIB
    path = write_blob(home, "blob", kind, size, 77, stream)
    assert digest_of_file(path) == digest_of_blob(kind, size, 77)


def resident(home):
    return procs.memory_kib(home.live_pid("daemon_pid"))


@pytest.mark.serial
def test_memory_does_not_grow(release_home):
    home = release_home
    home.start("idle", name="idle")
    write_blob(home, "warm", "lines", MIB)
    home.run("list")
    before = resident(home)
    write_blob(home, "line", "line", 100 * MIB)
    assert resident(home) - before <= GROWTH_KIB, "a line without end"
    write_blob(home, "bytes", "bytes", 10 * MIB)
    assert resident(home) - before <= GROWTH_KIB, "random bytes"
    write_blob(home, "flood", "lines", (4096 if FULL else 512) * MIB)
    assert resident(home) - before <= GROWTH_KIB, "a flood of lines"
    assert resident(home) - before >= -GROWTH_KIB * 4


@pytest.mark.parametrize("end", ENDS)
def test_full_speed_through_the_ends_of_daemon_and_keeper(home, end):
    """A blob is written straight through four of them, each in the middle of the flood."""
    size, rounds = 160 * MIB, 4
    home.run("start", victim("blob"), "--name", "blob", "--no-autorestart", "--no-wait", "--", "line", size, 5)
    path = home.log_path("blob")
    for i in range(rounds):
        wait_until(lambda part=i: size_of(path) >= size * part // (rounds + 1) + MIB, 30, f"part {i} is in the log", step=0.001)
        ENDS[end](home)
    wait_until(lambda: size_of(path) >= size, 60, "everything is in the log")
    assert digest_of_file(path) == digest_of_blob("line", size, 5)


def test_two_at_full_speed_and_the_daemon_killed_again_and_again(home):
    size, names = 60 * MIB, ("one", "two")
    for seed, name in enumerate(names):
        home.run("start", victim("blob"), "--name", name, "--no-autorestart", "--no-wait", "--", "bytes", size, seed)
    paths = [home.log_path(name) for name in names]
    for _ in range(8):
        written = sum(map(size_of, paths))
        wait_until(lambda least=written + MIB: sum(map(size_of, paths)) >= min(least, 2 * size), 30, "output goes on", step=0.001)
        ENDS["daemon"](home)
    for seed, path in enumerate(paths):
        wait_until(lambda p=path: size_of(p) >= size, 60, f"everything is in {path.name}")
        assert digest_of_file(path) == digest_of_blob("bytes", size, seed)


def test_exit_before_the_first_read(home):
    """The last words of a process that is gone at once."""
    for i in range(20):
        home.run("start", "/bin/sh", "--name", f"p{i}", "--interpreter", "none", "--no-autorestart", "--no-wait", "--", "-c", f"echo out{i}; echo err{i} >&2")
    for i in range(20):
        wait_until(lambda n=i: home.log(f"p{n}") == f"out{n}\n".encode() and home.log(f"p{n}", "error") == f"err{n}\n".encode(), 10, f"p{i}'s words")


def test_raw_logs_are_raw(home):
    path = write_blob(home, "blob", "bytes", 4096, 3)
    shown = home.run("logs", "blob", "--raw", "--out", "--lines", "100000", text=False)
    assert shown.code == 0 and shown.out.rstrip(b"\n") == path.read_bytes().rstrip(b"\n")


def test_two_apps_on_one_file_lose_nothing(home):
    shared = home.work / "shared.log"
    for name in ("a", "b"):
        home.run("start", victim("blob"), "--name", name, "--no-autorestart", "--no-wait", "-o", shared, "--", "lines", MIB, 1)
    wait_until(lambda: size_of(shared) >= 2 * MIB, 20, "both are in the file")
    assert size_of(shared) == 2 * MIB


@pytest.mark.full
@pytest.mark.serial
def test_flood_beside_writers(release_home):
    home = release_home
    writers = Writers(home, 4, 5000)
    write_blob(home, "flood", "lines", 2048 * MIB)
    writers.check()
