"""What roost itself needs: memory of keeper and daemon with 0, 100 and 1,000 idle apps, memory per app, CPU while nothing happens."""
from lib.bench import pair, rss_mb
from lib.figures import Target
from lib.memory import MemoryGroup
from lib.process import Children, cpu_ns, rest

RSS_MB = {0: 5, 100: 6, 1000: 11}
IDLE_MS_A_MINUTE = {0: 1, 100: 3}
KB_PER_APP = 12


def idle_ms_a_minute(pids, seconds):
    before = cpu_ns(pids)
    rest(seconds)
    return (cpu_ns(pids) - before) / 1e6 * 60 / seconds


def roost_at(bench, count):
    with bench.home() as home:
        home.ok("ping")
        if count:
            bench.start_idle(home, count)
        rest(bench.count(3, 1))  # what a start leaves to be written and given back
        bench.figure(f"keeper and daemon, {count} apps: RSS", "MB", rss_mb(pair(home)), None, Target(value=RSS_MB[count]))
        if count in IDLE_MS_A_MINUTE:
            idle = idle_ms_a_minute(pair(home), bench.count(20, 2))
            bench.figure(f"keeper and daemon, {count} apps: idle CPU a minute", "ms", idle, None, Target(value=IDLE_MS_A_MINUTE[count]))


def bare_bytes(bench, count):
    """The least that so many of these apps cost: their own memory and that of a loop of posix_spawn."""
    group, events = MemoryGroup(), bench.events()
    try:
        with Children([bench.floor("spawn"), "bare", count, *bench.app(events)], preexec_fn=group.enter) as floor:
            floor.wait_done()
            events.last_start(count)
            rest(0.5)
            return group.bytes()
    finally:
        group.close()


def roost_bytes(bench, count):
    group = MemoryGroup()
    try:
        with bench.home() as home:
            home.ok("ping", preexec_fn=group.enter)  # with it come keeper and daemon
            bench.start_idle(home, count)
            rest(bench.count(3, 1))
            return group.bytes()
    finally:
        group.close()


def measure(bench):
    for count in RSS_MB:
        roost_at(bench, count)
    probe = MemoryGroup()
    usable = probe.usable
    probe.close()
    if not usable:
        bench.remark("memory per app is left out: no control group for memory can be made here")
        return
    for count in (100, 500):
        floor, ours = bare_bytes(bench, count) / count / 1e3, roost_bytes(bench, count) / count / 1e3
        bench.figure(f"memory per app above the bare floor, {count} apps", "kB", ours - floor, None, Target(value=KB_PER_APP))
        bench.figure(f"memory per app, all of it, {count} apps", "kB", ours, floor)
