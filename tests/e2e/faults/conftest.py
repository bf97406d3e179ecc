"""Small disks and clumsy neighbours. What a fixture here makes is taken away after the homes that use it are closed: name it before them."""
import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

KIB, MIB = 1 << 10, 1 << 20


class Disk:
    """A tmpfs of its own: full in a moment, and again with room."""

    def __init__(self, size):
        self.path = Path(tempfile.mkdtemp(prefix="roost-t-disk-", dir=os.environ.get("ROOST_TEST_TMP", "/tmp")))
        self.ballast = self.path / "ballast"
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "roost-t-disk", self.path]
        self.mounted = subprocess.run(mount, check=False).returncode == 0

    def fill(self, leave=0):
        """Leaves so many bytes of room, in whole pages."""
        with open(self.ballast, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError as error:
                assert error.errno == errno.ENOSPC, error
            file.truncate(max(0, file.seek(0, os.SEEK_END) - leave))
        if leave == 0:
            assert self.free() == 0

    def make_room(self):
        self.ballast.unlink()

    def free(self):
        state = os.statvfs(self.path)
        return state.f_bavail * state.f_frsize

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.path], check=True)
        shutil.rmtree(self.path, ignore_errors=True)


@pytest.fixture
def small_disk():
    """small_disk(bytes): a mounted Disk."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mounts a small disk")
    disks = []

    def make(size=4 * MIB):
        disks.append(Disk(size))
        if not disks[-1].mounted:
            pytest.skip("no tmpfs can be mounted here")
        return disks[-1]

    yield make
    for disk in disks:
        disk.close()
