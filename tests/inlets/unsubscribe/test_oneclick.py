"""One click leaves, once Kafka has it; looking does not; and whatever else comes is turned away without harm."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientResponse, ClientSession, FormData

from streams.emit.landing import Landing
from streams.engine.broker import EmbeddedBroker
from streams.inlets.listener import Listener
from streams.inlets.sorting import Sorter
from streams.inlets.tally import Tally
from streams.inlets.unsubscribe.oneclick import LARGEST, OneClick
from streams.mail.unsubscribe import Leave, make_token
from streams.observe.metrics import Metrics
from streams.settings.keys import SealingKey
from streams.settings.unsubscribe import Unsubscribe
from tests.builders import CODEC, MINUTE, NOON
from tests.emit.test_landing import landed_at, make_topics, read

KEY, OLD = "k" * 32, "o" * 32
WORDS = {"url": "https://mail.example.com/leave/now", "key": KEY, "old_keys": OLD}
ADA = Leave("ada@example.org", "newsletter", "order-7")
YES = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def token_of(leave: Leave = ADA, secret: str = KEY) -> str:
    token = make_token(leave, SealingKey.of(secret))
    assert token is not None
    return token


class Door:
    """The road behind a server of its own, and what is seen of it from outside."""

    def __init__(self, landing: Landing, topics: dict[str, str], brokers: str) -> None:
        self.now = NOON
        self.metrics = Metrics()
        self.url = ""
        self._topics, self._brokers = topics, brokers
        settings = Unsubscribe.model_validate(WORDS)
        sorter, tally = Sorter(CODEC, lambda: self.now), Tally(self.metrics, lambda: self.now)
        self.road = OneClick(settings, landing, sorter, tally, lambda: self.now)
        self.session = ClientSession()

    async def post(self, token: str, body: Any = YES, **words: Any) -> ClientResponse:
        words.setdefault("headers", FORM if isinstance(body, str) else None)
        return await self.session.post(f"{self.url}/leave/now/{token}", data=body, allow_redirects=False, **words)

    async def landed(self) -> list[dict[str, Any]]:
        """Return the events that are in Kafka."""
        found = await asyncio.to_thread(read, self._brokers, self._topics["feedback"])
        return [CODEC.decode("mail.Feedback", value or b"") for _, _, value in found]

    def counted(self, name: str, what: str) -> float:
        """Return what a metric says of this road, under one more label."""
        return self.metrics.values(name).get(("unsubscribe", what), 0)


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    """Run a broker."""
    with EmbeddedBroker() as running:
        yield running


@asynccontextmanager
async def opened(broker: EmbeddedBroker, **words: Any) -> AsyncIterator[Door]:
    """Open the door on a free port of this machine."""
    topics = make_topics(broker.address, f"leave-{uuid4().hex}")
    async with landed_at(broker.address, topics, idempotent=False, **words) as landing:
        door = Door(landing, topics, broker.address)
        listener = Listener("127.0.0.1", 0, door.road.routes(), patience_s=1.0)
        await listener.start()
        door.url = f"http://127.0.0.1:{listener.port}"
        try:
            yield door
        finally:
            await door.session.close()
            await listener.stop()


@pytest.fixture
async def door(broker: EmbeddedBroker) -> AsyncIterator[Door]:
    """Open the door."""
    async with opened(broker) as door:
        yield door


def parts() -> FormData:
    form = FormData(default_to_multipart=True)
    form.add_field("List-Unsubscribe", "One-Click")
    return form


@pytest.mark.parametrize("kind", ["in a line", "in parts"])
async def test_one_click_becomes_an_event_about_who_and_which_stream(door: Door, kind: str) -> None:
    answer = await door.post(token_of(), YES if kind == "in a line" else parts())
    assert (answer.status, answer.content_type) == (200, "text/html")
    (event,) = await door.landed()
    assert (event["kind"], event["reason"], event["occurred_at"]) == ("SUBSCRIPTION", "unsubscribed-one-click", NOON)
    assert [one["address"] for one in event["recipients"]] == ["ada@example.org"]
    assert event["tags"] == {"stream": ["newsletter"], "request_id": ["order-7"]}
    assert event["message_id"].startswith("unsubscribe-")
    assert door.counted("ses_intake_items_total", "landed") == 1
    assert door.counted("ses_intake_records_total", "feedback") == 1


async def test_looking_changes_nothing_and_shows_a_button(door: Door) -> None:
    for _ in range(3):
        answer = await door.session.get(f"{door.url}/leave/now/{token_of()}")
        assert answer.status == 200
        page = await answer.text()
        assert '<button type="submit">Unsubscribe</button>' in page
        assert "newsletter" in page
        assert "ada@" not in page
    assert (await door.session.head(f"{door.url}/leave/now/{token_of()}")).status == 200
    assert await door.landed() == []


async def test_every_answer_guards_the_link(door: Door) -> None:
    token, url = token_of(), f"{door.url}/leave/now/"
    answers = [await door.session.get(url + token), await door.session.get(url + "x"), await door.post(token)]
    answers += [await door.post(token, "no"), await door.post("x"), await door.post(token, "x" * (LARGEST + 1))]
    for answer in answers:
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in answer.headers
        assert token not in await answer.text()
    assert [answer.status for answer in answers] == [200, 404, 200, 400, 404, 413]


@pytest.mark.parametrize(
    "token",
    [
        "x",
        token_of()[:-1],
        token_of()[:60],
        "a" * 200,
        token_of(secret="x" * 32),
        "a" * 5000,
        "%00",
        "%ff%fe",
        "ü",
        "a%0d%0ab",
    ],
)
async def test_a_wrong_or_torn_token_is_turned_away_with_a_page_that_helps(door: Door, token: str) -> None:
    answer = await door.post(token)
    assert answer.status == 404
    assert "does not work" in await answer.text()
    assert (await door.session.get(f"{door.url}/leave/now/{token}")).status == 404
    assert door.counted("ses_intake_refused_total", "token") == 1
    assert await door.landed() == []


@pytest.mark.parametrize("body", ["", "List-Unsubscribe=No", "x" * LARGEST])
async def test_a_post_that_does_not_ask_to_leave_changes_nothing_and_offers_the_button(door: Door, body: str) -> None:
    answer = await door.post(token_of(), body)
    assert answer.status == 400
    assert "<button" in await answer.text()
    assert door.counted("ses_intake_refused_total", "not_one_click") == 1
    assert await door.landed() == []


async def test_a_post_that_is_too_large_is_not_read_to_its_end(door: Door) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 64 << 20:
            sent += 1 << 16
            yield b"x" * (1 << 16)

    answer = await door.post(token_of(), endless(), headers=FORM)
    assert answer.status == 413
    assert sent < 32 << 20
    assert door.counted("ses_intake_refused_total", "too_large") == 1


async def test_a_form_that_never_ends_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.inlets.unsubscribe.oneclick._PATIENCE_S", 0.05)

    async def slow() -> AsyncIterator[bytes]:
        yield b"List-Unsubscribe="
        await asyncio.sleep(30)

    assert (await door.post(token_of(), slow(), headers=FORM)).status == 503
    assert door.counted("ses_intake_refused_total", "incomplete") == 1


async def test_an_old_key_and_any_case_still_leave(door: Door) -> None:
    assert (await door.post(token_of(secret=OLD))).status == 200
    assert (await door.post(token_of(Leave("ben@example.org", "news", None)).upper())).status == 200
    assert {one["recipients"][0]["address"] for one in await door.landed()} == {"ada@example.org", "ben@example.org"}


async def test_who_asks_twice_within_a_minute_is_one_event_and_later_another(door: Door) -> None:
    answers = await asyncio.gather(*(door.post(token_of()) for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert len(await door.landed()) == 1
    assert door.counted("ses_intake_items_total", "repeated") == 4
    door.now += MINUTE
    assert (await door.post(token_of())).status == 200
    events = await door.landed()
    assert len({one["feedback_id"] for one in events}) == 2
    assert len({one["message_id"] for one in events}) == 1


async def test_nobody_is_told_yes_before_kafka_has_it_and_without_kafka_they_may_come_again() -> None:
    with EmbeddedBroker() as own:
        pid = own.pid or 0
        async with opened(own, patience_s=1.0) as door:
            assert (await door.post(token_of(Leave("ben@example.org", "news", None)))).status == 200
            os.kill(pid, signal.SIGSTOP)
            try:
                answer = await door.post(token_of())
                assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
                assert "Try again" in await answer.text()
                assert door.counted("ses_intake_items_total", "failed") == 1
            finally:
                os.kill(pid, signal.SIGCONT)
            for _ in range(100):
                answer = await door.post(token_of())
                if answer.status == 200:
                    break
                await asyncio.sleep(0.1)
            assert answer.status == 200
            assert "ada@example.org" in {one["recipients"][0]["address"] for one in await door.landed()}


async def test_the_answer_waits_for_kafka() -> None:
    with EmbeddedBroker() as own:
        pid = own.pid or 0
        async with opened(own, patience_s=60.0) as door:
            assert (await door.post(token_of(Leave("ben@example.org", "news", None)))).status == 200
            os.kill(pid, signal.SIGSTOP)
            try:
                waiting = asyncio.create_task(door.post(token_of()))
                await asyncio.wait([waiting], timeout=0.3)
                assert not waiting.done()
            finally:
                os.kill(pid, signal.SIGCONT)
            assert (await waiting).status == 200


async def test_no_log_names_a_token_or_an_address(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="streams")
    caplog.set_level(logging.DEBUG, logger="aiohttp")
    for body in (YES, "no", "x" * (LARGEST + 1)):
        await door.post(token_of(), body)
    await door.session.get(f"{door.url}/leave/now/{token_of()}")
    said = [record.getMessage() + str(record.exc_info) for record in caplog.records]
    assert not any(token_of()[:20] in words or "ada@" in words for words in said)


async def test_the_keys_are_named_so_that_one_can_see_whether_they_are_the_worker_s(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    list(door.road.routes())
    names = ", ".join(SealingKey.of(secret).id.hex() for secret in (KEY, OLD))
    assert caplog.messages == [f"people leave at /leave/now/, by keys {names}"]


def test_without_a_url_there_is_no_door(broker: EmbeddedBroker) -> None:
    settings: Any = Unsubscribe.model_validate({"key": KEY, "address": "leave@example.com"})
    nothing: Any = None
    assert list(OneClick(settings, nothing, nothing, nothing, lambda: NOON).routes()) == []
