"""A message lands once, however often SNS posts it; only what has landed is remembered, and not too much of it."""

from __future__ import annotations

import asyncio
import contextlib
from hashlib import blake2b
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.inlets.sns.digests import Digests
from streams.inlets.sns.replays import Replays
from tests.builders import HOUR, MINUTE
from tests.inlets.signing import Clock

ID = "00000000-0000-0000-0000-0000000000ab"


class Kafka:
    """Something to land on, which can be made slow or be away."""

    def __init__(self) -> None:
        """Be well."""
        self.landed = 0
        self.away = False
        self.slow: asyncio.Event | None = None

    async def land(self) -> None:
        """Land, or not."""
        if self.slow is not None:
            await self.slow.wait()
        if self.away:
            raise ConnectionError("away")
        self.landed += 1


async def settle() -> None:
    """Let everything that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_message_lands_once() -> None:
    kafka, replays = Kafka(), Replays(Clock())
    assert await replays.once(ID, kafka.land) is True
    assert await replays.once(ID, kafka.land) is False
    assert await replays.once(ID.upper(), kafka.land) is False
    assert await replays.once(ID.replace("b", "c"), kafka.land) is True
    assert kafka.landed == 2


async def test_a_message_that_did_not_land_may_come_again() -> None:
    kafka, replays = Kafka(), Replays(Clock())
    kafka.away = True
    for _ in range(3):
        with pytest.raises(ConnectionError):
            await replays.once(ID, kafka.land)
    kafka.away = False
    assert await replays.once(ID, kafka.land) is True
    assert (kafka.landed, len(replays)) == (1, 1)


async def test_who_comes_while_it_lands_waits_for_that_landing() -> None:
    kafka, replays = Kafka(), Replays(Clock())
    kafka.slow = asyncio.Event()
    first, *others = (asyncio.create_task(replays.once(ID, kafka.land)) for _ in range(5))
    await settle()
    assert not any(task.done() for task in (first, *others))
    kafka.slow.set()
    assert await first is True
    assert await asyncio.gather(*others) == [False] * 4
    assert kafka.landed == 1


async def test_everybody_hears_that_a_landing_failed_and_the_next_one_lands() -> None:
    kafka, replays = Kafka(), Replays(Clock())
    kafka.slow, kafka.away = asyncio.Event(), True
    waiting = [asyncio.create_task(replays.once(ID, kafka.land)) for _ in range(3)]
    await settle()
    kafka.slow.set()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in told] == [ConnectionError] * 3
    kafka.away = False
    assert await replays.once(ID, kafka.land) is True


async def test_a_landing_goes_on_when_whoever_asked_is_gone() -> None:
    kafka, replays = Kafka(), Replays(Clock())
    kafka.slow = asyncio.Event()
    gone = asyncio.create_task(replays.once(ID, kafka.land))
    await settle()
    gone.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await gone
    kafka.slow.set()
    await settle()
    assert kafka.landed == 1
    assert await replays.once(ID, kafka.land) is False


async def test_a_message_is_remembered_for_its_time_and_forgotten_some_time_after() -> None:
    kafka, clock = Kafka(), Clock()
    replays = Replays(clock)
    for minute in range(0, 60, 7):
        clock.now += 7 * MINUTE
        await replays.once(f"other {minute}", kafka.land)
    await replays.once(ID, kafka.land)
    came = clock.now
    while clock.now < came + HOUR:
        assert await replays.once(ID, kafka.land) is False
        clock.now += 5 * MINUTE
    clock.now = came + 2 * HOUR
    assert await replays.once(ID, kafka.land) is True


async def test_after_a_long_silence_nothing_is_remembered() -> None:
    kafka, clock = Kafka(), Clock()
    replays = Replays(clock)
    await replays.once(ID, kafka.land)
    clock.now += 100 * HOUR
    await replays.once("other", kafka.land)
    assert len(replays) == 1


async def test_a_clock_that_is_set_back_does_no_harm() -> None:
    kafka, clock = Kafka(), Clock()
    replays = Replays(clock)
    await replays.once(ID, kafka.land)
    clock.now -= HOUR
    assert await replays.once(ID, kafka.land) is False


async def test_no_more_are_remembered_than_may_be_and_the_newest_are() -> None:
    kafka, replays = Kafka(), Replays(Clock(), most=400)
    for number in range(2000):
        await replays.once(str(number), kafka.land)
        assert len(replays) <= 400
    assert len(replays) > 300
    for number in range(1700, 2000):
        assert await replays.once(str(number), kafka.land) is False
    assert await replays.once("0", kafka.land) is True


def test_a_full_set_says_so() -> None:
    digests = Digests(1)
    digests.add(UUID(int=1).bytes)
    digests.add(UUID(int=1).bytes)
    assert digests.is_full
    with pytest.raises(ValueError, match="full"):
        digests.add(UUID(int=2).bytes)


@given(
    words=st.lists(st.integers(0, 60), max_size=120),
    start=st.sampled_from([b"", b"\x00" * 8, b"\xff" * 8]),
)
def test_the_set_is_as_pythons_own_even_where_all_want_one_place(words: list[int], start: bytes) -> None:
    digests, model = Digests(60), set[bytes]()
    for word in words:
        digest = (start + blake2b(bytes([word]), digest_size=16).digest())[:16]
        assert (digest in digests) == (digest in model)
        if not digests.is_full:
            digests.add(digest)
            model.add(digest)
        assert len(digests) == len(model)
    assert all(digest in digests for digest in model)


def test_the_set_is_small() -> None:
    most = 250_000
    assert len(Digests(most)._table) <= 64 * most
