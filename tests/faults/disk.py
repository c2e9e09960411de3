"""A small disk that can be filled: a file system in memory, mounted where somebody keeps data. It needs root."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

BALLAST = "ballast"
AT_A_TIME = 1 << 20


def can_mount() -> bool:
    """Tell whether this user may mount at all, by trying."""
    return (
        os.geteuid() == 0 and not subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode
    )


class SmallDisk:
    """What is below *path*, with room for *size_mb*."""

    def __init__(self, path: Path) -> None:
        """Take a disk that is mounted."""
        self._path = path

    def fill(self) -> None:
        """Leave no room, whoever was quicker."""
        block = bytes(AT_A_TIME)
        with (self._path / BALLAST).open("ab", buffering=0) as ballast:
            while block:
                try:
                    ballast.write(block)
                except OSError as exc:
                    if exc.errno != errno.ENOSPC:
                        raise
                    block = block[: len(block) // 2]

    def free(self) -> None:
        """Make room again."""
        (self._path / BALLAST).unlink()


@contextlib.contextmanager
def small_disk(path: Path, size_mb: int) -> Iterator[SmallDisk]:
    """Mount one at *path*; what is on it is gone afterwards."""
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "ses-streams-test", str(path)], check=True)
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
