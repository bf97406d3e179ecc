"""The daemon dies between telling the keeper of an app and writing its row: the next one makes the rows right, so that a cold start finds the same."""
import os
import signal

import pytest

from harness import procs
from harness.wait import wait_until


def kill_both(home):
    with procs.Held(home.live_pid("daemon_pid")) as daemon, procs.Held(home.live_pid("keeper_pid")) as keeper:
        for process in (daemon, keeper):  # stopped first: neither may see the other's death
            os.kill(process.pid, signal.SIGSTOP)
        for process in (keeper, daemon):
            process.kill_and_wait()


@pytest.fixture
def dying_home(make_home):
    """A home whose daemon dies at book.after_put once it is armed; `arm` arms it."""
    home = make_home()
    once = home.base / "die-once"
    home.extra_env |= {"ROOST_DIE_AT": "book.after_put", "ROOST_DIE_ONCE": str(once)}

    def arm():
        once.touch()
        return once

    return home, arm


def settle(home, once):
    """The daemon has died at its point, the next one serves and has written what it had to."""
    wait_until(lambda: not once.exists(), 10, "the kill point was passed")
    wait_until(lambda: home.run("ping").code == 0, 10, "a daemon answers")
    home.ok("stop", "other")  # answered when everything before it is on disk


def test_what_was_deleted_stays_deleted(dying_home):
    home, arm = dying_home
    for name in ("gone", "other"):
        home.start("idle", home.work / f"{name}.runs", name=name)
    once = arm()
    home.run("delete", "gone")
    settle(home, once)
    assert [i["name"] for i in home.infos()] == ["other"]
    kill_both(home)
    home.ok("ping")
    assert [i["name"] for i in home.infos()] == ["other"]


def test_what_was_added_is_found_by_a_cold_start(dying_home):
    home, arm = dying_home
    home.start("idle", home.work / "other.runs", name="other")
    once = arm()
    home.run("start", "/bin/sleep", "--name", "new", "--interpreter", "none", "--no-wait", "--", "600")
    settle(home, once)
    assert sorted(i["name"] for i in home.infos()) == ["new", "other"]
    kill_both(home)
    home.ok("ping")
    assert sorted(i["name"] for i in home.infos()) == ["new", "other"]
