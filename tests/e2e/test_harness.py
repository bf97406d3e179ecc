"""The instruments themselves: a checker that cannot see a fault proves nothing."""
import json
import os
import signal
import subprocess

import pytest

from harness import procs, wire
from harness.load import CRASHES, matches
from harness.roost import VICTIM_SOURCES, Counter, check_log, victim
from harness.wait import Deadline, hold_for, wait_until


@pytest.fixture
def written(tmp_path):
    """A true log of 500 lines."""
    log = tmp_path / "log"
    with open(log, "wb") as out:
        subprocess.run([victim("writer"), "100000", tmp_path / "count", "500"], stdout=out, check=True)
    assert Counter(tmp_path / "count").accepted == 500
    return log


def test_check_log_accepts_the_truth(written):
    assert check_log(written) == {"lines": 500, "last": 500, "lost": 0, "duplicated": 0, "torn": 0, "tail": 0}


def test_check_log_over_two_files(written, tmp_path):
    lines = written.read_bytes().splitlines(keepends=True)
    (tmp_path / "a").write_bytes(b"".join(lines[:200]))
    (tmp_path / "b").write_bytes(b"".join(lines[200:]))
    assert check_log(tmp_path / "a", tmp_path / "b")["lost"] == 0


@pytest.mark.parametrize("kind,damage", [
    ("lost", lambda lines: lines[:100] + lines[101:]),
    ("duplicated", lambda lines: lines[:100] + lines[99:]),
    ("torn", lambda lines: lines[:100] + [lines[100][:20] + b"\n"] + lines[101:]),
    ("torn", lambda lines: lines[:100] + [lines[100][:-1] + lines[101]] + lines[102:]),
    ("torn", lambda lines: lines[:100] + [lines[100].replace(lines[100][13:21], b"00000000")] + lines[101:]),
    ("tail", lambda lines: lines[:-1] + [lines[-1][:-1]]),
])
def test_check_log_sees_damage(written, kind, damage):
    written.write_bytes(b"".join(damage(written.read_bytes().splitlines(keepends=True))))
    assert check_log(written)[kind] > 0


def test_http_load_tells_failures(tmp_path):
    record = tmp_path / "port"
    server = subprocess.Popen(["/usr/bin/python3", VICTIM_SOURCES / "http_server.py", record], stdout=subprocess.DEVNULL)
    try:
        port = wait_until(lambda: record.exists() and record.read_text().split(), 10, "it listens")[1]
        load = subprocess.Popen([victim("http_load"), port, "1", "1", "200"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        hold_for(lambda: server.poll() is None, 0.3)
        server.kill()
        server.wait()
        hold_for(lambda: load.poll() is None, 0.2)
        counts = json.loads(load.communicate(timeout=10)[0])
    finally:
        server.kill()
        server.wait()
    assert counts["ok"] > 10 and counts["no_connection"] > 0 and counts["bad_answer"] == 0, counts


def test_crash_does_what_it_says(tmp_path):
    for name, (how, value, expected) in CRASHES.items():
        done = subprocess.run([victim("crash"), how, str(value), tmp_path / name], capture_output=True, check=False)
        status = {"kind": "exited", "code": done.returncode} if done.returncode >= 0 else {"kind": "signaled", "signal": -done.returncode}
        assert matches(status, expected)
        assert len((tmp_path / name).read_text().splitlines()) == 2
    assert not matches({"kind": "exited", "code": 0}, CRASHES["segv"][2])
    assert not matches({"kind": "exited"}, CRASHES["exit7"][2])


def test_wait_until_has_a_deadline():
    with pytest.raises(Deadline):
        wait_until(lambda: False, 0.05)
    with pytest.raises(AssertionError):
        hold_for(lambda: False, 0.05)


def test_strays_are_seen(tmp_path):
    marked = subprocess.Popen([victim("idle")], env={"ROOST_HOME": str(tmp_path)}, start_new_session=True)
    try:
        assert wait_until(lambda: procs.with_environment(f"ROOST_HOME={tmp_path}"), 5) == [marked.pid]
        assert procs.alive(marked.pid) and procs.parent(marked.pid) == os.getpid()
    finally:
        marked.send_signal(signal.SIGKILL)
        marked.wait()
    assert not procs.alive(marked.pid) and procs.with_environment(f"ROOST_HOME={tmp_path}") == []


def test_frames():
    assert wire.frame(wire.REQUEST, 7, "{}") == bytes([2, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0]) + b"{}"
