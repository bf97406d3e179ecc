"""The one place in the end-to-end tests that waits. Tests never sleep: they wait for a condition, with a deadline."""
import select
import time


class Deadline(AssertionError):
    pass


def wait_until(condition, seconds=10.0, what=None, step=0.02):
    """Returns the first true value of condition(); raises Deadline when there is none in time."""
    end = time.monotonic() + seconds
    value = None
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise Deadline(f"not within {seconds} s: {what or condition.__name__}; last value: {value!r}")
        select.select([], [], [], step)


def hold_for(condition, seconds, what=None, step=0.02):
    """The condition must stay true for so long (for what must *not* happen: keep it short)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        assert value, f"did not hold: {what or condition.__name__}; value: {value!r}"
        select.select([], [], [], step)
