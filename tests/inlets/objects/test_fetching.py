"""What alerts name is fetched from allowed buckets only, read as if it had come along, or comes again."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest

from streams.emit.admin import ensure_topics
from streams.emit.landing import Landing
from streams.engine.broker import EmbeddedBroker
from streams.errors import WorldFailed
from streams.inlets.objects import fetching, store
from streams.inlets.objects.fetching import Fetching
from streams.inlets.objects.trouble import Amiss, Why
from streams.inlets.sorting import Sorted, Sorter, Unsorted
from streams.inlets.sqs.road import SqsRoad
from streams.inlets.tally import Tally
from streams.mail.deadletter import DeadReason
from streams.observe.metrics import Metrics
from streams.settings import Producer, Security
from streams.settings.intake import Objects, Sqs
from streams.topics import plan
from tests.builders import CODEC, NOON
from tests.inlets.objects.conftest import Bucket
from tests.inlets.objects.line import BreakingLine
from tests.inlets.objects.test_ingest_resumed import in_topic

OURS = "0102018c1b2c3d4e-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000000"
AT = "2026-11-28T10:00:00.000Z"
ORIGIN = "sqs:received"
DSN = f"""\
Return-Path: <>\r
Received: from mx.example.org by inbound-smtp.eu-west-1.amazonaws.com; Sat, 28 Nov 2026 10:00:00 +0000\r
From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.org>\r
To: shop@example.com\r
Subject: Undelivered Mail\r
Message-ID: <dsn-1@mx.example.org>\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
\r
It did not work.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example.org\r
\r
Final-Recipient: rfc822; ann@example.org\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 no such user\r
--b\r
Content-Type: text/rfc822-headers\r
\r
Message-ID: <{OURS}@eu-west-1.amazonses.com>\r
To: ann@example.org\r
--b--\r
""".encode()
LETTER = b"Return-Path: <ann@example.org>\r\nFrom: ann@example.org\r\nTo: shop@example.com\r\nSubject: Hello\r\n\r\nHi!"


def received(bucket: str, key: str, mail: bytes = DSN, **action: str) -> dict[str, Any]:
    """Return SES's alert of an S3 action: the headers, and where the mail is."""
    head = mail.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    pairs = [line.partition(": ") for line in head]
    return {
        "notificationType": "Received",
        "mail": {
            "timestamp": AT,
            "source": "ann@example.org",
            "messageId": "d6iitobk75ur44p8kdnnp7g2n800",
            "destination": ["shop@example.com"],
            "headersTruncated": False,
            "headers": [{"name": name, "value": value} for name, _, value in pairs],
            "commonHeaders": {"from": ["ann@example.org"], "subject": "Hello"},
        },
        "receipt": {
            "timestamp": AT,
            "recipients": ["shop@example.com"],
            "spamVerdict": {"status": "PASS"},
            "action": {"type": "S3", "topicArn": "arn:x", "bucketName": bucket, "objectKey": key, **action},
        },
    }


def by_s3(bucket: str, key: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    """Return S3's own event."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventTime": AT,
                "eventName": name,
                "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/"), "size": 1}},
            }
        ]
    }


def by_eventbridge(bucket: str, key: str, title: str = "Object Created") -> dict[str, Any]:
    """Return S3's event as EventBridge has it."""
    about = {"version": "0", "bucket": {"name": bucket}, "object": {"key": key, "size": 1}, "reason": "PutObject"}
    return {"version": "0", "detail-type": title, "source": "aws.s3", "time": AT, "detail": about}


def sns(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event in SNS's envelope."""
    return {"Type": "Notification", "TopicArn": "arn:x", "Message": json.dumps(event), "Timestamp": AT}


def sends(*numbers: int) -> bytes:
    return "\n".join(json.dumps({"eventType": "Send", "mail": {"messageId": f"id-{n}"}}) for n in numbers).encode()


class Reads:
    """A sorter with S3 behind it, and what it counted."""

    def __init__(self, settings: Objects, **how: Any) -> None:
        self.metrics = Metrics()
        self.tally = Tally(self.metrics, lambda: NOON)
        self.sorter = Sorter(CODEC, lambda: NOON)
        self.sorter.fetching = self.fetching = Fetching(self.sorter, settings, self.tally, **how)

    async def __call__(self, item: object) -> Sorted:
        return await self.sorter.read(item if isinstance(item, bytes) else json.dumps(item).encode(), ORIGIN)

    def refused(self) -> dict[str, float]:
        counts = self.metrics.values("ses_intake_refused_total")
        return {labels[1]: count for labels, count in counts.items() if labels[0] == "object" and count}

    def items(self) -> dict[str, float]:
        counts = self.metrics.values("ses_intake_items_total")
        return {labels[1]: count for labels, count in counts.items() if labels[0] == "object" and count}


@asynccontextmanager
async def reads(bucket: Bucket, url: str | None = None, **words: Any) -> AsyncIterator[Reads]:
    """Open a sorter that may fetch from *bucket*."""
    asked = {"endpoint_url": url or bucket.settings.endpoint_url, "region": "eu-west-1", "buckets": (bucket.name,)}
    opened = Reads(Objects.model_validate({**asked, **words}))
    await opened.fetching.start()
    try:
        yield opened
    finally:
        await opened.fetching.stop()


def records(found: Sorted, role: str = "feedback") -> list[dict[str, Any]]:
    name = "mail.Feedback" if role == "feedback" else "mail.DeadLetter"
    return [CODEC.decode(name, record.value) for record in found.records if record.role == role]


Way = Callable[[str, str], dict[str, Any]]


@pytest.mark.parametrize("way", [received, by_s3, by_eventbridge], ids=lambda way: way.__name__)
@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_delivery_report_that_ses_keeps_in_s3_is_a_bounce(bucket: Bucket, way: Way, wrapped: bool) -> None:
    key = "mails/m9p1 sfm6+qcg3=ü"
    bucket.put(key, DSN)
    alert = way(bucket.name, key)
    async with reads(bucket) as read:
        found = await read(sns(alert) if wrapped else alert)
    (bounce,) = records(found)
    assert (bounce["kind"], bounce["message_id"], bounce["bounce_subtype"]) == ("BOUNCE", OURS, "MailReport")
    assert bounce["recipients"][0]["address"] == "ann@example.org"
    assert (found.objects, found.dead, found.events) == (1, [], 1)


async def test_both_alerts_of_one_mail_give_one_event(bucket: Bucket) -> None:
    bucket.put("m", DSN)
    async with reads(bucket) as read:
        found = [records(await read(way(bucket.name, "m"))) for way in (received, by_s3, by_eventbridge)]
    assert len({event["feedback_id"] for (event,) in found}) == 1


async def test_the_event_keeps_ses_alert_and_nothing_of_the_mail(bucket: Bucket) -> None:
    bucket.put("m", DSN)
    async with reads(bucket) as read:
        (bounce,) = records(await read(received(bucket.name, "m")))
    assert "It did not work" not in json.dumps(bounce, default=str)


async def test_a_persons_mail_is_nothing_and_of_it_nothing_goes_on(bucket: Bucket) -> None:
    bucket.put("m", LETTER)
    async with reads(bucket) as read:
        for way in (received, by_s3, by_eventbridge):
            assert (await read(way(bucket.name, "m"))).records == []
        assert read.refused() == {}


async def test_of_a_large_mail_only_the_beginning_is_read(bucket: Bucket, line: BreakingLine) -> None:
    bucket.put("m", DSN + b"x" * 12_000_000)
    async with reads(bucket, line.url) as read:
        for way in (received, by_s3):
            assert len(records(await read(way(bucket.name, "m")))) == 1
    assert line.passed < 8_000_000  # of 24; what the sockets hold is on its way before we say that it is enough
    assert any(b"range: bytes=0-262143\r\n" in asked.lower() for asked in line.asked)


async def test_a_verdict_in_the_alert_counts_for_the_mail_that_is_fetched(bucket: Bucket) -> None:
    bucket.put("m", DSN)
    alert = received(bucket.name, "m")
    alert["receipt"]["spamVerdict"] = {"status": "FAIL"}
    async with reads(bucket) as read:
        assert (await read(alert)).records == []


@pytest.mark.parametrize("way", [by_s3, by_eventbridge], ids=lambda way: way.__name__)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
async def test_a_new_object_of_events_is_taken_in_whole(
    bucket: Bucket, way: Way, pack: Callable[[bytes], bytes]
) -> None:
    bucket.put("ses/2026/11/28/10/s-1", pack(sends(1, 2) + b"\n{broken\n" + sends(*range(3, 700))))
    async with reads(bucket) as read:
        found = await read(way(bucket.name, "ses/2026/11/28/10/s-1"))
    assert [event["message_id"] for event in records(found)] == [f"id-{number}" for number in range(1, 700)]
    assert (found.events, found.dead, found.objects) == (699, [DeadReason.NOT_JSON], 1)
    (dead,) = records(found, "dead-letters")
    assert (dead["topic"], dead["offset"], dead["value"]) == (bucket.url("ses/2026/11/28/10/s-1"), 3, b"{broken")


async def test_without_an_allowed_bucket_nothing_is_fetched(bucket: Bucket, line: BreakingLine) -> None:
    bucket.put("m", DSN)
    async with reads(bucket, line.url, buckets=("another",)) as read:
        assert (await read(received(bucket.name, "m"))).records == []
        for way in (by_s3, by_eventbridge):
            (dead,) = records(await read(way(bucket.name, "m")), "dead-letters")
            assert "intake.objects.buckets" in dead["detail"]
    assert line.asked == []


async def test_what_an_alerts_own_headers_say_counts_where_the_mail_is_not_fetched() -> None:
    reply = f"Return-Path: <>\r\nAuto-Submitted: auto-replied\r\nIn-Reply-To: <{OURS}@eu-west-1.amazonses.com>".encode()
    alert = received("nowhere", "m", reply)
    (event,) = records(await Sorter(CODEC, lambda: NOON).read(json.dumps(alert).encode(), ORIGIN))
    assert event["kind"] == "AUTO_REPLY"


@pytest.mark.parametrize(
    "said",
    [
        by_s3("b-1", "k", "ObjectRemoved:Delete"),
        by_s3("b-1", "k", "ObjectRestore:Completed"),
        by_eventbridge("b-1", "k", "Object Deleted"),
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": AT, "Bucket": "b-1", "RequestId": "1", "HostId": "2"},
    ],
)
async def test_what_s3_says_of_anything_but_new_objects_is_nothing(said: dict[str, Any]) -> None:
    for item in (said, sns(said)):
        found = await Sorter(CODEC, lambda: NOON).read(json.dumps(item).encode(), ORIGIN)
        assert (found.records, found.dead) == ([], [])


async def test_a_mail_that_is_gone_is_a_dead_letter_that_says_where_it_was_and_nothing_else(bucket: Bucket) -> None:
    async with reads(bucket) as read:
        found = await read(received(bucket.name, "gone", LETTER))
        (dead,) = records(found, "dead-letters")
        assert "NoSuchKey" in dead["detail"]
        assert dead["reason"] == "NOT_AN_EVENT"
        assert json.loads(dead["value"]) == {
            "notificationType": "Received",
            "receipt": {"action": {"type": "S3", "bucketName": bucket.name, "objectKey": "gone"}},
        }
        assert read.refused() == {"object_unreadable": 1}
        bucket.put("gone", DSN)
        assert len(records(await read(dead["value"]))) == 1


async def test_a_mail_that_is_gone_is_what_its_alert_says_if_that_is_enough(bucket: Bucket) -> None:
    reply = f"Return-Path: <>\r\nAuto-Submitted: auto-replied\r\nIn-Reply-To: <{OURS}@eu-west-1.amazonses.com>".encode()
    async with reads(bucket) as read:
        found = await read(received(bucket.name, "gone", reply))
    assert [event["kind"] for event in records(found)] == ["AUTO_REPLY"]
    assert found.dead == []


@pytest.mark.parametrize(
    ("body", "words", "reason"),
    [
        (b"PAR1\x15\x04", {}, "NOT_JSON"),
        (b"x", {"Metadata": {"x-amz-key-v2": "k"}}, "NOT_JSON"),
        (b"{}" + b" " * 1024 * 1024, {}, "TOO_LARGE"),
        (gzip.compress(b" " * 2_000_000), {}, "TOO_LARGE"),
    ],
    ids=["parquet", "sealed", "large", "large-unpacked"],
)
async def test_an_object_of_no_use_is_a_dead_letter_with_the_alert(
    bucket: Bucket, body: bytes, words: dict[str, Any], reason: str
) -> None:
    bucket.put("o", body, **words)
    alert = by_s3(bucket.name, "o")
    async with reads(bucket, max_object_mib=1) as read:
        found = await read(alert)
        (dead,) = records(found, "dead-letters")
        assert dead["reason"] == reason
        assert json.loads(dead["value"]) == alert["Records"][0]
        assert sum(read.refused().values()) == 1
    assert [record.role for record in found.records] == ["dead-letters"]


async def test_an_object_of_just_the_allowed_size_is_read(bucket: Bucket) -> None:
    bucket.put("o", sends(1).ljust(1024 * 1024))
    async with reads(bucket, max_object_mib=1) as read:
        assert len(records(await read(by_s3(bucket.name, "o")))) == 1


async def test_neighbours_of_an_alert_in_one_item_go_on(bucket: Bucket) -> None:
    bucket.put("o", sends(1))
    send = {"eventType": "Send", "mail": {"messageId": "id-0"}}
    alerts = [send, *by_s3(bucket.name, "gone")["Records"], *by_s3(bucket.name, "o")["Records"], {"no": "event"}]
    async with reads(bucket) as read:
        found = await read(alerts)
    assert [event["message_id"] for event in records(found)] == ["id-0", "id-1"]
    assert found.dead == [DeadReason.NOT_AN_EVENT] * 2


class Fails:
    """An S3 that says the same of everything."""

    def __init__(self, trouble: Amiss) -> None:
        self._trouble = trouble

    async def open(self, *_: object, **__: object) -> store.Answer:
        raise self._trouble


@pytest.mark.parametrize("why", sorted(set(Why) - {Why.MISSING, Why.CHANGED, Why.ARCHIVED}))
async def test_what_s3_does_not_give_for_now_makes_the_item_come_again(
    why: Why, caplog: pytest.LogCaptureFixture
) -> None:
    @asynccontextmanager
    async def opening(_: Objects) -> AsyncIterator[Any]:
        yield Fails(Amiss(why, f"s3://b-1/k: {why}"))

    read = Reads(Objects(buckets=("b-1",)), opening=opening)
    await read.fetching.start()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(Unsorted, match=why):
                await read(received("b-1", "k"))
    assert read.items() == {"failed": 3}
    assert caplog.text.count("comes again") == 1


async def test_an_s3_that_is_silent_makes_the_item_come_again_in_time_for_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silent:
        async def open(self, *_: object, **__: object) -> store.Answer:
            await asyncio.Event().wait()
            raise AssertionError

    @asynccontextmanager
    async def opening(_: Objects) -> AsyncIterator[Any]:
        yield Silent()

    monkeypatch.setattr(fetching, "WITHIN_S", 0.05)
    read = Reads(Objects(buckets=("b-1",)), opening=opening)
    await read.fetching.start()
    with pytest.raises(Unsorted):
        await read(received("b-1", "k"))


async def test_after_the_end_nothing_is_fetched_and_what_names_something_comes_again(bucket: Bucket) -> None:
    async with reads(bucket) as read:
        pass
    with pytest.raises(Unsorted):
        await read(received(bucket.name, "m"))
    assert (await read(sends(1))).events == 1


def test_a_bucket_is_allowed_by_its_name_alone() -> None:
    for wrong in ("*", "s3://mails", "arn:aws:s3:::mails", "mails/prefix", "UPPER"):
        with pytest.raises(ValueError, match="no name of a bucket"):
            Objects(buckets=(wrong,))


async def test_a_received_mail_comes_by_a_queue_from_s3_into_the_topic_and_a_failing_s3_holds_it_back(
    bucket: Bucket, line: BreakingLine, moto: str
) -> None:
    queues: Any = boto3.client(
        "sqs",
        endpoint_url=moto,
        region_name="eu-west-1",
        aws_access_key_id="a",
        aws_secret_access_key="s",  # noqa: S106 - moto looks at none
    )
    url = queues.create_queue(QueueName=bucket.name)["QueueUrl"]
    bucket.put("m", DSN)
    bucket.put("o", gzip.compress(sends(*range(50))))
    for alert in (sns(received(bucket.name, "m")), by_s3(bucket.name, "o"), sns(by_s3(bucket.name, "o"))):
        queues.send_message(QueueUrl=url, MessageBody=json.dumps(alert))
    with EmbeddedBroker() as broker:
        ensure_topics(broker.address, Security(), plan(prefix="ses.", partitions=4, replication=1, group="g"))
        line.after, line.times = 1, 10_000  # S3 fails to begin with
        async with reads(bucket, line.url) as read, landing(broker.address) as lands:
            sqs = Sqs(queues=(url,), endpoint_url=moto, region="eu-west-1", wait_seconds=0, visibility_seconds=5)
            road = SqsRoad(sqs, read.sorter, lands, read.tally, clock=lambda: NOON, on_failure=_failed)
            await road.start()
            try:
                await until(lambda: read.items().get("failed", 0) > 0)
                assert await asyncio.to_thread(in_topic, broker.address) == []
                line.times = 0
                await until(lambda: _left(queues, url) == 0)
            finally:
                await road.stop()
        landed = await asyncio.to_thread(in_topic, broker.address)
    assert set(landed) == {OURS, *(f"id-{number}" for number in range(50))}
    assert read.items()["landed"] == 3


def _failed(failure: WorldFailed) -> None:
    pytest.fail(str(failure))


def _left(queues: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    said = queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(said[name]) for name in names)


@asynccontextmanager
async def landing(brokers: str) -> AsyncIterator[Landing]:
    topics = {"feedback": "ses.feedback", "dead-letters": "ses.dead-letters"}
    opened = Landing(
        brokers,
        Security(),
        topics,
        settings=Producer(),
        patience_s=10,
        most_bytes=64 * 1024 * 1024,
        on_failure=_failed,
    )
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110 - SQS tells nobody when it is empty
            await asyncio.sleep(0.05)
