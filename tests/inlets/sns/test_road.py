"""The road by SNS over real sockets: 200 means that it is in Kafka, and each refusal has its own reason and count."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.emit.landing import Full, NotLanded, Record
from streams.inlets.listener import Listener
from streams.inlets.sns import road as road_module
from streams.inlets.sns.fetch import Redirected
from streams.inlets.sns.message import Kind
from streams.inlets.sns.refusal import Refusal
from streams.inlets.sns.road import SnsRoad
from streams.inlets.sorting import Sorter
from streams.inlets.tally import Tally
from streams.observe.metrics import Metrics
from streams.settings.intake import Sns
from tests.builders import CODEC, HOUR, NOON
from tests.inlets.signing import Clock, Shelf, Signer, headers_of, iso, rsa_key

SNS = Signer()
DELIVERY = json.dumps(
    {
        "eventType": "Delivery",
        "mail": {"messageId": "0100-m", "timestamp": iso(NOON), "destination": ["ann@example.org"]},
        "delivery": {"timestamp": iso(NOON), "recipients": ["ann@example.org"]},
    }
)
KIB = 1024


async def takes_all(_: Sequence[Record]) -> None:
    """Land at once."""


class Quay:
    """Where records land, or do not: as the test says."""

    def __init__(self) -> None:
        self.landed: list[Record] = []
        self.act: Callable[[Sequence[Record]], Awaitable[None]] = takes_all

    async def land(self, records: Sequence[Record]) -> None:
        await self.act(records)
        self.landed += records


class Site:
    """A road that listens, and what is seen of it from outside."""

    def __init__(self, shelf: Shelf, **words: Any) -> None:
        self.clock, self.quay, self.metrics, self.shelf = Clock(), Quay(), Metrics(), shelf
        said = Sns.model_validate({"topics": SNS.topic, "port": 0, "max_body_kib": 512, **words})
        self.road = SnsRoad(
            said,
            Sorter(CODEC, self.clock),
            self.quay,
            Tally(self.metrics, self.clock),
            clock=self.clock,
            fetch=self.shelf,
        )
        self.listener = Listener("127.0.0.1", 0, self.road.routes(), patience_s=5)
        self.session = ClientSession()

    async def post(self, body: Any, path: str = "/sns", method: str = "POST", **headers: str) -> int:
        """Post, and return the status of the answer."""
        async with self.session.request(method, self.url(path), data=body, headers=headers) as answer:
            self.words = await answer.text()
            return answer.status

    def url(self, path: str = "/sns") -> str:
        return f"http://127.0.0.1:{self.listener.port}{path}"

    def refused(self) -> dict[str, float]:
        """Return the reasons for which posts were turned away, and how often."""
        every = self.metrics.values("ses_intake_refused_total")
        return {reason: count for (road, reason), count in every.items() if road == "sns" and count}

    def items(self) -> dict[str, float]:
        every = self.metrics.values("ses_intake_items_total")
        return {result: count for (road, result), count in every.items() if road == "sns" and count}


@asynccontextmanager
async def site_of(shelf: Shelf | None = None, **words: Any) -> AsyncIterator[Site]:
    one = Site(shelf or Shelf.of(SNS), **words)
    await one.road.start()
    await one.listener.start()
    try:
        yield one
    finally:
        await one.listener.stop()
        await one.road.stop()
        await one.session.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with site_of() as one:
        yield one


async def test_an_event_is_answered_with_200_and_is_feedback(site: Site) -> None:
    assert await site.post(SNS.post(DELIVERY)) == 200
    (record,) = site.quay.landed
    assert (record.role, record.key) == ("feedback", b"0100-m")
    assert CODEC.decode("mail.Feedback", record.value)["kind"] == "DELIVERY"
    assert site.items() == {"landed": 1}


async def test_a_post_is_answered_only_after_kafka_has_acknowledged(site: Site) -> None:
    acknowledged, begun = asyncio.Event(), asyncio.Event()

    async def wait(_: Sequence[Record]) -> None:
        begun.set()
        await acknowledged.wait()

    site.quay.act = wait
    posted = asyncio.create_task(site.post(SNS.post(DELIVERY)))
    await begun.wait()
    done, _ = await asyncio.wait({posted}, timeout=0.1)
    assert not done
    acknowledged.set()
    assert await posted == 200


@pytest.mark.parametrize("error", [Full("full"), NotLanded("the brokers are away")])
async def test_what_does_not_land_is_asked_for_again_and_then_lands_once(site: Site, error: Exception) -> None:
    async def fail(_: Sequence[Record]) -> None:
        raise error

    body = SNS.post(DELIVERY)
    site.quay.act = fail
    async with site.session.post(site.url(), data=body) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "20")
    site.quay.act = takes_all
    assert await site.post(body) == 200
    assert len(site.quay.landed) == 1
    assert site.items() == {"failed": 1, "landed": 1}


async def test_a_message_that_comes_again_is_answered_and_not_landed_again(site: Site) -> None:
    body = SNS.post(DELIVERY)
    assert [await site.post(body) for _ in range(3)] == [200, 200, 200]
    assert len(site.quay.landed) == 1
    assert site.items() == {"landed": 1, "repeated": 2}


async def test_two_posts_of_one_message_at_a_time_share_its_fate(site: Site) -> None:
    both_there = asyncio.Event()

    async def fail_late(_: Sequence[Record]) -> None:
        await both_there.wait()
        raise NotLanded("away")

    site.quay.act = fail_late
    body = SNS.post(DELIVERY)
    posted = [asyncio.create_task(site.post(body)) for _ in range(2)]
    await asyncio.wait(posted, timeout=0.1)
    both_there.set()
    assert await asyncio.gather(*posted) == [503, 503]
    assert site.quay.landed == []


async def test_whoever_goes_away_before_the_answer_has_landed_once_all_the_same(site: Site) -> None:
    acknowledged, begun = asyncio.Event(), asyncio.Event()

    async def wait(_: Sequence[Record]) -> None:
        begun.set()
        await acknowledged.wait()

    site.quay.act = wait
    body = SNS.post(DELIVERY)
    posted = asyncio.create_task(site.post(body))
    await begun.wait()
    posted.cancel()
    await asyncio.wait({posted})
    acknowledged.set()
    assert await site.post(body) == 200
    assert len(site.quay.landed) == 1


async def test_a_stop_answers_what_is_under_way(site: Site) -> None:
    acknowledged, begun = asyncio.Event(), asyncio.Event()

    async def wait(_: Sequence[Record]) -> None:
        begun.set()
        await acknowledged.wait()

    site.quay.act = wait
    posted = asyncio.create_task(site.post(SNS.post(DELIVERY)))
    await begun.wait()
    stopped = asyncio.create_task(site.listener.stop())
    await asyncio.wait({stopped}, timeout=0.1)
    acknowledged.set()
    assert await posted == 200
    await stopped


async def test_what_is_no_event_becomes_a_dead_letter_with_the_post_as_it_came(site: Site) -> None:
    body = SNS.post('{"eventType": "Delivery", "mail": {}}')
    assert await site.post(body) == 200
    (record,) = site.quay.landed
    letter = CODEC.decode("mail.DeadLetter", record.value)
    assert (record.role, letter["value"], letter["topic"]) == ("dead-letters", body, f"sns:{SNS.topic}")


async def test_the_first_words_of_ses_are_nothing_and_answered(site: Site) -> None:
    assert await site.post(SNS.post("Successfully validated SNS topic for Amazon SES event publishing.")) == 200
    assert (site.quay.landed, site.items()) == ([], {"nothing": 1})


async def test_only_what_is_signed_counts(site: Site) -> None:
    forged = json.loads(DELIVERY) | {"mail": {"messageId": "forged"}}
    said = {"detail": forged, "Records": [forged], **forged, **SNS.signed(SNS.fields(DELIVERY))}
    assert await site.post(json.dumps(said)) == 200
    assert [record.key for record in site.quay.landed] == [b"0100-m"]


def changed(body: bytes, **fields: Any) -> bytes:
    return json.dumps(json.loads(body) | fields).encode()


def refusals() -> dict[Refusal, Any]:
    """Return a post for each reason that needs no special site."""
    return {
        Refusal.SIGNATURE: changed(SNS.post(DELIVERY), Message=DELIVERY.replace("0100-m", "0100-n")),
        Refusal.TOPIC: Signer(topic="other").post(DELIVERY),
        Refusal.EXPIRED: SNS.post(DELIVERY, Timestamp=iso(NOON - HOUR - 1000)),
        Refusal.FUTURE: SNS.post(DELIVERY, Timestamp=iso(NOON + HOUR)),
        Refusal.CERTIFICATE_URL: changed(SNS.post(DELIVERY), SigningCertURL="https://sns.eu-west-1.example.com/x.pem"),
        Refusal.REGION: changed(SNS.post(DELIVERY), SigningCertURL=Signer("us-east-1").url),
        Refusal.SIGNATURE_VERSION: changed(SNS.post(DELIVERY), SignatureVersion="3"),
        Refusal.NOT_JSON: b"{",
        Refusal.NOT_SNS: b'{"Type": "Other"}',
        Refusal.UNSIGNED: json.dumps(SNS.fields(DELIVERY)),
        Refusal.TOO_LARGE: b" " * (513 * KIB),
    }


@pytest.mark.parametrize("why", refusals())
async def test_a_post_that_is_not_sns_s_is_turned_away_with_its_own_reason(site: Site, why: Refusal) -> None:
    assert await site.post(refusals()[why]) == why.status
    assert site.words == why.words
    assert site.refused() == {why.value: 1}
    assert site.quay.landed == []


async def test_a_message_by_another_key_is_forged() -> None:
    forger = Signer(key=rsa_key(2048, 1))
    async with site_of() as site:
        assert await site.post(forger.post(DELIVERY)) == 403
        assert site.refused() == {"signature": 1}


async def test_a_certificate_that_is_elsewhere_is_not_followed() -> None:
    async with site_of(Shelf({SNS.url: Redirected("HTTP 302")})) as site:
        assert await site.post(SNS.post(DELIVERY)) == 503
        assert site.refused() == {"certificate_redirected": 1}


async def test_headers_that_tell_of_another_message_are_refused(site: Site) -> None:
    fields = SNS.fields(DELIVERY)
    headers = headers_of(fields) | {"x-amz-sns-message-id": "another"}
    assert await site.post(SNS.sign(fields), **headers) == 400
    assert site.refused() == {"header_mismatch": 1}


async def test_raw_delivery_is_unsigned_and_refused(site: Site) -> None:
    assert await site.post(DELIVERY, **{"x-amz-sns-rawdelivery": "true"}) == 400
    assert site.refused() == {"unsigned": 1}


async def test_a_body_without_a_length_is_cut_off_where_it_grows_too_large(site: Site) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 64 * 512 * KIB:
            sent += 64 * KIB
            yield b" " * (64 * KIB)

    try:
        status = await site.post(endless())
    except OSError:  # it closed while we wrote on
        status = 413
    assert status == 413
    assert site.refused() == {"too_large": 1}
    assert sent < 32 * 512 * KIB  # what lies in the sockets between is the kernel's


async def test_a_body_that_does_not_come_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(road_module, "_PATIENCE_S", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.listener.port)
    writer.write(b"POST /sns HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf")
    assert b" 503 " in await reader.readline()
    assert b"Connection: close" in await reader.read()
    writer.close()
    assert site.refused() == {"incomplete": 1}


async def test_whoever_breaks_off_in_mid_body_is_counted_and_nothing_lands(site: Site) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", site.listener.port)
    body = SNS.post(DELIVERY)
    writer.write(b"POST /sns HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:-1])
    await writer.drain()
    writer.close()
    while not site.refused():  # noqa: ASYNC110 - a metric tells nobody that it has changed
        await asyncio.sleep(0.01)
    assert (site.refused(), site.quay.landed) == ({"incomplete": 1}, [])


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/", "POST", 404), ("/sns", "GET", 405), ("/sns/", "PUT", 404)]
)
async def test_nothing_else_is_answered(site: Site, path: str, method: str, status: int) -> None:
    assert await site.post(b"", path, method) == status


async def test_a_subscription_is_confirmed_where_the_settings_say_so_and_listed_otherwise() -> None:
    asked = SNS.confirmation()
    shelf = Shelf.of(SNS)
    shelf.files[asked["SubscribeURL"]] = b"<ConfirmSubscriptionResponse/>"
    async with site_of(shelf, confirm=True) as site:
        assert await site.post(SNS.sign(asked)) == 200
        assert (shelf.asked[-1], site.road.confirmations.pending()) == (asked["SubscribeURL"], [])
    async with site_of() as site:
        assert await site.post(SNS.sign(asked)) == 200
        (waiting,) = site.road.confirmations.pending()
        assert (waiting.topic_arn, waiting.kind) == (SNS.topic, Kind.SUBSCRIPTION)
        assert site.shelf.asked == [SNS.url]


async def test_no_address_and_no_text_of_a_post_is_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def fail(_: Sequence[Record]) -> None:
        raise NotLanded("away")

    for body in refusals().values():
        await site.post(body)
    site.quay.act = fail
    await site.post(SNS.post(DELIVERY))
    assert "turned away" in caplog.text
    assert not [word for word in ("ann@", "0100-m") if word in caplog.text]


BASE = json.loads(SNS.post(DELIVERY))
SIGNED_OF_IT = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
BODIES = st.one_of(
    st.binary(max_size=300),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from([*BASE, "Subject", "Token"]), st.text(max_size=40) | st.none() | st.integers()).map(
        lambda fields: json.dumps(BASE | fields).encode()
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from([*headers_of(SNS.fields()), "x-amz-sns-rawdelivery", "content-encoding", "expect"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
)
ANSWERED = {200, 400, 403, 404, 405, 413, 415, 417, 503}


def may_be_taken(body: bytes) -> bool:
    """Tell whether the fields of a post that SNS signs are those that it did sign."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and all(said.get(name) == BASE[name] for name in SIGNED_OF_IT)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    posts=st.lists(st.tuples(BODIES, HEADERS), min_size=1, max_size=6),
    path=st.sampled_from(["/sns", "/sns?x=1", "/%73ns", "//sns", "/sns/../sns"]),
)
def test_no_post_crashes_it_and_none_that_sns_did_not_sign_is_taken(
    posts: list[tuple[bytes, dict[str, str]]], path: str
) -> None:
    async def play() -> None:
        async with site_of() as site:
            for body, headers in posts:
                assert await site.post(body, path, **headers) in ANSWERED
            items = site.items()
            taken = sum(items.get(result, 0) for result in ("landed", "repeated", "nothing"))
            assert taken <= sum(may_be_taken(body) for body, _ in posts)
            assert {record.key for record in site.quay.landed} <= {b"0100-m"}

    asyncio.run(play())


EVENTS = st.one_of(
    st.text(max_size=200),
    st.sampled_from(["[" * 5_000, '"\\ud800"', "1e999", "\x00", '{"eventType": "Bounce"}', "NaN", "9" * 5_000]),
    st.dictionaries(
        st.sampled_from(["eventType", "notificationType", "mail", "delivery", "content", "Records", "Type", "Message"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
            max_leaves=8,
        ),
    ).map(lambda fields: json.dumps(json.loads(DELIVERY) | fields)),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(EVENTS, min_size=1, max_size=12))
def test_whatever_sns_signed_is_taken_and_what_cannot_be_used_is_a_dead_letter(texts: list[str]) -> None:
    async def play() -> None:
        async with site_of() as site:
            for text in texts:
                assert await site.post(SNS.post(text)) == 200
            items = site.items()
            assert items.get("landed", 0) + items.get("nothing", 0) == len(texts)
            assert len(site.quay.landed) >= items.get("landed", 0)

    asyncio.run(play())


async def read_of(site: Site, many: int) -> None:
    """Return when so many posts are being read."""
    async with asyncio.timeout(10):
        while site.road.reading != many:  # noqa: ASYNC110 - a number tells nobody that it has changed
            await asyncio.sleep(0.01)


async def test_more_posts_than_it_reads_at_a_time_are_asked_to_come_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(road_module, "_MOST_READ", 2)
    slow = [await asyncio.open_connection("127.0.0.1", site.listener.port) for _ in range(2)]
    for _, writer in slow:
        writer.write(b"POST /sns HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf")
    await read_of(site, 2)
    assert await site.post(SNS.post(DELIVERY)) == 503
    assert site.refused() == {"busy": 1}
    for _, writer in slow:
        writer.close()
    await read_of(site, 0)
    assert await site.post(SNS.post(DELIVERY)) == 200


async def test_a_packed_body_is_cut_off_where_it_unpacks_too_large(site: Site) -> None:
    bomb = gzip.compress(b" " * (64 * 1024 * KIB))
    assert len(bomb) < 512 * KIB
    tracemalloc.start()
    try:
        assert await site.post(bomb, **{"Content-Encoding": "gzip"}) == 413
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert site.refused() == {"too_large": 1}
    assert most < 32 * 1024 * KIB


async def test_what_is_no_http_is_answered_without_a_word_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    for line in (b"ann@example.org\r\n\r\n", b"POST /sns HTTP/1.1\r\nann@example.org\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", site.listener.port)
        writer.write(line)
        assert b" 400 " in await reader.readline()
        await reader.read()
        writer.close()
    assert not caplog.records
    assert await site.post(SNS.post(DELIVERY)) == 200


async def test_a_fault_of_ours_is_logged_and_the_post_comes_again(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    async def break_down(_: Sequence[Record]) -> None:
        raise RuntimeError("a fault")

    body = SNS.post(DELIVERY)
    site.quay.act = break_down
    assert await site.post(body) == 500
    assert "a fault" in caplog.text
    site.quay.act = takes_all
    assert await site.post(body) == 200
    assert len(site.quay.landed) == 1
