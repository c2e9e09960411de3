"""A worker that breaks one promise, for the checker to see: ``python careless.py HOW``.

hasty: a chunk is acknowledged when it comes, and not when it is done. unflushed: outputs are sent, and not waited for.
unlogged: state is kept on this disk alone, and not in its changelog.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from typing import Any

from streams.cli import main
from streams.engine.delivery import Delivery
from streams.engine.lane import Lane
from streams.engine.notary import Notary
from streams.pipeline import Batch

_put, _send = Lane.put, Notary._send
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


HOW: dict[str, tuple[type, str, Callable[..., Any]]] = {
    "hasty": (Lane, "put", _hasty),
    "unflushed": (Notary, "_send", _unflushed),
    "unlogged": (Notary, "_log_changes", _unlogged),
}

if __name__ == "__main__":
    owner, name, broken = HOW[sys.argv[1]]
    setattr(owner, name, broken)
    sys.argv[1:] = ["worker"]
    main()
