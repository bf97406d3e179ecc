"""env_file, ${VAR} in files, and which variables of the shell an app gets."""
import pytest

from harness import procs
from harness.roost import victim


def write(home, name, text):
    path = home.work / name
    path.write_text(text)
    return path


def variables(home, name):
    """Of the process itself, not of what roost says."""
    return dict(v.split("=", 1) for v in (e.decode() for e in procs.environ(home.pid(name))) if "=" in v)


def test_env_file_with_quoting_and_precedence(home):
    write(home, ".env", "# settings\nexport PLAIN=two words # comment\nSINGLE='${PLAIN} \\n'\n"
                        'DOUBLE="a\\nb ${PLAIN} ${OUTER} ${NONE:-none}"\nOVER=file\nLATER=1\nMULTI="x\ny"\n')
    write(home, "more.env", "LATER=2\nFROM=${PLAIN:-nothing}\n")
    write(home, "roost.toml", """
        [[apps]]
        name = "a"
        script = "sleep 1000"
        env_file = [".env", "more.env"]
        env = { OVER = "env" }
        env_prod = { OVER = "prod" }
        [[apps]]
        name = "b"
        script = "sleep 1000"
        envFile = ".env"
        """)
    home.ok("start", "roost.toml", env={"OUTER": "outer"})
    a, b = variables(home, "a"), variables(home, "b")
    assert (a["PLAIN"], a["SINGLE"], a["DOUBLE"]) == ("two words", "${PLAIN} \\n", "a\nb two words outer none")
    assert (a["OVER"], a["LATER"], a["MULTI"], a["FROM"]) == ("env", "2", "x\ny", "two words")
    assert (b["OVER"], b["LATER"]) == ("file", "1") and "OUTER" not in b
    home.ok("start", "roost.toml", "--env", "prod", env={"OUTER": "outer"})
    assert variables(home, "a")["OVER"] == "prod"


@pytest.mark.parametrize("name, text, words", [
    (None, "", ["roost.toml:4:12", "env_file", "does not exist", "^"]),
    (".env", "A=1\nTOKEN tk-secret\nB='x\n", [".env:2:7", "expected '='", ".env:3:3", "not closed"]),
    (".env", "A=${NOPE}\n", [".env:1:3", "variable 'NOPE' is not set", "${NOPE:-text}"])])
def test_faults_of_an_env_file_have_their_place(home, name, text, words):
    if name:
        write(home, name, text)
    write(home, "roost.toml", '[[apps]]\nname = "a"\nscript = "sleep 1"\nenv_file = ".env"\n')
    said = home.run("start", "roost.toml", check=2)
    assert not [word for word in words if word not in said.err], said
    assert not home.infos()


def test_values_of_an_env_file_are_in_no_message(home):
    write(home, ".env", "GOOD=1\nSECRET_KEY=hunter2 ${NOPE}\n")
    write(home, "roost.toml", '[[apps]]\nname = "a"\nscript = "sleep 1"\nenv_file = ".env"\n')
    said = home.run("start", "roost.toml", check=2)
    assert ".env:2:12" in said.err and "SECRET_KEY=***" in said.err and "hunter2" not in said.err


def test_variables_in_the_texts_of_a_file(home):
    write(home, "roost.yaml", "apps:\n  - name: ${APP_NAME}\n    script: 'sleep ${TIME:-1000} # $${LITERAL} $HOME'\n"
                              "    instances: ${COUNT}\n    env: {MODE: '${MODE:-dev}'}\n")
    home.ok("start", "roost.yaml", env={"APP_NAME": "web", "COUNT": "2"})
    spec = home.describe("web")[0]["spec"]
    assert spec["script"] == "sleep 1000 # ${LITERAL} $HOME" and spec["instances"] == 2 and spec["env"]["MODE"] == "dev"
    said = home.run("start", "roost.yaml", check=2)
    assert "roost.yaml:2:" in said.err and "variable 'APP_NAME' is not set" in said.err and "^" in said.err
    assert "roost.yaml:4:" in said.err, "all faults at once"


def test_javascript_is_left_alone(home):
    write(home, "x.config.js", "module.exports = [{ name: 'x', script: 'sleep 1000', env: { A: '${B} $$' } }]")
    home.ok("start", "x.config.js")
    assert variables(home, "x")["A"] == "${B} $$"


def test_a_script_gets_the_listed_variables_only(home):
    shell = {"DATABASE_URL": "postgres://secret", "LC_TIME": "C", "NODE_ENV": "test", "TZ": "UTC", "STRANGE": "1", "KNOWN": "1"}
    write(home, ".env", "KNOWN=2\n")
    said = home.ok("start", victim("idle"), "--name", "a", env=shell)
    a = variables(home, "a")
    assert a["LC_TIME"] == "C" and a["NODE_ENV"] == "test" and a["TZ"] == "UTC" and "PATH" in a and "HOME" in a
    assert "STRANGE" not in a and "DATABASE_URL" not in a
    assert "not passed from this shell: DATABASE_URL, KNOWN" in said.err and "secret" not in said.err and "STRANGE" not in said.err
    said = home.ok("start", victim("idle"), "--name", "b", "--pass-env", "STRANGE", "--pass-env", "DATABASE_URL", "--env", "KNOWN=3", env=shell)
    b = variables(home, "b")
    assert b["STRANGE"] == "1" and b["DATABASE_URL"] == "postgres://secret" and b["KNOWN"] == "3" and not said.err
    home.ok("start", victim("idle"), "--name", "c", "--pass-env", "all", env=shell)
    assert variables(home, "c")["STRANGE"] == "1"
