"""Did it go? What follows from silence, and from what SES's own events say about a request.

SendEmail has no token by which SES would know a repeat. So a mail that was handed over and never heard of waits for
SES's word, which comes by hop 1 as a settlement, and goes again only when that does not come. A word that comes later
still is said too, so that what becomes of that mail is matched; it makes nothing go again.
"""

from __future__ import annotations

from collections.abc import Collection

from streams.decide import request as rules
from streams.dispatch.desk import Desk
from streams.dispatch.gate import ANSWERED, End
from streams.dispatch.reading import SaidSettlement
from streams.mail.outcome import OutcomeKind
from streams.mail.request import EVERYONE, Phase, Request, Try

ACCEPTED, AUTO_REPLIED = "ACCEPTED", "AUTO_REPLIED"
"""Symbols of mail.SettlementKind: SES has a mail of the request; a machine answered one, so SES had that too."""


def settle(desk: Desk, said: SaidSettlement) -> None:
    """Take what SES's events say; of a request that we do not know they say nothing to us."""
    if said.kind == ACCEPTED:
        _has(desk, said, said.recipients)
    elif said.kind == AUTO_REPLIED:
        _has(desk, said, (said.recipient,) if said.recipient else said.recipients)
        _answered(desk, said)


def overdue(desk: Desk, key: bytes) -> None:
    """Look at a request whose time has come: what was waited for in vain, and whether it is to be forgotten."""
    request = desk.find(key)
    if request is None:
        return
    if rules.forgettable(request, desk.now, desk.policy):
        desk.forget(key, request)
        return
    desk.look(key)
    for one in request.tries:
        if one.phase is Phase.CALLING and one.due <= desk.now:
            request = desk.doubt(key, request, one)
    for one in request.tries:
        if one.phase is Phase.DOUBTFUL and one.due <= desk.now:
            again = rules.slept(one, desk.now) or desk.now < desk.since + desk.policy.doubt
            after = rules.doubted(one, desk.now, desk.policy) if again else rules.given_up(one, desk.now)
            request = desk.keep(key, request.having(after))


def _has(desk: Desk, said: SaidSettlement, recipients: Collection[str]) -> None:
    """Keep that SES has a mail of which we heard nothing, or not of this one."""
    request = desk.find(said.key)
    settled = [] if request is None else rules.settles(request, said.attempt, recipients, said.message_id)
    if request is None or not settled:
        return
    one, *others = settled
    for other in others:
        request = desk.keep(said.key, request.having(rules.sent(other, said.message_id)))
    if one.phase is Phase.DOUBTFUL:
        desk.counts["ses_doubts_total", "settled"] += 1
    if said.message_id is None:
        desk.keep(said.key, request.having(rules.sent(one, None)))
    else:
        desk.sent(said.key, request, one, said.message_id, said.at, heard=False)


def _answered(desk: Desk, said: SaidSettlement) -> None:
    """Keep whose machine answered; what waits for them ends, and nothing of this request goes there again."""
    request = desk.find(said.key)
    if request is None or said.recipient in request.answered:
        return
    # a machine may answer under another name than the one that was written to: then nobody knows whose it was
    known = not request.record or said.recipient in desk.mail(said.key, request).recipients
    answered = {said.recipient} if known else {said.recipient, EVERYONE}
    request = desk.keep(said.key, request._replace(answered=request.answered | answered))
    for one in request.tries:
        if one.phase is Phase.WAITING:
            request = _leave_out(desk, said.key, request, one)


def _leave_out(desk: Desk, key: bytes, request: Request, one: Try) -> Request:
    """Take those whose machines have answered out of a try that waits; return the request after it."""
    people = desk.left(key, request, one)
    out = [person for person in people if rules.has_answered(request, person)]
    for person in out:
        desk.ended(key, request, one, End(person, OutcomeKind.LOOPING, ANSWERED))
    after = rules.without(one, out) if len(out) < len(people) else rules.over(one)
    return desk.keep(key, request.having(after)) if out else request
