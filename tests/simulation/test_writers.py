"""A changelog has one writer: a notary that finds another's record before or between its own stops its worker."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from streams.engine.notary import Notary
from streams.engine.producer import ChunkProducer, Written
from streams.engine.store import Store
from streams.errors import WorldFailed
from streams.pipeline import Effects
from tests.simulation.disk import Disks, in_place_of_rocksdb
from tests.simulation.worker import TUNING


class Pen:
    """A producer that says where a write came to stand."""

    def __init__(self, first: int, last: int) -> None:
        """Say so much."""
        self._written = Written(first, last, 0.0)

    async def append(self, *_: Any) -> Written:
        """Write nothing, and say so."""
        return self._written


async def keep(first: int, last: int) -> int:
    """Let a notary write two values that come to stand there; return where its store is then."""
    with in_place_of_rocksdb(Disks(Random(0))):
        store = Store(Path("/nowhere"), TUNING)
        pen: Any = Pen(first, last)
        notary = Notary(
            hop="hop", outputs={}, changelog="c", partition=0, store=store, producer=cast("ChunkProducer", pen)
        )
        await notary.carry_out(Effects(writes={b"a": b"1", b"b": b"2"}), (), 0)
        return store.position


async def test_a_changelog_that_only_we_write_moves_the_store_on() -> None:
    assert await keep(0, 1) == 2


@pytest.mark.parametrize("places", [(1, 2), (0, 2)], ids=["before ours", "between ours"])
async def test_another_writer_is_found_out_wherever_it_wrote(places: tuple[int, int]) -> None:
    with pytest.raises(WorldFailed, match="another writer is there"):
        await keep(*places)
