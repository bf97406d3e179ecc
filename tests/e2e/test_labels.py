"""Labels: given in files and by start, and selected by in every command that names apps."""
import json

from harness.wait import wait_until

FILE = """
[[apps]]
name = "api"
script = "sleep 1000"
labels = { team = "web", tier = "a" }

[[apps]]
name = "front"
script = "sleep 1001"
labels = { team = "web", tier = "b" }

[[apps]]
name = "db"
script = "sleep 1002"
"""


def names(home, *words):
    return {info["name"] for info in home.ok("list", "--json", *words).json()["instances"]}


def test_labels_select_in_every_command(home):
    (home.work / "roost.toml").write_text(FILE)
    home.ok("apply")
    home.ok("start", "echo hello; exec sleep 1003", "--name", "more", "--label", "team=ops", "--label", "tier=a")
    assert names(home, "-l", "team=web") == {"api", "front"}
    assert names(home, "-l", "tier=a") == {"api", "more"}
    assert names(home, "-l", "team=web", "-l", "tier=a") == {"api"} == names(home, "team=web,tier=a")
    assert names(home, "team=web", "db") == {"api", "front", "db"}
    assert home.info("more")["labels"] == {"team": "ops", "tier": "a"} and "labels" not in home.info("db")
    home.ok("stop", "-l", "team=web")
    assert {i["name"] for i in home.infos() if i["state"] == "stopped"} == {"api", "front"}
    home.ok("restart", "--selector", "tier=a")
    assert {i["name"] for i in home.infos() if i["state"] == "stopped"} == {"front"}
    home.ok("start", "tier=b")
    assert home.state("front") == "online"
    described = home.ok("describe", "-l", "team=ops")
    assert "team=ops tier=a" in described.out and "more" in described.out
    assert [d["spec"]["name"] for d in home.ok("describe", "-l", "team=ops", "--json").json()["instances"]] == ["more"]
    assert [p["name"] for p in json.loads(home.ok("jlist", "-l", "tier=b").out)] == ["front"]
    wait_until(lambda: "hello" in home.ok("logs", "-l", "team=ops", "--no-follow").out, 10, "its output is there")
    assert home.ok("pid", "-l", "team=ops").out.strip() == str(home.pid("more"))
    for words in (("env", "-l", "team=ops"), ("tree", "-l", "team=web"), ("events", "-l", "team=web"), ("reset", "-l", "tier=a"),
                  ("flush", "-l", "tier=a"), ("signal", "CONT", "-l", "team=web"), ("wait", "-l", "team=web")):
        said = home.ok(*words)
        assert "db" not in said.out, said
    home.ok("delete", "-l", "team=web")
    assert {i["name"] for i in home.infos()} == {"db", "more"}


def test_wrong_labels_are_told(home):
    (home.work / "roost.toml").write_text(FILE)
    home.ok("apply")
    assert home.run("list", "-l", "team=none").code == 3 and "no app has the labels 'team=none'" in home.run("stop", "-l", "team=none").err
    assert home.run("stop", "-l", "team=web", "db").code == 2 and home.run("list", "-l", "team").code == 2
    assert home.run("list", "team=a,team=b").code == 2
    (home.work / "bad.toml").write_text(FILE.replace('tier = "a"', '"a b" = "c"'))
    assert "bad.toml:5:1" in home.run("check", "bad.toml", check=2).err
    assert home.run("start", "sleep 1", "--label", "x").code == 2
    assert len(home.infos()) == 3
