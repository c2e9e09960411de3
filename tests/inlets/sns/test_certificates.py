"""Certificates are fetched once, by few at a time; what is good stays, and what fails is left alone for a while."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from streams.inlets.sns.certificates import Certificates
from streams.inlets.sns.fetch import Redirected, Unreachable
from streams.inlets.sns.hosts import Place, certificate_place, home_of
from streams.inlets.sns.refusal import Refusal
from tests.builders import DAY, HOUR
from tests.inlets.signing import Clock, Shelf, Signer, rsa_key

SNS = Signer()
HOME = home_of(SNS.topic)


def place(number: int = 0) -> Place:
    """Return one of many places; 0 is the one where a certificate is."""
    url = SNS.url if number == 0 else SNS.url.replace("0123456789abcdef" * 2, f"{number:032x}")
    found = certificate_place(url, HOME)
    assert isinstance(found, Place)
    return found


class Gate:
    """A fetcher that holds everybody till it opens."""

    def __init__(self) -> None:
        """Be shut."""
        self.shelf = Shelf.of(SNS)
        self.opens = asyncio.Event()
        self.inside = self.most_inside = 0

    async def __call__(self, url: str) -> bytes:
        """Return a file, later."""
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await self.opens.wait()
            return await self.shelf(url)
        finally:
            self.inside -= 1


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    gate = Gate()
    yield gate
    gate.opens.set()


async def settle() -> None:
    """Let everything that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_certificate_is_fetched_once() -> None:
    shelf = Shelf.of(SNS)
    known = Certificates(shelf, Clock())
    first = await known.key_at(place())
    assert isinstance(first, RSAPublicKey)
    assert await known.key_at(place()) is first
    assert shelf.asked == [SNS.url]


async def test_many_who_ask_at_once_wait_for_one_fetch(gate: Gate) -> None:
    known = Certificates(gate, Clock())
    asking = [asyncio.create_task(known.key_at(place())) for _ in range(100)]
    await settle()
    gate.opens.set()
    keys = await asyncio.gather(*asking)
    assert len(set(map(id, keys))) == 1
    assert isinstance(keys[0], RSAPublicKey)
    assert gate.shelf.asked == [SNS.url]


async def test_who_stops_waiting_does_not_end_the_fetch_for_the_others(gate: Gate) -> None:
    known = Certificates(gate, Clock())
    gone, stays = (asyncio.create_task(known.key_at(place())) for _ in range(2))
    await settle()
    gone.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await gone
    gate.opens.set()
    assert isinstance(await stays, RSAPublicKey)


async def test_strangers_who_name_ever_new_certificates_are_sent_away_beyond_a_few(gate: Gate) -> None:
    known = Certificates(gate, Clock(), most_fetches=3)
    asking = [asyncio.create_task(known.key_at(place(number))) for number in range(1, 50)]
    await settle()
    assert gate.most_inside == 3
    gate.opens.set()
    answers = await asyncio.gather(*asking)
    assert answers.count(Refusal.BUSY) == 46
    assert answers.count(Refusal.CERTIFICATE_UNREACHABLE) == 3
    assert isinstance(await known.key_at(place()), RSAPublicKey)


async def test_no_more_wait_than_may(gate: Gate) -> None:
    known = Certificates(gate, Clock(), most_waiting=5)
    asking = [asyncio.create_task(known.key_at(place())) for _ in range(8)]
    await settle()
    gate.opens.set()
    answers = await asyncio.gather(*asking)
    assert answers.count(Refusal.BUSY) == 3
    assert sum(isinstance(answer, RSAPublicKey) for answer in answers) == 5
    assert isinstance(await known.key_at(place()), RSAPublicKey)


async def test_strangers_cannot_push_out_what_is_good() -> None:
    shelf = Shelf.of(SNS)
    known = Certificates(shelf, Clock(), most=2)
    await known.key_at(place())
    for number in range(1, 3000):
        assert await known.key_at(place(number)) is Refusal.CERTIFICATE_UNREACHABLE
    assert isinstance(await known.key_at(place()), RSAPublicKey)
    assert shelf.asked.count(SNS.url) == 1
    assert len(known._failed) == 1024


async def test_the_certificates_that_are_kept_are_few_and_the_unused_goes_first() -> None:
    shelf = Shelf({place(number).url: SNS.pem() for number in range(3)})
    known = Certificates(shelf, Clock(), most=2)
    for number in (0, 1, 0, 2, 0, 1):
        await known.key_at(place(number))
    assert shelf.asked == [place(number).url for number in (0, 1, 2, 1)]


async def test_a_failure_is_left_alone_for_a_while_and_longer_each_time() -> None:
    clock, shelf = Clock(), Shelf({SNS.url: Unreachable("HTTP 500")})
    known = Certificates(shelf, clock)
    for seconds in (1, 2, 4, 8, 15, 15):
        asked = len(shelf.asked)
        assert await known.key_at(place()) is Refusal.CERTIFICATE_UNREACHABLE
        clock.now += seconds * 1000 - 1
        assert await known.key_at(place()) is Refusal.CERTIFICATE_UNREACHABLE
        assert len(shelf.asked) == asked + 1
        clock.now += 1
    shelf.files[SNS.url] = SNS.pem()
    assert isinstance(await known.key_at(place()), RSAPublicKey)


async def test_what_failed_is_remembered_with_its_own_reason() -> None:
    clock, shelf = Clock(), Shelf({SNS.url: Redirected("HTTP 301"), place(1).url: b"no certificate"})
    known = Certificates(shelf, clock)
    for _ in range(2):
        assert await known.key_at(place()) is Refusal.CERTIFICATE_REDIRECTED
        assert await known.key_at(place(1)) is Refusal.CERTIFICATE_BAD
    assert len(shelf.asked) == 2


async def test_a_certificate_is_renewed_in_the_background_and_nobody_waits() -> None:
    clock, shelf = Clock(), Shelf.of(SNS)
    known = Certificates(shelf, clock)
    first = await known.key_at(place())
    clock.now += DAY
    shelf.files[SNS.url] = Signer(key=rsa_key(serial=1)).pem()
    assert await known.key_at(place()) is first
    await settle()
    second = await known.key_at(place())
    assert isinstance(second, RSAPublicKey)
    assert second is not first
    assert len(shelf.asked) == 2


async def test_a_certificate_that_cannot_be_renewed_serves_till_its_end() -> None:
    clock = Clock()
    shelf = Shelf({SNS.url: SNS.pem(ends=clock.now + 36 * HOUR)})
    known = Certificates(shelf, clock)
    first = await known.key_at(place())
    shelf.files[SNS.url] = Unreachable("HTTP 500")
    for _ in range(35):
        clock.now += HOUR
        assert await known.key_at(place()) is first
        await settle()
    assert 20 <= len(shelf.asked) <= 30  # hourly from its last day on, and not with every message
    clock.now += 2 * HOUR
    assert await known.key_at(place()) is Refusal.CERTIFICATE_UNREACHABLE


async def test_a_certificate_that_turns_bad_is_not_used_again() -> None:
    clock, shelf = Clock(), Shelf.of(SNS)
    known = Certificates(shelf, clock)
    await known.key_at(place())
    clock.now += DAY
    shelf.files[SNS.url] = b"gone"
    await known.key_at(place())
    await settle()
    assert await known.key_at(place()) is Refusal.CERTIFICATE_BAD


async def test_stopping_ends_what_is_under_way(gate: Gate) -> None:
    known = Certificates(gate, Clock())
    asking = asyncio.create_task(known.key_at(place()))
    await settle()
    await known.stop()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert gate.inside == 0
    await known.stop()
