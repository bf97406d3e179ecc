"""What a command costs: list, jlist and ping of 100 apps against one exchange over a Unix socket in C; --version against a static program."""
import contextlib
import re
import shutil
import subprocess

from lib.bench import median, pair
from lib.figures import Target
from lib.process import cpu_ns, rest, run

APPS = 100
# command: the method it asks for, and the most CPU one call may cost the daemon (ms, times the floor's server)
COMMANDS = {"list": ("app.list", Target(value=0.3, ratio=4)), "jlist": ("app.jlist", Target(value=0.4, ratio=5.5)), "ping": ("daemon.ping", None)}
MAX_INSTRUCTIONS = 1e6


def counter():
    """How user instructions can be counted here: a command to put before another, and how to read what it says."""
    if shutil.which("perf"):
        words = ["perf", "stat", "-x,", "-e", "instructions:u", "--"]
        if re.search(r"^\d+,", subprocess.run([*words, "true"], capture_output=True, text=True, timeout=20).stderr, re.M):
            return "perf", words, r"^(\d+),"
    if shutil.which("valgrind"):
        return "callgrind", ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"], r"Collected : (\d+)"
    return None


def instructions(count, argv, env=None):
    _, words, pattern = count
    done = subprocess.run([*words, *map(str, argv)], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          timeout=60)
    found = re.search(pattern, done.stderr, re.M)
    return int(found.group(1)) if found else None


class Samples:
    """CPU and wall of commands that take turns, and the CPU they cost whoever answers."""

    def __init__(self):
        self.cpu, self.wall, self.server = [], [], []

    def take(self, argv, env=None, servers=()):
        before = cpu_ns(servers)
        ran = run(argv, env)
        self.cpu.append(ran.cpu_ms)
        self.wall.append(ran.wall_ms)
        self.server.append((cpu_ns(servers) - before) / 1e6)

    def server_ms(self):
        return sum(self.server) / len(self.server)  # a call's share of what comes later is in another call's: the mean has it


def command_figures(bench, command, method, daemon_target, home, server, pm2):
    """One command in turns with its floor, and with PM2's now and then."""
    with home.connect() as connection:
        size = len(connection.call_raw(method)[1])
    argv, floor_argv, env, servers = [bench.bin_dir / "roost", command], [bench.floor("ask"), "get", server.path, size], home.environment(), pair(home)
    ours, floor, theirs = Samples(), Samples(), Samples()
    for warm_up in (floor_argv, argv):
        run(warm_up, env)
    for turn in range(bench.count(150, 8)):
        floor.take(floor_argv, servers=[server.pid])
        ours.take(argv, env, servers)
        if pm2 and turn % 20 == 0:
            theirs.take([pm2.program, command], pm2.env, [pm2.pid])
    peer = [median(theirs.cpu), median(theirs.wall), theirs.server_ms()] if pm2 else [None] * 3
    listing, name = command != "ping", f"{command}, {APPS} apps"
    bench.figure(f"{name}: CPU of the command", "ms", median(ours.cpu), median(floor.cpu), Target(ratio=1.5) if listing else None, peer[0])
    bench.figure(f"{name}: time", "ms", median(ours.wall), median(floor.wall), None, peer[1])
    bench.figure(f"{name}: CPU of keeper and daemon a call", "ms", ours.server_ms(), floor.server_ms(), daemon_target, peer[2])
    count = counter()
    if count:
        bench.figure(f"{name}: instructions ({count[0]})", "k", instructions(count, argv, env) / 1e3, instructions(count, floor_argv) / 1e3,
                     Target(value=MAX_INSTRUCTIONS / 1e3) if listing else None)


def version_figures(bench):
    ours, floor = Samples(), Samples()
    for _ in range(bench.count(300, 15)):
        floor.take([bench.floor("print_line"), "roost 0.0.0"])
        ours.take([bench.bin_dir / "roost", "--version"])
    bench.figure("--version: CPU of the command", "ms", median(ours.cpu), median(floor.cpu), Target(ratio=1.1))
    bench.figure("--version: time", "ms", median(ours.wall), median(floor.wall))


def measure(bench):
    if counter() is None:
        bench.remark("instructions are not counted: neither perf's counters nor valgrind are there")
    with contextlib.ExitStack() as stack:
        home, server = stack.enter_context(bench.home()), stack.enter_context(bench.answering_floor())
        pm2 = stack.enter_context(bench.pm2()) if bench.pm2_program else None
        bench.start_idle(home, APPS)
        if pm2:
            pm2.start(bench.app(bench.events()), APPS)
        rest(0.5)
        for command, (method, daemon_target) in COMMANDS.items():
            command_figures(bench, command, method, daemon_target, home, server, pm2)
    version_figures(bench)
