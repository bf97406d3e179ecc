"""start FILE: apps out of files, brought to what the file says."""
import json
import signal
import threading

import pytest

from harness import procs
from harness.wait import wait_until

TOML = """
[[apps]]
name = "api"
script = "sleep 1000"
instances = 2
env = { COLOUR = "blue" }

[[apps]]
name = "worker"
script = "{script}"
interpreter = "none"
args = ["1000"]
"""


def write(home, name, text):
    path = home.work / name
    path.write_text(text.replace("{script}", "/bin/sleep"))
    return path


def test_start_of_a_file_is_idempotent_and_changes_only_what_changed(home):
    file = write(home, "roost.toml", TOML)
    assert "started api#1" in home.ok("start", file).out
    before = home.pids()
    again = home.ok("start", "roost.toml").out
    assert again.count("already running") == 3 and home.pids() == before
    write(home, "roost.toml", TOML.replace("blue", "red").replace("instances = 2", "instances = 3"))
    changed = home.ok("start", file, "--json").json()["outcomes"]
    assert {o["instance"]["name"]: o["changed"] for o in changed} == {"api": True, "worker": False}
    after = home.pids()
    assert after["worker", 0] == before["worker", 0] and after["api", 0] != before["api", 0] and ("api", 2) in after
    assert not procs.alive(before["api", 0]) and "COLOUR=red" in home.ok("env", "api").out
    write(home, "roost.toml", TOML.replace('env = { COLOUR = "blue" }', "").replace("instances = 2", "instances = 1"))
    home.ok("start", file)
    assert "COLOUR" not in home.ok("env", "api").out and [key for key in home.pids() if key[0] == "api"] == [("api", 0)]


def test_a_number_alone_changes_no_process(home):
    file = write(home, "roost.toml", TOML)
    home.ok("start", file)
    before = home.pids()
    write(home, "roost.toml", TOML.replace("instances = 2", "instances = 4"))
    home.ok("start", file)
    assert before.items() <= home.pids().items() and len(home.pids()) == 5
    home.ok("stop", "worker")
    assert "started worker" in home.ok("start", file).out


def test_pm2s_file_in_javascript(home):
    file = write(home, "ecosystem.config.js", """
        const path = require('path');
        module.exports = { apps: [
          { name: 'web', script: path.join(__dirname, 'web.sh'), interpreter: '/bin/sh', vizion: false,
            env: { MODE: 'dev', FROM: process.env.FROM_SHELL }, env_production: { MODE: 'prod' } },
          { name: 'idle', script: 'sleep 1000', autostart: false } ] };""")
    write(home, "web.sh", "echo $MODE $FROM $EXTRA $DROPPED\nexec sleep 1000\n")
    said = home.ok("start", file, "--env", "production", "--pass-env", "EXTRA", env={"FROM_SHELL": "shell", "EXTRA": "passed", "DROPPED": "gone"})
    assert "without effect so far: vizion" in said.err and "added idle" in said.out
    wait_until(lambda: home.log("web") == b"prod shell passed\n", 5, "its words")
    assert home.state("idle") == "stopped"
    home.ok("start", file, "--only", "idle,web", "--env", "MODE=mine")
    wait_until(lambda: home.log("web").endswith(b"mine\n"), 5, "a setting goes over the file")


def test_every_kind_of_file_and_stdin(home):
    apps = [{"name": "NAME", "script": "sleep 1000"}]
    for name, text in (("a.json", "// comment\n" + json.dumps(apps)), ("b.yaml", "apps:\n  - name: NAME\n    script: sleep 1000\n"),
                       ("c.config.mjs", "export default { apps: [{ name: 'NAME', script: 'sleep 1000' }] }"),
                       ("f.config.mjs", "const name = await Promise.resolve('NAME'); export default { apps: [{ name, script: 'sleep 1000' }] }"),
                       ("d.config.cjs", "module.exports = [{ name: 'NAME', script: 'sleep 1000' }]"),
                       ("e.json", "{ apps: [{ name: 'NAME', script: 'sleep' + ' 1000' }] }")):
        write(home, name, text.replace("NAME", name[0]))
        home.ok("start", name)
        assert home.state(name[0]) == "online"
    with open(write(home, "stdin", json.dumps(apps).replace("NAME", "piped"))) as stdin:
        home.ok("start", "-", stdin=stdin)
    assert home.state("piped") == "online"
    home.ok("stop", "a.json", "b.yaml")
    assert home.state("a") == home.state("b") == "stopped" and home.state("c") == "online"
    home.ok("restart", "a.json")
    home.ok("delete", "a.json", "c.config.mjs")
    assert {i["name"] for i in home.infos()} == {"b", "d", "e", "f", "piped"}


@pytest.mark.parametrize("text, words", [
    ("process.exit(3)", "process.exit(3) before it gave its apps"), ("module.exports = new Promise(() => {})", "not settled"),
    ("process.kill(process.pid, 'SIGKILL')", "signal 9"),
    ("module.exports = { apps: ['a', 'b'].map((name, i) => ({ name, script: 'sleep 9', max_memory_restart: i ? '1 gig' : '1G' })) }", "app 'b': 'max_memory_restart'"),
    ("module.exports = { apps: [{ script: 'sleep 9' }, { script: 'sleep 9', maxmem: 3 }] }", "apps[1]: unknown field 'maxmem'"),
    ("module.exports = [{ name: 'My API (prod)', script: 'sleep 9' }]", "'My-API-prod'")])
def test_a_fault_of_javascript_is_told_with_its_app(home, text, words):
    done = home.run("check", write(home, "ecosystem.config.js", text))
    assert done.code == 2 and words in done.err, done


@pytest.mark.parametrize("member, words", [
    ('"name": "b"', "6:7: 'name' stands here twice"), ('"kill_timeout": 1e400', "number out of range")])
def test_what_only_javascript_would_make_something_of_is_told(home, member, words):
    """PM2 evaluates JSON as JavaScript, where the last of two names counts, and a number that is too large is none."""
    file = write(home, "twice.json", '{\n  "apps": [\n    { "script": "sleep 9", // a comment\n      "name": "a",\n      "args": [],\n      ' + member + ' } ] }\n')
    refused = home.run("start", file)
    assert refused.code == 2 and words in refused.err and home.infos() == []


def test_blank_settings_are_none_and_a_tilde_is_the_home(home):
    apps = [{"name": "app", "script": "sleep 1000", "cron_restart": "", "interpreter": "", "uid": "", "out_file": "~/app.log", "env": {"EMPTY": ""}}]
    home.ok("start", write(home, "ecosystem.json", json.dumps({"apps": apps})), env={"HOME": str(home.work)})
    assert home.describe("app")[0]["out_file"] == str(home.work / "app.log")
    assert 'env.EMPTY = ""' in home.ok("config", "show", "app").out


@pytest.mark.parametrize("text, words", [
    ('[[apps]]\nname = "x"\nscript = "sleep 9"\ninstanses = 2\n', ["roost.toml:4:1", "did you mean 'instances'?", "^"]),
    ('[[apps]]\nname = "x"\nscript = "./nofile.sh"\n[[apps]]\nscript = "sleep 9"\nkill_timeout = "soon"\n', ["roost.toml:6:1", "kill_timeout"]),
    ('[[apps]]\nname = "api"\nscript = "sleep 9"\n[[apps]]\nname = "new"\nscript = "./nofile.sh"\n', ["app 'new'", "does not exist"]),
    ("[[apps]\n", ["roost.toml:1:"]), ("", ["describes no app"])])
def test_a_fault_changes_nothing_and_is_told_with_its_place(home, text, words):
    home.ok("start", write(home, "first.toml", TOML))
    before = home.pids()
    write(home, "roost.toml", text)
    said = home.run("start", "roost.toml")
    assert said.code == 2 and home.pids() == before, said
    for word in words:
        assert word in said.err, said


def test_a_file_goes_with_its_own_options_only(home):
    write(home, "roost.toml", TOML)
    assert home.run("start", "roost.toml", "-i", "3").code == 2
    assert home.run("start", "roost.toml", "other.toml").code == 2
    assert home.run("start", "roost.toml", "--env", "prodution").code == 3
    assert home.run("start", "roost.toml", "--only", "nobody").code == 3
    assert home.run("start", "missing.toml").code == 3


def test_an_app_of_a_file_that_dies_is_a_failure(home):
    write(home, "roost.yaml", "apps:\n  - {name: bad, script: 'echo broken >&2; exit 3'}\n  - {name: good, script: sleep 1000}\n")
    said = home.run("start", "roost.yaml")
    assert said.code == 6 and "broken" in said.err and home.state("good") == "online"


def test_two_at_once_never_mix(home):
    for colour in ("red", "blue"):
        write(home, f"{colour}.toml", TOML.replace("blue", colour) + f'env = {{ COLOUR = "{colour}" }}\n')
    threads = [threading.Thread(target=home.ok, args=("start", f"{colour}.toml")) for colour in ("red", "blue") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = {home.ok("env", name, "--reveal", "--json").json()["env"]["COLOUR"] for name in ("api", "worker")}
    assert len(shown) == 1 and len(home.pids()) == 3


def test_the_daemon_dies_in_the_middle(home):
    home.ok("start", write(home, "roost.toml", TOML))
    write(home, "roost.toml", TOML.replace("blue", "red"))
    client = home.popen("start", "roost.toml")
    wait_until(lambda: any(i["state"] == "launching" for i in home.infos()), 10, "it is at work", step=0.001)
    home.kill_daemon(signal.SIGKILL)
    out, err = client.communicate(timeout=30)
    assert client.returncode == 0, (out, err)
    assert "COLOUR=red" in home.ok("env", "api").out and len(home.pids()) == 3
    assert home.ok("start", "roost.toml").out.count("already running") == 3
