"""What differs from instance to instance, and the options of start for fields of files."""
import json

from harness.roost import victim
from harness.wait import wait_until

SHOW = 'echo "$PORT $URL $*"; exec sleep 1000'


def start(home, check=0, **settings):
    path = home.work / "roost.json"
    path.write_text(json.dumps({"apps": [{"name": "app", "script": SHOW, **settings}]}))
    done = home.run("start", path, timeout=110)
    assert done.code == check, done


def said(home, slot):
    return wait_until(lambda: home.log("app", slot=slot).decode(), 30, f"output of {slot}")


def test_each_instance_has_its_port(home):
    start(home, port=3000, instances=2, env={"URL": "http://x:{port+i}/{i}/{{i}}/$${i}"}, args=["w-{i}", "{port+i}", "{j} {}"],
          health={"exec": "echo $PORT $URL; exit 0", "interval": "100ms"})
    assert said(home, 0) == "3000 http://x:3000/0/{i}/$0 w-0 3000 {j} {}\n"
    assert said(home, 1) == "3001 http://x:3001/1/{i}/$1 w-1 3001 {j} {}\n"
    home.ok("scale", "app", "3", timeout=110)
    assert said(home, 2).startswith("3002 http://x:3002/2/")
    probes = [d["health"]["output"] for d in sorted(home.describe("app"), key=lambda d: d["instance"].get("slot", 0))]
    assert probes[1].startswith("3001 http://x:3001/1/"), probes


def test_without_a_port_braces_are_braces(home):
    start(home, env={"PORT": "80", "URL": "{port+i}"}, args=["{i}", "{{i}}"])
    assert said(home, 0) == "80 {port+i} {i} {{i}}\n"


def test_options_of_start_for_fields_of_files(home):
    home.ok("start", "sleep 1000", "--name", "db")
    home.ok("start", 'trap "" TERM; echo "$SECRET"; exec sleep 1000', "--name", "app", "--health", "exec:echo fine", "--depends-on", "db=ready",
            "--depends-on", "db", "--wait-for", f"file:{home.work}", "--env-from", "SECRET=cmd:echo x=y", "--stop-command", "kill -9 $ROOST_PID", timeout=110)
    description = home.describe("app")[0]
    spec = description["spec"]
    assert description["health"]["output"] == "fine\n" and spec["health"]["kind"] == "exec"
    assert spec["depends_on"] == {"db": "started"} and spec["wait_for"] == [f"file:{home.work}"]
    wait_until(lambda: home.log("app") == b"x=y\n", 30, "the secret is there")
    home.ok("stop", "app", timeout=60)
    assert wait_until(lambda: home.exits("app"), 30)[0]["status"]["signal"] == 9
    never = home.run("start", "sleep 1000", "--name", "never", "--wait-ready", "--listen-timeout", "200ms", "--max-restarts", "0")
    assert never.code == 6 and "not ready within 200ms" in never.out + never.err, never
    home.ok("start", victim("channel.js"), "--name", "node", "--shutdown-with-message", "--", "ready-after", home.work / "never")
    assert home.describe("node")[0]["spec"]["shutdown_with_message"] is True


def test_faults_in_these_options(home):
    for options, words in [(["--health", "ftp:x"], "--health"), (["--depends-on", "db=soon"], "--depends-on"), (["--env-from", "X=y"], "--env-from"),
                           (["--listen-timeout", "soon"], "--listen-timeout"), (["--stop-command", ""], "--stop-command")]:
        done = home.run("start", "sleep 1000", *options)
        assert done.code == 2 and words in done.err, (options, done)
