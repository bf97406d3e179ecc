"""Processes, by /proc."""
import contextlib
import os
import signal
import select


def stat_fields(pid):
    """Fields of /proc/PID/stat from the state on (index 0 = state, 1 = ppid, 19 = start time), or None."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rsplit(b")", 1)[1].split()
    except OSError:
        return None


def alive(pid):
    fields = stat_fields(pid)
    return fields is not None and fields[0] not in (b"Z", b"X")


def state(pid):
    fields = stat_fields(pid)
    return fields[0].decode() if fields else ""


def parent(pid):
    fields = stat_fields(pid)
    return int(fields[1]) if fields else 0


def start_time(pid):
    fields = stat_fields(pid)
    return int(fields[19]) if fields else 0


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def environ(pid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def with_environment(*entries):
    """Live pids, other than ours, that have one of these NAME=VALUE entries (a trailing * matches a prefix)."""
    exact = {e.encode() for e in entries if not e.endswith("*")}
    prefixes = tuple(e[:-1].encode() for e in entries if e.endswith("*"))
    found = []
    for pid in all_pids():
        if pid == os.getpid() or not alive(pid):
            continue
        variables = environ(pid)
        if any(v in exact or (prefixes and v.startswith(prefixes)) for v in variables):
            found.append(pid)
    return found


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def open_fds(pid):
    try:
        return {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    except OSError:
        return set()


def memory_kib(pid, key="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return 0


def cpu_ns(pid):
    """CPU time of all threads of a process, from its CPU clock."""
    import ctypes
    clock = (~pid << 3) | 2
    spec = (ctypes.c_long * 2)()
    libc = ctypes.CDLL(None, use_errno=True)
    return spec[0] * 10**9 + spec[1] if libc.clock_gettime(clock, spec) == 0 else 0


@contextlib.contextmanager
def copied_fd(pid, number):
    """A process's descriptor, as if it had sent it to us (pidfd_getfd)."""
    import ctypes
    held = os.pidfd_open(pid)
    copy = ctypes.CDLL(None, use_errno=True).syscall(438, held, number, 0)
    os.close(held)
    assert copy >= 0, os.strerror(ctypes.get_errno())
    try:
        yield copy
    finally:
        os.close(copy)


@contextlib.contextmanager
def traced(pid):
    """It stands still, and SIGCONT does not help: only SIGKILL does."""
    import ctypes
    attach, detach = 16, 17
    assert ctypes.CDLL(None, use_errno=True).ptrace(attach, pid, None, None) == 0, os.strerror(ctypes.get_errno())
    os.waitpid(pid, 0)
    try:
        yield
    finally:
        ctypes.CDLL(None).ptrace(detach, pid, None, None)


class Held:
    """A process held by pidfd: it can be signalled and waited for without ever meeting a stranger."""

    def __init__(self, pid):
        self.pid = pid
        self.fd = os.pidfd_open(pid)

    def kill(self, number=signal.SIGKILL):
        signal.pidfd_send_signal(self.fd, number)

    def wait_gone(self, seconds=10.0):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        assert ready, f"process {self.pid} is still there after {seconds} s"

    def kill_and_wait(self, number=signal.SIGKILL, seconds=10.0):
        try:
            self.kill(number)
        except ProcessLookupError:
            pass
        self.wait_gone(seconds)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
