"""F16 stale files name innocent processes; F17 clients race; F21 what another uid can read; F22 what a new app gets."""
import json
import os
import signal
import socket
import subprocess
import time

import pytest

from deaths import kill_both
from harness import procs
from harness.roost import mode, victim
from harness.wait import hold_for, wait_until


@pytest.fixture
def innocent():
    process = subprocess.Popen([victim("idle")])
    yield process
    process.kill()
    process.wait()


def stale(home, pid):
    for name in ("roostd.pid", "keeper.pid"):
        (home.path / name).write_text(f"{pid}\n")


def test_f16_no_command_believes_a_stale_pid_file(home, innocent):
    home.path.mkdir(mode=0o700)
    for words in (("kill",), ("stop", "all"), ("daemon", "stats"), ("list",), ("kill",)):
        if not home.processes():
            stale(home, innocent.pid)
            dead = socket.socket(socket.AF_UNIX)
            (home.path / "roost.sock").unlink(missing_ok=True)
            dead.bind(home.socket)
            dead.close()
        home.run(*words)
        assert innocent.poll() is None, f"roost {words[0]} has ended an innocent process"
    wait_until(lambda: not home.processes(), 5, "all of roost is gone")


def test_f16_nor_a_daemon_that_lives(home, innocent):
    """Not when it is killed, not when its keeper is, not by `kill`."""
    home.start("idle", name="app")
    daemon, keeper = home.live_pid("daemon_pid"), home.live_pid("keeper_pid")
    stale(home, innocent.pid)
    os.kill(daemon, signal.SIGKILL)
    home.wait_new_daemon(daemon)
    stale(home, innocent.pid)
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: home.run("ping").code == 0 and home.state("app") == "online", 10, "service is back")
    stale(home, innocent.pid)
    home.ok("kill")
    assert innocent.poll() is None, "an innocent process was ended"
    wait_until(lambda: not home.processes(), 5, "and all of roost is gone")


def test_f16_an_app_whose_pid_is_somebody_elses_now(home, innocent):
    """state.db names a pid that was given anew: a cold start looks closer than that."""
    home.start("idle", name="app")
    pid = home.pid("app")
    kill_both(home)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not procs.alive(pid), 5)
    taken = take_pid(pid)
    try:
        home.ok("list")
        home.ok("stop", "all")
        home.ok("kill")
        assert taken is None or procs.alive(taken), "an innocent process was ended"
    finally:
        if taken is not None:
            os.kill(taken, signal.SIGKILL)
            os.waitpid(taken, 0)
    assert innocent.poll() is None


def take_pid(pid):
    """A process of ours with this very pid; None when that cannot be had."""
    try:
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
            file.write(str(pid - 1))
    except OSError:
        return None
    child = os.fork()
    if child == 0:
        os.execv(victim("idle"), ["idle"])
    if child != pid:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return None
    return child


# ---- F17

@pytest.mark.serial
@pytest.mark.parametrize("dead", ["both", *(pytest.param(one, marks=pytest.mark.full) for one in ("daemon", "keeper"))])
def test_f17_fifty_clients_race_for_a_daemon(release_home, dead):
    home = release_home
    for name in ("one", "two", "three"):
        home.start("idle", home.work / f"{name}.runs", name=name)
    before, was = home.pids(), home.daemon_pid
    {"both": kill_both, "daemon": type(home).kill_daemon, "keeper": type(home).kill_keeper}[dead](home)
    begin = time.monotonic()
    clients = [home.popen("ping", "--json") for _ in range(50)]
    answers = [(c.communicate(timeout=60), c.returncode) for c in clients]
    took = time.monotonic() - begin
    assert all(code == 0 for _, code in answers), [a for a in answers if a[1] != 0][:3]
    print(f"F17: fifty answers in {took:.2f} s")
    pids = {json.loads(out)["pid"] for (out, _), _ in answers}
    programs = [os.path.basename(procs.command(p).split()[0]) for p in home.processes()]
    assert programs.count("roostd") == 1 == programs.count("roost-keeper"), programs
    assert home.pids() == before and programs.count("idle") == 3
    assert len(pids - {was}) == 1, pids
    assert took < 2, f"fifty answers took {took:.2f} s"


def test_f17_second_keepers_and_daemons_give_way(home):
    """Started by hand beside those that live: no second one stays, and no app is touched."""
    home.start("idle", home.work / "app.runs", name="app")
    pid, daemon, keeper = home.pid("app"), home.daemon_pid, home.keeper_pid
    racers = [subprocess.Popen([home.bin / "roost-keeper", "--home", home.path, "--daemon", home.bin / "roostd"], env=home.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(3)]
    racers += [subprocess.Popen([home.bin / "roostd", "--home", home.path], env=home.environment(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(3)]
    try:
        wait_until(lambda: all(r.poll() is not None for r in racers), 10, "they give way")
    finally:
        for racer in racers:
            if racer.poll() is None:
                racer.kill()
                racer.wait()
    assert (home.pid("app"), home.ok("ping", "--json").json()["pid"]) == (pid, daemon) and procs.alive(keeper)
    hold_for(lambda: (home.work / "app.runs").read_text().count("\n") == 1, 0.3, "one copy")


# ---- F21

@pytest.mark.root
def test_f21_another_uid_reads_nothing(home, outsider):
    """Not even when the way to the home is open, under an umask of 0."""
    own = home.work / "own.log"
    home.start("facts", "stay", name="app", options=["-o", own, "--no-wait"], preexec_fn=lambda: os.umask(0))
    home.run("save")
    wait_until(lambda: own.exists() and own.stat().st_size, 10, "a log where the user wants it")
    for path in (home.base, home.work):
        os.chmod(path, 0o755)
    assert mode(own) & 0o077 == 0, f"{own} has mode {mode(own):o}"
    os.chmod(home.path, 0o755)  # what is inside must be private by itself
    script = "find \"$1\" \"$2\" ! -type d \\( -readable -o -writable \\) -print 2>/dev/null"
    done = subprocess.run([*outsider, "/bin/sh", "-c", script, "sh", home.path, own], capture_output=True, text=True, check=False)
    os.chmod(home.path, 0o700)
    assert done.stdout == "", "readable by another: " + done.stdout


# ---- F22

def facts(home):
    return [json.loads(line) for line in home.log("facts").splitlines() if line.endswith(b"}")]


def test_f22_a_restarted_app_gets_no_more_after_a_take_over(home):
    """The daemon that was handed everything, and the one that became the keeper and was started again, leak nothing either."""
    home.start("idle", name="other", options=["-i", "3"])
    home.run("start", victim("facts"), "--name", "facts", "--no-autorestart", "--no-wait")
    wait_until(lambda: len(facts(home)) == 1, 10, "its facts")
    home.wait_new_daemon(home.kill_daemon())
    with home.connect():
        home.run("restart", "facts", "--no-wait")
        wait_until(lambda: len(facts(home)) == 2, 10, "its facts after a take-over")
    home.kill_keeper()
    wait_until(lambda: home.run("ping").code == 0, 10, "service is back")
    home.run("restart", "facts", "--no-wait")
    wait_until(lambda: len(facts(home)) == 3, 10, "its facts under another keeper")
    for told in facts(home):
        assert sorted(told["fds"]) == ["0", "1", "2"] and told["closed"] == 0, told
        assert int(told["SigBlk"], 16) == 0 == int(told["SigIgn"], 16) and told["sid"] == told["pid"], told
