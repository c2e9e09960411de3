"""The desk: the requests of one chunk, held in memory while facts pass by, and written down in the end.

A desk is made for a chunk and thrown away after it; the table is read once. What follows from a fact is asked
elsewhere: whether a mail goes (leaving), what SES answers (answers), and what its silence and its events say (doubt).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from streams.decide import request as rules
from streams.dispatch.breaker import Breaker
from streams.dispatch.gate import End, Gate
from streams.dispatch.outcomes import Outcomes
from streams.dispatch.pace import Pace
from streams.dispatch.reading import Mail, Reading, SaidRequest, SaidRetry
from streams.dispatch.road import Road
from streams.mail.policy import Policy
from streams.mail.request import EVERYONE, Phase, Request, Try
from streams.pipeline import Effects, Recall
from streams.state.requests import pack_request, unpack_request


class Tools(NamedTuple):
    """What every desk works with; made once."""

    reading: Reading
    outcomes: Outcomes
    gate: Gate
    pace: Pace
    breaker: Breaker
    road: Road
    policy: Policy
    clock: Callable[[], int] | None


class Desk:
    """The requests of a chunk."""

    def __init__(self, tools: Tools, effects: Effects, now: int, since: int = 0) -> None:
        """Begin a chunk at *now* (ms); what follows from it goes into *effects*.

        *since* is when this worker's partitions last changed (ms): from then on it has heard all that SES says.
        """
        self.tools = tools
        self.since = since
        self.effects = effects
        self.counts = effects.counts
        self.now = now
        self.policy = tools.policy.dispatch
        self._stored: dict[bytes, bytes | None] = {}
        self._known: dict[bytes, Request] = {}
        self._changed: dict[bytes, Request] = {}
        self._mails: dict[bytes, Mail] = {}
        self._looks: dict[bytes, dict[tuple[int, str], int]] = {}

    def recall(self, keys: Sequence[bytes], recall: Recall) -> None:
        """Read the stored requests of *keys*, each once."""
        unique = list(dict.fromkeys(keys))
        self._stored = dict(zip(unique, recall(unique), strict=True))

    def find(self, key: bytes) -> Request | None:
        """Return a request as it stands; None where nothing is known of it. It is opened once a chunk."""
        request = self._known.get(key)
        if request is None and (stored := self._stored[key]) is not None:
            request = self._known[key] = unpack_request(stored)
        return request

    def mail(self, key: bytes, request: Request) -> Mail:
        """Return the hot part of a request."""
        if key not in self._mails:
            self._mails[key] = self.tools.reading.mail(request.record)
        return self._mails[key]

    def left(self, key: bytes, request: Request, one: Try) -> list[str]:
        """Return whom a try still concerns."""
        return rules.left(one, self.mail(key, request).recipients)

    def keep(self, key: bytes, request: Request) -> Request:
        """Keep a request that has changed; return it."""
        kept = self._known[key] = self._changed[key] = request._replace(touched_at=self.now)
        return kept

    def forget(self, key: bytes, request: Request) -> None:
        """Keep nothing of a request; of one that a machine answered, only that."""
        if request.answered and request.record:
            self.keep(key, rules.bare(request))
            self.look(key)
            return
        self._known.pop(key, None)
        self._changed.pop(key, None)
        self._stored[key] = self.effects.writes[key] = None

    def look(self, key: bytes, one: Try | None = None, at: int = 0) -> None:
        """Look at a request again when it is due by itself; at *one* of its tries not before *at* (ms)."""
        looks = self._looks.setdefault(key, {})
        if one is not None:
            looks[one.name] = at

    def asked(self, said: SaidRequest) -> None:
        """Take a SendRequest: a new try, or a repeat. The record of the latest attempt counts."""
        request = self.find(said.key)
        if request is None:
            request = Request(self.now, self.now, said.record)
        elif all(said.attempt > one.attempt for one in request.tries):
            request = request._replace(record=said.record)
            self._mails.pop(said.key, None)
        self._open(said, request, EVERYONE, self.now)

    def retried(self, said: SaidRetry) -> None:
        """Take a Retry; one of a request that we do not know is somebody else's to send."""
        request = self.find(said.key)
        if request is not None and request.record and said.recipient in self.mail(said.key, request).recipients:
            self._open(said, request, said.recipient, max(said.due_at, self.now))

    def waiting(self) -> list[tuple[bytes, tuple[int, str]]]:
        """Return the names of tries whose time has come, of all requests that are looked at, in their order."""
        found = []
        for key in self._looks:
            request = self.find(key)
            tries = () if request is None else request.tries
            found += [(key, one.name) for one in tries if one.phase is Phase.WAITING and one.due <= self.now]
        return found

    def ended(self, key: bytes, request: Request, one: Try, end: End) -> None:
        """Say that a recipient does not get a mail."""
        self.tools.outcomes.ended(self.effects, self.mail(key, request), one.attempt, end, self.now)

    def sent(  # noqa: PLR0913 - a mail, its name and its time
        self, key: bytes, request: Request, one: Try, message_id: str, at: int, *, heard: bool
    ) -> None:
        """Say that SES has a mail, since *at* (ms), and keep that it has; *heard* from SES's own answer."""
        letter = self.tools.reading.letter(request.record, one, self.left(key, request, one))
        self.tools.outcomes.sent(self.effects, letter, message_id, at, heard=heard)
        if one.phase is not Phase.SENT:
            self.counts["ses_send_requests_total", letter.stream, "sent"] += 1
        self.keep(key, request.having(rules.sent(one, message_id)))

    def doubt(self, key: bytes, request: Request, one: Try) -> Request:
        """Keep that nobody knows whether SES has a mail; return the request after it."""
        self.counts["ses_doubts_total", "doubted"] += 1
        self.counts["ses_send_requests_total", self.mail(key, request).stream, "in_doubt"] += 1
        self.look(key)
        return self.keep(key, request.having(rules.doubted(one, self.now, self.policy)))

    def write(self) -> None:
        """Write what has changed, and say when to look again."""
        for key, request in self._changed.items():
            value = pack_request(request)
            if value != self._stored[key]:
                self.effects.writes[key] = value
        looks: defaultdict[int, list[bytes]] = defaultdict(list)
        for key, put_off in self._looks.items():
            request_or_none = self.find(key)
            if request_or_none is not None:
                looks[rules.next_look(request_or_none, put_off, self.policy)].append(key)
        self.effects.wake = list(looks.items())

    def _open(self, said: SaidRequest | SaidRetry, request: Request, to: str, due: int) -> None:
        """Begin a try, or count a repeat."""
        retried = isinstance(said, SaidRetry)
        begun = rules.opened(request, said.attempt, to, retried=retried, due=due)
        if begun is None:
            self.counts["ses_duplicates_total", "retries" if retried else "send-requests"] += 1
            return
        self.keep(said.key, begun)
        self.look(said.key)
