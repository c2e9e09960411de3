"""Objects in S3 as `ingest` reads files: what a name such as s3://bucket/prefix means, and the bytes of each.

Reading files is no work for an event loop, so this has one of its own that runs only while S3 is asked. Listings come
page by page and objects piece by piece: what lies there may be larger than any memory. Small objects are asked for some
ahead of their turn, or a bucket of mails would cost a round trip each.
"""

from __future__ import annotations

import asyncio
import io
import random
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Self

from streams.errors import BadSettings, Unusable, WorldFailed
from streams.inlets.objects.store import Found, Page, Store, open_store, url_of
from streams.inlets.objects.stream import ObjectStream
from streams.inlets.objects.trouble import FINAL, Amiss
from streams.intake.sources import Reading, Source, Unread, may_hold_events
from streams.settings.intake import BUCKET, Objects

PIECE = 256 * 1024
AHEAD = 12
"""Objects that are asked for before their turn; each of a piece at most."""
_URL = re.compile(rf"s3://({BUCKET})(?:/(.*))?", re.DOTALL)


class S3Files:
    """Finds and opens objects; used in a ``with``, from one thread."""

    def __init__(self, settings: Objects, knows: Callable[[Source], bool] = lambda _: False) -> None:
        """Nothing is asked yet; what *knows* says is known is not asked for ahead of its turn."""
        self._settings, self._knows = settings, knows
        self._ahead: dict[str, asyncio.Task[bytes]] = {}
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._store: Store | None = None

    def __enter__(self) -> Self:
        """Return the files themselves."""
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Leave S3."""
        self._runner.run(_left(self._ahead.values()))
        self._runner.run(self._open.aclose())
        self._runner.close()

    def find(self, url: str, reading: Reading) -> Iterator[Source]:
        """Yield the objects whose keys begin as *url* says, in order; one of just that name whatever it is called.

        Raises:
            BadSettings: *url* names no bucket.
            WorldFailed: S3 does not list them, or there is none.

        """
        bucket, _ = parted(url)
        for here in self._pages(url, reading):
            for number, (_, source) in enumerate(here):
                for key, later in here[number + 1 : number + 1 + AHEAD]:
                    self._ask_ahead(bucket, key, later)
                yield source

    def total(self, url: str) -> int:
        """Return how many bytes *url* means; the listing alone is read for that."""
        return sum(source.size or 0 for here in self._pages(url, Reading()) for _, source in here)

    def _pages(self, url: str, reading: Reading) -> Iterator[list[tuple[str, Source]]]:
        """Yield what *url* means, page by page."""
        bucket, prefix = parted(url)
        after, some = None, False
        while True:
            page = self._page(bucket, prefix, after)
            some = some or bool(page.objects)
            yield list(self._readable(bucket, prefix, page, reading))
            after = page.behind
            if after is None:
                break
        if not some:
            raise WorldFailed(f"there is no object whose name begins with {url}")

    def _readable(self, bucket: str, prefix: str, page: Page, reading: Reading) -> Iterator[tuple[str, Source]]:
        """Yield the objects of a page that may hold events."""
        for found in page.objects:
            if found.key != prefix and not may_hold_events(found.key.rpartition("/")[2]):
                reading.passed_over.append(url_of(bucket, found.key))
            elif not found.key.endswith("/"):  # what the console makes for a folder
                yield found.key, self._source(bucket, found)

    def _ask_ahead(self, bucket: str, key: str, source: Source) -> None:
        """Begin to read a small object, once; it goes on whenever S3 is waited for."""
        if self._store is None or source.name in self._ahead or (source.size or 0) > PIECE or self._knows(source):
            return
        stream = ObjectStream(self._store, bucket, key, chance=random.random)
        self._ahead[source.name] = self._runner.get_loop().create_task(_whole(stream))

    def _source(self, bucket: str, found: Found) -> Source:
        name = url_of(bucket, found.key)
        return Source(name, partial(self._opened, bucket, found.key), found.size, f"{name}\0{found.size}\0{found.etag}")

    def _page(self, bucket: str, prefix: str, after: str | None) -> Page:
        try:
            return self._runner.run(self._asked(bucket, prefix, after))
        except Amiss as trouble:
            raise WorldFailed(str(trouble)) from trouble

    async def _asked(self, bucket: str, prefix: str, after: str | None) -> Page:
        if self._store is None:
            self._store = await self._open.enter_async_context(open_store(self._settings))
        return await self._store.page(bucket, prefix, after)

    def _opened(self, bucket: str, key: str) -> io.BufferedReader:
        """Open an object; raises Unread where that is no concern of the others."""
        if self._store is None:
            raise WorldFailed("an object is opened that was not found by a listing")
        stream = ObjectStream(self._store, bucket, key, chance=random.random)
        ahead = self._ahead.pop(url_of(bucket, key), None)
        try:
            if ahead is not None:
                return io.BufferedReader(io.BytesIO(self._runner.run(_of(ahead))))
            self._runner.run(stream.start())
        except Unusable as why:
            raise Unread(why.detail) from why
        except Amiss as trouble:
            raise _told(trouble) from trouble
        return io.BufferedReader(_Raw(self._runner, stream), PIECE)


class _Raw(io.RawIOBase):
    """An object's bytes, as a file that is read from its beginning to its end."""

    def __init__(self, runner: asyncio.Runner, stream: ObjectStream) -> None:
        self._runner, self._stream = runner, stream

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what io calls it with
        """Read the next bytes into *buffer*; return how many, 0 at the end."""
        try:
            data = self._runner.run(self._stream.read(len(buffer)))
        except Amiss as trouble:
            raise _told(trouble) from trouble
        buffer[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        """Return how many bytes have been read."""
        return self._stream.at

    def close(self) -> None:
        """Leave the rest."""
        if not self.closed:
            self._stream.close()
        super().close()


async def _whole(stream: ObjectStream) -> bytes:
    """Return all of a small object."""
    found = bytearray()
    try:
        await stream.start()
        while data := await stream.read(PIECE):
            found += data
    finally:
        stream.close()
    return bytes(found)


async def _left(tasks: Iterable[asyncio.Task[bytes]]) -> None:
    """Leave what was asked for ahead and nobody wants any more."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _of(task: asyncio.Task[bytes]) -> bytes:
    return await task


def parted(url: str) -> tuple[str, str]:
    """Return the bucket and the prefix of *url*; raises BadSettings where it names no bucket."""
    found = _URL.fullmatch(url)
    if found is None:
        raise BadSettings(f"{url} names no bucket: s3://bucket/prefix, with 3 to 63 of a-z, 0-9, dot and hyphen")
    return found[1], found[2] or ""


def _told(trouble: Amiss) -> Unread | WorldFailed:
    """Return what it means to whoever reads many."""
    if trouble.why in FINAL:
        return Unread(str(trouble).partition(": ")[2])
    return WorldFailed(f"cannot read {trouble}")
