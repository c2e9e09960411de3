"""What follows from SES's answer to a call: the mail is sent, or refused, or nobody knows.

An answer counts for the pace in any case; for the request only while it still waits for that very call.
"""

from __future__ import annotations

import logging

from streams.decide import request as rules
from streams.decide.refusal import Action, Refusal, refusal_of
from streams.dispatch.desk import Desk
from streams.dispatch.errand import Heard
from streams.dispatch.gate import End
from streams.emit.records import scrub
from streams.mail.letter import Accepted, Refused, Silent, Unsent
from streams.mail.outcome import OutcomeKind
from streams.mail.request import Phase, Request, Try

log = logging.getLogger(__name__)


def hear(desk: Desk, key: bytes, heard: Heard) -> None:
    """Take what came of a call."""
    answer, pace = heard.answer, desk.tools.pace
    request = desk.find(key)
    one = None if request is None else request.find(heard.name)
    match answer:
        case Accepted(message_id, at):
            pace.accepted()
            if request is not None and one is not None and message_id not in one.message_ids:
                desk.sent(key, request, one, message_id, at, heard=True)
        case Silent():
            if request is not None and one is not None and _is_current(one, heard):
                desk.doubt(key, request, one)
        case Refused() | Unsent():
            refusal = _refusal(answer)
            desk.counts["ses_refusals_total", refusal.action] += 1
            _tell_pace(desk, refusal, reached=isinstance(answer, Refused))
            if request is not None and one is not None and _is_current(one, heard):
                _refuse(desk, key, request, one, refusal)


def _is_current(one: Try, heard: Heard) -> bool:
    """Tell whether a try still waits for this very call: it may have been settled, or called once more, meanwhile."""
    return one.phase is Phase.CALLING and one.called_at == heard.called_at


def _refusal(answer: Refused | Unsent) -> Refusal:
    """Return what follows from SES's no, or from not reaching it."""
    return refusal_of(answer.code, answer.text) if isinstance(answer, Refused) else refusal_of(answer.why, "")


def _tell_pace(desk: Desk, refusal: Refusal, *, reached: bool) -> None:
    """Let the pace know what a refusal says about the line."""
    pace, now = desk.tools.pace, desk.now
    if refusal.action is Action.STOP:
        if pace.stop(now, now + refusal.rest):
            words = "nothing goes out for %d s: %s (%s); then one mail asks"
            log.warning(words, refusal.rest // 1000, scrub(refusal.reason), refusal.because)
    elif refusal.action is Action.SLOW:
        pace.throttled(now)
    elif reached:
        pace.accepted()


def _refuse(desk: Desk, key: bytes, request: Request, one: Try, refusal: Refusal) -> None:
    """Put a try off, or end it for everybody whom it concerns."""
    after = rules.refused(one, refusal, desk.now, desk.policy)
    if after.is_over:
        for person in desk.left(key, request, one):
            desk.ended(key, request, one, End(person, OutcomeKind.FAILED, refusal.reason))
    else:
        desk.counts["ses_send_requests_total", desk.mail(key, request).stream, "again"] += 1
        desk.look(key)
    desk.keep(key, request.having(after))
