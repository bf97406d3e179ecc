"""Health probes and watchdogs: an app that hangs is restarted with the reason in words, a slow dependency causes no storm, probes leave nothing behind."""
import json
import os
import socket

import pytest

from harness import procs
from harness.roost import victim
from harness.wait import hold_for, wait_until


def start(home, *options, check=0, timeout=110, **settings):
    path = home.work / "roost.json"
    path.write_text(json.dumps({"apps": [{"name": "app", **settings}]}))
    done = home.run("start", path, *options, timeout=timeout)
    assert done.code == check, done
    return done


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def quick(**target):
    return {**target, "interval": "100ms", "timeout": "20s", "retries": 2, "start_grace": 0}


def health(home):
    return home.describe("app")[0].get("health")


class Moody:
    """The server of tests/victims/moody.py as app `app`."""

    def __init__(self, home):
        self.home, self.mood = home, home.work / "mood"
        self.port = free_port()
        (home.work / "port").write_text(str(self.port))

    def start(self, **probe):
        start(self.home, script=victim("moody.py"), args=[str(self.home.work / "port"), str(self.mood)],
              health={**quick(http=f"http://127.0.0.1:{self.port}/health"), "start_grace": "60s", **probe})

    def be(self, mood):
        self.mood.write_text(mood)


def test_online_when_a_probe_passes(home):
    Moody(home).start()
    assert home.state("app") == "online" and health(home)["passed"]
    assert "health" in home.ok("describe", "app").out


def test_a_url_with_a_password_says_it_to_the_app_and_to_nobody_else(home):
    moody = Moody(home)
    moody.be("private")
    moody.start(http=f"http://user:p%40ss@127.0.0.1:{moody.port}/health?token=s3cret")
    assert home.state("app") == "online" and health(home)["passed"]
    moody.be("bad")
    wait_until(lambda: not health(home)["passed"], 20, "it is bad")
    said = home.log_path("app").parent.parent / "roostd.log"
    for text in (*(home.ok(*c).out for c in (["describe", "app"], ["describe", "app", "--json"], ["config", "show", "app"], ["events"], ["history"])), said.read_text()):
        assert "p%40ss" not in text and "s3cret" not in text and "p@ss" not in text, text
    moody.be("hang")
    probes = wait_until(lambda: [line for pid in procs.all_pids() if procs.parent(pid) == home.daemon_pid and " probe " in (line := procs.command(pid))], 20, "a probe runs")
    assert not any("p%40ss" in line or "s3cret" in line for line in probes), probes


def test_what_the_server_says_is_kept(home):
    moody = Moody(home)
    moody.start(retries=1000)
    moody.be("bad")
    wait_until(lambda: not health(home)["passed"], 20, "it is bad")
    assert "Sulking\nthe database\nis slow" in health(home)["output"], health(home)


def test_an_app_that_gets_bad_is_restarted_and_told_why(home):
    moody = Moody(home)
    moody.start(start_grace="5s", retries=20)
    pid = home.pid("app")
    moody.be("bad")
    wait_until(lambda: (health(home) or {}).get("failures", 0) > 0, 30, "a probe has failed")
    assert "503 Sulking" in health(home)["output"] and "503 Sulking" in home.ok("describe", "app").out
    wait_until(lambda: home.exits("app"), 60, "it is restarted")
    assert "unhealthy: 20 probes in a row failed, the last: HTTP/1.0 503 Sulking" in home.exits("app")[0]["decision"]
    moody.be("ok")
    home.wait_state("app", "online", 60)
    assert home.pid("app") != pid


def test_an_app_that_hangs_is_restarted(home):
    moody = Moody(home)
    moody.start(timeout="2s", start_grace="10s", retries=2)
    moody.be("hang")
    wait_until(lambda: home.exits("app"), 60, "it is restarted")
    assert "timed out" in home.exits("app")[0]["decision"], home.exits("app")
    moody.be("ok")
    home.wait_state("app", "online", 60)


def test_probes_go_on_after_the_daemons_death(home):
    moody = Moody(home)
    moody.start(start_grace="5s", retries=20)
    home.wait_new_daemon(home.kill_daemon())
    wait_until(lambda: (health(home) or {}).get("passed"), 30, "the new daemon probes")
    moody.be("bad")
    wait_until(lambda: home.exits("app"), 60, "it is restarted")
    assert "unhealthy" in home.exits("app")[0]["decision"]


def test_never_healthy_is_told_by_start(home):
    done = start(home, check=6, script="echo starting >&2; exec sleep 1000", max_restarts=0, health=quick(exec="echo no luck; exit 3"))
    assert "unhealthy: 2 probes in a row failed, the last: no luck" in done.out + done.err and "starting" in done.out + done.err, done


def test_exec_probe_runs_as_the_app_and_its_output_is_kept(home):
    start(home, script="exec sleep 1000", cwd=str(home.work), env={"WHO": "me"},
          health=quick(exec="echo \"$WHO $PWD ${ROOST_ID:-none} ${NOTIFY_SOCKET:-none}\""))
    assert health(home)["output"] == f"me {home.work} none none\n"


@pytest.mark.root
def test_exec_probe_has_the_apps_user(home):
    start(home, script="exec sleep 1000", cwd="/", user="nobody", health=quick(exec="id -u; id -G"))
    assert health(home)["output"] == "65534\n65534\n"


def test_much_output_is_cut(home):
    start(home, script="exec sleep 1000", health=quick(exec="head -c 1000000 /dev/zero | tr '\\0' x; true"))
    assert health(home)["passed"] and len(health(home)["output"]) == 4096


def test_tcp_probe(home):
    port = free_port()
    (home.work / "port").write_text(str(port))
    start(home, script=f"sleep 0.5; exec python3 {victim('moody.py')} {home.work}/port {home.work}/mood",
          health={**quick(tcp=f"127.0.0.1:{port}"), "start_grace": "100s"})
    assert home.state("app") == "online" and health(home)["passed"]


def test_probes_leave_nothing_behind(home):
    """Neither one that takes too long, nor what it started, nor those of a daemon that was killed."""
    mark = home.work / "mark"
    start(home, "--no-wait", script="exec sleep 1000",
          health={"exec": f"sleep 999 & echo $! >> {mark}; exec sleep 998", "interval": "100ms", "timeout": "1500ms", "retries": 100, "start_grace": 0})
    wait_until(lambda: mark.exists() and len(mark.read_text().split()) >= 2, 60, "two probes have begun")
    first = int(mark.read_text().split()[0])
    wait_until(lambda: not procs.alive(first), 30, "the first is over, and what it had started")
    wait_until(lambda: "timed out" in (health(home) or {}).get("output", ""), 30)
    seen = len(mark.read_text().split())
    wait_until(lambda: len(mark.read_text().split()) > seen, 30, "one is under way")
    last = int(mark.read_text().split()[-1])
    home.wait_new_daemon(home.kill_daemon())
    wait_until(lambda: not procs.alive(last), 30, "the one of the dead daemon is over")


def test_no_probe_outlives_its_app(home):
    mark = home.work / "mark"
    start(home, "--no-wait", script="exec sleep 1000",
          health={"exec": f"sleep 999 & echo $! >> {mark}; exec sleep 998", "interval": "100ms", "timeout": "1h", "start_grace": 0})
    wait_until(lambda: mark.exists() and mark.read_text(), 60, "a probe has begun")
    pid = int(mark.read_text().split()[0])
    assert procs.alive(pid)
    home.ok("stop", "app")
    wait_until(lambda: not procs.alive(pid), 30, "it is over with its app")


def ends(home):
    """When runs of any app ended, in ms."""
    return sorted(e["ended_ms"] for d in home.describe("all") for e in d.get("exits", []))


def test_a_slow_dependency_causes_no_storm(home):
    """Twelve apps whose probes hang on the same thing: few are restarted at a time, and each gets more and more time."""
    path = home.work / "roost.json"
    flag = home.work / "slow"
    apps = [{"name": f"app{i}", "script": "exec sleep 1000",
             "health": {"exec": f"[ ! -e {flag} ]", "interval": "100ms", "timeout": "20s", "retries": 2, "start_grace": 0}} for i in range(12)]
    path.write_text(json.dumps({"apps": apps}))
    home.ok("start", path, timeout=110)
    flag.touch()
    wait_until(lambda: len(ends(home)) >= 4, 60, "some are restarted")
    # A loaded machine may see the next four: what counts is that no five are within the 30 s of four.
    hold_for(lambda: all(fifth - first > 25_000 for first, fifth in zip(ends(home), ends(home)[4:])), 3, "but not all of them")
    assert "several apps were just now" in home.daemon_log()
    assert 1 <= home.daemon_log().count("several apps were just now") <= 12, "once for each, not for each probe"
    assert any("restarted when its turn comes" in i["reason"] for i in home.infos())
    flag.unlink()
    wait_until(lambda: all(i["state"] == "online" for i in home.infos()), 60, "all is well again")


def test_whoever_has_waited_longest_is_restarted_first(home):
    """Apps that no restart helps do not keep one that hangs from its own."""
    path, slow, hangs = home.work / "roost.json", home.work / "slow", home.work / "hangs"
    probe = {"interval": "100ms", "timeout": "20s", "retries": 1, "start_grace": 0}
    apps = [{"name": f"slow{i}", "script": "exec sleep 1000", "health": {**probe, "exec": f"[ ! -e {slow} ]"}} for i in range(6)]
    apps.append({"name": "hangs", "script": "exec sleep 1000", "health": {**probe, "exec": f"[ ! -e {hangs} ]"}})
    path.write_text(json.dumps({"apps": apps}))
    home.ok("start", path, timeout=110)
    slow.touch()
    wait_until(lambda: len(ends(home)) >= 4, 60, "four are restarted")
    hangs.touch()
    wait_until(lambda: home.exits("hangs"), 90, "its turn has come")
    # On a busy machine two of the first four have failed again before it hangs: it comes with the third four.
    assert len(ends(home)) <= 4 + 4 + 4 and all(len(home.exits(f"slow{i}")) <= 2 for i in range(6)), home.describe("all")
    slow.unlink(), hangs.unlink()


def test_faults_in_the_file(home):
    for broken, words in [({"htp": "http://x"}, "htp"), ({}, "http, tcp and exec"), ({"http": "http://x", "tcp": "x:1"}, "only"),
                          ({"http": "https://x"}, "https"), ({"tcp": "nowhere"}, "host:port"), ({"exec": "true", "retries": 0}, "retries"),
                          ({"exec": "true", "interval": "soon"}, "interval")]:
        done = start(home, check=2, script="exec sleep 1000", health=broken)
        assert words in done.err, (broken, done)


# ---- the watchdog

def test_watchdog(home):
    stop = home.work / "stop"
    start(home, script=victim("notify.py"), args=["watchdog", str(stop)], wait_ready=True, listen_timeout="60s", watchdog="4s")
    pid = home.pid("app")
    hold_for(lambda: home.pid("app") == pid, 5)
    home.wait_new_daemon(home.kill_daemon())
    hold_for(lambda: home.pid("app") == pid, 5)
    stop.touch()
    wait_until(lambda: home.exits("app"), 30, "it is restarted")
    assert "no WATCHDOG=1 within 4s" in home.exits("app")[0]["decision"]


def test_watchdog_survives_a_stopped_daemon(home):
    """What was sent while the daemon could not listen counts."""
    start(home, script=victim("notify.py"), args=["watchdog", str(home.work / "stop")], wait_ready=True, listen_timeout="60s", watchdog="4s")
    pid, daemon = home.pid("app"), home.live_pid("daemon_pid")
    os.kill(daemon, 19)
    hold_for(lambda: procs.alive(pid), 5)
    os.kill(daemon, 18)
    hold_for(lambda: home.pid("app") == pid, 1)
