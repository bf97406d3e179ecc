"""cron_restart: the times themselves are proved with a fake clock in tests/unit/model/cron_test.cpp; here: that they are kept."""
import re

import pytest

from harness.wait import hold_for, wait_until

EVERY_SECOND = "* * * * * *"
WHY = f"cron_restart {EVERY_SECOND}"


def restarts(home, name="app"):
    return home.info(name)["restarts"]


def test_restarts_at_its_times_and_says_so(home):
    home.start("idle", name="app", options=["--cron-restart", EVERY_SECOND, "-i", "2"])
    before = home.pids()
    wait_until(lambda: restarts(home) >= 2 and home.info("app", 1)["restarts"] >= 2, 30, "both were restarted twice")
    assert home.pids() != before
    wait_until(lambda: WHY in [e.get("decision") for e in home.exits("app")], 10, "the reason is on record")
    assert re.search(r"restarted at +\* \* \* \* \* \*, next \d", home.ok("describe", "app").out)


def test_a_stopped_app_is_not_started(home):
    home.start("idle", name="app", options=["-c", EVERY_SECOND])
    home.ok("stop", "app")
    before = restarts(home)
    hold_for(lambda: home.state("app") == "stopped" and restarts(home) == before, 2.5, "it stays down")
    assert "next" not in re.search(r"restarted at.*", home.ok("describe", "app").out).group()
    home.ok("start", "app")
    wait_until(lambda: restarts(home) > before, 30, "it comes round again")


def test_one_that_has_given_up_stays_so(home):
    home.run("start", "exit 3", "--name", "app", "--max-restarts", "0", "--no-wait", "--cron", EVERY_SECOND)
    home.wait_state("app", "errored", 20)
    hold_for(lambda: home.state("app") == "errored", 2.5)


def test_a_script_that_is_run_at_its_times(home):
    """PM2's way of making a job: it is not restarted when it ends, but started when its time comes."""
    home.ok("start", "echo ran", "--name", "job", "--no-autorestart", "--cron-restart", EVERY_SECOND)
    wait_until(lambda: home.log("job").count(b"ran") >= 3, 30, "it has run three times")
    home.wait_new_daemon(home.kill_daemon())
    before = home.log("job").count(b"ran")
    wait_until(lambda: home.log("job").count(b"ran") > before, 30, "the new daemon runs it too")
    home.ok("stop", "job")
    before = home.log("job").count(b"ran")
    hold_for(lambda: home.log("job").count(b"ran") == before, 2.5, "what was stopped stays so")


def test_goes_on_with_a_new_daemon(home):
    home.start("idle", name="app", options=["-c", EVERY_SECOND])
    for _ in range(2):
        home.wait_new_daemon(home.kill_daemon())
        before = restarts(home)
        wait_until(lambda b=before: restarts(home) > b, 30, "the new daemon knows the times")


def test_another_schedule_in_the_file(home):
    file = home.work / "roost.toml"
    text = '[[apps]]\nname = "app"\nscript = "sleep 1000"\ncron_restart = "0 0 1 1 *"\ntimezone = "UTC"\n'
    file.write_text(text)
    home.ok("start", file)
    far = home.describe("app")[0]["cron_due_ms"]
    assert far % 86_400_000 == 0
    file.write_text(text.replace("0 0 1 1 *", EVERY_SECOND))
    home.ok("start", file)
    wait_until(lambda: restarts(home) >= 2, 30, "the new schedule")
    file.write_text(text.replace("0 0 1 1 *", "0"))
    home.ok("start", file)
    wait_until(lambda: home.describe("app")[0].get("cron_due_ms", 0) == 0, 10, "none any more")


def test_the_time_zone_counts(home):
    home.start("idle", name="a", options=["-c", "0 12 * * *", "--timezone", "UTC"])
    home.start("idle", name="b", options=["-c", "0 12 * * *", "--timezone", "Asia/Kolkata"])
    wait_until(lambda: all(home.describe(n)[0].get("cron_due_ms") for n in "ab"), 10, "both are known")
    due = {name: home.describe(name)[0]["cron_due_ms"] // 1000 % 86_400 for name in "ab"}
    assert due == {"a": 12 * 3600, "b": 6 * 3600 + 1800}


@pytest.mark.parametrize("options, words", [
    (["-c", "61 * * * *"], "'61' is no minute"), (["-c", "* * *"], "3 fields"), (["-c", "@reboot"], "--cron-restart"),
    (["--timezone", "Nowhere/City"], "there is no time zone 'Nowhere/City'")])
def test_a_bad_schedule_is_named(home, options, words):
    said = home.run("start", "sleep 1000", *options)
    assert said.code == 2 and words in said.err, said


def test_a_bad_schedule_of_a_file_has_its_place(home):
    (home.work / "roost.yaml").write_text("apps:\n  - name: a\n    script: sleep 1000\n    cron_restart: '0 25 * * *'\n")
    said = home.run("start", "roost.yaml")
    assert said.code == 2 and "roost.yaml:4" in said.err and "'cron_restart'" in said.err and "no hour" in said.err, said
