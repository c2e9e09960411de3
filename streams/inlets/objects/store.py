"""S3 over the network: a client of its API, and its two calls in our words: list a page, open an object.

Region and endpoint come from the settings, credentials by AWS's default chain. botocore tries a call again where it
fails for a moment; an answer that breaks off half way is the business of stream.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError

from streams.dispatch.client import is_simulator, simulated_login
from streams.errors import BadSettings, Unusable
from streams.inlets.objects.trouble import RAISED, Why, amiss
from streams.mail.deadletter import DeadReason
from streams.settings.intake import Objects

CONNECTIONS = 16
_CONNECT_S = 5.0
_SILENT_S = 20.0  # between two packets of an answer
_TRIES = 4
_ANY_REGION = "us-east-1"  # of a stand-in on this machine; it signs as well as any
_SEALED = ("x-amz-key-v2", "x-amz-key", "x-amz-iv")
"""Metadata of an object that its writer has encrypted before S3 had it, as SES does where a rule names a KMS key."""


class Found(NamedTuple):
    """One object of a listing."""

    key: str
    size: int
    etag: str


class Page(NamedTuple):
    """Objects in order of their keys, and how to ask for those behind them; None at the end."""

    objects: list[Found]
    behind: str | None


class Answer(NamedTuple):
    """An object, or a part of it, about to be read.

    body: aiobotocore's stream; None where there is nothing to read.
    etag: names this very version; size: bytes that are to come.
    """

    body: Any
    etag: str
    size: int


class Store:
    """S3."""

    def __init__(self, client: Any) -> None:
        """Ask by *client*."""
        self._client = client

    async def page(self, bucket: str, prefix: str, after: str | None) -> Page:
        """Return the first page of what begins with *prefix*, or the one *after*; raises Amiss."""
        words = {} if after is None else {"ContinuationToken": after}
        try:
            said = await self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, **words)
        except RAISED as error:
            raise amiss(url_of(bucket, prefix), error) from error
        found = [Found(one["Key"], one["Size"], one.get("ETag", "")) for one in said.get("Contents", ())]
        return Page(found, said.get("NextContinuationToken"))

    async def open(
        self, bucket: str, key: str, *, start: int = 0, most: int | None = None, etag: str | None = None
    ) -> Answer:
        """Ask for an object from byte *start* on, at most *most* bytes of it, and only the version *etag*.

        Raises:
            Amiss: S3 does not give it.
            Unusable: NOT_JSON: whoever wrote it has encrypted it.

        """
        words = {"Bucket": bucket, "Key": key}
        if start or most is not None:
            words["Range"] = f"bytes={start}-{'' if most is None else start + most - 1}"
        if etag is not None:
            words["IfMatch"] = etag
        try:
            said = await self._client.get_object(**words)
        except RAISED as error:
            trouble = amiss(url_of(bucket, key), error)
            if trouble.why is Why.EMPTY:
                return Answer(None, "", 0)
            raise trouble from error
        if not said.get("Metadata", {}).keys().isdisjoint(_SEALED):
            said["Body"].close()
            raise Unusable(DeadReason.NOT_JSON, "it was encrypted before S3 had it, and we have no key")
        return Answer(said["Body"], said.get("ETag", ""), said["ContentLength"])


@asynccontextmanager
async def open_store(settings: Objects) -> AsyncIterator[Store]:
    """Open S3; nothing is asked yet.

    Raises:
        BadSettings: no client can be made: half a login, no such profile.

    """
    session = get_session()
    simulated = is_simulator(settings.endpoint_url)
    try:
        key, secret = await simulated_login(session) if simulated else (None, None)
        opened = session.create_client(
            "s3",
            region_name=settings.region
            or session.get_config_variable("region")
            or (_ANY_REGION if simulated else None),
            endpoint_url=settings.endpoint_url,
            config=_config(),
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )
        client = await opened.__aenter__()
    except (BotoCoreError, ValueError, OSError) as error:  # ValueError: an endpoint that is no URL after all
        raise BadSettings(f"no client of S3: {error}; see intake.objects and AWS's own settings") from error
    try:
        yield Store(client)
    finally:
        await opened.__aexit__(None, None, None)


def url_of(bucket: str, key: str) -> str:
    """Return an object's name, as people write it."""
    return f"s3://{bucket}/{key}"


def _config() -> AioConfig:
    return AioConfig(
        connect_timeout=_CONNECT_S,
        read_timeout=_SILENT_S,
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": _TRIES, "mode": "standard"},
        response_checksum_validation="when_required",  # a part of an object has none; TLS holds, as it did before 2025
    )
