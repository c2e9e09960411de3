"""Who runs: each contestant's name, how it is started, and whether it is slow. A table, and nothing else.

The slow ones read a workload a tenth of the size: all figures are for one event, and a race has to end the same day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Protocol

from benchmarks.join.field import Run
from benchmarks.join.ours import Ours
from benchmarks.join.peer import Peer
from benchmarks.join.peers import kafka_streams
from benchmarks.join.ran import Ran

PEERS = "benchmarks.join.peers"


class Contestant(Protocol):
    """Whoever can be run."""

    def why_not(self) -> str:
        """Return why it cannot run here; an empty text where it can."""

    def run(self, run: Run) -> Ran:
        """Run it; return the figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One contestant: what people call it, whether it is slow, and whether it writes anything."""

    title: str
    contestant: Contestant
    slow: bool = False
    writes: bool = True


def _of(module: str, what: str, *names: str) -> Any:
    return getattr(import_module(module), what)(*names)


def _absent(module: str, *names: str) -> str:
    try:
        return str(_of(module, "why_not", *names))
    except ModuleNotFoundError as missing:
        return str(missing)


def _venv(name: str) -> Peer:
    venvs = f"{PEERS}.venvs"
    return Peer(
        command=partial(_of, venvs, "command", name),
        variables=partial(_of, venvs, "variables", name),
        absent=partial(_absent, venvs, name),
    )


KAFKA_STREAMS = Peer(command=kafka_streams.command, variables=dict, absent=kafka_streams.why_not)

ENTRIES: Mapping[str, Entry] = {
    "ours": Entry(title="ses-streams", contestant=Ours()),
    "ours-pure": Entry(title="ses-streams, Python only", contestant=Ours(compiled=False)),
    "ours-2": Entry(title="ses-streams, 2 workers", contestant=Ours(workers=2)),
    "kafka-streams": Entry(title="Kafka Streams (Java), RocksDB", contestant=KAFKA_STREAMS),
    "plain": Entry(title="loop by hand, dictionary", contestant=_venv("plain")),
    "bytewax": Entry(title="Bytewax", contestant=_venv("bytewax")),
    "quix": Entry(title="Quix Streams", contestant=_venv("quix"), slow=True),
    "faust-memory": Entry(title="Faust, tables in memory", contestant=_venv("faust-memory"), slow=True),
    "faust": Entry(title="Faust, RocksDB", contestant=_venv("faust"), slow=True),
    "floor": Entry(title="floor: only read and decode", contestant=_venv("floor"), writes=False),
}
