"""reset, signal, env; and start of an app that is just being swept."""
import json
import signal

from harness.wait import wait_until


def test_reset_sets_the_counters_to_zero(home):
    home.start("idle", name="api")
    home.ok("restart", "api")
    assert home.info("api")["restarts"] == 1
    assert home.ok("reset", "api").out.strip() == f"reset api (pid {home.pid('api')})"
    assert home.info("api")["restarts"] == 0
    home.kill_daemon()
    assert home.info("api")["restarts"] == 0
    assert home.run("reset", "nobody").code == 3


def test_signal_reaches_the_main_process(home):
    script = home.work / "hup.sh"
    script.write_text("trap 'echo got it' USR1\necho ready\nwhile :; do sleep 0.05; done\n")
    home.ok("start", "/bin/sh", "--name", "hup", "--interpreter", "none", "--", script)
    wait_until(lambda: b"ready" in home.log("hup"), 5, "the handler is there")
    for word in ("USR1", "sigusr1", str(int(signal.SIGUSR1))):
        before = home.log("hup").count(b"got it")
        assert f"(pid {home.pid('hup')})" in home.ok("signal", word, "hup").out
        wait_until(lambda: home.log("hup").count(b"got it") == before + 1, 5, "the signal has arrived")
    wrong = home.run("signal", "NOSUCH", "hup")
    assert wrong.code == 2 and "NOSUCH" in wrong.err
    assert home.run("signal", "65", "hup").code == 2
    home.ok("stop", "hup")
    assert home.run("signal", "HUP", "hup").code == 1


def test_env_shows_what_the_app_was_given(home):
    home.start("idle", name="api", options=("--env", "COLOUR=blue", "--env", "API_TOKEN=abc123"))
    shown = home.ok("env", "api").out.splitlines()
    assert "COLOUR=blue" in shown and "API_TOKEN=********" in shown
    assert json.loads(home.ok("env", "api", "--json").out)["env"]["COLOUR"] == "blue"
    home.start("idle", name="web")
    assert home.run("env", "all").code == 2


def test_start_while_a_crashed_run_is_swept(home):
    """The app is dead, its child still holds on: start begins a new run whatever the policy says."""
    home.ok("start", "/bin/sh", "--name", "once", "--interpreter", "none", "--no-autorestart", "--",
            "-c", "(trap '' TERM; exec sleep 30) & sleep 2; exit 3")
    wait_until(lambda: home.state("once") == "stopping", 5, "its leftovers are being ended")
    home.ok("start", "once")
    assert home.state("once") == "online"


def test_an_app_that_had_to_be_killed_starts_again(home):
    """Also in the daemon after: a control group that was killed once is not used again."""
    home.start("stubborn", name="stubborn", options=("--kill-timeout", "100ms"))
    for _ in range(2):
        assert "SIGKILL" in home.ok("stop", "stubborn").out
        home.ok("start", "stubborn")
        home.kill_daemon()
    assert home.state("stubborn") == "online"
