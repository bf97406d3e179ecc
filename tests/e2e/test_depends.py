"""Apps that depend on others and on what is outside: started along the critical path, stopped in the reverse order, told about when it cannot be."""
import json
import os
import signal
import socket

import pytest

from harness import procs
from harness.roost import victim
from harness.wait import hold_for, wait_until


def write(home, apps):
    path = home.work / "roost.json"
    path.write_text(json.dumps({"apps": [{"name": name, **settings} for name, settings in apps.items()]}))
    return path


def idle(**settings):
    return {"script": "exec sleep 1000", **settings}


def ready_when(path, **settings):
    return {"script": victim("notify.py"), "args": ["ready-after", str(path)], "wait_ready": True, "listen_timeout": "100s", **settings}


def started(home, name):
    return home.info(name).get("started_ms", 0)


def test_four_layers_start_along_the_critical_path(home):
    """Twelve apps; each layer needs all of the one before to be ready. The order of the starts tells, not the clock."""
    apps = {}
    for layer in range(4):
        for i in range(3):
            below = {f"app{layer - 1}{j}": "ready" for j in range(3)} if layer else {}
            apps[f"app{layer}{i}"] = idle(depends_on=below)
    home.ok("start", write(home, apps), timeout=110)
    assert all(i["state"] == "online" for i in home.infos())
    for layer in range(1, 4):
        before = [started(home, f"app{layer - 1}{i}") for i in range(3)]
        after = [started(home, f"app{layer}{i}") for i in range(3)]
        assert min(after) >= max(before) + 400, "min_ready of the layer before lies between"
        assert home.exits(f"app{layer}0") == []


def test_it_waits_and_says_for_what(home):
    go = home.work / "go"
    home.ok("start", write(home, {"db": ready_when(go), "api": idle(depends_on={"db": "service_healthy"}), "web": idle(depends_on=["api"])}), "--no-wait")
    home.wait_state("db", "launching")
    wait_until(lambda: home.info("api").get("reason") == "waiting for db: launching", 10)
    assert home.state("api") == "waiting" == home.state("web") and not home.pid("api")
    assert "waiting for api: waiting" in home.ok("list").out
    home.wait_new_daemon(home.kill_daemon())  # forgets no wait
    assert home.state("api") == "waiting" and home.info("api")["reason"] == "waiting for db: launching"
    go.touch()
    for name in ("db", "api", "web"):
        home.wait_state(name, "online", 30)


def test_started_is_enough_where_nothing_more_is_asked(home):
    home.ok("start", write(home, {"db": ready_when(home.work / "never"), "api": idle(depends_on=["db"])}), "--no-wait")
    home.wait_state("api", "online", 30)
    assert home.state("db") == "launching"


def test_a_failed_dependency_is_told(home):
    done = home.run("start", write(home, {"db": {"script": "echo no disk >&2; exit 3", "max_restarts": 0},
                                          "api": idle(depends_on={"db": "ready"}), "web": idle(depends_on={"api": "ready"})}), timeout=110)
    assert done.code == 6, done
    assert "no disk" in done.out + done.err and "waiting for db: errored" in done.out + done.err and "waiting for api" in done.out + done.err, done
    wait_until(lambda: home.info("api")["reason"] == "waiting for db: errored", 10)
    assert home.state("api") == "waiting" == home.state("web")
    again = home.run("start", "web", timeout=110)  # what it needs is started, too, and fails again
    assert again.code == 6 and "waiting for" in again.out + again.err, again
    home.ok("stop", "all")
    assert {i["state"] for i in home.infos()} <= {"stopped", "errored"}


def test_completed(home):
    go = home.work / "go"
    migrate = {"script": f"while [ ! -e {go} ]; do sleep 0.1; done", "autorestart": False}
    home.ok("start", write(home, {"migrate": migrate, "api": idle(depends_on={"migrate": {"condition": "service_completed_successfully"}})}), "--no-wait")
    home.wait_state("migrate", "online")
    hold_for(lambda: home.state("api") == "waiting", 0.3)
    go.touch()
    home.wait_state("api", "online", 30)


def test_not_completed(home):
    done = home.run("start", write(home, {"migrate": {"script": "exit 4", "autorestart": False},
                                          "api": idle(depends_on={"migrate": "completed"})}), timeout=110)
    assert done.code == 6 and "waiting for migrate" in done.out + done.err, done


def test_what_completes_while_something_else_is_open_has_not_failed(home):
    """One app, one of two instances, and a file from outside are waited for longer than the first one."""
    go = [home.work / f"go{i}" for i in range(3)]
    until = 'while [ ! -e "$GO" ]; do sleep 0.05; done'
    apps = {"first": {"script": "exit 0", "autorestart": False}, "second": {"script": until, "autorestart": False, "env": {"GO": str(go[0])}},
            "twice": {"script": f'[ $NODE_APP_INSTANCE = 0 ] || {until}', "autorestart": False, "instances": 2, "env": {"GO": str(go[1])}},
            "web": idle(depends_on={"first": "completed", "second": "completed", "twice": "completed"}, wait_for=[f"file:{go[2]}"])}
    client = home.popen("start", write(home, apps))
    for wait_for, file in zip(("waiting for second", "waiting for twice", f"waiting for file:{go[2]}"), go):
        wait_until(lambda w=wait_for: home.infos() and home.info("web").get("reason", "").startswith(w), 30, wait_for)
        hold_for(lambda: client.poll() is None, 0.3, "it waits on")
        file.touch()
    out, err = client.communicate(timeout=60)
    assert client.returncode == 0 and b"started web" in out, (out, err)


@pytest.mark.parametrize("command", ["stop", "delete"])
def test_who_waits_is_told_when_somebody_takes_away_what_it_waits_for(home, command):
    client = home.popen("start", write(home, {"db": ready_when(home.work / "never"), "web": idle(depends_on={"db": "ready"})}))
    wait_until(lambda: home.infos() and home.info("web").get("reason") == "waiting for db: launching", 30)
    home.ok(command, "db")
    out, err = client.communicate(timeout=30)
    assert client.returncode == 6 and b"failed web (id 1): waiting for db: stopped" in err, (out, err)


def test_what_it_needs_is_started_with_it(home):
    home.ok("start", write(home, {"db": idle(), "api": idle(depends_on={"db": "ready"})}), timeout=110)
    home.ok("stop", "all")
    home.ok("start", "api", timeout=110)
    assert home.state("db") == "online" == home.state("api")


def test_stopped_in_the_reverse_order(home):
    notes = home.work / "notes"
    script = f"trap 'echo NAME >> {notes}; exit 0' TERM; while :; do sleep 0.05; done"
    apps = {name: {"script": script.replace("NAME", name), "depends_on": needs} for name, needs in
            (("db", []), ("cache", ["db"]), ("api", ["db", "cache"]), ("web", ["api"]))}
    home.ok("start", write(home, apps), timeout=110)
    home.ok("stop", "all", timeout=110)
    assert notes.read_text().split() == ["web", "api", "cache", "db"]
    notes.unlink()
    home.ok("start", "all", timeout=110)
    home.ok("kill", timeout=110)
    assert notes.read_text().split() == ["web", "api", "cache", "db"]


def test_circles_and_unknown_names_are_refused_before_anything_is_done(home):
    home.ok("start", write(home, {"db": idle()}), timeout=110)
    pid = home.pid("db")
    done = home.run("start", write(home, {"db": idle(depends_on=["web"]), "api": idle(depends_on=["db"]), "web": idle(depends_on=["api"])}))
    assert done.code == 2 and "api → db → web → api" in done.err, done
    done = home.run("start", write(home, {"api": idle(depends_on=["dp"])}))
    assert done.code == 2 and "'dp'" in done.err and "did you mean 'db'" in done.err, done
    done = home.run("start", write(home, {"api": idle(depends_on={"db": "soon"})}))
    assert done.code == 2 and "started, ready, completed" in done.err, done
    assert [(i["name"], i["pid"]) for i in home.infos()] == [("db", pid)]


def test_wait_for_addresses_and_files(home):
    there = home.work / "there"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        home.ok("start", write(home, {"api": idle(wait_for=[f"file:{there}", f"tcp:127.0.0.1:{port}"])}), "--no-wait")
        wait_until(lambda: home.info("api").get("reason") == f"waiting for file:{there}", 10)
        there.touch()
        wait_until(lambda: home.info("api").get("reason") == f"waiting for tcp:127.0.0.1:{port}", 30)
        home.wait_new_daemon(home.kill_daemon())
        hold_for(lambda: home.state("api") == "waiting", 0.5)
        taken.listen()
        home.wait_state("api", "online", 30)
    done = home.run("start", write(home, {"bad": idle(wait_for=["udp:x:1"])}))
    assert done.code == 2 and "wait_for" in done.err, done


def test_a_wait_can_be_stopped(home):
    home.ok("start", write(home, {"api": idle(wait_for=[f"file:{home.work}/never"])}), "--no-wait")
    wait_until(lambda: home.state("api") == "waiting", 10)
    home.ok("stop", "api")
    assert home.state("api") == "stopped"
    (home.work / "never").touch()
    hold_for(lambda: home.state("api") == "stopped", 0.6)


def test_a_crash_is_restarted_without_waiting(home):
    """What has been started once is the policy's: its dependency may be away for a moment."""
    home.ok("start", write(home, {"db": idle(), "api": idle(depends_on={"db": "ready"})}), timeout=110)
    home.ok("stop", "db")
    pid = home.pid("api")
    with procs.Held(pid) as held:
        held.kill_and_wait(signal.SIGKILL)
    wait_until(lambda: home.pid("api") not in (0, pid) and home.state("api") == "online", 30)
    assert os.path.exists(f"/proc/{home.pid('api')}")


def test_who_misses_what_is_deleted_is_told(home):
    file = home.work / "roost.toml"
    db, web = '[[apps]]\nname = "db"\nscript = "sleep 1000"\n', '[[apps]]\nname = "web"\nscript = "sleep 1000"\ndepends_on = ["db"]\n'
    file.write_text(db + web)
    home.ok("apply", file)
    other = home.work / "other.toml"
    other.write_text('[[apps]]\nname = "cron"\nscript = "sleep 1000"\ndepends_on = ["web"]\n')
    home.ok("apply", other)
    file.write_text(db)
    said = home.ok("plan", file, "--prune")
    assert "- web (cron depends on web and cannot be started without it)" in said.out, said
    said = home.ok("delete", "db", "web")
    assert "note: cron depends on web" in said.err and "db" not in said.err, said
    assert home.ok("delete", "cron").err == ""


def test_an_app_without_its_dependency_stands_in_nobody_else_s_way(home):
    home.ok("start", "sleep 1000", "--name", "db")
    home.ok("start", "sleep 1000", "--name", "api", "--depends-on", "db")
    home.ok("delete", "db")
    home.ok("start", "sleep 1000", "--name", "other")
    file = home.work / "roost.toml"
    file.write_text('[[apps]]\nname = "third"\nscript = "sleep 1000"\n')
    home.ok("plan", file)
    home.ok("apply", file)
    home.ok("save")
    home.ok("delete", "other")
    home.ok("undo")
    assert sorted(i["name"] for i in home.infos()) == ["api", "other", "third"]
    file.write_text('[[apps]]\nname = "api"\nscript = "sleep 1000"\ndepends_on = ["db"]\n')
    assert "'api' depends on 'db'" in home.run("apply", file, check=2).err


def test_start_refuses_a_dependency_that_is_not_there(home):
    said = home.run("start", "sleep 1000", "--name", "web", "--depends-on", "nosuch")
    assert said.code == 2 and "nosuch" in said.err, said
    assert home.infos() == [] and home.ok("history", "--json").json()["entries"] == []
