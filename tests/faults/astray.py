"""A worker whose clock is wrong: ``python -m tests.faults.astray FILE``.

FILE holds by how many seconds it is ahead, and may change at any time.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from streams.cli import main

_FILE = Path(sys.argv[1])
_right = time.time
_looked_at, _by = -1.0, 0.0
LOOK_S = 0.05


def _wrong() -> float:
    global _looked_at, _by
    if time.monotonic() - _looked_at > LOOK_S:
        _looked_at, _by = time.monotonic(), float(_FILE.read_text("utf-8") or _by)
    return _right() + _by


if __name__ == "__main__":
    time.time = _wrong
    sys.argv[1:] = ["worker"]
    main()
