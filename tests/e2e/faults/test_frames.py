"""F20: no frame kills or hangs the daemon, and none costs memory (kinds of malformed frames: test_security.py; parsers: tests/fuzz)."""
import random
import socket
import time

import pytest

from harness import procs, wire
from harness.roost import FULL

MIB = 1 << 20


def conversation():
    """What an honest client might send in one go."""
    return (wire.request(1, "hello", {"protocol": 1, "version": "t", "pid": 1}) + wire.request(2, "app.list", {"targets": ["all"]})
            + wire.request(3, "app.describe", {"targets": ["app"]}) + wire.request(4, "app.events", {"last": 10}))


def flipped(data, generator):
    damaged = bytearray(data)
    for _ in range(generator.choice((1, 1, 1, 2, 8))):
        bit = generator.randrange(len(damaged) * 8)
        damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def throw(home, data):
    """Sends it all, says that nothing follows, and waits until the daemon has closed."""
    with home.connect(hello=False, timeout=8) as connection:
        try:
            connection.send(data)
            connection.socket.shutdown(socket.SHUT_WR)
            while connection.socket.recv(1 << 16):
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass


@pytest.mark.serial
def test_f20_flipped_bits(release_home):
    home, generator = release_home, random.Random(20)
    home.start("idle", name="app")
    app, daemon = home.pid("app"), home.live_pid("daemon_pid")
    for _ in range(50):
        throw(home, conversation())
    memory = procs.memory_kib(daemon)
    for _ in range(20_000 if FULL else 1500):
        throw(home, flipped(conversation(), generator))
    grown = procs.memory_kib(home.live_pid("daemon_pid")) - memory
    print(f"F20: grown by {grown} KiB")
    assert home.daemon_pid == daemon and home.pid("app") == app and [i["name"] for i in home.infos()] == ["app"]
    assert grown < 4096


@pytest.mark.serial
def test_f20_a_frame_beyond_a_mebibyte_is_refused_at_its_header(release_home):
    home = release_home
    home.start("idle", name="app")
    daemon = home.live_pid("daemon_pid")
    memory = procs.memory_kib(daemon)
    for size in (MIB + 1, 2 * MIB, 0x7FFFFFFF, 0xFFFFFFFF):
        with home.connect(timeout=8) as connection:
            begin = time.monotonic()
            connection.send(wire.HEADER.pack(size, wire.REQUEST, 0, 0, 7))  # and not a byte of it
            with pytest.raises(wire.Closed):
                while True:
                    connection.read_frame()
            assert time.monotonic() - begin < 1, "it waited for the rest"
    assert procs.memory_kib(daemon) - memory < 4096
    with home.connect(timeout=8) as connection:  # the largest one is read, and answered
        connection.send(wire.request(7, "app.list", {"targets": ["x" * (MIB - 200)]}))
        assert connection.read_message(7)[0] == wire.ERROR
    assert home.daemon_pid == daemon


@pytest.mark.serial
def test_f20_endless_and_deep_frames_cost_nothing(release_home):
    """Headers that promise and never keep, from many clients at once; JSON deeper than any stack."""
    home = release_home
    home.start("idle", name="app")
    daemon = home.live_pid("daemon_pid")
    memory = procs.memory_kib(daemon)
    clients = []
    try:
        for _ in range(200):
            clients.append(home.connect(hello=False))
            clients[-1].send(wire.HEADER.pack(MIB, wire.REQUEST, 0, 0, 1) + b"[")
        begin = time.monotonic()
        home.ok("list")
        assert time.monotonic() - begin < 1
        for opening in (b"[", b'{"a":', b'{"method":"app.list","params":' + b"["):
            throw(home, wire.frame(wire.REQUEST, 1, opening * (900_000 // len(opening))))
        assert procs.memory_kib(home.live_pid("daemon_pid")) - memory < 4096
    finally:
        for client in clients:
            client.close()
    assert home.daemon_pid == daemon and home.state("app") == "online"
