"""What the command line says of itself: help, completion, suggestions, words of PM2, and that it waits."""
import os
import re
import subprocess

import pytest

from harness.terminal import run_on_terminal


@pytest.mark.parametrize("typo,meant", [(["strat", "x"], "start"), (["lits"], "list"), (["restrat", "x"], "restart"), (["list", "--jsno"], "--json"),
                                        (["start", "x", "--nmae", "y"], "--name")])
def test_did_you_mean(home, typo, meant):
    answer = home.run(*typo)
    assert answer.code == 2 and "did you mean" in answer.err and meant in answer.err, answer
    assert not home.daemon_pid, "a usage error started a daemon"


def test_help_names_every_command_and_option(home):
    text = home.ok("help").out
    for word in ("start", "stop", "restart", "delete", "list", "describe", "jlist", "logs", "pid", "ping", "kill", "version"):
        assert re.search(rf"^\s+{word}\b", text, re.M), word
    text = home.ok("start", "--help").out
    for option in ("--name", "--interpreter", "--cwd", "-i", "--env", "--output", "--error", "--no-autorestart", "--no-wait", "--kill-timeout", "--restart-delay",
                   "--max-restarts", "--user"):
        assert option in text, option


def test_help_fits_80_columns(home):
    overview = home.ok("help").out
    commands = re.findall(r"^  ([a-z]+)\b", overview.split("Options of every command")[0], re.M)
    assert len(commands) > 30
    for text in (overview, *(home.ok("help", command).out for command in commands)):
        assert [line for line in text.splitlines() if len(line) > 80] == []


def complete(home, *words):
    """What bash offers for the last word."""
    script = ('source <(roost completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _roost; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=30, cwd=home.work,
                          env=home.environment(PATH=f"{home.bin}:{os.environ['PATH']}"))
    return done.stdout.split()


def test_completion_of_commands_options_and_names(home):
    assert "restart" in complete(home, "roost", "re") and not home.daemon_pid
    assert complete(home, "roost", "stop", "") == [] and not home.daemon_pid, "completing starts nothing"
    home.start("idle", name="api")
    assert complete(home, "roost", "stop", "a") == ["all", "api"]
    assert "--kill-timeout" in complete(home, "roost", "start", "--k")
    (home.work / "ap.toml").touch()
    for command in ("start", "apply", "check", "run"):
        assert "ap.toml" in complete(home, "roost", command, "ap"), command
    assert complete(home, "roost", "logs", "ap") == ["api"]
    assert complete(home, "roost", "start", "x", "--output", "ap") == ["ap.toml"]
    assert complete(home, "roost", "completion", "") == ["bash", "zsh", "fish"]
    assert complete(home, "roost", "config", "s") == ["show"]
    for shell in ("zsh", "fish"):
        assert "restart" in home.ok("completion", shell).out
    assert home.run("completion", "csh").code == 2


def test_words_of_pm2_are_answered(home):
    for word, hint in (("reload", "not yet"), ("startOrReload", "roost apply"), ("id", "list --json")):
        said = home.run(word, "all", check=2)
        assert hint in said.err and "did you mean" not in said.err, said
    for option, hint in (("--update-env", "roost apply"), ("--force", "--name"), ("-w", "--watch")):
        said = home.run("start", "x", option, check=2)
        assert hint in said.err and "did you mean" not in said.err, said


def test_a_long_wait_is_told_on_a_terminal(home):
    home.ok("start", "trap '' TERM; while :; do sleep 1; done", "--name", "stub", "--kill-timeout", "4s")
    home.ok("start", "trap '' TERM; while :; do sleep 1; done", "--name", "other", "--kill-timeout", "4s")
    for words, told in ((["stop", "stub"], True), (["stop", "other", "--silent"], False)):
        status, output = run_on_terminal([str(home.bin / "roost"), *words], home.environment(), 80)
        assert status == 0 and (b"this takes a while" in output) == told, output


def test_an_option_without_its_value_says_so(home):
    for words in (["start", "x", "--name"], ["start", "x", "-e"], ["logs", "--lines"]):
        said = home.run(*words, check=2)
        assert words[-1] in said.err and "needs a value" in said.err, said
