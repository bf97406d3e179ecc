"""memory_max: the kernel holds the limit; the reason is told; where it cannot be held that is told, too."""
import glob
import os

import pytest

from harness.wait import wait_until

# Takes 200 MB when the file appears.
EATER = """
import os, select, sys
while not os.path.exists(sys.argv[1]):
    select.select([], [], [], 0.05)
os.unlink(sys.argv[1])
eaten = bytearray(200 << 20)
for at in range(0, len(eaten), 4096):
    eaten[at] = 1
print("eaten", flush=True)
select.select([], [], [])
"""


def start(home, *options, **more):
    script = home.work / "eater.py"
    script.write_text(EATER)
    return home.run("start", script, "--name", "app", "--memory-max", "64M", *options, "--", home.work / "trigger", timeout=110, **more)


def limited_here():
    return os.geteuid() == 0 and os.access("/sys/fs/cgroup/memory/memory.limit_in_bytes", os.F_OK)


def groups(home):
    return glob.glob(f"/sys/fs/cgroup/memory/**/roost-{home.identity}/*.*", recursive=True)


@pytest.mark.root
@pytest.mark.skipif(not limited_here(), reason="no memory cgroup of version 1")
def test_the_kernel_holds_the_limit_and_the_reason_says_so(home):
    done = start(home)
    assert done.code == 0 and "not held" not in done.err, done
    pid = home.pid("app")
    assert "64 MB" in home.ok("describe", "app").out
    (home.work / "trigger").touch()
    wait_until(lambda: home.pid("app") not in (0, pid), 60, "restarted")
    exit_of = wait_until(lambda: home.exits("app"), 30, "on record")[0]
    assert exit_of["status"]["signal"] == 9 and "out of memory: over memory_max 64 MB" in exit_of["decision"], exit_of
    assert b"eaten" not in home.log("app")
    home.wait_new_daemon(home.kill_daemon())
    pid = home.pid("app")
    (home.work / "trigger").touch()
    wait_until(lambda: home.pid("app") not in (0, pid), 60, "restarted")
    wait_until(lambda: len(home.exits("app")) == 2, 30, "on record")
    assert "out of memory" in home.exits("app")[0]["decision"], "also by the next daemon"
    home.ok("kill", timeout=60)
    assert not groups(home), "nothing is left"


@pytest.mark.root
@pytest.mark.skipif(not limited_here(), reason="no memory cgroup of version 1")
def test_a_sigkill_of_somebody_is_no_want_of_memory(home):
    start(home)
    os.kill(home.pid("app"), 9)
    exit_of = wait_until(lambda: home.exits("app"), 30, "on record")[0]
    assert "out of memory" not in exit_of["decision"], exit_of


@pytest.mark.root
@pytest.mark.skipif(not limited_here(), reason="no memory cgroup of version 1")
def test_start_tells_that_it_ran_out_of_memory(home):
    (home.work / "trigger").touch()
    done = start(home, "--wait-ready", "--listen-timeout", "100s", "--max-restarts", "0")
    assert done.code == 6 and "out of memory: over memory_max 64 MB" in done.out + done.err, done


@pytest.mark.root
def test_where_it_cannot_be_held_that_is_told(public_bin, make_home, outsider):
    home = make_home(bin_dir=public_bin)
    os.chmod(home.base, 0o755)
    for path in (home.base, home.work):
        os.chown(path, 65534, 65534)
    done = start(home, prefix=outsider)
    assert done.code == 0 and "memory_max of 'app' is not held here" in done.err, done
    for words in (["describe", "app"], ["list"]):
        assert "memory_max is not held" in home.run(*words, prefix=outsider).out.replace("\n", " "), words
    home.run("kill", check=0, prefix=outsider)


def test_faults_in_the_limit(home):
    assert "1M or more" in home.run("start", "sleep 1000", "--memory-max", "5K", check=2).err
    assert "--memory-max" in home.run("start", "sleep 1000", "--memory-max", "lots", check=2).err
