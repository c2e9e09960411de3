"""May we? Asked for each recipient at the very moment when a mail is about to go, never earlier.

Who must not be written to, whose machine answers ours, who waits for something sent before, which stream is paused:
all of it comes from other stages by tables that every worker has whole. The order of the questions is the order of
what follows: what ends a mail for good comes before what only lets it wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from streams.decide.request import has_answered, left
from streams.dispatch.reading import Mail
from streams.errors import Unusable
from streams.mail.outcome import OutcomeKind
from streams.mail.policy import MINUTE, Policy
from streams.mail.request import Request, Try, Waits
from streams.mail.suppression import EVERY_STREAM, SuppressionReason
from streams.pipeline import Recall
from streams.schemas.codec import Codec

MOST_RECIPIENTS = 50
"""To, Cc and Bcc together (SES developer guide, service quotas)."""
ANSWERED, LOOP, EXPIRED = "auto-replied", "loop", "expires_at"
"""Reasons of outcomes: a machine answered this very request; its owner is flagged for a loop; its time is over."""

_LOOKS_A_SILENCE = 120
_SHORTEST_LOOK = 1_000
_LONGER = 15
"""Looks begin a 120th of a retry's silence apart (a minute in two hours), and come to 15 times that."""

Found = Mapping[str, dict[str, Any]]


class Globals(NamedTuple):
    """Tables of other stages, whole in every worker: key to value as on the topic, None where nothing is."""

    suppressions: Recall
    loops: Recall
    waiting: Recall
    pauses: Recall


class Views(NamedTuple):
    """What the tables say about the recipients and the streams of one chunk."""

    suppressions: Found
    loops: Found
    waiting: Found
    pauses: Found


class End(NamedTuple):
    """A recipient (normal form) who does not get the mail, and why."""

    recipient: str
    kind: OutcomeKind
    reason: str


class Ruling(NamedTuple):
    """What the gate says about one try: who is out, who is held, who may go, and if not now, when to ask again."""

    ends: tuple[End, ...] = ()
    held: tuple[str, ...] = ()
    goes: tuple[str, ...] = ()
    waits: Waits = Waits.NOTHING
    look: int | None = None


class Gate:
    """Asks the tables, once a chunk, and rules over each try."""

    def __init__(self, codec: Codec, tables: Globals, policy: Policy) -> None:
        """Prepare a reader for each table."""
        self._tables = tables
        self._look = max(policy.retry.silence // _LOOKS_A_SILENCE, _SHORTEST_LOOK)
        self._readers = {
            "suppressions": codec.prefix_reader("mail.Suppression", "streams"),
            "loops": codec.prefix_reader("mail.LoopFlag", "until"),
            "waiting": codec.prefix_reader("mail.Waiting", "since"),
            "pauses": codec.prefix_reader("mail.Pause", "by"),
        }

    def views(self, mails: Iterable[Mail]) -> Views:
        """Read what the tables say about *mails*."""
        mails = list(mails)
        people = list(dict.fromkeys(recipient for mail in mails for recipient in mail.recipients))
        answering = list(dict.fromkeys(r for mail in mails if mail.in_reply_to is not None for r in mail.recipients))
        return Views(
            suppressions=self._find("suppressions", people),
            loops=self._find("loops", answering),
            waiting=self._find("waiting", people),
            pauses=self.pauses({mail.stream for mail in mails}),
        )

    def pauses(self, streams: Iterable[str]) -> Found:
        """Read which of *streams* are paused, and whether all are."""
        return self._find("pauses", list(dict.fromkeys((EVERY_STREAM, *streams))))

    def ask(self, mail: Mail, request: Request, one: Try, views: Views, now: int) -> Ruling:
        """Rule over a try whose time has come."""
        people = left(one, mail.recipients)
        if mail.expires_at is not None and mail.expires_at <= now:
            return Ruling(ends=tuple(End(r, OutcomeKind.EXPIRED, EXPIRED) for r in people))
        ends = [end for r in people if (end := self._end(mail, request, r, views, now)) is not None]
        out = {end.recipient for end in ends}
        staying = [r for r in people if r not in out]
        if not staying:
            return Ruling(ends=tuple(ends))
        if mail.not_before is not None and mail.not_before > now:
            return Ruling(tuple(ends), goes=tuple(staying), look=mail.not_before)
        until = _paused_until(mail, views, now)
        if until is not None:
            return Ruling(tuple(ends), (), tuple(staying), Waits.PAUSE, min(until, now + self._look))
        held = () if one.retried else tuple(r for r in staying if r in views.waiting and views.waiting[r]["holding"])
        return Ruling(tuple(ends), held, tuple(r for r in staying if r not in held))

    def next_look(self, since: int, now: int) -> int:
        """Return when to look again at somebody held *since* a time: rarer the longer it takes."""
        return now + max(self._look, min(_LONGER * self._look, (now - since) // 4))

    def _end(self, mail: Mail, request: Request, recipient: str, views: Views, now: int) -> End | None:
        """Return why *recipient* never gets this mail; None where nothing speaks against it."""
        if has_answered(request, recipient):
            return End(recipient, OutcomeKind.LOOPING, ANSWERED)
        if not _is_address(recipient):
            return End(recipient, OutcomeKind.FAILED, "BadAddress")
        reason = _suppressed(views.suppressions.get(recipient), mail.stream, now)
        if reason is not None:
            return End(recipient, OutcomeKind.SUPPRESSED, reason)
        loop = views.loops.get(recipient)
        if mail.in_reply_to is not None and loop is not None and loop["until"] > now:
            return End(recipient, OutcomeKind.LOOPING, LOOP)
        return None

    def _find(self, table: str, keys: list[str]) -> dict[str, dict[str, Any]]:
        """Return what a table says about *keys*; what cannot be read there says the least that is safe."""
        recall: Recall = getattr(self._tables, table)
        values = recall([key.encode() for key in keys])
        return {key: self._read(table, value) for key, value in zip(keys, values, strict=True) if value is not None}

    def _read(self, table: str, value: bytes) -> dict[str, Any]:
        """Return one table's record."""
        try:
            return self._readers[table](value)
        except Unusable:
            return _UNREADABLE[table]


_UNREADABLE: Mapping[str, dict[str, Any]] = {
    # somebody wanted this person left alone, or the stream stopped: not to write is the safe error
    "suppressions": {"reason": SuppressionReason.UNKNOWN, "scope": EVERY_STREAM, "until": None, "streams": []},
    "pauses": {"until": None, "by": "", "since": 0},
    # a hold or a flag that nobody can read would never end
    "loops": {"until": 0},
    "waiting": {"holding": False},
}


def _suppressed(found: Mapping[str, Any] | None, stream: str, now: int) -> str | None:
    """Return why *stream* must not write to somebody; a stream that they left stays left when all else has ended."""
    if found is None:
        return None
    if found["scope"] in (EVERY_STREAM, stream) and (found["until"] is None or found["until"] > now):
        return str(found["reason"])
    return SuppressionReason.UNSUBSCRIBED.value if stream in found["streams"] else None


def _paused_until(mail: Mail, views: Views, now: int) -> int | None:
    """Return until when a mail's stream is paused; None where it is not. A pause without an end may end any time."""
    ends = [views.pauses[name]["until"] for name in (EVERY_STREAM, mail.stream) if name in views.pauses]
    standing = [now + MINUTE if end is None else end for end in ends if end is None or end > now]
    return max(standing, default=None)


def _is_address(recipient: str) -> bool:
    """Tell whether *recipient* (normal form) looks like an address: SES refuses a whole mail for one that does not."""
    local, _, domain = recipient.rpartition("@")
    return bool(local and domain) and recipient.isprintable() and " " not in domain
