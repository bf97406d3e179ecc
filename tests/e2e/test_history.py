"""history and undo: each change is on record, and undo restores exactly."""
import json
import os
import threading

import pytest

from harness import procs
from harness.wait import wait_until

FILE = """
[[apps]]
name = "api"
script = "sleep 1000"
env = { OLD = "1", API_TOKEN = "tk-secret" }
instances = 2

[[apps]]
name = "web"
script = "sleep 1001"

[[apps]]
name = "off"
script = "sleep 1002"
autostart = false
"""


def write(home, name, text):
    path = home.work / name
    path.write_text(text)
    return path


def full_state(home):
    """All that undo promises: specs, instances, and what is up and down."""
    shown = home.describe("all") if home.infos() else []
    return {(d["instance"]["name"], d["instance"].get("slot", 0)): (d["spec"], d["instance"]["state"] in ("online", "launching"))
            for d in shown}


def entries(home):
    return home.ok("history", "--json", "-n", "200").json()["entries"]


CHANGES = {
    "changed env": lambda home: home.ok("apply", write(home, "roost.toml", FILE.replace('OLD = "1"', 'OLD = "2"'))),
    "removed variable": lambda home: home.ok("apply", write(home, "roost.toml", FILE.replace('OLD = "1", ', ''))),
    "changed instances": lambda home: home.ok("apply", write(home, "roost.toml", FILE.replace("instances = 2", "instances = 4"))),
    "fewer instances": lambda home: home.ok("apply", write(home, "roost.toml", FILE.replace("instances = 2", "instances = 1"))),
    "scaled": lambda home: home.ok("scale", "web", "3"),
    "scaled down": lambda home: home.ok("scale", "api", "1"),
    "one instance deleted": lambda home: home.ok("delete", "api#0"),
    "deleted app": lambda home: home.ok("delete", "api"),
    "deleted app that was down": lambda home: home.ok("delete", "off"),
    "added app": lambda home: home.ok("start", "sleep 1003", "--name", "more"),
    "changed script": lambda home: home.ok("apply", write(home, "roost.toml", FILE.replace("1001", "1007").replace("1002", "1008"))),
    "pruned": lambda home: home.ok("apply", "--prune", write(home, "roost.toml", FILE[:FILE.index('[[apps]]\nname = "web"')])),
    "everything deleted": lambda home: home.ok("delete", "all"),
    "replaced while it is down": lambda home: home.ok("start", "sleep 1002", "--name", "off", "--env", "X=1"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_undo_restores_exactly_and_undo_of_undo_is_redo(home, change):
    home.ok("apply", write(home, "roost.toml", FILE))
    before, pids = full_state(home), home.pids()
    CHANGES[change](home)
    after = full_state(home)
    assert after != before
    number = entries(home)[0]["number"]
    said = home.ok("undo")
    assert f"back to before change {number}" in said.out and "tk-secret" not in said.out + said.err, said
    assert full_state(home) == before, said
    touched = {item["app"] for item in entries(home)[0]["changes"]}
    now = home.pids()
    assert all(now[key] == pid for key, pid in pids.items() if key[0] not in touched), "only what differs is touched"
    home.ok("undo")
    assert full_state(home) == after, "the undo of an undo is a redo"
    home.ok("undo", str(number))
    assert full_state(home) == before
    home.kill_daemon()
    assert full_state(home) == before
    assert "nothing to do" in home.ok("undo", str(number)).out


def test_history_tells_who_when_why_and_what(home):
    home.ok("apply", path := write(home, "roost.toml", FILE))
    home.ok("start", "sleep 1003", "--name", "more", "--env", "DB_PASSWORD=pw-secret", "--", "--token", "tok-secret")
    home.ok("apply", write(home, "roost.toml", FILE.replace('OLD = "1"', 'NEW = "1"').replace("tk-secret", "tk-other")))
    home.ok("scale", "web", "2")
    home.ok("delete", "more")
    home.ok("undo")
    home.kill_daemon()
    newest = entries(home)
    assert [e["number"] for e in newest] == [6, 5, 4, 3, 2, 1]
    assert all(e["uid"] == os.getuid() and e["user"] and e["at_ms"] > 1_600_000_000_000 for e in newest)
    assert newest[-1]["file"] == str(path) and newest[-1]["command"] == f"roost apply {path}"
    assert {item["app"]: item["action"] for item in newest[-1]["changes"]} == {"api": "add", "web": "add", "off": "add"}
    assert newest[0]["undone"] == 5 and newest[0]["changes"] == [{"app": "more", "action": "add", "changes": [], "note": ""}]
    text = home.ok("history").out
    assert "~ api (env ~API_TOKEN +NEW -OLD)" in text and "~ web (instances 1→2)" in text and "- more" in text, text
    assert "roost scale web 2" in text and "takes back 5" in text
    assert len(home.ok("history", "-n", "1").out.strip().split("\n")) == 2
    shown = text + json.dumps(newest)
    assert not any(secret in shown for secret in ("tk-", "pw-secret", "tok-secret")), shown
    assert home.run("history", "-n", "0").code == 2
    assert os.stat(home.path / "state.db").st_mode & 0o777 == 0o600


def test_what_changes_nothing_is_not_on_record(home):
    home.ok("apply", write(home, "roost.toml", FILE))
    for words in (("apply",), ("plan",), ("stop", "web"), ("start", "web"), ("restart", "api"), ("undo", "--dry-run"), ("apply", "--prune")):
        home.ok(*words)
    assert len(entries(home)) == 1


def test_undo_says_what_it_cannot_do(home):
    assert home.run("undo").code == 3 and "nothing was changed" in home.run("undo").err
    home.ok("apply", write(home, "roost.toml", FILE))
    assert home.run("undo", "7").code == 3 and home.run("undo", "x").code == 2
    before = full_state(home)
    said = home.ok("undo", "--dry-run")
    assert "- api" in said.out and "- web" in said.out and full_state(home) == before and len(entries(home)) == 1


def test_undo_restores_what_was_up_and_down(home):
    home.ok("apply", write(home, "roost.toml", FILE))
    home.ok("stop", "web")
    before = full_state(home)
    home.ok("apply", write(home, "roost.toml", FILE.replace('OLD = "1"', 'OLD = "2"')))
    home.ok("start", "off", "web")
    said = home.ok("undo")
    assert full_state(home) == before, said


def test_an_app_that_does_not_come_up_again_is_told(home):
    good = '[[apps]]\nname = "a"\nscript = "./a.sh"\nautorestart = false\n'
    write(home, "a.sh", "#!/bin/sh\nexec sleep 1000\n").chmod(0o755)
    home.ok("apply", write(home, "roost.toml", good))
    home.ok("apply", write(home, "roost.toml", good + 'env = { X = "1" }\n'))
    write(home, "a.sh", "#!/bin/sh\necho broken >&2\nexit 3\n")
    said = home.run("undo", check=6)
    assert "broken" in said.err and "X" not in home.describe("a")[0]["spec"]["env"]


KILL_POINTS = ["book.before_put", "book.after_put", "apply.after_specs", "stop.before_signal", "spawn.before", "store.before_commit",
               "store.after_commit"]


@pytest.mark.parametrize("point", KILL_POINTS)
@pytest.mark.parametrize("what", ["apply", "undo"])
def test_a_daemon_killed_in_the_middle(home, point, what, tmp_path):
    once = tmp_path / "once"
    home.extra_env |= {"ROOST_DIE_AT": point, "ROOST_DIE_ONCE": str(once)}
    home.ok("apply", write(home, "roost.toml", FILE))
    home.ok("start", "off")
    before = full_state(home)
    changed = FILE.replace('OLD = "1"', 'OLD = "2"').replace("instances = 2", "instances = 3").replace("1002", "1009")
    write(home, "roost.toml", changed + '[[apps]]\nname = "more"\nscript = "sleep 1004"\n')
    if what == "undo":
        home.ok("apply")
    daemon = home.daemon_pid
    once.touch()
    home.ok(what)
    assert not once.exists() and home.daemon_pid != daemon, "it did die there"
    wait_until(lambda: all(i["state"] == "online" for i in home.infos()), 30, "all are up, off included")
    after = full_state(home)
    if what == "undo":
        assert after == before
        return
    assert home.ok("plan").out == "= api\n= web\n= off\n= more\n"
    assert after[("api", 2)][0]["env"]["OLD"] == "2" and after[("off", 0)] == (after[("off", 0)][0], True)
    for (name, slot), pid in home.pids().items():
        assert [v for v in procs.environ(pid) if v.startswith(b"OLD=")] == ([b"OLD=2"] if name == "api" else []), (name, slot)
    home.ok("undo")
    assert full_state(home) == before


def test_an_undo_waits_through_the_death_of_the_daemon(home, tmp_path):
    once, fine = tmp_path / "once", tmp_path / "fine"
    home.extra_env |= {"ROOST_DIE_AT": "apply.after_specs", "ROOST_DIE_ONCE": str(once)}
    app = '[[apps]]\nname = "app"\nrestart = "never"\nscript = "{}exec sleep 1000"\n'
    fine.touch()
    home.ok("apply", write(home, "roost.toml", app.format(f"test -e {fine} || exit 9; ")))
    home.ok("apply", write(home, "roost.toml", app.format("")))
    fine.unlink()
    once.touch()
    undone = home.run("undo")
    assert not once.exists() and undone.code == 6 and "exit code 9" in undone.out + undone.err, undone


def test_an_apply_without_its_daemon_and_client_is_completed(home, tmp_path):
    """Both die as soon as the settings are stored: the next daemon restarts what runs with older ones."""
    once = tmp_path / "once"
    home.extra_env |= {"ROOST_DIE_AT": "apply.after_specs", "ROOST_DIE_ONCE": str(once)}
    home.ok("apply", write(home, "roost.toml", FILE))
    home.ok("start", "off")
    pids = home.pids()
    write(home, "roost.toml", FILE.replace("1002", "1009").replace("1001", "1008"))
    once.touch()
    client = home.popen("apply", "roost.toml")
    wait_until(lambda: not once.exists(), 20, "the daemon has died", step=0.001)
    client.kill()
    client.communicate(timeout=60)

    def done():
        now = home.pids()
        return all(i["state"] == "online" for i in home.infos()) and now[("off", 0)] != pids[("off", 0)] and now[("web", 0)] != pids[("web", 0)]

    wait_until(done, 30, "off and web run with their new settings")
    assert home.pids()[("api", 0)] == pids[("api", 0)]
    assert home.ok("plan").out == "= api\n= web\n= off\n"
    home.ok("undo")
    assert home.describe("off")[0]["spec"]["script"] == "sleep 1002"


def test_an_app_held_for_ever_keeps_no_other_apply_waiting(home):
    held = '[[apps]]\nname = "held"\nscript = "sleep 1000"\nwait_for = ["file:/nonexistent/never"]\n'
    first = home.popen("apply", write(home, "held.toml", held))
    wait_until(lambda: any(i["name"] == "held" for i in home.infos()), 10, "it is held")
    home.ok("apply", write(home, "roost.toml", FILE))
    assert home.state("web") == "online" and first.poll() is None
    home.ok("undo")
    assert [i["name"] for i in home.infos()] == ["held"]
    home.ok("delete", "held")
    first.communicate(timeout=60)


def test_concurrent_changes_and_undos_leave_one_whole_state(home):
    for colour in ("red", "blue"):
        write(home, f"{colour}.toml", "".join(f'[[apps]]\nname = "a{i}"\nscript = "sleep 1000"\nenv = {{ COLOUR = "{colour}" }}\n'
                                              for i in range(4)))
    home.ok("apply", "red.toml")
    home.ok("apply", "blue.toml")
    threads = [threading.Thread(target=home.run, args=words) for words in [("undo",), ("apply", "red.toml"), ("undo",), ("apply", "blue.toml")] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = home.describe("all")
    assert len(shown) == 4 and len({d["spec"]["env"]["COLOUR"] for d in shown}) == 1, shown
    wait_until(lambda: all(i["state"] == "online" for i in home.infos()), 30, "all are up")
    numbers = [e["number"] for e in entries(home)]
    assert numbers == list(range(len(numbers), 0, -1))


def test_undo_tells_what_it_starts_and_stops_where_settings_change_too(home):
    home.ok("start", "sleep 1000", "--name", "a")
    home.ok("scale", "a", "2")
    home.ok("stop", "a")
    assert "~ a (instances 2→1; is down, and is started)" in home.ok("undo", "--dry-run").out
    home.ok("undo")
    assert home.state("a") == "online"
    assert "~ a (instances 1→2; is up, and is stopped)" in home.ok("undo", "--dry-run").out


def test_undo_names_what_it_stops_and_not_what_it_leaves(home):
    home.ok("apply", write(home, "roost.toml", FILE))
    home.ok("apply", write(home, "roost.toml", FILE.replace("instances = 2", "instances = 3")))
    said = home.ok("undo").out
    assert "deleted api#2" in said or "deleted api (id" in said, said
    assert "already running: api#0" in said and "started api" not in said, said


def test_a_command_in_the_history_can_be_typed_again(home):
    home.ok("start", "sleep 1003; true", "--name", "more")
    assert entries(home)[0]["command"] == "roost start 'sleep 1003; true' --name more"


def test_a_removal_that_takes_its_time_takes_nothing_else_back(home):
    """What was changed while it went on stays changed when it is undone."""
    go = home.work / "go"
    home.ok("start", f"trap 'until test -e {go}; do sleep 0.05; done; exit 0' TERM; while :; do sleep 0.05; done", "--name", "slow", "--kill-timeout", "100s")
    home.ok("start", "exec sleep 1000", "--name", "web")
    with home.popen("delete", "slow") as deleting:
        wait_until(lambda: home.state("slow") == "stopping", 30, "it is being deleted")
        home.ok("stop", "web")
        home.ok("start", "exec sleep 1001", "--name", "more")
        go.touch()
        assert deleting.wait(60) == 0
    assert {e["changes"][0]["app"] for e in entries(home)[:1]} == {"slow"}, "it is on record when it has happened"
    home.ok("undo")
    assert home.state("slow") == "online" and home.state("web") == "stopped" and home.state("more") == "online"


def test_what_a_change_only_started_is_named_with_it(home):
    home.ok("apply", path := write(home, "roost.toml", FILE))
    home.ok("stop", "web")
    home.ok("apply", write(home, "roost.toml", FILE.replace('OLD = "1"', 'OLD = "2"')))
    assert {item["app"]: item["action"] for item in entries(home)[0]["changes"]} == {"api": "change", "web": "start"}
    assert "^ web (was down)" in home.ok("history").out and path
    home.ok("undo")
    assert home.state("web") == "stopped"
