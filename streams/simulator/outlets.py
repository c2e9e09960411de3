"""Where events go: a file, an SNS-shaped post, Kafka, a function. Each takes them one by one and never makes them wait.

The posts are shaped as SNS's are, headers and all, and are not signed: nobody but SNS can. A post that fails is tried
again three times with the same MessageId, as SNS does, and is then lost, and counted. A file or a broker that fails
stops the simulator.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import aiohttp
import orjson

from streams.errors import WorldFailed
from streams.simulator.events import ACCOUNT, iso
from streams.simulator.fates import Event
from streams.simulator.telling import Told

TRIES = 4
"""Of one post: the first, and three more (SNS developer guide, "Message delivery retries")."""

SUBJECT = "Amazon SES Email Event Notification"
RECEIVED_SUBJECT = "Amazon SES Email Receipt Notification"

_LANES = 8  # posts at a time; the events of one mail share a lane, so they stay in order
_ANSWER_S = 15.0  # how long SNS waits for an answer
_GRACE_S = 5.0  # how long posts may go on once the simulator is told to stop


class ToFile:
    """Appends each event to a file, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        """Keep the path."""
        self._path = path
        self._file: BinaryIO | None = None
        self.undelivered = 0

    async def open(self) -> None:
        """Open the file.

        Raises:
            WorldFailed: it cannot be written.

        """
        try:
            self._file = self._path.open("ab")
        except OSError as error:
            raise WorldFailed(f"cannot write {self._path}: {error.strerror}") from error

    def take(self, told: Told, /) -> None:
        """Write one line."""
        if self._file is not None:
            file, line = self._file, told.body + b"\n"
            self._try(lambda: file.write(line))

    async def settle(self) -> None:
        """Let whoever reads the file see what there is.

        Raises:
            WorldFailed: the disk does not take it.

        """
        if self._file is not None:
            self._try(self._file.flush)

    async def close(self) -> None:
        """Close the file.

        Raises:
            WorldFailed: the disk does not take the rest.

        """
        if self._file is not None:
            self._try(self._file.close)

    def _try(self, what: Callable[[], object]) -> None:
        """Do something to the file; its failure is the world's."""
        try:
            what()
        except OSError as error:
            raise WorldFailed(f"cannot write {self._path}: {error.strerror}") from error


class ToSns:
    """Posts each event as SNS would."""

    def __init__(self, url: str, region: str, patience_ms: float, clock: Callable[[], int]) -> None:
        """Post to *url*; *patience_ms* lies between two tries."""
        self._url, self._region, self._patience_s, self._clock = url, region, patience_ms / 1000, clock
        self._topic = f"arn:aws:sns:{region}:{ACCOUNT}:ses-events"
        self._lanes: list[asyncio.Queue[Told]] = [asyncio.Queue() for _ in range(_LANES)]
        self._posting: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self._on_the_way = 0
        self.undelivered = 0

    async def open(self) -> None:
        """Make ready to post."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_S))
        self._posting = [asyncio.create_task(self._post_all(lane, self._session)) for lane in self._lanes]

    def take(self, told: Told, /) -> None:
        """Put an event in the lane of its mail."""
        self._on_the_way += 1
        self._lanes[crc32(told.message_id.encode()) % _LANES].put_nowait(told)

    async def settle(self) -> None:
        """Posts go on by themselves."""

    async def close(self) -> None:
        """Wait a little for what is still to be posted."""
        joined = asyncio.gather(*(lane.join() for lane in self._lanes))
        try:
            await asyncio.wait_for(joined, _GRACE_S)
        except TimeoutError:
            self.undelivered += self._on_the_way
        for task in self._posting:
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _post_all(self, lane: asyncio.Queue[Told], session: aiohttp.ClientSession) -> None:
        while True:
            told = await lane.get()
            if not await self._post(told, session):
                self.undelivered += 1
            self._on_the_way -= 1
            lane.task_done()

    async def _post(self, told: Told, session: aiohttp.ClientSession) -> bool:
        """Post one event; return whether it was taken in the end."""
        body, headers = self._envelope(told), self._headers(told)
        for last in range(TRIES):
            if last:
                await asyncio.sleep(self._patience_s)
            try:
                async with session.post(self._url, data=body, headers=headers) as answer:
                    if answer.ok:
                        return True
            except (aiohttp.ClientError, TimeoutError):
                continue
        return False

    def _envelope(self, told: Told) -> bytes:
        """Return the body; unsigned, whatever it says."""
        sns = f"https://sns.{self._region}.amazonaws.com"
        arn = f"{self._topic}:00000000-0000-4000-8000-000000000000"
        return orjson.dumps(
            {
                "Type": "Notification",
                "MessageId": told.name,
                "TopicArn": self._topic,
                "Subject": RECEIVED_SUBJECT if told.kind is Event.RECEIVED else SUBJECT,
                "Message": told.body.decode(),
                "Timestamp": iso(self._clock()),
                "SignatureVersion": "1",
                "Signature": "bm90IHNpZ25lZA==",
                "SigningCertURL": f"{sns}/SimpleNotificationService-{'0' * 32}.pem",
                "UnsubscribeURL": f"{sns}/?Action=Unsubscribe&SubscriptionArn={arn}",
            }
        )

    def _headers(self, told: Told) -> dict[str, str]:
        return {
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
            "x-amz-sns-message-type": "Notification",
            "x-amz-sns-message-id": told.name,
            "x-amz-sns-topic-arn": self._topic,
            "x-amz-sns-subscription-arn": f"{self._topic}:00000000-0000-4000-8000-000000000000",
        }


class ToCallback:
    """Hands each event to a function of the caller's, in the simulator's own loop."""

    def __init__(self, callback: Callable[[Told], None]) -> None:
        """Keep the function; it must not wait."""
        self._callback = callback
        self.undelivered = 0

    async def open(self) -> None:
        """Nothing to make ready."""

    def take(self, told: Told, /) -> None:
        """Call the function."""
        self._callback(told)

    async def settle(self) -> None:
        """It was called already."""

    async def close(self) -> None:
        """It was called already."""
