"""env_from: values of secrets are found at each start, in the app's own process, and are nowhere else in clear."""
import json
import os
import stat

import pytest

from harness import procs
from harness.wait import wait_until

MARK = "tOpSeCrEt"
SHOW = 'echo "[$FILE] [$CMD]"; exec sleep 1000'


def start(home, check=0, **settings):
    path = home.work / "roost.json"
    path.write_text(json.dumps({"apps": [{"name": "app", "script": SHOW, **settings}]}))
    done = home.run("start", path, timeout=110)
    assert done.code == check, done
    return done


def secret_file(home, value):
    path = home.work / "secret"
    path.write_text(value + "\n")
    return path


def said(home):
    return home.log("app").decode().splitlines()


def test_secrets_reach_the_app_and_are_resolved_at_each_start(home):
    path = secret_file(home, MARK + "1")
    start(home, env_from={"FILE": "file:secret", "CMD": f"cmd:cat {path}; echo $WHO"}, env={"WHO": "me"})
    wait_until(lambda: said(home) == [f"[{MARK}1] [{MARK}1", "me]"], 30, "both are there")
    environ = procs.environ(home.pid("app"))
    assert f"FILE={MARK}1".encode() in environ and b"pm_id=0" in environ
    secret_file(home, "second")
    home.ok("restart", "app", timeout=110)
    wait_until(lambda: said(home)[2:] == ["[second] [second", "me]"], 30, "found anew")


def test_a_list_of_sources(home):
    start(home, env_from=[f"FILE=file:{secret_file(home, 'x')}", "CMD=cmd:echo a=b"])
    wait_until(lambda: said(home) == ["[x] [a=b]"], 30)


def everything_of(path):
    for folder, _, files in os.walk(path):
        for name in files:
            file = os.path.join(folder, name)
            if stat.S_ISREG(os.lstat(file).st_mode):
                with open(file, "rb") as content:
                    yield file, content.read()


def test_the_value_is_nowhere_in_clear(home):
    """Not in files, not in what roost says, not in arguments, not in the environment of any process but the app's own; nor after the daemon's death."""
    vault = home.base / "vault"  # not in the home, and not in what is searched
    vault.write_text(MARK + "\n")
    start(home, script="exec sleep 1000", env_from={"FILE": f"file:{vault}", "CMD": f"cmd:cat {vault}"})

    def look():
        app = home.pid("app")
        assert f"FILE={MARK}".encode() in procs.environ(app), "the app has it"
        for words in (["jlist"], ["list", "--json"], ["describe", "app", "--json"], ["describe", "app"], ["env", "app", "--reveal"], ["events", "--json"], ["save"]):
            done = home.run(*words)
            assert MARK not in done.out + done.err, words
        found = [file for file, content in everything_of(home.path) if MARK.encode() in content]
        assert not found, found
        for pid in home.processes():
            assert MARK not in procs.command(pid), pid
            assert pid == app or MARK.encode() not in b"\0".join(procs.environ(pid)), pid
        for pid in (home.live_pid("daemon_pid"), home.keeper_pid):
            assert MARK.encode() not in b"\0".join(procs.environ(pid)), pid

    look()
    home.wait_new_daemon(home.kill_daemon())
    look()
    home.ok("restart", "app", timeout=110)
    look()


@pytest.mark.parametrize("source, words", [
    ("file:/nowhere/it.is", "env_from FILE: '/nowhere/it.is': No such file or directory"),
    ("file:/dev/zero", "env_from FILE: '/dev/zero' is no plain file"),
    ("cmd:echo half; echo why >&2; exit 3", "ended with exit code 3"),
    ("cmd:head -c 100000 /dev/zero", "prints more than 64 KiB"),
    ("cmd:printf 'a\\0b'", "env_from FILE: holds a NUL byte"),
    ("systemd-credential:none", "roost was started without $CREDENTIALS_DIRECTORY"),
])
def test_a_secret_that_cannot_be_had_is_told_by_start(home, source, words):
    done = start(home, check=6, env_from={"FILE": source}, max_restarts=0)
    assert words in done.out + done.err and "exit code 125" in done.out + done.err, done
    if "why" in source:
        assert "why" in done.out + done.err, "what the command says"


def test_a_command_that_does_not_end_is_killed(home):
    """Not waited for here: the limit is half a minute; a stop ends it with its app."""
    mark = home.work / "mark"
    path = home.work / "roost.json"
    path.write_text(json.dumps({"apps": [{"name": "app", "script": SHOW, "env_from": {"FILE": f"cmd:echo $$$$ > {mark}; exec sleep 999"}}]}))
    home.ok("start", path, "--no-wait")
    wait_until(lambda: mark.exists() and mark.read_text(), 60, "the command runs")
    pid = int(mark.read_text())
    home.ok("stop", "app")
    wait_until(lambda: not procs.alive(pid), 30, "it is over with its app")


def test_credentials_of_systemd(make_home):
    home = make_home()
    folder = home.work / "credentials"
    folder.mkdir()
    (folder / "db").write_text("pass word\n")
    home.run("ping", check=0, env={"CREDENTIALS_DIRECTORY": str(folder)})
    start(home, env_from={"FILE": "systemd-credential:db", "CMD": "cmd:true"})
    wait_until(lambda: said(home) == ["[pass word] []"], 30)


def test_the_program_runs_in_the_same_process_and_has_its_channel(home):
    path = secret_file(home, "x")
    start(home, script="read line <&3; exec sleep 1000", ipc=True, shutdown_with_message=True, env_from={"FILE": f"file:{path}"})
    pid = home.pid("app")
    assert procs.command(pid).startswith("/bin/sh"), procs.command(pid)
    home.wait_new_daemon(home.kill_daemon())
    assert home.pid("app") == pid and home.state("app") == "online"


@pytest.mark.root
def test_secrets_are_read_as_the_apps_user(public_bin, make_home):
    home = make_home(bin_dir=public_bin)
    for folder in (home.base, home.work):
        os.chmod(folder, 0o755)
    path = secret_file(home, "x")
    os.chmod(path, 0o600)
    done = start(home, check=6, user="nobody", cwd="/", env_from={"FILE": f"file:{path}"}, max_restarts=0)
    assert "Permission denied" in done.out + done.err, done
    os.chown(path, 65534, -1)
    home.ok("restart", "app", timeout=110)
    wait_until(lambda: said(home) == ["[x] []"], 30)


@pytest.mark.parametrize("sources, words", [
    ({"X": "vault:it"}, "'X' must be file:PATH"), ({"X": "file:"}, "names nothing"), ({"X": 7}, "a text"), (["X"], "NAME=SOURCE"),
    ({"A=B": "file:x"}, "cannot be the name"), ({"X": "systemd-credential:../x"}, "no plain name"), ("file:x", "must be a table"),
])
def test_faults_in_the_sources(home, sources, words):
    done = start(home, check=2, env_from=sources)
    assert words in done.err, done


def test_secrets_in_the_foreground(home):
    path = home.work / "roost.json"
    path.write_text(json.dumps({"apps": [{"name": "app", "script": 'echo "[$FILE]"', "env_from": {"FILE": "cmd:echo x"}}]}))
    assert home.ok("run", path).out == "[x]\n"
