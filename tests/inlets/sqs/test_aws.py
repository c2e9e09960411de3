"""SQS over the network, as moto has it: what is asked, what comes back, and words that say what to do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import boto3
import pytest
from aiohttp import web

from streams.errors import BadSettings
from streams.inlets.sqs.aws import AwsQueue, endpoint_of, open_queue, region_of_queue
from streams.inlets.sqs.calls import Amiss, Why
from streams.inlets.sqs.trouble import ROWS, why_of
from streams.settings.intake import Sqs

LOGIN = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}


@pytest.fixture(autouse=True)
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def sqs(moto: str) -> Any:
    return boto3.client("sqs", endpoint_url=moto, region_name="eu-west-1")


def queue_at(sqs: Any, name: str, **attributes: str) -> str:
    return str(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[AwsQueue]:
    async with open_queue(Sqs.model_validate({"queues": url, "region": "eu-west-1"}), url) as queue:
        yield queue


async def test_what_is_sent_is_received_ten_at_a_time_and_deleted_in_one_call(sqs: Any) -> None:
    url = queue_at(sqs, "plain")
    for number in range(12):
        sqs.send_message(QueueUrl=url, MessageBody=f"body {number} \u00fc")
    async with opened(url) as queue:
        first = await queue.receive(10, 0, 30)
        second = await queue.receive(10, 0, 30)
        assert len(first) == 10
        bodies = {message.body.decode() for message in first + second}
        assert bodies == {f"body {number} \u00fc" for number in range(12)}
        assert all(message.received == 1 and message.sent_at for message in first)
        assert await queue.delete([message.handle for message in first]) == [None] * 10
        assert await queue.receive(10, 0, 30) == []


async def test_what_is_shown_again_comes_again_under_another_handle(sqs: Any) -> None:
    url = queue_at(sqs, "again")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    async with opened(url) as queue:
        (first,) = await queue.receive(10, 0, 300)
        assert await queue.receive(10, 0, 300) == []
        assert await queue.hide([(first.handle, 0)]) == [None]
        (second,) = await queue.receive(10, 0, 300)
        assert (second.id, second.received) == (first.id, 2)
        assert second.handle != first.handle


async def test_a_handle_of_no_message_is_gone_and_its_neighbours_are_deleted(sqs: Any) -> None:
    url = queue_at(sqs, "neighbours")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    async with opened(url) as queue:
        (message,) = await queue.receive(10, 0, 30)
        with suppress(Amiss):  # some say so of the whole call, having done the rest of it
            assert (await queue.delete([message.handle, "none"]))[1] is Why.GONE
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]) == ("0", "0")


async def test_a_queue_that_is_not_there_is_said_with_what_to_do(moto: str) -> None:
    async with opened(f"{moto}/123456789012/nowhere") as queue:
        with pytest.raises(Amiss, match=r"nowhere: .*check the account, the name and the region") as caught:
            await queue.receive(10, 0, 30)
    assert caught.value.why is Why.MISSING


async def test_an_sqs_that_is_not_there_is_the_network_s_trouble() -> None:
    async with opened("http://127.0.0.1:9/123456789012/q") as queue:
        with pytest.raises(Amiss) as caught:
            await queue.receive(10, 0, 30)
    assert caught.value.why is Why.NETWORK


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.why)
async def test_what_aws_says_is_a_word_of_ours_without_its_sentence(row: Any) -> None:
    async def refuse(_: web.Request) -> web.Response:
        body = {
            "__type": f"com.amazonaws.sqs#{row.codes[0]}",
            "message": "arn:aws:sts::1:assumed-role/r/ann@example.org",
        }
        return web.Response(status=400, text=json.dumps(body), content_type="application/x-amz-json-1.0")

    app = web.Application()
    app.router.add_post("/{path:.*}", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with opened(f"http://127.0.0.1:{runner.addresses[0][1]}/123456789012/q") as queue:
        with pytest.raises(Amiss) as caught:
            await queue.receive(10, 0, 30)
    await runner.cleanup()
    assert caught.value.why is row.why
    assert row.advice in str(caught.value)
    assert "ann@" not in str(caught.value)


def test_every_code_is_in_one_row_and_what_nobody_knows_is_other() -> None:
    codes = [code for row in ROWS for code in row.codes]
    assert len(codes) == len(set(codes))
    assert {why_of(code) for code in codes} == {row.why for row in ROWS}
    assert why_of("AWS.SimpleQueueService.NonExistentQueue") is Why.MISSING
    assert why_of("Whatever") is Why.OTHER


async def test_without_credentials_it_says_which_chain_gave_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LOGIN:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/q"
    async with opened(url) as queue:
        with pytest.raises(Amiss, match="default chain") as caught:
            await queue.receive(10, 0, 30)
    assert caught.value.why is Why.CREDENTIALS


async def test_a_profile_that_is_not_there_is_a_bad_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(BadSettings, match="AWS's own settings"):
        async with opened("https://sqs.eu-west-1.amazonaws.com/123456789012/q"):
            pass


@pytest.mark.parametrize(
    ("url", "region", "endpoint"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/1/q", "eu-west-1", None),
        ("https://sqs-fips.us-gov-west-1.amazonaws.com/1/q", "us-gov-west-1", None),
        ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", "cn-north-1", None),
        ("https://eu-west-1.queue.amazonaws.com/1/q", "eu-west-1", None),
        ("https://queue.amazonaws.com/1/q", "us-east-1", None),
        ("https://sqs.eu-west-1.api.aws/1/q", "eu-west-1", None),
        (
            "https://vpce-0a-0b.sqs.eu-west-1.vpce.amazonaws.com/1/q",
            "eu-west-1",
            "https://vpce-0a-0b.sqs.eu-west-1.vpce.amazonaws.com",
        ),
        ("http://127.0.0.1:4566/000000000000/q", None, "http://127.0.0.1:4566"),
    ],
)
def test_a_queue_s_url_says_its_region_and_where_to_ask(url: str, region: str | None, endpoint: str | None) -> None:
    assert (region_of_queue(url), endpoint_of(url)) == (region, endpoint)
