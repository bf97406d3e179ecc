"""What a group of figures works with: compiled floors, private homes of roost (and PM2, where it is installed), and the list of results."""
import contextlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
from pathlib import Path

from harness import procs
from harness.roost import Home
from harness.wait import wait_until

from .events import Events
from .figures import Figure
from .pm2 import Pm2
from .process import Program, run

FLOORS = Path(__file__).resolve().parents[1] / "floors"
NEEDS_LIBRARY = {"relay_uv": ("/usr/include/uv.h", "-luv")}


def compile_floors(directory):
    for source in sorted(FLOORS.glob("*.c")):
        header, library = NEEDS_LIBRARY.get(source.stem, (None, None))
        if header and not os.path.exists(header):
            continue
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", directory / source.stem, source, *([library] if library else ["-static"])], check=True,
                       timeout=60)


def median(values):
    return statistics.median(values)


class Bench:
    def __init__(self, directory, bin_dir, quick):
        self.directory, self.bin_dir, self.quick = Path(directory), Path(bin_dir), quick
        self.pm2_program = shutil.which("pm2")
        self.figures, self.remarks, self.pages, self.group = [], [], [], ""
        self.programs = self.directory / "floors"
        self.programs.mkdir()
        compile_floors(self.programs)

    # ---- results
    def figure(self, name, unit, roost, floor=None, target=None, pm2=None):
        self.figures.append(Figure(name, unit, roost, floor, target, pm2, self.group))

    def remark(self, text):
        self.remarks.append(f"{self.group}: {text}")

    def say(self, text):
        print(f"# {self.group}: {text}", file=sys.stderr, flush=True)

    def count(self, full, quick):
        return quick if self.quick else full

    # ---- what is measured
    def floor(self, name):
        return self.programs / name

    def has_floor(self, name):
        return self.floor(name).exists()

    def events(self):
        self.pages.append(Events(self.directory / f"events.{len(self.pages)}"))
        return self.pages[-1]

    def app(self, events, *what):
        """The command of an app that notes what it does in `events`."""
        return [str(self.floor("app")), events.path, *map(str, what or ["idle"])]

    @contextlib.contextmanager
    def home(self):
        """A private roost; nothing of it is left behind."""
        home = Home(bin_dir=self.bin_dir)
        try:
            yield home
        finally:
            for complaint in home.close():
                self.remark(f"at the end of a roost: {complaint}")
            home.remove()

    @contextlib.contextmanager
    def pm2(self):
        """A private PM2."""
        with Pm2(self.pm2_program, self.directory / "pm2") as pm2:
            yield pm2

    @contextlib.contextmanager
    def answering_floor(self):
        """The server of ask.c; `path` is its socket."""
        path = self.directory / "ask.sock"
        path.unlink(missing_ok=True)
        with Program([self.floor("ask"), "serve", path]) as server:
            server.path = path
            wait_until(lambda: _listening(path), 10, "the floor's server listens")
            yield server

    def roost(self, home, *args, out="/dev/null"):
        return run([self.bin_dir / "roost", *args], home.environment(), out)

    def start_idle(self, home, count, name="app"):
        """Starts `count` idle apps by one command; the events they note themselves in, and the command."""
        events = self.events()
        ran = self.roost(home, "start", self.floor("app"), "--name", name, "-i", count, "--no-wait", "--", *self.app(events)[1:])
        events.wait(1, count, 60)
        return events, ran

    def sweep(self):
        """Ends every app that is still there: after a failure of what should have."""
        app = str(self.floor("app"))
        for pid in (pid for page in self.pages for pid in page.pids()):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/exe") == app:
                    os.kill(pid, signal.SIGKILL)
        self.pages.clear()


def _listening(path):
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def pair(home):
    """Keeper and daemon."""
    return [home.live_pid("daemon_pid"), home.live_pid("keeper_pid")]


def rss_mb(pids):
    return sum(procs.memory_kib(pid) for pid in pids) * 1024 / 1e6
