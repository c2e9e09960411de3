"""What to look for on the topics to tell the life of one mail, and when enough was found.

What is stored of the mail says near which times its records came, and which facts were heard. Looking itself is
handed in (emit/windows.py), so that nothing here touches a broker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streams.answers.follows import Consequences
from streams.answers.rehearsal import Rehearsal, Rehearsed
from streams.answers.rules import Rules
from streams.mail.address import normal_message_id
from streams.mail.found import Found, Want
from streams.mail.life import Life
from streams.mail.policy import Policy
from streams.schemas.codec import Codec
from streams.state.lives import unpack_life

Enough = Callable[[Sequence[Found]], bool]
Find = Callable[[Want, Enough], list[Found]]
"""Looks for records, and further as long as they are not enough."""

MOST_RECIPIENTS = 8
"""Among the outcomes of so many recipients is looked for what the events themselves do not tell any more."""


def search(  # noqa: PLR0913, PLR0917 - as trace, and who looks
    message_id: str, stored: bytes | None, policy: Policy, now: int, codec: Codec, find: Find
) -> list[Found]:
    """Return the records found of a mail, for `trace`."""
    message_id = normal_message_id(message_id)
    life = None if stored is None else unpack_life(stored)
    key, times = message_id.encode(), _times(life, policy)

    def heard(found: Sequence[Found]) -> Rehearsed:
        return Rehearsal(message_id, codec, policy).run(life, found, now)

    def whole(more: Sequence[Found]) -> bool:
        again = heard([*found, *more]).life
        return life is not None and again is not None and life.seen <= again.seen

    found: list[Found] = []
    found += find(Want("sends", key, key, times[:1]), bool)
    found += find(Want("feedback", key, key, times), whole)
    for recipient in [] if life is None or whole(()) else sorted(life.reached)[:MOST_RECIPIENTS]:
        found += find(Want("outcomes", recipient.encode(), key, times), whole)
    found += find(Want("dead-letters", None, key, times), bool)
    return found + _of_request(heard(found), policy, codec, find)


def _times(life: Life | None, policy: Policy) -> tuple[int, ...]:
    """Return near which times the records came: when a worker first and last heard of the mail, and SES's own times."""
    if life is None:
        return ()
    parked = [one.until - policy.join.park for one in life.parked]
    return (life.born_at, life.touched_at, *sorted({*parked, *(far.at for far in life.reached.values())}))


def _of_request(heard: Rehearsed, policy: Policy, codec: Codec, find: Find) -> list[Found]:
    """Return what was found of the mail's request: itself, and what was due of it."""
    life = heard.life
    send = None if life is None or life.send is None else codec.decode("mail.Send", life.send)
    if life is None or send is None or not send["request_id"]:
        return []
    consequences = Consequences(codec, policy, Rules(policy))
    planned = {
        outcome["recipient"]: follows.retry[1]
        for told in heard.told
        for outcome in told.outcomes
        if (follows := consequences.of(outcome)).retry is not None
    }
    due = sorted(set(planned.values()))
    key, times = send["request_id"].encode(), (send["sent_at"], life.born_at)
    again = [Want("outcomes", who.encode(), key, (at,)) for who, at in sorted(planned.items())[:MOST_RECIPIENTS]]
    return [
        *find(Want("send-requests", key, key, times), bool),
        *find(Want("retries", key, key, (*times, *due)), lambda some: len(some) > len(due)),
        *(one for want in again for one in find(want, bool)),
    ]
