"""How long stop, restart, kill and boot of 100 apps take, until the last process has gone or runs, and the daemon's start to its first answer."""
from lib.bench import median, pair
from lib.events import STARTED
from lib.figures import Target
from lib.process import Children, Gone, rest

APPS = 100
# The most milliseconds on a quiet machine, and how many times the floor that is on the machine they were set on. The floor of kill is its stop.
TARGETS = {"stop": Target(value=15, ratio=2.8), "restart": Target(value=80, ratio=1.75), "kill": Target(value=25, ratio=4.6),
           "boot": Target(value=90, ratio=2.2)}


def last_start_after(events, since, begin_ns):
    return (events.last_start(APPS, 120, since) - begin_ns) / 1e6


def floor_once(bench):
    events, times = bench.events(), {}
    with Children([bench.floor("spawn"), "managed", APPS, *bench.app(events)]) as floor:
        floor.wait_done()
        times["boot"] = last_start_after(events, 0, floor.begin_ns)
        since = events.count()
        begin = floor.do("restart")
        floor.wait_done()
        times["restart"] = last_start_after(events, since, begin)
        gone = Gone(events.pids(since))
        begin = floor.do("stop")
        times["stop"] = times["kill"] = (gone.wait() - begin) / 1e6
        floor.wait_done()
    return times


def acts(events, run, others, start_again):
    """The times of restart, stop, kill and boot of a manager. run(word): the command; others: its own processes; start_again: the command that brings back
    what stop has stopped."""
    times, since = {}, events.count()
    times["restart"] = last_start_after(events, since, run("restart", "all").begin_ns)
    rest(0.5)
    gone, since = Gone(events.pids(since)), events.count()
    ran = run("stop", "all")
    times["stop"] = (gone.wait() - ran.begin_ns) / 1e6
    run(*start_again)
    pids = [pid for _, pid in events.wait(STARTED, APPS, 120, since)]
    run("save")
    rest(1)
    gone, since = Gone([*pids, *others()]), events.count()
    ran = run("kill")
    times["kill"] = (gone.wait() - ran.begin_ns) / 1e6
    times["boot"] = last_start_after(events, since, run("resurrect").begin_ns)
    return times


def roost_once(bench):
    with bench.home() as home:
        events, _ = bench.start_idle(home, APPS)
        rest(1.5)  # what is written behind the start is not the restart's
        return acts(events, lambda *words: bench.roost(home, *words), lambda: pair(home), ("start", "all", "--no-wait"))


def pm2_once(bench):
    with bench.pm2() as pm2:
        events = bench.events()
        pm2.start(bench.app(events), APPS)
        events.last_start(APPS, 120)
        rest(1.5)
        return acts(events, pm2.run, lambda: [pm2.pid], ("start", "all"))


def first_answer(bench):
    with bench.home() as home:
        return bench.roost(home, "ping").wall_ms


def measure(bench):
    floor, ours = [], []
    for _ in range(bench.count(5, 1)):
        floor.append(floor_once(bench))
        ours.append(roost_once(bench))
    theirs = pm2_once(bench) if bench.pm2_program else {}
    for what, target in TARGETS.items():
        bench.figure(f"{what} of {APPS}", "ms", median([t[what] for t in ours]), median([t[what] for t in floor]), target, theirs.get(what))
    starts = [first_answer(bench) for _ in range(bench.count(10, 2))]
    bench.figure("start of keeper and daemon to the first answer", "ms", median(starts), None, Target(value=30))
