"""An app that says what it is told to over NOTIFY_SOCKET: notify.py MODE [FILE]"""
import os
import select
import signal
import socket
import subprocess
import sys

MODE, FILE = sys.argv[1], (sys.argv + [""])[2]


def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])


def pause(seconds):
    select.select([], [], [], seconds)


def until(path):
    while not os.path.exists(path):
        pause(0.01)


if MODE == "ready-after":
    until(FILE)
    say("STATUS=up\nREADY=1")
elif MODE == "child":  # a child says it, as systemd-notify does, and is gone
    subprocess.run([sys.executable, __file__, "once"], check=True)
elif MODE == "once":
    say("READY=1")
    raise SystemExit
elif MODE == "long":  # nobody wants this
    say("X" * 60000)
    say("READY=1")
elif MODE == "watchdog":  # alive until the file is there
    say("READY=1")
    period = int(os.environ["WATCHDOG_USEC"]) / 1e6 / 4
    while not os.path.exists(FILE):
        say("WATCHDOG=1")
        pause(period)
    print("hanging", flush=True)
while True:
    signal.pause()
