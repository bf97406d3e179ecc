"""Who may do what; what others can read; what hostile clients achieve; what children inherit."""
import json
import os
import socket
import stat
import struct
import subprocess

import pytest

from harness import procs, wire
from harness.roost import VICTIM_SOURCES, mode, victim
from harness.wait import wait_until

MIB = 1 << 20


def everything_private(home):
    for path in [home.path, *home.path.rglob("*")]:
        allowed = 0o700 if path.is_dir() and not path.is_symlink() else 0o600
        assert mode(path) & ~allowed == 0, f"{path} has mode {mode(path):o}"


def test_files_are_private_whatever_the_umask(home):
    home.start("escapes.py", name="app", options=["--no-wait"], preexec_fn=lambda: os.umask(0))
    wait_until(lambda: home.log("app"), 10, "a log file")
    home.ok("stop", "app")
    everything_private(home)
    assert mode(home.path) == 0o700 and mode(home.socket) == 0o600 and mode(home.path / "state.db") == 0o600
    assert mode(home.log_path("app")) == 0o600


def test_open_home_is_refused_or_closed(make_home):
    home = make_home()
    home.path.mkdir(mode=0o755)
    home.ok("ping")
    assert mode(home.path) == 0o700
    shared = make_home()
    (shared.path / "src").mkdir(parents=True)
    shared.path.chmod(0o755)
    answer = shared.run("start", "/bin/true")
    assert answer.code == 4 and "no directory of roost" in answer.err and "chmod 700" in answer.err, answer
    assert mode(shared.path) == 0o755 and os.listdir(shared.path) == ["src"], "left as it was"
    writable = make_home()
    writable.path.mkdir()
    os.chmod(writable.path, 0o777)
    answer = writable.run("ping")
    assert answer.code == 4 and "writ" in answer.err, answer


def test_another_user_cannot_connect(home, outsider):
    home.ok("ping")
    for path in (home.base, home.path):
        os.chmod(path, 0o777)
    os.chmod(home.socket, 0o777)  # even then, the peer's uid decides
    script = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect(sys.argv[1]); s.sendall(bytes.fromhex(sys.argv[2]));"
              "data=s.recv(65536); print(data); sys.exit(0 if b'result' in data or b'version' in data else 7 if not data or b'denied' in data else 8)")
    hello = wire.request(1, "hello", {"protocol": 1, "version": "t", "pid": 1})
    done = subprocess.run([*outsider, "/usr/bin/python3", "-c", script, home.socket, hello.hex()], capture_output=True, timeout=20)
    assert done.returncode in (1, 7), done
    os.chmod(home.path, 0o700)
    home.ok("ping")


@pytest.mark.root
def test_a_log_in_a_users_directory_is_written_with_that_users_rights(home):
    """Else the user could make root write anywhere, by a link in place of the directory."""
    for path in (home.base, home.work):
        os.chmod(path, 0o755)
    theirs, private = home.work / "theirs", home.work / "private"
    theirs.mkdir()
    private.mkdir(mode=0o700)
    os.chown(theirs, 65534, 65534)
    log = theirs / "d" / "app.log"
    home.ok("start", "/bin/sh", "--name", "app", "--interpreter", "none", "-o", log, "--", "-c", "while :; do echo line; sleep 0.1; done")
    wait_until(lambda: log.exists() and log.stat().st_size > 0, 5, "its output is there")
    assert log.stat().st_uid == log.parent.stat().st_uid == 65534
    os.rename(theirs / "d", theirs / "before")
    os.symlink(private, theirs / "d")
    wait_until(lambda: "discarding" in home.daemon_log() and str(log) in home.daemon_log(), 10, "the link is not followed")
    assert not os.listdir(private)
    (private / "app.log").write_text("secret")
    said = home.run("flush", "app")
    assert (private / "app.log").read_text() == "secret", said


@pytest.mark.root
def test_another_users_home_is_refused(make_home):
    home = make_home()
    home.path.mkdir()
    os.chown(home.path, 65534, 65534)
    answer = home.run("ping")
    assert answer.code == 4 and answer.err.strip(), answer


# ---- what a child gets

def facts(home, **options):
    home.run("start", victim("facts"), "--name", "facts", "--no-wait", "--no-autorestart", check=0, **options)
    wait_until(lambda: home.log("facts").endswith(b"\n"), 10, "its facts")
    return json.loads(home.log("facts").splitlines()[-1])


def test_children_see_only_three_descriptors(home):
    for i in range(3):
        home.start("idle", name=f"other{i}")
    told = facts(home)
    assert sorted(told["fds"]) == ["0", "1", "2"] and told["closed"] == 0
    assert told["fds"]["0"] == "/dev/null" or told["fds"]["0"].startswith("pipe:")
    assert told["fds"]["1"].startswith("pipe:") and told["fds"]["2"].startswith("pipe:")
    assert int(told["SigBlk"], 16) == 0 and int(told["SigIgn"], 16) == 0
    assert told["sid"] == told["pid"], "its own session"


def test_children_get_roosts_original_limits(home):
    def limits():
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (1000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        os.umask(0o027)
        os.nice(3)
    told = facts(home, preexec_fn=limits)
    assert (told["nofile"], told["umask"], told["nice"]) == (1000, 0o027, 3), told
    with open("/proc/self/oom_score_adj", encoding="ascii") as file:
        assert told["oom"] == int(file.read())


def test_children_environment_is_clean(home):
    home.start("idle", name="app", options=("--pass-env", "all"), env={"NODE_CHANNEL_FD": "3", "LISTEN_FDS": "1", "LISTEN_PID": "1", "NOTIFY_SOCKET": "/x", "ROOST_ORIGINAL": "nofile=1", "KEPT": "yes"})
    environment = dict(v.decode().split("=", 1) for v in procs.environ(home.pid("app")) if v)
    names = set(environment)
    assert "KEPT" in names and "ROOST_ID" in names
    assert not names & {"NODE_CHANNEL_FD", "LISTEN_FDS", "LISTEN_PID", "ROOST_ORIGINAL", "ROOST_DIE_AT"}, names
    assert environment["NOTIFY_SOCKET"] != "/x", "roost's own, or none"


# ---- hostile clients

def alive_still(home):
    with home.connect() as connection:
        return connection.call("daemon.ping")["pid"]


def hostile_bytes():
    header = wire.HEADER.pack
    hello = wire.request(1, "hello", {"protocol": 1, "version": "t", "pid": 1})
    deep = "[" * 100000 + "]" * 100000
    yield "4 GiB frame", header(0xFFFFFFFF, 1, 0, 0, 1)
    yield "2 MiB frame", header(2 * MIB, 1, 0, 0, 1) + b"x" * MIB
    yield "type 0", header(4, 0, 0, 0, 1) + b"null"
    yield "a result from a client", header(2, 2, 0, 0, 1) + b"{}"
    yield "reserved bits", header(2, 1, 0xFE, 0xFFFF, 1) + b"{}"
    yield "id 0", hello[:8] + struct.pack("<I", 0) + hello[12:]
    yield "a split request", header(2, 1, 1, 0, 1) + b"{}"
    yield "no JSON", wire.frame(1, 1, "nonsense")
    yield "empty", wire.frame(1, 1, "")
    yield "not UTF-8", wire.frame(1, 1, b'{"method":"\xff\xfe","params":{}}')
    yield "NUL in a string", wire.frame(1, 1, '{"method":"app\\u0000.list","params":{}}')
    yield "deep JSON", wire.frame(1, 1, '{"method":"hello","params":%s}' % deep)
    yield "no method", wire.frame(1, 1, '{"params":{}}')
    yield "params of a wrong type", hello + wire.frame(1, 2, '{"method":"app.list","params":[1]}')
    yield "an unknown method", hello + wire.request(2, "app.explode")
    yield "a request before hello", wire.request(1, "app.list")
    yield "hello twice", hello + hello
    yield "wrong protocol", wire.request(1, "hello", {"protocol": 99, "version": "t", "pid": 1})
    yield "numbers beyond", hello + wire.frame(1, 2, '{"method":"app.start","params":{"app":{"name":"x","instances":99999999999999999999}}}')
    yield "negative instances", hello + wire.frame(1, 2, '{"method":"app.start","params":{"app":{"name":"x","script":"/bin/true","instances":-5}}}')
    yield "HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "random bytes", bytes((i * 197 + 31) % 256 for i in range(100000))


@pytest.mark.parametrize("name,data", list(hostile_bytes()), ids=[name for name, _ in hostile_bytes()])
def test_hostile_bytes(home, name, data):
    home.start("idle", name="app")
    pid, app = home.live_pid("daemon_pid"), home.pid("app")
    connection = home.connect(hello=False, timeout=8)
    with connection:
        try:
            connection.send(data)
            connection.socket.shutdown(socket.SHUT_WR)
            while connection.read_frame():
                pass
        except (wire.Closed, BrokenPipeError, ConnectionResetError):
            pass
    assert alive_still(home) == pid and home.pid("app") == app
    assert [i["name"] for i in home.infos()] == ["app"]


def test_half_a_frame_is_cut_off(home):
    """5 s to complete a frame once its header came."""
    home.ok("ping")
    with home.connect(timeout=15) as connection:
        connection.send(wire.HEADER.pack(100, 1, 0, 0, 9) + b"half")
        with pytest.raises(wire.Closed):
            while True:
                connection.read_frame()


def test_errors_tell_the_field(home):
    home.ok("ping")
    with home.connect() as connection:
        kind, payload = connection.call_raw("app.start", {"app": {"name": "x", "script": "/bin/true", "instances": "four"}})
        error = json.loads(payload)
        assert kind == wire.ERROR and error["code"] == "invalid" and "instances" in error["message"], error
        kind, payload = connection.call_raw("app.list", {"targets": ["nobody"]})
        assert kind in (wire.RESULT, wire.ERROR)
        assert connection.call("daemon.ping")["pid"] == home.daemon_pid, "an error does not cost the connection"


@pytest.mark.parametrize("protocol", [0, 2, 99])
def test_a_client_of_another_protocol_gets_a_sentence(home, protocol):
    """It may ask who is there, and replace or end the daemon; nothing else."""
    home.start("idle", name="idle")
    pid, daemon = home.pid("idle"), home.daemon_pid
    with home.connect(hello=False) as connection:
        hello = connection.call("hello", {"protocol": protocol, "version": "9.9", "pid": 1})
        assert hello["protocol"] == 1 and connection.call("daemon.ping")["pid"] == daemon
        for method in ("app.list", "app.stop", "daemon.save", "no.such"):
            with pytest.raises(wire.WireError) as refused:
                connection.call(method, {"targets": ["all"]})
            assert refused.value.code == "protocol" and f"speaks protocol {protocol}" in refused.value.message and refused.value.hint
        connection.call("daemon.update")
    home.wait_new_daemon(daemon)
    assert home.pid("idle") == pid


def resident(home):
    return procs.memory_kib(home.live_pid("daemon_pid"))


@pytest.mark.serial
def test_client_that_never_reads_is_dropped(release_home):
    home = release_home
    home.run("start", victim("idle"), "--name", "x" * 100, "-i", "200", "--no-wait", check=0)
    with home.connect(timeout=20) as greedy:
        before = resident(home)
        requests = b"".join(wire.request(n, "app.jlist") for n in range(2, 400))
        with pytest.raises((BrokenPipeError, ConnectionResetError, socket.timeout)):
            while True:
                greedy.send(requests)
        assert resident(home) - before < 12 * 1024
        assert alive_still(home)
    wait_until(lambda: resident(home) - before < 4 * 1024, 10, "the memory is given back")
    log = home.daemon_log()
    assert "unread" in log or "dropped" in log or "client" in log, log[-2000:]


@pytest.mark.serial
def test_more_clients_than_allowed(home):
    home.start("idle", name="app")
    pid, clients = home.live_pid("daemon_pid"), []
    try:
        for _ in range(1024):
            clients.append(home.connect(hello=False, timeout=10))
        for client in clients:
            client.send(wire.request(1, "hello", {"protocol": 1, "version": "t", "pid": 1}))
        for client in clients[:1000]:
            assert client.read_message(1)[0] == wire.RESULT
        refused = 0
        for _ in range(10):
            extra = home.connect(hello=False, timeout=10)
            clients.append(extra)
            try:
                extra.send(wire.request(1, "hello", {"protocol": 1, "version": "t", "pid": 1}))
                kind, _, _, payload = extra.read_frame()
                refused += kind == wire.ERROR and b"client" in payload
            except (wire.Closed, BrokenPipeError, ConnectionResetError):
                refused += 1
        assert refused == 10
    finally:
        for client in clients:
            client.close()
    wait_until(lambda: home.run("list").code == 0, 10, "room again")
    assert home.daemon_pid == pid
    wait_until(lambda: len(procs.open_fds(pid)) < 100, 10, "descriptors are back")


def test_no_network_socket(home):
    home.start("idle", name="app")
    for pid in (home.live_pid("daemon_pid"), home.live_pid("keeper_pid")):
        inodes = set()
        for fd in procs.open_fds(pid):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
        for table in ("tcp", "tcp6", "udp", "udp6", "raw"):
            with open(f"/proc/{pid}/net/{table}", encoding="ascii") as file:
                used = {line.split()[9] for line in file.readlines()[1:]}
            assert not used & inodes, f"{procs.command(pid)} has a {table} socket"


def test_symlinked_pid_file_is_not_followed(home):
    target = home.base / "precious"
    target.write_text("precious")
    home.path.mkdir(mode=0o700)
    os.symlink(target, home.path / "roostd.pid")
    home.ok("ping")
    assert target.read_text() == "precious"


def test_stale_files_harm_nobody(home):
    """A pid file that names an innocent process, and a dead socket."""
    home.path.mkdir(mode=0o700)
    innocent = subprocess.Popen([victim("idle")])
    try:
        for name in ("roostd.pid", "keeper.pid"):
            (home.path / name).write_text(f"{innocent.pid}\n")
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(home.socket)
        dead.close()
        home.ok("ping")
        assert innocent.poll() is None
        assert innocent.pid not in (home.daemon_pid, home.keeper_pid)
    finally:
        innocent.kill()
        innocent.wait()


def test_shell_words_stay_words(home):
    """Arguments are handed over as they are; nothing is expanded twice."""
    odd = ["a b", "$(touch /tmp/never)", "`id`", "'", '"', "*", "", "\\", "ü"]
    home.ok("start", VICTIM_SOURCES / "show_args.py", "--name", "args", "--", *odd)
    wait_until(lambda: home.log("args").endswith(b"\n"), 5)
    assert json.loads(home.log("args")) == odd


def test_names_are_limited_to_a_safe_set(home):
    for name in ("../x", "a/b", "a\nb", "\x1b[31m", "", "x" * 500):
        answer = home.run("start", victim("idle"), "--name", name)
        assert answer.code == 2, (name, answer)
    assert home.infos() == []
    assert stat.S_ISDIR(os.stat(home.path).st_mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_roots_home_below_somebody_elses_directory_keeps_its_logs(home):
    os.chown(home.base, 65534, 65534)  # as with sudo that leaves HOME as it is
    home.ok("start", "echo hello; exec sleep 1000", "--name", "app")
    home.ok("start", "echo hello; exec sleep 1000", "--name", "timed", "--time")
    wait_until(lambda: home.log("app") == b"hello\n" and home.log("timed").endswith(b": hello\n"), 20, "both lines are there")
