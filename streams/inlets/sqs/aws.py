"""One queue over the network: a client of SQS's API, its calls in our words, and where and as whom it asks.

The queue's URL says its region and, where its host is not one of AWS's own names, its endpoint. Credentials come by
AWS's default chain. Every call is made once: who asks knows best when to ask again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session
from botocore.exceptions import BotoCoreError

from streams.dispatch.client import is_simulator, simulated_login
from streams.errors import BadSettings
from streams.inlets.sqs.calls import Answers, Message, Why
from streams.inlets.sqs.trouble import RAISED, amiss, why_of
from streams.settings.intake import Sqs

CALL_S = 10.0
"""How long SQS may take for an answer, besides the time it is told to hold a request."""

_CONNECT_S = 5.0
_ANY_REGION = "us-east-1"  # of a stand-in on this machine; it signs as well as any
_ATTRIBUTES = ("ApproximateReceiveCount", "SentTimestamp")
_REGION = re.compile(r"(?:^|\.)(?:sqs(?:-fips)?\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.")
_AWS_HOST = re.compile(
    r"(sqs(-fips)?\.[a-z0-9-]+|[a-z0-9-]+\.queue|queue)\.(amazonaws\.com(\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn)"
)


class AwsQueue:
    """One queue of SQS."""

    def __init__(self, client: Any, url: str) -> None:
        """Ask by *client*."""
        self._client = client
        self._url = url
        self.name = name_of_queue(url)
        """The queue's name."""

    async def receive(self, most: int, wait_s: int, hidden_s: int) -> list[Message]:
        """Return up to *most* messages, hidden from others for *hidden_s*; wait up to *wait_s* for the first."""
        words = {
            "MaxNumberOfMessages": most,
            "WaitTimeSeconds": wait_s,
            "VisibilityTimeout": hidden_s,
            "MessageSystemAttributeNames": list(_ATTRIBUTES),
        }
        said = await self._ask("ReceiveMessage", self._client.receive_message, words, wait_s + CALL_S)
        return [_message(one) for one in said.get("Messages", ())]

    async def delete(self, handles: Sequence[str]) -> Answers:
        """Delete up to 10 messages."""
        entries = [{"Id": str(at), "ReceiptHandle": handle} for at, handle in enumerate(handles)]
        said = await self._ask("DeleteMessageBatch", self._client.delete_message_batch, {"Entries": entries}, CALL_S)
        return _answers(said, len(entries))

    async def hide(self, times: Sequence[tuple[str, int]]) -> Answers:
        """Hide up to 10 messages for so many seconds from now; 0 shows it again."""
        entries = [
            {"Id": str(at), "ReceiptHandle": handle, "VisibilityTimeout": seconds}
            for at, (handle, seconds) in enumerate(times)
        ]
        ask = self._client.change_message_visibility_batch
        said = await self._ask("ChangeMessageVisibilityBatch", ask, {"Entries": entries}, CALL_S)
        return _answers(said, len(entries))

    async def attributes(self) -> Mapping[str, str]:
        """Return what SQS says of the queue itself."""
        said = await self._ask(
            "GetQueueAttributes", self._client.get_queue_attributes, {"AttributeNames": ["All"]}, CALL_S
        )
        about: Mapping[str, str] = said.get("Attributes", {})
        return about

    async def _ask(self, call: str, ask: Any, words: Mapping[str, Any], within_s: float) -> Mapping[str, Any]:
        """Make one call; raises Amiss where it ends otherwise than well."""
        try:
            async with asyncio.timeout(within_s):
                said: Mapping[str, Any] = await ask(QueueUrl=self._url, **words)
        except RAISED as error:
            raise amiss(self.name, call, error) from error
        return said


@asynccontextmanager
async def open_queue(settings: Sqs, url: str) -> AsyncIterator[AwsQueue]:
    """Open the queue at *url*; nothing is asked yet.

    Raises:
        BadSettings: no client can be made: nobody says the region, no such profile.
        Amiss: credentials that the default chain cannot get hold of.

    """
    session = get_session()
    endpoint = settings.endpoint_url or endpoint_of(url)
    try:
        key, secret = await simulated_login(session) if is_simulator(endpoint) else (None, None)
        opened = session.create_client(
            "sqs",
            region_name=_region(settings, url, session, endpoint),
            endpoint_url=endpoint,
            config=_config(settings),
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )
        client = await opened.__aenter__()
    except (BotoCoreError, ValueError, OSError) as error:  # ValueError: an endpoint that is no URL after all
        trouble = amiss(name_of_queue(url), "the way to AWS", error)
        if trouble.why is Why.CREDENTIALS:
            raise trouble from error
        raise BadSettings(f"no client of SQS: {error}; see intake.sqs.region and AWS's own settings") from error
    try:
        yield AwsQueue(client, url)
    finally:
        await opened.__aexit__(None, None, None)


def name_of_queue(url: str) -> str:
    """Return the name of the queue at *url*: the end of its path."""
    return urlsplit(url).path.rpartition("/")[2]


def region_of_queue(url: str) -> str | None:
    """Return the region that *url* names, also as a VPC endpoint or in AWS's older form; None where it names none."""
    host = urlsplit(url).hostname or ""
    found = _REGION.search(host)
    if found is None:
        return _ANY_REGION if host == "queue.amazonaws.com" else None
    return found[1]


def endpoint_of(url: str) -> str | None:
    """Return where to ask for the queue at *url*: its own host; None for a name of AWS's own, which botocore knows."""
    parts = urlsplit(url)
    return None if _AWS_HOST.fullmatch(parts.hostname or "") else f"{parts.scheme}://{parts.netloc}"


def _region(settings: Sqs, url: str, session: AioSession, endpoint: str | None) -> str | None:
    """Return the region by which requests are signed; None where nobody says."""
    said: str | None = settings.region or region_of_queue(url) or session.get_config_variable("region")
    return _ANY_REGION if said is None and is_simulator(endpoint) else said


def _config(settings: Sqs) -> AioConfig:
    """Return botocore's settings; each request that waits has its connection, and the others have as many."""
    return AioConfig(
        connect_timeout=_CONNECT_S,
        read_timeout=settings.wait_seconds + CALL_S,
        max_pool_connections=2 * settings.pollers + 2,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )


def _message(said: Mapping[str, Any]) -> Message:
    """Return a message from SQS's words."""
    noted = said.get("Attributes", {})
    return Message(
        id=said["MessageId"],
        handle=said["ReceiptHandle"],
        body=said.get("Body", "").encode("utf-8", "surrogatepass"),  # JSON can write halves of characters
        received=max(_number(noted.get("ApproximateReceiveCount")) or 1, 1),
        sent_at=_number(noted.get("SentTimestamp")),
    )


def _number(said: str | None) -> int | None:
    return int(said) if said is not None and said.isdecimal() else None


def _answers(said: Mapping[str, Any], count: int) -> Answers:
    """Return each entry's answer; one of which nothing is said was not done."""
    done: dict[str, Why | None] = {one["Id"]: None for one in said.get("Successful", ())}
    done |= {one["Id"]: why_of(one.get("Code", "")) for one in said.get("Failed", ())}
    return [done.get(str(at), Why.OTHER) for at in range(count)]
