"""How SES's events come in: the settings of `ses-streams intake`. Their use is in streams/inlets; nothing listens here.

There is no word that switches a check of a signature off.
"""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from streams.settings.group import Group, Words

_TOPIC_ARN = re.compile(r"arn:aws(-cn|-us-gov)?:sns:[a-z0-9-]{3,30}:\d{12}:[A-Za-z0-9_.-]{1,256}")
_QUEUE_URL = re.compile(r"https?://[^@\s/]+/(\d{12}/)?[A-Za-z0-9_.-]{1,80}(/[A-Za-z0-9_.-]{1,80})?")
_VERSIONS = ("1", "2")
BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
"""A bucket's name, as a regular expression."""


class Sns(Group):
    """SNS over HTTPS: the webhook listens where topics are named."""

    topics: Words = ()
    """Topics whose messages are taken, as whole ARNs; without any nothing listens."""
    host: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on; a container needs 0.0.0.0. TLS is the business of whatever stands before it."""
    port: int = Field(default=8081, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    path: str = Field(default="/sns", pattern=r"^/[A-Za-z0-9/_.-]{0,200}$")
    """Path to which SNS posts."""
    confirm: bool = False
    """True confirms subscriptions of the topics above; false lists them for you to confirm."""
    signature_versions: Words = _VERSIONS
    """Signatures that are taken: 1 is SHA-1, 2 is SHA-256; say 2 once your topics have SignatureVersion=2."""
    max_age_minutes: float = Field(default=60, gt=0, le=10_080)
    """Older messages are refused: SNS tries for an hour at most."""
    max_body_kib: int = Field(default=512, ge=1, le=4096)
    """Largest post: SNS carries 256 KiB, and quotes make them more."""

    @field_validator("topics")
    @classmethod
    def _whole_arns(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse patterns and names: a topic is allowed by its whole ARN."""
        wrong = [topic for topic in topics if not _TOPIC_ARN.fullmatch(topic)]
        if wrong:
            raise ValueError(f"{wrong[0]} is no ARN of an SNS topic, such as arn:aws:sns:eu-west-1:123456789012:mail")
        return topics

    @field_validator("signature_versions")
    @classmethod
    def _known_versions(cls, versions: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse versions that SNS does not have, and none at all."""
        if not versions or not set(versions) <= set(_VERSIONS):
            raise ValueError("signature_versions is 1, 2 or both")
        return versions


class Sqs(Group):
    """SQS queues that are read where they are named."""

    queues: Words = ()
    """Queues to read, as URLs; without any none is read."""
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://[^@\s]+$")
    """Where the SQS API is, instead of AWS: a VPC endpoint, a test."""
    region: str | None = Field(default=None, pattern=r"^[a-z0-9-]{3,30}$")
    """AWS region; without one the queue's URL says it, or else AWS's default chain."""
    pollers: int = Field(default=4, ge=1, le=256)
    """Requests for messages that wait at a time, a queue."""
    wait_seconds: int = Field(default=20, ge=0, le=20)
    """How long SQS holds a request while a queue is empty."""
    visibility_seconds: int = Field(default=60, ge=5, le=43_200)
    """How long a message stays hidden from others while we have it; we ask for more time while it takes longer."""

    @field_validator("queues")
    @classmethod
    def _urls(cls, queues: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what is no queue's URL."""
        wrong = [queue for queue in queues if not _QUEUE_URL.fullmatch(queue)]
        if wrong:
            raise ValueError("a queue is named by its URL, such as https://sqs.eu-west-1.amazonaws.com/123456789012/q")
        return queues


class Objects(Group):
    """Where S3 is, for `ingest s3://...` and for received mail that SES keeps there."""

    endpoint_url: str | None = Field(default=None, pattern=r"^https?://[^@\s]+$")
    """Where the S3 API is, instead of AWS: a VPC endpoint, a test."""
    region: str | None = Field(default=None, pattern=r"^[a-z0-9-]{3,30}$")
    """AWS region; without one AWS's default chain decides."""
    buckets: Words = ()
    """Buckets from which the intake fetches what an alert names: mail that SES keeps, batches; without any, none."""
    max_object_mib: int = Field(default=16, ge=1, le=256)
    """Largest object of events that an alert may name, packed or unpacked; larger ones are for `ingest`."""

    @field_validator("buckets")
    @classmethod
    def _names(cls, buckets: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse patterns, URLs and ARNs: a bucket is allowed by its name."""
        wrong = [bucket for bucket in buckets if not re.fullmatch(BUCKET, bucket)]
        if wrong:
            raise ValueError(f"{wrong[0]} is no name of a bucket, such as mail-we-receive")
        return buckets


class Intake(Group):
    """How SES's events come in."""

    sns: Sns = Sns()
    sqs: Sqs = Sqs()
    objects: Objects = Objects()
    patience_seconds: float = Field(default=10, ge=0.5, le=300)
    """How long the brokers may take to acknowledge; SNS gives up on an answer after 15."""
    max_in_flight_mib: int = Field(default=64, ge=1, le=4096)
    """Most that waits for the brokers; beyond it posts get 503 and queues are left alone."""

    @model_validator(mode="after")
    def _answers_in_time(self) -> Self:
        """Refuse a patience with which SNS would never hear an answer."""
        longest = 10 if self.objects.buckets else 14  # SNS waits 15 s, and S3 may take 4
        if self.sns.topics and self.patience_seconds > longest:
            raise ValueError(f"patience_seconds is {longest} at most where SNS posts: it waits 15 s for an answer")
        return self
