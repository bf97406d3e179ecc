"""Two commands about one app at once: each is told the truth, and what is shown is what runs."""
import pytest

from harness import procs
from harness.wait import wait_until

FILE = """
[[apps]]
name = "slow"
script = "{script}"
interpreter = "/bin/sh"
args = ["1", "{ready}"]
env = { COLOUR = "blue" }
"""


@pytest.fixture
def slow(home):
    """An app of a file that takes a second to stop; slow(colour) writes the file."""
    from harness.roost import victim

    def write(colour):
        text = FILE.replace("{script}", victim("slow_stop.sh")).replace("{ready}", str(home.work / "ready"))
        (home.work / "roost.toml").write_text(text.replace("blue", colour))

    write("blue")
    home.ok("start", "roost.toml")
    wait_until((home.work / "ready").exists, 5, "it is ready")
    return write


def in_the_middle(home, *command):
    """The command's client, as soon as the app is being stopped."""
    client = home.popen(*command)
    wait_until(lambda: home.state("slow") == "stopping", 5, "it is being stopped")
    return client


def end(client):
    out, err = client.communicate(timeout=30)
    return client.returncode, out.decode() + err.decode()


def colour_of_the_process(home):
    with open(f"/proc/{home.pid('slow')}/environ", "rb") as file:
        return dict(entry.split(b"=", 1) for entry in file.read().split(b"\0") if entry)[b"COLOUR"].decode()


@pytest.mark.parametrize("other", ["restart", "start"])
def test_an_apply_and_somebody_who_starts_the_app(home, slow, other):
    slow("red")
    client = in_the_middle(home, "start", "roost.toml")
    home.run(other, "slow")
    code, said = end(client)
    assert code == 0 and colour_of_the_process(home) == "red", said


def test_kill_in_the_middle_of_an_apply(home, slow):
    slow("red")
    pid = home.pid("slow")
    client = in_the_middle(home, "start", "roost.toml")
    home.ok("kill")
    code, _ = end(client)
    assert code != 0 and not procs.alive(pid)
    assert not [p for p in home.processes() if "slow_stop" in procs.command(p)]
    assert home.state("slow") == "stopped"


def test_a_delete_is_not_told_of_what_was_started_again(home, slow):
    client = in_the_middle(home, "delete", "slow")
    home.run("start", "slow")
    code, said = end(client)
    there = any(i["name"] == "slow" for i in home.infos())
    assert there == (code != 0), (there, said)


def test_the_saved_list_outlives_its_database(home, slow):
    home.ok("save")
    (home.path / "state.db").unlink()
    home.ok("restart", "slow")  # the store finds out
    wait_until((home.path / "state.db").exists, 10, "the database is made again")
    home.ok("stop", "slow")
    home.kill_daemon()
    home.ok("delete", "slow")
    assert "started slow" in home.ok("resurrect").out
