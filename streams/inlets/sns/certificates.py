"""The keys that SNS signs with, fetched once and kept.

Anybody can post a message that names a certificate which does not exist; so fetches are few at a time, who asks for one
under way waits for that one, failures are remembered for a while, and what is kept cannot be pushed out by failures.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from streams.inlets.sns.fetch import Fetcher, Redirected, Unreachable
from streams.inlets.sns.hosts import Place
from streams.inlets.sns.pem import Certificate, read_certificate
from streams.inlets.sns.refusal import Refusal

log = logging.getLogger(__name__)

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_FIRST_REST_MS = 1_000
_LONGEST_REST_MS = 15_000  # SNS comes again after 20 s, three times: by then we must be willing to ask
_MOST_FAILED = 1024


class _Kept(NamedTuple):
    certificate: Certificate
    renew_at: int


class _Failed(NamedTuple):
    why: Refusal
    until: int
    rest: int


class Certificates:
    """Signing keys by the place of their certificates."""

    def __init__(
        self,
        fetch: Fetcher,
        clock: Callable[[], int],
        *,
        most: int = 64,
        most_fetches: int = 8,
        most_waiting: int = 512,
    ) -> None:
        """Know none yet.

        Args:
            fetch: gets the file of a URL that was found to be SNS's.
            clock: ms since the epoch.
            most: of the certificates that are kept; SNS has a handful a region, and changes them once a year.
            most_fetches: at a time.
            most_waiting: posts that wait for fetches at a time; each holds its body.

        """
        self._fetch, self._clock = fetch, clock
        self._most, self._most_fetches, self._most_waiting = most, most_fetches, most_waiting
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._failed: OrderedDict[str, _Failed] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[RSAPublicKey | Refusal]] = {}
        self._waiting = 0

    async def key_at(self, place: Place) -> RSAPublicKey | Refusal:
        """Return the key of the certificate at a place, or why it cannot be used."""
        now = self._clock()
        kept = self._kept.get(place.url)
        if kept is not None and kept.certificate.is_valid(now):
            self._kept.move_to_end(place.url)
            if now >= kept.renew_at:
                self._begin(place)
            return kept.certificate.key
        failed = self._failed.get(place.url)
        if failed is not None and now < failed.until:
            return failed.why
        return await self._wait_for(place)

    async def stop(self) -> None:
        """End what is under way."""
        tasks = set(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _wait_for(self, place: Place) -> RSAPublicKey | Refusal:
        """Wait for the one fetch of a certificate; that somebody stops waiting does not end it for the others."""
        task = self._begin(place)
        if task is None or self._waiting >= self._most_waiting:
            return Refusal.BUSY
        self._waiting += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiting -= 1

    def _begin(self, place: Place) -> asyncio.Task[RSAPublicKey | Refusal] | None:
        """Return the fetch that is under way, or a new one; None where there are too many."""
        task = self._under_way.get(place.url)
        if task is None and len(self._under_way) < self._most_fetches:
            task = asyncio.create_task(self._get(place), name="sns certificate")
            self._under_way[place.url] = task
            task.add_done_callback(lambda _: self._under_way.pop(place.url, None))
        return task

    async def _get(self, place: Place) -> RSAPublicKey | Refusal:
        """Fetch a certificate and take down what came of it."""
        try:
            pem = await self._fetch(place.url)
        except Redirected:
            return self._fail(place.url, Refusal.CERTIFICATE_REDIRECTED)
        except Unreachable as error:
            log.debug("certificate %s: %s", place.url, error)
            return self._fail(place.url, Refusal.CERTIFICATE_UNREACHABLE)
        except Exception:  # whatever went wrong, there is no certificate, and posts must be answered
            log.exception("certificate %s", place.url)
            return self._fail(place.url, Refusal.CERTIFICATE_UNREACHABLE)
        found = read_certificate(pem, place.names)
        now = self._clock()
        if found is None or not found.is_valid(now):
            self._kept.pop(place.url, None)
            return self._fail(place.url, Refusal.CERTIFICATE_BAD)
        self._failed.pop(place.url, None)
        # Daily, and before it ends; but no more than once an hour on its last day.
        renew_at = max(min(now + _DAY_MS, found.ends - _DAY_MS), now + _HOUR_MS)
        self._kept[place.url] = _Kept(found, renew_at)
        _shorten(self._kept, self._most)
        return found.key

    def _fail(self, url: str, why: Refusal) -> Refusal:
        """Remember a failure for a while, twice as long each time; what was good before stays, till it ends."""
        now = self._clock()
        before = self._failed.pop(url, None)
        rest = _FIRST_REST_MS if before is None else min(before.rest * 2, _LONGEST_REST_MS)
        self._failed[url] = _Failed(why, now + rest, rest)
        _shorten(self._failed, _MOST_FAILED)
        kept = self._kept.get(url)
        if kept is not None:
            self._kept[url] = kept._replace(renew_at=now + _HOUR_MS)
        return why


def _shorten(kept: OrderedDict[str, _Kept] | OrderedDict[str, _Failed], most: int) -> None:
    """Forget what was not asked for the longest."""
    while len(kept) > most:
        kept.popitem(last=False)
