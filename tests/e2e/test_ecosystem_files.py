"""Thirty files of apps as people write them give the specs that are written beside them by hand; thirty broken ones are told with line and hint."""
import json
import shutil

import pytest

from harness.roost import ROOT

FILES = ROOT / "tests/golden/ecosystems"
SCRIPTS = ["app.js", "server.js", "worker.py", "dist/main.js", "bin/www.js", "bin/start.sh"]


def names(kind):
    return sorted(p.name for p in (FILES / kind).iterdir() if not p.name.endswith(".expected.json"))


def place(home, kind, name):
    expected = json.loads((FILES / kind / f"{name}.expected.json").read_text())
    for script in SCRIPTS:
        (home.work / script).parent.mkdir(exist_ok=True)
        (home.work / script).write_text("")
    for other, text in expected.get("files", {}).items():
        (home.work / other).write_text(text)
    target = expected.get("rename", name)
    shutil.copy(FILES / kind / name, home.work / target)
    return target, expected


def filled_in(value, home):
    if isinstance(value, str):
        for word, text in (("dir", str(home.work)), ("node", shutil.which("node")), ("python3", shutil.which("python3"))):
            value = value.replace("{%s}" % word, text or "")
        return value
    if isinstance(value, list):
        return [filled_in(item, home) for item in value]
    return {k: filled_in(v, home) for k, v in value.items()} if isinstance(value, dict) else value


def test_there_are_thirty_of_each():
    assert len(names("good")) == len(names("broken")) == 30


@pytest.mark.parametrize("name", names("good"))
def test_a_file_gives_these_specs(home, name):
    target, expected = place(home, "good", name)
    for program in ["node", *expected.get("needs", [])]:
        if shutil.which(program) is None:
            pytest.skip(f"no {program} here")
    checked = home.ok("check", target, "--json", *expected.get("options", []), env=expected.get("env")).json()
    wanted = filled_in(expected["apps"], home)
    assert [app["spec"]["name"] for app in checked["apps"]] == [app["name"] for app in wanted]
    for app, want in zip(checked["apps"], wanted):
        env = want.pop("env", {})
        assert app["start"] == want.pop("start", True)
        assert {key: app["spec"].get(key) for key in want} == want
        assert {key: app["spec"].get("env", {}).get(key) for key in env} == env


@pytest.mark.parametrize("name", names("broken"))
def test_a_broken_file_is_told_with_line_and_hint(home, name):
    target, expected = place(home, "broken", name)
    if ".config." in name and shutil.which("node") is None:
        pytest.skip("no node here")
    said = home.run("check", target)
    assert said.code == expected["code"] and not said.out, said
    for words in expected["said"]:
        assert words in said.err, said
    assert target in said.err
