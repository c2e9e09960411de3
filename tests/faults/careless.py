"""A worker that breaks one promise, for the checker to see: ``python careless.py HOW``.

hasty: a chunk is acknowledged when it comes, and not when it is done. unflushed: outputs are sent, and not waited for.
unlogged: state is kept on this disk alone, and not in its changelog. unkept: a disk that takes no more is passed over.
rash: what only a registry could tell is poison.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from streams.cli import main
from streams.engine.delivery import Delivery
from streams.engine.lane import Lane
from streams.engine.mark import Mark
from streams.engine.notary import Notary
from streams.engine.store import Store
from streams.errors import Unusable, WorldFailed
from streams.pipeline import Batch
from streams.schemas.writers import Writers

_put, _send, _write = Lane.put, Notary._send, Store._write
_on_their_way: set[asyncio.Task[float]] = set()


def _hasty(self: Lane, delivery: Delivery) -> None:
    _put(self, delivery)
    delivery.done = True


async def _unflushed(self: Notary, outputs: Mapping[str, Batch], now: int) -> float:
    task = asyncio.create_task(_send(self, outputs, now))
    _on_their_way.add(task)
    task.add_done_callback(_never_mind)
    return 0.0


def _never_mind(task: asyncio.Task[float]) -> None:
    _on_their_way.discard(task)
    task.exception()


async def _unlogged(*_: Any) -> None:
    pass


def _unkept(self: Store, rows: Any, mark: Mark, *args: Any, **kwargs: Any) -> None:
    with suppress(WorldFailed):
        _write(self, rows, mark, *args, **kwargs)
    self._mark = mark


def _rash(_: Writers, schema_id: int) -> None:
    raise Unusable("UNKNOWN_SCHEMA", str(schema_id))


HOW: dict[str, tuple[type, str, Callable[..., Any]]] = {
    "hasty": (Lane, "put", _hasty),
    "unflushed": (Notary, "_send", _unflushed),
    "unlogged": (Notary, "_log_changes", _unlogged),
    "unkept": (Store, "_write", _unkept),
    "rash": (Writers, "_ask", _rash),
}

if __name__ == "__main__":
    owner, name, broken = HOW[sys.argv[1]]
    setattr(owner, name, broken)
    sys.argv[1:] = ["worker"]
    main()
