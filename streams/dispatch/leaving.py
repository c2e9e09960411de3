"""How a mail leaves: asked at the gate for each recipient, then for room in the pace, then written down, then called.

The call itself is an errand: the engine runs it only when what is written down here is durable.
"""

from __future__ import annotations

from streams.decide import request as rules
from streams.dispatch.breaker import US
from streams.dispatch.desk import Desk
from streams.dispatch.errand import Call
from streams.dispatch.gate import MOST_RECIPIENTS, End, Ruling, Views
from streams.mail.letter import Letter
from streams.mail.outcome import OutcomeKind
from streams.mail.request import EVERYONE, Request, Try, Waits

MOST_BYTES = 40 * 1024 * 1024
"""Of a whole mail, by API v2 and SMTP (SES developer guide, service quotas)."""
RESULTS = {Waits.HOLD: "held", Waits.PAUSE: "paused"}
"""How ses_send_requests_total names what a mail waits for."""


def let_go(desk: Desk, *, queued: bool) -> None:
    """Let go what may go, of all whose time has come; *queued* says that they have waited for it before."""
    waiting = desk.waiting()
    if not waiting:
        return
    leaving = Leaving(desk, [key for key, _ in waiting], queued=queued)
    for key, name in waiting:
        request = desk.find(key)
        one = None if request is None else request.find(name)
        if request is not None and one is not None:
            leaving.ask(key, request, one)


class Leaving:
    """Rules over the tries of one chunk whose time has come."""

    def __init__(self, desk: Desk, keys: list[bytes], *, queued: bool) -> None:
        """Read, once, what the tables say about all of them."""
        self._desk = desk
        self._tools = desk.tools
        self._now = desk.now
        self._queued = queued
        found = ((key, desk.find(key)) for key in dict.fromkeys(keys))
        mails = [desk.mail(key, request) for key, request in found if request is not None]
        views = desk.tools.gate.views(mails)
        ours = {mail.stream for mail in mails if desk.tools.breaker.holds(mail.stream)}
        fresh = {stream: {"until": None, "by": US} for stream in ours}  # the table may not have it yet
        self._views: Views = views._replace(pauses={**fresh, **views.pauses})

    def ask(self, key: bytes, request: Request, one: Try) -> None:
        """Let a try go as far as it may."""
        mail = self._desk.mail(key, request)
        if not mail.recipients:
            self._fail(key, request, one, ("",), "NoRecipients")
            return
        ruling = self._tools.gate.ask(mail, request, one, self._views, self._now)
        for end in ruling.ends:
            self._desk.ended(key, request, one, end)
        if ruling.ends and one.to == EVERYONE:
            one = rules.without(one, [end.recipient for end in ruling.ends])
            request = self._desk.keep(key, request.having(one))
        if ruling.held and one.to != EVERYONE:
            self._wait(key, request, one, Waits.HOLD, None)
            return
        for person in ruling.held:
            request, one = self._split(key, request, one, person)
        if ruling.goes:
            self._go(key, request, one, ruling)
        else:
            self._desk.keep(key, request.having(rules.over(one)))

    def _go(self, key: bytes, request: Request, one: Try, ruling: Ruling) -> None:
        """Let those go whom nothing holds back, if there is room."""
        if ruling.look is not None:
            self._wait(key, request, one, ruling.waits, ruling.look)
            return
        fault = _fault(request, ruling)
        if fault is not None:
            self._fail(key, request, one, ruling.goes, fault)
            return
        pace = self._tools.pace
        if pace.take(len(ruling.goes), self._now, queued=self._queued):
            self._call(key, request, one, self._tools.reading.letter(request.record, one, ruling.goes))
        else:
            self._desk.look(key, one, pace.slot(len(ruling.goes), self._now))

    def _call(self, key: bytes, request: Request, one: Try, letter: Letter) -> None:
        """Write down that a mail is handed to SES, and ask for it to be done."""
        if one.doubted:
            self._desk.counts["ses_doubts_total", "sent_again"] += 1
        self._desk.keep(key, request.having(rules.called(one, self._now, self._desk.policy)))
        self._desk.effects.errands.append(
            Call(
                key=key,
                name=one.name,
                called_at=self._now,
                letter=letter,
                road=self._tools.road,
                pace=self._tools.pace,
                clock=self._tools.clock,
            )
        )

    def _split(self, key: bytes, request: Request, one: Try, person: str) -> tuple[Request, Try]:
        """Let one person's mail wait for another one to them; return the request, and the try without them."""
        request = self._desk.keep(key, rules.split(request, one, person, self._now))
        self._desk.counts["ses_send_requests_total", self._desk.mail(key, request).stream, "held"] += 1
        for own in request.tries:
            if own.name == (one.attempt, person):
                self._desk.look(key, own, self._tools.gate.next_look(own.since, self._now))
        return request, request.find(one.name) or one

    def _wait(self, key: bytes, request: Request, one: Try, waits: Waits, look: int | None) -> None:
        """Let a try wait, and look at it again; that it begins to wait is counted and kept, each look is not."""
        after = rules.waiting(one, waits, self._now)
        stream = self._desk.mail(key, request).stream
        if waits is Waits.PAUSE:
            self._tools.breaker.met(stream)
        if after != one:
            self._desk.keep(key, request.having(after))
            if waits is not Waits.NOTHING:
                self._desk.counts["ses_send_requests_total", stream, RESULTS[waits]] += 1
        self._desk.look(key, one, self._tools.gate.next_look(after.since, self._now) if look is None else look)

    def _fail(self, key: bytes, request: Request, one: Try, people: tuple[str, ...], reason: str) -> None:
        """End a try that SES would refuse, for all whom it concerns."""
        for person in people:
            self._desk.ended(key, request, one, End(person, OutcomeKind.FAILED, reason))
        self._desk.keep(key, request.having(rules.over(one)))


def _fault(request: Request, ruling: Ruling) -> str | None:
    """Return why SES would refuse a mail, as far as that can be told before the call."""
    if len(ruling.goes) > MOST_RECIPIENTS:
        return "TooManyRecipients"
    if len(request.record) > MOST_BYTES:  # nearly all of a request that large is its mail
        return "MessageTooLarge"
    return None
