"""The ways by which events get into a queue, as moto has them: whichever it was, each lands and leaves the queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from streams.inlets.sorting import Sorter
from streams.inlets.sqs.road import SqsRoad
from streams.inlets.tally import Tally
from streams.observe.metrics import Metrics
from streams.settings.intake import Sqs
from tests.builders import CODEC, NOON
from tests.inlets.sqs.twin import Quay, event, until

COUNT = 12
Client = Callable[[str], Any]


@pytest.fixture
def client(moto: str, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    return lambda name: boto3.client(name, endpoint_url=moto, region_name="eu-west-1")


def by_sns(client: Client, url: str, arn: str, raw: str) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name=f"mail-{raw}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": raw})
    for number in range(COUNT):
        sns.publish(TopicArn=topic, Message=event(number).decode())


def wrapped(client: Client, url: str, arn: str) -> None:
    by_sns(client, url, arn, "false")


def raw(client: Client, url: str, arn: str) -> None:
    by_sns(client, url, arn, "true")


def by_eventbridge(client: Client, url: str, arn: str) -> None:
    events = client("events")
    events.put_rule(Name="ses", EventPattern=json.dumps({"source": ["aws.ses"]}))
    events.put_targets(Rule="ses", Targets=[{"Id": "queue", "Arn": arn}])
    for number in range(COUNT):
        said = {"Source": "aws.ses", "DetailType": "Email Sent", "Detail": event(number).decode()}
        events.put_events(Entries=[said])


def in_order(client: Client, url: str, arn: str) -> None:
    for number in range(COUNT):
        words = {"MessageGroupId": "g", "MessageDeduplicationId": str(number)}
        client("sqs").send_message(QueueUrl=url, MessageBody=event(number).decode(), **words)


@pytest.mark.parametrize("way", [wrapped, raw, by_eventbridge, in_order], ids=lambda way: way.__name__)
async def test_each_event_lands_once_and_leaves_the_queue(client: Client, way: Callable[..., None]) -> None:
    sqs, fifo = client("sqs"), way is in_order
    name = way.__name__ + (".fifo" if fifo else "")
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if fifo else {})["QueueUrl"]
    asked = ["QueueArn", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"].pop("QueueArn")
    way(client, url, arn)
    said = Sqs.model_validate({"queues": url, "region": "eu-west-1", "wait_seconds": 1, "pollers": 1})
    quay, tally = Quay(), Tally(Metrics(), lambda: NOON)
    failures: list[Exception] = []
    road = SqsRoad(said, Sorter(CODEC, lambda: NOON), quay, tally, clock=lambda: NOON, on_failure=failures.append)
    await road.start()
    await until(lambda: len(quay.landed) >= COUNT, 30)
    await road.stop()
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked[1:])["Attributes"]
    assert (sorted(quay.ids()), failures) == (sorted(f"m-{number}" for number in range(COUNT)), [])
    assert set(left.values()) == {"0"}
