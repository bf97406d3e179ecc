"""F01 kill -9 of the daemon (ids and counters; the rest is in test_must_02_daemon_kill.py), F01n of Node's fork and cluster apps, F01b of the
keeper, F01d a daemon that hangs."""
import http.client
import os
import platform
import signal
import time

import pytest

from harness import procs
from harness.load import Writers
from harness.roost import FULL, VICTIM_SOURCES
from harness.wait import hold_for, wait_until

KEPT = ("id", "name", "slot", "pid", "restarts", "quick_exits", "started_ms", "state")


def kept(home):
    return sorted(tuple(i.get(key) for key in KEPT) for i in home.infos())


@pytest.mark.serial
def test_f01_everything_shown_is_kept_and_nobody_waits_long(release_home):
    """Five writers at about 200 KB/s each, no operator action: the next daemon comes by itself."""
    home = release_home
    writers = Writers(home, 5, 2500)
    home.start("crash", "exit", 3, home.work / "runs", 0, name="crashed", options=["--no-wait", "--max-restarts", "2"])
    home.wait_state("crashed", "errored", 20)
    before, uptimes = kept(home), [i["uptime_ms"] for i in home.infos() if i.get("pid")]
    old, begin = home.kill_daemon(), time.monotonic()
    wait_until(lambda: home.daemon_pid not in (0, old) and procs.alive(home.daemon_pid), 5, "a daemon by itself", step=0.005)
    home.wait_new_daemon(old)
    took = time.monotonic() - begin
    assert kept(home) == before
    assert all(b > a for a, b in zip(uptimes, [i["uptime_ms"] for i in home.infos() if i.get("pid")]))
    longest = max(c.max_wait_ns for c in writers.counters.values()) / 1e6
    print(f"F01: supervised after {took * 1000:.0f} ms, longest blocked write {longest:.1f} ms")
    writers.check()
    assert took <= 1 and longest < 50


# ---- F01n

CLUSTER = """
const cluster = require('cluster'), fs = require('fs'), http = require('http');
const record = process.argv[2], note = line => fs.appendFileSync(record, line + '\\n');
process.on('disconnect', () => note('disconnect ' + process.pid));
if (cluster.isPrimary) {
  for (let i = 0; i < 2; i++) cluster.fork();
  cluster.on('disconnect', w => note('disconnect ' + w.process.pid));
} else {
  const server = http.createServer((q, r) => { console.log('asked'); r.end(String(process.pid)); });
  server.listen({port: 0, host: '127.0.0.1'}, () => note('port ' + server.address().port + ' ' + process.pid));
}
"""


def ask(port):
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=2)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status == 200 and answer.read()
    finally:
        connection.close()


@pytest.mark.serial
def test_f01n_node_apps_answer_all_the_time(home):
    """A plain server and a cluster of Node's own making, asked from the moment of the death on (for five seconds in the full tier)."""
    script, record = home.work / "cluster.js", home.work / "cluster.record"
    script.write_text(CLUSTER)
    home.start(script, record, name="cluster")
    home.start(VICTIM_SOURCES / "http_server.js", home.work / "fork.port", name="fork")
    wait_until(lambda: record.exists() and record.read_text().count("port") == 2, 20, "both workers listen")
    _, fork_port = wait_until(lambda: (home.work / "fork.port").exists() and (home.work / "fork.port").read_text().split(), 20)
    ports = {line.split()[1] for line in record.read_text().splitlines()} | {fork_port}
    workers = {int(line.split()[2]) for line in record.read_text().splitlines()}
    before = home.pids()
    home.wait_new_daemon(home.kill_daemon())
    hold_for(lambda: all(ask(port) for port in ports), 5 if FULL else 2, "every server answers", step=0.05)
    assert home.pids() == before and all(procs.alive(pid) for pid in workers)
    assert "disconnect" not in record.read_text()
    assert sum(line.startswith("port") for line in record.read_text().splitlines()) == 2, "a worker was started again"


# ---- F01b

def kernel_at_least(major, minor):
    return tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2]) >= (major, minor)


def init_reaps_at_once():
    """An exit code 0 is told by the kernel once the orphan is reaped, and by nobody before. The keeper waits a second for it."""
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        orphan = os.fork()
        if orphan == 0:
            os.read(os.open("/proc/self/fd/%d" % reader, os.O_RDONLY), 1)  # until everybody has let go
            os._exit(0)
        os.write(writer, b"%d " % orphan)
        os._exit(0)
    os.waitpid(middle, 0)
    orphan = int(os.read(reader, 32))
    os.write(writer, b".")
    os.close(writer)
    os.close(reader)
    begin = time.monotonic()
    wait_until(lambda: not procs.alive(orphan), 5)
    wait_until(lambda: procs.stat_fields(orphan) is None, 20, "init reaps an orphan")
    return time.monotonic() - begin < 0.7


@pytest.mark.serial
def test_f01b_status_of_older_apps_is_exact_where_the_kernel_tells(release_home):
    home = release_home
    script = home.work / "ends.sh"
    script.write_text("trap 'exit 9' USR1\ntrap 'exit 0' USR2\n: >\"$1\"\nwhile :; do sleep 0.05; done\n")
    ends = {"coded": (signal.SIGUSR1, {"kind": "exited", "code": 9}), "zero": (signal.SIGUSR2, {"kind": "exited", "code": 0}),
            "segv": (signal.SIGSEGV, {"kind": "signaled", "signal": int(signal.SIGSEGV)}),
            "kill": (signal.SIGKILL, {"kind": "signaled", "signal": int(signal.SIGKILL)})}
    if not FULL:
        del ends["zero"]  # takes seconds where init is slow
    for name in ends:
        home.start("/bin/sh", script, home.work / f"{name}.ready", name=name, options=["--interpreter", "none", "--no-autorestart"])
        wait_until((home.work / f"{name}.ready").exists, 5, "its traps are set")
    pids, old = home.pids(), home.kill_keeper()
    begin = time.monotonic()
    wait_until(lambda: home.keeper_pid not in (0, old) and procs.alive(home.keeper_pid) and home.run("ping").code == 0, 5, "a new keeper")
    took = time.monotonic() - begin
    assert home.pids() == pids
    for name, (number, expected) in ends.items():
        os.kill(pids[name, 0], number)
        status = wait_until(lambda n=name: home.exits(n), 10, "its exit is on record")[0]["status"]
        exact = all(status.get(key, 0) == value for key, value in expected.items())
        told = kernel_at_least(6, 15) and (name != "zero" or init_reaps_at_once())
        assert exact or (status["kind"] == "unknown" and not told), f"{name}: {status}, not {expected}"
    print(f"F01b: service after {took * 1000:.0f} ms")
    assert took <= 1


# ---- F01d

@pytest.mark.serial
def test_f01d_a_hung_daemon_is_replaced_and_holds_up_nobody(release_home):
    home = release_home
    writers = Writers(home, 1, 2400)  # about 200 KB/s
    counter = writers.counters["w0"]
    old = home.live_pid("daemon_pid")
    with procs.Held(old) as daemon:
        os.kill(old, signal.SIGSTOP)
        begin, accepted = time.monotonic(), counter.accepted
        client = home.popen("list")
        hold_for(lambda: counter.max_wait_ns < 50e6, 4.9 - (time.monotonic() - begin), "the app is not blocked in the first 5 s")
        written = counter.accepted - accepted
        client.communicate(timeout=10)
        answered = time.monotonic() - begin
        daemon.wait_gone(15)
        killed = time.monotonic() - begin
    home.wait_new_daemon(old)
    print(f"F01d: client's answer after {answered:.1f} s (status {client.returncode}), killed after {killed:.1f} s, {written} lines meanwhile")
    assert written > 4.5 * 2400 * 0.9
    assert killed <= 10.5, f"killed after {killed:.1f} s"
    assert answered <= 5.5 and client.returncode in (5, 124), f"answer after {answered:.1f} s"
    writers.check()
