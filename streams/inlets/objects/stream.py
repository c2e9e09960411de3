"""One object's bytes, in order: where the reading breaks off it goes on from there, in the same version or not at all.

Nothing is kept but what the network has brought and nobody has taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streams.inlets.objects.store import Answer, Store, url_of
from streams.inlets.objects.trouble import FINAL, RAISED, Amiss, Why, amiss

TRIES = 6
"""How often in a row the reading may break off without a byte in between."""
_FIRST_S = 0.2
_LONGEST_S = 5.0


class ObjectStream:
    """Reads one object, or its beginning."""

    def __init__(
        self, store: Store, bucket: str, key: str, *, most: int | None = None, chance: Callable[[], float] = lambda: 1.0
    ) -> None:
        """Read at most *most* bytes; *chance*, a number from 0 to 1, is for the jitter of pauses."""
        self._store, self._bucket, self._key, self._most, self._chance = store, bucket, key, most, chance
        self._answer: Answer | None = None
        self._end = 0
        self._etag: str | None = None
        self.at = 0
        """How many bytes have been read."""

    async def start(self) -> None:
        """Ask for it; raises Amiss or Unusable as `Store.open` does."""
        self._answer = await self._store.open(self._bucket, self._key, most=self._most)
        self._etag, self._end = self._answer.etag or None, self._answer.size

    async def read(self, most: int) -> bytes:
        """Return the next bytes, at most so many; none at the end. Raises Amiss."""
        tries = 0
        while self.at < self._end:
            try:
                data = await self._part(most)
                trouble = Amiss(Why.NETWORK, f"{url_of(self._bucket, self._key)}: S3 breaks off")
            except Amiss as error:
                if error.why in FINAL:
                    raise
                data, trouble = b"", error
            except RAISED as error:
                data, trouble = b"", amiss(url_of(self._bucket, self._key), error)
            if data:
                self.at += len(data)
                return data
            self.close()
            tries += 1
            if tries >= TRIES:
                raise trouble
            await asyncio.sleep(min(_FIRST_S * 2**tries, _LONGEST_S) * (1 + self._chance()) / 2)
        return b""

    def close(self) -> None:
        """Leave the rest."""
        answer, self._answer = self._answer, None
        if answer is not None and answer.body is not None:
            answer.body.close()

    async def _part(self, most: int) -> bytes:
        """Read on; where nothing is open, ask for the rest, of the same version."""
        if self._answer is None:
            left = self._end - self.at
            self._answer = await self._store.open(self._bucket, self._key, start=self.at, most=left, etag=self._etag)
            if self._answer.size != left:  # somebody between us and S3 does not know of Range
                raise Amiss(Why.OTHER, f"{url_of(self._bucket, self._key)}: it cannot be read on from its middle")
        data: bytes = await self._answer.body.read(most)
        return data
