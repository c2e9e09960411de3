"""Alerts by the roads that bring them: SNS over HTTPS and a queue, each answered once what S3 holds is in Kafka."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import boto3
import pytest

from streams.emit.admin import ensure_topics
from streams.engine.broker import EmbeddedBroker
from streams.inlets.objects.fetching import Fetching
from streams.inlets.tally import Tally
from streams.settings import Security
from streams.settings.intake import Intake, Objects, Sns
from streams.topics import plan
from tests.builders import CODEC
from tests.inlets.objects.conftest import Bucket
from tests.inlets.objects.line import BreakingLine
from tests.inlets.objects.test_fetching import DSN, OURS, by_s3, received, sends
from tests.inlets.objects.test_ingest_resumed import in_topic
from tests.inlets.sns.test_road import SNS, site_of


async def test_a_post_that_names_a_mail_in_s3_is_asked_for_again_while_s3_fails_and_then_lands_once(
    bucket: Bucket, line: BreakingLine
) -> None:
    bucket.put("m", DSN)
    line.after, line.times = 1, 10_000
    async with site_of() as site:
        sorter = site.road._sorter
        settings = Objects(endpoint_url=line.url, region="eu-west-1", buckets=(bucket.name,))
        sorter.fetching = fetching = Fetching(sorter, settings, Tally(site.metrics, site.clock))
        await fetching.start()
        try:
            post = SNS.post(json.dumps(received(bucket.name, "m")))
            assert await site.post(post) == 503
            assert (site.items(), site.quay.landed) == ({"failed": 1}, [])
            line.times = 0
            assert [await site.post(post) for _ in range(2)] == [200, 200]
        finally:
            await fetching.stop()
        (record,) = site.quay.landed
        assert CODEC.decode("mail.Feedback", record.value)["kind"] == "BOUNCE"
        assert site.items() == {"failed": 1, "landed": 1, "repeated": 1}


def test_the_intake_reads_a_queue_of_alerts_as_its_settings_say(bucket: Bucket, moto: str) -> None:
    login = {"aws_access_key_id": "a", "aws_secret_access_key": "s"}
    queues: Any = boto3.client("sqs", endpoint_url=moto, region_name="eu-west-1", **login)
    url = queues.create_queue(QueueName=bucket.name)["QueueUrl"]
    bucket.put("m", DSN)
    bucket.put("o", sends(1, 2))
    for alert in (received(bucket.name, "m"), by_s3(bucket.name, "o"), received("not-allowed", "m")):
        queues.send_message(QueueUrl=url, MessageBody=json.dumps(alert))
    with EmbeddedBroker() as broker:
        ensure_topics(broker.address, Security(), plan(prefix="ses.", partitions=4, replication=1, group="g"))
        said = {
            "BROKERS": broker.address,
            "WEB__PORT": "0",
            "INTAKE__SQS__QUEUES": url,
            "INTAKE__SQS__REGION": "eu-west-1",
            "INTAKE__SQS__ENDPOINT_URL": moto,
            "INTAKE__OBJECTS__REGION": "eu-west-1",
            "INTAKE__OBJECTS__ENDPOINT_URL": moto,
            "INTAKE__OBJECTS__BUCKETS": bucket.name,
        }
        environment = {**os.environ, **{f"SES_STREAMS_{name}": value for name, value in said.items()}}
        asked = [sys.executable, "-m", "streams", "intake"]
        with subprocess.Popen(asked, env=environment, stderr=subprocess.PIPE) as running:
            try:
                until = time.monotonic() + 60
                while len(landed := in_topic(broker.address)) < 3:
                    assert running.poll() is None, running.communicate()
                    assert time.monotonic() < until, landed
                running.send_signal(signal.SIGTERM)
                assert running.wait(60) == 0
            finally:
                running.kill()
    assert sorted(landed) == sorted([OURS, "id-1", "id-2"])


def test_where_sns_posts_there_must_be_time_for_s3_too() -> None:
    sns, objects = Sns(topics=("arn:aws:sns:eu-west-1:123456789012:mail",)), Objects(buckets=("mails",))
    assert Intake(sns=sns, patience_seconds=14).patience_seconds == 14
    assert Intake(sns=sns, objects=objects, patience_seconds=10).patience_seconds == 10
    for words in ({"objects": objects, "patience_seconds": 11}, {"patience_seconds": 14.5}):
        with pytest.raises(ValueError, match="SNS"):
            Intake.model_validate({"sns": sns, **words})
