"""Running commands and floors: their time, their CPU, their end."""
import contextlib
import os
import select
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass

from harness import procs
from harness.wait import wait_until


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def rest(seconds):
    """Lets what was started come to rest."""
    time.sleep(seconds)


def cpu_ns(pids):
    """CPU time of processes with all their threads, by their clocks: exact, whatever else the machine does."""
    return sum(procs.cpu_ns(pid) for pid in pids)


@dataclass
class Ran:
    begin_ns: int
    end_ns: int
    cpu_ns: int

    @property
    def wall_ms(self):
        return (self.end_ns - self.begin_ns) / 1e6

    @property
    def cpu_ms(self):
        return self.cpu_ns / 1e6


def run(argv, env=None, out="/dev/null"):
    """Runs a command to its end; no fork of this process is in its figures. CPU: what the kernel says at its end (its own and that of
    processes it has waited for)."""
    argv = [str(a) for a in argv]
    with tempfile.TemporaryFile() as errors:
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, str(out), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                   (os.POSIX_SPAWN_DUP2, errors.fileno(), 2)]
        begin = now_ns()
        pid = os.posix_spawn(argv[0], argv, os.environ if env is None else env, file_actions=actions)
        try:
            _, status, usage = os.wait4(pid, 0)
        except BaseException:  # out of time: the command is not left behind
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        end = now_ns()
        if status != 0:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(argv)}: status {os.waitstatus_to_exitcode(status)}: {errors.read(2000).decode(errors='replace')}")
    return Ran(begin, end, round((usage.ru_utime + usage.ru_stime) * 1e9))


class Program:
    """A process of ours that lives for a while; ended by its pid at the end of a `with`."""

    def __init__(self, argv, **options):
        self.process = subprocess.Popen([str(a) for a in argv], start_new_session=True, **{"stdin": subprocess.DEVNULL, **options})
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def finish(self, seconds=30):
        """Waits for its own end; its CPU in ns."""
        wait_until(self._ended, seconds, f"the end of {self.process.args[0]}", step=0.005)
        return self.cpu

    def _ended(self):
        if self.process.returncode is not None:
            return True
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        if pid == 0:
            return False
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu = round((usage.ru_utime + usage.ru_stime) * 1e9)
        return True

    def __exit__(self, *_):
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.process.wait()


class Children(Program):
    """A floor with children (spawn.c, relay_uv.c): told what to do by its standard input, and ended by the end of it, children and all."""

    def __init__(self, argv, **options):
        self.begin_ns = now_ns()
        super().__init__(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **options)

    def wait_done(self, seconds=60):
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not ready or self.process.stdout.readline() != b"done\n":
            raise RuntimeError(f"{self.process.args[0]}: not done in {seconds} s")

    def do(self, word):
        """When it was told to (ns)."""
        begin = now_ns()
        self.process.stdin.write(word.encode() + b"\n")
        return begin

    def __exit__(self, *everything):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        super().__exit__(*everything)


class Gone:
    """Waits for the end of processes by their pidfds."""

    def __init__(self, pids):
        self.held = [procs.Held(pid) for pid in pids]

    def wait(self, seconds=60):
        """When the last one has gone (ns), which is when this process has seen it."""
        end = time.monotonic() + seconds
        for held in self.held:
            held.wait_gone(max(0.001, end - time.monotonic()))
        gone = now_ns()
        for held in self.held:
            held.close()
        return gone
