"""Shifts the wall clock as one running process sees it (x86-64), and nobody else's: the functions of its vDSO are written over, so that
CLOCK_REALTIME, gettimeofday() and time() give the kernel's time plus an offset, while every other clock stays the kernel's. The process
takes no part in it; programs linked statically are reached as well. (A time namespace cannot do this: it moves all clocks but this one.)"""
import os
import platform
import signal
import struct

from harness import procs
from harness.wait import wait_until

DAY = 86_400
OFFSET = b"\xEE" * 8  # where the offset goes

CODE = {
    b"__vdso_clock_gettime": bytes.fromhex("b8e4000000 0f05 85c0 7517 83ff00 7405 83ff05 750d 48b9") + OFFSET + bytes.fromhex("48010e c3"),
    b"__vdso_gettimeofday": bytes.fromhex("b860000000 0f05 85c0 7512 4885ff 740d 48b9") + OFFSET + bytes.fromhex("48010f c3"),
    b"__vdso_time": bytes.fromhex("b8c9000000 0f05 48b9") + OFFSET + bytes.fromhex("4801c8 4885ff 7403 488907 c3"),
}
ALIASES = {b"clock_gettime": b"__vdso_clock_gettime", b"gettimeofday": b"__vdso_gettimeofday", b"time": b"__vdso_time"}


def can_shift():
    return platform.machine() == "x86_64" and os.geteuid() == 0


def vdso_range(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii") as file:
        for line in file:
            if line.rstrip().endswith("[vdso]"):
                return tuple(int(x, 16) for x in line.split()[0].split("-"))
    raise AssertionError(f"process {pid} has no vDSO")


def functions(image):
    """{name: (offset, size)} of the vDSO's dynamic symbols."""
    offset, size, count = struct.unpack_from("<Q", image, 40)[0], *struct.unpack_from("<HH", image, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, offset + i * size) for i in range(count)]
    symbols = next(s for s in sections if s[1] == 11)  # SHT_DYNSYM
    names = sections[symbols[6]][4]
    found = {}
    for at in range(symbols[4], symbols[4] + symbols[5], 24):
        name, _, _, _, value, length = struct.unpack_from("<IBBHQQ", image, at)
        text = image[names + name:image.index(b"\0", names + name)]
        found[text] = (value, length)
    return found


class WallClock:
    """Of one process, for as long as it lives."""

    def __init__(self, pid):
        self.pid = pid
        self.begin, self.end = vdso_range(pid)
        with open(f"/proc/{pid}/mem", "rb") as memory:
            memory.seek(self.begin)
            self.places = functions(memory.read(self.end - self.begin))
        for name, code in CODE.items():
            assert self.places[name][1] >= len(code), f"{name} is too short to be written over"

    def shift(self, seconds):
        """The clock jumps while the process stands still, outside of what is written over."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            wait_until(self.stands, 5, f"process {self.pid} stands still outside of its vDSO")
            with open(f"/proc/{self.pid}/mem", "r+b", buffering=0) as memory:
                for name, code in CODE.items():
                    memory.seek(self.begin + self.places[name][0])
                    memory.write(code.replace(OFFSET, struct.pack("<q", seconds)))
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def stands(self):
        tasks = os.listdir(f"/proc/{self.pid}/task")
        return all(self.task_stands(task) for task in tasks)

    def task_stands(self, task):
        path = f"/proc/{self.pid}/task/{task}"
        with open(f"{path}/stat", "rb") as file:
            if file.read().rsplit(b")", 1)[1].split()[0] != b"T":
                return False
        with open(f"{path}/syscall", encoding="ascii") as file:
            place = file.read().split()
        return place[0] != "running" and not self.begin <= int(place[-1], 16) < self.end


class RoostClocks:
    """The wall clocks of keeper and daemon of a home."""

    def __init__(self, home):
        self.clocks = [WallClock(home.live_pid("keeper_pid")), WallClock(home.live_pid("daemon_pid"))]

    def shift(self, seconds):
        for clock in self.clocks:
            if procs.alive(clock.pid):
                clock.shift(seconds)
