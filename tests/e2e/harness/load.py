"""The load under which the daemon is killed: writers whose every line is checked, crashing apps whose every exit is known, web
servers whose every answer is counted."""
import json
import signal
import subprocess
from collections import Counter as Tally

from . import procs
from .roost import VICTIM_SOURCES, Counter, check_log, victim
from .wait import wait_until

CRASHES = {  # app: (how, value, the status roost must record)
    "exit7": ("exit", 7, {"kind": "exited", "code": 7}),
    "exit42": ("exit", 42, {"kind": "exited", "code": 42}),
    "segv": ("signal", int(signal.SIGSEGV), {"kind": "signaled", "signal": int(signal.SIGSEGV)}),
}


def matches(status, expected):
    return all(status.get(key, 0) == value for key, value in expected.items())


class Writers:
    def __init__(self, home, count, rate, options=()):
        self.home, self.names, self.counters = home, [f"w{i}" for i in range(count)], {}
        for name in self.names:
            page = home.work / f"{name}.count"
            home.start("writer", rate, page, name=name, options=options)
            self.counters[name] = Counter(page)
        wait_until(lambda: all(c.accepted > 100 for c in self.counters.values()), 20, "every writer writes")
        self.pids = {name: c.pid for name, c in self.counters.items()}

    def accepted(self):
        return sum(c.accepted for c in self.counters.values())

    def check(self):
        """Stops the writers; then nothing may be lost, doubled, torn or restarted."""
        for name, counter in self.counters.items():
            assert procs.alive(self.pids[name]) and counter.pid == self.pids[name] and counter.starts == 1, f"{name} was restarted"
            assert self.home.pid(name) == self.pids[name], f"{name}: roost names another pid"
            assert self.home.info(name)["restarts"] == 0
        self.home.ok("stop", *self.names)
        for name, counter in self.counters.items():
            assert counter.errors == 0, f"{name}: {counter.errors} failed writes"
            verdict = wait_until(lambda n=name, c=counter: self._whole(n, c), 10, f"{name}: the log has every accepted line")
            assert {k: verdict[k] for k in ("lost", "duplicated", "torn", "tail")} == dict(lost=0, duplicated=0, torn=0, tail=0), (name, verdict)
            assert verdict["lines"] == counter.accepted, (name, verdict, counter.accepted)

    def _whole(self, name, counter):
        verdict = check_log(self.home.log_path(name))
        return verdict if verdict["last"] >= counter.accepted else None


class Crashers:
    def __init__(self, home, instances=4, after_ms=20):
        self.home, self.records = home, {}
        for name, (how, value, _) in CRASHES.items():
            self.records[name] = home.work / f"{name}.runs"
            home.start("crash", how, value, self.records[name], after_ms, name=name, options=["-i", instances, "--no-wait"])

    def runs(self, name):
        """What the processes themselves have noted: pids that began, and pids that came to their end by themselves."""
        wait_until(self.records[name].exists, 10, f"the first run of {name}")
        begun, ended = [], []
        for line in self.records[name].read_text().splitlines():
            pid, _, end = line.split()
            (begun if end == "-" else ended).append(int(pid))
        return begun, ended

    def total(self):
        return sum(len(self.runs(name)[1]) for name in self.records if self.records[name].exists())

    def check(self, unknown_allowed=False, unborn=0, missing_allowed=0):
        """Every run's end is recorded exactly once, with its true status, and the counters agree; so is the end of `unborn`
        children that died by SIGKILL before they became the program, and of those that were stopped before they had noted
        their beginning. When keeper and daemon are lost in one moment, what is
        known is in state.db, which is 20 ms behind: the last end of each app may be missing (`missing_allowed`)."""
        for name in self.records:
            self.runs(name)  # a spawn that came to nothing, because the keeper died, is tried again after a second
        self.home.ok("stop", *self.records)
        for name, (_, _, expected) in CRASHES.items():
            begun, ended = self.runs(name)
            try:
                wait_until(lambda n=name, b=begun: len(self.home.exits(n)) >= len(b), 10)
            except AssertionError:
                pass  # what is missing is told below
            exits = self.home.exits(name)
            early = [e for e in exits if e["pid"] not in begun and e["status"].get("signal") == int(signal.SIGKILL)][:unborn]
            unborn -= len(early)
            stopped = [e for e in exits if e["pid"] not in begun and e["status"].get("signal") == int(signal.SIGTERM) and e["decision"] == "stopped by request"]
            early += {e["pid"]: e for e in stopped}.values()  # once each
            seen = Tally(e["pid"] for e in exits if e not in early)
            missing, too_many = Tally(begun) - seen, seen - Tally(begun)
            assert not too_many and sum(missing.values()) <= missing_allowed, f"{name}: exits missing {missing}, too many {too_many}; runs {self.records[name].read_text()}; exits {exits}"
            wrong = [e for e in exits if e["pid"] in ended and not matches(e["status"], expected)]
            if unknown_allowed:
                wrong = [e for e in wrong if e["status"]["kind"] != "unknown"]
            assert not wrong, f"{name}: wrong status {wrong[:5]}"
            told = self.home.describe(name)
            # One that was stopped while it waited for its next try has counted that try already; one whose crash came with the
            # stop has not.
            newest = [max(d["exits"], key=lambda e: e["ended_ms"])["pid"] for d in told if d.get("exits")]
            waited = sum(pid in ended for pid in newest)
            restarts = sum(d["instance"].get("restarts", 0) for d in told)
            # With keeper and daemon both dead the counter comes from state.db, which is written a moment behind.
            behind = len(told) if unknown_allowed else 0
            due = len(begun) + len(early) - len(told) - sum(missing.values())
            assert due - behind <= restarts <= due + waited + behind, f"{name}: {restarts} restarts, {len(begun)} runs of {len(told)} instances"


class Web:
    """A Node and a Python server under load."""

    def __init__(self, home, rate=50):
        self.home, self.clients, self.pids = home, {}, {}
        for name, script in (("web-node", "http_server.js"), ("web-python", "http_server.py")):
            record = home.work / f"{name}.port"
            home.start(VICTIM_SOURCES / script, record, name=name)
            pid, port = wait_until(lambda r=record: r.exists() and r.read_text().split(), 20, f"{name} listens")
            self.pids[name] = int(pid)
            self.clients[name] = subprocess.Popen([victim("http_load"), port, "2", "1", str(rate)], stdin=subprocess.PIPE,
                                                  stdout=subprocess.PIPE)

    def check(self):
        for name, client in self.clients.items():
            out, _ = client.communicate(timeout=30)
            counts = json.loads(out)
            failed = {kind: n for kind, n in counts.items() if kind != "ok" and n}
            assert not failed and counts["ok"] > 0, f"{name}: failed requests {counts}"
            assert self.home.pid(name) == self.pids[name] and procs.alive(self.pids[name]), f"{name} changed its pid"

    def close(self):
        for client in self.clients.values():
            if client.poll() is None:
                client.kill()
                client.communicate()
