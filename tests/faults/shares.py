"""Which partitions each worker says are its own, by its metrics."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.process import Worker
from tests.faults.stage import Stage


def share_all(stage: Stage, names: Sequence[str]) -> bool:
    """Tell whether each of some workers has partitions, all together have all, and none has another's."""
    shares = [_share(stage.worker(name, start=False)) for name in names]
    whole = set().union(*shares)
    return all(shares) and sum(map(len, shares)) == len(whole) == len(stage.setting.inputs) * stage.setting.partitions


def _share(worker: Worker) -> set[tuple[tuple[str, str], ...]]:
    return set((worker.page() or {}).get("ses_consumer_lag", {}))
