"""Tables as seen from outside of the hops: what is stored under a key, and which worker has it.

For whoever answers questions; hops recall their state by their lane. Only a worker whose lane is open answers, for its
store alone is whole: a standby is behind, a recovery is under way, and a worker that was not heard of for too long may
have been replaced. Nothing here knows what the values mean, and nothing changes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from faust.types import TP

from streams.engine.assignor import Assignor
from streams.errors import NotOurs, NotReady
from streams.partition import partitions

if TYPE_CHECKING:
    from streams.engine.app import ChunkApp


class Tables:
    """Looks into the tables of a worker. Call it in the engine's loop.

    *url* is where this worker answers, for the others to know; to be set before the engine prepares itself.
    """

    def __init__(self, engine: ChunkApp) -> None:
        """Start without anything to look into."""
        self._engine = engine
        self.url: str | None = None

    def look_up(self, table: str, key: bytes) -> bytes | None:
        """Return what is stored under *key*, None where nothing is; all of it stands in the changelog by now.

        Raises:
            NotOurs: another worker has the key's partition.
            NotReady: we are to have it, and do not at this moment.
            BadSettings: there is no such table.
        """
        engine, tp = self._engine, self._place(table, key)
        beside = TP(engine.lines.of_table(table).inputs[0], tp.partition)
        if engine._lanes.is_open(beside) and engine.membership.fresh:
            return engine._stores[tp].recall([key])[0]
        assignor = self._assignor
        if assignor is None:
            raise NotReady("this worker has not joined its group yet")
        if assignor.is_active(tp):
            raise NotReady("this worker is about to have this part of the state, and does not have all of it now")
        raise NotOurs("another worker has this part of the state")

    def owner(self, table: str, key: bytes) -> str | None:
        """Return the URL of the worker that has the partition of *key*, as far as is known; None where it is not.

        Raises:
            BadSettings: there is no such table.
        """
        assignor = self._assignor
        return None if assignor is None else assignor._tps_url.get(self._place(table, key))

    def peers(self) -> tuple[str, ...]:
        """Return the URLs of all workers of the group, ours too."""
        assignor = self._assignor
        return () if assignor is None else tuple(sorted(assignor.changelog_distribution))

    @property
    def _assignor(self) -> Assignor | None:
        faust = self._engine.faust
        return None if faust is None else cast("Assignor", faust.assignor)

    def _place(self, table: str, key: bytes) -> TP:
        changelog = self._engine.lines.of_table(table).changelog
        return TP(changelog, partitions([key], self._engine.config.partitions)[0])
