"""What stands around the engine's own parts where Faust and aiokafka do in a worker: an app, tables, heartbeats.

Only what recovery and membership ask for. It decides nothing.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from streams.engine.lines import Lines
from streams.engine.membership import Membership

if TYPE_CHECKING:
    from tests.simulation.worker import Worker


class Standing(Membership):
    """The engine's membership, with heartbeats that nobody has to beat: only a frozen process is not heard."""

    is_heard = True

    @property
    def silence(self) -> float:
        """Return for how many seconds the group has not answered."""
        return 0.0 if self.is_heard else super().silence


class App(SimpleNamespace):
    """What recovery asks of the Faust app."""

    def __init__(self, worker: Worker) -> None:
        """Lead to *worker*."""
        super().__init__(
            engine=worker,
            consumer=worker.consumer,
            rebalancing=False,
            in_recovery=False,
            conf=SimpleNamespace(stream_recovery_delay=0.0),
            flow_control=SimpleNamespace(resume=_no_more),
            _fetcher=SimpleNamespace(maybe_start=_nothing),
            on_rebalance_complete=SimpleNamespace(send=_nothing),
            on_rebalance_end=_no_more,
            assignor=SimpleNamespace(assigned_actives=worker.actives, assigned_standbys=worker.standbys),
        )
        self._worker = worker

    @property
    def consumer_generation_id(self) -> int:
        """Return the generation whose partitions we have."""
        return self._worker.generation

    @property
    def should_stop(self) -> bool:
        """Return whether the worker is on its way out."""
        return self._worker.is_stopping or self._worker.failure is not None


async def _nothing() -> None:
    """Do nothing, for whoever awaits it."""


def _no_more(*_: Any) -> None:
    """Do nothing."""


def tables_of(lines: Lines) -> SimpleNamespace:
    """Return what recovery asks of Faust's table manager."""
    return SimpleNamespace(
        changelog_topics={line.changelog for line in lines},
        on_actives_ready=_no_more,
        on_standbys_ready=_no_more,
    )


class NoGlobals:
    """Global tables that have always caught up: in this world everybody reads the broker's own."""

    async def caught_up(self) -> None:
        """Return at once."""
