"""roost update: keeper and daemon are replaced in place under load; what does not live is not taken."""
import os
import shutil

import pytest

from harness import procs
from harness.load import Web, Writers
from harness.roost import BIN_DIR, victim
from harness.wait import wait_until

PROGRAMS = ("roost", "roostd", "roost-keeper")
CRASHES = "#!/bin/sh\nkill -SEGV $$\n"


def install(home, name, source):
    """Replaces a program as a package manager does: a new file takes the name. `source`: a path, or a script's text."""
    new = home.bin / (name + ".new")
    if source.startswith("#!"):
        new.write_text(source)
        new.chmod(0o755)
    else:
        shutil.copy(source, new)
    os.rename(new, home.bin / name)


@pytest.fixture
def installed(make_home, tmp_path):
    """A home whose programs are files of its own."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in PROGRAMS:
        shutil.copy(BIN_DIR / name, directory / name)
    return make_home(bin_dir=directory)


def file_of(pid):
    return os.stat(f"/proc/{pid}/exe").st_ino


def runs_installed(home, which, name):
    return file_of(getattr(home, which)) == os.stat(home.bin / name).st_ino


def test_update_under_load_to_same_newer_and_older(installed):
    home = installed
    writers, web = Writers(home, 3, 5000), Web(home)
    keeper, pids = home.keeper_pid, home.pids()
    try:
        for source in (BIN_DIR / "roost-keeper", victim("keeper-newer"), victim("keeper-older"), BIN_DIR / "roost-keeper"):
            install(home, "roost-keeper", str(source))
            install(home, "roostd", str(BIN_DIR / "roostd"))
            daemon = home.daemon_pid
            said = home.ok("update", "--json").json()
            assert said["keeper_replaced"] and said["daemon_replaced"] and said["pid"] != daemon, said
            assert home.keeper_pid == keeper == said["keeper_pid"] and home.pids() == pids
            assert runs_installed(home, "keeper_pid", "roost-keeper") and runs_installed(home, "daemon_pid", "roostd")
        web.check()
    finally:
        web.close()
    writers.check()
    assert "apps were not touched" in home.ok("update").out


@pytest.mark.parametrize("other, advice", [("roostd-older", "'roost update' replaces it"), ("roostd-newer", "use the roost of version")])
def test_update_to_a_daemon_of_another_protocol_and_back(installed, other, advice):
    """Such a daemon cannot be asked anything but who it is, and to be replaced, or to end: any roost can do that."""
    home = installed
    writers = Writers(home, 2, 2000)
    pids, keeper = home.pids(), home.keeper_pid
    install(home, "roostd", victim(other))
    said = home.ok("update", "--json").json()
    assert said["daemon_replaced"] and said["keeper_pid"] == keeper and runs_installed(home, "daemon_pid", "roostd")
    for words in (("list",), ("stop", "all"), ("start", "/bin/true"), ("logs", "-f")):
        refused = home.run(*words)
        assert refused.code == 5 and advice in refused.err and "speaks protocol" in refused.err, refused
    install(home, "roostd", CRASHES)
    assert "does not live" in home.run("update", check=1).err, "the other one is back"
    install(home, "roostd", str(BIN_DIR / "roostd"))
    assert "apps were not touched" in home.ok("update").out
    assert home.pids() == pids and home.keeper_pid == keeper
    writers.check()
    install(home, "roostd", victim(other))
    home.ok("update")
    home.ok("kill")


@pytest.mark.parametrize("source", [CRASHES, "#!/bin/sh\nexit 1\n", "other table"])
def test_keeper_that_fails_its_check_is_not_taken(installed, source):
    home = installed
    home.start("idle", name="idle")
    pids, keeper, file = home.pids(), home.keeper_pid, file_of(home.keeper_pid)
    install(home, "roost-keeper", victim("keeper-other-table") if source == "other table" else source)
    said = home.run("update")
    assert said.code == 1 and "keeper was not replaced" in said.err, said
    assert home.keeper_pid == keeper and file_of(keeper) == file and home.pids() == pids
    assert home.run("update", "--json", check=1).json()["daemon_replaced"]


def test_daemon_that_crashes_gives_way_to_the_one_before(installed):
    home = installed
    home.start("crash", "exit", 7, home.work / "runs", 200, name="crash", options=["--no-wait"])
    home.start("idle", name="idle")
    pid, old = home.pid("idle"), file_of(home.daemon_pid)
    install(home, "roostd", CRASHES)
    said = home.run("update")
    assert said.code == 1 and "installed roostd does not live" in said.err, said
    assert home.pid("idle") == pid and file_of(home.daemon_pid) == old
    home.kill_daemon()
    assert home.pid("idle") == pid and file_of(home.live_pid("daemon_pid")) == old
    install(home, "roostd", str(BIN_DIR / "roostd"))
    home.ok("update")
    assert runs_installed(home, "daemon_pid", "roostd") and home.pid("idle") == pid


def test_daemon_that_hangs_gives_way_to_the_one_before(installed):
    home = installed
    home.start("idle", name="idle")
    pid, old = home.pid("idle"), file_of(home.daemon_pid)
    install(home, "roostd", "#!/bin/sh\nexec sleep 1000\n")
    said = home.run("update")
    assert said.code == 1 and "installed roostd does not live" in said.err, said
    assert home.pid("idle") == pid and file_of(home.daemon_pid) == old


def test_update_while_a_stop_is_waited_for(installed):
    """Nobody answers the stop any more; its client asks the next daemon."""
    home = installed
    home.start("slow_stop.sh", 1, home.work / "ready", name="slow")
    wait_until((home.work / "ready").exists, 5, "it is ready")
    client = home.popen("stop", "slow")
    wait_until(lambda: home.state("slow") == "stopping", 5, "it is being stopped")
    home.ok("update")
    out, err = client.communicate(timeout=30)
    assert client.returncode == 0 and home.state("slow") == "stopped", (out, err)


def test_keeper_killed_in_the_middle_of_its_upgrade(make_home):
    """At its kill point the table is accepted and nothing is exec'd: the daemon becomes the keeper."""
    once = make_home()
    mark = once.base / "once"
    mark.touch()
    home = make_home(env={"ROOST_DIE_AT": "keeper.upgrading", "ROOST_DIE_ONCE": str(mark)})
    home.start("idle", name="idle")
    pid = home.pid("idle")
    home.run("update")
    wait_until(lambda: not mark.exists(), 10, "the keeper has died there")
    assert wait_until(lambda: home.pid("idle"), 10, "a daemon answers") == pid and procs.alive(pid)
    home.ok("update")
    assert home.pid("idle") == pid


def test_update_without_a_daemon(home):
    assert "no daemon runs" in home.ok("update").out and not home.daemon_pid
