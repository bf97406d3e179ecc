"""What a person is told: by the names they wrote, without consequences of one fault, and about what is in the way."""
import pytest

from harness.wait import wait_until


def write(home, text, name="roost.toml"):
    path = home.work / name
    path.write_text(text)
    return path


def shown_config(home, app):
    return {one["field"]: (one["value"], one.get("origin")) for one in home.ok("config", "show", app, "--origin", "--json").json()["config"]}


def test_config_show_uses_the_names_of_files(home):
    path = write(home, '[[apps]]\nname = "job"\ntype = "job"\nscript = "echo ran"\ntimeout = "40s"\n'
                       '[[apps]]\nname = "web"\nscript = "exec sleep 1000"\nport = 8123\nipc = true\nmax_restarts = "5/40s"\nwatch = ["src"]\n'
                       'health = { exec = "true", interval = "9s" }\n')
    home.ok("start", path, env={"PORT": "1"}, timeout=110)
    job = shown_config(home, "job")
    assert job["type"] == ("job", f"{path}:3") and job["timeout"] == ("40s", f"{path}:5"), job
    assert not {"job", "job_timeout", "exec_kind", "watch_paths", "max_restarts_within"} & job.keys()
    web = shown_config(home, "web")
    assert web["type"] == ("service", "default") and web["ipc"] == ("true", f"{path}:10"), web
    assert web["env.PORT"] == ("8123", f"{path}:9") and web["max_restarts"] == ("5/40s", f"{path}:11"), web
    assert web["watch"] == (str(home.work / "src"), f"{path}:12"), web
    assert web["health.exec"] == ("true", f"{path}:13") and web["health.interval"] == ("9s", f"{path}:13"), web


@pytest.mark.parametrize("line, fault", [
    ('typ = "job"\nscript = "echo"', "unknown field 'typ'"), ('type = "jobs"\nscript = "echo"', "must be one of service, job"),
    ('type = "job"\nscrpt = "echo"', "unknown field 'scrpt'")])
def test_one_typo_is_one_fault(home, line, fault):
    said = home.run("check", write(home, f'[[apps]]\nname = "a"\n{line}\nschedule = "@daily"\nretries = 3\n'))
    assert said.code == 2 and fault in said.err and said.err.count("roost.toml:") == 1, said


def test_without_apps_it_is_said(home):
    for words in (("graph",), ("start", "all"), ("restart", "all")):
        said = home.ok(*words)
        assert said.out == "" and "no apps yet" in said.err, (words, said)
    assert home.ok("graph", "--json").json() == {"apps": []}


def test_a_probe_that_prints_lines_does_not_break_describe(home):
    home.ok("start", write(home, '[[apps]]\nname = "web"\nscript = "exec sleep 1000"\nhealth = "exec:printf \'one\\\\ntwo\\\\tthree\\\\n\'"\n'), timeout=110)
    wait_until(lambda: home.describe("web")[0].get("health"), 20, "it was probed")
    assert ": one two three\n" in home.ok("describe", "web").out


@pytest.mark.parametrize("kind, word", [("directory", "a directory"), ("file", "no socket"), ("link", "a symbolic link")])
def test_something_else_in_the_place_of_the_socket_is_told(home, kind, word):
    home.path.mkdir(mode=0o700, exist_ok=True)
    place = home.path / "roost.sock"
    if kind == "directory":
        place.mkdir()
    elif kind == "file":
        place.write_text("")
    else:
        place.symlink_to("/nowhere")
    said = home.run("list")
    assert said.code == 1 and "roost.sock' is " + word in said.err and "move it away" in said.err, said
    assert not (home.path / "roostd.pid").exists(), "no daemon was started in vain"
    place.rmdir() if kind == "directory" else place.unlink()
    home.ok("list")


@pytest.mark.parametrize("targets", [[], ["all"], ["w*"]])
def test_logs_that_follow_pick_up_apps_that_come_later(home, targets):
    home.ok("start", "echo first; exec sleep 1000", "--name", "w1")
    text = home.work / "followed"
    with text.open("wb") as out, home.popen("logs", *targets, "-f", stdout=out, stderr=None) as following:
        wait_until(lambda: text.read_bytes() == b"w1 | first\n", 20, "the first one")
        home.ok("start", "echo one; echo two; exec sleep 1000", "--name", "w2")
        wait_until(lambda: text.read_bytes().endswith(b"w2 | one\nw2 | two\n"), 30, "one that came later")
        home.wait_new_daemon(home.kill_daemon())
        home.ok("start", "echo three; exec sleep 1000", "--name", "w3")
        wait_until(lambda: text.read_bytes().endswith(b"w3 | three\n"), 30, "also with the next daemon")
        following.kill()
    assert text.read_bytes() == b"w1 | first\nw2 | one\nw2 | two\nw3 | three\n", "nothing twice"


def test_logs_that_follow_tell_later_instances_of_a_merged_app_apart(home):
    home.ok("start", "echo first; exec sleep 1000", "--name", "w1")
    text = home.work / "followed"

    def seen():  # label and text of each kind of line
        return {tuple(part.strip() for part in line.split("|")) for line in text.read_text().splitlines() if line.startswith("m")}

    with text.open("wb") as out, home.popen("logs", "-f", stdout=out, stderr=None) as following:
        wait_until(lambda: text.read_bytes().endswith(b"| first\n"), 20, "the first one")
        home.ok("start", "while sleep 0.3; do echo i$NODE_APP_INSTANCE; done", "--name", "m", "-i", "2", "--merge-logs")
        wait_until(lambda: len(seen()) == 2, 30, "both instances that came later")
        home.ok("scale", "m", "3")
        wait_until(lambda: len(seen()) == 3, 30, "the third")
        following.kill()
    assert {(label[-2:], line) for label, line in seen()} >= {("#1", "i1"), ("#2", "i2")}, seen()
