"""The command line: every command, targets, exit codes, suggestions, JSON, terminals and pipes."""
import json
import os
import re
import signal
import time

import pytest

from harness import procs
from harness.roost import VICTIM_SOURCES, victim
from harness.terminal import run_on_terminal
from harness.wait import wait_until

ESCAPE = b"\x1b["


def no_shebang(path, text):
    path.write_text(text)
    return path


# ---- start tells the truth

def test_start_script_list_logs_stop(home):
    """The first minute of a user."""
    script = home.work / "hello.sh"
    script.write_text("#!/bin/sh\necho hello from $0\nexec sleep 1000\n")
    script.chmod(0o755)
    started = home.ok("start", script)
    assert "hello" in started.out and str(home.pid("hello")) in started.out
    listed = home.ok("list").out
    assert "hello" in listed and "online" in listed and str(home.pid("hello")) in listed
    wait_until(lambda: home.log("hello"), 5, "its first line")
    assert f"hello from {script}" in home.ok("logs", "hello").out
    assert home.ok("pid", "hello").out.split() == [str(home.pid("hello"))]
    home.ok("stop", "hello")
    assert home.state("hello") == "stopped" and home.ok("pid", "hello").out.split() in ([], ["0"])
    home.ok("restart", "hello")
    assert home.state("hello") == "online"
    home.ok("delete", "hello")
    assert home.infos() == []


def test_start_of_something_that_dies(home):
    """start waits until the app has proved itself; on failure it says why and shows the last 20 lines of stderr."""
    lines = "; ".join(f"echo problem-{i} >&2" for i in range(1, 31))
    failed = home.run("start", f"{lines}; exit 3", "--name", "bad", "--no-autorestart")
    assert failed.code == 6, failed
    text = failed.out + failed.err
    assert "exit code 3" in text
    shown = [int(n) for n in re.findall(r"problem-(\d+)", text.split("exit code 3", 1)[1] if "problem-" in text.split("exit code 3", 1)[1] else text)]
    assert shown == list(range(11, 31)), failed
    killed = home.run("start", "echo last words >&2; kill -SEGV $$", "--name", "worse", "--no-autorestart")
    assert killed.code == 6 and "SIGSEGV" in killed.out + killed.err and "last words" in killed.out + killed.err


def test_start_of_a_crash_looper_is_a_failure_and_it_goes_on_trying(home):
    failed = home.run("start", "exit 5", "--name", "loop")
    assert failed.code == 6 and "exit code 5" in failed.out + failed.err
    assert home.state("loop") in ("waiting", "launching", "online")


def test_start_no_wait(home):
    begin = time.monotonic()
    home.ok("start", "exit 3", "--name", "bad", "--no-autorestart", "--no-wait")
    assert time.monotonic() - begin < 5


def test_start_what_runs_already(home):
    home.start("idle", name="app")
    pid = home.pid("app")
    again = home.ok("start", "app")
    assert "already running" in again.out and str(pid) in again.out
    again = home.ok("start", victim("idle"), "--name", "app")
    assert "already running" in again.out
    assert home.pid("app") == pid and len(home.infos()) == 1


def test_start_missing_things(home):
    assert home.run("start", home.work / "nothing.js").code == 3
    unknown = no_shebang(home.work / "data.xyz", "just text\n")
    refused = home.run("start", unknown)
    assert refused.code in (1, 2, 3) and "data.xyz" in refused.err and "--interpreter" in refused.err, refused
    ruby = no_shebang(home.work / "thing.rb", "puts 1\n")
    missing = home.run("start", ruby, env={"PATH": "/nowhere"})
    assert missing.code == 3 and "ruby" in missing.err and "install" in missing.err, missing
    missing = home.run("start", victim("http_server.js"), "--interpreter", "no-such-node")
    assert missing.code == 3 and "no-such-node" in missing.err
    missing = home.run("start", victim("idle"), "--cwd", home.work / "not there")
    assert missing.code in (1, 3) and "not there" in missing.err
    assert home.infos() == [], "a refused start left an entry"


def test_exec_that_fails_says_why(home):
    broken = home.work / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    failed = home.run("start", broken, "--no-autorestart")
    assert failed.code in (1, 3, 6) and "/no/such/interpreter" in failed.out + failed.err, failed


def test_interpreters(home):
    cases = {"a.js": "console.log('interpreted js'); setInterval(() => {}, 1e6)",
             "b.py": "print('interpreted py', flush=True)\nimport signal; signal.pause()",
             "c.sh": "echo interpreted sh; exec sleep 1000"}
    for name, text in cases.items():
        home.ok("start", no_shebang(home.work / name, text), "--name", name[0])
        wait_until(lambda n=name: b"interpreted" in home.log(n[0]), 10, f"{name} speaks")
    honoured = home.work / "odd.js"
    honoured.write_text("#!/bin/sh\necho from the shell; exec sleep 1000\n")
    honoured.chmod(0o755)
    home.ok("start", honoured, "--name", "odd")
    wait_until(lambda: home.log("odd") == b"from the shell\n", 5, "the shebang is honoured")
    home.ok("start", "/bin/sleep", "--interpreter", "none", "--name", "direct", "--", "1000")
    assert procs.command(home.pid("direct")) == "/bin/sleep 1000"


def test_start_options(home):
    out, err, elsewhere = home.work / "o.log", home.work / "e.log", home.work / "elsewhere"
    elsewhere.mkdir()
    home.ok("start", "echo $COLOUR in $(pwd) $1; echo oops >&2; exec sleep 1000", "--name", "opt", "--env", "COLOUR=blue", "--cwd", elsewhere, "-o", out,
            "-e", err, "--kill-timeout", "2s", "--restart-delay", "100ms", "--max-restarts", "5", "--", "extra")
    wait_until(lambda: out.exists() and err.exists() and out.read_bytes() and err.read_bytes(), 5, "both files")
    assert out.read_text() == f"blue in {elsewhere} extra\n" and err.read_text() == "oops\n"
    description = home.describe("opt")[0]
    assert description["out_file"] == str(out) and description["error_file"] == str(err)
    home.ok("start", victim("idle"), "--name", "three", "-i", "3")
    assert [i["slot"] for i in home.infos() if i["name"] == "three"] == [0, 1, 2]


@pytest.mark.root
def test_start_as_another_user(home):
    os.chmod(home.base, 0o755)
    home.ok("start", "id -u; exec sleep 1000", "--name", "nobody", "--user", "nobody", "--cwd", "/")
    wait_until(lambda: home.log("nobody") == b"65534\n", 5, "it is nobody")
    home.strays.append(home.pid("nobody"))
    assert home.info("nobody")["user"] == "nobody"
    refused = home.run("start", victim("idle"), "--name", "x", "--user", "no-such-user")
    assert refused.code == 3 and "user 'no-such-user' does not exist" in refused.err, refused
    assert [i["name"] for i in home.infos()] == ["nobody"], "what can never run is not added"


# ---- targets

@pytest.fixture
def fleet(home):
    home.start("idle", name="api", options=["-i", "2"])
    home.start("idle", name="api-docs")
    home.start("idle", name="web")
    return home


def stopped(home):
    return sorted(f"{i['name']}#{i.get('slot', 0)}" for i in home.infos() if i["state"] == "stopped")


@pytest.mark.parametrize("words,hit", [(["api"], ["api#0", "api#1"]), (["api#1"], ["api#1"]), (["api*"], ["api#0", "api#1", "api-docs#0"]),
                                       (["api-docs", "web"], ["api-docs#0", "web#0"]), (["all"], ["api#0", "api#1", "api-docs#0", "web#0"])])
def test_targets(fleet, words, hit):
    fleet.ok("stop", *words)
    assert stopped(fleet) == sorted(hit)
    fleet.ok("start", *words)
    assert stopped(fleet) == []


def test_target_by_id(fleet):
    entry = fleet.info("api-docs")
    fleet.ok("stop", entry["id"])
    assert stopped(fleet) == ["api-docs#0"]


def test_unknown_target_changes_nothing(fleet):
    answer = fleet.run("stop", "web", "apu")
    assert answer.code == 3 and "apu" in answer.err and "api" in answer.err, answer
    assert "did you mean" in answer.err
    assert stopped(fleet) == []


# ---- exit codes and suggestions

def test_exit_codes(home):
    assert home.run("nonsense").code == 2
    assert home.run("list", "--nonsense").code == 2
    assert home.run("stop").code == 2
    assert home.run("start").code == 2
    assert home.run("start", victim("idle"), "-i", "many").code == 2
    assert home.run("start", victim("idle"), "--kill-timeout", "soon").code == 2
    assert home.run("stop", "nobody-here").code == 3
    assert home.run("describe", "nobody-here").code == 3
    assert home.run("--version").code == 0 and home.run("version").code == 0
    assert home.run("help").code == 0 and home.run("--help").code == 0
    assert home.run("ping").code == 0


def test_unreachable_is_5(make_home):
    home = make_home()
    home.path.write_text("a file where the home should be")
    answer = home.run("list")
    assert answer.code in (1, 4, 5) and answer.err.strip(), answer
    home.path.unlink()


def test_aliases(home):
    home.start("idle", name="app")
    for alias in ("ls", "l", "ps", "status"):
        assert "app" in home.ok(alias).out
    for alias in ("desc", "info", "show"):
        assert "app" in home.ok(alias, "app").out
    home.ok("del", "app")


# ---- output

def test_json_everywhere(home):
    home.start("idle", name="app")
    for command in (["ping"], ["list"], ["describe", "app"], ["jlist"], ["pid", "app"], ["version"], ["start", "app"], ["restart", "app"], ["stop", "app"],
                    ["logs", "app"], ["delete", "app"], ["kill"]):
        answer = home.ok(*command, "--json")
        assert ESCAPE not in answer.out.encode()
        for line in ([answer.out] if command[0] != "logs" else answer.out.splitlines()):
            if line.strip():
                json.loads(line)
    failed = home.run("stop", "nobody-here", "--json")
    assert failed.code == 3
    error = json.loads(failed.out or failed.err)["error"]
    assert error["code"] == "not_found" and error["message"]


def test_jlist_has_pm2s_shape(home):
    home.start("idle", name="app", options=["-i", "2"])
    entries = home.jlist()
    assert isinstance(entries, list) and len(entries) == 2
    for entry in entries:
        assert entry["name"] == "app" and isinstance(entry["pm_id"], int) and procs.alive(entry["pid"])
        assert set(entry["monit"]) >= {"memory", "cpu"}
        keys = {"status", "restart_time", "unstable_restarts", "pm_uptime", "created_at", "exec_mode", "instances", "namespace", "pm_cwd", "pm_exec_path",
                "pm_out_log_path", "pm_err_log_path", "exec_interpreter", "args", "exit_code", "exit_signal"}
        assert keys <= set(entry["pm2_env"]), keys - set(entry["pm2_env"])
        assert entry["pm2_env"]["status"] == "online" and entry["pm2_env"]["exec_mode"] == "fork_mode"
        assert abs(entry["pm2_env"]["pm_uptime"] / 1000 - time.time()) < 120
    home.ok("stop", "app#1")
    assert [e["pid"] for e in home.jlist() if e["pm2_env"]["status"] == "stopped"] == [0]


def test_list_on_terminals_and_pipes(home):
    home.start("idle", name="an-app-with-a-rather-long-name-that-goes-on-and-on-for-ever")
    home.start("idle", name="short")
    command = [str(home.bin / "roost"), "list"]
    for columns in (80, 200):
        code, raw = run_on_terminal(command, home.environment(NO_COLOR=None), columns)
        assert code == 0 and ESCAPE in raw
        plain = re.sub(rb"\x1b\[[0-9;]*m", b"", raw).decode()
        assert all(len(line.rstrip("\r")) <= columns for line in plain.split("\n")), plain
        assert "online" in plain and "short" in plain
    _, raw = run_on_terminal(command, home.environment(NO_COLOR="1"))
    assert ESCAPE not in raw
    assert ESCAPE not in home.ok("list").out.encode()
    assert "an-app-with-a-rather-long-name-that-goes-on-and-on-for-ever" in home.ok("list").out


def test_escapes_are_neutralised_on_a_terminal_only(home):
    home.start(VICTIM_SOURCES / "escapes.py", name="evil", options=["--no-wait", "--no-autorestart"])
    wait_until(lambda: home.log("evil"), 5, "it has spoken")
    _, raw = run_on_terminal([str(home.bin / "roost"), "logs", "evil", "--lines", "5", "--no-follow", "--no-color"], home.environment(), seconds=10)
    for bad in (b"\x1b]0", b"\x1b]52", b"\x1b[2J", b"\xe2\x80\xae", b"\xc2\x9b"):
        assert bad not in raw, (bad, raw)
    assert b"evil" in raw and b"red" in raw
    piped = home.run("logs", "evil", "--lines", "5", "--raw", text=False).out
    assert b"\x1b]0;owned\x07" in piped


def test_closed_pipe_is_no_error(home):
    home.start("idle", name="app")
    reader, writer = os.pipe()
    os.close(reader)
    process = home.popen("list", stdout=writer)
    os.close(writer)
    _, err = process.communicate(timeout=20)
    assert process.returncode in (0, 1, 141, -signal.SIGPIPE) and b"terminate" not in err


def test_full_disk_on_stdout_is_an_error(home):
    with open("/dev/full", "wb") as full:
        process = home.popen("version", stdout=full)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 1 and err


def test_full_disk_is_noticed_however_much_is_printed(home):
    """What is long is not gathered with the rest."""
    home.ok("start", "sleep 1000", "--name", "app", *(word for i in range(90) for word in ("--env", f"V{i}={'x' * 300}")))
    assert len(home.ok("describe", "app", "--json").out) > 16_384
    for words in (("describe", "app", "--json"), ("env", "app")):
        with open("/dev/full", "wb") as full:
            process = home.popen(*words, stdout=full)
            _, err = process.communicate(timeout=20)
        assert process.returncode == 1 and b"No space left on device" in err, (words, err)


def test_secrets_are_masked(home):
    home.ok("start", victim("idle"), "--name", "app", "--env", "API_TOKEN=hunter2secret", "--env", "DB_PASSWORD=hunter2secret", "--env", "COLOUR=blue")
    for command in (["describe", "app"], ["describe", "app", "--json"], ["jlist"], ["list", "--json"]):
        assert "hunter2secret" not in home.ok(*command).out, command
    assert b"hunter2secret" not in (home.path / "roostd.log").read_bytes()
    assert any(v == b"API_TOKEN=hunter2secret" for v in procs.environ(home.pid("app"))), "the app itself gets the true value"


# ---- logs

def test_logs_lines_and_streams(home):
    home.ok("start", "for i in 1 2 3 4 5 6 7 8 9; do echo out$i; sleep 0.05; echo err$i >&2; sleep 0.05; done; exec sleep 1000", "--name", "app")
    wait_until(lambda: b"err9" in home.log("app", "error") and b"out9" in home.log("app"), 5)
    out = home.ok("logs", "app", "--out", "--raw", "--lines", "3").out
    assert out.split() == ["out7", "out8", "out9"]
    err = home.ok("logs", "app", "--err", "--raw", "-n", "2").out
    assert err.split() == ["err8", "err9"]
    assert home.ok("logs", "app", "--raw", "-n", "4").out.split() == ["out8", "err8", "out9", "err9"], "in the order they came"
    both = home.ok("logs", "app").out
    assert "out9" in both and "err9" in both
    assert home.run("logs", "nobody-here").code == 3


def test_logs_follow_through_a_daemon_death(home):
    home.ok("start", "i=0; while :; do i=$((i+1)); echo line$i; sleep 0.05; done", "--name", "app")
    follower = home.popen("logs", "app", "-f", "--raw", "--lines", "0")
    try:
        os.set_blocking(follower.stdout.fileno(), False)
        seen = b""

        def more(count):
            nonlocal seen
            seen += follower.stdout.read() or b""
            return seen.count(b"\n") >= count

        wait_until(lambda: more(3), 10, "live lines")
        home.wait_new_daemon(home.kill_daemon())
        wanted = seen.count(b"\n") + 10
        wait_until(lambda: more(wanted), 10, "lines after the daemon's death")
        numbers = [int(n) for n in re.findall(rb"line(\d+)\n", seen)]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        follower.send_signal(signal.SIGINT)
        assert follower.wait(timeout=5) in (0, 130)
    finally:
        if follower.poll() is None:
            follower.kill()
        follower.communicate()
