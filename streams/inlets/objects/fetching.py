"""What an item names instead of carrying it, fetched from S3: mail that SES keeps there, and new objects of events.

Only from buckets that the settings allow, so that nobody who gets an item in can make us read what they like; of mail
only its beginning; of anything only so much. What is not there, is sealed, packed otherwise or too large ends as a dead
letter with the alert, which is all that there is to keep; and of SES's alert only where the mail is, for the rest of it
tells what people write to each other. What S3 does not give for now, or not to us, makes the item come again.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import logging
import random
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

from streams.errors import Unusable
from streams.inlets.objects.store import Store, open_store, url_of
from streams.inlets.objects.stream import ObjectStream
from streams.inlets.objects.trouble import FINAL, Amiss, Why, amiss
from streams.inlets.sorting import Sorted, Sorter, Unsorted, together
from streams.inlets.sqs.pause import Seldom
from streams.inlets.tally import Road, Tally
from streams.intake.bodies import MAX_MAIL_BYTES
from streams.intake.contents import begins_as_mail, is_packed
from streams.intake.envelope import Letter, Torn, open_envelopes
from streams.intake.files import Item, read_source
from streams.intake.jsontext import dump
from streams.intake.parts import Refused
from streams.intake.pointers import Pointer, kept_by_ses
from streams.intake.received import is_received
from streams.intake.sources import Reading, Source, Unread
from streams.mail.deadletter import DeadReason
from streams.settings.intake import Objects

log = logging.getLogger(__name__)

WITHIN_S = 4.0
"""How long S3 may take for all that one item names: SNS waits 15 s for an answer, and Kafka takes its time too."""
AT_A_TIME = 8
"""Objects that are read at a time; each may take its size in memory, twice."""

_MARKS = (b"objectKey", b"aws:s3", b"aws.s3")
_PIECE = 256 * 1024

Open = Callable[[Objects], AbstractAsyncContextManager[Store]]


class Fetching:
    """Fetches what items name; a road of the bridge, so that S3 is open before the others and closed after them."""

    troubles: tuple[str, ...] = ()
    """None: what comes without objects can be taken in all the same."""

    def __init__(self, sorter: Sorter, settings: Objects, tally: Tally, *, opening: Open = open_store) -> None:
        """Read as *sorter* does, from the buckets of *settings*; nothing is asked yet."""
        self._sorter, self._settings, self._tally, self._opening = sorter, settings, tally, opening
        self._most = settings.max_object_mib * 1024 * 1024
        self._open = AsyncExitStack()
        self._store: Store | None = None
        self._turns = asyncio.Semaphore(AT_A_TIME)
        self._seldom = Seldom()

    async def start(self) -> None:
        """Open S3; raises BadSettings where no client can be made."""
        self._store = await self._open.enter_async_context(self._opening(self._settings))

    async def stop(self) -> None:
        """Leave S3; twice is once."""
        self._store = None
        await self._open.aclose()

    def may_name(self, item: bytes, /) -> bool:
        """Tell whether *item* may name an object."""
        return any(mark in item for mark in _MARKS)

    async def sort(self, item: bytes, origin: str, value: object, /) -> Sorted:
        """Return what *item* becomes with what it names; raises Unsorted."""
        parts = open_envelopes(item, value)
        try:
            async with asyncio.timeout(WITHIN_S):
                found = [await self._part(part, item, origin, alone=len(parts) == 1) for part in parts]
        except TimeoutError as error:
            raise self._unsorted(amiss(origin, error)) from error
        except Amiss as trouble:
            raise self._unsorted(trouble) from trouble
        return together(found)

    def _unsorted(self, trouble: Amiss) -> Unsorted:
        """Take down that an object cannot be had now."""
        self._tally.failed(Road.OBJECT)
        times = self._seldom.due(trouble.why)
        if times:
            log.warning("%s (%d times since this was last said); what names it comes again", trouble, times)
        return Unsorted(str(trouble))

    async def _part(self, part: Letter | Torn, item: bytes, origin: str, *, alone: bool) -> Sorted:
        """Return what one part of an item becomes."""
        if isinstance(part, Torn):
            if part.pointer is not None and part.pointer.bucket in self._settings.buckets:
                return await self._new(part.pointer, part.value, origin)
        elif is_received(part.event):
            pointer = kept_by_ses(part.event)
            if pointer is not None and pointer.bucket in self._settings.buckets:
                return await self._kept(part, pointer, origin)
        return self._sorter.sort_parts([part], item, origin, alone=alone)

    async def _kept(self, part: Letter, pointer: Pointer, origin: str) -> Sorted:
        """Return what a mail is that SES keeps in S3; where it cannot be had, what its headers in the alert say."""
        why: Unusable | None = None
        try:
            content = await self._bytes(pointer, MAX_MAIL_BYTES)
            part = part._replace(event={**part.event, "content": content})
        except Unusable as unusable:
            why = unusable
        found = self._sorter.sort_parts([part], part.raw.encode(), origin, alone=False)
        if why is None or found.records:
            return found._replace(objects=1 if why is None else 0)
        return self._refused(why, dump(_where(part.event)).encode(), origin)

    async def _new(self, pointer: Pointer, alert: bytes, origin: str) -> Sorted:
        """Return what an object holds that is new: a mail, or events."""
        try:
            data = await self._bytes(pointer, self._most + 1)
            if len(data) > self._most:
                raise _too_large(_name(pointer), self._most)
            items = await asyncio.to_thread(lambda: list(self._items(pointer, data)))
        except Unusable as why:
            return self._refused(why, alert, origin)
        except Unread as why:
            return self._refused(Unusable(DeadReason.NOT_JSON, f"{_name(pointer)}: {why}"), alert, origin)
        found = []
        for start in range(0, len(items), 256):
            found.append(self._sorter.items(items[start : start + 256]))
            await asyncio.sleep(0)  # others have their turn
        return together(found)._replace(objects=1)

    def _items(self, pointer: Pointer, data: bytes) -> Iterator[Item]:
        """Yield what stands in an object."""
        if is_packed(data):
            data = _unpacked(data, self._most, _name(pointer))
        source = Source(_name(pointer), lambda: io.BufferedReader(io.BytesIO(data)), len(data))
        at = self._sorter.clock() if pointer.at is None else pointer.at
        return read_source(source, Reading(), at=at, unsubscribes=self._sorter.unsubscribes)

    def _refused(self, why: Unusable, alert: bytes, origin: str) -> Sorted:
        """Return the dead letter of an alert whose object is of no use."""
        reason = DeadReason(why.reason)
        self._tally.refused(Road.OBJECT, "too_large" if reason is DeadReason.TOO_LARGE else "object_unreadable")
        return Sorted([self._sorter.dead(self._sorter.letter(Refused(why, alert), origin))], 0, [reason], [])

    async def _bytes(self, pointer: Pointer, most: int) -> bytes:
        """Return the first *most* bytes of an object, of what begins as a mail only its beginning.

        Raises:
            Unusable: it is not there, or sealed.
            Amiss: S3 does not give it for now.

        """
        if self._store is None:
            raise Amiss(Why.OTHER, "we stop")
        stream = ObjectStream(self._store, pointer.bucket, pointer.key, most=most, chance=random.random)
        found = bytearray()
        async with self._turns:
            try:
                await stream.start()
                while data := await stream.read(_PIECE):
                    found += data
                    if len(found) >= MAX_MAIL_BYTES and begins_as_mail(bytes(found[:64])):
                        break
            except Amiss as trouble:
                if trouble.why in FINAL:
                    raise Unusable(DeadReason.NOT_AN_EVENT, str(trouble)) from trouble
                raise
            finally:
                stream.close()
        return bytes(found)


def _unpacked(data: bytes, most: int, name: str) -> bytes:
    """Return a gzip file unpacked, or as it is where it is none after all: whoever reads it says what is the matter."""
    try:
        plain = gzip.GzipFile(fileobj=io.BytesIO(data)).read(most + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return data
    if len(plain) > most:
        raise _too_large(name, most)
    return plain


def _too_large(name: str, most: int) -> Unusable:
    return Unusable(DeadReason.TOO_LARGE, f"{name} has more than {most} bytes: ses-streams ingest {name}")


def _where(event: dict[str, Any]) -> dict[str, Any]:
    """Return of SES's alert only where the mail is."""
    action = event["receipt"]["action"]
    kept = {name: action[name] for name in ("type", "bucketName", "objectKey")}
    return {"notificationType": "Received", "receipt": {"action": kept}}


def _name(pointer: Pointer) -> str:
    return url_of(pointer.bucket, pointer.key)
