"""F11 descriptors run out; F12 no further process can be made; F18 a thousand clients; F19 readers that never read."""
import os
import resource
import shutil
import signal
import subprocess
import time

import pytest

from harness import procs, wire
from harness.load import Writers
from harness.roost import FULL, victim
from harness.wait import hold_for, wait_until

# ---- F11


def descriptors(count):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def start_idle(home, name, **options):
    return home.run("start", victim("idle"), "--name", name, "--no-wait", **options)


def test_f11_with_64_descriptors_the_start_is_refused_and_nothing_breaks(home):
    options = {"preexec_fn": descriptors(64)}
    home.run("ping", check=0, **options)
    for i in range(3):
        refused = start_idle(home, f"app{i}", **options)
        if refused.code == 0:
            continue
        assert refused.code != 5 and "descriptor" in refused.err and "64" in refused.err, refused
    assert len([p for p in home.processes() if procs.command(p).startswith(victim("idle"))]) == len(home.infos())
    assert home.run("list").code == 0 and procs.alive(home.daemon_pid)


def test_f11_up_to_80_apps_then_refused_with_a_reserve_and_recovers(home):
    options = {"preexec_fn": descriptors(480)}
    names = [f"app{i}" for i in range(80)]
    for i, name in enumerate(names):
        done = start_idle(home, name, **options)
        if done.code != 0:
            break
    assert done.code not in (0, 5) and "descriptor" in done.err, f"never refused: {done}"
    assert i >= 5, "hardly anything fits"
    daemon = home.live_pid("daemon_pid")
    assert len(procs.open_fds(daemon)) + 16 <= 480 and len(procs.open_fds(home.keeper_pid)) + 16 <= 480
    clients = [home.connect() for _ in range(8)]
    assert all(c.call("daemon.ping")["pid"] == daemon for c in clients)
    for c in clients:
        c.close()
    for name in names[:3]:
        pid = home.pid(name)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda n=name, p=pid: home.pid(n) not in (0, p), 10, "restarted all the same")
        assert wait_until(lambda n=name: home.exits(n), 5, "its exit is on record")[0]["status"]["signal"] == signal.SIGKILL
    home.wait_new_daemon(home.kill_daemon())
    assert sorted(i["name"] for i in home.infos()) == sorted(names[:i])
    home.ok("delete", names[0])
    assert start_idle(home, "another", **options).code == 0, "room again"


# ---- F12

def for_others(home):
    """Binaries and directories that uid 65534 can reach."""
    target = home.base / "bin"
    target.mkdir()
    for name in ("roost", "roostd", "roost-keeper"):
        shutil.copy(home.bin / name, target / name)
    shutil.copy(victim("idle"), target / "idle")
    home.bin = target
    for path in (home.base, home.work, target):
        os.chown(path, 65534, 65534)
        os.chmod(path, 0o755)
    return home


def may_fork(outsider, pids, yes):
    """The limit of processes of roost's own processes: with 1, each further one is refused to them."""
    for pid in pids:
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            hard = next(line.split()[3] for line in file if line.startswith("Max processes"))
        subprocess.run([*outsider, "prlimit", "--pid", str(pid), f"--nproc={hard if yes else 1}:"], check=True)


@pytest.fixture
def others(release_home, outsider):
    home = for_others(release_home)
    options = {"prefix": [*outsider, "env", f"HOME={home.base}"]}
    home.run("start", home.bin / "idle", "--name", "app", "--no-wait", "--", home.work / "beacon", check=0, **options)
    home.run("start", home.bin / "idle", "--name", "calm", "--no-wait", check=0, **options)
    yield home, options, outsider
    may_fork(outsider, [p for p in (home.daemon_pid, home.keeper_pid) if p and procs.alive(p)], True)
    home.run("kill", timeout=60, **options)


def truthful(home, options):
    """Nothing is shown as online without a live process."""
    for entry in home.run("list", "--json", check=0, **options).json()["instances"]:
        if entry["state"] == "online" and not procs.alive(entry["pid"]):
            again = {i["name"]: i for i in home.run("list", "--json", check=0, **options).json()["instances"]}[entry["name"]]
            assert again.get("pid") != entry["pid"] or again["state"] != "online", again
    return True


@pytest.mark.root
@pytest.mark.serial
def test_f12_keeps_trying_while_nothing_can_be_forked(others):
    home, options, outsider = others
    daemon, keeper = home.live_pid("daemon_pid"), home.live_pid("keeper_pid")
    calm, pid = (wait_until(lambda name=name: home.run("pid", name, **options).out.strip(), 10, f"{name} runs") for name in ("calm", "app"))
    pid = int(pid)
    may_fork(outsider, [daemon, keeper], False)
    os.kill(pid, signal.SIGKILL)
    seconds = 12 if FULL else 2.5
    cpu = procs.cpu_ns(daemon) + procs.cpu_ns(keeper)
    begin = time.monotonic()
    hold_for(lambda: procs.alive(daemon), seconds)
    used = (procs.cpu_ns(daemon) + procs.cpu_ns(keeper) - cpu) / (time.monotonic() - begin) / 1e9
    hold_for(lambda: truthful(home, options), 0.5, step=0.1)
    entry = {i["name"]: i for i in home.run("list", "--json", **options).json()["instances"]}["app"]
    assert entry["state"] != "online" and entry.get("pid", 0) == 0, entry
    refused = home.run("start", home.bin / "idle", "--name", "more", **options)
    assert refused.code not in (0, 5) and refused.err.strip(), refused
    may_fork(outsider, [daemon, keeper], True)
    begin = time.monotonic()
    wait_until(lambda: len((home.work / "beacon").read_text().splitlines()) == 2, 10, "it runs again", step=0.01)
    took = time.monotonic() - begin
    print(f"F12: cpu {used * 100:.2f} %, back {took:.2f} s after processes could be made; shown meanwhile: {entry['state']}: {entry.get('reason')}")
    assert took <= 5 and used < 0.01
    assert home.run("pid", "calm", **options).out.strip() == calm


@pytest.mark.root
@pytest.mark.serial
def test_f12_daemon_dies_while_nothing_can_be_forked(others):
    home, options, outsider = others
    pids = {i["name"]: i["pid"] for i in home.run("list", "--json", **options).json()["instances"]}
    daemon, keeper = home.live_pid("daemon_pid"), home.live_pid("keeper_pid")
    may_fork(outsider, [keeper], False)
    home.kill_daemon()
    cpu, begin = procs.cpu_ns(keeper), time.monotonic()
    hold_for(lambda: procs.alive(keeper) and all(procs.alive(p) for p in pids.values()), 2)
    used = (procs.cpu_ns(keeper) - cpu) / (time.monotonic() - begin) / 1e9
    may_fork(outsider, [keeper], True)
    begin = time.monotonic()
    wait_until(lambda: home.daemon_pid not in (0, daemon) and procs.alive(home.daemon_pid), 10, "a daemon again", step=0.01)
    took = time.monotonic() - begin
    assert {i["name"]: i["pid"] for i in home.run("list", "--json", check=0, **options).json()["instances"]} == pids
    print(f"F12: keeper cpu {used * 100:.2f} %, a daemon {took:.2f} s after processes could be made")
    assert took <= 5 and used < 0.01


# ---- F18

def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def wait_memory_back(pid, before):
    try:
        wait_until(lambda: procs.memory_kib(pid) <= before * 1.1, 10, step=0.2)
    except AssertionError:
        raise AssertionError(f"resident memory was {before} KiB and stays at {procs.memory_kib(pid)} KiB") from None


@pytest.mark.serial
def test_f18_a_thousand_raw_clients_are_answered(release_home):
    home = release_home
    home.start("idle", name="app")
    pid = home.live_pid("daemon_pid")
    with home.connect() as one:
        one.call("app.list")
    memory, fds = procs.memory_kib(pid), len(procs.open_fds(pid))
    clients, sent, took = [], [], []
    try:
        for _ in range(1000):
            clients.append(home.connect(hello=False, timeout=20))
            sent.append(time.monotonic())
            clients[-1].send(wire.request(1, "hello", {"protocol": 1, "version": "t", "pid": 1}) + wire.request(2, "app.list"))
        for client, begin in zip(clients, sent):
            assert client.read_message(1)[0] == wire.RESULT and client.read_message(2)[0] == wire.RESULT
            took.append(time.monotonic() - begin)
    finally:
        for client in clients:
            client.close()
    print(f"F18 raw: p50 {percentile(took, 0.5) * 1000:.0f} ms, p99 {percentile(took, 0.99) * 1000:.0f} ms")
    assert percentile(took, 0.99) < 1
    wait_until(lambda: len(procs.open_fds(pid)) <= fds * 1.1, 10, "descriptors are back")
    wait_memory_back(pid, memory)
    assert home.daemon_pid == pid


@pytest.mark.serial
def test_f18_a_thousand_cli_clients_are_answered(release_home):
    home = release_home
    home.start("idle", name="app")
    pid = home.live_pid("daemon_pid")
    memory, fds = procs.memory_kib(pid), len(procs.open_fds(pid))
    program, env = str(home.bin / "roost"), home.environment()
    silent = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    begun, took, codes = {}, [], []

    def reap(options):
        while begun:
            child, status = os.waitpid(-1, options)
            if child == 0:
                return
            took.append(time.monotonic() - begun.pop(child))
            codes.append(os.waitstatus_to_exitcode(status))

    for _ in range(1000):
        begun[os.posix_spawn(program, [program, "list"], env, file_actions=silent)] = time.monotonic()
        reap(os.WNOHANG)
    reap(0)
    print(f"F18 cli: p50 {percentile(took, 0.5) * 1000:.0f} ms, p99 {percentile(took, 0.99) * 1000:.0f} ms")
    assert codes == [0] * 1000
    assert percentile(took, 0.99) < 1
    wait_until(lambda: len(procs.open_fds(pid)) <= fds * 1.1, 10, "descriptors are back")
    wait_memory_back(pid, memory)


# ---- F19

@pytest.mark.serial
def test_f19_followers_that_never_read_cost_the_daemon_nothing(release_home):
    """One of the logs, one of the events: the first is the command's own affair, the second is cut off."""
    home = release_home
    writers = Writers(home, 2, 20_000)
    home.start("crash", "exit", 3, home.work / "runs", 0, name="loop", options=["--no-wait"])
    daemon = home.live_pid("daemon_pid")
    memory = procs.memory_kib(daemon)
    readers = [home.popen("logs", "-f"), home.popen("events", "-f")]
    try:
        before = writers.accepted()
        wait_until(lambda: writers.accepted() > before + 40_000, 20, "the writers are not held up")
        assert procs.memory_kib(daemon) - memory < 16 * 1024
    finally:
        for reader in readers:
            reader.kill()
            reader.communicate()
    assert home.daemon_pid == daemon
    writers.check()


@pytest.mark.serial
def test_f19_event_reader_that_never_reads_is_bounded(release_home):
    home = release_home
    home.start("idle", name="app", options=["-i", "20"])
    daemon = home.live_pid("daemon_pid")
    memory = procs.memory_kib(daemon)
    with home.connect(timeout=30) as greedy:
        for number in range(900, 960):  # each event comes sixty times
            greedy.send(wire.request(number, "app.events", {"follow": True}))
        grown = 0
        for _ in range(60):
            home.ok("stop", "app")
            home.ok("start", "app", "--no-wait")
            grown = max(grown, procs.memory_kib(daemon) - memory)
            if "does-not-read" in home.daemon_log():
                break
        with pytest.raises(wire.Closed):
            while True:
                greedy.read_frame()
    print(f"F19: the daemon grew by {grown} KiB")
    assert grown < 12 * 1024
    assert home.run("list").code == 0 and home.daemon_pid == daemon
