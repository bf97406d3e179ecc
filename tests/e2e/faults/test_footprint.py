"""F23: what keeper and daemon cost when nothing happens."""
import time

import pytest

from harness import procs
from harness.roost import FULL, victim
from harness.wait import hold_for, wait_until

APPS = 100


def pss_kib(pid):
    """Proportional set size: shared pages are shared out."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def both(home):
    return [home.live_pid("daemon_pid"), home.live_pid("keeper_pid")]


def lowest_pss(home):
    """What it settles at: the smallest of several looks."""
    seen = []
    hold_for(lambda: seen.append(sum(map(pss_kib, both(home)))) or True, 0.5, step=0.1)
    return min(seen)


def idle_share(pids, seconds):
    """CPU time in so many seconds, as a share of one processor."""
    before, begin = sum(map(procs.cpu_ns, pids)), time.monotonic()
    hold_for(lambda: all(map(procs.alive, pids)), seconds, step=0.5)
    return (sum(map(procs.cpu_ns, pids)) - before) / (time.monotonic() - begin) / 1e9


@pytest.mark.serial
def test_f23_memory_and_idle_cpu(release_home):
    home = release_home
    home.ok("ping")
    empty = lowest_pss(home)
    done = home.ok("start", victim("idle"), "--name", "many", "-i", APPS, timeout=60)
    assert done.code == 0
    wait_until(lambda: all(i["state"] == "online" for i in home.infos()), 20, "all are online")
    per_app = (lowest_pss(home) - empty) / APPS
    share = min(idle_share(both(home), 10 if FULL else 2) for _ in range(4))  # what a start or a list leaves to do is done within the first
    print(f"F23: empty {empty} KiB PSS, {per_app:.1f} KiB an app, idle cpu {share * 100:.4f} % with {APPS} apps")
    assert empty < 12 * 1024
    assert per_app < 30
    assert share < 0.0005, f"{share * 100:.3f} % is not 0.0 %"
