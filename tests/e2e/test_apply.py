"""apply, plan, check, init: the file is the truth, and what would change is told first."""
import collections
import json
import os
import signal
import threading

import pytest

from harness import procs
from harness.wait import wait_until

TWO = """
[[apps]]
name = "api"
script = "sleep 1000"
kill_timeout = "10s"
env = { OLD = "1", API_TOKEN = "tk-secret" }

[[apps]]
name = "web"
script = "sleep 1001"
"""


def write(home, name, text):
    path = home.work / name
    path.write_text(text)
    return path


def actions(reply):
    return {item["app"]: item["action"] for item in reply["plan"]}


def test_plan_tells_what_apply_does(home):
    write(home, "roost.toml", TWO)
    assert home.ok("plan").out.split("\n")[:2] == ["+ api", "+ web"] and not home.infos()
    home.ok("apply")
    before = home.pids()
    changed = TWO.replace('OLD = "1"', 'LOG = "1"').replace("tk-secret", "tk-new").replace("10s", "5s").replace("web", "worker")
    write(home, "roost.toml", changed)
    said = home.ok("plan")
    assert "~ api (env ~API_TOKEN +LOG -OLD, kill_timeout 10s→5s)" in said.out, said
    assert "+ worker" in said.out and "! web (came from this file" in said.out and "tk-" not in said.out
    assert home.pids() == before, "a plan changes nothing"
    said = home.ok("apply", "--prune")
    assert "- web" in said.out and "deleted web" in said.out and "started worker" in said.out and "tk-" not in said.out
    assert {name for name, _ in home.pids()} == {"api", "worker"}
    assert home.ok("plan").out == "= api\n= worker\n"


def test_detailed_exit_code_and_json(home):
    write(home, "roost.toml", TWO)
    assert home.run("plan", "--detailed-exitcode").code == 7
    assert home.run("apply", "--detailed-exitcode").code == 7
    assert home.run("apply", "--detailed-exitcode").code == 0
    assert home.run("plan", "--detailed-exitcode").code == 0
    home.ok("stop", "web")
    reply = home.run("plan", "--json", "--detailed-exitcode", check=7).json()
    assert actions(reply) == {"api": "same", "web": "start"} and not reply["outcomes"]
    write(home, "roost.toml", TWO.replace("1001", "1002").replace("OLD", "NEW"))
    reply = home.ok("apply", "--dry-run", "--json").json()
    assert actions(reply) == {"api": "change", "web": "change"}
    assert reply["plan"][0]["changes"] == [{"field": "env", "before": "", "after": "+NEW -OLD"}]
    assert reply["plan"][1]["changes"] == [{"field": "script", "before": "sleep 1001", "after": "sleep 1002"}]
    assert "tk-secret" not in json.dumps(reply)


def variable(home, app, name):
    found = [v for v in procs.environ(home.pid(app)) if v.startswith(name.encode() + b"=")]
    return found[0].decode().split("=", 1)[1] if found else None


def test_another_terminal_is_no_change(home):
    """What the allow list lets through is renewed by the next change, and is none itself."""
    first = {"TERM": "xterm", "LANG": "C.UTF-8", "LC_ALL": None, "LC_TIME": "C"}
    other = {"TERM": None, "LANG": "de_DE.UTF-8", "LC_ALL": "C", "PATH": os.environ["PATH"] + ":/opt/other"}
    write(home, "roost.toml", TWO)
    home.ok("apply", env=first)
    pids = home.pids()
    for shell in (other, first, other):
        assert home.run("apply", "--detailed-exitcode", env=shell, check=0).out.startswith("= api\n= web\n")
    assert home.pids() == pids and variable(home, "api", "TERM") == "xterm"
    write(home, "roost.toml", TWO.replace("OLD", "NEW"))
    assert "~ api (env +NEW -OLD)" in home.ok("apply", env=other).out
    assert variable(home, "api", "LANG") == "de_DE.UTF-8" and variable(home, "api", "TERM") is None
    assert home.pid("web") == pids[("web", 0)]


def test_a_variable_of_the_shell_that_somebody_asks_for_is_a_setting(home):
    write(home, "roost.toml", TWO)
    home.ok("apply", env={"TERM": "xterm", "NODE_ENV": "test"})
    assert "~ api (env ~TERM)" in home.ok("apply", "--pass-env", "TERM", env={"TERM": "vt100", "NODE_ENV": "test"}).out
    assert "~ api (env ~NODE_ENV ~TERM)" in home.ok("plan", env={"TERM": "xterm", "NODE_ENV": "production"}).out
    write(home, "roost.toml", TWO.replace("OLD =", 'TERM = "dumb", OLD ='))
    assert "~ api (env ~TERM)" in home.ok("apply", env={"TERM": "xterm", "NODE_ENV": "test"}).out
    assert variable(home, "api", "TERM") == "dumb"
    write(home, "roost.toml", TWO)
    assert "~ api (env ~TERM)" in home.ok("apply", env={"TERM": "xterm", "NODE_ENV": "test"}).out
    assert variable(home, "api", "TERM") == "xterm"


def test_prune_touches_only_what_came_from_this_file(home):
    home.start("idle", name="alone")
    home.ok("apply", write(home, "one.toml", TWO))
    home.ok("apply", write(home, "two.toml", TWO.replace("api", "a2").replace("web", "w2")))
    write(home, "one.toml", TWO[:TWO.index("[[apps]]\nname = \"web\"")])
    home.kill_daemon()  # the file is remembered by whoever comes next
    assert "! w2" not in home.ok("plan", "one.toml", "--prune").out
    home.ok("apply", "one.toml", "--prune")
    assert {name for name, _ in home.pids()} == {"alone", "api", "a2", "w2"}
    home.ok("apply", "one.toml", "--only", "api")
    assert home.run("apply", "one.toml", "--only", "api", "--prune").code == 2
    # An app belongs to the file that was applied last.
    home.ok("apply", write(home, "three.toml", TWO.replace("api", "w2")))
    write(home, "two.toml", TWO[:TWO.index("[[apps]]\nname = \"web\"")].replace("api", "a2"))
    home.ok("apply", "two.toml", "--prune")
    assert "w2" in {name for name, _ in home.pids()}


def test_the_file_of_the_directory_is_found(home):
    assert home.run("apply").code == 3 and home.run("start").code == 2
    write(home, "ecosystem.config.js", "module.exports = [{ name: 'js', script: 'sleep 1000' }]")
    assert "+ js" in home.ok("plan").out
    write(home, "roost.toml", TWO)
    assert "+ api" in home.ok("plan").out
    assert "started api" in home.ok("start").out
    assert home.run("apply", "api").code == 2


def test_a_fault_leaves_everything_as_it_is(home):
    write(home, "roost.toml", TWO)
    home.ok("apply")
    before = home.pids()
    write(home, "roost.toml", TWO.replace("1001", "1002") + "instanses = 2\nmax_restarts = 'x'\n")
    for command in ("apply", "plan", "check"):
        said = home.run(command, check=2)
        assert "roost.toml:11:1: unknown field 'instanses' (did you mean 'instances'?)" in said.err and "roost.toml:12:1" in said.err, said
    assert home.pids() == before


def test_concurrent_applies_never_interleave(home):
    names = ["red", "blue", "green"]
    for colour in names:
        write(home, f"{colour}.toml", "".join(f'[[apps]]\nname = "a{i}"\nscript = "sleep 1000"\nenv = {{ COLOUR = "{colour}" }}\n'
                                              for i in range(4)))
    threads = [threading.Thread(target=home.ok, args=("apply", f"{colour}.toml")) for colour in names * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = {d["spec"]["env"]["COLOUR"] for d in home.describe("all")}
    assert len(shown) == 1 and len(home.pids()) == 4


@pytest.mark.parametrize("victims", ["daemon", "client", "both"])
def test_killed_in_the_middle_and_completed_by_the_next(home, victims):
    home.ok("apply", write(home, "roost.toml", TWO))
    write(home, "roost.toml", TWO.replace("1001", "1002").replace("OLD", "NEW") + '[[apps]]\nname = "more"\nscript = "sleep 1000"\n')
    client = home.popen("apply", "roost.toml")
    wait_until(lambda: any(i["state"] in ("launching", "stopping") for i in home.infos()), 10, "it is at work", step=0.001)
    if victims != "daemon":
        client.kill()
    if victims != "client":
        home.kill_daemon(signal.SIGKILL)
    client.communicate(timeout=60)
    home.ok("apply", "roost.toml")
    assert home.ok("plan", "roost.toml").out == "= api\n= web\n= more\n"
    specs = {d["instance"]["name"]: d["spec"] for d in home.describe("all")}
    assert specs["web"]["script"] == "sleep 1002" and "NEW" in specs["api"]["env"] and "OLD" not in specs["api"]["env"]
    assert len(home.pids()) == 3 and all(procs.alive(pid) for pid in home.pids().values())


def test_check_needs_no_daemon_and_tells_all_faults(home):
    write(home, "roost.toml", TWO)
    assert "is right; its apps: api, web" in home.ok("check").out
    checked = home.ok("check", "roost.toml", "--json").json()
    assert [app["spec"]["name"] for app in checked["apps"]] == ["api", "web"]
    assert checked["apps"][0]["spec"]["env"]["API_TOKEN"] == "********" and "tk-secret" not in json.dumps(checked)
    write(home, "bad.toml", '[[apps]]\nname = "x y"\nscript = "./none.js"\n[[apps]]\nscript = "sleep 1"\nwatch_delay = "soon"\n')
    (home.work / "circle.toml").write_text("".join(
        f'[[apps]]\nname = "{name}"\nscript = "sleep 1"\ndepends_on = ["{other}"]\n' for name, other in (("p", "q"), ("q", "p"))))
    assert "p → q → p" in home.run("check", "circle.toml", check=2).err
    said = home.run("check", "bad.toml", check=2)
    assert "bad.toml:2:1" in said.err and "bad.toml:6:1" in said.err, said
    assert home.run("check", "none.toml").code == 3 and home.run("check", "app.js").code == 2
    assert not home.path.exists(), "no home was made, no daemon started"


def test_faults_of_fields_and_of_what_they_name_are_told_together(home):
    write(home, "roost.toml", '''[[apps]]
name = "a"
script = "sleep 1"
kill_timout = "5s"

[[apps]]
name = "b"
script = "./nope.js"

[[apps]]
name = "c"
script = "sleep 2"
cwd = "/nonexist"
''')
    said = home.run("check", check=2)
    for words in ("roost.toml:4:1: unknown field 'kill_timout'", "roost.toml:8:1: app 'b': script '", "roost.toml:13:1: app 'c': cwd '/nonexist' is not a directory"):
        assert words in said.err, said


def test_init_writes_a_file_that_check_accepts(home):
    assert "roost.toml" in home.ok("init").out
    assert "hello" in home.ok("check").out
    text = (home.work / "roost.toml").read_text()
    assert home.run("init").code == 1 and (home.work / "roost.toml").read_text() == text
    (home.work / "sub").mkdir()
    write(home, "sub/main.py", "print('x')\n")
    assert home.ok("init", "--json", cwd=home.work / "sub").json()["file"].endswith("/sub/roost.toml")
    assert "its apps: main" in home.ok("check", cwd=home.work / "sub").out
    home.ok("apply")
    assert home.state("hello") == "online"


def test_what_has_done_its_work_is_not_run_again(home):
    """A migration runs once, however often the file is applied; when it has failed, or has changed, or is asked for by name, it runs again."""
    runs = home.work / "runs"
    once = {"restart": "never", "script": f"echo migrate >>{runs}"}
    apps = {"migrate": once, "import": {"restart": "on-failure", "stop_exit_codes": [4], "script": f"echo import >>{runs}; exit 4"},
            "seed": {**once, "script": f"echo seed >>{runs}; exit 1"}, "web": {"script": "exec sleep 1000", "depends_on": {"migrate": "completed"}}}
    file = home.work / "roost.json"

    def write():
        file.write_text(json.dumps({"apps": [{"name": name, **app} for name, app in apps.items()]}))

    def count():
        return collections.Counter(runs.read_text().split())

    write()
    assert home.run("apply", file).code == 6, "seed has failed"
    assert count() == {"migrate": 1, "import": 1, "seed": 1}
    home.wait_new_daemon(home.kill_daemon())
    again = home.run("apply", file, "--detailed-exitcode")
    assert "= migrate" in again.out and "= import" in again.out and "^ seed (is down)" in again.out, again
    assert count() == {"migrate": 1, "import": 1, "seed": 2}
    del apps["seed"]
    write()
    assert home.run("apply", file, "--detailed-exitcode", "--prune").code == 7
    for command in ("plan", "apply"):
        assert home.run(command, file, "--detailed-exitcode").code == 0
    apps["migrate"]["script"] += " # the next one"
    write()
    home.ok("apply", file)
    home.ok("kill")
    assert home.state("migrate") == "stopped" and home.ok("apply", file).out.startswith("= migrate\n= import\n^ web")
    home.ok("start", "migrate")
    assert count() == {"migrate": 3, "import": 1, "seed": 2}
