"""scale, save and resurrect, flush, events, regular expressions as targets, --reveal, daemon stats."""
import json
import signal

import pytest

from harness import procs
from harness.wait import wait_until


def slots(home, name):
    return sorted(i.get("slot", 0) for i in home.infos() if i["name"] == name)


def test_scale_up_and_down(home):
    home.start("idle", name="api", options=("-i", "2"))
    before = home.pids()
    assert "2 -> 4 instances" in home.ok("scale", "api", "4").out
    assert slots(home, "api") == [0, 1, 2, 3]
    home.ok("scale", "api", "-3")
    assert slots(home, "api") == [0] and home.pid("api") == before["api", 0]
    assert not procs.alive(before["api", 1])
    reply = home.ok("scale", "api", "+1", "--json").json()
    assert (reply["before"], reply["after"]) == (1, 2) and reply["started"][0]["ok"]
    assert "nothing to do" in home.ok("scale", "api", "2").out
    home.kill_daemon()
    assert slots(home, "api") == [0, 1]


def test_scale_does_not_count_what_is_leaving(home):
    home.start("stubborn", name="api", options=("-i", "3", "--kill-timeout", "3s"))
    leaving = home.popen("scale", "api", "1")
    wait_until(lambda: home.state("api", 2) == "stopping", 10, "they are leaving")
    assert "1 -> 2 instances" in home.ok("scale", "api", "+1").out
    leaving.communicate(timeout=30)
    assert len(slots(home, "api")) == 2
    assert "starting api#" in home.ok("scale", "api", "3", "--no-wait").out


def test_scale_down_by_several_at_once(home):
    home.start("idle", name="api", options=("-i", "9"))
    clients = [home.popen("scale", "api", "-1") for _ in range(5)]
    said = [c.communicate(timeout=60)[0] for c in clients]
    assert all(c.returncode == 0 for c in clients) and slots(home, "api") == [0, 1, 2, 3], said


def test_scale_refuses(home):
    home.start("idle", name="api")
    home.start("idle", name="web")
    for words, code in ((("api", "0"), 2), (("api", "x"), 2), (("api", "20000"), 2), (("a*i", "-5"), 2), (("nobody", "2"), 3), (("all", "2"), 2)):
        said = home.run("scale", *words)
        assert said.code == code and said.err, said
    assert slots(home, "api") == [0] and slots(home, "web") == [0]


def test_scaled_instances_that_die_are_told(home):
    script = home.work / "second.sh"
    script.write_text('[ "$ROOST_INSTANCE" = 0 ] || [ "$NODE_APP_INSTANCE" = 0 ] || { echo no room >&2; exit 3; }\nexec sleep 1000\n')
    home.ok("start", "/bin/sh", "--name", "one", "--interpreter", "none", "--", script)
    said = home.run("scale", "one", "2")
    assert said.code == 6 and "no room" in said.err, said


def test_save_and_resurrect(home):
    home.start("idle", name="api", options=("-i", "2", "--env", "COLOUR=blue"))
    home.start("idle", name="down")
    home.ok("stop", "down")
    assert home.ok("save", "--json").json() == {"apps": 2, "up": 1}
    home.ok("delete", "all")
    home.start("idle", name="later")
    home.kill_daemon()
    back = home.ok("resurrect").out
    assert "started api#0" in back and "down" not in back
    assert home.state("api", 1) == "online" and home.state("down") == "stopped" and home.state("later") == "online"
    assert "COLOUR=blue" in home.ok("env", "api").out
    pids = home.pids()
    assert "already running" in home.ok("resurrect").out and home.pids() == pids


def test_resurrect_after_kill_starts_what_was_up(home):
    home.start("idle", name="up")
    home.start("idle", name="down")
    home.ok("stop", "down")
    home.ok("kill")
    home.ok("resurrect")
    assert home.state("up") == "online" and home.state("down") == "stopped"


def test_resurrect_without_anything(home):
    assert "nothing was saved" in home.ok("resurrect").out


def test_flush_while_an_app_writes(home):
    home.ok("start", "/bin/sh", "--name", "talk", "--interpreter", "none", "--", "-c", "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done")
    wait_until(lambda: home.log("talk").count(b"\n") > 20, 5, "it has written")
    assert "emptied 1 log file" in home.ok("flush", "talk").out
    first = wait_until(lambda: [line for line in home.log("talk").split(b"\n") if line], 5, "it goes on")[0]
    assert first.startswith(b"line ") and b"\0" not in home.log("talk") and int(first.split()[1]) > 20
    wait_until(lambda: "line" in home.ok("logs", "talk", "-n", "1", "--raw").out, 5, "logs show it")


def test_flush_tells_what_it_cannot_empty(home):
    target = home.work / "real.log"
    target.write_text("keep me")
    link = home.work / "link.log"
    home.start("idle", name="api", options=("-o", link))
    link.symlink_to(target)  # by somebody, later
    said = home.run("flush", "api")
    assert said.code == 1 and "link.log" in said.err and target.read_text() == "keep me"


def test_events_tell_what_happened(home):
    home.start("idle", name="api")
    home.start("idle", name="web")
    home.ok("restart", "api")
    home.ok("delete", "api")
    events = home.ok("events", "api", "--json").json()["events"]
    assert [e["event"] for e in events] == ["added", "started", "online", "exit", "started", "online", "exit", "deleted"]
    exit_event = events[3]
    assert exit_event["status"]["signal"] == signal.SIGTERM and exit_event["pid"] == events[1]["pid"]
    assert len(home.ok("events", "-n", "2").out.splitlines()) == 2


def test_events_of_an_app_that_is_deleted_while_it_waits_have_its_name(home):
    home.run("start", "exit 3", "--name", "crash", "--no-wait")
    wait_until(lambda: home.state("crash") == "waiting", 20, "it is backed off")
    home.ok("delete", "crash")
    events = home.ok("events", "-n", "50", "--json").json()["events"]
    assert {e["name"] for e in events} == {"crash"} and events[-1]["event"] == "deleted", events


def test_events_are_followed_through_a_daemon_death(home):
    home.start("idle", name="api")
    follower = home.popen("events", "api", "-f", "-n", "0", "--json")
    try:
        with home.connect() as connection:
            wait_until(lambda: connection.call("daemon.stats")["clients"] == 2, 5, "it follows")
        home.ok("restart", "api")
        lines = [json.loads(follower.stdout.readline()) for _ in range(3)]
        assert [e["event"] for e in lines] == ["exit", "started", "online"]
        home.kill_daemon()
        with home.connect() as connection:
            wait_until(lambda: connection.call("daemon.stats")["clients"] == 2, 10, "it follows the next one")
        home.ok("restart", "api")
        assert json.loads(follower.stdout.readline())["event"] == "exit"
    finally:
        follower.terminate()
        follower.wait(10)


@pytest.mark.parametrize("target, hit", [("/^api/", {"api-1", "api-2"}), ("/-[13]$/", {"api-1", "web-3"}), ("/(?i)WEB/", {"web-3"})])
def test_regular_expressions_as_targets(home, target, hit):
    for name in ("api-1", "api-2", "web-3"):
        home.ok("start", "/bin/sleep", "--name", name, "--no-wait", "--", "1000")
    assert {i["name"] for i in home.ok("list", target, "--json").json()["instances"]} == hit
    wrong = home.run("list", "/(/")
    assert wrong.code == 2 and "missing )" in wrong.err


def test_reveal_shows_secrets(home):
    home.start("idle", name="api", options=("--env", "API_TOKEN=abc123"))
    assert "API_TOKEN=abc123" in home.ok("env", "api", "--reveal").out
    assert "abc123" in home.ok("describe", "api", "--reveal").out
    assert "abc123" not in home.ok("env", "api").out + home.ok("describe", "api").out


def test_daemon_stats(home):
    home.start("idle", name="api", options=("-i", "2"))
    stats = home.ok("daemon", "stats", "--json").json()
    assert stats["pid"] == home.daemon_pid and stats["keeper_pid"] == home.keeper_pid
    assert stats["instances"] == stats["runs"] == 2 and stats["clients"] == 1
    assert 0 < stats["descriptors"] < stats["descriptor_limit"] and stats["memory"] > stats["keeper_memory"] > 0
    assert "2 instances" in home.ok("daemon", "stats").out
    assert home.run("daemon", "nonsense").code == 2


def test_cpu_and_memory_are_those_of_the_whole_tree(home):
    """Two children, one of them in its own session: both busy, one large."""
    script = home.work / "family.py"
    script.write_text("import os, signal\n"
                      "if os.fork() == 0:\n    os.setsid()\n    held = b'x' * (64 << 20)\n    while True: pass\n"
                      "if os.fork() == 0:\n    while True: pass\n"
                      "signal.pause()\n")
    home.ok("start", script, "--name", "family", "--interpreter", "/usr/bin/python3")

    def measured():
        info = home.info("family")
        return info.get("memory", 0) > 64 << 20 and info.get("cpu", 0) > 60
    wait_until(measured, 15, "the children are in it")
