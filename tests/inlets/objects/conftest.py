"""S3 as moto has it, on loopback, with a bucket of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from streams.settings.intake import Objects
from tests.inlets.objects.line import BreakingLine

_NUMBERS = itertools.count(1)


class Bucket:
    """One bucket, from the side of who fills it."""

    def __init__(self, url: str) -> None:
        self.name = f"events-{next(_NUMBERS)}"
        self.settings = Objects(endpoint_url=url, region="eu-west-1")
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="a",
            aws_secret_access_key="s",  # noqa: S106 - moto looks at none
        )
        self.client.create_bucket(
            Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": self.settings.region}
        )

    def put(self, key: str, body: bytes, **words: Any) -> str:
        """Put an object; return its URL."""
        self.client.put_object(Bucket=self.name, Key=key, Body=body, **words)
        return self.url(key)

    def url(self, key: str = "") -> str:
        """Return what `ingest` calls it."""
        return f"s3://{self.name}/{key}"


@pytest.fixture
def bucket(moto: str) -> Bucket:
    """Give an empty bucket."""
    return Bucket(moto)


@pytest.fixture
def line(moto: str) -> Iterator[BreakingLine]:
    """Give a line to S3 that breaks when told."""
    with BreakingLine(moto) as opened:
        yield opened
