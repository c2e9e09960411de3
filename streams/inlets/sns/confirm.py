"""What to do when SNS asks whether we want a topic's messages: confirm, or keep the question for a person.

Only messages that were found genuine come here, hence only of topics that are allowed. Being told that a subscription
has ended is kept too; the URL in it would subscribe us again, and is never followed. The URLs are secrets: whoever has
one can subscribe; so none is logged, and none is shown unless asked for by name.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from streams.inlets.sns.fetch import Fetcher, Redirected, Unreachable
from streams.inlets.sns.hosts import confirmation_url
from streams.inlets.sns.message import Kind
from streams.inlets.sns.refusal import Refusal
from streams.inlets.sns.verify import Genuine

log = logging.getLogger(__name__)


class Taken(StrEnum):
    """What became of a confirmation; each is answered with 200."""

    CONFIRMED = "confirmed"
    LISTED = "listed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What waits for a person: a subscription to confirm, or one that has ended.

    since: when SNS said it first, ms since the epoch; count: how often.
    url: where it is confirmed, for three days; None where there is nothing to confirm.
    """

    topic_arn: str
    kind: Kind
    since: int
    count: int
    url: str | None = field(repr=False)


class Confirmations:
    """Takes the confirmations of genuine messages."""

    def __init__(self, fetch: Fetcher, clock: Callable[[], int], *, confirm: bool, most: int = 100) -> None:
        """Have none yet.

        Args:
            fetch: gets the page that confirms.
            clock: ms since the epoch.
            confirm: whether to confirm at once; otherwise each waits in `pending`.
            most: that wait; the oldest go first.

        """
        self._fetch, self._clock, self._confirm, self._most = fetch, clock, confirm, most
        self._pending: OrderedDict[tuple[Kind, str, str], Pending] = OrderedDict()

    def pending(self) -> list[Pending]:
        """Return what waits for a person, the oldest first."""
        return list(self._pending.values())

    async def take(self, genuine: Genuine) -> Taken | Refusal:
        """Confirm or list; a notification is none of this room's business.

        Raises:
            ValueError: it is a notification.

        """
        if genuine.kind is Kind.NOTIFICATION:
            raise ValueError("a notification confirms nothing")
        if genuine.kind is Kind.UNSUBSCRIPTION:
            self._list(genuine, None)
            return Taken.LISTED
        url = confirmation_url(genuine.fields["SubscribeURL"], genuine.topic_arn, genuine.fields["Token"])
        if url is None:
            return Refusal.SUBSCRIBE_URL
        if not self._confirm:
            self._list(genuine, url)
            return Taken.LISTED
        if await self._get(genuine.topic_arn, url):
            self._pending.pop(_key(genuine), None)
            return Taken.CONFIRMED
        self._list(genuine, url)
        return Refusal.NOT_CONFIRMED

    async def confirm(self, topic_arn: str) -> int:
        """Confirm what waits for one topic, and return how many that were; what fails goes on waiting."""
        done = 0
        for key, one in list(self._pending.items()):
            if one.topic_arn == topic_arn and one.url is not None and await self._get(topic_arn, one.url):
                self._pending.pop(key, None)
                done += 1
        return done

    async def _get(self, topic_arn: str, url: str) -> bool:
        try:
            await self._fetch(url)
        except (Redirected, Unreachable, OSError, TimeoutError) as error:
            log.warning("subscription to %s not confirmed: %s", topic_arn, _why(error))
            return False
        log.info("subscription to %s confirmed", topic_arn)
        return True

    def _list(self, genuine: Genuine, url: str | None) -> None:
        """Add to what waits, or count what waits already."""
        before = self._pending.get(_key(genuine))
        if before is not None:
            self._pending[_key(genuine)] = replace(before, count=before.count + 1)
            return
        self._pending[_key(genuine)] = Pending(
            topic_arn=genuine.topic_arn, kind=genuine.kind, since=self._clock(), count=1, url=url
        )
        words = "has ended" if url is None else "waits to be confirmed"
        log.warning("a subscription to %s %s", genuine.topic_arn, words)
        while len(self._pending) > self._most:
            self._pending.popitem(last=False)


def _key(genuine: Genuine) -> tuple[Kind, str, str]:
    return genuine.kind, genuine.topic_arn, genuine.fields["Token"]


def _why(error: Exception) -> str:
    """Return why a page could not be had; of foreign errors the kind alone, since their words may quote the URL."""
    return str(error) if isinstance(error, Redirected | Unreachable) else type(error).__name__
