"""The product's worker as benchmarks run it: observing, in one group, told everything by its environment.

What it takes to start, and what the kernel says of it. How it is fed, and what is done with the figures, is each
benchmark's own affair.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import cpu_of, peak_of
from streams.demo.worker import Worker

PREFIX, GROUP = "ses.", "ses-streams-bench"
PATIENCE_S = 600.0
_UP_TO_DATE = re.compile(r"state of \d+ partitions is up to date after ([\d.]+) s")


def variables(brokers: str, partitions: int, instance: str = "") -> dict[str, str]:
    """Return a worker's settings.

    One with an *instance* name has its partitions back at once after a kill, and keeps them for a session's time after
    an orderly stop.
    """
    said = {
        "BROKERS": brokers,
        "GROUP": GROUP,
        "PARTITIONS": partitions,
        "REPLICATION": 1,
        "DISPATCH__ENABLED": "false",
    }
    if instance:
        said["ENGINE__INSTANCE_ID"] = instance
    return {f"SES_STREAMS_{name}": str(value) for name, value in said.items()}


def until_ready(worker: Worker, patience: float = PATIENCE_S) -> float:
    """Start the worker and wait until it says that it is ready; return the seconds."""
    began = time.monotonic()
    worker.start()
    while not worker.ready():
        worker.check()
        if time.monotonic() - began > patience:
            raise TimeoutError(f"not ready after {patience:.0f} s:\n{worker.last_words()}")
        time.sleep(0.02)
    return time.monotonic() - began


def come_up_to_date(worker: Worker, records: int, patience: float = PATIENCE_S) -> dict[str, Any]:
    """Start the worker and wait until it is ready; return what it took to read *records* of its changelogs.

    Records a second are over the time of the recovery alone, as its log has it.
    """
    before = len(recoveries(worker))
    ready = until_ready(worker, patience)
    seconds = recoveries(worker)[before]
    return {
        "ready_s": round(ready, 2),
        "recovery_s": seconds,
        "records_per_s": round(records / seconds) if records and seconds else None,
        "cpu_s": round(cpu_s(worker), 1),
        "peak_mb": peak_mb(worker),
    }


def recoveries(worker: Worker) -> list[float]:
    """Return the seconds of each recovery that the worker's log tells of."""
    text = worker.log.read_text(errors="replace") if worker.log.exists() else ""
    return [float(found) for found in _UP_TO_DATE.findall(text)]


def cpu_s(worker: Worker) -> float:
    """Return the processor time that the worker has used in this life so far, seconds."""
    return cpu_of([worker.pid or 0])


def peak_mb(worker: Worker) -> int:
    """Return the most memory that the worker has had in this life so far, MB."""
    return round(peak_of([worker.pid or 0]))


def memory_mb(worker: Worker) -> float:
    """Return the worker's memory now, MB."""
    status = Path(f"/proc/{worker.pid}/status").read_text(encoding="ascii")
    return round(int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024, 1)
