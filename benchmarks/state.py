"""Whether a table's memory and disk follow what lives in it, and not what was ever in it.

One partition's store, as a lane writes it: in each step a share of the keys is forgotten (a tombstone, and the end of
the timer that led to it), as many new ones come with a timer each, and some of the living are overwritten. After the
filling, the number of living keys stays; so memory and disk must stay too. The slope is that of a straight line through
the steps, the first two left out; a tenth of the size over all steps is noise.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import described
from streams.engine.rocks import Tuning
from streams.engine.store import Store

RESULTS = Path(__file__).parent / "results" / "state.ndjson"
CACHE, BUFFERS = 128 << 20, 256 << 20
"""As in a worker."""
CHUNK = 4_000
VALUE = os.urandom(150) + bytes(150)
"""Half of it cannot be compressed, as in a life."""
WARM_UP = 2
NOISE = 0.1


def main(words: list[str]) -> int:
    """Run it, print the figures, and add them to the history; 1 where memory or disk grows."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='state", description=__doc__)
    parser.add_argument("--keys", type=int, default=10_000_000, help="living keys")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--share", type=float, default=0.25, help="of the keys, forgotten and begun in each step")
    said = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="ses-streams-bench-") as home:
        figures = _measured(Path(home) / "db", said.keys, said.steps, int(said.keys * said.share))
    line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **described(), **figures})
    print(line)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as history:
        history.write(line + "\n")
    return 0 if max(figures["memory_growth"], figures["disk_growth"]) < NOISE else 1


def _measured(path: Path, keys: int, steps: int, moved: int) -> dict[str, Any]:
    store = Store(path, Tuning(CACHE, BUFFERS, 1))
    began = time.monotonic()
    _begin(store, 0, keys)
    filled = time.monotonic() - began
    memory, disk, first_look, seconds = [], [], [], []
    for step in range(steps):
        started = time.monotonic()
        _forget(store, (step + 1) * moved)
        _begin(store, keys + step * moved, moved)
        _overwrite(store, (step + 1) * moved, moved)
        seconds.append(round(time.monotonic() - started, 1))
        store.close()
        store = Store(path, Tuning(CACHE, BUFFERS, 1))
        started = time.monotonic()
        store.due(1, 1)
        first_look.append(round(1000 * (time.monotonic() - started), 1))
        memory.append(_resident())
        disk.append(_size(path))
        print(f"step {step + 1}: {memory[-1]} MB of memory, {disk[-1]} MB of disk", file=sys.stderr)
    store.close()
    return {
        "benchmark": "state",
        "keys": keys,
        "forgotten_a_step": moved,
        "filled_s": round(filled, 1),
        "step_s": seconds,
        "memory_mb": memory,
        "disk_mb": disk,
        "memory_growth": _growth(memory),
        "disk_growth": _growth(disk),
        "first_look_ms": first_look,
    }


def _key(number: int) -> bytes:
    """Return a key; they come in no order, as message ids do."""
    return b"0100018c9f%08x-7d0c2c6e-%012x-000000" % (number * 2_654_435_761 % (1 << 32), number)


def _begin(store: Store, first: int, count: int) -> None:
    """Keep new keys, each chunk with its timer; the time is the number of the key."""
    for start in range(first, first + count, CHUNK):
        keys = [_key(number) for number in range(start, min(start + CHUNK, first + count))]
        store.keep(dict.fromkeys(keys, VALUE), position=start + 1, wake=[(start, keys)], now=start)


def _forget(store: Store, until: int) -> None:
    """Forget the keys whose time has come, as a hop does that is woken."""
    while True:
        due = store.due(until - 1, CHUNK)
        if not due.entries:
            return
        store.keep(dict.fromkeys(due.keys), position=until, fired=due.entries, now=until)


def _overwrite(store: Store, first: int, count: int) -> None:
    for start in range(first, first + count, CHUNK):
        keys = [_key(number) for number in range(start, min(start + CHUNK, first + count))]
        found = store.recall(keys)
        store.keep({key: value for key, value in zip(keys, found, strict=True) if value}, position=start + 1, now=start)


def _resident() -> int:
    """Return this process's memory, MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def _size(path: Path) -> int:
    """Return what a directory's files take, MB."""
    return sum(file.stat().st_size for file in path.iterdir()) >> 20


def _growth(sizes: Sequence[int]) -> float:
    """Return how much of the mean a straight line through the sizes rises, from its first step to its last."""
    kept = sizes[WARM_UP:]
    middle, mean = (len(kept) - 1) / 2, sum(kept) / len(kept)
    spread = sum((at - middle) ** 2 for at in range(len(kept)))
    slope = sum((at - middle) * size for at, size in enumerate(kept)) / spread
    return round(slope * (len(kept) - 1) / mean, 3)
