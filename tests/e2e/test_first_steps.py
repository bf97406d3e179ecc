"""What somebody who has just come stumbles over: wrong words, wrong files, and what is said about it."""
import os
import signal

import pytest

from harness.roost import victim
from harness.wait import wait_until


def test_events_of_an_unknown_app_are_an_error(home):
    home.start("idle", name="app")
    answer = home.run("events", "nosuch")
    assert answer.code == 3 and "nosuch" in answer.err, answer


@pytest.mark.parametrize("kind", ["a directory", "a symbolic link"])
def test_output_that_would_be_thrown_away_is_refused(home, kind):
    target = home.work / "target"
    if kind == "a directory":
        target.mkdir()
    else:
        target.symlink_to(home.work / "elsewhere")
    refused = home.run("start", victim("idle"), "--name", "app", "-o", target)
    assert refused.code == 2 and kind in refused.err and "--output" in refused.err, refused
    assert not home.infos()


def test_reason_of_a_stop_outlives_the_daemon(home):
    home.start("idle", name="app")
    home.start("/bin/sh", "-c", "sleep 0.6; exit 9", name="ends", options=["--no-autorestart"])
    home.ok("stop", "app")
    wait_until(lambda: home.state("ends") == "errored", 10, "the other has ended")
    before = {name: home.info(name)["reason"] for name in ("app", "ends")}
    assert before["app"] == "stopped by request"
    home.wait_new_daemon(home.kill_daemon())
    assert {name: home.info(name)["reason"] for name in ("app", "ends")} == before


def test_wait_for_the_next_try_counts_down(home):
    home.run("start", "/bin/sh", "--name", "app", "--no-wait", "--restart-delay", "1h", "--", "-c", "exit 1")
    first = wait_until(lambda: home.state("app") == "waiting" and home.info("app")["reason"], 10, "it waits")
    wait_until(lambda: home.info("app")["reason"] != first, 10, "less is left")


def test_arguments_correct_a_start_that_failed(home):
    assert home.run("start", "sleep").code == 6
    home.ok("stop", "sleep")
    home.ok("start", "sleep", "--", "600")
    assert home.state("sleep") == "online"


def test_relative_home_is_refused(home):
    answer = home.run("list", env={"ROOST_HOME": "somewhere"})
    assert answer.code == 2 and "absolute" in answer.err, answer


def test_too_few_descriptors_are_told_before_anything_is_started(home):
    refused = home.run("ping", prefix=("/bin/sh", "-c", 'ulimit -n 40; exec "$@"', "sh"))
    assert refused.code not in (0, 5) and "40 open files" in refused.err and "ulimit" in refused.err, refused
    assert home.processes() == []


def test_a_keeper_without_a_daemon_is_named_by_kill(home):
    home.ok("ping")
    keeper, daemon = home.live_pid("keeper_pid"), home.live_pid("daemon_pid")
    os.kill(keeper, signal.SIGSTOP)
    os.kill(daemon, signal.SIGKILL)
    try:
        wedged = home.run("kill", timeout=60)
        assert wedged.code != 0 and f"kill -9 {keeper}" in wedged.err, wedged
    finally:
        os.kill(keeper, signal.SIGCONT)
