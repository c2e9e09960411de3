"""How a message's life goes on: the join of a send with what SES says of it.

Every pair of a life and a fact has an answer, the same fact twice equals once, and the order does not matter: marks
are a set, the furthest point reached is the greatest of a fixed order, a real Send replaces a stand-in and nothing
replaces a real Send. Feedback that comes before its Send waits for it, and goes out unmatched when it has waited
long enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.decide.verdict import Verdict
from streams.mail.life import Life, Parked, Reached
from streams.mail.outcome import OutcomeKind
from streams.mail.policy import JoinPolicy

RANKS: dict[OutcomeKind, int] = {
    OutcomeKind.DELAYED: 1,  # SES still tries: anything final is further
    OutcomeKind.SOFT_BOUNCED: 2,  # a soft bounce after a delivery changes nothing: the mail is there
    OutcomeKind.AUTO_REPLIED: 3,  # a machine took it; an auto-reply after a delivery changes nothing
    OutcomeKind.DELIVERED: 4,  # the receiving server has accepted it
    OutcomeKind.NOT_SPAM: 5,  # fetched out of the spam folder: certainly delivered
    OutcomeKind.OPENED: 5,  # certainly delivered
    OutcomeKind.CLICKED: 6,  # opened and read
    OutcomeKind.UNSUBSCRIBED: 7,  # read, and enough of it
    OutcomeKind.REJECTED: 8,  # a virus: SES accepted the mail and then did not send it
    OutcomeKind.RENDERING_FAILED: 8,  # never sent
    OutcomeKind.HARD_BOUNCED: 9,  # a later hard bounce overrides a delivery (servers accept first and bounce later)
    OutcomeKind.COMPLAINED: 10,  # nothing a mailbox says outweighs a person's complaint
}
"""How far each outcome is; at equal rank the later time wins."""

MAX_SEEN = 1_000
"""Marks kept per message (8 bytes each): a bot may open one mail for ever, and then an open may count twice."""
MAX_PARKED, MAX_PARKED_BYTES = 256, 512 * 1024
"""What waits for one Send at most: a bot may open a mail, too, whose Send nobody publishes, and the life of a message
must fit into a record of its changelog (4 MiB)."""


MAX_REPORTS = 16
"""Reports by mail wait only where no more than this waits: strangers must not take the room of what SES says."""


class Heard(NamedTuple):
    """What came of a fact: the life after it, and the marks that were new; none new means a duplicate."""

    life: Life
    fresh: tuple[bytes, ...]


def hear(life: Life, marks: Sequence[bytes], now: int) -> Heard:
    """Return the life after an event that bears *marks*, one per recipient, and which of them are new."""
    seen = life.seen
    fresh = tuple(m for m in marks if m not in seen) if seen else tuple(marks)
    if fresh:
        seen = seen.union(fresh)
        if len(seen) > MAX_SEEN:
            seen = frozenset(sorted(seen)[-MAX_SEEN:])
    born_at, _, send, stand_in, _, counted, _, reached, parked = life  # spelt out: this is the busiest place of all
    return Heard(Life(born_at, now, send, stand_in, True, counted, seen, reached, parked), fresh)  # noqa: FBT003 - as above


def has_room(life: Life, record: bytes) -> bool:
    """Return whether *record* may wait for its Send beside what waits already; one always may."""
    parked = life.parked
    if not parked:
        return True
    return len(parked) < MAX_PARKED and sum(len(p.record) for p in parked) + len(record) <= MAX_PARKED_BYTES


def park(life: Life, fresh: tuple[bytes, ...], record: bytes, now: int, policy: JoinPolicy) -> Life:
    """Return the life with *record* waiting for its Send."""
    waiting = Parked(now + policy.park, fresh, record)
    return life._replace(parked=tuple(sorted((*life.parked, waiting))) if life.parked else (waiting,))


def sent(life: Life, record: bytes, now: int, *, stand_in: bool) -> Life:
    """Return the life after its Send has come; SES's own SEND event only stands in until the real one comes."""
    if life.send is not None and (stand_in or not life.stand_in):
        return life._replace(touched_at=now)
    born_at, _, _, _, answered, counted, seen, reached, parked = life
    return Life(born_at, now, record, stand_in, answered, counted, seen, reached, parked)


def release(life: Life) -> tuple[Life, tuple[Parked, ...]]:
    """Return the life with nothing parked, and what was: the Send has come."""
    return life._replace(parked=()), life.parked


def overdue(life: Life, now: int) -> tuple[Life, tuple[Parked, ...]]:
    """Return the life without the feedback that has waited long enough, and that feedback."""
    due = tuple(p for p in life.parked if p.until <= now)
    if not due:
        return life, ()
    return life._replace(parked=tuple(p for p in life.parked if p.until > now)), due


def reach(life: Life, verdicts: Iterable[Verdict], at: int) -> Life:
    """Return the life with each recipient at the furthest point that is known."""
    reached = life.reached
    for verdict in verdicts:
        was = reached.get(verdict.recipient)
        here = Reached(verdict.kind, at)
        if was is None or _further(here, was):
            reached = {**reached, verdict.recipient: here}
    if reached is life.reached:
        return life
    born_at, touched_at, send, stand_in, answered, counted, seen, _, parked = life
    return Life(born_at, touched_at, send, stand_in, answered, counted, seen, reached, parked)


def _further(here: Reached, was: Reached) -> bool:
    """Tell whether *here* is further than *was*; the name breaks a tie, so that order cannot."""
    return (RANKS.get(here.kind, 0), here.at, here.kind) > (RANKS.get(was.kind, 0), was.at, was.kind)


def silent(life: Life, now: int, policy: JoinPolicy) -> bool:
    """Tell whether SES has said nothing about a send for so long that its silence is to be counted."""
    return life.send is not None and not life.answered and not life.counted and now >= life.born_at + policy.unanswered


def forgettable(life: Life, now: int, policy: JoinPolicy) -> bool:
    """Tell whether a life is over; a complaint may still come later, and goes out unmatched."""
    return not life.parked and now >= life.touched_at + policy.forget


def next_look(life: Life, policy: JoinPolicy) -> int:
    """Return when (ms) to look at a life again."""
    due = life.touched_at + policy.forget
    if life.send is not None and not life.answered and not life.counted:
        due = min(due, life.born_at + policy.unanswered)
    if life.parked:
        due = min(due, *(p.until for p in life.parked))
    return due
