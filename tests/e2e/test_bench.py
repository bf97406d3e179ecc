"""The measurements run, and say what they found. (What they find is not judged here: a machine under load misses targets.)"""
import json
import subprocess
import sys

import pytest

from harness.roost import ROOT

sys.path.append(str(ROOT / "bench"))
from lib.figures import Figure, Target, table  # noqa: E402


@pytest.mark.serial
def test_the_bench_measures_commands_and_prints_a_table(release_bin, tmp_path):
    result = tmp_path / "figures.json"
    done = subprocess.run([ROOT / "bench/run", "--quick", "--only", "cli", "--bin", release_bin, "--json", result], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "targets met" in done.stdout and "QUICK" in done.stdout
    figures = {f["figure"]: f for f in json.loads(result.read_text())["figures"]}
    listing = figures["list, 100 apps: CPU of the command"]
    assert listing["roost"] > 0 and listing["floor"] > 0 and listing["met"] in (True, False)
    assert f"{listing['figure']} " in done.stdout


def test_the_bench_names_its_groups_and_refuses_others():
    listed = subprocess.run([ROOT / "bench/run", "--list"], capture_output=True, text=True, timeout=30)
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    assert listed.returncode == 0 and names == ["footprint", "cli", "spawn", "lifecycle", "restart", "logs"]
    assert subprocess.run([ROOT / "bench/run", "--only", "nothing"], capture_output=True, timeout=30).returncode == 2


def test_the_bench_says_what_to_do_without_a_build(tmp_path):
    done = subprocess.run([ROOT / "bench/run", "--bin", tmp_path], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "cmake --preset release" in done.stderr


@pytest.mark.parametrize("target, floor, met, text", [
    (Target(ratio=1.5), 10, True, "≤ 1.5x"), (Target(ratio=1.1), 10, False, "≤ 1.1x"),
    (Target(value=12), None, True, "≤ 12 ms"), (Target(value=11), 10, False, "≤ 11 ms"),
    (Target(ratio=1.1, value=12), 10, True, "≤ 1.1x or 12 ms"), (Target(ratio=1.1, value=11), 10, False, "≤ 1.1x or 11 ms"),
    (Target(ratio=0.85, least=True), 10, True, "≥ 0.85x"), (Target(ratio=1.3, least=True), 10, False, "≥ 1.3x"),
    (Target(ratio=2), None, None, "-"), (None, 10, None, "-")])
def test_a_target_is_met_when_one_of_its_limits_holds(target, floor, met, text):
    figure = Figure("start", "ms", 12, floor, target, group="spawn")
    assert figure.met is met and figure.target_text == text
    row = table([figure]).splitlines()[-1]
    assert row.startswith("start") and row.endswith({True: "met", False: "MISSED", None: "-"}[met])


def test_a_target_of_nothing_is_met_by_nothing_only():
    assert Figure("lost", "", 0, target=Target(value=0)).met is True and Figure("lost", "", 1, target=Target(value=0)).met is False
