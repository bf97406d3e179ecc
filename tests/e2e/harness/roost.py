"""Home: a private ROOST_HOME with everything a test does with it."""
import glob
import json
import mmap
import os
import shutil
import signal
import stat
import struct
import subprocess
import tempfile
from pathlib import Path

from . import procs, wire
from .wait import wait_until

ROOT = Path(__file__).resolve().parents[3]
BIN_DIR = Path(os.environ.get("ROOST_BIN_DIR", ROOT / "build/asan/bin")).resolve()
RELEASE_BIN_DIR = Path(os.environ.get("ROOST_RELEASE_BIN_DIR", ROOT / "build/release/bin")).resolve()
VICTIMS = Path(os.environ.get("ROOST_VICTIM_DIR", BIN_DIR / "victims")).resolve()
VICTIM_SOURCES = ROOT / "tests/victims"
FULL = os.environ.get("ROOST_TIER") == "full"
COMMAND_LIMIT = 60  # seconds; a command that takes longer hangs


def victim(name):
    path = VICTIMS / name
    return str(path if path.exists() else VICTIM_SOURCES / name)


class Output:
    """What a command said."""

    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err

    def __iter__(self):
        return iter((self.code, self.out, self.err))

    def __repr__(self):
        return f"roost {' '.join(map(str, self.args))}\n  rc {self.code}\n  out: {self.out}\n  err: {self.err}"

    def json(self):
        return json.loads(self.out)


class Counter:
    """The page a writer counts in; see tests/victims/counter.h."""

    def __init__(self, path):
        self.path = str(path)

    def _field(self, index):
        try:
            with open(self.path, "rb") as file, mmap.mmap(file.fileno(), 40, prot=mmap.PROT_READ) as page:
                return struct.unpack_from("<Q", page, index * 8)[0]
        except (OSError, ValueError):
            return 0

    accepted = property(lambda self: self._field(0))
    errors = property(lambda self: self._field(1))
    max_wait_ns = property(lambda self: self._field(2))
    pid = property(lambda self: self._field(3))
    starts = property(lambda self: self._field(4))


class Home:
    def __init__(self, bin_dir=None, deep=False, env=None):
        self.base = Path(tempfile.mkdtemp(prefix="roost-t-", dir=os.environ.get("ROOST_TEST_TMP", "/tmp")))
        self.path = self.base / "h"
        if deep:
            self.path = self.base / "/".join(["deep" * 10] * 6) / "home"
            self.path.parent.mkdir(parents=True)
        self.work = self.base / "w"
        self.work.mkdir()
        self.bin = Path(bin_dir or BIN_DIR)
        self.extra_env = dict(env or {})
        self.strays = []  # pids a test knows of and that must be gone, however well they hide

    # ---- running commands
    def environment(self, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("ROOST_", "PYTEST_", "COV_"))}
        env["ROOST_HOME"] = str(self.path)
        env["ASAN_OPTIONS"] = f"log_path={self.base}/sanitizer:exitcode=99:abort_on_error=0:detect_leaks=1:disable_coredump=0"
        env["UBSAN_OPTIONS"] = f"log_path={self.base}/sanitizer:print_stacktrace=1"
        env["LC_ALL"] = "C.UTF-8"
        for key, value in {**self.extra_env, **more}.items():
            if value is None:
                env.pop(key, None)
            else:
                env[key] = value
        return env

    def run(self, *args, check=None, timeout=COMMAND_LIMIT, env=None, stdin=subprocess.DEVNULL, prefix=(), cwd=None, text=True,
            preexec_fn=None):
        """Runs roost ARGS; check: the exit code it must have (None: any)."""
        args = [str(a) for a in args]
        done = subprocess.run([*map(str, prefix), str(self.bin / "roost"), *args], capture_output=True, timeout=timeout, stdin=stdin,
                              env=self.environment(**(env or {})), cwd=cwd or self.work, preexec_fn=preexec_fn)
        out, err = (done.stdout, done.stderr)
        if text:
            out, err = out.decode(errors="replace"), err.decode(errors="replace")
        result = Output(args, done.returncode, out, err)
        if check is not None:
            assert result.code == check, f"expected exit status {check}: {result}"
        return result

    def popen(self, *args, env=None, **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": self.work, **options}
        return subprocess.Popen([str(self.bin / "roost"), *map(str, args)], env=self.environment(**(env or {})), **options)

    def ok(self, *args, **options):
        return self.run(*args, check=0, **options)

    def start(self, program, *args, name, options=(), **more):
        """Starts a victim (or any path) as app `name`."""
        path = program if "/" in str(program) or " " in str(program) else victim(program)
        return self.ok("start", path, "--name", name, *options, *(["--", *args] if args else []), **more)

    # ---- what roost says
    def jlist(self):
        return self.ok("jlist").json()

    def infos(self, *targets):
        """list --json, by instance: every InstanceInfo."""
        return self.ok("list", "--json").json()["instances"]

    def info(self, name, slot=0):
        for entry in self.infos():
            if entry["name"] == name and entry.get("slot", 0) == slot:
                return entry
        raise AssertionError(f"no instance {name}#{slot}")

    def state(self, name, slot=0):
        return self.info(name, slot)["state"]

    def pid(self, name, slot=0):
        return self.info(name, slot).get("pid", 0)

    def pids(self):
        return {(i["name"], i.get("slot", 0)): i.get("pid", 0) for i in self.infos()}

    def describe(self, *targets):
        return self.ok("describe", *targets, "--json").json()["instances"]

    def exits(self, name):
        """Recorded exits of all instances of an app."""
        return [e for d in self.describe(name) for e in d.get("exits", [])]

    def wait_state(self, name, state, seconds=10.0, slot=0):
        return wait_until(lambda: self.state(name, slot) == state, seconds, f"{name}#{slot} is {state}")

    # ---- files
    def log_path(self, name, stream="out", slot=0):
        suffix = f"-{slot}" if slot else ""
        return self.path / "logs" / f"{name}-{stream}{suffix}.log"

    def log(self, name, stream="out", slot=0):
        try:
            return self.log_path(name, stream, slot).read_bytes()
        except FileNotFoundError:
            return b""

    def daemon_log(self):
        try:
            return (self.path / "roostd.log").read_text(errors="replace")
        except OSError:
            return ""

    def _pid_file(self, name):
        try:
            return int((self.path / name).read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return 0

    @property
    def daemon_pid(self):
        return self._pid_file("roostd.pid")

    @property
    def keeper_pid(self):
        return self._pid_file("keeper.pid")

    @property
    def socket(self):
        return str(self.path / "roost.sock")

    def connect(self, **options):
        return wire.Connection(self.socket, **options)

    # ---- violence
    def live_pid(self, which):
        def live():
            pid = getattr(self, which)
            return pid if pid and procs.alive(pid) else 0
        return wait_until(live, 10, f"a live {which}")

    def kill_daemon(self, number=signal.SIGKILL):
        """Returns the pid of the daemon that was killed."""
        with procs.Held(self.live_pid("daemon_pid")) as daemon:
            daemon.kill_and_wait(number)
            return daemon.pid

    def kill_keeper(self):
        with procs.Held(self.live_pid("keeper_pid")) as keeper:
            keeper.kill_and_wait()
            return keeper.pid

    def wait_new_daemon(self, old, seconds=10.0):
        """Waits until a daemon other than `old` answers; returns its pid."""
        return wait_until(lambda: self._answering(old), seconds, f"a daemon other than {old} answers", step=0.005)

    def _answering(self, old):
        try:
            with self.connect(timeout=2) as connection:
                pid = connection.call("daemon.ping")["pid"]
                return pid if pid != old else 0
        except (OSError, wire.Closed, wire.WireError):
            return 0

    # ---- the end
    def processes(self):
        """Everything that belongs to this home: keeper, daemon, apps and what descends from them."""
        return procs.with_environment(f"ROOST_HOME={self.path}", f"ROOST_ID={self.identity}.*")

    @property
    def identity(self):
        """How roost names this home in ROOST_ID and in control groups: FNV-1a of its path."""
        value = 0xcbf29ce484222325
        for byte in str(self.path).encode():
            value = (value ^ byte) * 0x100000001b3 % 2**64
        return f"{value:016x}"

    def leftovers(self):
        found = {pid for pid in self.processes() if procs.alive(pid)}
        return sorted(found | {pid for pid in self.strays if procs.alive(pid)})

    def close(self):
        """`roost kill`, then nothing may be left. Returns complaints."""
        complaints = []
        try:
            if self.daemon_pid or self.keeper_pid:
                done = self.run("kill", timeout=40)
                if done.code != 0:
                    complaints.append(f"roost kill failed: {done!r}")
        except (subprocess.TimeoutExpired, OSError) as error:
            complaints.append(f"roost kill: {error}")
        try:
            wait_until(lambda: not self.leftovers(), 5, "no process is left")
        except AssertionError:
            complaints += [f"left over: {pid} {procs.state(pid)} {procs.command(pid)}" for pid in self.leftovers()]
        self._end_rest()
        complaints += self.sanitizer_reports()
        return complaints

    def _end_rest(self):
        for _ in range(20):
            rest = self.leftovers()
            if not rest:
                break
            for pid in rest:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            wait_until(lambda: not any(procs.alive(pid) for pid in rest), 5, "killed processes are gone")
        self._remove_cgroups()

    def _remove_cgroups(self):
        for directory in glob.glob(f"/sys/fs/cgroup/**/roost-*{self.identity}*", recursive=True):
            inner = sorted((p for p in Path(directory).rglob("*") if p.is_dir()), key=lambda p: -len(p.parts))
            for path in [*inner, Path(directory)]:
                try:
                    path.rmdir()
                except OSError:
                    pass  # not empty (a process that ends just now), or gone already

    def sanitizer_reports(self):
        reports = []
        for path in self.base.glob("sanitizer*"):
            text = path.read_text(errors="replace")
            if text.strip():
                reports.append(f"sanitizer report {path.name}:\n{text[:6000]}")
        return reports

    def remove(self):
        shutil.rmtree(self.base, ignore_errors=True)
        shutil.rmtree(f"/run/roost-{self.identity}", ignore_errors=True)  # root's notify socket, of a roost that was killed as a whole

    def evidence(self):
        """What a failing test should show."""
        parts = [f"--- roostd.log of {self.path}", "\n".join(self.daemon_log().splitlines()[-80:])]
        for pid in self.leftovers():
            parts.append(f"process {pid} {procs.state(pid)} parent {procs.parent(pid)} {procs.command(pid)}")
        return "\n".join(parts)


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def check_log(*paths):
    """The verdict of checklog on a writer's log."""
    done = subprocess.run([victim("checklog"), *map(str, paths)], capture_output=True, check=True)
    return json.loads(done.stdout)
