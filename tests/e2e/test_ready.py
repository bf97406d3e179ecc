"""Ready when the app says so: over Node's channel or sd_notify's socket, through the daemon's death, and never too late without an end."""
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from harness import procs
from harness.roost import victim
from harness.wait import hold_for, wait_until


def write_config(home, *apps):
    path = home.work / "roost.json"
    path.write_text(json.dumps({"apps": list(apps)}))
    return path


def app(home, script, mode, *args, name="app", **settings):
    return write_config(home, {"name": name, "script": victim(script), "args": [mode, *map(str, args)], **settings})


def out(home, name="app"):
    return home.log(name).decode()


# ---- the channel

def test_node_apps_have_a_channel_and_still_end_by_themselves(home):
    home.ok("start", app(home, "channel.js", "facts", autorestart=False), "--no-wait")
    home.wait_state("app", "stopped", 30)
    told = json.loads(out(home))
    assert told["connected"] is True
    assert not {"NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE"} & set(told["env"]), "node takes them out"
    assert home.exits("app")[0]["status"]["code"] == 0


def test_a_channel_only_where_it_belongs(home):
    home.start("idle", name="plain")
    home.ok("start", write_config(home, {"name": "asked", "script": victim("idle"), "ipc": True}))
    assert procs.open_fds(home.pid("plain")) == {0, 1, 2}
    assert procs.open_fds(home.pid("asked")) == {0, 1, 2, 3}
    variables = {v.split(b"=")[0] for v in procs.environ(home.pid("plain")) if v}
    assert b"NODE_CHANNEL_FD" not in variables and b"NOTIFY_SOCKET" in variables
    assert b"NODE_CHANNEL_FD=3" in procs.environ(home.pid("asked"))


def test_ready_by_message(home):
    go = home.work / "go"
    home.ok("start", app(home, "channel.js", "ready-after", go, wait_ready=True, listen_timeout="60s"), "--no-wait")
    home.wait_state("app", "launching")
    hold_for(lambda: home.state("app") == "launching", 0.8, "min_ready alone makes nothing online")
    go.touch()
    home.wait_state("app", "online", 30)


def test_ready_survives_the_daemon(home):
    """What is said while there is no daemon is heard by the next one."""
    go = home.work / "go"
    home.ok("start", app(home, "channel.js", "ready-after", go, wait_ready=True, listen_timeout="60s"), "--no-wait")
    home.wait_state("app", "launching")
    pid = wait_until(lambda: home.pid("app"), 10)
    keeper, old = home.live_pid("keeper_pid"), home.live_pid("daemon_pid")
    os.kill(keeper, signal.SIGSTOP)  # so that the next daemon comes when we say so
    try:
        os.kill(old, signal.SIGKILL)
        go.touch()
        wait_until((home.work / "go.said").exists, 30, "the app has said it")
    finally:
        os.kill(keeper, signal.SIGCONT)
    home.wait_new_daemon(old)
    home.wait_state("app", "online", 30)
    assert home.pid("app") == pid
    home.wait_new_daemon(home.kill_daemon())
    assert home.state("app") == "online" and home.pid("app") == pid


def test_half_a_message_survives_the_daemon(home):
    home.ok("start", write_config(home, {"name": "app", "script": f"printf '\"rea' >&3; while [ ! -e {home.work}/go ]; do sleep 0.1; done; printf 'dy\"\\n' >&3; exec sleep 1000",
                                         "ipc": True, "wait_ready": True, "listen_timeout": "60s"}), "--no-wait")
    home.wait_state("app", "launching")
    home.wait_new_daemon(home.kill_daemon())
    home.wait_state("app", "launching")
    (home.work / "go").touch()
    home.wait_state("app", "online", 30)


def test_a_flood_on_the_channel_is_read_and_ignored(home):
    home.ok("start", app(home, "channel.js", "flood", wait_ready=True, listen_timeout="100s"), timeout=110)
    assert home.state("app") == "online"


def test_messages_with_descriptors_are_acknowledged(home):
    home.ok("start", app(home, "channel.js", "handle", wait_ready=True, listen_timeout="60s"), timeout=70)
    assert home.state("app") == "online"


def test_never_ready_is_told_with_its_stderr(home):
    done = home.run("start", write_config(home, {"name": "app", "script": "echo still thinking >&2; exec sleep 1000", "wait_ready": True,
                                                 "listen_timeout": "3s", "max_restarts": 0}))
    assert done.code == 6, done
    assert "not ready within 3s" in done.out + done.err and "still thinking" in done.out + done.err, done
    home.wait_state("app", "errored", 30)
    assert "not ready within 3s" in home.info("app")["reason"] or "max_restarts" in home.info("app")["reason"]
    assert home.info("app")["quick_exits"] == 1


def test_never_ready_is_known_to_the_next_daemon(home):
    """The end of a run that was never ready is under way when the daemon is killed: it is a failure still."""
    home.ok("start", write_config(home, {"name": "app", "script": victim("stubborn"), "wait_ready": True, "listen_timeout": "500ms",
                                         "kill_timeout": "4s", "autorestart": False}), "--no-wait")
    home.wait_state("app", "stopping", 30)
    home.wait_new_daemon(home.kill_daemon())
    home.wait_state("app", "errored", 30)
    assert "not ready within 500ms" in home.info("app")["reason"]


def test_shutdown_by_message(home):
    notes = home.work / "notes"
    home.ok("start", app(home, "channel.js", "shutdown", notes, shutdown_with_message=True, kill_timeout="60s"))
    wait_until(lambda: notes.exists() and "listening" in notes.read_text(), 30)
    home.wait_new_daemon(home.kill_daemon())
    home.ok("stop", "app")
    assert notes.read_text().splitlines() == ["listening", 'message "shutdown"']
    assert home.exits("app")[0]["status"]["code"] == 0


def test_shutdown_by_message_to_an_app_that_does_not_listen_ends_in_time(home):
    home.ok("start", app(home, "channel.js", "never", shutdown_with_message=True, kill_timeout="1s"))
    home.ok("stop", "app")
    assert home.state("app") == "stopped"
    assert home.exits("app")[0]["status"].get("signal") == signal.SIGKILL


@pytest.mark.parametrize("point, script", [("channel.before_consume", "channel.js"), ("notify.before_consume", "notify.py")])
def test_death_between_hearing_a_word_and_taking_it_out(make_home, point, script):
    home = make_home()
    once, go = home.base / "die-once", home.work / "go"
    home.extra_env |= {"ROOST_DIE_AT": point, "ROOST_DIE_ONCE": str(once)}
    home.ok("start", app(home, script, "ready-after", go, wait_ready=True, listen_timeout="60s"), "--no-wait")
    home.wait_state("app", "launching")
    pid, daemon = wait_until(lambda: home.pid("app"), 10), home.live_pid("daemon_pid")
    once.touch()
    go.touch()
    wait_until(lambda: not once.exists(), 30, "the daemon died there")
    home.wait_new_daemon(daemon)
    home.wait_state("app", "online", 30)
    assert home.pid("app") == pid and home.exits("app") == []


@pytest.mark.parametrize("script", ["channel.js", "notify.py"])
def test_ready_survives_the_keeper(home, script):
    go = home.work / "go"
    home.ok("start", app(home, script, "ready-after", go, wait_ready=True, listen_timeout="60s"), "--no-wait")
    home.wait_state("app", "launching")
    pid, daemon = wait_until(lambda: home.pid("app"), 10), home.live_pid("daemon_pid")
    home.kill_keeper()
    home.wait_new_daemon(daemon)
    assert home.state("app") == "launching"
    go.touch()
    home.wait_state("app", "online", 30)
    assert home.pid("app") == pid


# ---- the notify socket

@pytest.mark.parametrize("mode", ["child", "long"])
def test_ready_by_notify(home, mode):
    home.ok("start", app(home, "notify.py", mode, wait_ready=True, listen_timeout="60s"), timeout=70)
    assert home.state("app") == "online"


def test_ready_by_notify_survives_the_daemon(home):
    go = home.work / "go"
    home.ok("start", app(home, "notify.py", "ready-after", go, wait_ready=True, listen_timeout="60s"), "--no-wait")
    home.wait_state("app", "launching")
    home.wait_new_daemon(home.kill_daemon())
    assert home.state("app") == "launching"
    go.touch()
    home.wait_state("app", "online", 30)


@pytest.mark.root
def test_ready_by_notify_as_another_user(home):
    line = ("exec python3 -c \"import os,signal,socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', os.environ['NOTIFY_SOCKET']);"
            " signal.pause()\"")
    home.ok("start", write_config(home, {"name": "app", "script": line, "user": "nobody", "cwd": "/", "wait_ready": True, "listen_timeout": "60s"}), timeout=70)
    assert home.state("app") == "online"


def notify_address(pid):
    """A pid is told before the program has its environment."""
    variable = wait_until(lambda: next((v for v in procs.environ(pid) if v.startswith(b"NOTIFY_SOCKET=")), None), 10)
    return variable.split(b"=", 1)[1]


def test_a_stranger_makes_nobody_ready(home):
    home.ok("start", app(home, "notify.py", "ready-after", home.work / "never", wait_ready=True, listen_timeout="60s"), "--no-wait")
    home.wait_state("app", "launching")
    address = notify_address(wait_until(lambda: home.pid("app"), 10))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"READY=1", address)
    hold_for(lambda: home.state("app") == "launching", 0.5)


FLOOD = """
import os, socket, sys
for _ in range(3):
    if os.fork() == 0:
        break
while True:
    if os.fork() == 0:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"READY=1", sys.argv[1])
        os._exit(0)
    os.wait()
"""


@pytest.mark.root
def test_a_flood_of_strangers_holds_up_nobody(home, outsider):
    """Any user reaches root's notify socket: who floods it, from ever new processes, makes neither the daemon nor an app's word wait for ever."""
    go = home.work / "go"
    home.ok("start", app(home, "notify.py", "ready-after", go, wait_ready=True, listen_timeout="100s"), "--no-wait")
    pid = wait_until(lambda: home.pid("app"), 10)
    address = notify_address(pid).decode()
    flood = subprocess.Popen([*outsider, sys.executable, "-c", FLOOD, address], start_new_session=True)
    try:
        daemon = home.daemon_pid
        hold_for(lambda: home.run("ping", timeout=20).code == 0 and home.state("app") == "launching", 3)
        go.touch()
        home.wait_state("app", "online", 60)
        assert home.daemon_pid == daemon and home.pid("app") == pid
    finally:
        os.killpg(flood.pid, signal.SIGKILL)
        flood.wait()
