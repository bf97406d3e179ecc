"""The groups of figures, in the order in which they are measured. Each module has run(bench), and its first line says what it measures."""
from . import cli, footprint, lifecycle, logs, restart, spawn

ALL = {"footprint": footprint, "cli": cli, "spawn": spawn, "lifecycle": lifecycle, "restart": restart, "logs": logs}
