"""Fifty apps that have a bad hour: what they are, what happens to them, and what must be true of them whenever one looks."""
import os
import random
import select
import subprocess
import time
from collections import Counter as Tally

from . import procs, wire
from .load import CRASHES, matches
from .roost import Counter, check_log, victim
from .wait import wait_until

WRITERS, CRASHERS, VICTIMS, FLOODS, TEMPORARY = 12, 12, 12, 6, 8  # fifty
SHOWN = 20  # exits of an instance that `describe` tells
FLOOD = "exec 2>&1; while :; do head -c 3000000 /dev/zero; sleep 15; done"


class Sample:
    """What keeper and daemon hold when nothing is under way."""

    def __init__(self, home):
        self.daemon, self.keeper = home.live_pid("daemon_pid"), home.live_pid("keeper_pid")
        self.rss = {p: procs.memory_kib(p) for p in (self.daemon, self.keeper)}
        self.anonymous = {p: procs.memory_kib(p, "RssAnon") for p in (self.daemon, self.keeper)}
        self.fds = {p: len(procs.open_fds(p)) - self.logs(p, home) for p in (self.daemon, self.keeper)}
        self.threads = {p: procs.memory_kib(p, "Threads") for p in (self.daemon, self.keeper)}

    def logs(self, pid, home):
        """Open log files are a cache of limited size: which ones are in it depends on who wrote last."""
        found = 0
        for fd in procs.open_fds(pid):
            try:
                found += os.readlink(f"/proc/{pid}/fd/{fd}").startswith(f"{home.path}/logs/")
            except OSError:
                pass  # closed meanwhile
        return found

    def of(self, which):
        pid = getattr(self, which)
        return {"rss": self.rss[pid], "anonymous": self.anonymous[pid], "fds": self.fds[pid], "threads": self.threads[pid]}

    def __repr__(self):
        return " ".join(f"{which} " + " ".join(f"{k} {v}" for k, v in self.of(which).items()) for which in ("daemon", "keeper"))


class Soak:
    def __init__(self, home, seed):
        self.home, self.random = home, random.Random(seed)
        self.done = Tally()
        self.followers = []
        self.counters, self.records, self.deaths = {}, {}, {}
        for i in range(WRITERS):
            page = home.work / f"w{i}.count"
            home.start("writer", 100, page, name=f"w{i}", options=["--no-wait"])
            self.counters[f"w{i}"] = Counter(page)
        for i in range(CRASHERS):
            how, value, status = list(CRASHES.values())[i % len(CRASHES)]
            name = f"c{i}"
            self.records[name], self.deaths[name] = home.work / f"{name}.runs", status
            home.start("crash", how, value, self.records[name], self.random.randrange(1500, 6000), name=name, options=["--no-wait"])
        for i in range(VICTIMS):
            home.start("idle", name=f"v{i}", options=["--no-wait"])
        for i in range(FLOODS):
            home.ok("start", "/bin/sh", "--name", f"f{i}", "--interpreter", "none", "--no-wait", "--", "-c", FLOOD)
        wait_until(lambda: all(c.accepted > 10 for c in self.counters.values()), 60, "every writer writes")
        self.pids = {name: c.pid for name, c in self.counters.items()}

    # ---- what happens

    def run(self, seconds, kills):
        """So many seconds of one thing after another."""
        acts = [self.kill_app] * 4 + [self.restart] * 2 + [self.stop_and_start, self.come, self.come, self.go, self.look, self.look]
        acts += [self.passer_by, self.follow, self.flush, self.flood_now]
        end, next_kill = time.monotonic() + seconds, time.monotonic() + self.random.uniform(1, 20)
        while time.monotonic() < end:
            if kills and time.monotonic() >= next_kill:
                self.kill_daemon()
                next_kill = time.monotonic() + self.random.uniform(2, 30)
            act = self.random.choice(acts)
            act()
            self.done[act.__name__] += 1
            select.select([], [], [], self.random.uniform(0.1, 0.7))

    def any_of(self, letter, count):
        return f"{letter}{self.random.randrange(count)}"

    def kill_app(self):
        pid = self.home.pid(self.any_of("v", VICTIMS))
        try:
            if pid:
                with procs.Held(pid) as app:
                    app.kill_and_wait()
        except ProcessLookupError:
            pass  # a restart that the daemon's death has cut short was about to end it

    def restart(self):
        self.home.ok("restart", self.any_of("v", VICTIMS), self.any_of("f", FLOODS))

    def stop_and_start(self):
        name = self.any_of("v", VICTIMS)
        self.home.ok("stop", name)
        self.home.ok("start", name)

    def come(self):
        """An app that is deleted later, or is there already."""
        name = self.any_of("t", TEMPORARY)
        done = self.home.run("start", "/bin/sh", "--name", name, "--interpreter", "none", "--", "-c", "echo here; exec sleep 1000")
        assert done.code == 0 or "already" in done.err, done

    def go(self):
        done = self.home.run("delete", self.any_of("t", TEMPORARY))
        assert done.code in (0, 3), done

    def look(self):
        self.home.ok(*self.random.choice([("list",), ("jlist",), ("describe", "all"), ("logs", "--lines", "20", "--no-follow"), ("events",)]))

    def passer_by(self):
        """Clients that come, ask half a question, and go."""
        for _ in range(5):
            try:
                with wire.Connection(self.home.socket, timeout=5) as connection:
                    whole = wire.request(9, "list")
                    connection.send(whole[:self.random.randrange(len(whole))])
            except (OSError, wire.Closed, wire.WireError):
                pass  # the daemon has just been killed

    def follow(self):
        """Followers are replaced again and again, the eldest without a word."""
        if len(self.followers) >= 4:
            self.end(self.followers.pop(0))
        words = self.random.choice([("logs", "-f", "w0", "c0"), ("events", "-f")])
        self.followers.append(self.home.popen(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def end(self, follower):
        follower.kill()
        follower.wait()

    def flush(self):
        self.home.ok("flush", "f*")

    def flood_now(self):
        self.home.ok("restart", "f*")

    def kill_daemon(self):
        """In the middle of a command, which must come to its end all the same."""
        client = self.home.popen("restart", self.any_of("v", VICTIMS))
        select.select([], [], [], self.random.uniform(0, 0.1))
        self.home.kill_daemon()
        out, err = client.communicate(timeout=60)
        assert client.returncode == 0 or b"went away during 'app.restart'" in err, (client.returncode, out, err)
        self.done["kill_daemon"] += 1

    # ---- what must be true

    def still(self):
        """Nothing is under way: what crashes, floods or comes and goes is stopped or away."""
        while self.followers:
            self.end(self.followers.pop())
        self.home.run("delete", "t*")
        self.home.ok("stop", "c*", "f*")
        self.home.ok("flush", "f*")
        steady = [n for n in (i["name"] for i in self.home.infos()) if n[0] in "wv"]
        assert len(steady) == WRITERS + VICTIMS, steady
        wait_until(lambda: all(i["state"] == "online" for i in self.home.infos() if i["name"] in steady), 30, "what is steady is online")

    def sample(self):
        """The lowest of a few looks: exits are acknowledged to the keeper with the next answer to its pings, 4.8 s apart."""
        looks = []
        end = time.monotonic() + 9
        wait_until(lambda: looks.append(Sample(self.home)) or time.monotonic() > end, 10, step=0.25)
        return min(looks, key=lambda s: (sum(s.fds.values()), sum(s.rss.values())))

    def check(self):
        """Nothing is lost, twice or wrong, and nobody is left over."""
        self.check_exits()
        for name, counter in self.counters.items():
            assert counter.pid == self.pids[name] == self.home.pid(name) and counter.starts == 1 and counter.errors == 0, name
        for pid in (self.home.live_pid("daemon_pid"), self.home.live_pid("keeper_pid")):
            wait_until(lambda p=pid: not self.zombies(p), 5, "no zombie")
        known = {p for p in self.home.pids().values() if p}
        wait_until(lambda: self.apps() <= known, 5, "no process that roost does not know")

    def zombies(self, parent):
        return [p for p in procs.all_pids() if procs.parent(p) == parent and procs.state(p) == "Z"]

    def apps(self):
        return {p for p in self.home.processes() if procs.command(p).startswith((victim("idle"), victim("crash"), victim("writer")))}

    def check_exits(self):
        """The last runs that there were, by their own word, are the last exits on record."""
        for name, expected in self.deaths.items():
            lines = [line.split() for line in self.records[name].read_text().splitlines()]
            begun, ended = [int(n[0]) for n in lines if n[2] == "-"], {int(n[0]) for n in lines if n[2] != "-"}
            wanted = Tally(begun[-SHOWN + 5:])
            wait_until(lambda n=name, w=wanted: not w - Tally(e["pid"] for e in self.home.exits(n)), 10, f"{name}: every end is on record")
            exits = self.home.exits(name)
            twice = [pid for pid, n in Tally((e["pid"], e["ended_ms"]) for e in exits).items() if n > 1]
            wrong = [e for e in exits if e["pid"] in ended and e["pid"] in wanted and not matches(e["status"], expected)]
            assert not twice and not wrong, (name, twice, wrong)

    def go_on(self):
        self.home.ok("start", "c*", "f*", "--no-wait")

    def check_logs(self):
        """At the end: every line that was accepted is there once."""
        self.home.ok("stop", *self.counters)
        for name, counter in self.counters.items():
            verdict = wait_until(lambda n=name, c=counter: self._whole(n, c), 10, f"{name}: the log has every accepted line")
            assert [verdict[k] for k in ("lost", "duplicated", "torn", "tail")] == [0] * 4, (name, verdict)
            assert verdict["lines"] == counter.accepted > 0, (name, verdict, counter.accepted)

    def _whole(self, name, counter):
        verdict = check_log(self.home.log_path(name))
        return verdict if verdict["last"] >= counter.accepted else None

    def close(self):
        while self.followers:
            self.end(self.followers.pop())
