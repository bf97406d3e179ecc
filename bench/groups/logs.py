"""What keeping logs costs: one app at full speed, 100 apps at 1,000 lines a second, following, and commands meanwhile."""
import subprocess

from harness.wait import wait_until
from lib.bench import median, pair
from lib.events import BEGUN, STARTED, WRITTEN
from lib.figures import Target
from lib.process import Children, Program, cpu_ns, now_ns, rest, run

APPS, LINES, LINE_BYTES, RATE = 100, 1000, 100, 50  # RATE: lines a second of the app that is followed
MIB, GIB = 2**20, 2**30


def whole_at(path, size, seconds=120):
    """When the file had so many bytes (ns)."""
    wait_until(lambda: path.exists() and path.stat().st_size >= size, seconds, f"{size} bytes in {path.name}", step=0.001)
    return now_ns()


def wrong_lines(bench, paths, expected):
    """How many lines are missing, doubled, torn or out of order."""
    out = bench.directory / "checked"
    run([bench.floor("check_lines"), *paths], out=out)
    lines, wrong = map(int, out.read_text().split())
    return abs(expected - lines) + wrong


# ---- one app at full speed
def flood_figures(events, end_ns, size, cpu):
    """(MiB/s, CPU seconds per GiB)"""
    begin_ns = events.wait(BEGUN, 1, 10)[0][0]
    return size / MIB / ((end_ns - begin_ns) / 1e9), cpu / 1e9 / (size / GIB)


def relay_flood(bench, how, size):
    events, log = bench.events(), bench.directory / "relay.log"
    log.unlink(missing_ok=True)
    with Program(bench.app(events, "flood", size), stdout=subprocess.PIPE) as app:
        with Program([bench.floor("relay"), how, log], stdin=app.process.stdout) as relay:
            app.process.stdout.close()
            end = whole_at(log, size)
            result = flood_figures(events, end, size, cpu_ns([relay.pid]))
    log.unlink()
    return result


def roost_flood(bench, size):
    """Its figures, and how many lines were wrong."""
    with bench.home() as home:
        home.ok("ping")
        rest(0.5)
        events, servers, log = bench.events(), pair(home), home.log_path("flood")
        before = cpu_ns(servers)
        home.start(bench.floor("app"), *bench.app(events, "flood", size)[1:], name="flood", options=["--no-wait"])
        end = whole_at(log, size)
        result = flood_figures(events, end, size, cpu_ns(servers) - before)
        return result, wrong_lines(bench, [log], size // LINE_BYTES)


def one_at_full_speed(bench):
    size = bench.count(GIB, GIB // 16) // LINE_BYTES * LINE_BYTES
    copied, spliced, ours, wrong = [], [], [], 0
    for _ in range(bench.count(3, 1)):
        copied.append(relay_flood(bench, "rw", size))
        spliced.append(relay_flood(bench, "splice", size))
        result, bad = roost_flood(bench, size)
        ours.append(result)
        wrong += bad
    speed, cpu = ([median([sample[i] for sample in samples]) for samples in (ours, copied, spliced)] for i in (0, 1))
    bench.figure("one app at full speed: throughput", "MiB/s", speed[0], speed[1], Target(ratio=0.85, least=True))
    bench.figure("one app at full speed: CPU per GiB of keeper and daemon", "s", cpu[0], max(cpu[1:]), Target(ratio=1.35))
    bench.figure("one app at full speed: lines lost or wrong", "", wrong, None, Target(value=0))


# ---- many apps
def many_once(bench, events, pids, begin_cpu, seconds, logs):
    """(CPU per line in us, lines lost or wrong)"""
    events.wait(WRITTEN, APPS, seconds * 6 + 60)
    lines = APPS * LINES * seconds
    wait_until(lambda: sum(log.stat().st_size for log in logs() if log.exists()) >= lines * LINE_BYTES, 30, "all lines are in the files")
    return (cpu_ns(pids) - begin_cpu) / 1e3 / lines, wrong_lines(bench, logs(), lines)


def floor_many(bench, seconds):
    events, directory = bench.events(), bench.directory / "many"
    directory.mkdir()
    argv = [bench.floor("relay_uv" if bench.has_floor("relay_uv") else "spawn"), directory, APPS, *bench.app(events, "rate", LINES, seconds)]
    with Children(argv) as floor:
        floor.wait_done()
        events.wait(STARTED, APPS, 60)
        result = many_once(bench, events, [floor.pid], cpu_ns([floor.pid]), seconds, lambda: list(directory.iterdir()))
    for log in directory.iterdir():
        log.unlink()
    directory.rmdir()
    return result


def start_many(bench, home, seconds):
    """Starts the apps; their events and log files."""
    home.ok("ping")
    events = bench.events()
    home.start(bench.floor("app"), *bench.app(events, "rate", LINES, seconds)[1:], name="many", options=["-i", APPS, "--no-wait"])
    events.wait(STARTED, APPS, 60)
    return events, [home.log_path("many", slot=slot) for slot in range(APPS)]


def roost_many(bench, seconds):
    with bench.home() as home:
        events, logs = start_many(bench, home, seconds)
        servers = pair(home)
        return many_once(bench, events, servers, cpu_ns(servers), seconds, lambda: logs)


def many_apps(bench):
    floor, ours, wrong = [], [], 0
    seconds = bench.count(10, 2)
    for _ in range(bench.count(3, 1)):
        floor.append(floor_many(bench, seconds)[0])
        cpu, bad = roost_many(bench, seconds)
        ours.append(cpu)
        wrong += bad
    if not bench.has_floor("relay_uv"):
        bench.remark("no libuv headers: the floor of many apps is a loop of epoll, read and write, which costs less")
    bench.figure(f"{APPS} apps, {LINES} lines/s each: CPU of keeper and daemon a line", "us", median(ours), median(floor), Target(ratio=1.35))
    bench.figure(f"{APPS} apps, {LINES} lines/s each: lines lost or wrong", "", wrong, None, Target(value=0))


def answers_meanwhile(bench):
    """The slowest of many `list` while the apps write, in turns with the floor's request."""
    ours, floor, seconds = [], [], bench.count(10, 2)
    with bench.home() as home, bench.answering_floor() as server:
        events, _ = start_many(bench, home, seconds)
        while len(events.of(WRITTEN)) < APPS and len(ours) < 500:
            floor.append(run([bench.floor("ask"), "get", server.path, 20000]).wall_ms)
            ours.append(bench.roost(home, "list").wall_ms)
    bench.figure("list meanwhile: p50", "ms", median(ours), median(floor))
    bench.figure("list meanwhile: slowest", "ms", max(ours), max(floor), Target(value=50, ratio=2))


# ---- following
def lag_ms(bench, stream, lines):
    """p50 and p90 of the time from the app's write to the reader's."""
    out = bench.directory / "lag"
    with out.open("wb") as file, Program([bench.floor("lag"), lines - 40, 20], stdin=stream, stdout=file) as lag:
        stream.close()
        lag.finish(lines / RATE * 4 + 30)
    return [int(word) / 1e6 for word in out.read_text().split()]


def tail_lag(bench, seconds):
    events, log = bench.events(), bench.directory / "tailed.log"
    with log.open("wb") as file, Program(["tail", "-n", "0", "-F", log], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tail:
        with Program(bench.app(events, "rate", RATE, seconds), stdout=file):
            return lag_ms(bench, tail.process.stdout, RATE * seconds)


def roost_lag(bench, seconds):
    with bench.home() as home:
        events = bench.events()
        home.start(bench.floor("app"), *bench.app(events, "rate", RATE, seconds)[1:], name="talks", options=["--no-wait"])
        with Program([bench.bin_dir / "roost", "logs", "talks", "--raw", "-n", "0", "-f"], stdout=subprocess.PIPE, env=home.environment()) as follow:
            return lag_ms(bench, follow.process.stdout, RATE * seconds - RATE)


def following(bench):
    seconds, floor, ours = bench.count(12, 3), [], []
    for _ in range(bench.count(3, 1)):
        floor.append(tail_lag(bench, seconds))
        ours.append(roost_lag(bench, seconds))
    for i, (name, target) in enumerate((("p50", Target(value=0.2, ratio=2.2)), ("p90", None))):
        bench.figure(f"follow: from the write to the reader, {name}", "ms", median([x[i] for x in ours]), median([x[i] for x in floor]), target)


def measure(bench):
    one_at_full_speed(bench)
    many_apps(bench)
    answers_meanwhile(bench)
    following(bench)
