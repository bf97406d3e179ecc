"""roost run: apps in the foreground, as in a container."""
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess

import pytest

from harness import procs
from harness.wait import wait_until


def write(home, name, text):
    path = home.work / name
    path.write_text(text)
    return path


def can_unshare():
    done = subprocess.run(["unshare", "-p", "-f", "--mount-proc", "true"], capture_output=True)
    return done.returncode == 0


NAMESPACE = ["unshare", "-p", "-f", "--mount-proc", "--kill-child"]
needs_namespace = pytest.mark.skipif(shutil.which("unshare") is None or not can_unshare(), reason="no PID namespaces here")


def popen(home, *args, prefix=(), **options):
    return subprocess.Popen([*prefix, str(home.bin / "roost"), "run", *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, cwd=home.work, env=home.environment(), **options)


def lines_until(process, word):
    """Lines of its stdout up to the one that holds the word."""
    lines = []
    for line in process.stdout:
        lines.append(line.decode())
        if word in lines[-1]:
            return lines
    raise AssertionError(f"no {word!r} in {lines}, {process.stderr.read()}")


@pytest.mark.parametrize("line, code", [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -TERM $$", 143)])
def test_the_exit_code_of_the_app_is_passed(home, line, code):
    assert home.run("run", f"echo out; echo err >&2; {line}").code == code
    assert not home.path.exists(), "no home and no daemon"


def test_output_arguments_and_environment_go_through(home):
    said = home.ok("run", "echo \"$1 $A $SECRET_OF_CONTAINER $NODE_APP_INSTANCE\"; echo err >&2", "--env", "A=1", "--", "arg",
                   env={"SECRET_OF_CONTAINER": "kept"})
    assert said.out == "arg 1 kept 0\n" and said.err == "err\n"


def test_what_cannot_run(home):
    for there_is_none in ("./none.js", "nosuchcommand"):
        assert home.run("run", there_is_none).code == 127
    write(home, "plain.sh", "#!/bin/sh\n").chmod(0o644)
    assert home.run("run", "./plain.sh", "--interpreter", "none").code == 126
    assert home.run("run").code == 2
    write(home, "broken.sh", "#!/no/such/interpreter\n").chmod(0o755)
    assert home.run("run", "./broken.sh", "--interpreter", "none").code in (3, 126, 127)
    assert home.run("run", "sleep 1", "--log-format", "xml").code == 2
    write(home, "u.toml", '[[apps]]\nname = "u"\nscript = "sleep 1"\nuser = "nobody"\n')
    assert "changes no user" in home.run("run", "u.toml", check=2).err


def test_sigterm_is_handed_on_and_the_kill_timeout_holds(home):
    app = popen(home, "trap 'echo got; exit 5' TERM; echo up; while :; do sleep 0.05; done")
    lines_until(app, "up")
    app.send_signal(signal.SIGTERM)
    assert app.wait(30) == 5 and app.stdout.read() == b"got\n"
    app = popen(home, "trap '' TERM; echo up; while :; do sleep 0.05; done", "--kill-timeout", "200ms")
    lines_until(app, "up")
    app.send_signal(signal.SIGTERM)
    assert app.wait(30) == 137 and b"killed" in app.stderr.read()


@pytest.mark.parametrize("name", ["HUP", "USR1", "USR2", "WINCH"])
def test_other_signals_are_handed_on_and_stop_nothing(home, name):
    app = popen(home, f"trap 'echo got {name}' {name}; echo up; while :; do sleep 0.05; done")
    lines_until(app, "up")
    app.send_signal(getattr(signal, f"SIG{name}"))
    lines_until(app, f"got {name}")
    app.send_signal(signal.SIGINT)
    assert app.wait(30) == 130


def test_one_app_of_a_file_ends_with_its_code_unless_it_says_restart(home):
    write(home, "one.toml", '[[apps]]\nname = "one"\nscript = "exit 3"\n')
    assert home.run("run", "one.toml").code == 3
    write(home, "again.toml", '[[apps]]\nname = "again"\nscript = "echo x >> runs; exit 3"\nrestart = "always"\nmax_restarts = 3\n')
    said = home.run("run", "again.toml")
    runs = (home.work / "runs").read_text().count("x")
    assert said.code == 3 and runs >= 3 and "again: exit code 3" in said.err, said
    (home.work / "runs").unlink()
    write(home, "ok.toml", '[[apps]]\nname = "ok"\nscript = "echo x >> runs; exit 0"\nrestart = "on-failure"\n')
    assert home.run("run", "ok.toml").code == 0 and (home.work / "runs").read_text() == "x\n"
    assert home.run("run", "echo x >> runs; test $(wc -l < runs) -gt 2", "--restart", "on-failure").code == 0


def test_several_apps_and_json_lines(home):
    write(home, "roost.toml", """
        [[apps]]
        name = "a"
        script = "echo hello; echo bad >&2; printf rest; exec sleep 1000"
        instances = 2
        [[apps]]
        name = "b"
        script = "echo $PORT; exec sleep 1000"
        port = 8080
        [[apps]]
        name = "off"
        script = "sleep 1000"
        autostart = false
        """)
    app = popen(home, "--log-format", "json")
    seen = []
    while len(seen) < 5:
        seen.append(json.loads(app.stdout.readline()))
    found = {(line["app_name"], line["slot"], line["type"], line["message"]) for line in seen}
    assert found == {("a", 0, "out", "hello"), ("a", 1, "out", "hello"), ("a", 0, "err", "bad"), ("a", 1, "err", "bad"), ("b", 0, "out", "8080")}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"]) for line in seen)
    app.send_signal(signal.SIGTERM)
    assert app.wait(30) == 0, app.stderr.read()
    rest = [json.loads(line)["message"] for line in app.stdout.read().splitlines()]
    assert rest == ["rest", "rest"]


def test_long_lines_and_a_flood_are_whole(home):
    said = home.ok("run", "head -c 200000 /dev/zero | tr '\\0' x; echo; seq 20000", "--log-format", "json")
    lines = [json.loads(line)["message"] for line in said.out.splitlines()]
    assert "".join(lines[:-20000]) == "x" * 200000 and lines[-20000:] == [str(i) for i in range(1, 20001)]


def test_nobody_reads_and_it_still_ends(home):
    app = popen(home, "echo up; yes", "--log-format", "json", "--kill-timeout", "500ms")
    app.stdout.readline()
    app.send_signal(signal.SIGTERM)
    assert app.wait(60) in (143, 137)


def test_nothing_of_its_tree_is_left(home):
    app = popen(home, "sleep 1000 & setsid sleep 1001 & echo $! up; wait")
    lines_until(app, "up")
    children = [pid for pid in procs.all_pids() if procs.command(pid) in ("sleep 1000", "sleep 1001") and
                f"ROOST_HOME={home.path}".encode() in procs.environ(pid)]
    home.strays += children
    app.send_signal(signal.SIGTERM)
    app.wait(30)
    wait_until(lambda: not [pid for pid in children if procs.alive(pid)], 10, "all are gone")


@needs_namespace
def test_as_process_1_it_reaps_and_hands_on(home):
    script = write(home, "app.py", """
import os, signal, sys, time
def end(*_):
    print("bye", flush=True)
    sys.exit(9)
signal.signal(signal.SIGTERM, end)
for _ in range(20):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)     # an orphan: falls to process 1
        os._exit(0)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
print("init is", open("/proc/1/comm").read().strip(), flush=True)
deadline = time.monotonic() + 20
def zombies():
    found = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found += open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            pass
    return found
while zombies() and time.monotonic() < deadline:
    pass
print("zombies", zombies(), flush=True)
print("rss", [l for l in open("/proc/1/status") if l.startswith("VmRSS")][0].split()[1], "ready", flush=True)
signal.pause()
""")
    app = popen(home, script, prefix=NAMESPACE)
    lines = lines_until(app, "ready")
    assert "init is roost\n" in lines and "zombies 0\n" in lines, lines
    if "asan" not in str(home.bin):
        assert int(lines[-1].split()[1]) <= 10 * 1024, lines
    inner = next(pid for pid in procs.all_pids() if procs.parent(pid) == app.pid)
    os.kill(inner, signal.SIGTERM)
    assert app.wait(30) == 9 and b"bye" in app.stdout.read()


@needs_namespace
@pytest.mark.parametrize("line, code", [("exit 4", 4), ("kill -KILL $$", 137)])
def test_as_process_1_the_exit_code_is_passed(home, line, code):
    assert home.run("run", line, prefix=NAMESPACE).code == code


class Terminal:
    """roost run as the foreground job of a terminal."""

    def __init__(self, home, *args):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(home.work)
            os.execve(home.bin / "roost", ["roost", "run", *map(str, args)], home.environment())
        self.seen = b""

    def read_until(self, word, seconds=30):
        def found():
            if select.select([self.fd], [], [], 0)[0]:
                try:
                    self.seen += os.read(self.fd, 65536)
                except OSError:
                    pass
            return word in self.seen
        wait_until(found, seconds, f"{word} in {self.seen}")

    def type(self, text):
        os.write(self.fd, text)

    def end(self):
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_on_a_terminal_the_app_reads_and_ctrl_c_is_its_own(home):
    terminal = Terminal(home, "echo up; read line; echo got $line; trap 'echo int; exit 4' INT; echo armed; while :; do sleep 0.05; done")
    terminal.read_until(b"up")
    terminal.type(b"word\n")
    terminal.read_until(b"got word")
    terminal.read_until(b"armed")
    terminal.type(b"\x03")
    terminal.read_until(b"int")
    assert terminal.end() == 4


def test_ctrl_z_stops_both_and_it_goes_on(home):
    terminal = Terminal(home, "echo up; read line; echo got $line")
    terminal.read_until(b"up")
    terminal.type(b"\x1a")
    wait_until(lambda: procs.state(terminal.pid) == "T", 20, "roost has stopped, too")
    os.kill(terminal.pid, signal.SIGCONT)
    terminal.type(b"word\n")
    terminal.read_until(b"got word")
    assert terminal.end() == 0


def test_ctrl_c_ends_one_that_is_restarted(home):
    terminal = Terminal(home, "echo up; sleep 1000", "--restart", "always")
    terminal.read_until(b"up")
    terminal.type(b"\x03")
    assert terminal.end() == 130
