"""The page in which apps note what they do and when (floors/common.h has its layout)."""
import mmap
import struct

from harness.wait import wait_until

STARTED, BEGUN, WRITTEN = 1, 2, 3
HEAD, EVENT, MOST = struct.Struct("<QQ"), struct.Struct("<QII"), 16384


class Events:
    def __init__(self, path):
        self.path = str(path)
        with open(self.path, "w+b") as file:
            file.truncate(HEAD.size + MOST * EVENT.size)
            self.page = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)

    def count(self):
        return HEAD.unpack_from(self.page)[0]

    def of(self, what, since=0):
        """[(ns, pid)] of one kind, from event number `since` on."""
        events = (EVENT.unpack_from(self.page, HEAD.size + i * EVENT.size) for i in range(since, min(self.count(), MOST)))
        return [(ns, pid) for ns, pid, kind in events if kind == what]

    def wait(self, what, count, seconds, since=0):
        """The events, as soon as there are so many."""
        def enough():
            found = self.of(what, since) if self.count() - since >= count else []
            return found if len(found) >= count else None
        return wait_until(enough, seconds, f"{count} events of kind {what}", step=0.002)

    def last_start(self, count, seconds=60, since=0):
        """When the last of `count` processes has started (ns)."""
        return max(ns for ns, _ in self.wait(STARTED, count, seconds, since))

    def pids(self, since=0):
        return [pid for _, pid in self.of(STARTED, since)]
