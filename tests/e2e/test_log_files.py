"""Log files in another form than the app's bytes: none, one for several, times, JSON."""
import json
import re

from harness.load import Counter
from harness.roost import check_log, victim
from harness.wait import wait_until

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d: ")
# Each instance counts, as fast as it can, one line in two writes.
COUNTING = 'i=0; while i=$((i+1)); do printf "%s" "$NODE_APP_INSTANCE "; echo "$i"; done'


def text(path):
    return path.read_text() if path.exists() else ""


def shell(home, line, name, *options):
    return home.ok("start", line, "--name", name, *options)


def wait_text(path, expected):
    return wait_until(lambda: text(path) == expected, 15, f"{path.name} holds {expected!r}")


def log_files(home):
    return sorted(p.name for p in home.log_path("x").parent.glob("*.log"))


def test_disable_logs_keeps_nothing_and_holds_up_nobody(home):
    done = home.work / "done"
    shell(home, f"head -c 5000000 /dev/zero; echo err >&2; touch {done}; exec sleep 1000", "quiet", "--disable-logs", "--time")
    wait_until(done.exists, 20, "five megabytes are written")
    assert log_files(home) == []
    told = home.describe("quiet")[0]
    assert told["out_file"] == told["error_file"] == "/dev/null" and told["spec"]["disable_logs"] is True
    assert home.ok("logs", "quiet", "--no-follow").out == ""


def test_files_that_keep_nothing(home):
    (home.work / "roost.toml").write_text("""
[[apps]]
name = "half"
script = "echo out; echo err >&2; exec sleep 1000"
out_file = "NULL"
[[apps]]
name = "none"
script = "echo out; echo err >&2; exec sleep 1001"
disable_logs = true
""")
    said = home.ok("apply")
    assert "without effect" not in said.err
    wait_text(home.log_path("half", "error"), "err\n")
    assert log_files(home) == ["half-error.log"]


def test_merged_logs_are_one_file_of_whole_lines(home):
    shell(home, COUNTING, "many", "-i", "3", "--merge-logs")
    path = home.log_path("many")
    wait_until(lambda: all(f"{slot} 2000\n" in text(path) for slot in range(3)), 60, "each instance has written")
    assert log_files(home) == ["many-out.log"]
    home.wait_new_daemon(home.kill_daemon())
    before = path.stat().st_size
    wait_until(lambda: path.stat().st_size > before + 100_000, 60, "the next daemon goes on")
    home.ok("stop", "many")
    check_counting(home, path, 3)
    shown = home.ok("logs", "many#1", "--no-follow", "--lines", "50", "--json").out.splitlines()
    assert len(shown) == 50 and {json.loads(line)["slot"] for line in shown} == {1}
    assert all(json.loads(line)["message"].startswith("1 ") for line in shown)
    shown = home.ok("logs", "many", "--no-follow", "--lines", "300").out.splitlines()
    assert len(shown) == 300
    # One that was stopped between its two writes has no number.
    strange = [line for line in shown if not re.fullmatch(r"many#(\d) *\| \1 \d*", line)]
    assert not strange and sum(line[-1].isdigit() for line in shown) >= 297, strange[:5]


def check_counting(home, path, instances):
    """Every line of every instance is there once, whole and in order, but for one that was cut off by the stop."""
    wait_until(lambda: all(home.exits("many")), 10, "the exits are recorded")
    expected, wrong = [1] * instances, []
    lines = text(path).split("\n")
    for line in lines:
        slot, _, number = line.partition(" ")
        if number and int(number) == expected[int(slot)]:
            expected[int(slot)] += 1
        elif number or (line.strip() not in {"", *map(str, range(instances))}):
            wrong.append(line)
    assert not wrong and len([line for line in lines if " " not in line.strip()]) <= 2 * instances + 1, wrong[:5]


def test_combined_file_holds_both_streams(home):
    mine = home.work / "sub" / "all.log"
    shell(home, "echo one; sleep 0.3; echo two >&2; exec sleep 1000", "a", "--log", mine)
    shell(home, "echo x; exec sleep 1001", "b", "-l", "true", "-o", "/dev/null", "-e", "NULL")
    wait_until(lambda: sorted(text(mine).split()) == ["one", "two"], 15, "both are in the combined file")
    wait_text(home.log_path("a"), "one\n")
    wait_text(home.log_path("a", "error"), "two\n")
    wait_text(home.log_path("b").with_name("b.log"), "x\n")
    assert log_files(home) == ["a-error.log", "a-out.log", "b.log"]
    assert home.describe("a")[0]["log_file"] == str(mine)
    assert [p.get("pm_log_path") or p["pm2_env"].get("pm_log_path") for p in json.loads(home.ok("jlist", "a").out)] == [str(mine)]
    assert home.ok("logs", "b", "--no-follow").out == "b | x\n"
    home.ok("flush", "a")
    wait_text(mine, "")


def test_time_stands_before_each_line_once(home):
    shell(home, "echo one; echo two; exec sleep 1000", "timed", "--time")
    (home.work / "ecosystem.json").write_text(json.dumps({"apps": [
        {"name": "own", "script": "echo x; exec sleep 1001", "time": True, "log_date_format": "[at] YYYY MMM [end]"},
        {"name": "off", "script": "echo y; exec sleep 1002", "time": False}]}))
    said = home.ok("start", "ecosystem.json", cwd=home.work)
    assert "without effect" not in said.err
    path = home.log_path("timed")
    wait_until(lambda: text(path).count("\n") == 2, 15, "two lines")
    lines = text(path).splitlines()
    assert all(STAMP.match(line) for line in lines) and [STAMP.sub("", line) for line in lines] == ["one", "two"]
    wait_until(lambda: re.fullmatch(r"at \d{4} [A-Z][a-z]{2} end: x\n", text(home.log_path("own"))), 15, "its own format")
    wait_text(home.log_path("off"), "y\n")
    shown = home.ok("logs", "timed", "--no-follow").out.splitlines()
    assert shown == [f"timed | {line}" for line in lines]
    wrong = home.run("start", "sleep 1", "--log-date-format", "a\nb")
    assert wrong.code != 0 and "log_date_format" in wrong.err


def test_json_lines(home):
    shell(home, "echo one; echo 'tw\"o' >&2; exec sleep 1000", "js", "--log-type", "json")
    out, err = home.log_path("js"), home.log_path("js", "error")
    wait_until(lambda: text(out) and text(err), 15, "both streams")
    told = json.loads(text(out))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("timestamp"))
    assert told == {"message": "one\n", "type": "out", "process_id": home.info("js")["id"], "app_name": "js"}
    assert json.loads(text(err))["message"] == 'tw"o\n' and json.loads(text(err))["type"] == "err"
    shown = [json.loads(line) for line in home.ok("logs", "js", "--no-follow", "--json").out.splitlines()]
    assert sorted(line["message"] for line in shown) == ["one", 'tw"o']
    wrong = home.run("start", "sleep 1", "--log-type", "xml")
    assert wrong.code != 0 and "raw, json" in wrong.err


def test_no_line_is_lost_or_doubled_by_kill_9(home):
    """Writers whose every line is known, with times and a combined file, through many deaths of the daemon."""
    counters = {}
    for name in ("w0", "w1"):
        page = home.work / f"{name}.count"
        home.start("writer", 5000, page, name=name, options=["--time", "--log", "true"])
        counters[name] = Counter(page)
    wait_until(lambda: all(c.accepted > 100 for c in counters.values()), 20, "every writer writes")
    for _ in range(8):
        before = {name: c.accepted for name, c in counters.items()}
        home.wait_new_daemon(home.kill_daemon())
        wait_until(lambda b=before: all(c.accepted > b[n] + 500 for n, c in counters.items()), 30, "they write on")
    home.ok("stop", *counters)
    for name, counter in counters.items():
        assert counter.errors == 0 and counter.starts == 1
        for path in (home.log_path(name), home.log_path(name).with_name(f"{name}.log")):
            check_stamped(path, counter)


def check_stamped(path, counter):
    def verdict():
        lines = path.read_text().splitlines(keepends=True)
        bare = path.with_suffix(".bare")
        bare.write_text("".join(STAMP.sub("", line, count=1) for line in lines))
        found = check_log(bare)
        return found if found["last"] >= counter.accepted and all(STAMP.match(line) for line in lines) else None
    found = wait_until(verdict, 15, f"{path.name} has every accepted line")
    assert {k: found[k] for k in ("lost", "duplicated", "torn", "tail")} == dict(lost=0, duplicated=0, torn=0, tail=0), (path.name, found)
    assert found["lines"] == counter.accepted


def test_a_prompt_is_shown_before_its_line_ends(home):
    shell(home, "printf 'name? '; exec sleep 1000", "ask", "--time")
    wait_until(lambda: text(home.log_path("ask")).endswith(": name? "), 15, "the prompt is in the file")
