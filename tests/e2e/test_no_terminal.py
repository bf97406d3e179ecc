"""Nothing hangs without a terminal: every command ends by itself, with stdin from /dev/null and no controlling terminal."""
import os
import re
import subprocess

import pytest

from harness.wait import wait_until

FILE = '[[apps]]\nname = "a"\nscript = "sleep 1000"\n'

# What each command is given, and the statuses it may end with. None: it goes on by itself, and is ended here.
COMMANDS = {
    "start": (["a"], {0}), "apply": ([], {0}), "plan": ([], {0}), "check": ([], {0}), "init": ([], {1}), "run": (["echo done"], {0}),
    "stop": (["a"], {0}), "restart": (["a"], {0}), "delete": (["a"], {0}), "reset": (["a"], {0}), "signal": (["CONT", "a"], {0}),
    "scale": (["a", "2"], {0}), "flush": ([], {0}), "save": ([], {0}), "resurrect": ([], {0}), "list": ([], {0}), "describe": (["a"], {0}),
    "jobs": ([], {0}), "env": (["a"], {0}), "tree": ([], {0}), "wait": (["a"], {0}), "logs": ([], {0}), "events": ([], {0}), "pid": ([], {0}), "jlist": ([], {0}),
    "ping": ([], {0}), "kill": ([], {0}), "daemon": (["stats"], {0}), "update": ([], {0}), "completion": (["bash"], {0}), "version": ([], {0}),
    "help": ([], {0}), "history": ([], {0}), "undo": ([], {0}), "config": (["show", "a"], {0}), "graph": ([], {0}),
}


def run(home, *args):
    done = subprocess.run([str(home.bin / "roost"), *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, cwd=home.work,
                          env=home.environment(TERM=None), start_new_session=True)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def commands_of(help_text):
    groups = help_text[:help_text.index("Options of every command")]
    return re.findall(r"^  ([a-z]+)(?: \(| {2,})", groups, re.M)


def test_the_list_is_complete(home):
    _, text, _ = run(home, "help")
    assert sorted(commands_of(text)) == sorted(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_ends_without_a_terminal(home, command):
    (home.work / "roost.toml").write_text(FILE)
    home.ok("start", "roost.toml")
    words, codes = COMMANDS[command]
    code, out, err = run(home, command, *words)
    assert code in codes, (code, out, err)
    assert "\x1b" not in out + err, "no colours, no cursor"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_without_words_and_with_a_home_that_is_empty_ends(home, command):
    code, out, err = run(home, command)
    assert code in (0, 2, 3), (code, out, err)
