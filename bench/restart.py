#!/usr/bin/python3
"""From a crash to the new process: p50 of the time between the kill and the new process's own first act, and the manager's CPU per
restart, against the least any manager could do (floor_respawn.c), interleaved on the same machine.

    bench/restart.py [--count 60] [--bin build/release/bin] [--check]

--check: exit status 1 unless p50 is at most 1.4 times the floor's and the CPU per restart at most 300 us."""
import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
sys.dont_write_bytecode = True

MAX_RATIO, MAX_CPU_US = 1.4, 300


def compile_programs(directory):
    for source in ("bench/floor_respawn.c", "tests/victims/idle.c"):
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-static", "-o", directory / Path(source).stem, ROOT / source], check=True)


def beacon_lines(path):
    try:
        return [tuple(map(int, line.split())) for line in path.read_text().splitlines()]
    except FileNotFoundError:
        return []


def next_begin(path, seen, seconds=10):
    """(pid, begin) of run number `seen` (from 0) once it has noted itself."""
    from harness.wait import wait_until
    return wait_until(lambda: len(beacon_lines(path)) > seen and beacon_lines(path)[seen], seconds, "the new process notes itself", step=0.002)


def kill_rounds(beacon, count, settled):
    """Kills the newest process `count` times; returns the times (ms) from the kill to the next one's first act."""
    times = []
    for seen in range(1, count + 1):
        pid, _ = next_begin(beacon, seen - 1)
        settled()
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        os.kill(pid, signal.SIGKILL)
        _, begin = next_begin(beacon, seen)
        times.append((begin - before) / 1e6)
    return times


def measure_floor(directory, count):
    beacon = directory / "floor.beacon"
    floor = subprocess.Popen([directory / "floor_respawn", str(count), directory / "idle", beacon], stdout=subprocess.PIPE, text=True)
    times = kill_rounds(beacon, count, lambda: None)
    os.kill(next_begin(beacon, count)[0], signal.SIGKILL)
    out, _ = floor.communicate(timeout=20)
    return times, int(out.split()[-1]) / 1000


def measure_roost(directory, count, bin_dir):
    from harness import procs
    from harness.roost import Home
    home = Home(bin_dir=bin_dir)
    try:
        beacon = home.work / "beacon"
        # min-uptime would make each kill a quick exit, and the back-off would be measured: one app per two restarts keeps the budget.
        times, cpu = [], 0
        for number in range((count + 1) // 2):
            record = beacon.with_suffix(f".{number}")
            home.ok("start", directory / "idle", "--name", f"app{number}", "--", record)
            before = sum(procs.cpu_ns(p) for p in (home.daemon_pid, home.keeper_pid))
            times += kill_rounds(record, 2, lambda: None)
            cpu += sum(procs.cpu_ns(p) for p in (home.daemon_pid, home.keeper_pid)) - before
            home.ok("delete", f"app{number}")
        return times, cpu / len(times) / 1000
    finally:
        complaints = home.close()
        home.remove()
        if complaints:
            print("\n".join(complaints), file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--bin", type=Path, default=ROOT / "build/release/bin")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        compile_programs(directory)
        floor, roost, floor_cpu, roost_cpu = [], [], [], []
        for _ in range(3):  # interleaved: the machine's mood is the same for both
            (directory / "floor.beacon").unlink(missing_ok=True)
            times, cpu = measure_floor(directory, options.count // 3)
            floor += times
            floor_cpu.append(cpu)
            times, cpu = measure_roost(directory, options.count // 3, options.bin)
            roost += times
            roost_cpu.append(cpu)
    ratio = statistics.median(roost) / statistics.median(floor)
    cpu = statistics.median(roost_cpu)
    print(f"floor  p50 {statistics.median(floor):.2f} ms, CPU {statistics.median(floor_cpu):.0f} us per restart")
    print(f"roost  p50 {statistics.median(roost):.2f} ms, CPU {cpu:.0f} us per restart (keeper and daemon)")
    print(f"ratio  {ratio:.2f} (at most {MAX_RATIO}), CPU at most {MAX_CPU_US} us")
    return 1 if options.check and (ratio > MAX_RATIO or cpu > MAX_CPU_US) else 0


if __name__ == "__main__":
    sys.exit(main())
