"""Ids of runs are never given twice, though a keeper that was made anew counts its daemons from one again: a new run would be taken for an old one."""
import os
import signal

from harness import procs
from harness.wait import wait_until


def start_some(home, *names):
    for name in names:
        home.start("idle", home.work / f"{name}.runs", name=name)


def check_new_app_is_its_own(home, old):
    before = {name: home.pid(name) for name in old}
    start_some(home, "new")
    home.ok("restart", old[0])
    pids = home.pids().values()
    assert len(set(pids)) == len(old) + 1 and all(procs.alive(pid) for pid in pids)
    assert home.pid(old[1]) == before[old[1]]
    home.ok("stop", "new")
    assert all(home.state(name) == "online" for name in old)


def test_app_started_after_the_keepers_death(home):
    start_some(home, "one", "two")
    home.kill_keeper()
    wait_until(lambda: home.run("ping").code == 0, 10, "service is back")
    check_new_app_is_its_own(home, ["one", "two"])


def test_app_started_after_the_death_of_both(home):
    start_some(home, "one", "two")
    with procs.Held(home.live_pid("daemon_pid")) as daemon, procs.Held(home.live_pid("keeper_pid")) as keeper:
        for process in (daemon, keeper):  # stopped first: neither may see the other's death
            os.kill(process.pid, signal.SIGSTOP)
        for process in (keeper, daemon):
            process.kill_and_wait()
    home.ok("ping")
    wait_until(lambda: all(i["state"] == "online" for i in home.infos()), 10, "both are found again")
    check_new_app_is_its_own(home, ["one", "two"])
