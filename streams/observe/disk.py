"""How much room the disk of the tables has, asked of the system whenever metrics are read."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path


def room_of(directory: Path) -> Mapping[str, Mapping[tuple[str, ...], float]]:
    """Return the metrics of the disk that *directory* is on; none while it is not there or cannot be asked."""
    try:
        disk = shutil.disk_usage(directory)
    except OSError:
        return {}
    return {"ses_disk_free_bytes": {(): float(disk.free)}, "ses_disk_size_bytes": {(): float(disk.total)}}
