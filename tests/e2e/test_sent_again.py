"""A client sends its request again when the daemon dies before the answer. What has come about by then is not done again, and what somebody has
done since is not undone."""
import json

from harness.roost import victim
from harness.wait import hold_for, wait_until


def write(home, name, apps):
    path = home.work / name
    path.write_text(json.dumps({"apps": [{"name": app, **settings} for app, settings in apps.items()]}))
    return path


def ready_when(path):
    """What keeps a client waiting."""
    return {"script": victim("notify.py"), "args": ["ready-after", str(path)], "wait_ready": True, "listen_timeout": "100s"}


def recorder(file, seconds=0):
    return {"script": f"echo once >> {file}; sleep {seconds}", "autorestart": False}


def answer(client):
    out, err = client.communicate(timeout=60)
    return client.returncode, (out + err).decode()


def die_and_let_it_be_ready(home, client, go):
    home.wait_new_daemon(home.kill_daemon())
    hold_for(lambda: client.poll() is None, 0.5, "the client waits on, with the next daemon")
    go.touch()
    return answer(client)


def test_what_has_run_once_is_not_run_again(home):
    runs, go = home.work / "runs", home.work / "go"
    client = home.popen("start", write(home, "all.json", {"migrate": recorder(runs), "web": {**ready_when(go), "depends_on": {"migrate": "completed"}}}))
    wait_until(lambda: home.infos() and home.state("web") == "launching", 20, "the migration is over")
    code, said = die_and_let_it_be_ready(home, client, go)
    assert code == 0 and "ran migrate" in said and "started web" in said, said
    assert runs.read_text() == "once\n"


def test_a_job_is_not_run_again(home):
    runs, go = home.work / "runs", home.work / "go"
    home.ok("apply", write(home, "all.json", {"job": {"type": "job", "script": f"echo once >> {runs}"}, "web": ready_when(go)}), "--no-wait")
    home.ok("stop", "web")
    client = home.popen("start", "job", "web")
    wait_until(lambda: runs.exists() and home.exits("job") and home.state("web") == "launching", 20, "the job has run")
    code, said = die_and_let_it_be_ready(home, client, go)
    assert code == 0 and "ran job" in said, said
    assert runs.read_text() == "once\n"


def test_what_failed_is_told_and_not_tried_again(home):
    runs, go = home.work / "runs", home.work / "go"
    failing = {"script": f"echo once >> {runs}; exit 7", "autorestart": False}
    client = home.popen("start", write(home, "all.json", {"bad": failing, "web": ready_when(go)}))
    wait_until(lambda: home.infos() and home.state("bad") == "errored" and home.state("web") == "launching", 20, "it has failed")
    code, said = die_and_let_it_be_ready(home, client, go)
    assert code == 6 and "failed bad" in said and "exit code 7" in said, said
    assert runs.read_text() == "once\n"


def test_what_somebody_stopped_meanwhile_stays_down(home):
    go = home.work / "go"
    client = home.popen("start", write(home, "all.json", {"a": {"script": "exec sleep 1000"}, "web": ready_when(go)}))
    wait_until(lambda: home.infos() and home.state("a") == "online" and home.state("web") == "launching", 20, "one is up")
    home.ok("stop", "a")
    code, said = die_and_let_it_be_ready(home, client, go)
    assert code == 0 and "left down: a" in said, said
    assert home.state("a") == "stopped" and home.state("web") == "online"


def test_what_somebody_started_meanwhile_stays_up(home):
    home.start("idle", name="a")
    home.start("stubborn", name="b", options=("--kill-timeout", "4s"))
    client = home.popen("stop", "a", "b")
    wait_until(lambda: home.state("a") == "stopped" and home.state("b") == "stopping", 10, "one is down")
    home.ok("start", "a")
    pid = home.pid("a")
    home.wait_new_daemon(home.kill_daemon())
    code, said = answer(client)
    assert code == 0 and home.pid("a") == pid and home.state("b") == "stopped", said
