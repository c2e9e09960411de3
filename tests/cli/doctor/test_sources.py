"""The doctor at the intake's sources, by moto: somebody else's reading of SQS and SNS."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from tests.cli.conftest import Run

REGION = "eu-west-1"
ACCOUNT = "123456789012"


@pytest.fixture
def aws(run: Run, moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Name moto as where AWS is, and return what makes clients of it."""
    del run
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", moto)
    monkeypatch.setenv("SES_STREAMS_INTAKE__SQS__ENDPOINT_URL", moto)
    monkeypatch.setenv("SES_STREAMS_INTAKE__SQS__REGION", REGION)
    return lambda service: boto3.client(service, region_name=REGION, endpoint_url=moto)


def found(run: Run, code: int) -> dict[str, str]:
    ran = run("doctor", "--only", "intake", "--patience", "5", "--json")
    assert ran.code == code, ran.out + ran.err
    said = [json.loads(line) for line in ran.out.splitlines()]
    return {one["finding"]: one["words"] for one in said}


def test_a_queue_without_dead_letters_and_one_that_is_not_there(
    aws: Any, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = aws("sqs").create_queue(QueueName="doctor-mail")["QueueUrl"]
    monkeypatch.setenv("SES_STREAMS_INTAKE__SQS__QUEUES", url)
    assert set(found(run, 0)) == {"QUEUE_WITHOUT_DEAD_LETTERS", "SOURCES_FINE"}
    monkeypatch.setenv("SES_STREAMS_INTAKE__SQS__QUEUES", f"{url},{url}-other")
    assert found(run, 1)["SOURCE_MISSING"].startswith("queue doctor-mail-other")


def test_a_topic_that_tells_nobody_and_one_that_is_not_there(
    aws: Any, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = aws("sns").create_topic(Name="doctor-mail")["TopicArn"]
    monkeypatch.setenv("SES_STREAMS_INTAKE__SNS__TOPICS", arn)
    aws("sns").subscribe(TopicArn=arn, Protocol="email", Endpoint="ann@example.com")
    said = found(run, 1)
    assert "TOPIC_TELLS_NOBODY" in said
    assert "ann" not in str(said)
    aws("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:doctor-mail")
    assert "SOURCES_FINE" in found(run, 0)
    monkeypatch.setenv("SES_STREAMS_INTAKE__SNS__TOPICS", f"{arn}-other")
    assert set(found(run, 1)) == {"SOURCE_MISSING"}
