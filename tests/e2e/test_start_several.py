"""`start` of several at once, and `--no-autostart`: each with its own result, and what is down is told so."""
import pytest

from harness.wait import wait_until
from harness.wire import WireError


def script(home, name, text):
    path = home.work / name
    path.write_text("#!/bin/sh\n" + text + "\n")
    path.chmod(0o755)
    return str(path)


def test_they_are_started_at_once_and_waited_for_together(home):
    """Each ends when it sees the other two: one after the other none would."""
    names = ["a", "b", "c"]
    wait = "touch here-$1; until test -e here-a -a -e here-b -a -e here-c; do sleep 0.05; done; exit 0"
    words = [script(home, f"{name}.sh", wait.replace("$1", name)) for name in names]
    said = home.ok("start", *words, "--restart", "on-failure", "--min-uptime", "100ms", timeout=110)
    assert all(f"{name} (id " in said.out for name in names), said


def test_each_has_its_result_and_the_worst_is_the_status(home):
    good, bad, other = script(home, "good.sh", "exec sleep 1000"), script(home, "bad.sh", "echo no >&2; exit 3"), script(home, "other.sh", "exec sleep 1000")
    said = home.run("start", good, bad, other, timeout=110)
    assert said.code == 6 and "started good (" in said.out and "started other (" in said.out, said
    assert "failed bad (" in said.err and "exit code 3" in said.err and "| no" in said.err, said
    home.ok("stop", "good", "other")
    said = home.run("start", "good", "nobody", "other", timeout=110)
    assert said.code == 3 and "'nobody' is no file here" in said.err and "started good (" in said.out and "started other (" in said.out, said
    reply = home.run("start", "good", "nobody", "--json").json()
    assert [one["item"] for one in reply["refused"]] == [1] and reply["refused"][0]["code"] == "not_found", reply
    assert [one["instance"]["name"] for one in reply["outcomes"]] == ["good"]
    said = home.ok("start", "good", "g*", "0")
    assert said.out.count("already running: good") == 1, said


def test_the_method_for_several(home):
    home.start("idle", name="idle")
    with home.connect() as connection:
        reply = connection.call("app.start_all", {"items": [{"targets": ["idle"]}, {"targets": ["nobody"]}]})
        assert reply["outcomes"][0]["already_running"] and reply["refused"][0]["item"] == 1
        assert connection.call("app.start_all", {"items": []})["outcomes"] == []
        with pytest.raises(WireError, match="items"):
            connection.call("app.start_all", {"items": 3})
        with pytest.raises(WireError, match="more than 256"):
            connection.call("app.start_all", {"items": [{"targets": ["all"]}] * 257})


def test_no_autostart_adds_and_does_not_start(home):
    path = script(home, "lazy.sh", "echo ran; exec sleep 1000")
    said = home.ok("start", path, "--no-autostart", "-i", "2")
    assert "added lazy#0 (id " in said.out and {i["state"] for i in home.infos()} == {"stopped"}, said
    home.wait_new_daemon(home.kill_daemon())
    assert {i["state"] for i in home.infos()} == {"stopped"}, "it stays down with the next daemon"
    said = home.ok("start", "lazy", "--no-autostart")
    assert "left down: lazy#0" in said.out and home.log("lazy") == b"", said
    assert "started lazy#0" in home.ok("start", "lazy").out
    said = home.ok("start", "lazy", "--no-autostart")
    assert "already running: lazy#0" in said.out, said
    home.ok("stop", "lazy")
    home.ok("restart", "lazy")
    assert {i["state"] for i in home.infos()} == {"online"}
    said = home.run("start", home.work / "roost.toml", "--no-autostart")
    assert said.code == 2 and "stands in the file" in said.err, said


def test_what_was_added_down_starts_with_an_app_that_needs_it(home):
    home.ok("start", script(home, "db.sh", "exec sleep 1000"), "--no-autostart")
    home.ok("start", script(home, "web.sh", "exec sleep 1000"), "--depends-on", "db", "--no-autostart")
    said = home.ok("start", "web")
    assert "started web (" in said.out and ", for web)" in said.out and home.state("db") == "online", said
    home.ok("stop", "web", "db")
    said = home.ok("restart", "web", timeout=110)
    assert home.state("db") == "online" == home.state("web") and ", for web)" in said.out, said


def test_what_is_down_after_a_start_is_told_so(home):
    assert "ran true (id 0, exit code 0)" in home.ok("start", "true", "--no-autorestart").out
    file = home.work / "roost.toml"
    file.write_text('[[apps]]\nname = "off"\nscript = "exec sleep 1000"\nautostart = false\n')
    assert "added off (" in home.ok("start", file).out
    assert "left down: off (" in home.ok("start", file).out
    home.ok("start", "off")
    assert "already running: off (" in home.ok("start", file).out


def test_a_run_for_a_dependency_is_told_so(home):
    file = home.work / "roost.toml"
    file.write_text('[[apps]]\nname = "migrate"\ntype = "job"\nscript = "until test -e go; do sleep 0.05; done"\n'
                    '[[apps]]\nname = "web"\nscript = "exec sleep 1000"\ndepends_on = { migrate = "completed" }\n')
    said = home.ok("start", file, "--no-wait")
    line = next(line for line in said.out.splitlines() if "migrate (id" in line)
    assert not line.startswith("already running"), said
    wait_until(lambda: home.pid("migrate") != 0, 20, "it runs for web")
    said = home.ok("start", file, "--no-wait")
    assert "already running: migrate (" in said.out, said
    (home.work / "go").write_text("")
    home.wait_state("web", "online", 40)


def test_a_new_app_starts_what_it_depends_on(home):
    home.ok("start", "exec sleep 1000", "--name", "db", "-i", "2", "--no-autostart")
    said = home.ok("start", "exec sleep 1000", "--name", "web", "-i", "2", "--depends-on", "db")
    begun = [line.split()[1] for line in said.out.splitlines()]
    assert begun == ["db#0", "db#1", "web#0", "web#1"] and said.out.count("for web") == 2, said


def test_no_remark_of_what_is_not_there(home):
    said = home.run("start", "nobody", "exec sleep 1000", "--time")
    assert "exists already" not in said.err and "nobody" in said.err, said
