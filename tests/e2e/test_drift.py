"""list tells when a file is not what was applied; config show tells where each setting comes from; graph."""
import os

from harness.terminal import run_on_terminal

FILE = """
[[apps]]
name = "api"
script = "sleep 1000"
kill_timeout = "5s"
env = { MODE = "x", API_TOKEN = "tk-secret" }
env_file = ".env"
depends_on = { db = "ready" }

[[apps]]
name = "db"
script = "sleep 1001"
wait_for = ["file:/"]
"""


def write(home, name, text):
    path = home.work / name
    path.write_text(text)
    return path


def test_a_file_that_has_changed_is_told(home):
    home.ok("start", "sleep 1003", "--name", "alone")
    assert "changed" not in home.ok("list").err and "files" not in home.ok("list", "--json").json()
    write(home, ".env", "FROM_FILE=1\n")
    path = write(home, "roost.toml", FILE)
    home.ok("apply")
    said = home.ok("list")
    assert not said.err and "*" not in said.out
    os.utime(path, ns=(1, 1))
    assert not home.ok("list").err, "another time, the same content"
    write(home, "roost.toml", FILE.replace("1001", "1009"))
    line = f"api, db: {path} has changed since it was applied (roost plan {path})"
    assert line in home.ok("list").err and line in home.ok("list", "db").err.replace("db: ", "api, db: ")
    files = home.ok("list", "--json").json()["files"]
    assert [f["apps"] for f in files] == [["api", "db"]] and files[0]["changed"] is True
    home.kill_daemon()
    assert line in home.ok("list").err
    home.ok("apply", "--only", "db")
    assert f"api: {path} has changed" in home.ok("list").err
    home.ok("apply")
    assert not home.ok("list").err
    path.unlink()
    assert "cannot be read any more" in home.ok("list").err


def test_a_restart_says_that_the_file_has_changed(home):
    path = write(home, "roost.toml", FILE.replace('env_file = ".env"\n', ""))
    home.ok("apply", path)
    assert "changed" not in home.ok("restart", "db").err
    path.write_text(path.read_text().replace("5s", "6s"))
    for target in ("db", path):
        said = home.ok("restart", target)
        assert "has changed since it was applied" in said.err and "restarted db" in said.out, said
    assert "changed" not in home.ok("restart", "db", "--silent").err


def test_config_show_tells_where_each_setting_comes_from(home):
    write(home, ".env", "FROM_FILE=1\n")
    path = write(home, "roost.toml", FILE)
    home.ok("apply")
    plain = home.ok("config", "show", "api").out
    assert "kill_timeout = 5s\n" in plain and "#" not in plain and "tk-secret" not in plain
    origins = {f["field"]: (f["value"], f["origin"]) for f in home.ok("config", "show", "api", "--origin", "--json").json()["config"]}
    assert origins["kill_timeout"] == ("5s", f"{path}:5") and origins["script"] == ("sleep 1000", f"{path}:4")
    assert origins["env.MODE"] == ("x", f"{path}:6") and origins["env.API_TOKEN"] == ("********", f"{path}:6")
    assert origins["env.FROM_FILE"] == ("1", "env_file .env") and origins["env.PATH"][1] == "shell"
    assert origins["min_uptime"] == ("1s", "default") and origins["depends_on.db"] == ("ready", f"{path}:8")
    assert f"# {path}:5" in home.ok("config", "show", "api", "--origin").out
    home.ok("start", "sleep 1003", "--name", "alone", "--kill-timeout", "3s")
    origins = {f["field"]: f["origin"] for f in home.ok("config", "show", "alone", "--origin", "--json").json()["config"]}
    assert origins["kill_timeout"] == "start" and origins["nice"] == "default" and origins["env.PATH"] == "shell, or --env"
    assert home.run("config", "show", "none").code == 3 and home.run("config", "set", "api").code == 2
    assert home.run("config", "show", "all").code == 2


def test_graph_as_tree_and_dot(home):
    write(home, ".env", "")
    write(home, "roost.toml", FILE + '[[apps]]\nname = "web"\nscript = "sleep 1"\ndepends_on = ["api", "db"]\n')
    tree = "web\n├─ api (started)\n│  └─ db (ready)\n│     └─ file:/\n└─ db (started) (as above)\n"
    assert home.ok("graph", "roost.toml").out == tree
    assert not home.path.exists(), "a file needs no daemon"
    dot = home.ok("graph", "roost.toml", "--dot").out
    assert '"web" -> "api" [label="started"];' in dot and dot.startswith("digraph")
    write(home, "roost.toml", FILE)
    home.ok("apply")
    assert home.ok("graph").out == "api\n└─ db (ready)\n   └─ file:/\n"
    code, output = run_on_terminal([home.bin / "roost", "graph"], home.environment())
    assert code == 0 and output.decode().replace("\r\n", "\n") == "api\n└─ db (ready)\n   └─ file:/\n"
    assert home.ok("graph", "--json").json()["apps"][0]["depends_on"] == {"db": "ready"}
    write(home, "round.toml", FILE.replace('wait_for = ["file:/"]', 'depends_on = ["api"]'))
    said = home.run("graph", "round.toml", check=2)
    assert "api → db → api" in said.err, said
