"""What becomes of a request: which try begins, what follows from SES's answer, from its silence, and from its events.

At most once per attempt and recipient, as far as SES allows: it has no token by which it would know a repeat. So a
try that was handed over and of which nothing was heard is in doubt, waits for SES's own word, and is handed over
again only when that does not come. Every (try, fact) pair has an answer; the same fact twice equals once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from streams.decide.refusal import Action, Refusal
from streams.mail.policy import DispatchPolicy
from streams.mail.request import EVERYONE, NOT_CALLED, Phase, Request, Try, Waits

GRACE = 5_000
"""A call is bounded by its time-out; what is unheard this much later (ms) was cut short by a crash or a rebalance."""

BACK_OFF = (5_000, 10_000, 30_000)
"""Waits between refused calls (ms): what the SES developer guide advises for a 4xx; the last holds for all further."""

SOON = 1_000
"""Wait after "too fast" (ms): SES counts by the second."""

_FURTHEST = (Phase.DOUBTFUL, Phase.CALLING, Phase.WAITING, Phase.ENDED, Phase.SENT)
"""Which try a word of SES is about, where several fit: the one that needs it most."""


def opened(request: Request, attempt: int, to: str, *, retried: bool, due: int) -> Request | None:
    """Return the request with a new try; None where it has one of that attempt already: then this is a repeat.

    A try for everyone leaves out whom a try of the same attempt goes to alone.
    """
    same = [one for one in request.tries if one.attempt == attempt]
    if any(one.to in (EVERYONE, to) for one in same):
        return None
    return request.having(
        Try(attempt, to, Phase.WAITING, due, left_out=tuple(sorted(one.to for one in same)), retried=retried)
    )


def left(one: Try, recipients: Collection[str]) -> list[str]:
    """Return whom a try still concerns; *recipients* are the request's, in normal form."""
    if one.to != EVERYONE:
        return [one.to]
    return [recipient for recipient in recipients if recipient not in one.left_out]


def without(one: Try, recipients: Collection[str]) -> Try:
    """Return a try that leaves *recipients* out."""
    return one._replace(left_out=tuple(sorted({*one.left_out, *recipients})))


def split(request: Request, one: Try, recipient: str, now: int) -> Request:
    """Return the request after a recipient who is held has got a try of their own; a doubt goes along with them."""
    own = one._replace(to=recipient, waits=Waits.HOLD, since=now, left_out=())
    return request.having(without(one, (recipient,))).having(own)


def waiting(one: Try, waits: Waits, now: int) -> Try:
    """Return a try that waits for something; how long it has done so is kept."""
    return one if one.waits is waits else one._replace(waits=waits, since=now)


def called(one: Try, now: int, policy: DispatchPolicy) -> Try:
    """Return a try that is about to be handed to SES."""
    due = now + policy.call + GRACE
    return one._replace(phase=Phase.CALLING, called_at=now, due=due, waits=Waits.NOTHING, since=0, doubted=False)


def sent(one: Try, message_id: str | None) -> Try:
    """Return a try that SES has."""
    known = one.message_ids if message_id is None or message_id in one.message_ids else (*one.message_ids, message_id)
    return one._replace(phase=Phase.SENT, message_ids=known)


def over(one: Try) -> Try:
    """Return a try that will not be sent."""
    return one._replace(phase=Phase.ENDED)


def refused(one: Try, refusal: Refusal, now: int, policy: DispatchPolicy) -> Try:
    """Return a try that SES refused: over, or put off.

    After a stop of the line others go first: were this one's mail the cause, it would stop them again.
    """
    match refusal.action:
        case Action.END:
            return over(one)
        case Action.SLOW:
            return later(one, now + SOON)
        case Action.STOP:
            return later(one, now + refusal.rest + SOON)
        case Action.AGAIN:
            times = one.refused + 1
            if times >= policy.tries:
                return over(one)
            return later(one, now + BACK_OFF[min(times, len(BACK_OFF)) - 1])._replace(refused=times)


def later(one: Try, due: int) -> Try:
    """Return a try that is certainly not at SES and waits until *due* (ms) before it is handed over again."""
    return one._replace(phase=Phase.WAITING, due=due)


def doubted(one: Try, now: int, policy: DispatchPolicy) -> Try:
    """Return a try of which it is not known whether SES has it.

    SES's word is waited for from now, not from the call: a worker that was down meanwhile has not heard it yet.
    """
    return one._replace(phase=Phase.DOUBTFUL, due=now + policy.doubt)


def slept(one: Try, now: int) -> bool:
    """Tell whether nobody looked when a wait ran out: SES's word may still lie unread then, so it is not over."""
    return now > one.due + GRACE


def given_up(one: Try, now: int) -> Try:
    """Return a try of which SES has said nothing in time: it waits to be handed over again, as the same attempt."""
    return later(one, now)._replace(doubted=True)


def settles(request: Request, attempt: int, recipients: Collection[str], message_id: str | None) -> list[Try]:
    """Return the tries that SES has accepted after all; none where that is known, or none was ever handed over.

    *recipients* (normal form) are those that SES names for the mail, which may be nobody. The first of the tries is the
    one that was handed over; others are of people who were in that mail and have been taken out of it since.
    """
    called_ones = [one for one in request.tries if one.attempt == attempt and one.called_at != NOT_CALLED]
    if any(message_id in one.message_ids for one in called_ones):
        return []
    fitting = [one for one in called_ones if _fits(one, recipients)]
    if message_id is None:
        fitting = [one for one in fitting if one.phase is not Phase.SENT]
    fitting.sort(key=lambda one: (_FURTHEST.index(one.phase), one.to == EVERYONE))
    return fitting[:1] + [one for one in fitting[1:] if one.doubted and one.phase is Phase.WAITING]


def _fits(one: Try, recipients: Collection[str]) -> bool:
    """Tell whether a mail to *recipients* can be of this try."""
    if not recipients:
        return True
    if one.to == EVERYONE:
        return any(recipient not in one.left_out for recipient in recipients)
    return one.to in recipients


def has_answered(request: Request, recipient: str) -> bool:
    """Tell whether a machine of *recipient* has answered a mail of this request: then they get no more of it, ever."""
    return recipient in request.answered or EVERYONE in request.answered


def next_look(request: Request, put_off: Mapping[tuple[int, str], int], policy: DispatchPolicy) -> int:
    """Return when (ms) to look at a request again; *put_off* says of some tries, by name, not to look before."""
    dues = [put_off.get(one.name, one.due) for one in request.tries if not one.is_over]
    return min(dues, default=request.touched_at + _remembered(request, policy))


def _remembered(request: Request, policy: DispatchPolicy) -> int:
    """Return how long a request that is over is remembered as it is."""
    return policy.answered if request.answered and not request.record else policy.forget


def bare(request: Request) -> Request:
    """Return what is left of a request that a machine has answered, once its mail need not be kept any more."""
    return request._replace(record=b"", tries=())


def forgettable(request: Request, now: int, policy: DispatchPolicy) -> bool:
    """Tell whether nothing about a request needs to be remembered."""
    return request.is_over and now >= request.touched_at + _remembered(request, policy)
