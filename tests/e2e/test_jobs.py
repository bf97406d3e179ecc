"""Jobs. Their times are proved with a fake clock in tests/unit/model/job_schedule_test.cpp; here: that they are kept, and by each daemon."""
import re
import signal
import time

import pytest

from harness.procs import Held, alive
from harness.terminal import run_on_terminal
from harness.wait import hold_for, wait_until
from harness.wire import WireError

EVERY_SECOND = "* * * * * *"
NEW_YEAR = "0 0 1 1 *"


def toml(**fields):
    def text(value):
        return str(value).lower() if isinstance(value, (bool, int)) else f'"{value}"'
    lines = [f"{key} = {text(value)}" for key, value in fields.items()]
    return "\n".join(["[[apps]]", *lines]) + "\n"


def put(home, *apps, command="start"):
    """The apps of a file; each is a job named by `name` unless it says otherwise."""
    file = home.work / "roost.toml"
    file.write_text("".join(toml(**{"type": "job", **app}) for app in apps))
    return home.run(command, file)


def job(home, name="job"):
    found = [one for one in home.ok("jobs", "--json").json()["jobs"] if one["instance"]["name"] == name]
    assert found, name
    return found[0]


def lines(home, name="job"):
    return home.log(name).count(b"\n")


def test_a_job_runs_at_its_times_and_rests_between(home):
    said = put(home, {"name": "job", "script": "echo ran", "schedule": EVERY_SECOND})
    assert said.code == 0 and "scheduled job (id " in said.out and "next run 2" in said.out, said
    wait_until(lambda: lines(home) >= 4, 40, "it has run four times")
    info = home.info("job")
    assert info["restarts"] == 0 and info.get("quick_exits", 0) == 0, info
    wait_until(lambda: home.state("job") == "waiting" and "next run 2" in home.info("job")["reason"], 20, "it waits for its time")
    facts = job(home)
    assert facts["last"]["status"]["kind"] == "exited" and facts["last"]["status"].get("code", 0) == 0
    assert facts["next_ms"] % 1000 == 0 and facts["schedule"] == EVERY_SECOND
    assert "exit code 0" in home.ok("jobs").out


def test_the_same_file_changes_nothing_and_runs_nothing(home):
    app = {"name": "job", "script": "echo ran", "schedule": NEW_YEAR, "timezone": "UTC"}
    assert put(home, app).code == 0
    assert put(home, app, command="plan").out.startswith("= job")
    assert put(home, app).code == 0
    assert lines(home) == 0
    facts = job(home)
    assert facts["next"].endswith("-01-01 00:00:00 +00:00") and facts["instance"]["scheduled"]
    home.ok("stop", "job")
    assert put(home, app, command="plan").out.startswith("^ job")
    assert put(home, app).code == 0
    assert job(home)["instance"]["scheduled"] and lines(home) == 0


def test_start_by_name_runs_it_now_and_by_a_pattern_does_not(home):
    put(home, {"name": "quick", "script": "echo ran", "schedule": NEW_YEAR}, {"name": "long", "script": "exec sleep 1000"})
    assert home.ok("jobs").out.count("on request") == 1
    said = home.ok("start", "quick")
    assert "ran quick" in said.out, said
    wait_until(lambda: job(home, "quick")["instance"]["scheduled"], 20, "it is at rest again")
    assert home.log("quick") == b"ran\n"
    assert "started long" in home.ok("start", "long").out
    assert "already running: long" in home.ok("start", "long").out
    assert "running for" in home.ok("jobs", "long").out
    home.ok("start", "all")
    home.ok("restart", "q*")
    assert home.log("quick") == b"ran\n"
    home.ok("restart", "quick")
    wait_until(lambda: home.log("quick") == b"ran\nran\n", 20)


def test_stop_ends_the_run_and_takes_it_off_its_schedule(home):
    put(home, {"name": "job", "script": "echo ran; exec sleep 1000", "schedule": EVERY_SECOND})
    wait_until(lambda: home.pid("job") != 0, 30, "it runs")
    pid = home.pid("job")
    home.ok("stop", "job")
    assert not alive(pid)
    assert "off its schedule" in home.info("job")["reason"] and "off its schedule" in home.ok("jobs").out
    before = lines(home)
    home.wait_new_daemon(home.kill_daemon())
    hold_for(lambda: lines(home) == before and home.state("job") == "stopped", 2.5, "it stays so")
    home.ok("start", "all")
    wait_until(lambda: lines(home) > before, 30, "it is back on its schedule")


def test_a_failure_is_told(home):
    put(home, {"name": "job", "script": "echo broken >&2; exit 3", "schedule": NEW_YEAR})
    said = home.run("start", "job")
    assert said.code == 6 and "exit code 3" in said.err and "broken" in said.err, said
    info = home.info("job")
    assert info["state"] == "errored" and info["reason"].startswith("exit code 3; next run 2"), info
    home.wait_new_daemon(home.kill_daemon())
    info = home.info("job")
    assert info["state"] == "errored" and info["reason"].startswith("exit code 3"), info


def test_retries_and_then_errored_until_the_next_time(home):
    put(home, {"name": "job", "script": "echo try; test -e ok", "retries": 2, "schedule": NEW_YEAR})
    home.run("start", "job", "--no-wait")
    home.wait_state("job", "errored", 30)
    assert home.log("job") == b"try\n" * 3 and "the last of 3 tries" in home.info("job")["reason"]
    (home.work / "ok").write_text("")
    home.ok("start", "job")
    wait_until(lambda: home.state("job") == "waiting" and job(home)["instance"]["scheduled"], 20, "all is well again")
    assert home.log("job") == b"try\n" * 4


def test_a_run_that_takes_too_long_is_ended_also_by_the_next_daemon(home):
    put(home, {"name": "job", "script": "exec sleep 1000", "timeout": "4s"})
    home.ok("start", "job")
    pid = home.pid("job")
    home.wait_new_daemon(home.kill_daemon())
    assert home.pid("job") == pid
    home.wait_state("job", "errored", 40)
    assert not alive(pid) and "not done within 4s" in home.info("job")["reason"]
    took = job(home)["last"]
    assert took["ended_ms"] - took["started_ms"] >= 4000


def test_the_daemon_dies_while_a_job_runs(home):
    put(home, {"name": "job", "script": "echo ran; until test -e go; do sleep 0.05; done; exit 7", "schedule": EVERY_SECOND})
    wait_until(lambda: home.pid("job") != 0, 30, "it runs")
    pid = home.pid("job")
    old = home.kill_daemon()
    (home.work / "go").write_text("")
    wait_until(lambda: not alive(pid), 20, "it has ended")
    home.wait_new_daemon(old)
    wait_until(lambda: pid in [e["pid"] for e in home.exits("job")], 20, "its end is on record")
    assert [e["status"]["code"] for e in home.exits("job") if e["pid"] == pid] == [7]
    before = lines(home)
    wait_until(lambda: lines(home) > before + 1, 40, "the schedule goes on")


@pytest.mark.parametrize("overlap", ["skip", "queue", "kill"])
def test_overlap(home, overlap):
    put(home, {"name": "job", "script": "echo ran; until test -e go; do sleep 0.05; done", "schedule": EVERY_SECOND, "overlap": overlap})
    wait_until(lambda: home.pid("job") != 0, 30, "it runs")
    pid = home.pid("job")
    if overlap == "kill":
        wait_until(lambda: lines(home) >= 2, 30, "another run has taken its place")
        assert not alive(pid)
        wait_until(lambda: "overlap kill" in str(home.exits("job")), 20)
        return
    wait_until(lambda: job(home).get("skipped", 0) >= 2 if overlap == "skip" else job(home).get("queued"), 30, "its time has come again")
    assert home.pid("job") == pid and lines(home) == 1
    home.wait_new_daemon(home.kill_daemon())
    assert job(home).get("queued", False) == (overlap == "queue")
    (home.work / "go").write_text("")
    wait_until(lambda: lines(home) >= 2, 30, "and again when it is done")


def test_queued_runs_once(home):
    put(home, {"name": "job", "script": "echo ran; until test -e go; do sleep 0.05; done", "schedule": EVERY_SECOND, "overlap": "queue"})
    wait_until(lambda: home.pid("job") != 0 and job(home).get("queued"), 30, "one is queued")
    home.ok("stop", "job")
    assert not job(home).get("queued")
    assert lines(home) == 1


def test_an_app_waits_for_a_job(home):
    said = put(home, {"name": "migrate", "script": "echo migrated"},
               {"name": "web", "type": "service", "script": "exec sleep 1000"})
    (home.work / "roost.toml").write_text((home.work / "roost.toml").read_text() + 'depends_on = { migrate = "completed" }\n')
    said = home.run("start", home.work / "roost.toml")
    assert said.code == 0 and home.state("web") == "online", said
    assert home.log("migrate") == b"migrated\n"
    home.ok("restart", "web")
    assert home.log("migrate") == b"migrated\n", "once is enough"


def test_an_app_that_comes_later_waits_for_a_job(home):
    put(home, {"name": "migrate", "script": "echo migrated", "schedule": NEW_YEAR})
    wait_until(lambda: job(home, "migrate")["instance"].get("scheduled"), 10, "the job is enrolled")
    (home.work / "web.toml").write_text('[[apps]]\nname = "web"\nscript = "exec sleep 1000"\ndepends_on = { migrate = "completed" }\n')
    said = home.run("start", home.work / "web.toml")
    assert said.code == 0 and home.state("web") == "online", said
    assert home.log("migrate") == b"migrated\n"


def test_a_job_that_waits_for_its_time_is_where_it_should_be(home):
    put(home, {"name": "job", "script": "echo ran", "schedule": NEW_YEAR})
    assert home.ok("wait", "all").out == "job is on its schedule\n"


def test_suspended_and_resumed(home):
    put(home, {"name": "job", "script": "echo ran", "schedule": NEW_YEAR}, {"name": "off", "script": "echo ran", "autostart": False})
    home.ok("kill")
    assert not job(home)["instance"].get("scheduled")
    home.ok("resurrect")
    assert job(home)["instance"]["scheduled"] and not job(home, "off")["instance"].get("scheduled")
    assert lines(home) == 0


def test_another_schedule(home):
    app = {"name": "job", "script": "echo ran", "schedule": NEW_YEAR, "catch_up": True}
    put(home, app)
    assert put(home, {**app, "schedule": EVERY_SECOND}).code == 0
    wait_until(lambda: lines(home) >= 2, 30, "the new schedule")
    assert put(home, {**app, "schedule": "0 0 2 1 *", "timezone": "UTC"}).code == 0
    wait_until(lambda: "-01-02 00:00:00 +00:00" in job(home).get("next", ""), 20)
    before = lines(home)
    hold_for(lambda: lines(home) == before, 2.5, "a new schedule has nothing to catch up with")


def test_scale_and_run_know_jobs(home):
    put(home, {"name": "job", "script": "echo ran"}, {"name": "other", "type": "service", "script": "echo other"})
    said = home.run("scale", "job", "2")
    assert said.code == 2 and "is a job" in said.err, said
    said = home.run("run", home.work / "roost.toml")
    assert said.out == "other\n" and "'job' is a job" in said.err, said
    assert home.run("run", home.work / "roost.toml", "--only", "job").out == "ran\n"


@pytest.mark.parametrize("line, words", [
    ('schedule = "@daily"', "is for a job"), ('retries = 1', "is for a job"), ('timeout = "1m"', "is for a job"), ("catch_up = true", "is for a job"),
    ('overlap = "kill"', "is for a job"), ('type = "jobs"', "must be one of service, job"),
    ('type = "job"\ncron_restart = "@daily"', "which has a 'schedule'"), ('type = "job"\ninstances = 2', "which has one"),
    ('type = "job"\nwatch = true', "changes do not restart it"), ('type = "job"\nmax_restarts = 3', "which has 'retries'"),
    ('type = "job"\nschedule = "0 25 * * *"', "no hour"), ('type = "job"\nretries = 101', "from 0 to 100"),
    ('type = "job"\ncatch_up = true', "needs a 'schedule'"), ('type = "job"\noverlap = "wait"', "must be one of skip, queue, kill")])
def test_check_refuses_nonsense(home, line, words):
    file = home.work / "roost.toml"
    file.write_text('[[apps]]\nname = "a"\nscript = "echo"\n' + line + "\n")
    said = home.run("check", file)
    assert said.code == 2 and words in said.err and "roost.toml:" in said.err, said


def test_check_takes_a_job(home):
    file = home.work / "roost.toml"
    file.write_text(toml(name="a", script="echo", type="job", schedule="@daily", overlap="queue", timeout="1h", retries=3, catch_up=True,
                         instances=1, watch=False))
    home.ok("check", file)


def test_no_jobs(home):
    said = home.ok("jobs")
    assert said.out == "" and "type: job" in said.err
    home.start("idle", name="app")
    assert home.ok("jobs", "--json").json() == {"jobs": []}
    assert "none of these is a job" in home.ok("jobs", "app").err


def test_the_method_of_jobs(home):
    put(home, {"name": "job", "script": "echo ran"})
    with home.connect() as connection:
        found = connection.call("app.jobs", {"targets": ["job"]})
        assert [one["instance"]["name"] for one in found["jobs"]] == ["job"]
        with pytest.raises(WireError, match="targets"):
            connection.call("app.jobs", {"targets": 3})


@pytest.mark.parametrize("retries", [0, 1])
def test_a_run_that_nobody_saw_end_has_failed(home, retries):
    """As after a crash of the machine: keeper, daemon and the run are gone."""
    put(home, {"name": "job", "script": "echo ran; exec sleep 1000", "schedule": NEW_YEAR, "retries": retries})
    home.ok("start", "job")
    wait_until(lambda: lines(home) == 1, 20)
    # So that what is written behind is on disk.
    home.ok("reset", "job")
    with Held(home.pid("job")) as run, Held(home.keeper_pid) as keeper, Held(home.daemon_pid) as daemon:
        daemon.kill(signal.SIGSTOP)
        keeper.kill_and_wait()
        daemon.kill_and_wait()
        run.kill_and_wait()
    if retries == 0:
        assert home.state("job") == "errored" and "unknown" in home.info("job")["reason"], home.info("job")
        assert job(home)["instance"]["scheduled"] and lines(home) == 1
    else:
        wait_until(lambda: home.pid("job") != 0 and lines(home) == 2, 20, "it is tried again")


def test_no_time_comes_twice_however_often_the_daemon_dies(home):
    put(home, {"name": "job", "script": "echo ran", "schedule": EVERY_SECOND})
    began = time.monotonic()
    for _ in range(6):
        before = lines(home)
        home.wait_new_daemon(home.kill_daemon())
        wait_until(lambda b=before: lines(home) > b, 30, "the schedule goes on")
    runs, took = lines(home), time.monotonic() - began
    assert runs <= took + 2, f"{runs} runs in {took:.1f} s"


def test_a_run_that_timed_out_is_told_so_and_all_times_are_of_the_jobs_zone(home):
    put(home, {"name": "job", "script": "exec sleep 1000", "timeout": "1s", "schedule": NEW_YEAR, "timezone": "Asia/Kolkata"})
    assert home.run("start", "job", timeout=110).code in (0, 6)
    home.wait_state("job", "errored", 40)
    told = wait_until(lambda: job(home) if job(home).get("timed_out") else None, 20, "the end is on record")
    assert told["next"].endswith("-01-01 00:00:00 +05:30") and told["last_ended"].endswith(" +05:30"), told
    out = home.ok("jobs").out
    assert "timed out" in out and "SIGTERM" not in out and told["last_ended"][:19] in out, out
    assert out.count("+05:30") == 1, "said once"
    status, output = run_on_terminal([str(home.bin / "roost"), "jobs"], home.environment(), 80)
    text = re.sub(r"\x1b\[[0-9;]*m", "", output.decode()).replace("\r", "")
    assert status == 0 and all(len(line) <= 80 for line in text.splitlines()), text
    assert f"{NEW_YEAR} Asia/Kolkata; last run: timed out after 1s" in text, text


def test_start_makes_jobs_and_says_how(home):
    said = home.ok("start", "echo ran", "--name", "night", "--schedule", NEW_YEAR, "--timezone", "UTC", "--overlap", "kill", "--timeout", "1h", "--retries", "2",
                   "--catch-up")
    assert "scheduled night (id " in said.out, said
    spec = home.describe("night")[0]["spec"]
    assert (spec["job"], spec["schedule"], spec["overlap"], spec["job_timeout"], spec["retries"], spec["catch_up"]) == \
        (True, NEW_YEAR, "kill", 3_600_000, 2, True)
    home.ok("start", "echo ran", "--name", "asked", "--type", "job")
    assert job(home, "asked")["instance"].get("scheduled") and home.log("asked") == b""
    home.ok("start", "asked")
    wait_until(lambda: home.log("asked") == b"ran\n", 10, "it has run")


@pytest.mark.parametrize("options, words", [
    (["--retries", "2"], ["--retries is for a job", "--schedule EXPR"]), (["--catch-up"], ["--catch-up is for a job"]), (["--type", "job", "--catch-up"], ["needs a --schedule"]),
    (["--schedule", NEW_YEAR, "-i", "2"], ["--instances", "has one"]), (["--schedule", NEW_YEAR, "--watch"], ["--watch", "changes do not restart it"]),
    (["--schedule", NEW_YEAR, "--max-restarts", "3"], ["--max-restarts", "'retries'"]), (["--schedule", "0 25 * * *"], ["--schedule", "no hour"])])
def test_start_refuses_what_does_not_go_with_a_job(home, options, words):
    said = home.run("start", "echo ran", *options)
    assert said.code == 2 and all(word in said.err for word in words), said
