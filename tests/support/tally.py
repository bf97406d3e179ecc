#!/usr/bin/python3
"""Adds up what tests/run has left in its result directory. The last line is "N passed, N failed[, N skipped]"; exit status 1
when anything failed or nothing passed."""
import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

DOCTEST = re.compile(r"^(\d+): \[doctest\] test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped")
CTEST = re.compile(r"^\s*\d+/\d+ Test\s+#(\d+): (\S+) \.+(.*?)\s+[\d.]+ sec")


def tally_ctest(text):
    """Cases of doctest programs; any other ctest test is one case. A program that failed without a failed case (it crashed, hung
    or a sanitizer spoke) is one failure."""
    cases, results = {}, []
    for line in text.splitlines():
        if match := DOCTEST.match(line):
            seen = cases.setdefault(match[1], [0, 0, 0])
            for i in range(3):
                seen[i] += int(match[i + 2])
        elif match := CTEST.match(line):
            results.append((match[1], match[2], match[3].strip()))
    passed = failed = skipped = 0
    names = []
    for number, name, verdict in results:
        counted = cases.get(number)
        ok = verdict.endswith("Passed")
        if "Skipped" in verdict or "Not Run" in verdict and "Disabled" in verdict:
            skipped += 1
            continue
        one = counted or ([1, 0, 0] if ok else [0, 0, 0])
        passed, failed, skipped = passed + one[0], failed + one[1], skipped + one[2]
        if not ok:
            names.append(f"{name}: {verdict}")
            failed += 0 if one[1] else 1
    return passed, failed, skipped, names


def tally_junit(path):
    passed = failed = skipped = 0
    names = []
    for case in xml.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            names.append(f"{case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped, names


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def main(directory):
    total, names = [0, 0, 0], []
    parts = [tally_ctest(p.read_text(errors="replace")) for p in sorted(directory.glob("ctest-*.log"))]
    parts += [tally_junit(p) for p in sorted(directory.glob("*.xml"))]
    parts.append((len(lines(directory / "fuzz-passed")), 0, 0, []))
    broken = lines(directory / "broken")
    parts.append((0, len(broken), 0, broken))
    for part in parts:
        total = [a + b for a, b in zip(total, part)]
        names += part[3]
    for name in names:
        print(f"FAILED {name}")
    print(f"{total[0]} passed, {total[1]} failed" + (f", {total[2]} skipped" if total[2] else ""))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
