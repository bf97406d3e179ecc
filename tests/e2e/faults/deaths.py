"""Deaths that several faults begin with."""
import os
import signal

from harness import procs


def kill_both(home):
    """Keeper and daemon at once: stopped first, so that neither sees the other's death."""
    with procs.Held(home.live_pid("daemon_pid")) as daemon, procs.Held(home.live_pid("keeper_pid")) as keeper:
        for process in (daemon, keeper):
            os.kill(process.pid, signal.SIGSTOP)
        for process in (keeper, daemon):
            process.kill_and_wait()
