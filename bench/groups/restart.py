"""From a crash to the new process: the time from the kill to its first act, and the manager's CPU, against a loop of waitpid and posix_spawn."""
import os
import signal
import subprocess

from lib.bench import median, pair
from lib.events import STARTED
from lib.figures import Target
from lib.process import Program, cpu_ns, now_ns, rest


def kill_newest(events, count):
    """Kills the newest process `count` times; the times (ms) from the kill to the next one's first act."""
    times = []
    for seen in range(1, count + 1):
        _, pid = events.wait(STARTED, seen, 10)[-1]
        before = now_ns()
        os.kill(pid, signal.SIGKILL)
        times.append((events.wait(STARTED, seen + 1, 10)[-1][0] - before) / 1e6)
    rest(0.05)  # the new process runs before its manager has noted it
    return times


def floor_round(bench, count):
    events = bench.events()
    with Program([bench.floor("respawn"), count, *bench.app(events)]) as floor:
        events.wait(STARTED, 1, 10)
        before = cpu_ns([floor.pid])
        times = kill_newest(events, count)
        cpu = (cpu_ns([floor.pid]) - before) / count / 1e3
        os.kill(events.pids()[-1], signal.SIGKILL)
        floor.finish()
    return times, cpu


def bare_pair_round(bench, count):
    """A keeper and a daemon that share the work as roost's do, and do nothing else."""
    events = bench.events()
    with Program([bench.floor("keep"), *bench.app(events)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        both = [keeper.pid, int(keeper.process.stdout.readline())]
        events.wait(STARTED, 1, 10)
        rest(0.05)
        before = cpu_ns(both)
        kill_newest(events, count)
        cpu = (cpu_ns(both) - before) / count / 1e3
        keeper.process.stdin.close()
        keeper.finish()
    return cpu


def roost_round(bench, count):
    """Two kills an app: more would use up its budget of quick restarts, and the back-off would be measured."""
    times, cpu = [], 0
    with bench.home() as home:
        for number in range(count // 2):
            name = f"app{number}"
            events, _ = bench.start_idle(home, 1, name)
            rest(0.7)  # the start is over, and its row is written: what is measured is the restart
            before = cpu_ns(pair(home))
            times += kill_newest(events, 2)
            cpu += cpu_ns(pair(home)) - before
            home.ok("delete", name)
    return times, cpu / len(times) / 1e3


def measure(bench):
    floor, ours, floor_cpu, our_cpu, pair_cpu = [], [], [], [], []
    for _ in range(bench.count(3, 1)):
        pair_cpu.append(bare_pair_round(bench, bench.count(20, 4)))
        for into, cpu, (times, used) in ((floor, floor_cpu, floor_round(bench, bench.count(20, 4))),
                                         (ours, our_cpu, roost_round(bench, bench.count(20, 4)))):
            into += times
            cpu.append(used)
    bench.figure("crash until the new process runs, p50", "ms", median(ours), median(floor), Target(ratio=1.4))
    bench.figure("restart: CPU of keeper and daemon", "us", median(our_cpu), median(floor_cpu), Target(value=300, ratio=2.2))
    bench.figure("restart: CPU, floor a bare keeper and daemon", "us", median(our_cpu), median(pair_cpu))
