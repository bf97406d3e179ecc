"""Clients that misbehave for as long as they can: everybody else is answered, and the daemon does not grow."""
import contextlib
import random
import socket
import statistics
import struct
import threading
import time

import pytest

from harness import procs, wire
from harness.wait import wait_until

MIB = 1 << 20
GROWTH_KIB = 4 * 1024
HELLO = wire.request(1, "hello", {"protocol": 1, "version": "t", "pid": 1})


def claims_4_gib(client):
    client.send(struct.pack("<IBBHI", 0xFFFFFFFF, 1, 0, 0, 1) + b"x" * 1000)


def deep_json(client):
    client.send(HELLO + wire.frame(1, 2, '{"method":"app.list","params":' + "[" * 500_000 + "]" * 500_000 + "}"))


def garbage(client):
    client.send(random.Random(7).randbytes(200_000))


def half_frames(client):
    client.send(HELLO + struct.pack("<IBBHI", MIB, 1, 0, 0, 2) + b"x" * (MIB // 2))


def flipped_bits(client):
    dice = random.Random(time.monotonic_ns())
    data = bytearray(HELLO + wire.request(2, "app.list"))
    for _ in range(3):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    client.send(bytes(data))


def asks_without_end(client):
    client.send(HELLO + b"".join(wire.request(n, "app.list") for n in range(2, 200)))


ATTACKS = [claims_4_gib, deep_json, garbage, half_frames, flipped_bits, asks_without_end]


def attack_until(stop, home, attack, rounds):
    while not stop.is_set():
        with contextlib.suppress(OSError, wire.Closed, socket.timeout):
            with home.connect(hello=False, timeout=5) as client:
                attack(client)
                rounds.append(1)


@pytest.mark.serial
@pytest.mark.parametrize("attack", ATTACKS, ids=[a.__name__ for a in ATTACKS])
def test_others_are_answered_and_memory_stays(release_home, attack):
    home = release_home
    home.start("idle", name="app")
    daemon = home.live_pid("daemon_pid")
    with home.connect(timeout=20) as other:
        other.call("app.list")
        before, most, took, rounds, stop = procs.memory_kib(daemon), 0, [], [], threading.Event()
        attackers = [threading.Thread(target=attack_until, args=(stop, home, attack, rounds)) for _ in range(2)]
        for thread in attackers:
            thread.start()
        try:
            end = time.monotonic() + 2
            while time.monotonic() < end or len(rounds) < 5:
                begin = time.monotonic()
                other.call("daemon.ping")
                took.append(time.monotonic() - begin)
                most = max(most, procs.memory_kib(daemon))
        finally:
            stop.set()
            for thread in attackers:
                thread.join()
    print(f"{attack.__name__}: {len(rounds)} times; ping p50 {statistics.median(took) * 1000:.2f} ms, longest {max(took) * 1000:.0f} ms, "
          f"grown by {most - before} KiB")
    assert statistics.median(took) < 0.05
    wait_until(lambda: procs.memory_kib(daemon) - before < GROWTH_KIB, 10, "the daemon is as small as before")
    assert home.daemon_pid == daemon and home.run("list").code == 0
