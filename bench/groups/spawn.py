"""What starting apps costs: 100 and 500 by one command, against a C program that starts them with the same pipes."""
from harness.wait import wait_until
from lib.bench import median, pair
from lib.figures import Target
from lib.process import Children, cpu_ns, rest


def settled_cpu(pids, seconds=10):
    """The CPU time of processes once they do nothing more for 0.2 s (a database is written a moment behind)."""
    last = [cpu_ns(pids)]

    def unchanged():
        rest(0.2)
        last.append(cpu_ns(pids))
        return last[-1] - last[-2] < 50_000
    wait_until(unchanged, seconds, "rest")
    return last[-1]


def floor_once(bench, count):
    """(CPU of everything per app in us, time until the last one runs in ms)."""
    events = bench.events()
    with Children([bench.floor("spawn"), "managed", count, *bench.app(events)]) as floor:
        floor.wait_done()
        wall = (events.last_start(count) - floor.begin_ns) / 1e6
        return settled_cpu([floor.pid, *events.pids()]) / count / 1e3, wall


def roost_once(bench, count):
    with bench.home() as home:
        home.ok("ping")
        before = settled_cpu(pair(home))
        events, ran = bench.start_idle(home, count)
        wall = (events.last_start(count) - ran.begin_ns) / 1e6
        return (settled_cpu([*pair(home), *events.pids()]) - before + ran.cpu_ns) / count / 1e3, wall


def pm2_once(bench, count):
    with bench.pm2() as pm2:
        before, events = settled_cpu([pm2.pid]), bench.events()
        ran = pm2.start(bench.app(events), count)
        wall = (events.last_start(count, 120) - ran.begin_ns) / 1e6
        return (settled_cpu([pm2.pid, *events.pids()]) - before + ran.cpu_ns) / count / 1e3, wall


def measure(bench):
    for count in (100, 500):
        floor, ours, theirs = [], [], []
        for _ in range(bench.count(5, 1)):
            floor.append(floor_once(bench, count))
            ours.append(roost_once(bench, count))
        if bench.pm2_program:
            theirs.append(pm2_once(bench, count))
        cpu, wall = ([median([sample[i] for sample in samples]) if samples else None for samples in (ours, floor, theirs)] for i in (0, 1))
        bench.figure(f"start of {count}: CPU of everything per app", "us", cpu[0], cpu[1], Target(ratio=2), cpu[2])
        bench.figure(f"start of {count}: until the last one runs", "ms", wall[0], wall[1], None, wall[2])
