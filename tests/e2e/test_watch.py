"""watch: a changed file restarts the app, once, and the reason names it."""
import os
import re
import time

import pytest

from harness import procs
from harness.wait import hold_for, wait_until


@pytest.fixture
def tree(home):
    root = home.work / "site"
    (root / "src").mkdir(parents=True)
    (root / "src/app.js").write_text("1")
    return root


def start(home, root, *options, name="app"):
    home.ok("start", "sleep 1000", "--name", name, "--cwd", root, "--watch", *options)
    watched(home, name)


def watched(home, name="app"):
    wait_until(lambda: re.match(r"\d+ director", home.describe(name)[0].get("watching", "")), 20, "its directories are watched")


def restarts(home, name="app"):
    return home.info(name)["restarts"]


def reasons(home, name="app"):
    return [e.get("decision", "") for e in home.exits(name)]


def restarted(home, times=1, name="app"):
    wait_until(lambda: restarts(home, name) == times and home.state(name, 0) == "online" and len(home.exits(name)) == times, 20, f"restarted {times} times")


def touch_until_seen(home, path, name="app"):
    before = restarts(home, name)
    path.write_text("x")
    wait_until(lambda: restarts(home, name) > before, 20, f"a change of {path} is seen")


def test_a_change_restarts_and_names_the_file(home, tree):
    start(home, tree)
    (tree / "src/app.js").write_text("2")
    restarted(home)
    assert reasons(home)[0] == "src/app.js changed"
    assert "watched" in home.ok("describe", "app").out


def test_all_ways_of_changing(home, tree):
    start(home, tree)
    steps = [lambda: (tree / "new.js").write_text("1"), lambda: os.replace(tree / "new.js", tree / "other.js"),
             lambda: (tree / "other.js").unlink(), lambda: (tree / "more/deep").mkdir(parents=True)]
    for number, step in enumerate(steps, 1):
        step()
        restarted(home, number)
    wait_until(lambda: home.describe("app")[0]["watching"] == "4 directories", 20, "the new ones too")
    (tree / "more/deep/x.js").write_text("1")
    restarted(home, 5)
    assert reasons(home)[0] == "more/deep/x.js changed"
    os.rename(tree / "more", home.work / "away")
    restarted(home, 6)
    (home.work / "away/deep/x.js").write_text("2")
    hold_for(lambda: restarts(home) == 6, 0.6, "what was moved away is not watched")


def test_a_burst_is_one_restart(home, tree):
    start(home, tree, "--watch-delay", "1s")
    for number in range(500):
        (tree / "src" / f"file{number}.js").write_text("x")
    restarted(home)
    assert re.fullmatch(r"src/file0\.js and \d+ more changed", reasons(home)[0]), reasons(home)
    hold_for(lambda: restarts(home) == 1, 1.5, "one restart only")


def test_what_does_not_count(home, tree):
    (tree / ".gitignore").write_text("build/\n*.tmp\n!keep.tmp\n")
    for directory in ("node_modules/x", ".git", "logs", "build", "data"):
        (tree / directory).mkdir(parents=True)
    start(home, tree, "--ignore-watch", "data *.bak", "-o", "own-output.txt", "--no-wait")
    for path in ("node_modules/x/index.js", ".git/index", "logs/a", "x.log", "x.pid", ".env", "build/o", "a.tmp", "data/rows", "x.bak", "own-output.txt"):
        (tree / path).write_text("x")
    hold_for(lambda: restarts(home) == 0, 1, "none of these counts")
    touch_until_seen(home, tree / "keep.tmp")


def test_its_own_combined_log_does_not_count(home, tree):
    home.ok("start", "echo hello; exec sleep 1000", "--name", "app", "--cwd", tree, "--watch", "--log", "combined.txt")
    watched(home)
    touch_until_seen(home, tree / "src/app.js")
    wait_until((tree / "combined.txt.marks").exists, 20, "it has written")
    seen = restarts(home)
    hold_for(lambda: restarts(home) == seen, 1, "what it writes does not count")


def test_a_list_of_paths_and_single_files(home, tree):
    (tree / "lib").mkdir()
    (tree / "config.yml").write_text("a")
    file = home.work / "apps.yaml"
    file.write_text(f"apps:\n  - name: app\n    script: sleep 1000\n    cwd: {tree}\n    watch: [lib, config.yml]\n    watch_delay: 100\n"
                    "    watch_options: {followSymlinks: false}\n    ignore_watch: ['*.md']\n")
    home.ok("start", file)
    watched(home)
    (tree / "src/app.js").write_text("3")
    (tree / "lib/readme.md").write_text("3")
    hold_for(lambda: restarts(home) == 0, 0.6, "not watched")
    (tree / "lib/x.js").write_text("1")
    restarted(home, 1)
    os.replace(tree / "src/app.js", tree / "config.yml")
    restarted(home, 2)
    assert reasons(home) == ["config.yml changed", "x.js changed"]


def test_a_stopped_app_stays_down_and_is_watched_again_when_it_runs(home, tree):
    start(home, tree)
    home.ok("stop", "app")
    (tree / "src/app.js").write_text("2")
    hold_for(lambda: home.state("app") == "stopped", 1, "a change does not start it")
    assert "watching" not in home.describe("app")[0] or home.describe("app")[0]["watching"] == ""
    home.ok("start", "app")
    watched(home)
    touch_until_seen(home, tree / "src/app.js")


def test_one_that_has_given_up_gets_another_chance(home, tree):
    home.run("start", "test -e fixed && sleep 1000", "--name", "app", "--cwd", tree, "--watch", "--max-restarts", "0", "--no-wait")
    home.wait_state("app", "errored", 20)
    watched(home)
    (tree / "fixed").write_text("")
    home.wait_state("app", "online", 20)


def test_the_watch_lives_again_after_the_daemons_death(home, tree):
    start(home, tree)
    pid = home.pid("app")
    home.wait_new_daemon(home.kill_daemon())
    watched(home)
    assert home.pid("app") == pid
    touch_until_seen(home, tree / "src/app.js")


def test_two_apps_and_two_instances_on_one_tree(home, tree):
    start(home, tree, "-i", "2", name="a")
    start(home, tree, name="b")
    with_inotify = [fd for fd in os.listdir(f"/proc/{home.daemon_pid}/fd") if "inotify" in os.readlink(f"/proc/{home.daemon_pid}/fd/{fd}")]
    assert len(with_inotify) == 2, "one for the home, one for all apps"
    (tree / "src/app.js").write_text("2")
    wait_until(lambda: all(home.info(n, s)["restarts"] == 1 for n, s in (("a", 0), ("a", 1), ("b", 0))), 20, "all are restarted")
    home.ok("delete", "a")
    touch_until_seen(home, tree / "src/app.js", "b")


def test_a_tree_that_is_replaced(home, tree):
    start(home, tree / "src")
    os.rename(tree / "src", tree / "old")
    (tree / "src").mkdir()
    (tree / "src/app.js").write_text("2")
    wait_until(lambda: home.describe("app")[0].get("watching") == "1 directory", 20, "the new one is watched")

    def seen():
        (tree / "src/app.js").write_text("3")
        return restarts(home) > 0
    wait_until(seen, 30, "a change in the new tree is seen", step=0.5)


def test_twenty_thousand_files_begin_fast_and_cost_nothing(release_home):
    home = release_home
    root = home.work / "big"
    for number in range(2000):
        directory = root / f"d{number // 50}" / f"e{number}"
        directory.mkdir(parents=True)
        for name in range(10):
            (directory / f"f{name}").touch()
    home.ok("start", "sleep 1000", "--name", "warm")  # the daemon is there
    begin = time.monotonic()
    start(home, root)
    assert time.monotonic() - begin < 5, "a second, on a machine that has nothing else to do"
    used = procs.stat_fields(home.daemon_pid)[11:13]
    hold_for(lambda: True, 2, step=2)
    now = procs.stat_fields(home.daemon_pid)[11:13]
    assert sum(map(int, now)) - sum(map(int, used)) <= 1, "idle"
    (root / "d7/e355/f3").write_text("x")
    restarted(home)
    assert reasons(home)[0] == "d7/e355/f3 changed"


def test_the_limit_of_inotify_is_told(home, tree):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    knob = "/proc/sys/user/max_inotify_watches"
    if not os.path.exists(knob):
        pytest.skip("no user namespaces")
    for number in range(40):
        (tree / f"dir{number}").mkdir()
    # In a user namespace of its own, whose limit is another.
    line = f"echo 20 > {knob}; exec {home.bin / 'roost'} start 'sleep 1000' --name app --cwd {tree} --watch"
    done = home.run("ping", prefix=["unshare", "-Ur", "sh", "-c", line])
    if done.code != 0:
        pytest.skip(f"no user namespaces here: {done}")
    wait_until(lambda: "max_user_watches" in home.info("app").get("reason", ""), 20, "the limit is named in the list")
    assert "sysctl -w fs.inotify.max_user_watches" in home.ok("describe", "app").out + home.daemon_log()
