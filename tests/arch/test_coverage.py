"""The surface is covered: every method and every command is used by an end-to-end test and has a line in the documentation; every kill point, exit
code and limit is documented. A new one without these fails here."""
import re

import pytest

from conftest import ROOT

END_TO_END = "\n".join(p.read_text() for p in sorted((ROOT / "tests/e2e").rglob("*.py")))
# Which command (or raw call) of an end-to-end test exercises a method; the methods themselves come from ipc/methods.h.
COMMAND_OF_METHOD = {"daemon.kill": "kill", "app.start": "start", "app.restart": "restart", "app.stop": "stop", "app.delete": "delete", "app.list": "list",
                     "app.describe": "describe", "app.reset": "reset", "app.signal": "signal", "app.logs": "logs", "app.jlist": "jlist",
                     "app.flush": "flush", "app.scale": "scale", "daemon.save": "save", "app.resurrect": "resurrect", "app.events": "events",
                     "daemon.stats": "daemon", "daemon.update": "update", "app.apply": "start", "app.undo": "undo", "app.history": "history"}


def methods():
    return re.findall(r'Method<[^>]+>\s+k\w+\{\s*"([^"]+)"', (ROOT / "ipc/methods.h").read_text(), re.S)


def commands():
    text = (ROOT / "cli/commands.cpp").read_text()
    table = text[text.index("kCommands{{"):]
    return re.findall(r'\{"([a-z_]+)",\s*"[^"]*",\s*Group::', table[:table.index("}};")])


def read(path):
    file = ROOT / path
    return file.read_text() if file.exists() else ""


def test_tables_are_found():
    assert len(methods()) >= 10 and len(commands()) >= 12


@pytest.mark.parametrize("method", methods())
def test_method_has_an_end_to_end_test(method):
    command = COMMAND_OF_METHOD.get(method)
    used = f'"{method}"' in END_TO_END or (command and re.search(rf'(ok|run|popen)\(\s*\[?"{command}"', END_TO_END))
    assert used, f"no end-to-end test uses {method}"


@pytest.mark.parametrize("method", methods())
def test_method_is_documented(method):
    assert method in read("docs/protocol.md"), f"docs/protocol.md does not know {method}"


@pytest.mark.parametrize("command", commands())
def test_command_has_an_end_to_end_test(command):
    assert re.search(rf'(ok|run|popen)\(\s*"{command}"|\["{command}"', END_TO_END), f"no end-to-end test runs roost {command}"


@pytest.mark.parametrize("command", commands())
def test_command_is_documented(command):
    assert re.search(rf"`roost {command}\b|`{command}\b", read("README.md")), f"README.md does not know {command}"


@pytest.mark.parametrize("command", commands())
def test_command_has_its_own_file(command):
    assert (ROOT / f"cli/commands/{command}.cpp").exists()


def test_fields_of_files_are_documented():
    fields = re.findall(r'^\s+Field\{"([a-z_]+)"', read("config/fields.cpp"), re.M)
    assert len(fields) > 40 and not [f for f in fields if f"`{f}`" not in read("docs/config.md")]


def test_exit_codes_are_documented():
    codes = re.findall(r"^\s+(\w+) = (\d+)", read("cli/exit_codes.h"), re.M)
    assert len(codes) >= 9
    text = read("docs/exit-codes.md")
    for name, number in codes:
        assert re.search(rf"\b{number}\b", text), f"docs/exit-codes.md does not know {number} ({name})"


def test_kill_points_are_documented():
    names = set()
    for folder in ("core", "daemon", "store", "keeper"):
        for path in (ROOT / folder).rglob("*.cpp"):
            names |= set(re.findall(r'kill_point\("([^"]+)"\)', path.read_text()))
    text = read("docs/design/kill-points.md")
    assert names and not {n for n in names if n not in text}, {n for n in names if n not in text}


def test_generated_documentation_is_not_stale():
    """Whoever generates it says how at its top."""
    text = read("docs/protocol.md")
    assert text and "enerated" in text[:1000]


def test_the_schema_knows_every_field():
    """That it is current is a unit test of config; here it is what an editor needs."""
    import json
    properties = json.loads(read("docs/roost.schema.json"))["definitions"]["app"]["properties"]
    fields = re.findall(r'^\s+Field\{"([a-z_]+)"', read("config/fields.cpp"), re.M)
    assert not [f for f in fields if f not in properties]
    assert "camelCase" not in properties and "killTimeout" in properties
