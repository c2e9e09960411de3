"""Copies of whole topics: what is on disk is believed only as far as the topic bears it out."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition

from streams.engine import follower as following
from streams.engine.config import EngineConfig
from streams.engine.fetch import Run
from streams.engine.follower import Follower
from streams.engine.globalstore import GlobalStore
from streams.engine.rocks import Tuning
from streams.errors import WorldFailed

TUNING = Tuning(8 << 20, 8 << 20, 1)
TOPIC = "ses.known"
AN_HOUR = 3_600_000
Record = tuple[bytes, bytes | None]


class Shelf:
    """A topic in memory, and the consumer that reads it: each fetch gives two records of each partition at most.

    *gone* are offsets that compaction took, *listed* is what the broker says the end is, where that is wrong.
    """

    def __init__(self, *partitions: list[Record]) -> None:
        self.partitions = [list(records) for records in partitions]
        self.begins: list[int] = [0] * len(partitions)
        self.gone: set[tuple[int, int]] = set()
        self.listed: int | None = None
        self.positions: dict[TopicPartition, int] = {}
        self.read: list[tuple[int, int]] = []
        self._fetcher = self

    def assign(self, tps: list[TopicPartition]) -> None:
        assert [tp.partition for tp in tps] == list(range(len(self.partitions)))

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.positions[tp] = offset

    async def end_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self.end(tp) if self.listed is None else self.listed for tp in tps}

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self.begins[tp.partition] for tp in tps}

    def end(self, tp: TopicPartition) -> int:
        partition: int = tp.partition
        return self.begins[partition] + len(self.partitions[partition])

    def take(self, tp: TopicPartition) -> Run | None:
        at, begin = self.positions[tp], self.begins[tp.partition]
        if at < begin or at > self.end(tp):
            at = begin  # out of range: aiokafka starts at the earliest
        offsets = [o for o in range(at, self.end(tp)) if (tp.partition, o) not in self.gone][:2]
        if not offsets:
            return None
        self.positions[tp] = offsets[-1] + 1
        self.read += [(tp.partition, offset) for offset in offsets]
        records = [self.partitions[tp.partition][offset - begin] for offset in offsets]
        return Run(at, offsets[-1] + 1, [key for key, _ in records], [value for _, value in records], offsets)


@pytest.fixture(autouse=True)
def _shelves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have followers read from shelves, and not wait for what compaction took."""

    async def fetched(shelf: Shelf, _drain: Any, wanted: Any, _patience: float) -> dict[TopicPartition, Run]:
        await asyncio.sleep(0.001)
        return {tp: run for tp in shelf.positions if wanted(tp) and (run := shelf.take(tp)) is not None}

    monkeypatch.setattr(following, "fetched_runs", fetched)
    monkeypatch.setattr(following, "fetched_end", lambda shelf, tp: shelf.end(tp))
    monkeypatch.setattr(following, "RECOGNISE_S", 0.05)


class Copy:
    """One copy on disk, and followers that bring it up to date."""

    def __init__(self, home: Path, topic: str = TOPIC) -> None:
        self.store = GlobalStore(home / "copy", TUNING, topic)
        self.home = home

    def follower(self, shelf: Shelf, trusted_for: int = AN_HOUR) -> Follower:
        config = EngineConfig(
            brokers=("127.0.0.1:1",), group="g", data_dir=self.home, partitions=1, trusted_for=trusted_for
        )
        places = {TopicPartition(TOPIC, at): self.store for at in range(len(shelf.partitions))}
        return Follower(shelf, places, config, lambda: None)

    async def catch_up(self, shelf: Shelf, trusted_for: int = AN_HOUR) -> list[tuple[int, int]]:
        """Catch up, and return what was read for it: (partition, offset) each."""
        shelf.read.clear()
        follower = self.follower(shelf, trusted_for)
        async with asyncio.timeout(20):
            await follower.catch_up()
        assert follower.remaining == 0
        return list(shelf.read)

    def all(self, *keys: bytes) -> list[bytes | None]:
        return self.store.recall(list(keys))


def some(count: int, by: bytes = b"") -> list[Record]:
    return [(b"%d" % n, b"v%d" % n + by) for n in range(count)]


KEYS = [*(b"%d" % n for n in range(10)), b"kept"]


async def test_all_partitions_are_read_to_their_ends_and_a_null_takes_its_key_away(tmp_path: Path) -> None:
    copy, shelf = Copy(tmp_path), Shelf([*some(5), (b"1", None)], [], [(b"x", b"X")])
    await copy.catch_up(shelf)
    assert copy.all(b"0", b"1", b"4", b"x", b"y") == [b"v0", None, b"v4", b"X", None]


async def test_a_copy_goes_on_with_the_last_record_that_it_knows(tmp_path: Path) -> None:
    copy, shelf = Copy(tmp_path), Shelf(some(5), some(3))
    await copy.catch_up(shelf)
    assert await copy.catch_up(shelf) == [(0, 4), (1, 2)]
    shelf.partitions[0] += [(b"5", b"v5")]
    assert await copy.catch_up(shelf) == [(0, 4), (0, 5), (1, 2)]
    assert copy.all(b"0", b"5") == [b"v0", b"v5"]


async def test_a_list_of_ends_that_is_too_short_is_not_believed(tmp_path: Path) -> None:
    copy, shelf = Copy(tmp_path), Shelf(some(5))
    shelf.listed = 1
    await copy.catch_up(shelf)
    assert copy.all(b"4") == [b"v4"]
    assert await copy.catch_up(shelf) == [(0, 4)]  # though it lies beyond that end


KEPT: list[Record] = [(b"kept", b"1")]


@pytest.mark.parametrize(
    ("begin", "records", "others"),
    [
        (0, some(3, b"!"), KEPT),  # shorter than what we knew
        (0, some(9, b"!"), KEPT),  # longer, and another
        (0, some(5, b"!"), KEPT),
        (0, [], KEPT),
        (0, some(5), []),  # only another partition is shorter
        (7, some(2, b"!"), KEPT),  # what followed was deleted
        (7, [], KEPT),
    ],
)
async def test_a_copy_that_its_topic_cannot_bring_up_to_date_is_read_anew(
    tmp_path: Path, begin: int, records: list[Record], others: list[Record], caplog: pytest.LogCaptureFixture
) -> None:
    copy = Copy(tmp_path)
    await copy.catch_up(Shelf(some(5), KEPT))
    shelf = Shelf(records, others)
    shelf.begins[0] = begin
    await copy.catch_up(shelf)
    assert dict(zip(KEYS, copy.all(*KEYS), strict=True)) == dict.fromkeys(KEYS) | dict(records) | dict(others)
    assert "reading it anew" in caplog.text


async def test_a_copy_that_is_old_and_behind_is_read_anew_for_it_may_have_missed_nulls(tmp_path: Path) -> None:
    copy, shelf = Copy(tmp_path), Shelf(some(4))
    await copy.catch_up(shelf)
    assert await copy.catch_up(shelf, trusted_for=-1) == [(0, 3)]  # not behind: nothing was missed
    shelf.partitions[0] += [(b"new", b"1")]
    shelf.gone = {(0, 0), (0, 1)}  # and so is the null that took them away
    await copy.catch_up(shelf, trusted_for=-1)
    assert copy.all(b"0", b"1", b"2", b"new") == [None, None, b"v2", b"1"]


async def test_a_quiet_copy_that_is_vouched_for_does_not_grow_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, shelf = Copy(tmp_path), Shelf(some(2))
    await copy.catch_up(shelf)
    kept_at = copy.store.mark(0).kept_at
    while int(time.time() * 1000) <= kept_at:  # noqa: ASYNC110 - the clock has no event to wait for
        await asyncio.sleep(0.001)
    follower = copy.follower(shelf)
    with monkeypatch.context() as before_the_first_fetch:
        before_the_first_fetch.setattr(following, "fetched_end", lambda *_: None)
        follower.vouch()
    assert copy.store.mark(0).kept_at == kept_at  # it has not looked yet
    await follower.catch_up()
    assert copy.store.mark(0).kept_at > kept_at


async def test_the_last_record_that_we_knew_may_be_compacted_away(tmp_path: Path) -> None:
    copy, shelf = Copy(tmp_path), Shelf(some(4))
    await copy.catch_up(shelf)
    shelf.gone = {(0, 3)}
    assert await copy.catch_up(shelf) == []
    shelf.partitions[0] += [(b"new", b"1")]
    assert await copy.catch_up(shelf) == [(0, 4)]
    assert copy.all(b"3", b"new") == [b"v3", b"1"]


async def test_a_topic_whose_beginning_was_deleted_before_it_was_ever_read_is_read_from_there(tmp_path: Path) -> None:
    copy, shelf = Copy(tmp_path), Shelf(some(3))
    shelf.begins = [40]
    assert await copy.catch_up(shelf) == [(0, 40), (0, 41), (0, 42)]


async def test_what_comes_later_is_followed_for_ever(tmp_path: Path) -> None:
    copy, shelf = Copy(tmp_path), Shelf(some(2))
    follower = copy.follower(shelf)
    await follower.catch_up()
    task = asyncio.create_task(follower.follow())
    shelf.partitions[0] += [(b"new", b"1"), (b"0", None)]
    async with asyncio.timeout(20):
        while copy.all(b"new", b"0") != [b"1", None]:  # noqa: ASYNC110 - a copy has no event to wait for
            await asyncio.sleep(0.001)
    assert not task.done()
    task.cancel()


async def test_a_topic_that_loses_records_while_it_is_followed_stops_the_worker(tmp_path: Path) -> None:
    copy, shelf = Copy(tmp_path), Shelf([], some(3))
    follower = copy.follower(shelf)
    await follower.catch_up()
    shelf.partitions[1] = some(1)
    with pytest.raises(WorldFailed, match="offset 3 is no longer there"):
        await asyncio.wait_for(follower.follow(), 20)
    assert follower.at == TopicPartition(TOPIC, 1)
    assert copy.all(b"2") == [b"v2"]  # until it stops: a lane that looks must not find less than there is
