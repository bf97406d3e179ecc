"""A private PM2, measured beside roost where it is installed."""
import contextlib
import os
import shutil
import signal

from harness import procs
from harness.wait import wait_until

from .process import run


class Pm2:
    def __init__(self, program, home):
        self.program, self.home = program, home
        self.env = {**os.environ, "PM2_HOME": str(home), "PM2_DISABLE_VERSION_CHECK": "true"}

    def __enter__(self):
        self.home.mkdir()
        try:
            self.run("ping")
            self.pid = wait_until(self._daemon, 30, "PM2's daemon")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _daemon(self):
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.home / "pm2.pid").read_text())
            return pid if procs.alive(pid) else None

    def run(self, *args):
        return run([self.program, *args], self.env)

    def start(self, app, count, name="app"):
        return self.run("start", app[0], "--name", name, "-i", count, "--interpreter", "none", "--", *app[1:])

    def __exit__(self, *_):
        with contextlib.suppress(RuntimeError):
            self.run("kill")
        for pid in procs.with_environment(f"PM2_HOME={self.home}"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.home, ignore_errors=True)
