"""Why we may or may not write to somebody: from what is stored of them to an answer with its evidence.

The answer is `judge`'s, as hop 2 says it on ses.suppressions; nothing is decided here. Pure: time is an argument, and
what is stored is handed in.
"""

from __future__ import annotations

from typing import Any

from streams.answers.evidence import Evidence, EvidenceKind
from streams.answers.grounds import grounds, marks, orders
from streams.answers.lift import lifts
from streams.answers.model import Verdict, Why
from streams.answers.rules import Rules, span
from streams.answers.said import moment, moment_or_none
from streams.answers.waits import cancelled, loop, replies, retries
from streams.decide.suppression import bars, judge
from streams.decide.turn import waiting
from streams.mail.address import normal_address
from streams.mail.policy import Policy
from streams.mail.standing import NEVER, Standing
from streams.mail.suppression import EVERY_STREAM, Suppression, SuppressionReason
from streams.schemas.plain import iso_time
from streams.state.standings import unpack_standing


def why(address: str, stored: bytes | None, policy: Policy, now: int) -> Why:
    """Return whether we may write to *address* at *now* (ms), and why.

    *stored* is the value of the table `standings` under the address in normal form; None where there is none.
    """
    recipient = normal_address(address)
    if stored is None:
        forget = span(policy.suppression.forget)
        answer = f"Yes, as far as is known: nothing was ever heard of them, or nothing for {forget}. Is it spelt right?"
        return Why(recipient=recipient, asked_at=moment(now), known=False, verdict=Verdict.YES, answer=answer)
    return _known(recipient, unpack_standing(stored), policy, now)


def _known(recipient: str, standing: Standing, policy: Policy, now: int) -> Why:
    """Return the answer about somebody of whom something is remembered."""
    rules = Rules(policy)
    suppression = judge(recipient, standing, policy.suppression, now)
    flag = loop(recipient, standing, policy.loops, rules, now)
    waits = waiting(recipient, standing)
    holding = waits is not None and waits.holding

    def barred(stream: str) -> bool:
        return flag is not None or bars(suppression, stream)

    return Why(
        recipient=recipient,
        written=standing.written,
        asked_at=moment(now),
        known=True,
        verdict=_verdict(suppression),
        answer=_answer(suppression, looping=flag is not None, holding=holding),
        **_suppressed(suppression),
        grounds=tuple(grounds(standing, policy.suppression, rules, now)),
        evidence=_evidence(standing, policy, rules, now),
        loop=flag,
        holding=holding,
        probe_at=None if waits is None else moment_or_none(waits.probe_at),
        retries=tuple(retries(standing, barred, rules)),
        lift=tuple(lifts(recipient, standing, suppression, looping=flag is not None, holding=holding)),
        delivered_at=None if standing.delivered_at == NEVER else moment(standing.delivered_at),
        heard_at=moment(standing.touched_at),
    )


def _suppressed(suppression: Suppression | None) -> dict[str, Any]:
    """Return what the answer says of a suppression."""
    if suppression is None:
        return {}
    return {
        "reason": suppression.reason,
        "scope": suppression.scope,
        "streams": suppression.streams,
        "since": moment(suppression.since),
        "until": moment_or_none(suppression.until),
        "by": suppression.by,
    }


def _verdict(suppression: Suppression | None) -> Verdict:
    if suppression is None:
        return Verdict.YES
    return Verdict.NO if suppression.scope == EVERY_STREAM else Verdict.SOME_STREAMS


def _answer(suppression: Suppression | None, *, looping: bool, holding: bool) -> str:
    """Return the answer in a sentence."""
    more = ", but answers no machine of theirs" if looping else ""
    if suppression is None:
        return f"Yes{more}{'; newer mail waits for a retry, see below' if holding else ''}."
    until = "for good" if suppression.until is None else f"until {_day(suppression.until)}"
    because = REASONS[suppression.reason]
    if suppression.scope == EVERY_STREAM:
        return f"No: {because}. Since {_day(suppression.since)}, {until}."
    return f"Yes, but not {_named(suppression.streams)}: {because}. Since {_day(suppression.since)}, {until}."


REASONS: dict[SuppressionReason, str] = {
    SuppressionReason.UNKNOWN: "for a reason that this version does not know",
    SuppressionReason.HARD_BOUNCE: "their mailbox bounced for good",
    SuppressionReason.COMPLAINT: "they complained",
    SuppressionReason.SUSPECTED_COMPLAINT: "they may have complained",
    SuppressionReason.SOFT_BOUNCES: "their mailbox has bounced again and again",
    SuppressionReason.UNSUBSCRIBED: "they unsubscribed",
    SuppressionReason.SES_LIST: "they are on a list of SES's own",
    SuppressionReason.MANUAL: "an operator said so",
}


def _named(streams: tuple[str, ...]) -> str:
    return f"the stream{'s' if len(streams) > 1 else ''} {', '.join(streams)}"


def _day(at: int) -> str:
    return str(iso_time(at))[:10]


def _evidence(standing: Standing, policy: Policy, rules: Rules, now: int) -> tuple[Evidence, ...]:
    """Return everything that was heard and is remembered, by time."""
    heard = [
        *marks(standing, policy.suppression, rules, now),
        *orders(standing, rules, now),
        *replies(standing, policy.loops, rules, now),
        *cancelled(standing, rules),
        *_for_them(standing, rules),
    ]
    return tuple(sorted(heard, key=lambda one: (one.at, one.kind, one.message_id or "")))


def _for_them(standing: Standing, rules: Rules) -> list[Evidence]:
    """Return what speaks for somebody: the last delivery, and the last time they took a mail out of the spam folder."""
    rows = [
        (standing.delivered_at, EvidenceKind.DELIVERY, "delivery"),
        (standing.forgiven_at, EvidenceKind.NOT_SPAM, "not-spam"),
    ]
    if standing.doubt_cleared_at > standing.forgiven_at:  # every certain one clears doubts too
        rows.append((standing.doubt_cleared_at, EvidenceKind.NOT_SPAM, "perhaps-not-spam"))
    return [
        Evidence(at=moment(at), kind=kind, counts=True, because=rules(name)) for at, kind, name in rows if at != NEVER
    ]
