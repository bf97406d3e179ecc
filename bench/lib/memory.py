"""Memory of a tree of processes: a control group of its own counts what no process's RSS shows (page tables, pipes, sockets, descriptor tables)."""
import contextlib
import os
from pathlib import Path

from harness.wait import wait_until

V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


def own_group():
    """(path, version) of the control group that counts our memory, or None."""
    with open("/proc/self/cgroup", encoding="ascii") as file:
        fields = [line.rstrip("\n").split(":", 2) for line in file]
    for _, controllers, path in fields:
        if "memory" in controllers.split(","):
            return V1 / path.lstrip("/"), 1
    for number, _, path in fields:
        if number == "0" and "memory" in _read(V2 / path.lstrip("/") / "cgroup.controllers").split():
            return V2 / path.lstrip("/"), 2
    return None


def _read(path):
    try:
        return path.read_text()
    except OSError:
        return ""


class MemoryGroup:
    """A group below our own. `usable` is false where we may not make one."""
    made = 0

    def __init__(self):
        own, self.path = own_group(), None
        if own is None:
            return
        MemoryGroup.made += 1
        parent, self.version = own
        path = parent / f"roost-bench-{os.getpid()}-{MemoryGroup.made}"
        with contextlib.suppress(OSError):
            path.mkdir()
            self.path = path
            if self.bytes() is None:
                self.close()

    @property
    def usable(self):
        return self.path is not None

    def enter(self):
        """For preexec_fn: what is executed next, and all that comes of it, is counted here."""
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def bytes(self):
        """Anonymous and kernel memory; None where the kernel does not count it."""
        stat = dict(line.split() for line in _read(self.path / "memory.stat").splitlines())
        try:
            if self.version == 1:
                return int(stat["total_rss"]) + int(_read(self.path / "memory.kmem.usage_in_bytes"))
            return int(stat["anon"]) + int(stat["kernel"])
        except (KeyError, ValueError):
            return None

    def _removed(self):
        with contextlib.suppress(OSError):
            for inner in sorted((p for p in self.path.rglob("*") if p.is_dir()), key=lambda p: -len(p.parts)):
                inner.rmdir()
            self.path.rmdir()
        return not self.path.exists()

    def close(self):
        if self.path is not None:
            with contextlib.suppress(AssertionError):
                wait_until(self._removed, 5)
            self.path = None
