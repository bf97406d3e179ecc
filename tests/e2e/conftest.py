"""Fixtures: every test has its own home, and leaves no process, no control group and no sanitizer report behind."""
import os
import shutil
import signal
import stat
import tempfile
import threading
from pathlib import Path

import pytest

from harness.roost import BIN_DIR, FULL, RELEASE_BIN_DIR, Home

# A shell that runs the tests in the background ignores SIGINT, and so would all they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)



def pytest_configure(config):
    config.addinivalue_line("markers", "serial: measures time or needs the machine for itself; not run in parallel")
    config.addinivalue_line("markers", "full: only with ROOST_TIER=full")
    config.addinivalue_line("markers", "root: needs root")
    config.addinivalue_line("markers", "time_limit(seconds): how long it may take")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("full") and not FULL:
            item.add_marker(pytest.mark.skip(reason="only in the full tier (tests/run --full)"))
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    setattr(item, "report_" + report.when, report)
    if report.when == "call" and report.failed:
        for home in getattr(item, "roost_homes", []):
            report.sections.append(("roost", home.evidence()))


@pytest.fixture(autouse=True)
def time_limit(request):
    """No test hangs: two minutes, or an hour in the full tier's long ones, or what a test says."""
    limit = 3600 if request.node.get_closest_marker("full") or FULL else 120
    if own := request.node.get_closest_marker("time_limit"):
        limit = own.args[0]

    def expired(*_):
        raise TimeoutError(f"the test took longer than {limit} s")

    if threading.current_thread() is not threading.main_thread():  # a parallel worker may run tests elsewhere
        yield
        return
    previous = signal.signal(signal.SIGALRM, expired)
    signal.alarm(limit)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture
def make_home(request):
    """Makes homes: make_home(bin_dir=…, deep=True, env={…})."""
    homes = []
    request.node.roost_homes = homes

    def make(**options):
        assert (BIN_DIR / "roost").exists(), f"no roost in {BIN_DIR}: build first, or set ROOST_BIN_DIR"
        homes.append(Home(**options))
        return homes[-1]

    yield make
    complaints = []
    for home in homes:
        complaints += home.close()
    failed = complaints or getattr(request.node, "report_call", None) is None or request.node.report_call.failed
    keep = os.environ.get("ROOST_KEEP_HOMES") and failed
    for home in homes:
        evidence = home.evidence() if complaints else ""
        if not keep:
            home.remove()
        if complaints:
            complaints.append(evidence)
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def home(make_home):
    return make_home()


@pytest.fixture
def release_bin():
    """The release binaries: what is measured is measured on them."""
    if not (RELEASE_BIN_DIR / "roostd").exists():
        pytest.skip(f"no release build in {RELEASE_BIN_DIR}")
    return RELEASE_BIN_DIR


@pytest.fixture
def release_home(make_home, release_bin):
    return make_home(bin_dir=release_bin)


def everybody_may_enter(directory):
    return all(path.stat().st_mode & stat.S_IXOTH for path in (directory, *directory.parents))


@pytest.fixture
def public_bin():
    """The binaries where other users may execute them: a checkout below /root is closed to them."""
    if everybody_may_enter(BIN_DIR):
        yield BIN_DIR
        return
    copy = Path(tempfile.mkdtemp(prefix="roost-bin-"))
    copy.chmod(0o755)
    for name in ("roost", "roostd", "roost-keeper"):
        shutil.copy2(BIN_DIR / name, copy / name)
    yield copy
    shutil.rmtree(copy)


@pytest.fixture
def outsider():
    """The prefix that makes a command run as uid 65534."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv")
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
