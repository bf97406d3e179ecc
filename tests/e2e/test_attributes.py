"""What an app runs as: user, group, umask, nice, limits, privileges, and the variables that depend on its number."""
import json
import os

import pytest

from harness.wait import wait_until


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def limits(pid):
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        return {line[:26].strip(): line[26:].split()[:2] for line in file}


def nice(pid):
    return os.getpriority(os.PRIO_PROCESS, pid)


def test_umask_nice_limits_and_privileges(home):
    home.ok("start", "sleep 1000", "--name", "app", "--umask", "027", "--nice", "5", "--rlimit", "nofile=200:400", "--rlimit", "core=0",
            "--rlimit", "as=4G", "--rlimit", "stack=1M:unlimited", "--no-new-privs")
    pid = home.pid("app")
    seen = status(pid)
    assert seen["Umask"].strip() == "0027" and seen["NoNewPrivs"].strip() == "1" and nice(pid) == 5
    table = limits(pid)
    assert table["Max open files"] == ["200", "400"] and table["Max core file size"] == ["0", "0"]
    assert table["Max address space"] == [str(4 << 30)] * 2 and table["Max stack size"] == [str(1 << 20), "unlimited"]
    told = home.ok("describe", "app").out
    for words in ("027", "nofile 200:400", "nice"):
        assert words in told, told
    home.ok("restart", "app")
    assert limits(home.pid("app"))["Max open files"] == ["200", "400"]


def test_defaults_are_roosts_own(home):
    home.ok("start", "sleep 1000", "--name", "app")
    assert status(home.pid("app"))["NoNewPrivs"].strip() == "0" and nice(home.pid("app")) == nice(0)


@pytest.mark.parametrize("options, words", [
    (["--umask", "999"], "--umask"), (["--nice", "77"], "--nice"), (["--rlimit", "nofiles=1"], "did you mean 'nofile'"),
    (["--rlimit", "nofile"], "NAME=LIMIT"), (["--rlimit", "nofile=9:1"], "soft limit"), (["--max-memory-restart", "lots"], "--max-memory-restart"),
    (["--restart", "sometimes"], "must be one of always, on-failure, never"), (["--stop-exit-codes", "x"], "--stop-exit-codes")])
def test_what_makes_no_sense_is_named(home, options, words):
    said = home.run("start", "sleep 1000", *options)
    assert said.code == 2 and words in said.err, said


def test_user_and_group(home):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    home.path.mkdir(mode=0o700, exist_ok=True)
    home.ok("start", "sleep 1000", "--name", "both", "--user", "nobody", "--group", "daemon", "--cwd", "/")
    seen = status(home.pid("both"))
    assert seen["Uid"].split()[0] == "65534" and set(seen["Gid"].split()) == {"1"}
    home.ok("start", "sleep 1000", "--name", "group", "--gid", "4242", "--cwd", "/")
    seen = status(home.pid("group"))
    assert seen["Uid"].split()[0] == "0" and set(seen["Gid"].split()) == {"4242"} and seen["Groups"].split() == ["4242"]
    said = home.run("start", "sleep 1000", "--name", "none", "--group", "no-such-group", "--cwd", "/")
    assert said.code == 3 and "group 'no-such-group' does not exist" in said.err, said
    assert "none" not in [i["name"] for i in home.infos()]


def test_a_limit_that_may_not_be_set_is_an_error_in_words(public_bin, make_home, outsider):
    home = make_home(bin_dir=public_bin)
    os.chmod(home.base, 0o755)
    for path in (home.base, home.work):
        os.chown(path, 65534, 65534)
    said = home.run("start", "sleep 1000", "--name", "app", "--rlimit", "nofile=unlimited", "--max-restarts", "0", prefix=outsider)
    assert said.code == 6 and "set limit nofile unlimited" in said.out + said.err, said
    said = home.run("start", "sleep 1000", "--name", "nice", "--nice=-5", "--max-restarts", "0", prefix=outsider)
    assert said.code == 6 and "set nice -5" in said.out + said.err, said
    home.run("kill", check=0, prefix=outsider)


def env_of(home, name, slot=0):
    with open(f"/proc/{home.pid(name, slot)}/environ", "rb") as file:
        return dict(entry.decode(errors="replace").split("=", 1) for entry in file.read().split(b"\0") if b"=" in entry)


def test_variables_by_number(home):
    home.ok("start", "sleep 1000", "--name", "app", "-i", "3", "--instance-var", "MY_NUMBER", "--increment-var", "PORT", "--env", "PORT=3000")
    for slot in range(3):
        env = env_of(home, "app", slot)
        assert env["MY_NUMBER"] == str(slot) and env["PORT"] == str(3000 + slot) and "NODE_APP_INSTANCE" not in env
    said = home.run("start", "sleep 1000", "--name", "bad", "--increment-var", "PORT", "--env", "PORT=abc")
    assert said.code == 2 and "increment_var" in said.err, said


def test_filter_env(home):
    shell = {"AWS_SECRET": "x", "MY_TOKEN": "y", "PLAIN": "z"}
    home.ok("start", "sleep 1000", "--name", "app", "--filter-env", "SECRET", "--filter-env", "TOKEN", "--pass-env", "all", env=shell)
    env = env_of(home, "app")
    assert "AWS_SECRET" not in env and "MY_TOKEN" not in env and env["PLAIN"] == "z"
    apps = [{"name": "nothing", "script": "sleep 1000", "filter_env": True, "env": {"OWN": "1"}},
            {"name": "one", "script": "sleep 1000", "filter_env": "NODE_A"},
            {"name": "part", "script": "sleep 1000", "filter_env": ["DE_"]}]
    file = home.work / "apps.json"
    file.write_text(json.dumps(apps))
    home.ok("start", file, env={"NODE_A": "1", "NODE_AB": "2"})
    nothing, one, part = (env_of(home, name) for name in ("nothing", "one", "part"))
    assert "NODE_A" not in nothing and "PATH" in nothing and nothing["OWN"] == "1"
    assert "NODE_A" not in one and one["NODE_AB"] == "2"
    assert "NODE_A" not in part and "NODE_AB" not in part


def test_names_of_several_words(home):
    file = home.work / "apps.json"
    file.write_text(json.dumps([{"name": "web", "script": "sleep 1000", "append_env_to_name": True, "name_prefix": "shop", "env_prod": {"A": "1"}}]))
    home.ok("start", file, "--env", "prod")
    wait_until(lambda: [i["name"] for i in home.infos()] == ["shop:web-prod"], 10, "its name")


def test_the_daemon_has_a_large_table_of_descriptors_and_its_apps_a_small_one(home):
    """A table that grows while threads share it makes the kernel wait for every processor: 10 to 30 ms in a restart."""
    home.ok("start", "sleep 1000", "--name", "app")
    assert int(status(home.daemon_pid)["FDSize"]) >= 1024
    assert int(status(home.pid("app"))["FDSize"]) <= 256
