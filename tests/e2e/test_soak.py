"""An hour of fifty apps with crashes, floods, restarts, deletes, clients that come and go, and kills of the daemon: at the end keeper and
daemon hold what they held after minute 5, and nothing was lost.

    ROOST_TIER=full ROOST_SOAK_SECONDS=300 python3 -m pytest tests/e2e/test_soak.py -s

ROOST_SOAK_SEED repeats one."""
import os
import time

import pytest

from harness.soak import Soak

SECONDS = int(os.environ.get("ROOST_SOAK_SECONDS", "3600"))
SEED = int(os.environ.get("ROOST_SOAK_SEED", "20261128"))
PARTS = 12  # the first ends at minute 5 of an hour
PARTS_WITHOUT_KILLS = 4  # the last ones: a daemon that has lived for long


def grown(before, after, what):
    """Memory is not exact: a tenth and a MiB are its noise."""
    return after[what] > before[what] * 1.1 + 1024


@pytest.mark.full
@pytest.mark.serial
@pytest.mark.time_limit(SECONDS + 1800)
def test_an_hour_of_bad_luck(release_home):
    home = release_home
    soak = Soak(home, SEED)
    keeper, samples, begin = home.keeper_pid, [], time.monotonic()
    try:
        for part in range(PARTS):
            soak.run(SECONDS / PARTS, kills=part < PARTS - PARTS_WITHOUT_KILLS)
            soak.still()
            soak.check()
            samples.append(soak.sample())
            print(f"{time.monotonic() - begin:6.0f} s  {samples[-1]!r}", flush=True)
            if part < PARTS - 1:
                soak.go_on()
    finally:
        soak.close()
    print(f"seed {SEED}: {dict(soak.done)}")
    soak.check_logs()
    assert home.keeper_pid == keeper
    assert soak.done["kill_daemon"] > 0 and min(soak.done.values()) > 0
    for which in ("keeper", "daemon"):
        first, last = samples[0].of(which), samples[-1].of(which)
        assert (last["fds"], last["threads"]) == (first["fds"], first["threads"]), (which, first, last)
        assert not grown(first, last, "rss") and not grown(first, last, "anonymous"), (which, first, last)
